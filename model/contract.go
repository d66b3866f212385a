package model

import (
	"cmp"
	"fmt"
	"slices"
)

// Contract is what others rely on of a service: its API and its events. It is
// recorded with every generation, for the next one to compare.
type Contract struct {
	Version  string // of the API: 1.4.0
	Access   string `json:",omitempty"` // what a request has to bring along; empty for nothing
	Tenants  bool   `json:",omitempty"` // whether it must say whose records it is about
	Callers  []string
	Entities []ContractEntity
	Events   []ContractEvent `json:",omitempty"`
}

// ContractEntity is one kind of record of an API.
type ContractEntity struct {
	Name, Was  string
	Path       string
	Owned      bool                `json:",omitempty"` // a caller sees their own records alone
	Parameters []ContractParameter // of its lists and reads
	Fields     []ContractField
}

// ContractParameter is one query parameter, or one value of sort or expand.
type ContractParameter struct {
	Name string // status · sort=price · expand=customer
	Type string `json:",omitempty"`
}

// ContractField is one member of requests, answers and events.
type ContractField struct {
	Name, Was string
	Type      string   // as JSON has it: int32, string, date-time
	Values    []string `json:",omitempty"` // all that it can be; empty for any
	Required  bool     `json:",omitempty"` // must be given on create
	Nullable  bool     `json:",omitempty"`
	Private   bool     `json:",omitempty"` // taken, but never given
	Default   string   `json:",omitempty"`
	Limits    string   `json:",omitempty"` // of what is taken, as a check of a column called value
}

// ContractEvent is one event that a service publishes.
type ContractEvent struct {
	Name      string
	Consumers []string
	Fields    []ContractField
}

// ContractChange is one way in which a contract differs from the one before.
type ContractChange struct {
	Rule      string   `json:"rule"`
	Subject   string   `json:"subject"` // product.price
	Text      string   `json:"text"`    // what became of it: is gone
	Breaking  bool     `json:"breaking"`
	Consumers []string `json:"consumers,omitempty"` // services that call the API or consume the event
}

func (c ContractChange) String() string { return c.Subject + " " + c.Text }

// firstVersion is that of an API that was never generated before.
const firstVersion = "1.0.0"

// ContractOf is the contract of a service of a blueprint, in its first version.
func ContractOf(b Blueprint, s ServicePlan) Contract {
	contract := Contract{Version: firstVersion, Access: accessOf(b.Security), Tenants: b.Security.Tenants(), Callers: s.CalledBy}
	for _, entity := range s.Entities {
		contract.Entities = append(contract.Entities, ContractEntity{Name: entity.Name, Was: entity.Was, Path: entity.Path, Owned: entity.Owned(),
			Parameters: contractParameters(entity), Fields: contractFields(entity)})
	}
	for _, event := range s.Publishes {
		consumers := slices.DeleteFunc(slices.Clone(event.Consumers), func(name string) bool { return name == s.Name })
		if event.Recorded && len(consumers) == 0 {
			continue // the service's own business
		}
		contract.Events = append(contract.Events, ContractEvent{Name: event.Name, Consumers: consumers, Fields: contractFields(s.entity(event.Entity))})
	}
	return contract
}

func accessOf(s Security) string {
	if s.Authentication == "none" {
		return ""
	}
	access := s.Authentication
	if s.Authorization != "none" && s.Authorization != "" {
		access += " " + s.Authorization
	}
	return access
}

func contractParameters(e EntityPlan) []ContractParameter {
	var parameters []ContractParameter
	for _, filter := range e.Filters {
		parameters = append(parameters, ContractParameter{Name: filter.Parameter, Type: wireTypes[filter.Field.Type.Kind]})
	}
	for _, sort := range e.Sorts {
		parameters = append(parameters, ContractParameter{Name: "sort=" + sort.Name})
	}
	for _, reference := range e.References {
		if reference.Expansion != "" {
			parameters = append(parameters, ContractParameter{Name: "expand=" + reference.Expansion})
		}
	}
	return parameters
}

// wireTypes are the kinds as JSON tells them apart.
var wireTypes = map[Kind]string{
	KindString: "string", KindText: "string", KindInt: "int32", KindBigint: "int64", KindDecimal: "decimal", KindFloat: "double",
	KindBool: "boolean", KindDate: "date", KindTimestamp: "date-time", KindUUID: "uuid", KindJSON: "json", KindEnum: "enum",
	KindEmail: "email", KindURL: "url", KindRef: "uuid",
}

func contractFields(e EntityPlan) []ContractField {
	var fields []ContractField
	for _, f := range e.Fields {
		field := ContractField{Name: f.JSON, Type: wireTypes[f.Type.Kind], Values: f.Type.Values, Nullable: f.Nullable, Private: f.Private,
			Required: !f.Nullable && f.Default == nil, Limits: limitsOf(f)}
		if f.Was != "" {
			field.Was = fieldJSON(f.Field, f.Was)
		}
		if f.Default != nil {
			field.Default = *f.Default
		}
		fields = append(fields, field)
	}
	return fields
}

func limitsOf(f FieldPlan) string {
	f.SQLName = "value"
	switch f.Type.Kind {
	case KindEnum:
		return ""
	case KindDecimal:
		digits := fmt.Sprintf("digits <= %d AND places <= %d", f.Type.Precision-f.Type.Scale, f.Type.Scale)
		if check := checkOf(f); check != "" {
			return digits + " AND " + check
		}
		return digits
	}
	return checkOf(f)
}

// CompareContracts lists what changes for those who rely on a contract, by the
// rules in contract_rules.go. It is pure.
func CompareContracts(old, new Contract) []ContractChange {
	var changes []ContractChange
	callers := union(old.Callers, new.Callers)
	changes = append(changes, applyRules(contractRules, &old, &new, "the API", callers)...)
	for _, e := range paired(old.Entities, new.Entities, func(e ContractEntity) (string, string) { return e.Name, e.Was }) {
		subject := pick(e).Name
		changes = append(changes, applyRules(entityRules, e.old, e.new, subject, callers)...)
		if e.old == nil || e.new == nil {
			continue
		}
		for _, p := range paired(e.old.Parameters, e.new.Parameters, func(p ContractParameter) (string, string) { return p.Name, "" }) {
			changes = append(changes, applyRules(parameterRules, p.old, p.new, "?"+pick(p).Name+" of "+subject, callers)...)
		}
		for _, f := range pairedFields(e.old.Fields, e.new.Fields) {
			changes = append(changes, applyRules(fieldRules, f.old, f.new, subject+"."+pick(f).Name, callers)...)
		}
	}
	for _, e := range paired(old.Events, new.Events, func(e ContractEvent) (string, string) { return e.Name, "" }) {
		changes = append(changes, compareEvents(e)...)
	}
	return changes
}

func compareEvents(e pair[ContractEvent]) []ContractChange {
	subject := "the event " + pick(e).Name
	if e.old == nil || e.new == nil {
		return applyRules(eventRules, e.old, e.new, subject, pick(e).Consumers)
	}
	var changes []ContractChange
	for _, f := range pairedFields(public(e.old.Fields), public(e.new.Fields)) {
		name := pick(e).Name + " " + pick(f).Name
		changes = append(changes, applyRules(answerRules, f.old, f.new, name, union(e.old.Consumers, e.new.Consumers))...)
	}
	return changes
}

// public are the fields that are given; of an event nothing is taken.
func public(fields []ContractField) []ContractField {
	given := slices.DeleteFunc(slices.Clone(fields), func(f ContractField) bool { return f.Private })
	for i := range given {
		given[i].Required = false
	}
	return given
}

func pairedFields(old, new []ContractField) []pair[ContractField] {
	return paired(old, new, func(f ContractField) (string, string) { return f.Name, f.Was })
}

// pair is one thing before and after; nil where it is not there.
type pair[T any] struct{ old, new *T }

// pick is the thing as those know it who rely on it.
func pick[T any](p pair[T]) *T { return cmp.Or(p.old, p.new) }

// paired matches two lists by name, or by what a name was, in the order of the new
// one; what is gone comes last.
func paired[T any](old, new []T, names func(T) (name, was string)) []pair[T] {
	index := func(list []T) (was map[string]string, at map[string]*T) {
		was, at = map[string]string{}, map[string]*T{}
		for i := range list {
			name, former := names(list[i])
			was[name], at[name] = former, &list[i]
		}
		return was, at
	}
	oldNames, oldAt := index(old)
	newNames, _ := index(new)
	former := pairNames(oldNames, newNames)
	var pairs []pair[T]
	kept := map[string]bool{}
	for i := range new {
		name, _ := names(new[i])
		from, found := former[name]
		kept[from] = found
		pairs = append(pairs, pair[T]{oldAt[from], &new[i]})
	}
	for i := range old {
		if name, _ := names(old[i]); !kept[name] {
			pairs = append(pairs, pair[T]{&old[i], nil})
		}
	}
	return pairs
}

func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// NextVersion is the version behind changes: a new major one if any of them
// breaks somebody, a new minor one for others.
func NextVersion(version string, changes []ContractChange) string {
	var major, minor, patch int
	if n, _ := fmt.Sscanf(version, "%d.%d.%d", &major, &minor, &patch); n != 3 {
		return firstVersion
	}
	switch {
	case len(BreakingChanges(changes)) > 0:
		return fmt.Sprintf("%d.0.0", major+1)
	case len(changes) > 0:
		return fmt.Sprintf("%d.%d.0", major, minor+1)
	}
	return version
}

// BreakingChanges are those of the changes that break somebody.
func BreakingChanges(changes []ContractChange) []ContractChange {
	return slices.DeleteFunc(slices.Clone(changes), func(c ContractChange) bool { return !c.Breaking })
}
