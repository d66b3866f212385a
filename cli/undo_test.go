package cli

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"codex-design/generate"
	"codex-design/model"
)

// generatedTree is a tree without what concerns this copy of it alone.
func generatedTree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := snapshot(t, dir)
	maps.DeleteFunc(files, func(name, _ string) bool { return strings.HasPrefix(name, ".codex-design/local/") })
	return files
}

// tweaked makes the example's tree and generates it again with another description.
func tweaked(t *testing.T) (name string, before, after map[string]string) {
	t.Helper()
	inTempDir(t)
	name = example().Name
	mustRun(t, "--example", name, "--yes", "--set", "description=First text")
	before = generatedTree(t, name)
	mustRun(t, name, "--yes", "--set", "description=Another text")
	after = generatedTree(t, name)
	if maps.Equal(before, after) {
		t.Fatal("the tweak changed nothing")
	}
	return name, before, after
}

func TestUndoPutsTheTreeBackAndForth(t *testing.T) {
	name, before, after := tweaked(t)
	for i, want := range []map[string]string{before, after, before} {
		got := mustRun(t, "undo", name)
		if !strings.Contains(got.err, "the last commit is undone") {
			t.Errorf("%d: %s", i, got.err)
		}
		if !maps.Equal(want, generatedTree(t, name)) {
			t.Fatalf("undo %d did not put the tree back", i+1)
		}
	}
	if got := mustRun(t, name, "--yes"); !strings.Contains(got.err, "nothing to do") {
		t.Errorf("the next run: %s", got.err)
	}
}

func TestUndoOfTheFirstCommitLeavesNoFile(t *testing.T) {
	inTempDir(t)
	name := example().Name
	mustRun(t, "--example", name, "--yes")
	write(t, filepath.Join(name, "notes.txt"), "mine")
	mustRun(t, "undo", name)
	if left := generatedTree(t, name); len(left) != 1 || left["notes.txt"] != "mine" {
		t.Errorf("left: %d files", len(left))
	}
	mustRun(t, "undo", name)
	if len(generatedTree(t, name)) < 20 {
		t.Error("the second undo did not bring the system back")
	}
}

func TestUndoKeepsWhatWasEditedSince(t *testing.T) {
	for _, test := range []struct {
		edit  func(readme string) string
		flags []string
		code  int
		says  string
		has   []string // of the README afterwards
	}{
		{func(s string) string { return s + "\nMore.\n" }, nil, 0, "merge: README.md", []string{"First text", "More."}},
		{func(s string) string { return strings.Replace(s, "Another text", "My text", 1) }, nil, exitFindings, "blocked: README.md: 1 conflict", []string{"My text"}},
		{func(s string) string { return strings.Replace(s, "Another text", "My text", 1) }, []string{"--on-conflict", "keep"}, 0, "is undone", []string{"My text"}},
		{func(s string) string { return strings.Replace(s, "Another text", "My text", 1) }, []string{"--on-conflict", "old"}, 0, "is undone", []string{"First text"}},
		{func(s string) string { return strings.Replace(s, "Another text", "My text", 1) }, []string{"--on-conflict", "markers"}, exitFindings, "conflict: README.md", []string{"My text", "First text", "<<<<<<<"}},
	} {
		name, _, after := tweaked(t)
		write(t, filepath.Join(name, "README.md"), test.edit(after["README.md"]))
		edited := generatedTree(t, name)
		dry := run(append([]string{"undo", name, "--dry-run", "--format", "json"}, test.flags...)...)
		var plan planJSON
		if err := json.Unmarshal([]byte(dry.out), &plan); err != nil || plan.Committed || dry.code != test.code {
			t.Errorf("dry run: exit code %d, error %v", dry.code, err)
		}
		if !maps.Equal(edited, generatedTree(t, name)) {
			t.Fatal("a dry run changed the tree")
		}
		got := run(append([]string{"undo", name}, test.flags...)...)
		if got.code != test.code || !strings.Contains(got.err, test.says) {
			t.Errorf("%v: exit code %d, %s", test.flags, got.code, got.err)
		}
		readme := generatedTree(t, name)["README.md"]
		for _, want := range test.has {
			if !strings.Contains(readme, want) {
				t.Errorf("%v: README.md has no %q", test.flags, want)
			}
		}
		if strings.HasPrefix(test.says, "blocked") && !maps.Equal(edited, generatedTree(t, name)) {
			t.Error("a blocked undo changed the tree")
		}
	}
}

func TestUndoIsRefused(t *testing.T) {
	inTempDir(t)
	if got := run("undo"); got.code != exitFindings || !strings.Contains(got.err, "nothing to undo") {
		t.Errorf("without a commit: exit code %d, %s", got.code, got.err)
	}
	if got := run("undo", "nowhere"); got.code != exitUsage {
		t.Errorf("without a directory: exit code %d, %s", got.code, got.err)
	}
	name, _, _ := tweaked(t)
	manifest := filepath.Join(name, ".codex-design", "manifest.jsonl")
	content, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	write(t, manifest, strings.Replace(string(content), "{\"path\":\"Makefile\"", "{\"path\":\"makefile\"", 1))
	before := snapshot(t, name)
	if got := run("undo", name); got.code != exitFindings || !strings.Contains(got.err, "git") {
		t.Errorf("after another branch: exit code %d, %s", got.code, got.err)
	}
	if !maps.Equal(before, snapshot(t, name)) {
		t.Error("a refused undo changed the tree")
	}
}

// dying is a disk under a process that dies at one of its moves.
type dying struct {
	*generate.Disk
	left int
}

func (d *dying) Rename(from, to string) error {
	if d.left--; d.left < 0 {
		return errors.New("killed")
	}
	return d.Disk.Rename(from, to)
}

// cutOff is a tree whose last commit was cut off in the middle, and what it was to become.
func cutOff(t *testing.T) (name string, after map[string]string) {
	t.Helper()
	name, before, after := tweaked(t)
	mustRun(t, "undo", name)
	target, err := generate.OpenDisk(name)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := readAnswers(filepath.Join(name, generate.AnswersPath))
	if err != nil {
		t.Fatal(err)
	}
	if err := model.Set(&opened.answers, "description", "Another text"); err != nil {
		t.Fatal(err)
	}
	text, err := opened.text()
	if err != nil {
		t.Fatal(err)
	}
	templates, err := loadTemplates("")
	if err != nil {
		t.Fatal(err)
	}
	plan, err := generate.Prepare(target, generate.NewDesign(opened.answers, text, opened.basis), templates)
	if err != nil {
		t.Fatal(err)
	}
	if err := generate.Commit(context.Background(), &dying{target, 4}, plan, nil); !errors.Is(err, generate.ErrCutOff) {
		t.Fatalf("error %v", err)
	}
	if tree := generatedTree(t, name); maps.Equal(tree, before) || maps.Equal(tree, after) {
		t.Fatal("the commit was not cut off in the middle")
	}
	return name, after
}

func TestEveryCommandFinishesWhatWasCutOff(t *testing.T) {
	for _, test := range []struct {
		command string
		inside  bool // started in the tree
	}{
		{"check shop", false}, {"check", true}, {"explain load.peak_rps shop", false}, {"shop --dry-run", false}, {"--diff", true},
		{"shop --yes", false}, {"--example shop --dry-run", false}, {"verify shop --only compose", false}, {"undo shop --dry-run", false},
	} {
		t.Run(test.command, func(t *testing.T) {
			name, after := cutOff(t)
			if test.inside {
				t.Chdir(name)
			}
			got := run(strings.Fields(test.command)...)
			if !strings.Contains(got.err, "cut off") || !strings.Contains(got.err, "finished now") {
				t.Errorf("exit code %d: %s", got.code, got.err)
			}
			if test.inside {
				t.Chdir("..")
			}
			if !maps.Equal(after, generatedTree(t, name)) {
				t.Error("the commit was not finished")
			}
		})
	}
}
