package components

import "codex-design/ui/theme"

// Row is one line of a list.
type Row struct {
	Text   string
	Detail string // at the right, muted
	Mark   string // at the left: "✗", "▲" or nothing
	Bad    bool   // the mark needs mending
	Header bool   // names the group below
	Indent int
	Edit   string // a text input drawn in place of the row
}

// List draws the rows around the cursor into exactly height lines; it asks only
// for the rows that it draws.
func List(count int, row func(int) Row, scroll *Scroll, width, height int, focused bool, t *theme.Theme) []string {
	from, to := scroll.Window(count, height)
	var lines []string
	for i := from; i < to; i++ {
		lines = append(lines, rowView(row(i), width, focused && i == scroll.Cursor, t))
	}
	return Block(lines, height)
}

func rowView(row Row, width int, current bool, t *theme.Theme) string {
	lead := "  "
	if current {
		lead = t.Accent.Render("▌") + " "
	}
	inner := width - 4
	mark := "  "
	if row.Mark != "" {
		style := t.Warn
		if row.Bad {
			style = t.Bad
		}
		mark = style.Render(row.Mark) + " "
	}
	indent := Fit("", row.Indent)
	if row.Edit != "" {
		return lead + mark + indent + Cut(row.Edit, inner-row.Indent)
	}
	style, detail := t.Text, row.Detail
	switch {
	case current:
		style = t.Selected
	case row.Header:
		style = t.Title
	}
	room := inner - row.Indent
	if detail != "" {
		detail = Cut(detail, room/2)
		room -= StringWidth(detail) + 1
	}
	line := style.Render(Fit(row.Text, room))
	if detail != "" {
		line += " " + t.Muted.Render(detail)
	}
	return lead + mark + indent + line
}
