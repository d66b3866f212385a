package model

import (
	"fmt"
	"slices"
	"strings"
)

const (
	readSuffix    = "_read"
	searchColumn  = "searched_words"
	deletedColumn = "tombstoned_at"
	searchLength  = 200     // characters of a search
	searchedMost  = 200_000 // characters of a record that are searched: a tsvector holds a mebibyte
	stillThere    = deletedColumn + " IS NULL"
)

// searchedKinds are words that a person would search for.
var searchedKinds = []Kind{KindString, KindText, KindEmail, KindURL, KindEnum}

// Searched are the fields whose words a search finds.
func (e EntityPlan) Searched() []FieldPlan {
	return slices.DeleteFunc(slices.Clone(e.EventData()), func(f FieldPlan) bool { return !slices.Contains(searchedKinds, f.Type.Kind) })
}

// SearchExpression makes the words of a record searchable; NULL where it has none.
func (e EntityPlan) SearchExpression() string {
	searched := e.Searched()
	if len(searched) == 0 {
		return "NULL::tsvector"
	}
	text, longest := "concat_ws(' '", 0
	for _, f := range searched {
		text += ", " + f.SQLName
		if _, most, ok := f.TextLength(); ok {
			longest += most
		}
	}
	text += ")"
	if longest > searchedMost {
		text = fmt.Sprintf("left(%s, %d)", text, searchedMost)
	}
	return "to_tsvector('simple', " + text + ")"
}

// ReadColumns are the columns of the record that its read model shows.
func (e EntityPlan) ReadColumns() []string {
	columns := []string{"id"}
	for _, f := range e.EventData() {
		columns = append(columns, f.SQLName)
	}
	return append(columns, "created_at", "updated_at", "version")
}

// readTable holds what lists and searches show of an entity: its public fields as
// the newest event told them. A deleted record stays as a tombstone for a while.
func readTable(e EntityPlan) Table {
	name := unquote(e.ReadTable)
	table := Table{
		Name: e.ReadTable, Comment: "Read model: " + lowerFirst(e.PluralTitle) + " as lists and searches show them, kept by events",
		Constraints: []Constraint{{Name: constraintName(name, "", "pkey"), Kind: "primary key", Definition: "PRIMARY KEY (id)"}},
	}
	if e.Was != "" {
		table.Was = QuoteSQL(shortenWith(Plural(e.Was), readSuffix))
	}
	public := e
	public.Fields, public.Table = e.EventData(), e.ReadTable
	table.Columns = append(columnsOf(public), Column{Name: deletedColumn, Type: "timestamptz"}, Column{Name: searchColumn, Type: "tsvector"})
	for i, f := range public.Fields { // two records may seem to share a unique value for a moment: events come in any order
		public.Fields[i].Unique, public.Fields[i].Index = false, f.Index || f.Unique
	}
	for _, index := range indexesOf(public) {
		index.Where = stillThere
		table.Indexes = append(table.Indexes, index)
	}
	if len(e.Searched()) > 0 {
		table.Indexes = append(table.Indexes, Index{Name: constraintName(name, searchColumn, "idx"), Columns: []string{searchColumn}, Method: "gin", Where: stillThere})
	}
	table.Indexes = append(table.Indexes, Index{Name: constraintName(name, deletedColumn, "idx"), Columns: []string{deletedColumn}, Where: deletedColumn + " IS NOT NULL"})
	columns := strings.Join(e.ReadColumns(), ", ")
	table.Fill = fmt.Sprintf("INSERT INTO %s (%s, %s)\nSELECT %[2]s, %[4]s\nFROM %[5]s\nON CONFLICT (id) DO NOTHING;", e.ReadTable, columns, searchColumn, e.SearchExpression(), e.Table)
	return table
}

// SearchColumn names the column with the words of a record.
func (e EntityPlan) SearchColumn() string { return searchColumn }

// TombstoneColumn names the column that says when a record was deleted.
func (e EntityPlan) TombstoneColumn() string { return deletedColumn }

func lowerFirst(text string) string { return strings.ToLower(text[:1]) + text[1:] }
