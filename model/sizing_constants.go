package model

// Constant is a figure that the formulas assume. It stands for what a
// measurement would give; the generated load test prints the measured values.
type Constant struct {
	Name   string
	Value  float64
	Unit   string
	Source string
}

func (c Constant) input() Input { return Input{Name: c.Name, Value: c.Value} }

const (
	sourceJudgement = "judgement; measure with the load test"
	sourceMix       = "judgement: the mix of a record-keeping API"
	sourceMeasured  = "measured on FastAPI with asyncpg, and two to three times safer"
	sourceQueueing  = "queueing grows as 1/(1 - utilisation)"
	sourceLittle    = "Little's law"
	sourcePostgres  = "PostgreSQL documentation: server configuration"
	sourceEnvoy     = "Envoy: retry backoff, 25 ms base"
	sourcePrices    = "illustrative: OpenCost default prices; edit for your provider"
	sourceLogPrices = "illustrative: managed telemetry list prices; edit for your provider"
)

// The traffic of one request.
var (
	secondsPerDay  = Constant{"seconds_per_day", 86400, "s", "a day"}
	listOfReads    = Constant{"list_of_reads", 0.25, "", sourceMix}
	createOfWrites = Constant{"create_of_writes", 0.5, "", sourceMix}
	updateOfWrites = Constant{"update_of_writes", 0.4, "", sourceMix}
)

// The processor and the memory of a pod.
var (
	cpuRead         = Constant{"cpu_read", 1, "ms", sourceMeasured}
	cpuWrite        = Constant{"cpu_write", 2, "ms", sourceMeasured}
	utilisation     = Constant{"utilisation", 0.65, "", sourceQueueing}
	cpuLimit        = Constant{"cpu_limit", 1000, "millicores", "one Python process uses one core at most"}
	baseMemory      = Constant{"base_memory", 160, "MiB", "resident size of FastAPI with telemetry and asyncpg"}
	connectionMiB   = Constant{"connection_memory", 2, "MiB", sourceJudgement}
	requestMiB      = Constant{"request_memory", 0.25, "MiB", sourceJudgement}
	memoryHeadroom  = Constant{"memory_headroom", 1.3, "", sourceJudgement}
	peakHeadroom    = Constant{"peak_headroom", 1.5, "", sourceJudgement}
	surgeShare      = Constant{"surge_share", 0.25, "", "Kubernetes: maxSurge of a Deployment"}
	thinkTime       = Constant{"think_time", 1000, "ms", "the load test's wait between requests"}
	poolFactor      = Constant{"pool_factor", 1.5, "", sourceJudgement}
	poolFloor       = Constant{"pool_floor", 4, "connections", sourceJudgement}
	cacheRoundTrip  = Constant{"cache_round_trip", 1, "ms", sourceJudgement}
	cacheTTLSeconds = Constant{"cache_ttl", 300, "s", "judgement: longer than the re-read interval, short enough to mend a lost invalidation"}
)

// The database and the cache.
var (
	callsPerRequest      = Constant{"db_calls", 1.5, "", sourceJudgement}
	holdRead             = Constant{"hold_read", 4, "ms", sourceJudgement}
	holdWrite            = Constant{"hold_write", 10, "ms", sourceJudgement}
	cacheHits            = Constant{"cache_hit", 0.8, "", sourceJudgement}
	dbCPURead            = Constant{"db_cpu_read", 0.4, "ms", sourceJudgement}
	dbCPUWrite           = Constant{"db_cpu_write", 1.5, "ms", sourceJudgement}
	dbUtilisation        = Constant{"db_utilisation", 0.6, "", sourceQueueing}
	memoryPerVCPU        = Constant{"gib_per_vcpu", 8, "GiB", "the memory-optimised class of every large provider"}
	hotShare             = Constant{"hot_share", 0.05, "", "judgement: recent records are read, old ones are kept"}
	hotInMemory          = Constant{"hot_in_memory", 0.25, "", sourceJudgement}
	opsConnections       = Constant{"ops_connections", 7, "connections", "migrations, backups, monitoring and an operator"}
	superuserReserved    = Constant{"superuser_reserved", 3, "connections", sourcePostgres}
	connectionUse        = Constant{"connection_use", 0.8, "", sourceJudgement}
	connectionsPerGiB    = Constant{"connections_per_gib", 75, "", "4 MiB of work_mem twice per connection, beside the shared buffers, in 90 % of the memory"}
	connectionCap        = Constant{"connection_cap", 5000, "connections", "Amazon RDS: the most that max_connections takes by default"}
	sharedBufferShare    = Constant{"shared_buffer_share", 0.25, "", sourcePostgres}
	storageGrowth        = Constant{"growth", 0.3, "", "judgement: a year that goes better than planned"}
	storageOverhead      = Constant{"bloat_and_wal", 1.3, "", sourceJudgement}
	storageUse           = Constant{"storage_use", 0.8, "", "alert at 80 % full"}
	auditRowBytes        = Constant{"audit_row_bytes", 1200, "B", "judgement: a record of 600 B as JSON, in an update twice, and its entry in an index"}
	cachedObjectsPerUser = Constant{"objects_per_user", 20, "", sourceJudgement}
	cachedObjectKiB      = Constant{"object_kib", 1, "KiB", sourceJudgement}
	cacheOverhead        = Constant{"cache_overhead", 1.5, "", "keys, expiry and fragmentation"}
	cacheUse             = Constant{"cache_use", 0.75, "", "Redis: room for copy-on-write and buffers"}
)

// Deadlines and shutdown.
var (
	tryFloor       = Constant{"try_floor", 250, "ms", "below it a garbage collection fails requests"}
	retries        = Constant{"retries", 1, "", "SRE book: retry at one layer, three tries at most"}
	retryBackoff   = Constant{"backoff", 25, "ms", sourceEnvoy}
	chainStep      = Constant{"chain_step", 1.1, "", "each layer outlives the next inner one by a tenth"}
	acquireCap     = Constant{"acquire_cap", 500, "ms", "a wait for a connection must end before the caller gives up"}
	lockCap        = Constant{"lock_cap", 1000, "ms", sourceJudgement}
	upstreamIdle   = Constant{"upstream_idle", 60, "s", "idle timeout of the pools in front: ALB, Kong and nginx"}
	idleMargin     = Constant{"idle_margin", 15, "s", sourceJudgement}
	drainSeconds   = Constant{"drain_delay", 10, "s", "Kubernetes: endpoints take seconds to disappear everywhere"}
	closeSeconds   = Constant{"close_delay", 5, "s", "judgement: each kept connection gets an answer that says close"}
	flushSeconds   = Constant{"flush", 5, "s", sourceJudgement}
	shutdownMargin = Constant{"margin", 5, "s", sourceJudgement}
)

// Telemetry.
var (
	linesPerRequest = Constant{"log_lines", 2, "", sourceJudgement}
	bytesPerLine    = Constant{"log_bytes", 600, "B", sourceJudgement}
	spansPerRequest = Constant{"spans", 8, "", sourceJudgement}
	bytesPerSpan    = Constant{"span_bytes", 500, "B", sourceJudgement}
	statusClasses   = Constant{"status_classes", 3, "", "2xx, 4xx and 5xx"}
	seriesPerRoute  = Constant{"histogram_series", 15, "", "12 buckets, the endless one, sum and count"}
	processSeries   = Constant{"process_series", 120, "", "runtime, pools and cache"}
	bytesPerGiB     = Constant{"bytes_per_gib", 1 << 30, "B", "a GiB"}
	bytesPerMiB     = Constant{"bytes_per_mib", 1 << 20, "B", "a MiB"}

	scrapeTimeoutCap = Constant{"scrape_timeout_cap", 10, "s", "Prometheus: the default"}
	lookBack         = Constant{"look_back", 5, "days", sourceJudgement}
	seriesFactor     = Constant{"series_factor", 1.5, "", "judgement: recorded series, and those of the exporters"}
	sampleBytes      = Constant{"sample_bytes", 2, "B", "Prometheus documentation: storage"}
	storeOutage      = Constant{"store_outage", 300, "s", "judgement: a restart of the store of traces"}
	traceBatch       = Constant{"trace_batch", 4096, "spans", "half of what one gRPC message may hold, 4 MiB"}
	collectorBase    = Constant{"collector_base", 128, "MiB", sourceJudgement}
	queueOverhead    = Constant{"queue_overhead", 2, "", "judgement: decoded spans beside encoded ones"}
)

// Unit prices in US dollars; none is ever looked up.
var (
	hoursPerMonth  = Constant{"hours", 730, "h", "a month"}
	daysPerMonth   = Constant{"days", 30, "d", "a month"}
	vcpuHour       = Constant{"vcpu_hour", 0.031611, "USD", sourcePrices}
	gibHour        = Constant{"gib_hour", 0.004237, "USD", sourcePrices}
	storageMonth   = Constant{"storage_gib_month", 0.04, "USD", sourcePrices}
	egressGiB      = Constant{"egress_gib", 0.12, "USD", sourcePrices}
	natGiB         = Constant{"nat_gib", 0.045, "USD", sourcePrices}
	balancerHour   = Constant{"balancer_hour", 0.025, "USD", sourcePrices}
	natHour        = Constant{"nat_hour", 0.045, "USD", sourcePrices}
	logIngest      = Constant{"log_ingest_gib", 0.5, "USD", sourceLogPrices}
	logStore       = Constant{"log_store_gib_month", 0.03, "USD", sourceLogPrices}
	traceIngest    = Constant{"trace_ingest_gib", 0.3, "USD", sourceLogPrices}
	seriesMonth    = Constant{"series_month", 0.0008, "USD", sourceLogPrices}
	nodePacking    = Constant{"node_packing", 0.7, "", "how full the nodes of a cluster get"}
	managedFactor  = Constant{"managed_factor", 2, "", "a managed database over its bare machine"}
	responseKiB    = Constant{"response_kib", 2, "KiB", sourceJudgement}
	lowEstimate    = Constant{"low_estimate", 0.7, "", sourcePrices}
	highEstimate   = Constant{"high_estimate", 1.5, "", sourcePrices}
	millisPerVCPU  = Constant{"millicores_per_vcpu", 1000, "millicores", "a core"}
	mebibytesInGiB = Constant{"mib_per_gib", 1024, "MiB", "a GiB"}
)
