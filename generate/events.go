package generate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"codex-design/model"
)

// EventView is what a template sees below {published} and {consumed}: the event,
// with its publisher and, where it is consumed, the one who does.
type EventView struct {
	model.EventPlan
	Reaction model.Reaction
	Service  *ServiceView // the publisher, or the consumer below {consumed}
	About    *EntityView  // the publisher's entity
	kept     bool         // it is read by the read model of its publisher
}

// linkEvents gives every service its events, with what they are about.
func (s *SystemView) linkEvents() {
	about := map[string]*EntityView{}
	for i := range s.Services {
		service := &s.Services[i]
		for _, plan := range service.Publishes {
			event := EventView{EventPlan: plan, Service: service}
			for j := range service.Entities {
				if service.Entities[j].Name == plan.Entity {
					event.About = &service.Entities[j]
				}
			}
			about[plan.Name] = event.About
			service.Published = append(service.Published, event)
		}
	}
	for i := range s.Services {
		service := &s.Services[i]
		for _, plan := range service.Consumes {
			service.Consumed = append(service.Consumed, EventView{EventPlan: plan.EventPlan, Reaction: plan.Reaction, Service: service, About: about[plan.Name]})
		}
	}
}

func hasEvents(s *ServiceView) bool { return s.HasEvents() }

func init() { followers = append(followers, outboxFollowers) }

// outboxFollowers write the events of an operation, each by its own condition.
func outboxFollowers(e *EntityView, operation string) []follower {
	f := follower{name: "event", context: []contextValue{{"traceparent", "text", "kit.messaging.events", "current_traceparent"}}}
	var happened []string
	var only EventView
	for _, event := range e.Service.Published {
		if event.Entity != e.Name || !event.follows(operation) {
			continue
		}
		only = event
		f.before = f.before || event.Trigger == model.TriggerBecomes && operation == "update"
		happened = append(happened, fmt.Sprintf("    (%s, %d, %s)", sqlText(event.Name), event.Version, event.condition(e, operation)))
	}
	source := "FROM changed"
	if f.before {
		source += ", before"
	}
	const insert, which = "INSERT INTO outbox (type, dataversion, subject, data, traceparent)", "SELECT %s, %s, changed.id::text, %s, {traceparent}"
	switch len(happened) {
	case 0:
		return nil
	case 1:
		f.lines = []string{insert, fmt.Sprintf(which, sqlText(only.Name), strconv.Itoa(only.Version), eventData(e)), source}
		if condition := only.condition(e, operation); condition != "true" {
			f.lines = append(f.lines, "WHERE "+condition)
		}
	default:
		f.lines = []string{insert, fmt.Sprintf(which, "happened.type", "happened.dataversion", eventData(e)), source + ", LATERAL (VALUES",
			strings.Join(happened, ",\n"), ") AS happened (type, dataversion, applies)", "WHERE happened.applies"}
	}
	return []follower{f}
}

// follows reports whether an operation can publish the event.
func (e *EventView) follows(operation string) bool {
	if e.Trigger == model.TriggerBecomes {
		return operation == "create" || operation == "update"
	}
	return string(e.Trigger) == operation
}

// condition is when the event has happened, as SQL over the row that was changed.
func (e *EventView) condition(entity *EntityView, operation string) string {
	if e.Trigger != model.TriggerBecomes {
		return "true"
	}
	column := ""
	for _, field := range entity.Fields {
		if field.JSON == e.Field {
			column = field.SQLName
		}
	}
	value := sqlText(e.Value)
	has := fmt.Sprintf("changed.%s = %s", column, value)
	if operation == "create" {
		return has
	}
	return has + fmt.Sprintf(" AND before.%s IS DISTINCT FROM %s", column, value)
}

func sqlText(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// pairsAtOnce is the greatest number of members that one call of
// jsonb_build_object makes: a function of PostgreSQL takes 100 arguments.
const pairsAtOnce = 50

// eventData is the JSON of a changed record, in the forms of the API.
func eventData(e *EntityView) string {
	pairs := []string{jsonPair("id", "changed.id")}
	for _, field := range e.EventData() {
		pairs = append(pairs, jsonPair(field.JSON, jsonForm(field.Type.Kind, "changed."+field.SQLName)))
	}
	for _, column := range []string{"created_at", "updated_at"} {
		pairs = append(pairs, jsonPair(column, jsonForm(model.KindTimestamp, "changed."+column)))
	}
	pairs = append(pairs, jsonPair("version", "changed.version"))
	var objects []string
	for chunk := range slices.Chunk(pairs, pairsAtOnce) {
		objects = append(objects, "jsonb_build_object(\n    "+strings.Join(chunk, ",\n    ")+"\n)")
	}
	return strings.Join(objects, " || ")
}

func jsonPair(name, value string) string { return sqlText(name) + ", " + value }

// jsonForm is a column as the API writes it: a decimal as text, a time in UTC
// with a fraction only where there is one.
func jsonForm(kind model.Kind, column string) string {
	switch kind {
	case model.KindDecimal:
		return column + "::text"
	case model.KindTimestamp:
		return "replace(to_char(" + column + ` AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '.000000Z', 'Z')`
	}
	return column
}

// EventSettingLines declare the numbers of the processes that carry events.
func (s *ServiceView) EventSettingLines() string {
	broker := s.System.Broker
	var lines []SettingLine
	if broker.Copies.Value > 0 {
		lines = append(lines, number("broker_copies", broker.Copies))
	}
	if s.Relay != nil {
		lines = append(lines, number("relay_batch", s.Relay.Batch))
		lines = append(lines, number("outbox_retention_s", s.Relay.Retention))
	}
	if s.Worker != nil {
		lines = append(lines, number("consumer_concurrency", s.Worker.Concurrency), number("consumer_timeout_ms", broker.ConsumerTimeout),
			number("consumer_attempts", broker.Attempts), number("consumer_backoff_ms", broker.Backoff),
			number("consumer_backoff_max_ms", broker.BackoffMax), number("inbox_retention_s", s.Worker.Inbox))
	}
	return settingLines(lines)
}

// SettingsImports is the import block of gen/settings.py.
func (s *ServiceView) SettingsImports() string {
	imports := pythonImports{"kit.settings": {"NotNegative", "Port", "Positive", "Share"}}
	if s.UsesRedis {
		imports.add("pydantic", "SecretStr")
	}
	for _, base := range s.SettingsBases() {
		imports.add(settingsModules[base], base)
	}
	if s.Calling() {
		imports.add("kit.client", "PeerUrl")
	}
	if s.HasEvents() {
		imports.add("kit.messaging.settings", "MessagingSettings")
	}
	if s.System.RateLimited() {
		imports.add("kit.ratelimit", "Rate")
	}
	return imports.block(s.Package)
}

// CloudSource names the service as the source of its events.
func (s *ServiceView) CloudSource() string { return "/" + s.System.System.Name + "/" + s.Name }

// DataLines declare the members of the event's data; a consumer takes values of
// an enum that it does not know yet.
func (e *EventView) DataLines() []string {
	var lines []string
	for _, field := range e.About.PublicFields() {
		if field.Type.Kind == model.KindEnum && !e.isPublished() {
			field.Type = model.Type{Kind: model.KindText}
		}
		lines = append(lines, field.ViewLine())
	}
	return lines
}

// Subjects are the entities that the service publishes events of, in the order of the answers.
func (s *ServiceView) Subjects() []*EntityView {
	var subjects []*EntityView
	for i := range s.Entities {
		if slices.ContainsFunc(s.Published, func(e EventView) bool { return e.Entity == s.Entities[i].Name }) {
			subjects = append(subjects, &s.Entities[i])
		}
	}
	return subjects
}

// PublishedEvents are those of the entity.
func (e *EntityView) PublishedEvents() []EventView {
	return slices.DeleteFunc(slices.Clone(e.Service.Published), func(event EventView) bool { return event.Entity != e.Name })
}

// isPublished reports whether the view stands below its publisher.
func (e *EventView) isPublished() bool { return e.Service.Name == e.Publisher }

// Docstring says what the event tells.
func (e *EventView) Docstring() string { return docstring(e.Sentence()) }

// Sentence says when the event is published.
func (e *EventView) Sentence() string {
	title := withArticle(e.About.LowerTitle())
	switch e.Trigger {
	case model.TriggerCreate:
		return upperFirst(title) + " was created"
	case model.TriggerUpdate:
		return upperFirst(title) + " was changed"
	case model.TriggerDelete:
		return upperFirst(title) + " was deleted"
	case model.TriggerBecomes:
		return fmt.Sprintf("The %s of %s has become %s", strings.ReplaceAll(e.Field, "_", " "), title, e.Value)
	}
	return upperFirst(title) + " was " + strings.ReplaceAll(e.Verb, "_", " ")
}

func withArticle(title string) string {
	if strings.ContainsAny(title[:1], "aeio") {
		return "an " + title
	}
	return "a " + title
}

func upperFirst(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// EventsImports is the import block of gen/events.py.
func (s *ServiceView) EventsImports() string {
	imports := pythonImports{}
	imports.add("typing", "ClassVar")
	imports.add("kit.messaging.events", "EventData")
	imports.use("Timestamp Uuid")
	for _, event := range slices.Concat(s.Published, s.Consumed) {
		for _, line := range event.DataLines() {
			imports.use(annotationOf(line))
		}
		for _, field := range event.About.PublicFields() {
			if field.Type.Kind == model.KindEnum && event.isPublished() {
				imports.add(event.About.module("schemas"), field.AliasName())
			}
			if field.alias() != "" {
				imports.use("Field")
			}
		}
	}
	for _, event := range s.PublishedByRules() {
		imports.add("kit.messaging", "outbox")
		imports.add("kit.db", "Executor")
		imports.add(event.About.module("repository"), event.About.Class+"Row")
	}
	return imports.block(s.Package)
}

// PublishedByRules are the events that only rules publish.
func (s *ServiceView) PublishedByRules() []EventView {
	return slices.DeleteFunc(slices.Clone(s.Published), func(e EventView) bool { return e.Trigger != model.TriggerRules })
}

// MessagingImports is the import block of gen/messaging.py.
func (s *ServiceView) MessagingImports() string {
	imports := pythonImports{
		s.Package + ".gen.app":                  {"SCHEMA_VERSION"},
		"kit.messaging." + s.System.Broker.Kind: {"connect"},
		"kit.messaging.service":                 {"Messaging"},
		"kit.messaging.topology":                {"Topic", "Topology"},
	}
	if s.Works() {
		imports.add("kit.messaging.topology", "Queue")
		imports.add("kit.messaging.consumer", "Consumer")
		imports.add("kit.messaging.consumer", "Subscription")
		imports.add("kit.resources", "Resources")
	}
	if len(s.Consumed) > 0 {
		imports.add("functools", "partial")
		imports.add(s.Package+".gen.services", "Services")
		imports.add(s.Package+".gen", "events")
	}
	for _, event := range s.Consumed {
		imports.add(s.Package+".handlers", event.Module)
	}
	if s.ReadModel {
		imports.add(s.Package+".gen", "events")
		for i := range s.Entities {
			imports.add(s.Entities[i].module("read_model"), s.Entities[i].Class+"ReadModel")
		}
	}
	return imports.block(s.Package)
}

// ReaderView is what reads events by itself: the service's handlers, or its read model.
type ReaderView struct {
	Name   string
	Events []EventView
}

// Readers are the consumers of the service.
func (s *ServiceView) Readers() []ReaderView {
	var readers []ReaderView
	if len(s.Consumed) > 0 {
		readers = append(readers, ReaderView{s.Name, s.Consumed})
	}
	if s.ReadModel {
		readers = append(readers, s.readModelReader())
	}
	return readers
}

// topicLines declare the topics of some events as an argument that is a tuple;
// a tuple of one ends in a comma, for which ruff format would need no second line.
func topicLines(margin int, argument string, events []EventView) string {
	tuple := expression{head: "(", tail: ")"}
	for _, event := range events {
		tuple.items = append(tuple.items, call("Topic", atoms(pythonString(event.Name), "RETENTION_S", "MAX_BYTES", "PARTITIONS")...))
	}
	indent := strings.Repeat(" ", margin)
	if line := indent + argument + "=(" + tuple.items[0].String() + ",),"; len(events) == 1 && len(line) <= pythonWidth {
		return line
	}
	lines := []string{indent + argument + "=("}
	for _, item := range tuple.items {
		lines = append(lines, item.layout(indent+"    ", "", ","))
	}
	return strings.Join(append(lines, indent+"),"), "\n")
}

// SubscriptionLine is an entry of a consumer.
func (e *EventView) SubscriptionLine() string {
	handler := "partial(" + e.Module + ".handle, services)"
	if e.kept {
		handler = e.keeping()
	}
	return call("Subscription", atoms("events."+e.Class, handler)...).layout("                ", "", ",")
}

// Summary is the docstring's text after another one's beginning.
func (e *EventView) Summary() string {
	sentence := e.Sentence()
	return strings.ToLower(sentence[:1]) + sentence[1:] + "."
}

// PublishSignature starts the function with which rules publish the event.
func (e *EventView) PublishSignature() string {
	return call("async def publish_"+e.Module, atoms("db: Executor", "row: "+e.About.Class+"Row")...).layout("", "", " -> None:")
}

// pythonCount writes a whole number as Python does: 1_209_600.
func pythonCount(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0 && n >= 10_000; i -= 3 {
		text = text[:i] + "_" + text[i:]
	}
	return text
}

// RetentionSeconds and the others are the numbers of gen/messaging.py.
func (s *ServiceView) RetentionSeconds() string { return pythonCount(s.System.Broker.Retention.Int()) }

// DeadLetterSeconds is how long a dead letter waits.
func (s *ServiceView) DeadLetterSeconds() string {
	return pythonCount(s.System.Broker.DeadLetters.Int())
}

// TopicBytes is most that one topic keeps.
func (s *ServiceView) TopicBytes() string {
	return pythonCount(s.System.Broker.TopicMiB.Int() * 1024 * 1024)
}

// HandlerImports is the import block of handlers/{consumed}.py.
func (e *EventView) HandlerImports() string {
	imports := pythonImports{
		"kit.db":                            {"Executor"},
		"kit.messaging.events":              {"Event"},
		e.Service.Package + ".gen.events":   {e.Class},
		e.Service.Package + ".gen.services": {"Services"},
	}
	switch record := e.record(); e.Reaction.Kind {
	case model.ReactCreate:
		imports.add(record.module("schemas"), record.Class+"Create")
	case model.ReactSet:
		imports.add(record.module("schemas"), record.Class+"Patch")
	default:
		imports.add("kit.logs", "get_logger")
	}
	return imports.block(e.Service.Package)
}

// record is the consumer's entity that the reaction writes.
func (e *EventView) record() *EntityView {
	for i := range e.Service.Entities {
		if e.Service.Entities[i].Name == e.Reaction.Entity {
			return &e.Service.Entities[i]
		}
	}
	return nil
}

// Logs reports whether the reaction writes nothing.
func (e *EventView) Logs() bool { return e.Reaction.Kind == model.ReactLog }

// HandlerSignature starts the handler; what it does not use begins with _.
func (e *EventView) HandlerSignature() string {
	mark := ""
	if e.Logs() {
		mark = "_"
	}
	return call("async def handle", atoms(mark+"services: Services", "event: Event["+e.Class+"]", mark+"db: Executor")...).layout("", "", " -> None:")
}

// HandlerSummary says what the handler does.
func (e *EventView) HandlerSummary() string {
	switch record := e.record(); e.Reaction.Kind {
	case model.ReactCreate:
		return "Create " + withArticle(record.LowerTitle()) + "."
	case model.ReactSet:
		return fmt.Sprintf("Set the %s of the %s to %s.", strings.ReplaceAll(e.Reaction.Field, "_", " "), record.LowerTitle(), e.Reaction.Value)
	}
	return "Note that it happened."
}

// HandlerBody is what the handler does, in the transaction that notes the event in the inbox.
func (e *EventView) HandlerBody() string {
	switch record := e.record(); e.Reaction.Kind {
	case model.ReactCreate:
		var values []string
		for _, fill := range e.Reaction.Fill {
			values = append(values, attributeOf(record, fill.Field)+"=event.data."+attributeOf(e.About, fill.Member))
		}
		return call(record.Class+"Create", atoms(values...)...).layout("    ", "new = ", "") +
			"\n    await services." + record.Module + ".create(db, new)"
	case model.ReactSet:
		patch := record.Class + "Patch(" + attributeOf(record, e.Reaction.Field) + "=" + pythonString(e.Reaction.Value) + ")"
		member := "event.data." + attributeOf(e.About, e.Reaction.By)
		write := call("await services."+record.Module+".update", atoms(member, "None", patch, "db")...)
		for _, field := range e.About.Fields {
			if field.JSON == e.Reaction.By && field.Nullable {
				return "    if " + member + " is not None:\n" + write.layout("        ", "", "")
			}
		}
		return write.layout("    ", "", "")
	}
	return call("_log.info", atoms(pythonString(e.Module), "event_id=str(event.id)", "record=str(event.data.id)")...).layout("    ", "", "")
}

// attributeOf is the Python attribute of a member of the entity's JSON.
func attributeOf(e *EntityView, member string) string {
	for _, field := range e.Fields {
		if field.JSON == member {
			return field.Attribute
		}
	}
	return member
}

// brokerPrograms are the servers that the tests start.
var brokerPrograms = map[string]string{"postgresql": "postgres", "eventbridge": "moto", "nats": "nats-server", "rabbitmq": "rabbitmq-server", "kafka": "Kafka"}

// BrokerProgram is the server of the system's broker.
func (s *SystemView) BrokerProgram() string { return brokerPrograms[s.Broker.Kind] }

// Reactions says who consumes an event and what each does then, as a cell of a Markdown table.
func (s *SystemView) Reactions(event string) string {
	var texts []string
	for i := range s.Services {
		for j := range s.Services[i].Consumed {
			if consumed := &s.Services[i].Consumed[j]; consumed.Name == event {
				does := strings.TrimSuffix(consumed.HandlerSummary(), ".")
				texts = append(texts, s.Services[i].Name+": "+strings.ToLower(does[:1])+does[1:])
			}
		}
	}
	return s.Cell(strings.Join(texts, "; "))
}
