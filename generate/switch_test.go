package generate

import (
	"os"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"codex-design/model"
	"codex-design/templates"
)

const mine = "\n# mine\n"

// TestSwitchingTheArchitectureAndBack keeps what is the user's where it is, and
// ends in the tree that it began with.
func TestSwitchingTheArchitectureAndBack(t *testing.T) {
	parsed, err := LoadTemplates(templates.FS)
	if err != nil {
		t.Fatal(err)
	}
	g := &generations{afero.NewMemMapFs(), parsed}
	in := func(architecture model.Architecture) Design {
		answers := caseAnswers(t, "market")
		answers.Architecture = architecture
		design := NewDesign(answers, model.Format(answers), nil)
		design.Consent = Consent{Breaking: true}
		return design
	}
	g.generate(t, in(model.Microservices))
	owned := map[string]string{}
	for _, change := range g.plan(t, in(model.Microservices)).Changes {
		if change.Artifact.Owner == Yours && strings.HasPrefix(change.Path, "services/") {
			put(t, g.target, change.Path, string(change.After)+mine)
			owned[change.Path] = string(change.After) + mine
		}
	}
	if len(owned) == 0 {
		t.Fatal("nothing is the user's")
	}
	first := files(t, g.target)

	g.generate(t, in(model.Monolith))
	hosted := files(t, g.target)
	for path, content := range owned {
		if hosted[path] != content {
			t.Errorf("%s is no longer what the user made of it", path)
		}
	}
	for path, content := range first {
		if strings.Contains(path, "/migrations/") && strings.HasPrefix(path, "services/") && hosted[path] != content {
			t.Errorf("%s is another migration in a monolith", path)
		}
	}
	for path, wanted := range map[string]bool{
		"app/Dockerfile": true, "deploy/kubernetes/base/services/app/deployment.yaml": true,
		"services/order/Dockerfile": false, "deploy/kubernetes/base/services/order/deployment.yaml": false,
	} {
		if _, there := hosted[path]; there != wanted {
			t.Errorf("a monolith has %s: %v", path, there)
		}
	}

	g.generate(t, in(model.Microservices))
	last := files(t, g.target)
	for path := range last {
		if last[path] != first[path] && !strings.HasPrefix(path, StateDir+"/local/") {
			t.Errorf("%s is not what it was", path)
		}
	}
	for path := range first {
		if _, there := last[path]; !there {
			t.Errorf("%s is gone", path)
		}
	}
}

// caseAnswers are those of a folder below testdata/cases.
func caseAnswers(t *testing.T, name string) model.Answers {
	t.Helper()
	content, err := os.ReadFile("../testdata/cases/" + name + "/codex-design.yaml")
	if err != nil {
		t.Fatal(err)
	}
	document, problems := model.Read(content)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return document.Answers
}
