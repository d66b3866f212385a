package model

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"strconv"
)

// derivation is a formula with what is known about its result. A Quantity is
// computed from the text that it shows, so the text cannot say anything else.
type derivation struct {
	unit    string
	formula string
	source  string
	rules   []string
	tree    ast.Expr
}

// derive parses formula; it is called for texts of this program only, so a text
// that does not parse is a defect and panics.
func derive(unit, formula, source string, rules ...string) derivation {
	tree, err := parser.ParseExpr(formula)
	if err != nil {
		panic(fmt.Sprintf("formula %q: %v", formula, err))
	}
	return derivation{unit: unit, formula: formula, source: source, rules: rules, tree: tree}
}

// of evaluates the formula with the given inputs.
func (d derivation) of(inputs ...Input) Quantity {
	values := make(map[string]float64, len(inputs))
	for _, input := range inputs {
		values[input.Name] = input.Value
	}
	return Quantity{Value: evaluate(d.tree, values), Unit: d.unit, Formula: d.formula, Inputs: inputs, Rules: d.rules, Source: d.source}
}

// named makes an input of a derived quantity.
func (q Quantity) named(name string) Input { return Input{Name: name, Value: q.Value} }

func evaluate(expr ast.Expr, values map[string]float64) float64 {
	switch e := expr.(type) {
	case *ast.BasicLit:
		number, err := strconv.ParseFloat(e.Value, 64)
		if err != nil {
			panic(err)
		}
		return number
	case *ast.Ident:
		value, ok := values[e.Name]
		if !ok {
			panic("formula: no input named " + e.Name)
		}
		return value
	case *ast.ParenExpr:
		return evaluate(e.X, values)
	case *ast.BinaryExpr:
		return binaryOperators[e.Op](evaluate(e.X, values), evaluate(e.Y, values))
	case *ast.CallExpr:
		arguments := make([]float64, len(e.Args))
		for i, argument := range e.Args {
			arguments[i] = evaluate(argument, values)
		}
		return formulaFunctions[e.Fun.(*ast.Ident).Name](arguments)
	}
	panic(fmt.Sprintf("formula: %T is not part of the language", expr))
}

var binaryOperators = map[token.Token]func(a, b float64) float64{
	token.ADD: func(a, b float64) float64 { return a + b },
	token.SUB: func(a, b float64) float64 { return a - b },
	token.MUL: func(a, b float64) float64 { return a * b },
	token.QUO: func(a, b float64) float64 { return a / b },
	token.GEQ: func(a, b float64) float64 {
		if a >= b {
			return 1
		}
		return 0
	},
}

var formulaFunctions = map[string]func(arguments []float64) float64{
	"ceil":   func(x []float64) float64 { return ceil(x[0]) },
	"ceilto": func(x []float64) float64 { return ceil(x[0]/x[1]) * x[1] },
	"max":    func(x []float64) float64 { return fold(x, math.Max) },
	"min":    func(x []float64) float64 { return fold(x, math.Min) },
	"rung":   func(x []float64) float64 { return rung(x[0], x[1:]) },
}

// ceil forgives the last bits of a division: 3.0000000001 pods are 3.
func ceil(x float64) float64 { return math.Ceil(x - 1e-9) }

func fold(x []float64, f func(a, b float64) float64) float64 {
	result := x[0]
	for _, value := range x[1:] {
		result = f(result, value)
	}
	return result
}

func rung(x float64, rungs []float64) float64 {
	for _, step := range rungs {
		if x <= step {
			return step
		}
	}
	return rungs[len(rungs)-1]
}
