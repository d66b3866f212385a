package generate

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// SyncAll makes everything written to the directory's file system durable.
func (d *Disk) SyncAll() error {
	dir, err := os.Open(d.root)
	if err != nil {
		return err
	}
	return errors.Join(unix.Syncfs(int(dir.Fd())), dir.Close())
}
