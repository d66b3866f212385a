package generate

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/afero"
)

// ErrNothingToUndo says that no commit is on record that could be taken back.
var ErrNothingToUndo = errors.New("there is nothing to undo here: no commit is on record in this copy of the tree")

// ErrUndoOutdated says that what the last commit recorded was replaced since.
var ErrUndoOutdated = errors.New("the last commit cannot be undone: what it recorded was replaced since, " +
	"as by git when it switches to another branch or pulls; use git to go back")

// undoable is what a commit leaves behind so that it can be taken back.
type undoable struct {
	lines         []undoLine
	before, after map[string][]byte // by path; after only of files whose content no record has
}

// undoLine is one path that the commit touched.
type undoLine struct {
	journalLine
	Mode fs.FileMode `json:"mode,omitempty"` // of what stood there before
}

// The names in the archive: its index, and the directories of contents.
const (
	undoIndex  = "index.jsonl"
	undoBefore = "before/"
	undoAfter  = "after/"
)

// undoOperation is what writes the archive that can take back the given
// operations; one level is kept.
func undoOperation(target afero.Fs, ops []operation) (operation, error) {
	data, err := undoBytes(target, ops)
	if err != nil {
		return operation{}, err
	}
	before, err := afero.ReadFile(target, undoPath)
	if err != nil && !missing(err) {
		return operation{}, err
	}
	all := []operation{{path: Path{undoPath}, stands: err == nil, before: before, after: data, mode: 0o644}}
	withSums(all)
	return all[0], nil
}

// gzippers are kept as deflaters are.
var gzippers = sync.Pool{New: func() any {
	writer, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	if err != nil {
		panic(err) // a level that does not exist: a mistake of ours
	}
	return writer
}}

func undoBytes(target afero.Fs, ops []operation) ([]byte, error) {
	lines := make([]undoLine, len(ops))
	for i, op := range ops {
		lines[i] = undoLine{journalLine: op.sums}
		if op.stands {
			var err error
			if lines[i].Mode, err = permissions(target, op); err != nil {
				return nil, err
			}
		}
	}
	var out bytes.Buffer
	compressed := gzippers.Get().(*gzip.Writer)
	defer gzippers.Put(compressed)
	compressed.Reset(&out)
	archive := tar.NewWriter(compressed)
	err := addTo(archive, undoIndex, jsonLines(lines))
	for _, op := range ops {
		if op.stands && err == nil {
			err = addTo(archive, undoBefore+op.path.slash, op.before)
		}
		if op.stands && !op.remove && !op.derived && !isRecord(op.path.slash) && err == nil {
			err = addTo(archive, undoAfter+op.path.slash, op.after)
		}
	}
	err = errors.Join(err, archive.Close(), compressed.Close())
	return out.Bytes(), err
}

func addTo(archive *tar.Writer, name string, data []byte) error {
	header := tar.Header{Name: name, Mode: 0o644, Size: int64(len(data)), Format: tar.FormatPAX}
	if err := archive.WriteHeader(&header); err != nil {
		return err
	}
	_, err := archive.Write(data)
	return err
}

// readUndo reads such an archive.
func readUndo(target afero.Fs, name string) (undoable, error) {
	raw, err := afero.ReadFile(target, name)
	if missing(err) {
		return undoable{}, ErrNothingToUndo
	}
	if err != nil {
		return undoable{}, err
	}
	past, err := parseUndo(raw)
	if err != nil {
		return undoable{}, fmt.Errorf("%s is damaged: %w; delete it, there is no undo then", name, err)
	}
	return past, nil
}

func parseUndo(raw []byte) (undoable, error) {
	past := undoable{before: map[string][]byte{}, after: map[string][]byte{}}
	compressed, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return undoable{}, err
	}
	archive := tar.NewReader(compressed)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return past, past.check()
		}
		if err != nil {
			return undoable{}, err
		}
		data, err := io.ReadAll(archive)
		if err != nil {
			return undoable{}, err
		}
		if err := past.add(header.Name, data); err != nil {
			return undoable{}, err
		}
	}
}

func (u *undoable) add(name string, data []byte) error {
	if path, ok := strings.CutPrefix(name, undoBefore); ok {
		u.before[path] = data
		return nil
	}
	if path, ok := strings.CutPrefix(name, undoAfter); ok {
		u.after[path] = data
		return nil
	}
	if name != undoIndex {
		return fmt.Errorf("it holds %q", name)
	}
	for _, raw := range bytes.Split(bytes.TrimSuffix(data, []byte("\n")), []byte("\n"))[1:] {
		var line undoLine
		if err := decodeStrictly(raw, &line); err != nil {
			return err
		}
		if _, err := ParsePath(line.Path); err != nil {
			return err
		}
		u.lines = append(u.lines, line)
	}
	return nil
}

// check compares the contents with their sums.
func (u *undoable) check() error {
	for _, line := range u.lines {
		content, ok := u.before[line.Path]
		if ok != (line.Before != "") || ok && sum(content) != line.Before {
			return fmt.Errorf("what %s was is not in it", line.Path)
		}
	}
	return nil
}

// The reasons that the plan of an undo gives.
const (
	reasonMadeAndEdited = "the last commit made it and you edited it since: it stays"
	reasonMadeSince     = "the last commit deleted it and there is another one since: that stays"
	reasonGoneSince     = "you deleted it since; --restore brings it back as it was before"
	reasonUndone        = "as it was before the last commit"
	reasonUndoMerged    = "as it was before the last commit, with your edits since"
	reasonUndoConflict  = "you edited lines since that the last commit changed"
	reasonUndoNoBase    = "you edited it since, and what the commit made of it is not on record; it stays"
)

// PlanUndo compares a tree with what it was before the last commit: files,
// answers and record. What was edited since is merged into what was before; the
// choices say what to do where the two clash. To commit the plan is the undo, and
// makes the commit that it took back the one that can be undone next.
func PlanUndo(target afero.Fs, choices Choices) (Plan, error) {
	past, err := readUndo(target, undoPath)
	if err != nil {
		return Plan{}, err
	}
	record, err := ReadRecord(target)
	if err != nil {
		return Plan{}, err
	}
	paths := make([]Path, len(past.lines))
	for i, line := range past.lines {
		paths[i] = Path{line.Path}
	}
	onDisk, err := readAll(target, paths)
	if err != nil {
		return Plan{}, err
	}
	plan := Plan{prior: record, restored: []operation{}}
	u := undoing{past: past, record: record, bases: &bases{target: target}, choices: choices}
	for i, line := range past.lines {
		if isRecord(line.Path) {
			op, err := u.recordOperation(line, onDisk[i])
			if err != nil {
				return Plan{}, err
			}
			plan.restored = append(plan.restored, op)
			continue
		}
		plan.add(u.change(line, onDisk[i]), onDisk[i].problem)
	}
	slices.SortFunc(plan.Changes, func(a, b Change) int { return strings.Compare(a.Path, b.Path) })
	return plan, u.bases.problem
}

// isRecord says whether a file belongs to the record, which is put back as it was
// or not at all.
func isRecord(path string) bool { return strings.HasPrefix(path, StateDir+"/") }

// add takes a change of an undo into the plan.
func (p *Plan) add(change Change, problem string) {
	if problem != "" {
		p.Blocked = append(p.Blocked, problem)
	}
	if change.State == Conflict && change.Undecided > 0 {
		p.Blocked = append(p.Blocked, change.undecidedUndo())
	}
	if change.State != "" {
		p.Changes = append(p.Changes, change)
	}
}

// undecidedUndo says where nobody has chosen, and how to.
func (c Change) undecidedUndo() string {
	if !c.Merged.isText() {
		return c.Path + ": you and the last commit changed it, and it is no text: choose for all with --on-conflict keep or old"
	}
	return fmt.Sprintf("%s: %s between your edit since and what was there before (%s): choose for all with --on-conflict keep, old or markers",
		c.Path, conflictCount(c.Undecided), c.openLines())
}

// undoing is an undo that is being planned.
type undoing struct {
	past    undoable
	record  Record
	bases   *bases
	choices Choices
}

// recordOperation puts back a file of the record; it must be as the commit left it.
func (u *undoing) recordOperation(line undoLine, now found) (operation, error) {
	if now.problem != "" {
		return operation{}, errors.New(now.problem)
	}
	if now.sum() != line.After {
		return operation{}, fmt.Errorf("%w (%s)", ErrUndoOutdated, line.Path)
	}
	before, stood := u.past.before[line.Path]
	return operation{path: Path{line.Path}, stands: now.exists, before: now.content, remove: !stood, after: before, mode: 0o644}, nil
}

// change is what an undo does to one path; it has no state where that is nothing.
func (u *undoing) change(line undoLine, now found) Change {
	before, stood := u.past.before[line.Path]
	raw, crlf := now.content, usesCRLF(now.content) && now.sum() != line.After && now.sum() != line.Before
	if crlf {
		now.content = bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
	}
	change := Change{
		Path: line.Path, Before: now.content, After: now.content, standing: now.exists,
		executable: line.Mode&0o100 != 0, Artifact: Artifact{Path: line.Path, Mode: line.Mode},
	}
	switch {
	case now.problem != "":
		change.State, change.Reason = Keep, now.problem
	case now.sum() == line.Before && (!now.exists || now.executable() == change.executable):
		return Change{}
	case now.sum() == line.After || !now.exists && u.choices.Restore && stood:
		change.State, change.Reason, change.After = restoredState(now.exists, stood), reasonUndone, before
	case !now.exists && !stood:
		return Change{}
	case !now.exists:
		change.State, change.Reason = Keep, reasonGoneSince
	case !stood:
		change.State, change.Reason = Keep, reasonMadeAndEdited
	case line.After == "":
		change.State, change.Reason = Keep, reasonMadeSince
	default:
		u.merge(&change, line)
	}
	if crlf {
		change.Before, change.After = raw, withCRLF(change.After)
	}
	return change
}

func restoredState(stands, stood bool) State {
	switch {
	case !stood:
		return Delete
	case !stands:
		return Create
	}
	return Update
}

// merge takes the commit out of a file that was edited after it.
func (u *undoing) merge(change *Change, line undoLine) {
	base, ok := u.past.after[line.Path]
	if !ok {
		base, ok = u.bases.of(FileRecord{Path: line.Path, SHA256: line.After})
	}
	if !ok {
		change.State, change.Reason, change.Outdated = Keep, reasonUndoNoBase, true
		return
	}
	change.Merged = mergeContent(base, change.Before, u.past.before[line.Path])
	change.Disputes = change.Merged.disputes(line.Path)
	change.Choices = u.choices.of(change)
	change.After, change.Undecided = []byte(change.Merged.Text(change.Choices)), count(change.Choices, Undecided)
	change.State, change.Reason = Merge, reasonUndoMerged
	if change.Undecided > 0 || slices.Contains(change.Choices, Markers) {
		change.State, change.Reason = Conflict, reasonUndoConflict
	}
}
