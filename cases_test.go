package main_test

import (
	"bytes"
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"codex-design/generate"
	"codex-design/model"
	"codex-design/templates"
)

// A case is a folder of testdata/cases: codex-design.yaml, and beside it what
// must come out of it.
//
//	tree.txt      every path, with its owner
//	findings.txt  what the design rules say
//	golden/       some of the files, whole; to add one, create it empty
//
// `go test . -update` writes what comes out today; read the difference before committing it.
var update = flag.Bool("update", false, "write the expected files of testdata/cases anew")

const (
	casesDir   = "testdata/cases"
	stableRuns = 20
)

func TestCases(t *testing.T) {
	parsed, err := generate.LoadTemplates(templates.FS)
	if err != nil {
		t.Fatal(err)
	}
	folders, err := filepath.Glob(filepath.Join(casesDir, "*", "codex-design.yaml"))
	if err != nil || len(folders) < 8 {
		t.Fatalf("%d cases, error %v: at least 8 are expected", len(folders), err)
	}
	for _, file := range folders {
		dir := filepath.Dir(file)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			runCase(t, dir, parsed)
		})
	}
}

func runCase(t *testing.T, dir string, parsed *generate.Templates) {
	source, err := os.ReadFile(filepath.Join(dir, "codex-design.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	answers := readClean(t, source)
	blueprint := model.Resolve(answers)
	artifacts := render(t, blueprint, parsed)

	t.Run("answers round trip", func(t *testing.T) { roundTrip(t, source, answers) })
	t.Run("stable bytes", func(t *testing.T) { stable(t, answers, artifacts, parsed) })
	t.Run("tree", func(t *testing.T) { expect(t, filepath.Join(dir, "tree.txt"), listing(artifacts)) })
	t.Run("findings", func(t *testing.T) { expect(t, filepath.Join(dir, "findings.txt"), findings(blueprint)) })
	t.Run("golden files", func(t *testing.T) { goldens(t, filepath.Join(dir, "golden"), artifacts) })
}

func readClean(t *testing.T, source []byte) model.Answers {
	t.Helper()
	document, problems := model.Read(source)
	for _, problem := range problems {
		t.Errorf("%d:%d %s: %s (%s)", problem.Line, problem.Column, problem.Path, problem.Message, problem.Hint)
	}
	if t.Failed() {
		t.FailNow()
	}
	for _, problem := range model.Check(document.Answers) {
		t.Errorf("%s: %s", problem.Path, problem.Message)
	}
	return document.Answers
}

func render(t *testing.T, blueprint model.Blueprint, parsed *generate.Templates) []generate.Artifact {
	t.Helper()
	artifacts, err := generate.Render(generate.NewSystemView(blueprint), generate.History{}, parsed)
	if err != nil {
		t.Fatal(err)
	}
	return artifacts
}

// roundTrip shows that saving unchanged answers changes nothing, and that a
// fresh file of the same answers reads as the same answers.
func roundTrip(t *testing.T, source []byte, answers model.Answers) {
	document, _ := model.Read(source)
	saved, err := document.Save(answers)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(saved, source) {
		t.Errorf("saving unchanged answers changed the file:\n%s", firstDifference(string(source), string(saved)))
	}
	if again := readClean(t, model.Format(answers)); !reflect.DeepEqual(again, answers) {
		t.Errorf("a fresh file reads as other answers:\n%+v\n%+v", again, answers)
	}
}

func stable(t *testing.T, answers model.Answers, artifacts []generate.Artifact, parsed *generate.Templates) {
	want := fingerprint(artifacts)
	for run := range stableRuns {
		if got := fingerprint(render(t, model.Resolve(answers), parsed)); got != want {
			t.Fatalf("run %d made other bytes", run+1)
		}
	}
}

func fingerprint(artifacts []generate.Artifact) string {
	hash := sha256.New()
	for _, a := range artifacts {
		fmt.Fprintf(hash, "%s\n%s\n%s\n%d\n%s\n", a.Path, a.Mode, a.Owner, len(a.Content), a.Content)
	}
	return fmt.Sprintf("%x", hash.Sum(nil))
}

func listing(artifacts []generate.Artifact) string {
	var out strings.Builder
	for _, a := range artifacts {
		fmt.Fprintf(&out, "%-11s %s\n", a.Owner, a.Path)
	}
	return out.String()
}

func findings(blueprint model.Blueprint) string {
	var out strings.Builder
	for _, f := range blueprint.Findings {
		fmt.Fprintf(&out, "%-7s %s %s: %s\n", f.Severity, f.Rule, f.Path, f.Message)
	}
	return out.String()
}

func goldens(t *testing.T, dir string, artifacts []generate.Artifact) {
	made := map[string][]byte{}
	for _, a := range artifacts {
		made[a.Path] = a.Content
	}
	files := 0
	err := filepath.WalkDir(dir, func(file string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files++
		name, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		content, ok := made[filepath.ToSlash(name)]
		if !ok {
			t.Errorf("%s is expected and was not made", name)
			return nil
		}
		expect(t, file, string(content))
		return nil
	})
	if err != nil || files == 0 {
		t.Errorf("%d golden files in %s, error %v: each case has some", files, dir, err)
	}
}

// expect compares text with a file, or writes the file with -update.
func expect(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s is not what comes out (go test . -update writes it anew):\n%s", file, firstDifference(string(want), got))
	}
}

func firstDifference(want, got string) string {
	wanted, gotten := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(wanted), len(gotten)) {
		if wanted[i] != gotten[i] {
			return fmt.Sprintf("line %d\n- %s\n+ %s", i+1, wanted[i], gotten[i])
		}
	}
	return fmt.Sprintf("%d lines expected, %d came out", len(wanted), len(gotten))
}
