package model

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"strings"
	"unicode"
)

// maxIdentifier is the length in bytes above which PostgreSQL silently cuts a name.
const maxIdentifier = 63

// Snake returns name in snake_case: order-line and order line give order_line.
func Snake(name string) string { return strings.Join(words(name), "_") }

// Kebab returns name in kebab-case, for URLs and tags.
func Kebab(name string) string { return strings.Join(words(name), "-") }

// Title returns name as a heading: "order_line" gives "Order line".
func Title(name string) string {
	parts := words(name)
	for i, part := range parts {
		switch {
		case initialisms[part]:
			parts[i] = strings.ToUpper(part)
		case i == 0:
			parts[i] = upperFirst(part)
		}
	}
	return strings.Join(parts, " ")
}

// EnvName returns name as part of an environment variable: ORDER_LINE.
func EnvName(name string) string { return strings.ToUpper(Snake(name)) }

var initialisms = setOf("api", "crm", "cv", "faq", "gps", "html", "http", "iban", "id", "ip", "isbn", "json",
	"pdf", "pin", "sku", "sms", "sql", "ui", "uri", "url", "uuid", "vat", "xml", "zip")

func words(name string) []string {
	return strings.FieldsFunc(strings.ToLower(name), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}

func upperFirst(word string) string {
	if word == "" {
		return ""
	}
	runes := []rune(word)
	runes[0] = unicode.ToUpper(runes[0])
	return string(runes)
}

func camel(name string) string {
	var b strings.Builder
	for _, word := range words(name) {
		b.WriteString(upperFirst(word))
	}
	return b.String()
}

// ServicePackage returns the Python package of a service: catalog gives
// catalog_service; a name that says service already gets no second suffix.
func ServicePackage(service string) string {
	name := Snake(service)
	if name == "service" || strings.HasSuffix(name, "_service") {
		return strings.TrimPrefix(name, "_")
	}
	return name + "_service"
}

// ServiceDatabase returns the SQL database and role of a service. A reserved
// word or a database that every server has gets a suffix, so that the name
// never needs quotes, in a shell or in a URL.
func ServiceDatabase(service string) string {
	name := Snake(service)
	if sqlKeywords[name] != 0 || takenDatabases[name] || strings.HasPrefix(name, "pg_") {
		return shorten(name + "_service")
	}
	return shorten(name)
}

// takenDatabases holds databases and roles that every server has, or that a role may not be named.
var takenDatabases = setOf("postgres", "template0", "template1", "public", "root")

var (
	pythonKeywords = setOf("false", "none", "true", "and", "as", "assert", "async", "await", "break", "class",
		"continue", "def", "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import",
		"in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
		"case", "match", "type")

	pythonBuiltins = setOf("abs", "aiter", "all", "anext", "any", "ascii", "bin", "bool", "breakpoint",
		"bytearray", "bytes", "callable", "chr", "classmethod", "compile", "complex", "copyright", "credits",
		"delattr", "dict", "dir", "divmod", "enumerate", "eval", "exec", "exit", "filter", "float", "format",
		"frozenset", "getattr", "globals", "hasattr", "hash", "help", "hex", "id", "input", "int", "isinstance",
		"issubclass", "iter", "len", "license", "list", "locals", "map", "max", "memoryview", "min", "next",
		"object", "oct", "open", "ord", "pow", "print", "property", "quit", "range", "repr", "reversed", "round",
		"set", "setattr", "slice", "sorted", "staticmethod", "str", "sum", "super", "tuple", "type", "vars", "zip")

	// pydanticMembers holds the members of pydantic.BaseModel that a field would shadow.
	pydanticMembers = setOf("construct", "copy", "dict", "from_orm", "json", "parse_file", "parse_obj",
		"parse_raw", "schema", "schema_json", "update_forward_refs", "validate")

	// annotationNames are used as types in a class body: a field of that name
	// would hide the type from the fields below it.
	annotationNames = setOf("bool", "bytes", "date", "datetime", "decimal", "dict", "float", "int", "list",
		"object", "property", "self", "set", "str", "tuple", "type", "uuid")

	// generatedModules holds the modules that stand beside those of the entities.
	generatedModules = setOf("access", "app", "asyncpg", "clients", "conftest", "config", "datetime", "decimal", "enum", "events",
		"fastapi", "gen", "handlers", "json", "kit", "main", "messaging", "model", "models", "pydantic", "repository", "router", "routers", "routes",
		"rules", "schema", "schemas", "service", "services", "settings", "test", "tests", "typing", "uuid")

	// classNames holds what a generated Python module imports or inherits.
	classNames = setOf("Annotated", "Any", "Awaitable", "BaseModel", "Body", "Bool", "Callable", "ClassVar", "Column",
		"Connection", "Cookie", "Database", "Date", "Datetime", "Decimal", "DecimalText", "Depends", "Email", "Enum",
		"Executor", "False", "Float64", "Hooks", "Limit", "ListQuery", "Model", "NoNul", "Patch", "Repository", "Service", "Services",
		"Snapshot", "Sort", "TypedDict", "View", "Cache",
		"Field", "File", "Final", "Form", "Generic", "Header", "Int32", "Int64", "Iterable", "Json", "Literal",
		"Mapping", "None", "Optional", "Page", "Parameter", "Path", "Peer", "Pool", "Problem", "Protocol", "Query", "Record", "Remote", "RemoteDecimal",
		"Request", "Resources", "Response", "Schema", "Self", "Sequence", "Settings", "State", "StrEnum",
		"Text", "Timestamp", "True", "Type", "Union", "Url", "Uuid", "UUID", "Warning", "Exception")

	// systemColumns are columns that every PostgreSQL table has already.
	systemColumns = setOf("cmax", "cmin", "ctid", "oid", "tableoid", "xmax", "xmin")
)

// PythonModule returns a module name for an entity that is no keyword, no
// builtin and no module that is generated beside it.
func PythonModule(name string) string {
	module := identifier(name)
	if pythonKeywords[module] || pythonBuiltins[module] || generatedModules[module] {
		return module + "_"
	}
	return module
}

// PythonAttribute returns the attribute of a pydantic model for a field: the
// field's own name unless Python, pydantic or an annotation needs it.
func PythonAttribute(name string) string {
	attribute := identifier(name)
	if strings.HasPrefix(attribute, "model_dump") || strings.HasPrefix(attribute, "model_validate") {
		return "its_" + attribute // pydantic protects these prefixes whatever follows
	}
	if pythonKeywords[attribute] || pydanticMembers[attribute] || annotationNames[attribute] ||
		strings.HasPrefix(attribute, "model_") {
		return attribute + "_"
	}
	return attribute
}

// PythonClass returns a class name that hides nothing a generated module imports.
func PythonClass(name string) string {
	class := camel(name)
	if class != "" && unicode.IsDigit(rune(class[0])) {
		class = "N" + class
	}
	if classNames[class] {
		return class + "Entity"
	}
	return class
}

func identifier(name string) string {
	snake := Snake(name)
	if snake == "" || unicode.IsDigit(rune(snake[0])) {
		return "n_" + snake
	}
	return snake
}

//go:embed data/postgresql-keywords.txt
var keywordData string

// sqlKeywords maps a word to its category: 'R', 'T' or 'C' (see the data file).
var sqlKeywords = parseKeywords(keywordData)

func parseKeywords(data string) map[string]byte {
	keywords := map[string]byte{}
	for _, line := range strings.Split(data, "\n") {
		category, word, found := strings.Cut(strings.TrimSpace(line), " ")
		if found && category != "#" {
			keywords[word] = category[0]
		}
	}
	return keywords
}

// QuoteSQL returns name as it is written in a statement: in double quotes where
// PostgreSQL's own quote_identifier would put them.
func QuoteSQL(name string) string {
	if sqlKeywords[name] == 0 && plainIdentifier(name) {
		return name
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

func plainIdentifier(name string) bool {
	for i, r := range name {
		letter := r == '_' || r >= 'a' && r <= 'z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return name != ""
}

// sqlColumn returns the column for a JSON name; PostgreSQL refuses its own system columns.
func sqlColumn(name string) string {
	if systemColumns[name] {
		return name + "_"
	}
	return shorten(name)
}

// sqlLiteral returns text as a string constant.
func sqlLiteral(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// shorten cuts a name that PostgreSQL would cut, and keeps it unique by a hash of the whole.
func shorten(name string) string { return shortenWith(name, "") }

// shortenWith appends suffix to stem within the limit; only the stem is cut.
func shortenWith(stem, suffix string) string {
	if len(stem)+len(suffix) <= maxIdentifier {
		return stem + suffix
	}
	sum := sha256.Sum256([]byte(stem + suffix))
	hash := "_" + hex.EncodeToString(sum[:4])
	keep := strings.TrimRight(stem[:maxIdentifier-len(hash)-len(suffix)], "_")
	return keep + hash + suffix
}
