// Package cli holds the commands: it reads arguments and answers, calls the
// pipeline and prints. Results go to standard output, everything said to the
// user goes to standard error.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"codex-design/model"
	"codex-design/ui"
)

// The exit codes of every command.
const (
	exitDone        = 0
	exitFindings    = 1 // findings, conflicts or failed checks
	exitUsage       = 2 // wrong arguments or answers
	exitInterrupted = 130
)

// Streams is where a command reads, prints results and talks to the user.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// errFindings ends a command whose output already says what was found.
var errFindings = errors.New("findings")

// usageError is a mistake in how the command was called.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

func usage(format string, values ...any) error { return usageError{fmt.Sprintf(format, values...)} }

// problemsError is answers that cannot be used; file names where they came from.
type problemsError struct {
	file     string
	problems []model.Problem
}

func (e problemsError) Error() string {
	var text strings.Builder
	for _, problem := range e.problems {
		text.WriteString(problem.Text(e.file))
	}
	fmt.Fprintf(&text, "%s; nothing was written", count(len(e.problems), "problem", "problems"))
	return text.String()
}

// Main runs the command line args, without the program's name, and returns the exit code.
func Main(ctx context.Context, args []string, streams Streams) int {
	root := newRoot(streams)
	root.SetArgs(args)
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.Err)
	return exitCode(root.ExecuteContext(ctx), streams.Err)
}

func exitCode(err error, out io.Writer) int {
	var problems problemsError
	var wrongUse usageError
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errFindings):
		return exitFindings
	case errors.Is(err, ui.ErrInterrupted):
		return exitInterrupted
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(out, "codex-design: interrupted; nothing was changed")
		return exitInterrupted
	case errors.As(err, &problems):
		fmt.Fprintln(out, err)
		return exitUsage
	case errors.As(err, &wrongUse):
		fmt.Fprintf(out, "codex-design: %s\n", err)
		return exitUsage
	}
	fmt.Fprintf(out, "codex-design: %s\n", err)
	return exitFindings
}

func newRoot(streams Streams) *cobra.Command {
	root := designCommand(streams)
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SuggestionsMinimumDistance = 2
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage("%s\nSee %s --help", err, cmd.CommandPath())
	})
	root.AddCommand(checkCommand(streams), explainCommand(streams), schemaCommand(streams), undoCommand(streams), verifyCommand(streams), versionCommand(streams))
	root.CompletionOptions.DisableDescriptions = false
	return root
}

// isTerminal says whether a person sits at a stream.
func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// arguments checks the number of arguments in our words.
func arguments(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return usage("%s takes %s, not %s\nSee %[1]s --help", cmd.CommandPath(), what, count(len(args), "argument", "arguments"))
		}
		return nil
	}
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
