//go:build !linux

package e2e

import "os"

// unread returns 0: what waits in a terminal is not asked on this system.
func unread(*os.File) int { return 0 }
