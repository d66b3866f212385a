package generate

import (
	"regexp"
	"slices"
	"strings"
)

// optionalPackages lists what only some systems import, by the list of wishes that
// names it. requirements/*.in and the locks below templates/ name all of it, so that
// one resolution holds for every system; each system keeps its part.
var optionalPackages = []struct {
	name   string
	wish   string
	needed func(*SystemView) bool
}{
	{"aio-pika", runtimeWish, brokerIs("rabbitmq")},
	{"aiokafka", runtimeWish, brokerIs("kafka")},
	{"httpx2", runtimeWish, func(s *SystemView) bool {
		return s.Calling() || s.Security.Authentication == "oidc" || onLambda(s)
	}},
	{"nats-py", runtimeWish, brokerIs("nats")},
	{"pyjwt", runtimeWish, func(s *SystemView) bool { return s.Security.Authentication == "oidc" }},
	{"flask", developmentWish, onLambda},
	{"flask-cors", developmentWish, onLambda},
	{"import-linter", developmentWish, (*SystemView).Hosted},
	{"moto", developmentWish, onLambda},
}

func brokerIs(name string) func(*SystemView) bool {
	return func(s *SystemView) bool { return s.Broker != nil && s.Broker.Kind == name }
}

func hasBroker(s *SystemView) bool { return s.Broker != nil }

// unneededPackages names, by their list of wishes, the optional packages that the system does not import.
func unneededPackages(system *SystemView) map[string][]string {
	names := map[string][]string{}
	for _, optional := range optionalPackages {
		if !optional.needed(system) {
			names[optional.name] = append(names[optional.name], optional.wish)
		}
	}
	return names
}

// packageName is how a requirement begins, in a list of wishes as in a lock.
var packageName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]*`)

// pruneWishes leaves out of a list of wishes what the system does not import.
func pruneWishes(wish string) func(content []byte, system *SystemView) []byte {
	return func(content []byte, system *SystemView) []byte {
		unneeded := unneededPackages(system)
		lines := slices.DeleteFunc(strings.SplitAfter(string(content), "\n"), func(line string) bool {
			return slices.Contains(unneeded[packageName.FindString(line)], wish)
		})
		return []byte(strings.Join(lines, ""))
	}
}

// Who may ask for a package of a lock, besides other packages.
const (
	wish            = "-r "
	runtimeWish     = "-r requirements/runtime.in"
	developmentWish = "-r requirements/dev.in"
	runtimePinned   = "-c requirements/runtime.txt"
)

// pruneLock leaves out of a lock what nothing asks for any more once the wishes
// are pruned, as uv would. Markers stay as they are: one may install a package in
// more places than a smaller resolution would, never in fewer.
func pruneLock(content []byte, system *SystemView) []byte {
	header, packages := parseLock(string(content))
	unneeded := unneededPackages(system)
	for i, p := range packages {
		packages[i].via = slices.DeleteFunc(p.via, func(parent string) bool { return slices.Contains(unneeded[p.name], parent) })
	}
	wanted := reachable(packages, func(parent string) bool { return strings.HasPrefix(parent, wish) })
	atRunTime := reachable(packages, func(parent string) bool { return parent == runtimeWish })
	var out strings.Builder
	out.WriteString(header)
	for _, p := range packages {
		if !wanted[p.name] {
			continue
		}
		p.via = slices.DeleteFunc(p.via, func(parent string) bool {
			isPackage := !strings.HasPrefix(parent, "-")
			return isPackage && !wanted[parent] || parent == runtimePinned && !atRunTime[p.name]
		})
		p.write(&out)
	}
	return []byte(out.String())
}

// reachable names the packages that somebody asks for, directly or through others.
func reachable(packages []lockedPackage, asks func(parent string) bool) map[string]bool {
	found := map[string]bool{}
	for grew := true; grew; {
		grew = false
		for _, p := range packages {
			if !found[p.name] && slices.ContainsFunc(p.via, func(parent string) bool { return asks(parent) || found[parent] }) {
				found[p.name], grew = true, true
			}
		}
	}
	return found
}

// lockedPackage is one package of a lock: its pin with the hashes, and who asks for it.
type lockedPackage struct {
	name string
	pin  string
	via  []string
}

// Comments in a lock that say who asks for the package above them.
const (
	viaOne  = "    # via "
	viaMany = "    # via\n"
	viaItem = "    #   "
)

// parseLock reads what uv pip compile wrote: its header, and the packages in order.
func parseLock(text string) (header string, packages []lockedPackage) {
	start := 0 // of the package that is being read
	for at := 0; at < len(text); {
		line := lineAt(text, at)
		if name := packageName.FindString(line); name != "" {
			if packages == nil {
				header = text[:at]
			}
			packages = append(packages, lockedPackage{name: name})
			start = at
		}
		at += len(line)
		if packages != nil {
			packages[len(packages)-1].read(line, text[start:at])
		}
	}
	return header, packages
}

// lineAt is the line that begins there, its end included.
func lineAt(text string, at int) string {
	if end := strings.IndexByte(text[at:], '\n'); end >= 0 {
		return text[at : at+end+1]
	}
	return text[at:]
}

// read takes one more line; whole is what was read of the package up to its end.
func (p *lockedPackage) read(line, whole string) {
	parent, one := strings.CutPrefix(line, viaOne)
	if !one {
		var many bool
		if parent, many = strings.CutPrefix(line, viaItem); !many {
			if line != viaMany {
				p.pin = whole
			}
			return
		}
	}
	p.via = append(p.via, strings.TrimSuffix(parent, "\n"))
}

func (p lockedPackage) write(out *strings.Builder) {
	out.WriteString(p.pin)
	if len(p.via) == 1 {
		out.WriteString(viaOne + p.via[0] + "\n")
		return
	}
	out.WriteString(viaMany)
	for _, parent := range p.via {
		out.WriteString(viaItem + parent + "\n")
	}
}
