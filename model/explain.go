package model

import "strings"

// NamedQuantity is a derived number with its dotted path, as in
// services.catalog.max_replicas.
type NamedQuantity struct {
	Path string
	Quantity
}

// Quantities lists every number of the blueprint, in the order of its parts and,
// within services and entities, in the order of the answers.
func (b Blueprint) Quantities() []NamedQuantity {
	all := under("load", b.Load.quantities())
	for _, service := range b.Services {
		path := "services." + service.Name
		all = append(all, under(path, service.Sizing.quantities())...)
		all = append(all, under(path, service.eventQuantities())...)
		for _, entity := range service.Entities {
			for _, route := range entity.Routes {
				all = append(all, NamedQuantity{path + ".entities." + entity.Name + ".routes." + route.Operation + ".share", route.Share})
			}
		}
	}
	if b.Hosted() {
		for _, host := range b.Deployables {
			all = append(all, under("deployables."+host.Name, host.Sizing.quantities())...)
		}
	}
	for _, edge := range b.Edges {
		all = append(all, under("edges."+edge.From+"."+edge.To, edge.quantities())...)
	}
	if b.Calls != nil {
		all = append(all, under("calls", b.Calls.quantities())...)
	}
	all = append(all, under("database", b.Database.quantities())...)
	if b.Cache != nil {
		all = append(all, under("cache", b.Cache.quantities())...)
	}
	if b.Broker != nil {
		all = append(all, under("broker", b.Broker.quantities())...)
	}
	all = append(all, under("timeouts", b.Timeouts.quantities())...)
	all = append(all, under("telemetry", b.Telemetry.quantities())...)
	all = append(all, under("objectives", b.Objectives.quantities())...)
	all = append(all, under("alerts", b.Alerts.quantities())...)
	all = append(all, under("cluster", b.Cluster.quantities())...)
	all = append(all, under("functions", b.Functions.quantities())...)
	all = append(all, b.managedQuantities()...)
	all = append(all, under("gateway", b.Gateway.quantities())...)
	all = append(all, under("rate_limit", b.RateLimit.quantities())...)
	for _, line := range b.Cost {
		all = append(all, under("cost."+Snake(line.Item), line.quantities())...)
	}
	return all
}

// Explain returns the number at a dotted path; ok is false where there is none.
func (b Blueprint) Explain(path string) (q Quantity, ok bool) {
	for _, named := range b.Quantities() {
		if named.Path == path {
			return named.Quantity, true
		}
	}
	return Quantity{}, false
}

// NearestPath returns the path of a number that was most likely meant, for the
// hint beside an unknown one. A path whose last part agrees comes first.
func (b Blueprint) NearestPath(path string) string {
	best, least := "", len(path)+1
	for _, named := range b.Quantities() {
		distance := editDistance(path, named.Path)
		if strings.HasSuffix(named.Path, "."+path) {
			distance = 0
		}
		if distance < least {
			best, least = named.Path, distance
		}
	}
	return best
}

// under puts the path of a part in front of its numbers, and leaves out those
// that do not apply.
func under(part string, numbers []NamedQuantity) []NamedQuantity {
	var applying []NamedQuantity
	for _, number := range numbers {
		if number.Formula != "" {
			applying = append(applying, NamedQuantity{part + "." + number.Path, number.Quantity})
		}
	}
	return applying
}

func (l ResolvedLoad) quantities() []NamedQuantity {
	return []NamedQuantity{
		{"daily_users", l.DailyUsers}, {"requests_per_user_day", l.RequestsPerUser}, {"average_rps", l.AverageRPS},
		{"peak_factor", l.PeakFactor}, {"peak_rps", l.PeakRPS}, {"read_share", l.ReadShare}, {"data_gib", l.DataGiB},
		{"availability_slo", l.AvailabilitySLO}, {"error_budget_minutes", l.ErrorBudgetMinutes},
		{"latency_p99_ms", l.LatencyP99}, {"zones", l.Zones}, {"rto_minutes", l.RTOMinutes}, {"rpo_minutes", l.RPOMinutes},
		{"trace_sample_percent", l.TraceSample}, {"log_days", l.LogDays}, {"pod_cpu", l.PodCPU},
	}
}

func (s Sizing) quantities() []NamedQuantity {
	return []NamedQuantity{
		{"share", s.Share}, {"rps", s.RPS}, {"average_rps", s.AverageRPS}, {"cpu_per_request", s.CPUPerRequest},
		{"min_replicas", s.MinReplicas}, {"max_replicas", s.MaxReplicas}, {"surge", s.Surge}, {"rps_per_pod", s.RPSPerPod},
		{"in_flight", s.InFlight}, {"queued", s.Queued}, {"pool_size", s.PoolSize}, {"pool_min", s.PoolMin}, {"acquire_timeout", s.AcquireTimeout},
		{"db_hold", s.DBHold}, {"cache_pool", s.CachePool}, {"memory", s.Memory}, {"cpu_request", s.CPURequest},
		{"cpu_limit", s.CPULimit}, {"cache_ttl", s.CacheTTL}, {"load_test_users", s.LoadTestUsers},
	}
}

func (d DatabasePlan) quantities() []NamedQuantity {
	return []NamedQuantity{
		{"read_qps", d.ReadQPS}, {"write_qps", d.WriteQPS}, {"vcpu", d.VCPU}, {"memory_gib", d.MemoryGiB},
		{"audit_gib", d.AuditGiB}, {"storage_gib", d.StorageGiB}, {"standbys", d.Standbys}, {"sum_connections", d.SumConnections},
		{"max_connections", d.MaxConnections}, {"shared_buffers_mib", d.SharedBuffersMiB},
	}
}

func (c CachePlan) quantities() []NamedQuantity {
	return []NamedQuantity{
		{"memory_mib", c.MemoryMiB}, {"max_memory", c.MaxMemory}, {"hit_ratio", c.HitRatio}, {"clients", c.Clients},
	}
}

func (t TimeoutPlan) quantities() []NamedQuantity {
	return []NamedQuantity{
		{"per_try", t.PerTry}, {"retries", t.Retries}, {"route", t.Route}, {"gateway", t.Gateway}, {"client", t.Client},
		{"app_deadline", t.AppDeadline}, {"queue", t.Queue}, {"call", t.Call}, {"statement_timeout", t.StatementTimeout}, {"lock_timeout", t.LockTimeout},
		{"keep_alive", t.KeepAlive}, {"drain_delay", t.DrainDelay}, {"pre_stop", t.PreStop},
		{"pod_drain", t.PodDrain}, {"grace_period", t.GracePeriod},
	}
}

func (t TelemetryPlan) quantities() []NamedQuantity {
	return []NamedQuantity{
		{"log_gib_per_day", t.LogGiBPerDay}, {"trace_gib_per_day", t.TraceGiBPerDay}, {"series", t.Series}, {"scrape_interval", t.ScrapeInterval},
		{"scrape_timeout", t.ScrapeTimeout}, {"metric_days", t.MetricDays}, {"metric_gib", t.MetricGiB}, {"metric_mib", t.MetricMiB},
		{"trace_queue", t.TraceQueue}, {"trace_batch", t.TraceBatch}, {"store_outage", t.StoreOutage}, {"collector_memory", t.CollectorMemory},
		{"collector_limit", t.CollectorLimit}, {"collector_spike", t.CollectorSpike},
	}
}

func (c CostLine) quantities() []NamedQuantity {
	return []NamedQuantity{{"low", c.Low}, {"expected", c.Expected}, {"high", c.High}}
}
