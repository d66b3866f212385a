package model

import (
	"cmp"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Document is an answers file that was read: the answers, and the text around
// them that Save keeps.
type Document struct {
	Answers Answers
	source  *source
	root    *node
	places  map[string]int // byte of each path that is written
	clean   bool           // it was read without a problem
}

// Position is the line and column, from 1, at which an answer is written, or the
// nearest one above it that is: the services if there is no services[3].cache.
func (d *Document) Position(path string) (line, column int) {
	return d.source.position(place(d.places, path))
}

// place is the byte of a path, or of the nearest path above it that is written.
func place(places map[string]int, path string) int {
	for ; path != ""; path = parentPath(path) {
		if at, written := places[path]; written {
			return at
		}
	}
	return places[""]
}

// Read reads an answers file. It reports all problems at once, in the order of
// the file. The document is nil if the text is not even YAML; otherwise it holds
// whatever could be understood, and is only to be used if there is no problem.
func Read(data []byte) (*Document, []Problem) {
	s, problems := decodeText(data)
	if len(problems) > 0 {
		return nil, problems
	}
	root, problems := parseTree(s)
	if len(problems) > 0 {
		return nil, problems
	}
	r := &reader{source: s, places: map[string]int{}, answers: Defaults()}
	r.answers.Name, r.answers.Services = "", nil
	r.decode(root, reflect.ValueOf(&r.answers).Elem(), "")
	if root.kind == mappingNode {
		r.addSemantic(Check(r.answers))
	}
	sortProblems(r.problems)
	return &Document{Answers: r.answers, source: s, root: root, places: r.places, clean: len(r.problems) == 0}, r.problems
}

// reader fills the answers from the tree by the shape of their types, and
// remembers where each one stands.
type reader struct {
	*source
	answers  Answers
	places   map[string]int // byte of each path that is written
	problems []Problem
	failed   []string // paths with a problem of their shape
}

func (r *reader) fail(offset int, path, message, hint string) {
	r.problems = append(r.problems, r.problemAt(offset, path, message, hint))
	r.failed = append(r.failed, path)
}

// addSemantic places the problems of Check, but for those about parts that could
// not even be read.
func (r *reader) addSemantic(problems []Problem) {
	failed := map[string]bool{}
	for _, path := range r.failed {
		failed[path] = true
	}
	for _, p := range problems {
		if within(p.Path, failed) {
			continue
		}
		r.problems = append(r.problems, r.problemAt(place(r.places, p.Path), p.Path, p.Message, p.Hint))
	}
}

// within reports whether the path or one above it, short of the root, is in the set.
func within(path string, set map[string]bool) bool {
	for ; path != ""; path = parentPath(path) {
		if set[path] {
			return true
		}
	}
	return false
}

// parentPath drops the last key or index of a path.
func parentPath(path string) string {
	if strings.HasSuffix(path, "]") {
		return path[:strings.LastIndexByte(path, '[')]
	}
	return path[:max(strings.LastIndexByte(path, '.'), 0)]
}

func (r *reader) decode(n *node, v reflect.Value, path string) {
	r.places[path] = n.start
	switch {
	case v.Type() == reflect.TypeFor[Field]():
		r.field(n, v.Addr().Interface().(*Field), path)
	case v.Kind() == reflect.Pointer && n.kind == nullNode:
		return // a key without a value says nothing
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		r.decode(n, v.Elem(), path)
	case v.Kind() == reflect.Struct:
		r.mapping(n, v, path)
	case v.Kind() == reflect.Slice:
		r.list(n, v, path)
	default:
		r.scalarValue(n, v, path)
	}
}

func (r *reader) mapping(n *node, v reflect.Value, path string) {
	if n.kind == nullNode && path != "" && !strings.HasSuffix(path, "]") {
		return // a heading whose keys are all commented out
	}
	if n.kind != mappingNode {
		r.fail(n.start, path, fmt.Sprintf("%s must be keys with values, not %s", calledBy(path), n.describe()),
			"the keys are "+strings.Join(memberNames(v.Type()), ", "))
		return
	}
	fields := members(v.Type())
	seen := map[string]int{}
	for _, e := range n.entries {
		at := join(path, e.key)
		i := slices.IndexFunc(fields, func(m member) bool { return m.name == e.key })
		switch {
		case i < 0:
			r.fail(e.at, at, fmt.Sprintf("unknown key %q", e.key), unknownKeyHint(e.key, path, memberNames(v.Type())))
		case seen[e.key] > 0:
			line, _ := r.position(seen[e.key] - 1)
			r.fail(e.at, at, fmt.Sprintf("%s is given twice", e.key), fmt.Sprintf("the first is in line %d; keep one of them", line))
		default:
			seen[e.key] = e.at + 1
			r.decode(e.value, v.Field(fields[i].index), at)
		}
	}
	for _, m := range fields {
		key := keyAt(join(path, m.name))
		if key != nil && key.Required && seen[m.name] == 0 {
			r.fail(n.start, join(path, m.name), fmt.Sprintf("%s is missing in %s", m.name, calledBy(path)), "add "+example(key))
		}
	}
}

// unknownKeyHint suggests a key of the same mapping, or says where the key belongs.
func unknownKeyHint(key, path string, known []string) string {
	if best := nearest(key, known); best != "" {
		return didYouMean(key, known)
	}
	for _, k := range keys {
		if name := k.Path[strings.LastIndexByte(k.Path, '.')+1:]; name == key {
			return "it belongs to " + calledBy(parentPath(k.Path))
		}
	}
	return "the keys of " + calledBy(path) + " are " + strings.Join(known, ", ")
}

// calledBy is how a message names a path.
func calledBy(path string) string {
	switch pattern := anyIndex(path); {
	case path == "":
		return "the file"
	case pattern == "services[]":
		return "a service"
	case pattern == "services[].entities[]":
		return "an entity"
	case strings.HasSuffix(pattern, "[]"):
		return "an item of " + calledBy(strings.TrimSuffix(pattern, "[]"))
	default:
		return pattern[strings.LastIndexByte(pattern, '.')+1:]
	}
}

// example shows how a required key is written.
func example(key *Key) string {
	switch key.Path {
	case "version":
		return "`version: 1`"
	case "services", "services[].entities":
		return "`" + calledBy(key.Path) + ":` with a list of `- name: …`"
	case "services[].entities[].fields":
		return "`fields:` with a list such as `- title: string(200) required`"
	}
	return "`" + calledBy(key.Path) + ": …`"
}

// describe says what a node is, for messages.
func (n *node) describe() string {
	switch {
	case n.kind == nullNode:
		return "nothing"
	case n.kind == mappingNode:
		return "keys with values"
	case n.kind == listNode:
		return "a list"
	case n.scalar == boolScalar:
		return n.text
	case n.scalar == textScalar:
		return fmt.Sprintf("the text %q", clip(n.text))
	}
	return "the number " + clip(n.text)
}

// clip shortens a text for a message.
func clip(text string) string {
	if runes := []rune(text); len(runes) > 60 {
		return string(runes[:60]) + "…"
	}
	return text
}

func (r *reader) list(n *node, v reflect.Value, path string) {
	if n.kind == nullNode && !keyAt(path).Required {
		return
	}
	if n.kind != listNode {
		r.fail(n.start, path, fmt.Sprintf("%s must be a list, not %s", calledBy(path), n.describe()), "write each item on a line of its own after `- `")
		return
	}
	if limit := keyAt(path).Limit; limit > 0 && len(n.items) > limit {
		r.fail(n.start, path, fmt.Sprintf("%s lists %d, and at most %d can be generated", calledBy(path), len(n.items), limit), "split the design")
		return
	}
	items := reflect.MakeSlice(v.Type(), len(n.items), len(n.items))
	for i, it := range n.items {
		r.decode(it.value, items.Index(i), fmt.Sprintf("%s[%d]", path, i))
	}
	if len(n.items) > 0 {
		v.Set(items)
	}
}

func (r *reader) scalarValue(n *node, v reflect.Value, path string) {
	wanted, hint := "", ""
	switch v.Kind() {
	case reflect.String:
		wanted, hint = readText(n, v)
	case reflect.Bool:
		wanted = readBool(n, v)
	case reflect.Int:
		wanted = readInt(n, v)
	case reflect.Float64:
		wanted = readFloat(n, v)
	}
	if wanted == "" {
		return
	}
	if key := keyAt(path); key != nil && key.Choices != nil {
		hint = "use " + oneOf(key.values())
	}
	r.fail(n.start, path, fmt.Sprintf("%s must be %s, not %s", calledBy(path), wanted, n.describe()), hint)
}

func readText(n *node, v reflect.Value) (wanted, hint string) {
	if n.kind != scalarNode {
		return "a text", ""
	}
	if n.scalar != textScalar {
		return "a text", fmt.Sprintf("put it in quotes: %q", n.text)
	}
	v.SetString(n.text)
	return "", ""
}

func readBool(n *node, v reflect.Value) (wanted string) {
	if n.kind != scalarNode || n.scalar != boolScalar {
		return "true or false"
	}
	v.SetBool(strings.EqualFold(n.text, "true"))
	return ""
}

func readInt(n *node, v reflect.Value) (wanted string) {
	value, err := strconv.Atoi(n.text)
	if n.kind != scalarNode || n.scalar != intScalar || err != nil {
		return "a whole number"
	}
	v.SetInt(int64(value))
	return ""
}

func readFloat(n *node, v reflect.Value) (wanted string) {
	value, err := strconv.ParseFloat(n.text, 64)
	if n.kind != scalarNode || n.scalar != intScalar && n.scalar != floatScalar || err != nil || math.IsInf(value, 0) || math.IsNaN(value) {
		return "a number"
	}
	v.SetFloat(value)
	return ""
}

// field reads one `- name: type modifiers` item.
func (r *reader) field(n *node, f *Field, path string) {
	if n.kind != mappingNode {
		r.fail(n.start, path, fmt.Sprintf("a field is written `name: type`, not as %s", n.describe()), "for example `- title: string(200) required`")
		return
	}
	if len(n.entries) == 0 {
		r.fail(n.start, path, "an empty field", "for example `- title: string(200) required`")
		return
	}
	e := n.entries[0]
	f.Name = e.key
	r.places[path+".name"] = e.at
	if len(n.entries) > 1 {
		r.fail(n.entries[1].at, path, fmt.Sprintf("a second key %q in the field %s", n.entries[1].key, e.key), "begin each field with a `- ` of its own, and write its modifiers after the type")
		return
	}
	if !e.plain {
		r.fail(e.at, path+".name", fmt.Sprintf("%s is not a text in YAML, so it cannot name a field", e.key), "choose another name")
	}
	if e.value.kind != scalarNode {
		hint := "use one of " + oneOf(kindNames())
		if e.value.kind != nullNode {
			hint = "write the type and its modifiers in one line: `" + e.key + ": string(200) required`"
		}
		r.fail(e.value.start, path+".type", fmt.Sprintf("the type of the field %s is missing", e.key), hint)
		return
	}
	r.spec(e.value, f, path)
}

// spec reads the text after the colon of a field and places its parts.
func (r *reader) spec(n *node, f *Field, path string) {
	parsed := parseSpec(n.text)
	name := f.Name
	*f = parsed.field
	f.Name = name
	for part, column := range parsed.columns {
		r.places[path+"."+part] = r.inside(n, column)
	}
	slices.SortStableFunc(parsed.errs, func(a, b FieldError) int { return cmp.Compare(a.Column, b.Column) })
	for _, e := range parsed.errs {
		r.fail(r.inside(n, e.Column), path+"."+e.Part, e.Message, e.Hint)
	}
}

// inside is the byte of the file at which a character (from 1) of a scalar
// stands. Where the text is written with escapes or over several lines, that is
// found by following both; a block text stands for itself at its beginning.
func (r *reader) inside(n *node, column int) int {
	raw := r.text[n.start:n.end]
	at := 0
	if raw != "" && (raw[0] == '"' || raw[0] == '\'') {
		at = 1
	}
	for _, c := range []rune(n.text)[:min(column-1, len([]rune(n.text)))] {
		if at >= len(raw) {
			return n.start
		}
		at += writtenLength(raw, at, c)
	}
	return n.start + min(at, len(raw))
}

// writtenLength is the number of bytes that stand for the character c in a scalar.
func writtenLength(raw string, at int, c rune) int {
	rest := raw[at:]
	switch {
	case raw[0] == '\'' && strings.HasPrefix(rest, "''"):
		return 2
	case raw[0] == '"' && rest[0] == '\\':
		return 1 + len(escapedBy(rest[1:]))
	case c == ' ' && rest[0] == '\n':
		return len(rest) - len(strings.TrimLeft(rest, " \n"))
	}
	return len(string(c))
}

// escapedBy is what follows the \ of an escape.
func escapedBy(rest string) string {
	digits := map[byte]int{'x': 3, 'u': 5, 'U': 9}
	if rest == "" {
		return ""
	}
	return rest[:min(max(digits[rest[0]], 1), len(rest))]
}
