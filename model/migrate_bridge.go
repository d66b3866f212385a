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
	Back    string   `json:",omitempty"` // NULL where To may have no like in From's type
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
	both := "\n        NEW." + b.From + " := " + b.back() + ";"
	if b.Back == "NULL" {
		both = ""
	}
	return triggerOn(table, b.Name, strings.NewReplacer("{from}", b.From, "{to}", b.To, "{cast}", b.cast("NEW."), "{back}", b.back(), "{both}", both).Replace(sameColumns))
}

// sameColumns keeps two columns equal, whichever of them a statement knows.
const sameColumns = `    IF TG_OP = 'UPDATE' AND NEW.{to} IS DISTINCT FROM OLD.{to} THEN
        NEW.{from} := {back};
    ELSIF TG_OP = 'UPDATE' AND NEW.{from} IS DISTINCT FROM OLD.{from} THEN
        NEW.{to} := {cast};
    ELSE
        NEW.{to} := coalesce(NEW.{to}, {cast});{both}
    END IF;`

func (b Bridge) cast(prefix string) string {
	if b.Cast == "" {
		return prefix + b.From
	}
	return strings.ReplaceAll(b.Cast, "{}", prefix+b.From)
}

func (b Bridge) back() string {
	if b.Back == "NULL" {
		return b.Back
	}
	return "NEW." + b.To
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
		b.Cast, b.Back = castTo("{}", before.Type, after.Type), "NULL"
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

func isNumber(sqlType string) bool {
	return strings.HasPrefix(sqlType, "numeric") || slices.Contains([]string{"smallint", "integer", "bigint", "double precision"}, sqlType)
}
