package generate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/spf13/afero"
)

// The ways in which a commit declines before it has changed anything.
var (
	// ErrLocked says that another process is committing to the same tree.
	ErrLocked = errors.New("another codex-design is writing to this tree: wait until it is done")
	// ErrChanged says that files changed between the plan and the commit.
	ErrChanged = errors.New("the tree changed while the plan was being looked at: nothing was written, plan again")
	// ErrBlocked says that the plan has reasons not to commit it.
	ErrBlocked = errors.New("the plan cannot be committed")
)

// ErrCutOff says that a commit began to put files into place and could neither
// finish nor take that back; Recover does.
var ErrCutOff = errors.New("cut off while moving files into place: the next start of codex-design finishes it or takes it back")

// Progress hears of each step of a commit, one at a time; path is the file at hand.
type Progress func(done, total int, path string)

// A target can offer more than afero.Fs does.
type (
	// syncer makes everything written so far durable, in one go, or what a
	// directory lists.
	syncer interface {
		SyncAll() error
		SyncDir(name string) error
	}
	// locker keeps other processes away until unlock is called or this process ends.
	locker interface {
		Lock(name string) (unlock func() error, err error)
	}
	// linker gives a file a second name.
	linker interface{ Link(from, to string) error }
)

// Commit makes a plan true, as a whole or not at all. Every new file is first
// written and synced aside, and every file that goes gets a second name there.
// Then a journal says what is to be moved, and only then anything moves: the
// answers and the record last. A failure takes all of it back; a process that is
// killed leaves the journal to the Recover of the next one. At every moment each
// path holds its old or its new content. The end of ctx counts until the first
// move. Unchanged files are not touched.
func Commit(ctx context.Context, target afero.Fs, plan Plan, progress Progress) error {
	if len(plan.Blocked) > 0 {
		return fmt.Errorf("%w: %s", ErrBlocked, strings.Join(plan.Blocked, "; "))
	}
	if !plan.Writes() {
		return nil
	}
	if progress == nil {
		progress = func(int, int, string) {}
	}
	if err := checkStateDir(target); err != nil {
		return untouched(err)
	}
	unlock, err := lock(target)
	if err != nil {
		return untouched(err)
	}
	c := newCommit(target, progress)
	err = c.run(ctx, plan)
	if left := errors.Join(unlock(), removeIfEmpty(target, localDir), removeIfEmpty(target, StateDir)); err == nil {
		err = written(left)
	}
	return err
}

func (c *commit) run(ctx context.Context, plan Plan) error {
	_, pending, err := pendingJournal(c.target)
	if pending {
		err = ErrChanged
	}
	if err == nil {
		err = c.stage(ctx, plan)
	}
	if err != nil {
		return errors.Join(untouched(err), c.cleanUp())
	}
	return c.carryOut()
}

// written says of an error that it came behind the last change.
func written(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("everything is written, but what that needed was not tidied up: %w", err)
}

// untouched says of an error that it changed nothing.
func untouched(err error) error {
	if errors.Is(err, ErrLocked) || errors.Is(err, ErrChanged) {
		return err
	}
	return fmt.Errorf("nothing was changed: %w", err)
}

// commit is one commit at work.
type commit struct {
	target   afero.Fs
	progress Progress

	ops         []operation
	edited      []string        // files that somebody changed after the commit was cut off
	made        map[string]bool // directories that exist
	moved       map[string]bool // directories that were moved as a whole
	counting    sync.Mutex
	done, total int
}

func newCommit(target afero.Fs, progress Progress) *commit {
	return &commit{target: target, progress: progress, made: map[string]bool{}, moved: map[string]bool{}}
}

// operation is what happens to one path.
type operation struct {
	path   Path
	stands bool        // there is a file, with the content before
	before []byte      //
	remove bool        // it goes; else it gets the content after
	after  []byte      //
	mode   fs.FileMode // of a new file; one that stands keeps its own permissions

	executable bool // may be run afterwards
	derived    bool // after is on record as pristine content
	sums       journalLine
	verified   bool  // what stands there was compared with before, and had this stamp
	stamp      stamp //
}

// The places of an operation's files while they are aside.
func (o operation) stagedNew() string { return path.Join(stageDir, "new", o.path.slash) }
func (o operation) stagedOld() string { return path.Join(stageDir, "old", o.path.slash) }

// checkStateDir refuses a state directory that leads out of the tree.
func checkStateDir(target afero.Fs) error {
	found, err := readAll(target, []Path{
		{manifestPath}, {historyPath}, {pristineDir + "/x"}, {pristineDir + "/services/x"}, {undoPath}, {stageDir + "/x"},
	})
	if err != nil {
		return err
	}
	for _, f := range found {
		if f.problem != "" {
			return errors.New(f.problem)
		}
	}
	return nil
}

func lock(target afero.Fs) (func() error, error) {
	if err := target.MkdirAll(localDir, 0o755); err != nil {
		return nil, err
	}
	if l, ok := target.(locker); ok {
		return l.Lock(lockPath)
	}
	file, err := target.OpenFile(lockPath, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil, ErrLocked
	}
	if err != nil {
		return nil, err
	}
	return func() error { return errors.Join(file.Close(), target.Remove(lockPath)) }, nil
}

// stage writes everything aside, makes it durable and checks that the tree is
// still the one that was planned for.
func (c *commit) stage(ctx context.Context, plan Plan) error {
	if err := c.collect(plan); err != nil {
		return err
	}
	if err := c.cleanUp(); err != nil {
		return err
	}
	if err := c.target.MkdirAll(stageDir, 0o755); err != nil {
		return err
	}
	if err := c.stageAll(ctx); err != nil {
		return err
	}
	if err := c.write(stageDir+"/journal", journalBytes(c.ops), 0o644); err != nil {
		return err
	}
	if err := c.sync(); err != nil {
		return err
	}
	if err := c.verify(plan); err != nil {
		return err
	}
	return ctx.Err()
}

// stageAll writes the files side by side, once their directories are there; a
// failure or the end of ctx ends it soon.
func (c *commit) stageAll(ctx context.Context) error {
	for _, op := range c.ops {
		if err := c.makeRoom(op); err != nil {
			return err
		}
	}
	var failed atomic.Bool
	return inParallel(len(c.ops), func(i int) error {
		if failed.Load() {
			return nil
		}
		err := ctx.Err()
		if err == nil {
			err = c.stageOne(c.ops[i])
		}
		if err != nil {
			failed.Store(true)
		}
		return err
	})
}

// makeRoom makes the directories that an operation's files need while they are aside.
func (c *commit) makeRoom(op operation) error {
	if op.stands {
		if err := c.mkdirAll(path.Dir(op.stagedOld())); err != nil {
			return err
		}
	}
	if op.remove {
		return nil
	}
	return c.mkdirAll(path.Dir(op.stagedNew()))
}

func (c *commit) stageOne(op operation) error {
	if op.stands {
		if err := c.keepOld(op); err != nil {
			return err
		}
	}
	if !op.remove {
		if err := c.stageNew(op); err != nil {
			return err
		}
	}
	c.step(op.path)
	return nil
}

// keepOld gives a file that goes a second name, or makes a copy of it.
func (c *commit) keepOld(op operation) error {
	if l, ok := c.target.(linker); ok && l.Link(op.path.slash, op.stagedOld()) == nil {
		return nil
	}
	mode, err := permissions(c.target, op)
	if err != nil {
		return err
	}
	return errors.Join(c.write(op.stagedOld(), op.before, mode), c.target.Chmod(op.stagedOld(), mode))
}

// stageNew writes the content to come, with the permissions of what it replaces.
func (c *commit) stageNew(op operation) error {
	if err := c.write(op.stagedNew(), op.after, op.mode); err != nil || !op.stands {
		return err
	}
	mode, err := permissions(c.target, op)
	if err != nil {
		return err
	}
	return c.target.Chmod(op.stagedNew(), withExecutable(mode, op.executable))
}

// permissions are those of the file that an operation is about.
func permissions(target afero.Fs, op operation) (fs.FileMode, error) {
	info, err := lstat(target, op.path.slash)
	if missing(err) {
		return 0, fmt.Errorf("%w (%s)", ErrChanged, op.path)
	}
	if err != nil {
		return 0, err
	}
	return info.Mode().Perm(), nil
}

// withExecutable lets all run a file who may read it, or nobody.
func withExecutable(mode fs.FileMode, executable bool) fs.FileMode {
	if executable {
		return mode | (mode&0o444)>>2
	}
	return mode &^ 0o111
}

func (c *commit) mkdirAll(dir string) error {
	if c.made[dir] {
		return nil
	}
	c.made[dir] = true
	return c.target.MkdirAll(dir, 0o755)
}

func (c *commit) step(p Path) {
	c.counting.Lock()
	defer c.counting.Unlock()
	c.done++
	c.progress(c.done, c.total, p.String())
}

func (c *commit) sync() error {
	if s, ok := c.target.(syncer); ok {
		return s.SyncAll()
	}
	return nil
}

// write writes a file, and makes it durable where that cannot be done for all at once.
func (c *commit) write(name string, data []byte, mode fs.FileMode) error {
	file, err := c.target.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if _, syncsAll := c.target.(syncer); err == nil && !syncsAll {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// collect lists what is to be done, in order: the files, then what is recorded of
// them, the answers, the manifest, and what can undo it all.
func (c *commit) collect(plan Plan) error {
	var writes, removes, answers []operation
	for _, change := range plan.Changes {
		p, err := ParsePath(change.Path)
		if err != nil {
			return err
		}
		op := change.operation(p)
		switch {
		case !change.writes():
		case op.remove:
			removes = append(removes, op)
		case change.Path == AnswersPath:
			answers = append(answers, op)
		default:
			writes = append(writes, op)
		}
	}
	records, manifest, err := plan.recordOps(c.target)
	if err != nil {
		return err
	}
	for _, list := range [][]operation{writes, removes, records, answers, manifest} {
		c.ops = append(c.ops, list...)
	}
	withSums(c.ops)
	undo, err := undoOperation(c.target, c.ops)
	if err != nil {
		return err
	}
	c.ops = append(c.ops, undo)
	c.total = 2 * len(c.ops)
	return nil
}

// operation is the change as a commit carries it out.
func (c Change) operation(p Path) operation {
	op := operation{
		path: p, stands: c.standing, before: c.Before, remove: c.State == Delete, after: c.After, mode: c.Artifact.Mode,
		executable: c.executable,
	}
	if c.From != "" {
		op.before, op.mode = c.replaced, withExecutable(c.mode, c.executable)
	}
	op.derived = c.State == Update && c.Artifact.Owner == Generated && bytes.Equal(c.After, c.Artifact.Content)
	return op
}

// recordOps lists what is to be recorded: the archives and the history, and the
// manifest that makes it count.
func (p Plan) recordOps(target afero.Fs) (records, manifest []operation, err error) {
	if p.restored != nil {
		return p.restored, nil, nil
	}
	records, err = p.archiveOps(target)
	records = append(records, recordOp(historyPath, p.prior.history, p.next.history)...)
	return records, recordOp(manifestPath, p.prior.manifest, p.next.manifest), err
}

// recordOp replaces a file of the record; nil is no file.
func recordOp(name string, before, after []byte) []operation {
	if bytes.Equal(before, after) && (before == nil) == (after == nil) {
		return nil
	}
	return []operation{{path: Path{name}, stands: before != nil, before: before, after: after, remove: after == nil, mode: 0o644}}
}

// verify compares what is about to be replaced with what the plan saw.
func (c *commit) verify(plan Plan) error {
	paths := make([]Path, len(c.ops))
	for i, op := range c.ops {
		paths[i] = op.path
	}
	onDisk, err := readAll(c.target, paths)
	if err != nil {
		return err
	}
	for i, now := range onDisk {
		op := c.ops[i]
		if now.problem != "" || now.exists != op.stands || !bytes.Equal(now.content, op.before) {
			return fmt.Errorf("%w (%s)", ErrChanged, op.path)
		}
		c.ops[i].verified, c.ops[i].stamp = true, now.stamp
	}
	manifest, err := afero.ReadFile(c.target, manifestPath)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if !bytes.Equal(manifest, plan.prior.manifest) {
		return fmt.Errorf("%w (%s)", ErrChanged, manifestPath)
	}
	return nil
}

// carryOut goes from the journal to the end, or back to the beginning.
func (c *commit) carryOut() error {
	err := c.target.Rename(stageDir+"/journal", journalPath)
	if err == nil {
		err = c.syncLocal()
	}
	if err == nil {
		err = c.place()
	}
	if err == nil {
		return written(c.finish(journalPath))
	}
	if back := c.takeBack(); back != nil {
		return fmt.Errorf("%w: %w", ErrCutOff, err)
	}
	return untouched(err)
}

// syncLocal makes the journal's name durable before anything moves.
func (c *commit) syncLocal() error {
	if s, ok := c.target.(syncer); ok {
		return s.SyncDir(localDir)
	}
	return nil
}

// place moves the staged files into the tree and removes what is no longer part
// of it, in order.
func (c *commit) place() error {
	for _, op := range c.ops {
		if err := c.placeOne(op); err != nil {
			return err
		}
		c.step(op.path)
	}
	return c.removeEmptied(func(op operation) bool { return op.remove })
}

func (c *commit) placeOne(op operation) error {
	if err := c.stillVerified(op); err != nil {
		return err
	}
	if !op.remove {
		return c.move(op)
	}
	if err := c.target.Remove(op.path.slash); err != nil && !missing(err) {
		return err
	}
	return nil
}

// stillVerified notices who writes a file between the comparison and its move.
func (c *commit) stillVerified(op operation) error {
	if !op.verified || !op.stands {
		return nil
	}
	info, err := lstat(c.target, op.path.slash)
	if err != nil && !missing(err) {
		return err
	}
	if err != nil || stampOf(info) != op.stamp {
		return fmt.Errorf("%w (%s)", ErrChanged, op.path)
	}
	return nil
}

// move moves a file, or the outermost directory above it that the tree does not
// have yet, with everything that was staged in it.
func (c *commit) move(op operation) error {
	for _, dir := range op.path.parents() {
		if c.moved[dir] {
			return nil
		}
		if c.made[dir] {
			continue
		}
		if _, err := lstat(c.target, dir); missing(err) {
			c.moved[dir] = true
			return c.target.Rename(path.Join(stageDir, "new", dir), dir)
		} else if err != nil {
			return err
		}
		c.made[dir] = true
	}
	if op.verified && !op.stands {
		_, err := lstat(c.target, op.path.slash)
		if err == nil {
			return fmt.Errorf("%w (%s)", ErrChanged, op.path)
		}
		if !missing(err) {
			return err
		}
	}
	return c.target.Rename(op.stagedNew(), op.path.slash)
}

// removeEmptied removes the directories that are empty without the given operations' files.
func (c *commit) removeEmptied(of func(operation) bool) error {
	var gone []Path
	for _, op := range c.ops {
		if of(op) {
			gone = append(gone, op.path)
		}
	}
	for _, dir := range emptiedDirs(gone) {
		if err := removeIfEmpty(c.target, dir); err != nil {
			return err
		}
	}
	return nil
}

// finish makes everything durable, and then forgets the journal.
func (c *commit) finish(journal string) error {
	if err := c.sync(); err != nil {
		return err
	}
	if err := c.target.Remove(journal); err != nil && !missing(err) {
		return err
	}
	return c.cleanUp()
}

func (c *commit) cleanUp() error { return c.target.RemoveAll(stageDir) }

// removeIfEmpty removes a directory that holds nothing any more.
func removeIfEmpty(target afero.Fs, dir string) error {
	entries, err := afero.ReadDir(target, dir)
	if missing(err) {
		return nil
	}
	if err != nil || len(entries) > 0 {
		return err
	}
	return target.Remove(dir)
}
