package model

import "fmt"

// GatewayPlan is what stands between the outside and the services, and, with a
// mesh, between the services themselves. Retries happen at the gateway alone: a
// request meets it once, so no service sees more tries than 1 + retries, however
// deep the calls behind it go.
type GatewayPlan struct {
	Kind      string // istio | kong
	Namespace string // where it is installed

	ConnectTimeout Quantity // ms, of one try, before its answer is waited for
	IdleTimeout    Quantity // s after which an unused connection is closed
	MaxBody        Quantity // B, of a request; zero where the services' own limit is the only one

	RetryBudget  Quantity // percent of the requests under way that may be retries
	RetryFloor   Quantity // retries at once that are allowed however few requests there are
	EjectErrors  Quantity // answers of 502, 503 or 504 in a row after which a pod is left out
	EjectEvery   Quantity // s between two looks at the pods
	EjectTime    Quantity // s for which a pod is left out the first time
	MinHealthy   Quantity // percent of the pods below which all get requests again
	HealthEvery  Quantity // s between two health checks
	HealthWait   Quantity // s for the answer of one
	HealthPasses Quantity // good answers in a row that bring a target back
	HealthFails  Quantity // bad ones that take it out

	CPU     Quantity // millicores, of one pod of the gateway
	Memory  Quantity // MiB, likewise
	MinPods Quantity
	MaxPods Quantity

	Services []TrafficPlan // in the order of the answers
}

// TrafficPlan bounds what one proxy sends to one service.
type TrafficPlan struct {
	Service     string
	MaxRequests Quantity // requests at once
	MaxPending  Quantity // requests that wait for a connection
	MaxEjected  Quantity // percent of the pods that may be left out
}

var (
	retryBudget  = Constant{"retry_budget", 20, "%", "SRE book, Handling overload: retries stay a small part of the requests"}
	retryFloor   = Constant{"retry_floor", 3, "retries", "Envoy: default of a retry budget"}
	ejectErrors  = Constant{"eject_errors", 5, "answers", "Envoy: default of outlier detection"}
	ejectEvery   = Constant{"eject_every", 10, "s", "Envoy: default of outlier detection"}
	ejectTime    = Constant{"eject_time", 30, "s", "Envoy: default of outlier detection"}
	ejectCap     = Constant{"eject_cap", 50, "%", "judgement: when half of the pods fail, it is not the pods"}
	healthEvery  = Constant{"health_every", 5, "s", sourceJudgement}
	healthWait   = Constant{"health_wait", 1, "s", "Kong: default of an active health check"}
	healthPasses = Constant{"health_passes", 2, "answers", sourceJudgement}
	healthFails  = Constant{"health_fails", 3, "answers", sourceJudgement}
	gatewayCPU   = Constant{"gateway_cpu", 500, "millicores", sourceJudgement}
	gatewayMiB   = Constant{"gateway_memory", 256, "MiB", sourceJudgement}
	proxyTime    = Constant{"proxy_time", 0.5, "ms", "Istio: 0.35 vCPU for 1000 requests a second, and TLS to the outside"}
	bodyLimit    = Constant{"max_body", 1 << 20, "B", "the limit of the services themselves"}
)

// Formulas of the gateway.
var (
	connectTimeout = derive("ms", "ceil(gateway / (1 + retries)) - 1 - per_try",
		"every try connects and answers within its part of the gateway's time", "TMO-RETRY-FIT", "TMO-KONG-DEFAULT")
	minHealthy = derive("%", "100 - eject_cap", "below it, leaving pods out does more harm than good", "TMO-CIRCUIT")
	gatewayMin = derive("pods", "max(2, zones)", "one in each zone", "SCA-ZONE-LOSS")
	gatewayMax = derive("pods", "max(gateway_min + 1, ceil(peak_headroom * ceil(peak_rps * proxy_time / (gateway_cpu * utilisation) * zones / max(zones - 1, 1))))",
		"the peak without one zone, and headroom", "SCA-HPA-CAP", "SCA-ZONE-LOSS")
	maxRequests = derive("requests", "in_flight * max_replicas", "what all pods together admit: more would only be refused later", "TMO-BULKHEAD")
	maxEjected  = derive("%", "min(eject_cap, 100 - ceil(100 * ceil(service_rps * cpu_per_request / (pod_cpu * utilisation) * zones / max(zones - 1, 1)) / max_replicas))",
		"the pods that are left carry the peak", "TMO-CIRCUIT")
)

// resolveGateway is nil where the platform's own ingress is used.
func resolveGateway(b Blueprint) *GatewayPlan {
	kind := b.Delivery.Gateway
	if kind == "none" || kind == "" {
		return nil
	}
	t := b.Timeouts
	plan := &GatewayPlan{
		Kind:           kind,
		Namespace:      b.Cluster.GatewayNamespace,
		ConnectTimeout: connectTimeout.of(t.Gateway.named("gateway"), t.Retries.named("retries"), t.PerTry.named("per_try")),
	}
	if kind == "kong" {
		plan.MaxBody = constantQuantity(bodyLimit, "RAT-BODY")
		plan.HealthEvery, plan.HealthWait = constantQuantity(healthEvery), constantQuantity(healthWait)
		plan.HealthPasses, plan.HealthFails = constantQuantity(healthPasses), constantQuantity(healthFails)
		return plan
	}
	plan.resolveMesh(b)
	return plan
}

// resolveMesh adds what the proxies of a mesh are told and Kong cannot be.
func (g *GatewayPlan) resolveMesh(b Blueprint) {
	g.IdleTimeout = constantQuantity(upstreamIdle, "TMO-KEEPALIVE")
	g.RetryBudget, g.RetryFloor = constantQuantity(retryBudget, "TMO-RETRY-BUDGET"), constantQuantity(retryFloor, "TMO-RETRY-BUDGET")
	g.EjectErrors, g.EjectEvery = constantQuantity(ejectErrors), constantQuantity(ejectEvery)
	g.EjectTime, g.MinHealthy = constantQuantity(ejectTime), minHealthy.of(ejectCap.input())
	zones := b.Load.Zones.named("zones")
	g.CPU, g.Memory, g.MinPods = constantQuantity(gatewayCPU), constantQuantity(gatewayMiB, "RES-MEM-EQ"), gatewayMin.of(zones)
	g.MaxPods = gatewayMax.of(g.MinPods.named("gateway_min"), peakHeadroom.input(), b.Load.PeakRPS.named("peak_rps"), proxyTime.input(),
		gatewayCPU.input(), utilisation.input(), zones)
	for _, service := range b.Deployables {
		s := service.Sizing
		g.Services = append(g.Services, TrafficPlan{
			Service:     service.Name,
			MaxRequests: maxRequests.of(s.InFlight.named("in_flight"), s.MaxReplicas.named("max_replicas")),
			MaxPending:  s.InFlight,
			MaxEjected: maxEjected.of(ejectCap.input(), s.RPS.named("service_rps"), s.CPUPerRequest.named("cpu_per_request"),
				b.Load.PodCPU.named("pod_cpu"), utilisation.input(), zones, s.MaxReplicas.named("max_replicas")),
		})
	}
}

func (g *GatewayPlan) quantities() []NamedQuantity {
	if g == nil {
		return nil
	}
	all := []NamedQuantity{
		{"connect_timeout", g.ConnectTimeout}, {"idle_timeout", g.IdleTimeout}, {"max_body", g.MaxBody},
		{"retry_budget", g.RetryBudget}, {"retry_floor", g.RetryFloor},
		{"eject_errors", g.EjectErrors}, {"eject_every", g.EjectEvery}, {"eject_time", g.EjectTime}, {"min_healthy", g.MinHealthy},
		{"health_every", g.HealthEvery}, {"health_wait", g.HealthWait}, {"health_passes", g.HealthPasses}, {"health_fails", g.HealthFails},
		{"cpu", g.CPU}, {"memory", g.Memory}, {"min_pods", g.MinPods}, {"max_pods", g.MaxPods},
	}
	for _, service := range g.Services {
		all = append(all, under("services."+service.Service, []NamedQuantity{
			{"max_requests", service.MaxRequests}, {"max_pending", service.MaxPending}, {"max_ejected", service.MaxEjected},
		})...)
	}
	return all
}

// checkRoutes refuses a path that two services serve: all of them share one
// host at the gateway, which could not tell them apart.
func (c *checker) checkRoutes() {
	if c.answers.Delivery.Gateway == "none" {
		return
	}
	owners := map[string]string{}
	for i, service := range c.answers.Services {
		for j, entity := range service.Entities {
			path := entityPath(entity.Name)
			owner, taken := owners[path]
			if !taken {
				owners[path] = service.Name
			} else if owner != service.Name {
				c.fail(fmt.Sprintf("services[%d].entities[%d].name", i, j),
					fmt.Sprintf("%s is served by %s already, and the gateway cannot tell the two apart", path, owner),
					"rename one of the two: "+Snake(service.Name+"_"+entity.Name)+", for example")
			}
		}
	}
}
