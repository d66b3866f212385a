package model

import (
	"fmt"
	"strings"
)

// Formulas of one service. Processor times are in ms and pod_cpu in millicores,
// so rps * cpu_per_request / pod_cpu is a number of pods.
var (
	shareEven     = derive("", "(1 - given_shares) / services_without_share", "the rest of the edge requests, split evenly")
	averageRate   = derive("rps", "average_rps * service_rps / peak_rps", "definition")
	cpuPerRequest = derive("ms", "read_share * cpu_read + (1 - read_share) * cpu_write", "mean over the mix")
	minReplicas   = derive("pods", "max(2, zones * (availability_slo >= 99.9), "+
		"ceil(average_rps * cpu_per_request / (pod_cpu * utilisation) * zones / max(zones - 1, 1)), "+
		"ceil(2 * average_rps * cpu_per_request / cpu_limit))",
		"average load without one zone, and a doubling until the autoscaler reacts", "SCA-HPA-MIN", "SCA-ZONE-LOSS", "SCA-HPA-STEP")
	maxReplicas = derive("pods", "max(min_replicas + 1, 2 * zones, "+
		"ceil(peak_headroom * ceil(service_rps * cpu_per_request / (pod_cpu * utilisation) * zones / max(zones - 1, 1))))",
		"peak load without one zone, and headroom", "SCA-HPA-RANGE", "SCA-HPA-CAP", "SCA-ZONE-LOSS")
	surgePods  = derive("pods", "max(1, ceil(surge_share * max_replicas))", "a rollout adds pods before it removes any", "SCA-SURGE")
	rpsPerPod  = derive("rps", "min(max(service_rps / min_replicas, pod_cpu / cpu_per_request), cpu_limit / cpu_per_request)", "what one pod may really see")
	inFlight   = derive("requests", "max(16, ceil(2 * rps_per_pod * latency_p99_ms / 2 / 1000))", sourceLittle+", twice, with a mean of half the p99", "RES-INFLIGHT")
	queued     = derive("requests", "max(4, ceil(rps_per_pod * queue / 1000))", sourceLittle+": what is answered while one waits", "RES-INFLIGHT")
	dbHoldTime = derive("ms", "db_calls * (read_share * (1 - cache_hit) * hold_read + (1 - read_share) * hold_write)", "mean over the mix")
	poolSize   = derive("connections", "max(pool_floor, ceil(pool_factor * rps_per_pod * db_hold / 1000))", sourceLittle, "CON-POOL-LITTLE")
	poolMin    = derive("connections", "min(2, pool_size)", "warm for the first requests, small when idle")
	acquire    = derive("ms", "min(acquire_cap, ceil(per_try / 2))", "fail while the caller still waits", "CON-POOL-WAIT")
	cachePool  = derive("connections", "max(pool_floor, ceil(pool_factor * rps_per_pod * cache_round_trip / 1000))", sourceLittle, "CON-REDIS")
	podMemory  = derive("MiB", "ceilto(memory_headroom * (base_memory + connection_memory * pool_size + request_memory * in_flight), 64)",
		"what a pod holds at its limits", "RES-MEM-FIT", "RES-MEM-EQ")
	loadUsers = derive("users", "ceil(service_rps * (think_time + latency_p99_ms / 2) / 1000)", sourceLittle)
)

// resolveNumbers fills in every quantity. The order is that of dependence:
// load, traffic through the call graph, deadlines, pods, stores, telemetry, cost.
func resolveNumbers(a Answers, b *Blueprint) {
	b.Load = resolveLoad(a)
	resolveShares(a, b)
	resolveTraffic(b)
	b.Timeouts = resolveTimeouts(b.Load)
	resolveRoutes(b)
	resolveEventRates(b)
	host := resolvePods(b)
	for i := range b.Services {
		service := &b.Services[i]
		service.Sizing.derive(b.Load, b.Timeouts, *service)
	}
	resolveMessaging(a, b, host)
	b.Deployables = deployablesOf(*b, host)
	resolveCallLimits(b)
	b.Database = resolveDatabase(*b)
	b.Cache = resolveCache(*b)
	b.Functions = resolveFunctions(*b)
	b.Telemetry = resolveTelemetry(*b)
	b.Objectives = resolveObjectives(b.Load)
	b.Alerts = resolveAlerts(*b)
	b.Cluster = resolveCluster(*b)
	b.Gateway = resolveGateway(*b)
	b.RateLimit = resolveRateLimit(b.Security.RateLimit)
	b.Cost = resolveCost(*b)
}

func resolveRoutes(b *Blueprint) {
	for i := range b.Services {
		service := &b.Services[i]
		for j := range service.Entities {
			service.Entities[j].Routes = routesOf(service.Entities[j], b.Load.ReadShare, len(service.Entities))
			if b.Security.Authorization == "rbac" {
				service.Entities[j].takeScopes()
			}
		}
	}
}

// resolvePods says how many pods the services have, or their host where there is
// one, and what each of them may see.
func resolvePods(b *Blueprint) (host *ServicePlan) {
	if b.Hosted() {
		host = resolveHost(*b)
	}
	for i := range b.Services {
		sizing := &b.Services[i].Sizing
		sizing.CPUPerRequest = cpuPerRequest.of(b.Load.ReadShare.named("read_share"), cpuRead.input(), cpuWrite.input())
		if host != nil {
			sizing.partOf(host.Sizing)
			continue
		}
		sizing.derivePods(b.Load)
	}
	return host
}

// resolveShares splits the edge requests: what the answers give, then evenly.
func resolveShares(a Answers, b *Blueprint) {
	given, open := 0.0, 0
	for _, service := range a.Services {
		if service.Share != nil {
			given += *service.Share
		} else {
			open++
		}
	}
	for i, service := range a.Services {
		share := &b.Services[i].Sizing.Share
		if service.Share != nil {
			*share = Quantity{Value: *service.Share, Formula: "given", Source: fmt.Sprintf("answers: services[%d].share", i)}
			continue
		}
		*share = shareEven.of(Input{"given_shares", given}, Input{"services_without_share", float64(open)})
	}
}

// resolveTraffic carries the peak through the call graph, callers first. An edge
// that closes a cycle is priced but not followed: it would grow without end.
func resolveTraffic(b *Blueprint) {
	graph := walkGraph(b.Services)
	index := map[string]int{}
	for i, service := range b.Services {
		index[service.Name] = i
	}
	inbound := map[string][]Input{}
	peak := b.Load.PeakRPS.named("peak_rps")
	for _, name := range graph.order {
		sizing := &b.Services[index[name]].Sizing
		sizing.RPS = serviceRate(peak, sizing.Share, inbound[name])
		sizing.AverageRPS = averageRate.of(b.Load.AverageRPS.named("average_rps"), sizing.RPS.named("service_rps"), peak)
		for i := range b.Edges {
			edge := &b.Edges[i]
			if edge.From != name {
				continue
			}
			resolveCallRate(edge, b.Services[index[name]], b.Load)
			if !graph.closes[[2]string{edge.From, edge.To}] {
				inbound[edge.To] = append(inbound[edge.To], edge.RPS.named("calls_from_"+Snake(edge.From)))
			}
		}
	}
}

func serviceRate(peak Input, share Quantity, inbound []Input) Quantity {
	terms := append([]string{"peak_rps * share"}, inputNames(inbound)...)
	return derive("rps", strings.Join(terms, " + "), "its share of the edge, and what other services ask of it", "REF-CALLGRAPH").
		of(append([]Input{peak, share.named("share")}, inbound...)...)
}

func inputNames(inputs []Input) []string {
	names := make([]string, len(inputs))
	for i, input := range inputs {
		names[i] = input.Name
	}
	return names
}

// derivePods says how many pods carry the rates, and what one of them may see.
func (s *Sizing) derivePods(load ResolvedLoad) {
	podCPU, zones := load.PodCPU.named("pod_cpu"), load.Zones.named("zones")
	rate, average, cpu := s.RPS.named("service_rps"), s.AverageRPS.named("average_rps"), s.CPUPerRequest.named("cpu_per_request")
	s.CPURequest = load.PodCPU
	s.CPULimit = constantQuantity(cpuLimit, "RES-CPU-LIMIT", "RES-WORKERS")

	s.MinReplicas = minReplicas.of(zones, load.AvailabilitySLO.named("availability_slo"), average, cpu, podCPU, utilisation.input(), cpuLimit.input())
	least := s.MinReplicas.named("min_replicas")
	s.MaxReplicas = maxReplicas.of(least, zones, peakHeadroom.input(), rate, cpu, podCPU, utilisation.input())
	s.Surge = surgePods.of(surgeShare.input(), s.MaxReplicas.named("max_replicas"))
	s.RPSPerPod = rpsPerPod.of(rate, least, podCPU, cpu, cpuLimit.input())
}

// derive fills in everything below RPSPerPod.
func (s *Sizing) derive(load ResolvedLoad, timeouts TimeoutPlan, service ServicePlan) {
	rate, read, latency := s.RPS.named("service_rps"), load.ReadShare.named("read_share"), load.LatencyP99.named("latency_p99_ms")
	perPod := s.RPSPerPod.named("rps_per_pod")
	s.InFlight = inFlight.of(perPod, latency)
	s.Queued = queued.of(perPod, timeouts.Queue.named("queue"))

	s.DBHold = dbHoldTime.of(callsPerRequest.input(), read, hitRatio(service.Cached), holdRead.input(), holdWrite.input())
	s.PoolSize = poolSize.of(poolFloor.input(), poolFactor.input(), perPod, s.DBHold.named("db_hold"))
	s.PoolMin = poolMin.of(s.PoolSize.named("pool_size"))
	s.AcquireTimeout = acquire.of(acquireCap.input(), timeouts.PerTry.named("per_try"))
	if s.MinReplicas.Formula != "" {
		s.Memory = podMemory.of(memoryHeadroom.input(), baseMemory.input(), connectionMiB.input(), s.PoolSize.named("pool_size"),
			requestMiB.input(), s.InFlight.named("in_flight"))
	}
	s.LoadTestUsers = loadUsers.of(rate, thinkTime.input(), latency)
	if service.UsesRedis {
		s.CachePool = cachePool.of(poolFloor.input(), poolFactor.input(), perPod, cacheRoundTrip.input())
	}
	if service.Cached {
		s.CacheTTL = constantQuantity(cacheTTLSeconds)
	}
}

// hitRatio is the share of reads that a cache answers.
func hitRatio(cached bool) Input {
	if !cached {
		return Input{Name: cacheHits.Name}
	}
	return cacheHits.input()
}

// constantQuantity shows a constant among the derived numbers.
func constantQuantity(c Constant, rules ...string) Quantity {
	return Quantity{Value: c.Value, Unit: c.Unit, Formula: c.Name, Inputs: []Input{c.input()}, Rules: rules, Source: c.Source}
}
