package generate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"codex-design/model"
)

// OpenAPI is the contract of the service's HTTP API as an OpenAPI 3.1 document
// in YAML. The generated contract test compares it with the running service.
func (s *ServiceView) OpenAPI() string {
	document := yamlMap{
		{"openapi", "3.1.0"},
		{"info", yamlMap{
			{"title", s.Title + " API"},
			{"version", s.APIVersion},
			{"description", yamlBlock(s.apiDescription())},
		}},
		{"servers", yamlList{yamlMap{
			{"url", "http://{host}:{port}"},
			{"description", "On a developer's machine; inside the system's network it is " + s.Name + ":" + strconv.Itoa(s.Port) + "."},
			{"variables", yamlMap{
				{"host", yamlMap{{"default", "localhost"}}},
				{"port", yamlMap{{"default", strconv.Itoa(s.LocalPort)}}},
			}},
		}}},
		{"security", s.System.knownCallers()},
		{"tags", s.apiTags()},
		{"paths", s.apiPaths()},
	}
	return yamlDocument(document.with("components", s.apiComponents()))
}

func (s *ServiceView) apiDescription() string {
	text := s.Description
	if text == "" {
		text = "The " + s.Title + " service of " + s.System.System.Title + "."
	}
	return text + `

Every error is an application/problem+json document (RFC 9457). A record's ETag is the version that If-Match
and If-None-Match compare. Lists are read page by page with the cursor that the page before returned. Every answer
has an X-Request-ID, the caller's own if it sent one; the logs name it.`
}

func (s *ServiceView) apiTags() yamlList {
	tags := yamlList{}
	for i := range s.Entities {
		entity := &s.Entities[i]
		description := entity.Description
		if description == "" {
			description = entity.PluralTitle
		}
		tags = append(tags, yamlMap{{"name", entity.Tag}, {"description", description}})
	}
	return tags
}

func (s *ServiceView) apiPaths() yamlMap {
	paths := yamlMap{}
	for i := range s.Entities {
		entity := &s.Entities[i]
		for _, path := range entity.paths() {
			paths = append(paths, yamlItem{path, entity.pathItem(path)})
		}
	}
	return paths
}

// paths are the entity's paths, each once, in the order of its routes.
func (e *EntityView) paths() []string {
	var paths []string
	for _, route := range e.Routes {
		if !slices.Contains(paths, route.Path) {
			paths = append(paths, route.Path)
		}
	}
	return paths
}

func (e *EntityView) pathItem(path string) yamlMap {
	item := yamlMap{}
	if name := pathParameter(path); name != "" {
		item = item.with("parameters", yamlList{parameter("path", name, true, uuidSchema(), "The id of the "+lowerTitle(e.Title)+".")})
	}
	for _, route := range e.Routes {
		if route.Path == path {
			item = append(item, yamlItem{strings.ToLower(route.Method), e.operation(route)})
		}
	}
	return item
}

// pathParameter is the name between the braces of a path, if it has any.
func pathParameter(path string) string {
	_, rest, _ := strings.Cut(path, "{")
	name, _, _ := strings.Cut(rest, "}")
	return name
}

// apiOperation says how one kind of operation is documented.
type apiOperation struct {
	summary    string // with %s for the entity's title
	plural     bool
	parameters func(e *EntityView) yamlList
	body       string // suffix of the request body's class
	success    func(e *EntityView) yamlItem
	extra      func(e *EntityView) []yamlItem // further responses that are no errors
	errors     func(e *EntityView) []string
}

var apiOperations = map[string]apiOperation{
	"list":   {summary: "List %s", plural: true, parameters: (*EntityView).listParameters, success: (*EntityView).listed, errors: (*EntityView).listErrors},
	"create": {summary: "Create a new %s", parameters: (*EntityView).createParameters, body: "Create", success: (*EntityView).created, errors: (*EntityView).createErrors},
	"read":   {summary: "Read one %s", parameters: (*EntityView).readParameters, success: (*EntityView).read, extra: (*EntityView).notModified, errors: (*EntityView).readErrors},
	"update": {summary: "Change fields of one %s", parameters: (*EntityView).changeParameters, body: "Patch", success: (*EntityView).found, errors: (*EntityView).updateErrors},
	"delete": {summary: "Delete one %s", parameters: (*EntityView).changeParameters, success: (*EntityView).deleted, errors: (*EntityView).deleteErrors},
}

func (e *EntityView) operation(route model.Route) yamlMap {
	kind := apiOperations[route.Operation]
	title := e.Title
	if kind.plural {
		title = e.PluralTitle
	}
	operation := yamlMap{
		{"operationId", route.ID},
		{"summary", fmt.Sprintf(kind.summary, lowerTitle(title))},
		{"tags", yamlFlow{e.Tag}},
	}
	if e.Service.System.Authenticated() {
		operation = operation.with("security", yamlList{e.Service.System.securityOf(route)})
	}
	operation = operation.with("parameters", kind.parameters(e))
	if kind.body != "" {
		operation = operation.with("requestBody", yamlMap{
			{"required", true},
			{"content", yamlMap{{"application/json", yamlMap{{"schema", schemaRef(e.Class + kind.body)}}}}},
		})
	}
	return operation.with("responses", kind.responses(e))
}

func (kind apiOperation) responses(e *EntityView) yamlMap {
	responses := yamlMap{kind.success(e)}
	if kind.extra != nil {
		responses = append(responses, kind.extra(e)...)
	}
	for _, status := range kind.statuses(e) {
		responses = append(responses, yamlItem{status, ref("responses", apiErrors[status].name)})
	}
	return responses
}

// statuses are those of its errors, and of what stands before every operation.
func (kind apiOperation) statuses(e *EntityView) []string {
	statuses := append(e.Service.System.guardStatuses(), kind.errors(e)...)
	slices.Sort(statuses)
	return statuses
}

func (e *EntityView) listParameters() yamlList {
	list := yamlList{}
	for _, filter := range e.Filters {
		list = append(list, parameter("query", filter.Parameter, false, filterSchema(filter), filterDescription(filter)))
	}
	sorts := e.sortValues()
	list = append(list, parameter("query", "sort", false, yamlMap{{"type", "string"}, {"enum", sorts}, {"default", "-created_at"}}, "The order; a leading - is descending."),
		ref("parameters", "Limit"), ref("parameters", "Cursor"))
	return append(list, e.expandParameter()...)
}

// expandParameter is the query parameter that names the records to embed, where there are any.
func (e *EntityView) expandParameter() yamlList {
	if !e.Expands() {
		return nil
	}
	schema := yamlMap{{"type", "array"}, {"items", e.expansionSchema()}}
	return yamlList{parameter("query", "expand", false, schema,
		"Records of other services to embed. If one does not answer, the member is null and degraded names it. The ETag stays that of the record itself, and the answer is never 304.")}
}

// expansionSchema is one value of the expand parameter.
func (e *EntityView) expansionSchema() yamlMap {
	names := yamlFlow{}
	for _, reference := range e.expansions() {
		names = append(names, reference.Expansion)
	}
	if len(names) == 1 {
		return yamlMap{{"type", "string"}, {"const", names[0]}}
	}
	return yamlMap{{"type", "string"}, {"enum", names}}
}

// answered is the schema of what reads answer with.
func (e *EntityView) answered() string {
	if e.Expands() {
		return "Expanded" + e.Class
	}
	return e.Class
}

// sortValues are the values of the sort parameter: each order ascending and descending.
func (e *EntityView) sortValues() yamlFlow {
	values := yamlFlow{}
	for _, sort := range e.Sorts {
		values = append(values, sort.Name, "-"+sort.Name)
	}
	return values
}

func filterDescription(filter model.FilterPlan) string {
	switch filter.Operator {
	case model.FilterFrom:
		return "Only those whose " + filter.Field.JSON + " is this or later."
	case model.FilterTo:
		return "Only those whose " + filter.Field.JSON + " is this or earlier."
	case model.FilterWords:
		return "Only those with these words in any text; quotes, or and - as in a web search."
	default:
		return "Only those whose " + filter.Field.JSON + " is this."
	}
}

func (e *EntityView) createParameters() yamlList {
	return yamlList{ref("parameters", "IdempotencyKey")}
}

func (e *EntityView) readParameters() yamlList {
	return append(yamlList{ref("parameters", "IfNoneMatch")}, e.expandParameter()...)
}

func (e *EntityView) changeParameters() yamlList { return yamlList{ref("parameters", "IfMatch")} }

func (e *EntityView) listed() yamlItem {
	return yamlItem{"200", yamlMap{
		{"description", "One page of " + lowerTitle(e.PluralTitle) + "." + e.followsLate()},
		{"content", jsonContent(e.answered() + "Page")},
	}}
}

// followsLate says what a caller of a list has to know of a read model.
func (e *EntityView) followsLate() string {
	if e.ReadTable == "" {
		return ""
	}
	return " The list is eventually consistent: it follows a change within moments. A record read by its id is current at once."
}

func (e *EntityView) created() yamlItem {
	return yamlItem{"201", yamlMap{
		{"description", "The new " + lowerTitle(e.Title) + "."},
		{"headers", yamlMap{{"Location", ref("headers", "Location")}, {"ETag", ref("headers", "ETag")}}},
		{"content", jsonContent(e.Class)},
		{"links", e.links()},
	}}
}

func (e *EntityView) found() yamlItem { return e.answer(e.Class) }

func (e *EntityView) read() yamlItem { return e.answer(e.answered()) }

func (e *EntityView) answer(schema string) yamlItem {
	return yamlItem{"200", yamlMap{
		{"description", "The " + lowerTitle(e.Title) + "."},
		{"headers", yamlMap{{"ETag", ref("headers", "ETag")}}},
		{"content", jsonContent(schema)},
	}}
}

func (e *EntityView) notModified() []yamlItem {
	return []yamlItem{{"304", yamlMap{
		{"description", "The caller's copy is still current."},
		{"headers", yamlMap{{"ETag", ref("headers", "ETag")}}},
	}}}
}

func (e *EntityView) deleted() yamlItem {
	return yamlItem{"204", yamlMap{{"description", "It is gone."}}}
}

// links say which operations follow a create, and with which of its values.
func (e *EntityView) links() yamlMap {
	links := yamlMap{}
	for _, route := range e.Routes {
		name := pathParameter(route.Path)
		if name == "" {
			continue
		}
		parameters := yamlMap{{"path." + name, "$response.body#/id"}}
		if route.Operation != "read" {
			parameters = parameters.with("header.If-Match", "$response.header.ETag")
		}
		links = links.with(route.Operation, yamlMap{{"operationId", route.ID}, {"parameters", parameters}})
	}
	return links
}

func (e *EntityView) listErrors() []string { return []string{"422", "500", "503", "504"} }

// createErrors always has 409: a key whose first request still runs is a conflict too.
func (e *EntityView) createErrors() []string {
	return []string{"409", "413", "422", "500", "503", "504"}
}

func (e *EntityView) readErrors() []string { return []string{"404", "422", "500", "503", "504"} }

func (e *EntityView) updateErrors() []string {
	if e.canCollide() {
		return []string{"404", "409", "412", "413", "422", "428", "500", "503", "504"}
	}
	return []string{"404", "412", "413", "422", "428", "500", "503", "504"}
}

func (e *EntityView) deleteErrors() []string {
	if e.referenced() {
		return []string{"404", "409", "412", "422", "428", "500", "503", "504"}
	}
	return []string{"404", "412", "422", "428", "500", "503", "504"}
}

// canCollide says whether the state of other rows may refuse a change.
func (e *EntityView) canCollide() bool {
	return slices.ContainsFunc(e.Fields, func(f model.FieldPlan) bool { return f.Unique })
}

// referenced says whether another table of the service has a foreign key to this one.
func (e *EntityView) referenced() bool {
	for i := range e.Service.Entities {
		for _, reference := range e.Service.Entities[i].References {
			if reference.Local && reference.Entity == e.Name {
				return true
			}
		}
	}
	return false
}

func parameter(in, name string, required bool, schema yamlMap, description string) yamlMap {
	p := yamlMap{{"name", name}, {"in", in}}
	if required {
		p = p.with("required", true)
	}
	return p.with("description", description).with("schema", schema)
}

func jsonContent(class string) yamlMap {
	return yamlMap{{"application/json", yamlMap{{"schema", schemaRef(class)}}}}
}

func ref(section, name string) yamlMap {
	return yamlMap{{"$ref", "#/components/" + section + "/" + name}}
}

func schemaRef(class string) yamlMap { return ref("schemas", class) }

// lowerTitle is a title inside a sentence.
func lowerTitle(title string) string {
	return strings.ToLower(title[:min(1, len(title))]) + title[min(1, len(title)):]
}
