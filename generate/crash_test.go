package generate

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/afero"

	"codex-design/model"
)

// How much the crash tests try. `go test ./generate -run Crash -crash.every 1
// -crash.kills 2000` tries everything.
var (
	crashEvery = flag.Int("crash.every", 17, "crash on a real directory at every n-th file operation")
	crashKills = flag.Int("crash.kills", 200, "how often a process that commits is killed")
)

// treeChange is a tree with edits in it and a re-generation of it.
type treeChange struct {
	files         map[string]string // of the tree before, with the record, by path
	modes         map[string]os.FileMode
	plan          Plan
	before, after map[string]string // as standing tells it
	edits         []string          // what the tree's owner wrote, to be found in either tree
}

// start is the tree before, in memory.
func (c *treeChange) start(t testing.TB) afero.Fs {
	t.Helper()
	target := afero.NewMemMapFs()
	c.write(t, target)
	return target
}

func (c *treeChange) write(t testing.TB, target afero.Fs) {
	t.Helper()
	made := map[string]bool{}
	for name, content := range c.files {
		if dir := path.Dir(name); !made[dir] {
			made[dir] = true
			if err := target.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := afero.WriteFile(target, name, []byte(content), c.modes[name]); err != nil {
			t.Fatal(err)
		}
	}
}

// smallChange updates, merges, creates, deletes, renames and keeps a few files.
func smallChange(t testing.TB) *treeChange { return changeOfSize(t, 2) }

// changeOfSize has some 5 times as many changed files as each of its directories has templates.
func changeOfSize(t testing.TB, perDirectory int) *treeChange {
	t.Helper()
	templates := crashTemplates(t, perDirectory)
	target := afero.NewMemMapFs()
	plan := func(next Design) Plan {
		plan, err := Prepare(target, next, templates)
		if err != nil {
			t.Fatal(err)
		}
		return plan
	}
	commit := func(p Plan) {
		if err := Commit(context.Background(), target, p, nil); err != nil {
			t.Fatal(err)
		}
	}
	commit(plan(crashDesign("A", "catalog", "order", "user", "payment")))
	c := &treeChange{files: map[string]string{}, modes: map[string]os.FileMode{}}
	c.edit(t, target)
	c.before = standing(t, target)
	for name, content := range files(t, target) {
		info, err := target.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		c.files[name], c.modes[name] = content, info.Mode().Perm()
	}
	c.plan = plan(crashDesign("B", "catalog", "purchase", "payment", "mail"))
	if len(c.plan.Blocked) > 0 {
		t.Fatal(c.plan.Blocked)
	}
	commit(c.plan)
	c.after = standing(t, target)
	c.check(t)
	return c
}

// check makes sure that the change has all that a commit can do, and that each
// edit is in both trees.
func (c *treeChange) check(t testing.TB) {
	t.Helper()
	counts := c.plan.Counts()
	for _, state := range []State{Create, Update, Merge, Delete, Keep} {
		if counts[state] == 0 {
			t.Fatalf("nothing is in the state %s: %v", state, counts)
		}
	}
	for _, tree := range []map[string]string{c.before, c.after} {
		all := strings.Join(slices.Collect(maps.Values(tree)), "\n")
		for _, edit := range c.edits {
			if !strings.Contains(all, edit) {
				t.Fatalf("even without a crash the edit %q is lost", edit)
			}
		}
	}
}

// edit changes files of every owner.
func (c *treeChange) edit(t testing.TB, target afero.Fs) {
	t.Helper()
	for i, name := range []string{
		"docs/00.md", "services/catalog/00.py", "services/order/00.py", "services/order/src/order_service/rules/order.py",
		"services/user/00.py", "services/order/migrations/001_create_tables.sql", "notes.txt",
	} {
		content, err := afero.ReadFile(target, name)
		if err != nil && !missing(err) {
			t.Fatal(err)
		}
		edit := fmt.Sprintf("an edit with the number %d", i)
		c.edits = append(c.edits, edit)
		if err := afero.WriteFile(target, name, append(content, edit+"\n"...), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(target.Remove("services/catalog/01.py"), target.Chmod("docs/01.md", 0o755)); err != nil {
		t.Fatal(err)
	}
}

func crashTemplates(t testing.TB, perDirectory int) *Templates {
	t.Helper()
	tree := map[string]string{
		"services/{service}/migrations/001_create_tables.sql":          "create table x ();\n",
		"services/{service}/src/{package}/rules/{entity}.py.tmpl":      "# rules of <% .Service.Name %>\n\n\n\n# the end\n",
		"services/{service}/run.sh.tmpl":                               "#!/bin/sh\necho <% .Name %>\n",
		"services/{service}/src/{package}/gen/{entity}/routes.py.tmpl": "title = <% quote .Title %>\n\n\n\n# the end\n",
	}
	for i := range perDirectory {
		tree[fmt.Sprintf("docs/%02d.md.tmpl", i)] = "<% .System.Description %>\n\n\n\nthe end\n"
		tree[fmt.Sprintf("services/{service}/%02d.py.tmpl", i)] = "text = <% quote .System.System.Description %>\n\n\n\n# the end\n"
	}
	templates, err := LoadTemplates(templateTree(tree))
	if err != nil {
		t.Fatal(err)
	}
	return templates
}

// crashDesign has services of one entity each; purchase was order.
func crashDesign(description string, services ...string) Design {
	answers := model.Defaults()
	answers.Name, answers.Description = "crash", description
	for _, name := range services {
		service := model.Service{Name: name, Entities: []model.Entity{{Name: name, Fields: []model.Field{{Name: "title", Type: model.Type{Kind: model.KindText}}}}}}
		if name == "purchase" {
			service.Was, service.Entities[0].Was = "order", "order"
		}
		answers.Services = append(answers.Services, service)
	}
	design := NewDesign(answers, model.Format(answers), nil)
	design.Consent.Breaking = true
	return design
}

// outcome is how a recovery ended: in the old tree, in the new one, or with a loss.
func (c *treeChange) outcome(t testing.TB, target afero.Fs) string {
	t.Helper()
	got := standing(t, target)
	old, fresh := difference(c.before, got), difference(c.after, got)
	switch {
	case leftAside(t, target) != "":
		return leftAside(t, target) + " is left"
	case old == "":
		return "old"
	case fresh == "":
		return "new"
	}
	return fmt.Sprintf("it is neither the old tree (%s) nor the new one (%s)", old, fresh)
}

// tally counts where crashes ended.
type tally struct {
	sync.Mutex
	ended  map[string]int
	losses []string
}

func (c *tally) add(point, outcome string) {
	c.Lock()
	defer c.Unlock()
	if outcome != "old" && outcome != "new" {
		c.losses = append(c.losses, point+": "+outcome)
		return
	}
	if c.ended == nil {
		c.ended = map[string]int{}
	}
	c.ended[outcome]++
}

func (c *tally) report(t testing.TB, what string) {
	t.Helper()
	points := c.ended["old"] + c.ended["new"] + len(c.losses)
	t.Logf("%s: %d points tried, %d ended in the old tree, %d in the new one, %d losses", what, points, c.ended["old"], c.ended["new"], len(c.losses))
	for _, loss := range c.losses[:min(len(c.losses), 5)] {
		t.Error(loss)
	}
	if c.ended["old"] == 0 || c.ended["new"] == 0 {
		t.Error("both ends must be reached")
	}
}

// crashAt commits until the operation with the number index, and starts anew.
func (c *treeChange) crashAt(t testing.TB, target afero.Fs, index int) (outcome string, through bool) {
	t.Helper()
	faulty := &faultyFs{Fs: target, at: index, crash: true}
	_ = Commit(context.Background(), faulty, c.plan, nil)
	if _, err := Recover(whole(target)); err != nil {
		return err.Error(), false
	}
	return c.outcome(t, target), faulty.ops <= index
}

// TestCrashAtEveryOperationInMemory is the whole matrix for a change of 300 files.
func TestCrashAtEveryOperationInMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("commits thousands of times")
	}
	change := changeOfSize(t, 50)
	var ended tally
	inWorkers(func(next func() int) {
		for index := next(); ; index = next() {
			outcome, through := change.crashAt(t, change.start(t), index)
			ended.add(fmt.Sprintf("operation %d", index), outcome)
			if through || outcome != "old" && outcome != "new" {
				return
			}
		}
	})
	ended.report(t, fmt.Sprintf("%d files changed, in memory", touched(change.plan)))
}

// TestCrashOfARecovery crashes a commit and then its recovery, at pairs of operations.
func TestCrashOfARecovery(t *testing.T) {
	change := smallChange(t)
	var ended tally
	step := 1
	if testing.Short() {
		step = 9
	}
	for first := 0; ; first += 3 * step {
		through := true
		for second := 0; ; second += 2 * step {
			target := change.start(t)
			faulty := &faultyFs{Fs: target, at: first, crash: true}
			_ = Commit(context.Background(), faulty, change.plan, nil)
			through = faulty.ops <= first
			again := &faultyFs{Fs: target, at: second, crash: true}
			_, _ = Recover(again)
			if _, err := Recover(whole(target)); err != nil {
				t.Fatal(err)
			}
			ended.add(fmt.Sprintf("operations %d and %d", first, second), change.outcome(t, target))
			if again.ops <= second {
				break
			}
		}
		if through {
			break
		}
	}
	ended.report(t, "commit and recovery")
}

// TestCrashAtOperationsOnDisk is the matrix on a real directory. Whatever ended in
// the new tree is undone for the next point, so that is tried as often.
func TestCrashAtOperationsOnDisk(t *testing.T) {
	if testing.Short() {
		t.Skip("commits hundreds of times")
	}
	change := changeOfSize(t, 50)
	var ended tally
	inWorkers(func(next func() int) {
		target := change.onDisk(t)
		for {
			index := next() * *crashEvery
			outcome, through := change.crashAt(t, target, index)
			ended.add(fmt.Sprintf("operation %d", index), outcome)
			if through || !change.rewind(t, target, outcome) {
				return
			}
		}
	})
	ended.report(t, fmt.Sprintf("%d files changed, on disk", touched(change.plan)))
}

func (c *treeChange) onDisk(t testing.TB) *Disk {
	t.Helper()
	target, err := OpenDisk(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	c.write(t, target)
	if problem := difference(c.before, standing(t, target)); problem != "" {
		t.Fatal(problem)
	}
	return target
}

// rewind undoes a commit that came to its end; false after a loss.
func (c *treeChange) rewind(t testing.TB, target afero.Fs, outcome string) bool {
	t.Helper()
	switch outcome {
	case "old":
		return true
	case "new":
		plan, err := PlanUndo(target, Choices{})
		if err == nil {
			err = Commit(context.Background(), whole(target), plan, nil)
		}
		if problem := difference(c.before, standing(t, target)); err != nil || problem != "" {
			t.Errorf("after undo, error %v: %s", err, problem)
			return false
		}
		return true
	}
	return false
}

func touched(plan Plan) int {
	count := 0
	for _, change := range plan.Changes {
		if change.writes() {
			count++
		}
	}
	return count
}

// inWorkers runs work twice at a time; next counts 0, 1, … for both.
func inWorkers(work func(next func() int)) {
	var lock sync.Mutex
	index := -1
	next := func() int {
		lock.Lock()
		defer lock.Unlock()
		index++
		return index
	}
	var group sync.WaitGroup
	for range 2 {
		group.Add(1)
		go func() {
			defer group.Done()
			work(next)
		}()
	}
	group.Wait()
}

// crashRoot tells a process of this test which directory it commits to.
const crashRoot = "CODEX_DESIGN_TEST_CRASH_ROOT"

// TestCommitUntilKilled is no test but the process that TestCrashByKill kills.
func TestCommitUntilKilled(t *testing.T) {
	root := os.Getenv(crashRoot)
	if root == "" {
		return
	}
	target, err := OpenDisk(root)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := Prepare(target, crashDesign("B", "catalog", "purchase", "payment", "mail"), crashTemplates(t, 50))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("ready")
	if err := Commit(context.Background(), target, plan, nil); err != nil {
		t.Fatal(err)
	}
	fmt.Println("done")
	time.Sleep(time.Minute)
}

// TestCrashByKill kills processes that commit, with SIGKILL, at random moments.
func TestCrashByKill(t *testing.T) {
	if testing.Short() {
		t.Skip("kills hundreds of processes")
	}
	change := changeOfSize(t, 50)
	var ended tally
	alone := killAfter(t, change.onDisk(t), time.Hour)
	inWorkers(func(next func() int) {
		target, span := change.onDisk(t), alone
		for kill := next(); kill < *crashKills; kill = next() {
			wait := rand.N(span)
			killAfter(t, target, wait)
			if _, err := Recover(target); err != nil {
				t.Error(err)
				return
			}
			outcome := change.outcome(t, target)
			ended.add(fmt.Sprintf("killed after %s", wait), outcome)
			if outcome == "old" { // follow the speed of the disk, so that half of them end in each tree
				span += span / 20
			} else {
				span -= span / 20
			}
			if !change.rewind(t, target, outcome) {
				return
			}
		}
	})
	ended.report(t, fmt.Sprintf("%d files changed, killed", touched(change.plan)))
}

// killAfter starts a process that commits and kills it so long after it began, or
// when it is done. It returns how long that took.
func killAfter(t testing.TB, target *Disk, wait time.Duration) time.Duration {
	t.Helper()
	command := exec.Command(os.Args[0], "-test.run", "^TestCommitUntilKilled$")
	command.Env = append(os.Environ(), crashRoot+"="+target.root)
	output, err := command.StdoutPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(output)
	if !lines.Scan() || lines.Text() != "ready" {
		t.Errorf("the process said %q", lines.Text())
	}
	began := time.Now()
	timer := time.AfterFunc(wait, func() { _ = command.Process.Kill() })
	done := lines.Scan() && lines.Text() == "done"
	took := time.Since(began)
	timer.Stop()
	_ = command.Process.Kill()
	_, _ = io.Copy(io.Discard, output)
	_ = command.Wait()
	if !done && took < wait {
		t.Errorf("the process ended by itself: %q", lines.Text())
	}
	return took
}
