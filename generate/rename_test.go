package generate

import (
	"strings"
	"testing"

	"github.com/spf13/afero"

	"codex-design/model"
)

// renameTree has files of every owner under the names of services and entities.
var renameTree = map[string]string{
	"README.md.tmpl":                                          "<% range .Services %><% .Name %>\n<% end %>",
	"services/{service}/app.py.tmpl":                          "name = <% quote .Name %>\n\n\n\ntext = <% quote .System.System.Description %>\n\n\n\n# the end\n",
	"services/{service}/static.txt":                           "always the same\n",
	"services/{service}/run.sh":                               "#!/bin/sh\n",
	"services/{service}/migrations/001_create_tables.sql":     "create table x ();\n",
	"services/{service}/src/{package}/rules/{entity}.py.tmpl": "from <% .Service.Package %>.gen import <% .Module %>\n\n\n\ndef allowed():\n    return True\n",
	"architecture/{service}.yaml.tmpl":                        "service: <% .Name %>\n\n\n\n# the end\n",
}

// renamed is a service or entity with what it was before: "purchase<order".
func renamed(text string) (name, was string) {
	name, was, _ = strings.Cut(text, "<")
	return name, was
}

// callThem is a design of services with one entity each, as "service/entity", either
// of which may say what it was: "purchase<order/buy<order".
func callThem(description string, services ...string) Design {
	answers := model.Defaults()
	answers.Name, answers.Description = "names", description
	for _, text := range services {
		outer, inner, _ := strings.Cut(text, "/")
		service, entity := model.Service{}, model.Entity{Fields: []model.Field{{Name: "title", Type: model.Type{Kind: model.KindText}}}}
		service.Name, service.Was = renamed(outer)
		entity.Name, entity.Was = renamed(inner)
		service.Entities = []model.Entity{entity}
		answers.Services = append(answers.Services, service)
	}
	design := NewDesign(answers, model.Format(answers), nil)
	design.Consent.Breaking = true
	return design
}

// generations is a target with a template tree.
type generations struct {
	target    afero.Fs
	templates *Templates
}

func newGenerations(t testing.TB, tree map[string]string) *generations {
	t.Helper()
	templates, err := LoadTemplates(templateTree(tree))
	if err != nil {
		t.Fatal(err)
	}
	return &generations{afero.NewMemMapFs(), templates}
}

func (g *generations) plan(t testing.TB, design Design) Plan {
	t.Helper()
	plan, err := Prepare(g.target, design, g.templates)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// generate commits a design and shows that a second run changes nothing.
func (g *generations) generate(t testing.TB, design Design) Plan {
	t.Helper()
	plan := g.plan(t, design)
	if err := Commit(t.Context(), g.target, plan, nil); err != nil {
		t.Fatal(err)
	}
	design.Choices = Choices{}
	if again := g.plan(t, design); again.Writes() || len(again.Blocked) > 0 {
		for _, change := range again.Changes {
			if change.writes() {
				t.Errorf("a second run would write %s: %s %q", change.Path, change.State, change.Reason)
			}
		}
		t.Errorf("a second run would write (blocked by %v)", again.Blocked)
	}
	return plan
}

const (
	orderRules = "services/order/src/order_service/rules/order.py"
	buyRules   = "services/purchase/src/purchase_service/rules/buy.py"
)

func TestRenamesCarryEdits(t *testing.T) {
	edits := map[string]string{ // what is appended, by path
		"services/order/app.py": "mine = 1\n", "services/order/static.txt": "mine 2\n", orderRules: "# mine 3\n",
		"services/order/migrations/001_create_tables.sql": "-- mine 4\n", "architecture/order.yaml": "# mine 5\n",
	}
	for _, test := range []struct {
		name string
		next Design
		want map[string]string // by path, what must be in it
		gone []string
	}{
		{"service", callThem("A", "user/user", "purchase<order/order"), map[string]string{
			"services/purchase/app.py": "name = \"purchase\"|mine = 1", "services/purchase/static.txt": "mine 2",
			"services/purchase/src/purchase_service/rules/order.py": "from purchase_service.gen|# mine 3",
			"services/purchase/migrations/001_create_tables.sql":    "-- mine 4", "architecture/purchase.yaml": "service: purchase|# mine 5",
			"services/purchase/run.sh": "#!/bin/sh",
		}, []string{"services/order/app.py", "services/order/run.sh", orderRules, "architecture/order.yaml", "services/order/static.txt"}},
		{"entity", callThem("A", "user/user", "order/buy<order"), map[string]string{
			"services/order/src/order_service/rules/buy.py": "gen import buy|# mine 3", "services/order/app.py": "mine = 1",
		}, []string{orderRules}},
		{"both, and the text changes", callThem("B", "user/user", "purchase<order/buy<order"), map[string]string{
			"services/purchase/app.py": "name = \"purchase\"|text = \"B\"|mine = 1", buyRules: "from purchase_service.gen import buy|# mine 3",
		}, []string{orderRules, "services/order/app.py"}},
		{"a chain at once", callThem("A", "order<user/user", "purchase<order/order"), map[string]string{
			"services/purchase/app.py": "name = \"purchase\"|mine = 1", "services/order/app.py": "name = \"order\"|theirs = 1",
		}, []string{"services/user/app.py"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := newGenerations(t, renameTree)
			g.generate(t, callThem("A", "user/user", "order/order"))
			for name, edit := range edits {
				put(t, g.target, name, files(t, g.target)[name]+edit)
			}
			put(t, g.target, "services/user/app.py", files(t, g.target)["services/user/app.py"]+"theirs = 1\n")
			before := standing(t, g.target)
			g.generate(t, test.next)
			got := files(t, g.target)
			for name, parts := range test.want {
				for _, part := range strings.Split(parts, "|") {
					if !strings.Contains(got[name], part) {
						t.Errorf("%s has no %q:\n%s", name, part, got[name])
					}
				}
			}
			for _, name := range test.gone {
				if _, left := got[name]; left {
					t.Errorf("%s is left", name)
				}
			}
			g.undo(t)
			if problem := difference(before, standing(t, g.target)); problem != "" {
				t.Errorf("after undo: %s", problem)
			}
		})
	}
}

func (g *generations) undo(t testing.TB) {
	t.Helper()
	plan, err := PlanUndo(g.target, Choices{})
	if err == nil {
		err = Commit(t.Context(), g.target, plan, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestOneRenameAfterTheOther(t *testing.T) {
	g := newGenerations(t, renameTree)
	g.generate(t, callThem("A", "order/order"))
	put(t, g.target, "services/order/app.py", files(t, g.target)["services/order/app.py"]+"mine = 1\n")
	for i, next := range []Design{
		callThem("A", "purchase<order/order"), callThem("B", "purchase<order/order"), callThem("B", "sale<purchase/order"),
		callThem("C", "sale<purchase/deal<order"), callThem("C", "order<sale/deal<order"),
	} {
		g.generate(t, next)
		found := 0
		for _, content := range files(t, g.target) {
			found += strings.Count(content, "mine = 1\n")
		}
		if found != 1 {
			t.Fatalf("after %d renames the edit is there %d times", i+1, found)
		}
	}
	got := files(t, g.target)["services/order/app.py"]
	if !strings.Contains(got, "name = \"order\"") || !strings.Contains(got, "text = \"C\"") || !strings.Contains(got, "mine = 1") {
		t.Errorf("in the end:\n%s", got)
	}
}

func TestARenameThatClashesAsks(t *testing.T) {
	g := newGenerations(t, renameTree)
	g.generate(t, callThem("A", "order/order"))
	put(t, g.target, "services/order/app.py", strings.Replace(files(t, g.target)["services/order/app.py"], "name = \"order\"", "name = \"mine\"", 1))
	next := callThem("A", "purchase<order/order")
	plan := g.plan(t, next)
	if c := changeOf(plan, "services/purchase/app.py"); c.State != Conflict || c.From != "services/order/app.py" || len(plan.Blocked) != 1 {
		t.Fatalf("%s from %q, blocked by %v", c.State, c.From, plan.Blocked)
	}
	next.Choices.All = KeepMine
	g.generate(t, next)
	if got := files(t, g.target)["services/purchase/app.py"]; !strings.Contains(got, "name = \"mine\"") {
		t.Error(got)
	}
}

// TestWhatBecomesOfFilesUnderARename says it case by case.
func TestWhatBecomesOfFilesUnderARename(t *testing.T) {
	const from, to = "services/order/app.py", "services/purchase/app.py"
	fresh := "name = \"purchase\"\n\n\n\ntext = \"A\"\n\n\n\n# the end\n"
	for _, test := range []struct {
		name     string
		user     func(*testing.T, afero.Fs)
		from, to string // on disk afterwards; empty for no file
		state    State  // of the new path
	}{
		{"untouched", func(*testing.T, afero.Fs) {}, "", fresh, Create},
		{"deleted", func(t *testing.T, fs afero.Fs) { remove(t, fs, from) }, "", "", Keep},
		{"moved by hand", func(t *testing.T, fs afero.Fs) {
			put(t, fs, to, files(t, fs)[from]+"mine\n")
			remove(t, fs, from)
		}, "", fresh + "mine\n", Merge},
		{"another file is there", func(t *testing.T, fs afero.Fs) {
			put(t, fs, from, files(t, fs)[from]+"mine\n")
			put(t, fs, to, "theirs\n")
		}, strings.Replace(fresh, "purchase", "order", 1) + "mine\n", "theirs\n", Keep},
		{"Windows line ends", func(t *testing.T, fs afero.Fs) {
			put(t, fs, from, strings.ReplaceAll(files(t, fs)[from], "\n", "\r\n")+"mine\r\n")
		}, "", strings.ReplaceAll(fresh+"mine\n", "\n", "\r\n"), Merge},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := newGenerations(t, renameTree)
			g.generate(t, callThem("A", "order/order"))
			test.user(t, g.target)
			plan := g.plan(t, callThem("A", "purchase<order/order"))
			if c := changeOf(plan, to); c.State != test.state {
				t.Errorf("%s %q", c.State, c.Reason)
			}
			commitPlan(t, g.target, plan)
			got := files(t, g.target)
			if got[from] != test.from || got[to] != test.to {
				t.Errorf("%s: %q\n%s: %q", from, got[from], to, got[to])
			}
			if again := g.plan(t, callThem("A", "purchase<order/order")); again.Writes() {
				t.Errorf("a second run would write: %v", again.Counts())
			}
		})
	}
}

func TestFilesOfTheirOwnGoAlongWithAService(t *testing.T) {
	g := newGenerations(t, renameTree)
	g.generate(t, callThem("A", "user/user", "order/order"))
	put(t, g.target, "services/order/src/order_service/mail.py", "mine\n")
	put(t, g.target, "services/order/notes/a.txt", "mine too\n")
	put(t, g.target, "services/order/.venv/x.py", "no one's\n")
	put(t, g.target, "services/order/clash.txt", "here\n")
	put(t, g.target, "services/purchase/clash.txt", "there\n")
	before := standing(t, g.target)
	g.generate(t, callThem("A", "user/user", "purchase<order/order"))
	got := files(t, g.target)
	for name, want := range map[string]string{
		"services/purchase/src/purchase_service/mail.py": "mine\n", "services/purchase/notes/a.txt": "mine too\n",
		"services/order/src/order_service/mail.py": "", "services/order/notes/a.txt": "",
		"services/order/.venv/x.py": "no one's\n", "services/order/clash.txt": "here\n", "services/purchase/clash.txt": "there\n",
	} {
		if got[name] != want {
			t.Errorf("%s: %q", name, got[name])
		}
	}
	g.undo(t)
	if problem := difference(before, standing(t, g.target)); problem != "" {
		t.Errorf("after undo: %s", problem)
	}
}

func TestAnExecutableStaysOneUnderARename(t *testing.T) {
	g := newGenerations(t, renameTree)
	g.generate(t, callThem("A", "order/order"))
	if err := g.target.Chmod("services/order/static.txt", 0o755); err != nil {
		t.Fatal(err)
	}
	g.generate(t, callThem("A", "purchase<order/order"))
	for name, want := range map[string]bool{"run.sh": true, "static.txt": true, "app.py": false} {
		info, err := g.target.Stat("services/purchase/" + name)
		if err != nil || (info.Mode()&0o100 != 0) != want {
			t.Errorf("%s: %v, error %v", name, info.Mode(), err)
		}
	}
}
