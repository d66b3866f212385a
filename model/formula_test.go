package model

import (
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// calculator reads a formula by hand, apart from the code that computes the
// quantities, so that text and value are compared and not one with itself.
type calculator struct {
	text   string
	inputs map[string]float64
}

func calculate(formula string, inputs []Input) (result float64, err error) {
	c := calculator{text: strings.ReplaceAll(formula, " ", ""), inputs: map[string]float64{}}
	for _, input := range inputs {
		c.inputs[input.Name] = input.Value
	}
	defer func() {
		if problem := recover(); problem != nil {
			err = fmt.Errorf("%v at %q", problem, c.text)
		}
	}()
	result = c.comparison()
	if c.text != "" {
		panic("left over")
	}
	return result, nil
}

func (c *calculator) take(token string) bool {
	rest, found := strings.CutPrefix(c.text, token)
	if found {
		c.text = rest
	}
	return found
}

func (c *calculator) comparison() float64 {
	left := c.sum()
	if c.take(">=") {
		if left >= c.sum() {
			return 1
		}
		return 0
	}
	return left
}

func (c *calculator) sum() float64 {
	total := c.product()
	for {
		switch {
		case c.take("+"):
			total += c.product()
		case c.take("-"):
			total -= c.product()
		default:
			return total
		}
	}
}

func (c *calculator) product() float64 {
	total := c.factor()
	for {
		switch {
		case c.take("*"):
			total *= c.factor()
		case c.take("/"):
			total /= c.factor()
		default:
			return total
		}
	}
}

func (c *calculator) factor() float64 {
	if c.take("(") {
		inner := c.comparison()
		c.must(")")
		return inner
	}
	end := strings.IndexFunc(c.text, func(r rune) bool { return r != '_' && r != '.' && !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	if end < 0 {
		end = len(c.text)
	}
	word := c.text[:end]
	c.text = c.text[end:]
	if number, err := strconv.ParseFloat(word, 64); err == nil {
		return number
	}
	if c.take("(") {
		return c.call(word)
	}
	value, known := c.inputs[word]
	if !known {
		panic("no input " + word)
	}
	return value
}

func (c *calculator) call(function string) float64 {
	arguments := []float64{c.comparison()}
	for c.take(",") {
		arguments = append(arguments, c.comparison())
	}
	c.must(")")
	x := arguments[0]
	switch function {
	case "ceil":
		return math.Ceil(x - 1e-9)
	case "ceilto":
		return math.Ceil(x/arguments[1]-1e-9) * arguments[1]
	case "max", "min":
		for _, other := range arguments[1:] {
			if (other > x) == (function == "max") {
				x = other
			}
		}
		return x
	case "rung":
		for _, step := range arguments[1:] {
			if step >= x {
				return step
			}
		}
		return arguments[len(arguments)-1]
	}
	panic("no function " + function)
}

func (c *calculator) must(token string) {
	if !c.take(token) {
		panic("expected " + token)
	}
}

func TestCalculator(t *testing.T) {
	inputs := []Input{{"a", 3}, {"b", 4}}
	for formula, want := range map[string]float64{
		"a + b * 2": 11, "(a + b) * 2": 14, "a - b - 1": -2, "ceil(b / a)": 2, "ceilto(a * b, 5)": 15, "max(a, b, 2)": 4,
		"min(a, b, 2)": 2, "rung(a, 2, 4, 8)": 4, "rung(99, 2, 4)": 4, "a >= 3": 1, "a * (b >= 5)": 0,
	} {
		if got, err := calculate(formula, inputs); err != nil || got != want {
			t.Errorf("calculate(%q) = %v, %v; want %v", formula, got, err, want)
		}
		if got := derive("", formula, "").of(inputs...).Value; got != want {
			t.Errorf("derive(%q) = %v, want %v", formula, got, want)
		}
	}
	for _, formula := range []string{"a + c", "a b", "root(a)", "(a", "max(a"} {
		if got, err := calculate(formula, inputs); err == nil {
			t.Errorf("calculate(%q) = %v, want an error", formula, got)
		}
	}
}

func TestNoFormulaLies(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		a := randomAnswers(random)
		for _, q := range Resolve(a).Quantities() {
			checkFormula(t, q)
		}
		if t.Failed() {
			t.Fatalf("answers:\n%+v", a)
		}
	}
}

func checkFormula(t *testing.T, q NamedQuantity) {
	t.Helper()
	if math.IsNaN(q.Value) || math.IsInf(q.Value, 0) || q.Value < 0 {
		t.Errorf("%s is %v", q.Path, q.Value)
	}
	if q.Source == "" {
		t.Errorf("%s has no source", q.Path)
	}
	if q.Formula == "given" {
		return
	}
	got, err := calculate(q.Formula, q.Inputs)
	if err != nil || math.Abs(got-q.Value) > 1e-9*math.Max(1, math.Abs(q.Value)) {
		t.Errorf("%s = %v, but %q gives %v, %v", q.Path, q.Value, q.Formula, got, err)
	}
	named := -1
	for _, input := range q.Inputs {
		at := regexp.MustCompile(`\b` + input.Name + `\b`).FindStringIndex(q.Formula)
		if at == nil || at[0] <= named {
			t.Fatalf("%s: the formula %q does not name its inputs in their order: %v", q.Path, q.Formula, q.Inputs)
		}
		named = at[0]
	}
	if wholeUnits[q.Unit] && q.Value != math.Trunc(q.Value) {
		t.Errorf("%s is %v %s", q.Path, q.Value, q.Unit)
	}
}

// wholeUnits come in whole numbers, because they become settings and counts.
var wholeUnits = setOf("pods", "connections", "MiB", "GiB", "vCPU", "s", "standbys", "series", "millicores")
