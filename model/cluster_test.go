package model

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
)

// clusterLaws must hold in every environment of every design.
var clusterLaws = []struct {
	rule  string
	holds func(b Blueprint, e EnvironmentPlan) bool
}{
	{"SCA-QUOTA pods", func(b Blueprint, e EnvironmentPlan) bool { return e.Quota.Pods.Value >= heldPods(b, e) }},
	{"SCA-QUOTA cpu", func(b Blueprint, e EnvironmentPlan) bool {
		tasks := float64(len(b.Services))
		pods := heldPods(b, e) - tasks
		proxy := b.Cluster.Sidecar
		return e.Quota.CPURequests.Value >= pods*(b.Load.PodCPU.Value+proxy.CPURequest.Value)+tasks*100 &&
			e.Quota.CPULimits.Value >= pods*(1000+proxy.CPULimit.Value)+tasks*500
	}},
	{"SCA-QUOTA memory", func(b Blueprint, e EnvironmentPlan) bool {
		needed := 0.0
		for i, s := range b.Services {
			needed += e.held(b, i)*(s.Sizing.Memory.Value+b.Cluster.Sidecar.Memory.Value) + 256
		}
		return e.Quota.Memory.Value >= needed
	}},
	{"SCA-HPA-RANGE", func(_ Blueprint, e EnvironmentPlan) bool {
		return !slices.ContainsFunc(e.Replicas, func(r ReplicaPlan) bool { return r.Min.Value < 1 || r.Max.Value <= r.Min.Value })
	}},
	{"SCA-PDB", func(_ Blueprint, e EnvironmentPlan) bool {
		return !slices.ContainsFunc(e.Replicas, func(r ReplicaPlan) bool {
			return r.Disruption.Value < 1 || r.Min.Value > 1 && r.Disruption.Value >= r.Min.Value
		})
	}},
	{"CST-IDLE", func(b Blueprint, e EnvironmentPlan) bool {
		production := b.Cluster.Environments[len(b.Cluster.Environments)-1]
		return production.Production && e.Quota.CPURequests.Value <= production.Quota.CPURequests.Value
	}},
	{"SCA-LIMITRANGE", func(b Blueprint, _ EnvironmentPlan) bool {
		return b.Cluster.Limits.MaxCPU.Value >= 1000 && !slices.ContainsFunc(b.Services, func(s ServicePlan) bool {
			return s.Sizing.Memory.Value > b.Cluster.Limits.MaxMemory.Value
		})
	}},
}

// held is how many pods of a service can be there at once: all replicas, the
// surge, and those that a rollout has stopped but that still finish. A new wave
// comes at most every min_ready seconds, and a pod finishes within the grace period.
func (e EnvironmentPlan) held(b Blueprint, service int) float64 {
	most := e.Replicas[service].Max.Value
	surge := math.Max(1, math.Ceil(0.25*most))
	waves := math.Ceil(b.Timeouts.GracePeriod.Value / b.Cluster.MinReady.Value)
	return most + surge + math.Min(most, surge*waves)
}

func heldPods(b Blueprint, e EnvironmentPlan) float64 {
	pods := 0.0
	for i := range b.Services {
		pods += e.held(b, i) + 1 // and its migration
	}
	return pods
}

func TestEveryNamespaceHoldsItsRollouts(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 5))
	for range 200 {
		a := randomAnswers(random)
		a.Delivery.Gateway = oneAtRandom(random, "none", "istio", "kong")
		b := Resolve(a)
		for _, e := range b.Cluster.Environments {
			for _, law := range clusterLaws {
				if !law.holds(b, e) {
					t.Errorf("%s does not hold in %s of\n%+v", law.rule, e.Name, a)
				}
			}
		}
	}
}

func TestProbesAndDrainAgree(t *testing.T) {
	b := Resolve(workedExample(Medium))
	c, d := b.Cluster, b.Timeouts
	for name, p := range map[string]ProbePlan{"startup": c.Startup, "readiness": c.Readiness, "liveness": c.Liveness} {
		if p.Timeout.Value > p.Period.Value || p.Failures.Value < 1 {
			t.Errorf("%s: %+v", name, p)
		}
	}
	if c.Startup.Period.Value*c.Startup.Failures.Value < 2*30 {
		t.Error("a start that waits for its database is killed")
	}
	if c.Liveness.Period.Value*c.Liveness.Failures.Value < 30 {
		t.Error("a slow pod is restarted")
	}
	if c.ProgressTimeout.Value <= c.Startup.Period.Value*c.Startup.Failures.Value+c.MinReady.Value || c.RolloutTimeout.Value <= c.ProgressTimeout.Value {
		t.Error("a rollout gives up before a pod can be ready, or the pipeline before the rollout")
	}
	if d.PreStop.Value+d.PodDrain.Value != d.DrainDelay.Value || d.PreStop.Value < 5 || d.PodDrain.Value <= 0 {
		t.Errorf("the drain of %v s is split into %v and %v", d.DrainDelay.Value, d.PreStop.Value, d.PodDrain.Value)
	}
	if d.GracePeriod.Value < d.PreStop.Value+d.PodDrain.Value+d.Route.Value/1000+10 {
		t.Error("the grace period ends before the last request")
	}
}

func TestEnvironmentsAreApart(t *testing.T) {
	for scale, want := range map[Scale][]string{Small: {"dev", "prod"}, Medium: {"dev", "staging", "prod"}, Large: {"dev", "staging", "prod"}} {
		var names []string
		var networks []netip.Prefix
		hosts := map[string]bool{}
		for _, e := range Resolve(workedExample(scale)).Cluster.Environments {
			names, hosts[e.Host] = append(names, e.Name), true
			network, data := netip.MustParsePrefix(e.Network), netip.MustParsePrefix(e.DataNetwork)
			if !network.Overlaps(data) || network.Bits() >= data.Bits() {
				t.Errorf("%s: %s is not within %s", e.Name, data, network)
			}
			if slices.ContainsFunc(networks, network.Overlaps) {
				t.Errorf("%s shares its network %s", e.Name, network)
			}
			networks = append(networks, network)
		}
		if !slices.Equal(names, want) || len(hosts) != len(want) {
			t.Errorf("%s: %v at %v", scale, names, hosts)
		}
	}
}

func TestSidecarsCount(t *testing.T) {
	a := workedExample(Medium)
	plain := Resolve(a)
	a.Delivery.Gateway = "istio"
	mesh := Resolve(a)
	for i, e := range mesh.Cluster.Environments {
		without := plain.Cluster.Environments[i].Quota
		if e.Quota.CPURequests.Value <= without.CPURequests.Value || e.Quota.Memory.Value <= without.Memory.Value ||
			e.Quota.Pods.Value != without.Pods.Value {
			t.Errorf("%s: %+v with proxies, %+v without", e.Name, e.Quota, without)
		}
	}
}
