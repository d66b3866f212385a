package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/afero"
	"github.com/spf13/cobra"

	"codex-design/verify"
)

// verifyFlags are those of the command verify.
type verifyFlags struct {
	format      string
	only        []string
	kubeContext string
	requireAll  bool
	list        bool
	all         bool
}

func verifyCommand(streams Streams) *cobra.Command {
	var flags verifyFlags
	command := &cobra.Command{
		Use:   "verify [DIR]",
		Short: "Hand every artifact of a tree to the program that consumes it",
		Long: `Hand every artifact of a generated tree to the programs that consume it in real
life, as far as they are installed: linters, type checker, PostgreSQL, the compose
loader, kubectl, terraform, promtool and more. Each is run as it is, on the PATH or
in the tree's .venv. What a missing one would have checked is listed, with how to
get it; --require-all makes that a failure.

Exit code 0: nothing was rejected; 1: something was rejected or a consumer failed,
or with --require-all was missing; 2: wrong usage; 130: interrupted.`,
		Example: `  codex-design verify
  codex-design verify shop --format json > verify.json
  codex-design verify shop --only mypy --only 'kubectl kustomize'
  codex-design verify --list`,
		Args: arguments(0, 1, "at most one directory"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := oneOf("--format", flags.format, []string{"text", "json"}); err != nil {
				return err
			}
			return runVerify(cmd.Context(), streams, argumentOr(args, 0, "."), flags)
		},
	}
	set := command.Flags()
	set.StringVar(&flags.format, "format", "text", "form of the results: text or json")
	set.StringArrayVar(&flags.only, "only", nil, "ask only this `CONSUMER`; may be repeated")
	set.StringVar(&flags.kubeContext, "kube-context", "", "let the cluster of this kubectl `CONTEXT`, which has the namespaces, judge the manifests by a dry run")
	set.BoolVar(&flags.requireAll, "require-all", false, "a consumer that is not installed is a failure")
	set.BoolVar(&flags.list, "list", false, "list the consumers, what they read and how they are run")
	set.BoolVar(&flags.all, "all", false, "list accepted artifacts too")
	completeFlag(command, "format", fixed("text", "json"))
	completeFlag(command, "only", consumerNames)
	return command
}

func consumerNames() []string {
	var names []string
	for _, consumer := range verify.Table() {
		names = append(names, consumer.Name+"\t"+strings.Join(consumer.Reads, " "))
	}
	return names
}

func runVerify(ctx context.Context, streams Streams, dir string, flags verifyFlags) error {
	options, err := verifyOptions(dir)
	if err != nil {
		return err
	}
	options.Only, options.KubeContext = flags.only, flags.kubeContext
	if flags.list {
		return listConsumers(ctx, streams.Out, options, flags.format)
	}
	if err := recoverTrees(streams, dir); err != nil {
		return err
	}
	watch := newVerifyProgress(streams.Err)
	options.Progress = watch.step
	started := time.Now()
	report, err := verify.Run(ctx, options)
	watch.line.clear()
	if err != nil {
		return verifyError(dir, err)
	}
	result := verified{Dir: dir, Counts: report.Counts(), Report: report}
	if flags.format == "json" {
		err = writeJSON(streams.Out, result)
	} else {
		err = result.print(streams.Out, flags.all)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(streams.Err, "%s: %s, in %s\n", dir, report.Summary(), time.Since(started).Round(100*time.Millisecond))
	return result.verdict(flags.requireAll)
}

// verifyOptions is what a run over a directory of this machine needs.
func verifyOptions(dir string) (verify.Options, error) {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return verify.Options{}, err
	}
	if real, err := filepath.EvalSymlinks(absolute); err == nil {
		absolute = real // as the consumers write it
	}
	disk := afero.NewOsFs()
	info, err := disk.Stat(absolute)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return verify.Options{}, usage("there is no directory %s", dir)
	case err != nil:
		return verify.Options{}, err
	case !info.IsDir():
		return verify.Options{}, usage("%s is no directory: name the directory of a generated tree", dir)
	}
	tree := afero.NewReadOnlyFs(afero.NewBasePathFs(disk, absolute))
	return verify.Options{Tree: tree, Dir: filepath.ToSlash(absolute), Disk: disk, Processes: verify.System{}}, nil
}

func verifyError(dir string, err error) error {
	var unknown verify.UnknownError
	switch {
	case errors.As(err, &unknown):
		return usage("--only: %s", err)
	case errors.Is(err, verify.ErrNothing):
		return usage("%s: %s: is it a generated tree?", dir, err)
	}
	return err
}

func listConsumers(ctx context.Context, out io.Writer, options verify.Options, format string) error {
	rows, err := verify.List(ctx, options)
	if err != nil {
		return verifyError("", err)
	}
	if format == "json" {
		return writeJSON(out, rows)
	}
	for _, row := range rows {
		found := row.Program
		if row.Missing != "" {
			found = row.Missing + " is missing: " + row.Get
		}
		_, err := fmt.Fprintf(out, "%s\n  reads %s\n  runs  %s\n  found %s\n", row.Consumer, strings.Join(row.Reads, " "), row.Command, found)
		if err != nil {
			return err
		}
	}
	return nil
}

// verified is a report as it is shown.
type verified struct {
	Dir    string               `json:"dir"`
	Counts map[verify.State]int `json:"counts"`
	verify.Report
}

// verdict is errFindings unless every consumer that had to answer accepted.
func (v verified) verdict(requireAll bool) error {
	if v.Counts[verify.Rejected]+v.Counts[verify.Failed] > 0 {
		return errFindings
	}
	for _, consumer := range v.Consumers {
		if requireAll && consumer.Missing != "" {
			return errFindings
		}
	}
	return nil
}

// print shows what was not accepted, message by message, then each consumer.
func (v verified) print(out io.Writer, all bool) error {
	var text strings.Builder
	if all {
		v.printArtifacts(&text)
	}
	for _, said := range v.Said() {
		text.WriteString(said.String() + "\n")
	}
	for _, consumer := range v.Consumers {
		text.WriteString(consumer.String() + "\n")
	}
	_, err := io.WriteString(out, text.String())
	return err
}

func (v verified) printArtifacts(text *strings.Builder) {
	for _, artifact := range v.Artifacts {
		var names []string
		for _, check := range artifact.Checks {
			names = append(names, check.Consumer)
		}
		fmt.Fprintf(text, "%-11s  %s", artifact.State, artifact.Path)
		if len(names) > 0 {
			fmt.Fprintf(text, "  (%s)", strings.Join(names, ", "))
		}
		text.WriteString("\n")
	}
}

// verifyProgress shows a line that is overwritten on a terminal, and elsewhere a
// line for each consumer that is through.
type verifyProgress struct {
	line *progress
	out  io.Writer
}

func newVerifyProgress(out io.Writer) *verifyProgress {
	return &verifyProgress{newProgress(out), out}
}

func (p *verifyProgress) step(at verify.Progress) {
	if p.line.out == nil {
		if at.Ended {
			fmt.Fprintf(p.out, "%s: %s\n", at.Consumer, at.Outcome.Counted())
		}
		return
	}
	p.line.show(fmt.Sprintf("Verifying … %d/%d  %s", at.Done, at.Total, at.Consumer), at.Done == at.Total)
}
