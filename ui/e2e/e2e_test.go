// Package e2e uses the real program in a real terminal, key by key.
package e2e

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/hinshun/vt10x"
)

var binary = sync.OnceValues(func() (string, error) {
	directory, err := os.MkdirTemp("", "codex-design-e2e-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(directory, "codex-design")
	build := exec.Command("go", "build", "-o", path, "codex-design")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := binary(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// patience is how long a screen may take: a busy machine is no failure.
const patience = time.Minute

// session is the program in a terminal.
type session struct {
	t        *testing.T
	terminal *os.File
	device   *os.File // the program's end of the terminal
	command  *exec.Cmd
	screen   vt10x.Terminal
	lock     sync.Mutex
	raw      bytes.Buffer
	closed   chan struct{}
}

// open starts the program in a directory of its own, or in the given one.
func open(t *testing.T, width, height int, directory string, arguments ...string) *session {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	s := &session{t: t, screen: vt10x.New(vt10x.WithSize(width, height)), closed: make(chan struct{})}
	s.command = exec.Command(path, arguments...)
	s.command.Dir = directory
	s.command.Env = append(os.Environ(), "TERM=xterm-256color", "NO_COLOR=", "CI=", "XDG_STATE_HOME="+filepath.Join(directory, ".state"), "HOME="+directory)
	if s.terminal, s.device, err = pty.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	if err := pty.Setsize(s.terminal, &pty.Winsize{Cols: uint16(width), Rows: uint16(height)}); err != nil {
		t.Fatal(err)
	}
	s.command.Stdin, s.command.Stdout, s.command.Stderr = s.device, s.device, s.device
	s.command.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := s.command.Start(); err != nil {
		t.Fatal(err)
	}
	go s.read()
	return s
}

func (s *session) read() {
	defer close(s.closed)
	buffer := make([]byte, 1<<16)
	for {
		n, err := s.terminal.Read(buffer)
		s.lock.Lock()
		s.raw.Write(buffer[:n])
		_, _ = s.screen.Write(buffer[:n])
		s.lock.Unlock()
		if err != nil {
			return
		}
	}
}

func (s *session) stop() {
	if s.command.Process != nil {
		_ = s.command.Process.Kill()
		_, _ = s.command.Process.Wait()
	}
	_ = s.device.Close()
	_ = s.terminal.Close()
}

func (s *session) text() string {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.screen.String()
}

// sees waits for a text on the screen.
func (s *session) sees(text string) *session {
	s.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if strings.Contains(s.text(), text) {
			return s
		}
	}
	s.t.Fatalf("%q did not come:\n%s", text, s.text())
	return s
}

var codes = map[string]string{
	"enter": "\r", "esc": "\x1b", "tab": "\t", "up": "\x1b[A", "down": "\x1b[B", "ctrl+n": "\x0e", "ctrl+p": "\x10",
	"ctrl+c": "\x03", "ctrl+u": "\x15", "ctrl+z": "\x1a", "ctrl+g": "\x07",
}

// press sends one key after the other; anything that is no key's name is typed.
func (s *session) press(keys ...string) *session {
	for _, key := range keys {
		if code, ok := codes[key]; ok {
			s.write(code)
			continue
		}
		for _, letter := range key {
			s.write(string(letter))
		}
	}
	return s
}

func (s *session) write(text string) {
	if _, err := s.terminal.WriteString(text); err != nil {
		s.t.Fatal(err)
	}
	// A key a read, as from a keyboard: an escape that is read with the next key is another key.
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		time.Sleep(4 * time.Millisecond)
		if unread(s.device) == 0 {
			return
		}
	}
	s.t.Fatalf("%q was not read:\n%s", text, s.text())
}

// ends waits for the program to end and returns its exit code.
func (s *session) ends() int {
	s.t.Helper()
	done := make(chan int, 1)
	go func() {
		state, _ := s.command.Process.Wait()
		done <- state.ExitCode()
	}()
	select {
	case code := <-done:
		_ = s.device.Close() // so that reading the terminal ends
		return code
	case <-time.After(patience):
		s.t.Fatalf("did not end:\n%s", s.text())
		return -1
	}
}

func TestVersionOnASilentTerminal(t *testing.T) {
	s := open(t, 80, 24, t.TempDir(), "version")
	if code := s.ends(); code != 0 {
		t.Fatalf("exit code %d: %s", code, s.text())
	}
	<-s.closed
	if bytes.ContainsRune(s.raw.Bytes(), '\x1b') {
		t.Errorf("wrote an escape: %q", s.raw.Bytes())
	}
}

func TestWholeJourneyInEverySize(t *testing.T) {
	for _, size := range [][2]int{{60, 16}, {80, 24}, {120, 40}, {200, 60}} {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			t.Parallel()
			journey(t, size[0], size[1])
		})
	}
}

// journey makes a new design, commits it, re-opens it, renames something, takes
// it back, changes something else, commits again and leaves midway.
func journey(t *testing.T, width, height int) {
	directory := t.TempDir()
	s := open(t, width, height, directory).sees("A blank design")
	s.press("enter").sees("Project 1/").press("shop", "ctrl+n").sees("Architecture 2/").press("enter").sees("Scale 3/")
	s.press("ctrl+n").sees("Services 4/").press("a", "catalog", "enter", "enter").sees("catalog")
	s.press("ctrl+n").sees("Entities 5/").press("a", "product", "enter", "enter").sees("product")
	s.press("ctrl+n").sees("Fields 6/").press("a", "sku: string(32) requird", "enter").sees("required")
	s.press("ctrl+u", "sku: string(32) required unique", "enter", "enter").sees("sku: string(32)")
	s.press("ctrl+p").sees("Entities 5/").press("ctrl+n").sees("Fields 6/")
	s.press("ctrl+n").sees("Connections 7/").press("ctrl+n").sees("Datastores 8/").press("ctrl+n").sees("Security 9/").press("ctrl+n").sees("Delivery 10/")
	s.press("ctrl+n").sees("Review 11/").press("c").sees("Press enter to write").press("enter").sees("Done")
	s.press("enter")
	if code := s.ends(); code != 0 {
		t.Fatalf("exit code %d after the commit", code)
	}
	tree := filepath.Join(directory, "shop")
	answers := func() string {
		text, err := os.ReadFile(filepath.Join(tree, "codex-design.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	before := answers()

	s = open(t, width, height, tree).sees("Review 11/")
	s.press("ctrl+g").sees("Services").press("up", "up", "up", "up", "up", "enter").sees("Fields 6/")
	s.press("down", "r").press("ctrl+u", "code", "enter").sees("was(sku)").press("ctrl+z").sees("sku: string(32)")
	s.press("a", "note: text", "enter", "enter").sees("note: text")
	s.press("ctrl+g", "down", "down", "down", "down", "down", "enter").sees("Review 11/").press("c").sees("Press enter to write")
	s.press("enter").sees("Done").press("enter")
	if code := s.ends(); code != 0 {
		t.Fatalf("exit code %d after the second commit", code)
	}
	after := answers()
	if !strings.Contains(after, "- note: text") || strings.Replace(after, "          - note: text\n", "", 1) != before {
		t.Fatalf("the answers were\n%s\nand are now\n%s", before, after)
	}

	s = open(t, width, height, tree).sees("Review 11/").press("ctrl+g", "up", "up", "up", "enter").sees("Datastores 8/")
	s.press("ctrl+g", "up", "up", "up", "up", "enter").sees("Services 4/").press("c", "enter").sees("catalog-2")
	s.resize(40, 10).sees("needs a window").resize(width, height).sees("catalog-2")
	s.press("ctrl+c").sees("Leave?").press("d")
	if code := s.ends(); code != 130 {
		t.Fatalf("exit code %d after leaving midway", code)
	}
	if answers() != after {
		t.Fatal("leaving midway changed the answers")
	}
}

const tweakedDesign = `version: 1
name: shop
architecture: microservices
scale: small
services:
  - name: catalog
    entities:
      - name: product
        fields:
          - sku: string(32) required unique
          - price: decimal(12,2) required
datastores: {database: postgresql, cache: none, broker: none}
`

const schemas = "services/catalog/src/catalog_service/gen/product/schemas.py"

// TestReopenTweakResolveUndo re-opens a design in whose tree somebody edited lines
// that a tweak of a field changes too, chooses for each conflict, commits and takes
// the commit back.
func TestReopenTweakResolveUndo(t *testing.T) {
	for _, size := range [][2]int{{60, 16}, {80, 24}, {120, 40}, {200, 60}} {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			t.Parallel()
			directory := t.TempDir()
			write(t, filepath.Join(directory, "codex-design.yaml"), tweakedDesign)
			command(t, directory, "--yes")
			file := filepath.Join(directory, schemas)
			edited := strings.NewReplacer(
				"ProductPrice = Annotated[Decimal, DecimalText(12, 2)]", "ProductPrice = Annotated[Decimal, DecimalText(12, 2)]  # cents",
				"    price: Annotated[Decimal, DecimalText(12, 2)]", "    price: Annotated[Decimal, DecimalText(10, 2)]",
				"    updated_at: Timestamp", "    updated_at: Timestamp  # ours",
			).Replace(read(t, file))
			write(t, file, edited)
			before := treeOf(t, directory)
			tweakAndResolve(t, size[0], size[1], directory)

			want := strings.NewReplacer("DecimalText(10, 2)", "DecimalText(14, 4)").Replace(edited)
			if got := read(t, file); got != want {
				t.Errorf("%s holds\n%s\nwant\n%s", schemas, got, want)
			}
			if migrations, _ := filepath.Glob(filepath.Join(directory, "services/catalog/migrations/*.sql")); len(migrations) < 3 {
				t.Errorf("the migrations are %v", migrations)
			}
			if answers := read(t, filepath.Join(directory, "codex-design.yaml")); answers != strings.Replace(tweakedDesign, "decimal(12,2)", "decimal(14,4)", 1) {
				t.Errorf("the answers are\n%s", answers)
			}
			command(t, directory, "undo")
			if after := treeOf(t, directory); !maps.Equal(before, after) {
				for path, content := range after {
					if before[path] != content {
						t.Errorf("%s is not as it was", path)
					}
				}
				t.Errorf("%d files before the commit, %d after undo", len(before), len(after))
			}
		})
	}
}

// tweakAndResolve is what a user does of it, with a wrong key here and there.
func tweakAndResolve(t *testing.T, width, height int, directory string) {
	s := open(t, width, height, directory).sees("Review 11/").sees("What changes")
	s.press("ctrl+g").sees("Services").press("up", "up", "up", "up", "up", "enter").sees("Fields 6/")
	s.press("down", "down", "enter", "ctrl+u", "price: decimal(14,4) required", "enter").sees("price: decimal(14,4) required")
	s.press("ctrl+g", "down", "down", "down", "down", "down", "enter").sees("Review 11/").sees("2 conflicts are open")
	s.sees("New migrations").press("c").sees("2 conflicts are open in 1 file: choose m").sees("conflict 1 of 2: open")
	s.sees("because").sees("decimal(12,2)")
	s.press("k", "m").sees("1 conflict is open").press("g").sees("no conflict is left")
	s.press("u").sees("1 conflict is open").press("b").sees("both, between markers").press("g").sees("the generated lines are taken")
	s.resize(40, 10).sees("needs a window").resize(width, height).sees("the generated lines are taken")
	s.press("c").sees("Press enter to write").press("enter").sees("Done").press("enter")
	if code := s.ends(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
}

// command runs the program without a terminal.
func command(t *testing.T, directory string, arguments ...string) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	run := exec.Command(path, arguments...)
	run.Dir = directory
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", arguments, err, out)
	}
}

// treeOf is every file of a directory that is not kept by the program for itself.
func treeOf(t *testing.T, directory string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(directory, func(path string, entry fs.DirEntry, err error) error {
		name := entry.Name()
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (name == ".codex-design" || name == ".state"):
			return filepath.SkipDir
		case !entry.IsDir():
			files[path] = read(t, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (s *session) resize(width, height int) *session {
	if err := pty.Setsize(s.terminal, &pty.Winsize{Cols: uint16(width), Rows: uint16(height)}); err != nil {
		s.t.Fatal(err)
	}
	s.lock.Lock()
	s.screen.Resize(width, height)
	s.lock.Unlock()
	return s
}
