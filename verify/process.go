package verify

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"time"
)

// Command is a program to run.
type Command struct {
	Path  string
	Args  []string
	Dir   string
	Env   []string // beside the user's own
	Input []byte
}

// Answer is what a program left behind.
type Answer struct {
	Code        int
	Out, ErrOut string
}

// Processes starts programs.
type Processes interface {
	// Find returns the path of a program that can be run, "" when there is none.
	Find(name string) string
	// Run runs a program to its end. An error means that it could not be started
	// or was ended because of ctx; then nothing that it started is left.
	Run(ctx context.Context, command Command) (Answer, error)
}

// System starts programs of this machine.
type System struct{}

// Find looks on the PATH.
func (System) Find(name string) string {
	found, err := exec.LookPath(name)
	if err != nil {
		return ""
	}
	return found
}

// graceful is how long a program may take to end and to stop its own servers.
const graceful = 5 * time.Second

// Run runs a program in a process group of its own, so that all of it can be ended.
func (System) Run(ctx context.Context, command Command) (Answer, error) {
	process := exec.CommandContext(ctx, command.Path, command.Args...)
	process.Dir = command.Dir
	process.Env = append(os.Environ(), command.Env...)
	process.Stdin = bytes.NewReader(command.Input)
	var out, errOut bytes.Buffer
	process.Stdout, process.Stderr = &out, &errOut
	process.WaitDelay = graceful
	group(process)
	err := process.Run()
	if ctx.Err() != nil {
		endGroup(process)
		return Answer{}, ctx.Err()
	}
	answer := Answer{Code: process.ProcessState.ExitCode(), Out: out.String(), ErrOut: errOut.String()}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = nil
	}
	return answer, err
}
