package generate

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"codex-design/model"
)

// change is the way from what the recorded migrations add up to, to the schema
// that the design asks for.
func (h ServiceHistory) change(schema []model.Table, contract bool) model.SchemaChange {
	return model.ChangeSchema(h.Schema, schema, contract)
}

// nextMigrations writes the files of a change, numbered on from the recorded ones.
func (h ServiceHistory) nextMigrations(change model.SchemaChange) []Migration {
	var files []Migration
	for i, migration := range change.Migrations {
		name := fmt.Sprintf("%03d_%s.sql", len(h.Migrations)+1+i, migrationSlug(migration))
		files = append(files, Migration{name, []byte(migrationText(migration))})
	}
	return files
}

// maxSlug keeps the names of migrations readable.
const maxSlug = 60

var (
	// phaseHeads say what a migration is for.
	phaseHeads = map[string]string{
		"backfill": "In batches, each committed by itself; it may be run again.",
		"validate": "Rows are looked at while others write.",
		"contract": "For when the release before no longer runs: that one cannot work on what this leaves.",
	}
	// helping steps go along with what a migration is for, and guarding ones with what they guard.
	helping  = regexp.MustCompile("^(Keep|No longer|Fill in|Let|Hold|Change the comment|(Grant|Revoke) rights) ")
	guarding = regexp.MustCompile("^(Allow nulls|Forbid nulls in .* from now on$|(Add|Drop) the (constraint|policy|function)|Rename the (constraint|index)) ?")

	validates    = regexp.MustCompile(`^See that every row of \S+ keeps to `)
	unsaidAfter  = regexp.MustCompile(` (up to date|from now on)$`)
	unsaidInSlug = []string{"the", "column", "table", "constraint"}
)

// migrationSlug names a migration after what it does: two branches that change a
// schema in different ways shall not name their files alike.
func migrationSlug(migration model.SchemaMigration) string {
	var slug, before []string
	for _, step := range leadingSteps(migration.Steps) {
		words := slugWords(step.Summary)
		news := words[alike(before, words):]
		if before = words; len(strings.Join(append(slug, news...), "_")) > maxSlug-len("_and_more") && len(slug) > 0 {
			return strings.Join(append(slug, "and", "more"), "_")
		}
		slug = append(slug, news...)
	}
	for len(strings.Join(slug, "_")) > maxSlug {
		slug = slug[:len(slug)-1]
	}
	return strings.Join(slug, "_")
}

// leadingSteps are those that say best what a migration is for.
func leadingSteps(steps []model.MigrationStep) []model.MigrationStep {
	other := without(steps, helping)
	if leading := without(other, guarding); len(leading) > 0 {
		return leading
	}
	if len(other) > 0 {
		return other
	}
	return steps
}

func without(steps []model.MigrationStep, summaries *regexp.Regexp) []model.MigrationStep {
	return slices.DeleteFunc(slices.Clone(steps), func(s model.MigrationStep) bool { return summaries.MatchString(s.Summary) })
}

func slugWords(summary string) []string {
	summary = validates.ReplaceAllString(unsaidAfter.ReplaceAllString(summary, ""), "validate ")
	words := strings.FieldsFunc(strings.ToLower(summary), func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
	return slices.DeleteFunc(words, func(word string) bool { return slices.Contains(unsaidInSlug, word) })
}

// alike is the number of words that two lists begin with.
func alike(a, b []string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

// migrationText is the file: each step under what it does and what it costs.
func migrationText(migration model.SchemaMigration) string {
	mark := ""
	if migration.Alone {
		mark = " transaction:false"
	}
	up, down := []string{"-- migrate:up" + mark}, []string{"-- migrate:down" + mark}
	if head := phaseHeads[migration.Phase]; head != "" {
		up = append(up, "-- "+head)
	}
	for _, step := range migration.Steps {
		lines := append([]string{"-- " + step.Summary + "."}, stepNotes(step, "-- ")...)
		up = append(up, strings.Join(append(lines, linted(step.Up)...), "\n"))
	}
	for _, step := range slices.Backward(migration.Steps) {
		if len(step.Down) > 0 {
			down = append(down, strings.Join(linted(step.Down), "\n"))
		}
	}
	if len(down) == 1 {
		down = append(down, "-- Nothing is left to undo.")
	}
	return strings.Join(append(up, down...), "\n\n") + "\n"
}

// lintRules are those of squawk about locks that a table keeps while it is read or
// written. On the way up, steps before have seen to it that the catalog alone
// changes; on the way down nobody else is there.
var lintRules = []struct {
	statement *regexp.Regexp
	rules     string
}{
	{regexp.MustCompile(`ALTER COLUMN \S+ TYPE `), "changing-column-type"},
	{regexp.MustCompile(`ALTER COLUMN \S+ SET NOT NULL;$`), "adding-not-nullable-field"},
	{regexp.MustCompile(`ADD CONSTRAINT \S+ CHECK .*\);$`), "constraint-missing-not-valid"},
	{regexp.MustCompile(`ADD CONSTRAINT \S+ FOREIGN KEY .*(RESTRICT|\));$`), "adding-foreign-key-constraint, constraint-missing-not-valid"},
	{regexp.MustCompile(`ADD CONSTRAINT \S+ UNIQUE \(`), "constraint-missing-not-valid, disallowed-unique-constraint"},
	{regexp.MustCompile(`ADD CONSTRAINT \S+ PRIMARY KEY \(`), "adding-serial-primary-key-field, constraint-missing-not-valid"},
	{regexp.MustCompile(`^CREATE (UNIQUE )?INDEX [^C]`), "require-concurrent-index-creation"},
	{regexp.MustCompile(`^DROP INDEX [^C]`), "require-concurrent-index-deletion"},
}

// linted marks the statements that squawk would warn of, though they do no harm
// where they stand. What is done to a table that was made just before never does.
func linted(statements []string) []string {
	if strings.HasPrefix(statements[0], "CREATE TABLE ") {
		return statements
	}
	var lines []string
	for _, statement := range statements {
		for _, lint := range lintRules {
			if lint.statement.MatchString(statement) {
				lines = append(lines, "-- squawk-ignore "+lint.rules)
			}
		}
		lines = append(lines, statement)
	}
	return lines
}

// stepNotes says what a step costs, one line each behind a prefix.
func stepNotes(step model.MigrationStep, prefix string) []string {
	var notes []string
	for _, note := range []struct{ word, text string }{
		{"Loses", step.Loses}, {"Locks", step.Locks}, {"Fails", step.Fails}, {"The release before", step.Breaks},
	} {
		if note.text != "" {
			notes = append(notes, prefix+note.word+": "+note.text)
		}
	}
	return notes
}

// migrationNotes says what the steps of a migration cost, for the plan.
func migrationNotes(migration model.SchemaMigration) []string {
	var notes []string
	for _, step := range migration.Steps {
		notes = append(notes, stepNotes(step, step.Summary+". ")...)
	}
	return notes
}

// migrations lists the migrations of a service that has a history: the recorded
// ones as they were written, then those for what has changed.
func migrations(like Entry, service *ServiceView, past ServiceHistory, contract bool) []Entry {
	change := past.change(service.Schema, contract)
	all := slices.Concat(past.Migrations, past.nextMigrations(change))
	entries := make([]Entry, len(all))
	for i, migration := range all {
		entries[i] = like
		entries[i].Path = path.Join(path.Dir(like.Path), migration.Name)
		entries[i].done = append([]byte{}, migration.Content...)
		if i > 0 {
			entries[i].Template = ""
		}
		if fresh := i - len(past.Migrations); fresh >= 0 {
			entries[i].notes = migrationNotes(change.Migrations[fresh])
		}
	}
	return entries
}
