package templates

import (
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
)

// caches are directories that tools make in a working copy.
var caches = []string{"__pycache__", ".ruff_cache", ".mypy_cache", ".pytest_cache", ".hypothesis", ".venv"}

// list names every file of a tree but caches and this package's own.
func list(t *testing.T, tree fs.FS, skip []string) []string {
	t.Helper()
	var names []string
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case slices.Contains(skip, entry.Name()):
			return fs.SkipDir
		case !entry.IsDir() && !strings.HasSuffix(name, ".go"):
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestTheWholeTreeIsEmbedded finds a file that the patterns of FS miss: the
// program would go without it and nobody would see.
func TestTheWholeTreeIsEmbedded(t *testing.T) {
	onDisk, embedded := list(t, os.DirFS("."), caches), list(t, FS, nil)
	for _, name := range onDisk {
		if !slices.Contains(embedded, name) {
			t.Errorf("%s is not embedded: name it in templates.go", name)
		}
	}
	for _, name := range embedded {
		if !slices.Contains(onDisk, name) {
			t.Errorf("%s is embedded and does not belong to the tree", name)
		}
	}
}
