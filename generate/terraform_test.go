package generate

import (
	"regexp"
	"strings"
	"testing"

	"codex-design/model"
	"codex-design/templates"
)

func TestCloudNamesAreTakenEverywhere(t *testing.T) {
	valid := regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	for _, name := range []string{"a", "shop", strings.Repeat("a", 63), strings.Repeat("a", 34) + "-" + strings.Repeat("b", 20), strings.Repeat("a-", 20) + "b"} {
		answers := model.Examples()[0].Answers
		answers.Name = name
		system := NewSystemView(model.Resolve(answers))
		for i := range system.Environments {
			environment := &system.Environments[i]
			got := environment.CloudName()
			if !valid.MatchString(got) || len(got) > cloudNames || !strings.HasSuffix(got, "-"+environment.Name) {
				t.Errorf("%s in %s: %q", name, environment.Name, got)
			}
		}
	}
}

func TestKeysOfMapsAreAligned(t *testing.T) {
	keys := paddedKeys([]string{"order", "line-items"})
	if keys["order"] != `"order"     ` || keys["line-items"] != `"line-items"` {
		t.Errorf("%q", keys)
	}
}

func TestTerraformHasOnlyWhatTheDesignAsksFor(t *testing.T) {
	answers := model.Examples()[0].Answers
	answers.Datastores.Cache, answers.Security.Secrets = "none", "kubernetes"
	for i := range answers.Services {
		answers.Services[i].Cache = false
	}
	without := terraformFiles(t, answers)
	answers.Datastores.Cache, answers.Security.Secrets = "redis", "external-secrets"
	with := terraformFiles(t, answers)
	for _, module := range []string{"redis", "secrets"} {
		file := "deploy/terraform/modules/" + module + "/main.tf"
		if without[file] != "" || with[file] == "" {
			t.Errorf("%s: there without being asked for, or missing", file)
		}
		if name := `module "` + module + `"`; strings.Contains(without["deploy/terraform/modules/system/data.tf"], name) {
			t.Errorf("%s is called and not there", name)
		}
	}
}

func terraformFiles(t *testing.T, answers model.Answers) map[string]string {
	t.Helper()
	files := map[string]string{}
	parsed, err := LoadTemplates(templates.FS)
	if err != nil {
		t.Fatal(err)
	}
	artifacts, err := Render(NewSystemView(model.Resolve(answers)), History{}, parsed)
	if err != nil {
		t.Fatal(err)
	}
	for _, artifact := range artifacts {
		if strings.HasPrefix(artifact.Path, "deploy/terraform/") {
			files[artifact.Path] = string(artifact.Content)
		}
	}
	return files
}
