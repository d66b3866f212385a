package model

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// schemaDiff pairs the tables of two schemas.
type schemaDiff struct {
	wanted         []Table
	tables         []rename
	kept           []tableDiff
	added, dropped []Table
}

// rename is one name that changes; table is empty for a table and for an index.
type rename struct {
	kind, table, from, to string
	alone                 bool // the former name is needed for something else, or is not kept
}

// statement renames what is called from by now.
func (r rename) statement(from, to string) string {
	switch r.kind {
	case "table", "index":
		return fmt.Sprintf("ALTER %s %s RENAME TO %s;", strings.ToUpper(r.kind), from, to)
	}
	return fmt.Sprintf("ALTER TABLE %s RENAME %s %s TO %s;", r.table, strings.ToUpper(r.kind), from, to)
}

func renameSteps(renames []rename) []MigrationStep {
	var steps []MigrationStep
	for _, r := range inOrder(renames) {
		step := MigrationStep{Summary: fmt.Sprintf("Rename the %s %s to %s", r.kind, r.from, r.to),
			Up: []string{r.statement(r.from, r.to)}, Down: []string{r.statement(r.to, r.from)}}
		if r.alone {
			step.Breaks = fmt.Sprintf("it knows that %s as %s, which is another one now or none", r.kind, r.from)
		}
		steps = append(steps, step)
	}
	return steps
}

func newSchemaDiff(old, new []Table) schemaDiff {
	d := schemaDiff{wanted: new}
	oldNames, newNames := map[string]string{}, map[string]string{}
	for _, t := range new {
		newNames[t.Name] = t.Was
	}
	for _, t := range old {
		if !t.Retired || hasName(newNames, t.Name) { // nothing goes on under another name
			oldNames[t.Name] = t.Was
		}
	}
	former := pairNames(oldNames, newNames)
	tableNames := map[string]string{}
	for to, from := range former {
		tableNames[from] = to
		if from != to {
			d.tables = append(d.tables, rename{kind: "table", from: from, to: to, alone: hasName(newNames, from)})
		}
	}
	slices.SortFunc(d.tables, func(a, b rename) int { return cmp.Compare(a.from, b.from) })
	for _, t := range new {
		if from, kept := former[t.Name]; kept {
			d.kept = append(d.kept, newTableDiff(tableNamedIn(old, from), t, tableNames, newNames))
		} else {
			d.added = append(d.added, t)
		}
	}
	for _, t := range old {
		if _, kept := tableNames[t.Name]; !kept {
			d.dropped = append(d.dropped, withTargets(t, tableNames))
		}
	}
	return d
}

func tableNamedIn(tables []Table, name string) Table {
	return tables[slices.IndexFunc(tables, func(t Table) bool { return t.Name == name })]
}

// pairNames maps every new name to the old one that it continues. Both maps hold
// what each name says it was. A `was` that the old side says too was followed
// before; one whose new name is still taken by something else is not followed.
func pairNames(old, new map[string]string) map[string]string {
	former, claimed := map[string]string{}, map[string]bool{}
	moves := func(name string) bool {
		was := new[name]
		followed := hasName(old, name) && old[name] == was
		return was != "" && was != name && hasName(old, was) && !followed
	}
	free := func(name string) bool { return !hasName(old, name) || movesAway(new, name, moves) }
	names := slices.Sorted(maps.Keys(new))
	for _, name := range names {
		was := new[name]
		if moves(name) && free(name) && (!hasName(new, was) || moves(was)) && !claimed[was] {
			former[name], claimed[was] = was, true
		}
	}
	for _, name := range names {
		if !hasName(former, name) && hasName(old, name) && !claimed[name] {
			former[name] = name
		}
	}
	return former
}

// movesAway reports whether the old name goes on under another new one.
func movesAway(new map[string]string, old string, moves func(string) bool) bool {
	for name, was := range new {
		if was == old && moves(name) {
			return true
		}
	}
	return false
}

func hasName(names map[string]string, name string) bool { _, there := names[name]; return there }

// inOrder sorts renames so that no name is taken while another still has it. A
// circle is opened by a name of its own.
func inOrder(renames []rename) []rename {
	var ordered []rename
	waiting := slices.Clone(renames)
	for len(waiting) > 0 {
		free := slices.IndexFunc(waiting, func(r rename) bool {
			return !slices.ContainsFunc(waiting, func(other rename) bool { return other.from == r.to })
		})
		if free < 0 {
			aside := waiting[0]
			aside.to = QuoteSQL(shortenWith(unquote(aside.from), "_renaming"))
			ordered = append(ordered, aside)
			waiting[0].from = aside.to
			continue
		}
		ordered = append(ordered, waiting[free])
		waiting = slices.Delete(waiting, free, free+1)
	}
	return ordered
}

// renameGuards gives constraints and indexes the names that go with the new
// names of tables and columns. Those of all tables are ordered together, because
// the names of indexes are shared.
func (d schemaDiff) renameGuards() []MigrationStep {
	var renames []rename
	for _, pair := range d.kept {
		constraints, _, _ := pair.constraints()
		indexes, _, _ := pair.indexes()
		renames = slices.Concat(renames, constraints, indexes)
	}
	return renameSteps(slices.DeleteFunc(renames, func(r rename) bool { return r.from == r.to }))
}

// withTargets returns a table whose foreign keys name renamed tables as they are called now.
func withTargets(t Table, names map[string]string) Table {
	rewrite := func(constraints []Constraint) []Constraint {
		constraints = slices.Clone(constraints)
		for i, c := range constraints {
			constraints[i].Definition = renameTarget(c.Definition, names)
		}
		return constraints
	}
	t.Constraints, t.Deferred = rewrite(t.Constraints), rewrite(t.Deferred)
	return t
}

// renameTarget replaces the table that a foreign key refers to.
func renameTarget(definition string, names map[string]string) string {
	before, after, found := strings.Cut(definition, " REFERENCES ")
	if !found {
		return definition
	}
	table, rest, _ := strings.Cut(after, " (")
	if name, ok := names[table]; ok {
		table = name
	}
	return before + " REFERENCES " + table + " (" + rest
}

// renameIdentifiers replaces the names of columns in a definition; the table of
// a foreign key and its columns are not this table's and stay.
func renameIdentifiers(text string, names map[string]string) string {
	own, target, foreign := strings.Cut(text, " REFERENCES ")
	own = eachIdentifier(own, func(name string) string {
		if to, ok := names[name]; ok {
			return to
		}
		return name
	})
	if foreign {
		return own + " REFERENCES " + target
	}
	return own
}

// eachIdentifier rewrites the identifiers of an expression, quoted or not.
// String constants and the names of functions are left alone.
func eachIdentifier(text string, rewrite func(string) string) string {
	var out strings.Builder
	for i := 0; i < len(text); {
		end := i + 1
		switch c := text[i]; {
		case c == '\'' || c == '"':
			end = i + 1 + strings.IndexByte(text[i+1:], c) + 1
		case isNameByte(c):
			for end < len(text) && isNameByte(text[end]) {
				end++
			}
		}
		token := text[i:end]
		function := end < len(text) && text[end] == '('
		if (token[0] == '"' || isNameByte(token[0])) && !function {
			token = rewrite(token)
		}
		out.WriteString(token)
		i = end
	}
	return out.String()
}

func isNameByte(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
