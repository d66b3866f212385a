package generate

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"codex-design/model"
)

// causesOf plans other answers for a tree and says what each changed file is changed by.
func (g *generations) causesOf(t testing.TB, answers model.Answers) (Causes, map[string]string) {
	t.Helper()
	plan := g.plan(t, NewDesign(answers, model.Format(answers), nil))
	causes, err := plan.FindCauses(t.Context(), answers, g.templates)
	if err != nil {
		t.Fatal(err)
	}
	each := map[string]string{}
	for path, changes := range causes.Each {
		var texts []string
		for _, change := range changes {
			texts = append(texts, change.Path)
		}
		each[path] = strings.Join(texts, " ")
	}
	return causes, each
}

func answersOf(t testing.TB, design Design) model.Answers {
	t.Helper()
	document, problems := model.Read(design.Answers)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return document.Answers
}

func TestCausesAreTheAnswersThatAFileFollows(t *testing.T) {
	g := newGenerations(t, renameTree)
	first := answersOf(t, callThem("A", "user/user", "order/order"))
	g.generate(t, NewDesign(first, model.Format(first), nil))
	next := first.Clone()
	next.Description = "B"
	next.Services = append(next.Services, model.Service{Name: "stock", Entities: first.Services[0].Entities})
	causes, each := g.causesOf(t, next)
	for path, want := range map[string]string{
		"README.md":                "services.stock",
		"services/user/app.py":     "description",
		"services/stock/app.py":    "description services.stock",
		"architecture/stock.yaml":  "services.stock",
		"services/user/static.txt": "",
		AnswersPath:                "",
	} {
		if each[path] != want {
			t.Errorf("%s: %q, want %q", path, each[path], want)
		}
	}
	if len(causes.Changes) != 2 || len(causes.Release) > 0 {
		t.Errorf("changes %v, of the release %v", causes.Changes, causes.Release)
	}
}

func TestCausesThatRestOnEachOther(t *testing.T) {
	g := newGenerations(t, renameTree)
	first := answersOf(t, callThem("A", "user/user", "order/order"))
	g.generate(t, NewDesign(first, model.Format(first), nil))
	next := first.Clone()
	next.Services = append(next.Services, model.Service{Name: "stock", Entities: first.Services[0].Entities})
	next.Services[0].Calls = []string{"stock"} // without which stock cannot be taken out
	_, each := g.causesOf(t, next)
	if got := each["services/stock/app.py"]; got != "services.stock" {
		t.Errorf("%q", got)
	}
	if got := each["README.md"]; got != "services.stock" {
		t.Errorf("%q", got)
	}
}

func TestCausesOutsideTheAnswers(t *testing.T) {
	g := newGenerations(t, renameTree)
	first := answersOf(t, callThem("A", "user/user"))
	g.generate(t, NewDesign(first, model.Format(first), nil))
	other := newGenerations(t, map[string]string{"services/{service}/run.sh": "#!/bin/bash\n", "README.md.tmpl": renameTree["README.md.tmpl"]})
	other.target = g.target
	causes, each := other.causesOf(t, first)
	if !causes.Release["services/user/run.sh"] || causes.Release["README.md"] || len(each) > 0 {
		t.Errorf("of the release %v, of answers %v", causes.Release, each)
	}
}

// TestCausesComeFromTheRecord edits the answers file by hand: what the tree was
// generated from is on record all the same.
func TestCausesComeFromTheRecord(t *testing.T) {
	g := newGenerations(t, renameTree)
	first := answersOf(t, callThem("A", "user/user"))
	g.generate(t, NewDesign(first, model.Format(first), nil))
	next := first.Clone()
	next.Description = "B"
	if err := afero.WriteFile(g.target, AnswersPath, model.Format(next), 0o644); err != nil {
		t.Fatal(err)
	}
	causes, _ := g.causesOf(t, next)
	if !slices.ContainsFunc(causes.Changes, func(c model.AnswerChange) bool { return c.String() == "description: A → B" }) {
		t.Errorf("changes %v", causes.Changes)
	}
}
