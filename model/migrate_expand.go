package model

import (
	"fmt"
	"slices"
	"strings"
)

// expansion collects the steps of a change by what they need of the database.
type expansion struct {
	expand   []MigrationStep // short locks, all in one transaction
	backfill []MigrationStep // batches, each committed by itself
	index    []MigrationStep // concurrently, each alone
	validate []MigrationStep // reads tables while others write
	tighten  []MigrationStep // short locks again, now that the rows are right
	unindex  []MigrationStep // concurrently, each alone
}

func (e expansion) migrations() []SchemaMigration {
	var all []SchemaMigration
	together := func(phase string, steps []MigrationStep) {
		if len(steps) > 0 {
			all = append(all, SchemaMigration{Phase: phase, Steps: steps})
		}
	}
	alone := func(phase string, steps []MigrationStep) {
		for _, step := range steps {
			all = append(all, SchemaMigration{Phase: phase, Alone: true, Steps: []MigrationStep{step}})
		}
	}
	together("expand", e.expand)
	alone("backfill", e.backfill)
	alone("index", e.index)
	together("validate", e.validate)
	together("tighten", e.tighten)
	alone("index", e.unindex)
	return all
}

// expansion is the way from the old tables to the goal.
func (d schemaDiff) expansion() []SchemaMigration {
	e := expansion{expand: renameSteps(d.tables)}
	for _, pair := range d.kept {
		e.expand = append(e.expand, pair.dropRights()...)
	}
	e.expand = append(e.expand, d.retireTables()...)
	for _, ofKind := range []func(Constraint) bool{isForeignKey, isNoForeignKey} { // a key that is referred to stays
		for _, pair := range d.kept {
			e.expand = append(e.expand, pair.dropConstraints(ofKind)...)
		}
	}
	for _, pair := range d.kept {
		e.expand = append(e.expand, renameSteps(pair.columns)...)
	}
	e.expand = append(e.expand, d.renameGuards()...)
	for _, pair := range d.kept {
		pair.changeColumns(&e)
	}
	for _, pair := range d.kept {
		pair.addConstraints(&e, isNoForeignKey)
	}
	e.expand = append(e.expand, d.createTables()...)
	for _, pair := range d.kept {
		pair.addConstraints(&e, isForeignKey)
		pair.addIndexes(&e)
	}
	for _, t := range d.added {
		if t.Fill != "" {
			e.backfill = append(e.backfill, MigrationStep{Summary: "Fill the table " + t.Name, Up: []string{t.Fill}})
		}
	}
	e.expand = append(e.expand, d.addDeferred()...)
	for _, pair := range d.kept {
		e.expand = append(e.expand, pair.addRights()...)
		pair.backfill(&e)
		pair.tighten(&e)
		pair.dropIndexes(&e)
	}
	return e.migrations()
}

func (d schemaDiff) createTables() []MigrationStep {
	var steps []MigrationStep
	for _, t := range d.added {
		steps = append(steps, MigrationStep{Summary: "Add the table " + t.Name, Up: wholeTable(t), Down: dropTable(t)})
	}
	return steps
}

// addDeferred adds what closes a circle of references among new tables.
func (d schemaDiff) addDeferred() []MigrationStep {
	var steps []MigrationStep
	for _, t := range d.added {
		for _, c := range t.Deferred {
			steps = append(steps, MigrationStep{Summary: fmt.Sprintf("Add the constraint %s", c.Name),
				Up: []string{addConstraint(t.Name, c)}, Down: []string{dropConstraint(t.Name, c)}})
		}
	}
	return steps
}

// retireTables takes the foreign keys off tables that the new code does not know.
func (d schemaDiff) retireTables() []MigrationStep {
	var steps []MigrationStep
	for _, t := range d.dropped {
		for _, c := range slices.Concat(t.Constraints, t.Deferred) {
			if isForeignKey(c) {
				steps = append(steps, droppedConstraint(t.Name, c))
			}
		}
	}
	return steps
}

func droppedConstraint(table string, c Constraint) MigrationStep {
	return MigrationStep{Summary: fmt.Sprintf("Drop the constraint %s", c.Name),
		Up: []string{dropConstraint(table, c)}, Down: []string{addConstraint(table, c)}}
}

// dropConstraints drops those of a kind that are gone or changed.
func (d tableDiff) dropConstraints(ofKind func(Constraint) bool) []MigrationStep {
	var steps []MigrationStep
	_, constraints, _ := d.constraints()
	for _, c := range slices.Backward(constraints) {
		if ofKind(c) {
			steps = append(steps, droppedConstraint(d.new.Name, c))
		}
	}
	return steps
}

// changeColumns adds columns and bridges, and changes what a column that stays
// allows and takes when nothing is given.
func (d tableDiff) changeColumns(e *expansion) {
	table := d.new.Name
	if d.old.Comment != d.new.Comment {
		e.expand = append(e.expand, MigrationStep{Summary: "Change the comment of " + table, Up: []string{commentOn(d.new)}, Down: []string{commentOn(d.old)}})
	}
	for _, c := range d.goal.Columns {
		from, kept := d.former[c.Name]
		if c.Retired {
			from, kept = c.Name, true
		}
		switch {
		case !kept:
			e.expand = append(e.expand, d.addedColumn(c))
		case d.retyped[c.Name]:
			e.expand = append(e.expand, d.interimColumn(d.beforeColumn(from, c), c))
		default:
			e.expand = append(e.expand, d.changedColumn(d.beforeColumn(from, c), c)...)
		}
	}
	for _, b := range d.goal.Bridges {
		known := slices.ContainsFunc(d.old.Bridges, func(o Bridge) bool { return o.Name == b.Name })
		if !known && !(b.Kind == bridgeFill && d.retyped[b.To]) {
			e.expand = append(e.expand, b.step(table))
		}
	}
}

// beforeColumn is an old column under the name that it has by now.
func (d tableDiff) beforeColumn(from string, c Column) Column {
	before := d.oldColumn(from)
	before.Name = c.Name
	return before
}

// addedColumn gives the rows that exist the default. A column without nulls and
// without any value for them can only be added while there are no rows.
func (d tableDiff) addedColumn(c Column) MigrationStep {
	table := d.new.Name
	step := MigrationStep{Summary: fmt.Sprintf("Add the column %s.%s", table, c.Name), Down: []string{dropColumn(table, c)}}
	if bridgeTo(d.goal.Bridges, bridgeColumn, c.Name) != nil {
		c.NotNull = false
	}
	step.Up = []string{fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s %s;", table, c.Name, c.Definition())}
	if c.Name == tenantColumn && c.Default == currentTenant {
		step.Fails = fmt.Sprintf("where %s has rows, because they have no tenant: set app.tenant_id for the run (DATABASE?app.tenant_id=UUID in the URL), "+
			"and all of them become that tenant's", table)
		step.Breaks = "it works for no tenant"
	}
	if c.NotNull && c.Default == "" {
		step.Fails = fmt.Sprintf("where %s has rows, because they have no %s: say what they get with fill(…) in the answers, or fill it in here",
			table, unquote(c.Name))
		step.Breaks = "it adds no more rows to " + table
	}
	return step
}

// changedColumn changes what can be changed in the catalog alone.
func (d tableDiff) changedColumn(before, after Column) []MigrationStep {
	var steps []MigrationStep
	table, name := d.new.Name, d.new.Name+"."+after.Name
	add := func(summary string, up, down []string) {
		steps = append(steps, MigrationStep{Summary: summary, Up: up, Down: down})
	}
	if before.Type != after.Type {
		add(fmt.Sprintf("Change the type of %s from %s to %s", name, before.Type, after.Type),
			besideViews(d.old, setType(table, after)), besideViews(d.old, setType(table, before)))
	}
	if before.Default != after.Default {
		add("Change the default of "+name, []string{setDefault(table, after)}, []string{setDefault(table, before)})
	}
	if before.NotNull && !after.NotNull {
		add("Allow nulls in "+name, []string{alterColumn(table, after, "DROP NOT NULL")}, []string{alterColumn(table, after, "SET NOT NULL")})
	}
	return steps
}

// addConstraints adds those of a kind that are new or changed. They look at rows
// to come; those that exist are looked at later, while others write.
func (d tableDiff) addConstraints(e *expansion, ofKind func(Constraint) bool) {
	table := d.new.Name
	_, _, constraints := d.constraints()
	for _, c := range constraints {
		summary := fmt.Sprintf("Add the constraint %s", c.Name)
		switch {
		case !ofKind(c):
		case c.Kind == "unique":
			unique := Index{Name: c.Name, Columns: uniqueColumns(c), Unique: true}
			e.index = append(e.index, d.newIndex(unique))
			e.tighten = append(e.tighten, MigrationStep{Summary: summary,
				Up: []string{uniqueByIndex(table, c.Name, c.Name)}, Down: []string{dropConstraint(table, c), createIndex(table, unique)}})
		case c.Kind == "primary key":
			e.expand = append(e.expand, MigrationStep{Summary: summary, Up: []string{addConstraint(table, c)}, Down: []string{dropConstraint(table, c)},
				Locks: table + " waits until its key is indexed anew"})
		default:
			d.addNotValid(e, c, summary, d.implied(c))
		}
	}
	if ofKind(Constraint{Kind: "check"}) {
		for _, c := range d.tightened() {
			d.addNotValid(e, notNull(table, c), fmt.Sprintf("Forbid nulls in %s.%s from now on", table, c.Name), d.neverNull(c))
		}
	}
}

// addIndexes has new and changed ones made concurrently.
func (d tableDiff) addIndexes(e *expansion) {
	_, dropped, added := d.indexes()
	for _, i := range dropped {
		if slices.ContainsFunc(added, func(a Index) bool { return a.Name == i.Name }) { // its name is needed
			e.index = append(e.index, d.droppedIndex(i))
		}
	}
	for _, i := range added {
		e.index = append(e.index, d.newIndex(i))
	}
}

func (d tableDiff) newIndex(i Index) MigrationStep {
	step := MigrationStep{Summary: fmt.Sprintf("Add the index %s", i.Name), Up: []string{concurrently(createIndex(d.new.Name, i))},
		Down: []string{concurrently(dropIndex(i))}}
	unique := Constraint{Kind: "unique", Definition: "UNIQUE (" + strings.Join(i.Columns, ", ") + ")"}
	if i.Unique && !d.empty(i.Columns) && !d.implied(unique) {
		step.Fails = "where rows have the same " + strings.Join(mapStrings(i.Columns, unquote), ", ")
		step.Breaks = "it adds no rows that have the same"
	}
	return step
}

// addNotValid adds a constraint that rows may break, unless they are known to keep to it.
func (d tableDiff) addNotValid(e *expansion, c Constraint, summary string, kept bool) {
	table := d.new.Name
	step := MigrationStep{Summary: summary, Up: []string{strings.TrimSuffix(addConstraint(table, c), ";") + " NOT VALID;"}, Down: []string{dropConstraint(table, c)}}
	if !kept {
		step.Fails, step.Breaks = "where rows break it, when they are looked at", "it writes nothing that breaks it"
	}
	e.expand = append(e.expand, step)
	e.validate = append(e.validate, validated(table, c))
}

func validated(table string, c Constraint) MigrationStep {
	return MigrationStep{Summary: fmt.Sprintf("See that every row of %s keeps to %s", table, c.Name),
		Up: []string{fmt.Sprintf("ALTER TABLE %s VALIDATE CONSTRAINT %s;", table, c.Name)}}
}

// notNull is the check that stands in for NOT NULL until every row was looked at.
func notNull(table string, c Column) Constraint {
	return Constraint{Name: bridgeName(table, c.Name, "not_null"), Kind: "check", Definition: fmt.Sprintf("CHECK (%s IS NOT NULL)", c.Name)}
}

// tightened are the columns that must forbid nulls among rows that exist.
func (d tableDiff) tightened() []Column {
	return slices.DeleteFunc(slices.Clone(d.goal.Columns), func(c Column) bool {
		from, kept := d.former[c.Name]
		if !c.NotNull || c.Retired || d.retyped[c.Name] {
			return true
		}
		if !kept {
			return bridgeTo(d.copies, bridgeColumn, c.Name) == nil
		}
		return d.oldColumn(from).NotNull
	})
}

// tighten makes the promise that the rows keep by now, and puts columns of
// another type in the place of the old ones.
func (d tableDiff) tighten(e *expansion) {
	table := d.new.Name
	for _, c := range d.tightened() {
		check := notNull(table, c)
		e.tighten = append(e.tighten, MigrationStep{Summary: fmt.Sprintf("Forbid nulls in %s.%s", table, c.Name),
			Up:   []string{alterColumn(table, c, "SET NOT NULL"), dropConstraint(table, check)},
			Down: []string{addConstraint(table, check), alterColumn(table, c, "DROP NOT NULL")}})
	}
	for _, c := range d.goal.Columns {
		if d.retyped[c.Name] {
			d.retype(e, d.beforeColumn(d.former[c.Name], c), c)
		}
	}
}

// backfill brings the rows that exist up to date, a batch at a time.
func (d tableDiff) backfill(e *expansion) {
	table := d.new.Name
	var set, where, filled []string
	assign := func(c Column, column, value string) {
		filled = append(filled, table+"."+c.Name)
		set = append(set, column+" = "+value)
		where = append(where, column+" IS DISTINCT FROM "+value)
	}
	for _, c := range d.goal.Columns {
		filling := bridgeTo(d.goal.Bridges, bridgeFill, c.Name)
		fresh := filling != nil && bridgeTo(d.old.Bridges, bridgeFill, c.Name) == nil
		switch copied := bridgeTo(d.copies, bridgeColumn, c.Name); {
		case copied != nil && fresh:
			assign(c, c.Name, fmt.Sprintf("coalesce(%s, %s)", copied.cast(""), filling.Cast))
		case copied != nil:
			assign(c, c.Name, copied.cast(""))
		case d.retyped[c.Name]:
			assign(c, interim(c).Name, d.retypedValue(d.beforeColumn(d.former[c.Name], c), c, ""))
		case fresh:
			assign(c, c.Name, fmt.Sprintf("coalesce(%s, %s)", c.Name, filling.Cast))
		}
	}
	if len(set) == 0 {
		return
	}
	e.backfill = append(e.backfill, MigrationStep{Summary: "Bring " + strings.Join(filled, ", ") + " up to date",
		Up: []string{inBatches(table, d.key(), set, where)}})
	if len(d.goal.Policies) > 0 { // the owner too would see the rows of one tenant only
		lift, force := fmt.Sprintf("ALTER TABLE %s NO FORCE ROW LEVEL SECURITY;", table), fmt.Sprintf("ALTER TABLE %s FORCE ROW LEVEL SECURITY;", table)
		e.expand = append(e.expand, MigrationStep{Summary: "Let the owner see all rows of " + table, Up: []string{lift}, Down: []string{force}})
		e.tighten = append(e.tighten, MigrationStep{Summary: "Hold the owner of " + table + " to its policies again", Up: []string{force}, Down: []string{lift}})
	}
}

// key are the columns of the primary key.
func (d tableDiff) key() []Column {
	var key []Column
	for _, c := range d.goal.Constraints {
		if c.Kind != "primary key" {
			continue
		}
		for _, name := range strings.Split(strings.TrimSuffix(strings.TrimPrefix(c.Definition, "PRIMARY KEY ("), ")"), ", ") {
			key = append(key, columnNamed(d.goal.Columns, name))
		}
	}
	return key
}

func (d tableDiff) dropIndexes(e *expansion) {
	_, dropped, added := d.indexes()
	for _, i := range dropped {
		if !slices.ContainsFunc(added, func(a Index) bool { return a.Name == i.Name }) {
			e.unindex = append(e.unindex, d.droppedIndex(i))
		}
	}
}

func (d tableDiff) droppedIndex(i Index) MigrationStep {
	return MigrationStep{Summary: fmt.Sprintf("Drop the index %s", i.Name),
		Up: []string{concurrently(dropIndex(i))}, Down: []string{concurrently(createIndex(d.new.Name, i))}}
}

func uniqueColumns(c Constraint) []string {
	inside := strings.TrimSuffix(strings.TrimPrefix(c.Definition, "UNIQUE ("), ")")
	return strings.Split(inside, ", ")
}
