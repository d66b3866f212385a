package model

import (
	"strings"
	"testing"
)

// serverless are the examples as functions, at every scale, each with an event that somebody reads.
func serverless() map[string]Blueprint {
	found := map[string]Blueprint{}
	for _, scale := range []Scale{Small, Medium, Large} {
		for _, example := range Examples() {
			answers := example.Answers.Clone()
			answers.Architecture, answers.Scale = Serverless, scale
			event := answers.Services[0].Entities[0].Name + ".created"
			answers.Services[0].Publishes = []string{event}
			last := &answers.Services[len(answers.Services)-1]
			last.Consumes, last.CQRS = append(last.Consumes, event), true
			found[example.Name+" "+string(scale)] = Resolve(answers)
		}
	}
	return found
}

// functionLaws are the inequalities that AWS and the services ask for.
var functionLaws = []struct {
	rule  string
	holds func(b Blueprint, f FunctionPlan) bool
}{
	{"SLS-CONC", func(b Blueprint, f FunctionPlan) bool {
		s := b.service(f.Service)
		return f.Reserved.Value >= f.Concurrency.Value && (f.Role != APIFunction || f.Reserved.Value >= 2*s.Sizing.RPS.Value*b.Load.LatencyP99.Value/2000)
	}},
	{"SLS-PROVISIONED", func(b Blueprint, f FunctionPlan) bool {
		return f.Role != APIFunction || b.Load.LatencyP99.Value > functionStart.Value || f.Provisioned.Value >= 1 && f.Provisioned.Value <= f.Reserved.Value
	}},
	{"SLS-MEM", func(_ Blueprint, f FunctionPlan) bool { return f.Memory.Value >= 512 && f.Memory.Value <= 10240 }},
	{"TMO-CHAIN", func(b Blueprint, f FunctionPlan) bool {
		return f.Timeout.Value == float64(f.Timeout.Int()) && f.Timeout.Value <= 900 && (f.Role != APIFunction ||
			1000*f.Timeout.Value > b.Timeouts.AppDeadline.Value && b.Functions.IntegrationTime.Value >= 1000*f.Timeout.Value && b.Functions.IntegrationTime.Value <= 30_000)
	}},
	{"MSG-SQS-RECEIVE", func(b Blueprint, f FunctionPlan) bool {
		consumers := b.service(f.Service).consumers().Value
		readers := 0.0
		for _, q := range b.Functions.Queues {
			if q.Service == f.Service {
				readers = q.Readers.Value
			}
		}
		return f.Role != WorkerFunction || readers >= 2 && readers*consumers <= f.Reserved.Value
	}},
	{"MSG-ACK", func(b Blueprint, f FunctionPlan) bool {
		return f.Role != WorkerFunction || 1000*f.Timeout.Value > b.Broker.ConsumerTimeout.Value*batchMessages.Value/f.PoolSize.Value
	}},
}

func TestFunctionsFitTogether(t *testing.T) {
	for name, b := range serverless() {
		plan := b.Functions
		roles := map[string]int{}
		for _, f := range plan.Functions {
			roles[f.Role]++
			for _, law := range functionLaws {
				if !law.holds(b, f) {
					t.Errorf("%s: %s breaks %s: %+v", name, f.Instance(), law.rule, f)
				}
			}
		}
		if n := len(b.Services); roles[APIFunction] != n || roles[MigrateFunction] != n || roles[RelayFunction] == 0 || roles[WorkerFunction] == 0 {
			t.Errorf("%s: functions %v for %d services", name, roles, n)
		}
		for _, q := range plan.Queues {
			if worker, _ := b.Explain("functions." + Snake(q.Service) + "_worker.timeout"); q.Visibility.Value < 6*worker.Value || worker.Value == 0 {
				t.Errorf("%s: %s is visible after %v s, and its function has %v", name, q.Service, q.Visibility.Value, worker.Value)
			}
		}
		if plan.ProxyPool.Value > plan.MaxConnections.Value*plan.ProxyShare.Value/100 {
			t.Errorf("%s: the proxy needs %v of %v connections", name, plan.ProxyPool.Value, plan.MaxConnections.Value)
		}
		if plan.MinCapacity.Value < 0.5 || plan.MaxCapacity.Value*acuGiB.Value*connectionsPerGiB.Value < plan.MaxConnections.Value {
			t.Errorf("%s: %v to %v ACU for %v connections", name, plan.MinCapacity.Value, plan.MaxCapacity.Value, plan.MaxConnections.Value)
		}
		reserved, direct := 0.0, 0.0
		for _, f := range plan.Functions {
			switch f.Role {
			case APIFunction:
				reserved += f.Reserved.Value
			case RelayFunction, MigrateFunction:
				direct += f.Reserved.Value * f.PoolSize.Value
			}
		}
		if direct > plan.MaxConnections.Value*(100-plan.ProxyShare.Value)/100 {
			t.Errorf("%s: relays and migrations hold %v of %v connections", name, direct, plan.MaxConnections.Value)
		}
		if plan.ThrottleRPS.Value*b.Load.LatencyP99.Value/2000 > reserved {
			t.Errorf("%s: the API lets %v requests/s through to %v environments", name, plan.ThrottleRPS.Value, reserved)
		}
	}
}

// A cluster's lines are not in the bill, nor are its rules among the findings.
func TestFunctionsAreNoPods(t *testing.T) {
	for name, b := range serverless() {
		for _, line := range b.Cost {
			if line.Item == "Pods" || line.Item == "Broker" || line.Item == "Metrics" || line.Expected.Value < 0 {
				t.Errorf("%s: a line of the bill is %s, %v", name, line.Item, line.Expected.Value)
			}
		}
		for _, f := range b.Findings {
			if ofPods[f.Rule] || strings.HasPrefix(f.Rule, "SCA-HPA") {
				t.Errorf("%s: %s", name, f.Message)
			}
		}
		if b.Broker.Kind != "eventbridge" {
			t.Errorf("%s: events travel by %s", name, b.Broker.Kind)
		}
	}
	if Resolve(cleanDesign()).Functions != nil {
		t.Error("microservices have functions")
	}
}
