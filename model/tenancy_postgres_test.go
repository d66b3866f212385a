//go:build unix

package model

import (
	"strings"
	"testing"
)

// roles makes those that the migrations of a service named s expect.
const roles = `
DO $$ BEGIN CREATE ROLE s LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
DO $$ BEGIN CREATE ROLE s_owner LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
GRANT ALL ON SCHEMA public TO s_owner;
GRANT USAGE ON SCHEMA public TO s;
`

func tenants(t *testing.T, lines ...string) []Table {
	t.Helper()
	return entitiesWith(t, func(a *Answers) { a.Security.Tenancy = "row-level" }, lines...)
}

func TestTenancyComesAndGoesOnPostgres(t *testing.T) {
	server := startPostgres(t)
	server.query(t, roles)
	plain := []string{"p: name: string(20) required unique; size: int index", "q: p: ref(p) required; q: ref(q)"}
	more := append(plain, "r: p: ref(p) required; note: text")
	circle := []string{"p: q: ref(q) required", "q: p: ref(p)"}
	for _, c := range []struct {
		name     string
		old, new []Table
	}{
		{"comes", entities(t, plain...), tenants(t, plain...)},
		{"comes with a new entity", entities(t, plain...), tenants(t, more...)},
		{"comes to a circle", entities(t, circle...), tenants(t, circle...)},
		{"goes", tenants(t, plain...), entities(t, plain...)},
		{"entity is renamed", tenants(t, "p: a: int unique", "q: p: ref(p)"), tenants(t, "o (p): a: int unique", "q: o: ref(o) was(p)")},
		{"entity is added", tenants(t, plain...), tenants(t, more...)},
		{"entity is dropped", tenants(t, more...), tenants(t, plain...)},
	} {
		t.Run(c.name, func(t *testing.T) { checkMigration(t, server, c.old, c.new) })
	}
}

func TestRowsGetTheTenantThatTheMigrationIsTold(t *testing.T) {
	server := startPostgres(t)
	server.query(t, roles)
	lines := []string{"p: name: string(20) required unique", "q: p: ref(p) required"}
	const tenant = "00000000-0000-7000-8000-00000000000a"
	script := CreateSchema(entities(t, lines...)) + `
INSERT INTO ps (id, name) VALUES (gen_random_uuid(), 'lamp');
INSERT INTO qs (id, p_id) SELECT gen_random_uuid(), id FROM ps;
SET app.tenant_id = '` + tenant + "';\n" + upScript(ChangeSchema(entities(t, lines...), tenants(t, lines...), true).Migrations) +
		"SELECT tenant_id, name FROM ps; SELECT count(*) FROM qs WHERE tenant_id = '" + tenant + "';\n"
	if got := server.query(t, script); got != tenant+"|lamp\n1\n" {
		t.Errorf("the rows are %q", got)
	}
}

// answer is what a script gives, or the SQLSTATE of the error that it ends in.
func (p postgres) answer(t *testing.T, script string) string {
	t.Helper()
	output, problems := p.psql(t, script)
	if _, state, failed := strings.Cut(problems, "ERROR:  "); failed {
		return strings.TrimSpace(state)
	}
	return strings.TrimSpace(output)
}

// Each line runs as the service's role and says what the server answers.
func TestTenantsSeeAndWriteTheirOwnRows(t *testing.T) {
	server := startPostgres(t)
	server.query(t, roles)
	schema := tenants(t, "p: name: string(20) required unique", "q: p: ref(p) required")
	const set = "SELECT set_config('app.tenant_id', '00000000-0000-7000-8000-00000000000%s', true) \\g /dev/null\n"
	one, two := strings.Replace(set, "%s", "1", 1), strings.Replace(set, "%s", "2", 1)
	const lamp = "11111111-0000-7000-8000-000000000001"
	prepare := roles + "SET ROLE s_owner;\n" + CreateSchema(schema) + `
RESET ROLE;
SET SESSION AUTHORIZATION s;
\set VERBOSITY sqlstate
\set ON_ERROR_STOP 0
BEGIN;
` + one + "INSERT INTO ps (id, name) VALUES ('" + lamp + "', 'lamp');\nCOMMIT;\n"
	for _, c := range []struct{ name, statements, answer string }{
		{"its own", one + "SELECT name FROM ps;", "lamp"},
		{"another's", two + "SELECT count(*) FROM ps;", "0"},
		{"nobody's", "SELECT count(*) FROM ps;", "0"},
		{"by id", two + "SELECT count(*) FROM ps WHERE id = '" + lamp + "';", "0"},
		{"change another's", two + "WITH c AS (UPDATE ps SET name = 'x' RETURNING 1) SELECT count(*) FROM c;", "0"},
		{"delete another's", two + "WITH c AS (DELETE FROM ps RETURNING 1) SELECT count(*) FROM c;", "0"},
		{"write without a tenant", "INSERT INTO ps (id, name) VALUES (gen_random_uuid(), 'x');", "42501"},
		{"write for another", two + "INSERT INTO ps (tenant_id, id, name) VALUES ('00000000-0000-7000-8000-000000000001', gen_random_uuid(), 'x');", "42501"},
		{"move to another", one + "UPDATE ps SET tenant_id = '00000000-0000-7000-8000-000000000002';", "42501"},
		{"refer to another's", two + "INSERT INTO qs (id, p_id) VALUES (gen_random_uuid(), '" + lamp + "');", "23503"},
		{"refer to its own", one + "INSERT INTO qs (id, p_id) VALUES (gen_random_uuid(), '" + lamp + "') RETURNING p_id;", lamp},
		{"the same unique value", two + "INSERT INTO ps (id, name) VALUES (gen_random_uuid(), 'lamp') RETURNING name;", "lamp"},
		{"a value twice", one + "INSERT INTO ps (id, name) VALUES (gen_random_uuid(), 'lamp');", "23505"},
		{"disable", "ALTER TABLE ps DISABLE ROW LEVEL SECURITY;", "42501"},
		{"no force", "ALTER TABLE ps NO FORCE ROW LEVEL SECURITY;", "42501"},
		{"drop the policy", "DROP POLICY tenant ON ps;", "42501"},
		{"row_security off", "SET row_security = off; SELECT count(*) FROM ps;", "42501"},
		{"become the owner", "SET ROLE s_owner;", "42501"},
		{"truncate", "TRUNCATE ps;", "42501"},
		{"a column of its own", "ALTER TABLE ps ADD COLUMN x int;", "42501"},
		{"copy", "COPY ps TO STDOUT;", ""},
		{"sweep", "SELECT sweep_idempotency_keys(10);", "0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := server.answer(t, prepare+"BEGIN;\n"+c.statements+"\nROLLBACK;\n")
			if got != c.answer {
				t.Errorf("the server says %q, want %q", got, c.answer)
			}
		})
	}
	t.Run("the owner is held too", func(t *testing.T) {
		got := server.answer(t, prepare+"RESET SESSION AUTHORIZATION; SET ROLE s_owner;\nSELECT count(*) FROM ps;\n")
		if got != "0" {
			t.Errorf("the owner sees %q rows", got)
		}
	})
	t.Run("expired keys of all go", func(t *testing.T) {
		insert := "INSERT INTO idempotency_keys (operation, key, fingerprint, expires_at) VALUES ('o', 'k', '', now() - interval '1 s'), ('o', 'l', '', now() + interval '1 h');\n"
		got := server.answer(t, prepare+"BEGIN;\n"+one+insert+"COMMIT;\nBEGIN;\n"+two+insert+"COMMIT;\nSELECT sweep_idempotency_keys(10);\n"+
			"BEGIN;\n"+one+"SELECT count(*) FROM idempotency_keys;\nROLLBACK;\n")
		if got != "2\n1" {
			t.Errorf("swept and left: %q", got)
		}
	})
}

func TestTenantSchemaNamesTheTenantFirst(t *testing.T) {
	schema := tenants(t, "p: name: string(20) required unique; size: int index", "q: p: ref(p) required")
	for _, table := range schema {
		if table.Columns[0].Name != "tenant_id" || !table.Columns[0].NotNull || len(table.Policies) == 0 {
			t.Errorf("%s: %+v, policies %+v", table.Name, table.Columns[0], table.Policies)
		}
		for _, c := range table.Constraints {
			if c.Kind != "check" && !strings.Contains(c.Definition, "(tenant_id, ") {
				t.Errorf("%s: %s", c.Name, c.Definition)
			}
		}
		for _, index := range table.Indexes {
			if index.Columns[0] != "tenant_id" && index.Name != "idempotency_keys_expires_at_idx" {
				t.Errorf("%s: %v", index.Name, index.Columns)
			}
		}
	}
	for _, table := range entities(t, "p: name: string(20) required unique") {
		if len(table.Policies)+len(table.Grants)+len(table.Routines) > 0 || table.Columns[0].Name == "tenant_id" {
			t.Errorf("without tenancy: %+v", table)
		}
	}
}

func TestOwnersHaveNamesOfTheirOwn(t *testing.T) {
	answers := answersOf(t, "p: n: int")
	answers.Services = append(answers.Services, Service{Name: "s-owner", Entities: answers.Services[0].Entities})
	answers.Security.Tenancy = "row-level"
	services := Resolve(answers).Services
	names := []string{services[0].Role, services[0].Owner, services[1].Role, services[1].Owner}
	if got := strings.Join(names, " "); got != "s s_owner_2 s_owner s_owner_owner" {
		t.Errorf("the roles are %s", got)
	}
}
