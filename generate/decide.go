package generate

import (
	"bytes"
	"cmp"
	"path"
	"slices"
)

// situation is everything that decides what happens to one path.
type situation struct {
	artifact Artifact // no content and no owner: no longer generated
	sum      string   // of the artifact's content
	recorded FileRecord
	others   []FileRecord // what else is recorded, by another branch
	known    bool         // an earlier generation wrote it
	disk     found
	crlf     bool  // the file has Windows line ends; disk.content is without
	raw      found // disk as it is
	from     found // for a file that is carried from a former path: what stands at the new one
	carried  bool
	choices  Choices
	bases    *bases
}

// remember takes in what is recorded of the path.
func (s *situation) remember(versions []FileRecord) {
	if len(versions) > 0 {
		s.recorded, s.others, s.known = versions[0], versions[1:], true
	}
}

// problem says why no file can be put at the path.
func (s situation) problem() string { return cmp.Or(s.disk.problem, s.from.problem) }

// look takes in what stands at the path. A file whose every line ends the Windows
// way is compared and merged without that, and written with it.
func (s *situation) look(disk found) {
	s.raw, s.disk = disk, disk
	if usesCRLF(disk.content) && !bytes.Contains(s.artifact.Content, []byte("\r\n")) {
		s.crlf, s.disk.content = true, bytes.ReplaceAll(disk.content, []byte("\r\n"), []byte("\n"))
	}
	for i, other := range s.others {
		if disk.exists && other.SHA256 == sum(s.disk.content) {
			s.recorded, s.others[i] = other, s.recorded
			break
		}
	}
}

func usesCRLF(content []byte) bool {
	lines := bytes.Count(content, []byte("\n"))
	return lines > 0 && bytes.Count(content, []byte("\r\n")) == lines && isText(content)
}

// The reasons that a plan gives.
const (
	reasonDeleted   = "you deleted it; --restore brings it back"
	reasonRestored  = "it was deleted and is generated again"
	reasonForeign   = "it was here before and is not ours; move it away to get the generated one"
	reasonEdited    = "you edited it"
	reasonMerged    = "you edited it, and what is generated has changed too: both are in it"
	reasonConflict  = "you edited lines that the design changes too"
	reasonMarkers   = "conflict markers are left in it"
	reasonGit       = "conflict markers of git are left in it"
	reasonJoined    = "git left conflicts between two branches in it, and both go together with what the design asks for now"
	reasonNoBase    = "you edited it, and what is generated has changed too, but what it was made from is not on record; move it away to get the new one"
	reasonYours     = "it is yours: created once, never touched again"
	reasonGone      = "it is yours, and you deleted it"
	reasonMigration = "a migration is never rewritten, and this one was edited"
	reasonMode      = "whether it can be run changes"
	reasonMoved     = "renamed, with what you made of it; it was "
	reasonRenamed   = "renamed; it was "
	reasonMovedTo   = "it is now "
	reasonLeft      = "it is no longer generated"
	reasonLeftover  = "it is no longer generated, but you edited it; delete it if you do not need it"

	answersBlocked = AnswersPath + " in the target was changed since, or holds another design: " +
		"open that file instead, or choose another directory with --out"
	migrationBlocked = "is in the place of a migration and was not written by codex-design: give it another number or move it away"
)

// decide returns the change, with no state when there is nothing to say, and
// whether the file stays on record.
func (s situation) decide() (Change, bool) {
	switch {
	case s.artifact.Owner == "":
		return s.leftover()
	case s.carried && s.disk.exists:
		return s.carry(), true
	case s.disk.exists && bytes.Equal(s.disk.content, s.artifact.Content):
		return s.sameContent(), true
	case s.artifact.Owner == Yours:
		return s.yours(), true
	case !s.disk.exists && s.known && s.artifact.Owner == Generated && !s.choices.Restore:
		return s.change(Keep, reasonDeleted), true
	case !s.disk.exists && s.known:
		return s.change(Create, reasonRestored), true
	case !s.disk.exists:
		return s.change(Create, ""), true
	case !s.known:
		return s.outdated(reasonForeign), false
	case s.artifact.Owner == Appended:
		return s.change(Keep, reasonMigration), true
	}
	return s.differs(), true
}

// sameContent is the case of a file that holds what the design asks for.
func (s situation) sameContent() Change {
	if s.known && s.artifact.Owner == Generated && s.executable() != s.disk.executable() {
		return s.change(Update, reasonMode)
	}
	return s.change(Unchanged, "")
}

// executable is whether the file may be run afterwards: as the design says, unless
// its owner changed that.
func (s situation) executable() bool {
	wanted := s.artifact.Mode&0o100 != 0
	if s.disk.exists && s.known && s.disk.executable() != s.recorded.Executable {
		return s.disk.executable()
	}
	return wanted
}

// differs is the case of a generated file that is not what the design asks for.
func (s situation) differs() Change {
	switch {
	case sum(s.disk.content) == s.recorded.SHA256:
		return s.change(Update, "")
	case hasMarkers(s.disk.content):
		return s.outdated(reasonMarkers)
	case hasGitConflict(s.disk.content):
		if change, ok := s.joinBranches(); ok {
			return change
		}
		return s.outdated(reasonGit)
	case s.recorded.SHA256 != s.sum || len(s.others) > 0:
		return s.merge()
	case s.executable() != s.disk.executable():
		change := s.change(Merge, reasonMode)
		change.After = s.disk.content
		return change
	}
	return s.change(Keep, reasonEdited)
}

// merge is the case of a file that both its owner and the design changed. Of the
// versions that branches recorded, that one is the base which leaves least to choose.
func (s situation) merge() Change {
	best, known := s.leastConflicts(s.disk.content)
	if !known {
		return s.outdated(reasonNoBase)
	}
	change := s.change(Merge, reasonMerged)
	change.Merged, change.Disputes, change.merged = best, best.disputes(change.Path), reasonMerged
	change.settle(s.choices)
	return change
}

// leastConflicts merges what somebody made of the file with what the design asks for.
func (s situation) leastConflicts(mine []byte) (best Merged, known bool) {
	versions := append([]FileRecord{s.recorded}, s.others...)
	slices.SortStableFunc(versions, func(a, b FileRecord) int { // what is asked for now says least about what was
		return cmp.Compare(boolInt(a.SHA256 == s.sum), boolInt(b.SHA256 == s.sum))
	})
	for _, version := range versions {
		base, ok := s.bases.of(version)
		if !ok {
			continue
		}
		merged := mergeContent(base, mine, s.artifact.Content)
		if !known || merged.Conflicts() < best.Conflicts() {
			best, known = merged, true
		}
	}
	return best, known
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// carry is the case of a file at a former path: it goes to the new one together
// with what its owner made of it.
func (s situation) carry() Change {
	change := s.change(Create, reasonRenamed+s.recorded.Path)
	switch {
	case s.artifact.Owner == Appended:
		change.After = s.disk.content
	case bytes.Equal(s.disk.content, s.artifact.Content), sum(s.disk.content) == s.recorded.SHA256:
	case s.artifact.Owner == Yours && !s.hasBase(), hasMarkers(s.disk.content):
		change = s.change(Merge, reasonMoved+s.recorded.Path)
		change.After = s.disk.content
	case s.artifact.Owner == Yours:
		change = s.merge()
	default:
		change = s.differs()
	}
	if change.State == Keep { // there is nothing new for it, or no base to merge with
		change.State = Merge
	}
	if change.merged = reasonMoved + s.recorded.Path; change.State == Merge {
		change.Reason = change.merged
	}
	change.From, change.Before, change.mode = s.recorded.Path, s.disk.content, s.disk.mode
	change.standing, change.replaced = s.from.exists, s.from.content
	return change
}

func (s situation) hasBase() bool {
	_, ok := s.bases.of(s.recorded)
	return ok
}

// untouched says that whatever stands at the path, it is left alone.
func (s situation) untouched() bool {
	return s.known && (s.artifact.Owner == Yours || s.artifact.Owner == "") && s.artifact.Path != AnswersPath
}

// leftover is the case of a file that an earlier generation wrote and this one does not.
func (s situation) leftover() (Change, bool) {
	switch {
	case !s.disk.exists:
		return Change{}, false
	case sum(s.disk.content) == s.recorded.SHA256:
		return s.change(Delete, reasonLeft), false
	}
	return s.change(Keep, reasonLeftover), true
}

// yours is the case of a file that is created once.
func (s situation) yours() Change {
	switch {
	case s.disk.exists:
		return s.change(Keep, reasonYours)
	case s.known:
		return s.change(Keep, reasonGone)
	}
	return s.change(Create, "")
}

// answers is the case of the answers file: it follows the design unless somebody
// else changed it meanwhile.
func (s situation) answers(basis []byte) Change {
	switch {
	case !s.disk.exists:
		return s.change(Create, "")
	case bytes.Equal(s.disk.content, s.artifact.Content):
		return s.change(Unchanged, "")
	case basis != nil && bytes.Equal(s.disk.content, basis), s.known && sum(s.disk.content) == s.recorded.SHA256:
		return s.change(Update, "")
	}
	return s.outdated(answersBlocked)
}

func (s situation) outdated(reason string) Change {
	change := s.change(Keep, reason)
	change.Outdated = true
	return change
}

func (s situation) change(state State, reason string) Change {
	change := Change{
		Path: s.artifact.Path, State: state, Reason: reason, Before: s.disk.content, After: s.disk.content,
		standing: s.disk.exists, executable: s.executable(),
	}
	change.remodeled = s.disk.exists && change.executable != s.disk.executable()
	if s.artifact.Owner != "" {
		change.Artifact = s.artifact
	}
	switch state {
	case Create, Update:
		change.After = s.artifact.Content
	case Unchanged: // one copy is enough
		change.Before, change.After = s.artifact.Content, s.artifact.Content
	case Delete:
		change.After = nil
	}
	return change
}

// onDisk gives a change's contents the line ends that the file has.
func (s situation) onDisk(change Change) Change {
	if s.crlf {
		change.Before, change.After, change.crlf = s.raw.content, withCRLF(change.After), true
	}
	if change.State == Keep && s.from.exists && !s.carried { // what is here goes, and nothing comes
		change.State, change.Before, change.After, change.standing = Delete, s.from.content, nil, true
	}
	return change
}

func withCRLF(content []byte) []byte {
	if content == nil || !isText(content) {
		return content
	}
	return bytes.ReplaceAll(content, []byte("\n"), []byte("\r\n"))
}

// record is what to remember of the file once the change is made: the content
// that the file on disk descends from.
func (s situation) record(change Change) FileRecord {
	record := FileRecord{SHA256: s.sum, Owner: s.artifact.Owner, Executable: s.artifact.Mode&0o100 != 0}
	if s.known && (change.State == Keep || change.Outdated || !s.disk.exists && change.State == Delete) {
		record = s.recorded
	}
	record.Path = s.artifact.Path
	return record
}

// migrationOf splits services/<service>/migrations/<name>.
func migrationOf(file string) (service, name string) {
	return path.Base(path.Dir(path.Dir(file))), path.Base(file)
}
