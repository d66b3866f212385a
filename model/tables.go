package model

import (
	"fmt"
	"slices"
	"strings"
)

const (
	textLimit  = 65536 // characters of a text without its own max: a request body holds it
	emailLimit = 254   // RFC 5321, less the angle brackets
	urlLimit   = 2048  // what browsers and proxies carry, and still one index entry
)

// scalarTypes maps the kinds to PostgreSQL types. Texts are text with a check:
// a length can then be changed without rewriting or locking the table for long.
var scalarTypes = map[Kind]string{
	KindString: "text", KindText: "text", KindInt: "integer", KindBigint: "bigint", KindFloat: "double precision",
	KindBool: "boolean", KindDate: "date", KindTimestamp: "timestamptz", KindUUID: "uuid", KindJSON: "jsonb",
	KindEnum: "text", KindEmail: "text", KindURL: "text", KindRef: "uuid",
}

func sqlType(t Type) string {
	if t.Kind == KindDecimal {
		return fmt.Sprintf("numeric(%d,%d)", t.Precision, t.Scale)
	}
	return scalarTypes[t.Kind]
}

// bareKinds are written without quotes in SQL.
var bareKinds = []Kind{KindInt, KindBigint, KindDecimal, KindFloat, KindBool}

// sqlValue returns a value of the answers as a SQL literal of the type.
func sqlValue(t Type, value string) string {
	if slices.Contains(bareKinds, t.Kind) {
		return strings.ToLower(strings.TrimPrefix(value, "+"))
	}
	return sqlLiteral(value)
}

// TextLength returns the least and greatest length of a text field in
// characters; ok is false for a field that is no text.
func (f Field) TextLength() (least, greatest int, ok bool) {
	limits := map[Kind]int{KindString: f.Type.Length, KindText: textLimit, KindEmail: emailLimit, KindURL: urlLimit}
	greatest, ok = limits[f.Type.Kind]
	if !ok {
		return 0, 0, false
	}
	if f.Min != nil {
		fmt.Sscanf(*f.Min, "%d", &least)
	}
	if f.Max != nil {
		fmt.Sscanf(*f.Max, "%d", &greatest)
	}
	return least, greatest, true
}

// checkOf returns the expression that guards a column, empty where its type says all.
func checkOf(f FieldPlan) string {
	var parts []string
	if least, greatest, ok := f.TextLength(); ok {
		parts = append(parts, lengthCheck(f.SQLName, least, greatest))
	} else {
		parts = append(parts, boundsCheck(f)...)
	}
	if f.Type.Kind == KindEnum {
		parts = append(parts, f.SQLName+" IN ("+strings.Join(mapStrings(f.Type.Values, sqlLiteral), ", ")+")")
	}
	if f.Pattern != "" {
		parts = append(parts, f.SQLName+" ~ "+sqlLiteral(f.Pattern))
	}
	return strings.Join(parts, " AND ")
}

func lengthCheck(column string, least, greatest int) string {
	if least > 0 {
		return fmt.Sprintf("char_length(%s) BETWEEN %d AND %d", column, least, greatest)
	}
	return fmt.Sprintf("char_length(%s) <= %d", column, greatest)
}

func boundsCheck(f FieldPlan) []string {
	var parts []string
	if f.Min != nil {
		parts = append(parts, f.SQLName+" >= "+sqlValue(f.Type, *f.Min))
	}
	if f.Max != nil {
		parts = append(parts, f.SQLName+" <= "+sqlValue(f.Type, *f.Max))
	}
	return parts
}

// schemaOf returns the tables of a service in the order in which they can be created.
func (b Blueprint) schemaOf(s ServicePlan) []Table {
	var tables []Table
	placed := map[string]bool{}
	for _, entity := range creationOrder(s.Entities) {
		placed[entity.Name] = true
		tables = append(tables, tableOf(entity, placed))
	}
	tables = append(tables, idempotencyTable())
	if b.Security.Audit {
		tables = append(tables, auditTable())
	}
	separateNames(tables)
	if b.Security.Tenants() {
		tables = perTenant(tables, s)
	}
	tables = append(tables, s.eventTables()...)
	for _, entity := range s.Entities {
		if entity.ReadTable != "" {
			tables = append(tables, readTable(entity))
		}
	}
	if s.SplitRoles() {
		grantTables(tables, s)
	}
	return tables
}

// separateNames numbers the names that two tables would both give to an index:
// PostgreSQL keeps tables, indexes and the constraints with an index in one space.
func separateNames(tables []Table) {
	taken := uniqueNames{}
	for _, table := range tables {
		taken[unquote(table.Name)] = true
	}
	for _, table := range tables {
		for i, c := range table.Constraints {
			if c.Kind == "primary key" || c.Kind == "unique" {
				table.Constraints[i].Name = taken.take(c.Name)
			}
		}
		for i, index := range table.Indexes {
			table.Indexes[i].Name = taken.take(index.Name)
		}
	}
}

// creationOrder puts every entity after those that it refers to. In a cycle the
// first entity whose open references may be null goes ahead; its foreign keys
// are added afterwards.
func creationOrder(entities []EntityPlan) []EntityPlan {
	waiting := slices.Clone(entities)
	placed := map[string]bool{}
	var order []EntityPlan
	for len(waiting) > 0 {
		next := nextEntity(waiting, placed)
		placed[waiting[next].Name] = true
		order = append(order, waiting[next])
		waiting = slices.Delete(waiting, next, next+1)
	}
	return order
}

func nextEntity(waiting []EntityPlan, placed map[string]bool) int {
	for _, ready := range []func(EntityPlan, map[string]bool) bool{refersBack, requiresBack} {
		for i, entity := range waiting {
			if ready(entity, placed) {
				return i
			}
		}
	}
	return 0
}

// refersBack reports whether all targets of an entity stand already.
func refersBack(e EntityPlan, placed map[string]bool) bool {
	return !slices.ContainsFunc(e.References, func(r Reference) bool { return r.Local && r.Entity != e.Name && !placed[r.Entity] })
}

// requiresBack reports whether all targets stand that the entity cannot do without.
func requiresBack(e EntityPlan, placed map[string]bool) bool {
	for _, ref := range e.References {
		if ref.Local && ref.Entity != e.Name && !placed[ref.Entity] && !e.field(ref.Field).Nullable {
			return false
		}
	}
	return true
}

func (e EntityPlan) field(json string) FieldPlan {
	i := slices.IndexFunc(e.Fields, func(f FieldPlan) bool { return f.JSON == json })
	if i < 0 {
		return FieldPlan{JSON: json}
	}
	return e.Fields[i]
}

func tableOf(e EntityPlan, placed map[string]bool) Table {
	name := unquote(e.Table)
	table := Table{Name: e.Table, Comment: e.Description}
	if e.Was != "" {
		table.Was = QuoteSQL(shorten(Plural(e.Was)))
	}
	table.Columns = columnsOf(e)
	table.Constraints = append(table.Constraints, Constraint{
		Name: constraintName(name, "", "pkey"), Kind: "primary key", Definition: "PRIMARY KEY (id)", Field: "id"})
	for _, field := range e.Fields {
		if field.Unique {
			table.Constraints = append(table.Constraints, Constraint{Name: constraintName(name, field.Column, "key"),
				Kind: "unique", Definition: "UNIQUE (" + field.SQLName + ")", Field: field.JSON})
		}
	}
	for _, ref := range e.References {
		if ref.Local && placed[ref.Entity] {
			table.Constraints = append(table.Constraints, foreignKey(e, ref))
		} else if ref.Local {
			table.Deferred = append(table.Deferred, foreignKey(e, ref))
		}
	}
	for _, field := range e.Fields {
		if field.Check != "" {
			table.Constraints = append(table.Constraints, Constraint{Name: constraintName(name, field.Column, "check"),
				Kind: "check", Definition: "CHECK (" + field.Check + ")", Field: field.JSON})
		}
	}
	table.Indexes = indexesOf(e)
	return table
}

func foreignKey(e EntityPlan, ref Reference) Constraint {
	return Constraint{Name: ref.Constraint, Kind: "foreign key", Field: ref.Field,
		Definition: fmt.Sprintf("FOREIGN KEY (%s) REFERENCES %s (id) ON DELETE RESTRICT", e.field(ref.Field).SQLName, ref.Table)}
}

func columnsOf(e EntityPlan) []Column {
	columns := []Column{{Name: "id", Type: "uuid", NotNull: true}}
	for _, field := range e.Fields {
		column := Column{Name: field.SQLName, Type: field.SQLType, NotNull: !field.Nullable, Default: field.SQLDefault}
		if field.Fill != nil {
			column.Fill = sqlValue(field.Type, *field.Fill)
		}
		if field.Was != "" {
			column.Was = QuoteSQL(sqlColumn(fieldJSON(field.Field, field.Was)))
		}
		columns = append(columns, column)
	}
	if e.Owned() {
		columns = append(columns, ownerColumn())
	}
	return append(columns,
		Column{Name: "created_at", Type: "timestamptz", NotNull: true, Default: "now()"},
		Column{Name: "updated_at", Type: "timestamptz", NotNull: true, Default: "now()"},
		Column{Name: "version", Type: "integer", NotNull: true, Default: "1"})
}

// indexesOf returns one index per list order and per filter. The index of a
// filter goes on with the default order, so that a filtered page is read in
// order and the foreign key that it starts with is covered too. A unique
// constraint has an index of its own.
func indexesOf(e EntityPlan) []Index {
	name := unquote(e.Table)
	indexes := []Index{{Name: constraintName(name, "created_at_id", "idx"), Columns: []string{"created_at", "id"}}}
	if e.Owned() {
		indexes = append(indexes, Index{Name: constraintName(name, OwnerColumn+"_created_at", "idx"), Columns: []string{OwnerColumn, "created_at", "id"}})
	}
	for _, field := range e.Fields {
		switch {
		case field.Unique || !indexable(field):
		case sortable(field):
			indexes = append(indexes, Index{Name: constraintName(name, field.Column+"_id", "idx"), Columns: []string{field.SQLName, "id"}})
		case filterable(field) || field.Type.Kind == KindRef || field.Index:
			indexes = append(indexes, Index{Name: constraintName(name, field.Column+"_created_at", "idx"),
				Columns: []string{field.SQLName, "created_at", "id"}})
		}
	}
	return indexes
}

const idempotencyName = "idempotency_keys"

// idempotencyTable holds the replies to requests that carried an
// Idempotency-Key, as the shared library reads and writes them.
func idempotencyTable() Table {
	return Table{
		Name:    idempotencyName,
		Comment: "Replies to requests with an Idempotency-Key, kept until they expire",
		Columns: []Column{
			{Name: "operation", Type: "text", NotNull: true},
			{Name: "key", Type: "text", NotNull: true},
			{Name: "fingerprint", Type: "bytea", NotNull: true},
			{Name: "status", Type: "smallint"},
			{Name: "headers", Type: "jsonb"},
			{Name: "body", Type: "bytea"},
			{Name: "expires_at", Type: "timestamptz", NotNull: true},
		},
		Constraints: []Constraint{{Name: "idempotency_keys_pkey", Kind: "primary key", Definition: "PRIMARY KEY (operation, key)"}},
		Indexes:     []Index{{Name: "idempotency_keys_expires_at_idx", Columns: []string{"expires_at"}}},
	}
}

// constraintName follows PostgreSQL's own naming: table_column_suffix.
func constraintName(table, column, suffix string) string {
	stem := table
	if column != "" {
		stem += "_" + column
	}
	return shortenWith(stem, "_"+suffix)
}

func unquote(name string) string {
	if strings.HasPrefix(name, `"`) {
		return strings.ReplaceAll(strings.Trim(name, `"`), `""`, `"`)
	}
	return name
}

func mapStrings(in []string, f func(string) string) []string {
	out := make([]string, len(in))
	for i, s := range in {
		out[i] = f(s)
	}
	return out
}
