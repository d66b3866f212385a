//go:build unix

package model

import (
	"strings"
	"testing"
)

func audited(t *testing.T, lines ...string) []Table {
	t.Helper()
	return entitiesWith(t, func(a *Answers) { a.Security.Audit = true }, lines...)
}

func TestAuditLogComesAndGoesOnPostgres(t *testing.T) {
	server := startPostgres(t)
	server.query(t, roles)
	plain := []string{"p: name: string(20) required unique; size: int index", "q: p: ref(p) required"}
	more := append(plain, "r: p: ref(p) required; note: text")
	both := entitiesWith(t, func(a *Answers) { a.Security.Audit, a.Security.Tenancy = true, "row-level" }, plain...)
	for _, c := range []struct {
		name     string
		old, new []Table
	}{
		{"comes", entities(t, plain...), audited(t, plain...)},
		{"goes", audited(t, plain...), entities(t, plain...)},
		{"comes to tenants", tenants(t, plain...), both},
		{"gets tenants", audited(t, plain...), both},
		{"entity is added", audited(t, plain...), audited(t, more...)},
	} {
		t.Run(c.name, func(t *testing.T) { checkMigration(t, server, c.old, c.new) })
	}
}

func TestAuditLogIsNotDroppedUnasked(t *testing.T) {
	plain := entities(t, "p: name: string(20)")
	expanded := ChangeSchema(audited(t, "p: name: string(20)"), plain, false)
	if script := upScript(expanded.Migrations); strings.Contains(script, "DROP TABLE") || len(expanded.Losses()) > 0 {
		t.Errorf("the log goes at once:\n%s", script)
	}
	contracted := ChangeSchema(expanded.Schema, plain, true)
	if script := upScript(contracted.Migrations); !strings.Contains(script, "DROP TABLE audit_log") || len(contracted.Losses()) != 1 {
		t.Errorf("the log goes without a word (%q):\n%s", contracted.Losses(), script)
	}
}

// Each line runs as the service's role and says what the server answers.
func TestServicesCanOnlyAddToTheAuditLog(t *testing.T) {
	server := startPostgres(t)
	server.query(t, roles)
	const insert = "INSERT INTO audit_log (subject, operation, entity, record_id) VALUES ('me', 'create', 'p', gen_random_uuid());\n"
	prepare := roles + "SET ROLE s_owner;\n" + CreateSchema(audited(t, "p: name: string(20)")) + "\nRESET ROLE;\nSET SESSION AUTHORIZATION s;\n" +
		"\\set VERBOSITY sqlstate\n\\set ON_ERROR_STOP 0\n" + insert
	for _, c := range []struct{ name, statement, answer string }{
		{"add", insert + "RESET SESSION AUTHORIZATION; SELECT count(*) FROM audit_log;", "2"},
		{"another operation", strings.Replace(insert, "create", "read", 1), "23514"},
		{"its own records", "INSERT INTO ps (id, name) VALUES (gen_random_uuid(), 'x') RETURNING name;", "x"},
		{"read", "SELECT subject FROM audit_log;", "42501"},
		{"change", "UPDATE audit_log SET subject = 'you';", "42501"},
		{"delete", "DELETE FROM audit_log;", "42501"},
		{"truncate", "TRUNCATE audit_log;", "42501"},
		{"grant itself more", "GRANT ALL ON audit_log TO s; UPDATE audit_log SET subject = 'you';", "42501"},
		{"drop", "DROP TABLE audit_log;", "42501"},
		{"become the owner", "SET ROLE s_owner;", "42501"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := server.answer(t, prepare+c.statement+"\n"); got != c.answer {
				t.Errorf("the server says %q, want %q", got, c.answer)
			}
		})
	}
}
