package components

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff/lcs"
	"github.com/charmbracelet/lipgloss"

	"codex-design/ui/theme"
)

// Part is a stretch of a file in two versions. The parts of a file follow each
// other without a gap.
type Part struct {
	Old, New string
	Conflict *Conflict // where somebody has to choose between the two; else nil
}

// Conflict is how a choice stands.
type Conflict struct {
	Title string // conflict 1 of 3: open
	Open  bool
	Old   Pick
	New   Pick
}

// Pick is one side of a choice.
type Pick struct {
	Title string // what the side is, and the key that takes it
	Taken bool
	Lost  bool // the other side alone was taken
}

// context is how many lines around a change are shown.
const context = 3

// diff is a file in two versions as lines, each with its counterpart.
type diff struct {
	rows   []diffRow
	digits int // of the line numbers
}

// diffRow is a line of both versions, of one of them, or a line about them.
type diffRow struct {
	old, new *diffLine
	title    string    // a line about what follows
	dispute  *Conflict // that the row belongs to
	first    bool      // of a run of changes, or of a conflict
}

// diffLine is a line of one version. Of a line that has a counterpart, words are
// the parts that differ.
type diffLine struct {
	number int
	text   string
	words  []run
}

// run is a part of a line.
type run struct {
	text    string
	changed bool
}

func (r diffRow) same() bool {
	return r.old != nil && r.new != nil && r.dispute == nil && r.old.text == r.new.text
}

// newDiff compares part by part.
func newDiff(parts []Part) diff {
	var d diff
	oldAt, newAt := 1, 1
	for _, part := range parts {
		before, after := lines(part.Old), lines(part.New)
		if part.Conflict != nil {
			d.dispute(before, after, oldAt, newAt, part.Conflict)
		} else {
			d.compare(before, after, oldAt, newAt)
		}
		oldAt, newAt = oldAt+len(before), newAt+len(after)
	}
	d.digits = len(fmt.Sprint(max(oldAt, newAt)))
	return d
}

func lines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(Clean(text), "\n"), "\n")
}

func (d *diff) compare(before, after []string, oldAt, newAt int) {
	at, next := 0, 0
	same := func(upto int) {
		for ; at < upto; at, next = at+1, next+1 {
			d.rows = append(d.rows, diffRow{
				old: &diffLine{number: oldAt + at, text: before[at]}, new: &diffLine{number: newAt + next, text: after[next]},
			})
		}
	}
	for _, edit := range lcs.DiffLines(before, after) {
		same(edit.Start)
		rows := pairs(before[edit.Start:edit.End], after[edit.ReplStart:edit.ReplEnd], oldAt+edit.Start, newAt+edit.ReplStart)
		rows[0].first = true
		d.rows = append(d.rows, rows...)
		at, next = edit.End, edit.ReplEnd
	}
	same(len(before))
}

func (d *diff) dispute(before, after []string, oldAt, newAt int, conflict *Conflict) {
	d.rows = append(d.rows, diffRow{title: conflict.Title, dispute: conflict, first: true})
	for _, row := range pairs(before, after, oldAt, newAt) {
		row.dispute = conflict
		d.rows = append(d.rows, row)
	}
}

// pairs puts the lines of a change beside each other: those that are alike as
// counterparts, the others alone.
func pairs(before, after []string, oldAt, newAt int) []diffRow {
	var rows []diffRow
	oldLine := func(i int) *diffLine { return &diffLine{number: oldAt + i, text: before[i]} }
	newLine := func(j int) *diffLine { return &diffLine{number: newAt + j, text: after[j]} }
	i, j := 0, 0
	for _, match := range counterparts(before, after) {
		for ; i < match[0]; i++ {
			rows = append(rows, diffRow{old: oldLine(i)})
		}
		for ; j < match[1]; j++ {
			rows = append(rows, diffRow{new: newLine(j)})
		}
		row := diffRow{old: oldLine(i), new: newLine(j)}
		row.old.words, row.new.words = compareWords(before[i], after[j])
		rows = append(rows, row)
		i, j = i+1, j+1
	}
	for ; i < len(before); i++ {
		rows = append(rows, diffRow{old: oldLine(i)})
	}
	for ; j < len(after); j++ {
		rows = append(rows, diffRow{new: newLine(j)})
	}
	return rows
}

// The bounds within which counterparts are looked for: a larger change, or a
// longer line, is read as a whole.
const (
	mostPaired  = 40  // lines of each side
	longestLine = 400 // bytes
	alike       = 0.5 // share of two lines that must be the same
)

// counterparts finds the lines of two runs that are versions of each other: of
// all ways that keep their order the one in which most is alike.
func counterparts(before, after []string) [][2]int {
	if len(before) == 0 || len(after) == 0 || len(before) > mostPaired || len(after) > mostPaired {
		return nil
	}
	best := make([][]float64, len(before)+1)
	for i := range best {
		best[i] = make([]float64, len(after)+1)
	}
	likeness := make([][]float64, len(before))
	for i := len(before) - 1; i >= 0; i-- {
		likeness[i] = make([]float64, len(after))
		for j := len(after) - 1; j >= 0; j-- {
			best[i][j] = max(best[i+1][j], best[i][j+1])
			if likeness[i][j] = likenessOf(before[i], after[j]); likeness[i][j] >= alike {
				best[i][j] = max(best[i][j], best[i+1][j+1]+likeness[i][j])
			}
		}
	}
	var matches [][2]int
	for i, j := 0, 0; i < len(before) && j < len(after); {
		switch {
		case likeness[i][j] >= alike && best[i][j] == best[i+1][j+1]+likeness[i][j]:
			matches = append(matches, [2]int{i, j})
			i, j = i+1, j+1
		case best[i][j] == best[i+1][j]:
			i++
		default:
			j++
		}
	}
	return matches
}

// likenessOf is how much of two lines is the same, from 0 to 1, blanks aside.
func likenessOf(before, after string) float64 {
	if len(before) > longestLine || len(after) > longestLine {
		return 0
	}
	old, new := words(before), words(after)
	total := weight(old) + weight(new)
	if total == 0 {
		return 0
	}
	changed := 0
	for _, edit := range lcs.DiffLines(old, new) {
		changed += weight(old[edit.Start:edit.End]) + weight(new[edit.ReplStart:edit.ReplEnd])
	}
	return 1 - float64(changed)/float64(total)
}

func weight(words []string) int {
	sum := 0
	for _, word := range words {
		if strings.TrimSpace(word) != "" {
			sum += len(word)
		}
	}
	return sum
}

// words cuts a line into names, numbers, runs of blanks and single other characters.
func words(line string) []string {
	kind := func(r rune) int {
		switch {
		case r == ' ':
			return 1
		case r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r > 0x7f:
			return 2
		}
		return 0
	}
	var list []string
	last := 0
	for _, r := range line {
		if now := kind(r); now != 0 && now == last {
			list[len(list)-1] += string(r)
		} else {
			list, last = append(list, string(r)), now
		}
	}
	return list
}

// compareWords marks what differs between two lines. Blanks between two changed
// words are changed too: one run reads better than two.
func compareWords(before, after string) (old, new []run) {
	a, b := words(before), words(after)
	at, next := 0, 0
	for _, edit := range lcs.DiffLines(a, b) {
		old, new = addRun(old, a[at:edit.Start], false), addRun(new, b[next:edit.ReplStart], false)
		old, new = addRun(old, a[edit.Start:edit.End], true), addRun(new, b[edit.ReplStart:edit.ReplEnd], true)
		at, next = edit.End, edit.ReplEnd
	}
	return joinRuns(addRun(old, a[at:], false)), joinRuns(addRun(new, b[next:], false))
}

func addRun(runs []run, words []string, changed bool) []run {
	if len(words) == 0 {
		return runs
	}
	return append(runs, run{strings.Join(words, ""), changed})
}

func joinRuns(runs []run) []run {
	var joined []run
	for i, r := range runs {
		if r.text == " " && i > 0 && i+1 < len(runs) && runs[i-1].changed && runs[i+1].changed {
			r.changed = true
		}
		if last := len(joined) - 1; last >= 0 && joined[last].changed == r.changed {
			joined[last].text += r.text
			continue
		}
		joined = append(joined, r)
	}
	return joined
}

// folded leaves out what is the same and far from any change; a title says how much.
func (d diff) folded() []diffRow {
	shown := make([]bool, len(d.rows))
	for i, row := range d.rows {
		if !row.same() {
			for j := max(0, i-context); j < min(len(shown), i+context+1); j++ {
				shown[j] = true
			}
		}
	}
	var out []diffRow
	for i := 0; i < len(d.rows); {
		end := i
		for end < len(d.rows) && !shown[end] {
			end++
		}
		switch left := end - i; {
		case left == 0:
			out, end = append(out, d.rows[i]), i+1
		case left == 1:
			out = append(out, d.rows[i])
		default:
			out = append(out, diffRow{title: fmt.Sprintf("⋯ %d lines as they are", left)})
		}
		i = end
	}
	return out
}

// Compare shows the differences between two versions of a file in width cells: in
// one column, or side by side where split says so. What differs within a line is
// underlined and coloured, or marked on a line below where there are neither.
func Compare(parts []Part, width int, split bool, t *theme.Theme) *Page {
	d := newDiff(parts)
	rows := d.folded()
	if !slices.ContainsFunc(rows, func(row diffRow) bool { return !row.same() && (row.title == "" || row.dispute != nil) }) {
		return NewPage([]string{t.Muted.Render("No change.")})
	}
	p := diffPainter{theme: t, width: width, digits: d.digits}
	if split {
		p.sideBySide(rows)
	} else {
		p.unified(rows)
	}
	page := NewPage(p.lines)
	page.Stops = p.stops
	for i := range page.Stops {
		if page.Stops[i].To == 0 {
			page.Stops[i].To = len(p.lines)
		}
	}
	return page
}

// diffPainter draws the rows of a diff.
type diffPainter struct {
	theme         *theme.Theme
	width, digits int
	lines         []string
	stops         []Stop
	disputes      int
}

// begin notes that a change begins here, end that the last one ended before.
func (p *diffPainter) begin(row diffRow) {
	p.end()
	stop := Stop{From: len(p.lines), Conflict: -1}
	if row.dispute != nil {
		stop.Conflict = p.disputes
		p.disputes++
	}
	p.stops = append(p.stops, stop)
}

func (p *diffPainter) end() {
	if last := len(p.stops) - 1; last >= 0 && p.stops[last].To == 0 {
		p.stops[last].To = len(p.lines)
	}
}

// runOf is the number of rows, from the first on, that belong to one change.
func runOf(rows []diffRow) int {
	n := 1
	for n < len(rows) && !rows[n].first && !rows[n].same() && rows[n].title == "" && rows[n].dispute == rows[0].dispute {
		n++
	}
	return n
}

func (p *diffPainter) unified(rows []diffRow) {
	for i := 0; i < len(rows); {
		row := rows[i]
		if row.same() || row.title != "" && row.dispute == nil {
			p.end()
			p.calm(row)
			i++
			continue
		}
		n := runOf(rows[i:])
		p.begin(row)
		p.change(rows[i : i+n])
		i += n
	}
}

// calm draws a line that is the same in both versions, or a line about them.
func (p *diffPainter) calm(row diffRow) {
	if row.title != "" {
		p.lines = append(p.lines, p.theme.Faint.Render(Cut(row.title, p.width)))
		return
	}
	p.line(row.new, " ", side{plain: p.theme.Muted, word: p.theme.Muted}, p.width)
}

// change draws the rows of one change, the old lines before the new ones.
func (p *diffPainter) change(rows []diffRow) {
	old, new := p.sides(rows[0].dispute)
	if rows[0].title != "" {
		p.heading(rows[0])
		p.lines = append(p.lines, old.heading(p.theme, p.width))
		if !slices.ContainsFunc(rows, func(r diffRow) bool { return r.old != nil }) {
			p.lines = append(p.lines, p.nothing(p.width))
		}
	}
	for _, row := range rows {
		if row.old != nil {
			p.line(row.old, old.sign, old, p.width)
		}
	}
	if rows[0].title != "" {
		p.lines = append(p.lines, new.heading(p.theme, p.width))
		if !slices.ContainsFunc(rows, func(r diffRow) bool { return r.new != nil }) {
			p.lines = append(p.lines, p.nothing(p.width))
		}
	}
	for _, row := range rows {
		if row.new != nil {
			p.line(row.new, new.sign, new, p.width)
		}
	}
}

// heading is the line above a conflict.
func (p *diffPainter) heading(row diffRow) {
	mark, style := "✓ ", p.theme.Good
	switch {
	case row.dispute.Open:
		mark, style = "! ", p.theme.Bad
	case row.dispute.Old.Taken && row.dispute.New.Taken:
		mark, style = "± ", p.theme.Warn
	}
	title := Cut(mark+row.title+" ", p.width)
	p.lines = append(p.lines, style.Render(title)+p.theme.Faint.Render(strings.Repeat("─", max(0, p.width-StringWidth(title)))))
}

func (p *diffPainter) nothing(width int) string {
	return p.theme.Muted.Render(Cut(strings.Repeat(" ", p.digits)+"   (nothing)", width))
}

// side is how the lines of one version are drawn.
type side struct {
	sign        string
	plain, word lipgloss.Style
	pick        *Pick
}

func (s side) heading(t *theme.Theme, width int) string {
	mark, style := "  ", t.Text
	switch {
	case s.pick.Taken:
		mark, style = "✓ ", t.Good
	case s.pick.Lost:
		style = t.Muted
	}
	return style.Render(Cut(mark+s.pick.Title, width))
}

// sides are the looks of the two versions. In a conflict they have the signs of the
// markers that would stand there, and the side that was not taken is drawn quietly.
func (p *diffPainter) sides(conflict *Conflict) (old, new side) {
	t := p.theme
	old, new = side{sign: "-", plain: t.Bad, word: t.Gone}, side{sign: "+", plain: t.Good, word: t.Come}
	if conflict == nil {
		return old, new
	}
	old.sign, new.sign = "<", ">"
	old.pick, new.pick = &conflict.Old, &conflict.New
	for _, s := range []*side{&old, &new} {
		if s.pick.Lost {
			s.plain, s.word = t.Muted, t.Muted
		}
	}
	return old, new
}

// line draws a line, over as many lines of the page as it needs.
func (p *diffPainter) line(l *diffLine, sign string, s side, width int) {
	p.lines = append(p.lines, p.cells(l, sign, s, width)...)
}

// cells draws a line of a version into a column of that width.
func (p *diffPainter) cells(l *diffLine, sign string, s side, width int) []string {
	lead := fmt.Sprintf("%*d ", p.digits, l.number)
	words := l.words
	if words == nil {
		words = []run{{l.text, false}}
	}
	room := width - len(lead) - 2
	var out []string
	for i, row := range fold(words, room) {
		if i > 0 {
			lead = strings.Repeat(" ", len(lead))
		}
		line, below := p.theme.Faint.Render(lead)+s.plain.Render(sign+" "), ""
		for _, r := range row {
			drawn, mark := s.plain.Render(r.text), " "
			if r.changed {
				drawn, mark = p.theme.Underline(s.word, r.text), "^"
			}
			line += drawn
			below += strings.Repeat(mark, StringWidth(r.text))
		}
		out = append(out, line)
		if p.theme.Name == theme.Plain && strings.Contains(below, "^") {
			out = append(out, strings.Repeat(" ", len(lead)+2)+strings.TrimRight(below, " "))
		}
	}
	return out
}

// sideBySide draws the old version at the left and the new one at the right.
func (p *diffPainter) sideBySide(rows []diffRow) {
	column := (p.width - 3) / 2
	for i := 0; i < len(rows); {
		row := rows[i]
		switch {
		case row.title != "" && row.dispute == nil:
			p.end()
			p.calm(row)
			i++
		case row.same():
			p.end()
			quiet := side{plain: p.theme.Muted, word: p.theme.Muted}
			p.beside(p.cells(row.old, " ", quiet, column), p.cells(row.new, " ", quiet, column), column)
			i++
		default:
			n := runOf(rows[i:])
			p.begin(row)
			p.changeBeside(rows[i:i+n], column)
			i += n
		}
	}
}

func (p *diffPainter) changeBeside(rows []diffRow, column int) {
	old, new := p.sides(rows[0].dispute)
	if rows[0].title != "" {
		p.heading(rows[0])
		p.beside([]string{old.heading(p.theme, column)}, []string{new.heading(p.theme, column)}, column)
		rows = rows[1:]
	}
	for _, row := range abreast(rows) {
		var left, right []string
		if row.old != nil {
			left = p.cells(row.old, old.sign, old, column)
		}
		if row.new != nil {
			right = p.cells(row.new, new.sign, new, column)
		}
		p.beside(left, right, column)
	}
}

// abreast puts lines that go and have no counterpart beside those that come in
// their place.
func abreast(rows []diffRow) []diffRow {
	var out []diffRow
	for i := 0; i < len(rows); {
		if rows[i].old != nil && rows[i].new != nil {
			out = append(out, rows[i])
			i++
			continue
		}
		come := i
		for come < len(rows) && rows[come].new == nil {
			come++
		}
		end := come
		for end < len(rows) && rows[end].old == nil {
			end++
		}
		for n := range max(come-i, end-come) {
			var row diffRow
			if i+n < come {
				row.old = rows[i+n].old
			}
			if come+n < end {
				row.new = rows[come+n].new
			}
			out = append(out, row)
		}
		i = end
	}
	return out
}

// beside puts two columns side by side.
func (p *diffPainter) beside(left, right []string, column int) {
	for i := range max(len(left), len(right), 1) {
		l, r := "", ""
		if i < len(left) {
			l = left[i]
		}
		if i < len(right) {
			r = right[i]
		}
		p.lines = append(p.lines, strings.TrimRight(Fit(l, column)+" "+p.theme.Faint.Render("│")+" "+r, " "))
	}
}
