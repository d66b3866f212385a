// Package verify hands the artifacts of a generated tree to the programs that
// consume them in real life, and reports what those say. No consumer is linked
// in: each is a program of its own, run where it is installed.
package verify

import (
	"context"
	"errors"
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/afero"
)

// State is what came of handing an artifact to a consumer.
type State string

// The states, the weightiest last.
const (
	Unread   State = "unread"      // none of the consumers that were asked reads it
	Accepted State = "accepted"    // it ran and had nothing against it
	Missing  State = "not checked" // it is not installed
	Failed   State = "failed"      // it broke: crash, timeout, an answer that is not understood
	Rejected State = "rejected"    // it says what is wrong
)

var weight = map[State]int{Unread: 0, Accepted: 1, Missing: 2, Failed: 3, Rejected: 4}

func worse(a, b State) State {
	if weight[b] > weight[a] {
		return b
	}
	return a
}

// Message is what a consumer says about a file; Line and Column count from 1,
// 0 where it names none.
type Message struct {
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	Text   string `json:"text"`
}

// Check is one artifact handed to one consumer.
type Check struct {
	Consumer string    `json:"consumer"`
	State    State     `json:"state"`
	Messages []Message `json:"messages,omitempty"`
}

// Artifact is a file of the tree and what its consumers said; State is the
// weightiest of theirs.
type Artifact struct {
	Path   string  `json:"path"`
	State  State   `json:"state"`
	Checks []Check `json:"checks,omitempty"`
}

// Outcome is how one consumer fared.
type Outcome struct {
	Consumer string        `json:"consumer"`
	Program  string        `json:"program,omitempty"` // the program that was run
	Missing  string        `json:"missing,omitempty"` // what is not installed
	Get      string        `json:"get,omitempty"`     // how to get it, where something is missing
	Files    map[State]int `json:"files"`             // how many files of each state
	Spent    time.Duration `json:"-"`
	states   map[string]*Check
}

// State is the weightiest state of the consumer's files.
func (o Outcome) State() State {
	state := Unread
	for s, n := range o.Files {
		if n > 0 {
			state = worse(state, s)
		}
	}
	return state
}

// Report is everything that a run found: consumers in the order of the table,
// artifacts by path.
type Report struct {
	Consumers []Outcome  `json:"consumers"`
	Artifacts []Artifact `json:"artifacts"`
}

// Counts says how many artifacts have each state.
func (r Report) Counts() map[State]int {
	counts := map[State]int{}
	for _, artifact := range r.Artifacts {
		counts[artifact.State]++
	}
	return counts
}

// Progress is one step of a run: a call of Consumer ended, and Ended tells
// whether that was its last.
type Progress struct {
	Done, Total int    // calls
	Consumer    string // whose call ended; "" at the start
	Ended       bool
	Outcome     Outcome // how it fared so far
}

// Options is what a run needs.
type Options struct {
	Tree        afero.Fs // rooted at the tree
	Dir         string   // the tree's absolute path, for the processes
	Disk        afero.Fs // where copies and other passing files go
	Processes   Processes
	Consumers   []Consumer // the table when nil
	Only        []string   // names of consumers; all when empty
	KubeContext string     // where a server may be asked; none when empty
	Workers     int        // calls at the same time; as many as there are processors when 0
	Progress    func(Progress)
}

// ErrNothing says that there is nothing in the tree that any consumer reads.
var ErrNothing = errors.New("no artifact that any consumer reads")

// Run hands every artifact to its consumers. An error means that the tree cannot
// be read or ctx was cancelled; all else is in the report. All processes that it
// started have ended when it returns.
func Run(ctx context.Context, options Options) (Report, error) {
	chosen, err := choose(options)
	if err != nil {
		return Report{}, err
	}
	files, err := artifacts(options.Tree)
	if err != nil {
		return Report{}, err
	}
	scratch, err := afero.TempDir(options.Disk, "", "codex-design-verify-")
	if err != nil {
		return Report{}, err
	}
	defer func() { _ = options.Disk.RemoveAll(scratch) }()
	r := &run{options: options, scratch: scratch}
	for i := range chosen {
		if err := r.prepare(ctx, &chosen[i], files); err != nil {
			return Report{}, err
		}
	}
	if len(r.jobs) == 0 {
		return Report{}, ErrNothing
	}
	r.work(ctx)
	return r.report(files), ctx.Err()
}

// UnknownError is a consumer that is not in the table.
type UnknownError struct {
	Name  string
	Known []string
}

func (e UnknownError) Error() string {
	return fmt.Sprintf("there is no consumer %q; there are: %s", e.Name, strings.Join(e.Known, ", "))
}

// choose lists the consumers that a run asks.
func choose(options Options) ([]Consumer, error) {
	all := options.Consumers
	if all == nil {
		all = Table()
	}
	var names []string
	for _, c := range all {
		names = append(names, c.Name)
	}
	for _, name := range options.Only {
		if !slices.Contains(names, name) {
			return nil, UnknownError{name, names}
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(c Consumer) bool {
		notAsked := len(options.Only) > 0 && !slices.Contains(options.Only, c.Name)
		return notAsked || c.AsksCluster && options.KubeContext == ""
	}), nil
}

// run is a run under way.
type run struct {
	options Options
	scratch string
	jobs    []*job

	lock  sync.Mutex
	done  int
	total int
}

// job is one consumer with all that it is given.
type job struct {
	consumer *Consumer
	tools    tools
	calls    []call
	left     int
	turn     sync.Mutex // held by a call of a consumer that works alone
	outcome  Outcome
}

// call is one start of a consumer.
type call struct {
	job    *job
	dir    string   // where it runs
	folder string   // the folder that it is about, "" for the whole tree
	files  []string // what it answers for
}

// prepare finds out what a consumer has to do; nothing where it reads no file of the tree.
func (r *run) prepare(ctx context.Context, c *Consumer, files []string) error {
	mine := c.reads(files)
	if len(mine) == 0 {
		return nil
	}
	j := &job{consumer: c, outcome: Outcome{Consumer: c.Name, Files: map[State]int{}, states: map[string]*Check{}}}
	for _, file := range mine {
		j.outcome.states[file] = &Check{Consumer: c.Name}
	}
	r.jobs = append(r.jobs, j)
	var missing string
	if j.tools, missing = r.find(ctx, c); missing != "" {
		j.lacks(missing, mine)
		return nil
	}
	j.outcome.Program = j.tools.program
	dir, err := r.place(c, mine)
	if err != nil {
		return err
	}
	for _, part := range c.split(mine) {
		j.calls = append(j.calls, call{job: j, dir: dir, folder: part.folder, files: part.files})
	}
	j.left = len(j.calls)
	r.total += j.left
	return nil
}

// lacks notes that files could not be checked.
func (j *job) lacks(what string, files []string) {
	j.outcome.Missing, j.outcome.Get = what, j.consumer.Get
	for _, file := range files {
		j.note(file, Missing)
	}
}

// note adds what one call says about a file.
func (j *job) note(file string, state State, messages ...Message) {
	check := j.outcome.states[file]
	check.State = worse(check.State, state)
	for _, message := range messages {
		if !slices.Contains(check.Messages, message) {
			check.Messages = append(check.Messages, message)
		}
	}
}

// place is where a consumer runs: the tree, or a copy of its files where it
// would leave something behind.
func (r *run) place(c *Consumer, files []string) (string, error) {
	if !c.InCopy {
		return r.options.Dir, nil
	}
	dir := path.Join(r.scratch, strings.ReplaceAll(c.Name, " ", "-"))
	for _, file := range files {
		content, err := afero.ReadFile(r.options.Tree, file)
		if err != nil {
			return "", err
		}
		target := path.Join(dir, file)
		if err := r.options.Disk.MkdirAll(path.Dir(target), 0o755); err != nil {
			return "", err
		}
		if err := afero.WriteFile(r.options.Disk, target, content, 0o644); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// work makes all calls, some at the same time.
func (r *run) work(ctx context.Context) {
	for _, j := range r.jobs {
		if j.left == 0 {
			r.tell(j, true)
		}
	}
	queue := make(chan call)
	var workers sync.WaitGroup
	for range r.workers() {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for c := range queue {
				r.make(ctx, c)
			}
		}()
	}
	for _, c := range r.inTurn() {
		queue <- c
	}
	close(queue)
	workers.Wait()
}

func (r *run) workers() int {
	if r.options.Workers > 0 {
		return r.options.Workers
	}
	return runtime.NumCPU()
}

// inTurn lists the calls so that those of one consumer lie apart: a consumer
// that works alone then keeps no worker waiting for long.
func (r *run) inTurn() []call {
	var calls []call
	for i := 0; len(calls) < r.total; i++ {
		for _, j := range r.jobs {
			if i < len(j.calls) {
				calls = append(calls, j.calls[i])
			}
		}
	}
	return calls
}

func (r *run) make(ctx context.Context, c call) {
	if c.job.consumer.Alone {
		c.job.turn.Lock()
		defer c.job.turn.Unlock()
	}
	started := time.Now()
	var got Answer
	err := ctx.Err()
	if err == nil {
		got, err = r.ask(ctx, c)
	}
	if ctx.Err() != nil {
		return // interrupted: whatever it said, it was not let finish
	}
	r.lock.Lock()
	defer r.lock.Unlock()
	c.settle(got, err)
	c.job.outcome.Spent += time.Since(started)
	c.job.left--
	r.done++
	r.tell(c.job, c.job.left == 0)
}

// tell reports progress. It is called by one goroutine at a time.
func (r *run) tell(j *job, ended bool) {
	if ended {
		j.count()
	}
	if r.options.Progress != nil {
		r.options.Progress(Progress{Done: r.done, Total: r.total, Consumer: j.consumer.Name, Ended: ended, Outcome: j.outcome})
	}
}

// count sums up once all calls of a consumer have ended.
func (j *job) count() {
	for file, check := range j.outcome.states {
		if check.State == "" {
			j.note(file, Failed, Message{Text: "it gave up before it came to this file"})
		}
		j.outcome.Files[check.State]++
	}
}

// report arranges what was found by artifact.
func (r *run) report(files []string) Report {
	report := Report{Consumers: []Outcome{}, Artifacts: []Artifact{}}
	for _, j := range r.jobs {
		report.Consumers = append(report.Consumers, j.outcome)
	}
	for _, file := range files {
		artifact := Artifact{Path: file, State: Unread}
		for _, j := range r.jobs {
			if check, ok := j.outcome.states[file]; ok {
				artifact.Checks = append(artifact.Checks, *check)
				artifact.State = worse(artifact.State, check.State)
			}
		}
		report.Artifacts = append(report.Artifacts, artifact)
	}
	return report
}
