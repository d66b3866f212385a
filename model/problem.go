package model

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Problem is one thing wrong with the answers: they cannot be used until it is mended.
type Problem struct {
	Path    string `json:"path"`             // in the answers: services[1].entities[0].fields[2]
	Line    int    `json:"line,omitempty"`   // 1-based; 0 when the answers did not come from text
	Column  int    `json:"column,omitempty"` // 1-based, in characters
	Source  string `json:"source,omitempty"` // the offending line
	Message string `json:"message"`          // what is wrong
	Hint    string `json:"hint,omitempty"`   // how to mend it
}

// sourceWidth is the part of a long source line that is shown around its column.
const sourceWidth = 100

// Text is the problem as the command line prints it: where and what, then the
// offending line with a mark below the column, then how to mend it.
//
//	codex-design.yaml:12:9: unknown key "cach"
//	    cach: true
//	    ^
//	  did you mean "cache"?
func (p Problem) Text(file string) string {
	var b strings.Builder
	b.WriteString(file)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	b.WriteString(": ")
	if p.Line == 0 && p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	b.WriteString(p.Message + "\n")
	if p.Line > 0 && strings.TrimSpace(p.Source) != "" {
		line, column := excerpt(p.Source, p.Column)
		fmt.Fprintf(&b, "    %s\n    %s^\n", line, strings.Repeat(" ", column))
	}
	if p.Hint != "" {
		b.WriteString("  " + p.Hint + "\n")
	}
	return b.String()
}

// excerpt is the part of a line around a column (from 1), safe to print, and the
// column in it (from 0).
func excerpt(line string, column int) (string, int) {
	runes := []rune(line)
	for i, r := range runes {
		if r == '\t' {
			runes[i] = ' '
		} else if !unicode.IsPrint(r) {
			runes[i] = unicode.ReplacementChar
		}
	}
	indent := 0
	for indent < len(runes) && runes[indent] == ' ' && indent < column-1 {
		indent++
	}
	first, last := indent, len(runes)
	at := column - 1
	before, after := "", ""
	if at-first > sourceWidth*3/4 {
		first, before = at-sourceWidth/2, "…"
	}
	if last-first > sourceWidth {
		last, after = first+sourceWidth, "…"
	}
	first = min(first, last)
	return before + strings.TrimRight(string(runes[first:last]), " ") + after, len([]rune(before)) + max(at-first, 0)
}

// sortProblems puts problems in the order of the file.
func sortProblems(problems []Problem) {
	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

// Severity orders findings by what happens if nothing is done.
type Severity string

// The severities of design rules.
const (
	SeverityError   Severity = "error"   // fails at its own declared load, or cannot deploy
	SeverityWarning Severity = "warning" // fails under a foreseeable event
	SeverityInfo    Severity = "info"    // cost or hygiene
)

// Finding is what a design rule has to say about valid answers.
type Finding struct {
	Rule     string   `json:"rule"` // id, e.g. REF-CALLGRAPH
	Severity Severity `json:"severity"`
	Path     string   `json:"path"` // the answer that causes it, as in Problem.Path
	Message  string   `json:"message"`
	Hint     string   `json:"hint,omitempty"`
}
