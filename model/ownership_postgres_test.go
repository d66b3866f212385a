//go:build unix

package model

import "testing"

func owned(t *testing.T, lines ...string) []Table {
	t.Helper()
	return entitiesWith(t, func(a *Answers) {
		for i := range a.Services[0].Entities {
			a.Services[0].Entities[i].Owned = true
		}
	}, lines...)
}

func TestOwnersComeAndGoOnPostgres(t *testing.T) {
	server := startPostgres(t)
	plain := []string{"p: name: string(20) required unique; size: int index", "q: p: ref(p) required; q: ref(q)"}
	more := append(plain, "r: p: ref(p) required; note: text")
	for _, c := range []struct {
		name     string
		old, new []Table
	}{
		{"come", entities(t, plain...), owned(t, plain...)},
		{"go", owned(t, plain...), entities(t, plain...)},
		{"entity is added", owned(t, plain...), owned(t, more...)},
		{"entity is renamed", owned(t, "p: a: int unique"), owned(t, "o (p): a: int unique")},
	} {
		t.Run(c.name, func(t *testing.T) { checkMigration(t, server, c.old, c.new) })
	}
}

func TestRecordsFromBeforeAreNobodys(t *testing.T) {
	server := startPostgres(t)
	lines := []string{"p: name: string(20) required"}
	script := CreateSchema(entities(t, lines...)) + "\nINSERT INTO ps (id, name) VALUES (gen_random_uuid(), 'lamp');\n" +
		upScript(ChangeSchema(entities(t, lines...), owned(t, lines...), true).Migrations) +
		"SELECT name, owner_id = '' FROM ps;\n"
	if got := server.query(t, script); got != "lamp|t\n" {
		t.Errorf("the rows are %q", got)
	}
}
