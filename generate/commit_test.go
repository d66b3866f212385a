package generate

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/afero"
)

func disk(t *testing.T) (afero.Fs, string) {
	t.Helper()
	root := t.TempDir()
	target, err := OpenDisk(root)
	if err != nil {
		t.Fatal(err)
	}
	return target, root
}

func TestDiskAndMemoryEndAlike(t *testing.T) {
	target, root := disk(t)
	memory := afero.NewMemMapFs()
	for _, d := range []Design{design("A"), design("B"), design("B", "order")} {
		commitPlan(t, target, prepare(t, target, d))
		commitPlan(t, memory, prepare(t, memory, d))
		if onDisk := files(t, target); !maps.Equal(onDisk, files(t, memory)) {
			t.Errorf("disk %v\nmemory %v", onDisk, files(t, memory))
		}
	}
	if _, err := os.Stat(filepath.Join(root, "services", "order")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the emptied directory of a deleted service stays")
	}
}

func TestTargetThatDoesNotExistYet(t *testing.T) {
	_, root := disk(t)
	target, err := OpenDisk(filepath.Join(root, "a", "b"))
	if err != nil {
		t.Fatal(err)
	}
	plan := prepare(t, target, design("A"))
	if _, err := os.Stat(filepath.Join(root, "a")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("planning made the target")
	}
	commitPlan(t, target, plan)
	if _, err := os.Stat(filepath.Join(root, "a", "b", "README.md")); err != nil {
		t.Error(err)
	}
}

func TestUnchangedFilesAreNotTouched(t *testing.T) {
	target, root := disk(t)
	commitPlan(t, target, prepare(t, target, design("A")))
	long := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	for name := range files(t, target) {
		if err := os.Chtimes(filepath.Join(root, name), long, long); err != nil {
			t.Fatal(err)
		}
	}
	commitPlan(t, target, prepare(t, target, design("A")))
	put(t, target, rules, "edited\n")
	commitPlan(t, target, prepare(t, target, design("A")))
	for name := range files(t, target) {
		info, err := os.Stat(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if name != rules && !info.ModTime().Equal(long) {
			t.Errorf("%s was written although nothing changed", name)
		}
	}
}

func TestPermissionsStay(t *testing.T) {
	target, root := disk(t)
	commitPlan(t, target, prepare(t, target, design("A")))
	readme := filepath.Join(root, "README.md")
	if err := os.Chmod(readme, 0o600); err != nil {
		t.Fatal(err)
	}
	commitPlan(t, target, prepare(t, target, design("B")))
	info, err := os.Stat(readme)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %o", info.Mode().Perm())
	}
}

func TestEditBetweenPlanAndCommit(t *testing.T) {
	for name, user := range map[string]func(*testing.T, afero.Fs){
		"edit":   func(t *testing.T, target afero.Fs) { put(t, target, app, "edited meanwhile\n") },
		"delete": func(t *testing.T, target afero.Fs) { remove(t, target, app) },
		"create": func(t *testing.T, target afero.Fs) { put(t, target, "extra.md", "made meanwhile\n") },
		"commit": func(t *testing.T, target afero.Fs) {
			d := design("A")
			d.Answers = []byte("title: A\nmore\n")
			commitPlan(t, target, prepare(t, target, d))
		},
	} {
		t.Run(name, func(t *testing.T) {
			target := generated(t, design("A"))
			more := maps.Clone(smallTree)
			more["extra.md"] = "extra\n"
			plan, err := Prepare(target, design("B"), load(t, more))
			if err != nil {
				t.Fatal(err)
			}
			user(t, target)
			before := files(t, target)
			if err := Commit(context.Background(), target, plan, nil); !errors.Is(err, ErrChanged) {
				t.Errorf("error %v", err)
			}
			if !maps.Equal(before, files(t, target)) {
				t.Error("the tree changed")
			}
		})
	}
}

// meddler does something when a commit renames its journal: after the last
// comparison, before the first move.
type meddler struct {
	*Disk
	do func()
}

func (m *meddler) Rename(from, to string) error {
	if to == journalPath {
		m.do()
	}
	return m.Disk.Rename(from, to)
}

func TestEditBetweenTheComparisonAndTheMove(t *testing.T) {
	for name, meddle := range map[string]func(root string) error{
		"in place": func(root string) error {
			return os.WriteFile(filepath.Join(root, app), []byte("edited meanwhile\n"), 0o644)
		},
		"by another file": func(root string) error {
			other := filepath.Join(root, "other")
			return errors.Join(os.WriteFile(other, []byte("edited meanwhile\n"), 0o644), os.Rename(other, filepath.Join(root, app)))
		},
		"a file where one is created": func(root string) error {
			return os.WriteFile(filepath.Join(root, "extra.md"), []byte("edited meanwhile\n"), 0o644)
		},
		"deleted": func(root string) error { return os.Remove(filepath.Join(root, app)) },
	} {
		t.Run(name, func(t *testing.T) {
			target, root := disk(t)
			commitPlan(t, target, prepare(t, target, design("A")))
			more := maps.Clone(smallTree)
			more["extra.md"] = "extra\n"
			plan, err := Prepare(target, design("B"), load(t, more))
			if err != nil {
				t.Fatal(err)
			}
			var want map[string]string
			meddling := &meddler{target.(*Disk), func() {
				if err := meddle(root); err != nil {
					t.Error(err)
				}
				want = standing(t, target)
			}}
			if err := Commit(context.Background(), meddling, plan, nil); !errors.Is(err, ErrChanged) {
				t.Errorf("error %v", err)
			}
			if problem := difference(want, standing(t, target)); problem != "" {
				t.Error(problem)
			}
			if rest := leftAside(t, target); rest != "" {
				t.Errorf("%s is left", rest)
			}
		})
	}
}

func TestSecondProcessIsRefused(t *testing.T) {
	onDisk, _ := disk(t)
	for name, target := range map[string]afero.Fs{"disk": onDisk, "memory": afero.NewMemMapFs()} {
		t.Run(name, func(t *testing.T) {
			plan := prepare(t, target, design("A"))
			unlock, err := lock(target)
			if err != nil {
				t.Fatal(err)
			}
			if err := Commit(context.Background(), target, plan, nil); !errors.Is(err, ErrLocked) {
				t.Errorf("error %v", err)
			}
			if err := unlock(); err != nil {
				t.Fatal(err)
			}
			commitPlan(t, target, plan)
			if _, left := files(t, target)[lockPath]; left {
				t.Error("the lock file stays")
			}
		})
	}
}

func TestCancelBeforeTheFirstMoveChangesNothing(t *testing.T) {
	target := generated(t, design("A"))
	before := files(t, target)
	plan := prepare(t, target, design("B"))
	for stop := range 1000 {
		ctx, cancel := context.WithCancel(context.Background())
		err := Commit(ctx, target, plan, func(done, _ int, _ string) {
			if done > stop {
				cancel()
			}
		})
		cancel()
		whole := maps.Equal(before, files(t, target))
		if errors.Is(err, context.Canceled) != whole {
			t.Fatalf("stopped after %d steps: error %v, unchanged %v", stop, err, whole)
		}
		if err == nil {
			return
		}
	}
	t.Error("no run was completed")
}

func TestProgressCountsEveryStep(t *testing.T) {
	target := afero.NewMemMapFs()
	last, steps := 0, 0
	err := Commit(context.Background(), target, prepare(t, target, design("A")), func(done, total int, path string) {
		steps++
		if done != steps || done > total || path == "" || strings.Contains(path, "stage") {
			t.Errorf("step %d: %d of %d, %q", steps, done, total, path)
		}
		last = total
	})
	if err != nil || steps != last || steps == 0 {
		t.Errorf("%d steps of %d, error %v", steps, last, err)
	}
}
