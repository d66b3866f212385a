package model

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// resolveFields reads fields in the grammar and resolves an entity `thing` that
// has them, beside `other` of the same and `far.away` of another service.
func resolveFields(t *testing.T, lines ...string) (EntityPlan, Table) {
	t.Helper()
	entity := Entity{Name: "thing"}
	for _, line := range lines {
		field, err := ParseField(line)
		if err != nil {
			t.Fatal(err)
		}
		entity.Fields = append(entity.Fields, field)
	}
	b := Resolve(Answers{Version: 1, Name: "x", Scale: Small, Services: []Service{
		{Name: "near", Entities: []Entity{{Name: "other"}, entity}}, {Name: "far", Entities: []Entity{{Name: "away"}}}}})
	service := b.Services[0]
	return service.entity("thing"), tableNamed(t, service.Schema, "things")
}

func tableNamed(t *testing.T, schema []Table, name string) Table {
	t.Helper()
	i := slices.IndexFunc(schema, func(table Table) bool { return table.Name == name })
	if i < 0 {
		t.Fatalf("no table %s in %v", name, schema)
	}
	return schema[i]
}

func TestResolveField(t *testing.T) {
	for _, c := range []struct {
		line, column, sqlType, fallback, check string
		nullable                               bool
	}{
		{"sku: string(32) required", "sku", "text", "", "char_length(sku) <= 32", false},
		{"code: string(8) min(2) pattern(^[A-Z]+$)", "code", "text", "", "char_length(code) BETWEEN 2 AND 8 AND code ~ '^[A-Z]+$'", true},
		{"body: text", "body", "text", "", "char_length(body) <= 65536", true},
		{"body: text required max(500)", "body", "text", "", "char_length(body) <= 500", false},
		{"n: int default(3) min(1) max(9)", "n", "integer", "3", "n >= 1 AND n <= 9", false},
		{"n: bigint default(-3)", "n", "bigint", "-3", "", false},
		{"price: decimal(12,2) required min(0)", "price", "numeric(12,2)", "", "price >= 0", false},
		{"ratio: float max(1.5)", "ratio", "double precision", "", "ratio <= 1.5", true},
		{"on_sale: bool default(true)", "on_sale", "boolean", "true", "", false},
		{"born: date min(1900-01-01)", "born", "date", "", "born >= '1900-01-01'", true},
		{"at: timestamp required", "at", "timestamptz", "", "", false},
		{"token: uuid unique", "token", "uuid", "", "", true},
		{"extra: json", "extra", "jsonb", "", "", true},
		{"status: enum(a, b) default(a)", "status", "text", "'a'", "status IN ('a', 'b')", false},
		{"mail: email required", "mail", "text", "", "char_length(mail) <= 254", false},
		{"site: url", "site", "text", "", "char_length(site) <= 2048", true},
		{"note: string(20) default(it's \"new\")", "note", "text", `'it''s "new"'`, "char_length(note) <= 20", false},
		{"other: ref(other) required", "other_id", "uuid", "", "", false},
		{"other_id: ref(other)", "other_id", "uuid", "", "", true},
		{"order: int min(0)", `"order"`, "integer", "", `"order" >= 0`, true},
		{"xmin: int", "xmin_", "integer", "", "", true},
	} {
		entity, _ := resolveFields(t, c.line)
		f := entity.Fields[0]
		got := []any{f.SQLName, f.SQLType, f.SQLDefault, f.Check, f.Nullable}
		if want := []any{c.column, c.sqlType, c.fallback, c.check, c.nullable}; !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %q\nwant %q", c.line, got, want)
		}
	}
}

func TestSortsFiltersAndIndexes(t *testing.T) {
	for _, c := range []struct{ line, sorts, filters, index string }{
		{"a: string(9) required index", "a", "a", "a, id"},
		{"a: string(9) index", "", "a", "a, created_at, id"},
		{"a: int required index", "a", "a a_from a_to", "a, id"},
		{"a: timestamp index", "", "a a_from a_to", "a, created_at, id"},
		{"a: enum(x, y) required", "", "a", "a, created_at, id"},
		{"a: bool index", "", "a", "a, created_at, id"},
		{"a: email required unique", "", "a", ""},
		{"a: email required unique private", "", "", ""},
		{"a: ref(other) required", "", "a_id", "a_id, created_at, id"},
		{"a: ref(far.away)", "", "a_id", "a_id, created_at, id"},
		{"a: ref(other) unique", "", "a_id", ""},
		{"a: ref(other) private", "", "", "a_id, created_at, id"},
		{"a: text", "", "", ""},
		{"limit: int required index", "limit", "limit_eq limit_from limit_to", `"limit", id`},
		{"cursor: enum(x, y)", "", "cursor_eq", "cursor, created_at, id"},
	} {
		entity, table := resolveFields(t, c.line)
		var sorts, filters, indexes []string
		for _, sort := range entity.Sorts[1:] {
			sorts = append(sorts, sort.Name)
		}
		for _, filter := range entity.Filters {
			filters = append(filters, filter.Parameter)
		}
		for _, index := range table.Indexes[1:] {
			indexes = append(indexes, strings.Join(index.Columns, ", "))
		}
		got := []string{strings.Join(sorts, " "), strings.Join(filters, " "), strings.Join(indexes, "; ")}
		if want := []string{c.sorts, c.filters, c.index}; !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", c.line, got, want)
		}
		if first := entity.Sorts[0]; first.Name != "created_at" || !first.Default {
			t.Errorf("%s: the first sort is %v", c.line, first)
		}
	}
}

func TestARangeDoesNotTakeAFieldsName(t *testing.T) {
	entity, _ := resolveFields(t, "price: int index", "price_from: int index")
	var names []string
	for _, filter := range entity.Filters {
		names = append(names, filter.Parameter)
	}
	want := []string{"price", "price_eq_from", "price_to", "price_from", "price_from_from", "price_from_to"}
	if !slices.Equal(names, want) {
		t.Errorf("the parameters are %v, want %v", names, want)
	}
}

func TestTable(t *testing.T) {
	_, table := resolveFields(t, "sku: string(32) required unique was(code)", "other: ref(other) required", "price: decimal(12,2) required min(0)")
	want := Table{
		Name: "things",
		Columns: []Column{
			{Name: "id", Type: "uuid", NotNull: true},
			{Name: "sku", Was: "code", Type: "text", NotNull: true},
			{Name: "other_id", Type: "uuid", NotNull: true},
			{Name: "price", Type: "numeric(12,2)", NotNull: true},
			{Name: "created_at", Type: "timestamptz", NotNull: true, Default: "now()"},
			{Name: "updated_at", Type: "timestamptz", NotNull: true, Default: "now()"},
			{Name: "version", Type: "integer", NotNull: true, Default: "1"},
		},
		Constraints: []Constraint{
			{"things_pkey", "primary key", "PRIMARY KEY (id)", "id"},
			{"things_sku_key", "unique", "UNIQUE (sku)", "sku"},
			{"things_other_id_fkey", "foreign key", "FOREIGN KEY (other_id) REFERENCES others (id) ON DELETE RESTRICT", "other_id"},
			{"things_sku_check", "check", "CHECK (char_length(sku) <= 32)", "sku"},
			{"things_price_check", "check", "CHECK (price >= 0)", "price"},
		},
		Indexes: []Index{
			{Name: "things_created_at_id_idx", Columns: []string{"created_at", "id"}},
			{Name: "things_other_id_created_at_idx", Columns: []string{"other_id", "created_at", "id"}},
		},
	}
	if !reflect.DeepEqual(table, want) {
		t.Errorf("got %+v\nwant %+v", table, want)
	}
}

func TestCreationOrder(t *testing.T) {
	ref := func(name, target string, required bool) Field {
		return Field{Name: name, Type: Type{Kind: KindRef, Entity: target}, Required: required}
	}
	cases := []struct {
		name             string
		entities         []Entity
		order, afterward []string
	}{
		{"as answered", []Entity{{Name: "p"}, {Name: "q"}}, []string{"ps", "qs"}, nil},
		{"target first", []Entity{{Name: "p", Fields: []Field{ref("q", "q", true)}}, {Name: "q"}}, []string{"qs", "ps"}, nil},
		{"itself", []Entity{{Name: "p", Fields: []Field{ref("parent", "p", false)}}}, []string{"ps"}, nil},
		{"cycle", []Entity{{Name: "p", Fields: []Field{ref("q", "q", true)}}, {Name: "q", Fields: []Field{ref("p", "p", false)}}},
			[]string{"qs", "ps"}, []string{"qs_p_id_fkey"}},
		{"cycle of three", []Entity{{Name: "p", Fields: []Field{ref("q", "q", false)}}, {Name: "q", Fields: []Field{ref("r", "r", true)}},
			{Name: "r", Fields: []Field{ref("p", "p", true)}}}, []string{"ps", "rs", "qs"}, []string{"ps_q_id_fkey"}},
	}
	for _, c := range cases {
		schema := Resolve(Answers{Name: "x", Scale: Small, Services: []Service{{Name: "s", Entities: c.entities}}}).Services[0].Schema
		var order, afterward []string
		for _, table := range schema {
			order = append(order, table.Name)
			for _, constraint := range table.Deferred {
				afterward = append(afterward, constraint.Name)
			}
		}
		if want := append(c.order, "idempotency_keys"); !slices.Equal(order, want) || !slices.Equal(afterward, c.afterward) {
			t.Errorf("%s: got %v and then %v", c.name, order, afterward)
		}
	}
}

func TestResolveNames(t *testing.T) {
	a := Answers{Name: "shop", Description: "d", Scale: Small, Datastores: Datastores{Cache: "redis"}, Services: []Service{
		{Name: "order-desk", Cache: true, Calls: []string{"user"}, Entities: []Entity{{Name: "order_line", Was: "line"}, {Name: "class"}}},
		{Name: "user"},
	}}
	b := Resolve(a)
	s := b.Services[0]
	got := []any{s.Title, s.Distribution, s.Package, s.EnvPrefix, s.Database, s.Role, s.Port, s.LocalPort, s.MetricsPort, s.Cached, b.Services[1].LocalPort, b.Services[1].Database, b.Services[1].CalledBy}
	want := []any{"Order desk", "shop-order-desk", "order_desk_service", "ORDER_DESK", "order_desk", "order_desk", 8000, 8001, 9000, true, 8002, "user_service", []string{"order-desk"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("service:\n got %v\nwant %v", got, want)
	}
	e := s.Entities[0]
	got = []any{e.Title, e.Was, e.Class, e.Module, e.Plural, e.PluralTitle, e.Table, e.Path, e.Tag, s.Entities[1].Module, s.Schema[0].Was}
	want = []any{"Order line", "line", "OrderLine", "order_line", "order_lines", "Order lines", "order_lines", "/v1/order-lines", "order-lines", "class_", "lines"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("entity:\n got %v\nwant %v", got, want)
	}
}

func TestCompanionClassesStayFree(t *testing.T) {
	b := Resolve(Answers{Name: "x", Scale: Small, Services: []Service{{Name: "s", Entities: []Entity{{Name: "order"}, {Name: "order_page"}}}}})
	if class := b.Services[0].Entities[1].Class; class == "OrderPage" {
		t.Errorf("the page of order and the entity order_page share the class %s", class)
	}
}

func TestRoutes(t *testing.T) {
	b := Resolve(Answers{Name: "x", Scale: Medium, Services: []Service{{Name: "s", Entities: []Entity{{Name: "order_line"}, {Name: "sheep"}}}}})
	var got []string
	total := 0.0
	for _, entity := range b.Services[0].Entities {
		for _, route := range entity.Routes {
			got = append(got, route.ID+" "+route.Method+" "+route.Path)
			total += route.Share.Value
		}
	}
	want := []string{"list_order_lines GET /v1/order-lines", "create_order_line POST /v1/order-lines",
		"read_order_line GET /v1/order-lines/{order_line_id}", "update_order_line PATCH /v1/order-lines/{order_line_id}",
		"delete_order_line DELETE /v1/order-lines/{order_line_id}", "list_sheep GET /v1/sheep", "create_sheep POST /v1/sheep",
		"read_sheep GET /v1/sheep/{sheep_id}", "update_sheep PATCH /v1/sheep/{sheep_id}", "delete_sheep DELETE /v1/sheep/{sheep_id}"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if total < 0.999999 || total > 1.000001 {
		t.Errorf("the shares of the routes add up to %v", total)
	}
}

func TestGraph(t *testing.T) {
	service := func(name string, calls ...string) ServicePlan { return ServicePlan{Name: name, Calls: calls} }
	graph := walkGraph([]ServicePlan{service("d"), service("a", "b", "c"), service("b", "c"), service("c", "a", "d")})
	if want := [][]string{{"a", "b", "c", "a"}}; !reflect.DeepEqual(graph.cycles, want) {
		t.Errorf("cycles are %v, want %v", graph.cycles, want)
	}
	if want := []string{"a", "b", "c", "d"}; !slices.Equal(graph.order, want) {
		t.Errorf("the order is %v, want %v", graph.order, want)
	}
	if want := []string{"a", "b", "c", "d"}; !slices.Equal(graph.depth, want) {
		t.Errorf("the longest chain is %v, want %v", graph.depth, want)
	}
}

// Whatever Check accepts, no two things of one kind share a name.
func TestDerivedNamesAreUnique(t *testing.T) {
	awkward := []string{"order", "orders", "group", "class", "from", "import", "list", "type", "json", "schema", "model_config",
		"date", "user", "select", "limit", "sort", "field", "none", "settings", "test", "match", "order_page", "orders_lines", "lines_x", "x"}
	random := rand.New(rand.NewPCG(9, 10))
	accepted := 0
	for range 400 {
		a := Defaults()
		a.Name = "names"
		service := Service{Name: oneAtRandom(random, "order", "user-service", "postgres", "from")}
		for range 1 + random.IntN(4) {
			entity := Entity{Name: oneAtRandom(random, awkward...)}
			for range 1 + random.IntN(5) {
				entity.Fields = append(entity.Fields, Field{Name: oneAtRandom(random, awkward...), Type: Type{Kind: KindInt}, Index: true, Required: random.IntN(2) == 0})
			}
			service.Entities = append(service.Entities, entity)
		}
		a.Services = []Service{service}
		if len(Check(a)) > 0 {
			continue
		}
		accepted++
		checkUniqueNames(t, Resolve(a).Services[0])
	}
	if accepted < 20 {
		t.Errorf("only %d designs were accepted", accepted)
	}
}

func checkUniqueNames(t *testing.T, s ServicePlan) {
	t.Helper()
	seen := map[string]bool{}
	unique := func(space, name string) {
		if key := space + " " + name; seen[key] {
			t.Errorf("%s is there twice in %+v", key, s.Entities)
		} else {
			seen[key] = true
		}
	}
	for _, e := range s.Entities {
		unique("class", e.Class)
		unique("module", e.Module)
		unique("path", e.Path)
		for _, f := range e.Fields {
			unique(e.Name+" attribute", f.Attribute)
			unique(e.Name+" column", f.SQLName)
		}
		for _, f := range e.Filters {
			unique(e.Name+" parameter", f.Parameter)
			unique(e.Name+" parameter attribute", f.Attribute)
		}
		for _, r := range e.Routes {
			unique("operation", r.ID)
		}
	}
	for _, table := range s.Schema {
		unique("relation", unquote(table.Name))
		for _, c := range table.Constraints {
			unique(table.Name+" constraint", c.Name)
			if c.Kind == "unique" || c.Kind == "primary key" {
				unique("relation", c.Name)
			}
		}
		for _, i := range table.Indexes {
			unique("relation", i.Name)
		}
	}
}

func TestIndexesOfTwoTablesStayApart(t *testing.T) {
	schema := entities(t, "order: lines_x: int required index", "orders_line: x: int required index")
	first, second := schema[0].Indexes[1].Name, schema[1].Indexes[1].Name
	if first != "orders_lines_x_id_idx" || second != "orders_lines_x_id_idx_2" {
		t.Errorf("the indexes are %s and %s", first, second)
	}
}
