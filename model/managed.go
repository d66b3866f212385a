package model

// ManagedPlan is what one environment rents for its data. The sizes' names are
// those of Amazon RDS and ElastiCache, the example of deploy/terraform; the
// numbers hold for any provider.
type ManagedPlan struct {
	Environment       string   // dev
	Connections       Quantity // that the pools may open at full scale
	OtherConnections  Quantity // kept for people, tasks and the superuser
	MaxConnections    Quantity
	VCPU              Quantity
	MemoryGiB         Quantity
	StorageGiB        Quantity
	MaxStorageGiB     Quantity // up to which the storage may grow by itself
	Standbys          Quantity
	BackupDays        Quantity
	KeyDays           Quantity // between the order to delete a key or a secret and its end
	IdleInTransaction Quantity // ms
	Class             string   // of the database server: db.r7g.large
	Cache             *ManagedCache
	Broker            *ManagedBroker
}

// ManagedBroker is the broker of one environment.
type ManagedBroker struct {
	Nodes      Quantity
	Copies     Quantity // of each event
	StorageGiB Quantity // of one node
	Class      string   // of a node: kafka.m7g.large; empty where no large cloud rents the broker
}

// ManagedCache is the Redis of one environment.
type ManagedCache struct {
	MemoryMiB   Quantity // that is needed
	NodeMiB     Quantity // of the smallest node that has it
	ReservedPct Quantity // percent of the node that is no room for data
	Nodes       Quantity
	Clients     Quantity // that the pools may open at full scale
	MaxClients  Quantity
	Class       string // of a node: cache.t4g.micro
}

var (
	leastStorage      = Constant{"least_storage", 20, "GiB", "Amazon RDS: least for gp3"}
	storageMargin     = Constant{"storage_margin", 2, "", "judgement: twice the plan is a reason to look, not to stop"}
	backupDays        = Constant{"backup_days", 30, "days", "judgement: a mistake is found with the month's reports"}
	backupDaysIdle    = Constant{"backup_days_idle", 7, "days", "judgement: nothing there that cannot be made again"}
	keyDays           = Constant{"key_days", 30, "days", "AWS KMS: the longest time to think again"}
	noStandbys        = Constant{"no_standbys", 0, "standbys", "an outage of it wakes nobody"}
	idleInTransaction = Constant{"idle_in_transaction", 10000, "ms", "the kit's own setting (db_idle_in_transaction_timeout_ms)"}
	cacheFloorMiB     = Constant{"cache_floor", 256, "MiB", sourceJudgement}
	cacheClients      = Constant{"cache_clients", 65000, "connections", "Amazon ElastiCache: maxclients, fixed"}
)

var (
	fullConnections = derive("connections", "pool_size * (max_replicas + max(1, ceil(surge_share * max_replicas)))",
		"every pool full in the middle of a rollout", "CON-POOL-BUDGET")
	fullCacheClients = derive("connections", "cache_pool * (max_replicas + max(1, ceil(surge_share * max_replicas)))",
		"every pool full in the middle of a rollout", "CON-REDIS")
	otherConnections = derive("connections", "ops_connections + superuser_reserved", sourcePostgres, "CON-POOL-BUDGET")
	idleVCPU         = derive("vCPU", "rung(((sum_connections + ops_connections) / connection_use + superuser_reserved + 10) / connections_per_gib / gib_per_vcpu, "+
		"2, 4, 8, 16, 32, 48, 64)", "nobody loads it: the connections alone decide", "CON-DB-MEMORY", "CST-IDLE")
	givenVCPU      = derive("vCPU", "production", "the size at which a load test means something")
	managedStorage = derive("GiB", "max(least_storage, storage)", "Amazon RDS: least for gp3")
	idleStorage    = derive("GiB", "least_storage", "made-up data", "CST-IDLE")
	storageCeiling = derive("GiB", "storage_margin * storage", "a full disk stops every service")
	givenStandbys  = derive("standbys", "production", "a standby in another zone from three nines on", "DRX-RTO")
	nodeMiB        = derive("MiB", "rung(memory, 512, 1403, 3164, 13384, 26952, 54088, 108349, 214579, 325396, 429148)",
		"Amazon ElastiCache: memory of its nodes", "RES-CACHE-SIZE")
	givenMemory  = derive("MiB", "production", "the size at which a load test means something")
	reservedPart = derive("%", "100 * (1 - cache_use)", "Redis: room for copy-on-write and buffers", "RES-REDIS-MAXMEM")
	cacheNodes   = derive("nodes", "1 + standbys", "one in each of two zones where the database has a standby")
)

// databaseClasses and cacheClasses name the sizes of the rungs.
var (
	databaseClasses = map[int]string{2: "large", 4: "xlarge", 8: "2xlarge", 16: "4xlarge", 32: "8xlarge", 48: "12xlarge", 64: "16xlarge"}
	cacheClasses    = map[int]string{
		512: "t4g.micro", 1403: "t4g.small", 3164: "t4g.medium", 13384: "r7g.large", 26952: "r7g.xlarge", 54088: "r7g.2xlarge",
		108349: "r7g.4xlarge", 214579: "r7g.8xlarge", 325396: "r7g.12xlarge", 429148: "r7g.16xlarge",
	}
)

// brokerClasses name the nodes of a managed broker: where it is idle, and elsewhere.
var brokerClasses = map[string][2]string{"rabbitmq": {"mq.m7g.medium", "mq.m7g.large"}, "kafka": {"kafka.t3.small", "kafka.m7g.large"}}

// leastNodes is the fewest with which a managed broker can be had.
var leastNodes = map[string]Constant{
	"nats": {"least_nodes", 1, "nodes", sourceJudgement}, "rabbitmq": {"least_nodes", 1, "nodes", "Amazon MQ: a single instance"},
	"kafka": {"least_nodes", 2, "nodes", "Amazon MSK: one in each of two zones"},
}

var (
	managedNodes  = derive("nodes", "max(least_nodes, nodes)", "as the blueprint has it", "MSG-RF")
	zonedNodes    = derive("nodes", "zones * ceil(max(least_nodes, nodes) / zones)", "Amazon MSK: as many in each zone", "MSG-RF")
	idleNodes     = derive("nodes", "least_nodes", "nobody loads it", "CST-IDLE")
	managedCopies = derive("copies", "copies", "as the blueprint has it", "MSG-RF")
	idleCopies    = derive("copies", "least_copies", "made-up data", "CST-IDLE")
	leastCopies   = Constant{"least_copies", 1, "copies", "an outage of it wakes nobody"}
	brokerStorage = derive("GiB", "storage_gib", "as the blueprint has it", "MSG-RETENTION")
)

// idleEnvironments are sized for nobody; the others like production.
var idleEnvironments = map[string]bool{"dev": true}

// Managed sizes the data services of one environment.
func (b Blueprint) Managed(e EnvironmentPlan) ManagedPlan {
	sum := b.overReplicas(e, fullConnections, "pool_size", func(s ServicePlan) Quantity { return s.Sizing.PoolSize })
	m := ManagedPlan{
		Environment:       e.Name,
		Connections:       sum,
		OtherConnections:  otherConnections.of(opsConnections.input(), superuserReserved.input()),
		VCPU:              givenVCPU.of(b.Database.VCPU.named("production")),
		StorageGiB:        managedStorage.of(leastStorage.input(), b.Database.StorageGiB.named("storage")),
		Standbys:          constantQuantity(noStandbys, "CST-IDLE"),
		BackupDays:        constantQuantity(backupDaysIdle, "DRX-RPO", "CST-IDLE"),
		KeyDays:           constantQuantity(keyDays, "DRX-PROTECT"),
		IdleInTransaction: constantQuantity(idleInTransaction, "CON-DB-TIMEOUTS"),
	}
	if idleEnvironments[e.Name] {
		m.VCPU = idleVCPU.of(sum.named("sum_connections"), opsConnections.input(), connectionUse.input(), superuserReserved.input(),
			connectionsPerGiB.input(), memoryPerVCPU.input())
		m.StorageGiB = idleStorage.of(leastStorage.input())
	}
	if e.Production {
		m.Standbys = givenStandbys.of(b.Database.Standbys.named("production"))
		m.BackupDays = constantQuantity(backupDays, "DRX-RPO")
	}
	m.MaxStorageGiB = storageCeiling.of(storageMargin.input(), m.StorageGiB.named("storage"))
	m.MemoryGiB = databaseMemory.of(memoryPerVCPU.input(), m.VCPU.named("vcpu"))
	m.MaxConnections = maxConnections.of(connectionCap.input(), connectionsPerGiB.input(), m.MemoryGiB.named("memory_gib"),
		sum.named("sum_connections"), opsConnections.input(), connectionUse.input(), superuserReserved.input())
	m.Class = "db.r7g." + databaseClasses[m.VCPU.Int()]
	m.Cache = b.managedCache(e, m.Standbys)
	m.Broker = b.managedBroker(e)
	return m
}

func (b Blueprint) managedCache(e EnvironmentPlan, standbys Quantity) *ManagedCache {
	if b.Cache == nil {
		return nil
	}
	c := &ManagedCache{
		MemoryMiB:   givenMemory.of(b.Cache.MemoryMiB.named("production")),
		ReservedPct: reservedPart.of(cacheUse.input()),
		Nodes:       cacheNodes.of(standbys.named("standbys")),
		Clients:     b.overReplicas(e, fullCacheClients, "cache_pool", func(s ServicePlan) Quantity { return s.Sizing.CachePool }),
		MaxClients:  constantQuantity(cacheClients, "CON-REDIS"),
	}
	if idleEnvironments[e.Name] {
		c.MemoryMiB = constantQuantity(cacheFloorMiB, "CST-IDLE")
	}
	c.NodeMiB = nodeMiB.of(c.MemoryMiB.named("memory"))
	c.Class = "cache." + cacheClasses[c.NodeMiB.Int()]
	return c
}

func (b Blueprint) managedBroker(e EnvironmentPlan) *ManagedBroker {
	if b.Broker == nil || ownCarriers[b.System.Architecture] != "" {
		return nil // or nothing of its own to rent
	}
	classes, least := brokerClasses[b.Broker.Kind], leastNodes[b.Broker.Kind].input()
	m := &ManagedBroker{
		Nodes:      managedNodes.of(least, b.Broker.Nodes.named("nodes")),
		Copies:     managedCopies.of(b.Broker.Copies.named("copies")),
		StorageGiB: brokerStorage.of(b.Broker.StorageGiB.named("storage_gib")),
		Class:      classes[1],
	}
	if b.Broker.Kind == "kafka" {
		m.Nodes = zonedNodes.of(b.Load.Zones.named("zones"), least, b.Broker.Nodes.named("nodes"))
	}
	if idleEnvironments[e.Name] {
		m.Nodes, m.Copies, m.Class = idleNodes.of(least), idleCopies.of(leastCopies.input()), classes[0]
	}
	return m
}

// overReplicas adds up what the pods of every service hold in an environment.
func (b Blueprint) overReplicas(e EnvironmentPlan, each derivation, pool string, of func(ServicePlan) Quantity) Quantity {
	var terms []Input
	for i, service := range b.Deployables {
		if of(service).Value == 0 {
			continue
		}
		held := each.of(of(service).named(pool), e.Replicas[i].Max.named("max_replicas"), surgeShare.input())
		terms = append(terms, held.named(inputName(service.Name)))
	}
	if pool == "pool_size" {
		terms = append(terms, b.processConnections(e)...)
	} else {
		terms = append(terms, b.processClients(e)...)
	}
	return sumOf(each.unit, "at full scale, one rollout at a time in each service", terms, each.rules...)
}

// processConnections is what the pools of the processes that carry events may open.
func (b Blueprint) processConnections(e EnvironmentPlan) []Input {
	var terms []Input
	for _, p := range e.Processes {
		service := b.service(p.Service)
		size := service.Sizing.PoolSize
		if p.Process == RelayProcess {
			size = service.Relay.PoolSize
		}
		terms = append(terms, processConnections.of(size.named("pool_size"), p.Replicas.named("replicas")).named(inputName(p.Instance())))
	}
	return terms
}

// processClients is what the workers' pools may open to the cache.
func (b Blueprint) processClients(e EnvironmentPlan) []Input {
	var terms []Input
	for _, p := range e.Processes {
		size := b.service(p.Service).Sizing.CachePool
		if p.Process == WorkerProcess && size.Value > 0 {
			terms = append(terms, processClients.of(size.named("cache_pool"), p.Replicas.named("replicas")).named(inputName(p.Instance())))
		}
	}
	return terms
}

func (m ManagedPlan) quantities() []NamedQuantity {
	all := []NamedQuantity{
		{"database.connections", m.Connections}, {"database.other_connections", m.OtherConnections}, {"database.max_connections", m.MaxConnections},
		{"database.vcpu", m.VCPU}, {"database.memory_gib", m.MemoryGiB}, {"database.storage_gib", m.StorageGiB},
		{"database.max_storage_gib", m.MaxStorageGiB}, {"database.standbys", m.Standbys}, {"database.backup_days", m.BackupDays},
		{"database.key_days", m.KeyDays}, {"database.idle_in_transaction", m.IdleInTransaction},
	}
	if c := m.Cache; c != nil {
		all = append(all, NamedQuantity{"cache.memory_mib", c.MemoryMiB}, NamedQuantity{"cache.node_mib", c.NodeMiB},
			NamedQuantity{"cache.reserved_percent", c.ReservedPct}, NamedQuantity{"cache.nodes", c.Nodes},
			NamedQuantity{"cache.clients", c.Clients}, NamedQuantity{"cache.max_clients", c.MaxClients})
	}
	if p := m.Broker; p != nil {
		all = append(all, NamedQuantity{"broker.nodes", p.Nodes}, NamedQuantity{"broker.copies", p.Copies}, NamedQuantity{"broker.storage_gib", p.StorageGiB})
	}
	return all
}

// managedQuantities lists the numbers of every environment's data services.
func (b Blueprint) managedQuantities() []NamedQuantity {
	var all []NamedQuantity
	for _, e := range b.Cluster.Environments {
		all = append(all, under("managed."+e.Name, b.Managed(e).quantities())...)
	}
	return all
}
