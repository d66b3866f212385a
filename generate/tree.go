package generate

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/afero"
)

// tree reads a target directory and never follows a symbolic link below it.
type tree struct {
	fs   afero.Fs
	dirs map[string]dirState // looked at once
}

// dirState is what stands at the place of a directory.
type dirState struct {
	exists  bool
	problem string // why nothing can be put below it
}

// found is what stands at the place of a file.
type found struct {
	exists  bool
	content []byte
	mode    fs.FileMode
	stamp   stamp
	problem string // why it is no file that can be replaced
}

// stamp tells a file from what it is after somebody wrote it.
type stamp struct {
	size int64
	time time.Time
}

func stampOf(info fs.FileInfo) stamp { return stamp{info.Size(), info.ModTime()} }

// executable says whether the file's owner may run it.
func (f found) executable() bool { return f.mode&0o100 != 0 }

func lstat(target afero.Fs, name string) (fs.FileInfo, error) {
	if linker, ok := target.(afero.Lstater); ok {
		info, _, err := linker.LstatIfPossible(name)
		return info, err
	}
	return target.Stat(name)
}

// missing says that nothing stands at a path, also because a parent is a file.
func missing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// lookAround looks once at every directory above the given files.
func lookAround(target afero.Fs, paths []Path) (*tree, error) {
	t := &tree{fs: target, dirs: map[string]dirState{}}
	for _, p := range paths {
		for _, dir := range p.parents() {
			if _, known := t.dirs[dir]; known {
				continue
			}
			state, err := t.lookAtDir(dir)
			if err != nil {
				return nil, err
			}
			t.dirs[dir] = state
		}
	}
	return t, nil
}

func (t *tree) lookAtDir(dir string) (dirState, error) {
	if above, ok := t.dirs[path.Dir(dir)]; ok && (!above.exists || above.problem != "") {
		return above, nil
	}
	info, err := lstat(t.fs, dir)
	switch {
	case missing(err):
		return dirState{}, nil
	case err != nil:
		return dirState{}, err
	case info.Mode()&fs.ModeSymlink != 0:
		return dirState{exists: true, problem: fmt.Sprintf("%s is a symbolic link: nothing is written through it", dir)}, nil
	case !info.IsDir():
		return dirState{exists: true, problem: fmt.Sprintf("%s is a file where a directory must be", dir)}, nil
	}
	return dirState{exists: true}, nil
}

// read returns what stands at p, whose parents were looked at.
func (t *tree) read(p Path) (found, error) {
	if above, ok := t.dirs[path.Dir(p.slash)]; ok {
		if above.problem != "" {
			return found{problem: above.problem}, nil
		}
		if !above.exists {
			return found{}, nil
		}
	}
	info, err := lstat(t.fs, p.slash)
	switch {
	case missing(err):
		return found{}, nil
	case err != nil:
		return found{}, err
	case info.Mode()&fs.ModeSymlink != 0:
		return found{exists: true, problem: fmt.Sprintf("%s is a symbolic link: it is neither followed nor replaced", p)}, nil
	case info.IsDir():
		return found{exists: true, problem: fmt.Sprintf("%s is a directory where a file must be", p)}, nil
	case !info.Mode().IsRegular():
		return found{exists: true, problem: fmt.Sprintf("%s is not a regular file", p)}, nil
	}
	seen := stampOf(info) // before the content, so that a write in between shows
	content, err := afero.ReadFile(t.fs, p.slash)
	return found{exists: true, content: content, mode: info.Mode().Perm(), stamp: seen}, err
}

// readAll reads many files, in the order of paths.
func readAll(target afero.Fs, paths []Path) ([]found, error) {
	t, err := lookAround(target, paths)
	if err != nil {
		return nil, err
	}
	results := make([]found, len(paths))
	return results, inParallel(len(paths), func(i int) (err error) {
		results[i], err = t.read(paths[i])
		return err
	})
}

// emptiedDirs lists the directories above deleted files, deepest first.
func emptiedDirs(deleted []Path) []string {
	var dirs []string
	for _, p := range deleted {
		dirs = append(dirs, p.parents()...)
	}
	slices.Sort(dirs)
	dirs = slices.Compact(dirs)
	slices.Reverse(dirs)
	return dirs
}
