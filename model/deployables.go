package model

// HostName is what the one deployable of a monolith is called: its folder, image and workload.
const HostName = "app"

// What the host of a monolith needs beside what its modules need.
var (
	moduleMiB  = Constant{"module_memory", 8, "MiB", "judgement: the routes, models and queries of one more module"}
	eventsPool = Constant{"events_pool", 4, "connections", "the kit's own setting: one pool carries the events of all modules"}
	relayLock  = Constant{"relay_lock", 1, "connections", "the leader's lock; the work goes through the module's own pool"}
)

// Formulas of the host and of what each module has of it.
var (
	hostCPU = derive("ms", "read_share * cpu_read + (1 - read_share) * cpu_write + (events_published * cpu_publish + events_applied * cpu_event) / service_rps",
		"mean over the mix, with the events that the requests cause")
	moduleRPSPerPod = derive("rps", "host_rps_per_pod * service_rps / host_rps", "its part of what one pod of the host may really see")
	modulePods      = derive("pods", "host_min_replicas", "each pod of the host applies events", "MSG-LAG")
	hostMemory      = derive("MiB", "ceilto(memory_headroom * (base_memory + module_memory * modules + connection_memory * pool_size + request_memory * in_flight), 64)",
		"what a pod holds at its limits", "RES-MEM-FIT", "RES-MEM-EQ")
)

// Hosted reports whether the services are modules of one process.
func (b Blueprint) Hosted() bool { return b.System.Architecture == Monolith }

// resolveHost sizes the pods of a monolith by the load of all modules together:
// the replicas, and what one of them may see.
func resolveHost(b Blueprint) *ServicePlan {
	host := &ServicePlan{Name: HostName, Title: Title(b.System.Name), Description: b.System.Description, Package: Snake(b.System.Name) + "_app",
		Distribution: b.System.Name + "-" + HostName, Port: servicePort, LocalPort: firstLocalPort, MetricsPort: metricsPort}
	var rates, averages, published, applied []Input
	for _, s := range b.Services {
		rates = append(rates, s.Sizing.RPS.named(inputName(s.Name)))
		averages = append(averages, s.Sizing.AverageRPS.named(inputName(s.Name)))
		for _, e := range s.Publishes {
			published = append(published, e.Rate.named(e.Input()))
		}
		for _, e := range s.applied() {
			applied = append(applied, b.Event(e).Rate.named(inputName(s.Name)))
		}
		host.Entities = append(host.Entities, s.Entities...)
		host.Cached, host.UsesRedis = host.Cached || s.Cached, host.UsesRedis || s.UsesRedis
	}
	z := &host.Sizing
	z.RPS = sumOf("rps", "of all modules, with what they ask of each other", rates, "REF-CALLGRAPH")
	z.AverageRPS = sumOf("rps", "of all modules", averages)
	z.CPUPerRequest = hostCPU.of(b.Load.ReadShare.named("read_share"), cpuRead.input(), cpuWrite.input(), sumInput("events_published", published), cpuPublish.input(),
		sumInput("events_applied", applied), cpuEvent.input(), z.RPS.named("service_rps"))
	z.derivePods(b.Load)
	z.LoadTestUsers = loadUsers.of(z.RPS.named("service_rps"), thinkTime.input(), b.Load.LatencyP99.named("latency_p99_ms"))
	return host
}

func sumInput(name string, terms []Input) Input {
	sum := Input{Name: name}
	for _, term := range terms {
		sum.Value += term.Value
	}
	return sum
}

// applied are the events that the service takes in: those it consumes, and those that keep its read model.
func (s ServicePlan) applied() []string {
	var names []string
	for _, e := range s.Consumes {
		names = append(names, e.Name)
	}
	for _, e := range s.Projected() {
		names = append(names, e.Name)
	}
	return names
}

// partOf gives a module its part of what one pod of its host sees. The pods are the host's.
func (s *Sizing) partOf(host Sizing) {
	s.RPSPerPod = moduleRPSPerPod.of(host.RPSPerPod.named("host_rps_per_pod"), s.RPS.named("service_rps"), host.RPS.named("host_rps"))
}

// deployablesOf lists what runs as one: each service by itself, or the host with the sums of its modules.
func deployablesOf(b Blueprint, host *ServicePlan) []ServicePlan {
	if host == nil {
		return b.Services
	}
	z := &host.Sizing
	const each = "of all modules"
	z.InFlight = b.sumOver("requests", each, func(s ServicePlan) Quantity { return s.Sizing.InFlight }, nil, "RES-INFLIGHT")
	z.Queued = b.sumOver("requests", each, func(s ServicePlan) Quantity { return s.Sizing.Queued }, nil, "RES-INFLIGHT")
	z.PoolSize = b.sumOver("connections", "of all modules and what carries their events", func(s ServicePlan) Quantity { return s.Sizing.PoolSize }, b.eventConnections(), "CON-POOL-LITTLE")
	z.PoolMin = b.sumOver("connections", each, func(s ServicePlan) Quantity { return s.Sizing.PoolMin }, nil)
	z.CachePool = b.sumOver("connections", each, func(s ServicePlan) Quantity { return s.Sizing.CachePool }, nil, "CON-REDIS")
	z.AcquireTimeout = b.Services[0].Sizing.AcquireTimeout
	z.Memory = hostMemory.of(memoryHeadroom.input(), baseMemory.input(), moduleMiB.input(), Input{"modules", float64(len(b.Services))},
		connectionMiB.input(), z.PoolSize.named("pool_size"), requestMiB.input(), z.InFlight.named("in_flight"))
	return []ServicePlan{*host}
}

// eventConnections is what a pod of the host holds to carry events.
func (b Blueprint) eventConnections() []Input {
	var terms []Input
	for _, s := range b.Services {
		if s.Relay != nil {
			terms = append(terms, s.Relay.PoolSize.named(inputName(s.Name+"-relay")))
		}
	}
	if len(terms) > 0 {
		terms = append(terms, eventsPool.input())
	}
	return terms
}

// sumOver adds up one number of every module, and more terms.
func (b Blueprint) sumOver(unit, source string, of func(ServicePlan) Quantity, more []Input, rules ...string) Quantity {
	var terms []Input
	for _, s := range b.Services {
		if q := of(s); q.Formula != "" {
			terms = append(terms, q.named(inputName(s.Name)))
		}
	}
	if len(terms)+len(more) == 0 {
		return Quantity{}
	}
	return sumOf(unit, source, append(terms, more...), rules...)
}
