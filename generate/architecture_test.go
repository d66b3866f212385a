package generate

import (
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"codex-design/model"
	"codex-design/templates"
)

// architecture renders what is below architecture/ for each case, by path.
func architecture(t *testing.T, visit func(t *testing.T, system *SystemView, files map[string]string)) {
	t.Helper()
	cases, err := filepath.Glob("../testdata/cases/*/codex-design.yaml")
	if err != nil || len(cases) < 8 {
		t.Fatalf("cases: %v, %v", cases, err)
	}
	parsed, err := LoadTemplates(templates.FS)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range cases {
		t.Run(filepath.Base(filepath.Dir(name)), func(t *testing.T) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			document, problems := model.Read(data)
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			system := NewSystemView(model.Resolve(document.Answers))
			visit(t, system, architectureFiles(t, system, parsed))
		})
	}
}

func architectureFiles(t *testing.T, system *SystemView, parsed *Templates) map[string]string {
	t.Helper()
	entries, err := Outline(system, History{}, parsed)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, entry := range entries {
		name, ok := strings.CutPrefix(entry.Path, "architecture/")
		if !ok {
			continue
		}
		artifact, err := entry.Render()
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(artifact.Content)
	}
	return files
}

// at looks a dotted path up in parsed YAML.
func at(tree any, path string) (any, bool) {
	for _, key := range strings.Split(path, ".") {
		level, ok := tree.(map[string]any)
		if !ok {
			return nil, false
		}
		if tree, ok = level[key]; !ok {
			return nil, false
		}
	}
	return tree, true
}

func asNumber(value any) float64 {
	switch v := value.(type) {
	case float64:
		return v
	case uint64:
		return float64(v)
	case int64:
		return float64(v)
	}
	return math.NaN()
}

func TestBlueprintHoldsEveryQuantityAtItsPath(t *testing.T) {
	architecture(t, func(t *testing.T, system *SystemView, files map[string]string) {
		var tree map[string]any
		if err := yaml.Unmarshal([]byte(files["blueprint.yaml"]), &tree); err != nil {
			t.Fatal(err)
		}
		quantities := system.Quantities()
		for _, q := range quantities {
			value, ok := at(tree, q.Path)
			if !ok {
				t.Errorf("%s is missing", q.Path)
			} else if got := asNumber(value); !(math.Abs(got-q.Value) <= 0.0005*math.Max(1, math.Abs(q.Value))) {
				t.Errorf("%s: %v, want %v", q.Path, got, q.Value)
			}
		}
		comments := strings.Count(files["blueprint.yaml"], "  # ") - strings.Count(files["blueprint.yaml"], "  # a foreign key") -
			strings.Count(files["blueprint.yaml"], "  # an id of another")
		if comments != len(quantities) {
			t.Errorf("%d numbers have a comment, want %d", comments, len(quantities))
		}
	})
}

func TestBlueprintNamesEveryPart(t *testing.T) {
	architecture(t, func(t *testing.T, system *SystemView, files map[string]string) {
		var tree map[string]any
		if err := yaml.Unmarshal([]byte(files["blueprint.yaml"]), &tree); err != nil {
			t.Fatal(err)
		}
		for _, service := range system.Services {
			for _, entity := range service.Entities {
				fields, _ := at(tree, "services."+service.Name+".entities."+entity.Name+".fields")
				if got, _ := fields.(map[string]any); len(got) != len(entity.Fields) {
					t.Errorf("%s.%s: fields %v, want %d", service.Name, entity.Name, fields, len(entity.Fields))
				}
			}
			tables, _ := at(tree, "services."+service.Name+".tables")
			if got, _ := tables.(map[string]any); len(got) != len(service.Schema) {
				t.Errorf("%s: %d tables, want %d", service.Name, len(got), len(service.Schema))
			}
		}
	})
}

var figurePattern = regexp.MustCompile(`^-?[0-9,.]+`)

// rows maps what stands in the first column of every Markdown table to its number in the second.
func rows(markdown string) map[string]float64 {
	result := map[string]float64{}
	for _, line := range strings.Split(markdown, "\n") {
		cells := strings.Split(strings.Trim(line, "|"), " | ")
		if len(cells) < 3 {
			continue
		}
		text := strings.ReplaceAll(figurePattern.FindString(strings.TrimSpace(cells[1])), ",", "")
		if value, err := strconv.ParseFloat(text, 64); err == nil {
			result[strings.TrimSpace(cells[0])] = value
		}
	}
	return result
}

func TestCapacityAgreesWithTheBlueprint(t *testing.T) {
	architecture(t, func(t *testing.T, system *SystemView, files map[string]string) {
		heading := "\n## Each service\n"
		if system.Hosted() {
			heading = "\n## The process\n"
		}
		general, deployables, ok := strings.Cut(files["capacity.md"], heading)
		if !ok {
			t.Fatal("no section for the services")
		}
		same := func(where, label string, table map[string]float64, want model.Quantity) {
			t.Helper()
			if got, ok := table[label]; !ok || math.Abs(got-want.Value) > 0.006*math.Abs(want.Value) {
				t.Errorf("%s: %s is %v (there: %v), want %v", where, label, got, ok, want.Value)
			}
		}
		table := rows(general)
		for label, want := range map[string]model.Quantity{
			"Peak rate at the edge": system.Load.PeakRPS, "Zones": system.Load.Zones, "CPU": system.Database.VCPU,
			"max_connections": system.Database.MaxConnections, "Connections of all pods": lastConnections(system),
			"Gateway": system.Timeouts.Gateway, "One try": system.Timeouts.PerTry, "SIGTERM to SIGKILL": system.Timeouts.GracePeriod,
			"Metric series": system.Telemetry.Series, "Logs a day": system.Telemetry.LogGiBPerDay,
		} {
			same("system", label, table, want)
		}
		sections := strings.Split(deployables, "\n### ")[1:]
		if system.Hosted() {
			process, modules, _ := strings.Cut(deployables, "\n## Each module\n")
			if count := strings.Count(modules, "\n### "); count != len(system.Services) {
				t.Errorf("%d sections of modules, want %d", count, len(system.Services))
			}
			sections = []string{process}
		}
		if len(sections) != len(system.Deployables) {
			t.Fatalf("%d sections, want %d", len(sections), len(system.Deployables))
		}
		for i, section := range sections {
			sizing, own := system.Deployables[i].Sizing, rows(section)
			if system.Hosted() {
				own["Wait for a connection"] = sizing.AcquireTimeout.Value // each module has its own
			}
			for label, want := range map[string]model.Quantity{
				"Requests at peak": sizing.RPS, "Least pods": sizing.MinReplicas, "Greatest pods": sizing.MaxReplicas, "Surge of a rollout": sizing.Surge,
				"Connections of a pod": sizing.PoolSize, "Requests admitted at once by a pod": sizing.InFlight,
				"Memory, request and limit": sizing.Memory, "Wait for a connection": sizing.AcquireTimeout, "CPU limit": sizing.CPULimit,
			} {
				same(system.Deployables[i].Name, label, own, want)
			}
		}
	})
}

// lastConnections is what the last row of that name says: the cache's, where there is one.
func lastConnections(system *SystemView) model.Quantity {
	if system.Cache != nil {
		return system.Cache.Clients
	}
	return system.Database.SumConnections
}

func TestConnectionsOfServicesAddUpToTheDatabases(t *testing.T) {
	architecture(t, func(t *testing.T, system *SystemView, _ map[string]string) {
		sum := 0
		for i := range system.Deployables {
			sum += system.Deployables[i].Connections()
			for _, process := range system.Deployables[i].Processes() {
				sum += process.Pool.Int() * (process.Replicas.Int() + 1)
			}
		}
		if sum != system.Database.SumConnections.Int() {
			t.Errorf("services hold %d, the database counts %v", sum, system.Database.SumConnections.Value)
		}
	})
}

func TestDerivedSaysWhereANumberComesFrom(t *testing.T) {
	system := &SystemView{}
	for _, c := range []struct {
		quantity model.Quantity
		derived  string
		row      string
	}{
		{
			model.Quantity{Value: 6, Unit: "pods", Formula: "max(low, 2 * zones)", Inputs: []model.Input{{Name: "low", Value: 2}, {Name: "zones", Value: 3}}},
			"6  # pods = max(low, 2 * zones); low=2, zones=3", "| n | 6 pods | `max(low, 2 * zones)` with low=2, zones=3 |",
		},
		{model.Quantity{Value: 0.9, Formula: "given", Source: "scale small"}, "0.9  # scale small", "| n | 0.9 | scale small |"},
		{model.Quantity{Value: 1, Unit: "pods", Formula: "given"}, "1  # pods, given", "| n | 1 pod | given |"},
		{
			model.Quantity{Value: 1234567.891, Unit: "rps", Formula: "rate", Inputs: []model.Input{{Name: "rate", Value: 1234567.891}}},
			"1234567.891  # rps, a constant of the generator", "| n | 1,234,568 rps | a constant of the generator |",
		},
		{
			model.Quantity{Value: 0.031611, Formula: "a | b", Inputs: []model.Input{{Name: "a", Value: 1.0 / 3}}},
			"0.031611  # = a | b; a=0.333333", `| n | 0.0316 | ` + "`a \\| b`" + ` with a=0.333333 |`,
		},
	} {
		if got := system.Derived(c.quantity); got != c.derived {
			t.Errorf("got %s, want %s", got, c.derived)
		}
		if got := system.Row("n", c.quantity); got != c.row {
			t.Errorf("got %s, want %s", got, c.row)
		}
	}
}

func TestDecisionsAreListedAndLinked(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:]+)\)`)
	architecture(t, func(t *testing.T, _ *SystemView, files map[string]string) {
		for name, content := range files {
			if !strings.HasSuffix(name, ".md") {
				continue
			}
			for _, found := range link.FindAllStringSubmatch(content, -1) {
				target := filepath.ToSlash(filepath.Join(filepath.Dir(name), found[1]))
				if _, ok := files[target]; !ok && !strings.HasSuffix(found[1], "/") {
					t.Errorf("%s links to %s, which is not there", name, target)
				}
			}
			if base, ok := strings.CutPrefix(name, "decisions/"); ok && !strings.Contains(files["README.md"], base) {
				t.Errorf("README.md does not list %s", name)
			}
			if strings.Contains(content, "<no value>") || strings.Contains(content, "\n\n\n") || !strings.HasSuffix(content, "\n") || strings.HasSuffix(content, "\n\n") {
				t.Errorf("%s has stray lines or holes", name)
			}
		}
	})
}
