package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"codex-design/model"
)

// sizingTable is the page that shows what follows from which load.
const sizingTable = "docs/sizing.md"

const sizingHead = `# From load to numbers

What the formulas of the blueprint make of a load: the example shop at every scale, and the designs of ` + "`testdata/cases`" + `.
` + "`go test . -update`" + ` writes this page anew. ` + "`tools/verify/test_manifests.py`" + ` adds the numbers up again on the emitted files,
parsed: quotas hold every rollout, pools fit the database, times fit into each other.

Pods, connections and quota are those of production; a range is the least and the greatest of the services. Times in ms: what the
gateway, a route, one try, the service and a statement may take. Cost is the expected monthly bill in USD, and its range.

| design | scale | requests/s at peak | services | pods | pool per pod | connections, of | cache MiB | quota: pods, CPU, GiB | gateway > route > try > deadline > statement | USD/month |
|---|---|---|---|---|---|---|---|---|---|---|
`

func TestSizingTable(t *testing.T) {
	var out strings.Builder
	out.WriteString(sizingHead)
	shop := exampleShop(t)
	for _, scale := range []model.Scale{model.Small, model.Medium, model.Large} {
		answers := shop.Answers.Clone()
		answers.Scale, answers.Load = scale, model.Load{}
		out.WriteString(sizingRow("example shop", model.Resolve(answers)))
	}
	folders, err := filepath.Glob(filepath.Join(casesDir, "*", "codex-design.yaml"))
	if err != nil || len(folders) == 0 {
		t.Fatalf("no case, error %v", err)
	}
	for _, file := range folders {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		out.WriteString(sizingRow(filepath.Base(filepath.Dir(file)), model.Resolve(readClean(t, source))))
	}
	expect(t, sizingTable, out.String())
}

func sizingRow(name string, b model.Blueprint) string {
	production := b.Cluster.Environments[len(b.Cluster.Environments)-1]
	least, most, pools := 0, 0, span{}
	for i, replicas := range production.Replicas {
		least, most = least+replicas.Min.Int(), most+replicas.Max.Int()
		pools.add(b.Services[i].Sizing.PoolSize.Int())
	}
	cache := "none"
	if b.Cache != nil {
		cache = fmt.Sprint(b.Cache.MemoryMiB.Int())
	}
	var low, expected, high float64
	for _, line := range b.Cost {
		low, expected, high = low+line.Low.Value, expected+line.Expected.Value, high+line.High.Value
	}
	times, quota := b.Timeouts, production.Quota
	return fmt.Sprintf("| %s | %s | %.0f | %d | %d to %d | %s | %d of %d | %s | %d, %.1f, %.1f | %d > %d > %d > %d > %d | %.0f (%.0f to %.0f) |\n",
		name, b.System.Scale, b.Load.PeakRPS.Value, len(b.Services), least, most, pools.text(),
		b.Database.SumConnections.Int(), b.Database.MaxConnections.Int(), cache,
		quota.Pods.Int(), quota.CPURequests.Value/1000, quota.Memory.Value/1024,
		times.Gateway.Int(), times.Route.Int(), times.PerTry.Int(), times.AppDeadline.Int(), times.StatementTimeout.Int(),
		expected, low, high)
}

// span is the least and the greatest of some numbers.
type span struct{ low, high, count int }

func (s *span) add(n int) {
	if s.count == 0 || n < s.low {
		s.low = n
	}
	s.high = max(s.high, n)
	s.count++
}

func (s *span) text() string {
	if s.low == s.high {
		return fmt.Sprint(s.low)
	}
	return fmt.Sprintf("%d to %d", s.low, s.high)
}

func exampleShop(t *testing.T) model.Example {
	t.Helper()
	for _, example := range model.Examples() {
		if example.Name == "shop" {
			return example
		}
	}
	t.Fatal("no example is called shop")
	return model.Example{}
}
