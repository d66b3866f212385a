package model

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// CreateSchema is the SQL that makes every table, each after the tables that it
// refers to; foreign keys that close a cycle come last.
func CreateSchema(tables []Table) string {
	var paragraphs, deferred []string
	for _, t := range tables {
		paragraphs = append(paragraphs, strings.Join(wholeTable(t), "\n"))
		for _, key := range t.Deferred {
			deferred = append(deferred, addConstraint(t.Name, key))
		}
	}
	if len(deferred) > 0 {
		paragraphs = append(paragraphs, strings.Join(deferred, "\n"))
	}
	return strings.Join(paragraphs, "\n\n")
}

// DropSchema is the SQL that undoes CreateSchema, in the reverse order.
func DropSchema(tables []Table) string {
	var constraints, drops []string
	for _, t := range slices.Backward(tables) {
		for _, key := range t.Deferred {
			constraints = append(constraints, dropConstraint(t.Name, key))
		}
		drops = append(drops, dropTable(t)...)
	}
	return strings.Join(append(constraints, drops...), "\n")
}

// createTable is the statement that makes a table with all but its deferred
// constraints.
func createTable(t Table) string {
	var lines []string
	for _, column := range t.Columns {
		lines = append(lines, "    "+column.Name+" "+column.Definition())
	}
	for _, constraint := range t.Constraints {
		lines = append(lines, "    CONSTRAINT "+constraint.Name+" "+constraint.Definition)
	}
	settings := ""
	if t.Settings != "" {
		settings = " WITH (" + t.Settings + ")"
	}
	return fmt.Sprintf("CREATE TABLE %s (\n%s\n)%s;", t.Name, strings.Join(lines, ",\n"), settings)
}

// dropTable lists the statements that undo wholeTable; only routines outlive their table.
func dropTable(t Table) []string {
	var statements []string
	for _, routine := range t.Routines {
		statements = append(statements, dropRoutine(routine))
	}
	return append(statements, "DROP TABLE "+t.Name+";")
}

// Definition is what follows a column's name in CREATE TABLE and ADD COLUMN.
func (c Column) Definition() string {
	definition := c.Type
	if c.NotNull {
		definition += " NOT NULL"
	}
	if c.Default != "" {
		definition += " DEFAULT " + c.Default
	}
	return definition
}

func commentOn(t Table) string {
	if t.Comment == "" {
		return fmt.Sprintf("COMMENT ON TABLE %s IS NULL;", t.Name)
	}
	return fmt.Sprintf("COMMENT ON TABLE %s IS %s;", t.Name, sqlLiteral(t.Comment))
}

func addConstraint(table string, c Constraint) string {
	return fmt.Sprintf("ALTER TABLE %s ADD CONSTRAINT %s %s;", table, c.Name, c.Definition)
}

func dropConstraint(table string, c Constraint) string {
	return fmt.Sprintf("ALTER TABLE %s DROP CONSTRAINT %s;", table, c.Name)
}

func createIndex(table string, i Index) string {
	unique, method, where := "", "", ""
	if i.Unique {
		unique = "UNIQUE "
	}
	if i.Method != "" {
		method = " USING " + i.Method
	}
	if i.Where != "" {
		where = " WHERE " + i.Where
	}
	return fmt.Sprintf("CREATE %sINDEX %s ON %s%s (%s)%s;", unique, i.Name, table, method, strings.Join(i.Columns, ", "), where)
}

func dropIndex(i Index) string { return fmt.Sprintf("DROP INDEX %s;", i.Name) }

// wholeTable lists the statements that make a table, its comment and its indexes.
func wholeTable(t Table) []string {
	statements := []string{createTable(t)}
	if t.Comment != "" {
		statements = append(statements, commentOn(t))
	}
	for _, index := range t.Indexes {
		statements = append(statements, createIndex(t.Name, index))
	}
	if len(t.Policies) > 0 {
		statements = append(statements, enforceRowSecurity(t.Name)...)
	}
	for _, policy := range t.Policies {
		statements = append(statements, createPolicy(t.Name, policy))
	}
	for _, grant := range t.Grants {
		statements = append(statements, grantOn(t.Name, grant))
	}
	for _, routine := range t.Routines {
		statements = append(statements, createRoutine(routine)...)
	}
	return statements
}

// enforceRowSecurity lists the statements that hold even the owner of a table to its policies.
func enforceRowSecurity(table string) []string {
	return []string{
		fmt.Sprintf("ALTER TABLE %s ENABLE ROW LEVEL SECURITY;", table),
		fmt.Sprintf("ALTER TABLE %s FORCE ROW LEVEL SECURITY;", table),
	}
}

// liftRowSecurity lists the statements that undo enforceRowSecurity.
func liftRowSecurity(table string) []string {
	return []string{
		fmt.Sprintf("ALTER TABLE %s NO FORCE ROW LEVEL SECURITY;", table),
		fmt.Sprintf("ALTER TABLE %s DISABLE ROW LEVEL SECURITY;", table),
	}
}

func createPolicy(table string, p Policy) string {
	role := ""
	if p.Role != "" {
		role = " TO " + p.Role
	}
	return fmt.Sprintf("CREATE POLICY %s ON %s%s\n    USING (%s);", p.Name, table, role, p.Using)
}

func dropPolicy(table string, p Policy) string {
	return fmt.Sprintf("DROP POLICY %s ON %s;", p.Name, table)
}

func grantOn(table string, g Grant) string {
	return fmt.Sprintf("GRANT %s ON %s TO %s;", strings.Join(g.Privileges, ", "), table, g.Role)
}

func revokeOn(table string, g Grant) string {
	return fmt.Sprintf("REVOKE %s ON %s FROM %s;", strings.Join(g.Privileges, ", "), table, g.Role)
}

// createRoutine lists the statements that make a function that only the named roles may run.
func createRoutine(r Routine) []string {
	call := r.Name + "(" + argumentTypes(r.Arguments) + ")"
	return []string{
		fmt.Sprintf("CREATE FUNCTION %s(%s) %s;", r.Name, r.Arguments, r.Definition),
		fmt.Sprintf("REVOKE ALL ON FUNCTION %s FROM PUBLIC;", call),
		fmt.Sprintf("GRANT EXECUTE ON FUNCTION %s TO %s;", call, strings.Join(r.Roles, ", ")),
	}
}

func dropRoutine(r Routine) string {
	return fmt.Sprintf("DROP FUNCTION %s(%s);", r.Name, argumentTypes(r.Arguments))
}

// argumentTypes drops the names of a function's arguments.
func argumentTypes(arguments string) string {
	var types []string
	for _, argument := range strings.Split(arguments, ",") {
		_, kind, _ := strings.Cut(strings.TrimSpace(argument), " ")
		types = append(types, kind)
	}
	return strings.Join(types, ", ")
}

func dropColumn(table string, c Column) string {
	return fmt.Sprintf("ALTER TABLE %s DROP COLUMN %s;", table, c.Name)
}

func alterColumn(table string, c Column, action string) string {
	return fmt.Sprintf("ALTER TABLE %s ALTER COLUMN %s %s;", table, c.Name, action)
}

// setDefault is the statement that gives a column its default, or takes it away.
func setDefault(table string, c Column) string {
	if c.Default == "" {
		return alterColumn(table, c, "DROP DEFAULT")
	}
	return alterColumn(table, c, "SET DEFAULT "+c.Default)
}

// setType is the statement that changes a type where no value has to be written anew.
func setType(table string, c Column) string { return alterColumn(table, c, "TYPE "+c.Type) }

// concurrently lets others write meanwhile. The statement must stand alone.
func concurrently(statement string) string {
	return strings.Replace(statement, "INDEX ", "INDEX CONCURRENTLY ", 1)
}

func uniqueByIndex(table, name, index string) string {
	return fmt.Sprintf("ALTER TABLE %s ADD CONSTRAINT %s UNIQUE USING INDEX %s;", table, name, index)
}

// batchRows are the rows that a backfill changes before it commits and lets others go ahead.
const batchRows = 5000

// inBatches is the statement that changes every row of a table that needs it, in
// the order of its key.
func inBatches(table string, key []Column, set, where []string) string {
	columns := names(key)
	prefixed := func(prefix string) []string {
		return mapStrings(columns, func(name string) string { return QuoteSQL(prefix + unquote(name)) })
	}
	var declare []string
	for i, c := range key {
		declare = append(declare, fmt.Sprintf("    %s %s := %s;", prefixed("after_")[i], c.Type, leastValues[c.Type]),
			fmt.Sprintf("    %s %s;", prefixed("upto_")[i], c.Type))
	}
	backwards := mapStrings(columns, func(name string) string { return name + " DESC" })
	next := make([]string, len(key))
	for i := range key {
		next[i] = fmt.Sprintf("        %s := %s;", prefixed("after_")[i], prefixed("upto_")[i])
	}
	condition := strings.Join(where, " OR ")
	if len(where) > 1 {
		condition = "(" + condition + ")"
	}
	return strings.NewReplacer("{table}", table, "{rows}", strconv.Itoa(batchRows), "{declare}", strings.Join(declare, "\n"),
		"{key}", strings.Join(columns, ", "), "{row}", asRow(columns), "{after}", asRow(prefixed("after_")), "{upto}", asRow(prefixed("upto_")),
		"{into}", strings.Join(prefixed("upto_"), ", "), "{last}", prefixed("upto_")[0], "{backwards}", strings.Join(backwards, ", "),
		"{set}", strings.Join(set, ",\n            "), "{condition}", condition, "{next}", strings.Join(next, "\n")).Replace(batchLoop)
}

const batchLoop = `DO $$
DECLARE
{declare}
BEGIN
    LOOP
        SELECT {key} INTO {into}
        FROM (SELECT {key} FROM {table} WHERE {row} > {after} ORDER BY {key} LIMIT {rows}) AS batch
        ORDER BY {backwards} LIMIT 1;
        EXIT WHEN {last} IS NULL;
        UPDATE {table}
        SET {set}
        WHERE {row} > {after} AND {row} <= {upto} AND {condition};
        COMMIT;
{next}
    END LOOP;
END
$$;`

// leastValues start the walk through a table, by the type of its key.
var leastValues = map[string]string{"uuid": "'00000000-0000-0000-0000-000000000000'", "text": "''", "bigint": "-1"}

func asRow(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	return "(" + strings.Join(names, ", ") + ")"
}

func names(columns []Column) []string {
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = c.Name
	}
	return list
}

// keepsBytes reports whether the values of a type need not be written anew for another.
func keepsBytes(from, to string) bool {
	var p, s, q, r int
	n, _ := fmt.Sscanf(from, "numeric(%d,%d)", &p, &s)
	m, _ := fmt.Sscanf(to, "numeric(%d,%d)", &q, &r)
	return n == 2 && m == 2 && r == s && q >= p
}

// widens reports whether every value of one type has its like in another.
func widens(from, to string) bool {
	if to == "text" {
		return true
	}
	var p, s, q, r int
	if n, _ := fmt.Sscanf(to, "numeric(%d,%d)", &q, &r); n == 2 {
		if n, _ := fmt.Sscanf(from, "numeric(%d,%d)", &p, &s); n == 2 {
			return r >= s && q-r >= p-s
		}
		digits := map[string]int{"smallint": 5, "integer": 10, "bigint": 19}[from]
		return digits > 0 && q-r >= digits
	}
	return from == to || from == "integer" && (to == "bigint" || to == "double precision") || from == "date" && to == "timestamptz"
}
