package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"codex-design/generate"
)

// recoverTrees finishes or takes back what commits that were cut off left in the
// trees that arguments of the command line name, and says so.
func recoverTrees(streams Streams, arguments ...string) error {
	var dirs []string
	for _, argument := range arguments {
		dir := argument
		if info, err := os.Stat(argument); err != nil || !info.IsDir() {
			dir = filepath.Dir(argument)
		}
		if !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	for _, dir := range dirs {
		if err := recoverTree(streams.Err, dir); err != nil {
			return err
		}
	}
	return nil
}

func recoverTree(out io.Writer, dir string) error {
	target, err := generate.OpenDisk(dir)
	if err != nil {
		return usage("%s", err)
	}
	recovery, err := generate.Recover(target)
	if err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	if text := recovery.Text(); text != "" {
		fmt.Fprintf(out, "%s: %s\n", dir, text)
	}
	return nil
}
