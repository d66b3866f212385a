package cli

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// repository is a generated tree under git.
type repository struct {
	*testing.T
	dir string
}

func newRepository(t *testing.T) repository {
	t.Helper()
	inTempDir(t)
	mustRun(t, "--example", "shop", "--yes")
	r := repository{t, "shop"}
	r.git("init", "--quiet", "--initial-branch=main")
	r.commit("the first generation")
	return r
}

// git runs git in the tree and returns what it says, and whether it succeeded.
func (r repository) git(arguments ...string) (string, bool) {
	r.Helper()
	command := exec.Command("git", append([]string{"-C", r.dir, "-c", "user.name=test", "-c", "user.email=test@example.com"}, arguments...)...)
	command.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
	said, err := command.CombinedOutput()
	return string(said), err == nil
}

func (r repository) must(arguments ...string) string {
	r.Helper()
	said, ok := r.git(arguments...)
	if !ok {
		r.Fatalf("git %v: %s", arguments, said)
	}
	return said
}

func (r repository) commit(message string) {
	r.Helper()
	r.must("add", "--all")
	r.must("commit", "--quiet", "-m", message)
}

// replace changes a text in a file of the tree.
func (r repository) replace(name, old, text string) {
	r.Helper()
	content, err := os.ReadFile(filepath.Join(r.dir, name))
	if err != nil {
		r.Fatal(err)
	}
	if !strings.Contains(string(content), old) {
		r.Fatalf("%s has no %q", name, old)
	}
	write(r.T, filepath.Join(r.dir, name), strings.Replace(string(content), old, text, 1))
}

// branch makes a branch from the first generation: an edit in the answers, one of
// the code, and the tree generated again.
func (r repository) branch(name string, change func()) {
	r.Helper()
	r.must("checkout", "--quiet", "main")
	r.must("checkout", "--quiet", "-b", name)
	change()
	mustRun(r.T, r.dir, "--yes")
	r.commit(name)
}

func (r repository) has(name string, texts ...string) {
	r.Helper()
	content, err := os.ReadFile(filepath.Join(r.dir, name))
	if err != nil {
		r.Fatal(err)
	}
	for _, text := range texts {
		if !strings.Contains(string(content), text) {
			r.Errorf("%s has no %q", name, text)
		}
	}
}

// TestTwoBranchesThatBothGenerated merges them with git as it is: what the record
// says needs no hand work, and the next run makes the tree one design's again.
func TestTwoBranchesThatBothGenerated(t *testing.T) {
	r := newRepository(t)
	r.branch("left", func() {
		r.replace("codex-design.yaml", "Products, their categories and prices", "Everything that can be bought")
		r.replace("codex-design.yaml", "peak_rps: 600", "peak_rps: 700")
		r.replace("services/catalog/Dockerfile", "\n", "\n# edited on the left\n")
	})
	r.branch("right", func() {
		r.replace("codex-design.yaml", "What lies in which warehouse", "Warehouses and stock")
		r.replace("codex-design.yaml", "- phone: string(32) private", "- phone: string(40) private\n          - nickname: string(40)")
		r.replace("services/inventory/Dockerfile", "\n", "\n# edited on the right\n")
	})
	said, _ := r.git("merge", "--no-edit", "left")
	for _, line := range strings.Split(said, "\n") {
		if strings.HasPrefix(line, "CONFLICT") && strings.Contains(line, ".codex-design/") {
			t.Errorf("git could not merge the record: %s", line)
		}
	}
	t.Logf("git said:\n%s", said)
	result := mustRun(t, r.dir, "--yes")
	t.Logf("the next run: %s", result.err)
	r.has("services/catalog/Dockerfile", "# edited on the left")
	r.has("services/inventory/Dockerfile", "# edited on the right")
	r.has("codex-design.yaml", "Everything that can be bought", "Warehouses and stock", "peak_rps: 700", "nickname")
	r.has("architecture/openapi/customer.yaml", "nickname")
	r.has("README.md", "Everything that can be bought", "Warehouses and stock")
	if left := r.must("diff", "HEAD", "--name-only", "-S<<<<<<<"); left != "" {
		t.Errorf("markers are left in %s", left)
	}
	if again := mustRun(t, r.dir, "--yes"); !strings.Contains(again.err, "nothing to do") {
		t.Errorf("a second run: %s", again.err)
	}
	r.sameAsFresh("services/catalog/Dockerfile", "services/inventory/Dockerfile")
}

// apiVersion counts what changed, which a fresh tree knows nothing of.
var apiVersion = regexp.MustCompile(`version(: |=)"\d+\.\d+\.\d+"`)

// sameAsFresh compares the tree with one that the same answers give in an empty
// place. But for the named files, and what keeps a history, they are the same.
func (r repository) sameAsFresh(but ...string) {
	r.Helper()
	answers, err := os.ReadFile(filepath.Join(r.dir, "codex-design.yaml"))
	if err != nil {
		r.Fatal(err)
	}
	write(r.T, "fresh/codex-design.yaml", string(answers))
	mustRun(r.T, "fresh", "--yes")
	merged := generatedTree(r.T, r.dir)
	for name, content := range generatedTree(r.T, "fresh") {
		historical := strings.Contains(name, "/migrations/") || strings.HasPrefix(name, ".codex-design/") || strings.Contains(content, "001")
		if !historical && apiVersion.ReplaceAllString(merged[name], "") != apiVersion.ReplaceAllString(content, "") && !strings.Contains(strings.Join(but, " "), name) {
			r.Errorf("%s is not what the answers give", name)
		}
	}
}

// TestTwoBranchesThatBothAddAMigration cannot be settled by a program alone: a
// database may have either. The next run says which files to choose between, and
// goes on once one of them is deleted.
func TestTwoBranchesThatBothAddAMigration(t *testing.T) {
	const phone, city = "- phone: string(32) private", "- city: string(100) required index"
	for _, test := range []struct{ name, left, right string }{
		{"of different names", "vip: bool default(false)", "verified: bool default(false)"},
		{"of one name", "nickname: string(40)", "district: string(60)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRepository(t)
			r.branch("left", func() { r.replace("codex-design.yaml", phone, phone+"\n          - "+test.left) })
			left := r.second()
			r.branch("right", func() { r.replace("codex-design.yaml", city, city+"\n          - "+test.right) })
			right := r.second()
			if said, _ := r.git("merge", "--no-edit", "left"); strings.Contains(said, "conflict in .codex-design") {
				t.Errorf("git could not merge the record: %s", said)
			}
			before := snapshot(t, r.dir)
			result := run(r.dir, "--yes")
			if result.code != exitFindings || !strings.Contains(result.err, "two branches each added a migration to the service customer") ||
				!strings.Contains(result.err, left) || !strings.Contains(result.err, right) {
				t.Fatalf("exit code %d: %s", result.code, result.err)
			}
			if !maps.Equal(before, snapshot(t, r.dir)) {
				t.Error("the tree was changed")
			}
			if left == right {
				r.must("checkout", "--theirs", left)
			} else if err := os.Remove(filepath.Join(r.dir, right)); err != nil {
				t.Fatal(err)
			}
			mustRun(t, r.dir, "--yes")
			name, _, _ := strings.Cut(test.left, ":")
			other, _, _ := strings.Cut(test.right, ":")
			r.has(left, name)
			r.has("architecture/openapi/customer.yaml", name, other)
			again, err := filepath.Glob(filepath.Join(r.dir, "services/customer/migrations/00[3-9]_*.sql"))
			came := slices.ContainsFunc(again, func(file string) bool { return strings.Contains(snapshot(t, ".")[file], "ADD COLUMN "+other) })
			if err != nil || !came {
				t.Errorf("the change of the other branch did not come again: %v, error %v", again, err)
			}
			if again := mustRun(t, r.dir, "--yes"); !strings.Contains(again.err, "nothing to do") {
				t.Errorf("a second run: %s", again.err)
			}
		})
	}
}

// second is the path of the only second migration of the customer service.
func (r repository) second() string {
	r.Helper()
	found, err := filepath.Glob(filepath.Join(r.dir, "services/customer/migrations/002_*.sql"))
	if err != nil || len(found) != 1 {
		r.Fatalf("second migrations: %v, error %v", found, err)
	}
	path, _ := filepath.Rel(r.dir, found[0])
	return path
}
