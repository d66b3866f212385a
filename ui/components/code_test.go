package components

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/muesli/termenv"

	"codex-design/ui/theme"
)

func highlighted(t *testing.T, name, content string, width int, th *theme.Theme, profile termenv.Profile) string {
	t.Helper()
	page, err := Highlight(name, content, width, th, profile)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(page.Lines, "\n")
}

func TestCodeIsShownWholeAndUnwrapped(t *testing.T) {
	long := "x = " + strings.Repeat("1 + ", 60) + "1"
	content := "def f():\n\treturn '```'\n````\n" + long + "\n"
	text := ansi.Strip(highlighted(t, "a.py", content, 40, theme.New(theme.Dark, termenv.ANSI256), termenv.ANSI256))
	for _, want := range []string{"1 def f():", "2     return '```'", "3 ````", "4 " + long} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if strings.Contains(text, "\t") {
		t.Error("a tab is left")
	}
}

func TestMarkdownFitsItsWidth(t *testing.T) {
	page, err := Highlight("a.md", "# Title\n\n"+strings.Repeat("word ", 100), 50, theme.New(theme.Light, termenv.ANSI256), termenv.ANSI256)
	if err != nil || page.Wide > 50 || len(page.Lines) < 10 {
		t.Fatalf("%v: %d lines, %d wide", err, len(page.Lines), page.Wide)
	}
}

func TestThemesDifferAndPlainHasNoColours(t *testing.T) {
	content := "select 1 -- one\n"
	dark := highlighted(t, "a.sql", content, 40, theme.New(theme.Dark, termenv.ANSI256), termenv.ANSI256)
	light := highlighted(t, "a.sql", content, 40, theme.New(theme.Light, termenv.ANSI256), termenv.ANSI256)
	if dark == light || !strings.Contains(dark, "\x1b[") {
		t.Error("the code colours do not follow the theme")
	}
	for name, text := range map[string]string{"a.sql": content, "a.md": "# T\n\n`code` and **bold** [link](http://x)\n\n```yaml\na: 1\n```\n"} {
		if plain := highlighted(t, name, text, 40, theme.New(theme.Plain, termenv.Ascii), termenv.Ascii); strings.Contains(plain, "\x1b") {
			t.Errorf("%s: %q", name, plain)
		}
	}
}

func TestControlCharactersCannotReachTheTerminal(t *testing.T) {
	if got := Clean("a\x1b[31mb\tc\rd\x9b"); strings.ContainsAny(got, "\x1b\t\r\u009b") {
		t.Fatalf("got %q", got)
	}
}

func TestTreeFoldsFiltersAndReveals(t *testing.T) {
	var tree Tree
	tree.SetEntries([]Entry{{Path: "a/b/c.py"}, {Path: "a/b/d.py"}, {Path: "a/e.md"}, {Path: "f"}})
	if len(tree.rows) != 2 {
		t.Fatalf("%d rows when folded", len(tree.rows))
	}
	tree.Reveal("a/b/d.py")
	if tree.File() != "a/b/d.py" || len(tree.rows) != 6 {
		t.Fatalf("on %q, %d rows", tree.File(), len(tree.rows))
	}
	tree.Fold()
	tree.Fold()
	if tree.selected() != "a/b" {
		t.Fatalf("on %q", tree.selected())
	}
	tree.Filter("emd")
	if tree.File() != "a/e.md" {
		t.Fatalf("the filter found %q", tree.File())
	}
	tree.Filter("nothing like it")
	if tree.File() != "" {
		t.Fatalf("the filter found %q", tree.File())
	}
	tree.Filter("")
	tree.FoldAll(true)
	if len(tree.rows) != 6 {
		t.Fatalf("%d rows when unfolded", len(tree.rows))
	}
}

func TestPathsKeepTheirNameAndWhoseTheyAre(t *testing.T) {
	path := "services/order/tests/gen/test_client_catalog.py"
	for width, want := range map[int]string{
		60: path, 46: "services/order/…/test_client_catalog.py", 33: "order/…/test_client_catalog.py",
		28: "orde…/test_client_catalog.py", 20: "…t_client_catalog.py", 0: "",
	} {
		if got := CutPath(path, width); got != want {
			t.Errorf("in %d cells %q, want %q", width, got, want)
		}
	}
	if got := CutPath("services/catalog/migrations/002_make_room.sql", 12); got != "…/002_make_…" {
		t.Errorf("got %q", got)
	}
	if got := CutPath("architecture/openapi/catalog.yaml", 25); got != "…ure/openapi/catalog.yaml" {
		t.Errorf("got %q", got)
	}
}
