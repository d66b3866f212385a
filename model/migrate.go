package model

import (
	"fmt"
	"slices"
)

// MigrationStep is one change of a schema. Steps are done in order; they are
// undone in the reverse order, each by its own Down.
type MigrationStep struct {
	Summary string   // Add the column products.released_on
	Up      []string // statements, each with its semicolon
	Down    []string // nil where nothing is left to undo
	Loses   string   // what is lost for good; empty for nothing
	Locks   string   // who waits until a large table was read through; empty for nobody
	Fails   string   // when it cannot be done; empty for never
	Breaks  string   // what the release before can no longer do; empty for nothing
}

// SchemaMigration is one file of migrations.
type SchemaMigration struct {
	Phase string // expand | backfill | index | validate | tighten | contract
	Alone bool   // a single statement that cannot run in a transaction
	Steps []MigrationStep
}

// SchemaChange is the way from one schema to another.
type SchemaChange struct {
	Migrations []SchemaMigration // in the order in which they run
	Schema     []Table           // what the database holds once they have run
	Retired    []string          // what of it only the release before needs, each with what a contraction does
	Blocked    []string          // why there is no way yet; then there are no migrations
}

// ChangeSchema returns the migrations from the schema that earlier ones add up
// to, to what a design wants. They expand: the code of the release before goes on
// working on what they leave, so that both may run during a rollout, and no
// statement keeps a lock for longer than it takes to change the catalog. What
// only that release needs stays, retired, until a contraction is asked for.
// It is pure, and equal schemas need no migrations.
func ChangeSchema(recorded, wanted []Table, contract bool) SchemaChange {
	var migrations []SchemaMigration
	if reasons := newSchemaDiff(recorded, wanted).inTheWay(recorded); len(reasons) > 0 {
		if !contract {
			return SchemaChange{Schema: recorded, Blocked: reasons}
		}
		live := withoutRetired(recorded)
		migrations = append(migrations, contraction(recorded, live)...)
		recorded = live
	}
	diff := newSchemaDiff(recorded, wanted)
	migrations = append(migrations, diff.expansion()...)
	goal := diff.goal()
	if contract {
		migrations = append(migrations, contraction(goal, wanted)...)
		goal = wanted
	}
	return SchemaChange{Migrations: migrations, Schema: goal, Retired: retiredIn(goal)}
}

// Losses lists what the migrations lose for good.
func (c SchemaChange) Losses() []string {
	var losses []string
	for _, migration := range c.Migrations {
		for _, step := range migration.Steps {
			if step.Loses != "" {
				losses = append(losses, step.Loses)
			}
		}
	}
	return losses
}

// goal is what the database holds once the schemas are expanded.
func (d schemaDiff) goal() []Table {
	var tables []Table
	kept := map[string]Table{}
	for _, pair := range d.kept {
		kept[pair.new.Name] = pair.goal
	}
	for _, t := range d.wanted {
		if goal, ok := kept[t.Name]; ok {
			t = goal
		}
		tables = append(tables, t)
	}
	for _, t := range d.dropped {
		tables = append(tables, retiredTable(t))
	}
	return tables
}

// retiredTable is a table that the new code does not know: it must not stand in
// the way of deleting the rows that it refers to.
func retiredTable(t Table) Table {
	t.Retired, t.Deferred = true, nil
	t.Constraints = slices.DeleteFunc(slices.Clone(t.Constraints), isForeignKey)
	return t
}

func isForeignKey(c Constraint) bool   { return c.Kind == "foreign key" }
func isNoForeignKey(c Constraint) bool { return !isForeignKey(c) }

// withoutRetired is a schema as the newest code needs it.
func withoutRetired(tables []Table) []Table {
	var live []Table
	for _, t := range tables {
		if t.Retired {
			continue
		}
		gone := map[string]bool{}
		t.Bridges = nil
		t.Columns = slices.DeleteFunc(slices.Clone(t.Columns), func(c Column) bool {
			gone[c.Name] = c.Retired
			return c.Retired
		})
		for i, c := range t.Columns {
			if c.Fill != "" && c.Default == c.Fill { // no field has both for good
				t.Columns[i].Default = ""
			}
		}
		t.Indexes = slices.DeleteFunc(slices.Clone(t.Indexes), func(i Index) bool {
			return slices.ContainsFunc(i.Columns, func(name string) bool { return gone[name] })
		})
		live = append(live, t)
	}
	return live
}

// retiredIn says what a contraction of a schema would do.
func retiredIn(tables []Table) []string {
	var lines []string
	for _, migration := range contraction(tables, withoutRetired(tables)) {
		for _, step := range migration.Steps {
			lines = append(lines, step.Summary)
		}
	}
	return lines
}

// inTheWay lists what still stands for the release before and would have to be
// two things at once.
func (d schemaDiff) inTheWay(recorded []Table) []string {
	var reasons []string
	complain := func(format string, values ...any) { reasons = append(reasons, fmt.Sprintf(format, values...)) }
	for _, t := range recorded {
		for _, b := range t.Bridges {
			if b.Kind == bridgeView && slices.ContainsFunc(d.wanted, func(w Table) bool { return w.Name == b.From }) {
				complain("%s is still the name under which the release before knows %s", b.From, t.Name)
			}
		}
	}
	for _, r := range d.tables {
		if t := tableNamedIn(recorded, r.from); slices.ContainsFunc(t.Bridges, func(b Bridge) bool { return b.Kind == bridgeView }) {
			complain("%s still stands in for the name under which the release before knows it", r.from)
		}
	}
	for _, t := range d.wanted {
		if i := slices.IndexFunc(recorded, func(r Table) bool { return r.Name == t.Name && r.Retired }); i >= 0 && t.Was != "" &&
			slices.ContainsFunc(recorded, func(r Table) bool { return r.Name == t.Was && !r.Retired }) {
			complain("the table %s, which is no longer used, still stands", t.Name)
		}
	}
	for _, pair := range d.kept {
		for _, reason := range pair.inTheWay() {
			complain("%s", reason)
		}
	}
	return reasons
}

func (d tableDiff) inTheWay() []string {
	var reasons []string
	for _, b := range d.old.Bridges {
		if b.Kind == bridgeView {
			continue
		}
		to := d.former[b.To]
		if d.renamedFrom(b.To) || to == b.To && d.retyped[b.To] {
			reasons = append(reasons, fmt.Sprintf("%s.%s still stands in for what the release before knows", d.new.Name, b.To))
		}
		if b.From != "" && hasColumn(d.new, b.From) {
			reasons = append(reasons, fmt.Sprintf("%s.%s is still the name under which the release before knows %s", d.new.Name, b.From, b.To))
		}
	}
	for _, c := range d.new.Columns {
		if !hasColumn(d.old, c.Name) || !hasColumn(d.old, c.Was) || c.Was == c.Name {
			continue
		}
		standing, source := d.oldColumn(c.Name), d.oldColumn(c.Was)
		bridged := slices.ContainsFunc(d.old.Bridges, func(b Bridge) bool { return b.From == c.Name }) // and that was said
		if !bridged && standing.Retired && !source.Retired && standing.Was != c.Was {
			reasons = append(reasons, fmt.Sprintf("the column %s.%s, which is no longer used, still stands", d.new.Name, c.Name))
		}
	}
	return reasons
}

func (d tableDiff) renamedFrom(name string) bool {
	for to, from := range d.former {
		if from == name && to != name {
			return true
		}
	}
	return slices.ContainsFunc(d.copies, func(b Bridge) bool { return b.From == name })
}

func hasColumn(t Table, name string) bool {
	return slices.ContainsFunc(t.Columns, func(c Column) bool { return c.Name == name })
}
