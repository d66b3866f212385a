package ui

import (
	"fmt"
	"slices"

	"codex-design/generate"
	"codex-design/ui/components"
)

// group is a kind of change in the review of a tree that stands already.
type group struct {
	title string
	state generate.State // for the glyph
	open  bool
	has   func(*generate.Change) bool
}

// groups are the kinds of change, what needs somebody first. A change belongs to
// the first that has it.
var groups = []group{
	{"Conflicts", generate.Conflict, true, func(c *generate.Change) bool { return len(c.Disputes) > 0 || c.State == generate.Conflict }},
	{"New migrations", generate.Create, true, func(c *generate.Change) bool {
		return c.Artifact.Owner == generate.Appended && c.State == generate.Create
	}},
	{"Kept, but outdated", generate.Keep, true, func(c *generate.Change) bool { return c.Outdated }},
	{"Merged with edits", generate.Merge, true, inState(generate.Merge)},
	{"Updated", generate.Update, true, inState(generate.Update)},
	{"New", generate.Create, true, inState(generate.Create)},
	{"Deleted", generate.Delete, true, inState(generate.Delete)},
	{"Kept as they are", generate.Keep, false, inState(generate.Keep)},
	{"Unchanged", generate.Unchanged, false, inState(generate.Unchanged)},
}

func inState(state generate.State) func(*generate.Change) bool {
	return func(c *generate.Change) bool { return c.State == state }
}

// byGroup tells whether the files are shown by what becomes of them: in the
// review, once there is a tree that they are compared with.
func (m *Model) byGroup(plan *planned) bool {
	return m.step == reviewStep && !m.preview.byDirectory && plan.reopened
}

// overviewPath stands for the page about the plan as a whole; no file has it.
const overviewPath = "\x00overview"

// grouped are a plan's changes by group, behind the page about them all.
func grouped(plan generate.Plan) []components.Group {
	out := make([]components.Group, len(groups)+1)
	whole := components.Entry{Path: overviewPath, Label: "What changes"}
	if len(plan.Asks) > 0 {
		whole.Note, whole.Tone = "? needs a yes", components.Changed
	}
	out[0].Entries = []components.Entry{whole}
	for i, g := range groups {
		look := glyphs[g.state]
		out[i+1] = components.Group{Title: g.title, Glyph: look.glyph, Tone: look.tone, Open: g.open}
	}
	for i := range plan.Changes {
		change := &plan.Changes[i]
		at := 1 + slices.IndexFunc(groups, func(g group) bool { return g.has(change) })
		out[at].Entries = append(out[at].Entries, entryOf(change))
	}
	shown := out[:1]
	for _, g := range out[1:] {
		if len(g.Entries) > 0 {
			shown = append(shown, g)
		}
	}
	return shown
}

func entryOf(change *generate.Change) components.Entry {
	look := glyphs[change.State]
	entry := components.Entry{Path: change.Path, Glyph: look.glyph, Tone: look.tone}
	if conflicts := len(change.Disputes); conflicts > 0 {
		entry.Note = fmt.Sprintf("✓ %d", conflicts)
		if change.Undecided > 0 {
			entry.Note = fmt.Sprintf("! %d of %d", change.Undecided, conflicts)
		}
	}
	return entry
}
