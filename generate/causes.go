package generate

import (
	"bytes"
	"context"
	"slices"

	"codex-design/model"
)

// Causes says which changed answers a file of a plan differs by.
type Causes struct {
	Changes []model.AnswerChange // all that differ from those that the tree was generated from
	Each    map[string][]model.AnswerChange
	// Release are the files that the same answers would give another content now:
	// the templates are others.
	Release map[string]bool
}

// mostCauses is the number of changed answers up to which each is tried by itself.
const mostCauses = 40

// FindCauses finds the causes by generating again: an answer is a cause of a file
// if the file would come out differently without the answer's change. Where the
// old answers are not on record there are none. It writes nothing.
func (p Plan) FindCauses(ctx context.Context, answers model.Answers, templates *Templates) (Causes, error) {
	causes := Causes{Each: map[string][]model.AnswerChange{}, Release: map[string]bool{}}
	document, problems := model.Read(p.Was)
	if p.Was == nil || len(problems) > 0 {
		return causes, nil
	}
	causes.Changes = model.CompareAnswers(document.Answers, answers)
	search := causeSearch{plan: p, answers: answers, templates: templates, now: p.rendered()}
	if len(causes.Changes) <= mostCauses {
		if err := search.each(ctx, causes); err != nil {
			return Causes{}, err
		}
	}
	return causes, search.rest(document.Answers, causes)
}

// causeSearch tries other answers on the files that a plan changes.
type causeSearch struct {
	plan      Plan
	answers   model.Answers
	templates *Templates
	now       map[string][]byte // what the files come out as
}

// rendered is what the files that differ from those recorded come out as, nil for
// one that is no longer generated. The answers file is what it is.
func (p Plan) rendered() map[string][]byte {
	files := map[string][]byte{}
	for _, change := range p.Changes {
		moot := change.State == Unchanged || change.State == Keep && !change.Outdated
		if !moot && change.Path != AnswersPath {
			files[change.Path] = change.Artifact.Content
		}
	}
	return files
}

// each tries answer by answer.
func (s causeSearch) each(ctx context.Context, causes Causes) error {
	for i := range causes.Changes {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.try(i, causes); err != nil {
			return err
		}
	}
	return nil
}

// try notes a change as a cause of the files that come out differently without it.
// Where others rest on it, both are compared without those.
func (s causeSearch) try(change int, causes Causes) error {
	back := make([]bool, len(causes.Changes)) // what is taken back besides
	without, sound := s.support(change, back, causes.Changes)
	if !sound {
		return nil
	}
	then, err := s.render(without)
	if err != nil {
		return err
	}
	now := s.now
	if slices.Contains(back, true) {
		if now, err = s.render(s.without(back, causes.Changes)); err != nil {
			return err
		}
	}
	for path := range s.now {
		if !bytes.Equal(now[path], then[path]) {
			causes.Each[path] = append(causes.Each[path], causes.Changes[change])
		}
	}
	return nil
}

// support is the answers without a change, and without those that rest on it, which
// it notes; sound is whether such answers can be generated.
func (s causeSearch) support(change int, back []bool, changes []model.AnswerChange) (without model.Answers, sound bool) {
	taken := slices.Clone(back)
	taken[change] = true
	without = s.without(taken, changes)
	problems := len(model.Check(without))
	for other := range changes {
		if problems == 0 {
			break
		}
		if taken[other] {
			continue
		}
		taken[other] = true
		if less := s.without(taken, changes); len(model.Check(less)) < problems {
			without, problems, back[other] = less, len(model.Check(less)), true
		} else {
			taken[other] = false
		}
	}
	return without, problems == 0 && len(model.Check(s.without(back, changes))) == 0
}

func (s causeSearch) without(taken []bool, changes []model.AnswerChange) model.Answers {
	var back []model.AnswerChange
	for i, change := range changes {
		if taken[i] {
			back = append(back, change)
		}
	}
	return s.answers.Without(back...)
}

// rest is about the files for which no single answer is a cause: those that the
// old answers give another content have all changes together as theirs, and of
// the others those of which something else was recorded come from another release.
func (s causeSearch) rest(old model.Answers, causes Causes) error {
	then, err := s.render(old)
	if err != nil {
		return err
	}
	for path, content := range s.now {
		recorded, known := s.plan.prior.Files[path]
		switch {
		case len(causes.Each[path]) > 0:
		case !bytes.Equal(content, then[path]):
			causes.Each[path] = slices.Clone(causes.Changes)
		case !known || sum(content) != recorded.SHA256:
			causes.Release[path] = true
		}
	}
	return nil
}

// render makes those of the files that other answers give.
func (s causeSearch) render(answers model.Answers) (map[string][]byte, error) {
	entries, err := Outline(NewSystemView(model.Resolve(answers)), s.plan.prior.History, s.templates)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, entry := range entries {
		if _, wanted := s.now[entry.Path]; !wanted {
			continue
		}
		artifact, err := entry.Render()
		if err != nil {
			return nil, err
		}
		files[entry.Path] = artifact.Content
	}
	return files, nil
}
