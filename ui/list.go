package ui

import (
	"fmt"
	"slices"
	"strings"

	"github.com/charmbracelet/bubbles/textinput"
	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/lipgloss"

	"codex-design/model"
	"codex-design/ui/components"
)

// listPage is a step that is a list of things, by the group that they are in.
type listPage struct {
	m      *Model
	step   step
	items  *items
	rows   []listRow
	gen    int // of the answers that the rows were made of
	scroll components.Scroll
	form   *form // of the item that is open
	editor *editor
	marks  map[string][]model.Problem // by the key of an item or a group
	advice map[string][]model.Finding
}

// listRow is a group's title or an item.
type listRow struct {
	at     spot
	header bool
	last   bool // of its group
}

// editor is a line of text in the place of a row.
type editor struct {
	input  textinput.Model
	row    int // the row that it replaces, or after which it stands when adding
	adding bool
	accept func(text string) error
	wrong  string
}

func newListPage(m *Model, s step) *listPage {
	p := &listPage{m: m, step: s, items: s.items, gen: -1}
	p.refresh(true)
	return p
}

func (p *listPage) refresh(force bool) {
	if p.gen != p.m.gen {
		p.gen = p.m.gen
		p.rows = p.listRows()
		p.scroll.To(p.scroll.Cursor, len(p.rows))
	}
	if force && p.form != nil && !p.exists(p.form.at) {
		p.form = nil
	}
	if p.form != nil {
		p.form.refresh(force)
	}
	p.mark()
}

func (p *listPage) exists(at spot) bool {
	for _, row := range p.rows {
		if row.at == at {
			return !row.header
		}
	}
	return false
}

func (p *listPage) listRows() []listRow {
	var rows []listRow
	a := &p.m.design.answers
	for _, group := range p.items.groups(a) {
		if group != top {
			rows = append(rows, listRow{at: group, header: true})
		}
		count := p.items.count(a, group)
		for n := range count {
			at := group
			*p.items.index(&at) = n
			rows = append(rows, listRow{at: at, last: n == count-1})
		}
	}
	return rows
}

// mark finds the rows that problems and findings are about.
func (p *listPage) mark() {
	p.marks, p.advice = map[string][]model.Problem{}, map[string][]model.Finding{}
	own := stepIndex(p.step.id)
	if system := p.m.works.done.system; system != nil {
		for _, finding := range system.Findings {
			if owner(finding.Path) == own {
				key := p.rowKey(finding.Path)
				p.advice[key] = append(p.advice[key], finding)
			}
		}
	}
	for _, problem := range p.m.works.done.problems {
		if owner(problem.Path) == own {
			key := p.rowKey(problem.Path)
			p.marks[key] = append(p.marks[key], problem)
		}
	}
}

// rowKey cuts a path off behind the item that it is about; what is about the
// list of a group belongs to the group.
func (p *listPage) rowKey(path string) string {
	dots := p.items.depth
	parts := strings.SplitAfterN(path, ".", dots+2)
	if len(parts) > dots+1 {
		parts = parts[:dots+1]
	}
	key := strings.TrimSuffix(strings.Join(parts, ""), ".")
	if !strings.HasSuffix(key, "]") {
		if at := strings.LastIndex(key, "."); at > 0 {
			key = key[:at]
		}
	}
	return key
}

func (p *listPage) keyOf(row listRow) string {
	switch {
	case !row.header:
		return p.items.key(&p.m.design.answers, row.at)
	case row.at.entity >= 0:
		return entityKey(row.at)
	}
	return serviceKey(row.at)
}

// row is the row under the cursor, false when there is none.
func (p *listPage) row() (listRow, bool) {
	if p.scroll.Cursor >= len(p.rows) {
		return listRow{at: top, header: true}, false
	}
	return p.rows[p.scroll.Cursor], true
}

// service is the name of the service that the cursor is in.
func (p *listPage) service() string {
	row, ok := p.row()
	if !ok || row.at.service < 0 {
		return ""
	}
	return p.m.design.answers.Services[row.at.service].Name
}

func (p *listPage) move(by int) {
	p.scroll.Move(by, len(p.rows))
	p.m.follow()
}

// jumpGroup goes to the next or the previous group.
func (p *listPage) jumpGroup(by int) {
	for at := p.scroll.Cursor + by; at >= 0 && at < len(p.rows); at += by {
		if p.rows[at].header {
			p.scroll.To(at, len(p.rows))
			p.m.follow()
			return
		}
	}
}

// show puts the cursor on a spot's row.
func (p *listPage) show(at spot) {
	p.refresh(false)
	for i, row := range p.rows {
		if row.at == at {
			p.scroll.To(i, len(p.rows))
		}
	}
}

func (p *listPage) typing() bool {
	return p.editor != nil || p.form != nil && p.form.field().Typing()
}

func (p *listPage) keys() []action {
	switch {
	case p.editor != nil:
		return p.editorKeys()
	case p.form != nil:
		return p.formKeys()
	}
	noun := p.items.noun
	item := func() string {
		if row, ok := p.row(); !ok || row.header {
			return "There is no " + noun + " under the cursor: press a to add one."
		}
		return ""
	}
	actions := []action{
		unless(p.noGroup, act("a +", "a", "add", p.add)),
		unless(item, act("enter", "enter", "edit", p.edit)),
		unless(item, act("r f2", "r", "rename", p.rename)),
		unless(item, act("d delete", "d", "delete", p.remove)),
	}
	if p.items.duplicate != nil {
		actions = slices.Insert(actions, 4, unless(item, act("c", "c", "copy", p.duplicate)))
	}
	if p.items.move != nil {
		actions = append(actions,
			unless(item, act("J shift+down alt+down", "J/K", "move", func() tea.Cmd { return p.shift(1) })),
			unless(item, quietly("K shift+up alt+up", "K", "move up", func() tea.Cmd { return p.shift(-1) })))
	}
	if p.items.change != nil {
		actions = append(actions, unless(item, act("f", "f", "as a form", p.openForm)))
	}
	if p.items.holds != "" {
		actions = append(actions, unless(item, act("right l", "→", "into it", p.inward)))
	}
	return append(actions,
		quietly("left h", "←", "out of it", p.outward),
		quietly("up k", "↑", "up", do(func() { p.move(-1) })),
		quietly("down j", "↓", "down", do(func() { p.move(1) })),
		quietly("pgup", "pgup", "a page up", do(func() { p.move(-p.m.screen().Form.Height) })),
		quietly("pgdown", "pgdn", "a page down", do(func() { p.move(p.m.screen().Form.Height) })),
		quietly("home g", "home", "first", do(func() { p.move(-1 << 30) })),
		quietly("end G", "end", "last", do(func() { p.move(1 << 30) })),
		quietly("[", "[", "group before", do(func() { p.jumpGroup(-1) })),
		quietly("]", "]", "next group", do(func() { p.jumpGroup(1) })),
		quietly("u", "u", "undo", func() tea.Cmd { return p.m.restore(p.m.past.undo, "Nothing to undo.") }),
		quietly("U", "U", "redo", func() tea.Cmd { return p.m.restore(p.m.past.redo, "Nothing to redo.") }),
	)
}

// noGroup says why nothing can be added.
func (p *listPage) noGroup() string {
	if len(p.items.groups(&p.m.design.answers)) > 0 {
		return ""
	}
	if len(p.m.design.answers.Services) == 0 {
		return "Add a service first (ctrl+p goes back)."
	}
	return "Add an entity first (ctrl+p goes back)."
}

func (p *listPage) edit() tea.Cmd {
	if p.items.change == nil {
		return p.openForm()
	}
	row, _ := p.row()
	p.edition(p.items.text(&p.m.design.answers, row.at), func(text string) error {
		return p.m.edit("", func(d *design) error { return p.items.change(d, row.at, text) })
	})
	return nil
}

func (p *listPage) openForm() tea.Cmd {
	row, _ := p.row()
	p.form = newForm(p.m, p.items.ask, row.at)
	return nil
}

func (p *listPage) rename() tea.Cmd {
	row, _ := p.row()
	p.edition(p.items.name(&p.m.design.answers, row.at), func(text string) error {
		if text = strings.TrimSpace(text); text == "" {
			return fmt.Errorf("a %s needs a name", p.items.noun)
		}
		return p.m.edit("", func(d *design) error {
			p.items.rename(d, row.at, text)
			return nil
		})
	})
	return nil
}

// edition opens a line in place of the row under the cursor.
func (p *listPage) edition(text string, accept func(string) error) {
	p.editor = &editor{input: components.NewInput(), row: p.scroll.Cursor, accept: accept}
	p.editor.input.SetValue(text)
	p.editor.input.CursorEnd()
}

// add opens a line below the last item of the group.
func (p *listPage) add() tea.Cmd {
	row, _ := p.row()
	group := row.at
	*p.items.index(&group) = -1
	after := p.scroll.Cursor
	for after+1 < len(p.rows) && !p.rows[after+1].header {
		after++
	}
	p.editor = &editor{input: components.NewInput(), row: after, adding: true}
	p.editor.input.Placeholder = p.items.prompt
	p.editor.accept = func(text string) error {
		err := p.m.edit("", func(d *design) error { return p.items.add(d, group, text) })
		if err != nil {
			return err
		}
		at := group
		*p.items.index(&at) = p.addedAt(group, text)
		p.show(at)
		return nil
	}
	return nil
}

// addedAt is the index of what was just added to a group.
func (p *listPage) addedAt(group spot, text string) int {
	if p.items.added != nil {
		return p.items.added(&p.m.design.answers, group, text)
	}
	return p.items.count(&p.m.design.answers, group) - 1
}

// settle takes a line that is still open, before its page is left; false when
// it is wrong.
func (p *listPage) settle() bool {
	if p.editor == nil {
		return true
	}
	p.editor.adding = p.editor.adding && strings.TrimSpace(p.editor.input.Value()) == ""
	p.submit()
	return p.editor == nil
}

func (p *listPage) editorKeys() []action {
	help := "done"
	if p.editor.adding {
		help = "add it; empty: done"
	}
	return []action{
		act("enter", "enter", help, do(p.submit)),
		act("esc", "esc", "leave as it was", do(func() { p.editor = nil })),
	}
}

// submit takes the line. After adding, another line is open for the next one.
func (p *listPage) submit() {
	text := strings.TrimSpace(p.editor.input.Value())
	if text == "" && p.editor.adding {
		p.editor = nil
		return
	}
	if err := p.editor.accept(text); err != nil {
		p.editor.wrong = err.Error()
		return
	}
	adding := p.editor.adding
	p.editor = nil
	p.refresh(true)
	if adding {
		p.add()
	}
}

func (p *listPage) remove() tea.Cmd {
	row, _ := p.row()
	name := p.items.name(&p.m.design.answers, row.at)
	err := p.m.edit("", func(d *design) error {
		p.items.remove(&d.answers, row.at)
		return nil
	})
	p.refresh(true)
	if err == nil {
		p.m.say("Deleted " + p.items.noun + " " + name + ". u brings it back.")
	}
	return nil
}

func (p *listPage) duplicate() tea.Cmd {
	row, _ := p.row()
	_ = p.m.edit("", func(d *design) error {
		p.items.duplicate(&d.answers, row.at)
		return nil
	})
	*p.items.index(&row.at)++
	p.show(row.at)
	return p.rename()
}

// shift moves the item within its group.
func (p *listPage) shift(by int) tea.Cmd {
	row, _ := p.row()
	to := *p.items.index(&row.at) + by
	if to < 0 || to >= p.items.count(&p.m.design.answers, row.at) {
		return nil
	}
	_ = p.m.edit("", func(d *design) error {
		p.items.move(&d.answers, row.at, by)
		return nil
	})
	*p.items.index(&row.at) = to
	p.show(row.at)
	return nil
}

// inward shows what the item holds, on a later step.
func (p *listPage) inward() tea.Cmd {
	row, _ := p.row()
	p.m.goTo(stepIndex(p.items.holds))
	if inner, ok := p.m.page().(*listPage); ok {
		inner.show(row.at)
		p.m.follow()
	}
	return nil
}

// outward shows what holds the item, on an earlier step.
func (p *listPage) outward() tea.Cmd {
	if p.items.within == "" {
		return nil
	}
	row, _ := p.row()
	p.m.goTo(stepIndex(p.items.within))
	if outer, ok := p.m.page().(*listPage); ok {
		*p.items.index(&row.at) = -1
		outer.show(row.at)
	}
	return nil
}

func (p *listPage) formKeys() []action {
	page := &formPage{form: p.form}
	keys := page.keys()
	for i := range keys {
		if keys[i].Help().Key == "enter" {
			keys[i].run = func() tea.Cmd { return p.update(tea.KeyMsg{Type: tea.KeyEnter}) }
		}
	}
	return append(keys, act("esc", "esc", "close", do(func() {
		p.form = nil
		p.refresh(true)
	})))
}

func (p *listPage) update(msg tea.Msg) tea.Cmd {
	switch {
	case p.editor != nil:
		return p.typed(msg)
	case p.form != nil:
		done, cmd := p.form.update(msg)
		if done {
			p.form = nil
			p.refresh(true)
		}
		return cmd
	}
	return nil
}

// typed hands a message to the line. Each line of a paste is an item of its own.
func (p *listPage) typed(msg tea.Msg) tea.Cmd {
	press, ok := msg.(tea.KeyMsg)
	if ok && press.Paste && p.editor.adding && strings.ContainsAny(string(press.Runes), "\r\n") {
		p.paste(string(press.Runes))
		return nil
	}
	if ok && press.Paste {
		press.Runes = []rune(strings.Join(strings.Fields(string(press.Runes)), " "))
		msg = press
	}
	var cmd tea.Cmd
	p.editor.input, cmd = p.editor.input.Update(msg)
	p.editor.wrong = ""
	return cmd
}

// paste adds a line of text after the other; it stops at the first that is wrong,
// and leaves that one to be mended.
func (p *listPage) paste(text string) {
	lines := strings.FieldsFunc(p.editor.input.Value()+text, func(r rune) bool { return r == '\n' || r == '\r' })
	added := 0
	for _, line := range lines {
		line = strings.Trim(strings.TrimPrefix(strings.TrimSpace(line), "- "), " ")
		if line == "" {
			continue
		}
		p.editor.input.SetValue(line)
		if p.submit(); p.editor.wrong != "" {
			break
		}
		added++
	}
	p.m.say(fmt.Sprintf("Added %s.", counted(added, p.items.noun, p.items.nouns)))
}

func (p *listPage) view(width, height int, focused bool) []string {
	if p.form != nil {
		title := p.step.title + " › " + p.items.text(&p.m.design.answers, p.form.at)
		head := p.m.pageHead(title, "", width)
		return append(head, p.form.view(width, height-len(head), focused)...)
	}
	head := p.m.pageHead(p.step.title, p.step.help, width)
	foot := p.notes(width)
	room := max(1, height-len(head)-len(foot))
	lines := append(head, p.list(width, room, focused)...)
	return components.Block(append(lines, foot...), height)
}

func (p *listPage) list(width, height int, focused bool) []string {
	t := p.m.theme
	if len(p.rows) == 0 && p.editor == nil {
		why := p.noGroup()
		if why == "" {
			why = "Nothing here yet. Press a to add a " + p.items.noun + "."
		}
		return components.Block([]string{"", "  " + t.Muted.Render(components.Cut(why, width-2))}, height)
	}
	if p.editor == nil {
		return components.List(len(p.rows), p.rowAt, &p.scroll, width, height, focused, t)
	}
	return p.listWithEditor(width, height, focused)
}

// listWithEditor draws the list with a line that is being typed in it.
func (p *listPage) listWithEditor(width, height int, focused bool) []string {
	t := p.m.theme
	count, line := len(p.rows), p.editor.row
	if p.editor.adding {
		count, line = count+1, min(p.editor.row+1, len(p.rows))
	}
	view := components.Row{
		Edit:   components.InputView(&p.editor.input, p.editor.input.Placeholder, width-6, t),
		Indent: p.indent(),
	}
	wrong := p.wrongLines(width)
	scroll := components.Scroll{Cursor: line, Offset: p.scroll.Offset}
	drawn := components.List(count, func(i int) components.Row {
		switch {
		case i == line:
			return view
		case p.editor.adding && i > line:
			i--
		}
		return p.rowAt(i)
	}, &scroll, width, max(1, height-len(wrong)), focused, t)
	below := line - scroll.Offset + 1
	return components.Block(slices.Insert(drawn, below, wrong...), height)
}

// wrongLines say below the line that is being typed what is wrong with it.
func (p *listPage) wrongLines(width int) []string {
	if p.editor.wrong == "" {
		return nil
	}
	var lines []string
	for i, line := range components.Wrap(p.editor.wrong, width-8) {
		mark := map[bool]string{true: "✗ ", false: "  "}[i == 0]
		lines = append(lines, "    "+components.Fit("", p.indent())+p.m.theme.Bad.Render(mark+line))
	}
	return lines
}

func (p *listPage) indent() int {
	if p.items.within == "" {
		return 0
	}
	return 2
}

func (p *listPage) rowAt(i int) components.Row {
	row := p.rows[i]
	a := &p.m.design.answers
	out := components.Row{Header: row.header}
	switch key := p.keyOf(row); {
	case len(p.marks[key]) > 0 && p.m.seen[p.m.step]:
		out.Mark, out.Bad = "✗", true
	case len(p.advice[key]) > 0:
		out.Mark = "▲"
	}
	if row.header {
		out.Text = p.items.group(a, row.at)
		out.Detail = counted(p.items.count(a, row.at), p.items.noun, p.items.nouns)
		return out
	}
	out.Indent = p.indent()
	out.Text, out.Detail = p.items.text(a, row.at), p.items.detail(a, row.at)
	return out
}

// notes are what is to be said about the row under the cursor.
func (p *listPage) notes(width int) []string {
	if p.editor != nil {
		return nil
	}
	t, key := p.m.theme, ""
	if row, ok := p.row(); ok {
		key = p.keyOf(row)
	}
	lines := p.whole(width)
	add := func(text, mark string, style lipgloss.Style) {
		for i, line := range components.Wrap(text, width-4) {
			lead := mark
			if i > 0 {
				lead = "  "
			}
			lines = append(lines, "  "+style.Render(lead+line))
		}
	}
	if p.m.seen[p.m.step] {
		for _, problem := range append(slices.Clone(p.marks[key]), p.marks["services"]...) {
			add(sentence(problem.Message, problem.Hint), "✗ ", t.Bad)
		}
	}
	for _, finding := range p.advice[key] {
		add(sentence(finding.Message, finding.Hint), "▲ ", t.Warn)
	}
	return lines[:min(len(lines), 5)]
}

// whole is the text of the row under the cursor if it is too long for its row.
func (p *listPage) whole(width int) []string {
	row, ok := p.row()
	if !ok || row.header || p.editor != nil {
		return nil
	}
	a := &p.m.design.answers
	text := joinNonEmpty(p.items.text(a, row.at), p.items.detail(a, row.at))
	if components.StringWidth(text) <= width-4-p.indent() {
		return nil
	}
	lines := []string{""}
	for _, line := range components.Wrap(text, width-3) {
		lines = append(lines, "  "+p.m.theme.Muted.Render(line))
	}
	return lines
}
