package main

import (
	"fmt"
	"strconv"

	"codex-design/model"
)

// factorsOf lists what designs differ in: the number of services, their entities,
// and every answer with a fixed set of values, as far as it can be generated.
func factorsOf() []factor {
	factors := []factor{{"services", counts(1, 2, 4)}, {"entities", shapes}}
	for _, key := range model.Keys() {
		if key.Choices != nil && key.Path != "datastores.database" {
			factors = append(factors, factor{key.Path, choices(key)})
		}
	}
	for _, s := range switches {
		f := factor{s.name, []value{{"no", func(*model.Answers) {}}}}
		if model.Unavailable(s.path) == "" {
			f.values = append(f.values, value{"yes", s.apply})
		}
		factors = append(factors, f)
	}
	return factors
}

// choices are the values of an answer that can be generated.
func choices(key model.Key) []value {
	var values []value
	for _, choice := range key.Choices {
		if choice.Unavailable != "" {
			continue
		}
		values = append(values, value{choice.Value, func(a *model.Answers) {
			if err := model.Set(a, key.Path, choice.Value); err != nil {
				panic(err) // the table lists what is no choice
			}
			if connect := connections[key.Path+"="+choice.Value]; connect != nil {
				connect(a)
			}
		}})
	}
	return values
}

// connections are what a value needs elsewhere, to be of any effect.
var connections = map[string]func(*model.Answers){
	"datastores.cache=redis":     cacheFirst,
	"datastores.broker=nats":     exchangeEvents,
	"datastores.broker=rabbitmq": exchangeEvents,
	"datastores.broker=kafka":    exchangeEvents,
}

func cacheFirst(a *model.Answers) { a.Services[0].Cache = true }

// exchangeEvents has the first service publish something and the last, if that is
// another one, react to it.
func exchangeEvents(a *model.Answers) {
	first, last := &a.Services[0], &a.Services[len(a.Services)-1]
	event := first.Entities[0].Name + ".created"
	first.Publishes = []string{event}
	if first != last {
		last.Consumes = []string{event}
	}
}

// switches are answers that are given or not.
var switches = []struct {
	name, path string
	apply      func(*model.Answers)
}{
	{"cors", "security.cors", func(a *model.Answers) { a.Security.CORS = []string{"https://shop.example.com"} }},
	{"rate limit", "security.rate_limit.per_client_rps", func(a *model.Answers) { a.Security.RateLimit.PerClientRPS = 20 }},
	{"audit log", "security.audit", func(a *model.Answers) { a.Security.Audit = true }},
	{"owners", "services[].entities[].owned", func(a *model.Answers) {
		for i := range a.Services {
			for j := range a.Services[i].Entities {
				a.Services[i].Entities[j].Owned = true
			}
		}
	}},
	{"read model", "services[].cqrs", func(a *model.Answers) { a.Services[len(a.Services)-1].CQRS = true }},
}

// counts are numbers of services, each of which calls the one before it.
func counts(numbers ...int) []value {
	var values []value
	for _, n := range numbers {
		values = append(values, value{strconv.Itoa(n), func(a *model.Answers) {
			for i := range n {
				s := model.Service{Name: fmt.Sprintf("part-%c", 'a'+i)}
				if i > 0 {
					s.Calls = []string{a.Services[i-1].Name}
				}
				a.Services = append(a.Services, s)
			}
		}})
	}
	return values
}

// kind is an entity as the field grammar writes it.
type kind struct {
	name   string
	fields []string
}

// shapes are kinds of entities. Every service has all of one shape; behind the
// first, their names get the letter of the service, because paths must differ.
var shapes = []value{
	shape("of one field", kind{"thing", []string{"name: string(80) required unique"}}),
	shape("of every type", kind{"sample", []string{
		"code: string(12) required unique pattern(^[A-Z0-9-]+$)", "note: text private", "amount: int required min(0) index",
		"big: bigint default(7)", "price: decimal(12,2) required min(0)", "ratio: float", "open: bool required",
		"due: date index", "seen_at: timestamp", "token: uuid unique", "extra: json",
		"state: enum(draft, active) index default(draft)", "contact: email required", "link: url"}}),
	shape("with references",
		kind{"parent", []string{"name: string(40) required", "older: ref(parent)"}},
		kind{"child", []string{"parent: ref(parent) required", "place: int required"}},
		kind{"leaf", []string{"child: ref(child)", "twin: ref(leaf)"}}),
	shape("with awkward names",
		kind{"order", []string{"from: string(20) required", "class: enum(first, second) required index", "group: int"}},
		kind{"user", []string{"order: ref(order)", "select: bool", "type: string(9) index"}}),
}

func shape(name string, kinds ...kind) value {
	return value{name, func(a *model.Answers) {
		for i := range a.Services {
			suffix := ""
			if i > 0 {
				suffix = fmt.Sprintf("_%c", 'a'+i)
			}
			a.Services[i].Entities = entities(kinds, suffix)
			if i > 0 {
				referToPrevious(a.Services[i-1], &a.Services[i])
			}
		}
	}}
}

// referToPrevious has the last entity of a service name one of another service.
func referToPrevious(before model.Service, s *model.Service) {
	last := &s.Entities[len(s.Entities)-1]
	last.Fields = append(last.Fields, parsed("elsewhere: ref("+before.Name+"."+before.Entities[0].Name+")"))
}

func entities(kinds []kind, suffix string) []model.Entity {
	all := make([]model.Entity, len(kinds))
	for i, k := range kinds {
		all[i].Name = k.name + suffix
		for _, line := range k.fields {
			f := parsed(line)
			if f.Type.Kind == model.KindRef {
				f.Type.Entity += suffix
			}
			all[i].Fields = append(all[i].Fields, f)
		}
	}
	return all
}

func parsed(line string) model.Field {
	f, err := model.ParseField(line)
	if err != nil {
		panic(err)
	}
	return f
}
