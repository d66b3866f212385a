package generate

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"

	"codex-design/model"
	"codex-design/templates"

	"github.com/goccy/go-yaml"
)

func observed(t *testing.T, change func(*model.Answers)) *SystemView {
	t.Helper()
	answers := model.Examples()[0].Answers
	change(&answers)
	return NewSystemView(model.Resolve(answers))
}

func TestTiersThatCannotFireAreLeftOut(t *testing.T) {
	for _, c := range []struct {
		slo   float64
		first string
		tiers int
	}{{90, "6h", 3}, {93, "6h", 3}, {94, "1h", 4}, {99.9, "1h", 4}} {
		system := observed(t, func(a *model.Answers) { a.Load.AvailabilitySLO = &c.slo })
		rules := slices.DeleteFunc(system.BurnAlerts(), func(r BurnRule) bool { return r.SLO != "availability" })
		if len(rules) != c.tiers || rules[0].Long.Name != c.first {
			t.Errorf("%v %%: %d tiers, the first over %s", c.slo, len(rules), rules[0].Long.Name)
		}
	}
}

func TestSpansAndNumbersReadWell(t *testing.T) {
	for seconds, want := range map[int]string{0: "0s", 15: "15s", 90: "90s", 300: "5m", 5400: "90m", 7200: "2h", 86400: "1d", 259200: "3d"} {
		if got := spanText(seconds); got != want {
			t.Errorf("%d s is %q, want %q", seconds, got, want)
		}
	}
	for value, want := range map[float64]string{0: "0", 14.4 * (100 - 99.9) / 100: "0.0144", 14.4 * (100 - 99.999) / 100: "0.000144", 99.9: "99.9", 60000: "60000"} {
		if got := plainText(value); got != want {
			t.Errorf("%v is %q, want %q", value, got, want)
		}
	}
	latency := 1000.0
	if got := observed(t, func(a *model.Answers) { a.Load.LatencyP99Millis = &latency }).LatencyBound(); got != "1.0" {
		t.Errorf("the bound of 1000 ms is %q; the histogram writes 1.0", got)
	}
}

func TestDashboardIdentifiersAreStableAndShort(t *testing.T) {
	plain := observed(t, func(a *model.Answers) { a.Name = "shop" })
	if got := plain.dashboardUID("overview"); got != "shop-overview" {
		t.Errorf("got %q", got)
	}
	seen := map[string]string{}
	for _, name := range []string{strings.Repeat("a", 63), strings.Repeat("a", 62) + "b", strings.Repeat("ab-", 20) + "c"} {
		system := observed(t, func(a *model.Answers) { a.Name = name })
		for _, kind := range []string{"overview", "service"} {
			uid := system.dashboardUID(kind)
			if len(uid) > 40 || !regexp.MustCompile(`^[a-z0-9-]+$`).MatchString(uid) || seen[uid] != "" {
				t.Errorf("%s of %s: %q, also of %q", kind, name, uid, seen[uid])
			}
			seen[uid] = name
		}
	}
}

func TestPanelsDoNotOverlap(t *testing.T) {
	system := observed(t, func(*model.Answers) {})
	for name, render := range map[string]func() (string, error){"overview": system.OverviewDashboard, "service": system.ServiceDashboard} {
		text, err := render()
		if err != nil {
			t.Fatal(err)
		}
		var board dashboard
		if err := json.Unmarshal([]byte(text), &board); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		taken := map[[2]int]string{}
		for i, panel := range board.Panels {
			if panel.ID != i+1 || panel.GridPos.X+panel.GridPos.W > gridColumns || panel.GridPos.W < 1 {
				t.Errorf("%s: panel %d %q lies at %+v", name, panel.ID, panel.Title, panel.GridPos)
			}
			for x := range panel.GridPos.W {
				for y := range panel.GridPos.H {
					cell := [2]int{panel.GridPos.X + x, panel.GridPos.Y + y}
					if taken[cell] != "" {
						t.Fatalf("%s: %q lies on %q", name, panel.Title, taken[cell])
					}
					taken[cell] = panel.Title
				}
			}
		}
	}
}

// TestRuleTestsKeepClearOfTheLimits shows that the minutes at which promtool looks at an incident
// are far enough from those at which an alert begins or ends to fire, for any objective.
func TestRuleTestsKeepClearOfTheLimits(t *testing.T) {
	for _, slo := range []float64{90, 92, 93, 93.1, 94, 95, 96, 97, 98, 99, 99.5, 99.9, 99.95, 99.99, 99.999} {
		system := observed(t, func(a *model.Answers) { a.Load.AvailabilitySLO = &slo })
		objective := system.objectives()[0]
		in, minutes := system.incident(objective)
		fired := 0
		for _, minute := range minutes {
			for _, alert := range objective.Alerts {
				long, short := in.shareOver(alert.Long.Int(), minute), in.shareOver(alert.Short.Int(), minute)
				nearest := math.Min(long, short) / alert.Threshold.Value
				if nearest > 0.97 && nearest < 1.03 && long < in.share { // a window that is full of it is exact
					t.Errorf("%v %%, minute %d: %s is at %v of its limit", slo, minute, alert.Name, nearest)
				}
			}
			fired += len(objective.firing(in, minute))
		}
		if len(objective.firing(in, minutes[0])) != 0 || fired == 0 {
			t.Errorf("%v %%: %d alerts fire in all, %d of them before the incident", slo, fired, len(objective.firing(in, minutes[0])))
		}
	}
}

func TestEveryAlertIsTestedAndHasARunbook(t *testing.T) {
	parsed, err := LoadTemplates(templates.FS)
	if err != nil {
		t.Fatal(err)
	}
	architecture(t, func(t *testing.T, system *SystemView, _ map[string]string) {
		files := filesBelow(t, system, parsed, "deploy/observability/")
		const base = "deploy/observability/"
		alerts, runbooks := map[string]bool{}, map[string]bool{}
		for _, file := range []string{"objectives", "causes"} {
			var rules struct {
				Groups []struct {
					Rules []struct {
						Alert               string
						Labels, Annotations map[string]string
					}
				}
			}
			if err := yaml.Unmarshal([]byte(files[base+"prometheus/rules/"+file+".yaml"]), &rules); err != nil {
				t.Fatal(err)
			}
			for _, group := range rules.Groups {
				for _, rule := range group.Rules {
					if rule.Alert == "" {
						continue
					}
					alerts[rule.Alert] = true
					if rule.Labels["severity"] == "" || rule.Labels["team"] == "" || rule.Annotations["summary"] == "" || rule.Annotations["dashboard_url"] == "" {
						t.Errorf("%s: %v %v", rule.Alert, rule.Labels, rule.Annotations)
					}
					path := base + "runbooks/" + rule.Alert + ".md"
					if files[path] == "" || !strings.HasSuffix(rule.Annotations["runbook_url"], path) {
						t.Errorf("%s: no runbook at %s", rule.Alert, rule.Annotations["runbook_url"])
					}
					tests := files[base+"prometheus/tests/"+file+".yaml"]
					if !regexp.MustCompile(`alertname: ` + rule.Alert + `\n\s+exp_alerts:\n\s+- exp_labels`).MatchString(tests) {
						t.Errorf("%s: no test makes it fire", rule.Alert)
					}
				}
			}
		}
		for path := range files {
			if name, ok := strings.CutPrefix(path, base+"runbooks/"); ok {
				runbooks[strings.TrimSuffix(name, ".md")] = true
			}
		}
		for name := range runbooks {
			if !alerts[name] {
				t.Errorf("runbooks/%s.md is of no alert", name)
			}
		}
		for _, link := range regexp.MustCompile(`\]\((\w+)\.md\)`).FindAllStringSubmatch(allRunbooks(files, base), -1) {
			if !runbooks[link[1]] {
				t.Errorf("a runbook links to %s.md", link[1])
			}
		}
	})
}

func filesBelow(t *testing.T, system *SystemView, parsed *Templates, folder string) map[string]string {
	t.Helper()
	entries, err := Outline(system, History{}, parsed)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Path, folder) {
			continue
		}
		artifact, err := entry.Render()
		if err != nil {
			t.Fatal(err)
		}
		files[entry.Path] = string(artifact.Content)
	}
	return files
}

func allRunbooks(files map[string]string, base string) string {
	var all strings.Builder
	for path, content := range files {
		if strings.HasPrefix(path, base+"runbooks/") {
			fmt.Fprintln(&all, content)
		}
	}
	return all.String()
}
