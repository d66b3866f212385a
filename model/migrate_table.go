package model

import "slices"

// tableDiff is a table that stays, perhaps under another name. All names and
// definitions of old are those after the tables were renamed.
type tableDiff struct {
	old, new Table
	goal     Table             // new, and what only the release before needs
	columns  []rename          // columns that cannot have both names at once
	copies   []Bridge          // columns that have both names
	former   map[string]string // new column name → old one, but for copies
	retyped  map[string]bool   // new names of the columns whose values are written anew for another type
	widened  map[string]bool   // of those for whose type the catalog alone changes
}

// newTableDiff compares a table with what becomes of it; tableNames maps the
// former names of tables to those that they get, and taken holds those.
func newTableDiff(old, new Table, tableNames, taken map[string]string) tableDiff {
	d := tableDiff{old: old, new: new, retyped: map[string]bool{}, widened: map[string]bool{}}
	d.old.Name = new.Name
	d.old.Constraints = withTargets(Table{Constraints: slices.Concat(old.Constraints, old.Deferred)}, tableNames).Constraints
	d.old.Deferred = nil
	oldNames, newNames := map[string]string{}, map[string]string{}
	for _, c := range new.Columns {
		newNames[c.Name] = c.Was
	}
	for _, c := range old.Columns {
		if !c.Retired || hasName(newNames, c.Name) { // nothing goes on under another name
			oldNames[c.Name] = c.Was
		}
	}
	d.former = pairNames(oldNames, newNames)
	for _, c := range new.Columns {
		d.pair(c, newNames)
	}
	d.goal = d.expanded()
	if old.Name != new.Name && !hasName(taken, old.Name) {
		view := viewBridge(old.Name, old, d.columns, new.Grants)
		d.goal.Bridges = append(d.goal.Bridges, view)
	}
	return d
}

// pair decides how a column goes on.
func (d *tableDiff) pair(c Column, newNames map[string]string) {
	from, kept := d.former[c.Name]
	if !kept {
		return
	}
	before := d.oldColumn(from)
	both := from != c.Name && !hasColumn(d.old, c.Name) && !hasName(newNames, from)
	switch {
	case both:
		d.copies = append(d.copies, columnBridge(d.new.Name, before, c))
		delete(d.former, c.Name)
	case from != c.Name:
		d.columns = append(d.columns, rename{kind: "column", table: d.new.Name, from: from, to: c.Name, alone: true})
	}
	if !both {
		d.widened[c.Name] = before.Type != c.Type && keepsBytes(before.Type, c.Type)
		d.retyped[c.Name] = before.Type != c.Type && !d.widened[c.Name]
	}
}

func (d tableDiff) oldColumn(name string) Column { return columnNamed(d.old.Columns, name) }

func columnNamed(columns []Column, name string) Column {
	return columns[slices.IndexFunc(columns, func(c Column) bool { return c.Name == name })]
}

// expanded is the new table with what the release before needs besides.
func (d tableDiff) expanded() Table {
	t := d.new
	t.Columns = slices.Clone(t.Columns)
	t.Bridges = slices.Concat(d.old.Bridges, d.copies)
	for i, c := range t.Columns {
		from, kept := d.former[c.Name]
		switch bridged := bridgeTo(t.Bridges, bridgeColumn, c.Name); {
		case !kept && bridged != nil:
			t.Columns[i].Default = ""
			if c.NotNull && c.filling() != "" {
				t.Bridges = append(t.Bridges, fillBridge(t.Name, c))
			}
		case !kept:
			if c.NotNull && c.Default == "" {
				t.Columns[i].Default = c.Fill
			}
		default:
			t.Columns[i].Default = d.keptDefault(d.oldColumn(from), c, bridged != nil)
			if c.NotNull && !d.oldColumn(from).NotNull && c.filling() != "" && bridgeTo(t.Bridges, bridgeFill, c.Name) == nil {
				t.Bridges = append(t.Bridges, fillBridge(t.Name, c))
			}
		}
	}
	for _, c := range d.leftColumns() {
		t.Columns = append(t.Columns, retiredColumn(c))
	}
	t.Indexes = slices.Concat(t.Indexes, d.leftIndexes())
	return t
}

// keptDefault is the default of a column meanwhile: the release before may not
// say a value that it always could leave out.
func (d tableDiff) keptDefault(before, after Column, bridged bool) string {
	if bridged || after.Default == "" && before.Default != "" && before.Type == after.Type {
		return before.Default
	}
	return after.Default
}

func bridgeTo(bridges []Bridge, kind, column string) *Bridge {
	i := slices.IndexFunc(bridges, func(b Bridge) bool { return b.Kind == kind && b.To == column })
	if i < 0 {
		return nil
	}
	return &bridges[i]
}

// leftColumns are those that the new table does without.
func (d tableDiff) leftColumns() []Column {
	kept := map[string]bool{}
	for _, from := range d.former {
		kept[from] = true
	}
	return slices.DeleteFunc(slices.Clone(d.old.Columns), func(c Column) bool { return kept[c.Name] })
}

// leftIndexes are those of the columns that the new table does without: the
// release before reads by them. One whose name is needed is not left.
func (d tableDiff) leftIndexes() []Index {
	left := map[string]bool{}
	for _, c := range d.leftColumns() {
		left[c.Name] = true
	}
	return slices.DeleteFunc(slices.Clone(d.old.Indexes), func(i Index) bool {
		needed := slices.ContainsFunc(d.new.Indexes, func(n Index) bool { return n.Name == i.Name })
		return needed || !slices.ContainsFunc(i.Columns, func(name string) bool { return left[name] })
	})
}

// retiredColumn is a column that new rows may leave out.
func retiredColumn(c Column) Column {
	c.Retired, c.Was, c.Fill, c.NotNull = true, "", "", false
	return c
}

// renamed returns text of the old table with its columns under their new names.
func (d tableDiff) renamed(text string) string {
	names := map[string]string{}
	for _, r := range d.columns {
		names[r.from] = r.to
	}
	return renameIdentifiers(text, names)
}

// touchesRetyped says whether a constraint or an index is on a column whose
// values are written anew; such a one is made anew with it.
func (d tableDiff) touchesRetyped(definition string) bool { return touches(definition, d.retyped) }

func touches(definition string, columns map[string]bool) bool {
	found := false
	eachIdentifier(definition, func(name string) string {
		found = found || columns[name]
		return name
	})
	return found
}

// constraints matches the constraints of both sides by what they say. Those of
// retyped columns are on none of the lists. A check on a column that gets wider
// is made anew, because PostgreSQL would look at every row meanwhile.
func (d tableDiff) constraints() (kept []rename, dropped, added []Constraint) {
	added = slices.DeleteFunc(slices.Concat(d.goal.Constraints, d.goal.Deferred), func(c Constraint) bool { return d.touchesRetyped(c.Definition) })
	for _, c := range d.old.Constraints {
		definition := d.renamed(c.Definition)
		match := slices.IndexFunc(added, func(n Constraint) bool { return n.Kind == c.Kind && n.Definition == definition })
		switch {
		case d.touchesRetyped(definition):
		case match < 0, c.Kind == "check" && touches(definition, d.widened):
			dropped = append(dropped, c)
		default:
			kept = append(kept, rename{kind: "constraint", table: d.new.Name, from: c.Name, to: added[match].Name})
			added = slices.Delete(added, match, match+1)
		}
	}
	return kept, dropped, added
}

// indexes matches the indexes of both sides likewise.
func (d tableDiff) indexes() (kept []rename, dropped, added []Index) {
	onRetyped := func(columns []string) bool {
		return slices.ContainsFunc(columns, func(name string) bool { return d.retyped[name] })
	}
	added = slices.DeleteFunc(slices.Clone(d.goal.Indexes), func(i Index) bool { return onRetyped(i.Columns) })
	for _, i := range d.old.Indexes {
		columns := mapStrings(i.Columns, d.renamed)
		match := slices.IndexFunc(added, func(n Index) bool {
			return n.Unique == i.Unique && n.Method == i.Method && n.Where == i.Where && slices.Equal(n.Columns, columns)
		})
		switch {
		case onRetyped(columns):
		case match < 0:
			dropped = append(dropped, i)
		default:
			kept = append(kept, rename{kind: "index", from: i.Name, to: added[match].Name})
			added = slices.Delete(added, match, match+1)
		}
	}
	return kept, dropped, added
}
