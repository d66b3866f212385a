package ui

import (
	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"codex-design/ui/components"
	"codex-design/ui/layout"
)

// action is one thing that a key does here. The tables of actions route the keys
// and make the hints and the help.
type action struct {
	key.Binding
	run   func() tea.Cmd
	why   func() string // why it cannot be done now, "" when it can; nil: always possible
	quiet bool          // left out of the hint line
}

func act(keys, shown, help string, run func() tea.Cmd) action {
	return action{Binding: binding(keys, shown, help), run: run}
}

// quietly is an action that only the help lists.
func quietly(keys, shown, help string, run func() tea.Cmd) action {
	a := act(keys, shown, help, run)
	a.quiet = true
	return a
}

// unless is an action that can be impossible.
func unless(why func() string, a action) action {
	a.why = why
	return a
}

// do makes an action of something that needs no command.
func do(f func()) func() tea.Cmd {
	return func() tea.Cmd { f(); return nil }
}

// press finds out what a key means here.
func (m *Model) press(msg tea.KeyMsg) tea.Cmd {
	if burst(msg) && !m.typing() {
		return m.each(msg)
	}
	if msg.String() == "ctrl+c" {
		return m.askToLeave()
	}
	if m.dialog != nil {
		return m.dialog.press(msg)
	}
	if m.screen().TooSmall {
		if msg.String() == "q" {
			return m.askToLeave()
		}
		return nil
	}
	if m.typing() && (printable(msg) || msg.Paste) {
		return m.deliver(msg)
	}
	for _, a := range m.actions() {
		if !msg.Paste && key.Matches(msg, a.Binding) {
			return m.perform(a)
		}
	}
	return m.deliver(msg)
}

func (m *Model) perform(a action) tea.Cmd {
	if a.why != nil {
		if why := a.why(); why != "" {
			m.complain(why)
			return nil
		}
	}
	m.notice = notice{}
	return a.run()
}

// burst tells whether several keys arrived as one message.
func burst(msg tea.KeyMsg) bool {
	return msg.Type == tea.KeyRunes && !msg.Paste && len(msg.Runes) > 1
}

// each replays a burst key by key; a key that opens a text field gets the rest as text.
func (m *Model) each(msg tea.KeyMsg) tea.Cmd {
	var cmds []tea.Cmd
	for i, r := range msg.Runes {
		if m.typing() {
			cmds = append(cmds, m.press(tea.KeyMsg{Type: tea.KeyRunes, Runes: msg.Runes[i:]}))
			break
		}
		cmds = append(cmds, m.press(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{r}, Alt: msg.Alt}))
	}
	return tea.Batch(cmds...)
}

func printable(msg tea.KeyMsg) bool {
	return !msg.Alt && (msg.Type == tea.KeyRunes || msg.Type == tea.KeySpace)
}

// typing tells whether letters are text now.
func (m *Model) typing() bool {
	switch {
	case m.dialog != nil:
		return false
	case m.focus == layout.Form:
		return m.page().typing()
	case m.focus == layout.Tree:
		return m.preview.filtering
	}
	return false
}

// deliver hands a message to whatever has the focus.
func (m *Model) deliver(msg tea.KeyMsg) tea.Cmd {
	switch {
	case m.focus == layout.Form:
		return m.page().update(msg)
	case m.preview.filtering:
		return m.typeFilter(msg)
	}
	return nil
}

// actions are all that keys do here, the most specific first.
func (m *Model) actions() []action {
	return append(m.paneActions(), m.globalActions()...)
}

func (m *Model) paneActions() []action {
	switch m.focus {
	case layout.Tree:
		return append(m.pageActions(), m.treeActions()...)
	case layout.File:
		return append(m.pageActions(), m.fileActions()...)
	case layout.Rail:
		return m.railActions()
	}
	return m.page().keys()
}

// pageActions are those of a page whose panes are the preview itself.
func (m *Model) pageActions() []action {
	if m.step == reviewStep && !m.preview.filtering {
		return m.page().keys()
	}
	return nil
}

func (m *Model) globalActions() []action {
	actions := []action{
		act("ctrl+n", "ctrl+n", "next", m.next),
		quietly("ctrl+p", "ctrl+p", "step before", m.back),
		quietly("ctrl+z", "ctrl+z", "undo", func() tea.Cmd { return m.restore(m.past.undo, "Nothing to undo.") }),
		quietly("ctrl+y", "ctrl+y", "redo", func() tea.Cmd { return m.restore(m.past.redo, "Nothing to redo.") }),
		quietly("tab", "tab", "next pane", func() tea.Cmd { return m.cycle(1) }),
		quietly("shift+tab", "shift+tab", "pane before", func() tea.Cmd { return m.cycle(-1) }),
		quietly("ctrl+g", "ctrl+g", "go to any step", do(m.toRail)),
		quietly("!", "!", "problems and findings", do(func() { m.dialog = newFindings(m) })),
		quietly("ctrl+l", "ctrl+l", "draw again", func() tea.Cmd { return tea.ClearScreen }),
		quietly("ctrl+c", "ctrl+c", "leave", m.askToLeave),
		quietly("esc", "esc", "back", m.escape),
		m.helpAction(),
	}
	if _, ok := m.current(); !ok {
		return actions[8:]
	}
	return actions
}

func (m *Model) helpAction() action {
	return quietly("f1 ?", m.helpKey(), "help", do(func() { m.dialog = newHelp(m) }))
}

// helpKey is the key that opens the help here: a question mark can be text.
func (m *Model) helpKey() string {
	if m.typing() {
		return "f1"
	}
	return "?"
}

// escape leaves the pane, then the step.
func (m *Model) escape() tea.Cmd {
	if first := m.panes()[0]; m.focus != first {
		m.focus = first
		return nil
	}
	return m.back()
}

func (m *Model) toRail() {
	m.focus = layout.Rail
	m.rail = max(0, min(m.step, len(steps)-1))
}

func (m *Model) railActions() []action {
	leave := do(func() { m.focus = m.panes()[0] })
	return []action{
		act("up k", "↑↓", "choose", do(func() { m.rail = max(0, m.rail-1) })),
		quietly("down j", "↓", "choose", do(func() { m.rail = min(len(steps)-1, m.rail+1) })),
		act("enter right", "enter", "go there", m.jump),
		act("esc ctrl+g left", "esc", "stay", leave),
	}
}

// jump goes to the step under the rail's cursor; only the commit asks for more.
func (m *Model) jump() tea.Cmd {
	if m.rail == commitStep {
		return m.toCommit()
	}
	m.goTo(m.rail)
	return nil
}

// hints is the line of keys at the bottom.
func (m *Model) hints(width int) string {
	if m.dialog != nil {
		return components.Hints(shown(m.dialog.keys()), binding("esc", "esc", "close"), width, m.theme)
	}
	bindings := shown(m.paneActions())
	if len(m.panes()) > 1 && m.focus != layout.Rail {
		bindings = append(bindings, binding("tab", "tab", m.nextPane()))
	}
	if _, ok := m.current(); ok && m.focus != layout.Rail && m.step < commitStep {
		bindings = append([]key.Binding{binding("ctrl+n", "ctrl+n", "next")}, bindings...)
	}
	return components.Hints(bindings, binding("?", m.helpKey(), "help"), width, m.theme)
}

func shown(actions []action) []key.Binding {
	var bindings []key.Binding
	for _, a := range actions {
		if !a.quiet && (a.why == nil || a.why() == "") {
			bindings = append(bindings, a.Binding)
		}
	}
	return bindings
}

// nextPane is what tab shows next.
func (m *Model) nextPane() string {
	names := map[layout.Pane]string{layout.Form: "form", layout.Tree: "tree", layout.File: "file"}
	panes := m.panes()
	for i, pane := range panes {
		if pane == m.focus {
			return names[panes[(i+1)%len(panes)]]
		}
	}
	return names[panes[0]]
}

// mouse scrolls what is under the pointer.
func (m *Model) mouse(msg tea.MouseMsg) tea.Cmd {
	by := map[tea.MouseButton]int{tea.MouseButtonWheelUp: -3, tea.MouseButtonWheelDown: 3}[msg.Button]
	if by == 0 || m.dialog != nil {
		return nil
	}
	screen := m.screen()
	switch {
	case screen.File.Contains(msg.X, msg.Y):
		m.scrollFile(by)
	case screen.Tree.Contains(msg.X, msg.Y):
		m.moveTree(by)
	case screen.Form.Contains(msg.X, msg.Y):
		if list, ok := m.page().(*listPage); ok {
			list.move(by)
		}
	}
	return nil
}
