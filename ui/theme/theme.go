// Package theme holds the colours of the wizard and the styles made of them.
package theme

import (
	"io"
	"strconv"
	"strings"

	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"
)

// The names of the themes. Plain has no colour and no other attribute.
const (
	Dark  = "dark"
	Light = "light"
	Auto  = "auto"
	Plain = "plain"
)

// palette is the few colours that a theme is made of. ANSI 256 numbers: they
// look the same in every terminal that has them, and degrade well in those that do not.
type palette struct {
	text, muted, faint, accent, good, warn, bad, selected string
	goodGround, badGround                                 string
}

var palettes = map[string]palette{
	Dark:  {text: "252", muted: "245", faint: "239", accent: "80", good: "114", warn: "221", bad: "210", selected: "236", goodGround: "22", badGround: "52"},
	Light: {text: "236", muted: "242", faint: "250", accent: "30", good: "28", warn: "130", bad: "160", selected: "254", goodGround: "194", badGround: "224"},
}

// Theme is a palette's styles, all on a renderer of their own, so that programs
// and tests do not share global state.
type Theme struct {
	Name     string // dark, light or plain
	Text     lipgloss.Style
	Muted    lipgloss.Style // secondary text
	Faint    lipgloss.Style // lines and rules
	Accent   lipgloss.Style // where you are
	Title    lipgloss.Style
	Good     lipgloss.Style
	Warn     lipgloss.Style
	Bad      lipgloss.Style
	Come     lipgloss.Style // words that come in a change, beside Underline
	Gone     lipgloss.Style // words that go, likewise
	Selected lipgloss.Style // the row under the cursor
	Cursor   lipgloss.Style // the character under the text cursor
}

// New makes the theme of that name for a terminal of that colour profile.
func New(name string, profile termenv.Profile) *Theme {
	renderer := lipgloss.NewRenderer(io.Discard)
	renderer.SetHasDarkBackground(name != Light)
	p, ok := palettes[name]
	if !ok || profile == termenv.Ascii {
		renderer.SetColorProfile(termenv.Ascii)
		plain := renderer.NewStyle()
		return &Theme{
			Name: Plain, Text: plain, Muted: plain, Faint: plain, Accent: plain, Title: plain,
			Good: plain, Warn: plain, Bad: plain, Come: plain, Gone: plain, Selected: plain, Cursor: plain,
		}
	}
	renderer.SetColorProfile(profile)
	ink := func(code string) lipgloss.Style { return renderer.NewStyle().Foreground(lipgloss.Color(code)) }
	return &Theme{
		Name:     name,
		Text:     ink(p.text),
		Muted:    ink(p.muted),
		Faint:    ink(p.faint),
		Accent:   ink(p.accent),
		Title:    ink(p.text).Bold(true),
		Good:     ink(p.good),
		Warn:     ink(p.warn),
		Bad:      ink(p.bad),
		Come:     ink(p.good).Background(lipgloss.Color(p.goodGround)).Bold(true),
		Gone:     ink(p.bad).Background(lipgloss.Color(p.badGround)).Bold(true),
		Selected: ink(p.accent).Background(lipgloss.Color(p.selected)).Bold(true),
		Cursor:   ink(p.text).Reverse(true),
	}
}

// Underline draws a text in a style and underlined. lipgloss underlines character by
// character, which tears apart those that are made of several.
func (t *Theme) Underline(style lipgloss.Style, text string) string {
	if t.Name == Plain {
		return style.Render(text)
	}
	return "\x1b[4m" + style.Render(text) // ends with a reset of all
}

// Choose settles on dark, light or plain from what the user asked for and the
// environment. It asks the terminal nothing.
func Choose(asked string, noColor bool, getenv func(string) string) string {
	switch {
	case noColor || getenv("NO_COLOR") != "" || getenv("TERM") == "dumb":
		return Plain
	case asked == Dark || asked == Light:
		return asked
	case lightBackground(getenv("COLORFGBG")):
		return Light
	}
	return Dark
}

// lightBackground reads COLORFGBG, "foreground;background" as palette numbers:
// 7 and 9 to 15 are light backgrounds.
func lightBackground(value string) bool {
	parts := strings.Split(value, ";")
	background, err := strconv.Atoi(parts[len(parts)-1])
	return err == nil && (background == 7 || background > 8 && background < 16)
}

// Profile is how many colours the terminal has, by its environment.
func Profile(getenv func(string) string) termenv.Profile {
	term, depth := getenv("TERM"), getenv("COLORTERM")
	switch {
	case term == "dumb" || getenv("NO_COLOR") != "":
		return termenv.Ascii
	case depth == "truecolor" || depth == "24bit":
		return termenv.TrueColor
	case strings.Contains(term, "256color") || strings.Contains(term, "kitty") || strings.Contains(term, "alacritty"):
		return termenv.ANSI256
	}
	return termenv.ANSI
}
