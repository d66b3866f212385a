package ui

import (
	tea "github.com/charmbracelet/bubbletea"

	"codex-design/generate"
	"codex-design/model"
	"codex-design/ui/components"
)

// works is what is worked out in the background. Each kind of work runs at most
// once at a time, on a copy of the answers; a result for answers that are no
// longer the current ones is dropped and the work is done again.
type works struct {
	computing bool
	done      computed
	planning  bool
	plan      planned
	planAsked bool // a plan was asked for and waits for the answers to rest
	weighing  bool
	effects   weighed

	explaining bool
	causes     explained
}

// weighed is what each choice of one answer changes, for one generation of the answers.
type weighed struct {
	gen     int
	key     string
	effects map[string]model.Effect
	shapes  []model.Shape // of the architectures, where it is about them
}

// wantEffects weighs the choices of the answer that has the focus, if it has any
// and the answers are in order.
func (m *Model) wantEffects() {
	page, ok := m.page().(*formPage)
	if !ok || m.works.weighing || m.works.done.gen != m.gen || m.works.done.system == nil {
		return
	}
	key := page.field().Key
	if page.field().Kind != components.Choice || m.works.effects.gen == m.gen && m.works.effects.key == key {
		return
	}
	m.works.weighing = true
	answers, gen := clone(m.design.answers), m.gen
	m.later(func() tea.Msg { return weigh(answers, gen, key) })
}

// weigh compares the choices of an answer; architectures differ in more than a sum.
func weigh(answers model.Answers, gen int, key string) weighed {
	if key == "architecture" {
		return weighed{gen: gen, key: key, shapes: model.Shapes(answers)}
	}
	return weighed{gen: gen, key: key, effects: model.Effects(answers, key)}
}

func (w weighed) apply(m *Model) tea.Cmd {
	m.works.weighing = false
	m.works.effects = w
	m.page().refresh(false)
	return nil
}

// computed is what follows from the answers of one generation.
type computed struct {
	gen      int
	problems []model.Problem
	system   *generate.SystemView // nil when there are problems
	entries  []generate.Entry
	byPath   map[string]int
	err      error

	recovered string // what became of a commit that was cut off there
}

// entry is the entry of a path.
func (c *computed) entry(path string) (generate.Entry, bool) {
	at, ok := c.byPath[path]
	if !ok {
		return generate.Entry{}, false
	}
	return c.entries[at], true
}

// compute works out what follows from the answers, as soon as the last time is done.
func (m *Model) compute() {
	if m.works.computing {
		return
	}
	m.works.computing = true
	answers, gen := clone(m.design.answers), m.gen
	place, templates := m.place(), m.options.Templates
	m.later(func() tea.Msg { return compute(gen, answers, place, templates) })
}

func compute(gen int, answers model.Answers, place Place, templates *generate.Templates) computed {
	result := computed{gen: gen, problems: model.Check(answers), byPath: map[string]int{}}
	if len(result.problems) > 0 {
		return result
	}
	recovery, err := generate.Recover(place.Fs)
	result.recovered = recovery.Text()
	if err != nil {
		result.err = err
		return result
	}
	record, err := generate.ReadRecord(place.Fs)
	if err != nil {
		result.err = err
		return result
	}
	result.system = generate.NewSystemView(model.Resolve(answers))
	result.entries, result.err = generate.Outline(result.system, record.History, templates)
	for i, entry := range result.entries {
		result.byPath[entry.Path] = i
	}
	return result
}

func (c computed) apply(m *Model) tea.Cmd {
	m.works.computing = false
	if c.recovered != "" {
		m.say(c.recovered)
	}
	if c.gen != m.gen {
		m.compute()
		return nil
	}
	m.works.done = c
	if c.err != nil {
		m.complain(c.err.Error())
	}
	m.page().refresh(false)
	if c.system != nil {
		m.showEntries()
	}
	return nil
}

// located is the place that was found last.
type located struct {
	name, file string
	place      Place
}

// place is where the system goes.
func (m *Model) place() Place {
	name, file := m.design.answers.Name, m.source.path
	if m.where.place.Fs == nil || m.where.name != name || m.where.file != file {
		m.where = located{name, file, m.options.Place(name, file)}
	}
	return m.where.place
}

// planned is what a commit of one generation of the answers would do.
type planned struct {
	gen    int
	place  Place
	text   []byte // the answers file
	plan   generate.Plan
	byPath map[string]int
	err    error

	reopened    bool // there is a tree that the design is compared with
	open, files int  // conflicts that nobody has chosen for, and the files that have them
}

// choose gives the plan other choices.
func (p *planned) choose(choices generate.Choices) {
	p.plan = p.plan.Choose(choices)
	p.open, p.files = p.plan.Open()
}

func (p *planned) change(path string) (generate.Change, bool) {
	at, ok := p.byPath[path]
	if !ok {
		return generate.Change{}, false
	}
	return p.plan.Changes[at], true
}

// planNow is the plan, if it is the current answers' one.
func (m *Model) planNow() (*planned, bool) {
	return &m.works.plan, m.works.plan.gen == m.gen && m.works.plan.byPath != nil
}

// planDue asks for a plan if the answers have not changed since.
type planDue struct{ gen int }

func (d planDue) apply(m *Model) tea.Cmd {
	m.works.planAsked = false
	if d.gen != m.gen {
		return nil
	}
	return m.makePlan()
}

// wantPlan sees to it that a plan is made once the answers rest, if anything
// that is on the screen needs one.
func (m *Model) wantPlan() {
	screen := m.screen()
	needed := screen.Tree.Shown() || screen.File.Shown() || m.step == commitStep
	if _, ok := m.planNow(); ok || !needed || m.works.planAsked || m.works.planning || m.works.done.gen != m.gen || m.works.done.system == nil {
		return
	}
	m.works.planAsked = true
	rest := m.rest
	if m.step == reviewStep || m.step == commitStep {
		rest = 0
	}
	m.later(tick(rest, planDue{m.gen}))
}

func (m *Model) makePlan() tea.Cmd {
	if m.works.planning || m.works.done.gen != m.gen || m.works.done.system == nil {
		return nil
	}
	m.works.planning = true
	job := planJob{
		gen: m.gen, answers: clone(m.design.answers), system: m.works.done.system, place: m.place(), from: m.source,
		choices: m.choices, consent: m.consent, templates: m.options.Templates,
	}
	return func() tea.Msg { return job.run() }
}

// planJob is all that a plan is made from.
type planJob struct {
	gen       int
	answers   model.Answers
	system    *generate.SystemView
	place     Place
	from      source
	choices   generate.Choices
	consent   generate.Consent
	templates *generate.Templates
}

func (j planJob) run() planned {
	result := planned{gen: j.gen, place: j.place, byPath: map[string]int{}}
	result.text, result.err = j.from.save(j.answers)
	if result.err != nil {
		return result
	}
	design := generate.Design{System: j.system, Answers: result.text, Basis: j.from.text, Choices: j.choices, Consent: j.consent}
	result.plan, result.err = generate.Prepare(j.place.Fs, design, j.templates)
	for i, change := range result.plan.Changes {
		result.byPath[change.Path] = i
		result.reopened = result.reopened || change.State != generate.Create
	}
	return result
}

func (p planned) apply(m *Model) tea.Cmd {
	m.works.planning = false
	if p.gen != m.gen {
		return nil
	}
	m.works.plan = p
	m.works.plan.choose(m.choices) // which may have been made meanwhile
	if p.err != nil {
		m.complain(p.err.Error())
	}
	m.showEntries()
	return nil
}

// source is the file that a design came from; the zero value stands for a new design.
type source struct {
	document *model.Document
	path     string
	text     []byte
}

// save is the text of the answers file: the old one changed where the answers
// changed, or a fresh one.
func (s source) save(answers model.Answers) ([]byte, error) {
	if s.document == nil {
		return model.Format(answers), nil
	}
	return s.document.Save(answers)
}
