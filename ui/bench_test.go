package ui

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

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
	m.Update(tea.WindowSizeMsg{Width: 200, Height: 60})
	background(m.Init(), results)
	m.goTo(stepIndex("fields"))
	keys := []string{"down", "down", "enter", " ", "u", "n", "i", "q", "u", "e", "enter", "down", "pgdown", "tab", "down", "tab", "tab", "K", "J", "u"}
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
