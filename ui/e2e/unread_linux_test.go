package e2e

import (
	"os"

	"golang.org/x/sys/unix"
)

// unread returns how many bytes a program did not read from its terminal yet, 0 when
// the terminal is gone.
func unread(device *os.File) int {
	count, _ := unix.IoctlGetInt(int(device.Fd()), unix.TIOCINQ)
	return count
}
