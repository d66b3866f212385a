package components

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sahilm/fuzzy"

	"codex-design/ui/theme"
)

// Entry is one file of a tree.
type Entry struct {
	Path  string
	Glyph string // its status: one character; empty while unknown
	Tone  Tone
}

// Tone says how a glyph is coloured; the glyph itself says the same.
type Tone int

// The tones.
const (
	Calm Tone = iota
	Fresh
	Changed
	Alarming
)

// branch is one line of the tree.
type branch struct {
	path  string
	name  string
	depth int
	entry int // in the entries; -1 for a directory
	files int // below a directory
	first int // the first file below a directory
}

// Tree shows files by directory, or those that match a filter as a flat list.
type Tree struct {
	Scroll  Scroll
	entries []Entry
	open    map[string]bool
	filter  string
	rows    []branch
}

// SetEntries replaces the files, which must be sorted by path, and keeps what is
// open and the row under the cursor.
func (t *Tree) SetEntries(entries []Entry) {
	selected := t.selected()
	t.entries = entries
	t.layout()
	t.show(selected)
}

// Filter keeps the files that match, best first; "" shows the tree again.
func (t *Tree) Filter(text string) {
	selected := t.selected()
	t.filter = text
	t.layout()
	if text == "" {
		t.Reveal(selected)
	} else {
		t.Scroll = Scroll{}
	}
}

// Filtered is the filter's text.
func (t *Tree) Filtered() string { return t.filter }

// Len is the number of files.
func (t *Tree) Len() int { return len(t.entries) }

// File is the path of the file under the cursor, or the first file below the
// directory under the cursor.
func (t *Tree) File() string {
	if t.Scroll.Cursor >= len(t.rows) {
		return ""
	}
	row := t.rows[t.Scroll.Cursor]
	return t.entries[max(row.entry, row.first)].Path
}

// Near are the files next to the cursor, nearest first.
func (t *Tree) Near(distance int) []string {
	var paths []string
	for by := 1; by <= distance; by++ {
		for _, at := range []int{t.Scroll.Cursor + by, t.Scroll.Cursor - by} {
			if at >= 0 && at < len(t.rows) && t.rows[at].entry >= 0 {
				paths = append(paths, t.entries[t.rows[at].entry].Path)
			}
		}
	}
	return paths
}

// Move moves the cursor.
func (t *Tree) Move(by int) { t.Scroll.Move(by, len(t.rows)) }

// Toggle opens or closes the directory under the cursor; false when it is on a file.
func (t *Tree) Toggle() bool {
	return t.Scroll.Cursor < len(t.rows) && t.fold(!t.open[t.selected()])
}

// Fold closes the directory under the cursor, or goes to the one that holds the row.
func (t *Tree) Fold() {
	if path := t.selected(); !t.open[path] || !t.fold(false) {
		if at := strings.LastIndex(path, "/"); at > 0 {
			t.show(path[:at])
		}
	}
}

// Unfold opens the directory under the cursor.
func (t *Tree) Unfold() bool { return t.fold(true) }

func (t *Tree) fold(open bool) bool {
	if t.Scroll.Cursor >= len(t.rows) || t.rows[t.Scroll.Cursor].entry >= 0 {
		return false
	}
	t.set(t.selected(), open)
	t.layout()
	return true
}

func (t *Tree) set(directory string, open bool) {
	if t.open == nil {
		t.open = map[string]bool{}
	}
	t.open[directory] = open
}

// FoldAll opens or closes every directory.
func (t *Tree) FoldAll(open bool) {
	selected := t.selected()
	t.open = map[string]bool{}
	if open {
		for _, entry := range t.entries {
			t.openTo(entry.Path)
		}
	}
	t.layout()
	t.show(selected)
}

// Reveal opens the directories above a file and puts the cursor on it.
func (t *Tree) Reveal(path string) {
	t.openTo(path)
	t.layout()
	t.show(path)
}

func (t *Tree) openTo(path string) {
	for at, r := range path {
		if r == '/' {
			t.set(path[:at], true)
		}
	}
}

func (t *Tree) selected() string {
	if t.Scroll.Cursor >= len(t.rows) {
		return ""
	}
	return t.rows[t.Scroll.Cursor].path
}

// show puts the cursor on the row of that path or the nearest directory above it.
func (t *Tree) show(path string) {
	for path != "" {
		if at := slices.IndexFunc(t.rows, func(b branch) bool { return b.path == path }); at >= 0 {
			t.Scroll.To(at, len(t.rows))
			return
		}
		path = path[:max(0, strings.LastIndex(path, "/"))]
	}
	t.Scroll.To(t.Scroll.Cursor, len(t.rows))
}

func (t *Tree) layout() {
	if t.filter != "" {
		t.rows = t.matches()
		return
	}
	t.rows = t.rows[:0]
	t.level(0, len(t.entries), "", 0)
}

// level adds the rows of the entries from..to, all below prefix: directories first.
func (t *Tree) level(from, to int, prefix string, depth int) {
	var files []branch
	for at := from; at < to; {
		path := t.entries[at].Path
		name, _, nested := strings.Cut(path[len(prefix):], "/")
		if !nested {
			files = append(files, branch{path: path, name: name, depth: depth, entry: at, first: at})
			at++
			continue
		}
		directory := prefix + name
		end := at + 1
		for end < to && strings.HasPrefix(t.entries[end].Path, directory+"/") {
			end++
		}
		t.rows = append(t.rows, branch{path: directory, name: name + "/", depth: depth, entry: -1, files: end - at, first: at})
		if t.open[directory] {
			t.level(at, end, directory+"/", depth+1)
		}
		at = end
	}
	t.rows = append(t.rows, files...)
}

// matches are the files that match the filter.
func (t *Tree) matches() []branch {
	paths := make([]string, len(t.entries))
	for i, entry := range t.entries {
		paths[i] = entry.Path
	}
	var rows []branch
	for _, match := range fuzzy.Find(t.filter, paths) {
		rows = append(rows, branch{path: match.Str, name: match.Str, entry: match.Index, first: match.Index})
	}
	return rows
}

// View draws the rows around the cursor into exactly height lines.
func (t *Tree) View(width, height int, focused bool, th *theme.Theme) []string {
	from, to := t.Scroll.Window(len(t.rows), height)
	var lines []string
	for i := from; i < to; i++ {
		lines = append(lines, t.row(t.rows[i], width, i == t.Scroll.Cursor, focused, th))
	}
	return Block(lines, height)
}

func (t *Tree) row(b branch, width int, current, focused bool, th *theme.Theme) string {
	lead, style := "  ", th.Text
	if current {
		lead, style = th.Muted.Render("▌")+" ", th.Accent
		if focused {
			lead, style = th.Accent.Render("▌")+" ", th.Selected
		}
	}
	indent := Fit("", 2*b.depth)
	room := width - 2 - 2*b.depth - 2
	if b.entry >= 0 {
		entry := t.entries[b.entry]
		return Cut(lead+indent+tone(entry.Tone, th)(Fit(entry.Glyph, 2))+style.Render(Cut(b.name, room)), width)
	}
	fold := map[bool]string{true: "▾ ", false: "▸ "}[t.open[b.path]]
	count := fmt.Sprintf(" %d", b.files)
	return Cut(lead+indent+th.Muted.Render(fold)+style.Render(Cut(b.name, room-len(count)))+th.Muted.Render(count), width)
}

func tone(tone Tone, th *theme.Theme) func(...string) string {
	switch tone {
	case Fresh:
		return th.Good.Render
	case Changed:
		return th.Warn.Render
	case Alarming:
		return th.Bad.Render
	}
	return th.Muted.Render
}
