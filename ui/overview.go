package ui

import (
	"strings"

	"github.com/charmbracelet/lipgloss"

	"codex-design/generate"
	"codex-design/ui/components"
	"codex-design/ui/theme"
)

// overview is the page about a plan as a whole: what it does to the databases and
// to those who rely on the services, and what it takes a yes for.
type overview struct {
	plan   generate.Plan
	causes *generate.Causes // nil while they are not known
	theme  *theme.Theme
	width  int
	lines  []string
}

func (o overview) page() *components.Page {
	o.answers()
	o.files()
	o.asks()
	o.schemas()
	o.contracts()
	return components.NewPage(o.lines)
}

func (o *overview) head(title string) {
	if len(o.lines) > 0 {
		o.lines = append(o.lines, "")
	}
	o.lines = append(o.lines, o.theme.Title.Render(components.Cut(title, o.width)))
}

// say adds a text behind a mark, wrapped below itself.
func (o *overview) say(mark, text string, style lipgloss.Style) {
	for _, line := range components.Wrap(text, max(8, o.width-2-len([]rune(mark)))) {
		o.lines = append(o.lines, "  "+style.Render(mark+line))
		mark = strings.Repeat(" ", len([]rune(mark)))
	}
}

// answers are those that changed, each with what it changes.
func (o *overview) answers() {
	if o.causes == nil {
		return
	}
	if len(o.causes.Changes) > 0 {
		o.head("Answers")
	}
	for _, change := range o.causes.Changes {
		files := 0
		for _, causes := range o.causes.Each {
			for _, cause := range causes {
				if cause.Path == change.Path {
					files++
				}
			}
		}
		o.say("· ", components.Clean(change.String()), o.theme.Text)
		o.say("  ", "changes "+counted(files, "file", "files"), o.theme.Muted)
	}
	if files := len(o.causes.Release); files > 0 {
		o.head("Release")
		o.say("· ", counted(files, "file changes", "files change")+": "+byRelease+".", o.theme.Text)
	}
}

// files says how many files are in which state, those aside that stay.
func (o *overview) files() {
	o.head("Files")
	counts, written := o.plan.Counts(), false
	for _, state := range states {
		if n := counts[state]; n > 0 && state != generate.Unchanged && state != generate.Keep {
			written = true
			o.say(glyphs[state].glyph+" ", counted(n, "file", "files")+": "+stateMeaning[state], o.theme.Text)
		}
	}
	if !written {
		o.say("", "Nothing changes: the tree is as designed. ctrl+g goes to the answers.", o.theme.Text)
	}
	edited := 0
	for _, change := range o.plan.Changes {
		if change.State == generate.Keep && !change.Outdated {
			edited++
		}
	}
	if edited > 0 {
		o.say("k ", counted(edited, "file keeps your edits", "files keep your edits")+".", o.theme.Text)
	}
	if open, files := o.plan.Open(); open > 0 {
		o.say("! ", isOpen(open)+" in "+counted(files, "file", "files")+": o goes there.", o.theme.Bad)
	}
	for _, change := range o.plan.Outdated() {
		o.say("k ", change.Path+": "+change.Reason, o.theme.Warn)
	}
}

// asks are the questions that the commit will put.
func (o *overview) asks() {
	if len(o.plan.Asks) == 0 {
		return
	}
	o.head("Needs a yes")
	for _, ask := range o.plan.Asks {
		o.say("? ", ask.Text, o.theme.Warn)
	}
}

func (o *overview) schemas() {
	if len(o.plan.Schemas) == 0 {
		return
	}
	o.head("Databases")
	notes := map[string][]string{}
	for _, change := range o.plan.Changes {
		notes[change.Path] = change.Artifact.Notes
	}
	for _, schema := range o.plan.Schemas {
		for _, path := range schema.Migrations {
			o.say("+ ", path, o.theme.Good)
			for _, note := range notes[path] {
				o.say("    ", note, o.theme.Muted)
			}
		}
		for _, loss := range schema.Losses {
			o.say("! ", schema.Service+": loses "+loss, o.theme.Bad)
		}
		for _, later := range schema.Retired {
			o.say("… ", schema.Service+": "+later+", once the release before no longer runs (r on the last page)", o.theme.Muted)
		}
	}
}

// contracts are the changes of APIs and events, and who relies on them.
func (o *overview) contracts() {
	if len(o.plan.Contracts) == 0 {
		return
	}
	o.head("Others")
	for _, contract := range o.plan.Contracts {
		o.say("", contract.Head(), o.theme.Text)
		for _, change := range contract.Changes {
			mark, style, users := "  + ", o.theme.Good, ""
			if change.Breaking {
				mark, style = "  ! breaking: ", o.theme.Bad
			}
			if len(change.Consumers) > 0 {
				users = " (used by " + strings.Join(change.Consumers, ", ") + ")"
			}
			o.say(mark, change.String()+users, style)
		}
	}
}
