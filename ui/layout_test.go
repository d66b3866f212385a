package ui

import (
	"fmt"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"
)

// fits checks that a frame has exactly the window's lines and none is too wide.
func fits(t testing.TB, frame string, width, height int, about string) {
	t.Helper()
	lines := strings.Split(frame, "\n")
	if len(lines) != height {
		t.Fatalf("%s: %d lines in a window of %d\n%s", about, len(lines), height, ansi.Strip(frame))
	}
	for i, line := range lines {
		if got := ansi.StringWidth(line); got > width {
			t.Fatalf("%s: line %d is %d cells wide in a window of %d: %q", about, i, got, width, ansi.Strip(line))
		}
	}
}

var sizes = [][2]int{
	{60, 16}, {79, 24}, {80, 24}, {81, 24}, {100, 30}, {119, 30}, {120, 40}, {200, 60}, {400, 120}, {70, 100}, {300, 16}, {80, 24}, {59, 16}, {60, 15}, {20, 5}, {1, 1},
}

// scenes are the pages and what can lie over them.
var scenes = map[string]func(t *testing.T) *robot{
	"start":     func(t *testing.T) *robot { return start(t, testOptions(t)) },
	"open file": func(t *testing.T) *robot { return start(t, testOptions(t)).press("down", "enter", "nothing", "enter") },
	"help":      func(t *testing.T) *robot { return saved(t, shopFile).press("?") },
	"leave":     func(t *testing.T) *robot { return start(t, testOptions(t)).press("enter", "shop", "ctrl+c") },
	"problems": func(t *testing.T) *robot {
		return start(t, testOptions(t)).press("enter", "Wrong Name", "ctrl+n", "ctrl+g", "!")
	},
	"rail":           func(t *testing.T) *robot { return saved(t, shopFile).press("ctrl+g") },
	"filter":         func(t *testing.T) *robot { return saved(t, shopFile).press("/", "catalog") },
	"file":           func(t *testing.T) *robot { return saved(t, shopFile).press("tab", "right", "right", "down") },
	"diff":           func(t *testing.T) *robot { return saved(t, shopFile).press("v", "v") },
	"changes":        func(t *testing.T) *robot { return tweaked(t) },
	"conflict":       func(t *testing.T) *robot { return tweaked(t).press("o", "m") },
	"side by side":   func(t *testing.T) *robot { return tweaked(t).press("o", "z", "w", "w") },
	"open conflicts": func(t *testing.T) *robot { return tweaked(t).press("c") },
	"commit":         func(t *testing.T) *robot { return saved(t, shopFile).press("c") },
	"done":           func(t *testing.T) *robot { return saved(t, shopFile).press("c", "enter") },
	"verify":         func(t *testing.T) *robot { return saved(t, shopFile).press("c", "enter", "v") },
	"wrong field": func(t *testing.T) *robot {
		r := saved(t, shopFile)
		r.m.goTo(stepIndex("fields"))
		return r.press("down", "enter", "ctrl+u", "a line that is wrong in every way: strin(0) requird", "enter")
	},
	"field form": func(t *testing.T) *robot {
		r := saved(t, shopFile)
		r.m.goTo(stepIndex("fields"))
		return r.press("down", "f", "down", "down")
	},
	"service form": func(t *testing.T) *robot {
		r := saved(t, shopFile)
		r.m.goTo(stepIndex("services"))
		return r.press("down", "enter", "down", "down", "down")
	},
}

func TestEveryPageFitsEveryWindow(t *testing.T) {
	for _, s := range steps {
		scenes["step "+s.id] = func(t *testing.T) *robot {
			r := saved(t, shopFile)
			r.m.goTo(stepIndex(s.id))
			return r
		}
	}
	for name, scene := range scenes {
		t.Run(name, func(t *testing.T) {
			r := scene(t)
			for _, size := range sizes {
				r.Send(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
				fits(t, r.m.View(), size[0], size[1], fmt.Sprintf("%s in %dx%d", name, size[0], size[1]))
				r.press("tab")
				fits(t, r.m.View(), size[0], size[1], fmt.Sprintf("%s after tab in %dx%d", name, size[0], size[1]))
			}
		})
	}
}

func TestLongAndWideAnswersFit(t *testing.T) {
	text := strings.Replace(shopFile, "name: shop", "name: shop\ndescription: 注文と在庫 "+strings.Repeat("很长的说明", 20)+"e\u0301", 1)
	r := saved(t, text)
	for at := range steps {
		r.m.goTo(at)
		for _, size := range sizes {
			r.Send(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
			fits(t, r.m.View(), size[0], size[1], fmt.Sprint(steps[at].id, size))
		}
	}
}

func TestCursorOfALongChoiceStaysInSight(t *testing.T) {
	r := saved(t, shopFile)
	r.m.goTo(stepIndex("fields"))
	r.Resize(60, 16)
	r.press("down", "f", "down", "down").sees("› (•) string")
	for _, kind := range []string{"text", "int", "bigint", "decimal", "float", "bool", "date", "timestamp", "uuid", "json", "enum", "email", "url", "ref"} {
		r.press("down").sees("› ( ) " + kind)
	}
	r.press("up").sees("› ( ) url")
}

func TestSmallWindowSaysSo(t *testing.T) {
	r := saved(t, shopFile)
	r.Send(tea.WindowSizeMsg{Width: 59, Height: 16})
	r.sees("needs a window of 60x16").sees("59x16")
	if r.press("q"); !r.Quit {
		t.Fatal("q does not leave")
	}
}

func TestPlainThemeHasNoEscapes(t *testing.T) {
	for _, environment := range []map[string]string{{"NO_COLOR": "1", "TERM": "xterm-256color"}, {"TERM": "dumb"}} {
		options := testOptions(t)
		options.Getenv = func(name string) string { return environment[name] }
		r := start(t, options).shop()
		for at := range steps {
			r.m.goTo(at)
			r.Send(nil)
			if frame := r.m.View(); strings.Contains(frame, "\x1b[") {
				t.Fatalf("%v: step %s has an escape: %q", environment, steps[at].id, frame)
			}
		}
	}
}

func TestTextCursorIsSeenWithoutColours(t *testing.T) {
	options := testOptions(t)
	options.NoColor = true
	start(t, options).press("enter", "shop").sees("shop|")
}
