package ui

import (
	"fmt"
	"slices"
	"strings"

	"codex-design/model"
	"codex-design/ui/components"
)

// link is one way in which a service is connected: it calls another, publishes an
// event or consumes one.
type link struct {
	verb, help string
	targets    func(s *model.Service) *[]string
	ends       func(a *model.Answers, service int, target string) string // what is at the other end
	offers     func(a *model.Answers, service int) []components.Option
}

var links = []link{
	{"calls", "waits for the answer of another service", func(s *model.Service) *[]string { return &s.Calls }, calleeOf, calleesFor},
	{"publishes", "an event, for whoever consumes it", func(s *model.Service) *[]string { return &s.Publishes }, consumersOf, nil},
	{"consumes", "an event that another service publishes", func(s *model.Service) *[]string { return &s.Consumes }, publisherOf, eventsFor},
}

func calleeOf(a *model.Answers, _ int, target string) string {
	if slices.ContainsFunc(a.Services, func(s model.Service) bool { return s.Name == target }) {
		return ""
	}
	return "there is no such service"
}

func consumersOf(a *model.Answers, _ int, event string) string {
	names := servicesWhere(a, func(s model.Service) bool { return slices.Contains(s.Consumes, event) })
	if len(names) == 0 {
		return "nobody consumes it"
	}
	return "→ " + strings.Join(names, ", ")
}

func publisherOf(a *model.Answers, _ int, event string) string {
	names := servicesWhere(a, func(s model.Service) bool { return slices.Contains(s.Publishes, event) })
	if len(names) == 0 {
		return "nobody publishes it"
	}
	return "← " + strings.Join(names, ", ")
}

func servicesWhere(a *model.Answers, holds func(model.Service) bool) []string {
	var names []string
	for _, s := range a.Services {
		if holds(s) {
			names = append(names, s.Name)
		}
	}
	return names
}

func calleesFor(a *model.Answers, service int) []components.Option {
	var options []components.Option
	for i, other := range a.Services {
		if i != service {
			options = append(options, components.Option{Value: other.Name, Help: other.Description})
		}
	}
	return options
}

func eventsFor(a *model.Answers, service int) []components.Option {
	var options []components.Option
	for i, other := range a.Services {
		for _, event := range other.Publishes {
			if i != service {
				options = append(options, components.Option{Value: event, Help: "of " + other.Name})
			}
		}
	}
	return options
}

// connectionAt finds what stands at an index of a service's connections: its
// calls, then what it publishes, then what it consumes.
func connectionAt(a *model.Answers, at spot) (l link, list *[]string, n int) {
	n = at.link
	for _, l = range links {
		list = l.targets(&a.Services[at.service])
		if n < len(*list) {
			return l, list, n
		}
		n -= len(*list)
	}
	return l, list, n
}

func connectionKey(a *model.Answers, at spot) string {
	l, _, n := connectionAt(a, at)
	return fmt.Sprintf("services[%d].%s[%d]", at.service, l.verb, n)
}

func connectionTarget(a *model.Answers, at spot) string {
	_, list, n := connectionAt(a, at)
	return (*list)[n]
}

func setConnectionTarget(d *design, at spot, target string) {
	_, list, n := connectionAt(&d.answers, at)
	(*list)[n] = target
}

// connectionTo is the index of the last connection of that kind.
func connectionTo(a *model.Answers, service int, verb string) int {
	count := 0
	for _, l := range links {
		count += len(*l.targets(&a.Services[service]))
		if l.verb == verb {
			break
		}
	}
	return count - 1
}

// parseConnection reads `calls catalog`; the verb may be left out where the
// target says it: a service is called, an event of an own entity is published.
func parseConnection(a *model.Answers, service int, text string) (link, string, error) {
	verb, target, spaced := strings.Cut(strings.TrimSpace(text), " ")
	if !spaced {
		verb, target = guessVerb(a, service, verb), verb
	}
	target = strings.TrimSpace(target)
	for _, l := range links {
		if l.verb == verb && target != "" {
			return l, target, nil
		}
	}
	return link{}, "", fmt.Errorf("begin with calls, publishes or consumes, then say what: %q", text)
}

func guessVerb(a *model.Answers, service int, target string) string {
	entity, _, isEvent := strings.Cut(target, ".")
	switch {
	case !isEvent && calleeOf(a, service, target) == "":
		return "calls"
	case !isEvent:
		return ""
	case slices.ContainsFunc(a.Services[service].Entities, func(e model.Entity) bool { return e.Name == entity }):
		return "publishes"
	}
	return "consumes"
}

var connectionItems = items{
	noun:   "connection",
	nouns:  "connections",
	prompt: "calls catalog, publishes order.placed or consumes payment.captured",
	depth:  1,
	within: "services",
	groups: entityItems.groups,
	group:  entityItems.group,
	index:  func(at *spot) *int { return &at.link },
	count: func(a *model.Answers, at spot) int {
		return connectionTo(a, at.service, links[len(links)-1].verb) + 1
	},
	key: connectionKey,
	text: func(a *model.Answers, at spot) string {
		l, list, n := connectionAt(a, at)
		return l.verb + " " + (*list)[n]
	},
	detail: func(a *model.Answers, at spot) string {
		l, list, n := connectionAt(a, at)
		return l.ends(a, at.service, (*list)[n])
	},
	name: connectionTarget,
	add: func(d *design, at spot, text string) error {
		l, target, err := parseConnection(&d.answers, at.service, text)
		if err == nil {
			list := l.targets(&d.answers.Services[at.service])
			*list = append(*list, target)
		}
		return err
	},
	added: func(a *model.Answers, at spot, text string) int {
		l, _, _ := parseConnection(a, at.service, text)
		return connectionTo(a, at.service, l.verb)
	},
	rename: setConnectionTarget,
	change: func(d *design, at spot, text string) error {
		l, target, err := parseConnection(&d.answers, at.service, text)
		if err != nil {
			return err
		}
		before, list, n := connectionAt(&d.answers, at)
		if before.verb == l.verb {
			(*list)[n] = target
			return nil
		}
		*list = slices.Delete(slices.Clone(*list), n, n+1)
		list = l.targets(&d.answers.Services[at.service])
		*list = append(*list, target)
		return nil
	},
	remove: func(a *model.Answers, at spot) {
		_, list, n := connectionAt(a, at)
		*list = slices.Delete(slices.Clone(*list), n, n+1)
	},
	ask: connectionQuestions,
}

// connectionQuestions asks for the two parts of a connection.
func connectionQuestions(d *design, at spot) []question {
	current, _, _ := connectionAt(&d.answers, at)
	key := connectionKey(&d.answers, at)
	what := question{
		key: key, title: "To what", help: current.help + ".",
		get: func(a *model.Answers) string { return connectionTarget(a, at) },
		set: func(d *design, text string) error {
			setConnectionTarget(d, at, strings.TrimSpace(text))
			return nil
		},
	}
	if current.offers != nil {
		what.kind = components.Choice
		what.options = current.offers(&d.answers, at.service)
		if value := what.get(&d.answers); !slices.ContainsFunc(what.options, func(o components.Option) bool { return o.Value == value }) {
			what.options = append(what.options, components.Option{Value: value, Help: current.ends(&d.answers, at.service, value)})
		}
	}
	return []question{what}
}

func countConnections(a *model.Answers) int {
	total := 0
	for _, at := range connectionItems.groups(a) {
		total += connectionItems.count(a, at)
	}
	return total
}
