package generate

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"codex-design/model"
)

func parsedOpenAPI(t *testing.T, text string) map[string]any {
	t.Helper()
	var tree map[string]any
	if err := yaml.Unmarshal([]byte(text), &tree); err != nil {
		t.Fatal(err)
	}
	return tree
}

func TestOpenAPIHasEveryRouteAndResolves(t *testing.T) {
	reference := regexp.MustCompile(`\$ref: "#/([^"]+)"`)
	architecture(t, func(t *testing.T, system *SystemView, files map[string]string) {
		for _, service := range system.Services {
			text := files["openapi/"+service.Name+".yaml"]
			tree := parsedOpenAPI(t, text)
			paths, _ := tree["paths"].(map[string]any)
			for _, entity := range service.Entities {
				for _, route := range entity.Routes {
					item, _ := paths[route.Path].(map[string]any)
					operation, _ := item[strings.ToLower(route.Method)].(map[string]any)
					if operation["operationId"] != route.ID {
						t.Errorf("%s: %s %s is %v, want %s", service.Name, route.Method, route.Path, operation["operationId"], route.ID)
					}
				}
			}
			used := map[string]bool{}
			for _, found := range reference.FindAllStringSubmatch(text, -1) {
				used[found[1]] = true
				if _, ok := at(tree, strings.ReplaceAll(found[1], "/", ".")); !ok {
					t.Errorf("%s: nothing at %s", service.Name, found[1])
				}
			}
			components, _ := tree["components"].(map[string]any)
			for section, entries := range components {
				for name := range entries.(map[string]any) {
					named := section == "securitySchemes" && strings.Contains(text, "- "+name+":")
					if !named && !used["components/"+section+"/"+name] {
						t.Errorf("%s: nothing uses %s/%s", service.Name, section, name)
					}
				}
			}
		}
	})
}

// The statuses that each operation documents are a contract with the library that answers.
func TestOpenAPIStatuses(t *testing.T) {
	unique := model.FieldPlan{Field: model.Field{Name: "code", Unique: true, Type: model.Type{Kind: model.KindString, Length: 8}}, JSON: "code"}
	child := model.FieldPlan{Field: model.Field{Name: "parent", Type: model.Type{Kind: model.KindRef}}, JSON: "parent_id"}
	entity := func(name string, fields []model.FieldPlan, references []model.Reference) model.EntityPlan {
		plan := model.EntityPlan{Name: name, Class: name, Fields: fields, References: references, Sorts: []model.SortPlan{{Name: "created_at", Default: true}}}
		for operation, method := range map[string]string{"list": "GET", "create": "POST"} {
			plan.Routes = append(plan.Routes, model.Route{Operation: operation, Method: method, Path: "/v1/" + name, ID: operation})
		}
		for operation, method := range map[string]string{"read": "GET", "update": "PATCH", "delete": "DELETE"} {
			plan.Routes = append(plan.Routes, model.Route{Operation: operation, Method: method, Path: "/v1/" + name + "/{id}", ID: operation})
		}
		return plan
	}
	system := NewSystemView(model.Blueprint{Services: []model.ServicePlan{{Name: "s", Entities: []model.EntityPlan{
		entity("parent", []model.FieldPlan{unique}, nil),
		entity("child", []model.FieldPlan{child}, []model.Reference{{Field: "parent_id", Service: "s", Entity: "parent", Local: true}}),
	}}}})
	paths := parsedOpenAPI(t, system.Services[0].OpenAPI())["paths"].(map[string]any)
	for operation, want := range map[string]string{
		"/v1/parent get": "200 422 500 503 504", "/v1/parent post": "201 409 413 422 500 503 504",
		"/v1/parent/{id} get": "200 304 404 422 500 503 504", "/v1/parent/{id} patch": "200 404 409 412 413 422 428 500 503 504",
		"/v1/parent/{id} delete": "204 404 409 412 422 428 500 503 504",
		"/v1/child/{id} patch":   "200 404 412 413 422 428 500 503 504", "/v1/child/{id} delete": "204 404 412 422 428 500 503 504",
	} {
		path, method, _ := strings.Cut(operation, " ")
		responses := paths[path].(map[string]any)[method].(map[string]any)["responses"].(map[string]any)
		var statuses []string
		for status := range responses {
			statuses = append(statuses, status)
		}
		slices.Sort(statuses)
		if got := strings.Join(statuses, " "); got != want {
			t.Errorf("%s answers %s, want %s", operation, got, want)
		}
	}
}

func TestFieldSchemas(t *testing.T) {
	text := func(s string) *string { return &s }
	for _, c := range []struct {
		field          model.FieldPlan
		request, reply string
	}{
		{model.FieldPlan{Field: model.Field{Name: "title", Type: model.Type{Kind: model.KindString, Length: 20}, Min: text("2")}},
			`type: string minLength: 2 maxLength: 20 pattern: '^[^\u0000]*$'`, "type: string"},
		{model.FieldPlan{Field: model.Field{Name: "code", Type: model.Type{Kind: model.KindString, Length: 9}, Pattern: "^[A-Z]+$"}, Nullable: true},
			`type: [string, "null"] maxLength: 9 pattern: "^[A-Z]+$"`, `type: [string, "null"]`},
		{model.FieldPlan{Field: model.Field{Type: model.Type{Kind: model.KindDecimal, Precision: 12, Scale: 2}, Min: text("0"), Max: text("99.5")}},
			`type: string pattern: '^(0|[1-9][0-9]{0,9})(\.[0-9]{1,2})?$' description: At least 0, at most 99.5.`,
			`type: string pattern: '^-?(0|[1-9][0-9]{0,9})(\.[0-9]{1,2})?$'`},
		{model.FieldPlan{Field: model.Field{Type: model.Type{Kind: model.KindDecimal, Precision: 3, Scale: 3}}},
			`type: string pattern: '^-?0(\.[0-9]{1,3})?$'`, `type: string pattern: '^-?0(\.[0-9]{1,3})?$'`},
		{model.FieldPlan{Field: model.Field{Type: model.Type{Kind: model.KindInt}, Min: text("1")}, Nullable: true},
			`type: [integer, "null"] format: int32 minimum: 1 maximum: 2147483647`, `type: [integer, "null"] format: int32`},
		{model.FieldPlan{Field: model.Field{Type: model.Type{Kind: model.KindBigint}}},
			"type: integer format: int64 minimum: -9223372036854775808 maximum: 9223372036854775807", "type: integer format: int64"},
		{model.FieldPlan{Field: model.Field{Type: model.Type{Kind: model.KindFloat}, Max: text("0.5")}}, "type: number format: double maximum: 0.5", "type: number format: double"},
		{model.FieldPlan{Field: model.Field{Type: model.Type{Kind: model.KindEnum, Values: []string{"on", "off"}}}, Nullable: true},
			`type: [string, "null"] enum: ["on", "off", null]`, `type: [string, "null"] enum: ["on", "off", null]`},
		{model.FieldPlan{Field: model.Field{Type: model.Type{Kind: model.KindDate}, Min: text("2020-01-01")}},
			`type: string format: date description: At least 2020-01-01.`, "type: string format: date"},
	} {
		flat := func(schema yamlMap) string { return strings.Join(strings.Fields(yamlDocument(schema)), " ") }
		if got := flat(requestFieldSchema(c.field, c.field.Nullable)); got != c.request {
			t.Errorf("%v: accepts %s, want %s", c.field.Type, got, c.request)
		}
		if got := flat(responseFieldSchema(c.field)); got != c.reply {
			t.Errorf("%v: returns %s, want %s", c.field.Type, got, c.reply)
		}
	}
}

func TestPrivateFieldsAreAcceptedAndNeverReturned(t *testing.T) {
	secret := model.FieldPlan{Field: model.Field{Name: "password", Private: true, Type: model.Type{Kind: model.KindText}}, JSON: "password"}
	entity := EntityView{EntityPlan: model.EntityPlan{Class: "User", Fields: []model.FieldPlan{secret}}}
	if text := yamlDocument(entity.responseSchema()); strings.Contains(text, "password") {
		t.Error(text)
	}
	if text := yamlDocument(entity.createSchema()); strings.Count(text, "password") != 4 { // property, required, and the example's name and value
		t.Error(text)
	}
	if text := yamlDocument(entity.patchSchema()); !strings.Contains(text, "password") {
		t.Error(text)
	}
}

func TestPatternExamplesMatch(t *testing.T) {
	for _, c := range []struct {
		pattern   string
		low, high int
		found     bool
	}{
		{"^[A-Z0-9-]+$", 0, 32, true}, {"^[A-Z]{2}$", 0, 2, true}, {`^[a-z]+(-[a-z]+)*$`, 5, 9, true}, {`^\+?[0-9 ]{6,20}$`, 0, 32, true},
		{"(red|green)", 0, 5, true}, {"^.{3,}$", 4, 10, true}, {"^[^a-z]$", 0, 1, true}, {`^\d{3}\.\d$`, 0, 5, true}, {"^$", 1, 5, false}, {"^[a-z]{9}$", 0, 4, false},
	} {
		text, ok := patternExample(c.pattern, c.low, c.high)
		if ok != c.found {
			t.Errorf("%s: found %t (%q), want %t", c.pattern, ok, text, c.found)
		}
		if ok && (!regexp.MustCompile(c.pattern).MatchString(text) || len(text) < c.low || len(text) > c.high) {
			t.Errorf("%s: %q is no example", c.pattern, text)
		}
	}
}

func BenchmarkOpenAPI(b *testing.B) {
	var fields []model.FieldPlan
	for i := range 10 {
		name := fmt.Sprintf("field_%d", i)
		fields = append(fields, model.FieldPlan{Field: model.Field{Name: name, Type: model.Type{Kind: model.KindString, Length: 80}}, JSON: name})
	}
	system := NewSystemView(model.Blueprint{Services: []model.ServicePlan{{Name: "s", Entities: []model.EntityPlan{{Name: "a", Class: "A", Fields: fields}}}}})
	for b.Loop() {
		system.Services[0].OpenAPI()
	}
}
