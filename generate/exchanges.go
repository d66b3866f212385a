package generate

import (
	"slices"
	"strings"

	"codex-design/model"
)

// Exchanges are the events whose effects the APIs of a running system show, each
// as an entry of the list in tests/test_events.py.
func (s *SystemView) Exchanges() []string {
	var entries []string
	for i := range s.Services {
		for j := range s.Services[i].Published {
			event := &s.Services[i].Published[j]
			if effects := s.effects(event); event.operation() != "" && len(effects) > 0 || event.listed() {
				entries = append(entries, s.exchange(event, effects).layout("    ", "", ","))
			}
		}
	}
	return entries
}

// HasExchanges reports whether any event has an effect that an API shows.
func (s *SystemView) HasExchanges() bool { return len(s.Exchanges()) > 0 }

// operation is the request after which the event is published, or "" where rules publish it.
func (e *EventView) operation() string {
	switch e.Trigger {
	case model.TriggerBecomes:
		return string(model.TriggerCreate)
	case model.TriggerRules:
		return ""
	}
	return string(e.Trigger)
}

func (s *SystemView) exchange(event *EventView, effects []*EventView) expression {
	items := atoms(pythonString(event.Name), pythonString(event.Service.Name), pythonString(event.About.Path), pythonString(event.operation()))
	list := expression{head: "[", tail: "]"}
	refers := expression{head: "refers={", tail: "}"}
	for _, effect := range effects {
		list.items = append(list.items, effect.effect())
		if effect.Reaction.Kind == model.ReactSet {
			at := effect.record()
			refers.items = append(refers.items, atom(pythonString(effect.Reaction.By)+": ("+pythonString(effect.Service.Name)+", "+pythonString(at.Path)+")"))
		}
	}
	if event.listed() {
		own := atoms(pythonString(event.Service.Name), pythonString(event.About.Path), `same={"id": "id"}`)
		list.items = append(list.items, call("Effect", own...))
	}
	items = append(items, list)
	if event.Trigger == model.TriggerBecomes {
		items = append(items, atom("values={"+pythonString(event.Field)+": "+pythonString(event.Value)+"}"))
	}
	if len(refers.items) > 0 {
		items = append(items, refers)
	}
	return call("Exchange", items...)
}

// listed reports whether the record that the event is about reaches a read model.
func (e *EventView) listed() bool {
	return e.Service.ReadModel && e.operation() == string(model.TriggerCreate)
}

// effects are the consumers of an event whose APIs show what they made of it.
func (s *SystemView) effects(event *EventView) []*EventView {
	var effects []*EventView
	for i := range s.Services {
		for j := range s.Services[i].Consumed {
			consumed := &s.Services[i].Consumed[j]
			if consumed.Name == event.Name && (consumed.Reaction.Kind == model.ReactSet || len(consumed.takenReferences()) > 0) {
				effects = append(effects, consumed)
			}
		}
	}
	return effects
}

// takenReferences are the references that a new record takes from the event:
// they tell it from all others.
func (e *EventView) takenReferences() []model.Fill {
	if e.Reaction.Kind != model.ReactCreate {
		return nil
	}
	var fills []model.Fill
	for _, fill := range e.Reaction.Fill {
		for _, field := range e.record().Fields {
			if field.JSON == fill.Field && field.Type.Kind == model.KindRef && field.Required && !field.Private {
				fills = append(fills, fill)
			}
		}
	}
	return fills
}

// effect is what the consumer's API shows, for tests/test_events.py.
func (e *EventView) effect() expression {
	items := atoms(pythonString(e.Service.Name), pythonString(e.record().Path))
	if e.Reaction.Kind == model.ReactSet {
		value := "values={" + pythonString(e.Reaction.Field) + ": " + pythonString(e.Reaction.Value) + "}"
		return call("Effect", append(items, atom("by="+pythonString(e.Reaction.By)), atom(value))...)
	}
	same := expression{head: "same={", tail: "}"}
	for _, fill := range e.takenReferences() {
		same.items = append(same.items, atom(pythonString(fill.Field)+": "+pythonString(fill.Member)))
	}
	return call("Effect", append(items, same)...)
}

// TestedPublished are the events that a request to the service publishes, each as
// an entry of the list in its tests/gen/test_events.py.
func (s *ServiceView) TestedPublished() []string {
	var entries []string
	for i := range s.Published {
		event := &s.Published[i]
		if event.operation() == "" {
			continue
		}
		items := atoms(pythonString(event.Name), pythonString(event.About.Path), pythonString(event.operation()))
		if event.Trigger == model.TriggerBecomes {
			items = append(items, atom("{"+pythonString(event.Field)+": "+pythonString(event.Value)+"}"))
		}
		entries = append(entries, call("Published", items...).layout("    ", "", ","))
	}
	return entries
}

// TestedConsumed are the events that the service consumes, likewise.
func (s *ServiceView) TestedConsumed() []string {
	var entries []string
	for i := range s.Consumed {
		event := &s.Consumed[i]
		if _, record := event.About.told(); record == nil { // a pattern keeps an example from being made up
			continue
		}
		items := atoms(pythonString(event.Name))
		if fresh := event.freshMembers(); len(fresh) > 0 {
			items = append(items, expression{head: "fresh=[", tail: "]", items: atoms(fresh...)})
		}
		if event.Reaction.Kind == model.ReactSet || len(event.takenReferences()) > 0 {
			effect := event.effect()
			effect.head = "effect=" + effect.head
			items = append(items, effect)
		}
		entries = append(entries, call("Consumed", items...).layout("    ", "", ","))
	}
	return entries
}

// freshMembers name the records of others that the event's data refer to, but the
// one of this service that it changes.
func (e *EventView) freshMembers() []string {
	var members []string
	for _, field := range e.About.EventData() {
		if field.Type.Kind == model.KindRef && field.JSON != e.Reaction.By {
			members = append(members, pythonString(field.JSON))
		}
	}
	return members
}

// EventTestImports is the import block of tests/gen/test_events.py.
func (s *ServiceView) EventTestImports() string {
	imports := pythonImports{
		"pathlib": {"Path"}, "pytest": {""}, "pydantic": {"SecretStr"}, "httpx2": {"AsyncClient"}, "contextlib": {"asynccontextmanager"},
		"collections.abc": {"AsyncIterator"}, "dataclasses": {"replace"}, "kit.testing": {"in_process"}, "kit.testing.records": {"Entity"},
		"kit.testing.events": {"Contract", "Postbox"}, s.Package + ".gen.messaging": {"MESSAGING"}, s.Package + ".gen.settings": {"EventSettings", "Settings"},
	}
	if len(s.TestedPublished()) > 0 {
		imports.add("json", "")
		imports.add("kit.testing.events", "Published")
		imports.add("kit.testing.events", "until")
		imports.add("kit.messaging.service", "relay_app")
	}
	if len(s.TestedConsumed()) > 0 {
		imports.add("typing", "Any")
		imports.add("uuid", "uuid4")
		imports.add("kit.testing.events", "Consumed")
		imports.add("kit.testing.records", "create")
		imports.add("kit.messaging.service", "worker_app")
		if slices.ContainsFunc(s.TestedConsumed(), func(entry string) bool { return strings.Contains(entry, "Effect(") }) {
			imports.add("kit.testing.records", "Effect")
		}
	}
	return imports.block(s.Package)
}

// TestsEvents reports whether a request publishes an event of the service, or it consumes one
// of which there is an example.
func (s *ServiceView) TestsEvents() bool {
	return len(s.TestedPublished()) > 0 || len(s.TestedConsumed()) > 0
}
