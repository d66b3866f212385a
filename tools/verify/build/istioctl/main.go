// Command istioanalyze checks manifests as `istioctl analyze` does in a cluster. Of files istioctl
// does not read Namespaces, Services, Deployments and Pods, and it skips every analyzer that asks for
// one of them; here all run, and one that does not is an error.
//
// usage: istioanalyze < MANIFESTS
package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"istio.io/istio/pkg/config/analysis/analyzers"
	"istio.io/istio/pkg/config/analysis/diag"
	"istio.io/istio/pkg/config/analysis/local"
	"istio.io/istio/pkg/log"
)

func main() {
	quiet()
	problems, err := check(os.Stdin)
	if err != nil {
		problems = append(problems, err.Error())
	}
	if len(problems) > 0 {
		fmt.Println(strings.Join(problems, "\n"))
		os.Exit(1)
	}
}

// quiet keeps the analyzers' progress out of what they found.
func quiet() {
	options := log.DefaultOptions()
	options.SetDefaultOutputLevel(log.OverrideScopeName, log.NoneLevel)
	if err := log.Configure(options); err != nil {
		panic(err)
	}
}

// check returns the warnings and errors of every analyzer.
func check(manifests io.Reader) ([]string, error) {
	all := local.NewIstiodAnalyzer(analyzers.AllCombined(), "", "istio-system", nil)
	// Istio's own tests read files so: with the kinds that otherwise come from a cluster.
	sources := []local.ReaderSource{{Name: "manifests", Reader: manifests}}
	if err := all.AddTestReaderKubeSource(sources); err != nil {
		return nil, err
	}
	result, err := all.Analyze(make(chan struct{}))
	if err != nil {
		return nil, err
	}
	if len(result.SkippedAnalyzers) > 0 {
		return nil, fmt.Errorf("analyzers that did not run: %s", strings.Join(result.SkippedAnalyzers, ", "))
	}
	var problems []string
	for i := range result.Messages {
		if m := &result.Messages[i]; m.Type.Level().IsWorseThanOrEqualTo(diag.Warning) {
			problems = append(problems, m.String())
		}
	}
	return problems, nil
}
