package generate

import (
	"context"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"codex-design/model"
)

// smallTree is a template tree with one file of each owner.
var smallTree = map[string]string{
	"README.md.tmpl":                                          "<% .System.Title %>\n",
	"services/{service}/app.py.tmpl":                          "title = <% quote .System.System.Title %>\n",
	"services/{service}/migrations/001_create_tables.sql":     "create table x ();\n",
	"services/{service}/src/{package}/rules/{entity}.py.tmpl": "# rules of <% .Module %>\n",
}

// design is the shop under a title, with the given services left out.
func design(title string, without ...string) Design {
	blueprint := shopBlueprint()
	blueprint.System.Title = title
	blueprint.Services = slices.DeleteFunc(blueprint.Services, func(s model.ServicePlan) bool { return slices.Contains(without, s.Name) })
	system := NewSystemView(blueprint)
	return Design{System: system, Answers: []byte("title: " + title + "\n"), Consent: Consent{Breaking: true}}
}

// prepare plans a design over the small tree.
func prepare(t *testing.T, target afero.Fs, d Design) Plan {
	t.Helper()
	plan, err := Prepare(target, d, load(t, smallTree))
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// generated makes a tree of a design and returns its target.
func generated(t *testing.T, d Design) afero.Fs {
	t.Helper()
	target := afero.NewMemMapFs()
	commitPlan(t, target, prepare(t, target, d))
	return target
}

func commitPlan(t *testing.T, target afero.Fs, plan Plan) {
	t.Helper()
	if err := Commit(context.Background(), target, plan, nil); err != nil {
		t.Fatal(err)
	}
}

// files maps every path of a target to its content.
func files(t testing.TB, target afero.Fs) map[string]string {
	t.Helper()
	result := map[string]string{}
	err := afero.Walk(target, ".", func(name string, info fs.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		content, err := afero.ReadFile(target, name)
		result[path.Clean(strings.TrimPrefix(name, "/"))] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func put(t testing.TB, target afero.Fs, name, content string) {
	t.Helper()
	if err := afero.WriteFile(target, name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, target afero.Fs, name string) {
	t.Helper()
	if err := target.Remove(name); err != nil {
		t.Fatal(err)
	}
}

// changeOf finds the change of a path; the zero Change where the plan says nothing.
func changeOf(plan Plan, name string) Change {
	for _, change := range plan.Changes {
		if change.Path == name {
			return change
		}
	}
	return Change{}
}

const (
	app   = "services/order/app.py"
	rules = "services/order/src/order_service/rules/order.py"
	sql   = "services/order/migrations/001_create_tables.sql"
)

// with is a design with a choice for every conflict.
func with(d Design, choice Choice) Design {
	d.Choices = Choices{All: choice}
	return d
}

// restored is a design that brings back what was deleted.
func restored(d Design) Design {
	d.Choices.Restore = true
	return d
}

// TestDecisions goes from a generated tree (title A) over what the user did to
// it to the next design, and says what becomes of one path.
func TestDecisions(t *testing.T) {
	edit := func(name string) func(*testing.T, afero.Fs) {
		return func(t *testing.T, target afero.Fs) { put(t, target, name, "edited\n") }
	}
	drop := func(name string) func(*testing.T, afero.Fs) {
		return func(t *testing.T, target afero.Fs) { remove(t, target, name) }
	}
	nothing := func(*testing.T, afero.Fs) {}
	for _, test := range []struct {
		name     string
		user     func(*testing.T, afero.Fs)
		next     Design
		path     string
		state    State
		reason   string
		outdated bool
		after    string // on disk after the commit; empty: no file
	}{
		{"nothing changed", nothing, design("A"), app, Unchanged, "", false, "title = \"A\"\n"},
		{"design changed", nothing, design("B"), app, Update, "", false, "title = \"B\"\n"},
		{"edited", edit(app), design("A"), app, Keep, reasonEdited, false, "edited\n"},
		{"edited and changed the same line", edit(app), with(design("B"), KeepMine), app, Merge, reasonMerged, false, "edited\n"},
		{"the same, the design's", edit(app), with(design("B"), TakeNew), app, Merge, reasonMerged, false, "title = \"B\"\n"},
		{"the same, both", edit(app), with(design("B"), Markers), app, Conflict, reasonConflict, false, "<<<<<<< yours\nedited\n=======\ntitle = \"B\"\n>>>>>>> generated\n"},
		{"edited in the same way", func(t *testing.T, target afero.Fs) { put(t, target, app, "title = \"B\"\n") }, design("B"), app, Unchanged, "", false, "title = \"B\"\n"},
		{"no text any more", func(t *testing.T, target afero.Fs) { put(t, target, app, "\x00") }, with(design("B"), KeepMine), app, Merge, reasonMerged, false, "\x00"},
		{"deleted", drop(app), design("A"), app, Keep, reasonDeleted, false, ""},
		{"deleted and changed", drop(app), design("B"), app, Keep, reasonDeleted, false, ""},
		{"deleted and wanted again", drop(app), restored(design("B")), app, Create, reasonRestored, false, "title = \"B\"\n"},
		{"no longer generated", nothing, design("A", "order"), app, Delete, reasonLeft, false, ""},
		{"no longer generated, edited", edit(app), design("A", "order"), app, Keep, reasonLeftover, false, "edited\n"},
		{"no longer generated, deleted", drop(app), design("A", "order"), app, "", "", false, ""},
		{"yours, untouched", nothing, design("B"), rules, Unchanged, "", false, "# rules of order\n"},
		{"yours, edited", edit(rules), design("B"), rules, Keep, reasonYours, false, "edited\n"},
		{"yours, deleted", drop(rules), design("B"), rules, Keep, reasonGone, false, ""},
		{"yours, no longer generated", nothing, design("B", "order"), rules, Delete, reasonLeft, false, ""},
		{"yours, no longer generated, edited", edit(rules), design("B", "order"), rules, Keep, reasonLeftover, false, "edited\n"},
		{"migration", nothing, design("B"), sql, Unchanged, "", false, "create table x ();\n"},
		{"migration edited", edit(sql), design("B"), sql, Keep, reasonMigration, false, "edited\n"},
		{"migration deleted", drop(sql), design("B"), sql, Create, reasonRestored, false, "create table x ();\n"},
		{"answers", nothing, design("B"), AnswersPath, Update, "", false, "title: B\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			target := generated(t, design("A"))
			test.user(t, target)
			plan := prepare(t, target, test.next)
			change := changeOf(plan, test.path)
			if change.State != test.state || change.Reason != test.reason || change.Outdated != test.outdated {
				t.Errorf("%s %q outdated %v, want %s %q outdated %v", change.State, change.Reason, change.Outdated, test.state, test.reason, test.outdated)
			}
			commitPlan(t, target, plan)
			if got := files(t, target)[test.path]; got != test.after {
				t.Errorf("on disk %q, want %q", got, test.after)
			}
			if again := prepare(t, target, with(test.next, Undecided)); again.Writes() || len(again.Blocked) > 0 {
				t.Errorf("a second run would write: %v", again.Counts())
			}
		})
	}
}

// longTree has a file with room for an edit away from what the design changes.
var longTree = map[string]string{"app.py.tmpl": "title = <% quote .System.Title %>\n\n\ndef run():\n    start()\n    stop()\n"}

func TestEditsAndChangesAreMerged(t *testing.T) {
	target, templates := afero.NewMemMapFs(), load(t, longTree)
	generate := func(title string) Plan {
		plan, err := Prepare(target, design(title), templates)
		if err != nil {
			t.Fatal(err)
		}
		commitPlan(t, target, plan)
		return plan
	}
	generate("A")
	put(t, target, "app.py", strings.Replace(files(t, target)["app.py"], "stop()", "stop(now=True)", 1))
	for _, title := range []string{"B", "C"} {
		plan := generate(title)
		want := "title = \"" + title + "\"\n\n\ndef run():\n    start()\n    stop(now=True)\n"
		if c := changeOf(plan, "app.py"); c.State != Merge || c.Reason != reasonMerged || files(t, target)["app.py"] != want {
			t.Errorf("title %s: %s %q: %q", title, c.State, c.Reason, files(t, target)["app.py"])
		}
	}
	if plan := generate("C"); plan.Writes() || changeOf(plan, "app.py").State != Keep {
		t.Errorf("a second run: %v", plan.Counts())
	}
}

func TestUndecidedConflictsBlock(t *testing.T) {
	target := generated(t, design("A"))
	put(t, target, app, "edited\n")
	before := files(t, target)
	plan := prepare(t, target, design("B"))
	if c := changeOf(plan, app); c.State != Conflict || c.Undecided != 1 || len(plan.Blocked) != 1 || !strings.HasPrefix(plan.Blocked[0], app+": 1 conflict ") {
		t.Errorf("%s, %d undecided, blocked by %v", c.State, c.Undecided, plan.Blocked)
	}
	if err := Commit(context.Background(), target, plan, nil); err == nil || !maps.Equal(before, files(t, target)) {
		t.Errorf("committed: %v", err)
	}
}

func TestMarkersThatAreLeftAreReported(t *testing.T) {
	target := generated(t, design("A"))
	put(t, target, app, "edited\n")
	commitPlan(t, target, prepare(t, target, with(design("B"), Markers)))
	for _, title := range []string{"B", "C"} {
		if c := changeOf(prepare(t, target, with(design(title), Markers)), app); c.State != Keep || !c.Outdated || c.Reason != reasonMarkers {
			t.Errorf("title %s: %s %q", title, c.State, c.Reason)
		}
	}
	put(t, target, app, "both\n")
	if c := changeOf(prepare(t, target, design("B")), app); c.State != Keep || c.Outdated {
		t.Errorf("resolved: %s %q", c.State, c.Reason)
	}
}

func TestWithoutItsBaseAnEditIsKept(t *testing.T) {
	target := generated(t, design("A"))
	put(t, target, app, "edited\n")
	remove(t, target, archiveOf(app))
	if c := changeOf(prepare(t, target, design("B")), app); c.State != Keep || !c.Outdated || c.Reason != reasonNoBase {
		t.Errorf("%s %q", c.State, c.Reason)
	}
}

func TestForeignFilesStay(t *testing.T) {
	target := afero.NewMemMapFs()
	put(t, target, "README.md", "mine\n")
	put(t, target, rules, "mine too\n")
	put(t, target, "notes.txt", "unrelated\n")
	plan := prepare(t, target, design("A"))
	if c := changeOf(plan, "README.md"); c.State != Keep || !c.Outdated || c.Reason != reasonForeign {
		t.Errorf("README.md: %+v", c)
	}
	if c := changeOf(plan, rules); c.State != Keep || c.Outdated {
		t.Errorf("%s: %s outdated %v", rules, c.State, c.Outdated)
	}
	commitPlan(t, target, plan)
	got := files(t, target)
	if got["README.md"] != "mine\n" || got[rules] != "mine too\n" || got["notes.txt"] != "unrelated\n" {
		t.Errorf("a foreign file was changed: %v", got)
	}
	remove(t, target, "README.md")
	if c := changeOf(prepare(t, target, design("A")), "README.md"); c.State != Create {
		t.Errorf("moved away, README.md is %s", c.State)
	}
}

func TestEditSurvivesManyGenerations(t *testing.T) {
	target := generated(t, design("A"))
	put(t, target, app, "edited\n")
	for _, title := range []string{"B", "C", "A", "D"} {
		commitPlan(t, target, prepare(t, target, with(Design{System: design(title).System, Answers: []byte(title)}, KeepMine)))
		if got := files(t, target)[app]; got != "edited\n" {
			t.Fatalf("title %s: %q", title, got)
		}
		want := "title = \"" + title + "\"\n"
		base, ok := (&bases{target: target}).of(FileRecord{Path: app, SHA256: sum([]byte(want))})
		if got := string(base); !ok || got != want {
			t.Errorf("the base of the next merge is %q, not what was merged last", got)
		}
	}
}

func TestAnswersOfAnotherDesignBlock(t *testing.T) {
	target := afero.NewMemMapFs()
	put(t, target, AnswersPath, "another design\n")
	before := files(t, target)
	plan := prepare(t, target, design("A"))
	if len(plan.Blocked) != 1 || plan.Blocked[0] != answersBlocked {
		t.Fatalf("blocked by %v", plan.Blocked)
	}
	if err := Commit(context.Background(), target, plan, nil); err == nil {
		t.Error("a blocked plan was committed")
	}
	if !maps.Equal(before, files(t, target)) {
		t.Error("a blocked plan changed the tree")
	}
	opened := design("A")
	opened.Basis = []byte("another design\n")
	if plan := prepare(t, target, opened); len(plan.Blocked) > 0 {
		t.Errorf("the file that was opened blocks: %v", plan.Blocked)
	}
}

// withTable is the design with one table, of the given columns, for the service order.
func withTable(title string, columns ...string) Design {
	blueprint := shopBlueprint()
	blueprint.System.Title = title
	table := model.Table{Name: "orders"}
	for _, name := range columns {
		table.Columns = append(table.Columns, model.Column{Name: name, Type: "text"})
	}
	blueprint.Services[1].Schema = []model.Table{table}
	return Design{System: NewSystemView(blueprint), Answers: []byte("title: " + title + "\n"), Consent: Consent{Breaking: true}}
}

func TestChangedSchemaAddsAMigration(t *testing.T) {
	target := generated(t, withTable("A", "id"))
	put(t, target, sql, "edited\n")
	const second = "services/order/migrations/002_add_orders_note.sql"
	plan := prepare(t, target, withTable("A", "id", "note"))
	if c := changeOf(plan, second); c.State != Create || !strings.Contains(string(c.After), "-- migrate:up") || !strings.Contains(string(c.After), "-- migrate:down") {
		t.Fatalf("%s: %s %q; plan: %v", second, c.State, c.After, plan.Counts())
	}
	commitPlan(t, target, plan)
	written := files(t, target)[second]
	if again := prepare(t, target, withTable("A", "id", "note")); again.Writes() {
		t.Errorf("the same design would write again: %v", again.Counts())
	}
	commitPlan(t, target, prepare(t, target, withTable("A", "id"))) // the release before may need the column
	const third = "services/order/migrations/003_drop_orders_note.sql"
	contracted := withTable("A", "id")
	contracted.Consent.Contract = true
	plan = prepare(t, target, contracted)
	if len(plan.Blocked) != 1 || !strings.Contains(plan.Blocked[0], "the values of orders.note; say yes with --allow-data-loss") {
		t.Errorf("a loss without a yes is blocked by %v", plan.Blocked)
	}
	contracted.Consent.DataLoss = true
	plan = prepare(t, target, contracted)
	c := changeOf(plan, third)
	if c.State != Create || len(c.Artifact.Notes) == 0 || !strings.Contains(string(c.After), "Loses: ") {
		t.Fatalf("%s: %s %q, notes %v; plan: %v", third, c.State, c.After, c.Artifact.Notes, plan.Counts())
	}
	commitPlan(t, target, plan)
	got := files(t, target)
	if got[sql] != "edited\n" || got[second] != written {
		t.Error("an existing migration was rewritten")
	}
	if again := prepare(t, target, contracted); again.Writes() || len(again.Schemas) > 0 {
		t.Errorf("the same design would write again: %v, %v", again.Counts(), again.Schemas)
	}
}

func TestWhatTheReleaseBeforeNeedsStaysUntilItIsTakenAway(t *testing.T) {
	target := generated(t, withTable("A", "id", "note"))
	plan := prepare(t, target, withTable("A", "id"))
	if len(plan.Schemas) != 1 || !slices.Contains(plan.Schemas[0].Retired, "Drop the column orders.note") || len(plan.Schemas[0].Losses) > 0 {
		t.Fatalf("the plan of the schema is %+v", plan.Schemas)
	}
	commitPlan(t, target, plan)
	restored := prepare(t, target, withTable("A", "id", "note"))
	if len(restored.Blocked) > 0 || len(restored.Schemas) > 0 {
		t.Errorf("the field cannot come back: %v, %+v", restored.Blocked, restored.Schemas)
	}
	commitPlan(t, target, restored)
	commitPlan(t, target, prepare(t, target, withTable("A", "id")))
	renamed := withTable("A", "id", "text")
	renamed.System.Services[1].Schema[0].Columns[1].Was = "id"
	renamed.System.Services[1].Schema[0].Columns[1].Name = "note"
	renamed.System.Services[1].Schema[0].Columns = renamed.System.Services[1].Schema[0].Columns[1:]
	plan = prepare(t, target, renamed)
	if len(plan.Blocked) != 1 || !strings.Contains(plan.Blocked[0], "orders.note, which is no longer used, still stands; once the release before no longer runs, generate with --contract") {
		t.Errorf("blocked by %v", plan.Blocked)
	}
}

func TestForeignMigrationBlocks(t *testing.T) {
	target := generated(t, withTable("A", "id"))
	put(t, target, "services/order/migrations/002_add_orders_note.sql", "mine\n")
	plan := prepare(t, target, withTable("A", "id", "note"))
	if len(plan.Blocked) != 1 || !strings.Contains(plan.Blocked[0], migrationBlocked) {
		t.Errorf("blocked by %v", plan.Blocked)
	}
}

func TestSymbolicLinksAreNeverFollowed(t *testing.T) {
	for name, link := range map[string]string{"file": "README.md", "directory": "services", "state": StateDir} {
		t.Run(name, func(t *testing.T) {
			root, outside := t.TempDir(), t.TempDir()
			elsewhere := path.Join(outside, "elsewhere")
			if name != "file" {
				if err := os.Mkdir(elsewhere, 0o755); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Symlink(elsewhere, path.Join(root, link)); err != nil {
				t.Fatal(err)
			}
			target, err := OpenDisk(root)
			if err != nil {
				t.Fatal(err)
			}
			err = Commit(context.Background(), target, prepare(t, target, design("A")), nil)
			if err == nil || !strings.Contains(err.Error(), link+" is a symbolic link") {
				t.Errorf("error %v", err)
			}
			left, err := os.ReadDir(outside)
			if err != nil || len(left) > 1 {
				t.Errorf("outside: %v %v", left, err)
			}
			inside, err := os.ReadDir(elsewhere)
			if name != "file" && (err != nil || len(inside) > 0) {
				t.Errorf("written through the link: %v %v", inside, err)
			}
		})
	}
}

// TestLinksInTheStateDirectory put a link where a commit, a recovery and an undo
// work: each refuses and writes nothing behind it.
func TestLinksInTheStateDirectory(t *testing.T) {
	root, outside := t.TempDir(), t.TempDir()
	target, err := OpenDisk(root)
	if err != nil {
		t.Fatal(err)
	}
	commitPlan(t, target, prepare(t, target, design("A")))
	if err := os.RemoveAll(path.Join(root, localDir)); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, path.Join(root, localDir)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"journal", "undo.tar.gz"} {
		if err := os.WriteFile(path.Join(outside, name), []byte("{\"format\":1}\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	before := standing(t, target)
	_, recovered := Recover(target)
	for what, err := range map[string]error{
		"commit": Commit(context.Background(), target, prepare(t, target, design("B")), nil), "recovery": recovered,
	} {
		if err == nil || !strings.Contains(err.Error(), localDir+" is a symbolic link") {
			t.Errorf("%s: error %v", what, err)
		}
	}
	if problem := difference(before, standing(t, target)); problem != "" {
		t.Error(problem)
	}
	if entries, err := os.ReadDir(outside); err != nil || len(entries) != 2 {
		t.Errorf("outside: %v %v", entries, err)
	}
}

func TestDamagedRecords(t *testing.T) {
	line := `{"path":"a","sha256":"` + strings.Repeat("0", 64) + `","owner":"generated"}`
	for name, test := range map[string]struct{ file, content, want string }{
		"not JSON":            {manifestPath, "{\"format\":1}\nnonsense\n", "line 2"},
		"newer":               {manifestPath, "{\"format\":99}\n", "format 99"},
		"empty":               {manifestPath, "", "line 1"},
		"marker only":         {manifestPath, "<<<<<<< ours\nnonsense\n", "line 2"},
		"leaves the tree":     {manifestPath, "{\"format\":1}\n" + strings.Replace(line, `"a"`, `"../a"`, 1) + "\n", `"../a"`},
		"bad sum":             {manifestPath, "{\"format\":1}\n" + strings.Replace(line, "00", "zz", 1) + "\n", "SHA-256"},
		"bad owner":           {manifestPath, "{\"format\":1}\n" + strings.Replace(line, "generated", "nobody", 1) + "\n", "nobody"},
		"cut off":             {manifestPath, "{\"format\":1}\n" + line[:40], "line 2"},
		"unknown key":         {historyPath, "{\"format\":1}\n{\"service\":\"a\",\"nonsense\":1}\n", "nonsense"},
		"migration is a path": {historyPath, "{\"format\":1}\n{\"service\":\"a\",\"schema\":[],\"migrations\":[{\"name\":\"../x\",\"sql\":\"\"}]}\n", "../x"},
	} {
		t.Run(name, func(t *testing.T) {
			target := generated(t, design("A"))
			put(t, target, test.file, test.content)
			before := files(t, target)
			_, err := Prepare(target, design("B"), load(t, smallTree))
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), test.file) {
				t.Errorf("error %v", err)
			}
			if !maps.Equal(before, files(t, target)) {
				t.Error("the tree changed")
			}
		})
	}
}

func TestDiffs(t *testing.T) {
	target := generated(t, design("A"))
	put(t, target, app, "edited\n")
	plan := prepare(t, target, design("B", "catalog"))
	for name, want := range map[string]string{
		"README.md":               "--- a/README.md\n+++ b/README.md\n@@ -1 +1 @@\n-A\n+B\n",
		app:                       "--- a/" + app + "\n+++ b/" + app + "\n@@ -1 +1,5 @@\n+<<<<<<< yours\n edited\n+=======\n+title = \"B\"\n+>>>>>>> generated\n",
		"services/catalog/app.py": "--- a/services/catalog/app.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-title = \"A\"\n",
		rules:                     "",
	} {
		if got := changeOf(plan, name).Diff(); got != want {
			t.Errorf("%s:\n%s\nwant:\n%s", name, got, want)
		}
	}
}

func TestTwentyRunsGiveTheSameBytes(t *testing.T) {
	first := files(t, generated(t, design("A")))
	for range 19 {
		if !maps.Equal(first, files(t, generated(t, design("A")))) {
			t.Fatal("two runs differ")
		}
	}
}
