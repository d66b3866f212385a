package generate

import (
	"fmt"
	"slices"
	"strings"

	"codex-design/model"
)

// onLambda tells whether the services run as functions of AWS.
func onLambda(s *SystemView) bool { return s.System.Architecture == model.Serverless }

// Functional is onLambda for templates.
func (s *SystemView) Functional() bool { return onLambda(s) }

// FunctionImports is the import block of gen/functions.py.
func (s *ServiceView) FunctionImports() string {
	imports := pythonImports{
		"sys":                       {""},
		"kit.command":               {"main"},
		"kit.functions":             {"commands"},
		s.Package + ".gen.settings": {"Settings"},
		s.Package + ".main":         {"create"},
	}
	if s.HasEvents() {
		imports.add("kit.messaging.functions", "commands as event_commands")
		imports.add(s.Package+".gen.settings", "EventSettings")
		imports.add(s.Package+".gen.messaging", "MESSAGING")
	}
	return imports.block(s.Package)
}

// FunctionKey is the key of a function in the blueprint: order_worker.
func (s *SystemView) FunctionKey(instance string) string { return model.Snake(instance) }

// ServiceNames are the names of all services.
func (s *SystemView) ServiceNames() []string {
	names := make([]string, len(s.Services))
	for i := range s.Services {
		names[i] = s.Services[i].Name
	}
	return names
}

// ServiceFunctions is a service in the map of Terraform that functions are made of.
type ServiceFunctions struct {
	Name       string
	Attributes string   // those of one line, padded as terraform fmt does
	Functions  []string // a line for each role
	Consumers  []string // a line for each queue
}

// Functions are the services of the environment as functions.
func (e *EnvironmentView) Functions() []ServiceFunctions {
	all := make([]ServiceFunctions, len(e.System.Services))
	for i := range e.System.Services {
		service := &e.System.Services[i]
		all[i] = ServiceFunctions{Name: service.Name, Attributes: service.functionAttributes(), Functions: e.functionLines(service.Name), Consumers: service.consumerLines()}
	}
	return all
}

func (s *ServiceView) functionAttributes() string {
	var paths []string
	for i := range s.Entities {
		paths = append(paths, s.Entities[i].Path)
	}
	slices.Sort(paths)
	lines := [][2]string{{"image", `var.images["` + s.Name + `"]`}, {"package", `"` + s.Package + `"`}, {"paths", s.System.HCLList(paths)}}
	if len(s.Publishes) > 0 {
		lines = append(lines, [2]string{"publishes", "true"})
	}
	if peers := s.peerSettings(); len(peers) > 0 {
		lines = append(lines, [2]string{"peers", s.System.HCLList(peers)})
	}
	return hclLines("      ", lines)
}

// peerSettings are the settings that say where the services are that this one calls.
func (s *ServiceView) peerSettings() []string {
	var names []string
	for _, callee := range s.Clients() {
		names = append(names, strings.ToUpper(callee.Setting()+"_url"))
	}
	return names
}

func (e *EnvironmentView) functionLines(service string) []string {
	var lines [][2]string
	for _, f := range e.System.Blueprint.Functions.Functions {
		if f.Service != service {
			continue
		}
		warm := ""
		if e.Production && f.Provisioned.Int() > 0 {
			warm = fmt.Sprintf(", provisioned = %d", f.Provisioned.Int())
		}
		size := fmt.Sprintf("{ memory_mib = %d, timeout_s = %d, reserved = %d%s, pool_size = %d }",
			f.Memory.Int(), f.Timeout.Int(), f.Reserved.Int(), warm, f.PoolSize.Int())
		lines = append(lines, [2]string{f.Role, size})
	}
	return strings.Split(hclLines("", lines), "\n")
}

func (s *ServiceView) consumerLines() []string {
	var lines [][2]string
	for _, queue := range s.System.Blueprint.Functions.Queues {
		if queue.Service != s.Name {
			continue
		}
		for _, reader := range s.Readers() {
			var types []string
			for _, event := range reader.Events {
				types = append(types, event.Name)
			}
			lines = append(lines, [2]string{`"` + reader.Name + `"`, fmt.Sprintf("{ types = %s, batch_size = %d, readers = %d, visibility_s = %d }",
				s.System.HCLList(types), queue.BatchSize.Int(), queue.Readers.Int(), queue.Visibility.Int())})
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return strings.Split(hclLines("", lines), "\n")
}

// Instances are the writer of the database and its standbys.
func (e *EnvironmentView) Instances() int { return 1 + e.Managed().Standbys.Int() }

// LeastCapacity is the capacity that the database never falls below, in ACU.
func (e *EnvironmentView) LeastCapacity() string {
	plan := e.System.Blueprint.Functions
	if e.Production {
		return plainText(plan.MinCapacity.Value)
	}
	return plainText(plan.IdleCapacity.Value)
}

// RequestSeconds is how long a request takes, half the promised p99, in seconds.
func (e *EnvironmentView) RequestSeconds() string {
	return plainText(e.System.Load.LatencyP99.Value / 2 / 1000)
}

// AccountConcurrency is what the account allows unasked, or what the system needs if that is more.
func (e *EnvironmentView) AccountConcurrency() int {
	return e.System.Blueprint.Functions.AccountConcurrency()
}
