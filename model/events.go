package model

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// EventTrigger says what makes a service publish an event.
type EventTrigger string

// The triggers. An event whose verb is none of the others is published by the
// rules of the service's owner, through a typed function.
const (
	TriggerCreate  EventTrigger = "create"
	TriggerUpdate  EventTrigger = "update"
	TriggerDelete  EventTrigger = "delete"
	TriggerBecomes EventTrigger = "becomes" // an enum field takes a value
	TriggerRules   EventTrigger = "rules"
)

// EventPlan is one kind of event with its one publisher. Its data are the id, the
// public fields and the version of the record that it is about.
type EventPlan struct {
	Name      string // order.placed, or order.placed.v2
	Version   int    // of its data
	Publisher string // the service
	Entity    string // snake, of the publisher: order
	Verb      string // snake: placed
	Trigger   EventTrigger
	Field     string // JSON name of the field of TriggerBecomes
	Value     string // that it takes
	Class     string // Python class: OrderPlaced
	Module    string // Python module of its handler: order_placed
	Consumers []string
	Recorded  bool     // not asked for: it keeps the service's own read model
	Rate      Quantity // at peak
}

// ConsumedEvent is an event that a service reacts to.
type ConsumedEvent struct {
	EventPlan
	Reaction Reaction
}

// ReactionKind is what a consumer does with an event until its handler says otherwise.
type ReactionKind string

// The reactions.
const (
	ReactCreate ReactionKind = "create" // a record of an entity
	ReactSet    ReactionKind = "set"    // an enum field of the record that the event refers to
	ReactLog    ReactionKind = "log"
)

// Reaction is the generated default of a handler.
type Reaction struct {
	Kind   ReactionKind
	Entity string // snake, of the consumer
	Fill   []Fill // of ReactCreate, in the order of the entity's fields
	Field  string // of ReactSet: JSON name
	Value  string // of ReactSet
	By     string // of ReactSet: member of the data that holds the record's id
}

// Fill is one field of a new record with the member of the event's data that it takes.
type Fill struct{ Field, Member string } // JSON names

// verbs that say which operation an event is about, unless they are a value of the entity.
var operationVerbs = map[string]EventTrigger{}

func init() {
	for trigger, verbs := range map[EventTrigger]string{
		TriggerCreate: "created placed registered added opened submitted issued requested scheduled booked recorded received started joined posted sent uploaded",
		TriggerUpdate: "updated changed modified edited revised",
		TriggerDelete: "deleted removed",
	} {
		for _, verb := range strings.Fields(verbs) {
			operationVerbs[verb] = trigger
		}
	}
}

// endings are verbs after which nothing new begins: no record is created for them.
var endings = setOf("cancelled", "canceled", "rejected", "declined", "failed", "expired", "refunded", "closed", "archived",
	"completed", "delivered", "returned", "withdrawn", "revoked", "terminated", "finished", "retired", "blocked", "suspended")

// sameAs lists, for a verb of an event, the values of another service's records
// that say the same, the likeliest first.
var sameAs = map[string][]string{
	"captured": {"paid"}, "settled": {"paid"}, "charged": {"paid"}, "paid": {"paid"}, "succeeded": {"paid", "completed"},
	"dispatched": {"shipped"}, "sent": {"shipped", "dispatched"}, "handed_over": {"shipped"}, "shipped": {"shipped", "dispatched"},
	"delivered": {"delivered", "completed"}, "received": {"received", "delivered"}, "cancelled": {"cancelled", "canceled"},
	"canceled": {"canceled", "cancelled"}, "declined": {"declined", "rejected", "payment_failed"}, "failed": {"failed", "payment_failed"},
	"refunded": {"refunded"}, "confirmed": {"confirmed", "accepted"}, "accepted": {"accepted", "confirmed"}, "rejected": {"rejected", "declined"},
	"approved": {"approved", "accepted"}, "completed": {"completed", "done"}, "reserved": {"reserved", "confirmed"},
}

var versionSegment = regexp.MustCompile(`^v([1-9][0-9]?)$`)

// eventParts reads an event's name: the entity that it is about, what happened,
// and the version of its data.
func eventParts(name string) (entity, verb string, version int) {
	parts, version := strings.Split(name, "."), 1
	if last := len(parts) - 1; last > 1 {
		if found := versionSegment.FindStringSubmatch(parts[last]); found != nil {
			version, _ = strconv.Atoi(found[1])
			parts = parts[:last]
		}
	}
	if len(parts) < 2 {
		return "", Snake(name), version
	}
	return Snake(parts[len(parts)-2]), Snake(parts[len(parts)-1]), version
}

// EventClass names the Python class of an event's data.
func EventClass(name string) string { return PythonClass(strings.ReplaceAll(name, ".", "_")) }

// resolveEvents plans what every service publishes and consumes.
func resolveEvents(a Answers, b *Blueprint) {
	if !hasBroker(a) {
		return
	}
	published := map[string]EventPlan{}
	for i := range b.Services {
		service := &b.Services[i]
		for _, name := range a.Services[i].Publishes {
			service.Publishes = append(service.Publishes, planEvent(*service, name))
		}
		service.ReadModel = a.Services[i].CQRS
		if service.ReadModel {
			recordOperations(service)
		}
		for j := range service.Publishes {
			service.Publishes[j].Consumers = consumersOf(a, *service, service.Publishes[j])
			published[service.Publishes[j].Name] = service.Publishes[j]
		}
	}
	for i := range b.Services {
		for _, name := range a.Services[i].Consumes {
			event := published[name]
			reaction := reactionTo(b.service(event.Publisher), b.Services[i], event)
			b.Services[i].Consumes = append(b.Services[i].Consumes, ConsumedEvent{event, reaction})
		}
	}
}

func hasBroker(a Answers) bool { return carrierOf(a) != "" && carrierOf(a) != "none" }

// ownCarriers are what carries events where the architecture brings it along,
// whatever broker the answers name.
var ownCarriers = map[Architecture]string{Monolith: "postgresql", Serverless: "eventbridge"}

// carrierOf is what carries the events of a system.
func carrierOf(a Answers) string {
	if own, ok := ownCarriers[a.Architecture]; ok {
		return own
	}
	return a.Datastores.Broker
}

func planEvent(s ServicePlan, name string) EventPlan {
	entity, verb, version := eventParts(name)
	plan := EventPlan{Name: name, Version: version, Publisher: s.Name, Entity: entity, Verb: verb,
		Class: EventClass(name), Module: PythonModule(strings.ReplaceAll(name, ".", "_"))}
	plan.Trigger, plan.Field, plan.Value = triggerOf(s.entity(entity), verb)
	return plan
}

// triggerOf says when the entity's service publishes: a value of the entity wins
// over a verb that could also name an operation.
func triggerOf(e EntityPlan, verb string) (trigger EventTrigger, field, value string) {
	for _, f := range e.Fields {
		if f.Type.Kind != KindEnum || f.Private {
			continue
		}
		for _, value := range f.Type.Values {
			if Snake(value) == verb {
				return TriggerBecomes, f.JSON, value
			}
		}
	}
	if trigger, ok := operationVerbs[verb]; ok {
		return trigger, "", ""
	}
	return TriggerRules, "", ""
}

// recordOperations adds the events that a read model needs and that nobody asked for.
func recordOperations(s *ServicePlan) {
	for _, entity := range s.Entities {
		for _, operation := range []struct {
			trigger EventTrigger
			verbs   []string
		}{
			{TriggerCreate, []string{"created", "added", "recorded"}},
			{TriggerUpdate, []string{"updated", "changed", "modified"}},
			{TriggerDelete, []string{"deleted", "removed"}},
		} {
			if slices.ContainsFunc(s.Publishes, func(e EventPlan) bool { return e.Entity == entity.Name && e.Trigger == operation.trigger }) {
				continue
			}
			for _, verb := range operation.verbs {
				plan := planEvent(*s, entity.Name+"."+verb)
				taken := slices.ContainsFunc(s.Publishes, func(e EventPlan) bool { return e.Class == plan.Class })
				if plan.Trigger == operation.trigger && !taken {
					plan.Recorded = true
					s.Publishes = append(s.Publishes, plan)
					break
				}
			}
		}
	}
}

func consumersOf(a Answers, publisher ServicePlan, event EventPlan) []string {
	var names []string
	for _, s := range a.Services {
		if slices.Contains(s.Consumes, event.Name) {
			names = append(names, s.Name)
		}
	}
	if publisher.ReadModel && projects(event) {
		names = append(names, publisher.Name)
	}
	return names
}

// projects reports whether a read model goes by the event.
func projects(e EventPlan) bool {
	return e.Trigger == TriggerCreate || e.Trigger == TriggerUpdate || e.Trigger == TriggerDelete
}

// Projected are the events that keep the service's read model.
func (s ServicePlan) Projected() []EventPlan {
	if !s.ReadModel {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(s.Publishes), func(e EventPlan) bool { return !projects(e) })
}

// Works reports whether the service has a worker: it consumes, or keeps a read model.
func (s ServicePlan) Works() bool { return len(s.Consumes) > 0 || s.ReadModel }

// Relays reports whether the service publishes.
func (s ServicePlan) Relays() bool { return len(s.Publishes) > 0 }

// EventData are the fields of an entity that its events tell.
func (e EntityPlan) EventData() []FieldPlan {
	return slices.DeleteFunc(slices.Clone(e.Fields), func(f FieldPlan) bool { return f.Private })
}

// Event is a published event by its name.
func (b Blueprint) Event(name string) EventPlan {
	for _, s := range b.Services {
		for _, e := range s.Publishes {
			if e.Name == name {
				return e
			}
		}
	}
	return EventPlan{Name: name}
}

// reactionTo finds what a consumer most likely does with an event: begin a record
// for the one that the event is about, move a record of its own on that the event
// refers to, or begin a record for something that both refer to.
func reactionTo(publisher, consumer ServicePlan, event EventPlan) Reaction {
	data := publisher.entity(event.Entity)
	own := reference{publisher.Name, event.Entity}
	if beginning(event) {
		for _, entity := range consumer.Entities {
			if fill, ok := fillFrom(consumer, entity, publisher, data, func(r reference) bool { return r == own }); ok {
				return Reaction{Kind: ReactCreate, Entity: entity.Name, Fill: fill}
			}
		}
	}
	if reaction, ok := setFrom(publisher, data, consumer, event.Verb); ok {
		return reaction
	}
	if beginning(event) {
		for _, entity := range consumer.Entities {
			shared := func(r reference) bool { return r.service != consumer.Name }
			if fill, ok := fillFrom(consumer, entity, publisher, data, shared); ok {
				return Reaction{Kind: ReactCreate, Entity: entity.Name, Fill: fill}
			}
		}
	}
	return Reaction{Kind: ReactLog}
}

// beginning reports whether something new may follow an event.
func beginning(e EventPlan) bool {
	return e.Trigger != TriggerUpdate && e.Trigger != TriggerDelete && !endings[e.Verb]
}

// reference is what a field of a service refers to.
type reference struct{ service, entity string }

func referenceOf(s ServicePlan, f FieldPlan) reference {
	if f.Type.Kind != KindRef {
		return reference{}
	}
	service := f.Type.Service
	if service == "" {
		service = s.Name
	}
	return reference{service, Snake(f.Type.Entity)}
}

// fillFrom fills an entity from the data of an event; ok is false where no
// reference of it leads to something that is wanted, or a required field stays empty.
func fillFrom(consumer ServicePlan, entity EntityPlan, publisher ServicePlan, data EntityPlan, wanted func(reference) bool) (fill []Fill, ok bool) {
	if entity.Owned() { // nobody calls who could own it
		return nil, false
	}
	for _, field := range entity.Fields {
		member, refers := memberFor(consumer, field, publisher, data)
		switch {
		case member != "":
			fill = append(fill, Fill{field.JSON, member})
			ok = ok || field.Required && refers && wanted(referenceOf(consumer, field))
		case field.Required:
			return nil, false
		}
	}
	return fill, ok
}

// memberFor is the member of the data that a field can take as it is, or "".
func memberFor(consumer ServicePlan, field FieldPlan, publisher ServicePlan, data EntityPlan) (member string, refers bool) {
	if target := referenceOf(consumer, field); target != (reference{}) {
		if target == (reference{publisher.Name, data.Name}) {
			return "id", true
		}
		for _, f := range data.EventData() {
			if referenceOf(publisher, f) == target && (!f.Nullable || field.Nullable) {
				return f.JSON, true
			}
		}
		return "", false
	}
	for _, f := range data.EventData() {
		if f.JSON == field.JSON && fits(f, field) {
			return f.JSON, false
		}
	}
	return "", false
}

// fits reports whether every value of one field is a value of the other.
func fits(from, to FieldPlan) bool {
	if from.Type.Kind != to.Type.Kind || from.Nullable && !to.Nullable || to.Unique && !from.Unique {
		return false
	}
	if to.Pattern != "" && to.Pattern != from.Pattern || !bounded(from.Min, to.Min) || !bounded(from.Max, to.Max) {
		return false
	}
	switch to.Type.Kind {
	case KindString:
		return from.Type.Length <= to.Type.Length
	case KindDecimal:
		return from.Type.Scale <= to.Type.Scale && from.Type.Precision-from.Type.Scale <= to.Type.Precision-to.Type.Scale
	case KindEnum:
		return !slices.ContainsFunc(from.Type.Values, func(v string) bool { return !slices.Contains(to.Type.Values, v) })
	}
	return true
}

// bounded reports whether a limit is kept by one that is the same.
func bounded(from, to *string) bool { return to == nil || from != nil && *from == *to }

// setFrom finds a record of the consumer that the data refers to, and an enum
// field of it with a value that says what happened.
func setFrom(publisher ServicePlan, data EntityPlan, consumer ServicePlan, verb string) (Reaction, bool) {
	for _, f := range data.EventData() {
		target := referenceOf(publisher, f)
		if target.service != consumer.Name {
			continue
		}
		for _, field := range consumer.entity(target.entity).Fields {
			if value := valueFor(field, data.Name, verb); value != "" {
				return Reaction{Kind: ReactSet, Entity: target.entity, Field: field.JSON, Value: value, By: f.JSON}, true
			}
		}
	}
	return Reaction{}, false
}

// valueFor is the value of an enum field that says what an event's verb says, or "".
func valueFor(field FieldPlan, entity, verb string) string {
	if field.Type.Kind != KindEnum {
		return ""
	}
	for _, word := range append([]string{verb, entity + "_" + verb}, sameAs[verb]...) {
		for _, value := range field.Type.Values {
			if Snake(value) == word {
				return value
			}
		}
	}
	return ""
}
