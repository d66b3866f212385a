//go:build unix

package model

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// changeTable is testdata/changes/changes.yaml, where its keys and edits are explained.
type changeTable struct {
	Entities yaml.MapSlice
	Changes  []struct {
		Name  string
		Edits []string
	}
}

// draft is a design that edits are made to. Entities and fields go by the names
// that they had at first.
type draft []draftEntity

type draftEntity struct {
	key    string
	name   string
	was    string
	fields []draftField
}

type draftField struct {
	key   string
	field Field
}

func readChanges(t *testing.T) (draft, changeTable) {
	t.Helper()
	text, err := os.ReadFile("../testdata/changes/changes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var table changeTable
	if err := yaml.Unmarshal(text, &table); err != nil {
		t.Fatal(err)
	}
	var base draft
	for _, item := range table.Entities {
		entity := draftEntity{key: item.Key.(string), name: item.Key.(string)}
		for _, line := range item.Value.([]any) {
			field := mustField(line.(string))
			entity.fields = append(entity.fields, draftField{field.Name, field})
		}
		base = append(base, entity)
	}
	return base, table
}

func (d draft) answers() Answers {
	answers, service := Defaults(), Service{Name: "stock"}
	for _, e := range d {
		entity := Entity{Name: e.name, Was: e.was}
		for _, f := range e.fields {
			if f.field.Type.Kind == KindRef {
				f.field.Type.Entity = d[d.at(f.field.Type.Entity)].name
			}
			entity.Fields = append(entity.Fields, f.field)
		}
		service.Entities = append(service.Entities, entity)
	}
	answers.Services = []Service{service}
	return answers
}

// schema are the tables of the entities, without those of every service.
func (d draft) schema() []Table {
	return slices.DeleteFunc(Resolve(d.answers()).Services[0].Schema, func(t Table) bool { return t.Name == "idempotency_keys" })
}

func (d draft) at(key string) int {
	return slices.IndexFunc(d, func(e draftEntity) bool { return e.key == key })
}

func (e draftEntity) at(key string) int {
	return slices.IndexFunc(e.fields, func(f draftField) bool { return f.key == key })
}

// edited is the design after some edits, and whether all could be made: what an
// edit is about may be gone.
func (d draft) edited(edits []string) (draft, bool) {
	d = slices.Clone(d)
	for i := range d {
		d[i].fields = slices.Clone(d[i].fields)
	}
	for _, line := range edits {
		words := strings.SplitN(line, " ", 3)
		entity, key, _ := strings.Cut(words[1], ".")
		rest := strings.Join(words[2:], "")
		at := d.at(entity)
		switch {
		case words[0] == "create" && at < 0:
			field := mustField(rest)
			d = append(d, draftEntity{key: entity, name: entity, fields: []draftField{{field.Name, field}}})
		case words[0] == "create", at < 0:
			return d, false
		case words[0] == "remove":
			d = d.without(entity)
		case words[0] == "call":
			d[at].was, d[at].name = d[at].name, rest
		default:
			if !d[at].edit(words[0], key, rest) {
				return d, false
			}
		}
	}
	return d, d.sound()
}

// sound reports whether a person could write the design.
func (d draft) sound() bool {
	for _, e := range d {
		for _, f := range e.fields {
			if _, err := ParseField(f.field.String()); err != nil {
				return false
			}
		}
	}
	return len(Check(d.answers())) == 0
}

func (d draft) without(entity string) draft {
	d = slices.DeleteFunc(d, func(e draftEntity) bool { return e.key == entity })
	for i := range d {
		d[i].fields = slices.DeleteFunc(d[i].fields, func(f draftField) bool {
			return f.field.Type.Kind == KindRef && f.field.Type.Entity == entity
		})
	}
	return d
}

func (e *draftEntity) edit(verb, key, rest string) bool {
	at := e.at(key)
	if verb == "add" {
		field := mustField(rest)
		e.fields = append(e.fields, draftField{field.Name, field})
		return e.at(field.Name) == len(e.fields)-1
	}
	if at < 0 {
		return false
	}
	field := &e.fields[at].field
	name, argument, _ := strings.Cut(strings.TrimSuffix(rest, ")"), "(")
	switch verb {
	case "drop":
		e.fields = slices.Delete(e.fields, at, at+1)
	case "rename":
		field.Was, field.Name = field.Name, rest
	case "retype":
		field.Type = mustField("x: " + rest).Type
	case "set":
		findModifier(name).set(field, argument)
	case "unset":
		*field = withoutModifier(*field, rest)
	}
	return true
}

func withoutModifier(f Field, name string) Field {
	kept := Field{Name: f.Name, Type: f.Type}
	for _, m := range modifiers {
		if argument, given := m.get(&f); given && m.name != name {
			m.set(&kept, argument)
		}
	}
	return kept
}

// TestAllPairsOfChangesOnPostgres makes every change after every other. Once
// contracted, the schema is that of the last answers generated from nothing, but
// for the order of columns: PostgreSQL adds columns at the end only.
func TestAllPairsOfChangesOnPostgres(t *testing.T) {
	server, fresh := startPostgres(t), map[string][]string{}
	base, table := readChanges(t)
	for _, first := range table.Changes {
		between, ok := base.edited(first.Edits)
		if !ok {
			t.Fatalf("%s: cannot be made", first.Name)
		}
		lasts := map[string]draft{}
		for _, second := range table.Changes {
			if after, ok := between.edited(second.Edits); ok && second.Name != first.Name {
				lasts[second.Name] = after
			}
		}
		t.Run(first.Name, func(t *testing.T) { checkSequences(t, server, fresh, base, between, lasts) })
	}
}

// checkSequences makes the same first and each of the second changes. What a design
// gives from nothing is kept in fresh, by the lines of its SQL.
func checkSequences(t *testing.T, server postgres, fresh map[string][]string, base, between draft, lasts map[string]draft) {
	var script strings.Builder
	names := slices.Sorted(maps.Keys(lasts))
	made := make([]string, len(names))
	for i, name := range names {
		whole := CreateSchema(lasts[name].schema())
		lines := strings.Split(strings.ReplaceAll(whole, ",\n", "\n"), "\n")
		slices.Sort(lines)
		made[i] = strings.Join(lines, "\n")
		fmt.Fprintf(&script, "CREATE SCHEMA pair%[1]d;\nSET search_path = pair%[1]d;\n%s", i, inSequence(base, between, lasts[name]))
		if fresh[made[i]] == nil {
			fmt.Fprintf(&script, "CREATE SCHEMA fresh%[1]d;\nSET search_path = fresh%[1]d;\n%s\n", i, whole)
		}
	}
	dumped := server.dump(t, script.String())
	for i, name := range names {
		if fresh[made[i]] == nil {
			fresh[made[i]] = dumped[fmt.Sprintf("fresh%d", i)]
		}
		got, want := dumped[fmt.Sprintf("pair%d", i)], fresh[made[i]]
		if len(want) == 0 || !slices.Equal(got, want) {
			t.Errorf("then %s: the schema has also\n%s\nand lacks\n%s", name,
				strings.Join(without(got, want), "\n"), strings.Join(without(want, got), "\n"))
		}
	}
	t.Logf("and %d others", len(names))
}

// inSequence is the SQL that makes the tables of one design, changes them to those
// of the next, and so on, and takes away what only releases before need.
func inSequence(designs ...draft) string {
	schema := designs[0].schema()
	var script strings.Builder
	script.WriteString(CreateSchema(schema) + "\n")
	step := func(to draft, contract bool) {
		change := ChangeSchema(schema, to.schema(), contract)
		if len(change.Blocked) > 0 {
			change = ChangeSchema(schema, to.schema(), true)
		}
		schema = change.Schema
		script.WriteString(upScript(change.Migrations) + "\n")
	}
	for _, next := range designs[1:] {
		step(next, false)
	}
	step(designs[len(designs)-1], true)
	return script.String()
}

var dumpHead = regexp.MustCompile(`(?m)^-- Name: .*; Schema: (\w+); Owner: .*$`)

// dump runs a script in a database of its own and returns what pg_dump says of each
// of its schemas: the lines of all statements, sorted.
func (p postgres) dump(t *testing.T, script string) map[string][]string {
	t.Helper()
	to := []string{"--host", p.dir, "--username", "postgres", "--dbname"}
	psql := []string{"--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1"}
	p.run(t, "DROP DATABASE IF EXISTS pairs;\nCREATE DATABASE pairs;\n", "psql", slices.Concat(psql, to, []string{"postgres"})...)
	p.run(t, "SET client_min_messages = warning;\n"+script, "psql", slices.Concat(psql, to, []string{"pairs"})...)
	text := p.run(t, "", "pg_dump", append([]string{"--schema-only", "--no-owner"}, append(to, "pairs")...)...)
	schemas := map[string][]string{}
	heads := dumpHead.FindAllStringSubmatchIndex(text, -1)
	for i, head := range heads {
		end := len(text)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		name := text[head[2]:head[3]]
		for _, line := range strings.Split(strings.ReplaceAll(text[head[1]:end], name+".", ""), "\n") {
			if line = strings.TrimSuffix(strings.TrimSpace(line), ","); line != "" && !strings.HasPrefix(line, "--") && line[0] != '\\' {
				schemas[name] = append(schemas[name], line)
			}
		}
	}
	for _, lines := range schemas {
		slices.Sort(lines)
	}
	return schemas
}
