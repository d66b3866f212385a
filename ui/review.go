package ui

import (
	"context"
	"errors"
	"fmt"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"codex-design/generate"
	"codex-design/model"
	"codex-design/ui/components"
)

// reviewPage shows every file before anything is written. Its panes are the
// preview's; it adds what can be done with the whole.
type reviewPage struct{ m *Model }

func (p *reviewPage) keys() []action {
	return append(p.m.conflictActions(),
		unless(p.m.noChanges, act("]", "[ ]", "change", do(func() { p.m.moveStop(1) }))),
		unless(p.m.noChanges, quietly("[", "[", "change before", do(func() { p.m.moveStop(-1) }))),
		act("c", "c", "commit", p.m.toCommit))
}

func (p *reviewPage) typing() bool                 { return false }
func (p *reviewPage) update(tea.Msg) tea.Cmd       { return nil }
func (p *reviewPage) refresh(bool)                 {}
func (p *reviewPage) view(int, int, bool) []string { return nil }

// states are those that a file can be in, in the order in which they are counted.
var states = []generate.State{
	generate.Create, generate.Update, generate.Merge, generate.Conflict, generate.Keep, generate.Delete, generate.Unchanged,
}

// planLine says in one line what a commit would do, in at most width cells.
func (m *Model) planLine(width int) string {
	if len(m.works.done.problems) > 0 && m.works.done.gen == m.gen {
		return counted(len(m.works.done.problems), "answer", "answers") + " to mend"
	}
	plan, ok := m.planNow()
	switch {
	case ok && plan.err != nil:
		return plan.err.Error()
	case !ok:
		return counted(len(m.works.done.entries), "file", "files")
	}
	counts := plan.plan.Counts()
	var long, short []string
	for _, state := range states {
		if n := counts[state]; n > 0 {
			short = append(short, fmt.Sprintf("%s%d", glyphs[state].glyph, n))
			long = append(long, fmt.Sprintf("%s%d %s", glyphs[state].glyph, n, state))
		}
	}
	if line := strings.Join(long, "  "); components.StringWidth(line) <= width {
		return line
	}
	return strings.Join(short, " ")
}

// commitPage asks for the last word and shows the progress.
type commitPage struct{ m *Model }

// committing is a commit under way.
type committing struct {
	done, total int
	path        string
	steps       chan commitStepped
}

func (p *commitPage) keys() []action {
	if p.m.result.running != nil {
		return nil
	}
	return []action{
		unless(p.why, act("enter ctrl+n", "enter", p.goal(), p.m.commitOrAsk)),
		quietly("r", "r", "take away what the release before needed: it no longer runs", p.m.contract),
		act("esc", "esc", "back to the review", p.m.back),
	}
}

// why is why the plan cannot be committed.
func (p *commitPage) why() string {
	plan, ok := p.m.planNow()
	switch {
	case !ok:
		return "The plan is being made: one moment."
	case plan.err != nil:
		return plan.err.Error()
	}
	if stops := obstacles(plan.plan); len(stops) > 0 {
		return stops[0]
	}
	return ""
}

// goal is what enter does.
func (p *commitPage) goal() string {
	if plan, ok := p.m.planNow(); ok && len(plan.plan.Asks) > 0 {
		return "answer"
	}
	return "write the files"
}

func (p *commitPage) typing() bool           { return false }
func (p *commitPage) update(tea.Msg) tea.Cmd { return nil }
func (p *commitPage) refresh(bool)           {}

func (p *commitPage) view(width, height int, _ bool) []string {
	t, m := p.m.theme, p.m
	lines := m.pageHead("Commit", "Writes into "+spoken(m.place().Name)+".", width)
	plan, ok := m.planNow()
	if !ok {
		return components.Block(append(lines, "  "+t.Muted.Render("Comparing with what is there …")), height)
	}
	if plan.err == nil {
		lines = append(lines, p.summary(plan.plan, width)...)
	}
	switch why := p.why(); {
	case m.result.running != nil:
		lines = append(lines, "", "  "+bar(m.result.running.done, m.result.running.total, min(width-4, 60), m), "  "+t.Muted.Render(components.Cut(m.result.running.path, width-4)))
	case why != "":
		for _, reason := range append(obstacles(plan.plan), errorText(plan.err)...) {
			lines = append(lines, marked("✗ ", reason, width, t.Bad)...)
		}
	case len(plan.plan.Asks) > 0:
		lines = append(lines, "")
		for _, ask := range plan.plan.Asks {
			lines = append(lines, marked("? ", ask.Text, width, t.Warn)...)
		}
		lines = append(lines, "", "  "+t.Accent.Render("Press enter to say yes or no."))
	case !plan.plan.Writes():
		lines = append(lines, "", "  "+t.Text.Render("Nothing to write: the tree is as designed. Press enter to finish."))
	default:
		lines = append(lines, "", "  "+t.Accent.Render("Press enter to write."))
	}
	return components.Block(lines, height)
}

func errorText(err error) []string {
	if err == nil {
		return nil
	}
	return []string{err.Error()}
}

var stateMeaning = map[generate.State]string{
	generate.Create:    "new",
	generate.Update:    "replaced: not edited since they were generated",
	generate.Merge:     "your edits and the new content together",
	generate.Conflict:  "your edits and the new content disagree",
	generate.Keep:      "left as they are",
	generate.Delete:    "removed: no longer generated and not edited",
	generate.Unchanged: "already as designed",
}

func (p *commitPage) summary(plan generate.Plan, width int) []string {
	t := p.m.theme
	counts := plan.Counts()
	var lines []string
	for _, state := range states {
		if counts[state] > 0 {
			line := fmt.Sprintf("  %s %5d  %-10s %s", glyphs[state].glyph, counts[state], state, t.Muted.Render(stateMeaning[state]))
			lines = append(lines, components.Cut(line, width))
		}
	}
	if files := withMarkers(plan); len(files) > 0 {
		text := counted(len(files), "file gets", "files get") + " conflict markers, for you to edit away: " + strings.Join(files, ", ")
		lines = append(lines, marked("! ", text, width, t.Warn)...)
	}
	for i, change := range plan.Outdated() {
		if i == 4 {
			lines = append(lines, "    "+t.Muted.Render("… and more: see the review, state keep"))
			break
		}
		lines = append(lines, components.Cut("    "+t.Warn.Render(change.Path+": "+change.Reason), width))
	}
	return lines
}

// withMarkers are the files in which both sides of a conflict will stand.
func withMarkers(plan generate.Plan) []string {
	var files []string
	for _, change := range plan.Changes {
		if change.State == generate.Conflict && change.Undecided == 0 {
			files = append(files, change.Path)
		}
	}
	return files
}

// bar draws how much is done.
func bar(done, total, width int, m *Model) string {
	full := 0
	if total > 0 {
		full = done * (width - 12) / total
	}
	return m.theme.Accent.Render(strings.Repeat("█", full)) + m.theme.Faint.Render(strings.Repeat("░", max(0, width-12-full))) +
		m.theme.Muted.Render(fmt.Sprintf(" %d/%d", done, total))
}

// commit writes the plan. Progress comes by a channel that is never waited for.
func (m *Model) commit() tea.Cmd {
	plan, ok := m.planNow()
	if !ok || m.result.running != nil {
		return nil
	}
	steps := make(chan commitStepped, 1)
	m.result.running = &committing{steps: steps}
	ctx, place, made := m.ctx, plan.place, *plan
	work := func() tea.Msg {
		defer close(steps)
		err := generate.Commit(ctx, place.Fs, made.plan, func(done, total int, path string) {
			select {
			case steps <- commitStepped{done, total, path}:
			default:
			}
		})
		return committed{plan: made, err: err}
	}
	return tea.Batch(work, listen(steps))
}

func listen(steps chan commitStepped) tea.Cmd {
	return func() tea.Msg {
		if step, ok := <-steps; ok {
			return step
		}
		return nil
	}
}

// commitStepped is one step of a commit.
type commitStepped struct {
	done, total int
	path        string
}

func (c commitStepped) apply(m *Model) tea.Cmd {
	running := m.result.running
	if running == nil {
		return nil
	}
	running.done, running.total, running.path = c.done, c.total, c.path
	return listen(running.steps)
}

// committed is the end of a commit.
type committed struct {
	plan planned
	err  error
}

func (c committed) apply(m *Model) tea.Cmd {
	m.result.running = nil
	if c.err != nil {
		if errors.Is(c.err, context.Canceled) {
			return tea.Quit
		}
		m.works.plan = planned{}
		m.complain(c.err.Error())
		return nil
	}
	m.result.Committed, m.result.Place = true, c.plan.place
	m.result.counts, m.result.markers = c.plan.plan.Counts(), withMarkers(c.plan.plan)
	document, problems := model.Read(c.plan.text)
	if len(problems) == 0 {
		m.source = source{document: document, path: m.source.path, text: c.plan.text}
		m.design.base = baseline{clone(document.Answers)}
	}
	m.past.unsaved = false
	m.works.plan = planned{}
	m.goTo(doneStep)
	return m.drafts.remove(m)
}

// donePage says what to do next.
type donePage struct{ m *Model }

func (p *donePage) keys() []action {
	return []action{
		act("enter q", "enter", "leave", func() tea.Cmd { return tea.Quit }),
		unless(p.m.whyNotVerify, act("v", "v", "verify", p.m.verifyWritten)),
		act("esc ctrl+p", "esc", "back to the review", p.m.back),
	}
}

func (p *donePage) typing() bool           { return false }
func (p *donePage) update(tea.Msg) tea.Cmd { return nil }
func (p *donePage) refresh(bool)           {}

func (p *donePage) view(width, height int, _ bool) []string {
	t, m := p.m.theme, p.m
	lines := m.pageHead("Done", "", width)
	wrote := "✓ " + m.design.answers.Name + " stands in " + spoken(m.result.Place.Name) + ": " + written(m.result.counts) + "."
	for _, line := range components.Wrap(wrote, width-4) {
		lines = append(lines, "  "+t.Good.Render(line))
	}
	for _, path := range m.result.markers {
		lines = append(lines, marked("! ", path+": conflict markers are in it: edit it and remove them", width, t.Warn)...)
	}
	lines = append(lines, "", "  "+t.Title.Render("Next"))
	for _, command := range nextCommands(m.result.Place.Name) {
		lines = append(lines, components.Cut("  "+t.Accent.Render(components.Fit(command[0], 24))+t.Muted.Render(command[1]), width))
	}
	lines = append(lines, "", "  "+t.Title.Render("The same without the wizard"))
	for _, line := range components.Wrap(headless(m.result.Place.Name), width-4) {
		lines = append(lines, "  "+t.Text.Render(line))
	}
	return components.Block(lines, height)
}

var participles = map[generate.State]string{
	generate.Create: "created", generate.Update: "updated", generate.Merge: "merged", generate.Conflict: "in conflict",
	generate.Keep: "kept", generate.Delete: "deleted", generate.Unchanged: "unchanged",
}

func written(counts generate.Counts) string {
	var parts []string
	for _, state := range states {
		if counts[state] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[state], participles[state]))
		}
	}
	return strings.Join(parts, ", ")
}

// nextCommands are what a newcomer runs first, each with what it does.
func nextCommands(directory string) [][2]string {
	commands := [][2]string{
		{"make test", "runs every service's tests"},
		{"make dev", "starts the system on this machine"},
		{"codex-design verify", "hands each artifact to the program that consumes it"},
		{"codex-design", "opens this design again"},
		{"codex-design undo", "puts the tree back as it was"},
	}
	if directory == "." {
		return commands
	}
	return append([][2]string{{"cd " + quoted(directory), "where everything is"}}, commands...)
}

// spoken is a directory as a sentence names it.
func spoken(directory string) string {
	if directory == "." {
		return "this directory"
	}
	return directory
}

// headless is the command that generates the same again.
func headless(directory string) string {
	directory = strings.TrimSuffix(directory, "/")
	return "codex-design " + quoted(directory+"/"+generate.AnswersPath) + " --yes --out " + quoted(directory)
}

// quoted is a word for a shell.
func quoted(word string) string {
	if !strings.ContainsAny(word, " '\"$`\\&|;<>()*?[]#~!{}") {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
