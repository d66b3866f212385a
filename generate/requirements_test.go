package generate

import (
	"io/fs"
	"strings"
	"testing"

	"codex-design/model"
	"codex-design/templates"
)

// requirements renders the wishes and locks of a system.
func requirements(t *testing.T, change func(*SystemView)) map[string]string {
	t.Helper()
	system := shop()
	system.Edges, system.Broker, system.Security.Authentication = nil, nil, "none"
	change(system)
	files := map[string]string{}
	for _, name := range []string{"runtime.in", "runtime.txt", "dev.in", "dev.txt"} {
		content, err := fs.ReadFile(templates.FS, "requirements/"+name)
		if err != nil {
			t.Fatal(err)
		}
		if prune := ruleFor("requirements/" + name).prune; prune != nil {
			content = prune(content, system)
		}
		files[name] = string(content)
	}
	return files
}

func TestRequirementsFollowTheAnswers(t *testing.T) {
	optional := []string{"aio-pika", "aiokafka", "aiormq", "cryptography", "httpx2", "nats-py", "pamqp", "pyjwt"}
	for name, c := range map[string]struct {
		change func(*SystemView)
		want   string
	}{
		"nothing":  {func(*SystemView) {}, ""},
		"nats":     {func(s *SystemView) { s.Broker = &model.BrokerPlan{Kind: "nats"} }, "nats-py"},
		"rabbitmq": {func(s *SystemView) { s.Broker = &model.BrokerPlan{Kind: "rabbitmq"} }, "aio-pika aiormq pamqp"},
		"kafka":    {func(s *SystemView) { s.Broker = &model.BrokerPlan{Kind: "kafka"} }, "aiokafka"},
		"calls":    {func(s *SystemView) { s.Edges = []model.Edge{{From: "order", To: "catalog"}} }, "httpx2"},
		"oidc":     {func(s *SystemView) { s.Security.Authentication = "oidc" }, "cryptography httpx2 pyjwt"},
	} {
		t.Run(name, func(t *testing.T) {
			_, packages := parseLock(requirements(t, c.change)["runtime.txt"])
			locked := map[string]bool{}
			for _, p := range packages {
				locked[p.name] = true
			}
			var got []string
			for _, name := range optional {
				if locked[name] {
					got = append(got, name)
				}
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("the lock has %v, want %q", got, c.want)
			}
		})
	}
}

func TestTestsMayWishForWhatServicesDoNotImport(t *testing.T) {
	files := requirements(t, func(*SystemView) {})
	if strings.Contains(files["runtime.in"], "httpx2") || !strings.Contains(files["dev.in"], "httpx2") {
		t.Error("httpx2 belongs to the tests alone")
	}
	if !strings.Contains(files["dev.txt"], "\nhttpx2==") {
		t.Error("the lock of the tests has lost httpx2")
	}
}

func TestLocksNameOnlyWhatTheyHold(t *testing.T) {
	files := requirements(t, func(*SystemView) {})
	for _, name := range []string{"runtime.txt", "dev.txt"} {
		_, packages := parseLock(files[name])
		locked := map[string]bool{}
		for _, p := range packages {
			locked[p.name] = true
		}
		for _, p := range packages {
			if len(p.via) == 0 {
				t.Errorf("%s: nobody asks for %s", name, p.name)
			}
			for _, parent := range p.via {
				if !strings.HasPrefix(parent, "-") && !locked[parent] {
					t.Errorf("%s: %s is there for %s, which is not", name, p.name, parent)
				}
			}
		}
	}
}

func TestLocksOfASystemWithEverythingAreThoseOfTheTemplates(t *testing.T) {
	content, err := fs.ReadFile(templates.FS, "requirements/dev.txt")
	if err != nil {
		t.Fatal(err)
	}
	header, packages := parseLock(string(content))
	var out strings.Builder
	out.WriteString(header)
	for _, p := range packages {
		p.write(&out)
	}
	if out.String() != string(content) {
		t.Error("reading and writing a lock changes it")
	}
}
