package verify

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

func someWords(pattern string) *regexp.Regexp { return regexp.MustCompile(pattern) }

func readerOf(t *testing.T, name string) reader {
	t.Helper()
	for _, c := range Table() {
		if c.Name == name {
			return c.Answer
		}
	}
	t.Fatalf("no consumer %q", name)
	return nil
}

// TestRealAnswersAreUnderstood holds what the real programs print about a broken
// file, cut short.
func TestRealAnswersAreUnderstood(t *testing.T) {
	for _, test := range []struct {
		consumer string
		code     int
		out      string
		want     string // file:line:column text, one a line
	}{
		{"ruff check", 1, "a.py:3:8: F401 [*] `os` imported but unused\nFound 1 error.\n", "a.py:3:8 F401 [*] `os` imported but unused"},
		{"ruff format", 1, "unformatted: File would be reformatted\n --> a.py:5:2\n  |\n4 |\n  - x=1\n1 file would be reformatted\n", "a.py:5:2 unformatted: File would be reformatted"},
		{"ruff format", 1, "Would reformat: a.py\n1 file would be reformatted\n", "a.py:0:0 Would reformat"},
		{"mypy --strict", 1, "a.py:3: error: Incompatible types  [assignment]\na.py:3: note: See https://mypy.example\n", "a.py:3:0 Incompatible types  [assignment]"},
		{"squawk", 1, "a.sql:0:14: warning: adding-required-field Adding a new column\n", "a.sql:1:15 adding-required-field Adding a new column"},
		{"PostgreSQL", 0, "services/a/migrations: down leaves behind: x\n", "services/a/migrations:0:0 down leaves behind: x"},
		{"openapi-spec-validator", 1, "while parsing a flow node\n  in \"a.yaml\", line 2, column 1\n", ":2:0 while parsing a flow node\n  in \"a.yaml\", line 2, column 1"},
		{"redocly", 1, "::error title=struct,file=a.yaml,line=6,col=34,endLine=6,endColumn=41::`in` can be one of\n", "a.yaml:6:34 struct: `in` can be one of"},
		{"redocly", 1, "  ║ Deprecation ║\nvalidating a.yaml...\nFailed to parse API description at a.yaml:\n  - deficient indentation in \"a.yaml\" (2:1)\n", ":2:0 Failed to parse API description at a.yaml:\n  - deficient indentation in \"a.yaml\" (2:1)"},
		{"shellcheck", 1, "a.sh:1:6: warning: x is referenced but not assigned. [SC2154]\n", "a.sh:1:6 warning: x is referenced but not assigned. [SC2154]"},
		{"docker compose", 1, "go-yaml load error in parser (while parsing a block mapping) at L3.C3-L5.C4: did not find expected key\n", ":3:0 go-yaml load error in parser (while parsing a block mapping) at L3.C3-L5.C4: did not find expected key"},
		{"docker build --check", 1, "\nWARNING: JSONArgsRecommended - https://docs.docker.com/go/x/\nJSON arguments recommended for CMD\nDockerfile:2\n-----\n", ":2:0 JSONArgsRecommended: JSON arguments recommended for CMD"},
		{"docker build --check", 1, "ERROR: failed to build: dockerfile parse error on line 1: unknown instruction: FRO\n", ":0:0 ERROR: failed to build: dockerfile parse error on line 1: unknown instruction: FRO"},
		{"hadolint", 1, `{"runs":[{"results":[{"ruleId":"DL3006","message":{"text":"Always tag"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"a/Dockerfile"},"region":{"startLine":1,"startColumn":2}}}]}]}]}`, "a/Dockerfile:1:2 DL3006: Always tag"},
		{"zizmor", 0, `{"runs":[{"results":[]}]}`, ""},
		{"actionlint", 1, "a.yml:4:3: job \"a\" needs job \"b\" which does not exist [job-needs]\n", "a.yml:4:3 job \"a\" needs job \"b\" which does not exist [job-needs]"},
		{"gitlab-ci-local", 1, "Using fallback git commit data\n  Command failed with exit code 128: git rev-parse\n\nfatal: not a git repository\na must have script specified\n", ":0:0 a must have script specified"},
		{"kubectl kustomize", 1, `E1123 16:12:55.777105   16853 run.go:72] "command failed" err="invalid Kustomization: json: unknown field"`, ":0:0 invalid Kustomization: json: unknown field"},
		{"kubectl kustomize", 1, "error: accumulating resources: file not found\n", ":0:0 error: accumulating resources: file not found"},
		{"Kubernetes server", 1, "namespace/shop serverside-applied (server dry run)\nThe Service \"x\" is invalid\n", ":0:0 The Service \"x\" is invalid"},
		{"kube-score", 1, `[{"object_name":"Deployment/apps/v1/shop/x","checks":[{"check":{"id":"pod-probes"},"grade":1,"comments":[{"path":"api","summary":"no probe"}]},{"check":{"id":"y"},"grade":5},{"check":{"id":"z"},"grade":0,"skipped":true}]}]`, ":0:0 Deployment/apps/v1/shop/x: pod-probes: api no probe"},
		{"kube-score", 1, "Failed to score files: failed to parse files: bad\n", ":0:0 failed to parse files: bad"},
		{"istioctl analyze", 79, "Warning [IST0101] (VirtualService shop/x) Referenced host not found: \"y\"\nInfo [IST0102] (Namespace shop) z\n", ":0:0 Warning [IST0101] (VirtualService shop/x) Referenced host not found: \"y\""},
		{"checkov", 1, `{"results":{"failed_checks":[{"check_id":"CKV_1","check_name":"Ensure x","file_path":"/a.yaml","resource":"r","file_line_range":[0,4]}],"parsing_errors":["b.yaml"]}}`, "/a.yaml:1:0 CKV_1: Ensure x (r)\nb.yaml:0:0 it cannot be parsed"},
		{"checkov", 0, `[{"results":{"failed_checks":[]}},{"results":{"failed_checks":[]}}]`, ""},
		{"checkov", 0, `{"passed": 0, "failed": 0}`, ""},
		{"terraform fmt", 3, "a.tf\nmodules/x/b.tf\n", "a.tf:0:0 not formatted: run terraform fmt\nmodules/x/b.tf:0:0 not formatted: run terraform fmt"},
		{"terraform validate", 1, `{"diagnostics":[{"severity":"error","summary":"Unsupported argument","detail":"Not expected.","range":{"filename":"x.tf","start":{"line":3,"column":4}}}]}`, "x.tf:3:4 Unsupported argument: Not expected."},
		{"terraform validate", 1, "\nError: Unsupported argument\n\n  on x.tf line 3, in variable \"x\":\n   3:   defalt = 1\n\nAn argument named \"defalt\" is not expected here.\n", "x.tf:3:0 Unsupported argument: An argument named \"defalt\" is not expected here."},
		{"promtool check rules", 1, "Checking a.yaml\n  FAILED:\na.yaml: 5:15: group \"a\", rule 1, line 5: parse error\n", ":5:0 Checking a.yaml\n  FAILED:\na.yaml: 5:15: group \"a\", rule 1, line 5: parse error"},
		{"amtool", 1, "Checking 'a.yaml'  FAILED: undefined receiver \"x\" used in route\n\namtool: error: failed to validate 1 file(s)\n", ":0:0 undefined receiver \"x\" used in route"},
	} {
		findings, err := readerOf(t, test.consumer)(Answer{Code: test.code, Out: test.out})
		if err != nil {
			t.Errorf("%s: %v", test.consumer, err)
		}
		var got []string
		for _, f := range findings {
			got = append(got, fmt.Sprintf("%s:%d:%d %s", f.File, f.Line, f.Column, f.Text))
		}
		if text := strings.Join(got, "\n"); text != test.want {
			t.Errorf("%s:\n%s\nwant\n%s", test.consumer, text, test.want)
		}
	}
}

func TestAnswersThatAreNoDocumentAreErrors(t *testing.T) {
	for _, consumer := range []string{"hadolint", "checkov", "kube-score", "terraform validate"} {
		if _, err := readerOf(t, consumer)(Answer{Code: 1, Out: "Traceback"}); err == nil {
			t.Errorf("%s: no error", consumer)
		}
	}
}
