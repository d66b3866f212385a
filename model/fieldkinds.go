package model

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// kindSpec is one row of the field types.
type kindSpec struct {
	kind     Kind
	detail   string
	example  string
	argument func(*parsedField, argument) // nil: the type takes none
	pattern  string                       // of the argument, for the JSON Schema
	allows   string                       // modifiers that fit, besides required, private and was; fill goes with default
}

const (
	maxStringLength  = 65535
	maxIndexedLength = 512 // longer values can exceed PostgreSQL's limit for one index row
	maxTextLength    = 1_000_000
	maxPrecision     = 38
	maxEnumValues    = 100
)

var fieldKinds = []kindSpec{
	{KindString, "Text of at most n characters", "string(200)", (*parsedField).readLength, `\( *[1-9][0-9]{0,4} *\)`, "unique index default min pattern"},
	{KindText, "Text of any length", "text", nil, "", "default min max pattern"},
	{KindInt, "Whole number of 32 bits", "int", nil, "", "unique index default min max"},
	{KindBigint, "Whole number of 64 bits", "bigint", nil, "", "unique index default min max"},
	{KindDecimal, "Exact number of p digits, s of them after the point; a string in JSON", "decimal(12,2)", (*parsedField).readPrecision, `\( *[1-9][0-9]? *, *[0-9]{1,2} *\)`, "unique index default min max"},
	{KindFloat, "Inexact number of 64 bits", "float", nil, "", "index default min max"},
	{KindBool, "true or false", "bool", nil, "", "index default"},
	{KindDate, "Day, as 2026-01-31", "date", nil, "", "unique index default min max"},
	{KindTimestamp, "Instant with a time zone, as 2026-01-31T12:00:00Z", "timestamp", nil, "", "unique index default min max"},
	{KindUUID, "Identifier that is made elsewhere", "uuid", nil, "", "unique index"},
	{KindJSON, "Any JSON value", "json", nil, "", ""},
	{KindEnum, "One of the listed words", "enum(draft, active)", (*parsedField).readValues, `\( *"?[A-Za-z][A-Za-z0-9_-]*"?( *, *"?[A-Za-z][A-Za-z0-9_-]*"?)* *\)`, "unique index default"},
	{KindEmail, "E-mail address", "email", nil, "", "unique index default"},
	{KindURL, "Web address", "url", nil, "", "unique index default"},
	{KindRef, "Reference to another entity", "ref(order)", (*parsedField).readTarget, `\( *([a-z][a-z0-9-]*\.)?[a-z][a-z0-9_]* *\)`, "unique index"},
}

// refusals says what to do instead of a modifier that does not fit its type.
var refusals = map[string]string{
	"string max":   "the length is the maximum: string(20)",
	"text unique":  "only string(n) can be unique: an index holds no text of any length",
	"text index":   "only string(n) can be indexed: an index holds no text of any length",
	"enum min":     "an enum is bounded by its values",
	"enum max":     "an enum is bounded by its values",
	"ref default":  "a reference has no value that is always there",
	"ref min":      "a reference is an id, which has no order",
	"ref max":      "a reference is an id, which has no order",
	"bool unique":  "at most two records could ever be stored",
	"float unique": "floats are not compared exactly; use decimal(p,s)",
	"json unique":  "JSON values have no order and no index",
	"json index":   "JSON values have no order and no index",
	"json default": "leave it out on create, or make it required",
	"uuid default": "every record would get the same id",
}

// modifierSpec is one row of the field modifiers, in canonical order.
type modifierSpec struct {
	name    string
	detail  string
	example string // with its argument; empty: the modifier takes none
	get     func(*Field) (arg string, given bool)
	set     func(f *Field, arg string)
}

var modifiers = []modifierSpec{
	flagModifier("required", "Must be given on create, and is never null", func(f *Field) *bool { return &f.Required }),
	flagModifier("unique", "No two records share it", func(f *Field) *bool { return &f.Unique }),
	flagModifier("index", "Lists filter by it, and sort by it where it has an order", func(f *Field) *bool { return &f.Index }),
	valueModifier("default", "Taken when it is not given", "default(0)", func(f *Field) **string { return &f.Default }),
	valueModifier("fill", "What the records that are there get, where a field is new or becomes required", "fill(0)", func(f *Field) **string { return &f.Fill }),
	valueModifier("min", "Least value, or least length of a text", "min(1)", func(f *Field) **string { return &f.Min }),
	valueModifier("max", "Greatest value, or greatest length of a text", "max(100)", func(f *Field) **string { return &f.Max }),
	textModifier("pattern", "Regular expression that the text must match", "pattern(^[A-Z]{3}$)", func(f *Field) *string { return &f.Pattern }),
	flagModifier("private", "Accepted but never in a response", func(f *Field) *bool { return &f.Private }),
	textModifier("was", "Its former name, so that a rename keeps the data", "was(total)", func(f *Field) *string { return &f.Was }),
}

func flagModifier(name, detail string, at func(*Field) *bool) modifierSpec {
	return modifierSpec{name: name, detail: detail,
		get: func(f *Field) (string, bool) { return "", *at(f) },
		set: func(f *Field, _ string) { *at(f) = true }}
}

func valueModifier(name, detail, example string, at func(*Field) **string) modifierSpec {
	return modifierSpec{name: name, detail: detail, example: example,
		get: func(f *Field) (string, bool) {
			if *at(f) == nil {
				return "", false
			}
			return **at(f), true
		},
		set: func(f *Field, arg string) { *at(f) = &arg }}
}

func textModifier(name, detail, example string, at func(*Field) *string) modifierSpec {
	return modifierSpec{name: name, detail: detail, example: example,
		get: func(f *Field) (string, bool) { return *at(f), *at(f) != "" },
		set: func(f *Field, arg string) { *at(f) = arg }}
}

// format writes the modifier with its argument. A pattern is written as it is:
// its parentheses balance by the rules of regular expressions.
func (m modifierSpec) format(arg string) string {
	switch {
	case m.example == "":
		return m.name
	case m.name == "pattern":
		return m.name + "(" + arg + ")"
	}
	return m.name + "(" + quoteArgument(arg) + ")"
}

// FieldKinds lists the field types as choices: Value is an example that parses.
func FieldKinds() []Choice {
	choices := make([]Choice, len(fieldKinds))
	for i, spec := range fieldKinds {
		choices[i] = Choice{Value: spec.example, Label: string(spec.kind), Detail: spec.detail}
	}
	return choices
}

// FieldModifiers lists the modifiers that fit a kind: Value is an example that
// parses, Label the bare word.
func FieldModifiers(kind Kind) []Choice {
	var choices []Choice
	for _, m := range modifiers {
		if refuseModifier(kind, m.name) != "" {
			continue
		}
		value := m.example
		if value == "" {
			value = m.name
		}
		choices = append(choices, Choice{Value: value, Label: m.name, Detail: m.detail})
	}
	return choices
}

func kindOf(kind Kind) *kindSpec {
	for i := range fieldKinds {
		if fieldKinds[i].kind == kind {
			return &fieldKinds[i]
		}
	}
	return nil
}

func kindNames() []string {
	names := make([]string, len(fieldKinds))
	for i, spec := range fieldKinds {
		names[i] = string(spec.kind)
	}
	return names
}

func findModifier(name string) *modifierSpec {
	for i := range modifiers {
		if modifiers[i].name == name {
			return &modifiers[i]
		}
	}
	return nil
}

func modifierNames() []string {
	names := make([]string, len(modifiers))
	for i, m := range modifiers {
		names[i] = m.name
	}
	return names
}

// refuseModifier is the reason why a kind cannot have a modifier, or "".
func refuseModifier(kind Kind, name string) string {
	if name == "required" || name == "private" || name == "was" {
		return ""
	}
	if name == "fill" {
		name = "default"
	}
	spec := kindOf(kind)
	if spec == nil {
		return ""
	}
	fitting := strings.Fields(spec.allows)
	if slices.Contains(fitting, name) {
		return ""
	}
	if reason := refusals[string(kind)+" "+name]; reason != "" {
		return reason
	}
	return "it takes " + oneOf(append([]string{"required"}, append(fitting, "private")...))
}

func (p *parsedField) readLength(arg argument) {
	n, err := strconv.Atoi(strings.TrimSpace(arg.text))
	if err != nil || n < 1 || n > maxStringLength {
		p.fail(arg.column, "type", fmt.Sprintf("the length of a string is a whole number from 1 to %d, not %q", maxStringLength, arg.text),
			"for longer text use the type text")
		return
	}
	p.field.Type.Length = n
}

func (p *parsedField) readPrecision(arg argument) {
	precision, scale, found := strings.Cut(arg.text, ",")
	digits, err := strconv.Atoi(strings.TrimSpace(precision))
	places, err2 := strconv.Atoi(strings.TrimSpace(scale))
	if !found || err != nil || err2 != nil {
		p.fail(arg.column, "type", fmt.Sprintf("decimal takes its digits and how many of them follow the point, not %q", arg.text), "for example decimal(12,2)")
		return
	}
	if digits < 1 || digits > maxPrecision || places < 0 || places > digits {
		p.fail(arg.column, "type", fmt.Sprintf("decimal(%d,%d) cannot be stored", digits, places),
			fmt.Sprintf("use 1 to %d digits, and at most all of them after the point", maxPrecision))
		return
	}
	p.field.Type.Precision, p.field.Type.Scale = digits, places
}

var enumValue = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,62}$`)

func (p *parsedField) readValues(arg argument) {
	column := arg.column
	parts := strings.Split(arg.text, ",")
	seen := map[string]string{}
	for _, part := range parts {
		value := unquoted(strings.TrimSpace(part))
		at := column + utf8.RuneCountInString(part) - utf8.RuneCountInString(strings.TrimLeft(part, " "))
		folded := strings.ToLower(strings.ReplaceAll(value, "-", "_"))
		switch {
		case value == "":
			p.fail(column, "type", "an empty value in the enum", "list words separated by commas: enum(draft, active)")
		case !enumValue.MatchString(value):
			p.fail(at, "type", fmt.Sprintf("%q cannot be a value of an enum", value), "use a letter, then letters, digits, _ or -, at most 63")
		case seen[folded] == value:
			p.fail(at, "type", fmt.Sprintf("the value %q is listed twice", value), "keep one of them")
		case seen[folded] != "":
			p.fail(at, "type", fmt.Sprintf("the values %q and %q differ only in case or in - and _", seen[folded], value), "keep one of them")
		}
		seen[folded] = value
		p.field.Type.Values = append(p.field.Type.Values, value)
		column += utf8.RuneCountInString(part) + 1
	}
	if len(parts) > maxEnumValues {
		p.fail(arg.column, "type", fmt.Sprintf("an enum of %d values", len(parts)), fmt.Sprintf("use at most %d, or an entity of their own with a ref", maxEnumValues))
	}
}

// unquoted takes off quotes, which people write around values that YAML would
// read as something else, though within a field it never does.
func unquoted(text string) string {
	if len(text) > 2 && text[0] == '"' && text[len(text)-1] == '"' {
		return text[1 : len(text)-1]
	}
	return text
}

func (p *parsedField) readTarget(arg argument) {
	text := strings.TrimSpace(arg.text)
	service, entity, found := strings.Cut(text, ".")
	if !found {
		service, entity = "", text
	}
	p.field.Type.Service, p.field.Type.Entity = service, entity
	if entity == "" || (found && service == "") || strings.ContainsAny(text, " ,()/\\") || strings.Contains(entity, ".") {
		p.fail(arg.column, "type", fmt.Sprintf("%q names no entity", arg.text), "write ref(entity), or ref(service.entity) for one of another service")
	}
}
