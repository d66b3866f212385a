package ui

import (
	"fmt"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"codex-design/generate"
	"codex-design/ui/components"
	"codex-design/ui/layout"
)

// explained is why the files of one plan change.
type explained struct {
	gen    int
	causes generate.Causes
	err    error
}

// wantCauses finds out in the background why files change, once the review shows
// a plan for a tree that stands already.
func (m *Model) wantCauses() {
	plan, ok := m.planNow()
	if !ok || !plan.reopened || m.step != reviewStep || m.works.explaining || m.works.causes.gen == m.gen {
		return
	}
	m.works.explaining = true
	ctx, gen, answers, made, templates := m.ctx, m.gen, clone(m.design.answers), plan.plan, m.options.Templates
	m.later(func() tea.Msg {
		causes, err := made.FindCauses(ctx, answers, templates)
		return explained{gen, causes, err}
	})
}

func (e explained) apply(m *Model) tea.Cmd {
	m.works.explaining = false
	if e.gen != m.gen {
		return nil // for the answers as they are now it is asked again
	}
	m.works.causes = e
	if e.err != nil {
		m.complain("Why files change could not be found out: " + e.err.Error())
	}
	return nil
}

// causesNow are the causes, if they are known for the answers as they are.
func (m *Model) causesNow() (*generate.Causes, bool) {
	return &m.works.causes.causes, m.works.causes.gen == m.gen
}

// byRelease is why a file changes although no answer did.
const byRelease = "this release of codex-design, or the templates, generate it in another way"

// shortened leaves out of an answer's path what its names say anyway.
var shortened = strings.NewReplacer("services.", "", ".entities.", ".", ".fields.", ".")

// becauseLines say above a file why it changes, in three lines at the most.
func (m *Model) becauseLines(path string, r layout.Rect) []string {
	causes, known := m.causesNow()
	if !known || m.step != reviewStep {
		return nil
	}
	text := ""
	switch changes := causes.Each[path]; {
	case causes.Release[path]:
		text = byRelease
	case len(changes) == 0:
		return nil
	default:
		text = changes[0].String()
		if components.StringWidth(text) > r.Width-len("because ")-2 {
			text = shortened.Replace(text)
		}
		if more := len(changes) - 1; more > 0 {
			text += fmt.Sprintf(", and %s", counted(more, "answer more", "answers more"))
		}
	}
	most := 3
	if m.height < 20 {
		most = 1
	}
	lines := components.Wrap("because "+components.Clean(text), max(8, r.Width-2))
	if len(lines) > most {
		lines = append(lines[:most-1], components.Cut(lines[most-1]+" …", r.Width-2))
	}
	for i, line := range lines {
		lines[i] = " " + m.theme.Muted.Render(components.Cut(line, r.Width-2))
	}
	return lines
}
