package ui

import (
	"fmt"
	"slices"
	"strings"

	"codex-design/model"
)

// spot says which service, entity and field, or which connection of a service is
// meant, by index; -1 where it does not apply.
type spot struct{ service, entity, field, link int }

// top is the spot of questions that are asked once.
var top = spot{-1, -1, -1, -1}

// clone copies answers so that changing one does not change the other.
func clone(a model.Answers) model.Answers {
	a.Load = cloneLoad(a.Load)
	a.Services = slices.Clone(a.Services)
	for i := range a.Services {
		a.Services[i] = cloneService(a.Services[i])
	}
	a.Security.CORS = slices.Clone(a.Security.CORS)
	return a
}

func cloneLoad(l model.Load) model.Load {
	for _, input := range loadInputs {
		if number := input.number; number != nil {
			*number(&l) = copyOf(*number(&l))
			continue
		}
		*input.whole(&l) = copyOf(*input.whole(&l))
	}
	return l
}

func copyOf[T any](p *T) *T {
	if p == nil {
		return nil
	}
	value := *p
	return &value
}

func cloneService(s model.Service) model.Service {
	s.Share = copyOf(s.Share)
	s.Calls, s.Publishes, s.Consumes = slices.Clone(s.Calls), slices.Clone(s.Publishes), slices.Clone(s.Consumes)
	s.Entities = slices.Clone(s.Entities)
	for i := range s.Entities {
		s.Entities[i] = cloneEntity(s.Entities[i])
	}
	return s
}

func cloneEntity(e model.Entity) model.Entity {
	e.Fields = slices.Clone(e.Fields)
	for i := range e.Fields {
		e.Fields[i] = cloneField(e.Fields[i])
	}
	return e
}

func cloneField(f model.Field) model.Field {
	f.Default, f.Fill, f.Min, f.Max = copyOf(f.Default), copyOf(f.Fill), copyOf(f.Min), copyOf(f.Max)
	f.Type.Values = slices.Clone(f.Type.Values)
	return f
}

// renamed is the former name that a thing must state after it was renamed from
// old to name. saved maps the names in the saved file to their former names;
// only what was saved has a former name worth stating.
func renamed(saved map[string]string, old, was, name string) string {
	if before, ok := saved[name]; ok {
		return before // back to the saved name
	}
	if _, ok := saved[old]; ok {
		return old
	}
	return was
}

// savedName finds which saved name a thing has, if it was renamed since.
func savedName(saved map[string]string, name, was string) string {
	if _, ok := saved[name]; !ok && was != "" {
		return was
	}
	return name
}

// baseline is the design as it was saved: what decides whether a rename must be stated.
type baseline struct{ answers model.Answers }

func (b baseline) services() map[string]string {
	names := map[string]string{}
	for _, s := range b.answers.Services {
		names[s.Name] = s.Was
	}
	return names
}

func (b baseline) service(s model.Service) model.Service {
	name := savedName(b.services(), s.Name, s.Was)
	for _, saved := range b.answers.Services {
		if saved.Name == name {
			return saved
		}
	}
	return model.Service{}
}

func entityNames(s model.Service) map[string]string {
	names := map[string]string{}
	for _, e := range s.Entities {
		names[e.Name] = e.Was
	}
	return names
}

func savedEntity(s model.Service, e model.Entity) model.Entity {
	name := savedName(entityNames(s), e.Name, e.Was)
	for _, saved := range s.Entities {
		if saved.Name == name {
			return saved
		}
	}
	return model.Entity{}
}

func fieldNames(e model.Entity) map[string]string {
	names := map[string]string{}
	for _, f := range e.Fields {
		names[f.Name] = f.Was
	}
	return names
}

// renameService renames in place: what refers to the service follows, and a
// saved service states its former name.
func renameService(a *model.Answers, base baseline, at spot, name string) {
	service := &a.Services[at.service]
	old := service.Name
	service.Was = renamed(base.services(), old, service.Was, name)
	service.Name = name
	if old == "" || old == name || slices.ContainsFunc(a.Services, func(s model.Service) bool { return s.Name == old }) {
		return
	}
	for i := range a.Services {
		replaceAll(a.Services[i].Calls, old, name)
	}
	eachRef(a, func(_ int, t *model.Type) {
		if t.Service == old {
			t.Service = name
		}
	})
}

func replaceAll(list []string, old, new string) {
	for i, value := range list {
		if value == old {
			list[i] = new
		}
	}
}

// renameEntity renames in place; references to it follow.
func renameEntity(a *model.Answers, base baseline, at spot, name string) {
	service := &a.Services[at.service]
	entity := &service.Entities[at.entity]
	old := entity.Name
	entity.Was = renamed(entityNames(base.service(*service)), old, entity.Was, name)
	entity.Name = name
	if old == "" || old == name || slices.ContainsFunc(service.Entities, func(e model.Entity) bool { return e.Name == old }) {
		return
	}
	eachRef(a, func(from int, t *model.Type) {
		local := t.Service == "" && from == at.service
		if t.Entity == old && (local || t.Service == service.Name) {
			t.Entity = name
		}
	})
	renameEvents(a, service, old, name)
}

// renameEvents lets the events of a renamed entity follow, wherever they are consumed.
func renameEvents(a *model.Answers, publisher *model.Service, old, name string) {
	for i, event := range publisher.Publishes {
		verb, ofEntity := strings.CutPrefix(event, old+".")
		if !ofEntity {
			continue
		}
		publisher.Publishes[i] = name + "." + verb
		for j := range a.Services {
			replaceAll(a.Services[j].Consumes, event, name+"."+verb)
		}
	}
}

// setField puts another field in a field's place; a saved field whose name
// changed states its former name, unless the line states one itself.
func setField(a *model.Answers, base baseline, at spot, field model.Field) {
	service := a.Services[at.service]
	entity := service.Entities[at.entity]
	current := &entity.Fields[at.field]
	if field.Was == current.Was {
		saved := fieldNames(savedEntity(base.service(service), entity))
		field.Was = renamed(saved, current.Name, current.Was, field.Name)
	}
	*current = field
}

// eachRef visits the type of every ref field with the index of its service.
func eachRef(a *model.Answers, visit func(service int, t *model.Type)) {
	for i := range a.Services {
		for j := range a.Services[i].Entities {
			fields := a.Services[i].Entities[j].Fields
			for k := range fields {
				if fields[k].Type.Kind == model.KindRef {
					visit(i, &fields[k].Type)
				}
			}
		}
	}
}

// freeName is the name with the lowest number appended that makes it unlike the others.
func freeName(name, separator string, taken func(string) bool) string {
	for n := 2; ; n++ {
		if candidate := fmt.Sprintf("%s%s%d", name, separator, n); !taken(candidate) {
			return candidate
		}
	}
}
