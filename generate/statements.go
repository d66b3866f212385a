package generate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"codex-design/model"
)

// textWidth is where SQL inside Python constants is wrapped.
const textWidth = 96

// change is a statement that writes one row of an entity's table.
type change struct {
	operation string   // create | update | delete
	lines     []string // up to RETURNING; {before} stands for the condition that a follower adds
	returns   []string // the columns that the caller reads
	own       int      // placeholders of its own: $1 to $own
}

// follower records a change within the statement that makes it, so that one
// cannot be without the other. Its lines are an INSERT that selects FROM changed,
// the row that was written or deleted; or FROM changed, before, where it compares
// with the row as an update found it. {name} stands for a value of its context.
type follower struct {
	name    string // of its common table expression
	lines   []string
	before  bool // an update keeps the row that it found as before
	context []contextValue
}

// contextValue is an argument that is in no row: who writes, for instance. A
// function returns it, or a method of an object of its module.
type contextValue struct {
	name, sqlType    string
	module, function string
}

// subject is who makes a change.
var subject = contextValue{"subject", "text", "kit.identity", "current_subject"}

// followers are asked, one after the other, what follows an operation on an entity.
var followers []func(e *EntityView, operation string) []follower

func (e *EntityView) followersOf(operation string) []follower {
	var all []follower
	for _, of := range followers {
		all = append(all, of(e, operation)...)
	}
	return all
}

// InsertStatement stores a new row.
func (e *EntityView) InsertStatement() string {
	return e.statement(change{"create", []string{e.InsertColumns(), e.InsertValues()}, e.columns(), len(e.Fields) + 1})
}

// UpdateStatement changes the columns that a patch names, where the row has one of the versions.
func (e *EntityView) UpdateStatement() string {
	lines := []string{"UPDATE " + e.Table, "SET"}
	for _, assignment := range append(e.Assignments(), "updated_at = now()") {
		lines = append(lines, "    "+assignment+",")
	}
	lines = append(lines, "    version = version + 1", "WHERE id = $1 {before}AND ($2::integer[] IS NULL OR version = ANY($2))")
	lines = append(lines, e.ownersOnly()...)
	return e.statement(change{"update", lines, e.columns(), 2*len(e.Fields) + 2})
}

// DeleteStatement deletes the row where it has one of the versions.
func (e *EntityView) DeleteStatement() string {
	lines := []string{"DELETE FROM " + e.Table, "WHERE id = $1 AND ($2::integer[] IS NULL OR version = ANY($2))"}
	lines = append(lines, e.ownersOnly()...)
	return e.statement(change{"delete", lines, []string{"id"}, 2})
}

// statement composes a change with what follows it.
func (e *EntityView) statement(c change) string {
	after := e.followersOf(c.operation)
	before := slices.ContainsFunc(after, func(f follower) bool { return f.before })
	condition := ""
	if before {
		condition = "AND EXISTS (SELECT FROM before) "
	}
	context := strings.NewReplacer(append(placeholders(e.contextOf(c.operation), c.own), "{before}", condition)...)
	lines := strings.Split(context.Replace(strings.Join(c.lines, "\n")), "\n")
	if len(after) == 0 {
		return strings.Join(append(lines, wrapList("RETURNING ", c.returns, "")), "\n")
	}
	var parts []string
	if before {
		parts = append(parts, expressionOf("before", e.Columns("SELECT"), "FROM "+e.Table, "WHERE id = $1", "FOR UPDATE"))
	}
	parts = append(parts, expressionOf("changed", append(lines, e.Columns("RETURNING"))...))
	for _, f := range after {
		parts = append(parts, expressionOf(f.name, strings.Split(context.Replace(strings.Join(f.lines, "\n")), "\n")...))
	}
	return "WITH " + strings.Join(parts, ", ") + "\n" + wrapList("SELECT ", c.returns, "") + "\nFROM changed"
}

// expressionOf is one part of a WITH clause.
func expressionOf(name string, lines ...string) string {
	return name + " AS (\n    " + indent(4, strings.Join(lines, "\n")) + "\n)"
}

// contextOf lists each value once that the statement of an operation needs.
func (e *EntityView) contextOf(operation string) []contextValue {
	values := e.ownerContext(operation)
	for _, f := range e.followersOf(operation) {
		for _, value := range f.context {
			if !slices.Contains(values, value) {
				values = append(values, value)
			}
		}
	}
	return values
}

// placeholders pairs the name of each value with its place after the statement's own arguments.
func placeholders(values []contextValue, own int) []string {
	var pairs []string
	for i, value := range values {
		pairs = append(pairs, "{"+value.name+"}", fmt.Sprintf("$%d::%s", own+1+i, value.sqlType))
	}
	return pairs
}

// contextValues are those of all the entity's statements.
func (e *EntityView) contextValues() []contextValue {
	return slices.Concat(e.contextOf("create"), e.contextOf("update"), e.contextOf("delete"))
}

// contextCalls are the arguments that the followers of an operation need.
func (e *EntityView) contextCalls(operation string) []expression {
	var calls []expression
	for _, value := range e.contextOf(operation) {
		calls = append(calls, atom(value.function+"()"))
	}
	return calls
}

// columns are those of the entity's table, in the order of its rows.
func (e *EntityView) columns() []string {
	return append(e.givenColumns(), "created_at", "updated_at", "version")
}

// givenColumns are those that a new row is given.
func (e *EntityView) givenColumns() []string {
	columns := []string{"id"}
	for _, field := range e.Fields {
		columns = append(columns, field.SQLName)
	}
	if e.Owned() {
		columns = append(columns, model.OwnerColumn)
	}
	return columns
}

// Columns are the columns for the lines of a statement that starts after the given word.
func (e *EntityView) Columns(word string) string { return wrapList(word+" ", e.columns(), "") }

// InsertColumns are the columns that a new row is given.
func (e *EntityView) InsertColumns() string {
	return wrapList("INSERT INTO "+e.Table+" (", e.givenColumns(), ")")
}

// InsertValues are the placeholders for InsertColumns.
func (e *EntityView) InsertValues() string {
	values := make([]string, len(e.Fields)+1)
	for i := range values {
		values[i] = "$" + strconv.Itoa(i+1)
	}
	if e.Owned() {
		values = append(values, "{"+subject.name+"}")
	}
	return wrapList("VALUES (", values, ")")
}

// wrapList joins the items after start, over several lines where one is too long.
func wrapList(start string, items []string, end string) string {
	if line := start + strings.Join(items, ", ") + end; len(line) <= textWidth-4 {
		return line
	}
	var b strings.Builder
	b.WriteString(strings.TrimRight(start, " "))
	width := textWidth
	for i, item := range items {
		if i < len(items)-1 {
			item += ","
		}
		if width+1+len(item) > textWidth-4 {
			b.WriteString("\n   ")
			width = 7
		}
		b.WriteString(" " + item)
		width += 1 + len(item)
	}
	if end != "" {
		b.WriteString("\n" + end)
	}
	return b.String()
}

// Assignments are the SET lines of the update, each with two placeholders:
// whether the column changes, and to what.
func (e *EntityView) Assignments() []string {
	lines := make([]string, len(e.Fields))
	for i, field := range e.Fields {
		lines[i] = fmt.Sprintf("%s = CASE WHEN $%d THEN $%d ELSE %s END", field.SQLName, 2*i+3, 2*i+4, field.SQLName)
	}
	return lines
}

// InsertCall is the repository's call with the values of a new row.
func (e *EntityView) InsertCall() string {
	arguments := atoms("INSERT", "row_id")
	for _, field := range e.Fields {
		arguments = append(arguments, atom("new."+field.Attribute))
	}
	arguments = append(arguments, e.contextCalls("create")...)
	return call("await db.fetch", arguments...).layout("        ", "(record,) = ", "")
}

// UpdateCall is the repository's call with the changes of a patch.
func (e *EntityView) UpdateCall() string {
	arguments := append(atoms("UPDATE", "row_id", "versions", "*changes"), e.contextCalls("update")...)
	return call("return self.found", call("await db.fetchrow", arguments...)).layout("        ", "", "")
}

// DeleteCall is the repository's call that deletes a row; empty where the shared
// library's own will do.
func (e *EntityView) DeleteCall() string {
	context := e.contextCalls("delete")
	if len(context) == 0 {
		return ""
	}
	deletion := call("await db.fetchval", append(atoms("DELETE", "row_id", "versions"), context...)...)
	if line := "        return " + deletion.String() + " is not None"; len(line) <= pythonWidth {
		return line
	}
	return deletion.layout("        ", "found = ", "") + "\n        return found is not None"
}

// AssignmentsCall gives the update's pairs of arguments.
func (e *EntityView) AssignmentsCall() string {
	arguments := atoms("patch")
	for _, field := range e.Fields {
		arguments = append(arguments, atom(pythonString(field.Attribute)))
	}
	return call("assignments", arguments...).layout("        ", "changes = ", "")
}
