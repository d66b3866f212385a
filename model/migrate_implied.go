package model

import (
	"math/big"
	"regexp"
	"slices"
	"strings"
)

// implied reports whether every row of the table keeps to a constraint anyway, and
// whatever the release before writes too: because it kept to one that says as
// much, or because the columns are new and hold nothing, or what they are made for.
func (d tableDiff) implied(c Constraint) bool {
	if c.Kind != "unique" && d.allNew(c.Definition) {
		return true
	}
	was := renameIdentifiers(c.Definition, d.copiedFrom())
	return slices.ContainsFunc(d.old.Constraints, func(o Constraint) bool {
		definition := d.renamed(o.Definition)
		return o.Kind == c.Kind && (definition == was || c.Kind == "check" && impliesCheck(definition, was))
	})
}

// allNew reports whether a definition is about columns that no old row has values in.
func (d tableDiff) allNew(definition string) bool {
	own, _, _ := strings.Cut(definition, " REFERENCES ")
	known := map[string]bool{}
	for _, c := range d.goal.Columns {
		_, kept := d.former[c.Name]
		known[c.Name] = kept || c.Retired || bridgeTo(d.copies, bridgeColumn, c.Name) != nil
	}
	return !touches(own, known)
}

// neverNull reports whether a column that forbids nulls from now on has none: it is
// filled in, or goes on from one that forbade them.
func (d tableDiff) neverNull(c Column) bool {
	if bridgeTo(d.goal.Bridges, bridgeFill, c.Name) != nil {
		return true
	}
	copied := bridgeTo(d.copies, bridgeColumn, c.Name)
	return copied != nil && d.oldColumn(copied.From).NotNull
}

// copiedFrom maps the columns that go on under a second name to the first, if no
// value becomes another on the way.
func (d tableDiff) copiedFrom() map[string]string {
	names := map[string]string{}
	for _, b := range d.copies {
		from, to := d.oldColumn(b.From).Type, columnNamed(d.new.Columns, b.To).Type
		if b.Cast == "" || isNumber(from) && isNumber(to) && widens(from, to) {
			names[b.To] = b.From
		}
	}
	return names
}

// empty reports whether all rows have nulls in these columns after they were added.
func (d tableDiff) empty(columns []string) bool {
	return slices.ContainsFunc(columns, func(name string) bool {
		i := slices.IndexFunc(d.goal.Columns, func(c Column) bool { return c.Name == name })
		_, kept := d.former[name]
		return i >= 0 && !kept && d.goal.Columns[i].Default == "" && bridgeTo(d.goal.Bridges, bridgeColumn, name) == nil && !d.goal.Columns[i].NotNull
	})
}

// impliesCheck reports whether what keeps to one check keeps to another. Both are
// of the forms that checkOf writes; what is written otherwise implies nothing.
func impliesCheck(strict, loose string) bool {
	known := checkClauses(strict)
	for _, wanted := range checkClauses(loose) {
		if !slices.ContainsFunc(known, func(k checkClause) bool { return k.implies(wanted) }) {
			return false
		}
	}
	return true
}

// checkClause is one condition of a check: what it looks at, how, and what it allows.
type checkClause struct {
	subject, operator string
	values            []string
}

var (
	clausePattern = regexp.MustCompile(`^(char_length\([^()]+\)|"[^"]+"|\w+) (BETWEEN|<=|>=|IN|~) `)
	boundPattern  = regexp.MustCompile(`^('(?:[^']|'')*'|[^ )]+)`)
)

// checkClauses takes a check apart; what it cannot read is one clause by itself.
func checkClauses(definition string) []checkClause {
	rest := strings.TrimSuffix(strings.TrimPrefix(definition, "CHECK ("), ")")
	var clauses []checkClause
	for rest != "" {
		head := clausePattern.FindStringSubmatch(rest)
		if head == nil {
			return []checkClause{{subject: definition}}
		}
		clause := checkClause{subject: head[1], operator: head[2]}
		rest = rest[len(head[0]):]
		switch clause.operator {
		case "BETWEEN":
			least := boundPattern.FindString(rest)
			greatest := boundPattern.FindString(strings.TrimPrefix(rest[len(least):], " AND "))
			rest = rest[len(least)+len(" AND ")+len(greatest):]
			clauses = append(clauses, checkClause{clause.subject, ">=", []string{least}})
			clause.operator, clause.values = "<=", []string{greatest}
		case "IN":
			list, after, _ := strings.Cut(strings.TrimPrefix(rest, "("), ")")
			clause.values, rest = strings.Split(list, ", "), after
		default:
			bound := boundPattern.FindString(rest)
			clause.values, rest = []string{bound}, rest[len(bound):]
		}
		clauses = append(clauses, clause)
		rest = strings.TrimPrefix(rest, " AND ")
	}
	return clauses
}

func (k checkClause) implies(wanted checkClause) bool {
	if k.subject != wanted.subject || k.operator != wanted.operator {
		return false
	}
	switch k.operator {
	case "IN":
		return len(without(k.values, wanted.values)) == 0
	case "<=", ">=":
		had, has := boundValue(k.values[0]), boundValue(wanted.values[0])
		if had != nil && has != nil {
			return k.operator == "<=" && had.Cmp(has) <= 0 || k.operator == ">=" && had.Cmp(has) >= 0
		}
	}
	return slices.Equal(k.values, wanted.values)
}

var dayPattern = regexp.MustCompile(`^'(\d{4})-(\d\d)-(\d\d)'$`)

// boundValue is a number or a day of a check as something to compare; nil for what
// is neither.
func boundValue(text string) *big.Rat {
	value, ok := new(big.Rat).SetString(dayPattern.ReplaceAllString(text, "$1$2$3"))
	if !ok {
		return nil
	}
	return value
}
