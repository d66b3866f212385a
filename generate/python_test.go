package generate

import (
	"strings"
	"testing"

	"codex-design/model"
)

// pythonEntity resolves one entity with the given fields.
func pythonEntity(t *testing.T, name string, fields ...string) *EntityView {
	t.Helper()
	entity := model.Entity{Name: name}
	for _, text := range fields {
		field, err := model.ParseField(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		entity.Fields = append(entity.Fields, field)
	}
	answers := model.Defaults()
	answers.Name = "shop"
	answers.Services = []model.Service{{Name: "catalog", Entities: []model.Entity{entity}}}
	return &NewSystemView(model.Resolve(answers)).Services[0].Entities[0]
}

func TestFieldsInPython(t *testing.T) {
	for _, c := range []struct{ field, create, patch, view string }{
		{"sku: string(32) required unique", "sku: ProductSku", "sku: ProductSku = absent()", "sku: str"},
		{"note: text", "note: ProductNote | None = None", "note: ProductNote | None = absent()", "note: str | None"},
		{"size: int default(3)", "size: Int32 = 3", "size: Int32 = absent()", "size: int"},
		{"price: decimal(12,2) default(1.50)", `price: ProductPrice = Decimal("1.50")`, "price: ProductPrice = absent()",
			"price: Annotated[Decimal, DecimalText(12, 2)]"},
		{"rate: decimal(5,2) default(-3)", "rate: ProductRate = Decimal(-3)", "rate: ProductRate = absent()",
			"rate: Annotated[Decimal, DecimalText(5, 2)]"},
		{"live: bool default(true)", "live: bool = True", "live: bool = absent()", "live: bool"},
		{"day: date default(2026-02-01)", "day: Date = date(2026, 2, 1)", "day: Date = absent()", "day: Date"},
		{"at: timestamp default(2026-01-01T12:30:00+02:00)", "at: Timestamp = datetime(2026, 1, 1, 10, 30, tzinfo=UTC)",
			"at: Timestamp = absent()", "at: Timestamp"},
		{"class: string(9)", `class_: ProductClass | None = Field(default=None, alias="class")`,
			`class_: ProductClass | None = absent(alias="class")`, `class_: str | None = Field(alias="class")`},
		{"from: uuid required", `from_: Uuid = Field(alias="from")`, `from_: Uuid = absent(alias="from")`, `from_: Uuid = Field(alias="from")`},
		{"page: string(9) required", "page: ProductPageValue", "page: ProductPageValue = absent()", "page: str"},
	} {
		field := pythonEntity(t, "product", c.field).PythonFields()[0]
		for got, want := range map[string]string{field.CreateLine(): c.create, field.PatchLine(): c.patch, field.ViewLine(): c.view} {
			if got != want {
				t.Errorf("%s: got %q, want %q", c.field, got, want)
			}
		}
	}
}

func TestTypeAliasesHoldTheLimits(t *testing.T) {
	for field, want := range map[string]string{
		"sku: string(32) min(2)":             "ProductSku = Annotated[Text, Field(min_length=2, max_length=32)]",
		`sku: string(8) pattern(^[0-9]+\.$)`: `ProductSku = Annotated[str, Field(max_length=8, pattern=r"^[0-9]+\.$"), NoNul]`,
		"sku: int min(1)":                    "ProductSku = Annotated[int, Field(ge=1, le=2147483647), Whole]",
		"sku: float max(1.5)":                "ProductSku = Annotated[Float64, Field(le=1.5)]",
		"sku: decimal(5,2) min(0) max(9.5)":  `ProductSku = Annotated[Decimal, DecimalText(5, 2, ge="0", le="9.5")]`,
		"sku: date min(2000-01-01)":          "ProductSku = Annotated[Date, within(ge=date(2000, 1, 1))]",
		"sku: enum(a, b)":                    `ProductSku = Literal["a", "b"]`,
	} {
		if got := pythonEntity(t, "product", field).TypeAliases()[0]; got != want {
			t.Errorf("%s: got %q, want %q", field, got, want)
		}
	}
}

func TestImportsNameOnlyWhatIsUsed(t *testing.T) {
	imports := pythonEntity(t, "product", "label: string(20) default(Decimal Email)", "other: uuid").SchemaImports()
	for _, unused := range []string{"Decimal", "Email", "Json"} {
		if strings.Contains(imports, unused) {
			t.Errorf("imports %s, which only a string names:\n%s", unused, imports)
		}
	}
	if want := "from kit.types import Text, Timestamp, Uuid"; !strings.Contains(imports, want) {
		t.Errorf("want %q in\n%s", want, imports)
	}
}

func TestLayoutBreaksLongLines(t *testing.T) {
	values := make([]expression, 12)
	for i := range values {
		values[i] = atom(strings.Repeat("v", 9))
	}
	got := subscript("Literal", values...).layout("", "Name = ", "")
	for _, line := range strings.Split(got, "\n") {
		if len(line) > pythonWidth {
			t.Errorf("line of %d characters: %s", len(line), line)
		}
	}
	if !strings.HasSuffix(got, "vvv,\n]") {
		t.Errorf("want a comma after the last item:\n%s", got)
	}
}

func TestPythonLiterals(t *testing.T) {
	for text, want := range map[string]string{
		"plain": `"plain"`, `it's`: `"it's"`, `say "x"`: `'say "x"'`, "a\\b\n": `"a\\b\n"`, "\x01": `"\x01"`,
	} {
		if got := pythonString(text); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"one": `"""One."""`, `a\b`: `r"""A\b."""`, `end"""`: `"""End'''."""`, "two\n lines!": `"""Two lines!"""`,
	} {
		if got := docstring(text); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

func TestStatementsBindEveryField(t *testing.T) {
	entity := pythonEntity(t, "order", "group: string(9) required", "from: date")
	want := map[string]string{
		entity.InsertColumns():     `INSERT INTO orders (id, "group", "from")`,
		entity.InsertValues():      "VALUES ($1, $2, $3)",
		entity.Assignments()[1]:    `"from" = CASE WHEN $5 THEN $6 ELSE "from" END`,
		entity.Columns("SELECT"):   `SELECT id, "group", "from", created_at, updated_at, version`,
		entity.AssignmentsCall():   `        changes = assignments(patch, "group", "from_")`,
		entity.PathParameter():     "order_id",
		entity.OperationID("read"): "read_order",
	}
	for got, wanted := range want {
		if got != wanted {
			t.Errorf("got %q, want %q", got, wanted)
		}
	}
}

func TestSamplesStayWithinTheLimits(t *testing.T) {
	for field, want := range map[string]string{
		"a: string(5) min(2)":           "text(n, 2, 5)",
		"a: string(5) pattern(^[a-z]$)": `matching("^[a-z]$", 0, 5)`,
		"a: int min(5000000)":           "whole(n, 5000000, 5000000)",
		"a: int max(-7)":                "whole(n, -7, -7)",
		"a: decimal(4,4)":               `fixed(n, 4, "0", "0.9999")`,
		"a: decimal(6,2) max(-1)":       `fixed(n, 2, "-9999.99", "-1")`,
		"a: decimal(6,2) min(9000)":     `fixed(n, 2, "9000", "9999.99")`,
		"a: date min(2300-01-01)":       `day(n, "2300-01-01", "2300-01-01")`,
		"a: float min(-3)":              "real(n, -3, -3 + 1000)",
		"a: enum(x, y) unique":          `["x", "y"][n % 2]`,
	} {
		line := pythonEntity(t, "product", field).SampleLines()[0]
		if got := strings.TrimSuffix(strings.TrimPrefix(line, `        "a": `), ","); got != want {
			t.Errorf("%s: got %s, want %s", field, got, want)
		}
	}
}

func TestCapacityIsWhatUniqueFieldsAllow(t *testing.T) {
	for field, want := range map[string]int{
		"a: enum(x, y) unique": 2, "a: string(1) unique": 62, "a: int unique min(1) max(9)": 9, "a: enum(x, y)": 1_000_000,
		"a: date unique min(2026-01-01) max(2026-01-31)": 31,
	} {
		if got := pythonEntity(t, "product", field).Capacity(); got != want {
			t.Errorf("%s: got %d, want %d", field, got, want)
		}
	}
}
