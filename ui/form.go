package ui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"codex-design/model"
	"codex-design/ui/components"
)

// form is questions with the fields that answer them.
type form struct {
	m         *Model
	ask       func(d *design, at spot) []question
	at        spot
	questions []question
	fields    []*components.Field
	refused   map[string]string // what could not be understood, by key
	touched   map[string]bool   // answered since the form was opened
	focus     int
	offset    int
}

func newForm(m *Model, ask func(d *design, at spot) []question, at spot) *form {
	f := &form{m: m, ask: ask, at: at, refused: map[string]string{}, touched: map[string]bool{}}
	f.refresh(true)
	return f
}

// refresh asks again: questions can depend on answers. A field keeps its text
// cursor, and what is being typed unless force is set.
func (f *form) refresh(force bool) {
	known := map[string]*components.Field{}
	focused := ""
	for i, field := range f.fields {
		known[field.Key] = field
		if i == f.focus {
			focused = field.Key
		}
	}
	if force {
		clear(f.refused)
	}
	f.questions = f.ask(&f.m.design, f.at)
	f.fields = make([]*components.Field, len(f.questions))
	f.focus = min(f.focus, len(f.fields)-1)
	for i, q := range f.questions {
		field := known[q.key]
		if field == nil || field.Kind != q.kind {
			field = &components.Field{Key: q.key, Kind: q.kind}
			known[q.key] = nil
		}
		field.Title, field.Help, field.Options = q.title, q.help, f.priced(q)
		field.Placeholder, field.Note, field.Why = q.placeholder, q.note, q.why
		if text := q.get(&f.m.design.answers); known[q.key] == nil || force || (q.key != focused && f.refused[q.key] == "") {
			field.SetValue(text)
		}
		if q.key == focused {
			f.focus = i
		}
		f.fields[i] = field
	}
	f.notes()
}

// priced adds to each option what it would change of the monthly bill and the pods.
func (f *form) priced(q question) []components.Option {
	known := f.m.works.effects
	if known.gen != f.m.gen || known.key != q.key {
		return q.options
	}
	options := slices.Clone(q.options)
	for i := range options {
		if effect, ok := known.effects[options[i].Value]; ok {
			options[i].Help = joinNonEmpty(options[i].Help, change(effect))
		}
		for _, shape := range known.shapes {
			if string(shape.Architecture) == options[i].Value && options[i].Why == "" {
				options[i].Facts = consequences(shape)
				options[i].Help = inOneLine(options[i].Facts)
			}
		}
	}
	return options
}

// consequences are what an architecture comes to for this design.
func consequences(s model.Shape) []components.Fact {
	calls := "none"
	switch {
	case s.Call > 0 && s.InProcess:
		calls = "in process"
	case s.Call > 0:
		calls = fmt.Sprintf("≤ %.0f ms", s.Call)
	}
	return []components.Fact{
		{Name: "deployed", Value: strconv.Itoa(s.Deployables)}, {Name: "databases", Value: strconv.Itoa(s.Databases)},
		{Name: "USD/month", Value: fmt.Sprintf("%.0f–%.0f", s.Low, s.High)},
		{Name: "read p99", Value: fmt.Sprintf("≤ %.0f ms", s.Latency)}, {Name: "calls", Value: calls},
	}
}

// inOneLine says facts where there is no room for a table.
func inOneLine(facts []components.Fact) string {
	parts := make([]string, len(facts))
	for i, fact := range facts {
		parts[i] = fact.Name + " " + fact.Value
	}
	return strings.Join(parts, ", ")
}

// change says an effect in words, nothing for none.
func change(e model.Effect) string {
	var parts []string
	if e.Monthly != 0 {
		parts = append(parts, fmt.Sprintf("%+.0f USD a month", e.Monthly))
	}
	if e.Pods != 0 {
		parts = append(parts, fmt.Sprintf("%+.0f pods", e.Pods))
	}
	return strings.Join(parts, ", ")
}

// notes puts problems and findings at the answers that cause them.
func (f *form) notes() {
	for _, field := range f.fields {
		field.Problems, field.Warnings = nil, nil
		if why := f.refused[field.Key]; why != "" {
			field.Problems = append(field.Problems, why)
		}
	}
	for _, p := range f.m.works.done.problems {
		if at := f.answer(p.Path); at >= 0 && (f.m.seen[f.m.step] || f.touched[f.fields[at].Key]) {
			f.fields[at].Problems = append(f.fields[at].Problems, sentence(p.Message, p.Hint))
		}
	}
	if f.m.works.done.system == nil {
		return
	}
	for _, finding := range f.m.works.done.system.Findings {
		if at := f.answer(finding.Path); at >= 0 {
			f.fields[at].Warnings = append(f.fields[at].Warnings, sentence(finding.Message, finding.Hint))
		}
	}
}

func sentence(message, hint string) string {
	if hint == "" {
		return message
	}
	return message + " (" + hint + ")"
}

// answer is the field whose answer a path is about, the closest one, or -1.
func (f *form) answer(path string) int {
	best := -1
	for i, field := range f.fields {
		if belongs(path, field.Key) && (best < 0 || len(field.Key) > len(f.fields[best].Key)) {
			best = i
		}
	}
	return best
}

func (f *form) field() *components.Field { return f.fields[f.focus] }

// update hands a message to the field with the focus; done tells that the last
// question was answered.
func (f *form) update(msg tea.Msg) (done bool, cmd tea.Cmd) {
	field := f.field()
	outcome, cmd := field.Update(msg)
	if outcome.Refused != "" {
		f.m.complain(outcome.Refused)
	}
	if outcome.Changed {
		f.answered(field)
	}
	switch {
	case outcome.Done && f.focus == len(f.fields)-1:
		return true, cmd
	case outcome.Done:
		f.move(1)
	case outcome.Move != 0:
		f.move(outcome.Move)
	}
	return false, cmd
}

// answered puts a field's answer into the design.
func (f *form) answered(field *components.Field) {
	q := f.questions[f.focus]
	f.touched[q.key] = true
	mark := ""
	if field.Typing() {
		mark = fmt.Sprint(f.m.step, q.key)
	}
	delete(f.refused, q.key)
	err := f.m.edit(mark, func(d *design) error { return q.set(d, field.Value()) })
	if err != nil {
		f.refused[q.key] = err.Error()
	}
	f.refresh(false)
}

func (f *form) move(by int) {
	next := f.focus + by
	if next < 0 || next >= len(f.fields) {
		return
	}
	left := f.field()
	f.focus = next
	f.field().Enter(by)
	if f.refused[left.Key] == "" {
		f.refresh(false)
	}
}

// to puts the focus on the field whose answer a path is about.
func (f *form) to(path string) {
	if at := f.answer(path); at >= 0 {
		f.focus = at
		f.field().Enter(1)
	}
}

// view draws the fields so that the one with the focus is whole.
func (f *form) view(width, height int, focused bool) []string {
	var lines []string
	from, to := 0, 0
	for i, field := range f.fields {
		current := i == f.focus
		drawn := field.View(width, focused && current, f.m.theme)
		if current {
			from, to = len(lines), len(lines)+len(drawn)
		}
		lines = append(lines, drawn...)
	}
	f.offset = min(max(f.offset, to-height), from)
	if cursor := from + f.field().CursorLine(); cursor >= f.offset+height {
		f.offset = cursor - height + 1
	}
	f.offset = max(0, min(f.offset, len(lines)-height))
	return components.Block(lines[min(f.offset, len(lines)):], height)
}

// formPage is a step that is one form.
type formPage struct {
	*form
	step step
}

func (p *formPage) keys() []action {
	if p.field().Kind == components.Text {
		return []action{act("enter", "enter", "next answer", func() tea.Cmd { return p.update(tea.KeyMsg{Type: tea.KeyEnter}) })}
	}
	pick := map[components.Kind]string{components.Choice: "choose", components.Toggle: "yes/no", components.Many: "tick"}[p.field().Kind]
	return []action{
		act("space x", "space", pick, func() tea.Cmd { return p.update(tea.KeyMsg{Type: tea.KeySpace, Runes: []rune{' '}}) }),
		act("enter", "enter", "choose and go on", func() tea.Cmd { return p.update(tea.KeyMsg{Type: tea.KeyEnter}) }),
		quietly("u", "u", "undo", func() tea.Cmd { return p.m.restore(p.m.past.undo, "Nothing to undo.") }),
	}
}

func (p *formPage) typing() bool { return p.field().Typing() }

func (p *formPage) update(msg tea.Msg) tea.Cmd {
	done, cmd := p.form.update(msg)
	if done {
		return tea.Batch(cmd, p.m.next())
	}
	return cmd
}

func (p *formPage) refresh(force bool) { p.form.refresh(force) }

func (p *formPage) view(width, height int, focused bool) []string {
	head := p.m.pageHead(p.step.title, p.step.help, width)
	return append(head, p.form.view(width, height-len(head), focused)...)
}
