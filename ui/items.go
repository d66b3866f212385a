package ui

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"codex-design/model"
)

// items is a kind of thing that a design has any number of: what the list pages
// and the line prompts need to show and change them.
type items struct {
	noun, nouns string                        // field, fields
	prompt      string                        // what to type for a new one
	groups      func(a *model.Answers) []spot // what contains them; one spot for services
	group       func(a *model.Answers, at spot) string
	depth       int    // dots in the path of one
	within      string // the step whose things hold these; none for services
	holds       string // the step of what these hold
	index       func(at *spot) *int
	count       func(a *model.Answers, at spot) int
	key         func(a *model.Answers, at spot) string // the path in the answers
	text        func(a *model.Answers, at spot) string
	detail      func(a *model.Answers, at spot) string
	name        func(a *model.Answers, at spot) string
	add         func(d *design, at spot, text string) error      // to at's group
	added       func(a *model.Answers, at spot, text string) int // where it went; nil: to the end
	rename      func(d *design, at spot, name string)
	change      func(d *design, at spot, text string) error // nil: rename is all that a line can change
	duplicate   func(a *model.Answers, at spot)             // nil: two of the same make no sense
	move        func(a *model.Answers, at spot, by int)     // nil: their order says nothing
	remove      func(a *model.Answers, at spot)
	ask         func(d *design, at spot) []question
}

// shelf is how to reach the slice that holds the things of one kind.
type shelf[T any] struct {
	slice func(a *model.Answers, at spot) *[]T
	index func(at *spot) *int
	clone func(T) T
	name  func(*T) *string
	was   func(*T) *string
	dash  string // joins words in a name of this kind
}

// common fills in what is the same for every kind.
func common[T any](s shelf[T], i items) items {
	i.index = s.index
	i.count = func(a *model.Answers, at spot) int { return len(*s.slice(a, at)) }
	i.name = func(a *model.Answers, at spot) string { return *s.name(&(*s.slice(a, at))[*s.index(&at)]) }
	i.remove = func(a *model.Answers, at spot) {
		list := s.slice(a, at)
		n := *s.index(&at)
		*list = slices.Delete(slices.Clone(*list), n, n+1)
	}
	i.move = func(a *model.Answers, at spot, by int) {
		list := *s.slice(a, at)
		n := *s.index(&at)
		list[n], list[n+by] = list[n+by], list[n]
	}
	i.duplicate = func(a *model.Answers, at spot) {
		list := s.slice(a, at)
		n := *s.index(&at)
		copied := s.clone((*list)[n])
		*s.was(&copied) = ""
		*s.name(&copied) = freeName(*s.name(&copied), s.dash, func(name string) bool {
			return slices.ContainsFunc(*list, func(other T) bool { return *s.name(&other) == name })
		})
		*list = slices.Insert(*list, n+1, copied)
	}
	return i
}

var serviceItems = common(shelf[model.Service]{
	slice: func(a *model.Answers, _ spot) *[]model.Service { return &a.Services },
	index: func(at *spot) *int { return &at.service },
	clone: cloneService,
	name:  func(s *model.Service) *string { return &s.Name },
	was:   func(s *model.Service) *string { return &s.Was },
	dash:  "-",
}, items{
	noun:   "service",
	nouns:  "services",
	prompt: "name of the service, e.g. catalog",
	groups: func(*model.Answers) []spot { return []spot{top} },
	group:  func(*model.Answers, spot) string { return "" },
	holds:  "entities",
	key:    func(_ *model.Answers, at spot) string { return serviceKey(at) },
	text:   func(a *model.Answers, at spot) string { return a.Services[at.service].Name },
	detail: func(a *model.Answers, at spot) string {
		s := a.Services[at.service]
		return joinNonEmpty(counted(len(s.Entities), "entity", "entities"), mentioned(s.Cache, "cached"), former(s.Was))
	},
	add: func(d *design, _ spot, text string) error {
		d.answers.Services = append(d.answers.Services, model.Service{Name: strings.TrimSpace(text)})
		return nil
	},
	rename: func(d *design, at spot, name string) { renameService(&d.answers, d.base, at, name) },
	ask:    serviceQuestions,
})

var entityItems = common(shelf[model.Entity]{
	slice: func(a *model.Answers, at spot) *[]model.Entity { return &a.Services[at.service].Entities },
	index: func(at *spot) *int { return &at.entity },
	clone: cloneEntity,
	name:  func(e *model.Entity) *string { return &e.Name },
	was:   func(e *model.Entity) *string { return &e.Was },
	dash:  "_",
}, items{
	noun:   "entity",
	nouns:  "entities",
	prompt: "name of the entity, e.g. product",
	groups: func(a *model.Answers) []spot {
		spots := make([]spot, len(a.Services))
		for i := range a.Services {
			spots[i] = spot{i, -1, -1, -1}
		}
		return spots
	},
	group:  func(a *model.Answers, at spot) string { return a.Services[at.service].Name },
	depth:  1,
	within: "services",
	holds:  "fields",
	key:    func(_ *model.Answers, at spot) string { return entityKey(at) },
	text:   func(a *model.Answers, at spot) string { return a.Services[at.service].Entities[at.entity].Name },
	detail: func(a *model.Answers, at spot) string {
		e := a.Services[at.service].Entities[at.entity]
		return joinNonEmpty(counted(len(e.Fields), "field", "fields"), former(e.Was))
	},
	add: func(d *design, at spot, text string) error {
		list := &d.answers.Services[at.service].Entities
		*list = append(*list, model.Entity{Name: strings.TrimSpace(text)})
		return nil
	},
	rename: func(d *design, at spot, name string) { renameEntity(&d.answers, d.base, at, name) },
	ask:    entityQuestions,
})

var fieldItems = common(shelf[model.Field]{
	slice: func(a *model.Answers, at spot) *[]model.Field {
		return &a.Services[at.service].Entities[at.entity].Fields
	},
	index: func(at *spot) *int { return &at.field },
	clone: cloneField,
	name:  func(f *model.Field) *string { return &f.Name },
	was:   func(f *model.Field) *string { return &f.Was },
	dash:  "_",
}, items{
	noun:   "field",
	nouns:  "fields",
	prompt: "name: type modifiers, e.g. price: decimal(12,2) required",
	groups: func(a *model.Answers) []spot {
		var spots []spot
		for i := range a.Services {
			for j := range a.Services[i].Entities {
				spots = append(spots, spot{i, j, -1, -1})
			}
		}
		return spots
	},
	group: func(a *model.Answers, at spot) string {
		s := &a.Services[at.service]
		return s.Name + "." + s.Entities[at.entity].Name
	},
	depth:  2,
	within: "entities",
	key:    func(_ *model.Answers, at spot) string { return fieldKey(at) },
	text:   func(a *model.Answers, at spot) string { return fieldAt(a, at).String() },
	detail: func(*model.Answers, spot) string { return "" },
	add: func(d *design, at spot, text string) error {
		field, err := parseField(text)
		if err == nil {
			list := &d.answers.Services[at.service].Entities[at.entity].Fields
			*list = append(*list, field)
		}
		return err
	},
	rename: func(d *design, at spot, name string) {
		field := *fieldAt(&d.answers, at)
		field.Name = name
		setField(&d.answers, d.base, at, field)
	},
	change: changeField,
	ask:    fieldQuestions,
})

// The paths of items in the answers.
func serviceKey(at spot) string { return fmt.Sprintf("services[%d]", at.service) }
func entityKey(at spot) string {
	return fmt.Sprintf("services[%d].entities[%d]", at.service, at.entity)
}
func fieldKey(at spot) string {
	return fmt.Sprintf("services[%d].entities[%d].fields[%d]", at.service, at.entity, at.field)
}

// changeField puts another line in a field's place.
func changeField(d *design, at spot, text string) error {
	field, err := parseField(text)
	if err == nil {
		setField(&d.answers, d.base, at, field)
	}
	return err
}

// parseField reads a line of the field grammar. Its error says every mistake,
// without the columns: the line stands right above it.
func parseField(text string) (model.Field, error) {
	field, err := model.ParseField(text)
	var mistakes model.FieldErrors
	if !errors.As(err, &mistakes) {
		return field, err
	}
	var said []string
	for _, mistake := range mistakes {
		said = append(said, sentence(mistake.Message, mistake.Hint))
	}
	return field, errors.New(strings.Join(said, "; "))
}

func fieldAt(a *model.Answers, at spot) *model.Field {
	return &a.Services[at.service].Entities[at.entity].Fields[at.field]
}

func joinNonEmpty(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " · ")
}

// counted is "1 file", "3 files"; nothing for none.
func counted(n int, one, many string) string {
	switch n {
	case 0:
		return "no " + many
	case 1:
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func mentioned(yes bool, text string) string {
	if yes {
		return text
	}
	return ""
}

func former(was string) string {
	if was == "" {
		return ""
	}
	return "was " + was
}
