package model

import (
	"fmt"
	"math"
	"math/big"
	"net/mail"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// checkFit judges the modifiers of a field whose words all make sense: its
// bounds, its default and its pattern against the type and each other.
func (p *parsedField) checkFit() {
	f := &p.field
	p.checkBounds()
	if f.Pattern != "" {
		if at, message, hint := checkPattern(f.Pattern); message != "" {
			p.fail(p.columns["pattern"]+at, "pattern", message, hint)
		}
	}
	if f.Was != "" {
		if message, hint := checkFieldName(f.Was); message != "" {
			p.fail(p.columns["was"], "was", message, hint)
		}
	}
	if f.Default != nil && f.Required {
		p.fail(p.columns["required"], "required", "required and default contradict each other",
			"drop required: a field with a default may be left out and is never null")
	}
	if f.Default != nil && f.Unique {
		p.fail(p.columns["unique"], "unique", "unique and default contradict each other", "the second record with the default would be refused; drop one of them")
	}
	p.checkFill()
	if f.Private && f.Index {
		p.fail(p.columns["index"], "index", "a private field cannot be searched by", "drop index or private")
	}
	for _, name := range []string{"default", "fill"} {
		if value, given := findModifier(name).get(f); given && len(p.errs) == 0 {
			if message, hint := checkValue(f, name, value); message != "" {
				p.fail(p.columns[name], name, message, hint)
			}
		}
	}
}

func (p *parsedField) checkFill() {
	f := &p.field
	if f.Fill != nil && !f.Required {
		p.fail(p.columns["fill"], "fill", "fill without required", "a field that may be left out needs no value for the records that are there; drop fill, or add required")
	}
	if f.Fill != nil && f.Unique {
		p.fail(p.columns["unique"], "unique", "unique and fill contradict each other", "the second record that is there would be refused; drop one of them")
	}
}

// checkBounds parses min and max as the type wants them and compares them.
func (p *parsedField) checkBounds() {
	f := &p.field
	if !p.checkBound("min", f.Min) || !p.checkBound("max", f.Max) {
		return
	}
	low, high := boundOf(f.Type, f.Min), boundOf(f.Type, f.Max)
	if low != nil && high != nil && low.Cmp(high) > 0 {
		p.fail(p.columns["min"], "min", fmt.Sprintf("min %s is more than max %s", *f.Min, *f.Max), "swap them")
	}
	if f.Type.Kind == KindString && low != nil && low.Cmp(big.NewRat(int64(f.Type.Length), 1)) > 0 {
		p.fail(p.columns["min"], "min", fmt.Sprintf("min %s is more than the %d characters of the string", *f.Min, f.Type.Length), "lower it, or lengthen the string")
	}
	if f.Type.Kind == KindString && f.Type.Length > maxIndexedLength {
		for _, name := range []string{"unique", "index"} {
			if _, given := findModifier(name).get(f); given {
				p.fail(p.columns[name], name, fmt.Sprintf("string(%d) is too long for %s", f.Type.Length, name), fmt.Sprintf("an index holds at most string(%d)", maxIndexedLength))
			}
		}
	}
}

func (p *parsedField) checkBound(name string, bound *string) bool {
	if bound == nil {
		return true
	}
	kind := p.field.Type.Kind
	_, problem := literalOrder(boundType(p.field.Type), *bound)
	if problem == "" && (kind == KindString || kind == KindText) {
		if n, err := strconv.Atoi(*bound); err != nil || n < 0 || n > maxTextLength {
			problem = fmt.Sprintf("a length from 0 to %d", maxTextLength)
		}
	}
	if problem != "" {
		p.fail(p.columns[name], name, fmt.Sprintf("%s of %s must be %s, not %q", name, p.field.Type, problem, *bound), "")
	}
	return problem == ""
}

// boundType is the type of a field's bounds: its own, but a length for texts.
func boundType(t Type) Type {
	if t.Kind == KindString || t.Kind == KindText {
		return Type{Kind: KindInt}
	}
	return t
}

// boundOf is the order of a bound that is known to be good; nil without one.
func boundOf(t Type, bound *string) *big.Rat {
	if bound == nil {
		return nil
	}
	order, _ := literalOrder(boundType(t), *bound)
	return order
}

// checkValue says what is wrong with the default, or the fill, of an otherwise good field.
func checkValue(f *Field, name, text string) (message, hint string) {
	order, problem := literalOrder(f.Type, text)
	if problem != "" {
		if f.Type.Kind == KindEnum {
			hint = didYouMean(text, f.Type.Values)
		}
		return fmt.Sprintf("the %s of %s must be %s, not %q", name, f.Type, problem, text), hint
	}
	measured := fmt.Sprintf("the %s %s", name, text)
	if f.Type.Kind == KindString || f.Type.Kind == KindText {
		length := utf8.RuneCountInString(text)
		order = big.NewRat(int64(length), 1)
		measured = fmt.Sprintf("the %s %q, of %d characters,", name, text, length)
	}
	if low := boundOf(f.Type, f.Min); low != nil && order.Cmp(low) < 0 {
		return fmt.Sprintf("%s is less than min %s", measured, *f.Min), ""
	}
	if high := boundOf(f.Type, f.Max); high != nil && order.Cmp(high) > 0 {
		return fmt.Sprintf("%s is more than max %s", measured, *f.Max), ""
	}
	if f.Pattern != "" && !regexp.MustCompile(f.Pattern).MatchString(text) {
		return fmt.Sprintf("the %s %q does not match the pattern", name, text), "change one of them"
	}
	return "", ""
}

// literals reads a literal of each kind: its place in the kind's order (nil
// where there is none), or what the kind wants instead.
var literals = map[Kind]func(t Type, text string) (order *big.Rat, wanted string){
	KindString: func(t Type, text string) (*big.Rat, string) {
		if n := utf8.RuneCountInString(text); n > t.Length || !printable(text) {
			return nil, fmt.Sprintf("printable text of at most %d characters", t.Length)
		}
		return nil, ""
	},
	KindText: func(_ Type, text string) (*big.Rat, string) {
		return nil, unless(printable(text), "printable text")
	},
	KindInt:     func(_ Type, text string) (*big.Rat, string) { return wholeOrder(text, 32) },
	KindBigint:  func(_ Type, text string) (*big.Rat, string) { return wholeOrder(text, 64) },
	KindDecimal: decimalOrder,
	KindFloat: func(_ Type, text string) (*big.Rat, string) {
		value, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsInf(value, 0) || math.IsNaN(value) || strings.ContainsAny(text, "xX_") {
			return nil, "a number"
		}
		return new(big.Rat).SetFloat64(value), ""
	},
	KindBool: func(_ Type, text string) (*big.Rat, string) {
		return nil, unless(text == "true" || text == "false", "true or false")
	},
	KindDate: func(_ Type, text string) (*big.Rat, string) {
		return timeOrder(time.DateOnly, text, "a day such as 2026-01-31")
	},
	KindTimestamp: func(_ Type, text string) (*big.Rat, string) {
		return timeOrder(time.RFC3339, text, "an instant such as 2026-01-31T12:00:00Z")
	},
	KindEnum: func(t Type, text string) (*big.Rat, string) {
		for _, value := range t.Values {
			if value == text {
				return nil, ""
			}
		}
		return nil, "one of its values"
	},
	KindEmail: func(_ Type, text string) (*big.Rat, string) {
		address, err := mail.ParseAddress(text)
		return nil, unless(err == nil && address.Address == text && strings.Contains(text, "."), "an e-mail address")
	},
	KindURL: func(_ Type, text string) (*big.Rat, string) {
		u, err := url.Parse(text)
		return nil, unless(err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "", "an http or https address")
	},
}

func literalOrder(t Type, text string) (order *big.Rat, wanted string) {
	read := literals[t.Kind]
	if read == nil {
		return nil, "left out"
	}
	return read(t, text)
}

func unless(good bool, wanted string) string {
	if good {
		return ""
	}
	return wanted
}

var wholeNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)

func wholeOrder(text string, bits int) (*big.Rat, string) {
	value, err := strconv.ParseInt(text, 10, bits)
	if err != nil || !wholeNumber.MatchString(text) {
		return nil, fmt.Sprintf("a whole number of %d bits", bits)
	}
	return new(big.Rat).SetInt64(value), ""
}

var decimalNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)

func decimalOrder(t Type, text string) (*big.Rat, string) {
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(text, "-"), ".")
	if !decimalNumber.MatchString(text) || len(fraction) > t.Scale || len(strings.TrimPrefix(whole, "0")) > t.Precision-t.Scale {
		return nil, fmt.Sprintf("a number of at most %d digits before the point and %d after it", t.Precision-t.Scale, t.Scale)
	}
	value, _ := new(big.Rat).SetString(text)
	return value, ""
}

func timeOrder(layout, text, wanted string) (*big.Rat, string) {
	instant, err := time.Parse(layout, text)
	if err != nil || instant.Year() < 1 {
		return nil, wanted
	}
	return big.NewRat(instant.UnixMicro(), 1), ""
}
