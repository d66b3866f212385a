package generate

import (
	"fmt"
	"math"
	"strings"
)

// What compose.yaml gives to one machine, where the blueprint sizes the real servers.
const (
	localSpareConnections = 10  // migrations run one at a time per service, and a person with psql
	localPostgresMiB      = 512 // shared buffers and the server itself
	localConnectionMiB    = 4   // of each connection, working memory included
	localRedisMiB         = 256
)

// localBrokerMiB is the memory limit of each broker on one machine.
var localBrokerMiB = map[string]int{"nats": 256, "rabbitmq": 1024, "kafka": 1024}

// LocalBrokerMiB is the memory limit of the system's broker on one machine.
func (s *SystemView) LocalBrokerMiB() int { return localBrokerMiB[s.Broker.Kind] }

// LocalConnections is PostgreSQL's max_connections where each deployable runs once:
// its pool, its migration and what carries its events, and a few for people.
func (s *SystemView) LocalConnections() int {
	connections := localSpareConnections
	for _, service := range s.Deployables {
		connections += service.Sizing.PoolSize.Int() + 1
		for _, process := range service.Processes() {
			connections += process.Pool.Int()
		}
	}
	return connections
}

// LocalPostgresMiB is the memory limit of that server, in steps of 256 MiB.
func (s *SystemView) LocalPostgresMiB() int {
	needed := localPostgresMiB + localConnectionMiB*s.LocalConnections()
	return (needed + 255) / 256 * 256
}

// LocalRedisMiB is Redis's maxmemory on one machine: the blueprint's, or less.
func (s *SystemView) LocalRedisMiB() int {
	return min(localRedisMiB, s.Blueprint.Cache.MaxMemory.Int())
}

// LocalRedisLimitMiB leaves room above maxmemory for the server, its clients and fragmentation.
func (s *SystemView) LocalRedisLimitMiB() int {
	return s.LocalRedisMiB()*3/2 + 32
}

// CPUs is the CPU limit of a pod in cores, as Compose writes it: "0.5".
func (s *ServiceView) CPUs() string {
	return fmt.Sprintf("%g", math.Round(s.Sizing.CPULimit.Value)/1000)
}

// About is the description, or the title where there is none, as one cell of a Markdown table.
func (s *ServiceView) About() string {
	if s.Description == "" {
		return markdownText(s.Title)
	}
	return markdownText(s.Description)
}

// About is the description, or the title where there is none, as Markdown text.
func (s *SystemView) About() string {
	if s.System.Description == "" {
		return markdownText(s.System.Title)
	}
	return markdownText(s.System.Description)
}

// TitleText is the system's title as Markdown text.
func (s *SystemView) TitleText() string { return markdownText(s.System.Title) }

// markdownText keeps a person's words from being read as Markdown, HTML or the end of a table cell.
func markdownText(text string) string {
	escaped := markdownEscapes.Replace(strings.Join(strings.Fields(text), " "))
	return strings.TrimSpace(escaped)
}

var markdownEscapes = strings.NewReplacer(
	`\`, `\\`, "|", `\|`, "<", "&lt;", ">", "&gt;", "&", "&amp;", "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`,
)

// SystemForm is how scripts/system.py names a service.
func (s *SystemView) SystemForm() string {
	form := "NAME:PACKAGE:DATABASE:"
	if s.Security.SplitsRoles() {
		form += "OWNER:"
	}
	form += "PORT"
	if s.Broker != nil {
		form += ":PROCESSES"
	}
	return form
}

// ServicesArgument declares the argument of scripts/system.py that names the services.
func (s *SystemView) ServicesArgument() string {
	return call("parser.add_argument", atoms(`"services"`, `nargs="+"`, "type=Service.parse", "metavar="+pythonString(s.SystemForm()))...).layout("    ", "", "")
}

// ParsedService makes a service of the parts of its name there.
func (s *SystemView) ParsedService() string {
	parts := atoms("name", "package", "database")
	if s.Security.SplitsRoles() {
		parts = append(parts, atoms("owner", "database")...)
	}
	parts = append(parts, call("int", atom("port")))
	if s.Broker != nil {
		parts = append(parts, call("tuple", call("filter", atom("None"), atom(`processes.split(",")`))))
	}
	return call("cls", parts...).layout("        ", "return ", "")
}

// ProcessNames are those of the service beside its API, as scripts/system.py takes them.
func (s *ServiceView) ProcessNames() string {
	var names []string
	for _, process := range s.Processes() {
		names = append(names, process.Process)
	}
	return strings.Join(names, ",")
}
