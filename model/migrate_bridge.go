package model

import (
	"fmt"
	"slices"
	"strings"
)

// Bridge lets the code of the release before work on a table of this one.
type Bridge struct {
	Name    string   // of the trigger and its function; of the view
	Kind    string   // column: two columns hold the same; fill: nulls become a value; view: the table's former name
	From    string   `json:",omitempty"` // the column, or the table, as the release before knows it
	To      string   `json:",omitempty"` // the column as this release knows it
	Cast    string   `json:",omitempty"` // {} as To's type, where that is not From's; of fill, the value
	Back    string   `json:",omitempty"` // {} as From's type, where that is not To's; NULL if there is no way back
	Columns []string `json:",omitempty"` // of the view
	Grants  []Grant  `json:",omitempty"` // on the view
}

const (
	bridgeColumn = "column"
	bridgeFill   = "fill"
	bridgeView   = "view"
)

func (b Bridge) summary(table string) string {
	switch b.Kind {
	case bridgeColumn:
		return fmt.Sprintf("Keep %s.%s and %s the same for the release before", table, b.From, b.To)
	case bridgeFill:
		return fmt.Sprintf("Fill in %s.%s where the release before leaves it out", table, b.To)
	}
	return fmt.Sprintf("Let the release before find %s under the name %s", table, b.From)
}

// create lists the statements that build the bridge.
func (b Bridge) create(table string) []string {
	switch b.Kind {
	case bridgeView:
		statements := []string{fmt.Sprintf("CREATE VIEW %s WITH (security_invoker = true) AS\n    SELECT %s\n    FROM %s;",
			b.Name, strings.Join(b.Columns, ", "), table)}
		for _, grant := range b.Grants {
			statements = append(statements, grantOn(b.Name, grant))
		}
		return statements
	case bridgeFill:
		return triggerOn(table, b.Name, fmt.Sprintf("    NEW.%s := coalesce(NEW.%[1]s, %s);", b.To, b.Cast))
	}
	unlike := ""
	if b.Cast != "" {
		unlike = fmt.Sprintf(" AND NEW.%s IS DISTINCT FROM %s", b.To, b.cast("NEW."))
	}
	return triggerOn(table, b.Name, strings.NewReplacer("{from}", b.From, "{to}", b.To, "{cast}", b.cast("NEW."), "{back}", b.back("NEW."),
		"{unlike}", unlike).Replace(sameColumns))
}

// sameColumns keeps two columns equal, whichever of them a statement knows. What
// one of them was made from is not made from it in turn: its type may hold less.
const sameColumns = `    IF TG_OP = 'UPDATE' AND NEW.{to} IS DISTINCT FROM OLD.{to}{unlike} THEN
        NEW.{from} := {back};
    ELSIF TG_OP = 'UPDATE' AND NEW.{from} IS DISTINCT FROM OLD.{from} OR NEW.{to} IS NULL THEN
        NEW.{to} := {cast};
    ELSIF TG_OP = 'INSERT' THEN
        NEW.{from} := {back};
    END IF;`

func (b Bridge) cast(prefix string) string {
	if b.Cast == "" {
		return prefix + b.From
	}
	return strings.ReplaceAll(b.Cast, "{}", prefix+b.From)
}

func (b Bridge) back(prefix string) string {
	if b.Back == "" {
		return prefix + b.To
	}
	return strings.ReplaceAll(b.Back, "{}", prefix+b.To)
}

func (b Bridge) drop(table string) []string {
	if b.Kind == bridgeView {
		return []string{fmt.Sprintf("DROP VIEW %s;", b.Name)}
	}
	return dropTrigger(table, b.Name)
}

func (b Bridge) step(table string) MigrationStep {
	return MigrationStep{Summary: b.summary(table), Up: b.create(table), Down: b.drop(table)}
}

func triggerOn(table, name, body string) []string {
	return []string{
		fmt.Sprintf("CREATE FUNCTION %s() RETURNS trigger LANGUAGE plpgsql AS $$\nBEGIN\n%s\n    RETURN NEW;\nEND\n$$;", name, body),
		fmt.Sprintf("CREATE TRIGGER %s BEFORE INSERT OR UPDATE ON %s\n    FOR EACH ROW EXECUTE FUNCTION %[1]s();", name, table),
	}
}

func dropTrigger(table, name string) []string {
	return []string{fmt.Sprintf("DROP TRIGGER %s ON %s;", name, table), fmt.Sprintf("DROP FUNCTION %s();", name)}
}

func bridgeName(table, column, suffix string) string {
	return constraintName(unquote(table), unquote(column), suffix)
}

// columnBridge lets a renamed column answer to its former name as well.
func columnBridge(table string, before, after Column) Bridge {
	b := Bridge{Name: bridgeName(table, after.Name, "bridge"), Kind: bridgeColumn, From: before.Name, To: after.Name}
	if before.Type != after.Type {
		b.Cast, b.Back = castTo("{}", before.Type, after.Type), castBack("{}", after.Type, before.Type)
	}
	return b
}

func fillBridge(table string, c Column) Bridge {
	return Bridge{Name: bridgeName(table, c.Name, "fill"), Kind: bridgeFill, To: c.Name, Cast: c.filling()}
}

// viewBridge lets a renamed table answer to its former name as well.
func viewBridge(from string, old Table, renamed []rename, grants []Grant) Bridge {
	b := Bridge{Name: from, Kind: bridgeView, From: from, Grants: grants}
	for _, c := range old.Columns {
		name := c.Name
		if i := slices.IndexFunc(renamed, func(r rename) bool { return r.from == name }); i >= 0 {
			name = renamed[i].to + " AS " + name
		}
		b.Columns = append(b.Columns, name)
	}
	return b
}

// filling is the value for rows without one; empty if there is none.
func (c Column) filling() string {
	if c.Fill != "" {
		return c.Fill
	}
	return c.Default
}

// castTo is a value of one type as another. Types that PostgreSQL does not cast
// into each other are read from their text; days begin in UTC, wherever the
// session is.
func castTo(value, from, to string) string {
	switch {
	case from == "date" && to == "timestamptz":
		return value + "::timestamp AT TIME ZONE 'UTC'"
	case from == "timestamptz" && to == "date":
		return "(" + value + " AT TIME ZONE 'UTC')::date"
	case widens(from, to), isNumber(from) && isNumber(to):
		return value + "::" + to
	}
	return value + "::text::" + to
}

// castBack is a value of one type as another, for those who expect that one still.
// It never fails: what has no like there is NULL.
func castBack(value, from, to string) string {
	var precision, scale int
	switch {
	case from == "timestamptz" && to == "date", from == "date" && to == "timestamptz", to == "text":
		return castTo(value, from, to)
	case !isNumber(from) || !isNumber(to):
		return "NULL"
	case to == "double precision":
		return value + "::" + to
	case integerLimits[to] != "":
		return fmt.Sprintf("CASE WHEN %s::numeric BETWEEN %s THEN %[1]s::%[3]s END", value, integerLimits[to], to)
	}
	_, _ = fmt.Sscanf(to, "numeric(%d,%d)", &precision, &scale)
	return fmt.Sprintf("CASE WHEN abs(round(%s::numeric, %d)) < 1e%d THEN %[1]s::%[4]s END", value, scale, precision-scale, to)
}

var integerLimits = map[string]string{
	"integer": "-2147483648 AND 2147483647", "bigint": "-9223372036854775808 AND 9223372036854775807",
}

func isNumber(sqlType string) bool {
	return strings.HasPrefix(sqlType, "numeric") || slices.Contains([]string{"smallint", "integer", "bigint", "double precision"}, sqlType)
}
