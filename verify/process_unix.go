//go:build unix

package verify

import (
	"os/exec"
	"syscall"
)

// group gives a process a group of its own, which is asked to end as a whole.
func group(process *exec.Cmd) {
	process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	process.Cancel = func() error { return syscall.Kill(-process.Process.Pid, syscall.SIGTERM) }
}

// endGroup ends what is left of a group that was asked to end.
func endGroup(process *exec.Cmd) {
	if process.Process != nil {
		_ = syscall.Kill(-process.Process.Pid, syscall.SIGKILL)
	}
}
