package generate

import (
	"bytes"
	"fmt"
	"maps"
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
	All     Choice              // wherever Each says nothing
	Each    map[string][]Choice // by path, one for each conflict in order
	Restore bool                // generate again what was deleted
}

// With returns the choices with those of one file replaced.
func (c Choices) With(path string, choices []Choice) Choices {
	each := maps.Clone(c.Each)
	if each == nil {
		each = map[string][]Choice{}
	}
	each[path] = choices
	c.Each = each
	return c
}

// Of returns one choice for each conflict of a file.
func (c Choices) Of(path string, conflicts int) []Choice {
	choices := make([]Choice, conflicts)
	for i := range choices {
		choices[i] = c.All
		if each := c.Each[path]; i < len(each) && each[i] != Undecided {
			choices[i] = each[i]
		}
	}
	return choices
}

// of is Of for what became of a file. Markers need lines: what is no text stays undecided.
func (c Choices) of(path string, merged Merged) []Choice {
	choices := c.Of(path, merged.Conflicts())
	for i := range choices {
		if choices[i] == Markers && !merged.isText() {
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

func undecided(conflicts int, text bool) string {
	if !text {
		return "you and the design changed it, and it is no text: choose in the review of the wizard, or for all with --on-conflict keep or new"
	}
	return conflictCount(conflicts) + " between your edit and the design: choose in the review of the wizard, " +
		"or for all with --on-conflict keep, new or markers"
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
	return Merged{{Mine: string(mine), New: string(fresh)}}
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
		m.changed(mine)
	case !byMine:
		m.changed(fresh)
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
		m.hunks = append(m.hunks, Hunk{Mine: text, New: text})
	}
}

// changed adds what one side alone made of some lines.
func (m *merger) changed(lines []string) {
	text := strings.Join(lines, "")
	m.hunks = append(m.hunks, Hunk{Mine: text, New: text, oneSided: true})
}

// dispute adds what the sides disagree on, without the lines that they share.
func (m *merger) dispute(mine, fresh []string) {
	at := 0
	for _, edit := range lcs.DiffLines(mine, fresh) {
		m.agree(mine[at:edit.Start])
		m.hunks = append(m.hunks, Hunk{
			Mine: strings.Join(mine[edit.Start:edit.End], ""), New: strings.Join(fresh[edit.ReplStart:edit.ReplEnd], ""),
		})
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
	return Hunk{h.Mine + next.Mine, h.New + next.New, h.oneSided || next.oneSided}
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
