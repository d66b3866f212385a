package components

import (
	"fmt"
	"path"
	"strings"

	"github.com/charmbracelet/glamour"
	glamouransi "github.com/charmbracelet/glamour/ansi"
	"github.com/charmbracelet/glamour/styles"
	"github.com/charmbracelet/x/ansi"
	"github.com/muesli/termenv"

	"codex-design/ui/theme"
)

// View names a way of looking at a file.
type View string

// The ways of looking at a file.
const (
	Rendered View = "rendered"
	Raw      View = "raw"
	Diff     View = "diff"
)

// Page is a file made ready to be looked at: lines without tabs or control
// characters other than colours.
type Page struct {
	Lines []string
	Wide  int    // cells of the widest line
	Stops []Stop // of a diff: the changes, in order
}

// Stop is a change in a diff.
type Stop struct {
	From, To int // its lines on the page, the last excluded
	Conflict int // its index among the conflicts of the file; -1: it is none
}

// NewPage measures lines.
func NewPage(lines []string) *Page {
	page := &Page{Lines: lines}
	for _, line := range lines {
		page.Wide = max(page.Wide, ansi.StringWidth(line))
	}
	return page
}

// View cuts the page to a window of exactly height lines.
func (p *Page) View(x, y, width, height int) []string {
	from := max(0, min(y, len(p.Lines)))
	lines := p.Lines[from:min(len(p.Lines), from+max(0, height))]
	out := make([]string, len(lines))
	for i, line := range lines {
		if x > 0 {
			line = ansi.Cut(line, x, x+width+1)
		}
		out[i] = Cut(line, width)
	}
	return Block(out, height)
}

// Highlight renders a file for reading: markdown as a document that is width
// cells wide, anything else as coloured code with line numbers.
func Highlight(name, content string, width int, t *theme.Theme, profile termenv.Profile) (*Page, error) {
	markdown := path.Ext(name) == ".md"
	source, wrap := Clean(content), max(20, width-1)
	if !markdown {
		fence := strings.Repeat("`", longestRun(source)+1)
		source, wrap = fence+language(name)+"\n"+strings.TrimSuffix(source, "\n")+"\n"+fence+"\n", 0
	}
	renderer, err := glamour.NewTermRenderer(
		glamour.WithStyles(markdownStyle(t.Name)), glamour.WithWordWrap(wrap),
		glamour.WithColorProfile(profile), glamour.WithChromaFormatter(formatter(profile)))
	if err != nil {
		return nil, err
	}
	out, err := renderer.Render(source)
	if err != nil {
		return nil, err
	}
	lines := strings.Split(strings.Trim(out, "\n"), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	if !markdown {
		lines = numbered(lines, t)
	}
	return NewPage(lines), nil
}

// Plain is a file as it is, with line numbers.
func Plain(content string, t *theme.Theme) *Page {
	return NewPage(numbered(strings.Split(strings.TrimSuffix(Clean(content), "\n"), "\n"), t))
}

func numbered(lines []string, t *theme.Theme) []string {
	digits := len(fmt.Sprint(len(lines)))
	out := make([]string, len(lines))
	for i, line := range lines {
		out[i] = t.Faint.Render(fmt.Sprintf("%*d ", digits, i+1)) + line
	}
	return out
}

// longestRun is the length of the longest run of backticks, at least two, so
// that a fence longer by one is a fence and is not closed by the content.
func longestRun(text string) int {
	longest, run := 2, 0
	for _, r := range text {
		if r != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

// language is what the highlighter calls a file's language.
func language(name string) string {
	base := path.Base(name)
	byName := map[string]string{"Makefile": "makefile", "Dockerfile": "docker"}
	if known, ok := byName[base]; ok {
		return known
	}
	byEnding := map[string]string{
		".py": "python", ".yaml": "yaml", ".yml": "yaml", ".sql": "sql", ".toml": "toml", ".json": "json", ".sh": "bash",
	}
	return byEnding[path.Ext(base)]
}

// markdownStyle is glamour's style without its margins. The highlighter registers
// a style's own code colours once per process under one name, so the code colours
// are named instead: they then follow the theme.
func markdownStyle(name string) glamouransi.StyleConfig {
	style, code, accent, quiet := styles.DarkStyleConfig, "monokai", "80", "222"
	switch name {
	case theme.Plain:
		style, code = styles.NoTTYStyleConfig, ""
	case theme.Light:
		style, code, accent, quiet = styles.LightStyleConfig, "github", "30", "94"
	}
	if name != theme.Plain {
		style.Heading.Color, style.H1.Color = &accent, &accent
		style.H1.BackgroundColor, style.H1.Prefix, style.H1.Suffix = nil, "", ""
		style.Code.Color, style.Code.BackgroundColor = &quiet, nil
		style.Code.Prefix, style.Code.Suffix = "", ""
	}
	none := uint(0)
	style.Document.Margin = &none
	style.Document.BlockPrefix, style.Document.BlockSuffix = "", ""
	style.CodeBlock.Margin = &none
	style.CodeBlock.Chroma = nil
	style.CodeBlock.Theme = code
	return style
}

func formatter(profile termenv.Profile) string {
	switch profile {
	case termenv.TrueColor:
		return "terminal16m"
	case termenv.ANSI256:
		return "terminal256"
	case termenv.ANSI:
		return "terminal16"
	}
	return "noop"
}
