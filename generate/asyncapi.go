package generate

import (
	"fmt"
	"slices"

	"codex-design/model"
)

// exampleTrace and the others stand in the examples of events.
const (
	exampleEvent = "0190a5d0-3c4e-7c1a-9f00-5b1f0e6f2a11"
	exampleTrace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	cloudEvents  = "application/cloudevents+json"
)

// AsyncAPI is the contract of all events as an AsyncAPI 3.0 document in YAML. The
// generated tests compare it with what services publish and read.
func (s *SystemView) AsyncAPI() string {
	return yamlDocument(yamlMap{
		{"asyncapi", "3.0.0"},
		{"info", yamlMap{
			{"title", s.System.Title + " events"},
			{"version", firstTag},
			{"description", yamlBlock(`What the services of ` + s.System.Title + ` tell each other, as CloudEvents 1.0 in JSON.

An event is delivered at least once. A form that is published only gains members; another form is another event, with a
version in its name, beside the old one until nobody reads that any more.`)},
		}},
		{"defaultContentType", cloudEvents},
		{"servers", yamlMap{{"broker", s.brokerServer()}}},
		{"channels", s.channels()},
		{"operations", s.eventOperations()},
		{"components", yamlMap{{"messages", s.messages()}, {"schemas", s.eventSchemas()}}},
	})
}

// asyncProtocols name the brokers' protocols as AsyncAPI does.
var asyncProtocols = map[string]string{"nats": "nats", "rabbitmq": "amqps", "kafka": "kafka-secure"}

func (s *SystemView) brokerServer() yamlMap {
	return yamlMap{
		{"host", fmt.Sprintf("broker.%s:%d", s.Production().Host, s.Broker.Port)},
		{"protocol", asyncProtocols[s.Broker.Kind]},
		{"description", s.BrokerTitle() + " of production; the services find it in broker_url."},
	}
}

// allEvents are the published events in the order of the answers.
func (s *SystemView) allEvents() []*EventView {
	var events []*EventView
	for i := range s.Services {
		for j := range s.Services[i].Published {
			events = append(events, &s.Services[i].Published[j])
		}
	}
	return events
}

func (s *SystemView) channels() yamlMap {
	channels := yamlMap{}
	for _, e := range s.allEvents() {
		channel := yamlMap{
			{"address", s.addressOf(e)},
			{"title", e.Name},
			{"description", e.Sentence() + "."},
			{"messages", yamlMap{{e.Class, reference("messages", e.Class)}}},
		}
		if bindings := s.channelBindings(e); len(bindings) > 0 {
			channel = channel.with("bindings", bindings)
		}
		channels = append(channels, yamlItem{e.Input(), channel})
	}
	return channels
}

func reference(kind, name string) yamlMap {
	return yamlMap{{"$ref", "#/components/" + kind + "/" + name}}
}

// addressOf is where the broker has the event, as the shared library's adapter names it.
func (s *SystemView) addressOf(e *EventView) string {
	if s.Broker.Kind == "rabbitmq" {
		return e.Name
	}
	return s.System.Name + ".events." + e.Name
}

func (s *SystemView) channelBindings(e *EventView) yamlMap {
	switch s.Broker.Kind {
	case "rabbitmq":
		exchange := yamlMap{{"name", s.System.Name + ".events"}, {"type", "topic"}, {"durable", true}, {"autoDelete", false}, {"vhost", "/"}}
		return yamlMap{{"amqp", yamlMap{{"is", "routingKey"}, {"exchange", exchange}, {"bindingVersion", "0.3.0"}}}}
	case "kafka":
		return yamlMap{{"kafka", yamlMap{{"topic", s.addressOf(e)}, {"partitions", s.Broker.Partitions.Int()}, {"replicas", s.Broker.Copies.Int()},
			{"bindingVersion", "0.5.0"}}}}
	}
	return nil
}

// eventOperations say who sends and who receives.
func (s *SystemView) eventOperations() yamlMap {
	operations := yamlMap{}
	for _, e := range s.allEvents() {
		operations = append(operations, yamlItem{model.Snake(e.Publisher) + "_sends_" + e.Input(), operationOn(e, "send", e.Publisher, e.Sentence()+".")})
		for _, name := range e.Consumers {
			operations = append(operations, yamlItem{model.Snake(name) + "_receives_" + e.Input(), operationOn(e, "receive", name, "")})
		}
	}
	return operations
}

func operationOn(e *EventView, action, service, summary string) yamlMap {
	channel := "#/channels/" + e.Input()
	operation := yamlMap{{"action", action}, {"channel", yamlMap{{"$ref", channel}}}}
	if summary != "" {
		operation = operation.with("summary", summary)
	}
	return operation.with("tags", yamlList{yamlMap{{"name", service}}}).
		with("messages", yamlList{yamlMap{{"$ref", channel + "/messages/" + e.Class}}})
}

func (s *SystemView) messages() yamlMap {
	messages := yamlMap{}
	for _, e := range s.allEvents() {
		message := yamlMap{
			{"name", e.Name}, {"title", e.Class}, {"summary", e.Sentence() + "."}, {"contentType", cloudEvents},
			{"payload", reference("schemas", e.Class)},
		}
		if example := e.example(); example != nil {
			message = message.with("examples", yamlList{yamlMap{{"name", e.Input()}, {"payload", example}}})
		}
		messages = append(messages, yamlItem{e.Class, message})
	}
	return messages
}

// eventSchemas are the envelope of each event and the record that it tells.
func (s *SystemView) eventSchemas() yamlMap {
	schemas := yamlMap{}
	for i := range s.Services {
		for _, entity := range s.Services[i].Subjects() {
			told, _ := entity.told()
			schemas = append(schemas, yamlItem{s.toldName(entity), told})
		}
	}
	for _, e := range s.allEvents() {
		schemas = append(schemas, yamlItem{e.Class, e.envelope(s.toldName(e.About))})
	}
	return schemas
}

// toldName names the schema of a record; two services may have records of one name.
func (s *SystemView) toldName(e *EntityView) string {
	return model.PythonClass(e.Service.Name) + e.Class + "Record"
}

func (e *EventView) envelope(record string) yamlMap {
	text, constant := yamlMap{{"type", "string"}}, func(value any) yamlMap { return yamlMap{{"const", value}} }
	properties := yamlMap{
		{"specversion", constant("1.0")}, {"id", uuidSchema()}, {"source", constant(e.Service.CloudSource())}, {"type", constant(e.Name)},
		{"subject", text}, {"time", timeSchema()}, {"datacontenttype", constant("application/json")}, {"dataversion", constant(e.Version)},
		{"sequence", yamlMap{{"type", "string"}, {"pattern", "^[0-9]{20}$"}}},
		{"traceparent", yamlMap{{"type", "string"}, {"pattern", "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"}}},
		{"data", reference("schemas", record)},
	}
	required := slices.DeleteFunc(keysOf(properties), func(name any) bool { return name == "traceparent" })
	return yamlMap{{"type", "object"}, {"description", e.Sentence() + "."}, {"required", required}, {"properties", properties}}
}

// told is the record as events tell it, and an example unless a pattern keeps one from being made up.
func (e *EntityView) told() (schema, example yamlMap) {
	schema = e.responseSchema()
	kept := yamlMap{}
	for _, item := range schema {
		if item.Key != "examples" {
			kept = append(kept, item)
		} else if examples, ok := item.Value.(yamlList); ok {
			example, _ = examples[0].(yamlMap)
		}
	}
	return kept, example
}

// example is the event whole, as it travels; nil where its record has no example.
func (e *EventView) example() yamlMap {
	_, record := e.About.told()
	if record == nil {
		return nil
	}
	data := yamlMap{}
	for _, item := range record {
		if e.Trigger == model.TriggerBecomes && item.Key == e.Field {
			item.Value = e.Value
		}
		data = append(data, item)
	}
	return yamlMap{
		{"specversion", "1.0"}, {"id", exampleEvent}, {"source", e.Service.CloudSource()}, {"type", e.Name}, {"subject", exampleID},
		{"time", exampleTime}, {"datacontenttype", "application/json"}, {"dataversion", e.Version}, {"sequence", fmt.Sprintf("%020d", 1)},
		{"traceparent", exampleTrace}, {"data", data},
	}
}
