package ui

import (
	"strings"
	"testing"

	"codex-design/generate"
)

// without re-opens the shop with a field taken out of it.
func without(t *testing.T, line string) *robot {
	t.Helper()
	r := saved(t, shopFile)
	r.press("c", "enter").sees("Done")
	r.m.goTo(stepIndex("fields"))
	r.m.find("services[0].entities[0].fields[" + line + "]")
	r.press("d")
	r.m.goTo(reviewStep)
	return r.press("c")
}

func TestBreakingOthersTakesAYes(t *testing.T) {
	r := without(t, "1").sees("? catalog: product.price is gone").sees("Press enter to say yes or no")
	r.press("enter").sees("Break those who rely on it?").press("esc").seesNot("stands in")
	r.press("enter", "y").sees("Press enter to write").press("enter").sees("Done")
	if got := read(t, r, "architecture/openapi/catalog.yaml"); !strings.Contains(got, `version: "2.0.0"`) {
		t.Errorf("the version of the API is not 2.0.0:\n%s", got[:200])
	}
}

func TestAYesIsToTheseAnswersOnly(t *testing.T) {
	r := without(t, "1").press("enter", "y").sees("Press enter to write")
	r.m.goTo(0)
	r.press("ctrl+u", "bazaar")
	r.m.goTo(commitStep)
	r.press("tab", "shift+tab").sees("? catalog: product.price is gone")
}

func TestTheReleaseBeforeIsAskedFor(t *testing.T) {
	r := without(t, "1").press("enter", "y", "enter").sees("Done")
	r.m.goTo(commitStep)
	r.press("tab", "shift+tab", "r").sees("Does the release before still run?").sees("catalog: Drop the column products.price")
	r.press("y").sees("? catalog: this loses the values of products.price").press("enter").sees("Lose stored data?")
	r.press("y").sees("Press enter to write").press("enter").sees("Done")
	if got := read(t, r, "services/catalog/migrations/003_drop_products_price.sql"); !strings.Contains(got, "-- Loses: the values of products.price") {
		t.Errorf("the migration does not record the loss:\n%s", got)
	}
	r.m.goTo(commitStep)
	r.press("tab", "shift+tab", "r").sees("nothing that only the release before needs")
}

func TestObstaclesAreWhatNoYesDoesAwayWith(t *testing.T) {
	plan := generate.Plan{Blocked: []string{"a: b; say yes", "c"}, Asks: []generate.Ask{{Kind: generate.AskBreaking, Text: "a: b"}}}
	if got := obstacles(plan); len(got) != 1 || got[0] != "c" {
		t.Error(got)
	}
}
