package model

import "strings"

// BrokerPlan sizes the broker and what every service declares on it.
type BrokerPlan struct {
	Kind            string   // nats | rabbitmq | kafka; postgresql in a monolith, eventbridge in functions
	Port            int      // of its encrypted connections
	EventRPS        Quantity // published at peak, by all services
	AverageEPS      Quantity // published on average
	Nodes           Quantity
	Copies          Quantity // of each event
	InSync          Quantity // copies that must be written before an event counts as published
	Partitions      Quantity // of a topic, where the broker divides topics
	Retention       Quantity // s, of an event
	DeadLetters     Quantity // s, of a dead letter
	TopicMiB        Quantity // most that one topic keeps
	StorageGiB      Quantity // of one node
	VCPU            Quantity // of one node
	MemoryGiB       Quantity // of one node
	Attempts        Quantity // before an event becomes a dead letter
	ConsumerTimeout Quantity // ms, in which an event is applied
	Backoff         Quantity // ms, before the second attempt
	BackoffMax      Quantity // ms
}

// RelayPlan sizes the process that publishes a service's outbox. One of its pods
// leads; the others wait for it to fail.
type RelayPlan struct {
	Rate       Quantity // events/s at peak
	Replicas   Quantity
	Batch      Quantity // events in one round
	PoolSize   Quantity // connections to the database
	CPURequest Quantity // millicores
	Memory     Quantity // MiB, request = limit
	Retention  Quantity // s for which published rows are kept
}

// WorkerPlan sizes the process that applies events.
type WorkerPlan struct {
	Rate        Quantity // events/s at peak
	Replicas    Quantity
	Concurrency Quantity // events applied at once, per pod
	PoolSize    Quantity
	Memory      Quantity // MiB
	Inbox       Quantity // s for which applied events are remembered
}

// What events cost.
var (
	eventKiB        = Constant{"event_kib", 1, "KiB", "judgement: a record as JSON with its envelope"}
	eventTime       = Constant{"event_time", 20, "ms", "judgement: one transaction with the inbox and one change"}
	cpuEvent        = Constant{"cpu_event", 3, "ms", "judgement: decoding, a transaction and the acknowledgement"}
	catchUp         = Constant{"catch_up", 2, "", "queueing: a backlog of an hour is gone in an hour"}
	partitionRate   = Constant{"partition_rate", 500, "events/s", "judgement: one worker applies what one partition brings"}
	partitionFloor  = Constant{"partition_floor", 6, "", sourceJudgement}
	outageDays      = Constant{"outage_days", 3, "days", "judgement: a weekend until somebody mends a consumer"}
	attempts        = Constant{"attempts", 5, "", "three at least; five pass a restart of what an event needs"}
	firstBackoff    = Constant{"backoff_ms", 500, "ms", sourceJudgement}
	lastBackoff     = Constant{"backoff_max_ms", 30_000, "ms", sourceJudgement}
	brokerVCPU      = Constant{"broker_vcpu", 2, "vCPU", "judgement: the smallest node of a managed broker carries thousands of events a second"}
	brokerGiB       = Constant{"broker_gib", 4, "GiB", sourceJudgement}
	relayRound      = Constant{"relay_round", 100, "ms", "judgement: reading a batch, publishing it and marking it"}
	cpuPublish      = Constant{"cpu_publish", 1, "ms", "judgement: reading, publishing and marking as one of a batch"}
	relayPool       = Constant{"relay_pool", 2, "connections", "one holds the leader's lock, one does the work"}
	replicasOfRelay = Constant{"relay_replicas", 2, "pods", "one leads and one waits"}
)

// Formulas of messaging.
var (
	eventOfRoute = derive("events/s", "service_rps * share_of_requests", "each such request changes one record", "MSG-LAG")
	averageEvent = derive("events/s", "event_rate * average_rps / peak_rps", "definition")
	brokerNodes  = derive("nodes", "1 + 2 * (availability_slo >= 99.9)", "a majority outlives one node from three nines on", "MSG-RF")
	inSyncCopies = derive("copies", "max(1, copies - 1)", "one node may fail without stopping writes", "MSG-RF")
	partitions   = derive("partitions", "rung(max(partition_floor, 2 * zones, 1.5 * event_rate / partition_rate, most_consumers), 6, 12, 24, 48, 96)",
		"at least one for each pod of the largest consumer", "MSG-PARTITIONS")
	retention   = derive("s", "outage_days * seconds_per_day", "longer than a consumer may be away", "MSG-RETENTION")
	deadLetters = derive("s", "2 * retention", "longer than the event itself", "MSG-DLQ")
	topicSize   = derive("MiB", "max(64, ceilto(2 * busiest_event * event_kib * retention / 1024, 64))", "the busiest event at twice its average", "MSG-RETENTION")
	brokerDisk  = derive("GiB", "max(1, ceil(average_event_rate * event_kib * retention * copies / nodes / storage_use / 1024 / 1024))",
		"what is published while events are kept, on each node", "MSG-RETENTION")
	consumerTimeout = derive("ms", "10 * app_deadline", "nobody waits for it: ten times what a request has", "MSG-ACK", "MSG-NATS-RABBIT")
	relayBatch      = derive("events", "min(1000, max(100, ceilto(2 * event_rate * relay_round / 1000, 50)))", "twice what arrives during one round")
	relayCPU        = derive("millicores", "min(cpu_limit, max(task_cpu, ceilto(catch_up * event_rate * cpu_publish / utilisation, 50)))",
		"the rate at peak, and a backlog")
	relayMemory = derive("MiB", "ceilto(memory_headroom * (base_memory + connection_memory * pool_size + 2 * event_kib * batch / 1024), 64)",
		"a batch as rows and as messages", "RES-MEM-EQ")
	workerReplicas = derive("pods", "max(2, ceil(catch_up * event_rate * cpu_event / (pod_cpu * utilisation)), ceil(catch_up * event_rate * event_time / 1000 / pool_size))",
		"the rate at peak, and a backlog", "MSG-LAG")
	concurrency = derive("events", "min(pool_size, max(4, ceil(catch_up * event_rate * event_time / 1000 / replicas)))",
		sourceLittle+"; each event holds a connection", "MSG-LAG", "CON-POOL-LITTLE")
	workerPool     = derive("connections", "pool_size", "the service's own: one image, one setting", "CON-POOL-LITTLE")
	inboxRetention = derive("s", "dead_letters + retention", "an event may come again until its dead letter is gone", "TMO-IDEMKEY-TTL")
)

// resolveMessaging sizes what carries events, where any are published.
func resolveMessaging(a Answers, b *Blueprint, host *ServicePlan) {
	if !b.publishes() {
		return
	}
	var rates []Input
	for _, s := range b.Services {
		for _, e := range s.Publishes {
			rates = append(rates, e.Rate.named(eventInput(e.Name)))
		}
	}
	broker := BrokerPlan{
		Kind: carrierOf(a), Port: eventBrokers[carrierOf(a)], EventRPS: sumOf("events/s", "of all events", rates, "MSG-LAG"),
		Nodes: brokerNodes.of(b.Load.AvailabilitySLO.named("availability_slo")), Attempts: constantQuantity(attempts, "MSG-DLQ"),
		Retention: retention.of(outageDays.input(), secondsPerDay.input()), ConsumerTimeout: consumerTimeout.of(b.Timeouts.AppDeadline.named("app_deadline")),
		VCPU: constantQuantity(brokerVCPU), MemoryGiB: constantQuantity(brokerGiB), Backoff: constantQuantity(firstBackoff), BackoffMax: constantQuantity(lastBackoff),
	}
	broker.AverageEPS = averageOf(*b, broker.EventRPS)
	broker.Copies = derive("copies", "nodes", "each node has one", "MSG-RF").of(broker.Nodes.named("nodes"))
	broker.InSync = inSyncCopies.of(broker.Copies.named("copies"))
	broker.DeadLetters = deadLetters.of(broker.Retention.named("retention"))
	most := Input{Name: "most_consumers"}
	for i := range b.Services {
		b.Services[i].sizeProcesses(*b, broker, host)
		if worker := b.Services[i].Worker; worker != nil {
			most.Value = max(most.Value, worker.Replicas.Value)
		}
	}
	broker.Partitions = partitions.of(partitionFloor.input(), b.Load.Zones.named("zones"), broker.EventRPS.named("event_rate"), partitionRate.input(), most)
	busiest := Input{Name: "busiest_event"}
	for _, rate := range rates {
		busiest.Value = max(busiest.Value, rate.Value*b.Load.AverageRPS.Value/b.Load.PeakRPS.Value)
	}
	broker.TopicMiB = topicSize.of(busiest, eventKiB.input(), broker.Retention.named("retention"))
	broker.StorageGiB = brokerDisk.of(broker.AverageEPS.named("average_event_rate"), eventKiB.input(), broker.Retention.named("retention"),
		broker.Copies.named("copies"), broker.Nodes.named("nodes"), storageUse.input())
	if host != nil { // its nodes are the database's
		broker.Nodes, broker.Copies, broker.InSync, broker.Partitions = Quantity{}, Quantity{}, Quantity{}, Quantity{}
		broker.TopicMiB, broker.StorageGiB, broker.VCPU, broker.MemoryGiB = Quantity{}, Quantity{}, Quantity{}, Quantity{}
	}
	b.Broker = &broker
}

func (b Blueprint) publishes() bool {
	for _, s := range b.Services {
		if s.Relays() {
			return true
		}
	}
	return false
}

func averageOf(b Blueprint, rate Quantity) Quantity {
	return averageEvent.of(rate.named("event_rate"), b.Load.AverageRPS.named("average_rps"), b.Load.PeakRPS.named("peak_rps"))
}

// eventInput makes the name of an event one that a formula can hold.
func eventInput(name string) string { return inputName(strings.ReplaceAll(name, ".", "_")) }

// Input is the event's name as formulas and the blueprint have it: order_placed.
func (e EventPlan) Input() string { return eventInput(e.Name) }

// sizeProcesses sizes the relay and the worker of a service.
func (s *ServicePlan) sizeProcesses(b Blueprint, broker BrokerPlan, host *ServicePlan) {
	if s.Relays() {
		var rates []Input
		for _, e := range s.Publishes {
			rates = append(rates, e.Rate.named(eventInput(e.Name)))
		}
		relay := RelayPlan{Rate: sumOf("events/s", "of its events", rates), Replicas: constantQuantity(replicasOfRelay, "SCA-SINGLETON"),
			PoolSize: constantQuantity(relayPool, "CON-POOL-LITTLE"), Retention: broker.Retention}
		relay.Batch = relayBatch.of(relay.Rate.named("event_rate"), relayRound.input())
		relay.CPURequest = relayCPU.of(cpuLimit.input(), taskCPURequest.input(), catchUp.input(), relay.Rate.named("event_rate"), cpuPublish.input(), utilisation.input())
		relay.Memory = relayMemory.of(memoryHeadroom.input(), baseMemory.input(), connectionMiB.input(), relay.PoolSize.named("pool_size"),
			eventKiB.input(), relay.Batch.named("batch"))
		if host != nil {
			relay.Replicas, relay.CPURequest, relay.Memory = Quantity{}, Quantity{}, Quantity{}
			relay.PoolSize = constantQuantity(relayLock, "CON-POOL-LITTLE")
		}
		s.Relay = &relay
	}
	if !s.Works() {
		return
	}
	var rates []Input
	for _, e := range s.Consumes {
		rates = append(rates, b.Event(e.Name).Rate.named(eventInput(e.Name)))
	}
	for _, e := range s.Projected() {
		rates = append(rates, e.Rate.named(eventInput(e.Name)))
	}
	worker := WorkerPlan{Rate: sumOf("events/s", "of what it consumes", rates, "MSG-LAG")}
	rate := worker.Rate.named("event_rate")
	pool := s.Sizing.PoolSize.named("pool_size")
	worker.Replicas = workerReplicas.of(catchUp.input(), rate, cpuEvent.input(), b.Load.PodCPU.named("pod_cpu"), utilisation.input(), eventTime.input(), pool)
	if host != nil {
		worker.Replicas = modulePods.of(host.Sizing.MinReplicas.named("host_min_replicas"))
	}
	worker.Concurrency = concurrency.of(pool, catchUp.input(), rate, eventTime.input(), worker.Replicas.named("replicas"))
	worker.PoolSize = workerPool.of(pool)
	worker.Memory = podMemory.of(memoryHeadroom.input(), baseMemory.input(), connectionMiB.input(), worker.PoolSize.named("pool_size"),
		requestMiB.input(), worker.Concurrency.named("in_flight"))
	if host != nil {
		worker.PoolSize, worker.Memory = Quantity{}, Quantity{}
	}
	worker.Inbox = inboxRetention.of(broker.DeadLetters.named("dead_letters"), broker.Retention.named("retention"))
	s.Worker = &worker
}

// resolveEventRates follows the events from the requests that cause them to the
// records that their consumers write, and the events of those. An event that
// closes a circle is priced by its requests alone.
func resolveEventRates(b *Blueprint) {
	rates := eventRates{blueprint: b, open: map[string]bool{}}
	for i := range b.Services {
		for j := range b.Services[i].Publishes {
			rates.of(&b.Services[i], &b.Services[i].Publishes[j])
		}
	}
	for i := range b.Services {
		for j := range b.Services[i].Consumes {
			b.Services[i].Consumes[j].Rate = b.Event(b.Services[i].Consumes[j].Name).Rate
		}
	}
}

type eventRates struct {
	blueprint *Blueprint
	open      map[string]bool
}

// operationOf is the operation whose requests cause an event. A record takes a
// value of an enum field once in its life, so as often as records are created.
var operationOf = map[EventTrigger]string{
	TriggerCreate: "create", TriggerBecomes: "create", TriggerRules: "create", TriggerUpdate: "update", TriggerDelete: "delete",
}

func (r eventRates) of(s *ServicePlan, e *EventPlan) Quantity {
	if e.Rate.Formula != "" {
		return e.Rate
	}
	share := Input{Name: "share_of_requests"}
	for _, route := range s.entity(e.Entity).Routes {
		if route.Operation == operationOf[e.Trigger] {
			share.Value = route.Share.Value
		}
	}
	rate := eventOfRoute.of(s.Sizing.RPS.named("service_rps"), share)
	r.open[e.Name] = true
	for _, cause := range s.sources(*e) {
		publisher, event := r.blueprint.published(cause)
		if event == nil || r.open[cause] {
			continue
		}
		input := r.of(publisher, event).named(eventInput(cause))
		rate = derive(rate.Unit, rate.Formula+" + "+input.Name, "its requests, and the events that cause it", "MSG-LAG").of(append(rate.Inputs, input)...)
	}
	delete(r.open, e.Name)
	e.Rate = rate
	return rate
}

// sources are the events that sooner or later lead to e: a record that one of them
// creates takes its values later.
func (s ServicePlan) sources(e EventPlan) []string {
	names := s.causes(e)
	for _, consumed := range s.Consumes {
		if consumed.Reaction.Kind == ReactCreate && consumed.Reaction.Entity == e.Entity && operationOf[e.Trigger] == "create" {
			names = append(names, consumed.Name)
		}
	}
	return sortedSet(names)
}

// causes are the events whose default reaction publishes e.
func (s ServicePlan) causes(e EventPlan) []string {
	var names []string
	for _, consumed := range s.Consumes {
		if s.follows(consumed.Reaction, e) {
			names = append(names, consumed.Name)
		}
	}
	return names
}

// follows reports whether a reaction makes its service publish e.
func (s ServicePlan) follows(reaction Reaction, e EventPlan) bool {
	if reaction.Entity != e.Entity {
		return false
	}
	switch reaction.Kind {
	case ReactCreate:
		return e.Trigger == TriggerCreate || e.Trigger == TriggerBecomes && startsAs(s.entity(e.Entity), e, reaction)
	case ReactSet:
		return e.Trigger == TriggerUpdate || e.Trigger == TriggerBecomes && e.Field == reaction.Field && e.Value == reaction.Value
	}
	return false
}

// startsAs reports whether a new record has the value that an event tells of.
func startsAs(entity EntityPlan, e EventPlan, reaction Reaction) bool {
	for _, fill := range reaction.Fill {
		if fill.Field == e.Field {
			return true
		}
	}
	field := entity.field(e.Field)
	return field.Default != nil && *field.Default == e.Value
}

func (b *Blueprint) published(name string) (*ServicePlan, *EventPlan) {
	for i := range b.Services {
		for j := range b.Services[i].Publishes {
			if b.Services[i].Publishes[j].Name == name {
				return &b.Services[i], &b.Services[i].Publishes[j]
			}
		}
	}
	return nil, nil
}

// eventQuantities are the numbers of a service's events and of the processes that carry them.
func (s ServicePlan) eventQuantities() []NamedQuantity {
	var all []NamedQuantity
	for _, e := range s.Publishes {
		all = append(all, NamedQuantity{"publishes." + eventInput(e.Name) + ".rate", e.Rate})
	}
	if r := s.Relay; r != nil {
		all = append(all, under("relay", []NamedQuantity{{"rate", r.Rate}, {"replicas", r.Replicas}, {"batch", r.Batch}, {"pool_size", r.PoolSize},
			{"cpu_request", r.CPURequest}, {"memory", r.Memory}, {"retention", r.Retention}})...)
	}
	if w := s.Worker; w != nil {
		all = append(all, under("worker", []NamedQuantity{{"rate", w.Rate}, {"replicas", w.Replicas}, {"concurrency", w.Concurrency},
			{"pool_size", w.PoolSize}, {"memory", w.Memory}, {"inbox", w.Inbox}})...)
	}
	return all
}

func (p BrokerPlan) quantities() []NamedQuantity {
	return []NamedQuantity{
		{"event_rate", p.EventRPS}, {"average_event_rate", p.AverageEPS}, {"nodes", p.Nodes}, {"copies", p.Copies}, {"in_sync", p.InSync},
		{"partitions", p.Partitions}, {"retention", p.Retention}, {"dead_letters", p.DeadLetters}, {"topic_mib", p.TopicMiB},
		{"storage_gib", p.StorageGiB}, {"vcpu", p.VCPU}, {"memory_gib", p.MemoryGiB}, {"attempts", p.Attempts}, {"consumer_timeout", p.ConsumerTimeout}, {"backoff", p.Backoff},
		{"backoff_max", p.BackoffMax},
	}
}
