package main

import (
	"math/rand/v2"
	"strings"

	"codex-design/model"
)

// value is one of the things that a factor can be.
type value struct {
	name  string
	apply func(*model.Answers)
}

// factor is one thing that designs differ in. Factors are applied in their order.
type factor struct {
	name   string
	values []value
}

// row chooses a value of each factor, by index.
type row []int

// answers is the design of a row.
func (r row) answers(factors []factor) model.Answers {
	answers := model.Defaults()
	for i, f := range factors {
		f.values[r[i]].apply(&answers)
	}
	return answers
}

// describe names what a design is made of, for whoever finds that it fails.
func (r row) describe(factors []factor) string {
	var parts []string
	for i, f := range factors {
		if len(f.values) > 1 {
			parts = append(parts, f.name[strings.LastIndexByte(f.name, '.')+1:]+" "+f.values[r[i]].name)
		}
	}
	return strings.Join(parts, ", ")
}

// pair is a value of one factor beside a value of a later one.
type pair struct{ f, v, g, w int }

// pairs lists what meets in a row.
func (r row) pairs() []pair {
	var all []pair
	for f := range r {
		for g := f + 1; g < len(r); g++ {
			all = append(all, pair{f, r[f], g, r[g]})
		}
	}
	return all
}

// attempts is how many rows are drawn for each that is kept. A pair that none of
// so many valid rows can hold is taken for impossible.
const attempts = 60

// redraws is how often a row is drawn anew that no design could be.
const redraws = 15

// cover chooses rows until every pair that a valid design can hold is in one, and
// returns the pairs that none can hold. Each row is the one of many, drawn at random
// from a fixed seed and improved, that holds the most new pairs.
func cover(factors []factor) (rows []row, impossible []pair) {
	draw := rand.New(rand.NewPCG(1, 2))
	open := allPairs(factors)
	for len(open) > 0 {
		wanted := open[0]
		best, most := row(nil), 0
		missing := map[pair]bool{}
		for _, p := range open {
			missing[p] = true
		}
		for range attempts {
			candidate := drawn(draw, factors, wanted)
			improve(draw, candidate, factors, wanted, missing)
			if news := candidate.news(missing); news > most && candidate.valid(factors) {
				best, most = candidate, news
			}
		}
		if best == nil {
			impossible = append(impossible, wanted)
			open = open[1:]
			continue
		}
		rows = append(rows, best)
		open = without(open, best)
	}
	return rows, impossible
}

// allPairs lists every value beside every value of another factor.
func allPairs(factors []factor) []pair {
	var all []pair
	for f := range factors {
		for g := f + 1; g < len(factors); g++ {
			for v := range factors[f].values {
				for w := range factors[g].values {
					all = append(all, pair{f, v, g, w})
				}
			}
		}
	}
	return all
}

// drawn is a row at random that holds a pair, a valid one if there are enough.
func drawn(draw *rand.Rand, factors []factor, wanted pair) row {
	r := make(row, len(factors))
	for range redraws {
		for i, f := range factors {
			r[i] = draw.IntN(len(f.values))
		}
		r[wanted.f], r[wanted.g] = wanted.v, wanted.w
		if r.valid(factors) {
			break
		}
	}
	return r
}

// valid reports whether a row is a design that can be generated.
func (r row) valid(factors []factor) bool { return len(model.Check(r.answers(factors))) == 0 }

// improve gives each factor, in some order, the value that holds the most missing pairs of a valid row.
func improve(draw *rand.Rand, r row, factors []factor, wanted pair, missing map[pair]bool) {
	for _, f := range draw.Perm(len(factors)) {
		if f == wanted.f || f == wanted.g {
			continue
		}
		best, most := r[f], r.news(missing)
		for v := range factors[f].values {
			if r[f] = v; r.news(missing) > most && r.valid(factors) {
				best, most = v, r.news(missing)
			}
		}
		r[f] = best
	}
}

// news counts the missing pairs that a row holds.
func (r row) news(missing map[pair]bool) int {
	count := 0
	for _, p := range r.pairs() {
		if missing[p] {
			count++
		}
	}
	return count
}

// without leaves out the pairs of a row.
func without(open []pair, r row) []pair {
	var left []pair
	for _, p := range open {
		if r[p.f] != p.v || r[p.g] != p.w {
			left = append(left, p)
		}
	}
	return left
}
