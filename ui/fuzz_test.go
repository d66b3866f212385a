package ui

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"codex-design/model"
	driver "codex-design/ui/robot"
)

// TestRandomKeysAndResizes presses anything in windows of any size. The seed is
// printed; CODEX_DESIGN_SEED repeats a run.
func TestRandomKeysAndResizes(t *testing.T) {
	seed := rand.Uint64()
	if text := os.Getenv("CODEX_DESIGN_SEED"); text != "" {
		seed, _ = strconv.ParseUint(text, 10, 64)
	}
	t.Logf("CODEX_DESIGN_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 2 {
		wander(t, random, start(t, testOptions(t)), 250)
		wander(t, random, saved(t, shopFile), 250)
	}
	review(t, random, tweaked(t), 250)
}

func wander(t *testing.T, random *rand.Rand, r *robot, count int) {
	names := make([]string, 0, len(driver.Keys))
	for name := range driver.Keys {
		names = append(names, name)
	}
	slices.Sort(names)
	letters := []rune("abcdefghijklmnopqrstuvwxyzJKGU/?!:[]()+-., 0123456789é漢\t")
	width, height := 120, 40
	pressed := []string{}
	defer func() {
		if problem := recover(); problem != nil {
			t.Fatalf("%v after %q", problem, pressed)
		}
	}()
	for range count {
		switch random.IntN(12) {
		case 0:
			width, height = 1+random.IntN(220), 1+random.IntN(70)
			pressed = append(pressed, fmt.Sprintf("%dx%d", width, height))
			r.Send(tea.WindowSizeMsg{Width: width, Height: height})
		case 1, 2, 3, 4, 5:
			name := names[random.IntN(len(names))]
			pressed = append(pressed, name)
			r.press(name)
		case 6:
			pressed = append(pressed, "paste")
			r.paste("title: string(20) required\nnote: text\n")
		default:
			letter := string(letters[random.IntN(len(letters))])
			pressed = append(pressed, letter)
			r.press(letter)
		}
		fits(t, r.m.View(), width, height, fmt.Sprint(pressed))
		r.Quit = false
	}
	serialisable(t, r.m.design.answers)
}

// review presses the keys of the review, in windows of any size.
func review(t *testing.T, random *rand.Rand, r *robot, count int) {
	keys := []string{"o", "m", "g", "b", "x", "M", "G", "B", "X", "]", "[", "z", "w", "v", "u", "U", "s", "n", "p", "tab", "up", "down",
		"enter", "pgup", "pgdown", "home", "end", "left", "right", "c", "esc", "/", "+", "-", "ctrl+z", "ctrl+y"}
	width, height := 120, 40
	pressed := []string{}
	defer func() {
		if problem := recover(); problem != nil {
			t.Fatalf("%v after %q", problem, pressed)
		}
	}()
	for range count {
		if random.IntN(8) == 0 {
			width, height = 50+random.IntN(200), 10+random.IntN(50)
			pressed = append(pressed, fmt.Sprintf("%dx%d", width, height))
			r.Send(tea.WindowSizeMsg{Width: width, Height: height})
		} else {
			key := keys[random.IntN(len(keys))]
			pressed = append(pressed, key)
			r.press(key)
		}
		if current, ok := r.m.current(); !ok || current.id != "review" && current.id != "commit" {
			r.m.goTo(reviewStep)
		}
		fits(t, r.m.View(), width, height, fmt.Sprint(pressed))
	}
}

// serialisable checks that answers can be kept whatever state they are in.
func serialisable(t *testing.T, a model.Answers) {
	t.Helper()
	data, err := json.Marshal(a)
	var back model.Answers
	if err == nil {
		err = json.Unmarshal(data, &back)
	}
	if err != nil || string(model.Format(back)) != string(model.Format(a)) {
		t.Fatalf("a draft does not hold the answers: %v", err)
	}
	if len(model.Check(a)) > 0 {
		return
	}
	document, problems := model.Read(model.Format(a))
	if len(problems) > 0 || string(model.Format(document.Answers)) != string(model.Format(a)) {
		t.Fatalf("the file of answers without problems cannot be read back: %v\n%s", problems, model.Format(a))
	}
}
