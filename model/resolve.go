package model

import (
	"slices"
	"strconv"
	"strings"
)

const (
	servicePort    = 8000 // inside a container, where every service has its own address
	metricsPort    = 9000 // beside it, so that metrics never pass the public route
	firstLocalPort = 8001 // on a developer's machine, where the services share one address
)

// Resolve derives the blueprint from answers that Check has accepted. It is pure:
// equal answers give equal blueprints.
func Resolve(a Answers) Blueprint {
	b := Blueprint{
		System:     System{Name: a.Name, Title: Title(a.Name), Description: a.Description, Architecture: a.Architecture, Scale: a.Scale},
		Security:   a.Security.withDefaults(a.Name),
		Delivery:   a.Delivery,
		Datastores: a.Datastores,
	}
	packages := uniqueNames{}
	databases := uniqueNames{}
	for i, service := range a.Services {
		b.Services = append(b.Services, resolveService(a, service, i, packages, databases))
	}
	resolveOwners(&b, databases)
	resolveReferences(&b)
	resolveEvents(a, &b)
	for i := range b.Services {
		b.Services[i].Schema = b.schemaOf(b.Services[i])
	}
	resolveCalls(&b)
	resolveNumbers(a, &b)
	b.Findings = findings(a, b)
	return b
}

func resolveService(a Answers, s Service, index int, packages, databases uniqueNames) ServicePlan {
	database := databases.take(ServiceDatabase(s.Name))
	plan := ServicePlan{
		Name:         s.Name,
		Title:        Title(s.Name),
		Was:          s.Was,
		Description:  s.Description,
		Distribution: a.Name + "-" + s.Name,
		Package:      packages.take(ServicePackage(s.Name)),
		EnvPrefix:    EnvName(s.Name),
		Database:     database,
		Role:         database,
		Owner:        database,
		Port:         servicePort,
		LocalPort:    firstLocalPort + index,
		MetricsPort:  metricsPort,
		Cached:       s.Cache && a.Datastores.Cache == "redis",
		UsesRedis:    (s.Cache || a.Security.RateLimit.PerClientRPS > 0) && a.Datastores.Cache == "redis",
		Calls:        sortedSet(s.Calls),
	}
	taken := entityNames{classes: uniqueNames{}, modules: uniqueNames{}, tables: uniqueNames{}}
	for _, table := range ownTables {
		taken.tables[table] = true
	}
	for _, entity := range s.Entities {
		plan.Entities = append(plan.Entities, resolveEntity(entity, taken, s.CQRS && hasBroker(a)))
	}
	return plan
}

// entityNames keeps the names apart that the entities of one service share a space with.
type entityNames struct{ classes, modules, tables uniqueNames }

// companionClasses are made beside the class of every entity.
var companionClasses = []string{"Create", "Patch", "Update", "Page"}

func resolveEntity(e Entity, taken entityNames, readModel bool) EntityPlan {
	plural := Plural(Snake(e.Name))
	class := taken.classes.take(PythonClass(e.Name))
	for _, companion := range companionClasses {
		taken.classes[class+companion] = true
	}
	table := taken.tables.take(shorten(plural))
	plan := EntityPlan{
		Name:        Snake(e.Name),
		Title:       Title(e.Name),
		Was:         Snake(e.Was),
		Description: e.Description,
		Class:       class,
		Module:      taken.modules.take(PythonModule(e.Name)),
		Plural:      plural,
		PluralTitle: Title(plural),
		Table:       QuoteSQL(table),
		Path:        entityPath(e.Name),
		Tag:         Kebab(plural),
	}
	if e.Owned {
		plan.AnyScope = plan.Tag + anyScope
	}
	for _, field := range e.Fields {
		plan.Fields = append(plan.Fields, resolveField(field))
	}
	if readModel {
		plan.ReadTable = QuoteSQL(taken.tables.take(shortenWith(plural, readSuffix)))
	}
	plan.Sorts = sortsOf(plan)
	plan.Filters = filtersOf(plan)
	return plan
}

// entityPath is where the API has the records of an entity.
func entityPath(name string) string { return "/v1/" + Kebab(Plural(Snake(name))) }

func resolveField(f Field) FieldPlan {
	name := fieldJSON(f, f.Name)
	column := sqlColumn(name)
	plan := FieldPlan{
		Field:     f,
		JSON:      name,
		Attribute: PythonAttribute(name),
		Column:    column,
		SQLName:   QuoteSQL(column),
		SQLType:   sqlType(f.Type),
		Nullable:  !f.Required && f.Default == nil,
	}
	if f.Default != nil {
		plan.SQLDefault = sqlValue(f.Type, *f.Default)
	}
	plan.Check = checkOf(plan)
	return plan
}

// fieldJSON is the name of a field in the API: a reference is an id and says so.
func fieldJSON(f Field, name string) string {
	snake := Snake(name)
	if f.Type.Kind == KindRef && snake != "" && !strings.HasSuffix(snake, "_id") {
		return snake + "_id"
	}
	return snake
}

// resolveReferences fills in the targets once every service's entities have names.
func resolveReferences(b *Blueprint) {
	for i := range b.Services {
		service := &b.Services[i]
		for j := range service.Entities {
			entity := &service.Entities[j]
			for _, field := range entity.Fields {
				if field.Type.Kind == KindRef {
					entity.References = append(entity.References, resolveReference(*b, *service, *entity, field))
				}
			}
			resolveExpansions(*service, entity)
		}
	}
}

func resolveReference(b Blueprint, from ServicePlan, entity EntityPlan, field FieldPlan) Reference {
	owner := from
	if field.Type.Service != "" {
		owner = b.service(field.Type.Service)
	}
	ref := Reference{Field: field.JSON, Service: owner.Name, Entity: Snake(field.Type.Entity), Local: owner.Name == from.Name}
	if ref.Local {
		ref.Table = owner.entity(ref.Entity).Table
		ref.Constraint = constraintName(unquote(entity.Table), field.Column, "fkey")
	}
	return ref
}

func (b Blueprint) service(name string) ServicePlan {
	i := slices.IndexFunc(b.Services, func(s ServicePlan) bool { return s.Name == name })
	if i < 0 {
		return ServicePlan{Name: name}
	}
	return b.Services[i]
}

func (s ServicePlan) entity(name string) EntityPlan {
	i := slices.IndexFunc(s.Entities, func(e EntityPlan) bool { return e.Name == name })
	if i < 0 {
		return EntityPlan{Name: name}
	}
	return s.Entities[i]
}

// uniqueNames hands out names within one space. Check refuses the answers that
// would clash in front of a user; this keeps the rest apart in a fixed order.
type uniqueNames map[string]bool

func (u uniqueNames) take(name string) string {
	candidate := name
	for n := 2; u[candidate]; n++ {
		candidate = shortenWith(name, "_"+strconv.Itoa(n))
	}
	u[candidate] = true
	return candidate
}

func sortedSet(names []string) []string {
	sorted := slices.Clone(names)
	slices.Sort(sorted)
	return slices.Compact(sorted)
}
