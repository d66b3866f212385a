package model

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// FieldError is one mistake in a line of the field grammar.
type FieldError struct {
	Column  int    // 1-based, in characters of the text that was parsed
	Part    string // what it is about: "name", "type" or the modifier's name
	Message string
	Hint    string
}

// FieldErrors is every mistake in one line; it is the error of ParseField.
type FieldErrors []FieldError

func (errs FieldErrors) Error() string {
	texts := make([]string, len(errs))
	for i, e := range errs {
		texts[i] = fmt.Sprintf("column %d: %s", e.Column, e.Message)
		if e.Hint != "" {
			texts[i] += " (" + e.Hint + ")"
		}
	}
	return strings.Join(texts, "; ")
}

// ParseField reads `name: type modifier …`. The error, if any, is a FieldErrors
// with all the mistakes; the field then holds what could be understood.
func ParseField(text string) (Field, error) {
	name, spec, found := strings.Cut(text, ":")
	if !found {
		return Field{}, FieldErrors{{Column: 1, Part: "name", Message: "a field is written `name: type`",
			Hint: "for example `title: string(200) required`"}}
	}
	parsed := parseSpec(spec)
	parsed.field.Name = strings.TrimSpace(name)
	var errs FieldErrors
	if message, hint := checkFieldName(parsed.field.Name); message != "" {
		indent := len(name) - len(strings.TrimLeft(name, " "))
		errs = append(errs, FieldError{Column: indent + 1, Part: "name", Message: message, Hint: hint})
	}
	for _, e := range parsed.errs {
		e.Column += len([]rune(name)) + 1
		errs = append(errs, e)
	}
	if len(errs) > 0 {
		return parsed.field, errs
	}
	return parsed.field, nil
}

// ParseType reads a type alone: decimal(12,2), enum(a, b), ref(user.user). The
// error, if any, is a FieldErrors.
func ParseType(text string) (Type, error) {
	words, errs := scanWords(text)
	if len(words) > 1 {
		errs = append(errs, FieldError{Column: words[1].column, Part: "type",
			Message: fmt.Sprintf("a type stands alone, without %q", words[1].name)})
	}
	parsed := parsedField{errs: errs}
	parsed.readType(words)
	if len(parsed.errs) > 0 {
		return parsed.field.Type, parsed.errs
	}
	return parsed.field.Type, nil
}

// String is the canonical compact form, `name: type modifier …`.
func (f Field) String() string { return f.Name + ": " + f.Spec() }

// Spec is the canonical compact form without the name: `type modifier …`.
func (f Field) Spec() string {
	words := []string{f.Type.String()}
	for _, m := range modifiers {
		if arg, given := m.get(&f); given {
			words = append(words, m.format(arg))
		}
	}
	return strings.Join(words, " ")
}

// String is the canonical form of the type: decimal(12,2), enum(a, b).
func (t Type) String() string {
	switch t.Kind {
	case KindString:
		return fmt.Sprintf("string(%d)", t.Length)
	case KindDecimal:
		return fmt.Sprintf("decimal(%d,%d)", t.Precision, t.Scale)
	case KindEnum:
		return "enum(" + strings.Join(t.Values, ", ") + ")"
	case KindRef:
		if t.Service != "" {
			return "ref(" + t.Service + "." + t.Entity + ")"
		}
		return "ref(" + t.Entity + ")"
	}
	return string(t.Kind)
}

// parsedField is a field's text understood as far as possible.
type parsedField struct {
	field   Field
	columns map[string]int // of each part that was written, 1-based in the text
	errs    FieldErrors
}

func (p *parsedField) fail(column int, part, message, hint string) {
	p.errs = append(p.errs, FieldError{Column: column, Part: part, Message: message, Hint: hint})
}

// parseSpec reads what stands after the colon of a field.
func parseSpec(spec string) parsedField {
	words, errs := scanWords(spec)
	p := parsedField{columns: map[string]int{}, errs: errs}
	if len(words) == 0 {
		if len(errs) == 0 {
			p.fail(len([]rune(spec))+1, "type", "the type is missing", "use one of "+oneOf(kindNames()))
		}
		return p
	}
	typed := p.readType(words)
	for _, w := range words[1:] {
		p.readModifier(w, typed)
	}
	if len(p.errs) == 0 {
		p.checkFit()
	}
	slices.SortStableFunc(p.errs, func(a, b FieldError) int { return a.Column - b.Column })
	return p
}

// readType reports whether the kind is known, so that modifiers can be judged by it.
func (p *parsedField) readType(words []word) bool {
	if len(words) == 0 {
		return false
	}
	w := words[0]
	if p.columns == nil {
		p.columns = map[string]int{}
	}
	p.columns["type"] = w.column
	spec := kindOf(Kind(w.name))
	if spec == nil {
		message := fmt.Sprintf("%q is no field type", w.name)
		if findModifier(w.name) != nil {
			message = fmt.Sprintf("the type is missing before %q", w.name)
		}
		p.fail(w.column, "type", message, didYouMean(w.name, kindNames()))
		return false
	}
	p.field.Type.Kind = spec.kind
	if spec.argument == nil {
		if w.arg != nil {
			p.fail(w.arg.column, "type", fmt.Sprintf("%s takes nothing in parentheses", w.name), "write "+spec.example)
		}
		return true
	}
	if w.arg == nil {
		p.fail(w.column, "type", fmt.Sprintf("%s needs its argument", w.name), "for example "+spec.example)
		return true
	}
	spec.argument(p, *w.arg)
	return true
}

// readModifier takes one word after the type.
func (p *parsedField) readModifier(w word, typed bool) {
	m := findModifier(w.name)
	switch {
	case m == nil && kindOf(Kind(w.name)) != nil:
		p.fail(w.column, "type", fmt.Sprintf("a second type, %q", w.name), "a field has one type, and then its modifiers")
		return
	case m == nil:
		p.fail(w.column, "type", fmt.Sprintf("%q is no modifier", w.name), didYouMean(w.name, modifierNames()))
		return
	case p.columns[w.name] != 0:
		p.fail(w.column, w.name, fmt.Sprintf("%s is given twice", w.name), "keep one of them")
		return
	}
	p.columns[w.name] = w.column
	if typed {
		if reason := refuseModifier(p.field.Type.Kind, w.name); reason != "" {
			p.fail(w.column, w.name, fmt.Sprintf("%s cannot have %s", p.field.Type.Kind, w.name), reason)
			return
		}
	}
	switch {
	case m.example == "" && w.arg != nil:
		p.fail(w.arg.column, w.name, fmt.Sprintf("%s takes nothing in parentheses", w.name), "write "+w.name)
	case m.example != "" && w.arg == nil:
		p.fail(w.column, w.name, fmt.Sprintf("%s needs its argument", w.name), "for example "+m.example)
	case w.arg == nil:
		m.set(&p.field, "")
	case w.arg.text == "" && m.name != "default":
		p.fail(w.arg.column, w.name, fmt.Sprintf("%s needs its argument", w.name), "for example "+m.example)
	default:
		p.columns[w.name] = w.arg.column
		m.set(&p.field, w.arg.text)
	}
}

// word is one word of a field's text, with what stands in its parentheses.
type word struct {
	name   string
	column int
	arg    *argument
}

type argument struct {
	text   string // unquoted
	column int    // of its first character
}

// scanWords splits the text into words, each perhaps with an argument. It stops
// at a parenthesis that is never closed, because nothing after it can be judged.
func scanWords(text string) ([]word, FieldErrors) {
	s := scanner{text: []rune(text)}
	var words []word
	for s.skipSpace(); s.at < len(s.text) && !s.stopped; s.skipSpace() {
		if w, ok := s.word(); ok {
			words = append(words, w)
		}
	}
	return words, s.errs
}

type scanner struct {
	text    []rune
	at      int
	errs    FieldErrors
	stopped bool
}

func (s *scanner) skipSpace() {
	for s.at < len(s.text) && unicode.IsSpace(s.text[s.at]) {
		s.at++
	}
}

func (s *scanner) fail(at int, message, hint string) {
	s.errs = append(s.errs, FieldError{Column: at + 1, Part: "type", Message: message, Hint: hint})
}

func isWordRune(r rune) bool {
	return r == '_' || r == '-' || r == '.' || unicode.IsLetter(r) || unicode.IsDigit(r)
}

func (s *scanner) word() (word, bool) {
	start := s.at
	for s.at < len(s.text) && isWordRune(s.text[s.at]) {
		s.at++
	}
	if s.at == start {
		return word{}, s.stray()
	}
	w := word{name: string(s.text[start:s.at]), column: start + 1}
	if s.at < len(s.text) && s.text[s.at] == '(' {
		w.arg = s.argument(w.name)
	}
	return w, !s.stopped
}

// stray reports a character that starts no word, and skips it; a detached
// parenthesis is skipped with what it holds.
func (s *scanner) stray() bool {
	start := s.at
	switch r := s.text[s.at]; r {
	case '(':
		s.argument("")
		if !s.stopped {
			s.fail(start, "an argument that belongs to no word", "write it right after its word: string(32)")
		}
	case ',':
		s.at++
		s.fail(start, "a comma between modifiers", "separate them by spaces")
	default:
		s.at++
		s.fail(start, fmt.Sprintf("unexpected %q", r), "modifiers are words such as required or min(1)")
	}
	return false
}

// argument reads from the opening parenthesis to the one that closes it.
func (s *scanner) argument(name string) *argument {
	open := s.at
	s.at++
	if name == "pattern" {
		return s.until(open, patternEnd(s.text, s.at))
	}
	first := s.at
	for first < len(s.text) && s.text[first] == ' ' {
		first++
	}
	if first < len(s.text) && s.text[first] == '"' {
		return s.quoted(open, first)
	}
	return s.until(open, closingParenthesis(s.text, s.at)).trimmed()
}

// until takes the text up to end as the argument; end < 0 means never closed.
func (s *scanner) until(open, end int) *argument {
	if end < 0 {
		s.fail(open, "this parenthesis is never closed", "add the missing )")
		s.stopped = true
		return nil
	}
	arg := &argument{text: string(s.text[s.at:end]), column: s.at + 1}
	s.at = end + 1
	return arg
}

// trimmed is the argument without the spaces around it.
func (a *argument) trimmed() *argument {
	if a == nil {
		return nil
	}
	left := strings.TrimLeft(a.text, " ")
	return &argument{text: strings.TrimRight(left, " "), column: a.column + len(a.text) - len(left)}
}

// quoted reads a "…" argument, in which \" and \\ stand for " and \.
func (s *scanner) quoted(open, first int) *argument {
	var text strings.Builder
	i := first + 1
	for ; i < len(s.text) && s.text[i] != '"'; i++ {
		if s.text[i] == '\\' && i+1 < len(s.text) && strings.ContainsRune(`"\`, s.text[i+1]) {
			i++
		}
		text.WriteRune(s.text[i])
	}
	end := i + 1
	for end < len(s.text) && s.text[end] == ' ' {
		end++
	}
	switch {
	case i >= len(s.text):
		s.fail(first, "this quote is never closed", `add the missing "`)
		s.stopped = true
		return nil
	case end >= len(s.text) || s.text[end] != ')':
		s.fail(open, "this parenthesis is never closed", "add the missing ) after the closing quote")
		s.stopped = true
		return nil
	}
	s.at = end + 1
	return &argument{text: text.String(), column: first + 2}
}

// closingParenthesis is the index of the ) that balances one already open, or -1.
func closingParenthesis(text []rune, from int) int {
	depth := 1
	for i := from; i < len(text); i++ {
		switch text[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// quoteArgument writes an argument so that it reads back as the same text.
func quoteArgument(text string) string {
	if text != "" && text == strings.TrimSpace(text) && !strings.ContainsAny(text, `"\()`) {
		return text
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}
