package generate

import (
	"math"
	"strconv"
	"strings"

	"codex-design/model"
)

// What every text must be: PostgreSQL stores no NUL.
const patternText = `^[^\u0000]*$`

const (
	patternURL  = `^https?://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?([/?#][!-~]*)?$`
	maxText     = 65536
	maxURL      = 2048
	maxEmail    = 254
	exampleID   = "01890a5d-0000-7000-8000-000000000001" // of few digits: scanners take what looks random for a secret
	exampleTime = "2026-01-31T09:30:00Z"
	exampleDate = "2026-01-31"
)

func uuidSchema() yamlMap { return yamlMap{{"type", "string"}, {"format", "uuid"}} }
func timeSchema() yamlMap { return yamlMap{{"type", "string"}, {"format", "date-time"}} }

// The schema of each kind of field, without what its modifiers add.
var kindSchemas = map[model.Kind]func(model.FieldPlan) yamlMap{
	model.KindString: func(model.FieldPlan) yamlMap { return yamlMap{{"type", "string"}} },
	model.KindText:   func(model.FieldPlan) yamlMap { return yamlMap{{"type", "string"}} },
	model.KindInt:    func(model.FieldPlan) yamlMap { return yamlMap{{"type", "integer"}, {"format", "int32"}} },
	model.KindBigint: func(model.FieldPlan) yamlMap { return yamlMap{{"type", "integer"}, {"format", "int64"}} },
	model.KindDecimal: func(f model.FieldPlan) yamlMap {
		return yamlMap{{"type", "string"}, {"pattern", decimalPattern(f, true)}}
	},
	model.KindFloat:     func(model.FieldPlan) yamlMap { return yamlMap{{"type", "number"}, {"format", "double"}} },
	model.KindBool:      func(model.FieldPlan) yamlMap { return yamlMap{{"type", "boolean"}} },
	model.KindDate:      func(model.FieldPlan) yamlMap { return yamlMap{{"type", "string"}, {"format", "date"}} },
	model.KindTimestamp: func(model.FieldPlan) yamlMap { return timeSchema() },
	model.KindUUID:      func(model.FieldPlan) yamlMap { return uuidSchema() },
	model.KindRef:       func(model.FieldPlan) yamlMap { return uuidSchema() },
	model.KindJSON:      func(model.FieldPlan) yamlMap { return yamlMap{{"type", yamlFlow{"object", "array"}}} },
	model.KindEnum: func(f model.FieldPlan) yamlMap {
		return yamlMap{{"type", "string"}, {"enum", stringsFlow(f.Type.Values)}}
	},
	model.KindEmail: func(model.FieldPlan) yamlMap { return yamlMap{{"type", "string"}, {"format", "email"}} },
	model.KindURL:   func(model.FieldPlan) yamlMap { return yamlMap{{"type", "string"}} },
}

// responseFieldSchema is the field as it is returned. It holds no limits: those
// may be narrowed later, and rows stored before stay readable.
func responseFieldSchema(field model.FieldPlan) yamlMap {
	return orNull(kindSchemas[field.Type.Kind](field), field.Nullable)
}

// requestFieldSchema is the field as it is accepted, with every limit that a
// schema can state.
func requestFieldSchema(field model.FieldPlan, nullable bool) yamlMap {
	schema := orNull(kindSchemas[field.Type.Kind](field), nullable)
	switch field.Type.Kind {
	case model.KindString, model.KindText:
		return append(schema, textLimits(field)...)
	case model.KindEmail:
		return schema.with("maxLength", maxEmail)
	case model.KindURL:
		return schema.with("pattern", patternURL).with("maxLength", maxURL)
	case model.KindInt, model.KindBigint, model.KindFloat:
		return append(schema, numberLimits(field)...)
	case model.KindDecimal:
		return decimalLimits(field, nullable)
	case model.KindDate, model.KindTimestamp:
		return withRange(schema, field)
	default:
		return schema
	}
}

// filterSchema is the field's schema in a query parameter.
func filterSchema(filter model.FilterPlan) yamlMap {
	return requestFieldSchema(filter.Field, false)
}

// orNull also allows null; an enumeration has to list it.
func orNull(schema yamlMap, nullable bool) yamlMap {
	if !nullable {
		return schema
	}
	for i, item := range schema {
		switch item.Key {
		case "type":
			types, several := item.Value.(yamlFlow)
			if !several {
				types = yamlFlow{item.Value}
			}
			schema[i].Value = append(types, "null")
		case "enum":
			schema[i].Value = append(item.Value.(yamlFlow), nil)
		}
	}
	return schema
}

func textLimits(field model.FieldPlan) yamlMap {
	limits := yamlMap{}
	if field.Min != nil {
		limits = limits.with("minLength", wholeNumber(*field.Min))
	}
	limits = limits.with("maxLength", maxLength(field))
	pattern := field.Pattern
	if pattern == "" {
		pattern = patternText
	}
	return limits.with("pattern", pattern)
}

func maxLength(field model.FieldPlan) int64 {
	if field.Max != nil {
		return wholeNumber(*field.Max)
	}
	if field.Type.Kind == model.KindString {
		return int64(field.Type.Length)
	}
	return maxText
}

var wholeRange = map[model.Kind][2]int64{
	model.KindInt:    {math.MinInt32, math.MaxInt32},
	model.KindBigint: {math.MinInt64, math.MaxInt64},
}

func numberLimits(field model.FieldPlan) yamlMap {
	limits := yamlMap{}
	bounds, whole := wholeRange[field.Type.Kind]
	if value, ok := bound(field.Min, bounds[0], whole); ok {
		limits = limits.with("minimum", value)
	}
	if value, ok := bound(field.Max, bounds[1], whole); ok {
		limits = limits.with("maximum", value)
	}
	return limits
}

// bound is the given limit, or for whole numbers that of the column's type.
func bound(given *string, limit int64, whole bool) (any, bool) {
	switch {
	case given == nil:
		return limit, whole
	case whole:
		return wholeNumber(*given), true
	default:
		value, _ := strconv.ParseFloat(*given, 64) // checked with the answers
		return value, true
	}
}

// wholeNumber reads a number that was checked with the answers.
func wholeNumber(text string) int64 {
	value, _ := strconv.ParseInt(text, 10, 64)
	return value
}

// decimalPattern allows the digits that the column holds, before and after the point.
func decimalPattern(field model.FieldPlan, negative bool) string {
	before := field.Type.Precision - field.Type.Scale
	pattern := "0"
	if before > 0 {
		pattern = "(0|[1-9][0-9]{0," + strconv.Itoa(before-1) + "})"
	}
	if negative {
		pattern = "-?" + pattern
	}
	if field.Type.Scale > 0 {
		pattern += `(\.[0-9]{1,` + strconv.Itoa(field.Type.Scale) + "})?"
	}
	return "^" + pattern + "$"
}

func decimalLimits(field model.FieldPlan, nullable bool) yamlMap {
	negative := field.Min == nil || strings.HasPrefix(*field.Min, "-")
	schema := orNull(yamlMap{{"type", "string"}, {"pattern", decimalPattern(field, negative)}}, nullable)
	return withRange(schema, field)
}

// withRange says in words what JSON Schema cannot say about text: its least and greatest value.
func withRange(schema yamlMap, field model.FieldPlan) yamlMap {
	var limits []string
	if field.Min != nil {
		limits = append(limits, "at least "+*field.Min)
	}
	if field.Max != nil {
		limits = append(limits, "at most "+*field.Max)
	}
	if len(limits) == 0 {
		return schema
	}
	text := strings.Join(limits, ", ")
	return schema.with("description", strings.ToUpper(text[:1])+text[1:]+".")
}

// defaultValue is the default as JSON writes it.
func defaultValue(field model.FieldPlan) any {
	text := *field.Default
	switch field.Type.Kind {
	case model.KindInt, model.KindBigint:
		return wholeNumber(text)
	case model.KindFloat:
		value, _ := strconv.ParseFloat(text, 64) // checked with the answers
		return value
	case model.KindBool:
		return text == "true"
	default:
		return text
	}
}

func stringsFlow(values []string) yamlFlow {
	list := make(yamlFlow, len(values))
	for i, value := range values {
		list[i] = value
	}
	return list
}

// fieldExample is a value that the field accepts; ok is false when none was found,
// which only a pattern can cause.
func fieldExample(field model.FieldPlan) (value any, ok bool) {
	if field.Default != nil && field.Type.Kind != model.KindJSON {
		return defaultValue(field), true
	}
	switch field.Type.Kind {
	case model.KindString, model.KindText:
		return textExample(field)
	case model.KindInt, model.KindBigint, model.KindFloat:
		return numberExample(field), true
	case model.KindDecimal:
		return decimalExample(field), true
	case model.KindDate:
		return firstOf(field.Min, field.Max, exampleDate), true
	case model.KindTimestamp:
		return firstOf(field.Min, field.Max, exampleTime), true
	case model.KindEnum:
		return field.Type.Values[0], true
	default:
		return plainExamples[field.Type.Kind], true
	}
}

var plainExamples = map[model.Kind]any{
	model.KindBool:  true,
	model.KindUUID:  exampleID,
	model.KindRef:   exampleID,
	model.KindJSON:  yamlMap{},
	model.KindEmail: "ada@example.com",
	model.KindURL:   "https://example.com/",
}

func firstOf(low, high *string, otherwise string) string {
	if low != nil {
		return *low
	}
	if high != nil {
		return *high
	}
	return otherwise
}

// numberExample is the least allowed number, else the greatest, else one that any range has.
func numberExample(field model.FieldPlan) any {
	if field.Type.Kind == model.KindFloat {
		value, _ := strconv.ParseFloat(firstOf(field.Min, field.Max, "0.5"), 64) // checked with the answers
		return value
	}
	return wholeNumber(firstOf(field.Min, field.Max, "1"))
}

// decimalExample is such a number with as many places as the column has.
func decimalExample(field model.FieldPlan) string {
	text := "1"
	if field.Type.Precision == field.Type.Scale {
		text = "0"
	}
	if field.Type.Scale > 0 {
		text += "." + strings.Repeat("0", field.Type.Scale)
	}
	return firstOf(field.Min, field.Max, text)
}

// textExample is the field's title, cut or filled to its length; or a text that fits its pattern.
func textExample(field model.FieldPlan) (string, bool) {
	low, high := 0, int(maxLength(field))
	if field.Min != nil {
		low = int(wholeNumber(*field.Min))
	}
	if field.Pattern != "" {
		return patternExample(field.Pattern, low, high)
	}
	text := strings.ReplaceAll(field.Name, "_", " ")
	for len(text) < low {
		text += " " + field.Name
	}
	return strings.TrimRight(text[:min(len(text), max(low, min(high, 40)))], " "), true
}
