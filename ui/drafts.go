package ui

import (
	"encoding/json"
	"path"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/spf13/afero"

	"codex-design/generate"
	"codex-design/model"
)

// drafts keeps unsaved answers where they survive a crash.
type drafts struct {
	found   *draft // left by an earlier run
	waiting bool   // a save is due
	saving  bool
	saved   work // that was saved last
	failed  bool
}

// work tells one state of what a user did from another.
type work struct{ answers, choices int }

func (m *Model) work() work { return work{m.gen, m.chosen} }

// draft is unsaved work. It holds half-typed answers too, so it is written as
// they are and not in the form of an answers file.
type draft struct {
	Version int           `json:"version"`
	Path    string        `json:"path,omitempty"` // of the file that it was opened from
	Text    string        `json:"text,omitempty"` // of that file
	Step    int           `json:"step"`
	Answers model.Answers `json:"answers"`

	Choices map[generate.Dispute]generate.Choice `json:"choices,omitempty"` // what was chosen for conflicts
}

const draftVersion = 1

func (d *draft) what() string {
	name := d.Answers.Name
	if name == "" {
		name = "unnamed"
	}
	return joinNonEmpty(name, counted(len(d.Answers.Services), "service", "services"), d.Path)
}

// look looks for a draft that an earlier run left.
func (d *drafts) look(m *Model) tea.Cmd {
	store, name := m.options.Drafts, m.options.Draft
	if store == nil {
		return nil
	}
	return func() tea.Msg {
		data, err := afero.ReadFile(store, name)
		if err != nil {
			return nil
		}
		var found draft
		if json.Unmarshal(data, &found) != nil || found.Version != draftVersion {
			return nil
		}
		return draftFound{&found}
	}
}

type draftFound struct{ draft *draft }

func (f draftFound) apply(m *Model) tea.Cmd {
	if m.past.dirty() {
		return nil
	}
	m.drafts.found = f.draft
	if m.step == startStep {
		m.page().refresh(true)
		return nil
	}
	m.dialog = newDraftQuestion(m, f.draft)
	return nil
}

// resume goes on where a draft was left.
func (m *Model) resume(d *draft) {
	m.drafts.found = nil
	m.source = source{}
	var base baseline
	if document, problems := model.Read([]byte(d.Text)); d.Text != "" && len(problems) == 0 {
		m.source = source{document: document, path: d.Path, text: []byte(d.Text)}
		base = baseline{clone(document.Answers)}
	}
	m.replace(d.Answers, base)
	m.choices.Each = d.Choices
	m.past.unsaved = true
	m.drafts.saved = m.work()
	for i := range d.Step {
		m.seen[i] = true
	}
	m.goTo(max(0, min(d.Step, reviewStep)))
}

// touch saves the draft once the answers rest. A draft that was left is not
// overwritten: the user is asked what is to become of it.
func (d *drafts) touch(m *Model) {
	if m.options.Drafts == nil || d.waiting || !m.past.dirty() {
		return
	}
	if d.found != nil {
		m.dialog = newDraftQuestion(m, d.found)
		return
	}
	d.waiting = true
	m.later(tick(m.rest, draftDue{}))
}

type draftDue struct{}

func (draftDue) apply(m *Model) tea.Cmd {
	m.drafts.waiting = false
	if !m.past.dirty() || m.drafts.saving {
		return nil
	}
	return m.drafts.save(m)
}

func (d *drafts) save(m *Model) tea.Cmd {
	d.saving = true
	store, name, saved := m.options.Drafts, m.options.Draft, m.work()
	content := draft{
		Version: draftVersion, Path: m.source.path, Text: string(m.source.text),
		Step: m.step, Answers: clone(m.design.answers), Choices: m.choices.Each,
	}
	return func() tea.Msg { return draftSaved{saved, writeDraft(store, name, content)} }
}

// writeDraft replaces the draft in one step, so that a crash leaves the old or the new one.
func writeDraft(store afero.Fs, name string, content draft) error {
	data, err := json.Marshal(content)
	if err != nil {
		return err
	}
	if err := store.MkdirAll(path.Dir(name), 0o700); err != nil {
		return err
	}
	if err := afero.WriteFile(store, name+".new", data, 0o600); err != nil {
		return err
	}
	return store.Rename(name+".new", name)
}

type draftSaved struct {
	work work
	err  error
}

func (s draftSaved) apply(m *Model) tea.Cmd {
	m.drafts.saving = false
	m.drafts.failed = s.err != nil
	if s.err != nil {
		m.complain("The draft could not be saved: " + s.err.Error())
		return nil
	}
	m.drafts.saved = s.work
	if !m.past.dirty() {
		return m.drafts.remove(m)
	}
	if s.work != m.work() {
		m.drafts.touch(m)
	}
	return nil
}

// remove forgets the draft: its work was committed or given up.
func (d *drafts) remove(m *Model) tea.Cmd {
	store, name := m.options.Drafts, m.options.Draft
	d.found = nil
	if store == nil {
		return nil
	}
	return func() tea.Msg {
		_ = store.Remove(name) // it may never have been written
		return nil
	}
}
