package model

import "slices"

// sortableKinds have an order that a person would read a list in.
var sortableKinds = []Kind{KindString, KindInt, KindBigint, KindDecimal, KindFloat, KindDate, KindTimestamp}

// rangeKinds are worth a from and a to; a range of texts is not.
var rangeKinds = []Kind{KindInt, KindBigint, KindDecimal, KindFloat, KindDate, KindTimestamp}

// indexableKinds fit into a B-tree entry at their greatest length.
func indexable(f FieldPlan) bool { return f.Type.Kind != KindText && f.Type.Kind != KindJSON }

// queryable reports whether a list may be read by the field. A private field is
// not: an answer to a filter or a cursor would give away what no response shows.
func queryable(f FieldPlan) bool { return !f.Private && indexable(f) }

func sortable(f FieldPlan) bool {
	return f.Index && !f.Nullable && queryable(f) && slices.Contains(sortableKinds, f.Type.Kind)
}

// filterable reports whether equality with the field is a query parameter.
func filterable(f FieldPlan) bool {
	return queryable(f) && (f.Index || f.Unique || f.Type.Kind == KindRef || f.Type.Kind == KindEnum)
}

// sortsOf returns the orders of an entity's list: by age, and by each indexed
// field that is never null, because a keyset has no place for nulls.
func sortsOf(e EntityPlan) []SortPlan {
	sorts := []SortPlan{{Name: "created_at", Column: "created_at", Kind: KindTimestamp, Default: true}}
	for _, field := range e.Fields {
		if sortable(field) {
			sorts = append(sorts, SortPlan{Name: field.JSON, Column: field.SQLName, Kind: field.Type.Kind})
		}
	}
	return sorts
}

// filtersOf returns the query parameters of an entity's list, in the order of its fields.
func filtersOf(e EntityPlan) []FilterPlan {
	taken := uniqueParameters{"sort": true, "limit": true, "cursor": true, "expand": true}
	for _, field := range e.Fields { // a range must not take the name of a field's own filter
		taken[field.JSON+" "] = true
	}
	var filters []FilterPlan
	add := func(field FieldPlan, operator FilterOperator, suffix string) {
		name := taken.take(field.JSON, suffix)
		filters = append(filters, FilterPlan{Parameter: name, Attribute: PythonAttribute(name), Column: field.SQLName, Operator: operator, Field: field})
	}
	for _, field := range e.Fields {
		if !filterable(field) {
			continue
		}
		add(field, FilterEqual, "")
		if field.Index && slices.Contains(rangeKinds, field.Type.Kind) {
			add(field, FilterFrom, "_from")
			add(field, FilterTo, "_to")
		}
	}
	if e.ReadTable != "" && len(e.Searched()) > 0 {
		name := taken.take("q", "")
		filters = append(filters, FilterPlan{Parameter: name, Attribute: PythonAttribute(name), Column: searchColumn, Operator: FilterWords,
			Field: FieldPlan{Field: Field{Name: name, Type: Type{Kind: KindString, Length: searchLength}}, JSON: name, Attribute: PythonAttribute(name)}})
	}
	return filters
}

// uniqueParameters keeps query parameters apart from each other and from those
// that every list has.
type uniqueParameters map[string]bool

func (u uniqueParameters) take(field, suffix string) string {
	name := field + suffix
	if u[name] || suffix != "" && u[name+" "] {
		name = field + "_eq" + suffix
	}
	for u[name] {
		name += "_"
	}
	u[name] = true
	return name
}

// operation is one row of the API that every entity has.
type operation struct {
	name, method string
	item         bool // the path names one item
	share        derivation
	mix          []Constant // that the share is made of
}

var operations = []operation{
	{"list", "GET", false, derive("", "read_share * list_of_reads / entities", sourceMix), []Constant{listOfReads}},
	{"create", "POST", false, derive("", "(1 - read_share) * create_of_writes / entities", sourceMix), []Constant{createOfWrites}},
	{"read", "GET", true, derive("", "read_share * (1 - list_of_reads) / entities", sourceMix), []Constant{listOfReads}},
	{"update", "PATCH", true, derive("", "(1 - read_share) * update_of_writes / entities", sourceMix), []Constant{updateOfWrites}},
	{"delete", "DELETE", true, derive("", "(1 - read_share) * (1 - create_of_writes - update_of_writes) / entities", sourceMix),
		[]Constant{createOfWrites, updateOfWrites}},
}

// routesOf returns an entity's operations; shares are of the service's requests.
func routesOf(e EntityPlan, readShare Quantity, entities int) []Route {
	routes := make([]Route, len(operations))
	for i, op := range operations {
		inputs := []Input{readShare.named("read_share")}
		for _, constant := range op.mix {
			inputs = append(inputs, constant.input())
		}
		share := op.share.of(append(inputs, Input{"entities", float64(entities)})...)
		route := Route{Operation: op.name, Method: op.method, Path: e.Path, ID: op.name + "_" + e.Name, Share: share}
		if op.item {
			route.Path += "/{" + e.Name + "_id}"
		}
		if op.name == "list" {
			route.ID = "list_" + e.Plural
		}
		routes[i] = route
	}
	return routes
}
