package ui

import (
	"strings"
	"testing"

	"github.com/spf13/afero"
)

// conflicted re-opens a design in whose README one edit collides with a change of
// the answers and another does not.
func conflicted(t *testing.T) *robot {
	t.Helper()
	r := saved(t, shopFile)
	r.press("c", "enter").sees("Done")
	readme := read(t, r, "README.md")
	edited := strings.Replace(readme, "# Shop", "# Our shop", 1)
	edited = strings.Replace(edited, "\n| catalog |", "\n| our catalog |", 1)
	if err := afero.WriteFile(r.target, "README.md", []byte(edited), 0o644); err != nil {
		t.Fatal(err)
	}
	r.m.goTo(0)
	r.press("ctrl+u", "bazaar")
	r.m.goTo(reviewStep)
	r.m.preview.tree.Reveal("README.md")
	return r.press("tab", "shift+tab")
}

func read(t *testing.T, r *robot, path string) string {
	t.Helper()
	content, err := afero.ReadFile(r.target, path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestConflictsAreDecidedInTheReview(t *testing.T) {
	for key, want := range map[string]string{"m": "# Our shop\n", "g": "# Bazaar\n", "b": "<<<<<<< yours\n# Our shop\n=======\n# Bazaar\n>>>>>>> generated\n"} {
		t.Run(key, func(t *testing.T) {
			r := conflicted(t).sees("!1").sees("you edited lines that the design changes too").sees("conflict 1 of 1: open")
			r.press("c").at("review").sees("1 conflict is open in 1 file: choose m (mine)").press("ctrl+n").at("review")
			r.press(key).sees("1 of 1 conflict decided here; no conflict is left").seesNot("is open")
			r.press("c", "enter").sees("Done")
			if got := read(t, r, "README.md"); !strings.HasPrefix(got, want) || !strings.Contains(got, "| our catalog |") {
				t.Errorf("got %q", got[:80])
			}
		})
	}
}

func TestAChoiceCanBeForgotten(t *testing.T) {
	r := conflicted(t).press("M").sees("yours stays").sees("✓ 1").press("X").sees("0 of 1 conflict decided").sees("!1")
	r.press("G").sees("the generated lines are taken").press("u").sees("conflict 1 of 1: open").press("U").sees("the generated lines are taken")
	r.press("c").sees("Press enter to write")
}

func TestOtherFilesHaveNoConflictKeys(t *testing.T) {
	r := conflicted(t)
	r.m.preview.tree.Reveal("Makefile")
	r.press("tab").seesNot("m mine").sees("o open conflict")
	r.press("o").sees("▌! conflict 1 of 1: open")
}

const schemas = "services/catalog/src/catalog_service/gen/product/schemas.py"

// tweaked re-opens a design in whose code two lines were edited that a tweak of a
// field changes too, and one that it does not.
func tweaked(t *testing.T) *robot {
	t.Helper()
	r := saved(t, shopFile)
	r.press("c", "enter").sees("Done")
	edited := strings.NewReplacer(
		"ProductPrice = Annotated[Decimal, DecimalText(12, 2)]", "ProductPrice = Annotated[Decimal, DecimalText(12, 2)]  # cents",
		"    price: Annotated[Decimal, DecimalText(12, 2)]", "    price: Annotated[Decimal, DecimalText(10, 2)]",
		"    updated_at: Timestamp", "    updated_at: Timestamp  # ours",
	).Replace(read(t, r, schemas))
	if err := afero.WriteFile(r.target, schemas, []byte(edited), 0o644); err != nil {
		t.Fatal(err)
	}
	r.m.goTo(stepIndex("fields"))
	r.m.find("services[0].entities[0].fields[1]")
	r.press("enter", "ctrl+u", "price: decimal(14,4) required", "enter")
	r.m.goTo(reviewStep)
	return r.press("tab", "shift+tab")
}

func TestEachConflictIsChosenByItself(t *testing.T) {
	r := tweaked(t).sees("! 2 conflicts are open").press("o").sees("▌! conflict 1 of 2: open").sees("! conflict 2 of 2: open")
	r.press("m").sees("✓ conflict 1 of 2: yours stays").sees("▌! conflict 2 of 2: open").sees("! 1 conflict is open")
	r.press("g").sees("✓ conflict 2 of 2: the generated lines are taken").seesNot("is open")
	r.press("[", "b").sees("± conflict 1 of 2: both, between markers").press("u").sees("✓ conflict 1 of 2: yours stays")
	r.press("u", "u").sees("! 2 conflicts are open").press("U", "U").seesNot("is open")
	r.press("c", "enter").sees("Done")
	got := read(t, r, schemas)
	for _, want := range []string{"DecimalText(12, 2)]  # cents\n", "    price: Annotated[Decimal, DecimalText(14, 4)]\n", "  # ours\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
}

// TestAChoiceDoesNotFallToAnotherConflict changes the answers after a choice: what
// is then disputed was never decided.
func TestAChoiceDoesNotFallToAnotherConflict(t *testing.T) {
	r := tweaked(t).press("o", "G").seesNot("is open")
	r.m.goTo(stepIndex("fields"))
	r.m.find("services[0].entities[0].fields[1]")
	r.press("enter", "ctrl+u", "price: decimal(16,6) required", "enter")
	r.m.goTo(reviewStep)
	r.press("tab", "shift+tab").sees("! 2 conflicts are open")
	r.press("ctrl+z")
	r.m.goTo(reviewStep)
	r.press("tab", "shift+tab").seesNot("is open")
}

func TestADraftKeepsTheChoices(t *testing.T) {
	r := tweaked(t).press("o", "m")
	options := r.m.options
	again := start(t, options).press("enter")
	again.m.goTo(reviewStep)
	again.press("tab", "shift+tab").sees("! 1 conflict is open").press("o").sees("✓ conflict 1 of 2: yours stays")
}

func TestUndoShowsTheChoiceThatItTakesBack(t *testing.T) {
	r := tweaked(t).press("o", "G").seesNot("is open")
	r.m.goTo(stepIndex("fields"))
	r.press("ctrl+z").at("review").sees("2 conflicts are open").press("ctrl+z").at("fields").seesNot("decimal(14,4)")
}

func TestWhatIsNoTextIsChosenAsAWhole(t *testing.T) {
	r := conflicted(t)
	if err := afero.WriteFile(r.target, "README.md", []byte("\x00mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	r.m.goTo(0)
	r.press("ctrl+u", "market")
	r.m.goTo(reviewStep)
	r.press("o").sees("conflict 1 of 1: open").sees("5 bytes that are no text")
	r.press("b").sees("it cannot hold markers").sees("1 conflict is open").press("m").sees("yours stays").press("c", "enter").sees("Done")
	if got := read(t, r, "README.md"); got != "\x00mine" {
		t.Errorf("got %q", got)
	}
}

// TestNothingIsChosenUnseen presses a choice in a window that shows only the list.
func TestNothingIsChosenUnseen(t *testing.T) {
	r := tweaked(t)
	r.Resize(70, 20)
	r.m.preview.tree.Reveal(schemas)
	r.press("m").sees("2 conflicts are open").sees("▌! conflict 1 of 2: open").sees("press it again")
	r.press("m").sees("1 conflict is open").press("esc", "home", "o").sees("▌! conflict 2 of 2: open")
}

func TestChangesAreGroupedByWhatBecomesOfThem(t *testing.T) {
	r := tweaked(t).sees("What changes").sees("! Conflicts 1").sees("+ New migrations 4").sees("~ Updated").sees("▸ = Unchanged")
	r.sees("services.catalog.entities.product.fields.price:").sees("decimal(12,2) required → decimal(14,4)")
	r.sees("002_make_room_for_products_").sees("catalog: API 1.0.0 becomes 1.1.0").sees("used by order")
	r.press("s").sees("▸ services/").press("s").sees("! Conflicts 1")
}

func TestAFileSaysWhichAnswerChangesIt(t *testing.T) {
	r := tweaked(t)
	r.m.goTo(0)
	r.m.find("description")
	r.press("Online shop")
	r.m.goTo(reviewStep)
	r.m.preview.tree.Reveal("README.md")
	r.press("tab", "shift+tab").sees("because description: Online shop (new)").seesNot("fields.price:")
	r.m.preview.tree.Reveal(schemas)
	r.press("tab", "shift+tab").sees("because catalog.product.price:").seesNot("because description")
	r.m.preview.tree.Reveal("architecture/blueprint.yaml")
	r.press("tab", "shift+tab").sees("and 1 answer more")
}

func TestChangesAreGoneThrough(t *testing.T) {
	r := tweaked(t)
	r.m.preview.tree.Reveal("architecture/openapi/catalog.yaml")
	r.press("tab").sees("change 1 of").sees("▌").press("[").sees("first change").press("]").sees("change 2 of")
	r.press("end", "]").press("z").sees("│").press("w", "w").sees("side by side").press("w")
}

func TestDiffsAreSideBySideWhereThereIsRoom(t *testing.T) {
	r := tweaked(t)
	r.m.preview.tree.Reveal(schemas)
	beside := "DecimalText(10, 2)]"
	line := func() string {
		for _, line := range strings.Split(r.Screen(), "\n") {
			if strings.Contains(line, beside) {
				return line
			}
		}
		t.Fatalf("no conflict on the screen:\n%s", r.Screen())
		return ""
	}
	r.press("tab")
	if strings.Contains(line(), "DecimalText(14, 4)]") {
		t.Errorf("side by side in a narrow pane: %s", line())
	}
	r.press("z")
	if !strings.Contains(line(), "DecimalText(14, 4)]") {
		t.Errorf("not side by side in the whole window: %s", line())
	}
}
