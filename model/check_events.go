package model

import "fmt"

// checkEvents refuses events that nothing can carry, that two services publish or
// none does, and those of records that their publisher does not have.
func (c *checker) checkEvents() {
	publisher := map[string]string{}
	var events []string
	for i, s := range c.answers.Services {
		for j, event := range s.Publishes {
			path := fmt.Sprintf("services[%d].publishes[%d]", i, j)
			if first := publisher[event]; first != "" && first != s.Name {
				c.fail(path, fmt.Sprintf("the event %q is published by %s already", event, first), "give each event one owner")
				continue
			}
			publisher[event] = s.Name
			events = append(events, event)
			c.checkSubject(s, event, path)
		}
	}
	for i, s := range c.answers.Services {
		for j, event := range s.Consumes {
			path := fmt.Sprintf("services[%d].consumes[%d]", i, j)
			switch publisher[event] {
			case "":
				c.fail(path, fmt.Sprintf("no service publishes %q", clip(event)), didYouMean(event, events))
			case s.Name:
				c.fail(path, fmt.Sprintf("the service %s consumes its own event %q", s.Name, event), "drop it: within a service a rule does the same in the same transaction")
			}
		}
	}
	c.checkEventClasses()
	c.checkBroker()
}

// checkEventClasses refuses events that would share a class: a consumer of both has one for each.
func (c *checker) checkEventClasses() {
	classes := newClaims("event", "rename one of them")
	for i, s := range c.answers.Services {
		for j, event := range s.Publishes {
			if message, _ := checkEvent(event); message == "" {
				c.problems = append(c.problems, classes.claim(fmt.Sprintf("services[%d].publishes[%d]", i, j), event, "class "+EventClass(event))...)
			}
		}
	}
}

// checkSubject refuses an event that is about a record which its publisher does not keep.
func (c *checker) checkSubject(s Service, event, path string) {
	entity, _, _ := eventParts(event)
	if message, _ := checkEvent(event); message != "" || entity == "" {
		return
	}
	var names []string
	for _, e := range s.Entities {
		if Snake(e.Name) == entity {
			return
		}
		names = append(names, e.Name)
	}
	hint := ""
	for _, other := range c.answers.Services {
		if other.Name != s.Name && entityIndex(other, entity) >= 0 {
			hint = fmt.Sprintf("let %s publish it: the entity is that service's", other.Name)
		}
	}
	if best := nearest(entity, names); best != "" {
		hint = fmt.Sprintf("did you mean %q?", best)
	}
	if hint == "" {
		hint = "an event is named after an entity of its service and what happened to it: order.placed"
	}
	c.fail(path, fmt.Sprintf("the service %s has no entity %q, which the event %q is about", s.Name, entity, event), hint)
}

// checkBroker refuses events and read models where nothing carries events.
func (c *checker) checkBroker() {
	if hasBroker(*c.answers) {
		return
	}
	const remedy = "choose datastores.broker: nats, rabbitmq or kafka"
	for i, s := range c.answers.Services {
		at := fmt.Sprintf("services[%d]", i)
		for _, list := range []struct {
			key    string
			events []string
		}{{"publishes", s.Publishes}, {"consumes", s.Consumes}} {
			if len(list.events) > 0 {
				c.fail(at+"."+list.key, fmt.Sprintf("the service %s %s events, and there is no broker", s.Name, list.key), remedy+", or drop "+list.key)
			}
		}
		if s.CQRS {
			c.fail(at+".cqrs", fmt.Sprintf("the read model of %s is kept by events, and there is no broker", s.Name), remedy+", or drop cqrs")
		}
	}
}
