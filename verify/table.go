package verify

import (
	_ "embed"
	"regexp"
	"time"
)

// migrations is a program for the tree's own Python.
//
//go:embed migrations.py
var migrations string

const (
	quick   = time.Minute
	patient = 5 * time.Minute

	inTree    = "run `make setup` in the tree"
	getDocker = "https://docs.docker.com/get-started/get-docker/"
)

// Where things lie in a tree.
var (
	pythonFiles = []string{"**/*.py", "**/*.pyi"}
	dockerfiles = []string{"**/Dockerfile"}
	openapi     = []string{"architecture/openapi/*.yaml"}
	workflows   = []string{".github/workflows/*.yml", ".github/workflows/*.yaml"}
	kubernetes  = []string{"deploy/kubernetes/**/*.yaml", "deploy/gateway/**/*.yaml"}
	overlays    = []string{"deploy/kubernetes/overlays/*"}
	terraform   = []string{"deploy/terraform/**/*.tf", "deploy/terraform/**/*.tfvars", "deploy/terraform/**/*.tftest.hcl"}
	rootModules = []string{"deploy/terraform/envs/*"}
)

// render is the command whose output is what a cluster gets.
var render = []string{"kubectl", "kustomize", "{folder}"}

// Table lists the consumers. The patterns of files that two of them share say
// that both must accept those.
func Table() []Consumer {
	table := append(pythonConsumers(), databaseConsumers()...)
	table = append(table, documentConsumers()...)
	table = append(table, containerConsumers()...)
	table = append(table, pipelineConsumers()...)
	table = append(table, clusterConsumers()...)
	table = append(table, terraformConsumers()...)
	return append(table, observabilityConsumers()...)
}

func pythonConsumers() []Consumer {
	ruff := []Program{{Name: "ruff", From: OfTreeOrPath}}
	return []Consumer{
		{
			Name: "ruff check", Reads: pythonFiles, Programs: ruff, Get: inTree, Timeout: quick,
			Args:   []string{"check", "--quiet", "--output-format=concise", "{files}"},
			Answer: lines(`^(?P<file>[^\n:]+):(?P<line>\d+):(?P<column>\d+): (?P<text>.+)$`),
		}, {
			Name: "ruff format", Reads: pythonFiles, Programs: ruff, Get: inTree, Timeout: quick,
			Args: []string{"format", "--check", "{files}"},
			Answer: lines(`^(?P<text>[\w-]+: .+)\n +--> (?P<file>[^\n:]+):(?P<line>\d+):(?P<column>\d+)$`,
				`^(?P<text>Would reformat): (?P<file>.+)$`),
		}, {
			Name: "mypy --strict", Reads: pythonFiles, Get: inTree, Timeout: patient, Alone: true, GaveUp: 2,
			Programs: []Program{{Name: "mypy", From: OnlyOfTree}},
			Unit:     PerFolder, Folders: []string{"libs/*", "services/*", "scripts"},
			Args:   []string{"--no-color-output", "--no-error-summary", "{folder}"},
			Answer: lines(`^(?P<file>[^\n:]+):(?P<line>\d+):(?:(?P<column>\d+):)? error: (?P<text>.+)$`),
		}, {
			Name: "uv", Reads: []string{"requirements/*.txt"}, Unit: PerFile, Timeout: patient,
			Programs: []Program{{Name: "uv"}}, Get: "https://docs.astral.sh/uv/getting-started/installation/",
			Args: []string{"pip", "install", "--dry-run", "--quiet", "--require-hashes",
				"--target", "{scratch}/packages", "--requirement", "{file}"},
			Answer: whole(""), Lacks: regexp.MustCompile("(?i)failed to fetch|no interpreter found"), Needs: "a package index or a Python",
		},
	}
}

func databaseConsumers() []Consumer {
	return []Consumer{
		{
			Name: "squawk", Reads: []string{"services/*/migrations/*.sql"}, Timeout: quick, Get: inTree,
			Programs: []Program{{Name: "squawk", From: OfTreeOrPath}},
			Args:     []string{"--reporter=gcc", "{files}"},
			Answer:   linesFrom(1, `^(?P<file>[^\n:]+):(?P<line>\d+):(?P<column>\d+): \w+: (?P<text>.+)$`),
		}, {
			Name: "PostgreSQL", Reads: []string{"services/*/migrations/*.sql", "architecture/schema/*.sql"},
			Programs: []Program{{Name: "python", From: OnlyOfTree}}, Timeout: patient,
			Get:    inTree + "; then set TEST_POSTGRES_URL or install PostgreSQL (Debian: apt-get install postgresql)",
			Args:   []string{"-m", "kit.testing", "serve", "--no-redis", "--", "{program}", "-c", migrations, "{files}"},
			Answer: lines(`^(?P<file>(?:services|architecture)/[^\n:]+): (?P<text>.+)$`),
			Lacks:  regexp.MustCompile("PostgreSQL is needed"), Needs: "PostgreSQL",
		},
	}
}

func documentConsumers() []Consumer {
	return []Consumer{
		{
			Name: "openapi-spec-validator", Reads: openapi, Unit: PerFile, Timeout: quick, Get: inTree,
			Programs: []Program{{Name: "openapi-spec-validator", From: OfTreeOrPath}},
			Args:     []string{"--validation-errors=all", "{file}"},
			Answer:   whole(""),
		}, {
			Name: "redocly", Reads: openapi, Unit: PerFile, Timeout: quick, Get: "npm install --global @redocly/cli",
			Programs: []Program{{Name: "redocly"}}, Env: []string{"REDOCLY_TELEMETRY=off"},
			Args: []string{"lint", "--extends=spec", "--format=github-actions", "{file}"},
			Answer: either(
				lines(`^::\w+ title=(?P<rule>[^,]*),file=(?P<file>[^,\n]+),line=(?P<line>\d+),col=(?P<column>\d+),[^\n]*?::(?P<text>.+)$`),
				whole(`\((?P<line>\d+):\d+\)`, `^\s*[╔║╚].*$`, `^validating .*$`, `^\s*\n`)),
		}, {
			Name: "mermaid", Reads: []string{"architecture/diagrams/*.md"}, Unit: PerFile, Timeout: patient,
			Programs: []Program{{Name: "mmdc"}},
			Get:      "npm install --global @mermaid-js/mermaid-cli, and Chrome: npx puppeteer browsers install chrome-headless-shell",
			Args:     []string{"--quiet", "--input", "{file}", "--output", "{scratch}/diagram.md"},
			Alone:    true, Answer: whole(""), Lacks: regexp.MustCompile("Could not find .*[Cc]hrome|Failed to launch the browser"), Needs: "Chrome",
		}, {
			Name: "shellcheck", Reads: []string{"**/*.sh"}, Timeout: quick,
			Programs: []Program{{Name: "shellcheck"}}, Get: "https://github.com/koalaman/shellcheck#installing",
			Args:   []string{"--format=gcc", "{files}"},
			Answer: lines(`^(?P<file>[^\n:]+):(?P<line>\d+):(?P<column>\d+): (?P<text>.+)$`),
		},
	}
}

func containerConsumers() []Consumer {
	return []Consumer{
		{
			Name: "docker compose", Reads: []string{"compose*.yaml"}, Unit: PerFile, Timeout: quick, Get: getDocker,
			Programs: []Program{{Name: "docker", Args: []string{"compose"}, Probe: []string{"compose", "version"}}, {Name: "docker-compose"}},
			Args:     []string{"--file", "{file}", "config", "--quiet"},
			Answer:   whole(`(?:at L|\bline )(?P<line>\d+)`),
		}, {
			Name: "docker build --check", Reads: dockerfiles, Unit: PerFile, Timeout: patient, Get: getDocker,
			Programs: []Program{{Name: "docker", Args: []string{"build"}, Probe: []string{"buildx", "inspect"}}},
			Args:     []string{"--check", "--file", "{file}", "."},
			Answer: either(lines(`^WARNING: (?P<rule>\w+)[^\n]*\n(?P<text>[^\n]+)(?:\n[\w./-]*Dockerfile:(?P<line>\d+))?`),
				whole(`Dockerfile:(?P<line>\d+)`)),
			Lacks: regexp.MustCompile("Cannot connect to the Docker daemon"), Needs: "a running Docker",
		}, {
			Name: "hadolint", Reads: dockerfiles, Timeout: quick,
			Programs: []Program{{Name: "hadolint"}}, Get: "https://github.com/hadolint/hadolint#install",
			Args: []string{"--format", "sarif", "{files}"}, Answer: sarif,
		},
	}
}

func pipelineConsumers() []Consumer {
	return []Consumer{
		{
			Name: "actionlint", Reads: workflows, Timeout: quick,
			Programs: []Program{{Name: "actionlint"}}, Get: "https://github.com/rhysd/actionlint/blob/main/docs/install.md",
			Args:   []string{"-no-color", "-oneline", "{files}"},
			Answer: lines(`^(?P<file>[^\n:]+):(?P<line>\d+):(?P<column>\d+): (?P<text>.+)$`),
		}, {
			Name: "zizmor", Reads: workflows, Timeout: quick,
			Programs: []Program{{Name: "zizmor"}}, Get: "https://docs.zizmor.sh/installation/",
			Args: []string{"--offline", "--no-progress", "--quiet", "--format=sarif", "{files}"}, Answer: sarif,
		}, {
			Name: "gitlab-ci-local", Reads: []string{".gitlab-ci.yml"}, InCopy: true, Timeout: quick,
			Programs: []Program{{Name: "gitlab-ci-local"}}, Get: "npm install --global gitlab-ci-local",
			Args: []string{"--list", "--cwd", ".", "--evaluate-rule-changes=false"},
			Answer: whole("", `^(?:Using fallback|Unable to retrieve|  Command failed|fatal:|Use '--'|'git |HEAD$).*$`,
				`^(?:parsing and downloads|json schema validated).*$`, `^\s*\n`),
		},
	}
}

func clusterConsumers() []Consumer {
	kubectl := []Program{{Name: "kubectl"}}
	const getKubectl = "https://kubernetes.io/docs/tasks/tools/"
	return []Consumer{
		{
			Name: "kubectl kustomize", Reads: kubernetes, Programs: kubectl, Get: getKubectl, Timeout: quick,
			Unit: PerFolder, Folders: overlays, Args: []string{"kustomize", "{folder}"},
			Answer: either(lines(`"command failed" err="(?P<text>.*)"$`), whole("")),
		}, {
			Name: "Kubernetes server", Reads: kubernetes, Programs: kubectl, Also: []string{"kubectl"}, Get: getKubectl, Timeout: patient,
			Unit: PerFolder, Folders: overlays, Feed: render, AsksCluster: true,
			Args:   []string{"apply", "--context", "{context}", "--server-side", "--dry-run=server", "--filename", "-"},
			Answer: whole("", `^\S+ serverside-applied.*$`),
		}, {
			Name: "kube-score", Reads: kubernetes, Also: []string{"kubectl"}, Timeout: quick,
			Programs: []Program{{Name: "kube-score"}}, Get: "https://github.com/zegl/kube-score#installation",
			Unit: PerFolder, Folders: overlays, Feed: render,
			Args:   []string{"score", "--output-format", "json", "-"},
			Answer: either(lines(`^Failed to score files: (?P<text>.+)$`), scores),
		}, {
			Name: "istioctl analyze", Reads: kubernetes, When: []string{"deploy/gateway/istio/*.yaml"},
			Also: []string{"kubectl"}, Timeout: patient,
			Programs: []Program{{Name: "istioctl"}}, Get: "https://istio.io/latest/docs/ops/diagnostic-tools/istioctl/",
			Unit: PerFolder, Folders: overlays, Feed: render,
			Args:   []string{"analyze", "--use-kube=false", "--all-namespaces", "--failure-threshold", "Warning", "--color=false", "-"},
			Answer: lines(`^(?P<text>(?:Error|Warning) \[IST\d+\] .+)$`, `^Error: (?P<text>.+)$`),
		}, {
			Name: "deck", Reads: []string{"deploy/gateway/kong/kong.yml"}, Unit: PerFile, Timeout: quick,
			Programs: []Program{{Name: "deck"}}, Get: "https://docs.konghq.com/deck/latest/installation/",
			Args: []string{"file", "validate", "{file}"}, Answer: whole(""),
		}, {
			Name: "trivy", Reads: append(append([]string{}, kubernetes...), "deploy/terraform/**/*.tf", "services/*/Dockerfile"),
			Programs: []Program{{Name: "trivy"}}, Get: "https://trivy.dev/latest/getting-started/installation/", Timeout: patient, Alone: true,
			Unit: PerFolder, Folders: []string{"deploy/kubernetes", "deploy/gateway", "deploy/terraform", "services/*"},
			Args:   []string{"config", "--quiet", "--skip-check-update", "--exit-code=0", "--format=sarif", "{folder}"},
			Answer: sarif,
		}, {
			Name: "checkov", Not: []string{"**/kustomization.yaml"}, Reads: append(append(append([]string{"deploy/terraform/**/*.tf"}, kubernetes...), dockerfiles...), workflows...),
			Programs: []Program{{Name: "checkov"}}, Get: "pipx install checkov", Timeout: patient,
			Args:   []string{"--quiet", "--compact", "--skip-download", "--output", "json", "--file", "{files}"},
			Answer: checkovResults,
		},
	}
}

func terraformConsumers() []Consumer {
	program := []Program{{Name: "terraform"}}
	const get = "https://developer.hashicorp.com/terraform/install"
	inScratch := []string{"CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1"}
	offline := regexp.MustCompile("(?i)could not connect to registry|failed to query available provider packages|failed to request discovery document")
	initialise := []string{"terraform", "-chdir={folder}", "init", "-backend=false", "-input=false", "-no-color"}
	errors := lines(`^Error: (?P<rule>[^\n]+)\n\n +on (?P<file>\S+) line (?P<line>\d+)[^\n]*\n(?:[^\n]+\n)*\n(?P<text>[^\n]+(?:\n[^\n]+)*)`)
	return []Consumer{
		{
			Name: "terraform fmt", Reads: terraform, Programs: program, Get: get, Timeout: quick, Env: inScratch,
			Args:   []string{"fmt", "-check", "-no-color", "{files}"},
			Answer: either(errors, listed(`^(?P<file>\S+\.(?:tf|tfvars|hcl))$`, "not formatted: run terraform fmt")),
		}, {
			Name: "terraform validate", Reads: terraform, Programs: program, Also: []string{"terraform"}, Get: get, Timeout: patient,
			Unit: PerFolder, Folders: rootModules, InCopy: true, Alone: true, Env: inScratch,
			Before: initialise, Args: []string{"-chdir={folder}", "validate", "-json"},
			Answer: either(errors, terraformDiagnostics), Lacks: offline, Needs: "the registry of providers",
		}, {
			Name: "terraform test", Reads: terraform, Programs: program, Also: []string{"terraform"}, Get: get, Timeout: patient,
			Unit: PerFolder, Folders: []string{"deploy/terraform/envs/*", "deploy/terraform/modules/*"}, InCopy: true, Alone: true, Env: inScratch,
			Before: initialise, Args: []string{"-chdir={folder}", "test", "-no-color"},
			Answer: errors, Lacks: offline, Needs: "the registry of providers",
		},
	}
}

func observabilityConsumers() []Consumer {
	promtool := []Program{{Name: "promtool"}}
	const get = "https://prometheus.io/download/"
	const folder = "deploy/observability/"
	return []Consumer{
		{
			Name: "promtool check rules", Reads: []string{folder + "prometheus/rules/*.yaml"}, Programs: promtool, Get: get,
			Unit: PerFile, Timeout: quick, Args: []string{"check", "rules", "--lint=all", "--lint-fatal", "{file}"},
			Answer: whole(""),
		}, {
			Name: "promtool check config", Reads: []string{folder + "prometheus/prometheus.yaml"}, Programs: promtool, Get: get,
			Unit: PerFile, Timeout: quick, Args: []string{"check", "config", "--syntax-only", "{file}"},
			Answer: whole(""),
		}, {
			Name: "promtool test rules", Reads: []string{folder + "prometheus/tests/*.yaml"}, Programs: promtool, Get: get,
			Unit: PerFile, Timeout: patient, Args: []string{"test", "rules", "{file}"},
			Answer: whole(""),
		}, {
			Name: "amtool", Reads: []string{folder + "alertmanager/alertmanager.yaml"}, Timeout: quick, Get: get,
			Programs: []Program{{Name: "amtool"}}, Unit: PerFile,
			Args:   []string{"check-config", "{file}"},
			Answer: whole("", `^Checking '[^']+'\s+FAILED: `, `^amtool: error: .*$`),
		}, {
			Name: "OpenTelemetry collector", Reads: []string{folder + "otel-collector/config.yaml"}, Timeout: quick, Unit: PerFile,
			Programs: []Program{{Name: "otelcol-contrib"}, {Name: "otelcol"}}, Get: "https://opentelemetry.io/docs/collector/install/",
			Args: []string{"validate", "--config={file}"}, Answer: whole(""),
		},
	}
}
