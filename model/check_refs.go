package model

import (
	"fmt"
	"slices"
	"strings"
)

// checkReferences refuses references to nothing, and required references within
// a service that lead back to where they began: the first record of such a
// circle would need a record that needs it.
func (c *checker) checkReferences() {
	services := c.serviceNames()
	for i, s := range c.answers.Services {
		for j, e := range s.Entities {
			for k, f := range e.Fields {
				if f.Type.Kind == KindRef {
					path := fmt.Sprintf("services[%d].entities[%d].fields[%d].type", i, j, k)
					c.checkTarget(services, s, f.Type, path)
				}
			}
		}
		c.checkCircles(s, i)
	}
}

func (c *checker) checkTarget(services map[string]*Service, from Service, t Type, path string) {
	target := &from
	if t.Service != "" {
		target = services[t.Service]
	}
	if target == nil {
		c.fail(path, fmt.Sprintf("no service is called %q", clip(t.Service)), didYouMean(t.Service, others(c.answers.Services, "")))
		return
	}
	if entityIndex(*target, t.Entity) >= 0 || t.Entity == "" {
		return
	}
	hint := ""
	names := make([]string, len(target.Entities))
	for i, e := range target.Entities {
		names[i] = e.Name
	}
	for _, s := range c.answers.Services {
		if s.Name != target.Name && entityIndex(s, t.Entity) >= 0 {
			hint = fmt.Sprintf("write ref(%s.%s): it is an entity of that service", s.Name, t.Entity)
		}
	}
	if hint == "" {
		hint = didYouMean(t.Entity, names)
	}
	c.fail(path, fmt.Sprintf("the service %s has no entity %q", target.Name, clip(t.Entity)), hint)
}

func entityIndex(s Service, name string) int {
	for i, e := range s.Entities {
		if e.Name == name {
			return i
		}
	}
	return -1
}

// link is a required reference within a service.
type link struct{ field, to int }

// requiredLinks lists, for each entity, the references that it cannot be stored without.
func requiredLinks(s Service) [][]link {
	links := make([][]link, len(s.Entities))
	for i, e := range s.Entities {
		for k, f := range e.Fields {
			local := f.Type.Service == "" || f.Type.Service == s.Name
			if to := entityIndex(s, f.Type.Entity); f.Type.Kind == KindRef && f.Required && local && to >= 0 {
				links[i] = append(links[i], link{k, to})
			}
		}
	}
	return links
}

// checkCircles reports each circle of required references once, at the reference
// that closes it.
func (c *checker) checkCircles(s Service, service int) {
	links := requiredLinks(s)
	const open, done = 1, 2
	state := make([]int, len(links))
	var trail []int
	var visit func(entity int)
	visit = func(entity int) {
		state[entity] = open
		trail = append(trail, entity)
		for _, l := range links[entity] {
			switch state[l.to] {
			case 0:
				visit(l.to)
			case open:
				path := fmt.Sprintf("services[%d].entities[%d].fields[%d].required", service, entity, l.field)
				c.failCircle(s, trail, l.to, path)
			}
		}
		trail = trail[:len(trail)-1]
		state[entity] = done
	}
	for entity := range links {
		if state[entity] == 0 {
			visit(entity)
		}
	}
}

func (c *checker) failCircle(s Service, trail []int, to int, path string) {
	var names []string
	for i := len(trail) - 1; i >= 0; i-- {
		names = append([]string{s.Entities[trail[i]].Name}, names...)
		if trail[i] == to {
			break
		}
	}
	names = append(names, s.Entities[to].Name)
	message := fmt.Sprintf("required references in a circle, so that no first record can be stored: %s", strings.Join(names, " → "))
	if len(names) == 2 {
		message = fmt.Sprintf("%s requires another %s, so that no first record can be stored", names[0], names[0])
	}
	c.fail(path, message, "drop required from one of them")
}

// checkCallers refuses permissions for callers that nobody knows.
func (c *checker) checkCallers() {
	if s := c.answers.Security; s.Authorization == "rbac" && s.Authentication == "none" {
		c.fail("security.authorization", "roles need callers that are known, and authentication is none",
			"choose oidc or api-key for security.authentication, or none for security.authorization")
	}
	if s := c.answers.Security; s.Tenants() && s.Authentication == "none" {
		c.fail("security.tenancy", "the tenant of a request follows from who makes it, and authentication is none",
			"choose oidc or api-key for security.authentication, or none for security.tenancy")
	}
	if s := c.answers.Security; s.Audit && s.Authentication == "none" {
		c.fail("security.audit", "the audit log says who changed a record, and authentication is none",
			"choose oidc or api-key for security.authentication, or leave out security.audit")
	}
	if s := c.answers; s.Security.Tenants() && (s.Datastores.Broker != "none" || hasBroker(*s) && slices.ContainsFunc(s.Services, func(s Service) bool { return len(s.Publishes) > 0 || s.CQRS })) {
		c.fail("security.tenancy", "events do not say yet whose records they are about",
			"choose none for datastores.broker or for security.tenancy")
	}
}
