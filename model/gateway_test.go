package model

import (
	"strings"
	"testing"
)

func behind(kind string, latency float64) Answers {
	a := Examples()[0].Answers
	a.Delivery.Gateway = kind
	a.Load.LatencyP99Millis = &latency
	return a
}

func TestEveryTryFitsIntoTheGatewaysTime(t *testing.T) {
	for latency := 1.0; latency < 20_000; latency = latency*1.1 + 1 {
		b := Resolve(behind("kong", latency))
		timeouts, connect := b.Timeouts, b.Gateway.ConnectTimeout.Value
		if tries := (1 + timeouts.Retries.Value) * (connect + timeouts.PerTry.Value); tries > timeouts.Gateway.Value {
			t.Errorf("TMO-RETRY-FIT: p99 %v ms: tries take %v of %v ms", latency, tries, timeouts.Gateway.Value)
		}
		if connect < 50 || connect != float64(int(connect)) {
			t.Errorf("p99 %v ms: %v ms to connect", latency, connect)
		}
		if timeouts.Call.Value*1.1 > timeouts.AppDeadline.Value {
			t.Errorf("TMO-CHAIN: p99 %v ms: a call takes %v of %v ms", latency, timeouts.Call.Value, timeouts.AppDeadline.Value)
		}
	}
}

func TestNoGatewayHasNoPlan(t *testing.T) {
	b := Resolve(behind("none", 300))
	if b.Gateway != nil {
		t.Errorf("a plan for no gateway: %+v", b.Gateway)
	}
	for _, q := range b.Quantities() {
		if strings.HasPrefix(q.Path, "gateway.") {
			t.Errorf("%s without a gateway", q.Path)
		}
	}
}

// sharedPath are two services that both have customers.
func sharedPath(gateway string) Answers {
	a := Defaults()
	a.Delivery.Gateway = gateway
	field := []Field{{Name: "title", Type: Type{Kind: KindString, Length: 80}}}
	a.Services = []Service{
		{Name: "shop", Entities: []Entity{{Name: "customer", Fields: field}, {Name: "order", Fields: field}}},
		{Name: "crm", Entities: []Entity{{Name: "lead", Fields: field}, {Name: "customer", Fields: field}}},
	}
	return a
}

func TestTwoServicesCannotShareAPathBehindAGateway(t *testing.T) {
	for _, kind := range []string{"istio", "kong"} {
		var found []Problem
		for _, p := range Check(sharedPath(kind)) {
			if strings.HasPrefix(p.Path, "services") {
				found = append(found, p)
			}
		}
		if len(found) != 1 || found[0].Path != "services[1].entities[1].name" || !strings.Contains(found[0].Message, "/v1/customers is served by shop") {
			t.Errorf("%s: %v", kind, found)
		}
	}
	if problems := Check(sharedPath("none")); len(problems) > 0 {
		t.Errorf("without a gateway: %v", problems)
	}
}
