package generate

import (
	"bytes"
	"context"
	"errors"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/afero"
)

// FuzzParsePath shows that no path which is accepted leaves the tree, on any
// system, or reaches what git runs.
func FuzzParsePath(f *testing.F) {
	for _, seed := range []string{
		"services/order/app.py", "../x", "/etc/passwd", "a/../b", "a//b", ".", "", "C:\\x", "a\\..\\b", "con", "nul.txt", ".git/hooks/pre-commit",
		".GIT/config", "a/.git", ".github/x", "a.", "a ", "a\x00b", "ü/漢", "\xff", "com1", "lpt9.x", "a:b", strings.Repeat("a/", 600) + "b",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParsePath(text)
		if err != nil {
			return
		}
		if p.String() != text || !filepath.IsLocal(text) || path.Join("/root", text) != "/root/"+text || strings.ContainsAny(text, "\\:\x00") {
			t.Errorf("%q was accepted", text)
		}
		for _, name := range strings.Split(text, "/") {
			if strings.EqualFold(name, ".git") || name == ".." || name == "." || name == "" {
				t.Errorf("%q was accepted", text)
			}
		}
		for i, dir := range p.parents() {
			if !strings.HasPrefix(text, dir+"/") || strings.Count(dir, "/") != i {
				t.Errorf("%q is not above %q", dir, text)
			}
		}
	})
}

// FuzzMergeText shows that no merge loses what one side alone changed, and that
// the choices give either side.
func FuzzMergeText(f *testing.F) {
	f.Add("a\nb\nc\n", "a\nB\nc\n", "a\nb\nC\n")
	f.Add("a\nb", "a\nb\n", "")
	f.Add("", "x\n", "y\n")
	f.Add("x\nx\nx\n", "x\nx\n", "x\nx\nx\nx\n")
	f.Add("a\r\nb\r\n", "a\nb\n", "a\r\nb\r\nc\r\n")
	f.Fuzz(func(t *testing.T, base, mine, fresh string) {
		merged := MergeText(base, mine, fresh)
		for _, choice := range []Choice{KeepMine, TakeNew, Markers} {
			_ = merged.Text(choose(merged, choice))
		}
		if merged.Conflicts() == 0 && mine == fresh && merged.Text(nil) != mine {
			t.Errorf("both sides are %q, the merge is %q", mine, merged.Text(nil))
		}
		for name, test := range map[string]struct {
			merged Merged
			want   string
		}{
			"nobody changed": {MergeText(base, base, base), base}, "only mine": {MergeText(base, mine, base), mine},
			"only new": {MergeText(base, base, fresh), fresh}, "the same": {MergeText(base, mine, mine), mine},
		} {
			if test.merged.Conflicts() > 0 || test.merged.Text(nil) != test.want {
				t.Errorf("%s: %d conflicts, %q instead of %q", name, test.merged.Conflicts(), test.merged.Text(nil), test.want)
			}
		}
		other := MergeText(base, fresh, mine)
		if merged.Conflicts() == 0 && other.Conflicts() == 0 && merged.Text(nil) != other.Text(nil) {
			t.Errorf("merged %q one way and %q the other", merged.Text(nil), other.Text(nil))
		}
		if (merged.Conflicts() == 0) != (other.Conflicts() == 0) {
			t.Errorf("%d conflicts one way and %d the other", merged.Conflicts(), other.Conflicts())
		}
		if problem := unsound(base, mine, fresh, merged); problem != "" {
			t.Error(problem)
		}
	})
}

// FuzzReadRecord reads anything as a tree's record: either it is refused with the
// file and the line, or it can be written and read again, and a plan can be made of it.
func FuzzReadRecord(f *testing.F) {
	target := afero.NewMemMapFs()
	seedTree(f, target)
	for _, seed := range [][2]string{
		{fileText(f, target, manifestPath), fileText(f, target, historyPath)},
		{"{\"format\":1}\n<<<<<<< ours\n=======\n>>>>>>> theirs\n", "{\"format\":1}\n"},
		{"{\"format\":2}\n", ""}, {"", ""}, {"{\"format\":1}\n{\"path\":\"../x\"}", "{\"format\":1}\n{\"service\":\"a\"}\n{\"service\":\"a\",\"migrations\":[{\"name\":\"1\",\"sql\":\"\"}]}"},
	} {
		f.Add(seed[0], seed[1], fileText(f, target, archiveOf(app)))
	}
	templates, err := LoadTemplates(templateTree(smallTree))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, manifest, history, archive string) {
		target := afero.NewMemMapFs()
		put(t, target, manifestPath, manifest)
		put(t, target, historyPath, history)
		put(t, target, archiveOf(app), archive)
		put(t, target, app, "edited\n")
		record, err := ReadRecord(target)
		if err != nil {
			if !strings.Contains(err.Error(), StateDir) || !strings.Contains(err.Error(), "line ") {
				t.Errorf("the message %q does not say where", err)
			}
			return
		}
		again := afero.NewMemMapFs()
		put(t, again, manifestPath, string(record.manifestBytes()))
		put(t, again, historyPath, string(record.historyBytes()))
		if second, err := ReadRecord(again); err != nil || !bytes.Equal(second.manifestBytes(), record.manifestBytes()) || !bytes.Equal(second.historyBytes(), record.historyBytes()) {
			t.Errorf("written and read again it is another record: %v", err)
		}
		plan, err := Prepare(target, design("A"), templates)
		if err != nil || len(plan.Blocked) > 0 {
			return
		}
		if err := Commit(context.Background(), target, plan, nil); err != nil && !strings.Contains(err.Error(), archiveOf(app)+", line ") {
			t.Error(err)
		}
		if got := files(t, target)[app]; !strings.Contains(got, "edited\n") {
			t.Errorf("the edit is lost: %q", got)
		}
	})
}

// FuzzRecover finds anything in the place of a journal: nothing is touched that a
// user has written, and nothing outside of the tree.
func FuzzRecover(f *testing.F) {
	f.Add([]byte("{\"format\":1}\n{\"path\":\"notes.txt\",\"before\":\"x\",\"after\":\"y\"}\n"), false)
	f.Add([]byte("{\"format\":1}\n{\"path\":\"../notes.txt\",\"after\":\"y\"}\n"), true)
	f.Add([]byte("{\"format\":1}\n{\"path\":\"notes.txt/x\",\"after\":\"y\"}\n"), false)
	f.Add([]byte("{\"format\":1}\n{\"path\":\".git/hooks/x\",\"after\":\"y\"}\n"), false)
	f.Add([]byte("{\"format\":1}\n{\"path\":\"new.txt\"}\n"), true)
	f.Fuzz(func(t *testing.T, journal []byte, back bool) {
		all := afero.NewMemMapFs()
		target := afero.NewBasePathFs(all, "/tree")
		put(t, all, "/notes.txt", "outside\n")
		put(t, target, "notes.txt", "mine\n")
		put(t, target, stageDir+"/new/notes.txt", "theirs\n")
		put(t, target, stageDir+"/new/new.txt", "new\n")
		put(t, target, map[bool]string{false: journalPath, true: rollbackPath}[back], string(journal))
		_, err := Recover(whole(target))
		if got := fileText(t, target, "notes.txt"); got != "mine\n" {
			t.Errorf("error %v, and the user's file is %q", err, got)
		}
		if got := fileText(t, all, "/notes.txt"); got != "outside\n" {
			t.Errorf("error %v, and the file outside is %q", err, got)
		}
	})
}

// FuzzUndo finds anything in the place of what can undo a commit: it is refused,
// or its plan loses nothing that a user has written.
func FuzzUndo(f *testing.F) {
	target := afero.NewMemMapFs()
	seedTree(f, target)
	f.Add([]byte(fileText(f, target, undoPath)))
	f.Add([]byte{})
	f.Add([]byte("\x1f\x8b\x08\x00"))
	f.Fuzz(func(t *testing.T, archive []byte) {
		target := afero.NewMemMapFs()
		put(t, target, undoPath, string(archive))
		put(t, target, "README.md", "mine\n")
		plan, err := PlanUndo(target, Choices{})
		if err != nil {
			if !strings.Contains(err.Error(), undoPath) && !errors.Is(err, ErrUndoOutdated) {
				t.Errorf("the message %q does not say where", err)
			}
			return
		}
		for _, change := range plan.Changes {
			if _, err := ParsePath(change.Path); err != nil {
				t.Error(err)
			}
		}
		if len(plan.Blocked) == 0 && !slices.ContainsFunc(plan.Changes, func(c Change) bool { return c.Path == "README.md" && c.writes() }) {
			_ = Commit(context.Background(), target, plan, nil)
			if got := files(t, target)["README.md"]; got != "mine\n" {
				t.Errorf("the user's file is %q", got)
			}
		}
	})
}

// seedTree generates the small tree twice, so that everything is on record.
func seedTree(t testing.TB, target afero.Fs) {
	t.Helper()
	templates, err := LoadTemplates(templateTree(smallTree))
	if err != nil {
		t.Fatal(err)
	}
	for _, title := range []string{"A", "B"} {
		plan, err := Prepare(target, design(title), templates)
		if err == nil {
			err = Commit(context.Background(), target, plan, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func fileText(t testing.TB, target afero.Fs, name string) string {
	t.Helper()
	content, err := afero.ReadFile(target, name)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
