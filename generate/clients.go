package generate

import (
	"slices"
	"strconv"
	"strings"

	"codex-design/model"
)

// Calling reports whether any service calls another.
func (s *SystemView) Calling() bool { return len(s.Edges) > 0 }

// Calling reports whether the service calls another.
func (s *ServiceView) Calling() bool { return len(s.Calls) > 0 }

// Refers reports whether records of the service refer to those of a service that it calls.
func (s *ServiceView) Refers() bool {
	return slices.ContainsFunc(s.Entities, func(e EntityView) bool { return e.Refers() })
}

// CalleeView is what a template sees below {callee}: a service that is called,
// with its caller around it.
type CalleeView struct {
	*ServiceView
	Caller *ServiceView
	Edge   model.Edge
}

// Clients are the services that this one calls, as it sees them.
func (s *ServiceView) Clients() []*CalleeView {
	var clients []*CalleeView
	for _, callee := range s.Callees() {
		for _, edge := range s.System.Edges {
			if edge.From == s.Name && edge.To == callee.Name {
				clients = append(clients, &CalleeView{ServiceView: callee, Caller: s, Edge: edge})
			}
		}
	}
	return clients
}

func (s *ServiceView) client(name string) *CalleeView {
	clients := s.Clients()
	return clients[slices.IndexFunc(clients, func(c *CalleeView) bool { return c.Name == name })]
}

// Module is the Python module of the callee's client.
func (c *CalleeView) Module() string { return model.PythonModule(c.Name) }

// module is its dotted name.
func (c *CalleeView) module() string { return c.Caller.Package + ".gen.clients." + c.Module() }

// ClientClass is the class of the callee's client.
func (c *CalleeView) ClientClass() string { return model.PythonClass(c.Name + "_client") }

// ownSettings are the prefixes of settings that every service has.
var ownSettings = []string{"database", "redis", "broker", "max", "call"}

// Setting is the prefix of the caller's settings about the callee.
func (c *CalleeView) Setting() string {
	prefix := strings.ToLower(c.EnvPrefix)
	if slices.Contains(ownSettings, prefix) {
		return prefix + "_service"
	}
	return prefix
}

// Variable is the environment variable that holds the callee's URL.
func (c *CalleeView) Variable() string { return strings.ToUpper(c.Setting()) + "_URL" }

// CallVariable is such a variable of the first service that calls another.
func (s *SystemView) CallVariable() string {
	for i := range s.Services {
		if clients := s.Services[i].Clients(); len(clients) > 0 {
			return clients[0].Variable()
		}
	}
	return ""
}

// ComposeURL is where the callee listens among the containers of compose.yaml.
func (c *CalleeView) ComposeURL() string { return "http://" + c.Name + ":" + strconv.Itoa(c.Port) }

// ClusterURL is where it listens inside the cluster: its Service in the same namespace.
func (c *CalleeView) ClusterURL() string { return "http://" + c.Name }

// PeerCall makes the callee's peer.
func (c *CalleeView) PeerCall() string {
	prefix := "settings." + c.Setting()
	return call("peers.peer", atoms(pythonString(c.Name), prefix+"_url", "in_flight="+prefix+"_in_flight",
		"breaker_calls="+prefix+"_breaker_calls")...).layout("            ", "", "")
}

// remoteTypes say how the fields of another service's records are read: without
// limits and values that may change there.
var remoteTypes = map[model.Kind]string{
	model.KindString: "str", model.KindText: "str", model.KindInt: "int", model.KindBigint: "int", model.KindDecimal: "RemoteDecimal",
	model.KindFloat: "float", model.KindBool: "bool", model.KindDate: "date", model.KindTimestamp: "datetime", model.KindUUID: "UUID",
	model.KindRef: "UUID", model.KindJSON: "Json", model.KindEnum: "str", model.KindEmail: "str", model.KindURL: "str",
}

var remoteModules = map[string]string{
	"RemoteDecimal": "kit.client", "date": "datetime", "datetime": "datetime", "UUID": "uuid", "Json": "kit.types", "Field": "pydantic",
	"absent": "kit.schema",
}

func (f PythonField) remote() string { return f.orNone(remoteTypes[f.Type.Kind]) }

// RemoteFields declare what another service sees of a record.
func (e *EntityView) RemoteFields() []string {
	var lines []string
	for _, field := range e.PublicFields() {
		value := ""
		switch alias := field.alias(); {
		case field.Nullable && alias != "":
			value = "Field(default=None, " + alias + ")"
		case field.Nullable:
			value = "None"
		case alias != "":
			value = "Field(" + alias + ")"
		}
		lines = append(lines, declare(field.Attribute, field.remote(), value))
	}
	return lines
}

// RemoteDoc is the docstring of such a record.
func (e *EntityView) RemoteDoc() string {
	return strings.Trim(docstring("One "+e.LowerTitle()), `"`)
}

// CreateBodyFields declare what another service sends for a new record.
func (e *EntityView) CreateBodyFields() []string {
	var lines []string
	for _, field := range e.PythonFields() {
		value := ""
		if !requiredOnCreate(field.FieldPlan) {
			value = "absent(" + field.alias() + ")"
		} else if alias := field.alias(); alias != "" {
			value = "Field(" + alias + ")"
		}
		lines = append(lines, declare(field.Attribute, field.remote(), value))
	}
	return lines
}

// PatchBodyFields declare what another service sends for a change.
func (e *EntityView) PatchBodyFields() []string {
	var lines []string
	for _, field := range e.PythonFields() {
		lines = append(lines, declare(field.Attribute, field.remote(), "absent("+field.alias()+")"))
	}
	return lines
}

// ListSignature begins the client's method for the entity's list.
func (e *EntityView) ListSignature() string {
	arguments := []string{"self", "*", "limit: int | None = None", "cursor: str | None = None", "sort: str | None = None"}
	for _, filter := range e.Filters {
		arguments = append(arguments, filter.Attribute+": "+remoteTypes[filter.Field.Type.Kind]+" | None = None")
	}
	return e.Layout("    ", "async def "+e.OperationID("list")+"(", ") -> "+e.Class+"Page:", arguments...)
}

// ListParameters are the query of that method.
func (e *EntityView) ListParameters() string {
	pairs := atoms(`"limit": limit`, `"cursor": cursor`, `"sort": sort`)
	for _, filter := range e.Filters {
		pairs = append(pairs, atom(pythonString(filter.Parameter)+": "+filter.Attribute))
	}
	return expression{head: "{", tail: "}", items: pairs}.layout("        ", "params: dict[str, Parameter] = ", "")
}

// ItemPath is the path of one record as an f-string.
func (e *EntityView) ItemPath() string { return `f"` + e.Path + "/{" + e.PathParameter() + `}"` }

// Imports is the import block of the callee's client.
func (c *CalleeView) Imports() string {
	imports := pythonImports{
		"datetime": {"datetime"}, "uuid": {"UUID"}, "kit.client": {"Body", "Parameter", "Peer", "Remote"},
	}
	for i := range c.Entities {
		entity := &c.Entities[i]
		lines := slices.Concat(entity.RemoteFields(), entity.CreateBodyFields(), entity.PatchBodyFields())
		for _, line := range append(lines, entity.ListSignature()) {
			for _, word := range wordsOf(blankStrings(annotationOf(line))) {
				if module := remoteModules[word]; module != "" {
					imports.add(module, word)
				}
			}
		}
	}
	return imports.block(c.Caller.Package)
}

// ClientsImports is the import block of gen/clients/__init__.py.
func (s *ServiceView) ClientsImports() string {
	imports := pythonImports{
		"kit.client": {"Peers"}, "kit.resources": {"Resources"}, s.Package + ".gen.settings": {"Settings"},
	}
	for _, callee := range s.Clients() {
		imports.add(callee.module(), callee.ClientClass())
	}
	return imports.block(s.Package)
}

// CallSettings are the numbers and addresses of the service's calls.
func (s *ServiceView) CallSettings() []SettingLine {
	if !s.Calling() {
		return nil
	}
	calls := s.System.Calls
	lines := []SettingLine{
		number("call_timeout_ms", s.System.Timeouts.Call), number("call_queue_ms", calls.Queue),
		number("call_attempts", calls.Attempts), number("call_backoff_ms", calls.Backoff),
		{"call_retry_share", "Share", atom(formatFloat(calls.RetryShare.Value)), reason(calls.RetryShare)},
		number("breaker_window_s", calls.Window),
		{"breaker_failure_share", "Share", atom(formatFloat(calls.FailureShare.Value)), reason(calls.FailureShare)},
		number("breaker_open_s", calls.Open),
	}
	for _, callee := range s.Clients() {
		prefix := callee.Setting()
		lines = append(lines,
			SettingLine{prefix + "_url", "PeerUrl", atom(pythonString(callee.ClusterURL())), "its name in the cluster"},
			number(prefix+"_in_flight", callee.Edge.InFlight), number(prefix+"_breaker_calls", callee.Edge.BreakerCalls))
	}
	return lines
}

// CalleesFirst names the services so that each comes after those that it calls,
// as far as they do not call in a circle: it can refer to their records.
func (s *SystemView) CalleesFirst() []string {
	var names []string
	seen := map[string]bool{}
	var visit func(service *ServiceView)
	visit = func(service *ServiceView) {
		if seen[service.Name] {
			return
		}
		seen[service.Name] = true
		for _, callee := range service.Callees() {
			visit(callee)
		}
		names = append(names, service.Name)
	}
	for i := range s.Services {
		visit(&s.Services[i])
	}
	return names
}
