package components

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/charmbracelet/lipgloss"
	"github.com/sahilm/fuzzy"

	"codex-design/ui/theme"
)

// Entry is one file of a tree.
type Entry struct {
	Path  string
	Glyph string // its status: one character; empty while unknown
	Tone  Tone
	Label string // drawn in place of the path
	Note  string // drawn behind it, below the title of a group
}

// Group is files under a title. One without a title is always open.
type Group struct {
	Title   string
	Glyph   string
	Tone    Tone
	Open    bool // unless its user closed it
	Entries []Entry
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
	group int // that it is the title of; -1: it is none
}

// Tree shows files by directory or by group, or those that match a filter as a
// flat list.
type Tree struct {
	Scroll  Scroll
	entries []Entry
	groups  []Group
	open    map[string]bool
	filter  string
	rows    []branch
}

// SetEntries replaces the files, which must be sorted by path, and keeps what is
// open and the row under the cursor.
func (t *Tree) SetEntries(entries []Entry) {
	selected := t.selected()
	t.entries, t.groups = entries, nil
	t.layout()
	t.show(selected)
}

// SetGroups is SetEntries for files by group.
func (t *Tree) SetGroups(groups []Group) {
	selected := t.selected()
	t.entries, t.groups = nil, groups
	for _, group := range groups {
		t.entries = append(t.entries, group.Entries...)
	}
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

// Grouped tells whether the files are shown by group.
func (t *Tree) Grouped() bool { return len(t.groups) > 0 }

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

// Top moves the cursor to the first row.
func (t *Tree) Top() { t.Scroll = Scroll{} }

// Toggle opens or closes the directory under the cursor; false when it is on a file.
func (t *Tree) Toggle() bool {
	return t.Scroll.Cursor < len(t.rows) && t.fold(!t.isOpen(t.rows[t.Scroll.Cursor]))
}

// Fold closes the directory under the cursor, or goes to the one that holds the row.
func (t *Tree) Fold() {
	if t.Scroll.Cursor >= len(t.rows) || t.isOpen(t.rows[t.Scroll.Cursor]) && t.fold(false) {
		return
	}
	path := t.selected()
	if group := t.groupOf(path); group >= 0 {
		t.show(groupKey(t.groups[group]))
	} else if at := strings.LastIndex(path, "/"); at > 0 {
		t.show(path[:at])
	}
}

// isOpen says whether what is below a row is shown.
func (t *Tree) isOpen(row branch) bool {
	open, set := t.open[row.path]
	return open || !set && row.group >= 0 && t.groups[row.group].Open
}

// groupKey is the path of a group's title; no file has it.
func groupKey(group Group) string { return "\x00" + group.Title }

// groupOf is the group that holds a file; -1 where there is none.
func (t *Tree) groupOf(path string) int {
	return slices.IndexFunc(t.groups, func(g Group) bool {
		return slices.ContainsFunc(g.Entries, func(e Entry) bool { return e.Path == path })
	})
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
	for _, group := range t.groups {
		t.set(groupKey(group), open)
	}
	if open && len(t.groups) == 0 {
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
	if len(t.groups) > 0 {
		if group := t.groupOf(path); group >= 0 {
			t.set(groupKey(t.groups[group]), true)
		}
		return
	}
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
	if len(t.groups) > 0 {
		t.byGroup()
		return
	}
	t.level(0, len(t.entries), "", 0)
}

func (t *Tree) byGroup() {
	first := 0
	for i, group := range t.groups {
		title := branch{path: groupKey(group), name: group.Title, entry: -1, files: len(group.Entries), first: first, group: i}
		depth := 0
		if group.Title != "" {
			t.rows = append(t.rows, title)
			depth = 1
		}
		if group.Title == "" || t.isOpen(title) {
			for j, entry := range group.Entries {
				t.rows = append(t.rows, branch{path: entry.Path, name: cmp.Or(entry.Label, entry.Path), depth: depth, entry: first + j, first: first + j, group: -1})
			}
		}
		first += len(group.Entries)
	}
}

// level adds the rows of the entries from..to, all below prefix: directories first.
func (t *Tree) level(from, to int, prefix string, depth int) {
	var files []branch
	for at := from; at < to; {
		path := t.entries[at].Path
		name, _, nested := strings.Cut(path[len(prefix):], "/")
		if !nested {
			files = append(files, branch{path: path, name: name, depth: depth, entry: at, first: at, group: -1})
			at++
			continue
		}
		directory := prefix + name
		end := at + 1
		for end < to && strings.HasPrefix(t.entries[end].Path, directory+"/") {
			end++
		}
		t.rows = append(t.rows, branch{path: directory, name: name + "/", depth: depth, entry: -1, files: end - at, first: at, group: -1})
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
		rows = append(rows, branch{path: match.Str, name: cmp.Or(t.entries[match.Index].Label, match.Str), entry: match.Index, first: match.Index, group: -1})
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
	switch {
	case b.entry >= 0 && len(t.groups) > 0 && t.filter == "":
		return Cut(lead+indent+t.inGroup(b, room+2, style, th), width)
	case b.entry >= 0:
		entry := t.entries[b.entry]
		return Cut(lead+indent+tone(entry.Tone, th)(Fit(entry.Glyph, 2))+style.Render(CutLeft(b.name, room)), width)
	}
	fold := map[bool]string{true: "▾ ", false: "▸ "}[t.isOpen(b)]
	count := fmt.Sprintf(" %d", b.files)
	if b.group >= 0 {
		fold += tone(t.groups[b.group].Tone, th)(t.groups[b.group].Glyph) + " "
		room -= 2
	}
	return Cut(lead+indent+th.Muted.Render(fold)+style.Render(Cut(b.name, room-len(count)))+th.Muted.Render(count), width)
}

// inGroup draws a file below the title of its group: the title says its status,
// and the end of the path says most.
func (t *Tree) inGroup(b branch, room int, style lipgloss.Style, th *theme.Theme) string {
	entry, note := t.entries[b.entry], ""
	if entry.Note != "" {
		note = "  " + tone(entry.Tone, th)(entry.Note)
		room -= StringWidth(note)
	}
	name := CutPath(b.name, room)
	at := strings.LastIndex(name, "/") + 1
	return th.Muted.Render(name[:at]) + style.Render(name[at:]) + note
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
