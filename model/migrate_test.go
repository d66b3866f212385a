package model

import (
	"strings"
	"testing"
)

// The names in string constants and of functions are nobody's column.
func TestRenameIdentifiers(t *testing.T) {
	names := map[string]string{"a": "b", "char_length": "size", `"order"`: "place", "id": "key"}
	for text, want := range map[string]string{
		"CHECK (a IN ('a', 'it''s a'))":                             "CHECK (b IN ('a', 'it''s a'))",
		"CHECK (char_length(a) <= 3 AND char_length > 2)":           "CHECK (char_length(b) <= 3 AND size > 2)",
		`CHECK ("order" >= 0)`:                                      "CHECK (place >= 0)",
		"FOREIGN KEY (a) REFERENCES t (id) ON DELETE RESTRICT":      "FOREIGN KEY (b) REFERENCES t (id) ON DELETE RESTRICT",
		"CHECK (aa >= 0 AND a_b >= 0 AND a1 ~ '^[a]$' AND ba >= 0)": "CHECK (aa >= 0 AND a_b >= 0 AND a1 ~ '^[a]$' AND ba >= 0)",
	} {
		if got := renameIdentifiers(text, names); got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
}

// entities writes a schema down as "name (was): field; field" lines.
func entities(t *testing.T, lines ...string) []Table {
	t.Helper()
	return entitiesWith(t, func(*Answers) {}, lines...)
}

// entitiesWith are those of a design with further answers.
func entitiesWith(t *testing.T, change func(*Answers), lines ...string) []Table {
	t.Helper()
	answers := answersOf(t, lines...)
	change(&answers)
	return Resolve(answers).Services[0].Schema
}

// answersOf is a design of one service, s; a line is an entity: `name (was): field; field`.
func answersOf(t *testing.T, lines ...string) Answers {
	t.Helper()
	service := Service{Name: "s"}
	for _, line := range lines {
		head, fields, _ := strings.Cut(line, ": ")
		name, was, _ := strings.Cut(strings.TrimSuffix(head, ")"), " (")
		entity := Entity{Name: name, Was: was}
		for _, field := range strings.Split(fields, "; ") {
			entity.Fields = append(entity.Fields, mustField(field))
		}
		service.Entities = append(service.Entities, entity)
	}
	return Answers{Name: "x", Scale: Small, Services: []Service{service}}
}

func schemaFor(s Service) []Table {
	return Resolve(Answers{Name: "x", Scale: Small, Services: []Service{s}}).Services[0].Schema
}

// A migration says only what can happen: what rows keep to anyway fails for none.
func TestStepsSayWhatCanFail(t *testing.T) {
	for _, c := range []struct {
		name, old, new string
		want           string // the steps that can fail, or break the release before
	}{
		{"a longer text", "a: string(20) required", "a: string(30) required", ""},
		{"a shorter text", "a: string(20) required", "a: string(10) required", "Add the constraint things_a_check"},
		{"a text without end", "a: string(20)", "a: text", ""},
		{"more digits", "a: decimal(12,2) required min(0) max(10)", "a: decimal(14,2) required min(0) max(10)", ""},
		{"bounds that give way", "a: int min(1) max(5)", "a: int min(-1) max(5)", ""},
		{"a bound that does not", "a: int min(1) max(5)", "a: int min(2) max(50)", "Add the constraint things_a_check"},
		{"a bound less", "a: date min(2020-01-01) max(2020-12-31)", "a: date min(2020-01-01)", ""},
		{"an earlier day", "a: date min(2020-01-01)", "a: date min(2019-12-31)", ""},
		{"a later day", "a: date min(2020-01-01)", "a: date min(2020-02-01)", "Add the constraint things_a_check"},
		{"a value more", "a: enum(on, off) required", "a: enum(on, off, idle) required", ""},
		{"a value less", "a: enum(on, off) required", "a: enum(on) required", "Add the constraint things_a_check"},
		{"another pattern", "a: string(9) pattern(^a, b$)", "a: string(9) pattern(^[ab]$)", "Add the constraint things_a_check"},
		{"a rename", "a: string(20) required unique pattern(^x$)", "b: string(20) required unique pattern(^x$) was(a)", ""},
		{"a new column", "a: int", "a: int; b: string(3) pattern(^x$) unique", ""},
		{"a new reference", "a: int", "a: int; b: ref(thing)", ""},
		{"uniqueness", "a: int", "a: int unique", "Add the index things_a_key"},
		{"no nulls", "a: int", "a: int required", "Forbid nulls in things.a from now on"},
		{"no nulls, filled in", "a: int", "a: int required fill(3)", ""},
		{"a required column", "a: int", "a: int; b: int required", "Add the column things.b"},
		{"a required column, filled in", "a: int", "a: int; b: int required min(1) fill(3)", ""},
		{"days to instants", "a: date", "a: timestamp", "Make room for things.a as timestamptz"},
		{"a wider number", "a: int min(0) index", "a: bigint min(0) index", ""},
		{"a number with places", "a: int", "a: decimal(12,2)", "Make room for things.a as numeric(12,2)"},
		{"a new name and a wider number", "a: int min(0)", "b: bigint min(0) was(a)", ""},
		{"names that move on", "a: int; b: int", "b: int was(a); c: int was(b)", "Rename the column b to c, Rename the column a to b"},
	} {
		var got []string
		for _, migration := range ChangeSchema(entities(t, "thing: "+c.old), entities(t, "thing: "+c.new), false).Migrations {
			for _, step := range migration.Steps {
				if step.Fails+step.Breaks != "" {
					got = append(got, step.Summary)
				}
			}
		}
		if list := strings.Join(got, ", "); list != c.want {
			t.Errorf("%s: %q can fail, want %q", c.name, list, c.want)
		}
	}
}

func TestChecksImplyLooserOnes(t *testing.T) {
	for _, c := range []struct {
		strict, loose string
		want          bool
	}{
		{"CHECK (char_length(a) BETWEEN 2 AND 5)", "CHECK (char_length(a) <= 5)", true},
		{"CHECK (char_length(a) <= 5)", "CHECK (char_length(a) BETWEEN 2 AND 5)", false},
		{"CHECK (a >= 0.5 AND a <= 2)", "CHECK (a <= 2.00)", true},
		{"CHECK (a >= '2020-01-01' AND a <= '2021-01-01')", "CHECK (a <= '2021-01-01')", true},
		{"CHECK (\"order\" IN ('a', 'b'))", "CHECK (\"order\" IN ('b', 'a'))", true},
		{"CHECK (char_length(a) <= 5 AND a ~ 'x AND a <= 5')", "CHECK (char_length(a) <= 9)", true},
		{"CHECK (a <= 5)", "CHECK (b <= 5)", false},
		{"CHECK (a IS NOT NULL)", "CHECK (a IS NOT NULL)", true},
		{"CHECK (a IS NOT NULL)", "CHECK (a <= 5)", false},
	} {
		if got := impliesCheck(c.strict, c.loose); got != c.want {
			t.Errorf("%s implies %s: %v", c.strict, c.loose, got)
		}
	}
}

// A number that may have more digits before the point is no reason to write a
// table anew, nor is a text of another length.
func TestWideningChangesTheCatalogAlone(t *testing.T) {
	for _, c := range [][2]string{
		{"a: decimal(12,2) required min(0) index", "a: decimal(14,2) required min(0) index"},
		{"a: string(20) required unique", "a: string(40) required unique"},
		{"a: string(20)", "a: text"},
		{"a: email", "a: string(300)"},
	} {
		change := ChangeSchema(entities(t, "thing: "+c[0]), entities(t, "thing: "+c[1]), false)
		for _, migration := range change.Migrations {
			if migration.Phase != "expand" && migration.Phase != "validate" {
				t.Errorf("%s → %s has a migration to %s:\n%s", c[0], c[1], migration.Phase, upScript([]SchemaMigration{migration}))
			}
			for _, step := range migration.Steps {
				if step.Loses+step.Fails+step.Breaks+step.Locks != "" {
					t.Errorf("%s → %s: %+v", c[0], c[1], step)
				}
			}
		}
	}
}
