package ui

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"codex-design/generate"
	"codex-design/model"
	"codex-design/ui/components"
	"codex-design/ui/layout"
)

// headLines is the height of what stands above the panes.
const headLines = 2

// View implements tea.Model: exactly as many lines as the window has, none wider.
func (m *Model) View() string {
	if m.width <= 0 || m.height <= 0 {
		return ""
	}
	screen := m.screen()
	if screen.TooSmall {
		return m.tooSmall()
	}
	lines := []string{m.headLine(), m.theme.Faint.Render(strings.Repeat("─", m.width))}
	if m.dialog != nil {
		lines = append(lines, m.dialogView(m.width, m.height-4)...)
	} else {
		lines = append(lines, m.body(screen)...)
	}
	lines = append(lines, m.noticeLine(), m.hints(m.width))
	for i, line := range lines {
		lines[i] = components.Cut(line, m.width)
	}
	return strings.Join(lines, "\n")
}

func (m *Model) tooSmall() string {
	text := fmt.Sprintf("codex-design needs a window of %dx%d; this one is %dx%d. Make it larger, or press q to leave.",
		layout.MinWidth, layout.MinHeight, m.width, m.height)
	if m.dialog != nil {
		text = m.dialog.title() + " " + strings.Join(m.dialog.view(m.width, m.height), " ")
	}
	lines := components.Block(components.Wrap(text, m.width), m.height)
	for i, line := range lines {
		lines[i] = components.Cut(line, m.width)
	}
	return strings.Join(lines, "\n")
}

// headLine says where the user is and how the answers stand.
func (m *Model) headLine() string {
	t := m.theme
	left := " " + t.Accent.Render("◆ codex-design")
	if name := m.design.answers.Name; name != "" && m.step != startStep {
		left += t.Muted.Render("  ") + t.Title.Render(components.Clean(name))
	}
	if current, ok := m.current(); ok {
		left += t.Muted.Render(fmt.Sprintf("  %s %d/%d", current.title, m.step+1, len(steps)))
	}
	room := m.width - components.StringWidth(left) - 2
	parts := m.standing()
	for len(parts) > 1 && components.StringWidth(strings.Join(parts, " · ")) > room {
		parts = parts[:len(parts)-1]
	}
	return components.Sides(left, strings.Join(parts, t.Muted.Render(" · "))+" ", m.width)
}

// standing is whether the answers are in order and kept, the more important first.
func (m *Model) standing() []string {
	t := m.theme
	if m.step == startStep || m.step >= doneStep {
		return []string{t.Muted.Render(m.options.Version)}
	}
	var parts []string
	if plan, ok := m.planNow(); ok && plan.open > 0 {
		parts = append(parts, t.Bad.Render("! "+isOpen(plan.open)))
	}
	if n := m.visibleProblems(); n > 0 {
		parts = append(parts, t.Bad.Render(fmt.Sprintf("✗ %d to mend", n)))
	} else if system := m.works.done.system; system != nil && len(system.Findings) > 0 {
		parts = append(parts, t.Warn.Render("▲ "+counted(len(system.Findings), "finding", "findings")))
	}
	switch {
	case !m.past.dirty():
	case m.options.Drafts != nil && m.drafts.saved == m.work():
		parts = append(parts, t.Muted.Render("draft kept"))
	default:
		parts = append(parts, t.Muted.Render("not committed"))
	}
	return parts
}

// visibleProblems counts the problems of steps that were left once: what has not
// been asked yet is no problem.
func (m *Model) visibleProblems() int {
	count := 0
	for _, p := range m.works.done.problems {
		if m.seen[owner(p.Path)] {
			count++
		}
	}
	return count
}

func (m *Model) noticeLine() string {
	switch {
	case m.notice.text == "":
		return ""
	case m.notice.bad:
		return " " + m.theme.Bad.Render("✗ "+components.Clean(m.notice.text))
	}
	return " " + m.theme.Muted.Render(components.Clean(m.notice.text))
}

// body puts the panes side by side.
func (m *Model) body(screen layout.Screen) []string {
	height := m.height - 4
	var columns []column
	if r := screen.Rail; r.Shown() {
		columns = append(columns, column{r, m.railView(r)})
	}
	if r := screen.Form; r.Shown() {
		columns = append(columns, column{r, m.page().view(r.Width, r.Height, m.focus == layout.Form && m.dialog == nil)})
	}
	switch tree, file := screen.Tree, screen.File; {
	case tree.Shown() && file.Shown() && tree.X == file.X:
		stacked := append(m.treeView(tree), m.fileView(file)...)
		columns = append(columns, column{layout.Rect{X: tree.X, Width: tree.Width, Height: height}, stacked})
	default:
		if tree.Shown() {
			columns = append(columns, column{tree, m.treeView(tree)})
		}
		if file.Shown() {
			columns = append(columns, column{file, m.fileView(file)})
		}
	}
	return m.join(columns, height)
}

type column struct {
	rect  layout.Rect
	lines []string
}

func (m *Model) join(columns []column, height int) []string {
	line := m.theme.Faint.Render("│")
	out := make([]string, height)
	for y := range out {
		var row strings.Builder
		for i, c := range columns {
			if i > 0 {
				row.WriteString(line)
			}
			text := ""
			if y < len(c.lines) {
				text = c.lines[y]
			}
			if i < len(columns)-1 {
				text = components.Fit(text, c.rect.Width)
			}
			row.WriteString(text)
		}
		out[y] = row.String()
	}
	return out
}

// pageHead is a page's title and what it asks, with a free line below.
func (m *Model) pageHead(title, help string, width int) []string {
	lines := []string{"", "  " + m.theme.Title.Render(components.Cut(components.Clean(title), width-2))}
	if m.height < 20 {
		lines = lines[1:]
	}
	for _, line := range components.Wrap(help, width-3) {
		lines = append(lines, "  "+m.theme.Muted.Render(line))
	}
	if m.height >= 20 {
		lines = append(lines, "")
	}
	return lines
}

// railView lists the steps, each with its state and what it holds.
func (m *Model) railView(r layout.Rect) []string {
	t := m.theme
	wrong := map[int]bool{}
	for _, p := range m.works.done.problems {
		wrong[owner(p.Path)] = true
	}
	var lines []string
	if m.height >= 20 {
		lines = append(lines, "")
	}
	for i, s := range steps {
		mark, style := t.Faint.Render("·"), t.Muted
		switch {
		case m.seen[i] && wrong[i]:
			mark, style = t.Bad.Render("✗"), t.Text
		case m.seen[i] && s.asks():
			mark, style = t.Good.Render("✓"), t.Text
		}
		lead := " "
		if i == m.step {
			lead, style = t.Accent.Render("›"), t.Accent
		}
		if m.focus == layout.Rail && i == m.rail {
			lead, style = t.Accent.Render("▌"), t.Selected
		}
		count := ""
		if s.count != nil {
			if n := s.count(&m.design.answers); n > 0 {
				count = fmt.Sprint(n)
			}
		}
		room := min(r.Width, 30) - 5
		lines = append(lines, lead+mark+" "+style.Render(components.Fit(s.title, room-len(count)))+t.Muted.Render(count))
	}
	if m.focus != layout.Rail && r.Height > len(lines)+2 {
		lines = append(lines, "", " "+t.Faint.Render("ctrl+g go to any step"))
	}
	return m.railWindow(lines, r.Height)
}

// railWindow keeps the step under the cursor in sight in low windows.
func (m *Model) railWindow(lines []string, height int) []string {
	scroll := components.Scroll{Cursor: m.rail + len(lines) - len(steps)}
	if m.focus != layout.Rail {
		scroll.Cursor = max(0, min(m.step, len(steps)-1))
	}
	from, to := scroll.Window(len(lines), height)
	return components.Block(lines[from:to], height)
}

// paneTitle is the first line of a preview pane.
func (m *Model) paneTitle(title, right string, width int, focused bool) string {
	t := m.theme
	style, lead := t.Muted, " "
	if focused {
		style, lead = t.Accent, t.Accent.Render("›")
	}
	right = components.Cut(right, max(0, width-components.StringWidth(title)-4))
	return components.Sides(lead+style.Render(title), t.Muted.Render(right)+" ", width)
}

func (m *Model) treeView(r layout.Rect) []string {
	t, focused := m.theme, m.focus == layout.Tree
	title := "Files"
	if m.preview.tree.Grouped() {
		title = "Changes"
	}
	lines := []string{m.paneTitle(title, m.planLine(r.Width-len(title)-4), r.Width, focused)}
	switch {
	case m.preview.filtering:
		lines = append(lines, " "+t.Accent.Render("/")+components.InputView(&m.preview.filter, "part of a path", r.Width-2, t))
	case m.preview.tree.Filtered() != "":
		lines = append(lines, " "+t.Accent.Render("/"+m.preview.tree.Filtered())+t.Muted.Render("  / to change"))
	}
	if m.preview.tree.Len() == 0 {
		return components.Block(append(lines, m.emptyTree(r.Width)...), r.Height)
	}
	if current := m.works.done; len(current.problems) > 0 {
		lines = append(lines, " "+t.Warn.Render(components.Cut("as before; waits for "+counted(len(current.problems), "answer", "answers"), r.Width-2)))
	}
	return append(lines, m.preview.tree.View(r.Width, r.Height-len(lines), focused, t)...)
}

// emptyTree says what is missing before there can be files.
func (m *Model) emptyTree(width int) []string {
	t := m.theme
	lines := []string{""}
	say := func(text string) {
		for _, line := range components.Wrap(text, width-4) {
			lines = append(lines, "  "+t.Muted.Render(line))
		}
	}
	done := m.works.done
	switch {
	case done.err != nil:
		say(done.err.Error())
	case len(done.problems) > 0:
		say("The system appears here when its answers are complete. Still to do:")
		for _, p := range done.problems[:min(len(done.problems), 6)] {
			say("· " + m.told(p))
		}
	default:
		say("…")
	}
	return lines
}

// told is a problem in words.
func (m *Model) told(p model.Problem) string { return m.named(p.Path) + sentence(p.Message, p.Hint) }

var pathIndex = regexp.MustCompile(`(?:services|entities|fields)\[(\d+)\]`)

// named is the thing that an answer belongs to, as the user calls it, before a text about it.
func (m *Model) named(path string) string {
	numbers := pathIndex.FindAllStringSubmatch(path, 3)
	if !strings.HasPrefix(path, "services[") || len(numbers) == 0 {
		return ""
	}
	var name []string
	at := top
	kinds := []*items{&serviceItems, &entityItems, &fieldItems}
	for level, number := range numbers {
		n, _ := strconv.Atoi(number[1])
		if n >= kinds[level].count(&m.design.answers, at) {
			return ""
		}
		*kinds[level].index(&at) = n
		name = append(name, kinds[level].name(&m.design.answers, at))
	}
	return strings.Join(name, ".") + ": "
}

func (m *Model) fileView(r layout.Rect) []string {
	p := &m.preview
	path := p.tree.File()
	if path == "" {
		return components.Block(nil, r.Height)
	}
	lines := m.fileHead(path, r)
	if p.page == nil || p.shown.path != path {
		return components.Block(append(lines, "", "  "+m.theme.Muted.Render("…")), r.Height)
	}
	p.y = max(0, min(p.y, len(p.page.Lines)-1))
	stop, marked := m.stop()
	for i, line := range p.page.View(p.x, p.y, r.Width-2, r.Height-len(lines)) {
		edge := " "
		if at := p.y + i; marked && at >= stop.From && at < stop.To {
			edge = m.theme.Accent.Render("▌")
		}
		lines = append(lines, edge+line)
	}
	return components.Block(lines, r.Height)
}

// fileRoom is how many lines of the file are shown.
func (m *Model) fileRoom() int {
	r := m.screen().File
	return r.Height - len(m.fileHead(m.preview.tree.File(), r))
}

// fileHead is what stands above a file: its name, what becomes of it and why.
func (m *Model) fileHead(path string, r layout.Rect) []string {
	p := &m.preview
	right := m.whereInFile(path, r)
	name := components.CutLeft(path, max(8, r.Width-components.StringWidth(right)-4))
	if path == overviewPath {
		name = "What changes"
	}
	lines := []string{m.paneTitle(name, right, r.Width, m.focus == layout.File)}
	if r.Y > headLines {
		lines = []string{m.theme.Faint.Render(strings.Repeat("─", r.Width)), lines[0]}
	}
	if plan, ok := m.planNow(); ok {
		change, _ := plan.change(path)
		if change.Reason != "" {
			lines = append(lines, " "+m.theme.Warn.Render(components.Cut(string(change.State)+": "+change.Reason, r.Width-2)))
		}
		if notes := change.Artifact.Notes; len(notes) > 0 && change.State == generate.Create {
			lines = append(lines, " "+m.theme.Warn.Render(components.Cut("note: "+strings.Join(notes, "; "), r.Width-2)))
		}
	}
	if p.page != nil && p.shown.path == path && path != overviewPath {
		lines = append(lines, m.becauseLines(path, r)...)
	}
	return lines
}

// whereInFile says how the file is looked at, and which part of it.
func (m *Model) whereInFile(path string, r layout.Rect) string {
	p := &m.preview
	if path == overviewPath {
		return ""
	}
	right := string(*m.viewOf(path))
	switch {
	case p.page == nil:
	case len(p.page.Stops) > 0 && p.shown.view == components.Diff:
		right += fmt.Sprintf("  change %d of %d", p.stop+1, len(p.page.Stops))
	case len(p.page.Lines) > r.Height-2:
		right += fmt.Sprintf("  %d%%", min(100, 100*(p.y+r.Height-2)/len(p.page.Lines)))
	}
	return right
}

// dialogView draws the dialog as a box in the middle.
func (m *Model) dialogView(width, height int) []string {
	t := m.theme
	inner := min(width-8, 76)
	content := m.dialog.view(inner-2, height-4)
	edge := t.Faint.Render("│")
	pad := strings.Repeat(" ", (width-inner-4)/2)
	title := " " + m.dialog.title() + " "
	top := t.Faint.Render("╭─") + t.Title.Render(title) + t.Faint.Render(strings.Repeat("─", max(0, inner+1-components.StringWidth(title)))+"╮")
	box := []string{pad + top}
	for _, line := range content {
		box = append(box, pad+edge+"  "+components.Fit(line, inner-2)+"  "+edge)
	}
	box = append(box, pad+t.Faint.Render("╰"+strings.Repeat("─", inner+2)+"╯"))
	above := max(0, (height-len(box))/3)
	return components.Block(append(make([]string, above), box...), height)
}
