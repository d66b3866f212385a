package generate

import (
	"strings"
	"testing"

	"codex-design/model"
	"codex-design/templates"
)

// trade is a shop in which an order becomes a payment, and a note about it.
func trade(t *testing.T) model.Answers {
	t.Helper()
	a := model.Defaults()
	a.Name, a.Datastores.Broker = "shop", "nats"
	a.Services = []model.Service{
		{Name: "order", Publishes: []string{"order.placed", "order.deleted", "order.disputed"}, Consumes: []string{"payment.captured"},
			Entities: []model.Entity{{Name: "order", Fields: fieldsOf(t, "total: decimal(12,2) required", "due: timestamp",
				"margin: int private", "status: enum(open, placed, paid) default(open)")}}},
		{Name: "payment", Publishes: []string{"payment.captured"}, Consumes: []string{"order.placed", "order.deleted"},
			Entities: []model.Entity{{Name: "payment", Fields: fieldsOf(t, "order: ref(order.order)  required", "total: decimal(12,2) required",
				"state: enum(pending, captured) default(pending)")}}},
		{Name: "review", Entities: []model.Entity{{Name: "review", Fields: fieldsOf(t, "stars: int required")}}},
	}
	return a
}

func fieldsOf(t *testing.T, texts ...string) []model.Field {
	t.Helper()
	var fields []model.Field
	for _, text := range texts {
		field, err := model.ParseField(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		fields = append(fields, field)
	}
	return fields
}

func TestEventsAreWrittenWithTheirChange(t *testing.T) {
	order := &NewSystemView(model.Resolve(trade(t))).Services[0].Entities[0]
	const data = `jsonb_build_object(
        'id', changed.id,
        'total', changed.total::text,
        'due', replace(to_char(changed.due AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '.000000Z', 'Z'),
        'status', changed.status,
        'created_at', replace(to_char(changed.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '.000000Z', 'Z'),
        'updated_at', replace(to_char(changed.updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '.000000Z', 'Z'),
        'version', changed.version
    )`
	for statement, want := range map[string]string{
		order.InsertStatement(): `
    INSERT INTO outbox (type, dataversion, subject, data, traceparent)
    SELECT 'order.placed', 1, changed.id::text, ` + data + `, $6::text
    FROM changed
    WHERE changed.status = 'placed'
)`,
		order.UpdateStatement(): `
    INSERT INTO outbox (type, dataversion, subject, data, traceparent)
    SELECT 'order.placed', 1, changed.id::text, ` + data + `, $11::text
    FROM changed, before
    WHERE changed.status = 'placed' AND before.status IS DISTINCT FROM 'placed'
)`,
		order.DeleteStatement(): `
    INSERT INTO outbox (type, dataversion, subject, data, traceparent)
    SELECT 'order.deleted', 1, changed.id::text, ` + data + `, $3::text
    FROM changed
)`,
	} {
		if !strings.Contains(statement, want) {
			t.Errorf("got\n%s\nwithout\n%s", statement, want)
		}
	}
	if strings.Contains(eventData(order), "margin") {
		t.Errorf("a private field is told: %s", eventData(order))
	}
	if call := order.DeleteCall(); !strings.Contains(call, "current_traceparent()") {
		t.Errorf("the event of a deletion is in no trace: %s", call)
	}
}

// A record of many fields is told in several objects: a function takes 100 arguments.
func TestEventsOfWideRecords(t *testing.T) {
	a := trade(t)
	for len(a.Services[0].Entities[0].Fields) < 2*pairsAtOnce {
		field := fieldsOf(t, "total: int")[0]
		field.Name = "f" + strings.Repeat("x", len(a.Services[0].Entities[0].Fields))
		a.Services[0].Entities[0].Fields = append(a.Services[0].Entities[0].Fields, field)
	}
	order := &NewSystemView(model.Resolve(a)).Services[0].Entities[0]
	if objects := strings.Count(eventData(order), "jsonb_build_object("); objects != 3 {
		t.Errorf("%d objects for %d members", objects, len(order.EventData())+4)
	}
}

func TestEventsInPython(t *testing.T) {
	files := filesOf(t, trade(t))
	for file, wants := range map[string][]string{
		"services/order/src/order_service/gen/events.py": {
			"class OrderPlaced(OrderTold):", "    status: OrderStatus\n", "class PaymentCaptured(EventData):", "    state: str\n",
			"async def publish_order_disputed(db: Executor, row: OrderRow) -> None:",
		},
		"services/order/src/order_service/gen/messaging.py": {
			"from kit.messaging.nats import connect\n", `        Topic("order.disputed", RETENTION_S, MAX_BYTES, PARTITIONS),` + "\n",
			"Subscription(events.PaymentCaptured, partial(payment_captured.handle, services)),\n", `    source="/shop/order",` + "\n",
		},
		"services/order/src/order_service/handlers/payment_captured.py": {
			`    await services.order.update(event.data.order_id, None, OrderPatch(status="paid"), db)` + "\n",
		},
		"services/payment/src/payment_service/handlers/order_placed.py": {
			"    new = PaymentCreate(order_id=event.data.id, total=event.data.total)\n    await services.payment.create(db, new)\n",
		},
		"services/payment/src/payment_service/handlers/order_deleted.py": {
			`    _log.info("order_deleted", event_id=str(event.id), record=str(event.data.id))` + "\n",
		},
		"services/order/src/order_service/__main__.py":         {"sys.exit(main(api, MESSAGING.commands(EventSettings)))"},
		"services/order/src/order_service/gen/settings.py":     {"class EventSettings(Settings, MessagingSettings):", `broker_namespace: str = "shop"`},
		"services/order/migrations/001_create_tables.sql":      {"CREATE TABLE outbox (", "CREATE TABLE inbox ("},
		"services/review/src/review_service/gen/settings.py":   {"class Settings(ServiceSettings):"},
		"libs/kit/src/kit/messaging/outbox.py":                 {"class Relay:"},
		"services/payment/src/payment_service/gen/events.py":   {"class OrderDeleted(EventData):"},
		"services/payment/src/payment_service/gen/settings.py": {"consumer_concurrency: Positive"},
	} {
		content, ok := files[file]
		if !ok {
			t.Errorf("%s is missing", file)
		}
		for _, want := range wants {
			if !strings.Contains(content, want) {
				t.Errorf("%s is without %q:\n%s", file, want, content)
			}
		}
	}
}

// What has nothing to do with events has nothing of them.
func TestNoTraceOfEventsWhereThereAreNone(t *testing.T) {
	a := trade(t)
	for file, content := range filesOf(t, a) {
		if strings.HasPrefix(file, "services/review/") && strings.Contains(content, "messaging") {
			t.Errorf("%s knows of events", file)
		}
	}
	a.Datastores.Broker = "none"
	for i := range a.Services {
		a.Services[i].Publishes, a.Services[i].Consumes = nil, nil
	}
	for file, content := range filesOf(t, a) {
		for _, word := range []string{"kit.messaging", "outbox", "broker_url", "BROKER_URL", "nats"} {
			if strings.Contains(file+content, word) {
				t.Errorf("%s has %q", file, word)
			}
		}
	}
}

func filesOf(t *testing.T, a model.Answers) map[string]string {
	t.Helper()
	parsed, err := LoadTemplates(templates.FS)
	if err != nil {
		t.Fatal(err)
	}
	artifacts, err := Render(NewSystemView(model.Resolve(a)), History{}, parsed)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, artifact := range artifacts {
		files[artifact.Path] = string(artifact.Content)
	}
	return files
}
