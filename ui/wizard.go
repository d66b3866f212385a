package ui

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"
	"github.com/muesli/termenv"

	"codex-design/generate"
	"codex-design/model"
	"codex-design/ui/components"
	"codex-design/ui/layout"
	"codex-design/ui/theme"
)

// Model is the wizard: where the user is, what they answered and what is known
// to follow from it. It is changed only by Update.
type Model struct {
	ctx     context.Context
	options Options
	theme   *theme.Theme
	profile termenv.Profile

	rest time.Duration // how long the answers must rest before they are planned and kept

	width, height int
	focus         layout.Pane

	design design
	source source // the file that the design came from
	past   history
	gen    int // counts the changes of the answers

	step  int // index in steps, or startStep or doneStep
	pages map[int]page
	seen  map[int]bool // steps that were left once: their problems are shown

	rail    int // step under the cursor of the rail
	dialog  dialog
	notice  notice
	preview preview
	works   works
	choices generate.Choices // what was chosen where an edit and the design collide
	chosen  int              // counts the changes of those
	consent generate.Consent // what these answers were said yes to
	drafts  drafts
	pending []tea.Cmd
	result  outcome
	where   located

	verification *verification // the last one, nil before the first
}

// outcome is what came of the wizard so far.
type outcome struct {
	Result
	left    bool // without committing
	running *committing
	counts  generate.Counts
	markers []string // files in which both sides of a conflict stand
}

// answersRest is long enough for a plan, which reads the whole target, not to be
// made at each key, and short enough for a draft to hold the last word.
const answersRest = 250 * time.Millisecond

// Stops that are not in the table of steps.
const (
	startStep  = -1
	doneStep   = 1000
	verifyStep = 1001
)

// notice is the line above the key hints.
type notice struct {
	text string
	bad  bool
}

// page is what fills the form's pane on one step.
type page interface {
	keys() []action
	typing() bool // whether letters are text
	update(msg tea.Msg) tea.Cmd
	refresh(force bool) // the answers changed; force: also what is being typed
	view(width, height int, focused bool) []string
}

// applier is the result of a command; it knows itself what to do with it.
type applier interface{ apply(m *Model) tea.Cmd }

// New makes the wizard. Its first frame needs a window size.
func New(ctx context.Context, options Options) *Model {
	options = options.filled()
	profile := theme.Profile(options.Getenv)
	m := &Model{
		ctx: ctx, options: options, choices: options.Choices, consent: options.Consent, profile: profile, rest: answersRest,
		theme: theme.New(theme.Choose(options.Theme, options.NoColor, options.Getenv), profile),
		pages: map[int]page{}, seen: map[int]bool{},
	}
	m.preview = newPreview()
	m.begin()
	return m
}

// begin settles where the wizard starts.
func (m *Model) begin() {
	o := m.options
	switch {
	case o.Document != nil && o.Path != "":
		m.open(o.Document, o.Path, o.Source)
		if o.Answers != nil {
			m.design.answers = clone(*o.Answers)
			m.past.unsaved = !slices.Equal(model.Format(*o.Answers), model.Format(o.Document.Answers))
			m.changed()
		}
	case o.Answers != nil:
		m.fresh(*o.Answers, o.Document)
	case o.Document != nil:
		m.fresh(o.Document.Answers, o.Document)
	default:
		m.fresh(blank(), nil)
		m.goTo(startStep)
	}
}

// fresh starts a new design; document is the example that it starts from, whose
// comments are kept, or nil.
func (m *Model) fresh(answers model.Answers, document *model.Document) {
	m.source = source{document: document}
	m.replace(answers, baseline{})
	m.goTo(0)
}

// open continues a saved design, in its review.
func (m *Model) open(document *model.Document, path string, text []byte) {
	m.source = source{document: document, path: path, text: text}
	m.replace(document.Answers, baseline{clone(document.Answers)})
	for i := range steps {
		m.seen[i] = true
	}
	m.goTo(reviewStep)
}

// replace starts over with other answers; unsaved ones can be had back by undo.
func (m *Model) replace(answers model.Answers, base baseline) {
	before, dirty := snapshot{answers: m.design.answers, step: m.step}, m.past.dirty()
	m.design = design{answers: clone(answers), base: base}
	if dirty {
		m.past.push(before, "")
	} else {
		m.past = history{}
	}
	m.pages = map[int]page{}
	m.seen = map[int]bool{}
	m.preview.reset()
	m.changed()
}

// Init implements tea.Model.
func (m *Model) Init() tea.Cmd {
	return tea.Batch(tea.SetWindowTitle("codex-design"), m.drafts.look(m), m.flush(nil))
}

// Update implements tea.Model. It only finds out whom a message is for.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	var cmd tea.Cmd
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		cmd = m.resize(msg)
	case tea.KeyMsg:
		cmd = m.press(msg)
	case tea.MouseMsg:
		cmd = m.mouse(msg)
	case applier:
		cmd = msg.apply(m)
	default:
		cmd = m.page().update(msg)
	}
	return m, m.flush(cmd)
}

// flush adds the commands that came up on the way.
func (m *Model) flush(cmd tea.Cmd) tea.Cmd {
	m.wantPlan()
	m.wantCauses()
	m.wantFile()
	m.wantEffects()
	if len(m.pending) == 0 {
		return cmd
	}
	all := append(m.pending, cmd)
	m.pending = nil
	return tea.Batch(all...)
}

func (m *Model) later(cmd tea.Cmd) { m.pending = append(m.pending, cmd) }

func (m *Model) resize(size tea.WindowSizeMsg) tea.Cmd {
	shrunk := size.Width < m.width || size.Height < m.height
	m.width, m.height = size.Width, size.Height
	m.keepFocusShown()
	if screen := m.screen(); screen.File.Shown() && m.preview.shown.view == components.Diff {
		m.toStop(m.preview.stop)
	}
	if shrunk {
		return tea.ClearScreen
	}
	return nil
}

// edit changes the answers. Edits with the same mark are undone as one; an empty
// mark stands alone.
func (m *Model) edit(mark string, change func(d *design) error) error {
	before := snapshot{step: m.step}
	if starts := m.past.starts(mark); starts {
		before.answers = clone(m.design.answers)
		if err := change(&m.design); err != nil {
			return err
		}
		m.past.push(before, mark)
	} else if err := change(&m.design); err != nil {
		return err
	}
	m.changed()
	return nil
}

// changed is called after every change of the answers.
func (m *Model) changed() {
	m.gen++
	m.consent = m.options.Consent // a yes was to other answers
	m.notice = notice{}
	m.compute()
	m.drafts.touch(m)
}

// restore goes to another state of the answers and to where they were changed.
func (m *Model) restore(from func(snapshot) (snapshot, bool), nothing string) tea.Cmd {
	choices := m.choices
	to, ok := from(snapshot{m.design.answers, m.step, &choices})
	switch {
	case !ok:
		m.say(nothing)
		return nil
	case to.choices != nil:
		m.takeBack(to)
		return nil
	}
	m.design.answers = clone(to.answers)
	m.changed()
	if to.step >= 0 && to.step < len(steps) && m.step != to.step {
		m.goTo(to.step)
	}
	for _, p := range m.pages {
		p.refresh(true)
	}
	return nil
}

func (m *Model) say(text string)      { m.notice = notice{text: text} }
func (m *Model) complain(text string) { m.notice = notice{text: text, bad: true} }

// goTo shows a step.
func (m *Model) goTo(step int) {
	if m.step >= 0 && m.step != step {
		m.seen[m.step] = true
	}
	if step == reviewStep && m.step != commitStep {
		m.preview.tree.Top()
	}
	m.step = step
	m.rail = max(0, min(step, len(steps)-1))
	m.focus = layout.Form
	m.past.mark = ""
	m.notice = notice{}
	if current, ok := m.current(); ok {
		m.focus = current.pane()
	}
	m.page().refresh(true)
	m.preview.followed = ""
	if m.works.done.system != nil {
		m.showEntries()
	}
	m.follow()
}

// current is the row of the step table, false on the start page and after the commit.
func (m *Model) current() (step, bool) {
	if m.step < 0 || m.step >= len(steps) {
		return step{}, false
	}
	return steps[m.step], true
}

// page is the page of the current step, made when first shown.
func (m *Model) page() page {
	if p, ok := m.pages[m.step]; ok {
		return p
	}
	p := m.makePage()
	m.pages[m.step] = p
	return p
}

func (m *Model) makePage() page {
	current, ok := m.current()
	switch {
	case m.step == startStep:
		return newStartPage(m)
	case m.step == verifyStep:
		return &verifyPage{m: m}
	case !ok:
		return &donePage{m}
	case current.id == "review":
		return &reviewPage{m}
	case current.id == "commit":
		return &commitPage{m}
	case current.items != nil:
		return newListPage(m, current)
	}
	return &formPage{form: newForm(m, current.ask, top), step: current}
}

// next goes forward, unless something on this step needs mending.
func (m *Model) next() tea.Cmd {
	if m.step >= len(steps)-1 || m.step < 0 {
		return nil
	}
	m.seen[m.step] = true
	if m.step == reviewStep {
		return m.toCommit()
	}
	if list, ok := m.page().(*listPage); ok && !list.settle() {
		return nil
	}
	if wrong := m.problemsOf(m.step); len(wrong) > 0 {
		m.page().refresh(false)
		m.complain("Mend this first: " + m.told(wrong[0]))
		m.find(wrong[0].Path)
		return nil
	}
	m.goTo(m.step + 1)
	return nil
}

// toCommit goes on from the review, unless anything at all needs mending.
func (m *Model) toCommit() tea.Cmd {
	if wrong := m.problems(); len(wrong) > 0 {
		m.dialog = newFindings(m)
		m.complain("Nothing can be written before these are mended.")
		return nil
	}
	if plan, ok := m.planNow(); ok && plan.open > 0 {
		m.toOpenConflict()
		m.complain(fmt.Sprintf("%s in %s: choose m (mine), g (generated) or b (both).",
			isOpen(plan.open), counted(plan.files, "file", "files")))
		return nil
	}
	m.goTo(commitStep)
	return nil
}

// back goes to the step before; it is never refused.
func (m *Model) back() tea.Cmd {
	switch {
	case m.step == doneStep:
		m.goTo(reviewStep)
	case m.step > 0:
		m.goTo(m.step - 1)
	case m.step == 0 && m.source.document == nil:
		m.goTo(startStep)
	}
	return nil
}

// unsaved tells whether leaving now would lose answers.
func (m *Model) unsaved() bool {
	return m.past.dirty()
}

// problems are what is wrong with the answers as they are now.
func (m *Model) problems() []model.Problem {
	if m.works.done.gen != m.gen {
		return model.Check(m.design.answers)
	}
	return m.works.done.problems
}

func (m *Model) problemsOf(step int) []model.Problem {
	var own []model.Problem
	for _, p := range m.problems() {
		if owner(p.Path) == step {
			own = append(own, p)
		}
	}
	return own
}

// screen is where everything is now.
func (m *Model) screen() layout.Screen {
	current, ok := m.current()
	return layout.Of(layout.Input{
		Width: m.width, Height: m.height, Focus: m.focus,
		Review: ok && current.id == "review",
		Wide:   !ok || current.id == "commit",
		Zoom:   m.preview.zoom,
	})
}

// panes are those that tab goes through.
func (m *Model) panes() []layout.Pane {
	current, ok := m.current()
	switch {
	case !ok || current.id == "commit":
		return []layout.Pane{layout.Form}
	case current.id == "review":
		return []layout.Pane{layout.Tree, layout.File}
	}
	return []layout.Pane{layout.Form, layout.Tree, layout.File}
}

func (m *Model) cycle(by int) tea.Cmd {
	panes := m.panes()
	at := 0
	for i, pane := range panes {
		if pane == m.focus {
			at = i
		}
	}
	m.focus = panes[(at+by+len(panes))%len(panes)]
	return nil
}

func (m *Model) keepFocusShown() {
	if m.focus == layout.Rail {
		return
	}
	for _, pane := range m.panes() {
		if pane == m.focus {
			return
		}
	}
	m.focus = m.panes()[0]
}

// binding makes a key binding whose help shows the given name of the key.
func binding(keys, shown, help string) key.Binding {
	return key.NewBinding(key.WithKeys(strings.Fields(keys)...), key.WithHelp(shown, help))
}

// tick runs a message through Update after a while.
func tick(after time.Duration, msg tea.Msg) tea.Cmd {
	return tea.Tick(after, func(time.Time) tea.Msg { return msg })
}
