package cli

import (
	"context"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"codex-design/generate"
)

// peerCase is a failure that was observed of another generator, and what happens
// here instead. It starts in a directory that holds a generated tree.
type peerCase struct {
	name string // whose it is, and what happens there
	test func(t *testing.T, tree string)
}

// The files of the tree that the cases edit.
const (
	peersApp   = "services/user/src/user_service/gen/app.py"
	peersRules = "services/user/src/user_service/rules/user.py"
)

var peerCases = []peerCase{
	{"JHipster and go-zero: an edited file is written over on the next run", editedAndRunAgain},
	{"JHipster: without a terminal it writes a part and then ends with a stack trace", withoutTerminal},
	{"kubebuilder and cookiecutter: --force loses the whole file", newIsChosenForConflictsOnly},
	{"copier: a conflict is left and the exit code is 0", conflictIsAnExitCode},
	{"kubebuilder: the next step runs over conflict markers that were left", markersAreReported},
	{"JHipster: after a rename all files of the old entity stay, and its data is dropped", renameOfAnEntity},
	{"copier: after a rename the old file is deleted with the edits in it", renameWithEdits},
	{"copier: an edited file that is no longer generated is deleted", leftoverWithEdits},
	{"copier: a file that the user deleted comes back, or never can", deletedFile},
	{"JHipster: a typo in a value gives another system", refusedAnswer("architecture: microservices", "architecture: microservise", "microservices")},
	{"kubebuilder: a bad name is accepted and fails a command later", refusedAnswer("name: accounts", "name: acme io", "name")},
	{"copier: a word is taken for a list", wordForAList},
	{"cookiecutter: an unknown variable is ignored", refusedAnswer("scale: medium", "scale: medium\nskale: large", "skale")},
	{"JHipster: of a field that is given twice the last one wins", refusedAnswer("- last_seen_at: timestamp index", "- locale: text", "locale")},
	{"JHipster: two services on one port", onePortEach},
	{"kubebuilder: a reserved word is noticed after eight files were changed", refusedAnswer("  - name: user\n", "  - name: kit\n", "kit")},
	{"go-zero: a path in the answers writes outside of the directory", refusedAnswer("  - name: user\n", "  - name: ../../evil\n", "name")},
	{"cookiecutter: a name that is a path writes outside of the directory", refusedAnswer("name: accounts", "name: ../evil", "name")},
	{"JHipster: Ctrl-C leaves half a tree, silently", interrupted},
	{"copier: Ctrl-C loses edits while the answers are at the new version already", answersComeLast},
	{"cookiecutter: a template that fails leaves a part of the files", failingTemplate},
	{"JHipster: a file in the way ends the run after hundreds were written", fileInTheWay},
	{"copier: a directory that cannot be written is a traceback", unwritable},
	{"kubebuilder: the anchor was edited away, and the new thing is not registered, silently", editedAnchor},
	{"JHipster: one changed entity regenerates all", onlyWhatChanged},
	{"JHipster and go-zero: a run without a change writes files", nothingChanged},
	{"JHipster: two fresh runs differ", twoFreshRuns},
	{"copier: a dry run prints nothing", dryRunSaysAll},
	{"copier: an update needs git, the network or the old templates", updateAlone},
	{"go-zero: the user's own answers file is formatted", answersKeepTheirForm},
	{"kubebuilder: a flag that is forgotten on the next run undoes what it chose", forgottenFlag},
	{"kubebuilder: what is forced twice is in the file twice", forcedTwice},
	{"JHipster: a changed changelog breaks the checksums of migrations that ran", migrationsAreNotRewritten},
	{"Amplication: conflicts in files that it does not own", foreignFiles},
	{"all: there is no way back", wayBack},
}

// TestFailuresOfPeers goes through them, each on a tree of its own.
func TestFailuresOfPeers(t *testing.T) {
	origin := t.TempDir()
	t.Chdir(origin)
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	mustRun(t, "--example", "users", "--yes", "--out", "tree")
	for _, c := range peerCases {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(origin)); err != nil {
				t.Fatal(err)
			}
			t.Chdir(dir)
			c.test(t, "tree")
		})
	}
}

func readTree(t *testing.T, tree, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(tree, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// change replaces a text in a file of the tree.
func change(t *testing.T, tree, name, old, text string) {
	t.Helper()
	content := readTree(t, tree, name)
	if !strings.Contains(content, old) {
		t.Fatalf("%s has no %q", name, old)
	}
	write(t, filepath.Join(tree, name), strings.Replace(content, old, text, 1))
}

// mustHave looks for texts in a file of the tree.
func mustHave(t *testing.T, tree, name string, texts ...string) {
	t.Helper()
	content := readTree(t, tree, name)
	for _, text := range texts {
		if !strings.Contains(content, text) {
			t.Errorf("%s has no %q", name, text)
		}
	}
}

func editedAndRunAgain(t *testing.T, tree string) {
	change(t, tree, peersApp, "\n", "\n# mine\n")
	change(t, tree, peersRules, "\n", "\n# mine too\n")
	mustRun(t, tree, "--yes")
	mustRun(t, tree, "--yes", "--set", "description=Another text")
	mustHave(t, tree, peersApp, "# mine")
	mustHave(t, tree, "README.md", "Another text")
	mustHave(t, tree, peersRules, "# mine too")
}

func withoutTerminal(t *testing.T, tree string) {
	before := snapshot(t, ".")
	got := run(tree)
	if got.code != exitUsage || !strings.Contains(got.err, "--yes") || strings.Contains(got.err, "goroutine") {
		t.Errorf("exit code %d: %s", got.code, got.err)
	}
	if !maps.Equal(before, snapshot(t, ".")) {
		t.Error("a file was touched")
	}
}

func newIsChosenForConflictsOnly(t *testing.T, tree string) {
	change(t, tree, "README.md", "Accounts of the people who use the product", "My own words")
	change(t, tree, "README.md", "\n", "\nMy own paragraph.\n")
	change(t, tree, peersRules, "\n", "\n# mine\n")
	mustRun(t, tree, "--yes", "--set", "description=Another text", "--on-conflict", "new")
	mustHave(t, tree, "README.md", "Another text", "My own paragraph.")
	mustHave(t, tree, peersRules, "# mine")
}

// conflicting leaves a tree whose next generation has a conflict in the README.
func conflicting(t *testing.T, tree string) {
	change(t, tree, "README.md", "Accounts of the people who use the product", "My own words")
	change(t, tree, "codex-design.yaml", "Accounts of the people who use the product", "Another text")
}

func conflictIsAnExitCode(t *testing.T, tree string) {
	conflicting(t, tree)
	before := snapshot(t, tree)
	got := run(tree, "--yes")
	if got.code != exitFindings || !strings.Contains(got.err, "README.md: 1 conflict") || !maps.Equal(before, snapshot(t, tree)) {
		t.Errorf("exit code %d: %s", got.code, got.err)
	}
}

func markersAreReported(t *testing.T, tree string) {
	conflicting(t, tree)
	for range 3 {
		if got := run(tree, "--yes", "--on-conflict", "markers"); got.code != exitFindings || !strings.Contains(got.err, "README.md") {
			t.Errorf("exit code %d: %s", got.code, got.err)
		}
		mustHave(t, tree, "README.md", "My own words", "Another text", "<<<<<<<")
	}
}

func renameOfAnEntity(t *testing.T, tree string) {
	change(t, tree, "codex-design.yaml", "      - name: user\n", "      - name: account\n        was: user\n")
	mustRun(t, tree, "--yes", "--accept-breaking")
	for name := range snapshot(t, tree) {
		if strings.HasPrefix(name, filepath.FromSlash("services/user/src/user_service/gen/user/")) {
			t.Errorf("%s stays", name)
		}
	}
	second, err := filepath.Glob(filepath.Join(tree, "services/user/migrations/002_*.sql"))
	if err != nil || len(second) != 1 {
		t.Fatalf("%v %v", second, err)
	}
	sql := readTree(t, ".", second[0])
	up, _, _ := strings.Cut(sql, "-- migrate:down")
	if !strings.Contains(up, "RENAME") || strings.Contains(up, "DROP TABLE") || strings.Contains(up, "CREATE TABLE") {
		t.Error(sql)
	}
}

func renameWithEdits(t *testing.T, tree string) {
	write(t, filepath.Join(tree, peersRules), readTree(t, tree, peersRules)+"# mine\n")
	change(t, tree, "codex-design.yaml", "      - name: user\n", "      - name: account\n        was: user\n")
	mustRun(t, tree, "--yes", "--accept-breaking")
	mustHave(t, tree, "services/user/src/user_service/rules/account.py", "# mine")
	if _, err := os.Stat(filepath.Join(tree, peersRules)); err == nil {
		t.Error("the old file stays")
	}
}

func leftoverWithEdits(t *testing.T, tree string) {
	change(t, tree, "services/user/tests/gen/test_cache.py", "\n", "\n# mine\n")
	got := run(tree, "--yes", "--set", "datastores.cache=none")
	mustHave(t, tree, "services/user/tests/gen/test_cache.py", "# mine")
	if !strings.Contains(run(tree, "--dry-run").out+got.err, "test_cache.py") {
		t.Errorf("it is not reported: %s", got.err)
	}
}

func deletedFile(t *testing.T, tree string) {
	if err := os.Remove(filepath.Join(tree, "README.md")); err != nil {
		t.Fatal(err)
	}
	mustRun(t, tree, "--yes", "--set", "description=Another text")
	if _, err := os.Stat(filepath.Join(tree, "README.md")); err == nil {
		t.Error("it came back unasked")
	}
	mustRun(t, tree, "--yes", "--restore")
	mustHave(t, tree, "README.md", "Another text")
}

// refusedAnswer makes a mistake in the answers: it is named with its line, and
// nothing is written anywhere.
func refusedAnswer(old, text, names string) func(*testing.T, string) {
	return func(t *testing.T, tree string) {
		change(t, tree, "codex-design.yaml", old, text)
		before := snapshot(t, "..")
		got := run(tree, "--yes")
		place := regexp.MustCompile(`codex-design\.yaml:\d+:\d+: `)
		if got.code != exitUsage || !place.MatchString(got.err) || !strings.Contains(got.err, names) {
			t.Errorf("exit code %d: %s", got.code, got.err)
		}
		if !maps.Equal(before, snapshot(t, "..")) {
			t.Error("a file was touched")
		}
	}
}

func wordForAList(t *testing.T, tree string) {
	before := snapshot(t, tree)
	if got := run(tree, "--yes", "--set", "services=hello"); got.code != exitUsage || !strings.Contains(got.err, "services") {
		t.Errorf("exit code %d: %s", got.code, got.err)
	}
	write(t, "list.yaml", "version: 1\nname: x\narchitecture: microservices\nscale: small\nservices: hello\n")
	if got := run("list.yaml", "--yes"); got.code != exitUsage || !strings.Contains(got.err, "list.yaml:5:11: ") {
		t.Errorf("exit code %d: %s", got.code, got.err)
	}
	if !maps.Equal(before, snapshot(t, tree)) {
		t.Error("a file was touched")
	}
}

func onePortEach(t *testing.T, tree string) {
	mustRun(t, "--example", "shop", "--yes", "--out", "other")
	ports := regexp.MustCompile(`"?127\.0\.0\.1:(\d+):`).FindAllStringSubmatch(readTree(t, "other", "compose.yaml"), -1)
	seen := map[string]bool{}
	for _, port := range ports {
		if seen[port[1]] {
			t.Errorf("port %s is used twice", port[1])
		}
		seen[port[1]] = true
	}
	if len(seen) < 5 {
		t.Errorf("%d ports: the pattern finds none", len(seen))
	}
	change(t, tree, "codex-design.yaml", "    cache: true", "    port: 8081\n    cache: true")
	if got := run(tree, "--yes"); got.code != exitUsage || !strings.Contains(got.err, "port") {
		t.Errorf("exit code %d: %s", got.code, got.err)
	}
}

func interrupted(t *testing.T, tree string) {
	before := snapshot(t, tree)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var said strings.Builder
	code := Main(ctx, []string{tree, "--yes", "--set", "description=Another text"}, Streams{In: strings.NewReader(""), Out: &said, Err: &said})
	if code != exitInterrupted || !strings.Contains(said.String(), "nothing was changed") || !maps.Equal(before, snapshot(t, tree)) {
		t.Errorf("exit code %d: %s", code, said.String())
	}
}

func answersComeLast(t *testing.T, _ string) {
	name, after := cutOff(t)
	if strings.Contains(readTree(t, name, generate.AnswersPath), "Another text") {
		t.Error("the answers are new although files are old")
	}
	if got := run("check", name); !strings.Contains(got.err, "finished now") {
		t.Error(got.err)
	}
	if !maps.Equal(after, generatedTree(t, name)) {
		t.Error("it was not finished")
	}
}

func failingTemplate(t *testing.T, tree string) {
	write(t, "templates/README.md.tmpl", "line one\n<% .System.Nonsense %>\n")
	before := snapshot(t, ".")
	for _, arguments := range [][]string{{tree, "--yes"}, {"--example", "users", "--out", "fresh", "--yes"}} {
		got := run(append(arguments, "--templates", "templates")...)
		if got.code == exitDone || !strings.Contains(got.err, "README.md.tmpl:2") {
			t.Errorf("exit code %d: %s", got.code, got.err)
		}
	}
	if !maps.Equal(before, snapshot(t, ".")) {
		t.Error("a file was written")
	}
}

func fileInTheWay(t *testing.T, _ string) {
	write(t, "fresh/services", "a file, no directory")
	write(t, "fresh/mine.txt", "mine")
	before := snapshot(t, "fresh")
	got := run("--example", "users", "--out", "fresh", "--yes")
	if got.code != exitFindings || !strings.Contains(got.err, "services is a file where a directory must be") || !maps.Equal(before, snapshot(t, "fresh")) {
		t.Errorf("exit code %d: %s", got.code, got.err)
	}
}

func unwritable(t *testing.T, _ string) {
	got := run("--example", "users", "--out", "/proc/nowhere", "--yes")
	if got.code != exitFindings || !strings.Contains(got.err, "/proc/nowhere: nothing was changed") || strings.Contains(got.err, "goroutine") {
		t.Errorf("exit code %d: %s", got.code, got.err)
	}
}

func editedAnchor(t *testing.T, tree string) {
	var kept []string
	for _, line := range strings.SplitAfter(readTree(t, tree, peersApp), "\n") {
		if !strings.Contains(line, "user") || strings.Contains(line, "user_service") {
			kept = append(kept, line)
		}
	}
	write(t, filepath.Join(tree, peersApp), strings.Join(kept, ""))
	change(t, tree, "codex-design.yaml", "    cache: true", "      - name: device\n        fields:\n          - label: text\n    cache: true")
	got := run(tree, "--yes")
	if got.code == exitFindings && strings.Contains(got.err, peersApp) {
		return // it says so and writes nothing
	}
	mustHave(t, tree, peersApp, "device")
}

// touched makes every file of a tree old, does something and lists what is new.
func touched(t *testing.T, tree string, do func()) []string {
	t.Helper()
	long := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	for name := range snapshot(t, tree) {
		if err := os.Chtimes(filepath.Join(tree, name), long, long); err != nil {
			t.Fatal(err)
		}
	}
	do()
	var fresh []string
	err := filepath.WalkDir(tree, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil && !info.ModTime().Equal(long) {
			fresh = append(fresh, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return fresh
}

func onlyWhatChanged(t *testing.T, _ string) {
	mustRun(t, "--example", "shop", "--yes", "--out", "other")
	fresh := touched(t, "other", func() {
		change(t, "other", "codex-design.yaml", "- phone: string(32) private", "- phone: string(32) private\n          - vip: bool default(false)")
		mustRun(t, "other", "--yes")
	})
	for _, name := range fresh {
		for _, service := range []string{"catalog", "inventory"} {
			if strings.HasPrefix(name, "other/services/"+service+"/src/") || strings.HasPrefix(name, "other/services/"+service+"/migrations/") {
				t.Errorf("%s was written although only another service changed", name)
			}
		}
	}
	if !slices.ContainsFunc(fresh, func(name string) bool { return strings.HasPrefix(name, "other/services/customer/src/") }) {
		t.Error("the changed service was not written")
	}
}

func nothingChanged(t *testing.T, tree string) {
	if fresh := touched(t, tree, func() { mustRun(t, tree, "--yes") }); len(fresh) > 0 {
		t.Errorf("written: %v", fresh)
	}
}

func twoFreshRuns(t *testing.T, tree string) {
	mustRun(t, "--example", "users", "--yes", "--out", "fresh")
	if !maps.Equal(generatedTree(t, tree), generatedTree(t, "fresh")) {
		t.Error("they differ")
	}
}

func dryRunSaysAll(t *testing.T, tree string) {
	before := snapshot(t, tree)
	dry := mustRun(t, tree, "--dry-run", "--set", "description=Another text")
	diff := mustRun(t, tree, "--diff", "--set", "description=Another text")
	if !maps.Equal(before, snapshot(t, tree)) {
		t.Error("a dry run wrote files")
	}
	mustRun(t, tree, "--yes", "--set", "description=Another text")
	for name, content := range generatedTree(t, tree) {
		record := strings.HasPrefix(name, generate.StateDir)
		if before[name] != content && !record && !(strings.Contains(dry.out, " "+name) && strings.Contains(diff.out, "+++ b/"+name+"\n")) {
			t.Errorf("%s was changed and not announced", name)
		}
	}
}

func updateAlone(t *testing.T, tree string) {
	t.Setenv("PATH", "")
	t.Setenv("HOME", t.TempDir())
	change(t, tree, "README.md", "\n", "\nMy own paragraph.\n")
	mustRun(t, tree, "--yes", "--set", "description=Another text")
	mustHave(t, tree, "README.md", "My own paragraph.", "Another text")
}

func answersKeepTheirForm(t *testing.T, tree string) {
	change(t, tree, "codex-design.yaml", "scale: medium", "# a note\nscale:   medium   # how large")
	before := readTree(t, tree, "codex-design.yaml")
	mustRun(t, tree, "--yes")
	if readTree(t, tree, "codex-design.yaml") != before {
		t.Error("it was formatted")
	}
	mustRun(t, tree, "--yes", "--set", "description=Another text")
	mustHave(t, tree, "codex-design.yaml", "# a note\nscale:   medium   # how large", "Another text")
}

func forgottenFlag(t *testing.T, tree string) {
	mustRun(t, tree, "--yes", "--set", "datastores.cache=none")
	before := generatedTree(t, tree)
	mustRun(t, tree, "--yes")
	if !maps.Equal(before, generatedTree(t, tree)) {
		t.Error("the next run undid it")
	}
}

func forcedTwice(t *testing.T, tree string) {
	conflicting(t, tree)
	mustRun(t, tree, "--yes", "--on-conflict", "new")
	once := generatedTree(t, tree)
	mustRun(t, tree, "--yes", "--on-conflict", "new")
	if !maps.Equal(once, generatedTree(t, tree)) || strings.Count(once["README.md"], "Another text") != 1 {
		t.Error("the second run changed something")
	}
}

func migrationsAreNotRewritten(t *testing.T, tree string) {
	first := readTree(t, tree, "services/user/migrations/001_create_tables.sql")
	for i, field := range []string{"vip: bool default(false)", "rank: int"} {
		change(t, tree, "codex-design.yaml", "          - last_seen_at", "          - "+field+"\n          - last_seen_at")
		mustRun(t, tree, "--yes")
		found, err := filepath.Glob(filepath.Join(tree, "services/user/migrations/*.sql"))
		if err != nil || len(found) != i+2 {
			t.Errorf("%d migrations, error %v", len(found), err)
		}
	}
	if readTree(t, tree, "services/user/migrations/001_create_tables.sql") != first {
		t.Error("the first migration was rewritten")
	}
}

func foreignFiles(t *testing.T, tree string) {
	write(t, filepath.Join(tree, "services/user/Makefile.mine"), "mine\n")
	write(t, "fresh/README.md", "mine\n")
	got := run("--example", "users", "--out", "fresh", "--yes")
	if got.code != exitFindings || !strings.Contains(got.err, "kept: README.md") || readTree(t, "fresh", "README.md") != "mine\n" {
		t.Errorf("exit code %d: %s", got.code, got.err)
	}
	mustRun(t, tree, "--yes", "--set", "description=Another text")
	mustHave(t, tree, "services/user/Makefile.mine", "mine\n")
}

func wayBack(t *testing.T, tree string) {
	before := generatedTree(t, tree)
	mustRun(t, tree, "--yes", "--set", "description=Another text")
	mustRun(t, "undo", tree)
	if !maps.Equal(before, generatedTree(t, tree)) {
		t.Error("undo did not put the tree back")
	}
}
