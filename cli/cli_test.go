package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"codex-design/generate"
	"codex-design/model"
)

// outcome is what a command left behind.
type outcome struct {
	code     int
	out, err string
}

// run runs a command line in the current directory, without a terminal.
func run(args ...string) outcome {
	var out, err bytes.Buffer
	code := Main(context.Background(), args, Streams{In: strings.NewReader(""), Out: &out, Err: &err})
	return outcome{code, out.String(), err.String()}
}

// mustRun runs a command line that must succeed.
func mustRun(t *testing.T, args ...string) outcome {
	t.Helper()
	result := run(args...)
	if result.code != exitDone {
		t.Fatalf("%v: exit code %d\n%s%s", args, result.code, result.out, result.err)
	}
	return result
}

// inTempDir makes an empty directory the current one.
func inTempDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	return dir
}

// snapshot maps every file below a directory to its content.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(name)
		relative, _ := filepath.Rel(dir, name)
		files[relative] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// example is the ready-made design that the tests start from.
func example() model.Example { return model.Examples()[0] }

func TestWrongUse(t *testing.T) {
	inTempDir(t)
	write(t, "bad.yaml", "version: 1\nname: Bad Name\narchitecture: microservise\nscale: small\nservices: []\n")
	write(t, "binary.yaml", "\x00\x01\x02")
	write(t, "dir/other.txt", "")
	before := snapshot(t, ".")
	for _, test := range []struct {
		args string
		code int
		want []string
	}{
		{"", exitUsage, []string{"no terminal", "--yes", "--dry-run"}},
		{"--scale medium", exitUsage, []string{"--yes"}},
		{"--nonsense", exitUsage, []string{"--nonsense", "--help"}},
		{"--yes --dry-run", exitUsage, []string{"--yes", "--dry-run"}},
		{"--yes --format xml", exitUsage, []string{"text or json"}},
		{"--yes --theme pink", exitUsage, []string{"light, dark or auto"}},
		{"--yes --type microservise", exitUsage, []string{"--type microservise", "microservices"}},
		{"--yes --scale huge --set nonsense.key=1", exitUsage, []string{"--scale huge", "nonsense.key"}},
		{"--yes --set nothing", exitUsage, []string{"KEY=VALUE"}},
		{"--yes --example nonsense", exitUsage, []string{"nonsense", example().Name}},
		{"--yes --example shop bad.yaml", exitUsage, []string{"one of the two"}},
		{"--yes missing.yaml", exitUsage, []string{"no file missing.yaml"}},
		{"--yes dir", exitUsage, []string{"no codex-design.yaml in the directory dir"}},
		{"--yes a b", exitUsage, []string{"at most one"}},
		{"chek", exitUsage, []string{"did you mean check"}},
		{"--yes bad.yaml", exitUsage, []string{"bad.yaml:2:", "bad.yaml:3:", "microservices", "nothing was written"}},
		{"--yes binary.yaml", exitUsage, []string{"binary.yaml"}},
		{"--yes --templates nowhere", exitUsage, []string{"--templates"}},
		{"--yes --templates bad.yaml", exitUsage, []string{"must be a directory"}},
		{"check bad.yaml", exitUsage, []string{"bad.yaml:2:"}},
		{"check nowhere", exitUsage, []string{"no file nowhere"}},
		{"check --format xml bad.yaml", exitUsage, []string{"text, json or sarif"}},
		{"explain load.peak_rps", exitUsage, []string{"no file codex-design.yaml"}},
		{"schema surplus", exitUsage, []string{"no arguments"}},
	} {
		got := run(strings.Fields(test.args)...)
		if got.code != test.code {
			t.Errorf("%q: exit code %d, want %d: %s", test.args, got.code, test.code, got.err)
		}
		for _, want := range test.want {
			if !strings.Contains(got.err, want) {
				t.Errorf("%q: %q does not say %q", test.args, got.err, want)
			}
		}
		if got.out != "" {
			t.Errorf("%q: printed as a result: %q", test.args, got.out)
		}
	}
	if !maps.Equal(before, snapshot(t, ".")) {
		t.Error("a file was touched")
	}
}

func TestGenerateReviewAndTweak(t *testing.T) {
	inTempDir(t)
	name := example().Name
	plan := mustRun(t, "--example", name, "--dry-run")
	if !strings.Contains(plan.out, "+ create    codex-design.yaml\n") || !strings.Contains(plan.err, "Nothing was written") {
		t.Errorf("dry run: %s%s", plan.out, plan.err)
	}
	if len(snapshot(t, ".")) > 0 {
		t.Fatal("a dry run wrote files")
	}
	mustRun(t, "--example", name, "--yes")
	first := snapshot(t, name)
	if got := mustRun(t, name, "--yes"); !strings.Contains(got.err, "nothing to do") {
		t.Errorf("second run: %s", got.err)
	}
	diff := mustRun(t, name, "--set", "description=Another text", "--diff")
	if !strings.Contains(diff.out, "+++ b/codex-design.yaml") || !strings.Contains(diff.out, "+description: Another text") {
		t.Errorf("diff: %s", diff.out)
	}
	if !maps.Equal(first, snapshot(t, name)) {
		t.Fatal("a diff wrote files")
	}
}

func TestEditsAreMergedOrTheOwnerChooses(t *testing.T) {
	for _, test := range []struct {
		edit      string // of the README's description, "" to add a line at its end
		flags     []string
		code      int
		says      string
		has, lost string // of the README afterwards
	}{
		{"", nil, 0, "1 merged", "Another text", ""},
		{"My text", nil, exitFindings, "blocked: README.md: 1 conflict between your edit and the design (line 3): choose in the review of the wizard, or for all with --on-conflict keep, new or markers", "My text", "Another text"},
		{"My text", []string{"--on-conflict", "keep"}, 0, "1 merged", "My text", "Another text"},
		{"My text", []string{"--on-conflict", "new"}, 0, "1 merged", "Another text", "My text"},
		{"My text", []string{"--on-conflict", "markers"}, exitFindings, "conflict: README.md: both sides", "<<<<<<< yours\nMy text", ""},
	} {
		t.Run(strings.Join(append([]string{test.edit}, test.flags...), " "), func(t *testing.T) {
			inTempDir(t)
			name := example().Name
			mustRun(t, "--example", name, "--yes", "--set", "description=First text")
			readme := snapshot(t, name)["README.md"]
			edited := readme + "\nMore.\n"
			if test.edit != "" {
				edited = strings.Replace(edited, "First text", test.edit, 1)
			}
			write(t, filepath.Join(name, "README.md"), edited)
			got := run(append([]string{name, "--set", "description=Another text", "--yes"}, test.flags...)...)
			if got.code != test.code || !strings.Contains(got.err, test.says) {
				t.Errorf("exit code %d, %s", got.code, got.err)
			}
			after := snapshot(t, name)["README.md"]
			if !strings.Contains(after, test.has) || test.lost != "" && strings.Contains(after, test.lost) || !strings.HasSuffix(after, "\nMore.\n") {
				t.Errorf("README.md:\n%s", after)
			}
		})
	}
}

func TestDiffsSayWhichAnswerChangesAFile(t *testing.T) {
	inTempDir(t)
	name := example().Name
	mustRun(t, "--example", name, "--yes")
	got := mustRun(t, name, "--diff", "--set", "description=Another text", "--set", "load.peak_rps=700").out
	for want, count := range map[string]int{
		"# because description: Online shop → Another text\n--- a/README.md\n":                    1,
		"# because load.peak_rps: 600 → 700\n--- a/architecture/capacity.md\n":                    1,
		"→ Another text\n# because load.peak_rps: 600 → 700\n--- a/architecture/blueprint.yaml\n": 1,
	} {
		if strings.Count(got, want) != count {
			t.Errorf("%q is %d times in\n%s", want, strings.Count(got, want), got)
		}
	}
	answers := filepath.Join(name, "codex-design.yaml")
	write(t, answers, strings.Replace(readTree(t, name, "codex-design.yaml"), "description: Online shop", "description: Another text", 1))
	if got := mustRun(t, "explain", "README.md", name).out; !strings.Contains(got, "because:  description: Online shop → Another text\n") {
		t.Errorf("explain says\n%s", got)
	}
}

func TestDeletedFilesStayDeletedUntilTheyAreWanted(t *testing.T) {
	inTempDir(t)
	name := example().Name
	mustRun(t, "--example", name, "--yes")
	if err := os.Remove(filepath.Join(name, "README.md")); err != nil {
		t.Fatal(err)
	}
	mustRun(t, name, "--yes", "--set", "description=Another text")
	if _, back := snapshot(t, name)["README.md"]; back {
		t.Error("it came back by itself")
	}
	mustRun(t, name, "--yes", "--restore")
	if _, back := snapshot(t, name)["README.md"]; !back {
		t.Error("--restore did not bring it back")
	}
}

func TestPlanAsJSON(t *testing.T) {
	inTempDir(t)
	var plan planJSON
	read := func(args ...string) {
		plan = planJSON{}
		if err := json.Unmarshal([]byte(mustRun(t, args...).out), &plan); err != nil {
			t.Fatal(err)
		}
	}
	read("--example", example().Name, "--dry-run", "--format", "json")
	if plan.Committed || plan.Counts[generate.Create] != len(plan.Changes) || len(plan.Changes) < 20 {
		t.Errorf("planned: committed %v, %v", plan.Committed, plan.Counts)
	}
	read("--example", example().Name, "--yes", "--format", "json")
	if !plan.Committed {
		t.Error("committed: false after --yes")
	}
	read(example().Name, "--diff", "--format", "json", "--set", "description=x")
	for _, change := range plan.Changes {
		if (change.State == generate.Update) != (change.Diff != "") {
			t.Errorf("%s %s has diff %q", change.State, change.Path, change.Diff)
		}
	}
}

// patientUser answers every question of the line-by-line wizard with what is
// offered, and writes the files in the end.
type patientUser struct{ screen *bytes.Buffer }

func (u patientUser) Read(line []byte) (int, error) {
	if strings.Contains(u.screen.String(), "w writes the files") {
		return copy(line, "w\n"), nil
	}
	return copy(line, "\n"), nil
}

func runWizardOf(t *testing.T, args ...string) {
	t.Helper()
	var out, messages bytes.Buffer
	code := Main(context.Background(), append(args, "--accessible"), Streams{In: patientUser{&out}, Out: &out, Err: &messages})
	if code != exitDone || !strings.Contains(messages.String(), "Written to") {
		t.Fatalf("wizard %v: exit code %d: %s", args, code, messages.String())
	}
}

// TestFileFlagsAndWizardEndInTheSameBytes gives one design as a file, as an
// example, as an example that flags answer the same again, and through the wizard.
func TestFileFlagsAndWizardEndInTheSameBytes(t *testing.T) {
	inTempDir(t)
	write(t, "from-file.yaml", string(example().Source))
	answers := example().Answers
	mustRun(t, "from-file.yaml", "--yes", "--out", "file")
	mustRun(t, "--example", example().Name, "--yes", "--out", "example")
	mustRun(t, "--example", example().Name, "--yes", "--out", "flags",
		"--type", string(answers.Architecture), "--scale", string(answers.Scale),
		"--set", "name="+answers.Name, "--set", "datastores.cache="+answers.Datastores.Cache)
	runWizardOf(t, "--example", example().Name, "--out", "wizard")
	runWizardOf(t, "from-file.yaml", "--out", "wizard on file")
	want := snapshot(t, "file")
	for _, way := range []string{"example", "flags", "wizard", "wizard on file"} {
		if !maps.Equal(want, snapshot(t, way)) {
			t.Errorf("the file and the %s end in different bytes", way)
		}
	}
	mustRun(t, filepath.Join("file", "codex-design.yaml"), "--yes", "--out", "again")
	if !maps.Equal(want, snapshot(t, "again")) {
		t.Error("the saved answers end in different bytes")
	}
}

func TestTwentyRunsGiveTheSameBytes(t *testing.T) {
	inTempDir(t)
	want := mustRun(t, "--example", example().Name, "--diff", "--format", "json").out
	for range 19 {
		if mustRun(t, "--example", example().Name, "--diff", "--format", "json").out != want {
			t.Fatal("two runs differ")
		}
	}
}

func TestChangedEntityAddsAMigration(t *testing.T) {
	inTempDir(t)
	write(t, "here/codex-design.yaml", migrationDesign("          - title: text required\n          - note: text\n"))
	mustRun(t, "here", "--yes")
	const first = "services/library/migrations/001_create_tables.sql"
	before := snapshot(t, "here")
	if _, ok := before[first]; !ok {
		t.Fatalf("no %s", first)
	}
	write(t, "here/codex-design.yaml", migrationDesign("          - title: text required\n          - pages: int\n"))
	got := mustRun(t, "here", "--yes", "--accept-breaking")
	if !strings.Contains(got.err, "waits for --contract: library: Drop the column books.note") {
		t.Errorf("it is not said that the column stays: %s", got.err)
	}
	if got := run("here", "--yes", "--contract"); got.code != exitFindings || !strings.Contains(got.err, "blocked: library: this loses the values of books.note; say yes with --allow-data-loss") {
		t.Errorf("a loss without a yes: exit code %d: %s", got.code, got.err)
	}
	got = mustRun(t, "here", "--yes", "--contract", "--allow-data-loss")
	if !strings.Contains(got.err, "note: services/library/migrations/003_") || !strings.Contains(got.err, "Loses") {
		t.Errorf("the loss of a column is not announced: %s", got.err)
	}
	after := snapshot(t, "here")
	if after[first] != before[first] {
		t.Error("the first migration was rewritten")
	}
	if got := mustRun(t, "here", "--yes"); !strings.Contains(got.err, "nothing to do") {
		t.Errorf("once more: %s", got.err)
	}
}

func TestBreakingOthersTakesAYes(t *testing.T) {
	inTempDir(t)
	write(t, "here/codex-design.yaml", migrationDesign("          - title: text required\n          - note: text\n"))
	mustRun(t, "here", "--yes")
	write(t, "here/codex-design.yaml", migrationDesign("          - title: text required\n          - pages: int\n"))
	before := snapshot(t, "here")
	got := run("here", "--yes")
	for _, line := range []string{
		"contract: library: API 1.0.0 becomes 2.0.0\n", "contract: library: compatible: book.pages is new\n", "contract: library: breaking: book.note is gone\n",
		"blocked: library: book.note is gone, which breaks those who rely on it; say yes with --accept-breaking\n",
	} {
		if !strings.Contains(got.err, line) {
			t.Errorf("it is not said: %s", line)
		}
	}
	if got.code != exitFindings || !maps.Equal(before, snapshot(t, "here")) {
		t.Errorf("exit code %d, or something was written", got.code)
	}
	var plan struct{ Contracts []generate.ContractPlan }
	if err := json.Unmarshal([]byte(run("here", "--dry-run", "--format", "json").out), &plan); err != nil || len(plan.Contracts) != 1 || plan.Contracts[0].To != "2.0.0" {
		t.Errorf("as JSON: %v, %+v", err, plan)
	}
	mustRun(t, "here", "--yes", "--accept-breaking")
	if text := readTree(t, "here", "architecture/openapi/library.yaml"); !strings.Contains(text, `version: "2.0.0"`) {
		t.Error("the version of the API stays")
	}
	write(t, "here/codex-design.yaml", migrationDesign("          - title: text required\n          - pages: int\n          - year: int\n"))
	mustRun(t, "here", "--yes")
	if text := readTree(t, "here", "services/library/src/library_service/gen/app.py"); !strings.Contains(text, `version="2.1.0"`) {
		t.Error("a new field makes no minor version")
	}
}

// migrationDesign is a design of one entity with the given lines of fields.
func migrationDesign(fields string) string {
	return "version: 1\nname: books\narchitecture: microservices\nscale: small\nservices:\n  - name: library\n    entities:\n" +
		"      - name: book\n        fields:\n" + fields
}

func TestEveryExampleIsStable(t *testing.T) {
	inTempDir(t)
	for _, example := range model.Examples() {
		mustRun(t, "--example", example.Name, "--yes", "--out", example.Name)
		if got := mustRun(t, example.Name, "--yes"); !strings.Contains(got.err, "nothing to do") {
			t.Errorf("%s: the second run says %s", example.Name, got.err)
		}
	}
}

func TestServicesAreBorrowed(t *testing.T) {
	inTempDir(t)
	got := mustRun(t, "--type", "microservices", "--scale", "medium", "--set", "name=bazaar", "--yes")
	if !strings.Contains(got.err, example().Name) {
		t.Errorf("it is not said whose services these are: %s", got.err)
	}
	saved, problems := model.Read([]byte(snapshot(t, "bazaar")["codex-design.yaml"]))
	if len(problems) > 0 || len(saved.Answers.Services) != len(example().Answers.Services) || saved.Answers.Scale != model.Medium {
		t.Errorf("saved %+v, problems %v", saved, problems)
	}
}

func TestAnswersOfAnotherDesignStay(t *testing.T) {
	inTempDir(t)
	mustRun(t, "--example", example().Name, "--yes", "--out", "here")
	write(t, "here/codex-design.yaml", string(example().Source)+"# a note of mine\n")
	before := snapshot(t, "here")
	got := run("--example", example().Name, "--yes", "--out", "here")
	if got.code != exitFindings || !strings.Contains(got.err, "blocked: codex-design.yaml") {
		t.Errorf("exit code %d: %s", got.code, got.err)
	}
	if !maps.Equal(before, snapshot(t, "here")) {
		t.Error("the tree changed")
	}
	mustRun(t, "here", "--yes")
	if !strings.Contains(snapshot(t, "here")["codex-design.yaml"], "# a note of mine") {
		t.Error("a comment was lost")
	}
}

func TestOwnTemplatesLieOverTheBuiltIn(t *testing.T) {
	inTempDir(t)
	write(t, "mine/README.md.tmpl", "our <% .System.Name %>\n")
	write(t, "mine/docs/{service}.md.tmpl", "about <% .Name %>\n")
	mustRun(t, "--example", example().Name, "--yes", "--templates", "mine")
	got := snapshot(t, example().Name)
	service := example().Answers.Services[0].Name
	if got["README.md"] != "our "+example().Name+"\n" || got["docs/"+service+".md"] != "about "+service+"\n" {
		t.Errorf("README.md %q, docs %q", got["README.md"], got["docs/"+service+".md"])
	}
	if _, ok := got["Makefile"]; !ok {
		t.Error("the built-in templates are gone")
	}
	write(t, "mine/broken.md.tmpl", "\n<% .Nonsense %>\n")
	if got := run("--example", example().Name, "--yes", "--templates", "mine"); got.code == exitDone || !strings.Contains(got.err, "broken.md.tmpl:2") {
		t.Errorf("exit code %d: %s", got.code, got.err)
	}
}

func TestExplain(t *testing.T) {
	inTempDir(t)
	mustRun(t, "--example", example().Name, "--yes", "--out", ".")
	service := example().Answers.Services[0].Name
	number := "services." + service + ".max_replicas"
	for _, test := range []struct {
		args string
		want []string
	}{
		{"explain", []string{number + " = ", "load.peak_rps = "}},
		{"explain " + number, []string{number + " = ", "formula: ", "source:"}},
		{"explain README.md", []string{"generated: ", "template: README.md.tmpl", "unchanged"}},
		{"explain ./services/" + service + "/Dockerfile", []string{"dockerfile"}},
		{"explain codex-design.yaml", []string{"answers"}},
		{"explain README.md --format json", []string{`"owner": "generated"`}},
		{"explain " + number + " --format json", []string{`"formula": `}},
		{"explain --format json", []string{`"path": "` + number + `"`}},
	} {
		got := mustRun(t, strings.Fields(test.args)...)
		for _, want := range test.want {
			if !strings.Contains(got.out, want) {
				t.Errorf("%q: %q does not say %q", test.args, got.out, want)
			}
		}
	}
	if got := run("explain", "max_replica"); got.code != exitUsage || !strings.Contains(got.err, "did you mean") {
		t.Errorf("exit code %d: %s", got.code, got.err)
	}
}

func TestCheckFormats(t *testing.T) {
	inTempDir(t)
	write(t, "good.yaml", string(example().Source))
	write(t, "bad.yaml", "version: 1\nname: x\nnonsense: 1\n")
	var sarif sarifLog
	for file, wantProblems := range map[string]bool{"good.yaml": false, "bad.yaml": true} {
		var result checked
		if err := json.Unmarshal([]byte(run("check", file, "--format", "json").out), &result); err != nil {
			t.Fatal(err)
		}
		if (len(result.Problems) > 0) != wantProblems {
			t.Errorf("%s: problems %v", file, result.Problems)
		}
		if err := json.Unmarshal([]byte(run("check", file, "--format", "sarif").out), &sarif); err != nil {
			t.Fatal(err)
		}
		if n := len(sarif.Runs[0].Results); n != len(result.Problems)+len(result.Findings) {
			t.Errorf("%s: %d SARIF results", file, n)
		}
	}
}

func TestSmallCommands(t *testing.T) {
	inTempDir(t)
	if got := mustRun(t, "version"); got.out != versionLine()+"\n" || got.out != mustRun(t, "--version").out {
		t.Errorf("version: %q", got.out)
	}
	var schema map[string]any
	if err := json.Unmarshal([]byte(mustRun(t, "schema").out), &schema); err != nil || schema["$schema"] == nil {
		t.Errorf("schema: %v %v", err, schema["$schema"])
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if got := mustRun(t, "completion", shell); !strings.Contains(got.out, "codex-design") {
			t.Errorf("completion %s: %q", shell, got.out)
		}
	}
	for line, want := range map[string]string{
		"__complete --scale ":                "medium",
		"__complete --example ":              example().Name,
		"__complete --set datastores.cache=": "datastores.cache=none",
		"__complete --format ":               "json",
		"__complete check --format ":         "sarif",
		"__complete explain --format ":       "json",
	} {
		args := append(strings.Fields(line), "")
		if strings.HasSuffix(line, "=") {
			args = strings.Fields(line)
		}
		if got := mustRun(t, args...); !strings.Contains(got.out, want) {
			t.Errorf("%s: %q does not offer %q", line, got.out, want)
		}
	}
}
