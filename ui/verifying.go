package ui

import (
	"context"
	"errors"
	"fmt"

	tea "github.com/charmbracelet/bubbletea"

	"codex-design/ui/components"
	"codex-design/verify"
)

// Verifier hands the artifacts of what was written to their consumers. It has
// ended every process that it started when it returns.
type Verifier func(ctx context.Context, place Place, progress func(verify.Progress)) (verify.Report, error)

// verification is a run of the consumers over what was written.
type verification struct {
	cancel   context.CancelFunc
	steps    chan verifyStepped // closed when the run is over
	at       verify.Progress
	outcomes []verify.Outcome // of the consumers that are through
	report   *verify.Report   // nil until the run is over
	err      error
}

// running tells whether consumers may be at work.
func (v *verification) running() bool { return v != nil && v.report == nil && v.err == nil }

// manySteps is more than lies between two looks at the channel.
const manySteps = 1024

// whyNotVerify is why the consumers cannot be asked now.
func (m *Model) whyNotVerify() string {
	switch {
	case m.options.Verify == nil:
		return "There is nothing here that could ask the consumers."
	case m.verification.running():
		return "The consumers are still at work: one moment."
	}
	return ""
}

// verifyWritten asks the consumers. Progress comes by a channel that is never waited for.
func (m *Model) verifyWritten() tea.Cmd {
	ctx, cancel := context.WithCancel(m.ctx)
	steps := make(chan verifyStepped, manySteps)
	v := &verification{cancel: cancel, steps: steps}
	m.verification = v
	m.goTo(verifyStep)
	ask, place := m.options.Verify, m.result.Place
	work := func() tea.Msg {
		defer close(steps)
		defer cancel()
		report, err := ask(ctx, place, func(at verify.Progress) {
			select {
			case steps <- verifyStepped{v, at}:
			default:
			}
		})
		return verified{v, report, err}
	}
	return tea.Batch(work, listenTo(steps))
}

func listenTo(steps chan verifyStepped) tea.Cmd {
	return func() tea.Msg {
		if step, ok := <-steps; ok {
			return step
		}
		return nil
	}
}

// verifyStepped is one step of a run.
type verifyStepped struct {
	of *verification
	at verify.Progress
}

func (s verifyStepped) apply(*Model) tea.Cmd {
	s.of.at = s.at
	if s.at.Ended {
		s.of.outcomes = append(s.of.outcomes, s.at.Outcome)
	}
	return listenTo(s.of.steps)
}

// verified is the end of a run.
type verified struct {
	of     *verification
	report verify.Report
	err    error
}

func (v verified) apply(m *Model) tea.Cmd {
	v.of.report, v.of.err = &v.report, v.err
	if v.err != nil && !errors.Is(v.err, context.Canceled) {
		m.complain(v.err.Error())
	}
	return nil
}

// stopVerifying ends a run and waits until its processes have ended; called when
// the program no longer runs.
func (m *Model) stopVerifying() {
	if !m.verification.running() {
		return
	}
	m.verification.cancel()
	for range m.verification.steps {
	}
}

// verifyPage shows what the consumers say.
type verifyPage struct {
	m      *Model
	offset int
	height int // of the list, as it was drawn last
	lines  int
}

func (p *verifyPage) keys() []action {
	return []action{
		act("up k", "↑↓", "scroll", do(func() { p.scroll(-1) })),
		quietly("down j", "↓", "scroll", do(func() { p.scroll(1) })),
		quietly("pgup", "pgup", "page up", do(func() { p.scroll(-p.height) })),
		quietly("pgdown space", "pgdn", "page down", do(func() { p.scroll(p.height) })),
		unless(p.m.whyNotVerify, act("v", "v", "verify again", p.m.verifyWritten)),
		act("esc ctrl+p", "esc", "back", p.leave),
		act("q", "q", "leave", func() tea.Cmd { return tea.Quit }),
	}
}

// leave goes back; consumers that are at work are ended.
func (p *verifyPage) leave() tea.Cmd {
	p.m.verification.cancel()
	p.m.goTo(doneStep)
	return nil
}

func (p *verifyPage) scroll(by int) { p.offset = max(0, min(p.offset+by, p.lines-p.height)) }

func (p *verifyPage) typing() bool           { return false }
func (p *verifyPage) update(tea.Msg) tea.Cmd { return nil }
func (p *verifyPage) refresh(bool)           { p.offset = 0 }

func (p *verifyPage) view(width, height int, _ bool) []string {
	head := append(p.m.pageHead("Verify", "Each artifact, handed to the program that consumes it.", width), p.standing(width)...)
	list := p.list(width - 4)
	p.lines, p.height = len(list), max(0, height-len(head))
	p.scroll(0)
	for _, line := range list[p.offset:min(len(list), p.offset+p.height)] {
		head = append(head, "  "+line)
	}
	return components.Block(head, height)
}

// standing is the progress, then the sum.
func (p *verifyPage) standing(width int) []string {
	m, v := p.m, p.m.verification
	t := m.theme
	switch {
	case v.running():
		progress := bar(v.at.Done, v.at.Total, min(width-4, 60), m)
		return []string{"  " + progress, "  " + t.Muted.Render(components.Cut(v.at.Consumer, width-4)), ""}
	case v.err != nil:
		return []string{"  " + t.Bad.Render(components.Cut("✗ "+components.Clean(v.err.Error()), width-4)), ""}
	}
	style, mark := t.Good, "✓ "
	if counts := v.report.Counts(); counts[verify.Rejected]+counts[verify.Failed] > 0 {
		style, mark = t.Bad, "✗ "
	} else if counts[verify.Missing] > 0 {
		style, mark = t.Warn, "▲ "
	}
	var lines []string
	for _, line := range components.Wrap(mark+v.report.Summary()+".", width-4) {
		lines = append(lines, "  "+style.Render(line))
	}
	return append(lines, "")
}

// list is the messages and the consumers, or those consumers that are through.
func (p *verifyPage) list(width int) []string {
	v, t := p.m.verification, p.m.theme
	var lines []string
	outcomes := v.outcomes
	if v.report != nil {
		outcomes = v.report.Consumers
		for _, said := range v.report.Said() {
			for i, line := range components.Wrap(components.Clean(said.String()), width) {
				style := t.Text
				if i == 0 {
					style = t.Bad
				}
				lines = append(lines, style.Render(line))
			}
		}
		if len(lines) > 0 {
			lines = append(lines, "")
		}
	}
	for _, outcome := range outcomes {
		lines = append(lines, p.consumerLines(outcome, width)...)
	}
	return lines
}

// consumerLines are the line of a consumer and, where it is missing, how to get it.
func (p *verifyPage) consumerLines(outcome verify.Outcome, width int) []string {
	t := p.m.theme
	style, mark := t.Good, "✓"
	switch outcome.State() {
	case verify.Rejected, verify.Failed:
		style, mark = t.Bad, "✗"
	case verify.Missing:
		style, mark = t.Warn, "▲"
	}
	text := fmt.Sprintf("%s %-23s %s", mark, outcome.Consumer, outcome.Counted())
	lines := []string{style.Render(components.Cut(text, width))}
	if outcome.Missing != "" {
		for _, line := range components.Wrap(outcome.Missing+" is missing: "+outcome.Get, width-4) {
			lines = append(lines, "    "+t.Muted.Render(line))
		}
	}
	return lines
}
