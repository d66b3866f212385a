package generate

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/afero"
)

// journalLine is one operation of a commit as its journal says it, by the sums of
// what stands there before and afterwards; none where there is no file.
type journalLine struct {
	Path   string `json:"path"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// journalBytes writes the journal of a commit, in the order of its operations.
func journalBytes(ops []operation) []byte {
	lines := make([]journalLine, len(ops))
	for i := range ops {
		lines[i] = ops[i].sums
	}
	return jsonLines(lines)
}

// withSums fills in what the journal says of operations.
func withSums(ops []operation) {
	_ = inParallel(len(ops), func(i int) error {
		op := &ops[i]
		op.sums.Path = op.path.slash
		if op.stands {
			op.sums.Before = sum(op.before)
		}
		if !op.remove {
			op.sums.After = sum(op.after)
		}
		return nil
	})
}

// pendingJournal finds the journal of a commit that was cut off.
func pendingJournal(target afero.Fs) (name string, pending bool, err error) {
	for _, name := range []string{rollbackPath, journalPath} {
		_, err := lstat(target, name)
		if err == nil {
			return name, true, nil
		}
		if !missing(err) {
			return "", false, err
		}
	}
	return "", false, nil
}

// Recovery says what Recover found and did. The zero value: nothing was left.
type Recovery struct {
	Finished bool // the commit that was cut off is complete now
	Undone   bool // it was taken back, and the tree is what it was before
	Files    int  // that the commit is about
	// Edited lists the files that somebody changed after the commit was cut off:
	// their version was kept, or both are in the file, between markers where they clash.
	Edited []string
}

// Recover finishes the commit that was cut off in a tree, or takes it back where
// that had begun or finishing fails. It is cheap where nothing was left, and must
// come before a tree's answers are read.
func Recover(target afero.Fs) (recovery Recovery, err error) {
	_, pending, err := pendingJournal(target)
	if err != nil || !pending {
		return Recovery{}, errors.Join(err, tidyUp(target))
	}
	if err := checkStateDir(target); err != nil {
		return Recovery{}, err
	}
	unlock, err := lock(target)
	if err != nil {
		return Recovery{}, err
	}
	defer func() {
		err = errors.Join(err, unlock(), removeIfEmpty(target, localDir), removeIfEmpty(target, StateDir))
	}()
	name, pending, err := pendingJournal(target) // whoever held the lock may be through
	if err != nil || !pending {
		return Recovery{}, err
	}
	c, err := openJournal(target, name)
	if err != nil {
		return Recovery{}, err
	}
	return c.recover(name)
}

// tidyUp removes what a commit that was cut off before its first move left aside;
// whatever keeps it from doing so is for the next commit to say.
func tidyUp(target afero.Fs) error {
	_, staged := lstat(target, stageDir)
	_, locked := lstat(target, lockPath)
	if staged != nil && locked != nil || checkStateDir(target) != nil {
		return nil
	}
	unlock, err := lock(target)
	if err != nil {
		return nil
	}
	if _, pending, err := pendingJournal(target); err == nil && !pending {
		_ = target.RemoveAll(stageDir)
	}
	return errors.Join(unlock(), removeIfEmpty(target, localDir), removeIfEmpty(target, StateDir))
}

// openJournal takes up the commit that a journal describes.
func openJournal(target afero.Fs, name string) (*commit, error) {
	c := newCommit(target, func(int, int, string) {})
	_, err := readLines(target, name, func(raw []byte) error {
		if isHeader(raw) {
			return nil
		}
		var line journalLine
		if err := decodeStrictly(raw, &line); err != nil {
			return err
		}
		p, err := ParsePath(line.Path)
		c.ops = append(c.ops, operation{path: p, stands: line.Before != "", remove: line.After == "", sums: line})
		return err
	})
	if err != nil {
		return nil, err
	}
	return c, c.checkPaths()
}

// checkPaths refuses to go through a symbolic link that was put into the way.
func (c *commit) checkPaths() error {
	paths := make([]Path, len(c.ops))
	for i, op := range c.ops {
		paths[i] = op.path
	}
	around, err := lookAround(c.target, paths)
	if err != nil {
		return err
	}
	for _, state := range around.dirs {
		if state.problem != "" {
			return fmt.Errorf("a commit was cut off here and cannot be finished: %s", state.problem)
		}
	}
	return nil
}

// recover carries on in the direction that the name of the journal says.
func (c *commit) recover(journal string) (Recovery, error) {
	if journal == journalPath {
		forward := c.forward()
		if forward == nil {
			return Recovery{Finished: true, Files: len(c.ops), Edited: c.edited}, c.finish(journalPath)
		}
		if err := c.takeBack(); err != nil {
			return Recovery{}, fmt.Errorf("%w: %w", ErrCutOff, forward)
		}
	} else if err := c.back(); err != nil {
		return Recovery{}, err
	}
	return Recovery{Undone: true, Files: len(c.ops), Edited: c.edited}, nil
}

// forward does what is left of a commit.
func (c *commit) forward() error {
	for _, op := range c.ops {
		if err := c.forwardOne(op); err != nil {
			return err
		}
	}
	return c.removeEmptied(func(op operation) bool { return op.remove })
}

func (c *commit) forwardOne(op operation) error {
	if !op.remove {
		if _, err := lstat(c.target, op.stagedNew()); missing(err) {
			return nil // it was moved
		} else if err != nil {
			return err
		}
	}
	now, err := standingAt(c.target, op.path)
	if err != nil {
		return err
	}
	switch {
	case now.sum() == op.sums.Before && op.remove:
		return c.target.Remove(op.path.slash)
	case now.sum() == op.sums.Before, now.sum() == op.sums.After && !op.remove:
		return c.move(op)
	case now.sum() != op.sums.After:
		c.edited = append(c.edited, op.sums.Path)
	}
	if op.remove || !now.exists {
		return nil
	}
	return c.reconcile(op, now)
}

// sum is that of the content; empty where there is no file.
func (f found) sum() string {
	if !f.exists {
		return ""
	}
	return sum(f.content)
}

// reconcile puts what somebody made of a file after the commit was cut off
// together with what the commit makes of it. Without a common base theirs stays.
func (c *commit) reconcile(op operation, mine found) error {
	fresh, err := afero.ReadFile(c.target, op.stagedNew())
	if err != nil {
		return err
	}
	// What can undo the commit is moved last, so it is still aside.
	past, err := readUndo(c.target, operation{path: Path{undoPath}}.stagedNew())
	if err != nil {
		return err
	}
	base, known := past.before[op.path.slash]
	if !known || !isText(mine.content) || !isText(fresh) {
		return nil
	}
	merged := mergeContent(base, mine.content, fresh)
	if merged.Conflicts() > 0 && op.path.slash == AnswersPath {
		return nil // markers would make it unreadable
	}
	choices := slices.Repeat([]Choice{Markers}, merged.Conflicts())
	if err := c.write(op.stagedNew(), []byte(merged.Text(choices)), mine.mode); err != nil {
		return err
	}
	return c.move(op)
}

func standingAt(target afero.Fs, p Path) (found, error) {
	onDisk, err := readAll(target, []Path{p})
	if err != nil {
		return found{}, err
	}
	if onDisk[0].problem != "" {
		return found{}, errors.New(onDisk[0].problem)
	}
	return onDisk[0], nil
}

// takeBack turns a commit around. The journal's other name makes it known to a
// process that comes after this one.
func (c *commit) takeBack() error {
	if err := c.target.Rename(journalPath, rollbackPath); err != nil {
		if _, pending, looked := pendingJournal(c.target); looked == nil && !pending {
			return c.cleanUp() // nothing has begun
		}
		return err
	}
	if err := c.syncLocal(); err != nil {
		return err
	}
	return c.back()
}

// back gives every path what it held before the commit.
func (c *commit) back() error {
	for _, op := range slices.Backward(c.ops) {
		if err := c.backOne(op); err != nil {
			return err
		}
	}
	if err := c.removeEmptied(func(op operation) bool { return !op.stands }); err != nil {
		return err
	}
	return c.finish(rollbackPath)
}

func (c *commit) backOne(op operation) error {
	now, err := standingAt(c.target, op.path)
	if err != nil {
		return err
	}
	switch {
	case now.sum() == op.sums.Before && op.sums.Before != op.sums.After:
		return nil
	case now.sum() != op.sums.After: // somebody's, since
		c.edited = append(c.edited, op.sums.Path)
		return nil
	case !op.stands:
		return c.target.Remove(op.path.slash)
	}
	for _, dir := range op.path.parents() {
		if err := c.target.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if err := c.target.Rename(op.stagedOld(), op.path.slash); err != nil && !missing(err) {
		return err
	}
	return nil
}

// Text says what happened, in a sentence; empty where nothing was left.
func (r Recovery) Text() string {
	text := "an earlier run was cut off while it moved files into place; "
	switch {
	case r.Finished:
		text += "that is finished now."
	case r.Undone:
		text += "that is taken back, and the tree is what it was before."
	default:
		return ""
	}
	if len(r.Edited) > 0 {
		text += " You changed these files meanwhile; nothing of that is lost, look at them: " + strings.Join(r.Edited, ", ") + "."
	}
	return text
}
