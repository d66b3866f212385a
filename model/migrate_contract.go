package model

import (
	"fmt"
	"slices"
	"strings"
)

// contraction takes away what only the release before needed. What is wanted
// must be there already.
func contraction(standing, wanted []Table) []SchemaMigration {
	var steps []MigrationStep
	bridged := map[string]bool{}
	for _, t := range standing {
		w := slices.IndexFunc(wanted, func(w Table) bool { return w.Name == t.Name })
		for _, b := range slices.Backward(t.Bridges) {
			if w < 0 || !slices.ContainsFunc(wanted[w].Bridges, func(o Bridge) bool { return o.Name == b.Name }) {
				steps = append(steps, removedBridge(t, b))
				bridged[t.Name+"."+b.From] = b.Kind == bridgeColumn
			}
		}
	}
	for _, t := range standing {
		if w := slices.IndexFunc(wanted, func(w Table) bool { return w.Name == t.Name }); w >= 0 {
			steps = append(steps, contractedTable(t, wanted[w], bridged)...)
		}
	}
	for _, t := range slices.Backward(standing) {
		if !slices.ContainsFunc(wanted, func(w Table) bool { return w.Name == t.Name }) {
			steps = append(steps, MigrationStep{Summary: "Drop the table " + t.Name, Up: dropTable(t), Down: wholeTable(t),
				Loses: "every row of " + t.Name})
		}
	}
	if len(steps) == 0 {
		return nil
	}
	return []SchemaMigration{{Phase: "contract", Steps: steps}}
}

// removedBridge is undone by building it again, when the columns are back.
func removedBridge(t Table, b Bridge) MigrationStep {
	step := MigrationStep{Summary: "No longer " + strings.ToLower(b.summary(t.Name)[:1]) + b.summary(t.Name)[1:], Up: b.drop(t.Name)}
	if b.Kind == bridgeColumn && b.Back != "NULL" {
		step.Down = append(step.Down, fmt.Sprintf("UPDATE %s SET %s = %s WHERE %[2]s IS DISTINCT FROM %[3]s;", t.Name, b.From, b.back("")))
	}
	step.Down = append(step.Down, b.create(t.Name)...)
	return step
}

func contractedTable(t, wanted Table, bridged map[string]bool) []MigrationStep {
	var steps []MigrationStep
	for _, i := range t.Indexes {
		if !slices.ContainsFunc(wanted.Indexes, func(w Index) bool { return w.Name == i.Name }) {
			steps = append(steps, MigrationStep{Summary: fmt.Sprintf("Drop the index %s", i.Name), Up: []string{dropIndex(i)}, Down: []string{createIndex(t.Name, i)}})
		}
	}
	for _, c := range t.Columns {
		w := slices.IndexFunc(wanted.Columns, func(w Column) bool { return w.Name == c.Name })
		switch {
		case w < 0:
			step := MigrationStep{Summary: fmt.Sprintf("Drop the column %s.%s", t.Name, c.Name), Up: []string{dropColumn(t.Name, c)},
				Down: []string{fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s %s;", t.Name, c.Name, c.Definition())}}
			if !bridged[t.Name+"."+c.Name] {
				step.Loses = "the values of " + t.Name + "." + c.Name
			}
			steps = append(steps, step)
		case c.Default != wanted.Columns[w].Default:
			steps = append(steps, MigrationStep{Summary: fmt.Sprintf("Change the default of %s.%s", t.Name, c.Name),
				Up: []string{setDefault(t.Name, wanted.Columns[w])}, Down: []string{setDefault(t.Name, c)}})
		}
	}
	return steps
}
