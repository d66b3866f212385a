package cli

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

// Version is the version of the program; a release build sets it with -ldflags -X.
var Version = "0.1.0-dev"

func versionLine() string {
	return fmt.Sprintf("codex-design %s %s/%s", Version, runtime.GOOS, runtime.GOARCH)
}

func versionCommand(streams Streams) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  arguments(0, 0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(streams.Out, versionLine())
			return err
		},
	}
}
