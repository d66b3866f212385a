package ui

import (
	"codex-design/generate"
	"codex-design/model"
)

// snapshot is the answers at one moment and the step on which they were changed,
// or what was chosen for the conflicts at that moment.
type snapshot struct {
	answers model.Answers
	step    int
	choices *generate.Choices // nil for the answers
}

// history is the answers before and after: undo and redo.
type history struct {
	before, after []snapshot
	mark          string // of the last edit
	unsaved       bool
}

// Snapshots kept, for small and for large designs: a snapshot of a thousand
// services is about a hundred times the size of one of ten.
const (
	mostSnapshots  = 200
	fewSnapshots   = 20
	largeAtService = 50
)

// starts tells whether an edit with that mark begins a new step of undo.
func (h *history) starts(mark string) bool {
	return mark == "" || mark != h.mark || len(h.before) == 0
}

// push records the answers before an edit. What was undone can no longer be redone.
func (h *history) push(before snapshot, mark string) {
	h.before = append(h.before, before)
	limit := mostSnapshots
	if len(before.answers.Services) >= largeAtService {
		limit = fewSnapshots
	}
	if extra := len(h.before) - limit; extra > 0 {
		h.before = append([]snapshot(nil), h.before[extra:]...)
	}
	h.after = nil
	h.mark = mark
	h.unsaved = true
}

func (h *history) undo(now snapshot) (snapshot, bool) {
	return h.swap(&h.before, &h.after, now)
}

func (h *history) redo(now snapshot) (snapshot, bool) {
	return h.swap(&h.after, &h.before, now)
}

func (h *history) swap(from, to *[]snapshot, now snapshot) (snapshot, bool) {
	h.mark = ""
	last := len(*from) - 1
	if last < 0 {
		return snapshot{}, false
	}
	back := (*from)[last]
	*from = (*from)[:last]
	if now.step = back.step; back.choices == nil {
		now.choices = nil
	}
	*to = append(*to, now)
	h.unsaved = true
	return back, true
}

// dirty tells whether anything was changed since the last save.
func (h *history) dirty() bool { return h.unsaved }
