//go:build unix

package model

import (
	"strings"
	"testing"
)

// Switching a read model on fills its table from the records; switching it off
// leaves the table to the release before.
func TestReadModelsComeAndGo(t *testing.T) {
	server := startPostgres(t)
	without := trade()
	without.Services[0].CQRS = false
	old, new := Resolve(without).Services[0].Schema, Resolve(trade()).Services[0].Schema
	checkMigration(t, server, old, new)
	checkMigration(t, server, new, old)
	on := ChangeSchema(old, new, false)
	script := CreateSchema(old) + "INSERT INTO orders (id, total, note) VALUES (gen_random_uuid(), 12, 'nobody reads this');\n" + upScript(on.Migrations) +
		"SELECT status, total, version, tombstoned_at, searched_words FROM orders_read;\n"
	if got := server.query(t, script); got != "placed|12.00|1||'placed':1\n" {
		t.Errorf("the read model has %q", got)
	}
	off := ChangeSchema(new, old, false)
	if len(off.Migrations) > 0 || !strings.Contains(strings.Join(off.Retired, "\n"), "orders_read") {
		t.Errorf("%d migrations, and left for later: %v", len(off.Migrations), off.Retired)
	}
	if again := ChangeSchema(off.Schema, new, true); len(again.Blocked) > 0 {
		t.Errorf("it cannot be switched on again: %v", again.Blocked)
	}
}
