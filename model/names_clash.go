package model

import (
	"fmt"
	"strconv"
)

// NameClashes returns the answers whose names differ as they are written but
// would be one and the same in what is generated: two services with one Python
// package, two entities with one table, two fields with one column.
func NameClashes(a Answers) []Problem {
	var problems []Problem
	packages := newClaims("service", "rename one of them")
	for i, service := range a.Services {
		path := fmt.Sprintf("services[%d]", i)
		problems = append(problems, packages.claim(path, service.Name, "Python package "+ServicePackage(service.Name), "database "+ServiceDatabase(service.Name))...)
		problems = append(problems, entityClashes(path, service)...)
	}
	return problems
}

func entityClashes(path string, s Service) []Problem {
	var problems []Problem
	tables := newClaims("entity", "rename it; an entity is named in the singular")
	for _, own := range ownTables {
		tables.owners["table "+own] = "every service"
	}
	for i, entity := range s.Entities {
		path := fmt.Sprintf("%s.entities[%d]", path, i)
		problems = append(problems, tables.claim(path, entity.Name, "table "+shorten(Plural(Snake(entity.Name))),
			"class "+PythonClass(entity.Name), "module "+PythonModule(entity.Name))...)
		columns := newClaims("field", "rename one of them; a reference is stored as the id of what it refers to")
		for k, field := range entity.Fields {
			name := fieldJSON(field, field.Name)
			problems = append(problems, columns.claim(fmt.Sprintf("%s.fields[%d]", path, k), field.Name,
				"column "+sqlColumn(name), "attribute "+PythonAttribute(name))...)
		}
	}
	return problems
}

// ownTables are in every service's database, whatever its entities.
var ownTables = []string{"idempotency_keys", "inbox", "outbox", "schema_migrations"}

// claims remembers who got which derived name.
type claims struct {
	kind, hint string
	owners     map[string]string // by derived name, as a sentence calls them
}

func newClaims(kind, hint string) claims {
	return claims{kind: kind, hint: hint, owners: map[string]string{}}
}

// claim takes the derived names for the one that is called name. Of several that
// are taken only the first is reported, and nothing if the two were written
// alike: a plain duplicate is reported as that.
func (c claims) claim(path, name string, derived ...string) []Problem {
	self := strconv.Quote(name)
	var problems []Problem
	for _, d := range derived {
		owner, taken := c.owners[d]
		if !taken {
			c.owners[d] = self
			continue
		}
		if len(problems) == 0 && owner != self {
			problems = append(problems, Problem{Path: path, Message: fmt.Sprintf("the %s %q would get the %s, which %s has already", c.kind, name, d, owner), Hint: c.hint})
		}
	}
	return problems
}
