package generate

import "codex-design/model"

// Exchanges are the events whose effects the APIs of a running system show, each
// as an entry of the list in tests/test_events.py.
func (s *SystemView) Exchanges() []string {
	var entries []string
	for i := range s.Services {
		for j := range s.Services[i].Published {
			event := &s.Services[i].Published[j]
			if effects := s.effects(event); event.operation() != "" && len(effects) > 0 {
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
	items = append(items, list)
	if event.Trigger == model.TriggerBecomes {
		items = append(items, atom("values={"+pythonString(event.Field)+": "+pythonString(event.Value)+"}"))
	}
	if len(refers.items) > 0 {
		items = append(items, refers)
	}
	return call("Exchange", items...)
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
