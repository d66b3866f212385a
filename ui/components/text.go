// Package components holds the widgets of the wizard. Each draws itself into a
// given number of cells and never wider.
package components

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Fit cuts a line to the width, with an ellipsis, and pads it to it.
func Fit(line string, width int) string {
	line = Cut(line, width)
	return line + strings.Repeat(" ", max(0, width-ansi.StringWidth(line)))
}

// Cut cuts a line to the width, with an ellipsis where something is lost.
func Cut(line string, width int) string {
	if width <= 0 {
		return ""
	}
	if ansi.StringWidth(line) <= width {
		return line
	}
	return ansi.Truncate(line, width, "…")
}

// CutLeft is Cut for a text whose end says more than its beginning, such as a path.
func CutLeft(line string, width int) string {
	over := ansi.StringWidth(line) - width
	if width <= 0 || over <= 0 {
		return Cut(line, width)
	}
	return ansi.TruncateLeft(line, over+1, "…")
}

// CutPath is CutLeft for a path. Of a file of a service it keeps the service and
// the name, as far as there is room: other services have a file of that name too.
func CutPath(path string, width int) string {
	parts := strings.Split(path, "/")
	if ansi.StringWidth(path) <= width || len(parts) < 4 || parts[0] != "services" {
		return CutLeft(path, width)
	}
	name := "…/" + parts[len(parts)-1]
	for _, head := range []string{"services/" + parts[1] + "/", parts[1] + "/"} {
		if short := head + name; ansi.StringWidth(short) <= width {
			return short
		}
	}
	if first := parts[len(parts)-1][:1]; first >= "0" && first <= "9" { // a number says most of a name
		return Cut(name, width)
	}
	if room := width - ansi.StringWidth(name); room >= 4 {
		return ansi.Truncate(parts[1], room, "") + name
	}
	return CutLeft(path, width)
}

// fold breaks the runs of a line where a row of width cells is full; there is
// always one row.
func fold(runs []run, width int) [][]run {
	rows, room := [][]run{nil}, max(1, width)
	left := room
	for _, r := range runs {
		for text := r.text; text != ""; {
			piece := ansi.Truncate(text, left, "")
			if piece == "" && left == room { // wider than a whole row
				break
			}
			if last := len(rows) - 1; piece != "" {
				rows[last] = append(rows[last], run{piece, r.changed})
			}
			left -= ansi.StringWidth(piece)
			if text = text[len(piece):]; text != "" {
				rows, left = append(rows, nil), room
			}
		}
	}
	return rows
}

// Wrap breaks a text into lines of at most width cells.
func Wrap(text string, width int) []string {
	if text == "" || width <= 0 {
		return nil
	}
	return strings.Split(ansi.Wrap(text, width, ""), "\n")
}

// Block cuts or fills lines to exactly height lines.
func Block(lines []string, height int) []string {
	if height <= 0 {
		return nil
	}
	out := make([]string, height)
	copy(out, lines)
	return out
}

// Sides puts a left and a right text on one line; the right one survives.
func Sides(left, right string, width int) string {
	gap := width - ansi.StringWidth(right)
	if gap <= 1 {
		return Fit(right, width)
	}
	return Fit(left, gap) + right
}

// Clean makes any text safe to draw on one screen: tabs become spaces and control
// characters, which could move the cursor, become visible.
func Clean(text string) string {
	if !strings.ContainsFunc(text, isControl) {
		return text
	}
	var out strings.Builder
	for _, r := range text {
		switch {
		case r == '\n':
			out.WriteRune(r)
		case r == '\t':
			out.WriteString("    ")
		case r == '\r':
		case isControl(r):
			out.WriteRune('␦')
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}

func isControl(r rune) bool { return r < 0x20 && r != '\n' || r >= 0x7f && r < 0xa0 }

// StringWidth is the width of a text in cells.
func StringWidth(text string) int { return ansi.StringWidth(text) }
