package generate

import (
	"slices"
	"strings"

	"codex-design/model"
)

// apiError is one problem that operations may answer with.
type apiError struct {
	name, description string
	header            string // that comes with it, by its name in the document's components
}

var apiErrors = map[string]apiError{
	"401": {name: "Unauthorized", description: "The request does not prove who makes it.", header: "WWW-Authenticate"},
	"403": {name: "Forbidden", description: "The caller may not do this: the detail says what is missing."},
	"404": {name: "NotFound", description: "There is no such record."},
	"409": {name: "Conflict", description: "Another record stands in the way: a unique value is taken, or the record is still referred to; or the first request with this Idempotency-Key still runs."},
	"412": {name: "PreconditionFailed", description: "The record has changed since the version in If-Match was read."},
	"413": {name: "ContentTooLarge", description: "The request's body is too large."},
	"422": {name: "UnprocessableContent", description: "The request does not fit this document; errors says where."},
	"428": {name: "PreconditionRequired", description: "If-Match is missing: read the record first and send its ETag."},
	"429": {name: "TooManyRequests", description: "The caller is above its limit; wait for as long as Retry-After says.", header: "Retry-After"},
	"500": {name: "InternalServerError", description: "A fault of the service; its log says more under the X-Request-ID of the response."},
	"503": {name: "ServiceUnavailable", description: "The service or its database has no capacity left; try again later.", header: "Retry-After"},
	"504": {name: "GatewayTimeout", description: "The request's deadline passed; whether a change was made is unknown."},
}

func (s *ServiceView) apiComponents() yamlMap {
	components := yamlMap{
		{"schemas", s.apiSchemas()},
		{"parameters", s.apiParameters()},
		{"headers", s.apiHeaders()},
		{"responses", s.apiResponses()},
	}
	if s.System.Authenticated() {
		components = components.with("securitySchemes", s.System.securitySchemes())
	}
	return components
}

// apiResponses are the error responses that some operation of the service uses, by status.
func (s *ServiceView) apiResponses() yamlMap {
	responses := yamlMap{}
	for _, status := range s.apiStatuses() {
		e := apiErrors[status]
		response := yamlMap{{"description", e.description}}
		if e.header != "" {
			response = response.with("headers", yamlMap{{e.header, ref("headers", strings.ReplaceAll(e.header, "-", ""))}})
		}
		response = response.with("content", yamlMap{{"application/problem+json", yamlMap{{"schema", schemaRef("Problem")}}}})
		responses = responses.with(e.name, response)
	}
	return responses
}

func (s *ServiceView) apiStatuses() []string {
	var statuses []string
	for i := range s.Entities {
		entity := &s.Entities[i]
		for _, route := range entity.Routes {
			statuses = append(statuses, apiOperations[route.Operation].statuses(entity)...)
		}
	}
	slices.Sort(statuses)
	return slices.Compact(statuses)
}

func (s *ServiceView) apiParameters() yamlMap {
	return yamlMap{
		{"Limit", parameter("query", "limit", false, yamlMap{{"type", "integer"}, {"minimum", 1}, {"maximum", 100}, {"default", 20}}, "The greatest number of items in the page.")},
		{"Cursor", parameter("query", "cursor", false, yamlMap{{"type", "string"}, {"maxLength", 1024}}, "next_cursor of the page before; sort and filters must be the same.")},
		{"IdempotencyKey", parameter("header", "Idempotency-Key", false, yamlMap{{"type", "string"}, {"minLength", 1}, {"maxLength", 255}, {"pattern", `^[\x21-\x7e]+$`}},
			"A value of the caller's choice, new for each record. A repeated request with the same key gets the first answer again and changes nothing.")},
		{"IfNoneMatch", parameter("header", "If-None-Match", false, yamlMap{{"type", "string"}}, "The ETag of the caller's copy.")},
		{"IfMatch", parameter("header", "If-Match", true, yamlMap{{"type", "string"}}, "The ETag of the version that the change is meant for; * stands for any.")},
	}
}

func (s *ServiceView) apiHeaders() yamlMap {
	header := func(description string, schema yamlMap) yamlMap {
		return yamlMap{{"description", description}, {"required", true}, {"schema", schema}}
	}
	headers := yamlMap{
		{"ETag", header("The record's version.", yamlMap{{"type", "string"}, {"pattern", `^"[1-9][0-9]*"$`}})},
		{"Location", header("The path of the new record.", yamlMap{{"type", "string"}, {"format", "uri-reference"}})},
		{"RetryAfter", header("Seconds to wait before another try.", yamlMap{{"type", "integer"}, {"minimum", 1}})},
	}
	if s.System.Authenticated() {
		headers = headers.with("WWWAuthenticate", header("What proves who the caller is.", yamlMap{{"type", "string"}}))
	}
	return headers
}

func (s *ServiceView) apiSchemas() yamlMap {
	schemas := yamlMap{}
	for i := range s.Entities {
		entity := &s.Entities[i]
		schemas = append(schemas,
			yamlItem{entity.Class, entity.responseSchema()},
			yamlItem{entity.Class + "Create", entity.createSchema()},
			yamlItem{entity.Class + "Patch", entity.patchSchema()})
		schemas = append(schemas, entity.expandedSchemas()...)
		schemas = append(schemas, yamlItem{entity.answered() + "Page", pageSchema(entity.answered())})
	}
	schemas = append(schemas, s.remoteSchemas()...)
	return schemas.with("Problem", problemSchema()).with("FieldError", fieldErrorSchema())
}

// responseSchema is the record as it is returned: every member is always there.
func (e *EntityView) responseSchema() yamlMap {
	properties := yamlMap{{"id", uuidSchema()}}
	example := yamlMap{{"id", exampleID}}
	complete := true
	for _, field := range e.Fields {
		if field.Private {
			continue
		}
		properties = append(properties, yamlItem{field.JSON, responseFieldSchema(field)})
		value, ok := fieldExample(field)
		example, complete = append(example, yamlItem{field.JSON, value}), complete && ok
	}
	properties = append(properties, yamlItem{"created_at", timeSchema()}, yamlItem{"updated_at", timeSchema()},
		yamlItem{"version", yamlMap{{"type", "integer"}, {"minimum", 1}}})
	example = append(example, yamlItem{"created_at", exampleTime}, yamlItem{"updated_at", exampleTime}, yamlItem{"version", 1})
	return objectSchema(e.Description, properties, keysOf(properties), false, exampleIf(complete, example))
}

func (e *EntityView) createSchema() yamlMap {
	properties, example, required := yamlMap{}, yamlMap{}, yamlFlow{}
	complete := true
	for _, field := range e.Fields {
		schema := requestFieldSchema(field, field.Nullable)
		if field.Default != nil {
			schema = schema.with("default", defaultValue(field))
		}
		properties = append(properties, yamlItem{field.JSON, schema})
		value, ok := fieldExample(field)
		example, complete = append(example, yamlItem{field.JSON, value}), complete && ok
		if requiredOnCreate(field) {
			required = append(required, field.JSON)
		}
	}
	return objectSchema("", properties, required, true, exampleIf(complete, example))
}

// requiredOnCreate: a field with a default may be left out, and so may a nullable one.
func requiredOnCreate(field model.FieldPlan) bool {
	return !field.Nullable && field.Default == nil
}

func (e *EntityView) patchSchema() yamlMap {
	properties := yamlMap{}
	for _, field := range e.Fields {
		properties = append(properties, yamlItem{field.JSON, requestFieldSchema(field, field.Nullable)})
	}
	return objectSchema("The fields to change; a field that is left out keeps its value.", properties, nil, true, nil)
}

func pageSchema(class string) yamlMap {
	properties := yamlMap{
		{"items", yamlMap{{"type", "array"}, {"items", schemaRef(class)}}},
		{"next_cursor", yamlMap{{"type", yamlFlow{"string", "null"}}, {"description", "For the next page; null on the last one."}}},
	}
	return objectSchema("", properties, keysOf(properties), false, nil)
}

// expandedSchemas are the record and its page with the records of other services that were asked for.
func (e *EntityView) expandedSchemas() yamlMap {
	if !e.Expands() {
		return nil
	}
	record := e.responseSchema()
	properties, required := yamlMap{}, yamlFlow{}
	for _, item := range record {
		if item.Key == "properties" {
			properties = append(properties, item.Value.(yamlMap)...)
			required = keysOf(properties)
		}
	}
	for _, reference := range e.expansions() {
		schema := yamlMap{{"anyOf", yamlList{schemaRef(reference.alias()), yamlMap{{"type", "null"}}}}}
		properties = append(properties, yamlItem{reference.Expansion, schema})
	}
	degraded := yamlMap{{"type", yamlFlow{"array", "null"}}, {"items", e.expansionSchema()}, {"description", "Asked for, but its service did not answer."}}
	properties = append(properties, yamlItem{"degraded", degraded})
	return yamlMap{{e.answered(), objectSchema("The same with the records of other services that were asked for.", properties, required, false, nil)}}
}

// remoteSchemas are the records of other services that reads may embed, as far as this one looks at them.
func (s *ServiceView) remoteSchemas() yamlMap {
	schemas := yamlMap{}
	for i := range s.Entities {
		for _, reference := range s.Entities[i].expansions() {
			if name := reference.alias(); !slices.Contains(keysOf(schemas), any(name)) {
				schemas = append(schemas, yamlItem{name, reference.entity.remoteSchema(reference.callee.Name)})
			}
		}
	}
	return schemas
}

// remoteSchema is the record without what may change where it is at home.
func (e *EntityView) remoteSchema(owner string) yamlMap {
	properties, required := yamlMap{{"id", uuidSchema()}}, yamlFlow{"id"}
	for _, field := range e.PublicFields() {
		schema := kindSchemas[field.Type.Kind](field.FieldPlan)
		if field.Type.Kind == model.KindEnum || field.Type.Kind == model.KindDecimal {
			schema = yamlMap{{"type", "string"}}
		}
		properties = append(properties, yamlItem{field.JSON, orNull(schema, field.Nullable)})
		if !field.Nullable {
			required = append(required, field.JSON)
		}
	}
	properties = append(properties, yamlItem{"created_at", timeSchema()}, yamlItem{"updated_at", timeSchema()},
		yamlItem{"version", yamlMap{{"type", "integer"}}})
	required = append(required, "created_at", "updated_at", "version")
	return objectSchema("A "+lowerTitle(e.Title)+" of the "+owner+" service.", properties, required, false, nil)
}

func problemSchema() yamlMap {
	properties := yamlMap{
		{"type", yamlMap{{"type", "string"}, {"format", "uri-reference"}}},
		{"title", yamlMap{{"type", "string"}}},
		{"status", yamlMap{{"type", "integer"}, {"minimum", 400}, {"maximum", 599}}},
		{"detail", yamlMap{{"type", "string"}}},
		{"instance", yamlMap{{"type", "string"}}},
		{"errors", yamlMap{{"type", "array"}, {"items", schemaRef("FieldError")}}},
	}
	return objectSchema("What went wrong (RFC 9457).", properties, yamlFlow{"type", "title", "status"}, false, nil)
}

func fieldErrorSchema() yamlMap {
	properties := yamlMap{
		{"location", yamlMap{{"type", "array"}, {"items", yamlMap{{"type", yamlFlow{"string", "integer"}}}}, {"description", "Where in the request, as in [body, title]."}}},
		{"message", yamlMap{{"type", "string"}}},
		{"type", yamlMap{{"type", "string"}}},
	}
	return objectSchema("One part of a request that does not fit.", properties, keysOf(properties), false, nil)
}

// objectSchema leaves out what is empty. A closed object refuses members that it does not name.
func objectSchema(description string, properties yamlMap, required yamlFlow, closed bool, example yamlMap) yamlMap {
	schema := yamlMap{{"type", "object"}}
	if description != "" {
		schema = schema.with("description", description)
	}
	schema = schema.with("properties", properties)
	if len(required) > 0 {
		schema = schema.with("required", required)
	}
	if closed {
		schema = schema.with("additionalProperties", false)
	}
	if len(example) > 0 {
		schema = schema.with("examples", yamlList{example})
	}
	return schema
}

// exampleIf is the example, or none: one with a member missing would not be valid.
func exampleIf(complete bool, example yamlMap) yamlMap {
	if complete {
		return example
	}
	return nil
}

func keysOf(m yamlMap) yamlFlow {
	keys := make(yamlFlow, len(m))
	for i, item := range m {
		keys[i] = item.Key
	}
	return keys
}
