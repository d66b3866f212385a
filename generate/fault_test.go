package generate

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/spf13/afero"
)

var errFault = errors.New("injected fault")

// faultyFs fails file operations of a target from the one with number at on: that
// one only, or with crash that one and every later one, as if the process had
// died. With at < 0 it only counts. It has all that a disk has besides afero.Fs;
// what the target lacks it does without.
type faultyFs struct {
	afero.Fs
	at    int
	crash bool
	err   error // errFault where nil

	counting sync.Mutex
	ops      int // so far
}

func (f *faultyFs) fail() error {
	f.counting.Lock()
	defer f.counting.Unlock()
	n := f.ops
	f.ops++
	if f.at >= 0 && (n == f.at || f.crash && n > f.at) {
		if f.err != nil {
			return f.err
		}
		return errFault
	}
	return nil
}

func (f *faultyFs) Mkdir(name string, mode os.FileMode) error {
	if err := f.fail(); err != nil {
		return err
	}
	return f.Fs.Mkdir(name, mode)
}

func (f *faultyFs) MkdirAll(name string, mode os.FileMode) error {
	if err := f.fail(); err != nil {
		return err
	}
	return f.Fs.MkdirAll(name, mode)
}

func (f *faultyFs) OpenFile(name string, flag int, mode os.FileMode) (afero.File, error) {
	if err := f.fail(); err != nil {
		return nil, err
	}
	file, err := f.Fs.OpenFile(name, flag, mode)
	return &faultyFile{file, f}, err
}

func (f *faultyFs) Open(name string) (afero.File, error) {
	if err := f.fail(); err != nil {
		return nil, err
	}
	return f.Fs.Open(name)
}

func (f *faultyFs) Stat(name string) (os.FileInfo, error) {
	if err := f.fail(); err != nil {
		return nil, err
	}
	return f.Fs.Stat(name)
}

func (f *faultyFs) LstatIfPossible(name string) (os.FileInfo, bool, error) {
	if err := f.fail(); err != nil {
		return nil, false, err
	}
	if linker, ok := f.Fs.(afero.Lstater); ok {
		return linker.LstatIfPossible(name)
	}
	info, err := f.Fs.Stat(name)
	return info, false, err
}

func (f *faultyFs) Rename(from, to string) error {
	if err := f.fail(); err != nil {
		return err
	}
	return f.Fs.Rename(from, to)
}

func (f *faultyFs) Remove(name string) error {
	if err := f.fail(); err != nil {
		return err
	}
	return f.Fs.Remove(name)
}

// RemoveAll is many operations for a file system: it can end after the first.
func (f *faultyFs) RemoveAll(name string) error {
	if err := f.fail(); err != nil {
		first := true
		_ = afero.Walk(f.Fs, name, func(below string, info fs.FileInfo, err error) error {
			if err == nil && !info.IsDir() && first {
				first = false
				return f.Fs.Remove(below)
			}
			return nil
		})
		return err
	}
	return f.Fs.RemoveAll(name)
}

func (f *faultyFs) Chmod(name string, mode os.FileMode) error {
	if err := f.fail(); err != nil {
		return err
	}
	return f.Fs.Chmod(name, mode)
}

// SyncAll syncs nothing: it is the process that dies here, not the machine.
func (f *faultyFs) SyncAll() error       { return f.fail() }
func (f *faultyFs) SyncDir(string) error { return f.fail() }

func (f *faultyFs) Link(from, to string) error {
	if err := f.fail(); err != nil {
		return err
	}
	if l, ok := f.Fs.(linker); ok {
		return l.Link(from, to)
	}
	return errors.ErrUnsupported
}

// Lock ends with the process that takes it: a file that is left does not count.
func (f *faultyFs) Lock(name string) (func() error, error) {
	if err := f.fail(); err != nil {
		return nil, err
	}
	if err := afero.WriteFile(f.Fs, name, nil, 0o644); err != nil {
		return nil, err
	}
	return func() error { return f.Remove(name) }, nil
}

type faultyFile struct {
	afero.File
	fs *faultyFs
}

// Write writes half of the data before it fails, as a full disk would.
func (f *faultyFile) Write(data []byte) (int, error) {
	if err := f.fs.fail(); err != nil {
		n, _ := f.File.Write(data[:len(data)/2])
		return n, err
	}
	return f.File.Write(data)
}

func (f *faultyFile) Sync() error {
	if err := f.fs.fail(); err != nil {
		return err
	}
	return f.File.Sync()
}

// whole is a target that fails nothing.
func whole(target afero.Fs) *faultyFs { return &faultyFs{Fs: target, at: -1} }

// standing maps every path of a target to its permissions and content, without
// what concerns this copy alone.
func standing(t testing.TB, target afero.Fs) map[string]string {
	t.Helper()
	result := map[string]string{}
	err := afero.Walk(target, ".", func(name string, info fs.FileInfo, err error) error {
		name = path.Clean(strings.TrimPrefix(name, "/"))
		if err != nil || info.IsDir() || strings.HasPrefix(name, localDir) {
			return err
		}
		content, err := afero.ReadFile(target, name)
		result[name] = fmt.Sprintf("%o\n%s", info.Mode().Perm(), content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// difference says where two trees differ first.
func difference(want, got map[string]string) string {
	for name, content := range want {
		if got[name] != content {
			return fmt.Sprintf("%s is %.300q, want %.300q", name, got[name], content)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			return name + " is left"
		}
	}
	return ""
}

// TestFaultWhilePlanning breaks each read of a plan: an error, and no file touched.
func TestFaultWhilePlanning(t *testing.T) {
	target := generated(t, design("A"))
	before := files(t, target)
	templates := load(t, smallTree)
	for index := 0; ; index++ {
		_, err := Prepare(&faultyFs{Fs: target, at: index, crash: true}, design("B"), templates)
		if !maps.Equal(before, files(t, target)) {
			t.Fatalf("operation %d: planning changed the tree", index)
		}
		if err == nil {
			return
		}
		if !errors.Is(err, errFault) {
			t.Fatalf("operation %d: %v", index, err)
		}
	}
}

// TestAFaultLeavesTheOldTree fails one operation of a commit at a time, with the
// errors of real disks, and lets everything after it work: the tree is whole at
// once, and the message says what happened to it and why.
func TestAFaultLeavesTheOldTree(t *testing.T) {
	for name, fault := range map[string]error{
		"disk full": syscall.ENOSPC, "permission denied": fs.ErrPermission, "read-only": syscall.EROFS, "broken disk": syscall.EIO,
	} {
		t.Run(name, func(t *testing.T) {
			change := smallChange(t)
			for index := 0; ; index++ {
				target := change.start(t)
				faulty := &faultyFs{Fs: target, at: index, err: fault}
				err := Commit(t.Context(), faulty, change.plan, nil)
				if faulty.ops <= index {
					t.Logf("%d operations", index)
					return
				}
				left := standing(t, target)
				switch {
				case err == nil || !strings.Contains(err.Error(), "nothing was changed"):
					if problem := difference(change.after, left); problem != "" {
						t.Fatalf("operation %d: error %v, but %s", index, err, problem)
					}
				case !errors.Is(err, fault):
					t.Fatalf("operation %d: %v does not say why", index, err)
				default:
					if problem := difference(change.before, left); problem != "" {
						t.Fatalf("operation %d: error %v, but %s", index, err, problem)
					}
				}
				if _, err := Recover(whole(target)); err != nil {
					t.Fatalf("operation %d: %v", index, err)
				}
				if rest := leftAside(t, target); rest != "" {
					t.Fatalf("operation %d: %s is left", index, rest)
				}
			}
		})
	}
}

// leftAside is what a commit should not have left in its directory.
func leftAside(t testing.TB, target afero.Fs) string {
	t.Helper()
	entries, err := afero.ReadDir(target, localDir)
	if err != nil && !missing(err) {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if name := path.Join(localDir, entry.Name()); name != undoPath {
			return name
		}
	}
	return ""
}
