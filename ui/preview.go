package ui

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/charmbracelet/bubbles/textinput"
	tea "github.com/charmbracelet/bubbletea"
	"github.com/muesli/termenv"
	"github.com/spf13/afero"

	"codex-design/generate"
	"codex-design/ui/components"
	"codex-design/ui/layout"
	"codex-design/ui/theme"
)

// preview is the tree of files and the one that is looked at.
type preview struct {
	tree     components.Tree
	view     components.View // of a file that stays or comes as a whole
	changed  components.View // of one that changes, in the review
	columns  int             // of a diff; 0: as many as there is room for
	zoom     bool            // the file takes the whole window while it has the focus
	x, y     int
	stop     int // the change of the diff that the keys are about
	asked    fileKey
	shown    fileKey
	page     *components.Page
	cache    *pageCache
	followed string // the file that the step asked for

	byDirectory bool // and not by what becomes of them, in the review

	filtering bool
	filter    textinput.Model
}

func newPreview() preview {
	return preview{view: components.Rendered, changed: components.Diff, cache: newPageCache(256), filter: components.NewInput()}
}

func (p *preview) reset() {
	cache, view, changed := p.cache, p.view, p.changed
	*p = newPreview()
	p.cache, p.view, p.changed = cache, view, changed
}

// fileKey says which file is shown how. A page is current only if all of it agrees.
type fileKey struct {
	path  string
	gen   int
	view  components.View
	width int
	plan  bool // whether the plan was known

	split  bool // a diff, side by side
	chosen int  // the choices that it shows
	causes int  // the generation of the causes that it shows
}

var glyphs = map[generate.State]struct {
	glyph string
	tone  components.Tone
}{
	generate.Create:    {"+", components.Fresh},
	generate.Update:    {"~", components.Changed},
	generate.Merge:     {"&", components.Changed},
	generate.Conflict:  {"!", components.Alarming},
	generate.Keep:      {"k", components.Changed},
	generate.Delete:    {"-", components.Alarming},
	generate.Unchanged: {"=", components.Calm},
}

// showEntries puts the files into the tree: those of the plan where it is
// known, with their states, else those that will be generated.
func (m *Model) showEntries() {
	plan, ok := m.planNow()
	switch {
	case m.byGroup(plan) && (ok || m.preview.tree.Grouped()): // the last plan's stay until there is a new one
		m.preview.tree.SetGroups(grouped(plan.plan))
	case ok:
		entries := make([]components.Entry, len(plan.plan.Changes))
		for i := range entries {
			entries[i] = entryOf(&plan.plan.Changes[i])
		}
		m.preview.tree.SetEntries(entries)
	default:
		entries := make([]components.Entry, len(m.works.done.entries))
		for i, entry := range m.works.done.entries {
			entries[i] = components.Entry{Path: entry.Path, Glyph: m.oldGlyph(entry.Path)}
		}
		m.preview.tree.SetEntries(entries)
	}
	m.follow()
}

// oldGlyph is the last plan's glyph of a path, drawn without its colour until
// there is a new plan.
func (m *Model) oldGlyph(path string) string {
	change, ok := m.works.plan.change(path)
	if !ok {
		return ""
	}
	return glyphs[change.State].glyph
}

// follow turns the tree to the file that shows best what the step asks for.
func (m *Model) follow() {
	current, ok := m.current()
	if !ok || m.preview.tree.Len() == 0 || m.focus != layout.Form {
		return
	}
	service := ""
	if list, ok := m.page().(*listPage); ok {
		service = list.service()
	}
	for _, pattern := range current.shows {
		path := strings.ReplaceAll(pattern, "{service}", service)
		if _, exists := m.works.done.entry(path); exists && path != m.preview.followed {
			m.preview.followed = path
			m.preview.tree.Reveal(path)
		}
	}
}

// wantFile asks for the page of the file under the tree's cursor, if it is on
// the screen and not the one that is shown.
func (m *Model) wantFile() {
	screen := m.screen()
	path := m.preview.tree.File()
	if path == "" || !screen.File.Shown() || m.works.done.system == nil {
		return
	}
	plan, planned := m.planNow()
	if !m.known(path, plan, planned) {
		return
	}
	want := m.fileKey(path, planned)
	if want == m.preview.asked {
		return
	}
	if path != m.preview.shown.path || want.view != m.preview.shown.view {
		m.preview.page, m.preview.x, m.preview.y = nil, 0, 0
	}
	m.preview.asked = want
	m.later(m.filePage(want, true))
	for _, near := range m.preview.tree.Near(2) {
		if m.known(near, plan, planned) {
			m.later(m.filePage(m.fileKey(near, planned), false))
		}
	}
}

// splitFrom is the width at which each half of a diff holds a line of code.
const splitFrom = 100

// fileKey is how a file is to be shown now.
func (m *Model) fileKey(path string, planned bool) fileKey {
	width := m.screen().File.Width - 2
	key := fileKey{path: path, gen: m.works.done.gen, view: *m.viewOf(path), width: width, plan: planned, chosen: m.chosen}
	if path == overviewPath {
		key.causes = m.works.causes.gen
	}
	key.split = key.view == components.Diff && (m.preview.columns == 2 || m.preview.columns == 0 && width >= splitFrom)
	return key
}

// viewOf is the way in which a file is looked at. In the review, a file that
// changes has its own, so that one key does not turn the others around.
func (m *Model) viewOf(path string) *components.View {
	change, ok := m.works.plan.change(path)
	if m.step != reviewStep || !ok || change.Artifact.Owner == generate.Appended || !(change.Outdated || differs[change.State]) {
		return &m.preview.view
	}
	return &m.preview.changed
}

// differs are the states of files that are there and do not stay as they are.
var differs = map[generate.State]bool{generate.Update: true, generate.Merge: true, generate.Conflict: true, generate.Delete: true}

// known tells whether a file's content can be had now. Some files, such as the
// answers file, are only known to a plan.
func (m *Model) known(path string, plan *planned, planned bool) bool {
	if planned {
		_, ok := plan.change(path)
		return ok || path == overviewPath
	}
	_, ok := m.works.done.entry(path)
	return ok
}

// filePage makes the page of a file in the background. Pages that nobody waits
// for only go into the cache.
func (m *Model) filePage(want fileKey, wanted bool) tea.Cmd {
	entry, _ := m.works.done.entry(want.path)
	change, planned := m.works.plan.change(want.path)
	planned = planned && want.plan
	target, cache, th, profile := m.place().Fs, m.preview.cache, m.theme, m.profile
	if want.path == overviewPath {
		made := overview{plan: m.works.plan.plan, theme: th, width: want.width}
		if causes, known := m.causesNow(); known {
			made.causes = causes
		}
		return func() tea.Msg { return fileMade{want: want, page: made.page()} }
	}
	return func() tea.Msg {
		content := fileContent{entry: entry, change: change, planned: planned, target: target}
		page, err := content.page(want, cache, th, profile)
		if !wanted {
			return nil
		}
		return fileMade{want: want, page: page, err: err}
	}
}

// fileMade is a page that was asked for.
type fileMade struct {
	want fileKey
	page *components.Page
	err  error
}

func (f fileMade) apply(m *Model) tea.Cmd {
	if f.want != m.preview.asked {
		return nil
	}
	if f.err != nil {
		f.page = components.NewPage([]string{f.err.Error()})
	}
	fresh, before := m.preview.page == nil, m.preview.shown
	m.preview.shown, m.preview.page = f.want, f.page
	switch {
	case f.want.view != components.Diff:
	case fresh:
		m.firstStop(f.want.path)
	case before.width != f.want.width || before.split != f.want.split:
		m.toStop(m.preview.stop) // which is elsewhere now
	}
	return nil
}

// fileContent is where the bytes of a file come from.
type fileContent struct {
	entry   generate.Entry
	change  generate.Change
	planned bool
	target  afero.Fs
}

func (c fileContent) page(want fileKey, cache *pageCache, th *theme.Theme, profile termenv.Profile) (*components.Page, error) {
	before, after, err := c.bytes(want.view == components.Diff)
	if err != nil {
		return nil, err
	}
	key := pageKey{want.path, want.view, want.width, th.Name, string(before), string(after), want.split, c.standing()}
	return cache.get(key, func() (*components.Page, error) {
		switch {
		case want.view == components.Diff:
			return components.Compare(c.parts(before, after), want.width, want.split, th), nil
		case want.view == components.Raw, c.change.State == generate.Conflict:
			return components.Plain(string(after), th), nil
		}
		return components.Highlight(want.path, string(after), want.width, th, profile)
	})
}

// standing is what was chosen for each conflict, for a page that shows it.
func (c fileContent) standing() string {
	if !c.planned {
		return ""
	}
	return fmt.Sprint(c.change.Choices)
}

// bytes are the file's content on disk, if it is needed, and after the commit.
func (c fileContent) bytes(withBefore bool) (before, after []byte, err error) {
	if c.planned {
		if !withBefore {
			return nil, c.after(), nil
		}
		if c.change.Outdated { // what taking the design's content would change
			return c.change.Before, c.change.Artifact.Content, nil
		}
		return c.change.Before, c.change.After, nil
	}
	artifact, err := c.entry.Render()
	if err != nil || !withBefore {
		return nil, artifact.Content, err
	}
	before, err = afero.ReadFile(c.target, artifact.Path)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return before, artifact.Content, err
}

func (c fileContent) after() []byte {
	if c.change.State == generate.Delete {
		return c.change.Before
	}
	return c.change.After
}

// pageKey is everything that a page depends on.
type pageKey struct {
	path          string
	view          components.View
	width         int
	theme         string
	before, after string
	split         bool
	standing      string
}

// pageCache keeps the pages made last. It is used by several commands at once.
type pageCache struct {
	lock  sync.Mutex
	limit int
	pages map[pageKey]*components.Page
	order []pageKey // oldest first
}

func newPageCache(limit int) *pageCache {
	return &pageCache{limit: limit, pages: map[pageKey]*components.Page{}}
}

func (c *pageCache) get(key pageKey, make func() (*components.Page, error)) (*components.Page, error) {
	c.lock.Lock()
	page, ok := c.pages[key]
	c.lock.Unlock()
	if ok {
		return page, nil
	}
	page, err := make()
	if err != nil {
		return nil, err
	}
	c.lock.Lock()
	defer c.lock.Unlock()
	if _, ok := c.pages[key]; !ok {
		c.order = append(c.order, key)
	}
	c.pages[key] = page
	if len(c.order) > c.limit {
		delete(c.pages, c.order[0])
		c.order = slices.Clone(c.order[1:])
	}
	return page, nil
}

// The tree's keys.
func (m *Model) treeActions() []action {
	if m.preview.filtering {
		return m.filterActions()
	}
	tree := &m.preview.tree
	return append([]action{
		act("enter", "enter", "open", m.openRow),
		unless(m.noFile, act("v", "v", "view: "+string(m.nextView()), do(m.turnView))),
		act("/", "/", "filter", do(m.startFilter)),
		quietly("s", "s", "by what becomes of them, or by directory", do(m.turnOrder)),
		unless(m.noFile, act("e", "e", "in $EDITOR", m.openEditor)),
		quietly("up k", "↑", "up", do(func() { m.moveTree(-1) })),
		quietly("down j", "↓", "down", do(func() { m.moveTree(1) })),
		quietly("pgup", "pgup", "a page up", do(func() { m.moveTree(-m.screen().Tree.Height) })),
		quietly("pgdown", "pgdn", "a page down", do(func() { m.moveTree(m.screen().Tree.Height) })),
		quietly("home", "home", "first", do(func() { m.moveTree(-1 << 30) })),
		quietly("end", "end", "last", do(func() { m.moveTree(1 << 30) })),
		quietly("left h", "←", "close the directory", do(tree.Fold)),
		quietly("right l", "→", "open the directory", do(func() { tree.Unfold() })),
		quietly("+", "+", "open all", do(func() { tree.FoldAll(true) })),
		quietly("-", "-", "close all", do(func() { tree.FoldAll(false) })),
	}, m.lookActions()...)
}

// noFile is why nothing can be done with the file under the cursor where it is none.
func (m *Model) noFile() string {
	if m.preview.tree.File() == overviewPath {
		return "This page is no file: it is about all of them."
	}
	return ""
}

// lookActions are those of the tree and the file alike.
func (m *Model) lookActions() []action {
	return []action{
		quietly("z", "z", "the file in the whole window, or not", do(m.turnZoom)),
		quietly("w", "w", "differences in one column or side by side", do(m.turnColumns)),
		quietly("u", "u", "undo", func() tea.Cmd { return m.restore(m.past.undo, "Nothing to undo.") }),
		quietly("U", "U", "redo", func() tea.Cmd { return m.restore(m.past.redo, "Nothing to redo.") }),
	}
}

func (m *Model) moveTree(by int) { m.preview.tree.Move(by) }

func (m *Model) openRow() tea.Cmd {
	if !m.preview.tree.Toggle() {
		m.focus = layout.File
	}
	return nil
}

var views = []components.View{components.Rendered, components.Raw, components.Diff}

func (m *Model) nextView() components.View {
	return views[(slices.Index(views, *m.viewOf(m.preview.tree.File()))+1)%len(views)]
}

func (m *Model) turnView() { *m.viewOf(m.preview.tree.File()) = m.nextView() }

// turnOrder shows the files by what becomes of them, or by directory.
func (m *Model) turnOrder() {
	plan, ok := m.planNow()
	switch {
	case !ok:
		m.say("The plan is being made.")
		return
	case m.step != reviewStep || !plan.reopened:
		m.say("All files are new: there is no other order to show them in.")
		return
	}
	m.preview.byDirectory = !m.preview.byDirectory
	m.showEntries()
}

// The columns of a diff, in the order in which a key goes through them.
var columnNames = []string{"as many columns as there is room for", "one column", "side by side"}

func (m *Model) turnColumns() {
	m.preview.columns = (m.preview.columns + 1) % len(columnNames)
	m.say("Differences: " + columnNames[m.preview.columns] + ".")
}

func (m *Model) turnZoom() {
	m.preview.zoom = !m.preview.zoom || m.focus != layout.File
	if m.preview.zoom {
		m.focus = layout.File
	}
}

func (m *Model) startFilter() {
	m.preview.filtering = true
	m.preview.filter.SetValue(m.preview.tree.Filtered())
	m.preview.filter.CursorEnd()
}

func (m *Model) filterActions() []action {
	return []action{
		act("enter", "enter", "keep", do(func() { m.preview.filtering = false })),
		act("esc", "esc", "all files", do(func() {
			m.preview.filtering = false
			m.preview.tree.Filter("")
		})),
		quietly("up", "↑", "up", do(func() { m.moveTree(-1) })),
		quietly("down", "↓", "down", do(func() { m.moveTree(1) })),
	}
}

func (m *Model) typeFilter(msg tea.Msg) tea.Cmd {
	var cmd tea.Cmd
	m.preview.filter, cmd = m.preview.filter.Update(msg)
	m.preview.tree.Filter(strings.TrimSpace(m.preview.filter.Value()))
	return cmd
}

// The file's keys.
func (m *Model) fileActions() []action {
	page := func() int { return max(1, m.fileRoom()) }
	return append([]action{
		act("up k", "↑↓", "scroll", do(func() { m.scrollFile(-1) })),
		quietly("down j", "↓", "down", do(func() { m.scrollFile(1) })),
		unless(m.noFile, act("v", "v", "view: "+string(m.nextView()), do(m.turnView))),
		unless(m.noFile, act("e", "e", "in $EDITOR", m.openEditor)),
		act("n", "n", "next file", do(func() { m.moveTree(1) })),
		quietly("p", "p", "file before", do(func() { m.moveTree(-1) })),
		quietly("pgup b", "pgup", "a page up", do(func() { m.scrollFile(-page()) })),
		quietly("pgdown space", "pgdn", "a page down", do(func() { m.scrollFile(page()) })),
		quietly("home g", "home", "top", do(func() { m.scrollFile(-1 << 30) })),
		quietly("end G", "end", "bottom", do(func() { m.scrollFile(1 << 30) })),
		quietly("left h", "←", "to the left", do(func() { m.preview.x = max(0, m.preview.x-8) })),
		quietly("right l", "→", "to the right", do(m.scrollRight)),
	}, m.lookActions()...)
}

func (m *Model) scrollFile(by int) {
	if m.preview.page != nil {
		m.preview.y = max(0, min(m.preview.y+by, len(m.preview.page.Lines)-1))
	}
}

func (m *Model) scrollRight() {
	if page := m.preview.page; page != nil {
		m.preview.x = max(0, min(m.preview.x+8, page.Wide-m.preview.shown.width))
	}
}
