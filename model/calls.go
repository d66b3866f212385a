package model

import (
	"slices"
	"strings"
)

// CallPlan bounds the calls between services; what differs from call to call
// stands with its Edge.
type CallPlan struct {
	Queue        Quantity // ms that a call waits for its turn
	Attempts     Quantity
	Backoff      Quantity // ms within which the first repeat comes
	RetryShare   Quantity // repeats for each call, at most
	Window       Quantity // s for which a result counts
	FailureShare Quantity // from which the circuit breaker opens
	Open         Quantity // s for which it stays open
}

// What services ask of each other.
var (
	callsPerWrite = Constant{"calls_per_write", 1, "", "judgement: a write checks each reference once"}
	expandShare   = Constant{"expand_share", 0.05, "", "judgement: few readers want the records of other services embedded"}
	pageDistinct  = Constant{"page_distinct", 10, "", "judgement: a page of 20 refers to 10 different records"}
	callFloor     = Constant{"call_floor", 4, "calls", sourceJudgement}
	retryShare    = Constant{"retry_share", 0.1, "", "SRE book: a client's retry budget of 10 %"}
	breakerWindow = Constant{"breaker_window", 10, "s", "judgement: long enough to count, short enough to notice"}
	breakerShare  = Constant{"breaker_failure_share", 0.5, "", "judgement: half of the calls fail"}
	breakerOpen   = Constant{"breaker_open", 5, "s", "judgement: a restarted pod is ready again"}
	breakerFloor  = Constant{"breaker_floor", 5, "calls", "judgement: fewer failures may be chance"}
	breakerCap    = Constant{"breaker_cap", 20, "calls", "judgement: more failures are wasted time"}
)

// Formulas of the calls. Those of an edge hold for one pod of the caller.
var (
	callsOfWrites = derive("calls", "(1 - read_share) * calls_per_write", "every write checks what it refers to", "REF-CALLGRAPH")
	callsOfBoth   = derive("calls", "(1 - read_share) * calls_per_write + read_share * expand_share * (1 - list_of_reads + list_of_reads * page_distinct)",
		"writes check what they refer to, some reads embed it", "REF-CALLGRAPH")
	edgeRate  = derive("rps", "caller_rps * calls_per_request", "call graph", "REF-CALLGRAPH")
	callTurns = derive("calls", "max(call_floor, min(ceil(in_flight / 2), ceil(2 * rps_per_pod * calls_per_request * latency_p99_ms / 1000)))",
		sourceLittle+", twice; at most half of what a pod admits, so that a slow service stops only what needs it", "TMO-BULKHEAD")
	breakerCalls = derive("calls", "max(breaker_floor, min(breaker_cap, ceil(breaker_window * rps_per_pod * calls_per_request / 2)))",
		"half of what a window holds", "TMO-BULKHEAD")
	callQueue = derive("ms", "min(acquire_cap, ceil(call / 4))", "a wait that ends while the call can still be made", "TMO-CHAIN")
)

// Expands says that reads may embed the record that the field refers to.
func (r Reference) Expands() bool { return r.Expansion != "" }

// resolveExpansions names what reads of an entity may embed: the records of
// called services, unless the reference itself is private.
func resolveExpansions(service ServicePlan, entity *EntityPlan) {
	taken := uniqueNames{"degraded": true, "id": true, "created_at": true, "updated_at": true, "version": true}
	for _, field := range entity.Fields {
		taken[field.JSON] = true
	}
	for i := range entity.References {
		ref := &entity.References[i]
		ref.Called = !ref.Local && slices.Contains(service.Calls, ref.Service)
		if ref.Called && !privateField(*entity, ref.Field) {
			name := strings.TrimSuffix(ref.Field, "_id")
			if taken[name] {
				name += "_record"
			}
			ref.Expansion = taken.take(name)
		}
	}
}

func privateField(entity EntityPlan, name string) bool {
	return slices.ContainsFunc(entity.Fields, func(f FieldPlan) bool { return f.JSON == name && f.Private })
}

// resolveCallRate fills in how often a service asks another, its load being known.
func resolveCallRate(edge *Edge, caller ServicePlan, load ResolvedLoad) {
	read := load.ReadShare.named("read_share")
	edge.PerRequest = callsOfWrites.of(read, callsPerWrite.input())
	if expandsTo(caller, edge.To) {
		edge.PerRequest = callsOfBoth.of(read, callsPerWrite.input(), expandShare.input(), listOfReads.input(), pageDistinct.input())
	}
	edge.RPS = edgeRate.of(caller.Sizing.RPS.named("caller_rps"), edge.PerRequest.named("calls_per_request"))
}

func expandsTo(caller ServicePlan, callee string) bool {
	return slices.ContainsFunc(caller.Entities, func(e EntityPlan) bool {
		return slices.ContainsFunc(e.References, func(r Reference) bool { return r.Service == callee && r.Expands() })
	})
}

// resolveCallLimits fills in what bounds the calls, once pods and deadlines are known.
func resolveCallLimits(b *Blueprint) {
	if len(b.Edges) == 0 {
		return
	}
	b.Calls = &CallPlan{
		Queue:        callQueue.of(acquireCap.input(), b.Timeouts.Call.named("call")),
		Attempts:     derive("", "1 + retries", "one repeat, and only within the budget", "TMO-RETRY-BUDGET", "TMO-IDEMPOTENT").of(retries.input()),
		Backoff:      constantQuantity(retryBackoff),
		RetryShare:   constantQuantity(retryShare, "TMO-RETRY-BUDGET"),
		Window:       constantQuantity(breakerWindow),
		FailureShare: constantQuantity(breakerShare),
		Open:         constantQuantity(breakerOpen),
	}
	for i := range b.Edges {
		edge := &b.Edges[i]
		caller := b.service(edge.From).Sizing
		rate, calls := caller.RPSPerPod.named("rps_per_pod"), edge.PerRequest.named("calls_per_request")
		edge.InFlight = callTurns.of(callFloor.input(), caller.InFlight.named("in_flight"), rate, calls, b.Load.LatencyP99.named("latency_p99_ms"))
		edge.BreakerCalls = breakerCalls.of(breakerFloor.input(), breakerCap.input(), breakerWindow.input(), rate, calls)
	}
}

func (c *CallPlan) quantities() []NamedQuantity {
	return []NamedQuantity{
		{"queue", c.Queue}, {"attempts", c.Attempts}, {"backoff", c.Backoff}, {"retry_share", c.RetryShare},
		{"breaker_window", c.Window}, {"breaker_failure_share", c.FailureShare}, {"breaker_open", c.Open},
	}
}

func (e Edge) quantities() []NamedQuantity {
	return []NamedQuantity{
		{"calls_per_request", e.PerRequest}, {"rps", e.RPS}, {"in_flight", e.InFlight}, {"breaker_calls", e.BreakerCalls},
	}
}
