package generate

import "fmt"

// pins are the actions that the workflows use: the commit of a release, and the
// release that it is. Dependabot renews them in a generated tree.
var pins = map[string]struct{ commit, version string }{
	"actions/attest-build-provenance": {"4d101475d8b20a2381f78447822ac1eab6504dd8", "v4.2.2"},
	"actions/checkout":                {"3d3c42e5aac5ba805825da76410c181273ba90b1", "v7.0.1"},
	"actions/upload-artifact":         {"043fb46d1a93c77aae656e7c1c64a875d1fc6a0a", "v7.0.1"},
	"aquasecurity/trivy-action":       {"ed142fd0673e97e23eac54620cfb913e5ce36c25", "v0.36.0"},
	"astral-sh/setup-uv":              {"c771a70e6277c0a99b617c7a806ffedaca235ff9", "v9.0.0"},
	"docker/build-push-action":        {"53b7df96c91f9c12dcc8a07bcb9ccacbed38856a", "v7.3.0"},
	"docker/login-action":             {"dbcb813823bdd20940b903addbd779551569679f", "v4.6.0"},
	"docker/setup-buildx-action":      {"bb05f3f5519dd87d3ba754cc423b652a5edd6d2c", "v4.2.0"},
	"zizmorcore/zizmor-action":        {"3dc1ecc9bcb9e94e9b2c709687979e1298497054", "v0.6.2"},
}

// Action is what a step `uses`: the action at its pinned commit, with the release as a comment.
func (s *SystemView) Action(name string) (string, error) {
	pin, ok := pins[name]
	if !ok {
		return "", fmt.Errorf("the action %s is not pinned", name)
	}
	return fmt.Sprintf("%s@%s # %s", name, pin.commit, pin.version), nil
}

func pipelineIs(kind string) func(*SystemView) bool {
	return func(s *SystemView) bool { return s.Delivery.Pipeline == kind }
}

func hasPipeline(s *SystemView) bool { return s.Delivery.Pipeline != "none" }

// uvVersion is what the pipeline installs; the Dockerfiles build with the same.
const uvVersion = "0.13.9"

// UvVersion is the version of uv that the pipeline uses.
func (s *SystemView) UvVersion() string { return uvVersion }

// Stage is one environment in the order of delivery.
type Stage struct {
	Name  string
	After string // the environment that comes before; empty for the first
	Last  bool
}

// Stages are the environments that a release passes.
func (s *SystemView) Stages() []Stage {
	environments := s.Cluster.Environments
	stages := make([]Stage, len(environments))
	for i, environment := range environments {
		stages[i] = Stage{Name: environment.Name, Last: i == len(environments)-1}
		if i > 0 {
			stages[i].After = environments[i-1].Name
		}
	}
	return stages
}

// Images that the GitLab pipeline runs, pinned as the actions are.
const (
	trivyImage  = "ghcr.io/aquasecurity/trivy:0.74.0@sha256:62b1e65e8869bc4b4c6aa4fa2b21595256c7c2f6018a9d9ad61caf87187c1969"
	cosignImage = "ghcr.io/sigstore/cosign/cosign:v3.1.3"
)

// TrivyImage scans images and configuration.
func (s *SystemView) TrivyImage() string { return trivyImage }

// CosignImage signs images.
func (s *SystemView) CosignImage() string { return cosignImage }
