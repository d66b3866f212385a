package model

// Unit prices of AWS in US dollars, as far as functions replace what a cluster costs.
var (
	functionGiBSecond    = Constant{"function_gib_second", 0.0000133334, "USD", sourceAWSPrices}
	functionRequest      = Constant{"function_million", 0.20, "USD", sourceAWSPrices}
	provisionedGiBSecond = Constant{"provisioned_gib_second", 0.0000033334, "USD", sourceAWSPrices}
	apiMillion           = Constant{"api_million", 1.00, "USD", sourceAWSPrices}
	eventMillion         = Constant{"event_million", 1.00, "USD", sourceAWSPrices}
	queueMillion         = Constant{"queue_million", 0.40, "USD", sourceAWSPrices}
	capacityHour         = Constant{"capacity_hour", 0.12, "USD", sourceAWSPrices}
	proxyCapacityHour    = Constant{"proxy_capacity_hour", 0.015, "USD", sourceAWSPrices}
	proxyLeast           = Constant{"proxy_least", 8, "ACU", sourceAWSPrices}
	endpointHour         = Constant{"endpoint_hour", 0.011, "USD", sourceAWSPrices}
	endpoints            = Constant{"endpoints", 3, "", "Secrets Manager, EventBridge and SQS"}
	callsPerEvent        = Constant{"queue_calls", 3, "", "judgement: sent, received and deleted, with batches and empty reads"}
	million              = Constant{"million", 1_000_000, "", "a million"}
)

const sourceAWSPrices = "illustrative: list prices of AWS; edit for your region"

var (
	functionCost = derive("USD/month", "average_rps * seconds_per_day * days * (latency_p99_ms / 2 / 1000 * memory / mib_per_gib * function_gib_second + function_million / million)",
		"what runs on average, with a mean of half the p99", "CST-BUDGET")
	relayCost  = derive("USD/month", "hours * 3600 * relay_memory / mib_per_gib * function_gib_second", "relays never stop", "CST-BUDGET")
	warmCost   = derive("USD/month", "hours * 3600 * warm_memory / mib_per_gib * provisioned_gib_second", "environments that are always warm", "CST-BUDGET")
	apiCost    = derive("USD/month", "average_rps * seconds_per_day * days / million * api_million", "each request", "CST-BUDGET")
	eventCost  = derive("USD/month", "average_event_rate * seconds_per_day * days / million * (event_million + queue_calls * consumers * queue_million)", "each event, to each consumer", "CST-BUDGET")
	auroraCost = derive("USD/month", "hours * (1 + standbys) * (min_capacity * capacity_hour + max(proxy_least, min_capacity) * proxy_capacity_hour)",
		"the least capacity: the average load needs no more", "CST-BUDGET")
	functionNetwork = derive("USD/month", "hours * endpoints * zones * endpoint_hour + average_rps * seconds_per_day * days * response_kib / 1048576 * egress_gib",
		"endpoints, and what leaves", "CST-BUDGET")
)

// functionLines are the lines of the bill that take the place of those of a cluster.
func functionLines(b Blueprint) []CostLine {
	average, seconds, days := b.Load.AverageRPS.named("average_rps"), secondsPerDay.input(), daysPerMonth.input()
	hours, gib := hoursPerMonth.input(), mebibytesInGiB.input()
	total, relays, warm := Input{Name: "average_rps"}, Input{Name: "relay_memory"}, Input{Name: "warm_memory"}
	for _, s := range b.Services {
		total.Value += s.Sizing.AverageRPS.Value
	}
	for _, f := range b.Functions.Functions {
		warm.Value += f.Provisioned.Value * f.Memory.Value
		if f.Role == RelayFunction {
			relays.Value += f.Memory.Value
		}
	}
	lines := []CostLine{
		costLine("Functions", functionCost.of(total, seconds, days, b.Load.LatencyP99.named("latency_p99_ms"), functionMiB.named("memory"), gib,
			functionGiBSecond.input(), functionRequest.input(), million.input())),
		costLine("Warm functions", warmCost.of(hours, warm, gib, provisionedGiBSecond.input())),
		costLine("API", apiCost.of(average, seconds, days, million.input(), apiMillion.input())),
	}
	if p := b.Broker; p != nil {
		consumers := Input{"consumers", float64(max(1, len(b.Functions.Queues)))}
		lines = append(lines, costLine("Relays", relayCost.of(hours, relays, gib, functionGiBSecond.input())),
			costLine("Events", eventCost.of(p.AverageEPS.named("average_event_rate"), seconds, days, million.input(), eventMillion.input(), callsPerEvent.input(),
				consumers, queueMillion.input())))
	}
	standby := b.Database.Standbys.named("standbys")
	return append(lines,
		costLine("Database", auroraCost.of(hours, standby, b.Functions.MinCapacity.named("min_capacity"), capacityHour.input(), proxyLeast.input(), proxyCapacityHour.input())),
		costLine("Database storage", storageCost.of(standby, b.Database.StorageGiB.named("storage_gib"), storageMonth.input())),
		costLine("Network", functionNetwork.of(hours, endpoints.input(), b.Load.Zones.named("zones"), endpointHour.input(), average, seconds, days,
			responseKiB.input(), egressGiB.input())),
	)
}

// named is the constant under another name, where a formula speaks of something else as well.
func (c Constant) named(name string) Input { return Input{name, c.Value} }
