package components

import (
	"slices"
	"strings"

	"github.com/charmbracelet/bubbles/cursor"
	"github.com/charmbracelet/bubbles/textinput"
	tea "github.com/charmbracelet/bubbletea"

	"codex-design/ui/theme"
)

// Kind is how a field is answered.
type Kind int

// The kinds of field.
const (
	Text   Kind = iota // a line of text
	Choice             // one of the options
	Toggle             // yes or no: "true" or "false"
	Many               // any of the options, joined by ", "
)

// Option is one answer of a Choice or Many field.
type Option struct {
	Value, Title, Help string
	Why                string // why it cannot be chosen; empty when it can
	Facts              []Fact // what it comes to; the same names in the same order for every option that has any
}

// Fact is one thing that options are compared by.
type Fact struct {
	Name, Value string
}

// Outcome is what a key did to a field.
type Outcome struct {
	Changed bool
	Move    int    // to the next (1) or the previous (-1) field
	Done    bool   // enter: answered, go on
	Refused string // why the key did nothing
}

// Field is one question with its answer as a string.
type Field struct {
	Key, Title, Help string
	Kind             Kind
	Options          []Option
	Placeholder      string   // shown while empty: what holds then
	Note             string   // shown beside the answer
	Why              string   // why it cannot be answered yet; empty when it can
	Problems         []string // shown below, mending needed
	Warnings         []string // shown below, good to know

	input textinput.Model
	value string
	at    int // the option under the cursor
}

// SetValue puts an answer in, keeping the text cursor where it is if it is the same.
func (f *Field) SetValue(value string) {
	f.value = value
	if f.Kind == Text {
		if f.input.Cursor.BlinkSpeed == 0 {
			f.input = NewInput()
		}
		if f.input.Value() != value {
			f.input.SetValue(value)
			f.input.CursorEnd()
		}
		return
	}
	f.at = max(0, slices.IndexFunc(f.Options, func(o Option) bool { return o.Value == value }))
}

// NewInput is a text input for one line, without a blinking cursor.
func NewInput() textinput.Model {
	input := textinput.New()
	input.Prompt = ""
	input.Cursor.SetMode(cursor.CursorStatic)
	input.Focus()
	return input
}

// Value is the answer.
func (f *Field) Value() string {
	if f.Kind == Text {
		return f.input.Value()
	}
	return f.value
}

// Typing tells whether letters go into the field.
func (f *Field) Typing() bool { return f.Kind == Text }

// Enter puts the cursor where it comes in, by the direction it comes from.
func (f *Field) Enter(direction int) {
	if f.Kind == Many || f.Kind == Choice && direction < 0 {
		f.at = 0
		if direction < 0 {
			f.at = len(f.Options) - 1
		}
		return
	}
	f.at = max(0, slices.IndexFunc(f.Options, func(o Option) bool { return o.Value == f.value }))
}

// Update hands a message to the field: keys and whatever the text input sends itself.
func (f *Field) Update(msg tea.Msg) (Outcome, tea.Cmd) {
	if press, ok := msg.(tea.KeyMsg); ok && !press.Paste {
		switch press.Type {
		case tea.KeyEnter:
			return f.enter(), nil
		case tea.KeyUp:
			return f.walk(-1), nil
		case tea.KeyDown:
			return f.walk(1), nil
		}
	}
	if f.Why != "" && f.empty() {
		return Outcome{Refused: f.Title + ": " + f.Why}, nil
	}
	if f.Kind == Text {
		return f.typed(msg)
	}
	if press, ok := msg.(tea.KeyMsg); ok && (press.Type == tea.KeySpace || press.String() == "x") {
		return f.pick(), nil
	}
	return Outcome{}, nil
}

// empty tells whether nothing is answered.
func (f *Field) empty() bool { return f.Value() == "" || f.Kind == Toggle && f.value == "false" }

func (f *Field) typed(msg tea.Msg) (Outcome, tea.Cmd) {
	before := f.input.Value()
	var cmd tea.Cmd
	f.input, cmd = f.input.Update(oneLine(msg))
	return Outcome{Changed: f.input.Value() != before}, cmd
}

// oneLine joins the lines of a paste, so that a line break does not submit.
func oneLine(msg tea.Msg) tea.Msg {
	press, ok := msg.(tea.KeyMsg)
	if !ok || !press.Paste {
		return msg
	}
	press.Runes = []rune(strings.Join(strings.Fields(string(press.Runes)), " "))
	return press
}

func (f *Field) enter() Outcome {
	if f.Kind != Choice {
		return Outcome{Done: true}
	}
	outcome := f.pick()
	outcome.Done = outcome.Refused == ""
	return outcome
}

func (f *Field) walk(by int) Outcome {
	next := f.at + by
	if f.Kind == Text || f.Kind == Toggle || next < 0 || next >= len(f.Options) {
		return Outcome{Move: by}
	}
	f.at = next
	return Outcome{}
}

// pick takes the option under the cursor.
func (f *Field) pick() Outcome {
	if f.Kind == Toggle {
		f.value = map[string]string{"true": "false"}[f.value]
		if f.value == "" {
			f.value = "true"
		}
		return Outcome{Changed: true}
	}
	if f.at >= len(f.Options) {
		return Outcome{}
	}
	option := f.Options[f.at]
	if option.Why != "" && !f.picked(option.Value) {
		return Outcome{Refused: option.Value + ": " + option.Why}
	}
	before := f.value
	if f.Kind == Choice {
		f.value = option.Value
	} else {
		f.value = toggled(f.value, option.Value)
	}
	return Outcome{Changed: f.value != before}
}

func toggled(list, value string) string {
	values := SplitList(list)
	if at := slices.Index(values, value); at >= 0 {
		return strings.Join(slices.Delete(values, at, at+1), ", ")
	}
	return strings.Join(append(values, value), ", ")
}

func (f *Field) picked(value string) bool {
	if f.Kind == Many {
		return slices.Contains(SplitList(f.value), value)
	}
	return f.value == value
}

// SplitList takes "a, b" apart; an empty text has no parts.
func SplitList(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}

// CursorLine is the line of the drawn field that the cursor is on.
func (f *Field) CursorLine() int {
	if f.Kind == Choice || f.Kind == Many {
		return 1 + min(f.at, max(0, len(f.Options)-1))
	}
	return 0
}

// View draws the field; the first line names it, the lines below belong to it.
func (f *Field) View(width int, focused bool, t *theme.Theme) []string {
	bar, title := "  ", t.Muted
	if focused {
		bar, title = t.Accent.Render("▌")+" ", t.Title
	}
	inner := width - 2
	label := min(24, inner*2/5)
	lines := []string{title.Render(Fit(f.Title, label)) + " " + f.answer(inner-label-1, focused, t)}
	if focused {
		lines = append(lines, f.options(inner, t)...)
		for _, line := range Wrap(f.explanation(), inner) {
			lines = append(lines, t.Muted.Render(line))
		}
	}
	lines = append(lines, marked(f.Problems, "✗ ", inner, t.Bad.Render)...)
	lines = append(lines, marked(f.Warnings, "▲ ", inner, t.Warn.Render)...)
	for i, line := range lines {
		lines[i] = bar + Cut(line, inner)
	}
	return lines
}

// marked wraps notes, each with its mark.
func marked(notes []string, mark string, width int, style func(...string) string) []string {
	var lines []string
	for _, note := range notes {
		for i, line := range Wrap(note, width-2) {
			lead := mark
			if i > 0 {
				lead = "  "
			}
			lines = append(lines, style(lead+line))
		}
	}
	return lines
}

// answer is the value on the field's first line.
func (f *Field) answer(width int, focused bool, t *theme.Theme) string {
	switch {
	case f.Kind == Text && focused:
		return InputView(&f.input, f.Placeholder, width, t)
	case f.Kind == Text && f.Value() == "":
		return t.Faint.Render(Cut(f.Placeholder, width))
	case f.Kind == Text:
		return Cut(t.Text.Render(Clean(f.Value()))+f.note(t), width)
	case f.Kind == Toggle:
		return t.Text.Render(map[bool]string{true: "[x] yes", false: "[ ] no"}[f.value == "true"])
	case f.value == "":
		return t.Faint.Render(Cut(f.Placeholder, width))
	}
	return Cut(t.Text.Render(f.value), width)
}

func (f *Field) explanation() string {
	if f.Why != "" {
		return f.Help + " Not yet: " + f.Why + "."
	}
	return f.Help
}

func (f *Field) note(t *theme.Theme) string {
	if f.Note == "" {
		return ""
	}
	return "  " + t.Muted.Render(f.Note)
}

// options are the lines of a Choice or Many field that is being answered. What
// they mean stands beside them if there is room for all, else below: compared in
// a table if there is room for that, or said of the one under the cursor.
func (f *Field) options(width int, t *theme.Theme) []string {
	marks := map[bool]string{true: "(•) ", false: "( ) "}
	if f.Kind == Many {
		marks = map[bool]string{true: "[x] ", false: "[ ] "}
	}
	wide, room := 0, true
	for _, o := range f.Options {
		wide = max(wide, StringWidth(o.Value))
	}
	for _, o := range f.Options {
		room = room && StringWidth(meaning(o)) <= width-wide-8
	}
	var lines []string
	for i, o := range f.Options {
		lead, style, help := "  ", t.Text, ""
		switch {
		case room:
			help = meaning(o)
		case o.Why != "":
			help = "not yet"
		}
		if o.Why != "" {
			style = t.Muted
		}
		if i == f.at {
			lead, style = t.Accent.Render("›")+" ", t.Accent
		}
		lines = append(lines, Cut(lead+style.Render(marks[f.picked(o.Value)]+Fit(o.Value, wide))+"  "+t.Muted.Render(help), width))
	}
	if room {
		return lines
	}
	if table := f.comparison(width-2, t); len(table) > 0 {
		return append(append(lines, ""), table...)
	}
	if f.at < len(f.Options) {
		for _, line := range Wrap(meaning(f.Options[f.at]), width-2) {
			lines = append(lines, "  "+t.Text.Render(line))
		}
	}
	return lines
}

// comparison is a table of the options' facts with a column for each option that
// has some; empty if none has, or the table is wider than width.
func (f *Field) comparison(width int, t *theme.Theme) []string {
	var lines []string
	for i, o := range f.Options {
		if len(o.Facts) == 0 {
			continue
		}
		if lines == nil {
			lines = namesOf(o.Facts, t)
		}
		wide := StringWidth(o.Value)
		for _, fact := range o.Facts {
			wide = max(wide, StringWidth(fact.Value))
		}
		style := t.Muted
		if i == f.at {
			style = t.Accent
		}
		lines[0] += "  " + style.Render(Fit(o.Value, wide))
		for row, fact := range o.Facts {
			lines[row+1] += "  " + t.Text.Render(Fit(fact.Value, wide))
		}
	}
	if len(lines) > 0 && StringWidth(lines[0]) > width {
		return nil
	}
	for i := range lines {
		lines[i] = "  " + lines[i]
	}
	return lines
}

// namesOf is the first column of a table of facts, below an empty heading.
func namesOf(facts []Fact, t *theme.Theme) []string {
	wide := 0
	for _, fact := range facts {
		wide = max(wide, StringWidth(fact.Name))
	}
	lines := []string{strings.Repeat(" ", wide)}
	for _, fact := range facts {
		lines = append(lines, t.Muted.Render(Fit(fact.Name, wide)))
	}
	return lines
}

func meaning(o Option) string {
	if o.Why != "" {
		return "not yet: " + o.Why
	}
	return o.Help
}

// InputView draws a text input with its cursor. The plain theme has no reverse
// video, so the cursor is drawn as a bar there.
func InputView(input *textinput.Model, placeholder string, width int, t *theme.Theme) string {
	value := []rune(Clean(input.Value()))
	at := min(input.Position(), len(value))
	if width <= 2 {
		return ""
	}
	if len(value) == 0 {
		return cursorOn(" ", t) + t.Faint.Render(Cut(placeholder, width-2))
	}
	from := 0
	for StringWidth(string(value[from:at])) > width-2 {
		from++
	}
	under, after := " ", ""
	if at < len(value) {
		under, after = string(value[at]), string(value[at+1:])
	}
	return Cut(t.Text.Render(string(value[from:at]))+cursorOn(under, t)+t.Text.Render(after), width)
}

func cursorOn(under string, t *theme.Theme) string {
	if t.Name == theme.Plain {
		return strings.TrimSuffix("|"+under, " ")
	}
	return t.Cursor.Render(under)
}
