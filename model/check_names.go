package model

import (
	"fmt"
	"strings"
)

// reservedServices are names that the generated system uses for something else.
var reservedServices = map[string]string{
	"kit":          "the shared library",
	"postgres":     "the database server",
	"postgresql":   "the database server",
	"redis":        "the cache server",
	"nats":         "the broker",
	"rabbitmq":     "the broker",
	"kafka":        "the broker",
	"databases":    "the step that creates the databases",
	"issuer":       "what gives tokens on a developer's machine",
	"localhost":    "the machine itself",
	"default":      "a service that is not named",
	"codex-design": "this program",
}

// reservedSystems are namespaces of a Kubernetes cluster that belong to others:
// the namespace of the workloads has the system's name.
var reservedSystems = map[string]string{
	"default":         "the namespace of what has none",
	"kube-system":     "the cluster's own namespace",
	"kube-public":     "the cluster's own namespace",
	"kube-node-lease": "the cluster's own namespace",
	"observability":   "the namespace of the monitoring",
	"ingress":         "the namespace of the gateway",
	"kong":            "the namespace of the gateway",
	"istio-ingress":   "the namespace of the gateway",
	"istio-system":    "the namespace of the mesh",
}

// reservedFiles cannot be the name of a file on every system.
var reservedFiles = setOf("con", "prn", "aux", "nul",
	"com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9",
	"lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9")

// checkServices checks the names of services, entities and fields against each
// other and against what the generated system needs for itself.
func (c *checker) checkServices() {
	c.checkReserved("name", c.answers.Name, reservedSystems)
	for i, s := range c.answers.Services {
		path := fmt.Sprintf("services[%d].name", i)
		c.checkReserved(path, s.Name, reservedServices)
		c.checkSuffix(path, s.Name)
		c.checkEntities(s, fmt.Sprintf("services[%d]", i))
	}
	services := namesOf(c.answers.Services, func(s Service) (string, string) { return s.Name, s.Was })
	c.checkSiblings(services, "services", "service")
}

// ownSuffixes name what runs beside the API of a service.
var ownSuffixes = map[string]string{
	"-migrate": "the migrations", "-" + RelayProcess: "the relay", "-" + WorkerProcess: "the worker", "-" + TopologyTask: "the topology",
}

// checkSuffix refuses a name under which something of another service runs; without
// a broker only migrations do.
func (c *checker) checkSuffix(path, name string) {
	at := strings.LastIndexByte(name, '-')
	if at < 0 {
		return
	}
	what, taken := ownSuffixes[name[at:]]
	if taken && (name[at:] == "-migrate" || hasBroker(*c.answers)) {
		c.fail(path, fmt.Sprintf("the name %q is taken by %s of %s", name, what, name[:at]), "choose another name")
	}
}

func (c *checker) checkReserved(path, name string, reserved map[string]string) {
	folded := strings.ToLower(name)
	switch {
	case reserved[folded] != "":
		c.fail(path, fmt.Sprintf("the name %q is taken: it is %s", name, reserved[folded]), "choose another name")
	case reservedFiles[folded]:
		c.fail(path, fmt.Sprintf("the name %q cannot be a file on Windows", name), "choose another name")
	}
}

func (c *checker) checkEntities(s Service, path string) {
	for i, e := range s.Entities {
		at := fmt.Sprintf("%s.entities[%d]", path, i)
		c.checkReserved(at+".name", e.Name, nil)
		fields := namesOf(e.Fields, func(f Field) (string, string) { return f.Name, f.Was })
		c.checkSiblings(fields, at+".fields", "field")
	}
	entities := namesOf(s.Entities, func(e Entity) (string, string) { return e.Name, e.Was })
	c.checkSiblings(entities, path+".entities", "entity")
}

// named is a service, entity or field by its present and former name.
type named struct{ name, was string }

func namesOf[T any](items []T, name func(T) (string, string)) []named {
	list := make([]named, len(items))
	for i, item := range items {
		list[i].name, list[i].was = name(item)
	}
	return list
}

// checkSiblings refuses a name that is used twice and a former name that cannot
// have been one.
func (c *checker) checkSiblings(siblings []named, path, kind string) {
	first := map[string]int{}
	renamed := map[string]int{}
	for i, s := range siblings {
		folded := strings.ToLower(s.name)
		if j, taken := first[folded]; taken && s.name != "" {
			same := fmt.Sprintf("a second %s is called %q", kind, s.name)
			if siblings[j].name != s.name {
				same = fmt.Sprintf("the %s %q differs from %q only in case", kind, s.name, siblings[j].name)
			}
			c.fail(fmt.Sprintf("%s[%d].name", path, i), same, "rename one of them")
			continue
		}
		first[folded] = i
	}
	for i, s := range siblings {
		if s.was == "" {
			continue
		}
		at := fmt.Sprintf("%s[%d].was", path, i)
		j, exists := first[strings.ToLower(s.was)]
		switch {
		case s.was == s.name:
			c.fail(at, fmt.Sprintf("the %s %q was always called so", kind, s.name), "drop was: it names what the "+kind+" was called before")
		case exists && siblings[j].was == "":
			c.fail(at, fmt.Sprintf("the %s %q is still there, so %q is not what it was renamed to", kind, s.was, s.name), "drop was, or remove the other "+kind)
		case renamed[s.was] > 0:
			c.fail(at, fmt.Sprintf("%q is already what %q was called", s.was, siblings[renamed[s.was]-1].name), "only one "+kind+" can have been "+s.was)
		}
		renamed[s.was] = i + 1
	}
}

// checkCalls refuses calls to nobody and to oneself.
func (c *checker) checkCalls() {
	services := c.serviceNames()
	for i, s := range c.answers.Services {
		for j, callee := range s.Calls {
			path := fmt.Sprintf("services[%d].calls[%d]", i, j)
			switch {
			case callee == s.Name:
				c.fail(path, fmt.Sprintf("the service %s calls itself", s.Name), "drop the call: within a service there is none")
			case services[callee] == nil:
				c.fail(path, fmt.Sprintf("no service is called %q", clip(callee)), didYouMean(callee, others(c.answers.Services, s.Name)))
			}
		}
	}
}

// others lists the good names of the services but one.
func others(services []Service, name string) []string {
	var names []string
	for _, s := range services {
		if s.Name != name && dnsName.MatchString(s.Name) {
			names = append(names, s.Name)
		}
	}
	return names
}

func (c *checker) serviceNames() map[string]*Service {
	services := make(map[string]*Service, len(c.answers.Services))
	for i := range c.answers.Services {
		services[c.answers.Services[i].Name] = &c.answers.Services[i]
	}
	return services
}

// checkShares refuses shares of the edge's requests that do not add up.
func (c *checker) checkShares() {
	sum, given, last := 0.0, 0, 0
	for i, s := range c.answers.Services {
		if s.Share != nil {
			sum += *s.Share
			given, last = given+1, i
		}
	}
	path := fmt.Sprintf("services[%d].share", last)
	switch total := fmt.Sprintf("%.4g", sum); {
	case sum > 1+1e-9:
		c.fail(path, "the shares of the services add up to "+total, "lower them to 1 in all")
	case given > 0 && given == len(c.answers.Services) && sum < 1-1e-9:
		c.fail(path, "every service has a share, and they add up to only "+total, "raise them to 1 in all, or leave one out: it gets the rest")
	}
}
