package generate

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"codex-design/model"
	"codex-design/templates"
)

// withPipeline renders the shop with a pipeline and gives its files by path.
func withPipeline(t *testing.T, kind string) map[string]string {
	t.Helper()
	answers := model.Examples()[0].Answers
	answers.Delivery.Pipeline = kind
	parsed, err := LoadTemplates(templates.FS)
	if err != nil {
		t.Fatal(err)
	}
	artifacts, err := Render(NewSystemView(model.Resolve(answers)), History{}, parsed)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, artifact := range artifacts {
		files[artifact.Path] = string(artifact.Content)
	}
	return files
}

func matching(files map[string]string, prefix string) string {
	var all []string
	for path, content := range files {
		if strings.HasPrefix(path, prefix) {
			all = append(all, content)
		}
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

// TestEveryActionIsPinned finds an action by tag or branch, and a pin that nothing uses.
func TestEveryActionIsPinned(t *testing.T) {
	workflows := matching(withPipeline(t, "github"), ".github/workflows/")
	pinned := regexp.MustCompile(`^[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	used := map[string]bool{}
	for _, match := range regexp.MustCompile(`uses: (.+)`).FindAllStringSubmatch(workflows, -1) {
		if strings.HasPrefix(match[1], "./") {
			continue
		}
		if !pinned.MatchString(match[1]) {
			t.Errorf("not pinned: %s", match[1])
		}
		name, _, _ := strings.Cut(match[1], "@")
		used[name] = true
	}
	for name := range pins {
		if !used[name] {
			t.Errorf("%s is pinned and not used", name)
		}
	}
}

func TestAnUnknownActionIsAnError(t *testing.T) {
	if _, err := (&SystemView{}).Action("somebody/something"); err == nil {
		t.Error("an action that is not pinned was accepted")
	}
}

// TestOneVersionOfEachServer compares what the pipelines run with what a
// developer runs and what the images are built with.
func TestOneVersionOfEachServer(t *testing.T) {
	image := regexp.MustCompile(`\b(postgres|redis|uv):([\w.-]+)`)
	for _, kind := range []string{"github", "gitlab"} {
		found := map[string][]string{}
		files := withPipeline(t, kind)
		for path, content := range files {
			if path != "compose.yaml" && path != ".gitlab-ci.yml" && !strings.HasPrefix(path, ".github/") && !strings.HasSuffix(path, "/Dockerfile") {
				continue
			}
			for _, match := range image.FindAllStringSubmatch(content, -1) {
				version, _, _ := strings.Cut(match[2], "-")
				if regexp.MustCompile(`^\d+\.\d`).MatchString(version) && !slices.Contains(found[match[1]], version) {
					found[match[1]] = append(found[match[1]], version)
				}
			}
		}
		for name, versions := range found {
			if len(versions) != 1 {
				t.Errorf("%s: %s in versions %v", kind, name, versions)
			}
		}
		if found["postgres"] == nil || found["redis"] == nil || !slices.Equal(found["uv"], []string{uvVersion}) {
			t.Errorf("%s: found only %v", kind, found)
		}
	}
}

func TestAReleasePassesEveryEnvironmentInOrder(t *testing.T) {
	for scale, want := range map[model.Scale]string{
		model.Small: "dev after , prod after dev last", model.Large: "dev after , staging after dev, prod after staging last",
	} {
		answers := model.Examples()[0].Answers
		answers.Scale = scale
		var parts []string
		for _, stage := range NewSystemView(model.Resolve(answers)).Stages() {
			part := stage.Name + " after " + stage.After
			if stage.Last {
				part += " last"
			}
			parts = append(parts, part)
		}
		if got := strings.Join(parts, ", "); got != want {
			t.Errorf("%s: %s, expected %s", scale, got, want)
		}
	}
}

// TestOnlyTheChosenPipelineIsThere shows that no system carries another forge's files.
func TestOnlyTheChosenPipelineIsThere(t *testing.T) {
	own := map[string][]string{
		"none":   {},
		"github": {".github/workflows/release.yaml", ".github/dependabot.yml", "docs/delivery.md", "scripts/deploy.py", "scripts/oidc_token.py"},
		"gitlab": {".gitlab-ci.yml", "renovate.json", "docs/delivery.md", "scripts/deploy.py"},
	}
	for kind := range own {
		files := withPipeline(t, kind)
		for _, paths := range own {
			for _, path := range paths {
				if _, made := files[path]; made != slices.Contains(own[kind], path) {
					t.Errorf("pipeline %s: %s made: %v", kind, path, made)
				}
			}
		}
	}
}
