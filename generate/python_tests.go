package generate

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"codex-design/model"
)

// sampleOf says how the tests make a valid value of one kind of field, from
// the number n, with one of the helpers of kit.testing.records.
var sampleOf = map[model.Kind]func(f *model.FieldPlan) string{
	model.KindString:    sampleText,
	model.KindText:      sampleText,
	model.KindInt:       sampleWhole("0", "1000000"),
	model.KindBigint:    sampleWhole("0", "1000000"),
	model.KindDecimal:   sampleDecimal,
	model.KindFloat:     sampleReal,
	model.KindBool:      func(*model.FieldPlan) string { return "True" },
	model.KindDate:      sampleRange("day", "1900-01-01", "2199-12-31"),
	model.KindTimestamp: sampleRange("instant", "2000-01-01T00:00:00Z", "2099-12-31T00:00:00Z"),
	model.KindUUID:      func(*model.FieldPlan) string { return "str(uuid4())" },
	model.KindRef:       func(*model.FieldPlan) string { return "str(uuid4())" },
	model.KindJSON:      func(*model.FieldPlan) string { return `{"number": n}` },
	model.KindEnum:      sampleEnum,
	model.KindEmail:     func(*model.FieldPlan) string { return `f"person{n}@example.com"` },
	model.KindURL:       func(*model.FieldPlan) string { return `f"https://example.com/{n}"` },
}

func sampleText(f *model.FieldPlan) string {
	least, greatest, _ := f.TextLength()
	if f.Pattern != "" {
		return fmt.Sprintf("matching(%s, %d, %d)", pythonPattern(f.Pattern), least, greatest)
	}
	return fmt.Sprintf("text(n, %d, %d)", max(1, least), greatest)
}

// within gives the limits of a sample: those of the field, else a window that
// starts or ends at the one that it has.
func within(f *model.FieldPlan, low, high string) (string, string) {
	if f.Min != nil {
		low = *f.Min
	}
	if f.Max != nil {
		high = *f.Max
	}
	return low, high
}

func sampleWhole(low, high string) func(*model.FieldPlan) string {
	return func(f *model.FieldPlan) string {
		least, greatest := wholeWindow(f, low, high)
		return fmt.Sprintf("whole(n, %d, %d)", least, greatest)
	}
}

func wholeWindow(f *model.FieldPlan, low, high string) (least, greatest int64) {
	low, high = within(f, low, high)
	least, _ = strconv.ParseInt(strings.TrimPrefix(low, "+"), 10, 64)
	greatest, _ = strconv.ParseInt(strings.TrimPrefix(high, "+"), 10, 64)
	switch {
	case least <= greatest:
	case f.Max == nil:
		greatest = least
	default:
		least = greatest
	}
	return least, greatest
}

func sampleDecimal(f *model.FieldPlan) string {
	whole := strings.Repeat("9", min(4, f.Type.Precision-f.Type.Scale))
	fraction := strings.Repeat("9", f.Type.Scale)
	high := "0"
	if whole != "" {
		high = whole
	}
	if fraction != "" {
		high += "." + fraction
	}
	low := "0"
	if f.Max != nil {
		low = "-" + high
	}
	if f.Min != nil {
		low = *f.Min
	}
	if f.Max != nil {
		high = *f.Max
	} else if f.Min != nil {
		high = maxDecimal(f)
	}
	return fmt.Sprintf("fixed(n, %d, %s, %s)", f.Type.Scale, pythonString(low), pythonString(high))
}

// maxDecimal is the greatest value of the field's type.
func maxDecimal(f *model.FieldPlan) string {
	digits := strings.Repeat("9", f.Type.Precision)
	whole, fraction := digits[:f.Type.Precision-f.Type.Scale], digits[f.Type.Precision-f.Type.Scale:]
	if whole == "" {
		whole = "0"
	}
	if fraction == "" {
		return whole
	}
	return whole + "." + fraction
}

func sampleReal(f *model.FieldPlan) string {
	low, high := "0", "1000"
	if f.Min != nil && f.Max == nil {
		low, high = *f.Min, *f.Min+" + 1000"
	} else if f.Max != nil && f.Min == nil {
		low, high = *f.Max+" - 1000", *f.Max
	} else {
		low, high = within(f, low, high)
	}
	return fmt.Sprintf("real(n, %s, %s)", plainLiteral(low), plainLiteral(high))
}

func sampleRange(helper, low, high string) func(*model.FieldPlan) string {
	return func(f *model.FieldPlan) string {
		least, greatest := within(f, low, high)
		if least > greatest && f.Max == nil {
			greatest = least
		} else if least > greatest {
			least = greatest
		}
		return fmt.Sprintf("%s(n, %s, %s)", helper, pythonString(least), pythonString(greatest))
	}
}

func sampleEnum(f *model.FieldPlan) string {
	if f.Unique {
		return acceptedEnum(f).String()[len("Literal"):] + "[n % " + strconv.Itoa(len(f.Type.Values)) + "]"
	}
	return pythonString(f.Type.Values[0])
}

// SampleLine is the field's entry in a valid body; empty for a reference that
// may be left out.
func (f PythonField) SampleLine() string {
	sample := sampleOf[f.Type.Kind](&f.FieldPlan)
	if target := f.target(); target != nil {
		if f.Nullable {
			return ""
		}
		sample = fmt.Sprintf(`await created_id(client, "%s", new_%s)`, target.Path, target.Name)
	}
	if remote := f.remoteReference(); remote != nil {
		sample = fmt.Sprintf(`await elsewhere("%s", "%s")`, remote.Service, remote.entity.Path)
	}
	return breakCall(sample).layout("        ", pythonString(f.JSON)+": ", ",")
}

// remoteReference is the record of a called service that the field refers to.
func (f PythonField) remoteReference() *RemoteReference {
	for _, reference := range f.entity.remoteReferences() {
		if reference.Field == f.JSON {
			return &reference
		}
	}
	return nil
}

// breakCall makes a call that can be laid out from one without nested calls.
func breakCall(text string) expression {
	open := strings.Index(text, "(")
	if open <= 0 || !strings.HasSuffix(text, ")") {
		return atom(text)
	}
	return expression{head: text[:open+1], tail: ")", items: atoms(splitArguments(text[open+1 : len(text)-1])...)}
}

// splitArguments splits at the commas outside of strings.
func splitArguments(text string) []string {
	var arguments []string
	start := 0
	for i, r := range blankStrings(text) {
		if r == ',' {
			arguments = append(arguments, strings.TrimSpace(text[start:i]))
			start = i + 1
		}
	}
	return append(arguments, strings.TrimSpace(text[start:]))
}

// target is the entity of the same service that the field refers to.
func (f PythonField) target() *EntityView {
	for _, reference := range f.entity.References {
		if reference.Local && reference.Field == f.JSON {
			return f.entity.Service.entity(reference.Entity)
		}
	}
	return nil
}

func (s *ServiceView) entity(name string) *EntityView {
	for i := range s.Entities {
		if s.Entities[i].Name == name {
			return &s.Entities[i]
		}
	}
	return nil
}

// SampleLines are the entries of a valid body.
func (e *EntityView) SampleLines() []string {
	var lines []string
	for _, field := range e.PythonFields() {
		if line := field.SampleLine(); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// NumberedSamples reports whether a valid body uses the number n.
func (e *EntityView) NumberedSamples() bool {
	return slices.ContainsFunc(e.SampleLines(), func(line string) bool {
		return slices.Contains(wordsOf(blankStrings(line)), "n") || strings.Contains(line, "{n}")
	})
}

// Capacity is how many records the unique fields leave room for.
func (e *EntityView) Capacity() int {
	capacity := 1_000_000
	for _, field := range e.Fields {
		switch {
		case !field.Unique:
		case field.Type.Kind == model.KindEnum:
			capacity = min(capacity, len(field.Type.Values))
		case field.Type.Kind == model.KindString && field.Type.Length < 3:
			capacity = min(capacity, []int{0, 62, 3844}[field.Type.Length])
		case field.Type.Kind == model.KindInt || field.Type.Kind == model.KindBigint:
			least, greatest := wholeWindow(&field, "0", "1000000")
			capacity = min(capacity, int(min(greatest-least+1, 1_000_000)))
		case field.Type.Kind == model.KindDate && field.Min != nil && field.Max != nil:
			capacity = min(capacity, days(*field.Min, *field.Max))
		}
	}
	return capacity
}

// days counts the days of a range, both ends included.
func days(first, last string) int {
	from, _ := time.Parse(time.DateOnly, first)
	to, _ := time.Parse(time.DateOnly, last)
	return int(to.Sub(from).Hours()/24) + 1
}

// EntityCall describes the entity to the tests.
func (e *EntityView) EntityCall() string {
	arguments := atoms("name="+pythonString(e.Name), "path="+pythonString(e.Path), "new=new_"+e.Name,
		"repository="+e.RepositoryName(), "rules="+e.Class+"Rules")
	if e.ReadTable != "" {
		arguments = append(arguments, atom("read_model="+e.ReadModuleName()), atom("table="+pythonString(e.Table)), atom("read_table="+pythonString(e.ReadTableName())))
	}
	if capacity := e.Capacity(); capacity < 1_000_000 {
		arguments = append(arguments, atom("capacity="+strconv.Itoa(capacity)))
	}
	private, unique, required, references := []string{}, []string{}, []string{}, []string{}
	for _, field := range e.PythonFields() {
		name := pythonString(field.JSON)
		if field.Private {
			private = append(private, name)
		}
		if field.Unique {
			unique = append(unique, name)
		}
		if !field.Nullable {
			required = append(required, name)
		}
		if target := field.target(); target != nil {
			references = append(references, name+": "+pythonString(target.Path))
		}
	}
	arguments = append(arguments, tuple("private", private)...)
	arguments = append(arguments, tuple("unique", unique)...)
	arguments = append(arguments, tuple("required", required)...)
	arguments = append(arguments, tuple("sorts", e.sortNames())...)
	arguments = append(arguments, mapping("filters", e.filterFields())...)
	arguments = append(arguments, mapping("references", references)...)
	arguments = append(arguments, mapping("remote", e.remoteMembers())...)
	if e.Owned() {
		arguments = append(arguments, atom("owned=True"))
	}
	if owned := len(e.ownedReferences()); owned > 0 {
		arguments = append(arguments, atom("lookups="+strconv.Itoa(owned)))
	}
	return call("Entity", arguments...).layout("    ", "", ",")
}

func (e *EntityView) sortNames() []string {
	names := make([]string, len(e.Sorts))
	for i, sort := range e.Sorts {
		names[i] = pythonString(sort.Name)
	}
	return names
}

// filterFields pair each filter with its field.
func (e *EntityView) filterFields() []string {
	var pairs []string
	for _, filter := range e.Filters {
		if filter.Operator != model.FilterWords {
			pairs = append(pairs, pythonString(filter.Parameter)+": "+pythonString(filter.Field.JSON))
		}
	}
	return pairs
}

// tuple is a keyword argument, left out where it is empty.
func tuple(name string, items []string) []expression {
	switch len(items) {
	case 0:
		return nil
	case 1:
		return atoms(name + "=(" + items[0] + ",)")
	}
	return []expression{{head: name + "=(", tail: ")", items: atoms(items...)}}
}

func mapping(name string, pairs []string) []expression {
	if len(pairs) == 0 {
		return nil
	}
	return []expression{{head: name + "={", tail: "}", items: atoms(pairs...)}}
}

// RepositoryName is the entity's repository module in the tests.
func (e *EntityView) RepositoryName() string {
	return strings.TrimSuffix(e.Module, "_") + "_repository"
}

// ReadModuleName is the entity's read model in the tests.
func (e *EntityView) ReadModuleName() string {
	return strings.TrimSuffix(e.Module, "_") + "_read_model"
}

// recordHelpers are the names of kit.testing.records that samples use.
var recordHelpers = []string{"created_id", "day", "elsewhere", "fixed", "instant", "matching", "real", "text", "whole"}

// TestImports is the import block of tests/conftest.py.
func (s *ServiceView) TestImports() string {
	imports := pythonImports{
		"collections.abc": {"AsyncIterator"}, "typing": {"Any"}, "pathlib": {"Path"}, "httpx2": {"AsyncClient"}, "kit.testing": {"in_process", "live_service"},
		"kit.testing.deployed": {"BASE_URL", "deployed_url"}, "kit.testing.records": {"Body", "Entity"}, s.Package + ".gen.app": {"build"}, s.Package + ".gen.settings": {"Settings"},
		"pytest": {""}, "pytest_asyncio": {""}, "pydantic": {"SecretStr"},
	}
	s.importCredentials(imports)
	if s.System.Authenticated() {
		imports.add("kit.testing.deployed", "caller")
	}
	if s.SplitRoles() {
		imports.add("kit.testing.plugin", "Logins")
		imports.add("kit.testing.roles", "login")
	}
	if s.ReadModel {
		imports.add("kit.testing.deployed", "client_of_system")
		imports.add(s.Package+".gen.messaging", "MESSAGING")
		imports.add(s.Package+".gen.settings", "EventSettings")
		for _, name := range []string{"Projection", "projecting", "settle_before", "wait_for_writes"} {
			imports.add("kit.testing.readmodel", name)
		}
	} else {
		imports.add("kit.testing.deployed", "deployed_client")
	}
	for i := range s.Entities {
		entity := &s.Entities[i]
		imports.add(s.Package+".gen."+entity.Module, "repository as "+entity.RepositoryName())
		if s.ReadModel {
			imports.add(s.Package+".gen."+entity.Module, "read_model as "+entity.ReadModuleName())
		}
		imports.add(s.Package+".rules."+entity.Module, entity.Class+"Rules")
		if entity.NumberedSamples() {
			imports.add("kit.testing.records", "serial")
		}
		for _, line := range entity.SampleLines() {
			imports.useHelpers(blankStrings(line))
		}
	}
	return imports.block(s.Package)
}

func (p pythonImports) useHelpers(line string) {
	for _, word := range wordsOf(line) {
		if slices.Contains(recordHelpers, word) {
			p.add("kit.testing.records", word)
		}
		if word == "uuid4" {
			p.add("uuid", word)
		}
	}
}

// UsesClient reports whether a valid body needs other records first.
func (e *EntityView) UsesClient() bool {
	return slices.ContainsFunc(e.SampleLines(), func(line string) bool { return strings.Contains(line, "created_id(client") })
}

// UnstatedOperations are the ids of the operations that may refuse a request
// for a reason that an OpenAPI document cannot state.
func (s *ServiceView) UnstatedOperations() []string {
	var ids []string
	for i := range s.Entities {
		entity := &s.Entities[i]
		ids = append(ids, entity.OperationID("list"))
		limited := slices.ContainsFunc(entity.Fields, unstatedLimit)
		if limited || slices.ContainsFunc(entity.References, func(r model.Reference) bool { return r.Local || r.Called }) {
			ids = append(ids, entity.OperationID("create"), entity.OperationID("update"))
		}
	}
	return ids
}

// unstatedLimit reports whether a field has a limit that JSON Schema has no word for.
func unstatedLimit(f model.FieldPlan) bool {
	switch f.Type.Kind {
	case model.KindDate, model.KindTimestamp, model.KindDecimal:
		return f.Min != nil || f.Max != nil
	}
	return false
}

// ContractImports is the import block of tests/gen/test_contract.py.
func (s *ServiceView) ContractImports() string {
	imports := pythonImports{
		"asyncio": {""}, "sys": {""}, "pytest": {""}, "yaml": {""}, "pathlib": {"Path"},
		"kit.testing.contract": {"operations"}, s.Package + ".gen.app": {"build"}, s.Package + ".gen.settings": {"Settings"},
	}
	if s.System.Authenticated() {
		imports.add("os", "")
	}
	if s.System.KeyBased() {
		imports.add("kit.auth.keys", "HEADER")
	}
	return imports.block(s.Package)
}

// EntitiesInOrder are the entities in the order in which their tables are
// made: what is referred to comes first.
func (s *ServiceView) EntitiesInOrder() []*EntityView {
	var ordered []*EntityView
	for _, table := range s.Schema {
		for i := range s.Entities {
			if s.Entities[i].Table == table.Name {
				ordered = append(ordered, &s.Entities[i])
			}
		}
	}
	return ordered
}

// RefersLocally reports whether a valid body names another record of the service.
func (e *EntityView) RefersLocally() bool { return e.UsesClient() }

// LoadLines are the entries of a valid body in a load test, which takes its
// references from the records that it made before.
func (e *EntityView) LoadLines() []string {
	var lines []string
	for _, field := range e.PythonFields() {
		target := field.target()
		remote := field.remoteReference()
		switch {
		case remote != nil:
			known := call("elsewhere", atoms(pythonString(remote.callee.Variable()), pythonString(remote.entity.Path))...)
			lines = append(lines, known.layout("        ", pythonString(field.JSON)+": ", ","))
		case target == nil:
			lines = append(lines, field.SampleLine())
		case !field.Nullable:
			known := call("known", atom(pythonString(target.Path)))
			if field.Unique {
				known.items = append(known.items, atom("fresh=True"))
			}
			lines = append(lines, known.layout("        ", pythonString(field.JSON)+": ", ","))
		}
	}
	return lines
}

// LoadKind describes the entity to the load test.
func (e *EntityView) LoadKind() string {
	shares := make([]string, len(e.Routes))
	for i, route := range e.Routes {
		shares[i] = pythonString(route.Operation) + ": " + strconv.FormatFloat(route.Share.Value, 'g', 4, 64)
	}
	arguments := append(atoms(pythonString(e.Path), "new_"+e.Name),
		expression{head: "{", tail: "}", items: atoms(shares...)})
	if e.ReferredTo() {
		arguments = append(arguments, atom("referred_to=True"))
	}
	return call("Kind", arguments...).layout("        ", "", ",")
}

// LoadImports is the import block of load/locustfile.py.
func (s *ServiceView) LoadImports() string {
	imports := pythonImports{
		"locust": {"constant"}, "kit.testing.load": {"Body", "Kind", "Known", "RecordUser", "thresholds"},
	}
	if module := s.System.CredentialModule(); module != "" {
		imports.add("kit.testing.load", "authenticate")
		imports.add(module, "credentials")
	}
	for i := range s.Entities {
		entity := &s.Entities[i]
		if entity.NumberedSamples() {
			imports.add("kit.testing.records", "serial")
		}
		for _, line := range entity.LoadLines() {
			imports.useHelpers(blankStrings(line))
		}
		if entity.Refers() {
			imports.add("kit.testing.load", "elsewhere")
			imports["kit.testing.records"] = slices.DeleteFunc(imports["kit.testing.records"], func(name string) bool { return name == "elsewhere" })
		}
	}
	return imports.block(s.Package)
}

// ThinkSeconds is the pause of a load test's user between two requests.
func (s *ServiceView) ThinkSeconds() string {
	for _, input := range s.Sizing.LoadTestUsers.Inputs {
		if input.Name == "think_time" {
			return strconv.FormatFloat(input.Value/1000, 'g', -1, 64)
		}
	}
	return "1"
}

// ErrorShare is the share of requests that the availability objective lets fail.
func (s *ServiceView) ErrorShare() string {
	return strconv.FormatFloat(math.Round((100-s.System.Load.AvailabilitySLO.Value)*1e6)/1e8, 'f', -1, 64)
}

// FuzzExamples is how many requests schemathesis makes up for an operation: a
// service with many operations repeats the same code, so each gets fewer.
func (s *ServiceView) FuzzExamples() int {
	operations := 0
	for _, entity := range s.Entities {
		operations += len(entity.Routes)
	}
	return min(15, max(3, 200/max(1, operations)))
}
