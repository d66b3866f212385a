package generate

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/windows"
)

// Lock takes the lock file name. The lock ends with the process, so a crash
// leaves a file behind and no lock.
func (d *Disk) Lock(name string) (func() error, error) {
	path := filepath.Join(d.root, filepath.FromSlash(name))
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	const exclusiveNow = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err = windows.LockFileEx(windows.Handle(file.Fd()), exclusiveNow, 0, 1, 0, &windows.Overlapped{})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return nil, errors.Join(ErrLocked, file.Close())
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return func() error {
		err := file.Close()
		_ = os.Remove(path) // who waits for it may have it open
		return err
	}, nil
}
