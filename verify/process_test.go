//go:build unix

package verify

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestSystemRunsAProgram(t *testing.T) {
	if (System{}).Find("no such program") != "" {
		t.Error("found what does not exist")
	}
	command := Command{
		Path: System{}.Find("sh"), Args: []string{"-c", `cat; echo "$WORD in $PWD"; echo sad >&2; exit 3`},
		Dir: "/", Env: []string{"WORD=word"}, Input: []byte("input, "),
	}
	got, err := System{}.Run(context.Background(), command)
	if want := (Answer{Code: 3, Out: "input, word in /\n", ErrOut: "sad\n"}); err != nil || got != want {
		t.Errorf("%v %+v", err, got)
	}
	if _, err := (System{}).Run(context.Background(), Command{Path: "/no/such/program"}); err == nil {
		t.Error("started what does not exist")
	}
}

// A consumer's own children end with it, also one that ignores being asked to.
func TestSystemEndsTheWholeGroup(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pids")
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		for {
			if content, err := os.ReadFile(file); err == nil && strings.Count(string(content), "\n") == 2 {
				cancel()
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	program := `sleep 60 & echo $! >> "$0"; sh -c 'trap "" TERM; echo $$ >> "$0"; while :; do sleep 0.05; done' "$0" > /dev/null 2>&1 & wait`
	_, err := System{}.Run(ctx, Command{Path: System{}.Find("sh"), Args: []string{"-c", program, file}, Dir: "/"})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range strings.Fields(string(content)) {
		pid, err := strconv.Atoi(word)
		if err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(5 * time.Second); alive(pid); {
			if time.Sleep(5 * time.Millisecond); time.Now().After(end) {
				t.Fatalf("process %d is left", pid)
			}
		}
	}
}

// alive tells whether a process runs; one that waits to be reaped does not.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err != nil || !strings.Contains(string(status), ") Z ")
}
