package model

import (
	"strings"
	"testing"
)

func TestPlural(t *testing.T) {
	cases := map[string]string{
		"person": "people", "category": "categories", "status": "statuses", "address": "addresses", "bus": "buses",
		"box": "boxes", "child": "children", "analysis": "analyses", "criterion": "criteria", "data": "data",
		"series": "series", "equipment": "equipment", "quiz": "quizzes", "leaf": "leaves", "knife": "knives",
		"roof": "roofs", "chief": "chiefs", "photo": "photos", "video": "videos", "hero": "heroes", "key": "keys",
		"day": "days", "query": "queries", "process": "processes", "batch": "batches", "index": "indexes",
		"human": "humans", "woman": "women", "house": "houses", "bonus": "bonuses", "campus": "campuses",
		"alias": "aliases", "canvas": "canvases", "lens": "lenses", "memo": "memos", "safe": "safes",
		"order_line": "order_lines", "line_of_business": "line_of_businesses", "delivery": "deliveries",
		"invoice": "invoices", "orders": "orders", "photos": "photos", "addresses": "addresses", "people": "people",
		"settings": "settings", "staff": "staff", "inventory": "inventories", "class": "classes", "reply": "replies",
	}
	for singular, plural := range cases {
		if got := Plural(singular); got != plural {
			t.Errorf("Plural(%q) = %q, want %q", singular, got, plural)
		}
	}
}

func TestPluralOfAPluralIsItself(t *testing.T) {
	for singular := range irregularPlurals {
		plural := Plural(singular)
		if again := Plural(plural); again != plural {
			t.Errorf("Plural(%q) = %q", plural, again)
		}
	}
}

func TestDerivedNames(t *testing.T) {
	for _, c := range []struct{ rule, in, got, want string }{
		{"package", "catalog", ServicePackage("catalog"), "catalog_service"},
		{"package", "user-service", ServicePackage("user-service"), "user_service"},
		{"package", "service", ServicePackage("service"), "service"},
		{"package", "order-line", ServicePackage("order-line"), "order_line_service"},
		{"database", "catalog", ServiceDatabase("catalog"), "catalog"},
		{"database", "user", ServiceDatabase("user"), "user_service"},
		{"database", "postgres", ServiceDatabase("postgres"), "postgres_service"},
		{"module", "class", PythonModule("class"), "class_"},
		{"module", "match", PythonModule("match"), "match_"},
		{"module", "list", PythonModule("list"), "list_"},
		{"module", "settings", PythonModule("settings"), "settings_"},
		{"module", "order_line", PythonModule("order_line"), "order_line"},
		{"class", "order_line", PythonClass("order_line"), "OrderLine"},
		{"class", "none", PythonClass("none"), "NoneEntity"},
		{"class", "field", PythonClass("field"), "FieldEntity"},
		{"class", "group", PythonClass("group"), "Group"},
		{"attribute", "from", PythonAttribute("from"), "from_"},
		{"attribute", "json", PythonAttribute("json"), "json_"},
		{"attribute", "date", PythonAttribute("date"), "date_"},
		{"attribute", "model_config", PythonAttribute("model_config"), "model_config_"},
		{"attribute", "model_dump_x", PythonAttribute("model_dump_x"), "its_model_dump_x"},
		{"attribute", "title", PythonAttribute("title"), "title"},
		{"title", "order_line", Title("order_line"), "Order line"},
		{"title", "sku", Title("sku"), "SKU"},
		{"env", "order-line", EnvName("order-line"), "ORDER_LINE"},
		{"kebab", "order_lines", Kebab("order_lines"), "order-lines"},
		{"sql", "order", QuoteSQL("order"), `"order"`},
		{"sql", "user", QuoteSQL("user"), `"user"`},
		{"sql", "position", QuoteSQL("position"), `"position"`},
		{"sql", "orders", QuoteSQL("orders"), "orders"},
		{"sql", "references", QuoteSQL("references"), `"references"`},
		{"column", "xmin", sqlColumn("xmin"), "xmin_"},
		{"literal", "it's", sqlLiteral("it's"), "'it''s'"},
	} {
		if c.got != c.want {
			t.Errorf("%s of %q = %q, want %q", c.rule, c.in, c.got, c.want)
		}
	}
}

func TestLongNamesAreCutAndStayApart(t *testing.T) {
	stem := strings.Repeat("a", 70)
	first, second := constraintName(stem, "first", "check"), constraintName(stem, "second", "check")
	for _, name := range []string{first, second} {
		if len(name) > maxIdentifier || !strings.HasSuffix(name, "_check") {
			t.Errorf("name %q has %d bytes", name, len(name))
		}
	}
	if first == second {
		t.Errorf("two constraints share the name %q", first)
	}
	if again := constraintName(stem, "first", "check"); again != first {
		t.Errorf("the name changed from %q to %q", first, again)
	}
}

func TestNameClashes(t *testing.T) {
	ref := Type{Kind: KindRef, Entity: "order"}
	entity := func(name string, fields ...Field) Entity { return Entity{Name: name, Fields: fields} }
	cases := []struct {
		name     string
		services []Service
		path     string
		contains string
	}{
		{"packages", []Service{{Name: "user"}, {Name: "user-service"}}, "services[1]", "Python package user_service"},
		{"tables", []Service{{Name: "a", Entities: []Entity{entity("person"), entity("people")}}}, "services[0].entities[1]", "table people"},
		{"own tables", []Service{{Name: "a", Entities: []Entity{entity("idempotency_key")}}}, "services[0].entities[0]", "table idempotency_keys, which every service has"},
		{"columns", []Service{{Name: "a", Entities: []Entity{entity("line", Field{Name: "order", Type: ref}, Field{Name: "order_id", Type: Type{Kind: KindUUID}})}}},
			"services[0].entities[0].fields[1]", "column order_id"},
		{"attributes", []Service{{Name: "a", Entities: []Entity{entity("x", Field{Name: "class", Type: Type{Kind: KindInt}}, Field{Name: "class_", Type: Type{Kind: KindInt}})}}},
			"services[0].entities[0].fields[1]", "class"},
		{"none", []Service{{Name: "a", Entities: []Entity{entity("order"), entity("order_line")}}, {Name: "b", Entities: []Entity{entity("order")}}}, "", ""},
		{"plain duplicate", []Service{{Name: "a"}, {Name: "a"}}, "", ""},
	}
	for _, c := range cases {
		problems := NameClashes(Answers{Services: c.services})
		if c.path == "" {
			if len(problems) > 0 {
				t.Errorf("%s: unexpected %v", c.name, problems)
			}
			continue
		}
		if len(problems) != 1 || problems[0].Path != c.path || !strings.Contains(problems[0].Message, c.contains) {
			t.Errorf("%s: got %+v", c.name, problems)
		}
	}
}
