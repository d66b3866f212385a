package ui

import (
	"context"
	"sync"
	"testing"

	"github.com/spf13/afero"

	"codex-design/generate"
	"codex-design/model"
	"codex-design/templates"
	driver "codex-design/ui/robot"
)

var realTemplates = sync.OnceValues(func() (*generate.Templates, error) { return generate.LoadTemplates(templates.FS) })

// robot uses a wizard and knows what is inside.
type robot struct {
	*driver.Robot
	t      testing.TB
	m      *Model
	target afero.Fs
}

// testOptions writes into memory, whatever the system is called.
func testOptions(t testing.TB) Options {
	t.Helper()
	loaded, err := realTemplates()
	if err != nil {
		t.Fatal(err)
	}
	target := afero.NewMemMapFs()
	return Options{
		Place:     func(name, _ string) Place { return Place{Fs: target, Name: name} },
		Files:     afero.NewMemMapFs(),
		Drafts:    afero.NewMemMapFs(),
		Templates: loaded,
		Version:   "test",
		Verify:    scriptedVerifier,
		Theme:     "dark",
		Getenv:    func(name string) string { return map[string]string{"TERM": "xterm-256color"}[name] },
	}
}

func start(t testing.TB, options Options) *robot {
	t.Helper()
	m := New(context.Background(), options)
	m.rest = 0
	return &robot{Robot: driver.New(m, 120, 40), t: t, m: m, target: options.Place("", "").Fs}
}

func (r *robot) press(names ...string) *robot {
	r.Press(names...)
	return r
}

func (r *robot) paste(text string) *robot {
	r.Paste(text)
	return r
}

func (r *robot) sees(text string) *robot {
	r.t.Helper()
	if !r.Sees(text) {
		r.t.Fatalf("%q is not on the screen:\n%s", text, r.Screen())
	}
	return r
}

func (r *robot) seesNot(text string) *robot {
	r.t.Helper()
	if r.Sees(text) {
		r.t.Fatalf("%q is on the screen:\n%s", text, r.Screen())
	}
	return r
}

// at checks on which step the wizard is.
func (r *robot) at(id string) *robot {
	r.t.Helper()
	if current, _ := r.m.current(); current.id != id {
		r.t.Fatalf("on step %q, not %q:\n%s", current.id, id, r.Screen())
	}
	return r
}

// answers is the design as an answers file.
func (r *robot) answers() string { return string(model.Format(r.m.design.answers)) }

// shop answers everything for a small shop, starting from the start page, up to the review.
func (r *robot) shop() *robot {
	r.press("enter", "shop", "enter", "enter").at("architecture").press("enter").at("scale").press("ctrl+n").at("services")
	r.press("a", "catalog", "enter", "order", "enter", "enter", "ctrl+n").at("entities")
	r.press("a", "product", "enter", "enter", "down", "a", "order", "enter", "line", "enter", "enter", "ctrl+n").at("fields")
	r.press("a", "sku: string(32) required unique", "enter", "price: decimal(12,2) required", "enter", "enter")
	r.press("]", "a", "placed_at: timestamp required index", "enter", "enter")
	r.press("]", "a", "order: ref(order) required", "enter", "product: ref(catalog.product) required", "enter", "enter")
	r.press("ctrl+n").at("connections").press("ctrl+n").at("datastores").press("ctrl+n").at("security").press("ctrl+n").at("delivery").press("ctrl+n")
	return r.at("review")
}
