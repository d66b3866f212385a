// Command dockerlint checks Dockerfiles as `docker build --check` does, with BuildKit's own frontend,
// and prints one JSON line for each file: {"file": …, "error": …}, with an empty error for one that
// was accepted. Neither an engine nor a registry is asked: every base image counts as an empty one.
//
// usage: dockerlint FILE...
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/subrequests/lint"
	"github.com/opencontainers/go-digest"
)

type verdict struct {
	File  string `json:"file"`
	Error string `json:"error"`
}

func main() {
	out := json.NewEncoder(os.Stdout)
	for _, file := range os.Args[1:] {
		result := verdict{File: file}
		if err := check(context.Background(), file); err != nil {
			result.Error = err.Error()
		}
		if err := out.Encode(result); err != nil {
			fmt.Fprintln(os.Stderr, "dockerlint:", err)
			os.Exit(2)
		}
	}
}

// check returns the first error of the parser, or all warnings of the rules.
func check(ctx context.Context, file string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	source := llb.NewSourceMap(nil, file, "Dockerfile", content)
	if source.Definition, err = llb.Scratch().Marshal(ctx); err != nil {
		return err
	}
	options := dockerfile2llb.ConvertOpt{SourceMap: source, MetaResolver: emptyImages{}}
	results, err := dockerfile2llb.DockerfileLint(ctx, content, options)
	if err != nil {
		return err
	}
	if results.Error != nil {
		return fmt.Errorf("%s", results.Error.Message)
	}
	return warnings(results.Warnings)
}

func warnings(found []lint.Warning) error {
	var lines []string
	for _, w := range found {
		line := int32(0)
		if w.Location != nil && len(w.Location.Ranges) > 0 {
			line = w.Location.Ranges[0].Start.Line
		}
		lines = append(lines, fmt.Sprintf("%d: %s: %s", line, w.RuleName, w.Detail))
	}
	if lines == nil {
		return nil
	}
	return fmt.Errorf("%s", strings.Join(lines, "\n"))
}

// emptyImages stands for every registry.
type emptyImages struct{}

const emptyImage = `{"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers"}}`

func (emptyImages) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	return ref, digest.FromString(emptyImage), []byte(emptyImage), nil
}
