package model

// Arbitrary makes valid answers at random, for tests outside of this package.
type Arbitrary = arbitrary

// NewArbitrary always makes the same answers for a seed.
func NewArbitrary(seed uint64) *Arbitrary { return newArbitrary(seed) }

// Answers are some valid answers.
func (r *arbitrary) Answers() Answers { return r.answers() }

// Edit changes one thing about answers.
func (r *arbitrary) Edit(a *Answers) { r.edit(a) }

// Unique is a name that no other call gave.
func (r *arbitrary) Unique(separator string) string { return r.unique(separator) }
