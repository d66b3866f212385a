package model

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// jsonSchema holds the keywords of JSON Schema 2020-12 that the answers need, in
// the order in which they are written.
type jsonSchema struct {
	Schema               string      `json:"$schema,omitempty"`
	Title                string      `json:"title,omitempty"`
	Description          string      `json:"description,omitempty"`
	Type                 any         `json:"type,omitempty"` // a name or a list of names
	Const                any         `json:"const,omitempty"`
	Enum                 []string    `json:"enum,omitempty"`
	Default              any         `json:"default,omitempty"`
	Pattern              string      `json:"pattern,omitempty"`
	MinLength            int         `json:"minLength,omitempty"`
	MaxLength            int         `json:"maxLength,omitempty"`
	Minimum              *float64    `json:"minimum,omitempty"`
	ExclusiveMinimum     *float64    `json:"exclusiveMinimum,omitempty"`
	Maximum              *float64    `json:"maximum,omitempty"`
	MinItems             int         `json:"minItems,omitempty"`
	MaxItems             int         `json:"maxItems,omitempty"`
	UniqueItems          bool        `json:"uniqueItems,omitempty"`
	Items                *jsonSchema `json:"items,omitempty"`
	MinProperties        int         `json:"minProperties,omitempty"`
	MaxProperties        int         `json:"maxProperties,omitempty"`
	Required             []string    `json:"required,omitempty"`
	PropertyNames        *jsonSchema `json:"propertyNames,omitempty"`
	Properties           properties  `json:"properties,omitempty"`
	AdditionalProperties any         `json:"additionalProperties,omitempty"` // false or a schema
	Not                  *jsonSchema `json:"not,omitempty"`
	Examples             []any       `json:"examples,omitempty"`
}

// properties keeps the order of the keys, which editors show.
type properties []property

type property struct {
	name   string
	schema *jsonSchema
}

func (p properties) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, each := range p {
		if i > 0 {
			b.WriteByte(',')
		}
		text, err := marshal(each.schema)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%q:%s", each.name, text)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// marshal writes JSON with <, > and & as they are.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return b.Bytes(), err
}

// JSONSchema is the JSON Schema (2020-12) of the answers file, for editors and
// validators. What one answer says about another, such as a reference to an
// entity that does not exist, is beyond a schema: Read finds it.
func JSONSchema() []byte {
	root := describe(reflect.TypeFor[Answers](), "")
	root.Schema = "https://json-schema.org/draft/2020-12/schema"
	root.Title = "codex-design answers"
	root.Description = "The design of a system, from which codex-design generates it."
	text, err := marshal(root)
	if err != nil {
		panic(err) // the schema holds nothing that JSON cannot
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, text, "", "  "); err != nil {
		panic(err)
	}
	return indented.Bytes()
}

// describe describes a part of the answers by its type and the row of its key.
func describe(t reflect.Type, path string) *jsonSchema {
	if t == reflect.TypeFor[Field]() {
		return fieldSchema()
	}
	if t.Kind() == reflect.Pointer {
		s := describe(t.Elem(), path)
		s.Type = []any{s.Type, "null"}
		return s
	}
	key := keyAt(path)
	if key == nil {
		key = &Key{Path: path}
	}
	s := &jsonSchema{Title: key.Title, Description: describeKey(key)}
	switch t.Kind() {
	case reflect.Struct:
		s.describeMapping(t, key)
	case reflect.Slice:
		s.describeList(t, key)
	case reflect.Bool:
		s.Type = "boolean"
	case reflect.String:
		s.Type, s.Enum = "string", key.values()
		s.describeForm(key)
	case reflect.Int:
		s.Type = "integer"
		s.describeRange(key)
	case reflect.Float64:
		s.Type = "number"
		s.describeRange(key)
	}
	return s
}

// describeKey is the help with the unit, and with what cannot be generated yet.
func describeKey(key *Key) string {
	text := key.Help
	if key.Unit != "" {
		text += " In " + key.Unit + "."
	}
	var later []string
	for _, choice := range Choices(key.Path) {
		if choice.Unavailable != "" {
			later = append(later, choice.Value)
		}
	}
	switch {
	case len(later) > 0:
		text += " Not generated yet: " + strings.Join(later, ", ") + "."
	case Unavailable(key.Path) != "":
		text += " Not generated yet."
	}
	return text
}

func (s *jsonSchema) describeMapping(t reflect.Type, key *Key) {
	s.Type, s.AdditionalProperties = "object", false
	if key.Path != "" && !strings.HasSuffix(key.Path, "[]") {
		s.Type = []string{"object", "null"}
	}
	for _, m := range members(t) {
		path := join(key.Path, m.name)
		s.Properties = append(s.Properties, property{m.name, describe(t.Field(m.index).Type, path)})
		if keyAt(path).Required {
			s.Required = append(s.Required, m.name)
		}
	}
}

func (s *jsonSchema) describeList(t reflect.Type, key *Key) {
	s.Type, s.MaxItems = "array", key.Limit
	if key.Required {
		s.MinItems = 1
	} else {
		s.Type = []string{"array", "null"}
	}
	if t.Elem().Kind() != reflect.String {
		s.Items = describe(t.Elem(), key.Path+"[]")
		return
	}
	s.UniqueItems = true
	s.Items = &jsonSchema{Type: "string", MinLength: 1}
	s.Items.describeForm(key)
}

// describeForm takes over the form of a text; one that may be left out may also be empty.
func (s *jsonSchema) describeForm(key *Key) {
	s.Pattern, s.MaxLength = key.Form.Pattern, key.Form.Length
	if s.Pattern != "" && !key.Required && s.MinLength == 0 {
		s.Pattern = "^$|" + s.Pattern
	}
}

func (s *jsonSchema) describeRange(key *Key) {
	switch {
	case key.Min == key.Max && key.Max != 0:
		s.Const = key.Min
	case key.Max != 0 && key.Above:
		s.ExclusiveMinimum, s.Maximum = &key.Min, &key.Max
	case key.Max != 0:
		s.Minimum, s.Maximum = &key.Min, &key.Max
	}
}

// fieldSchema describes `name: type modifiers` as well as patterns can.
func fieldSchema() *jsonSchema {
	implied := make([]string, 0, len(impliedFields))
	for name := range impliedFields {
		implied = append(implied, name)
	}
	slices.Sort(implied)
	var examples []any
	for _, text := range []string{"string(200) required", "decimal(12,2) required min(0)", "enum(draft, active) default(draft)", "ref(order) required"} {
		examples = append(examples, text)
	}
	return &jsonSchema{
		Title:         "Field",
		Description:   "One field, as `name: type modifiers`.",
		Type:          "object",
		MinProperties: 1,
		MaxProperties: 1,
		PropertyNames: &jsonSchema{Pattern: formSnake.Pattern, MaxLength: maxSnakeName, Not: &jsonSchema{Enum: implied}},
		AdditionalProperties: &jsonSchema{
			Title:       "Type and modifiers",
			Description: describeGrammar(),
			Type:        "string",
			Pattern:     grammarPattern(),
			Examples:    examples,
		},
	}
}

// describeGrammar lists the types and modifiers, one a line.
func describeGrammar() string {
	var b strings.Builder
	b.WriteString("Types:")
	for _, spec := range fieldKinds {
		fmt.Fprintf(&b, "\n%s: %s", spec.example, spec.detail)
	}
	b.WriteString("\nModifiers:")
	for _, m := range modifiers {
		name := m.name
		if m.example != "" {
			name = m.example
		}
		fmt.Fprintf(&b, "\n%s: %s", name, m.detail)
	}
	return b.String()
}

// grammarPattern allows each type with the modifiers that fit it.
func grammarPattern() string {
	kinds := make([]string, len(fieldKinds))
	for i, spec := range fieldKinds {
		kinds[i] = string(spec.kind) + spec.pattern
		var fitting []string
		for _, m := range modifiers {
			if refuseModifier(spec.kind, m.name) == "" {
				fitting = append(fitting, m.name+m.argumentPattern())
			}
		}
		kinds[i] += "( +(" + strings.Join(fitting, "|") + "))*"
	}
	return "^ *(" + strings.Join(kinds, "|") + ") *$"
}

func (m modifierSpec) argumentPattern() string {
	switch {
	case m.example == "":
		return ""
	case m.name == "was":
		return `\( *[a-z][a-z0-9_]* *\)`
	case m.name == "default" || m.name == "fill" || m.name == "pattern":
		return `\(.*\)`
	}
	return `\([^()]+\)`
}
