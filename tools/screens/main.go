// Command screens draws the main screens of the wizard as SVG pictures: it uses
// the wizard in memory, by keys, and writes what is then to be seen.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/afero"

	"codex-design/generate"
	"codex-design/model"
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
	tweaked       bool // a generated shop that somebody edited, re-opened with a field changed
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
	{name: "start", theme: "dark", width: 100, height: 24},
	{name: "scale", theme: "dark", width: 120, height: 34, keys: to(2)},
	{name: "services", theme: "dark", width: 120, height: 34, keys: to(3)},
	{name: "fields", theme: "dark", width: 120, height: 34, keys: to(5, "down", "down")},
	{name: "fields-light", theme: "light", width: 120, height: 34, keys: to(5, "down", "down")},
	{name: "field-form", theme: "dark", width: 100, height: 30, keys: to(5, "down", "f", "down", "down")},
	{name: "review", theme: "dark", width: 120, height: 34, keys: to(9, "/", "capacity.md", "enter")},
	{name: "changes", theme: "dark", width: 120, height: 34, tweaked: true},
	{name: "conflict", theme: "dark", width: 120, height: 34, keys: []string{"o", "m"}, tweaked: true},
	{name: "side-by-side", theme: "light", width: 120, height: 24, keys: []string{"o", "z"}, tweaked: true},
	{name: "commit", theme: "dark", width: 100, height: 24, keys: to(9, "c")},
	{name: "done", theme: "dark", width: 100, height: 24, keys: to(9, "c", "enter")},
	{name: "narrow", theme: "dark", width: 60, height: 16, keys: to(3)},
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
		screen, err := s.screen(loaded)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		picture := svg(screen, s.width, s.height, s.theme)
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
func (s shot) screen(loaded *generate.Templates) (string, error) {
	target := afero.NewMemMapFs()
	options := ui.Options{
		Place:     func(name, _ string) ui.Place { return ui.Place{Fs: target, Name: name} },
		Files:     afero.NewMemMapFs(),
		Verify:    nobody,
		Templates: loaded,
		Theme:     s.theme,
		Getenv:    func(name string) string { return map[string]string{"TERM": "xterm-256color"}[name] },
	}
	if s.tweaked {
		if err := tweak(&options, target); err != nil {
			return "", err
		}
	}
	user := robot.New(ui.New(context.Background(), options), s.width, s.height)
	user.Press(s.keys...)
	return user.Program.View(), nil
}

// The code that somebody edited, in lines that a tweak of the price changes too.
const (
	editedFile = "services/catalog/src/catalog_service/gen/product/schemas.py"
	price      = "services.catalog.entities.product.fields.price"
)

var edits = strings.NewReplacer(
	"ProductPrice = Annotated[Decimal, DecimalText(12, 2, ge=\"0\")]", "ProductPrice = Annotated[Decimal, DecimalText(12, 2, ge=\"0.01\")]",
	"    price: Annotated[Decimal, DecimalText(12, 2)]", "    price: Annotated[Decimal, DecimalText(12, 2)]  # net",
)

// tweak generates the first example, edits it and re-opens it with a field changed.
func tweak(options *ui.Options, target afero.Fs) error {
	example := model.Examples()[0]
	plan, err := generate.Prepare(target, generate.NewDesign(example.Answers, example.Source, nil), options.Templates)
	if err == nil {
		err = generate.Commit(context.Background(), target, plan, nil)
	}
	if err != nil {
		return err
	}
	content, err := afero.ReadFile(target, editedFile)
	if err != nil {
		return err
	}
	edited := edits.Replace(string(content))
	if strings.Count(edited, "ge=\"0.01\"")*strings.Count(edited, "# net") != 1 {
		return fmt.Errorf("%s is not what it was when the edits of the pictures were written", editedFile)
	}
	if err := afero.WriteFile(target, editedFile, []byte(edited), 0o644); err != nil {
		return err
	}
	document, problems := model.Read(example.Source)
	if len(problems) > 0 {
		return fmt.Errorf("the example %s: %v", example.Name, problems)
	}
	answers := document.Answers.Clone()
	options.Document, options.Path, options.Source, options.Answers = document, generate.AnswersPath, example.Source, &answers
	return model.Set(&answers, price, "decimal(14,4) required min(0)")
}
