package model

// Formulas of the deadlines: from what a client waits down to what one
// statement may take, each layer outliving the next inner one.
var (
	perTry           = derive("ms", "max(try_floor, ceil(2 * latency_p99_ms))", "a timeout near the p99 makes errors of slow answers", "TMO-SLO")
	routeTimeout     = derive("ms", "ceilto((1 + retries) * per_try + retries * backoff, 100)", "every try and its backoff fit", "TMO-RETRY-FIT", "TMO-EXPLICIT")
	gatewayTimeout   = derive("ms", "ceil(chain_step * route)", "outermost last", "TMO-CHAIN")
	clientTimeout    = derive("ms", "ceil(1.2 * gateway)", "outermost last", "TMO-CHAIN")
	appDeadline      = derive("ms", "ceil(0.9 * per_try)", "the service gives up before its caller does", "TMO-CHAIN")
	queueTimeout     = derive("ms", "ceil(0.1 * app_deadline)", "a burst waits; what waits longer would answer too late", "TMO-CHAIN", "RES-INFLIGHT")
	callTimeout      = derive("ms", "ceil(0.9 * app_deadline)", "a service that asks another has time left to answer", "TMO-CHAIN", "TMO-ONE-RETRIER")
	statementTimeout = derive("ms", "ceil(0.8 * app_deadline)", "the statement ends before the request does", "TMO-CHAIN", "CON-DB-TIMEOUTS")
	lockTimeout      = derive("ms", "min(lock_cap, ceil(statement_timeout / 2))", "a lock that is waited for leaves time for the work", "CON-DB-TIMEOUTS")
	keepAlive        = derive("s", "upstream_idle + idle_margin", "the server closes an idle connection last", "TMO-KEEPALIVE")
	preStop          = derive("s", "drain_delay - close_delay", "in Kubernetes: endpoints disappear while the pod serves as ever", "LIF-PRESTOP")
	gracePeriod      = derive("s", "ceil(drain_delay + route / 1000 + flush + margin)", "drain, finish, flush", "LIF-GRACE", "LIF-PRESTOP")
)

func resolveTimeouts(load ResolvedLoad) TimeoutPlan {
	t := TimeoutPlan{
		PerTry:     perTry.of(tryFloor.input(), load.LatencyP99.named("latency_p99_ms")),
		Retries:    constantQuantity(retries, "TMO-ONE-RETRIER", "TMO-IDEMPOTENT"),
		KeepAlive:  keepAlive.of(upstreamIdle.input(), idleMargin.input()),
		DrainDelay: constantQuantity(drainSeconds, "LIF-PRESTOP"),
		PreStop:    preStop.of(drainSeconds.input(), closeSeconds.input()),
		PodDrain:   constantQuantity(closeSeconds),
	}
	t.Route = routeTimeout.of(retries.input(), t.PerTry.named("per_try"), retryBackoff.input())
	t.Gateway = gatewayTimeout.of(chainStep.input(), t.Route.named("route"))
	t.Client = clientTimeout.of(t.Gateway.named("gateway"))
	t.AppDeadline = appDeadline.of(t.PerTry.named("per_try"))
	t.Queue = queueTimeout.of(t.AppDeadline.named("app_deadline"))
	t.Call = callTimeout.of(t.AppDeadline.named("app_deadline"))
	t.StatementTimeout = statementTimeout.of(t.AppDeadline.named("app_deadline"))
	t.LockTimeout = lockTimeout.of(lockCap.input(), t.StatementTimeout.named("statement_timeout"))
	t.GracePeriod = gracePeriod.of(drainSeconds.input(), t.Route.named("route"), flushSeconds.input(), shutdownMargin.input())
	return t
}
