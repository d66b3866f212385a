package model

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// contracts is the contract of a service s with one thing before and after.
func contracts(t *testing.T, old, new string) []ContractChange {
	t.Helper()
	of := func(line string) Contract {
		if line == "" {
			line = "other: n: int"
		}
		b := Resolve(answersOf(t, strings.Split(line, " / ")...))
		return ContractOf(b, b.Services[0])
	}
	return CompareContracts(of(old), of(new))
}

// Every rule has a case here; TestEveryContractRuleIsShown counts.
var contractCases = []struct{ old, new, want string }{
	{"p: n: int", "p: n: int", ""},
	{"p: n: int", "p: n: int / q: n: int", "entity-new q is new"},
	{"p: n: int / q: n: int", "p: n: int", "entity-gone! q is gone"},
	{"p: n: int", "r (p): n: int", "path-changed! p is at /v1/rs, not at /v1/ps"},
	{"p: n: int", "p: n: int; m: int", "field-new p.m is new"},
	{"p: n: int", "p: n: int; m: int required", "request-field-must-be-given! p.m is new and must be given"},
	{"p: n: int; m: int", "p: n: int", "field-gone! p.m is gone"},
	{"p: n: int", "p: m: int was(n)", "field-renamed! p.n is called m"},
	{"p: n: int", "p: n: int required", "request-field-must-be-given! p.n must be given"},
	{"p: n: int required", "p: n: int", "request-field-may-be-left-out p.n may be left out, answer-null! p.n may be null"},
	{"p: n: int", "p: n: int default(3)", "request-null-refused! p.n may no longer be null, request-default p.n is 3 where it is left out"},
	{"p: n: int default(3)", "p: n: int default(4)", "request-default p.n is 4 where it is left out"},
	{"p: n: int", "p: n: bigint", "answer-type! p.n is given as int64, not as int32"},
	{"p: n: bigint", "p: n: int", "request-type! p.n takes int32, not int64"},
	{"p: n: int", "p: n: date", "request-type! p.n takes date, not int32, answer-type! p.n is given as date, not as int32"},
	{"p: n: int private", "p: n: bigint private", ""},
	{"p: n: int", "p: n: int private", "answer-field-hidden! p.n is no longer given"},
	{"p: n: int private", "p: n: int", "answer-field-shown p.n is given"},
	{"p: n: enum(a, b)", "p: n: enum(b, c, d)", "request-value-gone! p.n no longer takes a, answer-value-new p.n may be c, d"},
	{"p: n: string(9)", "p: n: string(5) min(1)", "request-narrower! p.n takes less: at least 1 characters, at most 5 characters"},
	{"p: n: string(9)", "p: n: string(20)", "request-wider p.n takes more: at most 20 characters"},
	{"p: n: int min(3) max(9)", "p: n: int max(9)", "request-wider p.n takes more"},
	{"p: n: decimal(12,2)", "p: n: decimal(14,2)", "request-wider p.n takes more: at most 12 digits before the point"},
	{"p: n: decimal(12,2)", "p: n: decimal(12,3)", "request-narrower! p.n takes less: at most 9 digits before the point"},
	{"p: n: string(9)", "p: n: string(9) pattern(^a'$)", "request-narrower! p.n takes less: what matches ^a'$"},
	{"p: n: int", "p: n: int index", "parameter-new ?n of p is new, parameter-new ?n_from of p is new, parameter-new ?n_to of p is new"},
	{"p: n: string(5) index", "p: n: string(5)", "parameter-gone! ?n of p is gone"},
	{"p: n: uuid index", "p: n: string(40) index",
		"answer-type! p.n is given as string, not as uuid"},
	{"p: n: string(40) index", "p: n: uuid index",
		"parameter-type! ?n of p takes uuid, not string, request-type! p.n takes uuid, not string"},
}

func told(changes []ContractChange) string {
	var lines []string
	for _, c := range changes {
		mark := ""
		if c.Breaking {
			mark = "!"
		}
		lines = append(lines, c.Rule+mark+" "+c.String())
	}
	return strings.Join(lines, ", ")
}

func TestContractChanges(t *testing.T) {
	for _, c := range contractCases {
		if got := told(contracts(t, c.old, c.new)); got != c.want {
			t.Errorf("%s → %s\n got %s\nwant %s", c.old, c.new, got, c.want)
		}
	}
}

func withBroker(t *testing.T, publishes string, lines ...string) Contract {
	t.Helper()
	a := answersOf(t, lines...)
	a.Datastores.Broker = "nats"
	a.Services[0].Publishes = strings.Fields(publishes)
	a.Services = append(a.Services, Service{Name: "mail", Consumes: strings.Fields(publishes), Entities: []Entity{{Name: "letter"}}})
	b := Resolve(a)
	return ContractOf(b, b.Services[0])
}

func TestContractsOfEvents(t *testing.T) {
	one := withBroker(t, "p.created", "p: n: int required; secret: int private")
	two := withBroker(t, "p.created p.deleted", "p: m: int required; secret: bigint private; more: int required")
	changes := slices.DeleteFunc(CompareContracts(one, two), func(c ContractChange) bool { return len(c.Consumers) == 0 })
	want := "field-new p.created m is new, field-new p.created more is new, field-gone! p.created n is gone, event-new the event p.deleted is new"
	if got := told(changes); got != want || !slices.Equal(changes[0].Consumers, []string{"mail"}) {
		t.Errorf("the events change so: %s, for %v", got, changes[0].Consumers)
	}
	if got := told(CompareContracts(two, withBroker(t, "p.created", "p: m: int required; secret: bigint private; more: int required"))); got != "event-gone! the event p.deleted is gone" {
		t.Errorf("an event that is gone: %s", got)
	}
}

func TestContractsNameTheCallers(t *testing.T) {
	a := answersOf(t, "p: n: int; m: int")
	a.Services = append(a.Services, Service{Name: "caller", Calls: []string{"s"}, Entities: []Entity{{Name: "q", Fields: []Field{mustField("p: ref(s.p)")}}}})
	before := Resolve(a)
	a.Services[0].Entities[0].Fields = a.Services[0].Entities[0].Fields[:1]
	after := Resolve(a)
	changes := CompareContracts(ContractOf(before, before.Services[0]), ContractOf(after, after.Services[0]))
	if got := told(changes); got != "field-gone! p.m is gone" || !slices.Equal(changes[0].Consumers, []string{"caller"}) {
		t.Errorf("%s for %v", got, changes)
	}
	a.Services[1].Calls = nil
	without := Resolve(a)
	if got := told(CompareContracts(ContractOf(after, after.Services[1]), ContractOf(without, without.Services[1]))); got != "parameter-gone! ?expand=p of q is gone" {
		t.Errorf("without the call: %s", got)
	}
}

func TestContractsOfAccess(t *testing.T) {
	a := answersOf(t, "p: n: int")
	a.Security = Security{Authentication: "none", Authorization: "none", Tenancy: "none"}
	open := Resolve(a)
	a.Security = Security{Authentication: "oidc", Authorization: "rbac", Tenancy: "row-level"}
	closed := Resolve(a)
	one, two := ContractOf(open, open.Services[0]), ContractOf(closed, closed.Services[0])
	if got := told(CompareContracts(one, two)); got != "access-changed! the API asks for oidc and rbac, tenant-asked-for! the API asks whose records are meant" {
		t.Error(got)
	}
	if got := told(CompareContracts(two, one)); got != "access-opened the API asks for no credentials any more, tenant-not-asked-for the API no longer asks whose records are meant" {
		t.Error(got)
	}
}

func TestContractsOfOwners(t *testing.T) {
	a := answersOf(t, "p: n: int")
	open := Resolve(a)
	a.Services[0].Entities[0].Owned = true
	owned := Resolve(a)
	one, two := ContractOf(open, open.Services[0]), ContractOf(owned, owned.Services[0])
	if got := told(CompareContracts(one, two)); got != "owned! p belongs to who created it: other callers do not find it" {
		t.Error(got)
	}
	if got := told(CompareContracts(two, one)); got != "not-owned p belongs to nobody any more: every caller finds it" {
		t.Error(got)
	}
}

func TestEveryContractRuleIsShown(t *testing.T) {
	shown := map[string]bool{
		"access-changed": true, "access-opened": true, "tenant-asked-for": true, "tenant-not-asked-for": true, // TestContractsOfAccess
		"owned": true, "not-owned": true, // TestContractsOfOwners
		"event-new": true, "event-gone": true, // TestContractsOfEvents
	}
	for _, c := range contractCases {
		for _, change := range contracts(t, c.old, c.new) {
			shown[change.Rule] = true
		}
	}
	for _, rule := range ruleNames() {
		if !shown[rule] {
			t.Errorf("no case shows the rule %s", rule)
		}
	}
}

func ruleNames() []string {
	var names []string
	for _, r := range contractRules {
		names = append(names, r.name)
	}
	for _, r := range entityRules {
		names = append(names, r.name)
	}
	for _, r := range parameterRules {
		names = append(names, r.name)
	}
	for _, r := range eventRules {
		names = append(names, r.name)
	}
	for _, r := range fieldRules {
		names = append(names, r.name)
	}
	return names
}

func TestVersionsFollowTheContract(t *testing.T) {
	fine, breaking := ContractChange{}, ContractChange{Breaking: true}
	for _, c := range []struct {
		version string
		changes []ContractChange
		want    string
	}{
		{"1.4.0", nil, "1.4.0"}, {"1.4.0", []ContractChange{fine}, "1.5.0"}, {"1.4.0", []ContractChange{fine, breaking}, "2.0.0"}, {"", nil, "1.0.0"},
	} {
		if got := NextVersion(c.version, c.changes); got != c.want {
			t.Errorf("%s after %v is %s, want %s", c.version, c.changes, got, c.want)
		}
	}
	if fmt.Sprint(BreakingChanges([]ContractChange{fine, breaking})) != fmt.Sprint([]ContractChange{breaking}) {
		t.Error("the breaking ones are not found")
	}
}
