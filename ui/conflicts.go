package ui

import (
	"fmt"
	"slices"

	tea "github.com/charmbracelet/bubbletea"

	"codex-design/generate"
)

// conflictActions are what can be done about the file under the tree's cursor
// where its owner and the design changed the same lines.
func (m *Model) conflictActions() []action {
	change, ok := m.works.plan.change(m.preview.tree.File())
	if !ok || change.Merged.Conflicts() == 0 {
		return nil
	}
	return []action{
		act("m", "m", "mine", m.choose(change, generate.KeepMine)),
		act("g", "g", "generated", m.choose(change, generate.TakeNew)),
		act("b", "b", "both", m.choose(change, generate.Markers)),
		quietly("M", "M", "mine, everywhere in this file", m.chooseAll(change, generate.KeepMine)),
		quietly("G", "G", "generated, everywhere in this file", m.chooseAll(change, generate.TakeNew)),
		quietly("B", "B", "both between markers, everywhere in this file", m.chooseAll(change, generate.Markers)),
		quietly("x", "x", "forget what was chosen for this file", m.chooseAll(change, generate.Undecided)),
	}
}

// choose decides the first conflict of a file that is still open.
func (m *Model) choose(change generate.Change, choice generate.Choice) func() tea.Cmd {
	return do(func() {
		choices := m.choices.Of(change.Path, change.Merged.Conflicts())
		open := slices.Index(choices, generate.Undecided)
		if open < 0 {
			m.complain("Every conflict of this file is decided; x forgets that.")
			return
		}
		choices[open] = choice
		m.chosen(change.Path, choices)
	})
}

// chooseAll decides every conflict of a file.
func (m *Model) chooseAll(change generate.Change, choice generate.Choice) func() tea.Cmd {
	return do(func() {
		choices := make([]generate.Choice, change.Merged.Conflicts())
		for i := range choices {
			choices[i] = choice
		}
		m.chosen(change.Path, choices)
	})
}

// chosen has the plan made again with the choices for one file.
func (m *Model) chosen(path string, choices []generate.Choice) {
	m.choices = m.choices.With(path, choices)
	m.works.plan.gen = stale
	open := 0
	for _, choice := range choices {
		if choice == generate.Undecided {
			open++
		}
	}
	m.say(fmt.Sprintf("%d of %s decided.", len(choices)-open, counted(len(choices), "conflict", "conflicts")))
}

// showConflict scrolls to the first conflict of a file that is still open.
func (m *Model) showConflict(plan *planned, path string) {
	change, _ := plan.change(path)
	if line := change.ConflictLine(); line >= 0 {
		m.preview.y = max(0, line-1)
	}
}

// stale is a generation that no answers have: a plan of it has to be made again.
const stale = -1
