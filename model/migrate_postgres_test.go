//go:build unix

package model

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// postgres is a server of the test's own, reached through a socket in its directory.
type postgres struct{ dir string }

// startPostgres makes a cluster and stops it when the test ends. The server
// refuses to run as root, so root runs it as nobody.
func startPostgres(t *testing.T) postgres {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a PostgreSQL server")
	}
	dir, err := os.MkdirTemp("", "pg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	p := postgres{dir: dir}
	if os.Getuid() == 0 {
		if err := os.Chown(dir, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	p.run(t, "", "initdb", "--pgdata", dir+"/data", "--username", "postgres", "--auth", "trust", "--encoding", "UTF8", "--no-sync")
	p.run(t, "", "pg_ctl", "--pgdata", dir+"/data", "--log", dir+"/log", "--wait", "--options", "-c listen_addresses= -c fsync=off -k "+dir, "start")
	t.Cleanup(func() { p.run(t, "", "pg_ctl", "--pgdata", dir+"/data", "--mode", "immediate", "stop") })
	return p
}

const nobody = 65534

// postgresProgram finds a program of the server: where Debian keeps it, or in the PATH.
func postgresProgram(t *testing.T, name string) string {
	t.Helper()
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name); len(found) > 0 {
		return found[len(found)-1]
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%v: install the PostgreSQL server", err)
	}
	return path
}

func (p postgres) run(t *testing.T, input, program string, arguments ...string) string {
	t.Helper()
	output, _ := p.outputs(t, input, program, arguments...)
	return output
}

// outputs is what a program of the server wrote to stdout and to stderr.
func (p postgres) outputs(t *testing.T, input, program string, arguments ...string) (string, string) {
	t.Helper()
	command := exec.Command(postgresProgram(t, program), arguments...)
	command.Dir = p.dir
	command.Stdin = strings.NewReader(input)
	if os.Getuid() == 0 {
		command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	var output, problems strings.Builder
	command.Stdout, command.Stderr = &output, &problems
	if err := command.Run(); err != nil {
		t.Fatalf("%s: %v\n%s\ninput:\n%s", program, err, problems.String(), input)
	}
	return output.String(), problems.String()
}

// query runs a script in a fresh, empty schema and returns its output.
func (p postgres) query(t *testing.T, script string) string {
	t.Helper()
	output, _ := p.psql(t, script)
	return output
}

// psql runs a script in a fresh, empty schema.
func (p postgres) psql(t *testing.T, script string) (output, problems string) {
	t.Helper()
	return p.outputs(t, "SET client_min_messages = warning;\nDROP SCHEMA public CASCADE;\nCREATE SCHEMA public;\n"+script,
		"psql", "--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set", "ON_ERROR_STOP=1", "--host", p.dir, "--username", "postgres", "--dbname", "postgres")
}

// catalog describes all tables as the server sees them, but for the order of columns.
const catalog = `
SELECT * FROM (
SELECT format('column %s.%s %s notnull=%s default=%s', c.oid::regclass, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid)) AS line
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL SELECT format('constraint %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT format('table %s row security %s forced %s rights %s', oid::regclass, relrowsecurity, relforcerowsecurity,
    (SELECT string_agg(item, ' ' ORDER BY item) FROM unnest(relacl::text[]) AS item WHERE item NOT LIKE 'postgres=%')) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
UNION ALL SELECT format('policy %s %s %s %s %s', tablename, policyname, roles, qual, with_check) FROM pg_policies WHERE schemaname = 'public'
UNION ALL SELECT format('function %s %s', pg_get_functiondef(oid), proacl) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL SELECT format('trigger %s %s', tgrelid::regclass, tgname) FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT format('view %s', viewname) FROM pg_views WHERE schemaname = 'public'
UNION ALL SELECT format('comment %s %s', oid::regclass, obj_description(oid)) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
) AS everything ORDER BY line;
`

// upScript runs the migrations as the generated runner does.
func upScript(migrations []SchemaMigration) string {
	var lines []string
	for _, migration := range migrations {
		var up []string
		for _, step := range migration.Steps {
			up = append(up, step.Up...)
		}
		lines = append(lines, section(migration.Alone, up))
	}
	return strings.Join(lines, "\n")
}

func downScript(migrations []SchemaMigration) string {
	var lines []string
	for _, migration := range slices.Backward(migrations) {
		var down []string
		for _, step := range slices.Backward(migration.Steps) {
			down = append(down, step.Down...)
		}
		lines = append(lines, section(migration.Alone, down))
	}
	return strings.Join(lines, "\n")
}

func section(alone bool, statements []string) string {
	if alone {
		return strings.Join(statements, "\n")
	}
	return "BEGIN;\n" + strings.Join(statements, "\n") + "\nCOMMIT;"
}

const marker = "\\echo ----\n"

// checkMigration goes from the old schema to the new one, leaves nothing of the
// old, goes back, and compares what the server then has with what it has when
// each is made from nothing.
func checkMigration(t *testing.T, server postgres, old, new []Table) {
	t.Helper()
	change := ChangeSchema(old, new, true)
	script := CreateSchema(old) + catalog + marker + upScript(change.Migrations) + "\n" + catalog + marker + downScript(change.Migrations) + "\n" + catalog
	parts := strings.Split(server.query(t, script), "----\n")
	fresh := server.query(t, CreateSchema(new)+catalog)
	if parts[1] != fresh {
		t.Errorf("after the migration:\n%s\nfrom nothing:\n%s\nsteps:\n%s", parts[1], fresh, upScript(change.Migrations))
	}
	if parts[2] != parts[0] {
		t.Errorf("after going back:\n%s\nbefore:\n%s\nsteps:\n%s", parts[2], parts[0], downScript(change.Migrations))
	}
	expanded := ChangeSchema(old, new, false)
	if again := ChangeSchema(expanded.Schema, new, false); len(again.Migrations) > 0 {
		t.Errorf("once expanded, there is still something to do:\n%s", upScript(again.Migrations))
	}
}

func TestMigrationsOnPostgres(t *testing.T) {
	server := startPostgres(t)
	random := rand.New(rand.NewPCG(7, 8))
	for i := range 60 {
		service := randomService(random)
		changed := mutate(random, service)
		t.Run(fmt.Sprint(i), func(t *testing.T) { checkMigration(t, server, schemaFor(service), schemaFor(changed)) })
	}
}

func TestHardMigrationsOnPostgres(t *testing.T) {
	server := startPostgres(t)
	circle := []string{"p: q: ref(q) required", "q: p: ref(p)"}
	for _, c := range []struct {
		name     string
		old, new []string
	}{
		{"circle goes", append(circle, "r: n: int"), []string{"r: n: int"}},
		{"circle comes", []string{"r: n: int"}, append(circle, "r: n: int")},
		{"circle opens", circle, []string{"p: q: ref(q) required", "q: n: int"}},
		{"target renamed, referrer dropped", []string{"p: n: int", "q: p: ref(p)"}, []string{"r (p): n: int"}},
		{"target renamed", []string{"p: n: int", "q: p: ref(p) required"}, []string{"r (p): n: int", "q: r: ref(r) required was(p)"}},
		{"type with a check", []string{"p: n: decimal(12,2) default(5) min(1) index"}, []string{"p: n: int default(5) min(1) index"}},
		{"wider type", []string{"p: n: decimal(5,2) required"}, []string{"p: n: decimal(9,4) required"}},
		{"text to number", []string{"p: n: string(5)"}, []string{"p: n: int"}},
		{"number to text", []string{"p: n: int required"}, []string{"p: n: string(5) required"}},
		{"instant to day", []string{"p: at: timestamp required index"}, []string{"p: at: date required index"}},
		{"chain of names", []string{"p: a: int index; b: text"}, []string{"p: b: int index was(a); c: text was(b)"}},
		{"names swapped", []string{"p: a: int index; b: int unique"}, []string{"p: b: int index was(a); a: int unique was(b)"}},
		{"tables swapped", []string{"p: a: int", "q: b: text"}, []string{"q (p): a: int", "p (q): b: text"}},
		{"renamed before", []string{"p: b: int was(a)"}, []string{"p: b: int was(a)"}},
		{"name taken", []string{"p: a: int; b: text"}, []string{"p: b: text was(a)"}},
		{"reserved words", []string{"order: group: int index min(0)"}, []string{"order: user: int index min(0) was(group)"}},
		{"default of nulls", []string{"p: n: int"}, []string{"p: n: int default(3)"}},
		{"enum grows", []string{"p: s: enum(a, b) required"}, []string{"p: s: enum(a, b, c) required"}},
	} {
		t.Run(c.name, func(t *testing.T) { checkMigration(t, server, entities(t, c.old...), entities(t, c.new...)) })
	}
}

func TestRenamesKeepTheRows(t *testing.T) {
	server := startPostgres(t)
	fields := func(lines ...string) (fields []Field) {
		for _, line := range lines {
			fields = append(fields, mustField(line))
		}
		return fields
	}
	old := schemaFor(Service{Name: "s", Entities: []Entity{{Name: "item", Fields: fields("title: string(20) required index", "size: int")}}})
	new := schemaFor(Service{Name: "s", Entities: []Entity{{Name: "product", Was: "item",
		Fields: fields("name: string(20) required index was(title)", "size: bigint default(7)")}}})
	change := ChangeSchema(old, new, true)
	script := CreateSchema(old) + "INSERT INTO items (id, title) VALUES (gen_random_uuid(), 'lamp');\n" +
		upScript(change.Migrations) + "SELECT name, size FROM products;\n" + downScript(change.Migrations) + "SELECT title, size FROM items;\n"
	if got := server.query(t, script); got != "lamp|7\nlamp|7\n" {
		t.Errorf("the rows are %q", got)
	}
}

func TestQuotesAsTheServerDoes(t *testing.T) {
	server := startPostgres(t)
	lines := strings.Split(strings.TrimSpace(server.query(t, "SELECT word, quote_ident(word) FROM pg_get_keywords();")), "\n")
	for _, line := range lines {
		word, quoted, _ := strings.Cut(line, "|")
		// a later server's keyword is quoted here already
		if got := QuoteSQL(word); got != quoted && got != `"`+word+`"` {
			t.Errorf("QuoteSQL(%q) = %s, and the server says %s", word, got, quoted)
		}
	}
	if len(lines) < 300 {
		t.Errorf("the server lists only %d keywords", len(lines))
	}
}

func randomService(r *rand.Rand) Service {
	service := Service{Name: "s"}
	for j := range 1 + r.IntN(5) {
		service.Entities = append(service.Entities, randomEntity(r, j))
	}
	return service
}

// mutate changes a service as a person would between two generations.
func mutate(r *rand.Rand, s Service) Service {
	s.Entities = slices.Clone(s.Entities)
	for i := range s.Entities {
		s.Entities[i].Fields = mutateFields(r, s.Entities[i].Fields)
	}
	if r.IntN(3) == 0 {
		s.Entities = append(s.Entities, Entity{Name: "addition", Fields: []Field{mustField("first: ref(thing_0) required")}})
	}
	if r.IntN(3) == 0 {
		renameEntity(&s, r.IntN(len(s.Entities)))
	}
	if r.IntN(3) == 0 && len(s.Entities) > 1 {
		dropEntity(&s, 1+r.IntN(len(s.Entities)-1))
	}
	return s
}

func mutateFields(r *rand.Rand, fields []Field) []Field {
	var changed []Field
	for _, f := range fields {
		switch r.IntN(8) {
		case 0:
			continue
		case 1:
			f.Was, f.Name = f.Name, f.Name+"_renamed"
		case 2:
			f.Required = !f.Required
		case 3:
			f.Index = !f.Index
		case 4:
			f.Unique = !f.Unique
		case 5:
			if f.Type.Kind == KindInt {
				f.Type.Kind, f.Default, f.Min = KindBigint, ptr("5"), ptr("1")
			}
		case 6:
			if f.Type.Kind == KindString {
				f.Type.Length++
			}
		}
		changed = append(changed, f)
	}
	if r.IntN(2) == 0 {
		changed = append(changed, mustField("extra: "+oneAtRandom(r, "int required", "enum(a, b) default(a)", "text", "date index", "bool default(true)")))
	}
	return changed
}

func renameEntity(s *Service, index int) {
	was := s.Entities[index].Name
	s.Entities[index].Was, s.Entities[index].Name = was, was+"_renamed"
	for i := range s.Entities {
		for k, f := range s.Entities[i].Fields {
			if f.Type.Kind == KindRef && f.Type.Entity == was {
				s.Entities[i].Fields[k].Type.Entity = was + "_renamed"
			}
		}
	}
}

func dropEntity(s *Service, index int) {
	gone := s.Entities[index].Name
	s.Entities = slices.Delete(slices.Clone(s.Entities), index, index+1)
	for i := range s.Entities {
		s.Entities[i].Fields = slices.DeleteFunc(slices.Clone(s.Entities[i].Fields), func(f Field) bool {
			return f.Type.Kind == KindRef && f.Type.Entity == gone
		})
	}
}

// Until a contraction, what either release writes is there for the other, if its
// type can hold it. What was there stays as it was for the release before.
func TestReleasesReadWhatTheOtherWrites(t *testing.T) {
	server := startPostgres(t)
	for _, c := range []struct {
		old, new                 string
		first, before, by, after string // values: there from the beginning, written by the release before, by the new one
		want                     string // of a and b in these rows, and where the release before changed the first one
	}{
		{"int", "bigint", "1", "2", "5000000000", "3", "1,1 2,2 ,5000000000 3,3"},
		{"bigint", "int", "1", "2", "7", "3", "1,1 2,2 7,7 3,3"},
		{"float", "decimal(4,1)", "1.25", "2.5", "7.5", "3.5", "1.25,1.3 2.5,2.5 7.5,7.5 3.5,3.5"},
		{"decimal(6,4)", "decimal(9,2)", "1.2345", "2", "12345.67", "3", "1.2345,1.23 2.0000,2.00 ,12345.67 3.0000,3.00"},
		{"date", "timestamp", "'2026-01-02'", "'2026-02-03'", "'2026-03-04 05:06Z'", "'2026-04-05'",
			"2026-01-02,2026-01-02 00:00:00+00 2026-02-03,2026-02-03 00:00:00+00 2026-03-04,2026-03-04 05:06:00+00 2026-04-05,2026-04-05 00:00:00+00"},
		{"string(9)", "int", "'1'", "'2'", "5", "'3'", "1,1 2,2 5,5 3,3"},
		{"int", "string(9)", "1", "2", "'x'", "3", "1,1 2,2 ,x 3,3"},
	} {
		change := ChangeSchema(entities(t, "thing: a: "+c.old), entities(t, "thing: b: "+c.new+" was(a)"), false)
		insert := func(column string, number int, value string) string {
			return fmt.Sprintf("INSERT INTO things (id, created_at, %s) VALUES ('00000000-0000-0000-0000-00000000000%d', '2026-01-0%[2]d', %s);\n", column, number, value)
		}
		script := "SET timezone = 'UTC';\n" + CreateSchema(entities(t, "thing: a: "+c.old)) + insert("a", 1, c.first) +
			upScript(change.Migrations) + insert("a", 2, c.before) + insert("b", 3, c.by) +
			"SELECT string_agg(concat_ws(',', coalesce(a::text, ''), b), ' ' ORDER BY created_at) FROM things;\n" +
			"UPDATE things SET a = " + c.after + " WHERE created_at = '2026-01-01';\n" +
			"SELECT concat_ws(',', a, b) FROM things WHERE created_at = '2026-01-01';\n"
		got := strings.TrimSpace(strings.ReplaceAll(server.query(t, script), "\n", " "))
		if got != c.want {
			t.Errorf("%s → %s: %q, want %q", c.old, c.new, got, c.want)
		}
	}
}
