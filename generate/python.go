package generate

import (
	"fmt"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"time"

	"codex-design/model"
)

// pythonField says how one kind of field is written in Python.
type pythonField struct {
	accepted func(f *model.FieldPlan) expression // type in a request, with every limit
	stored   string                              // type in a row and, without limits, in a response
	literal  func(value string) string           // a value of the answers as Python
}

var pythonFields = map[model.Kind]pythonField{
	model.KindString:    {acceptedText, "str", pythonString},
	model.KindText:      {acceptedText, "str", pythonString},
	model.KindInt:       {bounded("Int32"), "int", plainLiteral},
	model.KindBigint:    {bounded("Int64"), "int", plainLiteral},
	model.KindDecimal:   {acceptedDecimal, "Decimal", decimalLiteral},
	model.KindFloat:     {acceptedFloat, "float", plainLiteral},
	model.KindBool:      {named("bool"), "bool", boolLiteral},
	model.KindDate:      {ranged("Date", dateLiteral), "Date", dateLiteral},
	model.KindTimestamp: {ranged("Timestamp", timestampLiteral), "Timestamp", timestampLiteral},
	model.KindUUID:      {named("Uuid"), "Uuid", pythonString},
	model.KindRef:       {named("Uuid"), "Uuid", pythonString},
	model.KindJSON:      {named("Json"), "Json", pythonString},
	model.KindEnum:      {acceptedEnum, "", pythonString},
	model.KindEmail:     {named("Email"), "str", pythonString},
	model.KindURL:       {named("Url"), "str", pythonString},
}

// pythonModules says where the names come from that field types are made of.
var pythonModules = map[string]string{
	"Annotated": "typing", "Literal": "typing", "Decimal": "decimal", "UTC": "datetime", "date": "datetime",
	"datetime": "datetime", "Field": "pydantic", "DecimalText": "kit.types", "Date": "kit.types",
	"Email": "kit.types", "Float64": "kit.types", "Int32": "kit.types", "Int64": "kit.types", "Json": "kit.types",
	"NoNul": "kit.types", "Text": "kit.types", "Timestamp": "kit.types", "Url": "kit.types", "Uuid": "kit.types", "Whole": "kit.types", "Words": "kit.types", "within": "kit.types",
}

func named(name string) func(*model.FieldPlan) expression {
	return func(*model.FieldPlan) expression { return atom(name) }
}

// integerRange is what the columns of whole numbers hold.
var integerRange = map[model.Kind][2]string{
	model.KindInt:    {"-2147483648", "2147483647"},
	model.KindBigint: {"-9223372036854775808", "9223372036854775807"},
}

// bounded is a type of whole numbers, or int with limits of its own.
func bounded(name string) func(*model.FieldPlan) expression {
	return func(f *model.FieldPlan) expression {
		if f.Min == nil && f.Max == nil {
			return atom(name)
		}
		least, greatest := within(f, integerRange[f.Type.Kind][0], integerRange[f.Type.Kind][1])
		typed := annotated("int", "Field", []string{"ge=" + plainLiteral(least), "le=" + plainLiteral(greatest)})
		typed.items = append(typed.items, atom("Whole"))
		return typed
	}
}

func acceptedFloat(f *model.FieldPlan) expression {
	return annotated("Float64", "Field", limits(f, plainLiteral))
}

// ranged is a type of dates or times: JSON Schema has no word for their limits.
func ranged(name string, literal func(string) string) func(*model.FieldPlan) expression {
	return func(f *model.FieldPlan) expression { return annotated(name, "within", limits(f, literal)) }
}

func limits(f *model.FieldPlan, literal func(string) string) []string {
	var limits []string
	if f.Min != nil {
		limits = append(limits, "ge="+literal(*f.Min))
	}
	if f.Max != nil {
		limits = append(limits, "le="+literal(*f.Max))
	}
	return limits
}

func annotated(name, metadata string, limits []string) expression {
	if len(limits) == 0 {
		return atom(name)
	}
	return subscript("Annotated", atom(name), call(metadata, atoms(limits...)...))
}

func acceptedText(f *model.FieldPlan) expression {
	least, greatest, _ := f.TextLength()
	var limits []string
	if least > 0 {
		limits = append(limits, "min_length="+strconv.Itoa(least))
	}
	limits = append(limits, "max_length="+strconv.Itoa(greatest))
	if f.Pattern == "" {
		return annotated("Text", "Field", limits)
	}
	typed := annotated("str", "Field", append(limits, "pattern="+pythonPattern(f.Pattern)))
	typed.items = append(typed.items, atom("NoNul"))
	return typed
}

func acceptedDecimal(f *model.FieldPlan) expression {
	shape := decimalShape(f)
	if f.Min != nil {
		shape.items = append(shape.items, atom("ge="+pythonString(*f.Min)))
	}
	if f.Max != nil {
		shape.items = append(shape.items, atom("le="+pythonString(*f.Max)))
	}
	return subscript("Annotated", atom("Decimal"), shape)
}

func decimalShape(f *model.FieldPlan) expression {
	return call("DecimalText", atoms(strconv.Itoa(f.Type.Precision), strconv.Itoa(f.Type.Scale))...)
}

func acceptedEnum(f *model.FieldPlan) expression {
	values := make([]string, len(f.Type.Values))
	for i, value := range f.Type.Values {
		values[i] = pythonString(value)
	}
	return subscript("Literal", atoms(values...)...)
}

func plainLiteral(value string) string { return strings.TrimPrefix(value, "+") }

// decimalLiteral takes a whole number as it is: a string would say no more.
func decimalLiteral(value string) string {
	value = plainLiteral(value)
	if _, err := strconv.Atoi(value); err == nil {
		return "Decimal(" + value + ")"
	}
	return "Decimal(" + pythonString(value) + ")"
}

func boolLiteral(value string) string {
	if strings.EqualFold(value, "true") {
		return "True"
	}
	return "False"
}

func dateLiteral(value string) string {
	day, err := time.Parse(time.DateOnly, value)
	if err != nil {
		return "date.fromisoformat(" + pythonString(value) + ")"
	}
	return fmt.Sprintf("date(%d, %d, %d)", day.Year(), day.Month(), day.Day())
}

func timestampLiteral(value string) string {
	at, err := time.Parse(time.RFC3339Nano, value)
	if err != nil {
		return "datetime.fromisoformat(" + pythonString(value) + ")"
	}
	at = at.UTC()
	literal := fmt.Sprintf("datetime(%d, %d, %d, %d, %d", at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute())
	if at.Second() != 0 || at.Nanosecond() != 0 {
		literal += fmt.Sprintf(", %d", at.Second())
	}
	if micros := at.Nanosecond() / 1000; micros != 0 {
		literal += fmt.Sprintf(", %d", micros)
	}
	return literal + ", tzinfo=UTC)"
}

// PythonField is a field with what a Python template writes about it.
type PythonField struct {
	model.FieldPlan
	entity *EntityView
}

// PythonFields are the entity's fields as its Python modules see them.
func (e *EntityView) PythonFields() []PythonField {
	fields := make([]PythonField, len(e.Fields))
	for i, field := range e.Fields {
		fields[i] = PythonField{field, e}
	}
	return fields
}

// PublicFields are those that a response shows.
func (e *EntityView) PublicFields() []PythonField {
	return slices.DeleteFunc(e.PythonFields(), func(f PythonField) bool { return f.Private })
}

// AliasName names the field's type where that is more than one word: ProductSku.
func (f PythonField) AliasName() string {
	suffix := ""
	for _, word := range strings.Split(f.Attribute, "_") {
		if word != "" {
			suffix += strings.ToUpper(word[:1]) + word[1:]
		}
	}
	if slices.Contains([]string{"Create", "Patch", "Page", "Query", "Row", "Sort"}, suffix) {
		suffix += "Value"
	}
	return f.entity.Class + suffix
}

func (f PythonField) kind() pythonField { return pythonFields[f.Type.Kind] }

func (f PythonField) aliased() bool { return len(f.kind().accepted(&f.FieldPlan).items) > 0 }

// Accepted is the field's type in a request.
func (f PythonField) Accepted() string {
	if f.aliased() {
		return f.AliasName()
	}
	return f.kind().accepted(&f.FieldPlan).String()
}

// Stored is the field's type in a row.
func (f PythonField) Stored() string {
	if f.Type.Kind == model.KindEnum {
		return f.orNone(f.AliasName())
	}
	return f.orNone(f.kind().stored)
}

// Shown is the field's type in a response: without limits, which may be
// narrowed while older rows stay.
func (f PythonField) Shown() string {
	if f.Type.Kind == model.KindDecimal {
		return f.orNone(subscript("Annotated", atom("Decimal"), decimalShape(&f.FieldPlan)).String())
	}
	return f.Stored()
}

func (f PythonField) orNone(annotation string) string {
	if f.Nullable {
		return annotation + " | None"
	}
	return annotation
}

func (f PythonField) alias() string {
	if f.Attribute == f.JSON {
		return ""
	}
	return "alias=" + pythonString(f.JSON)
}

// declare is an attribute of a class body, in the form that ruff format gives it.
func declare(attribute, annotation, value string) string {
	if value != "" {
		value = " = " + value
	}
	line := attribute + ": " + annotation + value
	if len([]rune(line)) <= pythonWidth-4 || strings.Contains(value, "(") {
		return line
	}
	return attribute + ": (\n        " + annotation + "\n    )" + value
}

// CreateLine declares the field in the body of a POST.
func (f PythonField) CreateLine() string {
	value, alias := "", f.alias()
	switch {
	case f.Default != nil:
		value = f.kind().literal(*f.Default)
	case f.Nullable:
		value = "None"
	}
	switch {
	case alias != "" && value != "":
		value = "Field(default=" + value + ", " + alias + ")"
	case alias != "":
		value = "Field(" + alias + ")"
	}
	return declare(f.Attribute, f.orNone(f.Accepted()), value)
}

// PatchLine declares the field in the body of a PATCH.
func (f PythonField) PatchLine() string {
	return declare(f.Attribute, f.orNone(f.Accepted()), "absent("+f.alias()+")")
}

// ViewLine declares the field in a response.
func (f PythonField) ViewLine() string {
	if alias := f.alias(); alias != "" {
		return declare(f.Attribute, f.Shown(), "Field("+alias+")")
	}
	return declare(f.Attribute, f.Shown(), "")
}

// RowLine declares the field in a row.
func (f PythonField) RowLine() string { return declare(f.Attribute, f.Stored(), "") }

// TypeAliases are the definitions of the field types that need a name.
func (e *EntityView) TypeAliases() []string {
	var lines []string
	for _, field := range e.PythonFields() {
		if field.aliased() {
			lines = append(lines, field.kind().accepted(&field.FieldPlan).layout("", field.AliasName()+" = ", ""))
		}
	}
	lines = append(lines, subscript("Literal", atoms(e.sortLiterals()...)...).layout("", e.Class+"Sort = ", ""))
	if e.Expands() {
		lines = append(lines, subscript("Literal", e.expansionLiterals()...).layout("", e.Class+"Expansion = ", ""))
	}
	return lines
}

// sortLiterals are the values of the list's sort parameter.
func (e *EntityView) sortLiterals() []string {
	var values []string
	for _, sort := range e.Sorts {
		values = append(values, pythonString(sort.Name), pythonString("-"+sort.Name))
	}
	return values
}

// DefaultSort is the sort parameter's default.
func (e *EntityView) DefaultSort() string {
	for _, sort := range e.Sorts {
		if sort.Default {
			return "-" + sort.Name
		}
	}
	return "-created_at"
}

// FilterLines declare the filters of the list's query.
func (e *EntityView) FilterLines() []string {
	var lines []string
	for _, filter := range e.Filters {
		value := "None"
		if filter.Attribute != filter.Parameter {
			value = "Field(default=None, alias=" + pythonString(filter.Parameter) + ")"
		}
		accepted := PythonField{filter.Field, e}.Accepted()
		if filter.Operator == model.FilterWords {
			accepted = "Words"
		}
		line := declare(filter.Attribute, accepted+" | None", value)
		lines = append(lines, line)
	}
	return lines
}

// wordsOf finds the names that a piece of Python uses.
func wordsOf(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}

// use imports what the types in the text are made of.
func (p pythonImports) use(texts ...string) {
	for _, text := range texts {
		for _, word := range wordsOf(blankStrings(text)) {
			if module := pythonModules[word]; module != "" {
				p.add(module, word)
			}
		}
	}
}

// blankStrings replaces what stands in literals by as many spaces.
func blankStrings(text string) string {
	blank := []byte(text)
	var mark byte
	escaped := false
	for i, c := range blank {
		switch {
		case mark == 0 && (c == '"' || c == '\''):
			mark = c
		case mark == 0:
			continue
		case escaped:
			escaped = false
		case c == '\\':
			escaped = true
		case c == mark:
			mark = 0
		}
		blank[i] = ' '
	}
	return string(blank)
}

// SchemaImports is the import block of gen/{entity}/schemas.py.
func (e *EntityView) SchemaImports() string {
	imports := pythonImports{}
	imports.use(e.TypeAliases()...)
	for _, field := range e.PythonFields() {
		imports.use(annotationOf(field.CreateLine()))
		if !field.Private {
			imports.use(annotationOf(field.ViewLine()))
		}
	}
	for _, line := range e.FilterLines() {
		imports.use(annotationOf(line))
	}
	imports.use("Field Literal Timestamp Uuid")
	e.importRemotes(imports)
	imports.add("kit.crud", "ListQuery")
	for _, name := range []string{"Model", "Page", "Patch", "View"} {
		imports.add("kit.schema", name)
	}
	if len(e.Fields) > 0 {
		imports.add("kit.schema", "absent")
	}
	return imports.block(e.Service.Package)
}

// annotationOf drops the attribute's own name from its declaration.
func annotationOf(line string) string {
	_, rest, _ := strings.Cut(line, ":")
	return rest
}

// RepositoryImports is the import block of gen/{entity}/repository.py.
func (e *EntityView) RepositoryImports() string {
	imports := pythonImports{}
	schemas := e.module("schemas")
	for _, field := range e.PythonFields() {
		imports.use(field.Stored())
		if field.Type.Kind == model.KindEnum {
			imports.add(schemas, field.AliasName())
		}
	}
	for _, sort := range e.SortColumns() {
		imports.use(sort.Kind)
	}
	imports.use("Timestamp Uuid")
	imports.add("dataclasses", "dataclass")
	imports.add("uuid", "UUID")
	imports.add("kit.crud", "Repository")
	imports.add("kit.crud", "assignments")
	if e.ReadTable == "" {
		imports.add("kit.crud", "Listing")
		imports.add("kit.crud", "Sort")
	}
	imports.add("kit.db", "Executor")
	for _, value := range e.contextValues() {
		if value.module != "" {
			imports.add(value.module, value.function)
		}
	}
	if e.Owned() {
		imports.add("kit.ownership", "Ownership")
	}
	imports.add(schemas, e.Class+"Create")
	imports.add(schemas, e.Class+"Patch")
	return imports.block(e.Service.Package)
}

// SortColumn is one order of a list as the repository declares it.
type SortColumn struct {
	Name, Column, Attribute, Kind string
}

// Line is the entry of the listing's orders.
func (c SortColumn) Line() string {
	return call("Sort", atoms(pythonString(c.Column), pythonString(c.Attribute), c.Kind)...).
		layout("        ", pythonString(c.Name)+": ", ",")
}

// SortColumns are the orders of the entity's list.
func (e *EntityView) SortColumns() []SortColumn {
	columns := make([]SortColumn, len(e.Sorts))
	for i, sort := range e.Sorts {
		columns[i] = SortColumn{sort.Name, sort.Column, sort.Name, "Timestamp"}
		for _, field := range e.PythonFields() {
			if field.JSON == sort.Name {
				columns[i].Attribute, columns[i].Kind = field.Attribute, strings.TrimSuffix(field.Shown(), " | None")
			}
		}
	}
	return columns
}

// FilterCondition is one filter as the repository declares it.
type FilterCondition struct {
	Attribute, Condition string
}

var filterOperators = map[model.FilterOperator]string{
	model.FilterEqual: "= {}", model.FilterFrom: ">= {}", model.FilterTo: "<= {}",
	model.FilterWords: "@@ websearch_to_tsquery('simple', {})",
}

// Line is the entry of the listing's filters.
func (c FilterCondition) Line() string {
	return "        " + pythonString(c.Attribute) + ": " + pythonString(c.Condition) + ","
}

// FilterConditions map the list's filters to SQL, with {} for the value.
func (e *EntityView) FilterConditions() []FilterCondition {
	conditions := make([]FilterCondition, len(e.Filters))
	for i, filter := range e.Filters {
		conditions[i] = FilterCondition{filter.Attribute, filter.Column + " " + filterOperators[filter.Operator]}
	}
	if e.Owned() {
		conditions = append(conditions, FilterCondition{model.OwnerColumn, model.OwnerColumn + " " + filterOperators[model.FilterEqual]})
	}
	return conditions
}

// PathParameter is the name of the id in the entity's paths: product_id.
func (e *EntityView) PathParameter() string {
	for _, route := range e.Routes {
		if _, rest, found := strings.Cut(route.Path, "{"); found {
			name, _, _ := strings.Cut(rest, "}")
			return name
		}
	}
	return "id"
}

// OperationID is the operationId of one of the entity's routes.
func (e *EntityView) OperationID(operation string) string {
	for _, route := range e.Routes {
		if route.Operation == operation {
			return route.ID
		}
	}
	return ""
}

// LowerTitle is the title inside a sentence: "order line", but "SKU list".
func (e *EntityView) LowerTitle() string { return lowerTitle(e.Title) }

// LowerPlural is the plural title inside a sentence.
func (e *EntityView) LowerPlural() string { return lowerTitle(e.PluralTitle) }

// UniqueField reports whether a write can meet a value that is taken.
func (e *EntityView) UniqueField() bool {
	return slices.ContainsFunc(e.Fields, func(f model.FieldPlan) bool { return f.Unique })
}

// ReferredTo reports whether another table's rows can keep one of these from being deleted.
func (e *EntityView) ReferredTo() bool {
	for _, other := range e.Service.Entities {
		for _, reference := range other.References {
			if reference.Local && reference.Entity == e.Name {
				return true
			}
		}
	}
	return false
}

// GuardedField pairs a constraint of the schema with the API field that it guards.
type GuardedField struct {
	Constraint, Field string
}

// GuardedFields are the constraints that a request can violate.
func (s *ServiceView) GuardedFields() []GuardedField {
	var guarded []GuardedField
	for _, table := range s.Schema {
		for _, constraint := range slices.Concat(table.Constraints, table.Deferred) {
			if constraint.Field != "" && constraint.Kind != "primary key" {
				guarded = append(guarded, GuardedField{constraint.Name, constraint.Field})
			}
		}
	}
	return guarded
}

// Layout writes head, items and tail on one line or, where that is too long,
// with one item per line.
func (e *EntityView) Layout(indent, head, tail string, items ...string) string {
	return expression{head: head, tail: tail, items: atoms(items...)}.layout(indent, "", "")
}

// TableName is the table without SQL quotes.
func (e *EntityView) TableName() string { return strings.Trim(e.Table, `"`) }

// module is the dotted name of one of the entity's generated modules.
func (e *EntityView) module(name string) string {
	return e.Service.Package + ".gen." + e.Module + "." + name
}

// RulesImports is the import block of rules/{entity}.py.
func (e *EntityView) RulesImports() string {
	imports := pythonImports{}
	imports.add("kit.crud", "Hooks")
	if e.Expands() {
		imports.add("kit.references", "Fallbacks")
	}
	imports.add(e.module("repository"), e.Class+"Row")
	imports.add(e.module("schemas"), e.Class+"Create")
	imports.add(e.module("schemas"), e.Class+"Patch")
	return imports.block(e.Service.Package)
}

// EntityServiceImports is the import block of gen/{entity}/service.py.
func (e *EntityView) EntityServiceImports() string {
	imports := pythonImports{}
	imports.add("kit.app", "Resources")
	if !e.Owned() {
		imports.add("kit.crud", "CrudService")
	}
	if e.ReadTable == "" {
		imports.add(e.module("repository"), "LISTING")
	} else {
		imports.add(e.module("read_model"), e.Class+"ReadModel")
	}
	if e.ReadTable == "" && !e.Owned() {
		imports.add("kit.crud", "Pages")
	}
	e.importOwners(imports)
	if e.Refers() {
		imports.add("kit.references", "References")
		imports.add("kit.references", "Target")
		imports.add(e.Service.Package+".gen.clients", "Clients")
	}
	imports.add(e.Service.Package+".rules."+e.Module, e.Class+"Rules")
	for _, suffix := range []string{"Repository", "Row"} {
		imports.add(e.module("repository"), e.Class+suffix)
	}
	for _, suffix := range []string{"", "Create", "Patch"} {
		imports.add(e.module("schemas"), e.Class+suffix)
	}
	return imports.block(e.Service.Package)
}

// ServiceImports is the import block of gen/services.py.
func (s *ServiceView) ServiceImports() string {
	imports := pythonImports{}
	imports.add("typing", "Annotated")
	imports.add("fastapi", "Depends")
	imports.add("fastapi", "Request")
	imports.add("kit.app", "Resources")
	if s.Calling() {
		imports.add(s.Package+".gen.clients", "Clients")
	}
	for i := range s.Entities {
		imports.add(s.Entities[i].module("service"), s.Entities[i].Class+"Service")
	}
	return imports.block(s.Package)
}

// AppImports is the import block of gen/app.py.
func (s *ServiceView) AppImports() string {
	imports := pythonImports{}
	imports.add("fastapi", "FastAPI")
	imports.add("kit.app", "create_app")
	if s.System.Security.Tenants() {
		imports.add("kit.tenancy", "PER_TENANT")
		imports.add("kit.tenancy", "sweep_forever")
	} else {
		imports.add("kit.idempotency", "sweep_forever")
	}
	imports.add(s.Package+".gen.services", "Services")
	imports.add(s.Package+".gen.settings", "Settings")
	s.importGuard(imports)
	for i := range s.Entities {
		imports.add(s.Entities[i].module("routes"), "router as "+s.Entities[i].RouterName())
	}
	return imports.block(s.Package)
}

// RouterName is the entity's router in gen/app.py.
func (e *EntityView) RouterName() string { return strings.TrimSuffix(e.Module, "_") + "_router" }

// SettingLine is one number of the blueprint as a default of the service's settings.
type SettingLine struct {
	Name, Type string
	Value      expression
	Comment    string
}

// Settings are the numbers of the blueprint that the service reads.
func (s *ServiceView) Settings() []SettingLine {
	sizing, timeouts, load := s.Sizing, s.System.Timeouts, s.System.Load
	lines := []SettingLine{
		number("db_pool_min", sizing.PoolMin), number("db_pool_max", sizing.PoolSize),
		number("db_acquire_timeout_ms", sizing.AcquireTimeout),
		number("db_statement_timeout_ms", timeouts.StatementTimeout), number("db_lock_timeout_ms", timeouts.LockTimeout),
	}
	if s.UsesRedis {
		lines = append(lines, number("redis_pool_max", sizing.CachePool), s.cacheLine())
	}
	if origins := s.System.Security.CORS; len(origins) > 0 {
		lines = append(lines, corsLine(origins))
	}
	lines = append(lines, s.System.accessSettings()...)
	lines = append(lines, s.CallSettings()...)
	return append(lines,
		number("request_deadline_ms", timeouts.AppDeadline), number("max_in_flight", sizing.InFlight), number("max_queued", sizing.Queued), number("queue_ms", timeouts.Queue),
		number("keep_alive_s", timeouts.KeepAlive), drainLine(timeouts.DrainDelay), shutdownLine(timeouts),
		number("slo_latency_ms", load.LatencyP99), sampleLine(load.TraceSample))
}

// cacheLine is how long the cache keeps a record: 0 where Redis is there for something else.
func (s *ServiceView) cacheLine() SettingLine {
	if s.Cached {
		return number("cache_ttl_s", s.Sizing.CacheTTL)
	}
	return SettingLine{"cache_ttl_s", "int", atom("0"), "stated in the design: no cache"}
}

// SettingLines declare them.
func (s *ServiceView) SettingLines() string { return settingLines(s.Settings()) }

func settingLines(lines []SettingLine) string {
	var b strings.Builder
	for _, line := range lines {
		fmt.Fprintf(&b, "\n    # %s\n%s", line.Comment, line.Value.layout("    ", line.Name+": "+line.Type+" = ", ""))
	}
	return b.String()
}

// corsLine lists the allowed origins; a tuple of one needs its comma.
func corsLine(origins []string) SettingLine {
	tuple := expression{head: "(", tail: ")"}
	for _, origin := range origins {
		tuple.items = append(tuple.items, atom(strconv.Quote(origin)))
	}
	if len(origins) == 1 {
		tuple.tail = ",)"
	}
	return SettingLine{"cors_origins", "tuple[str, ...]", tuple, "stated in the design"}
}

func number(name string, q model.Quantity) SettingLine {
	return SettingLine{name, "Positive", atom(strconv.Itoa(q.Int())), reason(q)}
}

func reason(q model.Quantity) string {
	if q.Formula == "" || q.Formula == "given" {
		return "stated in the design"
	}
	if token.IsIdentifier(q.Formula) {
		return "a default for every system"
	}
	return "by " + q.Formula // without the word it reads as code that was commented out
}

func drainLine(q model.Quantity) SettingLine {
	line := number("drain_delay_s", q)
	line.Type, line.Value = "NotNegative", atom(formatFloat(q.Value))
	return line
}

// shutdownLine leaves the connections time after the drain delay, and the
// process a second to close its pools before the grace period ends.
func shutdownLine(t model.TimeoutPlan) SettingLine {
	seconds := max(1, t.GracePeriod.Int()-t.DrainDelay.Int()-1)
	return SettingLine{"shutdown_timeout_s", "Positive", atom(strconv.Itoa(seconds)), "by grace_period - drain_delay - 1"}
}

func sampleLine(q model.Quantity) SettingLine {
	return SettingLine{"trace_sample_ratio", "Share", atom(formatFloat(q.Value / 100)), "by trace_sample_percent / 100"}
}

func formatFloat(value float64) string {
	text := strconv.FormatFloat(value, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

// Docstring says what a record of the entity is.
func (e *EntityView) Docstring() string {
	if e.Description == "" {
		return docstring("A stored " + e.LowerTitle())
	}
	return docstring(e.Description)
}

// Docstring says what the service is for.
func (s *ServiceView) Docstring() string {
	text := "The " + s.Name + " service of " + s.System.System.Title
	if s.Description != "" {
		text += ": " + s.Description
	}
	return docstring(text)
}

// PythonDescription is the description as a string constant.
func (s *ServiceView) PythonDescription() string { return pythonString(s.Description) }

// ClassOver starts a class of the entity that derives from a generic one; the
// arguments are suffixes of the entity's class.
func (e *EntityView) ClassOver(suffix, base string, arguments ...string) string {
	for i, argument := range arguments {
		arguments[i] = e.Class + argument
	}
	return call("class "+e.Class+suffix, subscript(base, atoms(arguments...)...)).layout("", "", ":")
}

// RoutesImports is the import block of gen/{entity}/routes.py.
func (e *EntityView) RoutesImports() string {
	imports := pythonImports{
		"typing":                               {"Annotated"},
		"fastapi":                              {"APIRouter", "Query", "Response"},
		e.Service.Package + ".gen." + e.Module: {"schemas"},
		e.Service.Package + ".gen.services":    {"Wired"},
		"kit.crud":                             {"CREATED", "FOUND", "NOT_MODIFIED"},
		"kit.db":                               {"Executor"},
		"kit.etag":                             {"expected_versions", "matches"},
		"kit.idempotency":                      {"fingerprint", "run_once"},
		"kit.problems":                         {"responses"},
		"kit.replies":                          {"json_reply", "no_content", "not_modified"},
		"kit.types":                            {"IdempotencyKey", "IfMatch", "IfNoneMatch", "Uuid"},
	}
	return imports.block(e.Service.Package)
}

// MainImports is the import block of __main__.py.
func (s *ServiceView) MainImports() string {
	imports := pythonImports{
		s.Package + ".gen.settings": {"Settings"},
		s.Package + ".main":         {"create"},
		"kit.server":                {"run"},
	}
	if s.HasEvents() {
		imports.add("sys", "")
		imports.add("kit.command", "main")
		imports.add(s.Package+".gen.settings", "EventSettings")
		imports.add(s.Package+".gen.messaging", "MESSAGING")
	}
	return imports.block(s.Package)
}
