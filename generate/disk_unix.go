//go:build unix

package generate

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// SyncDir makes the names in a directory durable.
func (d *Disk) SyncDir(name string) error {
	dir, err := os.Open(filepath.Join(d.root, filepath.FromSlash(name)))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Link gives a file a second name.
func (d *Disk) Link(from, to string) error {
	return os.Link(filepath.Join(d.root, filepath.FromSlash(from)), filepath.Join(d.root, filepath.FromSlash(to)))
}

// Lock takes the lock file name. The lock ends with the process, so a crash
// leaves no lock behind.
func (d *Disk) Lock(name string) (func() error, error) {
	path := filepath.Join(d.root, filepath.FromSlash(name))
	for {
		file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
		if err != nil {
			return nil, err
		}
		err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, errors.Join(ErrLocked, file.Close())
		}
		if err != nil {
			return nil, errors.Join(err, file.Close())
		}
		if isStill(file, path) {
			return func() error { return errors.Join(os.Remove(path), file.Close()) }, nil
		}
		// The holder before us removed the file between our opening and locking it.
		if err := file.Close(); err != nil {
			return nil, err
		}
	}
}

func isStill(file *os.File, path string) bool {
	opened, err := file.Stat()
	if err != nil {
		return false
	}
	standing, err := os.Stat(path)
	return err == nil && os.SameFile(opened, standing)
}
