package model_test

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/spf13/afero"

	"codex-design/generate"
	"codex-design/model"
)

var rounds = flag.Int("rounds", 10_000, "how many random designs are edited, tweaked and generated again")

// regenerateTree has a file of every owner for everything that a path can name.
var regenerateTree = fstest.MapFS{}

func init() {
	for name, content := range map[string]string{
		"README.md.tmpl":                                           "# <% .System.Name %>\n\n<% .System.Description %>\n\n<% range .Services %>- <% .Name %>: <% .Description %>\n<% end %>\nthe end\n",
		"services/{service}/app.py.tmpl":                           "name = <% quote .Name %>\n\ntext = <% quote .Description %>\n\ncached = <% .Cached %>\n\n<% range .Calls %>call(<% quote . %>)\n<% end %>\n# the end\n",
		"services/{service}/Dockerfile":                            "FROM scratch\n\nCOPY . .\n\nCMD run\n",
		"services/{service}/run.sh.tmpl":                           "#!/bin/sh\n\nexec <% .Name %>\n",
		"deploy/{service}.yaml.tmpl":                               "service: <% .Name %>\n\nport: <% .Port %>\n",
		"services/{service}/logo.bin.tmpl":                         "\x00<% .Name %>\x00",
		"services/{service}/migrations/001_create_tables.sql.tmpl": "-- migrate:up\n<% range .Schema %>create table <% .Name %>;\n<% end %>\n-- migrate:down\n",
		"services/{service}/src/{package}/gen/{entity}.py.tmpl":    "class <% .Class %>:\n    \"\"\"<% .Title %>\"\"\"\n\n<% range .Fields %>    <% .Attribute %>: <% quote .SQLType %>\n<% end %>\n# the end\n",
		"services/{service}/src/{package}/rules/{entity}.py.tmpl":  "from <% .Service.Package %>.gen import <% .Module %>\n\n\ndef allowed():\n    return True\n",
	} {
		regenerateTree[name] = &fstest.MapFile{Data: []byte(content)}
	}
}

// TestEditsSurviveRegeneration goes many times from a random design over random
// edits in random files and a random tweak of the answers to the next generation:
// every edit is in the tree afterwards or in a conflict that was reported, a second
// run changes nothing, and undo puts the tree back. The seed is printed;
// CODEX_DESIGN_SEED repeats a run.
func TestEditsSurviveRegeneration(t *testing.T) {
	seed := rand.Uint64()
	if text := os.Getenv("CODEX_DESIGN_SEED"); text != "" {
		seed, _ = strconv.ParseUint(text, 10, 64)
	}
	t.Logf("CODEX_DESIGN_SEED=%d", seed)
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // many small trees
	count := *rounds
	if testing.Short() {
		count = min(count, 300)
	}
	templates, err := generate.LoadTemplates(regenerateTree)
	if err != nil {
		t.Fatal(err)
	}
	var next atomic.Int64
	var total tallies
	var group sync.WaitGroup
	for range 2 {
		group.Add(1)
		go func() {
			defer group.Done()
			for round := next.Add(1); round <= int64(count) && !t.Failed(); round = next.Add(1) {
				r := &regeneration{TB: t, Arbitrary: model.NewArbitrary(seed + uint64(round)), round: round, templates: templates, target: afero.NewMemMapFs()}
				r.run()
				total.add(r)
			}
		}()
	}
	group.Wait()
	t.Logf("%d rounds: %d edits, %d of them in reported conflicts, %d tweaks refused as conflicts first, %d undone", count, total.edits, total.given, total.blocked, total.undone)
	if total.edits == 0 || total.given == 0 || total.blocked == 0 || total.undone == 0 {
		t.Error("some kind of round was not tried")
	}
}

// tallies count what was tried.
type tallies struct {
	sync.Mutex
	edits, given, blocked, undone int
}

func (c *tallies) add(r *regeneration) {
	c.Lock()
	defer c.Unlock()
	c.edits, c.given, c.blocked, c.undone = c.edits+len(r.marks)+len(r.deleted), c.given+r.given, c.blocked+r.blocked, c.undone+r.undone
}

// regeneration is one round.
type regeneration struct {
	testing.TB
	*model.Arbitrary
	round     int64
	templates *generate.Templates
	target    afero.Fs

	answers                model.Answers
	marks                  map[string]string // by the text of an edit, the file it was made in
	deleted                []string
	given, blocked, undone int
}

func (r *regeneration) fail(format string, values ...any) {
	r.Helper()
	r.Fatalf("round %d: %s", r.round, fmt.Sprintf(format, values...))
}

func (r *regeneration) run() {
	r.answers = r.Answers()
	r.commit(r.plan(model.Format(r.answers), nil, generate.Choices{}))
	r.edit()
	text, basis := r.tweak()
	choices := generate.Choices{All: []generate.Choice{generate.Undecided, generate.KeepMine, generate.TakeNew, generate.Markers}[r.IntN(4)]}
	choices.Restore = r.IntN(8) == 0
	before := r.files()
	plan := r.plan(text, basis, choices)
	if len(plan.Blocked) > 0 {
		plan = r.unblock(plan, text, basis, before, choices)
	}
	r.commit(plan)
	r.check(plan, choices)
	if again := r.plan(text, text, choices); again.Writes() {
		r.fail("a second run would write: %s", written(again))
	}
	if plan.Writes() && r.IntN(4) == 0 {
		r.undo(before)
	}
}

// plan plans the answers as they stand; text is their file.
func (r *regeneration) plan(text, basis []byte, choices generate.Choices) generate.Plan {
	r.Helper()
	design := generate.NewDesign(r.answers, text, basis)
	design.Choices = choices
	design.Consent = generate.Consent{DataLoss: true, Breaking: true}
	plan, err := generate.Prepare(r.target, design, r.templates)
	if err != nil {
		r.fail("%v", err)
	}
	return plan
}

func (r *regeneration) commit(plan generate.Plan) {
	r.Helper()
	if err := generate.Commit(r.Context(), r.target, plan, nil); err != nil {
		r.fail("%v", err)
	}
}

// files maps every path to its content, without what the record keeps.
func (r *regeneration) files() map[string]string {
	r.Helper()
	files := map[string]string{}
	err := afero.Walk(r.target, ".", func(name string, info fs.FileInfo, err error) error {
		name = path.Clean(strings.TrimPrefix(name, "/"))
		if err != nil || info.IsDir() || strings.HasPrefix(name, generate.StateDir+"/") {
			return err
		}
		content, err := afero.ReadFile(r.target, name)
		files[name] = string(content)
		return err
	})
	if err != nil {
		r.fail("%v", err)
	}
	return files
}

// edit changes some files as people do, each time with a text of its own.
func (r *regeneration) edit() {
	r.marks = map[string]string{}
	for i := range 1 + r.IntN(5) {
		files := r.files()
		names := slices.Sorted(maps.Keys(files))
		name := names[r.IntN(len(names))]
		mark := fmt.Sprintf("edit-%d-%d", r.round, i)
		content := files[name]
		switch kind := r.IntN(10); {
		case kind == 0 && name != generate.AnswersPath && !strings.Contains(content, "edit-"):
			r.deleted = append(r.deleted, name)
			if err := r.target.Remove(name); err != nil {
				r.fail("%v", err)
			}
			continue
		case kind == 1:
			name, content = path.Join(path.Dir(name), fmt.Sprintf("own-%d.txt", i)), mark+"\n"
		case kind == 2 && !strings.Contains(content, "\x00") && name != generate.AnswersPath:
			content = strings.ReplaceAll(strings.ReplaceAll(content, "\r\n", "\n")+mark+"\n", "\n", "\r\n")
		case kind == 3 && name != generate.AnswersPath:
			content = content + mark // no last line end
		default:
			content = r.editLine(name, content, mark)
		}
		r.marks[mark] = name
		if err := afero.WriteFile(r.target, name, []byte(content), 0o644); err != nil {
			r.fail("%v", err)
		}
	}
}

// editLine inserts a line or replaces one that holds no other edit.
func (r *regeneration) editLine(name, content, mark string) string {
	lines := strings.SplitAfter(content, "\n")
	at := r.IntN(len(lines))
	if name == generate.AnswersPath {
		return "# " + mark + "\n" + content
	}
	if r.IntN(2) == 0 && !strings.Contains(lines[at], "edit-") && lines[at] != "" {
		lines[at] = mark + "\n"
	} else {
		lines = slices.Insert(lines, at, mark+"\n")
	}
	return strings.Join(lines, "")
}

// tweak changes the answers as their file stands, and returns the file before and after.
func (r *regeneration) tweak() (text, basis []byte) {
	basis, err := afero.ReadFile(r.target, generate.AnswersPath)
	if err != nil {
		r.fail("%v", err)
	}
	for range 1 + r.IntN(3) {
		document, problems := model.Read(basis)
		if len(problems) > 0 {
			r.fail("%v", problems)
		}
		edited := document.Answers
		if r.IntN(3) == 0 {
			r.rename(&edited)
		} else {
			r.Edit(&edited)
		}
		if len(model.Check(edited)) > 0 {
			continue // as a call to a service that is gone
		}
		if text, err = document.Save(edited); err != nil {
			r.fail("%v", err)
		}
		r.answers = edited
		if r.IntN(3) > 0 {
			break
		}
	}
	if text == nil {
		text = basis
	}
	return text, basis
}

// rename gives a service or an entity another name, wherever it is named.
func (r *regeneration) rename(a *model.Answers) {
	service := &a.Services[r.IntN(len(a.Services))]
	entity := &service.Entities[r.IntN(len(service.Entities))]
	if r.IntN(2) == 0 {
		old, fresh := entity.Name, r.Unique("_")
		entity.Was, entity.Name = old, fresh
		eachType(a, func(in *model.Service, t *model.Type) {
			if t.Entity == old && (t.Service == service.Name || t.Service == "" && in == service) {
				t.Entity = fresh
			}
		})
		return
	}
	old, fresh := service.Name, r.Unique("-")
	service.Was, service.Name = old, fresh
	for i := range a.Services {
		for j, callee := range a.Services[i].Calls {
			if callee == old {
				a.Services[i].Calls[j] = fresh
			}
		}
	}
	eachType(a, func(_ *model.Service, t *model.Type) {
		if t.Service == old {
			t.Service = fresh
		}
	})
}

func eachType(a *model.Answers, change func(*model.Service, *model.Type)) {
	for i := range a.Services {
		for j := range a.Services[i].Entities {
			fields := a.Services[i].Entities[j].Fields
			for k := range fields {
				change(&a.Services[i], &fields[k].Type)
			}
		}
	}
}

// unblock shows that a refusal changes nothing and names each file, and chooses.
func (r *regeneration) unblock(plan generate.Plan, text, basis []byte, before map[string]string, choices generate.Choices) generate.Plan {
	r.blocked++
	for _, reason := range plan.Blocked {
		if !strings.Contains(reason, "choose") {
			r.fail("blocked by %q", reason)
		}
	}
	if err := generate.Commit(r.Context(), r.target, plan, nil); err == nil || !maps.Equal(before, r.files()) {
		r.fail("a blocked plan was committed: %v", err)
	}
	choices.All = generate.KeepMine
	return r.plan(text, basis, choices)
}

// check looks for every edit: it is in the tree, or its owner chose the other side
// of a conflict that the plan reports.
func (r *regeneration) check(plan generate.Plan, choices generate.Choices) {
	files := r.files()
	var all bytes.Buffer
	for _, content := range files {
		all.WriteString(content)
		all.WriteByte('\n')
	}
	for mark, name := range r.marks {
		if bytes.Contains(all.Bytes(), []byte(mark)) {
			continue
		}
		reported := slices.ContainsFunc(plan.Changes, func(c generate.Change) bool {
			return (c.Path == name || c.From == name) && c.Merged.Conflicts() > 0
		})
		if choices.All != generate.TakeNew || !reported {
			r.fail("%s of %s is gone, silently: choice %q\n%s", mark, name, choices.All, written(plan))
		}
		r.given++
	}
	for _, name := range r.deleted {
		restored := choices.Restore || strings.Contains(name, "/migrations/")
		if _, back := files[name]; back && !restored {
			r.fail("%s was deleted and is back", name)
		}
	}
}

func (r *regeneration) undo(before map[string]string) {
	plan, err := generate.PlanUndo(r.target, generate.Choices{})
	if err != nil || len(plan.Blocked) > 0 {
		r.fail("undo: %v %v", err, plan.Blocked)
	}
	r.commit(plan)
	if after := r.files(); !maps.Equal(before, after) {
		for name := range before {
			if after[name] != before[name] {
				r.fail("after undo, %s is %q, want %q", name, after[name], before[name])
			}
		}
		r.fail("undo left other files")
	}
	r.undone++
}

func written(plan generate.Plan) string {
	var out strings.Builder
	for _, change := range plan.Changes {
		if change.State != generate.Unchanged {
			fmt.Fprintf(&out, "%s %s from %q: %s\n", change.State, change.Path, change.From, change.Reason)
		}
	}
	return out.String()
}
