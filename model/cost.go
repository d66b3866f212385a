package model

// Formulas of the monthly estimate.
var (
	podCost = derive("USD/month", "hours * (millicores / millicores_per_vcpu * vcpu_hour + memory_mib / mib_per_gib * gib_hour) / node_packing",
		"the pods that run on average", "CST-BUDGET")
	databaseCost = derive("USD/month", "hours * (1 + standbys) * (vcpu * vcpu_hour + memory_gib * gib_hour) * managed_factor", "primary and standbys", "CST-BUDGET")
	storageCost  = derive("USD/month", "(1 + standbys) * storage_gib * storage_gib_month", "primary and standbys", "CST-BUDGET")
	cacheCost    = derive("USD/month", "hours * memory_mib / mib_per_gib * gib_hour * managed_factor", "one instance", "CST-BUDGET")
	brokerCost   = derive("USD/month", "hours * nodes * (vcpu * vcpu_hour + memory_gib * gib_hour) * managed_factor + nodes * storage_gib * storage_gib_month", "every node", "CST-BUDGET")
	networkCost  = derive("USD/month", "hours * (balancer_hour + nat_hour * zones) + "+
		"average_rps * seconds_per_day * days * response_kib / 1048576 * (egress_gib + nat_gib)", "balancer, NAT and what leaves", "CST-BUDGET")
	logCost    = derive("USD/month", "log_gib_per_day * days * (log_ingest_gib + log_days / days * log_store_gib_month)", "ingested once, kept for log_days", "CST-BUDGET")
	traceCost  = derive("USD/month", "trace_gib_per_day * days * trace_ingest_gib", "ingested once", "CST-BUDGET")
	metricCost = derive("USD/month", "series * series_month", "active series", "CST-BUDGET")
	lowCost    = derive("USD/month", "low_estimate * expected", "range of the estimate")
	highCost   = derive("USD/month", "high_estimate * expected", "range of the estimate")
)

// resolveCost estimates the lines of a monthly bill, in a fixed order.
func resolveCost(b Blueprint) []CostLine {
	if b.Functions != nil {
		return append(append(functionLines(b), cacheLines(b)...), telemetryLines(b)...)
	}
	load, database, hours := b.Load, b.Database, hoursPerMonth.input()
	standby := database.Standbys.named("standbys")
	lines := []CostLine{
		costLine("Pods", podCost.of(append([]Input{hours}, podTotals(b.Deployables)...)...)),
		costLine("Database", databaseCost.of(hours, standby, database.VCPU.named("vcpu"), vcpuHour.input(),
			database.MemoryGiB.named("memory_gib"), gibHour.input(), managedFactor.input())),
		costLine("Database storage", storageCost.of(standby, database.StorageGiB.named("storage_gib"), storageMonth.input())),
	}
	lines = append(lines, cacheLines(b)...)
	if p := b.Broker; p != nil && ownCarriers[b.System.Architecture] == "" {
		lines = append(lines, costLine("Broker", brokerCost.of(hours, p.Nodes.named("nodes"), p.VCPU.named("vcpu"), vcpuHour.input(), p.MemoryGiB.named("memory_gib"),
			gibHour.input(), managedFactor.input(), p.StorageGiB.named("storage_gib"), storageMonth.input())))
	}
	lines = append(lines, costLine("Network", networkCost.of(hours, balancerHour.input(), natHour.input(), load.Zones.named("zones"), load.AverageRPS.named("average_rps"),
		secondsPerDay.input(), daysPerMonth.input(), responseKiB.input(), egressGiB.input(), natGiB.input())))
	lines = append(lines, telemetryLines(b)...)
	return append(lines, costLine("Metrics", metricCost.of(b.Telemetry.Series.named("series"), seriesMonth.input())))
}

func cacheLines(b Blueprint) []CostLine {
	if b.Cache == nil {
		return nil
	}
	return []CostLine{costLine("Cache", cacheCost.of(hoursPerMonth.input(), b.Cache.MemoryMiB.named("memory_mib"), mebibytesInGiB.input(), gibHour.input(), managedFactor.input()))}
}

func telemetryLines(b Blueprint) []CostLine {
	days := daysPerMonth.input()
	return []CostLine{
		costLine("Logs", logCost.of(b.Telemetry.LogGiBPerDay.named("log_gib_per_day"), days, logIngest.input(), b.Load.LogDays.named("log_days"), logStore.input())),
		costLine("Traces", traceCost.of(b.Telemetry.TraceGiBPerDay.named("trace_gib_per_day"), days, traceIngest.input())),
	}
}

func costLine(item string, expected Quantity) CostLine {
	input := expected.named("expected")
	return CostLine{Item: item, Low: lowCost.of(lowEstimate.input(), input), Expected: expected, High: highCost.of(highEstimate.input(), input)}
}

// podTotals adds up what the least number of pods requests; that many carry the average load.
func podTotals(services []ServicePlan) []Input {
	cpu, memory := Input{Name: "millicores"}, Input{Name: "memory_mib"}
	for _, service := range services {
		s := service.Sizing
		cpu.Value += s.MinReplicas.Value * s.CPURequest.Value
		memory.Value += s.MinReplicas.Value * s.Memory.Value
		for _, p := range service.processesOf() {
			request, held := service.processSize(p.Process)
			cpu.Value += p.Replicas.Value * request.Value
			memory.Value += p.Replicas.Value * held.Value
		}
	}
	return []Input{cpu, millisPerVCPU.input(), vcpuHour.input(), memory, mebibytesInGiB.input(), gibHour.input(), nodePacking.input()}
}
