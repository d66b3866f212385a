package generate

import (
	"strings"
	"testing"

	"github.com/spf13/afero"
)

// branchTree has a line that every design changes, between lines for edits.
var branchTree = map[string]string{"app.py.tmpl": "one\n\n\n\ntitle = <% quote .System.Title %>\n\n\n\ntwo\n"}

// merged makes two branches of a design A, titled L and R, each with an edit of its
// own, and puts them together as git does with union for the record; app is what it
// makes of the file.
func merged(t *testing.T, app string) *generations {
	t.Helper()
	branch := func(title, old, text string) map[string]string {
		g := newGenerations(t, branchTree)
		g.generate(t, design("A"))
		put(t, g.target, "app.py", strings.Replace(files(t, g.target)["app.py"], old, text, 1))
		g.generate(t, design(title))
		return files(t, g.target)
	}
	left, right := branch("L", "one\n", "one, edited on the left\n"), branch("R", "two\n", "two, edited on the right\n")
	g := newGenerations(t, branchTree)
	for name, content := range left {
		switch {
		case name == "app.py":
			content = app
		case strings.HasPrefix(name, localDir) || name == AnswersPath:
			continue
		case content != right[name]:
			content += strings.TrimPrefix(right[name], "{\"format\":1}\n")
		}
		put(t, g.target, name, content)
	}
	return g
}

const (
	leftApp  = "one, edited on the left\n\n\n\ntitle = \"L\"\n\n\n\ntwo\n"
	rightApp = "one\n\n\n\ntitle = \"R\"\n\n\n\ntwo, edited on the right\n"
	gitApp   = "one, edited on the left\n\n\n\n<<<<<<< HEAD\ntitle = \"L\"\n=======\ntitle = \"R\"\n>>>>>>> right\n\n\n\ntwo, edited on the right\n"
)

func TestWhatGitMadeOfTwoBranches(t *testing.T) {
	both := func(title string) string {
		return "one, edited on the left\n\n\n\ntitle = \"" + title + "\"\n\n\n\ntwo, edited on the right\n"
	}
	diff3 := strings.Replace(gitApp, "=======\n", "||||||| base\ntitle = \"A\"\n=======\n", 1)
	for _, test := range []struct{ name, app, title, want string }{
		{"merged, a new design", both("L"), "D", both("D")},
		{"merged, the design of one", both("R"), "L", both("L")},
		{"one side was taken", leftApp, "D", strings.Replace(leftApp, "\"L\"", "\"D\"", 1)},
		{"the other side was taken", rightApp, "D", strings.Replace(rightApp, "\"R\"", "\"D\"", 1)},
		{"a conflict was left", gitApp, "D", both("D")},
		{"a conflict was left, the design of one", gitApp, "R", both("R")},
		{"a conflict was left, with its base", diff3, "D", both("D")},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := merged(t, test.app)
			g.generate(t, design(test.title))
			if got := files(t, g.target)["app.py"]; got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
			if record := fileText(t, g.target, manifestPath); strings.Count(record, "app.py") != 1 {
				t.Errorf("the record is still that of two branches:\n%s", record)
			}
		})
	}
}

func TestAConflictOfPeopleStays(t *testing.T) {
	app := strings.Replace(strings.Replace(gitApp, "\"L\"", "\"mine\"", 1), "\"R\"", "\"theirs\"", 1)
	g := merged(t, app)
	if c := changeOf(g.plan(t, design("D")), "app.py"); c.State != Keep || !c.Outdated || c.Reason != reasonGit {
		t.Errorf("%s %q", c.State, c.Reason)
	}
	g.generate(t, design("D"))
	if got := files(t, g.target)["app.py"]; got != app {
		t.Errorf("%q", got)
	}
}

// TestARecordWithConflictMarkers is read as what both sides say.
func TestARecordWithConflictMarkers(t *testing.T) {
	g := merged(t, gitApp)
	manifest := fileText(t, g.target, manifestPath)
	lines := strings.SplitAfter(manifest, "\n")
	put(t, g.target, manifestPath, lines[0]+"<<<<<<< HEAD\n"+lines[1]+"=======\n"+strings.Join(lines[2:], "")+">>>>>>> right\n")
	g.generate(t, design("D"))
	if got := files(t, g.target)["app.py"]; !strings.Contains(got, "\"D\"") || strings.Contains(got, "<<<") {
		t.Errorf("%q", got)
	}
	if got := fileText(t, g.target, manifestPath); strings.Contains(got, "<<<") {
		t.Errorf("markers are left:\n%s", got)
	}
}

func TestWithoutAncestors(t *testing.T) {
	history := func(names string) ServiceHistory {
		var h ServiceHistory
		for _, name := range strings.Fields(names) {
			h.Migrations = append(h.Migrations, Migration{Name: name})
		}
		return h
	}
	for _, test := range []struct {
		histories []string
		want      string
	}{
		{[]string{"1"}, "1"}, {[]string{"1", "1 2"}, "1 2"}, {[]string{"1 2", "1"}, "1 2"}, {[]string{"1 2", "1 2"}, "1 2"},
		{[]string{"1 2", "1 3"}, "1 2|1 3"}, {[]string{"1 2", "1", "1 3 4", "1 3"}, "1 2|1 3 4"},
	} {
		var all []ServiceHistory
		for _, names := range test.histories {
			all = append(all, history(names))
		}
		var got []string
		for _, h := range withoutAncestors(all) {
			var names []string
			for _, m := range h.Migrations {
				names = append(names, m.Name)
			}
			got = append(got, strings.Join(names, " "))
		}
		if strings.Join(got, "|") != test.want {
			t.Errorf("%q: %q, want %q", test.histories, got, test.want)
		}
	}
}

func TestDisputesNameTheFiles(t *testing.T) {
	g := &generations{target: afero.NewMemMapFs(), templates: load(t, smallTree)}
	put(t, g.target, manifestPath, "{\"format\":1}\n")
	put(t, g.target, historyPath, "{\"format\":1}\n"+
		`{"service":"order","schema":[],"migrations":[{"name":"001_a.sql","sql":""},{"name":"002_b.sql","sql":""}]}`+"\n"+
		`{"service":"order","schema":[],"migrations":[{"name":"001_a.sql","sql":""},{"name":"002_c.sql","sql":""},{"name":"003_d.sql","sql":""}]}`+"\n")
	for _, name := range []string{"001_a", "002_b", "002_c", "003_d"} {
		put(t, g.target, "services/order/migrations/"+name+".sql", "x\n")
	}
	blocked := strings.Join(g.plan(t, design("A")).Blocked, "\n")
	for _, want := range []string{"service order", "002_b.sql, or services", "002_c.sql and services/order/migrations/003_d.sql", "Delete"} {
		if !strings.Contains(blocked, want) {
			t.Errorf("%q does not say %q", blocked, want)
		}
	}
	remove(t, g.target, "services/order/migrations/002_b.sql")
	if blocked := strings.Join(g.plan(t, design("A")).Blocked, "\n"); strings.Contains(blocked, "two branches") {
		t.Errorf("chosen, it is still blocked by %s", blocked)
	}
}
