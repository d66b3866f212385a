package model

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"
)

const header = `# The design of this system, as codex-design reads it: edit it by hand or with the wizard.
# A field is written ` + "`name: type modifiers`" + `; codex-design schema prints what else can be said.
`

// value is a part of the answers as it stands in a file.
type value struct {
	text    string // of a scalar
	quoted  bool   // the scalar is a text, which is quoted where it would read as something else
	entries []keyed
	items   []*value
	kind    nodeKind
	short   bool // a list of texts, written [a, b]
	field   *Field
}

type keyed struct {
	key   string
	value *value
}

// valueOf is the file's view of a part of the answers: keys in order, and those
// that may be left out only where they say something.
func valueOf(v reflect.Value) *value {
	switch v.Kind() {
	case reflect.Pointer:
		return valueOf(v.Elem())
	case reflect.Struct:
		if f, ok := v.Interface().(Field); ok {
			return &value{kind: mappingNode, field: &f, entries: []keyed{{f.Name, &value{kind: scalarNode, text: f.Spec(), quoted: true}}}}
		}
		m := &value{kind: mappingNode}
		for _, member := range members(v.Type()) {
			if field := v.Field(member.index); !member.omitEmpty || !saysNothing(field) {
				m.entries = append(m.entries, keyed{member.name, valueOf(field)})
			}
		}
		return m
	case reflect.Slice:
		l := &value{kind: listNode, short: v.Type().Elem().Kind() == reflect.String}
		for i := range v.Len() {
			l.items = append(l.items, valueOf(v.Index(i)))
		}
		return l
	case reflect.String:
		return &value{kind: scalarNode, text: v.String(), quoted: true}
	case reflect.Float64:
		return &value{kind: scalarNode, text: strconv.FormatFloat(v.Float(), 'f', -1, 64)}
	}
	return &value{kind: scalarNode, text: fmt.Sprint(v.Interface())}
}

// saysNothing reports whether a value is what its absence means.
func saysNothing(v reflect.Value) bool {
	return v.IsZero() || v.Kind() == reflect.Slice && v.Len() == 0
}

// Format writes answers as a fresh file, in canonical form. Read gives them back.
func Format(a Answers) []byte {
	var b strings.Builder
	b.WriteString(header)
	for _, e := range valueOf(reflect.ValueOf(a)).entries {
		if e.value.kind == listNode || e.value.kind == mappingNode {
			b.WriteString("\n")
		}
		b.WriteString(e.block(0))
	}
	return []byte(b.String())
}

const flowWidth = 100 // a list that would be longer is written one item a line

// block writes a key with its value on lines of their own, indented.
func (e keyed) block(indent int) string {
	key := strings.Repeat(" ", indent) + plainOrQuoted(e.key, false) + ":"
	v := e.value
	switch {
	case v.isEmpty():
		return key + " " + v.flow() + "\n"
	case v.kind == scalarNode:
		return key + " " + v.flow() + "\n"
	case v.kind == listNode && v.short:
		if line := key + " " + v.flow() + "\n"; len(line) <= flowWidth {
			return line
		}
	}
	return key + "\n" + v.lines(indent+2)
}

func (v *value) isEmpty() bool { return len(v.entries)+len(v.items) == 0 && v.kind != scalarNode }

// lines writes a mapping's keys or a list's items, each on lines of its own.
func (v *value) lines(indent int) string {
	var b strings.Builder
	for _, e := range v.entries {
		b.WriteString(e.block(indent))
	}
	for _, it := range v.items {
		b.WriteString(it.listItem(indent))
	}
	return b.String()
}

// listItem writes `- ` and the value, with the dash at indent.
func (v *value) listItem(indent int) string {
	dash := strings.Repeat(" ", indent) + "- "
	if v.kind == scalarNode || v.isEmpty() {
		return dash + v.flow() + "\n"
	}
	return dash + v.lines(indent + 2)[indent+2:]
}

// flow writes the value in one line: text, [a, b] or {a: b}.
func (v *value) flow() string {
	parts := make([]string, 0, len(v.entries)+len(v.items))
	for _, e := range v.entries {
		parts = append(parts, plainOrQuoted(e.key, true)+": "+e.value.inline(true))
	}
	for _, it := range v.items {
		parts = append(parts, it.inline(true))
	}
	switch v.kind {
	case mappingNode:
		return "{" + strings.Join(parts, ", ") + "}"
	case listNode:
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return v.scalar(false)
}

// inline is flow, for a place within [] or {} or outside of them.
func (v *value) inline(inFlow bool) string {
	if v.kind == scalarNode {
		return v.scalar(inFlow)
	}
	return v.flow()
}

func (v *value) scalar(inFlow bool) string {
	if v.quoted {
		return plainOrQuoted(v.text, inFlow)
	}
	return v.text
}

// plainOrQuoted writes a text so that it reads back as that text.
func plainOrQuoted(text string, inFlow bool) string {
	if inFlow && strings.ContainsAny(text, ",[]{}") {
		return doubleQuoted(text)
	}
	tokens := lexer.Tokenize("k: " + text + "\n")
	if len(tokens) == 3 && tokens[2].Type == token.StringType && tokens[2].Value == text && !strings.ContainsAny(text, "\n\t") &&
		!strings.ContainsAny(text[:1], "-?:,[]{}#&*!|>'\"%@`") {
		return text
	}
	return doubleQuoted(text)
}

// doubleQuoted writes a text in double quotes. Go's escapes are also YAML's.
func doubleQuoted(text string) string { return strconv.Quote(text) }
