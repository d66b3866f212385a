package generate

import (
	"fmt"
	"strings"

	"codex-design/model"
)

// Managed is what the environment rents for its data.
func (e *EnvironmentView) Managed() model.ManagedPlan {
	return e.System.Blueprint.Managed(e.EnvironmentPlan)
}

// Managed is what production rents for its data.
func (s *SystemView) Managed() model.ManagedPlan { return s.Production().Managed() }

// cloudNames is how long a name may be that every service of a cloud takes.
const cloudNames = 40

// CloudName names the system in this environment among all that an account holds.
func (e *EnvironmentView) CloudName() string {
	system := e.System.System.Name
	system = strings.TrimRight(system[:min(len(system), cloudNames-1-len(e.Name))], "-")
	return system + "-" + e.Name
}

// ZoneNumbers counts the zones from 1.
func (s *SystemView) ZoneNumbers() []int {
	zones := make([]int, max(2, s.Load.Zones.Int()))
	for i := range zones {
		zones[i] = i + 1
	}
	return zones
}

// HCLKeys are the deployables' names as keys of an HCL map, padded as terraform fmt does.
func (s *SystemView) HCLKeys() map[string]string {
	names := make([]string, len(s.Deployables))
	for i, deployable := range s.Deployables {
		names[i] = deployable.Name
	}
	return paddedKeys(names)
}

// paddedKeys quotes names and fills them up to the width of the longest.
func paddedKeys(names []string) map[string]string {
	width := 0
	for _, name := range names {
		width = max(width, len(name)+2)
	}
	keys := make(map[string]string, len(names))
	for _, name := range names {
		keys[name] = fmt.Sprintf("%-*s", width, `"`+name+`"`)
	}
	return keys
}

// HCLList is a list of names on one line of HCL.
func (s *SystemView) HCLList(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = `"` + name + `"`
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// hclLines are attributes of one line each, padded as terraform fmt does.
func hclLines(margin string, attributes [][2]string) string {
	wide := 0
	for _, each := range attributes {
		wide = max(wide, len(each[0]))
	}
	lines := make([]string, len(attributes))
	for i, each := range attributes {
		lines[i] = fmt.Sprintf("%s%-*s = %s", margin, wide, each[0], each[1])
	}
	return strings.Join(lines, "\n")
}

// HCLProcesses is what runs beside the service's API, as an attribute of its entry in HCL.
func (s *ServiceView) HCLProcesses() string {
	processes := s.Processes()
	if len(processes) == 0 {
		return "processes     = {}"
	}
	lines := make([][2]string, len(processes))
	for i, p := range processes {
		lines[i] = [2]string{p.Process, fmt.Sprintf("{ cpu_request_m = %d, memory_mib = %d, pool = %d, proxied = %t }",
			p.CPURequest.Int(), p.Memory.Int(), p.Pool.Int(), p.Sidecar())}
	}
	return "processes = {\n" + hclLines("        ", lines) + "\n      }"
}

// HCLProcessKeys are the names of the environment's processes as keys of an HCL map.
func (e *EnvironmentView) HCLProcessKeys() map[string]string {
	names := make([]string, len(e.Processes))
	for i, process := range e.Processes {
		names[i] = process.Instance()
	}
	return paddedKeys(names)
}

// BrokerIs says whether events are carried by this broker.
func (s *SystemView) BrokerIs(kind string) bool { return s.Broker != nil && s.Broker.Kind == kind }

// RentsBroker says whether the example cloud has the system's broker to rent.
func (s *SystemView) RentsBroker() bool {
	broker := s.Managed().Broker
	return broker != nil && broker.Class != ""
}

// DrawsSecrets says whether the first password of a store is drawn.
func (s *SystemView) DrawsSecrets() bool { return s.Cache != nil || s.BrokerIs("rabbitmq") }
