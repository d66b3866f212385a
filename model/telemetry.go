package model

// Formulas of logs, traces and metrics.
var (
	logVolume = derive("GiB/day", "average_rps * (1 + service_rps / peak_rps) * log_lines * log_bytes * seconds_per_day / bytes_per_gib",
		"one access record at the edge, and one in each service on the way", "OBS-LOGS")
	traceVolume = derive("GiB/day", "average_rps * spans * span_bytes * seconds_per_day * trace_sample_percent / 100 / bytes_per_gib",
		"parent-based sampling", "OBS-TRACES")
	seriesCount = derive("series", "routes_times_pods * status_classes * histogram_series + pods * process_series",
		"one histogram per route and status class, in every pod", "OBS-CARD")
	scrapeInterval = derive("s", "30 - 15 * (availability_slo >= 99.95)", "Prometheus: four scrapes in the shortest alert window", "OBS-RATE-WINDOW")
	scrapeTimeout  = derive("s", "min(scrape_timeout_cap, scrape_interval)", "a scrape ends before the next begins", "OBS-RATE-WINDOW")
	metricDays     = derive("days", "slo_window + look_back", "the whole window of the objectives, and the days after it in which somebody looks", "OBS-TSDB")
	metricStorage  = derive("GiB", "ceil(series * series_factor / scrape_interval * metric_days * seconds_per_day * sample_bytes / storage_use / bytes_per_gib)",
		"Prometheus documentation: storage", "OBS-TSDB")
	metricLimit = derive("MiB", "ceil(storage_use * metric_gib * mib_per_gib)", "the rest is for the write-ahead log and compaction", "OBS-TSDB")

	traceQueue = derive("spans", "max(trace_batch, ceilto(peak_rps * spans * trace_sample_percent / 100 * store_outage, 1000))",
		"what arrives at peak while the store of traces is away", "OBS-COLLECTOR")
	collectorMemory = derive("MiB", "ceilto(collector_base + queue_overhead * trace_queue * span_bytes / bytes_per_mib, 64)",
		"the full queue, twice", "OBS-TRACES", "OBS-COLLECTOR")
	collectorLimit = derive("MiB", "ceil(storage_use * collector_memory)", "OpenTelemetry: memory limiter", "OBS-COLLECTOR")
	collectorSpike = derive("MiB", "ceil(0.25 * collector_limit)", "OpenTelemetry: memory limiter, a fifth to a quarter of the limit", "OBS-COLLECTOR")
)

func resolveTelemetry(b Blueprint) TelemetryPlan {
	rate, pods, routes := Input{Name: "service_rps"}, Input{Name: "pods"}, Input{Name: "routes_times_pods"}
	for _, service := range b.Deployables {
		replicas := service.Sizing.MaxReplicas.Value
		rate.Value += service.Sizing.RPS.Value
		pods.Value += replicas
		for _, p := range service.processesOf() {
			pods.Value += p.Replicas.Value
		}
		routes.Value += replicas * float64(len(service.Entities)*len(operations))
	}
	average := b.Load.AverageRPS.named("average_rps")
	t := TelemetryPlan{
		LogGiBPerDay: logVolume.of(average, rate, b.Load.PeakRPS.named("peak_rps"), linesPerRequest.input(), bytesPerLine.input(),
			secondsPerDay.input(), bytesPerGiB.input()),
		TraceGiBPerDay: traceVolume.of(average, spansPerRequest.input(), bytesPerSpan.input(), secondsPerDay.input(),
			b.Load.TraceSample.named("trace_sample_percent"), bytesPerGiB.input()),
		Series:         seriesCount.of(routes, statusClasses.input(), seriesPerRoute.input(), pods, processSeries.input()),
		ScrapeInterval: scrapeInterval.of(b.Load.AvailabilitySLO.named("availability_slo")),
	}
	t.sizeMetrics()
	t.sizeCollector(b.Load)
	return t
}

func (t *TelemetryPlan) sizeMetrics() {
	interval := t.ScrapeInterval.named("scrape_interval")
	t.ScrapeTimeout = scrapeTimeout.of(scrapeTimeoutCap.input(), interval)
	t.MetricDays = metricDays.of(sloWindow.input(), lookBack.input())
	t.MetricGiB = metricStorage.of(t.Series.named("series"), seriesFactor.input(), interval, t.MetricDays.named("metric_days"),
		secondsPerDay.input(), sampleBytes.input(), storageUse.input(), bytesPerGiB.input())
	t.MetricMiB = metricLimit.of(storageUse.input(), t.MetricGiB.named("metric_gib"), mebibytesInGiB.input())
}

func (t *TelemetryPlan) sizeCollector(load ResolvedLoad) {
	t.TraceQueue = traceQueue.of(traceBatch.input(), load.PeakRPS.named("peak_rps"), spansPerRequest.input(), load.TraceSample.named("trace_sample_percent"), storeOutage.input())
	t.TraceBatch = constantQuantity(traceBatch, "OBS-COLLECTOR")
	t.StoreOutage = constantQuantity(storeOutage, "OBS-COLLECTOR")
	t.CollectorMemory = collectorMemory.of(collectorBase.input(), queueOverhead.input(), t.TraceQueue.named("trace_queue"), bytesPerSpan.input(), bytesPerMiB.input())
	t.CollectorLimit = collectorLimit.of(storageUse.input(), t.CollectorMemory.named("collector_memory"))
	t.CollectorSpike = collectorSpike.of(t.CollectorLimit.named("collector_limit"))
}
