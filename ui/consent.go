package ui

import (
	"fmt"
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/lipgloss"

	"codex-design/generate"
	"codex-design/ui/components"
)

// asked is how a person is asked for a yes.
var asked = map[generate.AskKind]struct{ heading, yes string }{
	generate.AskContract: {"Does the release before still run?", "no: take away what only it needs"},
	generate.AskDataLoss: {"Lose stored data?", "yes, lose it"},
	generate.AskBreaking: {"Break those who rely on it?", "yes, change it all the same"},
}

// stale is a generation that no answers have: a plan of it has to be made again.
const stale = -1

// obstacles are the reasons against a plan that no yes does away with.
func obstacles(plan generate.Plan) []string {
	return slices.DeleteFunc(slices.Clone(plan.Blocked), func(reason string) bool {
		return slices.ContainsFunc(plan.Asks, func(ask generate.Ask) bool { return strings.HasPrefix(reason, ask.Text+"; ") })
	})
}

// commitOrAsk writes the plan, or asks the first question that is open.
func (m *Model) commitOrAsk() tea.Cmd {
	plan, ok := m.planNow()
	if !ok || len(plan.plan.Asks) == 0 {
		return m.commit()
	}
	kind := plan.plan.Asks[0].Kind
	m.askConsent(kind, asksOf(plan.plan, kind))
	return nil
}

// asksOf is what a plan asks of one kind, as one text.
func asksOf(plan generate.Plan, kind generate.AskKind) string {
	var texts []string
	for _, ask := range plan.Asks {
		if ask.Kind == kind {
			texts = append(texts, ask.Text+".")
		}
	}
	return strings.Join(texts, " ")
}

func (m *Model) askConsent(kind generate.AskKind, text string) {
	d := &askDialog{heading: asked[kind].heading, text: text}
	d.m = m
	d.actions = []action{act("y", "y", asked[kind].yes, do(func() {
		m.dialog = nil
		m.consent = m.consent.With(kind)
		m.works.plan.gen = stale
	}))}
	m.dialog = d
}

// contract offers to take away what only the release before needs.
func (m *Model) contract() tea.Cmd {
	plan, ok := m.planNow()
	if !ok {
		return nil
	}
	var retired []string
	for _, schema := range plan.plan.Schemas {
		for _, line := range schema.Retired {
			retired = append(retired, schema.Service+": "+line+".")
		}
	}
	if len(retired) == 0 {
		m.say("There is nothing that only the release before needs.")
		return nil
	}
	m.askConsent(generate.AskContract, fmt.Sprintf("%s %s", counted(len(retired), "thing waits:", "things wait:"), strings.Join(retired, " ")))
	return nil
}

// marked wraps a text behind a mark.
func marked(mark, text string, width int, style lipgloss.Style) []string {
	var lines []string
	for i, line := range components.Wrap(text, width-4) {
		if i > 0 {
			mark = strings.Repeat(" ", len([]rune(mark)))
		}
		lines = append(lines, "  "+style.Render(mark+line))
	}
	return lines
}
