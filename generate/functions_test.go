package generate

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"codex-design/model"
	"codex-design/templates"
)

// TestFunctionsTree renders what the services of a serverless system are made of,
// and leaves it in FUNCTIONS_TREE, where tools/verify runs it.
func TestFunctionsTree(t *testing.T) {
	source, err := os.ReadFile(cmp.Or(os.Getenv("FUNCTIONS_ANSWERS"), "../testdata/cases/market/codex-design.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	document, problems := model.Read(source)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	document.Answers.Architecture = model.Serverless
	parsed, err := LoadTemplates(templates.FS)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := Outline(NewSystemView(model.Resolve(document.Answers)), History{}, parsed)
	if err != nil {
		t.Fatal(err)
	}
	made := map[string]string{}
	for _, entry := range entries {
		if first, _, _ := strings.Cut(entry.Path, "/"); first != "services" && first != "libs" && first != "requirements" && first != "deploy" {
			continue
		}
		artifact, err := entry.Render()
		if err != nil {
			t.Fatal(err)
		}
		made[artifact.Path] = string(artifact.Content)
	}
	for path, wanted := range map[string]string{
		"services/order/src/order_service/gen/functions.py": "event_commands(MESSAGING, EventSettings)",
		"services/order/src/order_service/gen/messaging.py": "from kit.messaging.eventbridge import connect",
		"services/order/Dockerfile":                         "/opt/extensions/lambda-adapter",
		"libs/kit/src/kit/messaging/functions.py":           "batchItemFailures",
		"deploy/terraform/envs/prod/main.tf":                `source = "../../modules/serverless"`,
		"requirements/runtime.txt":                          "\nhttpx2==",
		"requirements/dev.txt":                              "\nmoto==",
	} {
		if !strings.Contains(made[path], wanted) {
			t.Errorf("%s does not hold %s", path, wanted)
		}
	}
	for _, other := range []string{"nats", "kafka", "postgresql"} {
		if _, there := made["libs/kit/src/kit/messaging/"+other+".py"]; there {
			t.Errorf("the adapter of %s is there", other)
		}
	}
	for _, other := range []string{"modules/system/main.tf", "modules/postgres/main.tf", "modules/service/main.tf"} {
		if _, there := made["deploy/terraform/"+other]; there {
			t.Errorf("%s of a cluster is there", other)
		}
	}
	for path, content := range made {
		write(t, os.Getenv("FUNCTIONS_TREE"), path, content)
	}
}

// write puts a file below a folder, where there is one.
func write(t *testing.T, folder, path, content string) {
	t.Helper()
	if folder == "" {
		return
	}
	target := filepath.Join(folder, path)
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(target, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
