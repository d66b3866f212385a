package model

import (
	"fmt"
	"reflect"
	"slices"
)

// dropRights takes back what roles may no longer do with a table, before anything
// else of it changes. The other direction gives it again.
func (d tableDiff) dropRights() []MigrationStep {
	var steps []MigrationStep
	table := d.new.Name
	for _, r := range without(d.old.Routines, d.new.Routines) {
		steps = append(steps, MigrationStep{Summary: "Drop the function " + r.Name, Up: []string{dropRoutine(r)}, Down: createRoutine(r)})
	}
	for _, g := range without(d.old.Grants, d.new.Grants) {
		steps = append(steps, MigrationStep{Summary: fmt.Sprintf("Revoke rights on %s from %s", table, g.Role),
			Up: []string{revokeOn(table, g)}, Down: []string{grantOn(table, g)}})
	}
	for _, p := range without(d.old.Policies, d.new.Policies) {
		steps = append(steps, MigrationStep{Summary: fmt.Sprintf("Drop the policy %s of %s", p.Name, table),
			Up: []string{dropPolicy(table, p)}, Down: []string{createPolicy(table, p)}})
	}
	if len(d.old.Policies) > 0 && len(d.new.Policies) == 0 {
		steps = append(steps, MigrationStep{Summary: "Lift row-level security from " + table,
			Up: liftRowSecurity(table), Down: enforceRowSecurity(table)})
	}
	return steps
}

// addRights gives what roles may newly do with a table, once it is what it shall be.
func (d tableDiff) addRights() []MigrationStep {
	var steps []MigrationStep
	table := d.new.Name
	if len(d.old.Policies) == 0 && len(d.new.Policies) > 0 {
		steps = append(steps, MigrationStep{Summary: "Enforce row-level security on " + table,
			Up: enforceRowSecurity(table), Down: liftRowSecurity(table)})
	}
	for _, p := range without(d.new.Policies, d.old.Policies) {
		steps = append(steps, MigrationStep{Summary: fmt.Sprintf("Add the policy %s to %s", p.Name, table),
			Up: []string{createPolicy(table, p)}, Down: []string{dropPolicy(table, p)}})
	}
	for _, g := range without(d.new.Grants, d.old.Grants) {
		steps = append(steps, MigrationStep{Summary: fmt.Sprintf("Grant rights on %s to %s", table, g.Role),
			Up: []string{grantOn(table, g)}, Down: []string{revokeOn(table, g)}})
	}
	for _, r := range without(d.new.Routines, d.old.Routines) {
		steps = append(steps, MigrationStep{Summary: "Add the function " + r.Name, Up: createRoutine(r), Down: []string{dropRoutine(r)}})
	}
	return steps
}

// without lists what is in one list and not, just so, in the other.
func without[T any](list, other []T) []T {
	return slices.DeleteFunc(slices.Clone(list), func(item T) bool {
		return slices.ContainsFunc(other, func(o T) bool { return reflect.DeepEqual(item, o) })
	})
}
