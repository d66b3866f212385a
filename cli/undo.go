package cli

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"codex-design/generate"
)

// undoFlags are those of the command undo.
type undoFlags struct {
	dryRun, diff bool
	onConflict   string
	restore      bool
	format       string
}

// undoWords are the values of --on-conflict, each with what it chooses.
var undoWords = map[string]generate.Choice{
	"fail": generate.Undecided, "keep": generate.KeepMine, "old": generate.TakeNew, "markers": generate.Markers,
}

func undoCommand(streams Streams) *cobra.Command {
	var flags undoFlags
	command := &cobra.Command{
		Use:   "undo [DIR]",
		Short: "Put back the tree as it was before the last commit",
		Long: `Put back files, answers and record as they were before the last commit to the tree.

Nothing that you did since is lost: a file that you edited after the commit gets
back what was before it, with your edits in it; one that the commit made and you
edited stays. Where your edit and the commit changed the same lines you choose, and
without a choice nothing is written. What was created by the commit is deleted.

Undo again takes the undo back. One commit is kept, in .codex-design/local, which
git does not see; after a switch of branches it no longer fits, and undo says so.

Exit code 0: done; 1: conflicts, or there is nothing to undo; 2: wrong usage.`,
		Example: `  # what would happen, then do it
  codex-design undo shop --dry-run
  codex-design undo shop

  # where you edited the same lines since, have both between markers
  codex-design undo shop --on-conflict markers`,
		Args: arguments(0, 1, "at most one directory"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := flags.check(); err != nil {
				return err
			}
			return runUndo(cmd.Context(), streams, argumentOr(args, 0, "."), flags)
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
	}
	set := command.Flags()
	set.SortFlags = false
	set.BoolVar(&flags.dryRun, "dry-run", false, "show what would happen to each file; write nothing")
	set.BoolVar(&flags.diff, "diff", false, "show the changes as unified diffs; write nothing")
	set.StringVar(&flags.onConflict, "on-conflict", "fail", "where you and the commit changed the same lines: fail, keep, old, markers")
	set.BoolVar(&flags.restore, "restore", false, "bring back what you deleted since")
	set.StringVar(&flags.format, "format", "text", "form of the results: text or json")
	completeFlag(command, "format", fixed("text", "json"))
	completeFlag(command, "on-conflict", fixed("fail", "keep", "old", "markers"))
	return command
}

func (f undoFlags) check() error {
	if err := oneOf("--format", f.format, []string{"text", "json"}); err != nil {
		return err
	}
	return oneOf("--on-conflict", f.onConflict, []string{"fail", "keep", "old", "markers"})
}

// runUndo plans an undo and, unless it is only to be looked at, commits it.
func runUndo(ctx context.Context, streams Streams, dir string, flags undoFlags) error {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return usage("there is no directory %s", dir)
	}
	if err := recoverTrees(streams, dir); err != nil {
		return err
	}
	target, err := generate.OpenDisk(dir)
	if err != nil {
		return usage("%s", err)
	}
	plan, err := generate.PlanUndo(target, generate.Choices{All: undoWords[flags.onConflict], Restore: flags.restore})
	if err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	report := planReport{dir: dir, plan: plan}
	look := flags.dryRun || flags.diff
	if !look && len(plan.Blocked) == 0 {
		progress := newProgress(streams.Err)
		err := generate.Commit(ctx, target, plan, progress.step)
		progress.clear()
		if err != nil {
			return commitError(dir, err)
		}
		report.committed = true
	}
	if err := report.printUndo(streams, flags); err != nil {
		return err
	}
	return report.verdict()
}

// printUndo tells what an undo did, or would do.
func (r planReport) printUndo(streams Streams, flags undoFlags) error {
	asDesign := designFlags{format: flags.format, diff: flags.diff}
	if !r.committed && (flags.dryRun || flags.diff) || flags.format == "json" {
		return r.print(streams, asDesign)
	}
	switch {
	case !r.committed:
		fmt.Fprintf(streams.Err, "%s: nothing was undone.\n", r.dir)
	default:
		fmt.Fprintf(streams.Err, "%s: the last commit is undone: %s. Undo again takes that back.\n", r.dir, r.summary())
	}
	for _, change := range r.plan.Changes {
		if change.State == generate.Keep || change.State == generate.Merge {
			fmt.Fprintf(streams.Err, "%s: %s: %s\n", strings.ToLower(string(change.State)), change.Path, change.Reason)
		}
	}
	r.printWarnings(streams.Err)
	return nil
}
