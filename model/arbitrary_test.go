package model

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// arbitrary makes valid answers at random, always the same for a seed.
type arbitrary struct {
	*rand.Rand
	serial int
}

func newArbitrary(seed uint64) *arbitrary {
	return &arbitrary{Rand: rand.New(rand.NewPCG(seed, 7))}
}

func (r *arbitrary) chance(percent int) bool { return r.IntN(100) < percent }

func anyOf[T any](r *arbitrary, values ...T) T { return values[r.IntN(len(values))] }

// unique is a name that no other call gave.
func (r *arbitrary) unique(separator string) string {
	r.serial++
	return fmt.Sprintf("%s%s%s", anyOf(r, "order", "zebra", "from", "class", "nile"), separator, letters(r.serial))
}

func letters(n int) string {
	text := ""
	for ; n > 0; n /= 20 {
		text += string("bcdfghjklmnpqrtvwxyz"[n%20])
	}
	return "q" + text + "k"
}

var awkwardTexts = []string{"", "plain", "true", "null", "12", "1e3", "- dash", "a: b", "a #b", "it's", `say "no"`, `back\slash`,
	"[x, y]", "{a: b}", "&a", "*a", "!t", "|", ">", "%x", "@x", "`x`", "?", "ünïcode 漢字", "trailing:", "#", "~", "0x10", "2026-01-31", "a, b", "'q'", "yes"}

func (r *arbitrary) answers() Answers {
	a := Defaults()
	a.Name = anyOf(r, "shop", "null-store", "a", "x1")
	a.Description = anyOf(r, awkwardTexts...)
	a.Scale = anyOf(r, Small, Medium, Large)
	a.Datastores.Cache = anyOf(r, "redis", "none")
	if r.chance(40) {
		rps, share, days := 600.5, 0.25, 30
		a.Load = Load{PeakRPS: &rps, ReadShare: &share, LogDays: &days}
	}
	if r.chance(40) {
		a.Security.CORS = []string{"https://a.example.com", "http://localhost:3000"}[:1+r.IntN(2)]
	}
	for range 1 + r.IntN(4) {
		a.Services = append(a.Services, r.service(a.Services))
	}
	a.Services[0].Share = nil // the one that gets the rest
	return a
}

func (r *arbitrary) service(before []Service) Service {
	s := Service{Name: r.unique("-"), Description: anyOf(r, awkwardTexts...), Cache: r.chance(30)}
	if r.chance(20) {
		s.Was = r.unique("-")
	}
	if r.chance(20) {
		share := float64(r.IntN(20)) / 100
		s.Share = &share
	}
	for _, other := range before {
		if r.chance(50) {
			s.Calls = append(s.Calls, other.Name)
		}
	}
	for range 1 + r.IntN(3) {
		s.Entities = append(s.Entities, r.entity(s, before))
	}
	return s
}

func (r *arbitrary) entity(s Service, before []Service) Entity {
	e := Entity{Name: r.unique("_"), Description: anyOf(r, awkwardTexts...)}
	if r.chance(20) {
		e.Was = r.unique("_")
	}
	for range 1 + r.IntN(5) {
		e.Fields = append(e.Fields, r.field(s, before))
	}
	return e
}

var fieldTexts = []string{"string(32) required unique", "string(200) default(\"a (b\") index", `string(9) pattern(^[A-Z:#, ]{2}$)`,
	"text min(1) max(100) required", "int required min(-5) max(5)", "bigint default(9007199254740993)", "decimal(12,2) required min(0)",
	"decimal(5,5) default(0.12345)", "float index", "bool default(true)", "date required index min(2020-01-01)",
	"timestamp default(2026-01-31T12:00:00Z)", "uuid unique", "json private", "enum(draft, active, null) default(draft)",
	"email required private", "url", `text default("# no: comment")`, `string(40) pattern(^(a|b)+\(\)[)("']$)`, `string(20) default("\\")`}

func (r *arbitrary) field(s Service, before []Service) Field {
	spec := anyOf(r, fieldTexts...)
	switch {
	case len(before) > 0 && r.chance(15):
		target := anyOf(r, before...)
		spec = "ref(" + target.Name + "." + target.Entities[0].Name + ") required"
	case len(s.Entities) > 0 && r.chance(15):
		spec = "ref(" + s.Entities[0].Name + ")"
	}
	if r.chance(10) {
		spec += " was(" + r.unique("_") + ")"
	}
	f, err := ParseField(r.unique("_") + ": " + spec)
	if err != nil {
		panic(err)
	}
	return f
}

// edit changes one thing about the answers, so that they stay valid.
func (r *arbitrary) edit(a *Answers) {
	s := &a.Services[r.IntN(len(a.Services))]
	e := &s.Entities[r.IntN(len(s.Entities))]
	edits := []func(){
		func() { a.Description = anyOf(r, awkwardTexts...) },
		func() { a.Scale = anyOf(r, Small, Medium, Large) },
		func() { a.Datastores.Cache = anyOf(r, "redis", "none") },
		func() { rps := float64(1 + r.IntN(1000)); a.Load.PeakRPS = &rps },
		func() { a.Load = Load{} },
		func() { a.Security.CORS = nil },
		func() { a.Security.CORS = append(a.Security.CORS, fmt.Sprintf("https://%d.example.com", r.Uint64())) },
		func() { s.Cache = !s.Cache },
		func() { s.Calls = nil },
		func() { s.Share = nil },
		func() { share := 0.01; s.Share = &share },
		func() { s.Was = "" },
		func() { s.Description = anyOf(r, awkwardTexts...) },
		func() { e.Description = anyOf(r, awkwardTexts...) },
		func() { a.Services = append(a.Services, r.service(nil)) },
		func() { s.Entities = append(s.Entities, r.entity(Service{}, nil)) },
		func() { at := r.IntN(len(e.Fields) + 1); e.Fields = insert(e.Fields, at, r.field(Service{}, nil)) },
		func() { e.Fields[r.IntN(len(e.Fields))].Required = true },
		func() {
			f := &e.Fields[r.IntN(len(e.Fields))]
			f.Was, f.Name = f.Name, r.unique("_")
		},
		func() {
			r.Shuffle(len(e.Fields), func(i, j int) { e.Fields[i], e.Fields[j] = e.Fields[j], e.Fields[i] })
		},
		func() {
			r.Shuffle(len(a.Services), func(i, j int) { a.Services[i], a.Services[j] = a.Services[j], a.Services[i] })
		},
		func() {
			if len(e.Fields) > 1 {
				e.Fields = append([]Field(nil), e.Fields[1:]...)
			}
		},
		func() {
			if len(a.Services) > 1 {
				a.Services = append([]Service(nil), a.Services[:len(a.Services)-1]...)
			}
		},
	}
	edits[r.IntN(len(edits))]()
}

func insert[T any](list []T, at int, item T) []T {
	return append(append(append([]T(nil), list[:at]...), item), list[at:]...)
}

// commented adds a numbered comment above or behind about every third line of a
// file in block style, and changes the style of some values.
func (r *arbitrary) commented(file []byte) string {
	var b strings.Builder
	for i, line := range strings.Split(strings.TrimSuffix(string(file), "\n"), "\n") {
		indent := line[:indentOf(line)]
		switch {
		case strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#"):
		case r.chance(15):
			fmt.Fprintf(&b, "%s# above %d\n", indent, i)
		case r.chance(5):
			fmt.Fprintf(&b, "\n%s# apart %d\n\n", indent, i)
		case r.chance(15) && strings.HasSuffix(line, "]") && !strings.Contains(line, "#"):
			line += fmt.Sprintf("   # behind %d", i)
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}
