package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// inTree makes a directory with a tree of a few artifacts, and a PATH with
// nothing but the given programs, each a shell script.
func inTree(t *testing.T, programs map[string]string) {
	t.Helper()
	sh, err := filepath.EvalSymlinks("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	inTempDir(t)
	for name, content := range map[string]string{
		"shop/scripts/a.sh":                     "echo a\n",
		"shop/scripts/b.sh":                     "echo b\n",
		"shop/services/order/Dockerfile":        "FROM scratch\n",
		"shop/compose.yaml":                     "services: {}\n",
		"shop/architecture/openapi/order.yaml":  "openapi: 3.1.0\n",
		"shop/README.md":                        "# shop\n",
		"shop/.github/workflows/build.yml":      "on: push\n",
		"shop/.venv/lib/not-ours/scripts/no.sh": "echo no\n",
	} {
		write(t, name, content)
	}
	path := t.TempDir()
	for name, body := range programs {
		write(t, filepath.Join(path, name), "#!"+sh+"\n"+body+"\n")
		if err := os.Chmod(filepath.Join(path, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", path)
}

// consumers accept, reject, crash and answer nonsense.
var consumers = map[string]string{
	"shellcheck":     `echo "scripts/b.sh:1:6: warning: x is referenced but not assigned. [SC2154]"; exit 1`,
	"docker-compose": `exit 0`,
	"hadolint":       `echo Segmentation fault >&2; exit 139`,
	"actionlint":     `printf 'one problem\nand its second line\n'; exit 1`,
}

const verifyText = `.github/workflows/build.yml: failed: actionlint: exit code 1: one problem
  and its second line
scripts/b.sh:1:6: rejected by shellcheck: warning: x is referenced but not assigned. [SC2154]
services/order/Dockerfile: failed: hadolint: its answer is not understood (unexpected end of JSON input): Segmentation fault
not checked  openapi-spec-validator  1 not checked: openapi-spec-validator is missing: run ` + "`make setup`" + ` in the tree
not checked  redocly                 1 not checked: redocly is missing: npm install --global @redocly/cli
rejected     shellcheck              1 accepted, 1 rejected
accepted     docker compose          1 accepted
not checked  docker build --check    1 not checked: docker build is missing: https://docs.docker.com/get-started/get-docker/
failed       hadolint                1 failed
failed       actionlint              1 failed
not checked  zizmor                  1 not checked: zizmor is missing: https://docs.zizmor.sh/installation/
not checked  trivy                   1 not checked: trivy is missing: https://trivy.dev/latest/getting-started/installation/
not checked  checkov                 2 not checked: checkov is missing: pipx install checkov
`

func TestVerifyAsText(t *testing.T) {
	inTree(t, consumers)
	got := run("verify", "shop")
	if got.code != exitFindings || got.out != verifyText {
		t.Errorf("exit code %d\n%s", got.code, got.out)
	}
	want := regexp.MustCompile(`(?m)^shop: 2 accepted, 1 rejected, 2 with a consumer that failed, 1 not fully checked, 1 read by none, in \S+s$`)
	if !want.MatchString(got.err) || !strings.Contains(got.err, "shellcheck: 1 accepted, 1 rejected\n") {
		t.Errorf("said: %s", got.err)
	}
	all := run("verify", "shop", "--all", "--only", "docker compose")
	for _, line := range []string{
		"accepted     compose.yaml  (docker compose)\n", "unread       README.md\n", "accepted     docker compose          1 accepted\n",
	} {
		if all.code != exitDone || !strings.Contains(all.out, line) {
			t.Errorf("exit code %d, no %q in\n%s", all.code, line, all.out)
		}
	}
}

const verifyJSON = `{
  "dir": "shop",
  "counts": {
    "accepted": 1,
    "rejected": 1,
    "unread": 5
  },
  "consumers": [
    {
      "consumer": "shellcheck",
      "program": "PATH/shellcheck",
      "files": {
        "accepted": 1,
        "rejected": 1
      }
    }
  ],
  "artifacts": [
    {
      "path": ".github/workflows/build.yml",
      "state": "unread"
    },
    {
      "path": "README.md",
      "state": "unread"
    },
    {
      "path": "architecture/openapi/order.yaml",
      "state": "unread"
    },
    {
      "path": "compose.yaml",
      "state": "unread"
    },
    {
      "path": "scripts/a.sh",
      "state": "accepted",
      "checks": [
        {
          "consumer": "shellcheck",
          "state": "accepted"
        }
      ]
    },
    {
      "path": "scripts/b.sh",
      "state": "rejected",
      "checks": [
        {
          "consumer": "shellcheck",
          "state": "rejected",
          "messages": [
            {
              "line": 1,
              "column": 6,
              "text": "warning: x is referenced but not assigned. [SC2154]"
            }
          ]
        }
      ]
    },
    {
      "path": "services/order/Dockerfile",
      "state": "unread"
    }
  ]
}
`

func TestVerifyAsJSON(t *testing.T) {
	inTree(t, consumers)
	got := run("verify", "shop", "--format", "json", "--only", "shellcheck")
	out := strings.ReplaceAll(got.out, os.Getenv("PATH"), "PATH")
	if got.code != exitFindings || out != verifyJSON {
		t.Errorf("exit code %d\n%s", got.code, out)
	}
}

func TestVerifyRequiresAllOnlyWhenAsked(t *testing.T) {
	inTree(t, map[string]string{"docker-compose": "exit 0"})
	if got := run("verify", "shop"); got.code != exitDone || !strings.Contains(got.out, "shellcheck is missing") {
		t.Errorf("exit code %d\n%s", got.code, got.out)
	}
	if got := run("verify", "shop", "--require-all"); got.code != exitFindings {
		t.Errorf("exit code %d\n%s", got.code, got.out)
	}
	if got := run("verify", "shop", "--require-all", "--only", "docker compose"); got.code != exitDone {
		t.Errorf("exit code %d\n%s", got.code, got.out)
	}
}

func TestVerifyUsedWrongly(t *testing.T) {
	inTree(t, nil)
	write(t, "empty/notes.bin", "")
	for args, want := range map[string]string{
		"nowhere":                   "there is no directory nowhere",
		"shop/README.md":            "name the directory",
		"empty":                     "is it a generated tree?",
		"shop --format xml":         "text or json",
		"shop --only nobody":        "ruff check",
		"shop surplus":              "at most one",
		"shop --list --only nobody": "ruff check",
	} {
		got := run(append([]string{"verify"}, strings.Fields(args)...)...)
		if got.code != exitUsage || !strings.Contains(got.err, want) || got.out != "" {
			t.Errorf("%s: exit code %d, %q, %q", args, got.code, got.out, got.err)
		}
	}
}

func TestVerifyListsItsTable(t *testing.T) {
	inTree(t, consumers)
	got := mustRun(t, "verify", "shop", "--list")
	for _, want := range []string{
		"shellcheck\n  reads **/*.sh\n  runs  shellcheck --format=gcc FILES\n  found " + os.Getenv("PATH") + "/shellcheck\n",
		"  found promtool is missing: https://prometheus.io/download/\n",
		"kubectl kustomize FOLDER | kube-score score",
	} {
		if !strings.Contains(got.out, want) {
			t.Errorf("no %q in\n%s", want, got.out)
		}
	}
	var rows []struct{ Consumer, Missing string }
	if err := json.Unmarshal([]byte(mustRun(t, "verify", "--list", "--format", "json").out), &rows); err != nil || len(rows) < 20 {
		t.Errorf("%v, %d rows", err, len(rows))
	}
}

func TestVerifyInterrupted(t *testing.T) {
	inTree(t, map[string]string{"shellcheck": `echo > started; while :; do :; done`})
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		for {
			if _, err := os.Stat("shop/started"); err == nil {
				cancel()
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	var out, messages bytes.Buffer
	code := Main(ctx, []string{"verify", "shop", "--only", "shellcheck"}, Streams{In: strings.NewReader(""), Out: &out, Err: &messages})
	if code != exitInterrupted || out.Len() > 0 || !strings.Contains(messages.String(), "interrupted") {
		t.Errorf("exit code %d, %q, %q", code, out.String(), messages.String())
	}
}

func TestVerifyCompletesItsConsumers(t *testing.T) {
	inTree(t, nil)
	got := mustRun(t, "__complete", "verify", "--only", "")
	if !slices.Contains(strings.Split(got.out, "\n"), "shellcheck\t**/*.sh") {
		t.Error(got.out)
	}
}
