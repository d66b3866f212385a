package cli

import (
	"encoding/json"
	"maps"
	"reflect"
	"strings"
	"testing"

	"codex-design/generate"
	"codex-design/model"
)

// lendingDesign is a library of books with the given fields, and a service that calls it.
func lendingDesign(fields ...string) string {
	return "version: 1\nname: books\narchitecture: microservices\nscale: small\nservices:\n" +
		"  - name: library\n    entities:\n      - name: book\n        fields:\n          - " + strings.Join(fields, "\n          - ") +
		"\n  - name: lending\n    calls: [library]\n    entities:\n      - name: loan\n        fields:\n          - book: ref(library.book) required\n"
}

// said are the lines of a run about what it does to others and to what is stored.
func said(result outcome) string {
	var lines []string
	for _, line := range strings.Split(result.err, "\n") {
		for _, kind := range []string{"contract: ", "waits for --contract: ", "note: ", "blocked: "} {
			if strings.HasPrefix(line, kind) {
				lines = append(lines, line)
			}
		}
	}
	return strings.Join(lines, "\n")
}

const (
	renamed = `contract: library: API 1.0.0 becomes 2.0.0
contract: library: breaking: book.title is called name (used by lending)
contract: library: compatible: book.pages is new (used by lending)
contract: library: breaking: book.note is gone (used by lending)
waits for --contract: library: No longer keep books.title and name the same for the release before
waits for --contract: library: Drop the column books.title
waits for --contract: library: Drop the column books.note`
	sayBreaking = "\nblocked: library: book.title is called name and 1 change more break those who rely on them; say yes with --accept-breaking"
	dropped     = "note: services/library/migrations/006_drop_books_title_note.sql: Drop the column books.note. Loses: the values of books.note"
	sayLoss     = "\nblocked: library: this loses the values of books.note; say yes with --allow-data-loss"
)

// TestNothingIsDoneToOthersOrTheirDataWithoutAYes goes on from one row to the next.
func TestNothingIsDoneToOthersOrTheirDataWithoutAYes(t *testing.T) {
	inTempDir(t)
	first, second := []string{"title: string(80) required", "note: text"}, []string{"name: string(80) required was(title)", "pages: int"}
	for _, c := range []struct {
		fields []string
		flags  string
		code   int
		said   string
	}{
		{first, "--yes", exitDone, ""},
		{second, "--dry-run", exitFindings, renamed + sayBreaking},
		{second, "--diff", exitFindings, renamed + sayBreaking},
		{second, "--yes", exitFindings, renamed + sayBreaking},
		{second, "--yes --allow-data-loss", exitFindings, renamed + sayBreaking}, // a yes to another question
		{second, "--dry-run --accept-breaking", exitDone, renamed},
		{second, "--yes --accept-breaking", exitDone, renamed},
		{[]string{"title: string(80) required was(name)", "pages: int"}, "--yes --accept-breaking", exitFindings, "contract: library: API 2.0.0 becomes 3.0.0\n" +
			"contract: library: breaking: book.name is called title (used by lending)\n" +
			"blocked: library: books.title is still the name under which the release before knows name; once the release before no longer runs, generate with --contract"},
		{second, "--yes --contract", exitFindings, dropped + sayLoss},
		{second, "--yes --contract --accept-breaking", exitFindings, dropped + sayLoss},
		{second, "--dry-run --contract --allow-data-loss", exitDone, dropped},
		{second, "--yes --contract --allow-data-loss", exitDone, dropped},
		{second, "--yes --contract --allow-data-loss --accept-breaking", exitDone, ""},
	} {
		before := map[string]string{}
		write(t, "here/codex-design.yaml", lendingDesign(c.fields...))
		maps.Copy(before, snapshot(t, "here"))
		got := run(append([]string{"here"}, strings.Fields(c.flags)...)...)
		if got.code != c.code || said(got) != c.said {
			t.Errorf("%v %s: exit code %d, want %d:\n%s\nwant:\n%s", c.fields, c.flags, got.code, c.code, said(got), c.said)
		}
		if yes := strings.Contains(c.flags, "--yes"); (c.code != exitDone || !yes) && !maps.Equal(before, snapshot(t, "here")) {
			t.Errorf("%v %s: something was written", c.fields, c.flags)
		}
	}
	if text := readTree(t, "here", "services/library/migrations/006_drop_books_title_note.sql"); !strings.Contains(text, "-- Loses: the values of books.note\nALTER TABLE books DROP COLUMN note;\n") {
		t.Errorf("the file does not say what it loses:\n%s", text)
	}
}

// TestLosingARetypedValueTakesAYes says yes to one thing after the other.
func TestLosingARetypedValueTakesAYes(t *testing.T) {
	inTempDir(t)
	write(t, "here/codex-design.yaml", lendingDesign("title: string(80)", "pages: string(9)"))
	mustRun(t, "here", "--yes")
	write(t, "here/codex-design.yaml", lendingDesign("title: string(80)", "pages: int"))
	before := snapshot(t, "here")
	const breaking = "blocked: library: book.pages takes int32, not string and 1 change more break those who rely on them; say yes with --accept-breaking\n"
	const loss = "blocked: library: this loses what integer cannot hold of books.pages; say yes with --allow-data-loss\n"
	for flags, blocked := range map[string]string{"": loss + breaking, "--allow-data-loss": breaking, "--accept-breaking": loss} {
		got := run(append([]string{"here", "--yes"}, strings.Fields(flags)...)...)
		if _, after, _ := strings.Cut(got.err, "blocked: "); got.code != exitFindings || "blocked: "+after != blocked {
			t.Errorf("with %q: exit code %d:\n%s", flags, got.code, got.err)
		}
		if !maps.Equal(before, snapshot(t, "here")) {
			t.Errorf("with %q something was written", flags)
		}
	}
	mustRun(t, "here", "--yes", "--accept-breaking", "--allow-data-loss")
	made := readTree(t, "here", "services/library/migrations/002_make_room_for_books_pages_as_integer.sql")
	for _, line := range []string{"-- Loses: what integer cannot hold of books.pages\n", "-- Fails: where values are no integer\n", "-- The release before: it reads and writes another type"} {
		if !strings.Contains(made, line) {
			t.Errorf("the file does not say %s\n%s", line, made)
		}
	}
}

func TestThePlanAsJSONNamesChangesAndConsumers(t *testing.T) {
	inTempDir(t)
	write(t, "here/codex-design.yaml", lendingDesign("title: string(80) required", "note: text"))
	mustRun(t, "here", "--yes")
	write(t, "here/codex-design.yaml", lendingDesign("name: string(80) required was(title)", "pages: int"))
	var plan struct {
		Committed bool
		Blocked   []string
		Schemas   []generate.SchemaPlan
		Contracts []generate.ContractPlan
	}
	read := func(code int, flags ...string) {
		t.Helper()
		plan.Schemas, plan.Contracts = nil, nil
		got := run(append([]string{"here", "--format", "json"}, flags...)...)
		if err := json.Unmarshal([]byte(got.out), &plan); err != nil || got.code != code || got.err != "" {
			t.Fatalf("%v: exit code %d, %v: %s%s", flags, got.code, err, got.out, got.err)
		}
	}
	read(exitFindings, "--yes")
	lending := []string{"lending"}
	contract := []generate.ContractPlan{{Service: "library", From: "1.0.0", To: "2.0.0", Changes: []model.ContractChange{
		{Rule: "field-renamed", Subject: "book.title", Text: "is called name", Breaking: true, Consumers: lending},
		{Rule: "field-new", Subject: "book.pages", Text: "is new", Consumers: lending},
		{Rule: "field-gone", Subject: "book.note", Text: "is gone", Breaking: true, Consumers: lending},
	}}}
	if plan.Committed || !reflect.DeepEqual(plan.Blocked, []string{strings.TrimPrefix(sayBreaking, "\nblocked: ")}) || !reflect.DeepEqual(plan.Contracts, contract) {
		t.Errorf("without a yes: %+v", plan)
	}
	read(exitDone, "--yes", "--accept-breaking")
	if !plan.Committed || len(plan.Blocked) > 0 || !reflect.DeepEqual(plan.Contracts, contract) || len(plan.Schemas) != 1 || len(plan.Schemas[0].Migrations) != 4 {
		t.Errorf("with a yes: %+v", plan)
	}
	read(exitFindings, "--dry-run", "--contract")
	schema := []generate.SchemaPlan{{Service: "library", Migrations: []string{"services/library/migrations/006_drop_books_title_note.sql"}, Losses: []string{"the values of books.note"}}}
	if plan.Committed || !reflect.DeepEqual(plan.Schemas, schema) || len(plan.Contracts) > 0 {
		t.Errorf("a contraction: %+v", plan)
	}
}

func TestTheVersionOfAnAPIFollows(t *testing.T) {
	inTempDir(t)
	for _, c := range []struct{ fields, flags, version string }{
		{"title: string(80)", "", "1.0.0"},
		{"title: string(80) index", "", "1.1.0"},
		{"title: string(80) index|pages: int", "", "1.2.0"},
		{"title: string(80) index|pages: int", "", "1.2.0"},
		{"title: string(80) index|pages: int required fill(1)", "--accept-breaking", "2.0.0"},
		{"title: string(90) index|pages: int required fill(1)", "", "2.1.0"},
		{"pages: int required fill(1)", "--accept-breaking", "3.0.0"},
		{"pages: int required fill(1)", "--contract --allow-data-loss", "3.0.0"},
	} {
		write(t, "here/codex-design.yaml", lendingDesign(strings.Split(c.fields, "|")...))
		mustRun(t, append([]string{"here", "--yes"}, strings.Fields(c.flags)...)...)
		for file, line := range map[string]string{"architecture/openapi/library.yaml": `version: "%s"`, "services/library/src/library_service/gen/app.py": `version="%s",`} {
			if !strings.Contains(readTree(t, "here", file), strings.ReplaceAll(line, "%s", c.version)) {
				t.Errorf("%s: %s is not of version %s", c.fields, file, c.version)
			}
		}
		if !strings.Contains(readTree(t, "here", "architecture/openapi/lending.yaml"), `version: "1.0.0"`) {
			t.Errorf("%s: the API of another service has another version", c.fields)
		}
	}
}
