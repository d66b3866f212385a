package ui

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"unicode/utf8"

	tea "github.com/charmbracelet/bubbletea"

	"codex-design/generate"
	"codex-design/ui/components"
	"codex-design/ui/layout"
)

// isOpen counts conflicts that nobody has chosen for.
func isOpen(count int) string {
	return counted(count, "conflict is open", "conflicts are open")
}

// conflictActions are what can be done about the file under the tree's cursor
// where its owner and the design changed the same lines.
func (m *Model) conflictActions() []action {
	change, ok := m.works.plan.change(m.preview.tree.File())
	if !ok || change.Merged.Conflicts() == 0 {
		return m.openActions()
	}
	return append([]action{
		act("m", "m", "mine", m.choose(change, generate.KeepMine)),
		act("g", "g", "generated", m.choose(change, generate.TakeNew)),
		act("b", "b", "both", m.choose(change, generate.Markers)),
		quietly("x", "x", "forget what was chosen here", m.choose(change, generate.Undecided)),
		quietly("M", "M", "mine, everywhere in this file", m.chooseAll(change, generate.KeepMine)),
		quietly("G", "G", "generated, everywhere in this file", m.chooseAll(change, generate.TakeNew)),
		quietly("B", "B", "both between markers, everywhere in this file", m.chooseAll(change, generate.Markers)),
		quietly("X", "X", "forget what was chosen in this file", m.chooseAll(change, generate.Undecided)),
	}, m.openActions()...)
}

// openActions go to the conflicts that are open, whatever file they are in.
func (m *Model) openActions() []action {
	if plan, ok := m.planNow(); ok && plan.open > 0 {
		return []action{act("o", "o", "open conflict", do(m.toOpenConflict))}
	}
	return nil
}

// choose decides the conflict that the preview is at, and goes on to the next
// one of the file that is open.
func (m *Model) choose(change generate.Change, choice generate.Choice) func() tea.Cmd {
	return do(func() {
		if m.unseen() {
			return
		}
		at := m.conflictHere(change)
		if at < 0 {
			m.complain("This change is no conflict: o goes to one that is open.")
			return
		}
		m.pick(change.Path, choice, change.Disputes[at])
		if choice != generate.Undecided {
			m.toConflict(change.Path, at)
		}
	})
}

// chooseAll decides every conflict of a file.
func (m *Model) chooseAll(change generate.Change, choice generate.Choice) func() tea.Cmd {
	return do(func() {
		if !m.unseen() {
			m.pick(change.Path, choice, change.Disputes...)
		}
	})
}

// unseen shows the file instead of choosing where the window has no room for it
// beside the list: nobody chooses what they do not see.
func (m *Model) unseen() bool {
	if m.screen().File.Shown() {
		return false
	}
	m.focus = layout.File
	m.say("This is what the key is about: press it again to choose.")
	return true
}

// conflictHere is the conflict of a file that the preview is at; -1 where it is
// at another change. Where no diff is shown it is the first that is open.
func (m *Model) conflictHere(change generate.Change) int {
	if stop, ok := m.stop(); ok && m.preview.shown.path == change.Path {
		return stop.Conflict
	}
	return max(0, slices.Index(change.Choices, generate.Undecided))
}

// pick takes a choice into the plan, in a way that can be undone.
func (m *Model) pick(path string, choice generate.Choice, disputes ...generate.Dispute) {
	before := m.choices
	m.past.push(snapshot{step: m.step, choices: &before}, "")
	m.settle(m.choices.With(choice, disputes...))
	m.drafts.touch(m)
	change, _ := m.works.plan.change(path)
	conflicts := len(change.Choices)
	left := "no conflict is left"
	if open := m.works.plan.open; open > 0 {
		left = isOpen(open)
	}
	if choice == generate.Markers && change.Undecided > 0 && !isText([]byte(change.Merged.Text(change.Choices))) {
		m.complain("This is no text, so it cannot hold markers: choose m (mine) or g (generated).")
		return
	}
	m.say(fmt.Sprintf("%d of %s decided here; %s. u takes it back.",
		conflicts-change.Undecided, counted(conflicts, "conflict", "conflicts"), left))
}

// takeBack goes to what was chosen before, and to where that is to be seen.
func (m *Model) takeBack(to snapshot) {
	if m.step != to.step {
		m.goTo(to.step)
	}
	m.settle(*to.choices)
	m.drafts.touch(m)
	m.say("What is chosen for the conflicts is as it was.")
}

// settle gives the plan other choices.
func (m *Model) settle(choices generate.Choices) {
	m.choices = choices
	m.chosen++
	m.works.plan.choose(choices)
	m.showEntries()
}

// toConflict goes to the first conflict of a file behind the given one that is
// open, or else before it.
func (m *Model) toConflict(path string, behind int) {
	change, _ := m.works.plan.change(path)
	open := slices.Index(change.Choices[behind+1:], generate.Undecided)
	if open >= 0 {
		open += behind + 1
	} else {
		open = slices.Index(change.Choices, generate.Undecided)
	}
	if page := m.preview.page; open >= 0 && page != nil {
		m.toStop(slices.IndexFunc(page.Stops, func(s components.Stop) bool { return s.Conflict == open }))
	}
}

// toOpenConflict goes to the next conflict that is open: in the file that is
// looked at, or else in the next file that has one.
func (m *Model) toOpenConflict() {
	if !m.screen().File.Shown() {
		m.focus = layout.File
	}
	plan := m.works.plan.plan
	here := m.preview.tree.File()
	if change, ok := m.works.plan.change(here); ok && change.Undecided > 0 {
		*m.viewOf(here) = components.Diff
		m.toConflict(here, m.conflictHere(change))
		return
	}
	isOpen := func(c generate.Change) bool { return c.Undecided > 0 }
	at := slices.IndexFunc(plan.Changes, func(c generate.Change) bool { return isOpen(c) && c.Path > here })
	if at < 0 {
		at = slices.IndexFunc(plan.Changes, isOpen)
	}
	if at >= 0 {
		path := plan.Changes[at].Path
		m.preview.tree.Filter("")
		m.preview.tree.Reveal(path)
		*m.viewOf(path) = components.Diff
	}
}

// stop is the change of the diff that the preview is at.
func (m *Model) stop() (components.Stop, bool) {
	page := m.preview.page
	if page == nil || m.preview.stop < 0 || m.preview.stop >= len(page.Stops) {
		return components.Stop{}, false
	}
	return page.Stops[m.preview.stop], true
}

// noChanges is why there is no change to go to.
func (m *Model) noChanges() string {
	if page := m.preview.page; page == nil || len(page.Stops) == 0 {
		return "There are no changes on this page; v changes the view."
	}
	return ""
}

// moveStop goes to the next change of the diff or the one before.
func (m *Model) moveStop(by int) {
	switch page := m.preview.page; {
	case m.preview.stop+by < 0:
		m.say("This is the first change of the file; p goes to the file before.")
	case m.preview.stop+by >= len(page.Stops):
		m.say("This was the last change of the file; n goes to the next file.")
	default:
		m.toStop(m.preview.stop + by)
	}
}

// toStop goes to a change of the diff and scrolls as far as it takes to see it.
func (m *Model) toStop(at int) {
	page := m.preview.page
	if page == nil || at < 0 || at >= len(page.Stops) {
		return
	}
	m.preview.stop = at
	stop, height := page.Stops[at], max(1, m.fileRoom())
	if stop.To > m.preview.y+height {
		m.preview.y = max(0, stop.To-height+1)
	}
	if stop.From-1 < m.preview.y {
		m.preview.y = max(0, stop.From-1)
	}
}

// firstStop puts a page that was just made at its first open conflict or, without
// one, its first change.
func (m *Model) firstStop(path string) {
	m.preview.stop = 0
	if change, ok := m.works.plan.change(path); ok && change.Undecided > 0 {
		m.toConflict(path, -1)
		return
	}
	m.toStop(0)
}

// parts are the two versions of a file, cut where somebody has to choose.
func (c fileContent) parts(before, after []byte) []components.Part {
	if !isText(before) || !isText(after) {
		return []components.Part{{Old: inBytes(before), New: inBytes(after), Conflict: c.conflict(0)}}
	}
	if !c.planned || c.change.Merged.Conflicts() == 0 {
		return []components.Part{{Old: string(before), New: string(after)}}
	}
	var parts []components.Part
	conflicts := 0
	for _, hunk := range c.change.Merged {
		if !hunk.Conflict() {
			parts = append(parts, components.Part{Old: hunk.Disk, New: hunk.Mine})
			continue
		}
		parts = append(parts, components.Part{Old: hunk.Mine, New: hunk.New, Conflict: c.conflict(conflicts)})
		conflicts++
	}
	return parts
}

// standings say how a conflict stands after each choice.
var standings = map[generate.Choice]string{
	generate.Undecided: "open",
	generate.KeepMine:  "yours stays",
	generate.TakeNew:   "the generated lines are taken",
	generate.Markers:   "both, between markers",
}

// conflict is how the choice at one conflict stands; nil where there is none.
func (c fileContent) conflict(at int) *components.Conflict {
	if at >= len(c.change.Choices) {
		return nil
	}
	choice := c.change.Choices[at]
	both := choice == generate.Markers
	return &components.Conflict{
		Title: fmt.Sprintf("conflict %d of %d: %s", at+1, len(c.change.Choices), standings[choice]),
		Open:  choice == generate.Undecided,
		Old:   components.Pick{Title: "yours (m)", Taken: both || choice == generate.KeepMine, Lost: choice == generate.TakeNew},
		New:   components.Pick{Title: "generated (g)", Taken: both || choice == generate.TakeNew, Lost: choice == generate.KeepMine},
	}
}

func isText(content []byte) bool {
	return utf8.Valid(content) && !slices.Contains(content, 0)
}

// inBytes stands for content that is no text.
func inBytes(content []byte) string {
	return fmt.Sprintf("%d bytes that are no text, SHA-256 %x\n", len(content), sha256.Sum256(content))
}
