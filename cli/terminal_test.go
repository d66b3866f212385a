package cli

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/creack/pty"
)

// TestMain lets a test run this program as a process of its own.
func TestMain(m *testing.M) {
	if os.Getenv("CODEX_DESIGN_RUN_MAIN") != "1" {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(Main(ctx, os.Args[1:], Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}

func process(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(self, args...)
	command.Env = append(os.Environ(), "CODEX_DESIGN_RUN_MAIN=1", "TERM=xterm-256color")
	return command
}

// screen collects what a process writes to its terminal.
type screen struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (s *screen) Write(data []byte) (int, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.text.Write(data)
}

func (s *screen) String() string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.text.String()
}

// TestNoQueryOnASilentTerminal runs commands on a terminal that answers nothing:
// a library that asks it for its colours when it starts would wait for seconds.
func TestNoQueryOnASilentTerminal(t *testing.T) {
	inTempDir(t)
	for _, args := range [][]string{{"--version"}, {"version"}, {"--help"}, {"check", "nowhere"}} {
		command := process(t, args...)
		terminal, err := pty.Start(command)
		if err != nil {
			t.Fatal(err)
		}
		var out screen
		copied := make(chan struct{})
		go func() {
			defer close(copied)
			_, _ = io.Copy(&out, terminal) // ends with EIO when the process does
		}()
		_ = command.Wait() // the exit code is another test's business
		<-copied
		if err := terminal.Close(); err != nil {
			t.Fatal(err)
		}
		if text := out.String(); strings.Contains(text, "\x1b") || text == "" {
			t.Errorf("%v: wrote %q", args, text)
		}
	}
}

func TestInterruptLeavesTheTreeWhole(t *testing.T) {
	inTempDir(t)
	command := process(t, "--example", example().Name, "--yes", "--out", "tree")
	var messages screen
	command.Stderr = &messages
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	if err := command.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	err := command.Wait()
	// Too early for the handler, in time, or too late: in each case the next run completes the tree.
	t.Logf("ended with %v: %s", err, messages.String())
	mustRun(t, "--example", example().Name, "--yes", "--out", "tree")
	mustRun(t, "--example", example().Name, "--yes", "--out", "other")
	got, want := snapshot(t, "tree"), snapshot(t, "other")
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%s differs", name)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s was left behind", name)
		}
	}
}

func TestCancelledCommandExitsWith130(t *testing.T) {
	inTempDir(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var out, messages bytes.Buffer
	code := Main(ctx, []string{"--example", example().Name, "--yes"}, Streams{In: strings.NewReader(""), Out: &out, Err: &messages})
	if code != exitInterrupted || !strings.Contains(messages.String(), "nothing was changed") {
		t.Errorf("exit code %d: %s", code, messages.String())
	}
	if left := snapshot(t, "."); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
