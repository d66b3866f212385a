package model

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

const (
	maxFileBytes = 1 << 20
	maxDepth     = 32   // of nested lists and mappings; the answers need 8
	maxSiblings  = 2000 // keys of one mapping; the answers need 13
)

// source is the text of an answers file, with LF line ends and no byte order mark.
type source struct {
	text  string
	lines []int // offset of each line's first byte
	runes []int // number of characters before each byte
}

func newSource(text string) *source {
	s := &source{text: text, lines: []int{0}, runes: make([]int, len(text)+1)}
	for i := range len(text) {
		s.runes[i+1] = s.runes[i]
		if utf8.RuneStart(text[i]) {
			s.runes[i+1]++
		}
		if text[i] == '\n' {
			s.lines = append(s.lines, i+1)
		}
	}
	return s
}

// line is the text of a line, counted from 1, without its end.
func (s *source) line(number int) string {
	if number < 1 || number > len(s.lines) {
		return ""
	}
	text := s.text[s.lines[number-1]:]
	if end := strings.IndexByte(text, '\n'); end >= 0 {
		text = text[:end]
	}
	return text
}

// offset is the byte at a line and column, both from 1, the column in characters.
func (s *source) offset(line, column int) int {
	if line < 1 || line > len(s.lines) {
		return len(s.text)
	}
	start, end := s.lines[line-1], len(s.text)
	if line < len(s.lines) {
		end = s.lines[line] - 1
	}
	before := s.runes[start] + max(column, 1) - 1
	return start + sort.Search(end-start, func(i int) bool { return s.runes[start+i+1] > before })
}

// position is the inverse of offset.
func (s *source) position(offset int) (line, column int) {
	line = sort.SearchInts(s.lines, offset+1)
	return line, s.runes[offset] - s.runes[s.lines[line-1]] + 1
}

// problemAt is a problem at a byte of the text.
func (s *source) problemAt(offset int, path, message, hint string) Problem {
	line, column := s.position(offset)
	return Problem{Path: path, Line: line, Column: column, Source: s.line(line), Message: message, Hint: hint}
}

// decodeText refuses what is no text that a person wrote, and takes off the byte
// order mark and CRLF line ends.
func decodeText(data []byte) (*source, []Problem) {
	refuse := func(message, hint string) (*source, []Problem) {
		return nil, []Problem{{Message: message, Hint: hint}}
	}
	if len(data) > maxFileBytes {
		return refuse(fmt.Sprintf("the file is %s; an answers file is at most 1 MiB", size(len(data))), "is this the right file?")
	}
	for mark, name := range map[string]string{"\xff\xfe": "UTF-16", "\xfe\xff": "UTF-16"} {
		if bytes.HasPrefix(data, []byte(mark)) {
			return refuse("the file is encoded in "+name, "save it as UTF-8")
		}
	}
	text := strings.ReplaceAll(strings.TrimPrefix(string(data), "\ufeff"), "\r\n", "\n")
	s := newSource(text)
	if at := strings.IndexFunc(text, isControl); at >= 0 {
		line, column := s.position(at)
		if strings.ContainsRune(text, 0) {
			return refuse("the file is binary, not text", "is this the right file?")
		}
		return nil, []Problem{{Line: line, Column: column, Source: s.line(line),
			Message: fmt.Sprintf("the control character %q", []rune(text[at:])[0]), Hint: "delete it"}}
	}
	if !utf8.ValidString(text) {
		at := invalidUTF8(text)
		line := strings.Count(text[:at], "\n") + 1
		return nil, []Problem{{Line: line, Column: utf8.RuneCountInString(text[s.lines[line-1]:at]) + 1,
			Source: strings.ToValidUTF8(s.line(line), "�"), Message: "the file is not encoded in UTF-8", Hint: "save it as UTF-8"}}
	}
	if strings.TrimSpace(text) == "" {
		return refuse("the file is empty", "start from an example: codex-design --example shop")
	}
	return s, nil
}

func isControl(r rune) bool {
	return r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0
}

func invalidUTF8(text string) int {
	for i, r := range text {
		if r == utf8.RuneError && !strings.HasPrefix(text[i:], "�") {
			return i
		}
	}
	return len(text)
}

func size(bytes int) string {
	return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
}

// parseTree reads the text as one YAML document. Anchors, aliases and tags are
// refused: nothing in an answers file needs them, and they are how a small file
// becomes a huge one.
func parseTree(s *source) (*node, []Problem) {
	if at := conflictMarker.FindStringIndex(s.text); at != nil {
		return nil, []Problem{s.problemAt(at[0], "", "a merge conflict is left in the file", "decide for one side, and delete the markers")}
	}
	tokens := lexer.Tokenize(s.text)
	if problems := refuseTokens(s, tokens); len(problems) > 0 {
		return nil, problems
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, []Problem{syntaxProblem(s, err)}
	}
	var bodies []ast.Node
	for _, doc := range file.Docs {
		if doc.Body != nil {
			bodies = append(bodies, doc.Body)
		}
	}
	if len(bodies) == 0 {
		return nil, []Problem{{Message: "the file holds only comments", Hint: "start from an example: codex-design --example shop"}}
	}
	b := newTreeBuilder(s, tokens)
	if len(bodies) > 1 {
		second := b.build(bodies[1])
		return nil, []Problem{s.problemAt(second.start, "", "a second document in the file", "keep one design in each file")}
	}
	return b.build(bodies[0]), nil
}

var conflictMarker = regexp.MustCompile(`(?m)^(<<<<<<<|>>>>>>>) `)

func syntaxProblem(s *source, err error) Problem {
	var positioned yaml.Error
	if !errors.As(err, &positioned) || positioned.GetToken() == nil {
		return Problem{Message: "the file is not valid YAML: " + err.Error()}
	}
	at := positioned.GetToken().Position
	offset := s.offset(at.Line, max(at.Column, 1))
	return s.problemAt(offset, "", "not valid YAML: "+positioned.GetMessage(), syntaxHint(s.line(at.Line), positioned.GetMessage()))
}

// syntaxHint guesses from the line and the parser's words what to mend.
func syntaxHint(line, message string) string {
	switch {
	case strings.HasPrefix(strings.TrimLeft(line, " "), "\t"):
		return "indent with spaces, not tabs"
	case strings.Count(line, ": ") > 1:
		return "put a text that holds a colon and a space in quotes"
	case strings.Contains(message, "must be specified"), strings.Contains(message, "end token"):
		return "a [ or { is not closed in this line or above it"
	case strings.Contains(message, "could not find end character"):
		return "close the quote"
	}
	return "compare the indentation of this line with that of its neighbours"
}

var refusedTokens = map[token.Type]string{
	token.AnchorType:     "an anchor",
	token.AliasType:      "an alias",
	token.TagType:        "a tag",
	token.MergeKeyType:   "a merge key",
	token.MappingKeyType: "a complex key",
	token.DirectiveType:  "a directive",
}

// refuseTokens finds what would be costly or pointless to parse.
func refuseTokens(s *source, tokens token.Tokens) []Problem {
	var problems []Problem
	depth := nesting{}
	for _, t := range tokens {
		message, hint := "", "is this the right file?"
		if what, refused := refusedTokens[t.Type]; refused {
			message, hint = what+" has no place in an answers file", "write the value out, or put it in quotes"
		}
		limit := depth.add(t)
		if limit != "" {
			message, hint = limit, "is this the right file?"
		}
		if message != "" {
			problems = append(problems, s.problemAt(s.offset(t.Position.Line, t.Position.Column), "", message, hint))
		}
		if limit != "" {
			break
		}
	}
	return problems
}

// nesting follows how deep and how wide the tokens nest, without parsing them.
type nesting struct {
	columns []int // of the open block lists and mappings
	counts  []int // of the keys of each
	flow    []int // of the keys of each open [ or {
}

func (n *nesting) add(t *token.Token) string {
	widest := 0
	switch t.Type {
	case token.MappingStartType, token.SequenceStartType:
		n.flow = append(n.flow, 0)
	case token.MappingEndType, token.SequenceEndType:
		n.flow = n.flow[:max(len(n.flow)-1, 0)]
	case token.SequenceEntryType, token.MappingValueType:
		if last := len(n.flow) - 1; last >= 0 {
			n.flow[last]++
			widest = n.flow[last]
		} else {
			widest = n.block(t)
		}
	}
	switch {
	case len(n.flow)+len(n.columns) > maxDepth:
		return "lists and mappings are nested too deeply"
	case widest > maxSiblings:
		return fmt.Sprintf("more than %d keys in one mapping", maxSiblings)
	}
	return ""
}

// block opens, continues or returns to the block that a `-` or `key:` belongs
// to, and counts the keys of it.
func (n *nesting) block(t *token.Token) int {
	column := t.Position.Column
	if t.Type == token.MappingValueType && t.Prev != nil {
		column = t.Prev.Position.Column
	}
	open := len(n.columns)
	for open > 0 && n.columns[open-1] > column {
		open--
	}
	n.columns, n.counts = n.columns[:open], n.counts[:open]
	if open == 0 || n.columns[open-1] < column {
		n.columns, n.counts = append(n.columns, column), append(n.counts, 0)
	}
	last := len(n.counts) - 1
	if t.Type == token.MappingValueType {
		n.counts[last]++
	}
	return n.counts[last]
}

// nodeKind is what a node of the tree is.
type nodeKind int

const (
	nullNode nodeKind = iota
	scalarNode
	listNode
	mappingNode
)

// scalarKind is what a scalar reads as.
type scalarKind int

const (
	textScalar scalarKind = iota
	intScalar
	floatScalar
	boolScalar
)

// node is a value of the file with the place where it is written.
type node struct {
	kind       nodeKind
	scalar     scalarKind
	text       string // of a scalar, decoded
	flow       bool   // of a list or mapping: [a, b] or {a: b}
	start, end int    // bytes of the value, without comments around it
	entries    []entry
	items      []item
}

// entry is one key of a mapping.
type entry struct {
	key   string
	at    int  // byte at which the key begins
	keyTo int  // byte after the key
	plain bool // the key reads as text
	value *node
}

// item is one value of a list.
type item struct {
	at    int // byte of its dash, or of the value in a flow list
	value *node
}

// treeBuilder turns the parser's tree into nodes. The ends of values come from
// the tokens, because the parser keeps none.
type treeBuilder struct {
	*source
	tokens []int // offset of each token, in order
	types  []token.Type
}

func newTreeBuilder(s *source, tokens token.Tokens) *treeBuilder {
	b := &treeBuilder{source: s}
	for i, t := range tokens {
		if i > 0 && isBlockHeader(tokens[i-1].Type) {
			continue // the body of | or >, which belongs to its header
		}
		b.tokens = append(b.tokens, s.offset(t.Position.Line, t.Position.Column))
		b.types = append(b.types, t.Type)
	}
	return b
}

func isBlockHeader(t token.Type) bool {
	return t == token.LiteralType || t == token.FoldedType
}

func (b *treeBuilder) build(n ast.Node) *node {
	switch n := n.(type) {
	case *ast.MappingNode:
		return b.mapping(n.Values, n.IsFlowStyle, n.Start, n.End)
	case *ast.MappingValueNode:
		return b.mapping([]*ast.MappingValueNode{n}, false, nil, nil)
	case *ast.SequenceNode:
		return b.list(n)
	}
	return b.scalar(n)
}

func (b *treeBuilder) mapping(values []*ast.MappingValueNode, flow bool, start, end *token.Token) *node {
	m := &node{kind: mappingNode, flow: flow}
	for _, v := range values {
		key := b.scalar(v.Key)
		colon := b.at(v.Start)
		value := b.build(v.Value)
		if value.kind == nullNode && value.start == value.end {
			value.start, value.end = colon+1, colon+1
		}
		m.entries = append(m.entries, entry{key: strings.TrimSpace(b.text[key.start:key.end]), at: key.start, keyTo: key.end,
			plain: key.kind == scalarNode && key.scalar == textScalar, value: value})
		if key.kind == scalarNode && key.scalar == textScalar {
			m.entries[len(m.entries)-1].key = key.text
		}
	}
	if flow {
		m.start, m.end = b.at(start), b.at(end)+1
	} else if len(m.entries) > 0 {
		m.start, m.end = m.entries[0].at, m.entries[len(m.entries)-1].value.end
	}
	return m
}

func (b *treeBuilder) list(n *ast.SequenceNode) *node {
	l := &node{kind: listNode, flow: n.IsFlowStyle}
	for i, v := range n.Values {
		value := b.build(v)
		it := item{at: value.start, value: value}
		if !n.IsFlowStyle && i < len(n.Entries) {
			it.at = b.at(n.Entries[i].Start)
			if value.kind == nullNode && value.start == value.end {
				value.start, value.end = it.at+1, it.at+1
			}
		}
		l.items = append(l.items, it)
	}
	if n.IsFlowStyle {
		l.start, l.end = b.at(n.Start), b.at(n.End)+1
	} else if len(l.items) > 0 {
		l.start, l.end = l.items[0].at, l.items[len(l.items)-1].value.end
	}
	return l
}

func (b *treeBuilder) scalar(n ast.Node) *node {
	t := n.GetToken()
	s := &node{kind: scalarNode, text: t.Value, start: b.at(t)}
	switch n := n.(type) {
	case *ast.NullNode:
		s.kind = nullNode
		if !strings.EqualFold(t.Value, "null") && t.Value != "~" || !strings.HasPrefix(b.text[s.start:], t.Value) {
			s.end = s.start
			return s
		}
	case *ast.IntegerNode:
		s.scalar = intScalar
	case *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		s.scalar = floatScalar
	case *ast.BoolNode:
		s.scalar = boolScalar
	case *ast.LiteralNode:
		s.text = n.Value.Value
	}
	s.end = b.endOf(s.start)
	return s
}

func (b *treeBuilder) at(t *token.Token) int {
	return b.offset(t.Position.Line, t.Position.Column)
}

// endOf is the byte after the scalar that begins at start.
func (b *treeBuilder) endOf(start int) int {
	next, _ := slices.BinarySearch(b.tokens, start+1)
	end := len(b.text)
	if next < len(b.tokens) {
		end = b.tokens[next]
	}
	return start + len(strings.TrimRight(b.text[start:end], " \t\n"))
}
