package model

// FunctionPlan is one function of AWS Lambda: the API of a service, or what it
// does about events, or its migrations. All of a service share an image.
type FunctionPlan struct {
	Service     string
	Role        string   // api | worker | relay | migrate
	Memory      Quantity // MiB; the share of a CPU follows it
	Timeout     Quantity // s
	Concurrency Quantity // invocations at once, at peak
	Reserved    Quantity // most invocations at once
	Provisioned Quantity // environments that are always warm; only the API has any
	PoolSize    Quantity // connections to the database, per environment
}

// Instance names the function within the system: order, order-worker.
func (f FunctionPlan) Instance() string {
	if f.Role == APIFunction {
		return f.Service
	}
	return f.Service + "-" + f.Role
}

// The functions of a service.
const (
	APIFunction     = "api"
	WorkerFunction  = "worker"
	RelayFunction   = "relay"
	MigrateFunction = "migrate"
)

// QueuePlan is what Lambda reads for one worker.
type QueuePlan struct {
	Service    string
	BatchSize  Quantity // messages
	Readers    Quantity // batches at once, of each consumer
	Visibility Quantity // s for which a message stays with the function that has it
}

// FunctionsPlan is what a serverless system runs on.
type FunctionsPlan struct {
	Functions       []FunctionPlan
	Queues          []QueuePlan
	AccountQuota    Quantity // invocations at once that the account has to allow
	ThrottleRPS     Quantity // that the API lets through
	ThrottleBurst   Quantity // requests
	IntegrationTime Quantity // ms after which the API gives up a function
	ErrorShare      Quantity // of requests, from which somebody is called
	EventsLate      Quantity // s, the age of an event from which somebody has to look
	ProxyPool       Quantity // connections that the proxy needs to the database
	MaxConnections  Quantity
	ProxyShare      Quantity // percent of them that the proxy may open
	MinCapacity     Quantity // ACU
	MaxCapacity     Quantity // ACU
	IdleCapacity    Quantity // ACU, the least where nobody waits: outside of production
}

// AccountConcurrency is how many invocations at once the account has to allow: as
// many as it does unasked, or what the system needs if that is more.
func (p FunctionsPlan) AccountConcurrency() int {
	return max(int(accountConcurrency.Value), p.AccountQuota.Int())
}

// What Lambda, API Gateway, SQS and Aurora are bound by.
var (
	functionStart      = Constant{"function_start", 1500, "ms", "measured: docs/benchmarks.md; measure your own in the log of Lambda"}
	functionMiB        = Constant{"function_memory", 1024, "MiB", "judgement: 0.58 of a CPU; with less, a cold start takes seconds"}
	taskMiB            = Constant{"task_function_memory", 512, "MiB", sourceJudgement}
	reserveFactor      = Constant{"reserve_factor", 2, "", "judgement: twice the peak before requests are refused"}
	integrationCap     = Constant{"integration_cap", 30_000, "ms", "Amazon API Gateway: the longest wait of an HTTP API"}
	functionFloor      = Constant{"function_floor", 3, "s", sourceJudgement}
	functionPool       = Constant{"function_pool", 2, "connections", "one request at a time, and the look at the database beside it"}
	migrationPool      = Constant{"migration_pool", 1, "connections", "the kit: a migration has one session"}
	throttleHeadroom   = Constant{"throttle_headroom", 1.5, "", "judgement: less than what is reserved, so that the API refuses first"}
	accountRPS         = Constant{"account_rps", 10_000, "rps", "Amazon API Gateway: quota of an account and region"}
	accountBurst       = Constant{"account_burst", 5000, "requests", "Amazon API Gateway: quota of an account and region"}
	unreserved         = Constant{"unreserved", 100, "", "AWS Lambda: what always stays free for other functions"}
	accountConcurrency = Constant{"account_concurrency", 1000, "", "AWS Lambda: quota of an account and region"}
	visibilityFactor   = Constant{"visibility_factor", 6, "", "AWS Lambda: six time-outs, so that a throttled batch is not delivered twice"}
	batchMessages      = Constant{"batch_size", 10, "messages", "AWS Lambda: more need a window, and so a delay"}
	leastReaders       = Constant{"least_readers", 2, "", "AWS Lambda: least maximum of an event source mapping"}
	answerSeconds      = Constant{"answer_time", 1, "s", "the kit's own margin before a batch is ended by force"}
	relayPeriod        = Constant{"relay_period", 60, "s", "Amazon EventBridge Scheduler: the shortest rate"}
	relayStop          = Constant{"relay_stop", 5, "s", "the kit's own margin to finish a batch and to free the lock"}
	longestFunction    = Constant{"longest_function", 900, "s", "AWS Lambda: the longest time-out"}
	oneAtATime         = Constant{"one_at_a_time", 1, "", "a lock holds any other back"}
	twoRelays          = Constant{"two_relays", 2, "", "the next one waits while the one before stops"}
	idleACU            = Constant{"idle_capacity", 0.5, "ACU", "Amazon Aurora: the least that does not pause"}
	pageBurnRate       = Constant{"page_burn", pageBurn, "", "Google SRE Workbook: how fast the budget burns when a page goes out"}
	acuGiB             = Constant{"acu_gib", 2, "GiB", "Amazon Aurora: memory of a capacity unit"}
	acuCPU             = Constant{"acu_vcpu", 0.25, "vCPU", "judgement: what goes with 2 GiB in the classes of fixed size"}
	proxyShare         = Constant{"proxy_share", 80, "%", "judgement: the rest is for relays, migrations and people"}
)

var (
	functionConcurrency = derive("", "ceil(service_rps * latency_p99_ms / 2 / 1000)", sourceLittle+", with a mean of half the p99", "SLS-CONC")
	reservedAPI         = derive("", "max(least_readers, ceil(reserve_factor * concurrency))", "the peak, and what nobody foresaw", "SLS-CONC")
	provisionedAPI      = derive("", "(function_start >= latency_p99_ms) * ceil(average_rps * latency_p99_ms / 2 / 1000)",
		"a cold start breaks the promise, so the average load finds warm environments", "SLS-PROVISIONED")
	apiTimeout = derive("s", "min(0.9 * integration_cap / 1000, max(function_floor, ceil(3 * latency_p99_ms / 1000)))",
		"the service answers by its own deadline; this is for one that does not", "TMO-CHAIN")
	integrationTimeout = derive("ms", "min(integration_cap, ceil(chain_step * 1000 * timeout))", "outermost last", "TMO-CHAIN")
	workerTimeout      = derive("s", "ceil(consumer_timeout / 1000 * ceil(batch_size / pool_size)) + answer_time",
		"every event of a batch takes as long as it may", "TMO-CHAIN")
	workerConcurrency = derive("", "ceil(catch_up * event_rate * event_time / 1000 / pool_size)", sourceLittle, "MSG-LAG")
	reservedWorker    = derive("", "consumers * max(least_readers, ceil(concurrency / consumers))", "each consumer of the service has its part", "SLS-CONC")
	readers           = derive("", "reserved / consumers", "no more than are reserved: throttled messages end among the dead letters", "MSG-SQS-RECEIVE")
	errorShare        = derive("", "page_burn * (1 - availability_slo / 100)", "the burn rate that calls somebody")
	eventsLate        = derive("s", "relay_period + consumer_delay", "a relay that stopped is started within its period")
	visibility        = derive("s", "visibility_factor * timeout", "AWS Lambda: with SQS, and no window", "MSG-SQS-VIS")
	relayTimeout      = derive("s", "relay_period + relay_stop", "until the next one has begun")
	throttle          = derive("rps", "min(account_rps, ceil(throttle_headroom * peak_rps))", "429 from the API instead of an error from Lambda", "SLS-APIGW-RATE")
	burst             = derive("requests", "min(account_burst, max(10, 2 * throttle))", "a second's surprise", "SLS-APIGW-RATE")
	accountQuota      = derive("", "reserved + unreserved", "what is reserved, and what has to stay free", "SLS-CONC")
	proxyPool         = derive("connections", "max(10, ceil(pool_factor * busy))", sourceLittle+": what is busy at peak", "CON-POOL-LITTLE")
	busyConnections   = derive("connections", "service_rps * db_hold / 1000", sourceLittle)
	auroraConnections = derive("connections", "min(connection_cap, ceilto(max(100 * proxy_pool / proxy_share, 100 * (direct + ops_connections + superuser_reserved) / (100 - proxy_share)), 10))",
		"the proxy's share holds its pool, the rest everybody who passes it by", "CON-POOL-BUDGET")
	mostCapacity = derive("ACU", "rung(max((read_qps * db_cpu_read + write_qps * db_cpu_write) / 1000 / db_utilisation / acu_vcpu, "+
		"data_gib * hot_share * hot_in_memory / acu_gib, max_connections / connections_per_gib / acu_gib), 2, 4, 8, 16, 32, 64, 128, 256)",
		"the processor, the memory for hot data and the connections, whichever asks for most", "CON-DB-MEMORY")
	leastCapacity = derive("ACU", "max(1, max_capacity / 8)", "judgement: near enough to grow within a minute, and never asleep")
)

// resolveFunctions sizes the functions of a serverless system; nil for any other.
func resolveFunctions(b Blueprint) *FunctionsPlan {
	if b.System.Architecture != Serverless {
		return nil
	}
	plan := FunctionsPlan{ProxyShare: constantQuantity(proxyShare, "CON-POOL-BUDGET")}
	var reserved, busy []Input
	direct := Input{Name: "direct"}
	for _, s := range b.Services {
		for _, f := range functionsOf(b, s) {
			plan.Functions = append(plan.Functions, f)
			reserved = append(reserved, f.Reserved.named(inputName(f.Instance())))
			if f.Role == RelayFunction || f.Role == MigrateFunction {
				direct.Value += f.Reserved.Value * f.PoolSize.Value
			}
			if f.Role == WorkerFunction {
				plan.Queues = append(plan.Queues, queueOf(s, f))
			}
		}
		busy = append(busy, busyConnections.of(s.Sizing.RPS.named("service_rps"), s.Sizing.DBHold.named("db_hold")).named(inputName(s.Name)))
	}
	plan.AccountQuota = accountQuota.of(sumOf("", "of all functions", reserved, "SLS-CONC").named("reserved"), unreserved.input())
	plan.ThrottleRPS = throttle.of(accountRPS.input(), throttleHeadroom.input(), b.Load.PeakRPS.named("peak_rps"))
	plan.ThrottleBurst = burst.of(accountBurst.input(), plan.ThrottleRPS.named("throttle"))
	plan.IntegrationTime = integrationTimeout.of(integrationCap.input(), chainStep.input(), timeoutOfAPI(b).named("timeout"))
	plan.ProxyPool = proxyPool.of(poolFactor.input(), sumOf("connections", "of all services", busy).named("busy"))
	plan.MaxConnections = auroraConnections.of(connectionCap.input(), plan.ProxyPool.named("proxy_pool"), proxyShare.input(), direct, opsConnections.input(),
		superuserReserved.input())
	plan.MaxCapacity = mostCapacity.of(b.Database.ReadQPS.named("read_qps"), dbCPURead.input(), b.Database.WriteQPS.named("write_qps"), dbCPUWrite.input(),
		dbUtilisation.input(), acuCPU.input(), b.Load.DataGiB.named("data_gib"), hotShare.input(), hotInMemory.input(), acuGiB.input(),
		plan.MaxConnections.named("max_connections"), connectionsPerGiB.input())
	plan.ErrorShare = errorShare.of(pageBurnRate.input(), b.Load.AvailabilitySLO.named("availability_slo"))
	plan.EventsLate = eventsLate.of(relayPeriod.input(), consumerDelay.input())
	plan.IdleCapacity = constantQuantity(idleACU, "CST-IDLE")
	plan.MinCapacity = leastCapacity.of(plan.MaxCapacity.named("max_capacity"))
	return &plan
}

func timeoutOfAPI(b Blueprint) Quantity {
	return apiTimeout.of(integrationCap.input(), functionFloor.input(), b.Load.LatencyP99.named("latency_p99_ms"))
}

// functionsOf lists the functions of a service: requests, events in, events out, migrations.
func functionsOf(b Blueprint, s ServicePlan) []FunctionPlan {
	latency := b.Load.LatencyP99.named("latency_p99_ms")
	api := FunctionPlan{Service: s.Name, Role: APIFunction, Memory: constantQuantity(functionMiB, "SLS-MEM"), PoolSize: constantQuantity(functionPool), Timeout: timeoutOfAPI(b)}
	api.Concurrency = functionConcurrency.of(s.Sizing.RPS.named("service_rps"), latency)
	api.Reserved = reservedAPI.of(leastReaders.input(), reserveFactor.input(), api.Concurrency.named("concurrency"))
	api.Provisioned = provisionedAPI.of(functionStart.input(), latency, s.Sizing.AverageRPS.named("average_rps"))
	all := []FunctionPlan{api}
	if s.Worker != nil {
		all = append(all, workerFunction(b, s))
	}
	if s.Relay != nil {
		all = append(all, taskFunction(s, RelayFunction, relayTimeout.of(relayPeriod.input(), relayStop.input()), twoRelays))
	}
	migrate := taskFunction(s, MigrateFunction, constantQuantity(longestFunction), oneAtATime)
	migrate.PoolSize = constantQuantity(migrationPool)
	return append(all, migrate)
}

func workerFunction(b Blueprint, s ServicePlan) FunctionPlan {
	pool := constantQuantity(poolFloor, "CON-POOL-LITTLE")
	worker := FunctionPlan{Service: s.Name, Role: WorkerFunction, Memory: constantQuantity(functionMiB, "SLS-MEM"), PoolSize: pool}
	worker.Timeout = workerTimeout.of(b.Broker.ConsumerTimeout.named("consumer_timeout"), batchMessages.input(), pool.named("pool_size"), answerSeconds.input())
	worker.Concurrency = workerConcurrency.of(catchUp.input(), s.Worker.Rate.named("event_rate"), eventTime.input(), pool.named("pool_size"))
	worker.Reserved = reservedWorker.of(s.consumers(), leastReaders.input(), worker.Concurrency.named("concurrency"))
	return worker
}

// taskFunction is one that nobody waits for, with as many at once as make sense.
func taskFunction(s ServicePlan, role string, timeout Quantity, most Constant) FunctionPlan {
	return FunctionPlan{Service: s.Name, Role: role, Memory: constantQuantity(taskMiB, "SLS-MEM"), PoolSize: constantQuantity(functionPool),
		Timeout: timeout, Concurrency: constantQuantity(oneAtATime), Reserved: constantQuantity(most, "SLS-CONC")}
}

// consumers are what reads queues in the service: its handlers, and its read model.
func (s ServicePlan) consumers() Input {
	count := 0.0
	if len(s.Consumes) > 0 {
		count++
	}
	if s.ReadModel {
		count++
	}
	return Input{"consumers", count}
}

func queueOf(s ServicePlan, worker FunctionPlan) QueuePlan {
	return QueuePlan{Service: worker.Service, BatchSize: constantQuantity(batchMessages), Readers: readers.of(worker.Reserved.named("reserved"), s.consumers()),
		Visibility: visibility.of(visibilityFactor.input(), worker.Timeout.named("timeout"))}
}

func (p *FunctionsPlan) quantities() []NamedQuantity {
	if p == nil {
		return nil
	}
	all := []NamedQuantity{
		{"account_quota", p.AccountQuota}, {"throttle_rps", p.ThrottleRPS}, {"throttle_burst", p.ThrottleBurst}, {"integration_timeout", p.IntegrationTime},
		{"proxy_pool", p.ProxyPool}, {"max_connections", p.MaxConnections}, {"proxy_share", p.ProxyShare}, {"min_capacity", p.MinCapacity}, {"max_capacity", p.MaxCapacity},
		{"idle_capacity", p.IdleCapacity}, {"error_share", p.ErrorShare}, {"events_late", p.EventsLate},
	}
	for _, f := range p.Functions {
		all = append(all, under(Snake(f.Instance()), []NamedQuantity{{"memory", f.Memory}, {"timeout", f.Timeout}, {"concurrency", f.Concurrency},
			{"reserved", f.Reserved}, {"provisioned", f.Provisioned}, {"pool_size", f.PoolSize}})...)
	}
	for _, q := range p.Queues {
		all = append(all, under(Snake(q.Service)+"_queue", []NamedQuantity{{"batch_size", q.BatchSize}, {"readers", q.Readers}, {"visibility", q.Visibility}})...)
	}
	return all
}
