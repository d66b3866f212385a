package ui

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/spf13/afero"

	"codex-design/generate"
	"codex-design/model"
	driver "codex-design/ui/robot"
)

// large is a design of that many services, of three entities and eight fields each.
func large(services int) model.Answers {
	a := model.Defaults()
	a.Name = "large"
	for i := range services {
		s := model.Service{Name: fmt.Sprintf("service-%d", i), Cache: i%2 == 0}
		for _, noun := range []string{"parcel", "invoice", "message"} {
			e := model.Entity{Name: noun}
			for n := range 8 {
				field, err := model.ParseField(fmt.Sprintf("part_%d: string(%d) required", n, 20+n))
				if err != nil {
					panic(err)
				}
				e.Fields = append(e.Fields, field)
			}
			s.Entities = append(s.Entities, e)
		}
		a.Services = append(a.Services, s)
	}
	return a
}

// BenchmarkKeyToFrame types and moves through a design of 100 services, with the
// live preview on the screen and its work going on in the background, and reports
// the slowest of a hundred keys beside the mean.
func BenchmarkKeyToFrame(b *testing.B) {
	options := testOptions(b)
	answers := large(100)
	options.Answers = &answers
	m := New(context.Background(), options)
	results := make(chan tea.Msg, 1024)
	_, cmd := m.Update(tea.WindowSizeMsg{Width: 200, Height: 60})
	background(cmd, results)
	background(m.Init(), results)
	m.goTo(stepIndex("fields"))
	for range 1000 { // until there is something to look at
		if m.works.done.system != nil {
			break
		}
		settle(b, m, results)
	}
	if m.works.done.system == nil {
		b.Fatalf("nothing is shown: %v %v", m.works.done.problems, m.works.done.err)
	}
	press(b, m, results, "down", "down", "enter", " ", "u", "n", "i", "q", "u", "e", "enter", "down", "pgdown", "tab", "down", "tab", "tab", "K", "J", "u")
}

// press presses the keys one after the other, over and over, and reports how long
// they took to their frames.
func press(b *testing.B, m *Model, results chan tea.Msg, keys ...string) {
	b.Helper()
	var taken []time.Duration
	b.ResetTimer()
	for i := 0; b.Loop(); i++ {
		msg := tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(keys[i%len(keys)])}
		if code, ok := driver.Keys[keys[i%len(keys)]]; ok {
			msg = tea.KeyMsg{Type: code}
		}
		begin := time.Now()
		_, cmd := m.Update(msg)
		_ = m.View()
		taken = append(taken, time.Since(begin))
		background(cmd, results)
		settle(b, m, results)
	}
	slices.Sort(taken)
	b.ReportMetric(float64(taken[len(taken)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(taken[len(taken)/2].Microseconds())/1000, "p50-ms")
}

// BenchmarkReviewKeyToFrame goes through the review of the same design, re-opened
// with a field tweaked everywhere and an edit in each service that collides with it.
func BenchmarkReviewKeyToFrame(b *testing.B) {
	options := testOptions(b)
	answers := large(100)
	target := options.Place("", "").Fs
	design := generate.NewDesign(answers, model.Format(answers), nil)
	plan, err := generate.Prepare(target, design, options.Templates)
	if err == nil {
		err = generate.Commit(b.Context(), target, plan, nil)
	}
	if err != nil {
		b.Fatal(err)
	}
	for i := range answers.Services {
		path := fmt.Sprintf("services/service-%d/src/service_%d_service/gen/parcel/schemas.py", i, i)
		content, err := afero.ReadFile(target, path)
		edited := bytes.ReplaceAll(content, []byte("max_length=20"), []byte("max_length=19"))
		if err != nil || bytes.Equal(content, edited) {
			b.Fatalf("%s: %v", path, err)
		}
		if err := afero.WriteFile(target, path, edited, 0o644); err != nil {
			b.Fatal(err)
		}
		answers.Services[i].Entities[0].Fields[0].Type.Length = 40
	}
	options.Answers = &answers
	m := New(context.Background(), options)
	results := make(chan tea.Msg, 1024)
	_, cmd := m.Update(tea.WindowSizeMsg{Width: 200, Height: 60})
	background(cmd, results)
	background(m.Init(), results)
	m.goTo(reviewStep)
	for range 1000 {
		if m.works.plan.open > 0 {
			break
		}
		settle(b, m, results)
		_, cmd := m.Update(nil)
		background(cmd, results)
	}
	if m.works.plan.open == 0 {
		b.Fatalf("no conflict in %v: %v %v", m.works.plan.plan.Counts(), m.works.plan.err, m.works.done.problems)
	}
	press(b, m, results, "down", "down", "o", "m", "o", "u", "]", "[", "tab", "z", "]", "w", "z", "v", "v", "v", "tab", "pgdown", "s", "s", "home")
}

// settle takes the results that are there, as the program does between two keys.
func settle(b *testing.B, m *Model, results chan tea.Msg) {
	b.Helper()
	b.StopTimer()
	defer b.StartTimer()
	time.Sleep(5 * time.Millisecond)
	for {
		select {
		case msg := <-results:
			_, cmd := m.Update(msg)
			background(cmd, results)
		default:
			return
		}
	}
}

// background runs a command as the program does.
func background(cmd tea.Cmd, results chan tea.Msg) {
	if cmd == nil {
		return
	}
	go func() {
		switch msg := cmd().(type) {
		case nil:
		case tea.BatchMsg:
			for _, each := range msg {
				background(each, results)
			}
		default:
			results <- msg
		}
	}()
}

// BenchmarkFirstFrame makes the wizard and its first frame, for a new design.
func BenchmarkFirstFrame(b *testing.B) {
	options := testOptions(b)
	for b.Loop() {
		m := New(context.Background(), options)
		m.Update(tea.WindowSizeMsg{Width: 120, Height: 40})
		_ = m.View()
	}
}

// BenchmarkPageFromCache turns to a file that was looked at before.
func BenchmarkPageFromCache(b *testing.B) {
	r := saved(b, shopFile)
	r.m.preview.tree.Reveal("architecture/capacity.md")
	r.Send(nil)
	want := r.m.preview.asked
	for b.Loop() {
		r.m.filePage(want, true)()
	}
}

// BenchmarkPageFresh renders the same file each time.
func BenchmarkPageFresh(b *testing.B) {
	r := saved(b, shopFile)
	r.m.preview.tree.Reveal("architecture/capacity.md")
	r.Send(nil)
	want := r.m.preview.asked
	for b.Loop() {
		r.m.preview.cache = newPageCache(1)
		r.m.filePage(want, true)()
	}
}
