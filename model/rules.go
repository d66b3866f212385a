package model

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Rule is one design rule over valid answers and what follows from them.
type Rule struct {
	ID       string
	Severity Severity
	Scope    string // what it is asked of: system | service | entity | field
	Message  string // a format for what a hit says
	Hint     string
	check    func(subject) []hit
}

// subject is what a rule looks at; by the rule's scope, the service, entity and
// field are set and path leads to them.
type subject struct {
	answers   *Answers
	blueprint *Blueprint
	path      string
	service   *ServicePlan
	entity    *EntityPlan
	field     *FieldPlan
	given     *Service // the service as answered
}

// hit is one place where a rule does not hold.
type hit struct {
	path      string // below the subject's
	arguments []any  // of the rule's message
}

// holds makes the result of a rule that can be broken in one place only.
func holds(good bool, path string, arguments ...any) []hit {
	if good {
		return nil
	}
	return []hit{{path, arguments}}
}

// Rules lists the design rules in the order in which they are checked.
func Rules() []Rule { return slices.Clone(designRules) }

// ofPods are the rules about pods and what they hold open, which functions have none of.
var ofPods = map[string]bool{"CON-POOL-BUDGET": true, "CON-REDIS": true, "SCA-HPA-NOT-DB": true, "SCA-NODE-FIT": true}

// findings asks every rule of every subject of its scope. Findings stand in the
// order of the rules, and of the answers within each.
func findings(a Answers, b Blueprint) []Finding {
	subjects := subjectsOf(a, b)
	var all []Finding
	for _, rule := range designRules {
		if b.Functions != nil && ofPods[rule.ID] {
			continue
		}
		for _, subject := range subjects[rule.Scope] {
			for _, hit := range rule.check(subject) {
				all = append(all, Finding{Rule: rule.ID, Severity: rule.Severity, Path: subject.path + hit.path,
					Message: fmt.Sprintf(rule.Message, hit.arguments...), Hint: rule.Hint})
			}
		}
	}
	return all
}

func subjectsOf(a Answers, b Blueprint) map[string][]subject {
	system := subject{answers: &a, blueprint: &b}
	subjects := map[string][]subject{"system": {system}}
	for i := range b.Services {
		of := system
		of.path, of.service, of.given = fmt.Sprintf("services[%d]", i), &b.Services[i], &a.Services[i]
		subjects["service"] = append(subjects["service"], of)
		for j := range of.service.Entities {
			of := of
			of.path, of.entity = fmt.Sprintf("%s.entities[%d]", of.path, j), &of.service.Entities[j]
			subjects["entity"] = append(subjects["entity"], of)
			for k := range of.entity.Fields {
				of := of
				of.path, of.field = fmt.Sprintf("%s.fields[%d]", of.path, k), &of.entity.Fields[k]
				subjects["field"] = append(subjects["field"], of)
			}
		}
	}
	return subjects
}

const (
	maxCallDepth  = 3    // services that one request waits for in a row
	manyEntities  = 12   // above it a service is usually two
	troughShare   = 0.1  // of the average rate, at night
	alertWindow   = 300  // s, the short window of the fastest alert
	pageBurn      = 14.4 // how fast the budget burns when a page goes out
	redisClients  = 10_000
	largeRedisMiB = 16 * 1024
	telemetryPart = 0.3 // of the bill
	largestVCPU   = 64
)

var designRules = []Rule{
	{"REF-CALLGRAPH", SeverityWarning, "system", "services call each other in a circle: %s",
		"let one of them publish an event instead, or merge them: a failure of any one stops them all", checkCycles},
	{"REF-CALLGRAPH", SeverityWarning, "system", "a request waits for %d services in a row: %s",
		"let the deeper ones publish events, or keep a copy of what is needed: delays and failures add up", checkDepth},
	{"REF-OWNERSHIP", SeverityWarning, "field", "%s refers to %s.%s, but %s does not call %s: an id that exists nowhere is stored without notice",
		"add the service to calls, or make the field optional and check it later", checkUnverifiedReference},
	{"REF-CACHE", SeverityWarning, "service", "%s asks for a cache, and datastores.cache is none",
		"choose datastores.cache: redis, or drop cache: true", checkCacheChosen},
	{"REF-CACHE", SeverityInfo, "system", "Redis runs, and no service uses it",
		"set cache: true on the services that are read most, or choose datastores.cache: none", checkCacheUsed},
	{"MSG-LOOP", SeverityWarning, "system", "events cause each other without end: %s",
		"let one of the handlers do nothing for what it caused itself, or drop the event from consumes", checkEventLoops},
	{"MSG-CIRCLE", SeverityInfo, "system", "services wait for each other's events in a circle: %s",
		"fine for a conversation such as order, payment, order; make sure that each handler ends it", checkEventCircles},
	{"MSG-TRIGGER", SeverityInfo, "service", "%s is neither an operation on a record nor a value of %s: rules publish it with publish_%s",
		"call it in a rule, or add the value to an enum field of the entity", checkTriggers},
	{"MSG-UNHEARD", SeverityInfo, "service", "nobody consumes %s",
		"add it to the consumes of a service, or keep it for readers outside of the system", checkHeard},
	{"MSG-REACTION", SeverityInfo, "service", "%s tells %s nothing that a record of it could be made or changed from: its handler only logs it",
		"write the reaction into the handler, or refer to the same records", checkReactions},
	{"MSG-UNUSED", SeverityInfo, "system", "datastores.broker is %s, and no service publishes anything: none is generated",
		"let a service publish an event, or choose datastores.broker: none", checkBrokerUsed},
	{"MSG-CARRIER", SeverityInfo, "system", "datastores.broker is %s, and nothing of it is generated: %s",
		"leave it for the day on which the architecture is microservices again, or choose datastores.broker: none", checkCarrier},
	{"LOAD-CONTRADICTION", SeverityWarning, "system", "peak_rps is %s, but users × requests × peak_factor give %s",
		"peak_rps wins; correct it, or leave one of the others out", checkLoadAgrees},
	{"LOAD-CONTRADICTION", SeverityWarning, "system", "the peak of %s requests/s lies below the average of %s",
		"raise peak_rps, or lower daily_users", checkPeakAboveAverage},
	{"CON-POOL-BUDGET", SeverityError, "system", "%s: at full scale the database refuses connections",
		"lower the load or the number of services, or put a pooler such as PgBouncer in front of the database", checkPoolBudget},
	{"CON-POOL-BUDGET", SeverityInfo, "system", "%s",
		"a pooler such as PgBouncer keeps the server's connections few", checkPoolerAdvised},
	{"CON-REDIS", SeverityError, "system", "%s connections to Redis at full scale, and it takes %s",
		"let fewer services use the cache", checkRedisClients},
	{"SLS-CONC", SeverityWarning, "system", "functions reserve %s invocations at once, and an account allows %s before somebody asks for more",
		"ask AWS for the quota before the first release, or lower the load", checkFunctionQuota},
	{"SLS-APIGW-RATE", SeverityWarning, "system", "%s requests/s at peak leave no headroom below the %s that API Gateway lets through",
		"ask AWS for the quota before the first release, or lower the load", checkThrottle},
	{"SCA-HPA-NOT-DB", SeverityWarning, "system", "the database needs %s vCPU at peak, more than the %s of one server: more pods would only wait for it",
		"cache more reads, or split the load over several systems", checkDatabaseFits},
	{"SCA-ZONE-LOSS", SeverityWarning, "system", "one zone cannot keep a promise of %s %%: a zone is lost for longer than the error budget of %s minutes",
		"use 3 zones, or lower the promise to 99.5", checkZones},
	{"SCA-NODE-FIT", SeverityError, "service", "a pod of %s asks for %s MiB, and a node of %s MiB has %s to give: it would never start",
		"lower latency_p99_ms or peak_rps: a pod holds the requests that are in flight", checkNodeFits},
	{"OBS-SLO-CEILING", SeverityWarning, "system", "%s %% is promised on a database that is available for %s %%",
		"lower availability_slo to that; from 99.9 on the database gets a standby", checkCeiling},
	{"OBS-BURN-POSSIBLE", SeverityWarning, "system", "at %s %% the fastest alert can never fire: not even a full outage burns the budget 14.4 times too fast",
		"promise at least 93.1 %", checkBurnPossible},
	{"OBS-LOW-TRAFFIC", SeverityWarning, "system", "at night one failed request would page: about %s requests in five minutes, at a promise of %s %%",
		"lower availability_slo, or send synthetic requests", checkLowTraffic},
	{"DRX-RPO", SeverityWarning, "system", "at most %s minutes of data may be lost, but without a standby a backup is 5 minutes old",
		"raise rpo_minutes to 5, or availability_slo to 99.9, which brings a standby", checkRecoveryPoint},
	{"RES-CACHE-SIZE", SeverityInfo, "system", "the cache takes %s GiB: more than one Redis process serves well",
		"plan for shards, or cache only in the services that are read most", checkCacheSize},
	{"CST-BUDGET", SeverityInfo, "system", "logs and traces are %s %% of the estimated bill",
		"keep fewer log_days, sample successful requests, or lower trace_sample_percent", checkTelemetryCost},
	{"MOD-EMPTY", SeverityWarning, "service", "%s has no entities: it would serve nothing",
		"add an entity, or drop the service", checkHasEntities},
	{"MOD-SIZE", SeverityInfo, "service", "%s holds %d entities",
		"a service of more than 12 is usually two; split it where few references cross", checkEntityCount},
	{"MOD-IDENTITY", SeverityInfo, "entity", "no field of %s is required or unique: an empty record is valid",
		"mark what a record cannot be without as required", checkIdentity},
	{"MOD-MONEY", SeverityWarning, "field", "%s looks like money and is a float: sums will be off by fractions",
		"use decimal(12,2)", checkMoney},
	{"SEC-LEAK", SeverityInfo, "field", "%s is private and unique: a conflict on create tells that the value is taken",
		"drop unique if the value must stay unknown", checkPrivateUnique},
}

func checkCycles(s subject) []hit {
	var hits []hit
	for _, cycle := range walkGraph(s.blueprint.Services).cycles {
		closing := cycle[len(cycle)-2]
		hits = append(hits, hit{s.callsOf(closing), []any{strings.Join(cycle, " → ")}})
	}
	return hits
}

func checkDepth(s subject) []hit {
	chain := walkGraph(s.blueprint.Services).depth
	if len(chain) == 0 {
		return nil
	}
	depth := len(chain) - 1
	return holds(depth <= maxCallDepth, s.callsOf(chain[0]), depth, strings.Join(chain, " → "))
}

func (s subject) callsOf(service string) string {
	i := slices.IndexFunc(s.answers.Services, func(given Service) bool { return given.Name == service })
	return fmt.Sprintf("services[%d].calls", i)
}

// checkEventLoops follows each event to those that its consumers' default reactions publish.
func checkEventLoops(s subject) []hit {
	causes := map[string][]string{}
	var names []string
	for _, service := range s.blueprint.Services {
		for _, e := range service.Publishes {
			names = append(names, e.Name)
			for _, cause := range service.causes(e) {
				causes[cause] = append(causes[cause], e.Name)
			}
		}
	}
	return circlesOf(names, causes, s.publishesOf)
}

// checkEventCircles looks at who waits for whose events.
func checkEventCircles(s subject) []hit {
	next := map[string][]string{}
	var names []string
	for _, service := range s.blueprint.Services {
		names = append(names, service.Name)
		for _, e := range service.Consumes {
			next[e.Publisher] = append(next[e.Publisher], service.Name)
		}
	}
	for name := range next {
		next[name] = sortedSet(next[name])
	}
	return circlesOf(names, next, func(service string) string {
		i := slices.IndexFunc(s.answers.Services, func(given Service) bool { return given.Name == service })
		return fmt.Sprintf("services[%d].publishes", i)
	})
}

func circlesOf(names []string, next map[string][]string, path func(string) string) []hit {
	nodes := make([]ServicePlan, len(names))
	for i, name := range names {
		nodes[i] = ServicePlan{Name: name, Calls: next[name]}
	}
	var hits []hit
	for _, cycle := range walkGraph(nodes).cycles {
		hits = append(hits, hit{path(cycle[len(cycle)-2]), []any{strings.Join(cycle, " → ")}})
	}
	return hits
}

func (s subject) publishesOf(event string) string {
	for i, service := range s.answers.Services {
		if j := slices.Index(service.Publishes, event); j >= 0 {
			return fmt.Sprintf("services[%d].publishes[%d]", i, j)
		}
	}
	publisher, _ := s.blueprint.published(event)
	i := slices.IndexFunc(s.answers.Services, func(given Service) bool { return given.Name == publisher.Name })
	return fmt.Sprintf("services[%d].cqrs", i)
}

func checkTriggers(s subject) []hit {
	var hits []hit
	for j, e := range s.service.Publishes {
		if e.Trigger == TriggerRules {
			hits = append(hits, hit{fmt.Sprintf(".publishes[%d]", j), []any{e.Name, e.Entity, e.Module}})
		}
	}
	return hits
}

func checkHeard(s subject) []hit {
	var hits []hit
	for j, e := range s.service.Publishes {
		if len(e.Consumers) == 0 {
			hits = append(hits, hit{fmt.Sprintf(".publishes[%d]", j), []any{e.Name}})
		}
	}
	return hits
}

func checkReactions(s subject) []hit {
	var hits []hit
	for j, e := range s.service.Consumes {
		if e.Reaction.Kind == ReactLog {
			hits = append(hits, hit{fmt.Sprintf(".consumes[%d]", j), []any{e.Name, s.service.Name}})
		}
	}
	return hits
}

func checkBrokerUsed(s subject) []hit {
	broker := s.answers.Datastores.Broker
	return holds(s.blueprint.Broker != nil || broker == "" || broker == "none", "datastores.broker", broker)
}

// insteadOfBroker says what carries events where the architecture brings it along.
var insteadOfBroker = map[Architecture]string{
	Monolith:   "events stay in the process, in tables of its database",
	Serverless: "events travel by EventBridge and SQS",
}

func checkCarrier(s subject) []hit {
	broker, instead := s.answers.Datastores.Broker, insteadOfBroker[s.blueprint.System.Architecture]
	return holds(instead == "" || s.blueprint.Broker == nil || broker == "" || broker == "none", "datastores.broker", broker, instead)
}

func checkUnverifiedReference(s subject) []hit {
	owner := s.field.Type.Service
	foreign := s.field.Type.Kind == KindRef && owner != "" && owner != s.service.Name
	verified := !foreign || !s.field.Required || slices.Contains(s.service.Calls, owner)
	return holds(verified, "", s.field.Name, owner, s.field.Type.Entity, s.service.Name, owner)
}

func checkCacheChosen(s subject) []hit {
	return holds(!s.given.Cache || s.service.Cached, ".cache", s.service.Name)
}

func checkCacheUsed(s subject) []hit {
	used := slices.ContainsFunc(s.blueprint.Services, func(service ServicePlan) bool { return service.UsesRedis })
	return holds(used || s.blueprint.Cache == nil, "datastores.cache")
}

func checkLoadAgrees(s subject) []hit {
	given, load := s.answers.Load, s.blueprint.Load
	if given.PeakRPS == nil || given.PeakFactor == nil || given.DailyUsers == nil {
		return nil
	}
	product := load.AverageRPS.Value * load.PeakFactor.Value
	return holds(math.Abs(product-load.PeakRPS.Value) <= 0.1*load.PeakRPS.Value, "load.peak_rps", short(load.PeakRPS.Value), short(product))
}

func checkPeakAboveAverage(s subject) []hit {
	load := s.blueprint.Load
	return holds(load.PeakRPS.Value >= load.AverageRPS.Value, "load.peak_rps", short(load.PeakRPS.Value), short(load.AverageRPS.Value))
}

func checkPoolBudget(s subject) []hit {
	return holds(!s.blueprint.Database.PoolerRequired, "load", s.blueprint.Database.PoolerReason)
}

func checkPoolerAdvised(s subject) []hit {
	d := s.blueprint.Database
	return holds(d.PoolerRequired || d.PoolerReason == "", "services", d.PoolerReason)
}

func checkRedisClients(s subject) []hit {
	if s.blueprint.Cache == nil {
		return nil
	}
	clients := s.blueprint.Cache.Clients.Value
	return holds(clients <= redisClients, "datastores.cache", short(clients), short(redisClients))
}

func checkFunctionQuota(s subject) []hit {
	if s.blueprint.Functions == nil {
		return nil
	}
	quota := s.blueprint.Functions.AccountQuota.Value
	return holds(quota <= accountConcurrency.Value, "load.peak_rps", short(quota), short(accountConcurrency.Value))
}

func checkThrottle(s subject) []hit {
	peak := s.blueprint.Load.PeakRPS.Value
	return holds(s.blueprint.Functions == nil || throttleHeadroom.Value*peak <= accountRPS.Value, "load.peak_rps", short(peak), short(accountRPS.Value))
}

func checkDatabaseFits(s subject) []hit {
	d := s.blueprint.Database
	need := (d.ReadQPS.Value*dbCPURead.Value + d.WriteQPS.Value*dbCPUWrite.Value) / 1000 / dbUtilisation.Value
	return holds(need <= largestVCPU, "load.peak_rps", short(math.Ceil(need)), short(largestVCPU))
}

func checkZones(s subject) []hit {
	load := s.blueprint.Load
	return holds(load.Zones.Value > 1 || load.AvailabilitySLO.Value < 99.9, "load.zones", short(load.AvailabilitySLO.Value), short(load.ErrorBudgetMinutes.Value))
}

func checkNodeFits(s subject) []hit {
	needed := s.service.Sizing.Memory.Value + s.blueprint.Cluster.Sidecar.Memory.Value
	given := math.Floor(nodeMemory.Value * nodeUse.Value)
	return holds(needed <= given, ".name", s.service.Name, short(needed), short(nodeMemory.Value), short(given))
}

// checkCeiling compares the promise with what managed databases promise
// themselves: 99.95 % with a standby in another zone, 99.5 % without.
func checkCeiling(s subject) []hit {
	ceiling := 99.5
	if s.blueprint.Database.Standbys.Value > 0 {
		ceiling = 99.95
	}
	slo := s.blueprint.Load.AvailabilitySLO.Value
	return holds(slo <= ceiling, "load.availability_slo", short(slo), short(ceiling))
}

func checkBurnPossible(s subject) []hit {
	slo := s.blueprint.Load.AvailabilitySLO.Value
	return holds(pageBurn*(1-slo/100) < 1, "load.availability_slo", short(slo))
}

// checkLowTraffic wants at least three failures before a page goes out.
func checkLowTraffic(s subject) []hit {
	load := s.blueprint.Load
	requests := load.AverageRPS.Value * troughShare * alertWindow
	failures := requests * pageBurn * (1 - load.AvailabilitySLO.Value/100)
	return holds(failures >= 3, "load.availability_slo", short(requests), short(load.AvailabilitySLO.Value))
}

func checkRecoveryPoint(s subject) []hit {
	rpo := s.blueprint.Load.RPOMinutes.Value
	return holds(rpo >= 5 || s.blueprint.Database.Standbys.Value > 0, "load.rpo_minutes", short(rpo))
}

func checkCacheSize(s subject) []hit {
	if s.blueprint.Cache == nil {
		return nil
	}
	size := s.blueprint.Cache.MemoryMiB.Value
	return holds(size <= largeRedisMiB, "datastores.cache", short(math.Round(size/1024)))
}

func checkTelemetryCost(s subject) []hit {
	var total, telemetry float64
	for _, line := range s.blueprint.Cost {
		total += line.Expected.Value
		if line.Item == "Logs" || line.Item == "Traces" {
			telemetry += line.Expected.Value
		}
	}
	return holds(telemetry <= telemetryPart*total, "load.log_days", short(math.Round(100*telemetry/total)))
}

func checkHasEntities(s subject) []hit {
	return holds(len(s.service.Entities) > 0, ".entities", s.service.Name)
}

func checkEntityCount(s subject) []hit {
	return holds(len(s.service.Entities) <= manyEntities, ".entities", s.service.Name, len(s.service.Entities))
}

func checkIdentity(s subject) []hit {
	known := slices.ContainsFunc(s.entity.Fields, func(f FieldPlan) bool { return f.Required || f.Unique })
	return holds(known, ".fields", s.entity.Name)
}

var moneyWords = setOf("amount", "balance", "budget", "cost", "deposit", "discount", "fee", "fine", "income", "payment", "price",
	"refund", "rent", "revenue", "salary", "subtotal", "tax", "total", "wage")

func checkMoney(s subject) []hit {
	parts := words(s.field.Name)
	money := len(parts) > 0 && moneyWords[parts[len(parts)-1]]
	return holds(!money || s.field.Type.Kind != KindFloat, "", s.field.Name)
}

func checkPrivateUnique(s subject) []hit {
	return holds(!s.field.Private || !s.field.Unique, "", s.field.Name)
}

// short prints a number for a sentence: at most two digits after the point.
func short(x float64) string {
	text := fmt.Sprintf("%.2f", x)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}
