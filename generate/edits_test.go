package generate

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/spf13/afero"
)

// editTree has a text with room between what changes and what stays, a file that
// is no text and one that can be run.
var editTree = map[string]string{
	"app.py.tmpl":   "title = <% quote .System.Title %>\n\n\n\ndef run():\n    stop()\n",
	"open.txt.tmpl": "title <% .System.Title %>\n\n\n\nthe end",
	"logo.png.tmpl": "\x89PNG\x00<% .System.Title %>\x00",
	"run.sh.tmpl":   "#!/bin/sh\necho <% .System.Title %>\n",
}

func TestEditsOfEveryKindOfFile(t *testing.T) {
	crlf := func(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") }
	app := func(title, end string) string {
		return "title = \"" + title + "\"\n\n\n\ndef run():\n    stop(" + end + ")\n"
	}
	for _, test := range []struct {
		name, path, edit string // edit: what the user makes of the file
		choice           Choice
		state            State
		after            string
	}{
		{"only the line ends are Windows's", "app.py", crlf(app("A", "")), Undecided, Update, crlf(app("B", ""))},
		{"edited with Windows line ends", "app.py", crlf(app("A", "now")), Undecided, Merge, crlf(app("B", "now"))},
		{"a conflict with Windows line ends", "app.py", crlf(app("X", "")), Markers, Conflict, crlf("<<<<<<< yours\ntitle = \"X\"\n=======\ntitle = \"B\"\n>>>>>>> generated\n") + crlf(strings.TrimPrefix(app("", ""), "title = \"\"\n"))},
		{"some line ends are Windows's", "app.py", strings.Replace(app("A", ""), "stop()\n", "stop()\r\n", 1), Undecided, Merge, strings.Replace(app("B", ""), "stop()\n", "stop()\r\n", 1)},
		{"a last line end is added", "open.txt", "title A\n\n\n\nthe end\n", Undecided, Merge, "title B\n\n\n\nthe end\n"},
		{"the last line is edited and stays open", "open.txt", "title A\n\n\n\nthe very end", Undecided, Merge, "title B\n\n\n\nthe very end"},
		{"the last line end is removed", "app.py", strings.TrimSuffix(app("A", ""), "\n"), Undecided, Merge, strings.TrimSuffix(app("B", ""), "\n")},
		{"emptied", "app.py", "", KeepMine, Merge, ""},
		{"no text: untouched", "logo.png", "\x89PNG\x00A\x00", Undecided, Update, "\x89PNG\x00B\x00"},
		{"no text: mine", "logo.png", "\x89PNG\x00mine\x00", KeepMine, Merge, "\x89PNG\x00mine\x00"},
		{"no text: the new one", "logo.png", "\x89PNG\x00mine\x00", TakeNew, Merge, "\x89PNG\x00B\x00"},
		{"a text becomes none", "app.py", "\x00\xff", KeepMine, Merge, "\x00\xff"},
		{"another encoding", "app.py", "title = \"\xe4\"\n", KeepMine, Merge, "title = \"\xe4\"\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := newGenerations(t, editTree)
			g.generate(t, design("A"))
			put(t, g.target, test.path, test.edit)
			before := standing(t, g.target)
			plan := g.generate(t, with(design("B"), test.choice))
			if c := changeOf(plan, test.path); c.State != test.state {
				t.Errorf("%s %q", c.State, c.Reason)
			}
			if got := files(t, g.target)[test.path]; got != test.after {
				t.Errorf("%q, want %q", got, test.after)
			}
			g.undo(t)
			if problem := difference(before, standing(t, g.target)); problem != "" {
				t.Errorf("after undo: %s", problem)
			}
		})
	}
}

func TestUndoOfAFileThatGotWindowsLineEnds(t *testing.T) {
	g := newGenerations(t, editTree)
	g.generate(t, design("A"))
	g.generate(t, design("B"))
	put(t, g.target, "app.py", strings.ReplaceAll(files(t, g.target)["app.py"], "\n", "\r\n")+"mine\r\n")
	g.undo(t)
	if got := files(t, g.target)["app.py"]; got != "title = \"A\"\r\n\r\n\r\n\r\ndef run():\r\n    stop()\r\nmine\r\n" {
		t.Errorf("%q", got)
	}
}

// TestConflictsOfNoTextAsk: there are no lines to put markers between, so both
// sides cannot be in the file.
func TestConflictsOfNoTextAsk(t *testing.T) {
	g := newGenerations(t, editTree)
	g.generate(t, design("A"))
	put(t, g.target, "logo.png", "\x89PNG\x00mine\x00")
	for _, choice := range []Choice{Undecided, Markers} {
		plan := g.plan(t, with(design("B"), choice))
		if c := changeOf(plan, "logo.png"); c.State != Conflict || len(plan.Blocked) != 1 {
			t.Errorf("%q: %s, blocked by %v", choice, c.State, plan.Blocked)
		}
	}
}

func TestWhetherAFileCanBeRunIsMerged(t *testing.T) {
	plain, script := map[string]string{"tool.tmpl": "echo <% .System.Title %>\n"}, map[string]string{"tool.tmpl": "#!/bin/sh\necho <% .System.Title %>\n"}
	for _, test := range []struct {
		name          string
		first, second map[string]string
		title         string
		user          func(afero.Fs) error
		want          bool
	}{
		{"nobody changes it", script, script, "B", nil, true},
		{"the user allows it", plain, plain, "B", func(fs afero.Fs) error { return fs.Chmod("tool", 0o755) }, true},
		{"the user forbids it", script, script, "B", func(fs afero.Fs) error { return fs.Chmod("tool", 0o600) }, false},
		{"the design allows it", plain, script, "A", nil, true},
		{"the design forbids it", script, plain, "A", nil, false},
		{"both allow it", plain, script, "B", func(fs afero.Fs) error { return fs.Chmod("tool", 0o755) }, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := newGenerations(t, test.first)
			g.generate(t, design("A"))
			if test.user != nil {
				if err := test.user(g.target); err != nil {
					t.Fatal(err)
				}
			}
			before := standing(t, g.target)
			g.templates = load(t, test.second)
			g.generate(t, design(test.title))
			info, err := g.target.Stat("tool")
			if err != nil || (info.Mode()&0o100 != 0) != test.want {
				t.Errorf("mode %o, error %v", info.Mode(), err)
			}
			g.undo(t)
			if problem := difference(before, standing(t, g.target)); problem != "" {
				t.Errorf("after undo: %s", problem)
			}
		})
	}
}

// TestHugeFiles merges files of a size that nobody writes by hand, in seconds.
func TestHugeFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("merges 100 MB")
	}
	var base bytes.Buffer
	for i := range 1_000_000 {
		fmt.Fprintf(&base, "line %d of a very long file\n", i)
	}
	mine := bytes.Replace(base.Bytes(), []byte("line 10 "), []byte("line mine "), 1)
	fresh := bytes.Replace(base.Bytes(), []byte("line 999990 "), []byte("line new "), 1)
	started := time.Now()
	merged := mergeContent(base.Bytes(), mine, fresh)
	if merged.Conflicts() != 0 || !strings.Contains(merged.Text(nil), "line mine ") || !strings.Contains(merged.Text(nil), "line new ") {
		t.Errorf("%d conflicts", merged.Conflicts())
	}
	t.Logf("one edit on each side: %s", time.Since(started))
	started = time.Now()
	other := bytes.ReplaceAll(base.Bytes(), []byte("very long"), []byte("rather long"))
	if merged := mergeContent(base.Bytes(), other, fresh); merged.Conflicts() == 0 {
		t.Error("no conflict although every line was edited")
	}
	t.Logf("every line edited: %s", time.Since(started))
}
