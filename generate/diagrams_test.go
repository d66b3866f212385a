package generate

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"codex-design/model"
)

func TestMermaidTextMeansNothingToMermaid(t *testing.T) {
	for text, want := range map[string]string{
		"Orders":           "Orders",
		`say "hi"; # 100%`: "say #quot;hi#quot;#59; #35; 100#37;",
		"a\nb\t c":         "a b c",
		"```":              "#96;#96;#96;",
		`<b>{x}\`:          "#lt;b#gt;#123;x#125;#92;",
	} {
		if got := (&SystemView{}).Mermaid(text); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
	if got := (&SystemView{}).ServiceID("end-of-day"); got != "service_end_of_day" {
		t.Error(got)
	}
}

// line is a system of n services, each calling the next; the last is the busiest.
func line(n int) *SystemView {
	b := model.Blueprint{}
	for i := range n {
		service := model.ServicePlan{Name: fmt.Sprintf("s%d", i), Title: fmt.Sprintf("S%d", i)}
		service.Sizing.RPS.Value = float64(i)
		if i+1 < n {
			next := fmt.Sprintf("s%d", i+1)
			service.Calls = []string{next}
			b.Edges = append(b.Edges, model.Edge{From: service.Name, To: next})
		}
		b.Services = append(b.Services, service)
	}
	return NewSystemView(b)
}

func TestOverviewDrawsTheBusiest(t *testing.T) {
	small := line(overviewLimit).Overview()
	if len(small.Services) != overviewLimit || small.Rest != 0 || len(small.Calls) != overviewLimit-1 {
		t.Errorf("%d services, %d in the rest, %d calls", len(small.Services), small.Rest, len(small.Calls))
	}
	large := line(60).Overview()
	if len(large.Services) != overviewLimit || large.Rest != 60-overviewLimit || len(large.Calls) != overviewLimit-1 {
		t.Errorf("%d services, %d in the rest, %d calls", len(large.Services), large.Rest, len(large.Calls))
	}
	if first := large.Services[0].Name; first != "s48" {
		t.Errorf("the first of the busiest in the order of the answers is %s, want s48", first)
	}
}

func TestCallChainIsTheLongestPathCutToLength(t *testing.T) {
	if chain := line(1).CallChain(); chain != nil {
		t.Errorf("a chain without calls: %v", chain)
	}
	chain := line(3).CallChain()
	if len(chain.Services) != 3 || chain.Cut != 0 || chain.Calls[1] != (OverviewCall{"service_s1", "service_s2"}) || chain.Answers()[0] != chain.Calls[1] {
		t.Errorf("%+v", chain)
	}
	if long := line(20).CallChain(); len(long.Services) != chainLimit || long.Cut != 20-chainLimit || len(long.Calls) != chainLimit-1 {
		t.Errorf("%d services, %d cut, %d calls", len(long.Services), long.Cut, len(long.Calls))
	}
}

func TestEntityDiagram(t *testing.T) {
	field := func(name string, kind model.Kind, nullable bool) model.FieldPlan {
		return model.FieldPlan{Field: model.Field{Name: name, Type: model.Type{Kind: kind}}, JSON: name, Nullable: nullable}
	}
	unique := field("order", model.KindString, false)
	unique.Unique = true
	system := NewSystemView(model.Blueprint{Services: []model.ServicePlan{{Name: "end", Entities: []model.EntityPlan{
		{Name: "group", Plural: "groups", Fields: []model.FieldPlan{unique}},
		{Name: "class", Plural: "classes", Fields: []model.FieldPlan{field("group_id", model.KindRef, false), field("user_id", model.KindRef, true)}, References: []model.Reference{
			{Field: "group_id", Service: "end", Entity: "group", Local: true}, {Field: "user_id", Service: "user", Entity: "user"},
		}},
	}}}})
	want := `erDiagram
    "groups" {
        uuid id PK
        string order UK
    }
    "classes" {
        uuid id PK
        uuid group_id FK
        uuid user_id FK "may be null"
    }
    "groups" ||--o{ "classes" : group_id
    "user.user" |o..o{ "classes" : user_id`
	if got := system.Services[0].EntityDiagram(); got != want {
		t.Errorf("got\n%s", got)
	}
}

// Mermaid reads diagrams line by line: no name or description may start a line of its own or leave its quotes.
func TestContainerDiagramKeepsItsShape(t *testing.T) {
	shape := regexp.MustCompile(`^(C4Container|    title .*|    (    )?(Person|System_Boundary|Container_Boundary|Container|ContainerDb|ContainerQueue|Rel)\([a-z0-9_]+(, ("[^"]*"|[a-z0-9_]+))+\)( \{)?|    }|    UpdateLayoutConfig\(.*\))$`)
	architecture(t, func(t *testing.T, system *SystemView, files map[string]string) {
		_, rest, _ := strings.Cut(files["diagrams/containers.md"], "```mermaid\n")
		diagram, _, ok := strings.Cut(rest, "\n```")
		if !ok {
			t.Fatal("no diagram")
		}
		for _, text := range strings.Split(diagram, "\n") {
			if !shape.MatchString(text) {
				t.Errorf("%s", text)
			}
		}
		if drawn := strings.Count(diagram, " Container("); drawn > overviewLimit+1 || drawn < min(len(system.Services), overviewLimit) {
			t.Errorf("%d services are drawn", drawn)
		}
	})
}

func TestLargeEntityDiagramsShowOnlyKeys(t *testing.T) {
	service := model.ServicePlan{Name: "s"}
	field := model.FieldPlan{Field: model.Field{Name: "note", Type: model.Type{Kind: model.KindText}}, JSON: "note"}
	for i := range detailLimit + 1 {
		service.Entities = append(service.Entities, model.EntityPlan{Name: fmt.Sprintf("e%d", i), Plural: fmt.Sprintf("e%ds", i), Fields: []model.FieldPlan{field}})
	}
	large := NewSystemView(model.Blueprint{Services: []model.ServicePlan{service}})
	if diagram := large.Services[0].EntityDiagram(); strings.Contains(diagram, "note") || strings.Count(diagram, "uuid id PK") != detailLimit+1 {
		t.Error(diagram)
	}
	service.Entities = service.Entities[:detailLimit]
	small := NewSystemView(model.Blueprint{Services: []model.ServicePlan{service}})
	if diagram := small.Services[0].EntityDiagram(); strings.Count(diagram, "text note") != detailLimit {
		t.Error(diagram)
	}
}
