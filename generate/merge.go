package generate

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff/lcs"
)

// Merged is what became of a file that both its owner and the design changed: a
// sequence of hunks from the first line to the last.
type Merged []Hunk

// Hunk is a run of lines. Where both sides agree, or only one of them changed
// what was there, Mine and New are the same; else it is a conflict.
type Hunk struct {
	Mine, New string
	Disk      string // the file's lines as they are: Mine, unless only the design changed them

	oneSided bool // agreed, and one side changed it
}

// Conflict says whether somebody has to choose.
func (h Hunk) Conflict() bool { return h.Mine != h.New }

// Choice is what to do about one conflict.
type Choice string

// The choices. Undecided blocks a commit.
const (
	Undecided Choice = ""
	KeepMine  Choice = "keep"    // the lines of the file as it is
	TakeNew   Choice = "new"     // the lines of the design
	Markers   Choice = "markers" // both, between the markers that git uses too
)

// Choices says what to do about the conflicts of a plan.
type Choices struct {
	All     Choice             // wherever Each says nothing
	Each    map[Dispute]Choice // of single conflicts
	Restore bool               // generate again what was deleted
}

// Dispute tells a conflict from all others by what it is about, its file and the
// lines of both sides, so that a choice holds as long as those stay what they are
// and never falls to another conflict.
type Dispute string

// disputes names the conflicts of a file, in order.
func (m Merged) disputes(path string) []Dispute {
	var disputes []Dispute
	twins := map[Dispute]int{}
	for _, hunk := range m {
		if !hunk.Conflict() {
			continue
		}
		digest := sha256.Sum256(fmt.Appendf(nil, "%q %q %q", path, hunk.Mine, hunk.New))
		dispute := Dispute(hex.EncodeToString(digest[:12]))
		twins[dispute]++
		if n := twins[dispute]; n > 1 {
			dispute += Dispute(fmt.Sprintf("-%d", n))
		}
		disputes = append(disputes, dispute)
	}
	return disputes
}

// With returns the choices with those of some conflicts replaced.
func (c Choices) With(choice Choice, disputes ...Dispute) Choices {
	each := maps.Clone(c.Each)
	if each == nil {
		each = map[Dispute]Choice{}
	}
	for _, dispute := range disputes {
		if each[dispute] = choice; choice == Undecided {
			delete(each, dispute)
		}
	}
	c.Each = each
	return c
}

// of returns one choice for each conflict of a file. Markers need lines: what is
// no text stays undecided.
func (c Choices) of(change *Change) []Choice {
	choices := make([]Choice, len(change.Disputes))
	for i, dispute := range change.Disputes {
		choices[i] = c.All
		if own := c.Each[dispute]; own != Undecided {
			choices[i] = own
		}
		if choices[i] == Markers && !change.Merged.isText() {
			choices[i] = Undecided
		}
	}
	return choices
}

func (m Merged) isText() bool {
	for _, hunk := range m {
		if !isText([]byte(hunk.Mine)) || !isText([]byte(hunk.New)) {
			return false
		}
	}
	return true
}

func count(choices []Choice, wanted Choice) int {
	found := 0
	for _, choice := range choices {
		if choice == wanted {
			found++
		}
	}
	return found
}

// Choose is the plan with other choices for its conflicts. Nothing is read or
// rendered again.
func (p Plan) Choose(choices Choices) Plan {
	p.Changes = slices.Clone(p.Changes)
	var stale, fresh []string
	for i := range p.Changes {
		change := &p.Changes[i]
		if len(change.Disputes) == 0 || slices.Equal(change.Choices, choices.of(change)) {
			continue
		}
		stale = append(stale, change.blockedBy()...)
		change.settle(choices)
		fresh = append(fresh, change.blockedBy()...)
	}
	others := slices.DeleteFunc(slices.Clone(p.Blocked), func(reason string) bool { return slices.Contains(stale, reason) })
	p.Blocked = append(others, fresh...)
	return p
}

// settle makes the content of a merged file from what was chosen.
func (c *Change) settle(choices Choices) {
	c.Choices = choices.of(c)
	c.After, c.Undecided = []byte(c.Merged.Text(c.Choices)), count(c.Choices, Undecided)
	if c.crlf {
		c.After = withCRLF(c.After)
	}
	c.State, c.Reason = Merge, c.merged
	if c.Undecided > 0 || slices.Contains(c.Choices, Markers) {
		c.State, c.Reason = Conflict, reasonConflict
	}
}

// Open is the number of conflicts that nobody has chosen for.
func (p Plan) Open() (conflicts, files int) {
	for i := range p.Changes {
		if undecided := p.Changes[i].Undecided; undecided > 0 {
			conflicts, files = conflicts+undecided, files+1
		}
	}
	return conflicts, files
}

// undecided says where nobody has chosen, and how to.
func (c Change) undecided() string {
	if !c.Merged.isText() {
		return c.Path + ": you and the design changed it, and it is no text: choose in the review of the wizard, or for all with --on-conflict keep or new"
	}
	return fmt.Sprintf("%s: %s between your edit and the design (%s): choose in the review of the wizard, "+
		"or for all with --on-conflict keep, new or markers", c.Path, conflictCount(c.Undecided), c.openLines())
}

// openLines are the lines of the file as it is where nobody has chosen: lines 3, 10-12.
func (c Change) openLines() string {
	var parts []string
	next, line, several := 0, 1, false
	for _, hunk := range c.Merged {
		height := len(splitLines(hunk.Disk))
		if hunk.Conflict() {
			if c.Choices[next] == Undecided {
				last := line + max(height, 1) - 1
				part := fmt.Sprint(line)
				if last > line {
					part += fmt.Sprintf("-%d", last)
				}
				several = several || last > line || len(parts) > 0
				parts = append(parts, part)
			}
			next++
		}
		line += height
	}
	if several {
		return "lines " + strings.Join(parts, ", ")
	}
	return "line " + strings.Join(parts, ", ")
}

func conflictCount(conflicts int) string {
	if conflicts == 1 {
		return "1 conflict"
	}
	return fmt.Sprintf("%d conflicts", conflicts)
}

// The lines around the two sides of a conflict.
const (
	markerMine = "<<<<<<< yours\n"
	markerMid  = "=======\n"
	markerNew  = ">>>>>>> generated\n"
)

// Text is the file with a choice made for each conflict, in order.
func (m Merged) Text(choices []Choice) string {
	var out strings.Builder
	next := 0
	for _, hunk := range m {
		choice := KeepMine
		if hunk.Conflict() {
			choice, next = choices[next], next+1
		}
		out.WriteString(hunk.chosen(choice))
	}
	return out.String()
}

// Conflicts counts the hunks that somebody has to choose for.
func (m Merged) Conflicts() int {
	count := 0
	for _, hunk := range m {
		if hunk.Conflict() {
			count++
		}
	}
	return count
}

func (h Hunk) chosen(choice Choice) string {
	switch choice {
	case TakeNew:
		return h.New
	case Markers, Undecided:
		return markerMine + wholeLines(h.Mine) + markerMid + wholeLines(h.New) + markerNew
	default:
		return h.Mine
	}
}

func wholeLines(text string) string {
	if text == "" || strings.HasSuffix(text, "\n") {
		return text
	}
	return text + "\n"
}

// ConflictLine is the line, from 0, at which the first conflict of a file stands
// between markers; -1 where there is none.
func (c Change) ConflictLine() int {
	if c.State != Conflict {
		return -1
	}
	for i, line := range splitLines(string(c.After)) {
		if strings.TrimRight(line, "\r\n") == strings.TrimSuffix(markerMine, "\n") {
			return i
		}
	}
	return -1
}

// hasMarkers says whether a conflict was written into a file and nobody resolved it.
func hasMarkers(content []byte) bool {
	text := append([]byte("\n"), content...)
	return bytes.Contains(text, []byte("\n"+markerMine)) && bytes.Contains(text, []byte("\n"+markerNew))
}

// mergeContent merges text by its lines and anything else as a whole.
func mergeContent(base, mine, fresh []byte) Merged {
	if isText(base) && isText(mine) && isText(fresh) {
		return MergeText(string(base), string(mine), string(fresh))
	}
	return Merged{{Mine: string(mine), New: string(fresh), Disk: string(mine)}}
}

// MergeText merges line by line what two sides made of the same base. Changes
// that touch or overlap and differ are conflicts, as they are for git.
func MergeText(base, mine, fresh string) Merged {
	m := merger{base: splitLines(base), mine: newSide(base, mine), fresh: newSide(base, fresh)}
	for len(m.mine.edits)+len(m.fresh.edits) > 0 {
		m.region()
	}
	m.agree(m.base[m.at:])
	return joinClose(m.hunks)
}

// merger goes through a base once, from region to region that somebody changed.
type merger struct {
	base        []string
	mine, fresh side
	at          int // the line of the base up to which everything is merged
	hunks       Merged
}

// side is one version of the base and what remains of its edits.
type side struct {
	lines []string
	edits []lcs.Diff
	shift int // from a line of the base to the same line here, behind the last edit that was taken
}

func newSide(base, text string) side {
	lines := splitLines(text)
	return side{lines: lines, edits: lcs.DiffLines(splitLines(base), lines)}
}

// region merges up to the end of the next changes that touch each other.
func (m *merger) region() {
	start := m.start()
	m.agree(m.base[m.at:start])
	mineFrom, freshFrom := start+m.mine.shift, start+m.fresh.shift
	end, byMine, byFresh := start, false, false
	for {
		tookMine, tookFresh := m.mine.take(&end), m.fresh.take(&end)
		if !tookMine && !tookFresh {
			break
		}
		byMine, byFresh = byMine || tookMine, byFresh || tookFresh
	}
	mine, fresh := m.mine.lines[mineFrom:end+m.mine.shift], m.fresh.lines[freshFrom:end+m.fresh.shift]
	switch {
	case !byFresh:
		m.changed(mine, mine)
	case !byMine:
		m.changed(fresh, mine)
	default:
		m.dispute(mine, fresh)
	}
	m.at = end
}

// start is the first line of the base that a side changed next.
func (m *merger) start() int {
	start := len(m.base)
	for _, side := range []side{m.mine, m.fresh} {
		if len(side.edits) > 0 {
			start = min(start, side.edits[0].Start)
		}
	}
	return start
}

// take takes the next edit into a region if it begins no later than the region
// ends, and moves that end.
func (s *side) take(end *int) bool {
	if len(s.edits) == 0 || s.edits[0].Start > *end {
		return false
	}
	edit := s.edits[0]
	s.edits = s.edits[1:]
	s.shift = edit.ReplEnd - edit.End
	*end = max(*end, edit.End)
	return true
}

func (m *merger) agree(lines []string) {
	if len(lines) > 0 {
		text := strings.Join(lines, "")
		m.hunks = append(m.hunks, Hunk{Mine: text, New: text, Disk: text})
	}
}

// changed adds what one side alone made of some lines, and what stands there now.
func (m *merger) changed(lines, disk []string) {
	text := strings.Join(lines, "")
	m.hunks = append(m.hunks, Hunk{Mine: text, New: text, Disk: strings.Join(disk, ""), oneSided: true})
}

// dispute adds what the sides disagree on, without the lines that they share.
func (m *merger) dispute(mine, fresh []string) {
	at := 0
	for _, edit := range lcs.DiffLines(mine, fresh) {
		m.agree(mine[at:edit.Start])
		own := strings.Join(mine[edit.Start:edit.End], "")
		m.hunks = append(m.hunks, Hunk{Mine: own, New: strings.Join(fresh[edit.ReplStart:edit.ReplEnd], ""), Disk: own})
		at = edit.End
	}
	m.agree(mine[at:])
}

// closeLines is how many equal lines between two conflicts are not worth
// two conflicts; git uses the same number.
const closeLines = 3

// joinClose makes one conflict of those that only such lines are between, and one
// hunk of agreed ones that follow each other.
func joinClose(hunks Merged) Merged {
	var joined Merged
	for _, hunk := range hunks {
		last := len(joined) - 1
		switch {
		case last >= 0 && !hunk.Conflict() && !joined[last].Conflict():
			joined[last] = joined[last].with(hunk)
		case last >= 1 && hunk.Conflict() && joined[last-1].Conflict() && joined[last].isClose():
			joined[last-1] = joined[last-1].with(joined[last]).with(hunk)
			joined = joined[:last]
		case last >= 0 && hunk.Conflict() && joined[last].Conflict():
			joined[last] = joined[last].with(hunk)
		default:
			joined = append(joined, hunk)
		}
	}
	return joined
}

func (h Hunk) with(next Hunk) Hunk {
	return Hunk{h.Mine + next.Mine, h.New + next.New, h.Disk + next.Disk, h.oneSided || next.oneSided}
}

// isClose says whether an agreed hunk is too little to keep two conflicts apart.
func (h Hunk) isClose() bool { return !h.oneSided && strings.Count(h.Mine, "\n") <= closeLines }

// splitLines cuts a text behind every line end.
func splitLines(text string) []string {
	if text == "" {
		return nil
	}
	lines := strings.SplitAfter(text, "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}
