package ui

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/charmbracelet/bubbles/textinput"
	tea "github.com/charmbracelet/bubbletea"
	"github.com/spf13/afero"

	"codex-design/generate"
	"codex-design/model"
	"codex-design/ui/components"
)

// startPage offers what a design can start from.
type startPage struct {
	m      *Model
	rows   []beginning
	scroll components.Scroll
	path   *textinput.Model // open while the path of a file is typed
	wrong  []string
}

// beginning is one thing to start from.
type beginning struct {
	text, detail string
	run          func() tea.Cmd
}

func newStartPage(m *Model) *startPage {
	p := &startPage{m: m}
	p.refresh(true)
	return p
}

func (p *startPage) refresh(bool) {
	p.rows = nil
	if p.m.past.dirty() {
		p.rows = append(p.rows, beginning{"Go on with " + p.m.design.answers.Name, "as you left it", do(func() { p.m.goTo(0) })})
	}
	if draft := p.m.drafts.found; draft != nil {
		p.rows = append(p.rows, beginning{"The draft that was left", draft.what(), do(func() { p.m.resume(draft) })})
	}
	p.rows = append(p.rows,
		beginning{"A blank design", "answer everything yourself", do(func() { p.m.fresh(blank(), nil) })},
		beginning{"A saved design …", "open a codex-design.yaml", do(p.askPath)})
	for _, example := range model.Examples() {
		p.rows = append(p.rows, beginning{"Example: " + example.Name, example.Title, do(func() { p.m.fromExample(example) })})
	}
}

// fromExample starts a new design like an example.
func (m *Model) fromExample(example model.Example) {
	document, _ := model.Read(example.Source)
	m.fresh(example.Answers, document)
}

// blank is a design in which everything that has no usual answer is open.
func blank() model.Answers {
	answers := model.Defaults()
	answers.Name = ""
	return answers
}

func (p *startPage) askPath() {
	input := components.NewInput()
	input.Placeholder = "shop/codex-design.yaml"
	p.path = &input
}

func (p *startPage) keys() []action {
	if p.path != nil {
		return []action{
			act("enter", "enter", "open", do(p.open)),
			act("esc", "esc", "back", do(func() { p.path, p.wrong = nil, nil })),
		}
	}
	return []action{
		act("up k", "↑↓", "choose", do(func() { p.scroll.Move(-1, len(p.rows)) })),
		quietly("down j", "↓", "down", do(func() { p.scroll.Move(1, len(p.rows)) })),
		act("enter right", "enter", "start", func() tea.Cmd { return p.rows[p.scroll.Cursor].run() }),
		act("q", "q", "leave", p.m.askToLeave),
	}
}

// open reads the file at the path and goes on with it.
func (p *startPage) open() {
	path := strings.TrimSpace(p.path.Value())
	document, text, wrong := p.m.read(path)
	if len(wrong) > 0 {
		p.wrong = wrong
		return
	}
	p.path, p.wrong = nil, nil
	p.m.open(document, path, text)
}

// read reads an answers file; what is wrong with it is said line by line.
func (m *Model) read(path string) (document *model.Document, text []byte, wrong []string) {
	if path == "" {
		return nil, nil, []string{"Which file?"}
	}
	if m.options.Files == nil {
		return nil, nil, []string{"Files cannot be opened here."}
	}
	if _, err := generate.Recover(m.options.Place("", path).Fs); err != nil {
		return nil, nil, []string{err.Error()}
	}
	text, err := afero.ReadFile(m.options.Files, path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, []string{"There is no file " + path + "."}
	}
	if err != nil {
		return nil, nil, []string{err.Error()}
	}
	document, problems := model.Read(text)
	for _, p := range problems {
		wrong = append(wrong, placed(p))
	}
	return document, text, wrong
}

func (p *startPage) typing() bool { return p.path != nil }

func (p *startPage) update(msg tea.Msg) tea.Cmd {
	if p.path == nil {
		return nil
	}
	input, cmd := p.path.Update(msg)
	p.path, p.wrong = &input, nil
	return cmd
}

func (p *startPage) view(width, height int, focused bool) []string {
	t := p.m.theme
	lines := p.m.pageHead("codex-design", "A handful of answers in, a complete system of FastAPI services out. What do you start from?", width)
	if p.path != nil {
		lines = append(lines, "  "+t.Title.Render("Path of the file"), "  "+components.InputView(p.path, p.path.Placeholder, width-4, t))
		for _, why := range p.wrong {
			for _, line := range components.Wrap(why, width-4) {
				lines = append(lines, "  "+t.Bad.Render("✗ "+line))
			}
		}
		return components.Block(lines, height)
	}
	row := func(i int) components.Row { return components.Row{Text: p.rows[i].text, Detail: p.rows[i].detail} }
	list := components.List(len(p.rows), row, &p.scroll, min(width, 90), height-len(lines), focused, t)
	return append(lines, list...)
}

// placed is a problem with the place in the file that it is about.
func placed(p model.Problem) string {
	text := sentence(p.Message, p.Hint)
	if p.Line > 0 {
		text = fmt.Sprintf("line %d: %s", p.Line, text)
	}
	return text
}
