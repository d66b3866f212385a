package model

import (
	"reflect"
	"strings"
	"testing"
)

// trade is a shop in which an order becomes a payment, and a payment a shipment.
func trade() Answers {
	return Answers{Version: 1, Name: "shop", Architecture: Microservices, Scale: Small,
		Datastores: Datastores{Database: "postgresql", Cache: "none", Broker: "nats"},
		Services: []Service{
			{Name: "order", CQRS: true, Publishes: []string{"order.placed", "order.reviewed"}, Consumes: []string{"payment.captured", "shipment.dispatched"},
				Entities: []Entity{{Name: "order", Fields: []Field{mustField("total: decimal(12,2) required"), mustField("note: text private"),
					mustField("status: enum(placed, paid, shipped) default(placed)")}}}},
			{Name: "payment", Publishes: []string{"payment.captured"}, Consumes: []string{"order.placed"},
				Entities: []Entity{{Name: "payment", Fields: []Field{mustField("order: ref(order.order) required unique"),
					mustField("total: decimal(14,2) required"), mustField("state: enum(pending, captured) default(pending)")}}}},
			{Name: "shipping", Publishes: []string{"shipment.dispatched"}, Consumes: []string{"payment.captured", "order.reviewed"},
				Entities: []Entity{{Name: "shipment", Fields: []Field{mustField("order: ref(order.order) required"),
					mustField("state: enum(waiting, dispatched) default(waiting)")}}}},
		}}
}

func TestEventsOfATrade(t *testing.T) {
	b := Resolve(trade())
	for name, want := range map[string]struct {
		trigger   EventTrigger
		field     string
		consumers string
	}{
		"order.placed":        {TriggerBecomes, "status", "payment"},
		"order.reviewed":      {TriggerRules, "", "shipping"},
		"order.created":       {TriggerCreate, "", "order"},
		"order.updated":       {TriggerUpdate, "", "order"},
		"order.deleted":       {TriggerDelete, "", "order"},
		"payment.captured":    {TriggerBecomes, "state", "order shipping"},
		"shipment.dispatched": {TriggerBecomes, "state", "order"},
	} {
		e := b.Event(name)
		if e.Trigger != want.trigger || e.Field != want.field || strings.Join(e.Consumers, " ") != want.consumers {
			t.Errorf("%s: trigger %s of %q, consumed by %v; want %+v", name, e.Trigger, e.Field, e.Consumers, want)
		}
		if e.Rate.Value <= 0 {
			t.Errorf("%s happens %v times a second", name, e.Rate.Value)
		}
	}
}

func TestReactionsOfATrade(t *testing.T) {
	b := Resolve(trade())
	got := map[string]Reaction{}
	for _, s := range b.Services {
		for _, c := range s.Consumes {
			got[s.Name+" on "+c.Name] = c.Reaction
		}
	}
	want := map[string]Reaction{
		"order on payment.captured":    {Kind: ReactSet, Entity: "order", Field: "status", Value: "paid", By: "order_id"},
		"order on shipment.dispatched": {Kind: ReactSet, Entity: "order", Field: "status", Value: "shipped", By: "order_id"},
		"payment on order.placed":      {Kind: ReactCreate, Entity: "payment", Fill: []Fill{{"order_id", "id"}, {"total", "total"}}},
		"shipping on payment.captured": {Kind: ReactCreate, Entity: "shipment", Fill: []Fill{{"order_id", "order_id"}}},
		"shipping on order.reviewed":   {Kind: ReactCreate, Entity: "shipment", Fill: []Fill{{"order_id", "id"}}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// What does not fit, ends something or is private fills no record.
func TestFieldsThatDoNotFitAreLogged(t *testing.T) {
	for says, change := range map[string]func(*Answers){
		"an owner":         func(a *Answers) { a.Services[1].Entities[0].Owned = true },
		"a shorter number": func(a *Answers) { a.Services[1].Entities[0].Fields[1] = mustField("total: decimal(11,2) required") },
		"a limit of its own": func(a *Answers) {
			a.Services[1].Entities[0].Fields[1] = mustField("total: decimal(12,2) required min(1)")
		},
		"a private field": func(a *Answers) { a.Services[1].Entities[0].Fields[1] = mustField("note: text required") },
		"another type":    func(a *Answers) { a.Services[1].Entities[0].Fields[1] = mustField("total: float required") },
		"an optional one": func(a *Answers) { a.Services[0].Entities[0].Fields[0] = mustField("total: decimal(12,2)") },
		"no reference":    func(a *Answers) { a.Services[1].Entities[0].Fields[0] = mustField("order: uuid required") },
		"the end of something": func(a *Answers) {
			a.Services[0].Publishes[0], a.Services[1].Consumes[0] = "order.cancelled", "order.cancelled"
		},
	} {
		a := trade()
		change(&a)
		if got := Resolve(a).Services[1].Consumes[0].Reaction; got.Kind != ReactLog {
			t.Errorf("%s: %+v", says, got)
		}
	}
}

func TestEventNames(t *testing.T) {
	for name, want := range map[string]EventPlan{
		"order.placed":         {Entity: "order", Verb: "placed", Version: 1, Class: "OrderPlaced", Module: "order_placed"},
		"order.placed.v2":      {Entity: "order", Verb: "placed", Version: 2, Class: "OrderPlacedV2", Module: "order_placed_v2"},
		"shop.order-line.sent": {Entity: "order_line", Verb: "sent", Version: 1, Class: "ShopOrderLineSent", Module: "shop_order_line_sent"},
	} {
		got := planEvent(ServicePlan{}, name)
		if got.Entity != want.Entity || got.Verb != want.Verb || got.Version != want.Version || got.Class != want.Class || got.Module != want.Module {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestEventsRequireABroker(t *testing.T) {
	a := trade()
	a.Datastores.Broker = "none"
	found := map[string]string{}
	for _, p := range Check(a) {
		found[p.Path] += p.Message + "; " + p.Hint
	}
	for path, says := range map[string]string{
		"services[1].publishes": "the service payment publishes events, and there is no broker",
		"services[1].consumes":  "choose datastores.broker: nats, rabbitmq or kafka, or drop consumes",
		"services[0].cqrs":      "the read model of order is kept by events, and there is no broker",
	} {
		if !strings.Contains(found[path], says) {
			t.Errorf("%s: want %q, got %q", path, says, found[path])
		}
	}
}

// A system without events has none of their numbers.
func TestMessagingIsSizedWhereThereIsSome(t *testing.T) {
	a := cleanDesign()
	if b := Resolve(a); b.Broker != nil || b.Services[0].Relay != nil || b.Services[0].Worker != nil {
		t.Errorf("%+v", b.Broker)
	}
	b := Resolve(trade())
	order := b.Services[0]
	if b.Broker.Partitions.Value < order.Worker.Replicas.Value {
		t.Errorf("%v partitions for %v workers", b.Broker.Partitions.Value, order.Worker.Replicas.Value)
	}
	if placed, captured := b.Event("order.placed").Rate, b.Event("payment.captured").Rate; captured.Value <= placed.Value {
		t.Errorf("a payment follows each order, and %v payments are captured for %v orders", captured.Value, placed.Value)
	}
	plain := trade()
	plain.Datastores.Broker = "none"
	if with, without := b.Database.SumConnections.Value, Resolve(plain).Database.SumConnections.Value; with <= without {
		t.Errorf("%v connections with relays and workers, %v without", with, without)
	}
}
