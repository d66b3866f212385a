package ui

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"codex-design/generate"
	"codex-design/model"
	"codex-design/ui/components"
)

// plain asks the same questions line by line, for screen readers and terminals
// that cannot be drawn on. All prompts share one reader.
type plain struct {
	in      *bufio.Reader
	out     io.Writer
	options Options
	design  design
	source  source
	past    history
	consent generate.Consent
}

// The ways out of a prompt.
var (
	errBack = errors.New("back")
	errUndo = errors.New("undo")
)

func runPlain(ctx context.Context, options Options) (Result, error) {
	p := &plain{in: bufio.NewReader(options.In), out: options.Out, options: options, consent: options.Consent}
	start := 0
	switch {
	case options.Document != nil:
		p.source = source{options.Document, options.Path, options.Source}
		p.design.answers = clone(options.Document.Answers)
		if options.Path != "" {
			p.design.base = baseline{clone(options.Document.Answers)}
			start = reviewStep
		}
	case options.Answers != nil:
	default:
		p.design.answers = blank()
		if err := p.begin(); err != nil {
			return Result{}, ended(err)
		}
	}
	if options.Answers != nil {
		p.design.answers = clone(*options.Answers)
	}
	p.say("Type an answer and enter; enter alone keeps what is in brackets. :back, :undo, :help and :quit work everywhere.")
	result, err := p.walk(ctx, start)
	result.Answers = p.design.answers
	return result, ended(err)
}

// ended makes the end of the input the same as leaving.
func ended(err error) error {
	if errors.Is(err, io.EOF) {
		return ErrInterrupted
	}
	return err
}

func (p *plain) say(format string, args ...any) { fmt.Fprintf(p.out, format+"\n", args...) }

// line reads one line; what starts with a colon is a command.
func (p *plain) line(prompt string) (string, error) {
	fmt.Fprint(p.out, prompt+": ")
	text, err := p.in.ReadString('\n')
	if err != nil && text == "" {
		return "", err
	}
	text = strings.TrimSpace(text)
	switch text {
	case ":back":
		return "", errBack
	case ":undo":
		return "", errUndo
	case ":quit":
		return "", ErrInterrupted
	case ":help":
		p.say(":back goes to the step before, :undo takes the last change back, :quit leaves without writing.")
		return p.line(prompt)
	}
	return text, nil
}

// begin asks what to start from.
func (p *plain) begin() error {
	p.say("Start from: 1 a blank design")
	examples := model.Examples()
	for i, example := range examples {
		p.say("            %d example %s: %s", i+2, example.Name, example.Title)
	}
	text, err := p.line("Number [1]")
	if err != nil {
		return err
	}
	if n, err := strconv.Atoi(text); err == nil && n > 1 && n <= len(examples)+1 {
		p.design.answers = clone(examples[n-2].Answers)
	}
	return nil
}

// walk goes through the steps; a step that is wrong is asked again.
func (p *plain) walk(ctx context.Context, start int) (Result, error) {
	for at := start; ; {
		err := p.stop(at)
		switch {
		case errors.Is(err, errBack):
			at = max(0, at-1)
			continue
		case errors.Is(err, errUndo):
			p.undo()
			continue
		case err != nil:
			return Result{}, err
		case at < reviewStep:
			if p.wrong(at) {
				continue
			}
			at++
			continue
		}
		result, again, err := p.commit(ctx)
		if errors.Is(err, errBack) {
			at = reviewStep - 1
			continue
		}
		if again {
			at = 0
			continue
		}
		return result, err
	}
}

func (p *plain) undo() {
	if to, ok := p.past.undo(snapshot{answers: p.design.answers}); ok {
		p.design.answers = clone(to.answers)
		p.say("Undone.")
		return
	}
	p.say("Nothing to undo.")
}

func (p *plain) stop(at int) error {
	s := steps[at]
	if s.asks() {
		p.say("\n%s (%d of %d). %s", s.title, at+1, len(steps), s.help)
	}
	switch {
	case s.ask != nil:
		return p.questions(s.ask, top)
	case s.items != nil:
		return p.list(s.items)
	}
	return nil
}

// wrong says what needs mending on a step.
func (p *plain) wrong(at int) bool {
	wrong := false
	for _, problem := range model.Check(p.design.answers) {
		if owner(problem.Path) == at {
			p.say("To mend: %s: %s", problem.Path, sentence(problem.Message, problem.Hint))
			wrong = true
		}
	}
	return wrong
}

// questions asks one after the other; they are made anew after each answer.
func (p *plain) questions(ask func(*design, spot) []question, at spot) error {
	for n := 0; n < len(ask(&p.design, at)); n++ {
		q := ask(&p.design, at)[n]
		if q.why != "" {
			continue
		}
		if err := p.question(q); err != nil {
			return err
		}
	}
	return nil
}

func (p *plain) question(q question) error {
	current := q.get(&p.design.answers)
	if q.help != "" {
		p.say("%s", q.help)
	}
	for i, option := range q.options {
		help := option.Help
		if option.Why != "" {
			help = "not yet: " + option.Why
		}
		p.say("  %d %s: %s", i+1, option.Value, help)
	}
	shown := current
	if q.kind == components.Toggle {
		shown = map[string]string{"true": "yes", "false": "no"}[current]
	}
	text, err := p.line(q.title + " [" + shown + "]")
	if err != nil || text == "" {
		return err
	}
	if text == "-" {
		text = ""
	}
	if err := p.set(q, text); err != nil {
		p.say("That does not do: %s", err)
		return p.question(q)
	}
	return nil
}

// set answers a question; an option can be given by its number.
func (p *plain) set(q question, text string) error {
	if n, err := strconv.Atoi(text); err == nil && len(q.options) > 0 && q.kind == components.Choice {
		if n < 1 || n > len(q.options) {
			return fmt.Errorf("there is no %d", n)
		}
		text = q.options[n-1].Value
	}
	if q.kind == components.Choice {
		if err := offered(q.options, text); err != nil {
			return err
		}
	}
	return p.edit(func(d *design) error { return q.set(d, text) })
}

func offered(options []components.Option, text string) error {
	for _, option := range options {
		if option.Value == text {
			if option.Why != "" {
				return errors.New(option.Why)
			}
			return nil
		}
	}
	return fmt.Errorf("%q is none of the choices", text)
}

func (p *plain) edit(change func(*design) error) error {
	before := snapshot{answers: clone(p.design.answers)}
	if err := change(&p.design); err != nil {
		return err
	}
	p.past.push(before, "")
	p.consent = p.options.Consent // a yes was to other answers
	return nil
}

// list shows the things of every group and takes commands about them.
func (p *plain) list(kind *items) error {
	for _, group := range kind.groups(&p.design.answers) {
		if err := p.group(kind, group); err != nil {
			return err
		}
	}
	return nil
}

func (p *plain) group(kind *items, group spot) error {
	for {
		name := kind.group(&p.design.answers, group)
		count := kind.count(&p.design.answers, group)
		p.say("%s%s:", mentioned(name != "", name+": "), counted(count, kind.noun, kind.nouns))
		for n := range count {
			at := group
			*kind.index(&at) = n
			p.say("  %d %s", n+1, joinNonEmpty(kind.text(&p.design.answers, at), kind.detail(&p.design.answers, at)))
		}
		text, err := p.line("a TEXT adds, e N edits, r N NAME renames, c N copies, u N and n N move up and down, d N deletes, enter goes on")
		if err != nil || text == "" {
			return err
		}
		if err := p.command(kind, group, text); err != nil {
			if errors.Is(err, errBack) || errors.Is(err, errUndo) || errors.Is(err, ErrInterrupted) || errors.Is(err, io.EOF) {
				return err
			}
			p.say("That does not do: %s", err)
		}
	}
}

// command does one thing to the items of a group.
func (p *plain) command(kind *items, group spot, text string) error {
	verb, rest, _ := strings.Cut(text, " ")
	rest = strings.TrimSpace(rest)
	if verb == "a" {
		return p.edit(func(d *design) error { return kind.add(d, group, rest) })
	}
	number, name, _ := strings.Cut(rest, " ")
	n, err := strconv.Atoi(number)
	count := kind.count(&p.design.answers, group)
	if err != nil || n < 1 || n > count {
		return fmt.Errorf("say which %s by its number, 1 to %d", kind.noun, count)
	}
	at := group
	*kind.index(&at) = n - 1
	moves := map[string]int{"u": -1, "n": 1}
	switch by := moves[verb]; {
	case verb == "e":
		return p.questions(kind.ask, at)
	case verb == "r" && name != "":
		return p.edit(func(d *design) error { kind.rename(d, at, name); return nil })
	case verb == "c" && kind.duplicate != nil:
		return p.edit(func(d *design) error { kind.duplicate(&d.answers, at); return nil })
	case verb == "d":
		return p.edit(func(d *design) error { kind.remove(&d.answers, at); return nil })
	case by != 0 && kind.move != nil && n-1+by >= 0 && n-1+by < count:
		return p.edit(func(d *design) error { kind.move(&d.answers, at, by); return nil })
	}
	return fmt.Errorf("%q is no command here", text)
}

// commit shows the plan and asks for the last word; again asks to go through the
// steps once more.
func (p *plain) commit(ctx context.Context) (result Result, again bool, err error) {
	for _, problem := range model.Check(p.design.answers) {
		p.say("To mend: %s: %s", problem.Path, sentence(problem.Message, problem.Hint))
		again = true
	}
	if again {
		return Result{}, true, nil
	}
	plan, place, err := p.plan()
	if err != nil {
		return Result{}, false, err
	}
	p.say("\nReview. Into %s:", spoken(place.Name))
	for _, state := range states {
		if n := plan.Counts()[state]; n > 0 {
			p.say("  %s: %d %s", state, n, stateMeaning[state])
		}
	}
	for _, contract := range plan.Contracts {
		for _, line := range contract.Lines() {
			p.say("  %s", line)
		}
	}
	for _, reason := range obstacles(plan) {
		p.say("To mend: %s", reason)
	}
	if given, err := p.consents(plan); given || err != nil {
		if err != nil {
			return Result{}, false, err
		}
		return p.commit(ctx)
	}
	for {
		text, err := p.line("w writes the files, f lists them, t goes through the steps again, :quit leaves")
		switch {
		case err != nil:
			return Result{}, false, err
		case text == "t":
			return Result{}, true, nil
		case text == "f":
			for _, change := range plan.Changes {
				p.say("  %s %s", change.State, change.Path)
			}
		case text == "w":
			result, err = p.write(ctx, plan, place)
			return result, false, err
		}
	}
}

// consents asks what a plan needs a yes for; given says that there was one.
func (p *plain) consents(plan generate.Plan) (given bool, err error) {
	for _, kind := range []generate.AskKind{generate.AskContract, generate.AskDataLoss, generate.AskBreaking} {
		text := asksOf(plan, kind)
		if text == "" {
			continue
		}
		p.say("%s %s", text, asked[kind].heading)
		answer, err := p.line("y: " + asked[kind].yes + " [n]")
		if err != nil {
			return false, err
		}
		if answer == "y" {
			p.consent, given = p.consent.With(kind), true
		}
	}
	return given, nil
}

func (p *plain) plan() (generate.Plan, Place, error) {
	place := p.options.Place(p.design.answers.Name, p.source.path)
	text, err := p.source.save(p.design.answers)
	if err != nil {
		return generate.Plan{}, place, err
	}
	design := generate.NewDesign(p.design.answers, text, p.source.text)
	design.Choices, design.Consent = p.options.Choices, p.consent
	plan, err := generate.Prepare(place.Fs, design, p.options.Templates)
	return plan, place, err
}

func (p *plain) write(ctx context.Context, plan generate.Plan, place Place) (Result, error) {
	if err := generate.Commit(ctx, place.Fs, plan, nil); err != nil {
		return Result{}, err
	}
	p.say("Done: %s stands in %s: %s.", p.design.answers.Name, spoken(place.Name), written(plan.Counts()))
	for _, command := range nextCommands(place.Name) {
		p.say("  %s: %s", command[0], command[1])
	}
	p.say("The same without the wizard: %s", headless(place.Name))
	return Result{Committed: true, Place: place}, nil
}
