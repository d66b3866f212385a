package model

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// A pattern is checked by four engines: Python's re and pydantic's, PostgreSQL's
// and that of whoever reads the OpenAPI document. They agree on the subset that
// is accepted here: literals, ., [sets], (groups), (?:groups), |, ^, $ and the
// quantifiers *, +, ?, {n}, {n,} and {n,m}.

const (
	maxPatternLength = 200
	maxRepeat        = 255 // PostgreSQL repeats no more
	patternSubset    = "patterns are limited to what Python, PostgreSQL and JSON Schema read alike"
)

// patternEnd is the index of the ) that closes pattern( in the text, or -1: a
// parenthesis that is escaped or in a set does not count.
func patternEnd(text []rune, from int) int {
	depth, inSet := 1, false
	for i := from; i < len(text); i++ {
		switch r := text[i]; {
		case r == '\\':
			i++
		case inSet:
			inSet = r != ']'
		case r == '[':
			inSet = true
		case r == '(':
			depth++
		case r == ')':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// checkPattern says what is wrong with a pattern, and at which character (from 0).
func checkPattern(pattern string) (at int, message, hint string) {
	p := patternReader{text: []rune(pattern)}
	if len(p.text) > maxPatternLength {
		return 0, fmt.Sprintf("a pattern of %d characters", len(p.text)), fmt.Sprintf("use at most %d", maxPatternLength)
	}
	p.alternatives(0)
	if p.message == "" && p.at < len(p.text) {
		p.fail("this parenthesis closes nothing", `write \) for the character itself`)
	}
	if p.message == "" {
		if _, err := regexp.Compile(pattern); err != nil {
			return 0, "the pattern is no regular expression", err.Error()
		}
	}
	return p.at, p.message, p.hint
}

type patternReader struct {
	text          []rune
	at            int
	message, hint string
}

func (p *patternReader) fail(message, hint string) {
	if p.message == "" {
		p.message, p.hint = message, hint
	}
}

// peek is the current character, or 0 at the end and after a failure.
func (p *patternReader) peek() rune {
	if p.message != "" || p.at >= len(p.text) {
		return 0
	}
	return p.text[p.at]
}

// alternatives reads branches separated by | up to the end or a closing parenthesis.
func (p *patternReader) alternatives(depth int) {
	if depth > 20 {
		p.fail("groups are nested too deeply", "use at most 20 levels")
	}
	for {
		start := p.at
		for r := p.peek(); r != 0 && r != '|' && r != ')'; r = p.peek() {
			p.term(depth)
		}
		if p.at == start {
			p.fail("an empty alternative", "write what it should match")
		}
		if p.peek() != '|' {
			return
		}
		p.at++
	}
}

// term reads one atom and the quantifier after it.
func (p *patternReader) term(depth int) {
	anchor := false
	switch r := p.text[p.at]; r {
	case '^', '$':
		p.at++
		anchor = true
	case '(':
		p.group(depth)
	case '[':
		p.set()
	case '\\':
		p.escape(`^$\.*+?()[]{}|/`)
	case '*', '+', '?', '{':
		p.fail(fmt.Sprintf("nothing to repeat before %q", r), `write it as \`+string(r)+" for the character itself")
	case ']', '}':
		p.fail(fmt.Sprintf("%q closes nothing", r), `write it as \`+string(r)+" for the character itself")
	default:
		if !unicode.IsPrint(r) {
			p.fail(fmt.Sprintf("the character %q", r), patternSubset)
		}
		p.at++
	}
	p.quantifier(anchor)
}

func (p *patternReader) group(depth int) {
	open := p.at
	p.at++
	if p.peek() == '?' {
		if !strings.HasPrefix(string(p.text[p.at:]), "?:") {
			p.fail("a group of this kind is not understood everywhere", patternSubset+": use (…) or (?:…)")
			return
		}
		p.at += 2
	}
	p.alternatives(depth + 1)
	if p.message == "" && p.peek() != ')' {
		p.at = open
		p.fail("this group is never closed", "add the missing )")
		return
	}
	if p.message == "" {
		p.at++
	}
}

func (p *patternReader) escape(allowed string) {
	if p.at+1 >= len(p.text) {
		p.fail(`a \ at the end`, `write \\ for the character itself`)
		return
	}
	switch r := p.text[p.at+1]; {
	case strings.ContainsRune("dD", r):
		p.fail(fmt.Sprintf(`\%c means other digits in each engine`, r), "write [0-9] or [^0-9]; "+patternSubset)
	case strings.ContainsRune("wWsSbB", r):
		p.fail(fmt.Sprintf(`\%c means other characters in each engine`, r), "write a set such as [A-Za-z0-9_]; "+patternSubset)
	case !strings.ContainsRune(allowed, r):
		p.fail(fmt.Sprintf(`\%c is not understood everywhere`, r), patternSubset)
	default:
		p.at += 2
	}
}

// set reads [abc], [a-z] or [^…].
func (p *patternReader) set() {
	open := p.at
	p.at++
	if p.peek() == '^' {
		p.at++
	}
	for first := true; p.message == ""; first = false {
		switch {
		case p.at >= len(p.text):
			p.at = open
			p.fail("this set is never closed", "add the missing ]")
		case p.peek() == ']' && first:
			p.fail("an empty set", `write \] for the character itself`)
		case p.peek() == ']':
			p.at++
			return
		case p.peek() == '-' && !first && !p.follows(']'):
			p.fail("a - in the middle of a set", `write \- for the character itself`)
		default:
			p.setRange()
		}
	}
}

// follows reports whether the next character but one is r.
func (p *patternReader) follows(r rune) bool {
	return p.at+1 < len(p.text) && p.text[p.at+1] == r
}

// setRange reads one character of a set, or a range of them.
func (p *patternReader) setRange() {
	low := p.setCharacter()
	if p.peek() != '-' || low == '-' || p.follows(']') {
		return
	}
	start := p.at
	p.at++
	if high := p.setCharacter(); p.message == "" && high < low {
		p.at = start
		p.fail(fmt.Sprintf("the range %c-%c runs backwards", low, high), "swap its ends")
	}
}

func (p *patternReader) setCharacter() rune {
	r := p.peek()
	switch {
	case r == '\\':
		p.escape(`^$\.*+?()[]{}|/-`)
		return p.text[min(p.at, len(p.text))-1]
	case r == '[' || (strings.ContainsRune("&~|-", r) && p.follows(r)):
		p.fail(fmt.Sprintf("%q in a set is not understood everywhere", r), `write it as \`+string(r))
	case r != 0 && !unicode.IsPrint(r):
		p.fail(fmt.Sprintf("the character %q", r), patternSubset)
	}
	p.at++
	return r
}

var repetition = regexp.MustCompile(`^\{([0-9]{1,4})(,([0-9]{1,4})?)?\}`)

// quantifier reads *, +, ?, {n}, {n,} or {n,m} after an atom, if there is one.
func (p *patternReader) quantifier(afterAnchor bool) {
	r := p.peek()
	if r == 0 || !strings.ContainsRune("*+?{", r) {
		return
	}
	if afterAnchor {
		p.fail("an anchor cannot be repeated", "put the repetition after a character, a set or a group")
		return
	}
	length := 1
	if r == '{' {
		length = p.repetition()
	}
	if p.message != "" {
		return
	}
	p.at += length
	if next := p.peek(); next != 0 && strings.ContainsRune("*+?{", next) {
		p.fail("a repetition of a repetition", patternSubset+": no lazy or possessive forms")
	}
}

// repetition is the length of a {n,m} that can be used.
func (p *patternReader) repetition() int {
	match := repetition.FindStringSubmatch(string(p.text[p.at:]))
	if match == nil {
		p.fail("a { that begins no repetition", `write {2}, {2,} or {2,5}, or \{ for the character itself`)
		return 0
	}
	low, _ := strconv.Atoi(match[1])
	high := low
	if match[3] != "" {
		high, _ = strconv.Atoi(match[3])
	}
	if high < low || max(low, high) > maxRepeat {
		p.fail(fmt.Sprintf("the repetition %s", match[0]), fmt.Sprintf("the first number is at most the second, and neither is above %d", maxRepeat))
	}
	return len(match[0])
}
