// Command screens draws the main screens of the wizard as SVG pictures: it uses
// the wizard in memory, by keys, and writes what is then to be seen.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/afero"

	"codex-design/generate"
	"codex-design/templates"
	"codex-design/ui"
	"codex-design/ui/robot"
	"codex-design/verify"
)

// shot is one picture: the keys that lead to it, in a window of that size.
type shot struct {
	name          string
	theme         string
	width, height int
	keys          []string
}

// The first example of the start page is the shop.
var shop = []string{"down", "down", "enter"}

// to are the keys that lead to a step of the shop, by its number from 0.
func to(step int, keys ...string) []string {
	way := append([]string{}, shop...)
	for range step {
		way = append(way, "ctrl+n")
	}
	return append(way, keys...)
}

var shots = []shot{
	{"start", "dark", 100, 24, nil},
	{"scale", "dark", 120, 34, to(2)},
	{"services", "dark", 120, 34, to(3)},
	{"fields", "dark", 120, 34, to(5, "down", "down")},
	{"fields-light", "light", 120, 34, to(5, "down", "down")},
	{"field-form", "dark", 100, 30, to(5, "down", "f", "down", "down")},
	{"review", "dark", 120, 34, to(9, "/", "capacity.md", "enter")},
	{"commit", "dark", 100, 24, to(9, "c")},
	{"done", "dark", 100, 24, to(9, "c", "enter")},
	{"narrow", "dark", 60, 16, to(3)},
}

func main() {
	out := flag.String("o", "docs/screens", "directory for the pictures")
	flag.Parse()
	if err := draw(*out); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func draw(directory string) error {
	loaded, err := generate.LoadTemplates(templates.FS)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return err
	}
	for _, s := range shots {
		picture := svg(s.screen(loaded), s.width, s.height, s.theme)
		if err := os.WriteFile(filepath.Join(directory, s.name+".svg"), []byte(picture), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// nobody stands for the consumers, which no picture asks.
func nobody(context.Context, ui.Place, func(verify.Progress)) (verify.Report, error) {
	return verify.Report{}, verify.ErrNothing
}

// screen uses a wizard in memory and returns what it shows.
func (s shot) screen(loaded *generate.Templates) string {
	target := afero.NewMemMapFs()
	wizard := ui.New(context.Background(), ui.Options{
		Place:     func(name, _ string) ui.Place { return ui.Place{Fs: target, Name: name} },
		Files:     afero.NewMemMapFs(),
		Verify:    nobody,
		Templates: loaded,
		Theme:     s.theme,
		Getenv:    func(name string) string { return map[string]string{"TERM": "xterm-256color"}[name] },
	})
	user := robot.New(wizard, s.width, s.height)
	user.Press(s.keys...)
	return user.Program.View()
}
