package verify

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/afero"
)

// script is a program that a test writes: its answer to a command line.
type script func(ctx context.Context, command Command) (Answer, error)

// fakes are programs of a machine that exists only in a test.
type fakes struct {
	programs map[string]script // by name

	lock    sync.Mutex
	calls   []Command
	running int
	most    int // programs that ran at the same time
}

func (f *fakes) Find(name string) string {
	if f.programs[name] == nil {
		return ""
	}
	return "/bin/" + name
}

func (f *fakes) Run(ctx context.Context, command Command) (Answer, error) {
	f.lock.Lock()
	f.calls = append(f.calls, command)
	f.running++
	f.most = max(f.most, f.running)
	f.lock.Unlock()
	defer func() {
		f.lock.Lock()
		f.running--
		f.lock.Unlock()
	}()
	program := f.programs[path.Base(command.Path)]
	if program == nil {
		return Answer{}, fmt.Errorf("%s does not exist", command.Path)
	}
	return program(ctx, command)
}

func prints(code int, out string) script {
	return func(context.Context, Command) (Answer, error) { return Answer{Code: code, Out: out}, nil }
}

func hangs(ctx context.Context, _ Command) (Answer, error) {
	<-ctx.Done()
	return Answer{}, ctx.Err()
}

// tree is a file system with empty files of these names.
func tree(t *testing.T, names ...string) afero.Fs {
	t.Helper()
	fs := afero.NewMemMapFs()
	for _, name := range names {
		if err := afero.WriteFile(fs, name, []byte("of "+name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return fs
}

func options(fs afero.Fs, programs map[string]script, consumers ...Consumer) Options {
	return Options{Tree: fs, Dir: "/tree", Disk: afero.NewMemMapFs(), Processes: &fakes{programs: programs}, Consumers: consumers, Workers: 2}
}

// linter is a consumer of *.txt that answers in lines.
func linter() Consumer {
	return Consumer{
		Name: "linter", Reads: []string{"**/*.txt"}, Programs: []Program{{Name: "lint"}}, Args: []string{"{files}"},
		Answer: lines(`^(?P<file>\S+):(?P<line>\d+): (?P<text>.+)$`), Timeout: time.Minute, Get: "buy it",
	}
}

// checks shows what was said about each file: file=state and the messages.
func checks(report Report) string {
	var lines []string
	for _, artifact := range report.Artifacts {
		for _, check := range artifact.Checks {
			line := artifact.Path + " " + string(check.State)
			for _, m := range check.Messages {
				line += fmt.Sprintf(" [%d:%d %s]", m.Line, m.Column, m.Text)
			}
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

func TestWhatAConsumerDoesDecidesTheState(t *testing.T) {
	strict := linter()
	strict.GaveUp = 2
	needy := linter()
	needy.Lacks, needy.Needs = someWords("no server"), "a server"
	for _, test := range []struct {
		name     string
		consumer Consumer
		programs map[string]script
		want     string
	}{
		{"accepts", linter(), map[string]script{"lint": prints(0, "")}, "a.txt accepted\nb.txt accepted"},
		{"rejects", linter(), map[string]script{"lint": prints(1, "b.txt:3: bad word")}, "a.txt accepted\nb.txt rejected [3:0 bad word]"},
		{"rejects by a full path", linter(), map[string]script{"lint": prints(1, "/tree/b.txt:3: bad word in /tree/b.txt")}, "a.txt accepted\nb.txt rejected [3:0 bad word in b.txt]"},
		{"rejects with code 0", linter(), map[string]script{"lint": prints(0, "a.txt:1: x\na.txt:2: y")}, "a.txt rejected [1:0 x] [2:0 y]\nb.txt accepted"},
		{"rejects what is not ours", linter(), map[string]script{"lint": prints(1, "other.txt:1: x")}, "a.txt rejected [1:0 x]\nb.txt rejected [1:0 x]"},
		{"gives up", strict, map[string]script{"lint": prints(2, "b.txt:1: x")}, "a.txt failed [0:0 it gave up before it came to this file]\nb.txt rejected [1:0 x]"},
		{"crashes", linter(), map[string]script{"lint": prints(139, "boom")}, "a.txt failed [0:0 exit code 139: boom]\nb.txt failed [0:0 exit code 139: boom]"},
		{"crashes silently", linter(), map[string]script{"lint": prints(1, "")}, "a.txt failed [0:0 exit code 1:]\nb.txt failed [0:0 exit code 1:]"},
		{"lacks something", needy, map[string]script{"lint": prints(1, "error: no server")}, "a.txt not checked\nb.txt not checked"},
		{"missing", linter(), nil, "a.txt not checked\nb.txt not checked"},
	} {
		t.Run(test.name, func(t *testing.T) {
			report, err := Run(context.Background(), options(tree(t, "a.txt", "b.txt"), test.programs, test.consumer))
			if got := checks(report); err != nil || got != test.want {
				t.Errorf("%v\n%s\nwant\n%s", err, got, test.want)
			}
		})
	}
}

func TestMissingConsumerSaysWhatIsMissingAndHowToGetIt(t *testing.T) {
	c := linter()
	c.Also = []string{"helper"}
	report, err := Run(context.Background(), options(tree(t, "a.txt"), map[string]script{"lint": prints(0, "")}, c))
	if err != nil {
		t.Fatal(err)
	}
	got := report.Consumers[0]
	if got.Missing != "helper" || got.Get != "buy it" || got.State() != Missing || got.Files[Missing] != 1 {
		t.Errorf("%+v", got)
	}
}

func TestHangingConsumerIsEndedAfterItsTime(t *testing.T) {
	c := linter()
	c.Timeout = 20 * time.Millisecond
	report, err := Run(context.Background(), options(tree(t, "a.txt"), map[string]script{"lint": hangs}, c))
	if got := checks(report); err != nil || got != "a.txt failed [0:0 no answer within 20ms]" {
		t.Errorf("%v %s", err, got)
	}
}

func TestInterruptEndsTheRun(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	c := linter()
	c.Unit = PerFile
	program := func(ctx context.Context, command Command) (Answer, error) {
		cancel()
		return hangs(ctx, command)
	}
	_, err := Run(ctx, options(tree(t, "a.txt", "b.txt", "c.txt"), map[string]script{"lint": program}, c))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestUnitsDivideTheFiles(t *testing.T) {
	names := []string{"base/x.txt", "env/dev/a.txt", "env/prod/b.txt"}
	for _, test := range []struct {
		unit Unit
		want []string
	}{
		{Together, []string{"base/x.txt env/dev/a.txt env/prod/b.txt"}},
		{PerFile, []string{"base/x.txt", "env/dev/a.txt", "env/prod/b.txt"}},
		{PerFolder, []string{"env/dev/a.txt base/x.txt", "env/prod/b.txt base/x.txt"}},
	} {
		c := linter()
		c.Unit, c.Folders = test.unit, []string{"env/*"}
		o := options(tree(t, names...), map[string]script{"lint": prints(0, "")}, c)
		if _, err := Run(context.Background(), o); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, call := range o.Processes.(*fakes).calls {
			got = append(got, strings.Join(call.Args, " "))
		}
		if slices.Sort(got); !slices.Equal(got, test.want) {
			t.Errorf("unit %d: %q, want %q", test.unit, got, test.want)
		}
	}
}

// A finding that names no file is about the folder, not about what folders share.
func TestGeneralFindingStaysInItsFolder(t *testing.T) {
	c := linter()
	c.Unit, c.Folders, c.Args, c.Answer = PerFolder, []string{"env/*"}, []string{"{folder}"}, whole("")
	program := func(_ context.Context, command Command) (Answer, error) {
		if command.Args[0] == "env/dev" {
			return Answer{Code: 1, ErrOut: "broken at line 7"}, nil
		}
		return Answer{}, nil
	}
	report, err := Run(context.Background(), options(tree(t, "base/x.txt", "env/dev/a.txt", "env/prod/b.txt"), map[string]script{"lint": program}, c))
	want := "base/x.txt accepted\nenv/dev/a.txt rejected [7:0 broken at line 7]\nenv/prod/b.txt accepted"
	if got := checks(report); err != nil || got != want {
		t.Errorf("%v\n%s", err, got)
	}
}

func TestFeedAndBeforeRunFirst(t *testing.T) {
	c := linter()
	c.Also, c.Before, c.Feed, c.Args = []string{"make", "render"}, []string{"make", "{folder}"}, []string{"render"}, []string{"-"}
	programs := map[string]script{
		"make":   prints(0, ""),
		"render": prints(0, "rendered"),
		"lint": func(_ context.Context, command Command) (Answer, error) {
			return Answer{Code: 1, Out: "a.txt:1: got " + string(command.Input)}, nil
		},
	}
	report, err := Run(context.Background(), options(tree(t, "a.txt"), programs, c))
	if got := checks(report); err != nil || got != "a.txt rejected [1:0 got rendered]" {
		t.Errorf("%v %s", err, got)
	}
	programs["render"] = prints(1, "")
	report, _ = Run(context.Background(), options(tree(t, "a.txt"), programs, c))
	if got := checks(report); got != "a.txt failed [0:0 render failed: ]" {
		t.Error(got)
	}
	programs["make"] = prints(1, "a.txt:9: cannot be made")
	report, _ = Run(context.Background(), options(tree(t, "a.txt"), programs, c))
	if got := checks(report); got != "a.txt rejected [9:0 cannot be made]" {
		t.Error(got)
	}
}

func TestCopyLeavesTheTreeAlone(t *testing.T) {
	c := linter()
	c.InCopy = true
	o := options(tree(t, "a.txt", "b.md"), nil, c)
	program := func(_ context.Context, command Command) (Answer, error) {
		content, err := afero.ReadFile(o.Disk, path.Join(command.Dir, "a.txt"))
		other, _ := afero.Exists(o.Disk, path.Join(command.Dir, "b.md"))
		return Answer{Code: 1, Out: fmt.Sprintf("a.txt:1: %s, %v, %v", content, other, strings.HasPrefix(command.Dir, "/tree"))}, err
	}
	o.Processes = &fakes{programs: map[string]script{"lint": program}}
	report, err := Run(context.Background(), o)
	if got := checks(report); err != nil || got != "a.txt rejected [1:0 of a.txt, false, false]" {
		t.Errorf("%v %s", err, got)
	}
	if left, _ := afero.Glob(o.Disk, "/tmp/codex-design-verify-*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestConsumerThatWorksAlone(t *testing.T) {
	for alone, most := range map[bool]int{true: 1, false: 2} {
		c := linter()
		c.Unit, c.Alone = PerFile, alone
		both := make(chan bool, 2)
		program := func(context.Context, Command) (Answer, error) {
			if both <- true; !alone {
				for len(both) < 2 {
					time.Sleep(time.Millisecond)
				}
			}
			return Answer{}, nil
		}
		o := options(tree(t, "a.txt", "b.txt"), map[string]script{"lint": program}, c)
		if _, err := Run(context.Background(), o); err != nil {
			t.Fatal(err)
		}
		if got := o.Processes.(*fakes).most; got != most {
			t.Errorf("alone %v: %d at the same time, want %d", alone, got, most)
		}
	}
}

func TestTheTreesOwnProgramComesFirst(t *testing.T) {
	programs := map[string]script{"lint": prints(0, "")}
	for _, test := range []struct {
		from  Source
		files []string
		want  string
	}{
		{OnPath, []string{"a.txt", ".venv/bin/lint"}, "/bin/lint"},
		{OfTreeOrPath, []string{"a.txt", ".venv/bin/lint"}, "/tree/.venv/bin/lint"},
		{OfTreeOrPath, []string{"a.txt"}, "/bin/lint"},
		{OnlyOfTree, []string{"a.txt", ".venv/bin/lint"}, "/tree/.venv/bin/lint"},
		{OnlyOfTree, []string{"a.txt"}, ""},
	} {
		c := linter()
		c.Programs[0].From = test.from
		report, err := Run(context.Background(), options(tree(t, test.files...), programs, c))
		if err != nil || report.Consumers[0].Program != test.want {
			t.Errorf("from %d: %v %q, want %q", test.from, err, report.Consumers[0].Program, test.want)
		}
	}
}

func TestProgramThatCannotBeUsedIsMissing(t *testing.T) {
	c := linter()
	c.Programs = []Program{{Name: "docker", Args: []string{"lint"}, Probe: []string{"lint", "version"}}, {Name: "lint"}}
	programs := map[string]script{"docker": prints(1, "unknown command")}
	report, err := Run(context.Background(), options(tree(t, "a.txt"), programs, c))
	if err != nil || report.Consumers[0].Missing != "docker lint" {
		t.Errorf("%v %+v", err, report.Consumers[0])
	}
	programs["lint"] = prints(0, "")
	if report, _ = Run(context.Background(), options(tree(t, "a.txt"), programs, c)); report.Consumers[0].Program != "/bin/lint" {
		t.Errorf("%+v", report.Consumers[0])
	}
}

func TestRecordNamesTheArtifacts(t *testing.T) {
	fs := tree(t, "a.txt", "of-the-user.txt", ".venv/lib/x.txt", ".git/x.txt")
	if files, err := artifacts(fs); err != nil || !slices.Equal(files, []string{"a.txt", "of-the-user.txt"}) {
		t.Errorf("without a record: %v %v", err, files)
	}
	sum := strings.Repeat("0", 64)
	manifest := fmt.Sprintf(`{"format":1}
{"path":"a.txt","sha256":%q,"owner":"generated"}
{"path":"deleted.txt","sha256":%[1]q,"owner":"yours"}
`, sum)
	if err := afero.WriteFile(fs, ".codex-design/manifest.jsonl", []byte(manifest), 0o644); err != nil {
		t.Fatal(err)
	}
	if files, err := artifacts(fs); err != nil || !slices.Equal(files, []string{"a.txt"}) {
		t.Errorf("with a record: %v %v", err, files)
	}
	if err := afero.WriteFile(fs, ".codex-design/manifest.jsonl", []byte("nonsense"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := artifacts(fs); err == nil || !strings.Contains(err.Error(), "manifest.jsonl, line 1") {
		t.Errorf("a damaged record: %v", err)
	}
}

func TestOnlyAndTheClusterAreChosen(t *testing.T) {
	asks := linter()
	asks.Name, asks.AsksCluster = "server", true
	o := options(tree(t, "a.txt"), map[string]script{"lint": prints(0, "")}, linter(), asks)
	names := func() []string {
		report, err := Run(context.Background(), o)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, consumer := range report.Consumers {
			names = append(names, consumer.Consumer)
		}
		return names
	}
	if got := names(); !slices.Equal(got, []string{"linter"}) {
		t.Errorf("without a context: %v", got)
	}
	if o.KubeContext = "here"; !slices.Equal(names(), []string{"linter", "server"}) {
		t.Errorf("with a context: %v", names())
	}
	if o.Only = []string{"server"}; !slices.Equal(names(), []string{"server"}) {
		t.Errorf("only one: %v", names())
	}
	o.Only = []string{"nobody"}
	var unknown UnknownError
	if _, err := Run(context.Background(), o); !errors.As(err, &unknown) || unknown.Name != "nobody" {
		t.Errorf("unknown: %v", err)
	}
	o.Only, o.Tree = nil, tree(t, "a.md")
	if _, err := Run(context.Background(), o); !errors.Is(err, ErrNothing) {
		t.Errorf("nothing to do: %v", err)
	}
}

func TestConsumerOfOneKindOfTree(t *testing.T) {
	c := linter()
	c.When = []string{"mesh/*"}
	for _, test := range []struct {
		files []string
		want  error
	}{{[]string{"a.txt"}, ErrNothing}, {[]string{"a.txt", "mesh/x.yaml"}, nil}} {
		if _, err := Run(context.Background(), options(tree(t, test.files...), map[string]script{"lint": prints(0, "")}, c)); !errors.Is(err, test.want) {
			t.Errorf("%v: %v", test.files, err)
		}
	}
}

func TestProgressCountsEveryCall(t *testing.T) {
	c := linter()
	c.Unit = PerFile
	missing := linter()
	missing.Name, missing.Programs = "other", []Program{{Name: "nowhere"}}
	o := options(tree(t, "a.txt", "b.txt"), map[string]script{"lint": prints(0, "")}, c, missing)
	var seen []string
	o.Progress = func(p Progress) {
		seen = append(seen, fmt.Sprintf("%d/%d %s %v", p.Done, p.Total, p.Consumer, p.Ended))
	}
	if _, err := Run(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	want := []string{"0/2 other true", "1/2 linter false", "2/2 linter true"}
	if !slices.Equal(seen, want) {
		t.Errorf("%q", seen)
	}
}

func TestTableIsComplete(t *testing.T) {
	names := map[string]bool{}
	for _, c := range Table() {
		if c.Name == "" || len(c.Reads) == 0 || len(c.Programs) == 0 || c.Answer == nil || c.Timeout == 0 || c.Get == "" || names[c.Name] {
			t.Errorf("%q: something is missing, or the name is there twice", c.Name)
		}
		if (c.Unit == PerFolder) != (c.Folders != nil) || (c.Lacks != nil) != (c.Needs != "") {
			t.Errorf("%q: fields that belong together", c.Name)
		}
		words := strings.Join(append(append(slices.Clone(c.Args), c.Feed...), c.Before...), " ")
		about := map[Unit]string{Together: "{files}", PerFile: "{file}", PerFolder: "{folder}"}[c.Unit]
		if !strings.Contains(words, about) && c.Name != "gitlab-ci-local" {
			t.Errorf("%q: is not told its %s: %s", c.Name, about, words)
		}
		names[c.Name] = true
	}
}

func TestListShowsTheTable(t *testing.T) {
	o := options(tree(t), map[string]script{"ruff": prints(0, "")})
	o.Consumers = nil
	rows, err := List(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]Row{}
	for _, row := range rows {
		found[row.Consumer] = row
	}
	if got := found["ruff check"]; got.Program != "/bin/ruff" || got.Missing != "" || got.Command != "ruff check --quiet --output-format=concise FILES" {
		t.Errorf("%+v", got)
	}
	if got := found["kube-score"]; got.Missing != "kube-score" || got.Command != "kubectl kustomize FOLDER | kube-score score --output-format json -" {
		t.Errorf("%+v", got)
	}
	if slices.Contains(slices.Collect(maps.Keys(found)), "Kubernetes server") {
		t.Error("a cluster would be asked without a context")
	}
}
