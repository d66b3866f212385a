package model

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// law is one inequality of the design rules, asked of every random design.
type law struct {
	rule  string
	holds func(b Blueprint) bool
}

// everywhere makes a law that each service must keep.
func everywhere(f func(b Blueprint, s ServicePlan) bool) func(Blueprint) bool {
	return func(b Blueprint) bool {
		return !slices.ContainsFunc(b.Services, func(s ServicePlan) bool { return !f(b, s) })
	}
}

var laws = []law{
	{"CON-POOL-BUDGET", func(b Blueprint) bool {
		sum := 0.0
		for _, s := range b.Services {
			sum += s.Sizing.PoolSize.Value * (s.Sizing.MaxReplicas.Value + s.Sizing.Surge.Value)
		}
		return sum == b.Database.SumConnections.Value && sum+7 <= b.Database.MaxConnections.Value-3
	}},
	{"CON-POOL-LITTLE", everywhere(func(_ Blueprint, s ServicePlan) bool {
		return s.Sizing.PoolSize.Value >= 4 && s.Sizing.PoolSize.Value >= 1.5*s.Sizing.RPSPerPod.Value*s.Sizing.DBHold.Value/1000
	})},
	{"CON-POOL-WAIT", everywhere(func(b Blueprint, s ServicePlan) bool {
		return s.Sizing.AcquireTimeout.Value < b.Timeouts.AppDeadline.Value && s.Sizing.AcquireTimeout.Value <= 500
	})},
	{"CON-DB-MEMORY", func(b Blueprint) bool {
		const workMem, maintenance = 4.0, 3 * 64.0 // MiB
		return b.Database.SharedBuffersMiB.Value+b.Database.MaxConnections.Value*workMem*2+maintenance <= 0.9*1024*b.Database.MemoryGiB.Value
	}},
	{"CON-REDIS", func(b Blueprint) bool { return b.Cache == nil || b.Cache.Clients.Value <= 10_000 }},
	{"CON-DB-TIMEOUTS", func(b Blueprint) bool {
		t := b.Timeouts
		return t.LockTimeout.Value < t.StatementTimeout.Value && t.StatementTimeout.Value < t.AppDeadline.Value
	}},
	{"TMO-RETRY-FIT", func(b Blueprint) bool {
		t := b.Timeouts
		return t.Route.Value >= (1+t.Retries.Value)*t.PerTry.Value+25*t.Retries.Value
	}},
	{"TMO-CHAIN", func(b Blueprint) bool {
		t := b.Timeouts
		chain := []Quantity{t.Client, t.Gateway, t.Route, t.AppDeadline, t.StatementTimeout}
		for i, outer := range chain[:len(chain)-1] {
			if outer.Value < 1.1*chain[i+1].Value-1e-6 {
				return false
			}
		}
		return true
	}},
	{"TMO-WHOLE", func(b Blueprint) bool {
		return !slices.ContainsFunc(b.Timeouts.quantities(), func(q NamedQuantity) bool { return q.Value != float64(q.Int()) })
	}},
	{"TMO-ONE-RETRIER", func(b Blueprint) bool { return 1+b.Timeouts.Retries.Value <= 3 }},
	{"TMO-KEEPALIVE", func(b Blueprint) bool { return b.Timeouts.KeepAlive.Value > 60 }},
	{"TMO-SLO", func(b Blueprint) bool { return b.Timeouts.PerTry.Value >= 2*b.Load.LatencyP99.Value }},
	{"SCA-HPA-MIN", everywhere(func(b Blueprint, s ServicePlan) bool {
		return s.Sizing.MinReplicas.Value >= 2 && (b.Load.AvailabilitySLO.Value < 99.9 || s.Sizing.MinReplicas.Value >= b.Load.Zones.Value)
	})},
	{"SCA-HPA-RANGE", everywhere(func(_ Blueprint, s ServicePlan) bool {
		return s.Sizing.MaxReplicas.Value > s.Sizing.MinReplicas.Value
	})},
	{"SCA-HPA-CAP", everywhere(func(b Blueprint, s ServicePlan) bool {
		peakMillicores := s.Sizing.RPS.Value * s.Sizing.CPUPerRequest.Value
		return s.Sizing.MaxReplicas.Value*s.Sizing.CPURequest.Value*0.65 >= 0.999999*peakMillicores*zoneFactor(b)
	})},
	{"SCA-HPA-STEP", everywhere(func(_ Blueprint, s ServicePlan) bool {
		capacity := s.Sizing.MinReplicas.Value * s.Sizing.CPULimit.Value / s.Sizing.CPUPerRequest.Value
		return capacity >= 1.999999*s.Sizing.AverageRPS.Value
	})},
	{"SCA-ZONE-LOSS", everywhere(func(b Blueprint, s ServicePlan) bool {
		left := s.Sizing.MinReplicas.Value / zoneFactor(b)
		return left*s.Sizing.CPULimit.Value/s.Sizing.CPUPerRequest.Value >= 0.999999*s.Sizing.AverageRPS.Value
	})},
	{"SCA-SURGE", everywhere(func(_ Blueprint, s ServicePlan) bool { return s.Sizing.Surge.Value >= 1 })},
	{"RES-MEM-FIT", everywhere(func(_ Blueprint, s ServicePlan) bool {
		return s.Sizing.Memory.Value >= 1.3*(160+2*s.Sizing.PoolSize.Value+0.25*s.Sizing.InFlight.Value)-1e-6
	})},
	{"RES-CPU-LIMIT", everywhere(func(_ Blueprint, s ServicePlan) bool {
		return s.Sizing.CPULimit.Value == 1000 && s.Sizing.CPURequest.Value <= s.Sizing.CPULimit.Value
	})},
	{"RES-INFLIGHT", everywhere(func(b Blueprint, s ServicePlan) bool {
		mean := b.Load.LatencyP99.Value / 2 / 1000
		served := s.Sizing.PoolSize.Value / s.Sizing.DBHold.Value * b.Timeouts.AppDeadline.Value
		return s.Sizing.InFlight.Value >= 1.999999*s.Sizing.RPSPerPod.Value*mean && s.Sizing.InFlight.Value <= max(16, served)
	})},
	{"RES-REDIS-MAXMEM", func(b Blueprint) bool {
		return b.Cache == nil || b.Cache.MaxMemory.Value <= 0.75*b.Cache.MemoryMiB.Value
	}},
	{"LIF-GRACE", func(b Blueprint) bool {
		t := b.Timeouts
		return t.GracePeriod.Value >= t.DrainDelay.Value+t.Route.Value/1000+5+5-1e-6
	}},
	{"REF-CALLGRAPH", func(b Blueprint) bool { return !hasCycle(b) }},
	{"DAT-FK-INDEX", everywhere(func(_ Blueprint, s ServicePlan) bool { return referencesAreIndexed(s) })},
}

func zoneFactor(b Blueprint) float64 {
	if b.Load.Zones.Value == 1 {
		return 1
	}
	return b.Load.Zones.Value / (b.Load.Zones.Value - 1)
}

// hasCycle takes away services that call nobody who is left, until none is.
func hasCycle(b Blueprint) bool {
	left := map[string][]string{}
	for _, s := range b.Services {
		left[s.Name] = s.Calls
	}
	for taken := true; taken; {
		taken = false
		for name, calls := range left {
			if !slices.ContainsFunc(calls, func(callee string) bool { _, there := left[callee]; return there }) {
				delete(left, name)
				taken = true
			}
		}
	}
	return len(left) > 0
}

func referencesAreIndexed(s ServicePlan) bool {
	for _, entity := range s.Entities {
		table := s.Schema[slices.IndexFunc(s.Schema, func(t Table) bool { return t.Name == entity.Table })]
		for _, ref := range entity.References {
			column := entity.field(ref.Field).SQLName
			indexed := slices.ContainsFunc(table.Indexes, func(i Index) bool { return i.Columns[0] == column })
			unique := slices.ContainsFunc(table.Constraints, func(c Constraint) bool { return c.Definition == "UNIQUE ("+column+")" })
			if !indexed && !unique {
				return false
			}
		}
	}
	return true
}

// TestEveryDesignKeepsTheRules is the promise that the numbers agree: for any
// design each rule holds, or a finding says that it does not.
func TestEveryDesignKeepsTheRules(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	found := map[string]int{}
	for range 2000 {
		a := randomAnswers(random)
		b := Resolve(a)
		for _, law := range laws {
			told := slices.ContainsFunc(b.Findings, func(f Finding) bool { return f.Rule == law.rule && f.Severity != SeverityInfo })
			if law.holds(b) {
				continue
			}
			found[law.rule]++
			if !told {
				t.Fatalf("%s does not hold and no finding says so, for load %+v", law.rule, b.Load)
			}
		}
	}
	for _, rule := range []string{"CON-POOL-BUDGET", "REF-CALLGRAPH"} {
		if found[rule] == 0 {
			t.Errorf("no random design broke %s: the test does not reach it", rule)
		}
	}
}

func TestResolveIsDeterministic(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 50 {
		a := randomAnswers(random)
		if first, second := Resolve(a), Resolve(a); !reflect.DeepEqual(first, second) {
			t.Fatalf("two blueprints of the same answers differ:\n%+v\n%+v", first, second)
		}
	}
}

// TestWorkedExample pins the figures of one design at every scale: four services
// of which one calls another.
func TestWorkedExample(t *testing.T) {
	cases := []struct {
		scale Scale
		want  map[string]float64
	}{
		{Small, map[string]float64{"load.peak_rps": 47, "services.catalog.min_replicas": 2, "services.catalog.max_replicas": 4,
			"services.catalog.memory": 256, "services.catalog.pool_size": 4, "services.catalog.in_flight": 109,
			"database.sum_connections": 80, "database.max_connections": 120, "database.vcpu": 2, "database.standbys": 0, "cache.memory_mib": 256}},
		{Medium, map[string]float64{"load.peak_rps": 463, "services.catalog.min_replicas": 3, "services.catalog.max_replicas": 6,
			"services.catalog.memory": 320, "services.catalog.pool_size": 4, "services.catalog.in_flight": 182,
			"database.sum_connections": 128, "database.max_connections": 180, "database.vcpu": 2, "database.standbys": 1, "cache.memory_mib": 1600}},
		{Large, map[string]float64{"load.peak_rps": 4862, "services.catalog.min_replicas": 3, "services.catalog.max_replicas": 9,
			"services.catalog.memory": 320, "services.catalog.pool_size": 4, "services.catalog.in_flight": 273,
			"database.sum_connections": 144, "database.max_connections": 200, "database.vcpu": 4, "telemetry.scrape_interval": 15}},
	}
	for _, c := range cases {
		b := Resolve(workedExample(c.scale))
		for path, want := range c.want {
			if q, ok := b.Explain(path); !ok || q.Value != want {
				t.Errorf("%s: %s = %v (%v), want %v", c.scale, path, q.Value, ok, want)
			}
		}
	}
}

func workedExample(scale Scale) Answers {
	return Answers{Version: 1, Name: "shop", Scale: scale, Datastores: Datastores{Database: "postgresql", Cache: "redis"}, Services: []Service{
		{Name: "users", Share: ptr(0.25), Cache: true}, {Name: "catalog", Share: ptr(0.45), Cache: true},
		{Name: "orders", Share: ptr(0.20), Cache: true, Calls: []string{"payments"}}, {Name: "payments", Share: ptr(0.10), Cache: true},
	}}
}

func TestTrafficFollowsTheCalls(t *testing.T) {
	a := Answers{Name: "x", Scale: Small, Load: Load{PeakRPS: ptr(100.0), ReadShare: ptr(0.5)}, Services: []Service{
		{Name: "c", Share: ptr(0.0)}, {Name: "b", Share: ptr(0.2), Calls: []string{"c"}}, {Name: "a", Share: ptr(0.8), Calls: []string{"b", "c"}}}}
	b := Resolve(a)
	for path, want := range map[string]float64{
		"services.a.rps": 80, "services.b.rps": 20 + 40, "services.c.rps": 40 + 30, "edges.a.b.rps": 40, "edges.b.c.rps": 30,
	} {
		if q, _ := b.Explain(path); q.Value != want {
			t.Errorf("%s = %v (%s), want %v", path, q.Value, q.Formula, want)
		}
	}
	if c := b.service("c"); !reflect.DeepEqual(c.CalledBy, []string{"a", "b"}) {
		t.Errorf("c is called by %v", c.CalledBy)
	}
}

func TestLoadInputs(t *testing.T) {
	cases := []struct {
		name                         string
		load                         Load
		users, average, factor, peak float64
	}{
		{"preset", Load{}, 40000, 92.592593, 5, 463},
		{"peak alone", Load{PeakRPS: ptr(600.0)}, 51840, 120, 5, 600},
		{"users alone", Load{DailyUsers: ptr(86400.0)}, 86400, 200, 5, 1000},
		{"peak and users", Load{PeakRPS: ptr(600.0), DailyUsers: ptr(86400.0)}, 86400, 200, 3, 600},
		{"peak and factor", Load{PeakRPS: ptr(600.0), PeakFactor: ptr(4.0)}, 64800, 150, 4, 600},
	}
	for _, c := range cases {
		l := Resolve(Answers{Name: "x", Scale: Medium, Load: c.load, Services: []Service{{Name: "a"}}}).Load
		got := []float64{l.DailyUsers.Value, l.AverageRPS.Value, l.PeakFactor.Value, l.PeakRPS.Value}
		for i, want := range []float64{c.users, c.average, c.factor, c.peak} {
			if d := got[i] - want; d > 1e-5 || d < -1e-5 {
				t.Errorf("%s: users, average, factor and peak are %v", c.name, got)
				break
			}
		}
	}
}

func TestPresetsAreWholeAndCannotBeEdited(t *testing.T) {
	for _, scale := range []Scale{Small, Medium, Large} {
		preset := Preset(scale)
		value := reflect.ValueOf(preset)
		for i := range value.NumField() {
			if value.Field(i).IsNil() {
				t.Errorf("%s leaves %s open", scale, value.Type().Field(i).Name)
			}
		}
		*preset.DailyUsers = -1
		if *Preset(scale).DailyUsers == -1 {
			t.Errorf("an edit of the preset %s stays", scale)
		}
	}
}

func TestExplain(t *testing.T) {
	b := Resolve(workedExample(Medium))
	seen := map[string]bool{}
	for _, q := range b.Quantities() {
		if seen[q.Path] {
			t.Errorf("the path %s is there twice", q.Path)
		}
		seen[q.Path] = true
		if again, ok := b.Explain(q.Path); !ok || !reflect.DeepEqual(again, q.Quantity) {
			t.Errorf("Explain(%q) gives %+v", q.Path, again)
		}
	}
	for wrong, want := range map[string]string{
		"services.catalog.max_replica": "services.catalog.max_replicas", "database.maxconnections": "database.max_connections",
		"per_try": "timeouts.per_try", "load.peak_rsp": "load.peak_rps",
	} {
		if _, ok := b.Explain(wrong); ok {
			t.Errorf("Explain(%q) finds a number", wrong)
		}
		if got := b.NearestPath(wrong); got != want {
			t.Errorf("NearestPath(%q) = %q, want %q", wrong, got, want)
		}
	}
	if strings.Contains(b.NearestPath("database.vcpus"), "memory") {
		t.Error("the nearest path of database.vcpus is about memory")
	}
}
