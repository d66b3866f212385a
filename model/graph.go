package model

import "slices"

// resolveCalls fills in who calls whom. Edges stand in the order of the services.
func resolveCalls(b *Blueprint) {
	for _, service := range b.Services {
		for _, callee := range service.Calls {
			b.Edges = append(b.Edges, Edge{From: service.Name, To: callee})
		}
	}
	for i := range b.Services {
		for _, edge := range b.Edges {
			if edge.To == b.Services[i].Name {
				b.Services[i].CalledBy = append(b.Services[i].CalledBy, edge.From)
			}
		}
		b.Services[i].CalledBy = sortedSet(b.Services[i].CalledBy)
	}
}

// callGraph is what the numbers need to know of the edges.
type callGraph struct {
	order  []string           // every caller before those that it calls, but for closing edges
	cycles [][]string         // each closed path, from its first service back to it
	closes map[[2]string]bool // the edges that close a cycle; traffic is not followed along them
	depth  []string           // the longest chain of calls
}

// walkGraph orders the services by depth-first search in the order of the
// answers, so that the same answers always cut a cycle at the same edge.
func walkGraph(services []ServicePlan) callGraph {
	w := graphWalk{calls: map[string][]string{}, state: map[string]visit{}, longest: map[string][]string{}}
	w.graph.closes = map[[2]string]bool{}
	for _, service := range services {
		w.calls[service.Name] = service.Calls
	}
	for _, service := range services {
		if w.state[service.Name] == unseen {
			w.enter(service.Name)
		}
	}
	slices.Reverse(w.graph.order)
	for _, service := range services {
		if chain := w.longest[service.Name]; len(chain) > len(w.graph.depth) {
			w.graph.depth = chain
		}
	}
	return w.graph
}

type visit int

const (
	unseen visit = iota
	onPath
	finished
)

type graphWalk struct {
	graph   callGraph
	calls   map[string][]string
	state   map[string]visit
	path    []string
	longest map[string][]string // the longest chain that starts at a service
}

func (w *graphWalk) enter(name string) {
	w.state[name] = onPath
	w.path = append(w.path, name)
	var longest []string
	for _, callee := range w.calls[name] {
		switch w.state[callee] {
		case onPath:
			start := slices.Index(w.path, callee)
			w.graph.cycles = append(w.graph.cycles, append(slices.Clone(w.path[start:]), callee))
			w.graph.closes[[2]string{name, callee}] = true
			continue
		case unseen:
			w.enter(callee)
		}
		if chain := w.longest[callee]; len(chain) > len(longest) {
			longest = chain
		}
	}
	w.longest[name] = append([]string{name}, longest...)
	w.path = w.path[:len(w.path)-1]
	w.state[name] = finished
	w.graph.order = append(w.graph.order, name)
}
