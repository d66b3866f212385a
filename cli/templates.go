package cli

import (
	"io/fs"
	"os"

	"github.com/spf13/afero"

	"codex-design/generate"
	"codex-design/templates"
)

// loadTemplates parses the built-in templates, with those of a directory over
// them where one is given.
func loadTemplates(dir string) (*generate.Templates, error) {
	var tree fs.FS = templates.FS
	if dir != "" {
		info, err := os.Stat(dir)
		if err != nil {
			return nil, usage("--templates: %s", err)
		}
		if !info.IsDir() {
			return nil, usage("--templates %s: must be a directory", dir)
		}
		builtIn := afero.FromIOFS{FS: templates.FS}
		tree = afero.NewIOFS(afero.NewCopyOnWriteFs(builtIn, afero.NewReadOnlyFs(afero.NewBasePathFs(afero.NewOsFs(), dir))))
	}
	return generate.LoadTemplates(tree)
}
