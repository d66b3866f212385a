package verify

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/afero"

	"codex-design/generate"
)

// artifacts lists the files of a tree: those that its record names and that are
// still there, or without a record all but what tools left behind.
func artifacts(tree afero.Fs) ([]string, error) {
	record, err := generate.ReadRecord(tree)
	if err != nil {
		return nil, err
	}
	if len(record.Files) == 0 {
		return walk(tree)
	}
	var files []string
	for name := range record.Files {
		info, err := tree.Stat(name)
		if err == nil && info.Mode().IsRegular() {
			files = append(files, name)
		} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	slices.Sort(files)
	return files, nil
}

// leftovers are folders of tools, in which nothing was generated.
var leftovers = []string{
	"__pycache__", "node_modules", ".codex-design", ".deploy", ".git", ".hypothesis", ".mypy_cache",
	".pytest_cache", ".reports", ".ruff_cache", ".secrets", ".terraform", ".venv",
}

func walk(tree afero.Fs) ([]string, error) {
	var files []string
	err := afero.Walk(tree, ".", func(name string, info fs.FileInfo, err error) error {
		if err != nil {
			return err
		}
		if info.IsDir() && slices.Contains(leftovers, info.Name()) {
			return filepath.SkipDir
		}
		if info.Mode().IsRegular() {
			files = append(files, strings.TrimPrefix(filepath.ToSlash(name), "./"))
		}
		return nil
	})
	slices.Sort(files)
	return files, err
}
