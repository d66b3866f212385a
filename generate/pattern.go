package generate

import (
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode/utf8"
)

// patternExample is a text that the pattern matches and that is between low and
// high characters long; ok is false when it found none.
func patternExample(pattern string, low, high int) (text string, ok bool) {
	tree, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return "", false
	}
	compiled := regexp.MustCompile(pattern)
	for times := range min(low, 256) + 2 {
		var out strings.Builder
		writeMatch(&out, tree, times)
		length := utf8.RuneCountInString(out.String())
		if low <= length && length <= high && compiled.MatchString(out.String()) {
			return out.String(), true
		}
	}
	return "", false
}

// writeMatch writes a text that the tree matches, with each open repetition made
// the given number of times, within its bounds.
func writeMatch(out *strings.Builder, tree *syntax.Regexp, times int) {
	switch tree.Op {
	case syntax.OpLiteral:
		out.WriteString(string(tree.Rune))
	case syntax.OpCharClass:
		out.WriteRune(sampleRune(tree.Rune))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		out.WriteByte('a')
	case syntax.OpAlternate:
		writeMatch(out, tree.Sub[0], times)
	case syntax.OpConcat, syntax.OpCapture:
		for _, part := range tree.Sub {
			writeMatch(out, part, times)
		}
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest, syntax.OpRepeat:
		for range repetitions(tree, times) {
			writeMatch(out, tree.Sub[0], times)
		}
	}
}

func repetitions(tree *syntax.Regexp, times int) int {
	least, most := tree.Min, tree.Max
	switch tree.Op {
	case syntax.OpStar:
		least, most = 0, -1
	case syntax.OpPlus:
		least, most = 1, -1
	case syntax.OpQuest:
		least, most = 0, 1
	}
	if most >= 0 {
		times = min(times, most)
	}
	return max(times, least)
}

// sampleRune picks from the ranges of a class, a letter or digit where there is one.
func sampleRune(ranges []rune) rune {
	for _, wanted := range "aA0" {
		for i := 0; i+1 < len(ranges); i += 2 {
			if low := max(ranges[i], wanted); low <= ranges[i+1] && low < 0x7f {
				return low
			}
		}
	}
	for i := 0; i+1 < len(ranges); i += 2 {
		if ranges[i+1] >= ' ' {
			return max(ranges[i], ' ')
		}
	}
	return ranges[0]
}
