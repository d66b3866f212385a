package model

import (
	"fmt"
	"slices"
	"strings"
)

// A column whose values have to be written anew for another type is made beside
// the old one, filled while others write, and put in its place in the end.

// interim is the column that a retyped one is until then.
func interim(c Column) Column {
	c.Name = interimName(c.Name)
	c.NotNull, c.Default = false, ""
	return c
}

func interimName(name string) string { return QuoteSQL(shortenWith(unquote(name), "__new")) }

// retypedValue is an old value as the new type, behind a prefix such as NEW.
func (d tableDiff) retypedValue(before, after Column, prefix string) string {
	value := castTo(prefix+before.Name, before.Type, after.Type)
	if after.NotNull && !before.NotNull && after.filling() != "" {
		return fmt.Sprintf("coalesce(%s, %s)", value, after.filling())
	}
	return value
}

// interimColumn makes the new column and keeps it up to date.
func (d tableDiff) interimColumn(before, after Column) MigrationStep {
	table, name := d.new.Name, bridgeName(d.new.Name, after.Name, "retype")
	column := interim(after)
	step := MigrationStep{
		Summary: fmt.Sprintf("Make room for %s.%s as %s", table, after.Name, after.Type),
		Up: append([]string{fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s %s;", table, column.Name, column.Definition())},
			triggerOn(table, name, fmt.Sprintf("    NEW.%s := %s;", column.Name, d.retypedValue(before, after, "NEW.")))...),
		Down: []string{
			fmt.Sprintf("DROP TRIGGER IF EXISTS %s ON %s;", name, table), fmt.Sprintf("DROP FUNCTION IF EXISTS %s();", name),
			fmt.Sprintf("ALTER TABLE %s DROP COLUMN IF EXISTS %s;", table, column.Name),
		},
	}
	if !widens(before.Type, after.Type) {
		step.Fails = fmt.Sprintf("where values are no %s", after.Type)
		step.Loses = fmt.Sprintf("what %s cannot hold of %s.%s", after.Type, table, after.Name)
	}
	if !readsAs(before.Type, after.Type) {
		step.Breaks = "it reads and writes another type; a new name with was(…) gives it a column of its own meanwhile"
	}
	return step
}

// readsAs reports whether code that knows a column as one type can go on with another.
func readsAs(from, to string) bool {
	bothDecimals := strings.HasPrefix(from, "numeric") && strings.HasPrefix(to, "numeric")
	return widens(from, to) && (bothDecimals || from == "integer" && to == "bigint")
}

// retype guards the new column like the old one and exchanges the two.
func (d tableDiff) retype(e *expansion, before, after Column) {
	table, column := d.new.Name, interim(after)
	swap := MigrationStep{Summary: fmt.Sprintf("Change the type of %s.%s from %s to %s", table, after.Name, before.Type, after.Type)}
	swap.Up = slices.Concat(dropTrigger(table, bridgeName(table, after.Name, "retype")), dropViews(d.goal),
		[]string{dropColumn(table, before), fmt.Sprintf("ALTER TABLE %s RENAME COLUMN %s TO %s;", table, column.Name, after.Name)})
	rename := map[string]string{after.Name: column.Name}
	for _, c := range constraintsOn(d.goal, after.Name) {
		swap.Up = append(swap.Up, d.guardInterim(e, c, rename)...)
	}
	for _, i := range indexesOn(d.goal, after.Name) {
		made := i
		made.Name = interimName(i.Name)
		made.Columns = mapStrings(i.Columns, func(text string) string { return renameIdentifiers(text, rename) })
		e.index = append(e.index, d.newInterimIndex(made))
		swap.Up = append(swap.Up, fmt.Sprintf("ALTER INDEX %s RENAME TO %s;", made.Name, i.Name))
	}
	if after.NotNull {
		check := notNull(table, column)
		e.expand = append(e.expand, interimConstraint(table, check))
		e.validate = append(e.validate, validated(table, check))
		swap.Up = append(swap.Up, alterColumn(table, after, "SET NOT NULL"), dropConstraint(table, check))
	}
	if after.Default != "" {
		swap.Up = append(swap.Up, setDefault(table, after))
	}
	if filling := bridgeTo(d.goal.Bridges, bridgeFill, after.Name); filling != nil {
		swap.Up = append(swap.Up, filling.create(table)...)
	}
	swap.Up = append(swap.Up, createViews(d.goal)...)
	swap.Down = d.retypeBack(before, after)
	e.tighten = append(e.tighten, swap)
}

// guardInterim guards the interim column like the new one, and returns how the
// guard gets its name.
func (d tableDiff) guardInterim(e *expansion, c Constraint, rename map[string]string) []string {
	table, made := d.new.Name, c
	made.Name, made.Definition = interimName(c.Name), renameIdentifiers(c.Definition, rename)
	if c.Kind == "unique" {
		e.index = append(e.index, d.newInterimIndex(Index{Name: made.Name, Columns: uniqueColumns(made), Unique: true}))
		return []string{uniqueByIndex(table, c.Name, made.Name)}
	}
	e.expand = append(e.expand, interimConstraint(table, made))
	e.validate = append(e.validate, validated(table, made))
	return []string{fmt.Sprintf("ALTER TABLE %s RENAME CONSTRAINT %s TO %s;", table, made.Name, c.Name)}
}

// interimConstraint goes with its column when that goes.
func interimConstraint(table string, c Constraint) MigrationStep {
	return MigrationStep{Summary: fmt.Sprintf("Add the constraint %s", c.Name),
		Up: []string{fmt.Sprintf("ALTER TABLE %s ADD CONSTRAINT %s %s NOT VALID;", table, c.Name, c.Definition)}}
}

func (d tableDiff) newInterimIndex(i Index) MigrationStep {
	step := d.newIndex(i)
	step.Down = []string{fmt.Sprintf("DROP INDEX CONCURRENTLY IF EXISTS %s;", i.Name)}
	return step
}

// retypeBack undoes the exchange on the spot: nobody else is there when a
// migration is undone.
func (d tableDiff) retypeBack(before, after Column) []string {
	table := d.new.Name
	down := dropViews(d.goal)
	if filling := bridgeTo(d.goal.Bridges, bridgeFill, after.Name); filling != nil {
		down = append(down, filling.drop(table)...)
	}
	for _, c := range constraintsOn(d.goal, after.Name) {
		down = append(down, dropConstraint(table, c))
	}
	for _, i := range indexesOn(d.goal, after.Name) {
		down = append(down, dropIndex(i))
	}
	if after.Default != "" {
		down = append(down, alterColumn(table, after, "DROP DEFAULT"))
	}
	down = append(down, alterColumn(table, after, fmt.Sprintf("TYPE %s USING %s", before.Type, castTo(after.Name, after.Type, before.Type))))
	if after.NotNull && !before.NotNull {
		down = append(down, alterColumn(table, before, "DROP NOT NULL"))
	}
	if !after.NotNull && before.NotNull {
		down = append(down, alterColumn(table, before, "SET NOT NULL"))
	}
	if before.Default != "" {
		down = append(down, setDefault(table, before))
	}
	old := d.old
	old.Constraints = slices.Clone(old.Constraints)
	for i := range old.Constraints {
		old.Constraints[i].Definition = d.renamed(old.Constraints[i].Definition)
	}
	for _, c := range constraintsOn(old, after.Name) {
		down = append(down, addConstraint(table, c))
	}
	for _, i := range old.Indexes {
		i.Columns = mapStrings(i.Columns, d.renamed)
		if slices.Contains(i.Columns, after.Name) {
			down = append(down, createIndex(table, i))
		}
	}
	return append(down, createViews(d.goal)...)
}

// constraintsOn are those of a table that are on a column.
func constraintsOn(t Table, column string) []Constraint {
	return slices.DeleteFunc(slices.Concat(t.Constraints, t.Deferred), func(c Constraint) bool {
		return !touches(c.Definition, map[string]bool{column: true})
	})
}

func indexesOn(t Table, column string) []Index {
	return slices.DeleteFunc(slices.Clone(t.Indexes), func(i Index) bool { return !slices.Contains(i.Columns, column) })
}

// besideViews takes the former name of the table away while a statement changes a
// column that it shows.
func besideViews(t Table, statements ...string) []string {
	return slices.Concat(dropViews(t), statements, createViews(t))
}

func dropViews(t Table) []string {
	var statements []string
	for _, b := range t.Bridges {
		if b.Kind == bridgeView {
			statements = append(statements, b.drop(t.Name)...)
		}
	}
	return statements
}

func createViews(t Table) []string {
	var statements []string
	for _, b := range t.Bridges {
		if b.Kind == bridgeView {
			statements = append(statements, b.create(t.Name)...)
		}
	}
	return statements
}
