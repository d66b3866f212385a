package generate

import (
	"fmt"
	"slices"
	"strings"

	"codex-design/model"
)

// overviewLimit is the greatest number of services that the container diagram
// draws one by one: more cannot be read. The busiest are drawn.
const overviewLimit = 12

// chainLimit is the greatest number of services that a sequence diagram shows.
const chainLimit = 8

// Overview is what the container diagram shows.
type Overview struct {
	Services []*ServiceView
	Rest     int // services behind one box
	Calls    []OverviewCall
}

// OverviewCall is an arrow of the container diagram, between Mermaid ids.
type OverviewCall struct{ From, To string }

// Overview chooses the services that the container diagram draws, in the order
// of the answers, and the calls between them.
func (s *SystemView) Overview() Overview {
	drawn := map[string]bool{}
	for i, service := range s.Busiest() {
		if i < overviewLimit {
			drawn[service.Name] = true
		}
	}
	overview := Overview{Rest: len(s.Services) - len(drawn)}
	for i := range s.Services {
		if drawn[s.Services[i].Name] {
			overview.Services = append(overview.Services, &s.Services[i])
		}
	}
	for _, edge := range s.Edges {
		if drawn[edge.From] && drawn[edge.To] {
			overview.Calls = append(overview.Calls, OverviewCall{From: s.ServiceID(edge.From), To: s.ServiceID(edge.To)})
		}
	}
	return overview
}

// ServiceID is a service's id in a Mermaid diagram. The prefix keeps it from
// being a word of Mermaid's own, such as end.
func (s *SystemView) ServiceID(name string) string {
	return "service_" + strings.ReplaceAll(name, "-", "_")
}

var mermaidEntities = strings.NewReplacer(
	`#`, "#35;", `"`, "#quot;", `;`, "#59;", "`", "#96;", `<`, "#lt;", `>`, "#gt;", `%`, "#37;", `\`, "#92;", `{`, "#123;", `}`, "#125;",
)

// Mermaid is a text that means nothing to Mermaid but itself.
func (s *SystemView) Mermaid(text string) string {
	return mermaidEntities.Replace(strings.Join(strings.Fields(text), " "))
}

// Chain is a path through the call graph.
type Chain struct {
	Services []*ServiceView
	Cut      int            // services of the path that are not shown
	Calls    []OverviewCall // from the first service to the last
}

// CallChain is the longest path through the call graph, the first of several; nil without calls.
func (s *SystemView) CallChain() *Chain {
	byName := make(map[string]*ServiceView, len(s.Services))
	for i := range s.Services {
		byName[s.Services[i].Name] = &s.Services[i]
	}
	known := map[string][]*ServiceView{}
	var longest []*ServiceView
	for i := range s.Services {
		if chain := longestChain(&s.Services[i], byName, known); len(chain) > len(longest) {
			longest = chain
		}
	}
	if len(longest) < 2 {
		return nil
	}
	shown := longest[:min(len(longest), chainLimit)]
	chain := &Chain{Services: shown, Cut: len(longest) - len(shown)}
	for i := 1; i < len(shown); i++ {
		chain.Calls = append(chain.Calls, OverviewCall{From: s.ServiceID(shown[i-1].Name), To: s.ServiceID(shown[i].Name)})
	}
	return chain
}

// Answers are the calls in the order in which they are answered: the last first.
func (c *Chain) Answers() []OverviewCall {
	answers := slices.Clone(c.Calls)
	slices.Reverse(answers)
	return answers
}

// longestChain is the longest chain of calls from a service. What is being
// computed counts as nothing, so that even a cycle would come to an end.
func longestChain(service *ServiceView, byName map[string]*ServiceView, known map[string][]*ServiceView) []*ServiceView {
	if chain, ok := known[service.Name]; ok {
		return chain
	}
	known[service.Name] = nil
	var rest []*ServiceView
	for _, name := range service.Calls {
		if chain := longestChain(byName[name], byName, known); len(chain) > len(rest) {
			rest = chain
		}
	}
	chain := append([]*ServiceView{service}, rest...)
	known[service.Name] = chain
	return chain
}

// Sample is the entity that the sequence diagrams show: the first of the first
// cached service, else of the first service.
func (s *SystemView) Sample() *EntityView {
	for i := range s.Services {
		if s.Services[i].Cached && len(s.Services[i].Entities) > 0 {
			return &s.Services[i].Entities[0]
		}
	}
	for i := range s.Services {
		if len(s.Services[i].Entities) > 0 {
			return &s.Services[i].Entities[0]
		}
	}
	return nil
}

// detailLimit is the greatest number of entities that are drawn with every column.
const detailLimit = 12

// OnlyKeys says whether the service has too many entities to draw every column.
func (s *ServiceView) OnlyKeys() bool { return len(s.Entities) > detailLimit }

// EntityDiagram is the service's tables and their references as a Mermaid
// erDiagram. Records of other services are drawn without their columns.
func (s *ServiceView) EntityDiagram() string {
	var out strings.Builder
	out.WriteString("erDiagram\n")
	for i := range s.Entities {
		entity := &s.Entities[i]
		fmt.Fprintf(&out, "    %q {\n        uuid id PK\n", entity.Plural)
		for _, field := range entity.Fields {
			if !s.OnlyKeys() || field.Unique || field.Type.Kind == model.KindRef {
				fmt.Fprintf(&out, "        %s %s%s\n", diagramType(field), field.JSON, diagramKeys(field))
			}
		}
		out.WriteString("    }\n")
	}
	for i := range s.Entities {
		for _, reference := range s.Entities[i].References {
			out.WriteString("    " + s.relation(&s.Entities[i], reference) + "\n")
		}
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// relation is one line between two tables: solid where a foreign key guards it.
func (s *ServiceView) relation(entity *EntityView, reference model.Reference) string {
	parent, line := reference.Service+"."+reference.Entity, ".."
	if reference.Local {
		parent, line = s.pluralOf(reference.Entity), "--"
	}
	one, many := "||", "o{"
	for _, field := range entity.Fields {
		if field.JSON != reference.Field {
			continue
		}
		if field.Nullable {
			one = "|o"
		}
		if field.Unique {
			many = "o|"
		}
	}
	return fmt.Sprintf("%q %s%s%s %q : %s", parent, one, line, many, entity.Plural, reference.Field)
}

// pluralOf is the plural name of one of the service's entities.
func (s *ServiceView) pluralOf(entity string) string {
	for i := range s.Entities {
		if s.Entities[i].Name == entity {
			return s.Entities[i].Plural
		}
	}
	return entity
}

func diagramType(field model.FieldPlan) string {
	if field.Type.Kind == model.KindRef {
		return string(model.KindUUID)
	}
	return string(field.Type.Kind)
}

func diagramKeys(field model.FieldPlan) string {
	var keys []string
	if field.Type.Kind == model.KindRef {
		keys = append(keys, "FK")
	}
	if field.Unique {
		keys = append(keys, "UK")
	}
	text := ""
	if len(keys) > 0 {
		text = " " + strings.Join(keys, ", ")
	}
	if field.Nullable {
		text += ` "may be null"`
	}
	return text
}

// Owns is what the service keeps, for a reader.
func (s *ServiceView) Owns() string {
	titles := make([]string, len(s.Entities))
	for i := range s.Entities {
		titles[i] = lowerTitle(s.Entities[i].PluralTitle)
	}
	return strings.Join(titles, ", ")
}

// Summary is the service's description, or what it owns.
func (s *ServiceView) Summary() string {
	if s.Description != "" {
		return s.Description
	}
	return "Owns " + s.Owns()
}
