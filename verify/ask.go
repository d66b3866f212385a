package verify

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// tools are the programs of a consumer, found.
type tools struct {
	program string            // path
	args    []string          // its first arguments
	also    map[string]string // paths of the others, by name
}

// probeTime is how long a program may take to say whether it can be used.
const probeTime = 10 * time.Second

// find finds the programs of a consumer, or says what is missing.
func (r *run) find(ctx context.Context, c *Consumer) (tools, string) {
	found := tools{also: map[string]string{}}
	for _, program := range c.Programs {
		if at := r.findProgram(ctx, program); at != "" {
			found.program, found.args = at, program.Args
			break
		}
	}
	if found.program == "" {
		return found, named(c.Programs)
	}
	for _, name := range c.Also {
		at := r.options.Processes.Find(name)
		if at == "" {
			return found, name
		}
		found.also[name] = at
	}
	return found, ""
}

func (r *run) findProgram(ctx context.Context, p Program) string {
	at := ""
	if p.From != OnPath {
		inTree := path.Join(environment, p.Name)
		if _, err := r.options.Tree.Stat(inTree); err == nil {
			at = path.Join(r.options.Dir, inTree)
		}
	}
	if at == "" && p.From != OnlyOfTree {
		at = r.options.Processes.Find(p.Name)
	}
	if at == "" || p.Probe == nil {
		return at
	}
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	answer, err := r.options.Processes.Run(ctx, Command{Path: at, Args: p.Probe, Dir: r.options.Dir})
	if err != nil || answer.Code != 0 {
		return ""
	}
	return at
}

// named says what is missing: the program that is looked for first.
func named(programs []Program) string {
	p := programs[0]
	name := strings.Join(append([]string{p.Name}, p.Args...), " ")
	if p.From == OnlyOfTree {
		name += " in " + environment
	}
	return name
}

// always is the environment of every consumer: answers are read by a program.
var always = []string{"NO_COLOR=1", "PYTHONDONTWRITEBYTECODE=1"}

// ask makes one call.
func (r *run) ask(ctx context.Context, c call) (Answer, error) {
	consumer := c.job.consumer
	ctx, cancel := context.WithTimeout(ctx, consumer.Timeout)
	defer cancel()
	if consumer.Before != nil {
		before, err := r.start(ctx, c, consumer.Before, nil)
		if err != nil || before.Code != 0 {
			return before, err
		}
	}
	var input []byte
	if consumer.Feed != nil {
		feed, err := r.start(ctx, c, consumer.Feed, nil)
		if err == nil && feed.Code != 0 {
			err = fmt.Errorf("%s failed: %s", strings.Join(r.expand(c, consumer.Feed), " "), tail(strings.TrimSpace(feed.ErrOut)))
		}
		if err != nil {
			return feed, err
		}
		input = []byte(feed.Out)
	}
	return r.start(ctx, c, append([]string{"{program}"}, consumer.Args...), input)
}

// start runs one command line of a call.
func (r *run) start(ctx context.Context, c call, line []string, input []byte) (Answer, error) {
	words := r.expand(c, line)
	program, args := words[0], words[1:]
	if line[0] == "{program}" {
		args = append(append([]string{}, c.job.tools.args...), args...)
	} else {
		program = c.job.tools.also[program]
	}
	env := append(append([]string{}, always...), r.expand(c, c.job.consumer.Env)...)
	return r.options.Processes.Run(ctx, Command{Path: program, Args: args, Dir: c.dir, Env: env, Input: input})
}

// expand puts what a call is about into a command line.
func (r *run) expand(c call, line []string) []string {
	known := strings.NewReplacer(
		"{program}", c.job.tools.program, "{file}", c.files[0], "{folder}", c.folder,
		"{scratch}", r.scratch, "{context}", r.options.KubeContext,
	)
	var words []string
	for _, word := range line {
		if word == "{files}" {
			words = append(words, c.files...)
		} else {
			words = append(words, known.Replace(word))
		}
	}
	return words
}

// settle notes what a call says about its files.
func (c call) settle(answer Answer, err error) {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		c.noteAll(Failed, Message{Text: fmt.Sprintf("no answer within %s", c.job.consumer.Timeout)})
		return
	case err != nil:
		c.noteAll(Failed, Message{Text: err.Error()})
		return
	}
	answer.Out = strings.ReplaceAll(answer.Out, c.dir+"/", "")
	answer.ErrOut = strings.ReplaceAll(answer.ErrOut, c.dir+"/", "")
	said := strings.TrimSpace(answer.ErrOut + "\n" + answer.Out)
	if lacks := c.job.consumer.Lacks; lacks != nil && answer.Code != 0 && lacks.MatchString(said) {
		c.job.lacks(c.job.consumer.Needs, c.files)
		return
	}
	findings, err := c.job.consumer.Answer(answer)
	switch {
	case err != nil:
		c.noteAll(Failed, Message{Text: fmt.Sprintf("its answer is not understood (%v): %s", err, tail(said))})
	case len(findings) == 0 && answer.Code != 0:
		c.noteAll(Failed, Message{Text: strings.TrimSpace(fmt.Sprintf("exit code %d: %s", answer.Code, tail(said)))})
	default:
		c.judge(findings, answer.Code)
	}
}

// judge rejects the files that findings name, and accepts the others unless the
// consumer gave up, or a finding names none: that one is about all of this call's
// own files.
func (c call) judge(findings []Finding, code int) {
	general := code != 0 && code == c.job.consumer.GaveUp
	for _, finding := range findings {
		named := c.locate(finding.File)
		if named == nil {
			general = true
			named = slices.DeleteFunc(slices.Clone(c.files), func(file string) bool { return !c.own(file) })
		}
		for _, file := range named {
			c.job.note(file, Rejected, finding.Message)
		}
	}
	if !general {
		c.noteAll(Accepted)
	}
}

func (c call) noteAll(state State, messages ...Message) {
	for _, file := range c.files {
		c.job.note(file, state, messages...)
	}
}

// locate turns a path as a consumer writes it into files of the call: that file,
// or those of that folder.
func (c call) locate(written string) []string {
	if written == "" {
		return nil
	}
	whole := strings.TrimPrefix(strings.TrimPrefix(path.Clean("/"+written), c.dir), "/")
	var below []string
	for _, file := range c.files {
		if file == whole || file == path.Join(c.folder, written) {
			return []string{file}
		}
		if strings.HasPrefix(file, whole+"/") {
			below = append(below, file)
		}
	}
	return below
}

// mostSaid bounds what is quoted of a consumer that broke.
const mostSaid = 2000

func tail(text string) string {
	if len(text) <= mostSaid {
		return text
	}
	return "… " + strings.ToValidUTF8(text[len(text)-mostSaid:], "")
}
