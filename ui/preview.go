package ui

import (
	"errors"
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
	only     generate.State // of the files in the tree; "" for all
	view     components.View
	x, y     int
	asked    fileKey
	shown    fileKey
	page     *components.Page
	cache    *pageCache
	followed string // the file that the step asked for

	filtering bool
	filter    textinput.Model
}

func newPreview() preview {
	return preview{view: components.Rendered, cache: newPageCache(256), filter: components.NewInput()}
}

func (p *preview) reset() {
	cache, view := p.cache, p.view
	*p = newPreview()
	p.cache, p.view = cache, view
}

// fileKey says which file is shown how. A page is current only if all of it agrees.
type fileKey struct {
	path  string
	gen   int
	view  components.View
	width int
	plan  bool // whether the plan was known
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
	var entries []components.Entry
	if plan, ok := m.planNow(); ok {
		for _, change := range plan.plan.Changes {
			if m.preview.only == "" || m.preview.only == change.State {
				look := glyphs[change.State]
				entries = append(entries, components.Entry{Path: change.Path, Glyph: look.glyph, Tone: look.tone})
			}
		}
	} else {
		for _, entry := range m.works.done.entries {
			entries = append(entries, components.Entry{Path: entry.Path, Glyph: m.oldGlyph(entry.Path)})
		}
	}
	m.preview.tree.SetEntries(entries)
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
	want := fileKey{path: path, gen: m.works.done.gen, view: m.preview.view, width: screen.File.Width - 2, plan: planned}
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
			key := want
			key.path = near
			m.later(m.filePage(key, false))
		}
	}
}

// known tells whether a file's content can be had now. Some files, such as the
// answers file, are only known to a plan.
func (m *Model) known(path string, plan *planned, planned bool) bool {
	if planned {
		_, ok := plan.change(path)
		return ok
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
	m.preview.shown, m.preview.page = f.want, f.page
	if plan, ok := m.planNow(); ok && f.want.view != components.Diff {
		m.showConflict(plan, f.want.path)
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
	key := pageKey{want.path, want.view, want.width, th.Name, string(before), string(after)}
	return cache.get(key, func() (*components.Page, error) {
		switch {
		case want.view == components.Diff:
			return components.Compare(string(before), string(after), th), nil
		case want.view == components.Raw, c.change.State == generate.Conflict:
			return components.Plain(string(after), th), nil
		}
		return components.Highlight(want.path, string(after), want.width, th, profile)
	})
}

// bytes are the file's content on disk, if it is needed, and after the commit.
func (c fileContent) bytes(withBefore bool) (before, after []byte, err error) {
	if c.planned {
		if !withBefore {
			return nil, c.after(), nil
		}
		return c.change.Before, c.after(), nil
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
	return []action{
		act("enter", "enter", "open", m.openRow),
		act("v", "v", "view: "+string(m.nextView()), do(m.turnView)),
		act("/", "/", "filter", do(m.startFilter)),
		act("s", "s", "states", do(m.turnState)),
		act("e", "e", "in $EDITOR", m.openEditor),
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
		quietly("u", "u", "undo", func() tea.Cmd { return m.restore(m.past.undo, "Nothing to undo.") }),
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
	return views[(slices.Index(views, m.preview.view)+1)%len(views)]
}

func (m *Model) turnView() { m.preview.view = m.nextView() }

var states = []generate.State{
	"", generate.Create, generate.Update, generate.Merge, generate.Conflict, generate.Keep, generate.Delete, generate.Unchanged,
}

// turnState shows only the files of the next state that any file has.
func (m *Model) turnState() {
	plan, ok := m.planNow()
	if !ok {
		m.say("The plan is being made.")
		return
	}
	counts := plan.plan.Counts()
	at := slices.Index(states, m.preview.only)
	for {
		at = (at + 1) % len(states)
		if states[at] == "" || counts[states[at]] > 0 {
			break
		}
	}
	m.preview.only = states[at]
	m.showEntries()
	if m.preview.only == "" {
		m.say("All files.")
		return
	}
	m.preview.tree.FoldAll(true)
	m.say("Only files in the state " + string(m.preview.only) + ".")
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
	page := func() int { return max(1, m.screen().File.Height-2) }
	return []action{
		act("up k", "↑↓", "scroll", do(func() { m.scrollFile(-1) })),
		quietly("down j", "↓", "down", do(func() { m.scrollFile(1) })),
		act("v", "v", "view: "+string(m.nextView()), do(m.turnView)),
		act("e", "e", "in $EDITOR", m.openEditor),
		act("n", "n", "next file", do(func() { m.moveTree(1) })),
		quietly("p", "p", "file before", do(func() { m.moveTree(-1) })),
		quietly("pgup b", "pgup", "a page up", do(func() { m.scrollFile(-page()) })),
		quietly("pgdown space", "pgdn", "a page down", do(func() { m.scrollFile(page()) })),
		quietly("home g", "home", "top", do(func() { m.scrollFile(-1 << 30) })),
		quietly("end G", "end", "bottom", do(func() { m.scrollFile(1 << 30) })),
		quietly("left h", "←", "to the left", do(func() { m.preview.x = max(0, m.preview.x-8) })),
		quietly("right l", "→", "to the right", do(m.scrollRight)),
	}
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
