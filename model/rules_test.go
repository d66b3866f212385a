package model

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// cleanDesign breaks no rule; each case of the table breaks one.
func cleanDesign() Answers {
	return Answers{Version: 1, Name: "shop", Architecture: Microservices, Scale: Small,
		Datastores: Datastores{Database: "postgresql", Cache: "redis", Broker: "none"},
		Services: []Service{
			{Name: "catalog", Cache: true, Entities: []Entity{{Name: "product", Fields: []Field{mustField("sku: string(32) required unique")}}}},
			{Name: "order", Calls: []string{"catalog"}, Entities: []Entity{{Name: "order", Fields: []Field{mustField("product: ref(catalog.product) required")}}}},
		}}
}

func mustField(line string) Field {
	field, err := ParseField(line)
	if err != nil {
		panic(err)
	}
	return field
}

func setFields(lines ...string) func(*Answers) {
	return func(a *Answers) {
		a.Services[0].Entities[0].Fields = nil
		for _, line := range lines {
			a.Services[0].Entities[0].Fields = append(a.Services[0].Entities[0].Fields, mustField(line))
		}
	}
}

func addServices(count int, entities int) func(*Answers) {
	return func(a *Answers) {
		for i := range count {
			service := Service{Name: fmt.Sprintf("extra-%d", i)}
			for j := range entities {
				service.Entities = append(service.Entities, Entity{Name: fmt.Sprintf("thing_%d", j), Fields: []Field{mustField("n: int required")}})
			}
			a.Services = append(a.Services, service)
		}
	}
}

// conversation lets two services answer each other: an order pays, a payment tells.
func conversation(placed, captured, state string) func(*Answers) {
	return func(a *Answers) {
		a.Datastores.Broker = "nats"
		order, payment := &a.Services[1], Service{Name: "payment", Entities: []Entity{{Name: "payment", Fields: []Field{mustField("order: ref(order.order) required")}}}}
		order.Entities[0].Fields = append(order.Entities[0].Fields, mustField(state))
		order.Publishes, order.Consumes = []string{placed}, []string{captured}
		payment.Calls, payment.Publishes, payment.Consumes = []string{"order"}, []string{captured}, []string{placed}
		a.Services = append(a.Services, payment)
	}
}

var ruleCases = []struct {
	rule     string
	severity Severity
	change   func(*Answers)
	path     string
	says     string
}{
	{"REF-CALLGRAPH", SeverityWarning, func(a *Answers) { a.Services[0].Calls = []string{"order"} }, "services[1].calls", "catalog → order → catalog"},
	{"REF-CALLGRAPH", SeverityWarning, func(a *Answers) {
		addServices(4, 1)(a)
		a.Services[0].Calls = []string{"extra-0"}
		for i := range 2 {
			a.Services[2+i].Calls = []string{fmt.Sprintf("extra-%d", i+1)}
		}
	}, "services[1].calls", "waits for 4 services in a row: order → catalog → extra-0 → extra-1 → extra-2"},
	{"REF-OWNERSHIP", SeverityWarning, func(a *Answers) { a.Services[1].Calls = nil }, "services[1].entities[0].fields[0]", "order does not call catalog"},
	{"REF-CACHE", SeverityWarning, func(a *Answers) { a.Datastores.Cache = "none" }, "services[0].cache", "catalog asks for a cache"},
	{"REF-CACHE", SeverityInfo, func(a *Answers) { a.Services[0].Cache = false }, "datastores.cache", "no service uses it"},
	{"MSG-LOOP", SeverityWarning, func(a *Answers) {
		conversation("order.updated", "payment.updated", "status: enum(open, updated, paid) default(open)")(a)
		a.Services[1].Publishes, a.Services[2].Consumes = []string{"order.changed"}, []string{"order.changed"}
		a.Services[1].Entities[0].Fields = append(a.Services[1].Entities[0].Fields, mustField("payment: ref(payment.payment)"))
		a.Services[2].Entities[0].Fields = append(a.Services[2].Entities[0].Fields, mustField("state: enum(new, changed) default(new)"))
	}, "services[2].publishes[0]", "order.changed → payment.updated → order.changed"},
	{"MSG-CIRCLE", SeverityInfo, conversation("order.placed", "payment.captured", "status: enum(open, paid) default(open)"), "services[2].publishes", "order → payment → order"},
	{"MSG-TRIGGER", SeverityInfo, conversation("order.placed", "payment.captured", "status: enum(open, paid) default(open)"), "services[2].publishes[0]",
		"payment.captured is neither an operation on a record nor a value of payment: rules publish it with publish_payment_captured"},
	{"MSG-UNHEARD", SeverityInfo, func(a *Answers) { a.Datastores.Broker, a.Services[1].Publishes = "kafka", []string{"order.placed"} },
		"services[1].publishes[0]", "nobody consumes order.placed"},
	{"MSG-REACTION", SeverityInfo, conversation("order.placed", "payment.captured", "status: enum(open, closed) default(open)"), "services[1].consumes[0]",
		"payment.captured tells order nothing"},
	{"MSG-UNUSED", SeverityInfo, func(a *Answers) { a.Datastores.Broker = "rabbitmq" }, "datastores.broker", "datastores.broker is rabbitmq"},
	{"MSG-CARRIER", SeverityInfo, func(a *Answers) {
		a.Architecture, a.Datastores.Broker, a.Services[1].Publishes = Monolith, "kafka", []string{"order.placed"}
	}, "datastores.broker", "events stay in the process"},
	{"LOAD-CONTRADICTION", SeverityWarning, func(a *Answers) {
		a.Load = Load{PeakRPS: ptr(600.0), PeakFactor: ptr(2.0), DailyUsers: ptr(43200.0)}
	}, "load.peak_rps", "peak_rps is 600, but users × requests × peak_factor give 200"},
	{"LOAD-CONTRADICTION", SeverityWarning, func(a *Answers) { a.Load = Load{PeakRPS: ptr(60.0), DailyUsers: ptr(43200.0)} },
		"load.peak_rps", "peak of 60 requests/s lies below the average of 100"},
	{"CON-POOL-BUDGET", SeverityError, func(a *Answers) { a.Scale = Large; addServices(250, 1)(a) }, "load", "the database refuses connections"},
	{"CON-POOL-BUDGET", SeverityInfo, addServices(30, 1), "services", "a pooler would help"},
	{"CON-REDIS", SeverityError, func(a *Answers) {
		addServices(600, 1)(a)
		for i := range a.Services {
			a.Services[i].Cache = true
		}
	}, "datastores.cache", "connections to Redis"},
	{"SCA-NODE-FIT", SeverityError, func(a *Answers) {
		a.Load = Load{LatencyP99Millis: ptr(60_000.0), PeakRPS: ptr(20_000.0), PeakFactor: ptr(100.0)}
	},
		"services[0].name", "a pod of catalog asks for"},
	{"SLS-CONC", SeverityWarning, func(a *Answers) { a.Architecture, a.Load.PeakRPS = Serverless, ptr(4000.0) }, "load.peak_rps", "an account allows 1000"},
	{"SLS-APIGW-RATE", SeverityWarning, func(a *Answers) { a.Architecture, a.Load.PeakRPS = Serverless, ptr(9000.0) }, "load.peak_rps", "API Gateway lets through"},
	{"SCA-HPA-NOT-DB", SeverityWarning, func(a *Answers) { a.Load.PeakRPS = ptr(60_000.0) }, "load.peak_rps", "more than the 64 of one server"},
	{"SCA-ZONE-LOSS", SeverityWarning, func(a *Answers) { a.Load.Zones, a.Load.AvailabilitySLO = ptr(1), ptr(99.9) }, "load.zones", "43.2 minutes"},
	{"OBS-SLO-CEILING", SeverityWarning, func(a *Answers) { a.Load.AvailabilitySLO = ptr(99.99) }, "load.availability_slo", "99.99 % is promised on a database that is available for 99.95 %"},
	{"OBS-SLO-CEILING", SeverityWarning, func(a *Answers) { a.Load.AvailabilitySLO = ptr(99.8) }, "load.availability_slo", "for 99.5 %"},
	{"OBS-BURN-POSSIBLE", SeverityWarning, func(a *Answers) { a.Load.AvailabilitySLO = ptr(93.0) }, "load.availability_slo", "can never fire"},
	{"OBS-LOW-TRAFFIC", SeverityWarning, func(a *Answers) { a.Load.DailyUsers = ptr(10.0) }, "load.availability_slo", "one failed request would page"},
	{"DRX-RPO", SeverityWarning, func(a *Answers) { a.Load.RPOMinutes = ptr(1.0) }, "load.rpo_minutes", "at most 1 minutes"},
	{"RES-CACHE-SIZE", SeverityInfo, func(a *Answers) { a.Scale = Large }, "datastores.cache", "27 GiB"},
	{"CST-BUDGET", SeverityInfo, func(a *Answers) { a.Scale = Large }, "load.log_days", "of the estimated bill"},
	{"MOD-EMPTY", SeverityWarning, addServices(1, 0), "services[2].entities", "extra-0 has no entities"},
	{"MOD-SIZE", SeverityInfo, addServices(1, 13), "services[2].entities", "extra-0 holds 13 entities"},
	{"MOD-IDENTITY", SeverityInfo, setFields("note: text"), "services[0].entities[0].fields", "an empty record is valid"},
	{"MOD-MONEY", SeverityWarning, setFields("sku: string(3) required", "unit_price: float"), "services[0].entities[0].fields[1]", "unit_price looks like money"},
	{"SEC-LEAK", SeverityInfo, setFields("tax_id: string(20) required unique private"), "services[0].entities[0].fields[0]", "tax_id is private and unique"},
}

func TestCleanDesignHasNoFindings(t *testing.T) {
	if found := Resolve(cleanDesign()).Findings; len(found) > 0 {
		t.Errorf("findings of a clean design: %+v", found)
	}
}

func TestRules(t *testing.T) {
	for _, c := range ruleCases {
		a := cleanDesign()
		c.change(&a)
		matches := func(f Finding) bool {
			return f.Rule == c.rule && f.Severity == c.severity && f.Path == c.path && strings.Contains(f.Message, c.says)
		}
		if found := Resolve(a).Findings; !slices.ContainsFunc(found, matches) {
			t.Errorf("%s at %s, %q: got %+v", c.rule, c.path, c.says, found)
		}
	}
}

func TestEveryRuleIsTestedAndSaysHowToMend(t *testing.T) {
	for _, rule := range Rules() {
		tested := 0
		for _, c := range ruleCases {
			if c.rule == rule.ID && c.severity == rule.Severity {
				tested++
			}
		}
		if tested == 0 || rule.Hint == "" {
			t.Errorf("rule %s (%s): %d cases, hint %q", rule.ID, rule.Severity, tested, rule.Hint)
		}
	}
}

// A path that Check or the wizard cannot find is of no use to anybody.
func TestFindingsPointAtAnswers(t *testing.T) {
	known := []string{"services", "load", "load.", "datastores.", "services["}
	for _, c := range ruleCases {
		a := cleanDesign()
		c.change(&a)
		for _, f := range Resolve(a).Findings {
			if !slices.ContainsFunc(known, func(prefix string) bool { return strings.HasPrefix(f.Path, prefix) }) {
				t.Errorf("%s points at %q", f.Rule, f.Path)
			}
			if strings.Contains(f.Message, "%!") {
				t.Errorf("%s says %q", f.Rule, f.Message)
			}
		}
	}
}
