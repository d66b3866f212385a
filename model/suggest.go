package model

import (
	"fmt"
	"strings"
)

// didYouMean is a hint that names the candidate nearest to a misspelt word, or
// else lists the candidates if they are few.
func didYouMean(word string, candidates []string) string {
	if best := nearest(word, candidates); best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	if len(candidates) == 0 || len(candidates) > 16 {
		return ""
	}
	return "use " + oneOf(candidates)
}

// nearest is the candidate within a third of the word's length in edits, or "".
func nearest(word string, candidates []string) string {
	best, limit := "", max(1, len(word)/3)+1
	for _, candidate := range candidates {
		if strings.EqualFold(word, candidate) {
			return candidate
		}
		if abs(len(word)-len(candidate)) >= limit {
			continue
		}
		if d := editDistance(strings.ToLower(word), candidate); d < limit {
			best, limit = candidate, d
		}
	}
	return best
}

// oneOf reads the candidates out: a, b or c.
func oneOf(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// editDistance counts insertions, deletions, replacements and swaps of neighbours.
func editDistance(a, b string) int {
	s, t := []rune(a), []rune(b)
	before, row := make([]int, len(t)+1), make([]int, len(t)+1)
	for j := range row {
		row[j] = j
	}
	for i, r := range s {
		next := make([]int, len(t)+1)
		next[0] = i + 1
		for j, q := range t {
			cost := 1
			if r == q {
				cost = 0
			}
			next[j+1] = min(row[j+1]+1, next[j]+1, row[j]+cost)
			if i > 0 && j > 0 && r == t[j-1] && s[i-1] == q {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row = row, next
	}
	return row[len(t)]
}

func abs(n int) int { return max(n, -n) }
