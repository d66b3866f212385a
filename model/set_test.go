package model

import (
	"reflect"
	"strings"
	"testing"
)

func TestSetChangesOneAnswer(t *testing.T) {
	cases := []struct {
		key, value string
		get        func(a Answers) any
		want       any
	}{
		{"name", "store", func(a Answers) any { return a.Name }, "store"},
		{"description", "12", func(a Answers) any { return a.Description }, "12"},
		{"scale", "large", func(a Answers) any { return a.Scale }, Large},
		{"datastores.cache", "none", func(a Answers) any { return a.Datastores.Cache }, "none"},
		{"load.peak_rps", "650.5", func(a Answers) any { return *a.Load.PeakRPS }, 650.5},
		{"load.zones", "2", func(a Answers) any { return *a.Load.Zones }, 2},
		{"load.peak_rps", "", func(a Answers) any { return a.Load.PeakRPS == nil }, true},
		{"security.cors", "https://a.example.com, https://b.example.com", func(a Answers) any { return a.Security.CORS },
			[]string{"https://a.example.com", "https://b.example.com"}},
		{"security.cors", "", func(a Answers) any { return len(a.Security.CORS) }, 0},
		{"services.catalog.cache", "false", func(a Answers) any { return a.Services[0].Cache }, false},
		{"services[1].cache", "true", func(a Answers) any { return a.Services[1].Cache }, true},
		{"services.order.calls", "catalog,payment", func(a Answers) any { return a.Services[3].Calls }, []string{"catalog", "payment"}},
		{"services.catalog.entities.product.description", "A thing", func(a Answers) any { return a.Services[0].Entities[1].Description }, "A thing"},
		{"services.catalog.entities.product.fields.sku", "string(12) unique", func(a Answers) any { return a.Services[0].Entities[1].Fields[0].String() }, "sku: string(12) unique"},
	}
	for _, c := range cases {
		a := Examples()[0].Answers
		if err := Set(&a, c.key, c.value); err != nil {
			t.Errorf("%s=%s: %v", c.key, c.value, err)
		} else if got := c.get(a); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s=%s gives %v, want %v", c.key, c.value, got, c.want)
		}
	}
}

func TestSetRefusesAndKeepsTheAnswers(t *testing.T) {
	cases := []struct{ key, value, message string }{
		{"datastore.cache", "none", `datastore.cache: unknown key "datastore"; did you mean "datastores"?`},
		{"cache", "none", `cache: unknown key "cache"; it belongs to a service`},
		{"datastores.cache", "rediss", `datastores.cache: "rediss" is no choice for cache; did you mean "redis"?`},
		{"datastores.broker", "sqs", `datastores.broker: broker sqs cannot be generated yet: it comes with the serverless architecture; `},
		{"load.peak_rps", "many", `load.peak_rps: peak_rps must be a number, not the text "many"`},
		{"load.zones", "1.5", "load.zones: zones must be a whole number, not the number 1.5"},
		{"load.read_share", "90", "load.read_share: read_share is 90; use a number from 0 to 1"},
		{"services.catalogue.cache", "true", `services.catalogue.cache: services has no item "catalogue"; did you mean "catalog"?`},
		{"services.catalog.cache", "yes", `services.catalog.cache: cache must be true or false, not the text "yes"`},
		{"services.catalog", "x", "services.catalog: it holds several answers; name one of them: services.catalog.name, "},
		{"services", "x", "services: it holds several answers; name one of them by its name: services.NAME"},
		{"name.first", "x", "name.first: name has no answers below it; write name=VALUE"},
		{"name", "../evil", `name: "../evil" cannot be a name: it holds a part of a path; `},
		{"services.catalog.entities.product.fields.sku", "strin(3)", `services.catalog.entities.product.fields.sku: "strin" is no field type; did you mean "string"?`},
		{"", "x", `: unknown key ""`},
	}
	for _, c := range cases {
		a := Examples()[0].Answers
		err := Set(&a, c.key, c.value)
		if err == nil || !strings.HasPrefix(err.Error(), c.message) {
			t.Errorf("%s=%s: %v\nwant %s", c.key, c.value, err, c.message)
		}
		if !reflect.DeepEqual(a, Examples()[0].Answers) {
			t.Errorf("%s=%s changed the answers", c.key, c.value)
		}
	}
}
