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
			r := conflicted(t).sees("!1").sees("you edited lines that the design changes too").sees(">>>>>>> generated")
			r.press("c").sees("1 conflict between your edit and the design").press("enter").seesNot("stands in")
			r.press("esc").at("review").press(key).sees("1 of 1 conflict decided")
			r.press(key).sees("Every conflict of this file is decided")
			r.press("c", "enter").sees("Done")
			if got := read(t, r, "README.md"); !strings.HasPrefix(got, want) || !strings.Contains(got, "| our catalog |") {
				t.Errorf("got %q", got[:80])
			}
		})
	}
}

func TestAChoiceCanBeForgotten(t *testing.T) {
	r := conflicted(t).press("M").sees("1 of 1 conflict decided").sees("&1").press("x").sees("0 of 1 conflict decided").sees("!1")
	r.press("G").sees("Bazaar").press("c").sees("Press enter to write")
}

func TestOtherFilesHaveNoConflictKeys(t *testing.T) {
	r := conflicted(t)
	r.m.preview.tree.Reveal("Makefile")
	r.press("tab").seesNot("m mine")
}
