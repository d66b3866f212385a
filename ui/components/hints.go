package components

import (
	"github.com/charmbracelet/bubbles/key"

	"codex-design/ui/theme"
)

// Hints draws the keys that work here on one line, as many as fit, with the last
// one (help) always at the right.
func Hints(bindings []key.Binding, last key.Binding, width int, t *theme.Theme) string {
	right := hint(last, t)
	room := width - StringWidth(right) - 2
	line := ""
	for _, b := range bindings {
		next := hint(b, t)
		if line != "" {
			next = t.Faint.Render(" · ") + next
		}
		if StringWidth(line)+StringWidth(next) > room {
			break
		}
		line += next
	}
	return Sides(line, right, width)
}

func hint(b key.Binding, t *theme.Theme) string {
	return t.Accent.Render(b.Help().Key) + " " + t.Muted.Render(b.Help().Desc)
}
