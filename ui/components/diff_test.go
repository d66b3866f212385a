package components

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/muesli/termenv"

	"codex-design/ui/theme"
)

var plainTheme = theme.New(theme.Plain, termenv.Ascii)

func compared(before, after string, width int, split bool, t *theme.Theme) string {
	return strings.Join(Compare([]Part{{Old: before, New: after}}, width, split, t).Lines, "\n")
}

func TestWordsThatDifferAreMarkedWithoutColours(t *testing.T) {
	got := compared("a\nprice: decimal(12,2) required\nz\n", "a\nprice: decimal(14,4) required\nz\n", 60, false, plainTheme)
	want := strings.Join([]string{
		"1   a",
		"2 - price: decimal(12,2) required",
		"                   ^^ ^",
		"2 + price: decimal(14,4) required",
		"                   ^^ ^",
		"3   z",
	}, "\n")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestWordsThatDifferAreUnderlinedInColour(t *testing.T) {
	got := compared("price: 12\n", "price: 14\n", 60, false, theme.New(theme.Dark, termenv.ANSI256))
	for _, want := range []string{"\x1b[4m\x1b[1;38;5;210;48;5;52m12\x1b[0m", "\x1b[4m\x1b[1;38;5;114;48;5;22m14\x1b[0m"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in %q", want, got)
		}
	}
	if strings.Contains(got, "^") {
		t.Error("there is a line of marks beside the colours")
	}
}

func TestSideBySide(t *testing.T) {
	got := compared("a\nprice: 12\ngone\n", "a\nprice: 14\nnew one\nz\n", 43, true, plainTheme)
	want := strings.Join([]string{
		"1   a                │ 1   a",
		"2 - price: 12        │ 2 + price: 14",
		"           ^^        │            ^^",
		"3 - gone             │ 3 + new one",
		"                     │ 4 + z",
	}, "\n")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestWhatIsTheSameIsFolded(t *testing.T) {
	before := strings.Repeat("same\n", 20)
	got := compared(before+"old\n"+before, before+"new\n"+before, 40, false, plainTheme)
	if strings.Count(got, "⋯ 17 lines as they are") != 2 || strings.Count(got, "same") != 6 {
		t.Errorf("got\n%s", got)
	}
	if got := compared("a\n", "a\n", 40, false, plainTheme); got != "No change." {
		t.Errorf("got %q", got)
	}
}

func TestCounterpartsAreFoundBesideNewLines(t *testing.T) {
	page := compared("    price: Decimal = Field(max_digits=12)\n", "    # exact\n    price: Decimal = Field(max_digits=14)\n", 100, false, plainTheme)
	if !strings.Contains(page, "^^") || strings.Count(page, "^^") != 2 {
		t.Errorf("got\n%s", page)
	}
}

func TestConflictsShowBothSides(t *testing.T) {
	parts := []Part{
		{Old: "a\n", New: "a\n"},
		{Old: "mine\n", New: "theirs\n", Conflict: &Conflict{Title: "conflict 1 of 2: open", Open: true, Old: Pick{Title: "yours"}, New: Pick{Title: "generated"}}},
		{Old: "b\nc\n", New: "b\nC\n"},
		{New: "added\n", Conflict: &Conflict{Title: "conflict 2 of 2: generated", Old: Pick{Title: "yours", Lost: true}, New: Pick{Title: "generated", Taken: true}}},
	}
	page := Compare(parts, 40, false, plainTheme)
	got := strings.Join(page.Lines, "\n")
	for _, want := range []string{"! conflict 1 of 2: open ────", "2 < mine", "2 > theirs", "✓ conflict 2 of 2", "✓ generated\n5 > added", "  (nothing)"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	if want := []Stop{{1, 6, 0}, {7, 9, -1}, {9, 14, 1}}; fmt.Sprint(page.Stops) != fmt.Sprint(want) {
		t.Errorf("stops %v, want %v\n%s", page.Stops, want, got)
	}
	if wide := strings.Join(Compare(parts, 60, true, plainTheme).Lines, "\n"); !strings.Contains(wide, "2 < mine                     │ 2 > theirs") {
		t.Errorf("got\n%s", wide)
	}
}

// TestAnyTwoTextsCompare holds of any two texts, in any width: no line is too
// wide, and the page holds what both say.
func TestAnyTwoTextsCompare(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	alphabet := []rune("ab ,(漢é👩‍👩‍👧\t\x1b")
	text := func() string {
		var out strings.Builder
		for range random.IntN(12) {
			for range random.IntN(30) {
				out.WriteRune(alphabet[random.IntN(len(alphabet))])
			}
			out.WriteByte('\n')
		}
		return out.String()
	}
	for range 600 {
		before, after, split := text(), text(), random.IntN(2) == 0
		width := 24 + random.IntN(80)
		if split {
			width += 24
		}
		page := Compare([]Part{{Old: before, New: before}, {Old: before, New: after}, {Old: after, New: before, Conflict: &Conflict{Title: "x"}}}, width, split, plainTheme)
		if page.Wide > width {
			t.Fatalf("%d wide in %d, %q and %q:\n%s", page.Wide, width, before, after, strings.Join(page.Lines, "\n"))
		}
		for i, stop := range page.Stops {
			if stop.From >= stop.To || stop.To > len(page.Lines) || i > 0 && stop.From < page.Stops[i-1].To {
				t.Fatalf("stops %v of %d lines", page.Stops, len(page.Lines))
			}
		}
		if !split {
			said := strings.Join(page.Lines, "")
			for _, line := range strings.Split(Clean(after), "\n") {
				if first, _, _ := strings.Cut(ansi.Truncate(line, 6, ""), "\n"); !strings.Contains(said, first) {
					t.Fatalf("%q is not in\n%s", first, said)
				}
			}
		}
	}
}
