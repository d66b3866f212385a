package generate

import (
	"path/filepath"

	"github.com/spf13/afero"
)

// Disk is a directory of the real file system as the target of a commit. It adds
// what afero.Fs lacks: where the system offers them, one sync for everything and
// a lock that ends with the process.
type Disk struct {
	*afero.BasePathFs
	root string
}

// OpenDisk returns the directory dir, which need not exist yet.
func OpenDisk(dir string) (*Disk, error) {
	// BasePathFs finds nothing below a relative path such as ".".
	root, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	return &Disk{afero.NewBasePathFs(afero.NewOsFs(), root).(*afero.BasePathFs), root}, nil
}
