package ui

import (
	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"codex-design/ui/components"
)

// dialog lies over the panes and takes all keys.
type dialog interface {
	keys() []action
	press(msg tea.KeyMsg) tea.Cmd
	title() string
	view(width, height int) []string
}

// choices routes keys to a dialog's own actions; esc closes it.
type choices struct {
	m       *Model
	actions []action
}

func (c *choices) keys() []action { return c.actions }

func (c *choices) press(msg tea.KeyMsg) tea.Cmd {
	for _, a := range c.actions {
		if key.Matches(msg, a.Binding) {
			return c.m.perform(a)
		}
	}
	if msg.Type == tea.KeyEsc {
		c.m.dialog = nil
	}
	return nil
}

// question is a dialog of a text and a few keys.
type askDialog struct {
	choices
	heading string
	text    string
}

func (d *askDialog) title() string { return d.heading }

func (d *askDialog) view(width, _ int) []string {
	var lines []string
	for _, line := range components.Wrap(d.text, width) {
		lines = append(lines, d.m.theme.Text.Render(line))
	}
	lines = append(lines, "")
	for _, a := range d.actions {
		lines = append(lines, d.m.theme.Accent.Render(components.Fit(a.Help().Key, 8))+d.m.theme.Text.Render(a.Help().Desc))
	}
	return append(lines, d.m.theme.Accent.Render(components.Fit("esc", 8))+d.m.theme.Text.Render("stay here"))
}

// askToLeave leaves at once when nothing would be lost.
func (m *Model) askToLeave() tea.Cmd {
	if m.result.running != nil {
		m.say("The files are being written: one moment.")
		return nil
	}
	if !m.unsaved() {
		return tea.Quit
	}
	if open, ok := m.dialog.(*askDialog); ok && open.heading == leaveHeading {
		return m.leave(true)
	}
	d := &askDialog{heading: leaveHeading, text: "What you changed here is not committed yet."}
	d.m = m
	if m.options.Drafts != nil {
		d.actions = append(d.actions, act("enter k", "enter", "leave and keep a draft for the next time", func() tea.Cmd { return m.leave(true) }))
	}
	d.actions = append(d.actions, act("d", "d", "leave and discard the answers", func() tea.Cmd { return m.leave(false) }))
	m.dialog = d
	return nil
}

const leaveHeading = "Leave?"

// leave ends the wizard, with or without a draft.
func (m *Model) leave(keep bool) tea.Cmd {
	m.result.left = true
	if m.options.Drafts == nil {
		return tea.Quit
	}
	if keep {
		return tea.Sequence(m.drafts.save(m), tea.Quit)
	}
	m.past.unsaved = false
	return tea.Sequence(m.drafts.remove(m), tea.Quit)
}

// newDraftQuestion asks what to do with a draft that lies beside another design.
func newDraftQuestion(m *Model, d *draft) dialog {
	ask := &askDialog{heading: "A draft was left", text: "An earlier session ended with unsaved answers: " + d.what() +
		". There is one draft, so what is changed here would replace it."}
	ask.m = m
	ask.actions = []action{
		act("enter r", "enter", "go on with the draft", do(func() { m.dialog = nil; m.resume(d) })),
		act("d", "d", "discard the draft", func() tea.Cmd {
			m.dialog = nil
			return tea.Sequence(m.drafts.remove(m), tick(0, draftDue{}))
		}),
	}
	return ask
}

// helpDialog lists every key that works where it was opened.
type helpDialog struct {
	choices
	lines  []string
	offset int
	height int
}

func newHelp(m *Model) dialog {
	d := &helpDialog{}
	d.m = m
	d.actions = []action{
		act("up k", "↑↓", "scroll", do(func() { d.scroll(-1) })),
		quietly("down j", "↓", "", do(func() { d.scroll(1) })),
		quietly("pgup", "pgup", "", do(func() { d.scroll(-d.height) })),
		quietly("pgdown space", "pgdn", "", do(func() { d.scroll(d.height) })),
		quietly("esc ? f1 q enter", "esc", "close", do(func() { m.dialog = nil })),
	}
	d.lines = helpLines(m)
	return d
}

func helpLines(m *Model) []string {
	t := m.theme
	var lines []string
	section := func(title string, actions []action) {
		if len(actions) == 0 {
			return
		}
		lines = append(lines, t.Title.Render(title))
		for _, a := range actions {
			line := t.Accent.Render(components.Fit(a.Help().Key, 11)) + t.Text.Render(a.Help().Desc)
			if a.why != nil && a.why() != "" {
				line = t.Faint.Render(components.Fit(a.Help().Key, 11) + a.Help().Desc + ": " + a.why())
			}
			lines = append(lines, line)
		}
		lines = append(lines, "")
	}
	section("Here", m.paneActions())
	section("Everywhere", m.globalActions())
	lines = append(lines, t.Title.Render("States of files"))
	for _, state := range states {
		lines = append(lines, t.Accent.Render(components.Fit(glyphs[state].glyph, 11))+t.Text.Render(string(state)+": "+stateMeaning[state]))
	}
	return lines
}

func (d *helpDialog) title() string { return "Keys" }

func (d *helpDialog) scroll(by int) {
	d.offset = max(0, min(d.offset+by, len(d.lines)-d.height))
}

func (d *helpDialog) view(_, height int) []string {
	d.height = height
	d.scroll(0)
	return d.lines[d.offset:min(len(d.lines), d.offset+height)]
}

// findingsDialog lists problems and findings; enter goes to the answer.
type findingsDialog struct {
	choices
	rows   []findingRow
	scroll components.Scroll
}

type findingRow struct {
	mark, text, path string
	bad              bool
}

func newFindings(m *Model) dialog {
	d := &findingsDialog{}
	d.m = m
	for _, p := range m.problems() {
		d.rows = append(d.rows, findingRow{"✗", m.told(p), p.Path, true})
	}
	if m.works.done.system != nil && m.works.done.gen == m.gen {
		for _, f := range m.works.done.system.Findings {
			d.rows = append(d.rows, findingRow{"▲", m.named(f.Path) + sentence(f.Message, f.Hint), f.Path, false})
		}
	}
	d.actions = []action{
		act("up k", "↑↓", "choose", do(func() { d.scroll.Move(-1, len(d.rows)) })),
		quietly("down j", "↓", "", do(func() { d.scroll.Move(1, len(d.rows)) })),
		act("enter", "enter", "go to the answer", do(d.visit)),
	}
	return d
}

func (d *findingsDialog) visit() {
	d.m.dialog = nil
	if d.scroll.Cursor < len(d.rows) {
		d.m.visit(d.rows[d.scroll.Cursor].path)
	}
}

// visit goes to the answer at a path.
func (m *Model) visit(path string) {
	m.goTo(owner(path))
	m.find(path)
}

// find puts the focus on the answer at a path, on the step that is shown.
func (m *Model) find(path string) {
	switch page := m.page().(type) {
	case *formPage:
		page.to(path)
	case *listPage:
		for _, row := range page.rows {
			if key := page.keyOf(row); belongs(path, key) {
				page.show(row.at)
			}
		}
	}
}

func (d *findingsDialog) title() string { return "Problems and findings" }

func (d *findingsDialog) view(width, height int) []string {
	if len(d.rows) == 0 {
		return []string{d.m.theme.Good.Render("✓ Nothing to mend and nothing to say.")}
	}
	detail := components.Wrap(d.rows[d.scroll.Cursor].text, width)
	list := components.List(len(d.rows), func(i int) components.Row {
		return components.Row{Mark: d.rows[i].mark, Bad: d.rows[i].bad, Text: d.rows[i].text}
	}, &d.scroll, width, min(len(d.rows), max(1, height-len(detail)-1)), true, d.m.theme)
	return append(append(list, ""), detail...)
}
