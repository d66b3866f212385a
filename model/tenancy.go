package model

import (
	"slices"
	"strings"
)

// Tenants reports whether the records of several customers are kept apart.
func (s Security) Tenants() bool { return s.Tenancy == "row-level" }

// SplitsRoles reports whether a service may not do everything with its tables:
// a role that owns a table could lift what the database holds it to.
func (s Security) SplitsRoles() bool { return s.Tenants() || s.Audit }

// SplitRoles reports whether the service runs as another role than its migrations.
func (s ServicePlan) SplitRoles() bool { return s.Owner != s.Role }

// resolveOwners names the roles that own the tables, once every service has its own name.
func resolveOwners(b *Blueprint, databases uniqueNames) {
	if !b.Security.SplitsRoles() {
		return
	}
	for i := range b.Services {
		service := &b.Services[i]
		service.Owner = databases.take(shortenWith(service.Role, "_owner"))
	}
}

const (
	tenantColumn = "tenant_id"
	// currentTenant is null outside of a request for a tenant; a setting that
	// was reset reads as the empty text.
	currentTenant = "nullif(current_setting('app.tenant_id', true), '')::uuid"
)

// perTenant gives every table the tenant of its rows. All keys begin with it, so
// that no reference crosses tenants and every lookup reads its own tenant alone.
// The column fills itself in: no statement of the service names it.
func perTenant(tables []Table, s ServicePlan) []Table {
	tables = slices.Clone(tables)
	for i, t := range tables {
		t.Columns = slices.Insert(slices.Clone(t.Columns), 0, Column{Name: tenantColumn, Type: "uuid", NotNull: true, Default: currentTenant})
		t.Constraints, t.Deferred = tenantKeys(t.Constraints), tenantKeys(t.Deferred)
		t.Policies = append(t.Policies, Policy{Name: "tenant", Using: tenantColumn + " = " + currentTenant})
		if t.Name == idempotencyName {
			t = withSweep(t, s)
		} else {
			t.Indexes = tenantIndexes(t.Indexes)
		}
		tables[i] = t
	}
	return tables
}

// tenantKeys puts the tenant in front of every key, on both sides of a reference.
func tenantKeys(constraints []Constraint) []Constraint {
	constraints = slices.Clone(constraints)
	for i, c := range constraints {
		if c.Kind == "check" {
			continue
		}
		own, target, refers := strings.Cut(c.Definition, " REFERENCES ")
		own = strings.Replace(own, "(", "("+tenantColumn+", ", 1)
		if refers {
			own += " REFERENCES " + strings.Replace(target, "(", "("+tenantColumn+", ", 1)
		}
		constraints[i].Definition = own
	}
	return constraints
}

func tenantIndexes(indexes []Index) []Index {
	indexes = slices.Clone(indexes)
	for i, index := range indexes {
		indexes[i].Columns = slices.Insert(slices.Clone(index.Columns), 0, tenantColumn)
	}
	return indexes
}

// withSweep lets the service have the expired keys of all tenants deleted. It
// cannot do so itself: the function runs as the owner, and of what has not
// expired the owner sees no row either. It finds its tables where the migration made
// them: kit.migrate names that schema and nothing else. The index on the time stays as it is.
func withSweep(t Table, s ServicePlan) Table {
	t.Policies = append(t.Policies, Policy{Name: "sweep", Role: s.Owner, Using: "expires_at <= now()"})
	t.Routines = append(t.Routines, Routine{
		Name: "sweep_idempotency_keys", Arguments: "most integer", Roles: []string{s.Role},
		Definition: `RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    WITH swept AS (
        DELETE FROM idempotency_keys WHERE (tenant_id, operation, key) IN (
            SELECT tenant_id, operation, key FROM idempotency_keys WHERE expires_at <= now()
            ORDER BY expires_at LIMIT most FOR UPDATE SKIP LOCKED
        )
        RETURNING 1
    )
    SELECT count(*) FROM swept
$$`,
	})
	return t
}

// grantTables gives the service's role what its statements need and no more: to
// the audit log it can only add.
func grantTables(tables []Table, s ServicePlan) {
	for i, table := range tables {
		privileges := []string{"SELECT", "INSERT", "UPDATE", "DELETE"}
		if table.Name == AuditName {
			privileges = []string{"INSERT"}
		}
		tables[i].Grants = append(table.Grants, Grant{Role: s.Role, Privileges: privileges})
	}
}
