package generate

import (
	"slices"
	"strings"

	"codex-design/model"
)

// RemoteReference is a field that refers to a record of a called service.
type RemoteReference struct {
	model.Reference
	field  PythonField
	callee *CalleeView
	entity *EntityView // of the callee
}

// remoteReferences are the entity's fields that refer to records of called services.
func (e *EntityView) remoteReferences() []RemoteReference {
	var remote []RemoteReference
	for _, reference := range e.References {
		if !reference.Called {
			continue
		}
		callee := e.Service.client(reference.Service)
		fields := e.PythonFields()
		field := fields[slices.IndexFunc(fields, func(f PythonField) bool { return f.JSON == reference.Field })]
		remote = append(remote, RemoteReference{reference, field, callee, callee.entity(reference.Entity)})
	}
	return remote
}

// Refers reports whether a write has to look for records of other services.
func (e *EntityView) Refers() bool { return len(e.remoteReferences()) > 0 }

// expansions are those whose records a read may embed.
func (e *EntityView) expansions() []RemoteReference {
	return slices.DeleteFunc(e.remoteReferences(), func(r RemoteReference) bool { return !r.Expands() })
}

// Expands reports whether a read may embed records of other services.
func (e *EntityView) Expands() bool { return len(e.expansions()) > 0 }

func (e *EntityView) expansionLiterals() []expression {
	var names []expression
	for _, reference := range e.expansions() {
		names = append(names, atom(pythonString(reference.Expansion)))
	}
	return names
}

// alias names the record's class beside those of this service: CatalogProduct.
func (r RemoteReference) alias() string {
	return model.PythonClass(r.callee.Name + "_" + r.entity.Name)
}

// importRemotes imports the classes of the records that a read may embed.
func (e *EntityView) importRemotes(imports pythonImports) {
	for _, reference := range e.expansions() {
		imports.add(reference.callee.module(), reference.entity.Class+" as "+reference.alias())
	}
}

// ExpansionLines declare the members that hold them.
func (e *EntityView) ExpansionLines() []string {
	var lines []string
	for _, reference := range e.expansions() {
		attribute := model.PythonAttribute(reference.Expansion)
		value := "None"
		if attribute != reference.Expansion {
			value = "Field(default=None, alias=" + pythonString(reference.Expansion) + ")"
		}
		lines = append(lines, declare(attribute, reference.alias()+" | None", value))
	}
	return lines
}

// ServiceCall makes the entity's service.
func (e *EntityView) ServiceCall() string {
	arguments := atoms("resources")
	if e.Refers() {
		arguments = append(arguments, atom("self.clients"))
	}
	return call(e.Class+"Service", arguments...).layout("        ", "self."+e.Module+" = ", "")
}

// ReferencesCall says what the entity's records refer to.
func (e *EntityView) ReferencesCall() string {
	var items []expression
	for _, reference := range e.remoteReferences() {
		client := "clients." + reference.callee.Module()
		target := call("Target", atoms(pythonString(reference.Field), client+".peer",
			client+"."+reference.entity.OperationID("read"))...)
		if reference.Expands() {
			target.items = append(target.items, atom("expansion="+pythonString(reference.Expansion)))
		}
		if reference.field.Attribute != reference.Field {
			target.items = append(target.items, atom("attribute="+pythonString(reference.field.Attribute)))
		}
		items = append(items, target)
	}
	items = append(items, atom("rules=rules"))
	return call("References", items...).layout("        ", "self.references = ", "")
}

// RulesClass begins the class of the entity's rules.
func (e *EntityView) RulesClass() string {
	hooks := subscript("Hooks", atoms(e.Class+"Row", e.Class+"Create", e.Class+"Patch")...)
	head := "class " + e.Class + "Rules"
	if e.Expands() {
		return call(head, atom("Fallbacks"), hooks).layout("", "", ":")
	}
	return call(head, hooks).layout("", "", ":")
}

// ReadSignature begins the route that reads one record.
func (e *EntityView) ReadSignature() string {
	arguments := []string{"services: Wired", e.PathParameter() + ": Uuid", "if_none_match: IfNoneMatch = None"}
	if e.Expands() {
		arguments = append(arguments, "expand: Annotated[list[schemas."+e.Class+"Expansion] | None, Query()] = None")
	}
	return e.Layout("", "async def "+e.OperationID("read")+"(", ") -> Response:", arguments...)
}

// remoteMembers pair each field that refers to another service with what ?expand calls it.
func (e *EntityView) remoteMembers() []string {
	var pairs []string
	for _, reference := range e.remoteReferences() {
		pairs = append(pairs, pythonString(reference.Field)+": "+pythonString(reference.Expansion))
	}
	return pairs
}

// PeerVariables are the prefixes of the settings about the service's callees.
func (s *ServiceView) PeerVariables() string {
	var names []string
	for _, callee := range s.Clients() {
		names = append(names, pythonString(strings.ToUpper(callee.Setting())))
	}
	if len(names) == 1 {
		return "PEERS = (" + names[0] + ",)"
	}
	return expression{head: "(", tail: ")", items: atoms(names...)}.layout("", "PEERS = ", "")
}

// LiveReference is a field whose record the tests look for in the service itself.
type LiveReference struct {
	Name, Field, Path, Target, Expansion string

	Siblings []LiveReference // the other fields of the same entity that refer to the callee's records
}

// SampleLine is the field's entry in a body, with a new record of the callee.
func (r LiveReference) SampleLine() string {
	return call("await created_id", atoms("peer", pythonString(r.Path), "new_"+r.Target)...).layout("            ", pythonString(r.Field)+": ", ",")
}

// Live reports whether the tests call the service itself: where it lets anybody
// in, and one of the caller's records refers to one of its own.
func (c *CalleeView) Live() bool {
	return len(c.LiveReferences()) > 0
}

// LiveReferences are the caller's fields that refer to the callee's records.
func (c *CalleeView) LiveReferences() []LiveReference {
	var live []LiveReference
	for i := range c.Caller.Entities {
		entity := &c.Caller.Entities[i]
		for _, reference := range entity.remoteReferences() {
			if reference.Service == c.Name {
				live = append(live, LiveReference{entity.Name, reference.Field, reference.entity.Path, reference.entity.Name, reference.Expansion, nil})
			}
		}
	}
	for i := range live {
		live[i].Siblings = slices.DeleteFunc(slices.Clone(live), func(other LiveReference) bool {
			return other.Name != live[i].Name || other.Field == live[i].Field
		})
	}
	return live
}

// SampleEntities are the callee's entities of which the tests make records, in
// the order of the answers: those that are referred to, and what they need.
func (c *CalleeView) SampleEntities() []*EntityView {
	needed := map[string]bool{}
	var need func(name string)
	need = func(name string) {
		if needed[name] {
			return
		}
		needed[name] = true
		for _, field := range c.entity(name).PythonFields() {
			if target := field.target(); target != nil && !field.Nullable {
				need(target.Name)
			}
		}
	}
	for _, reference := range c.LiveReferences() {
		need(reference.Target)
	}
	var entities []*EntityView
	for i := range c.Entities {
		if needed[c.Entities[i].Name] {
			entities = append(entities, &c.Entities[i])
		}
	}
	return entities
}

// Prefix begins the environment variables of the caller's settings about the callee.
func (c *CalleeView) Prefix() string { return strings.ToUpper(c.Setting()) }

// LivePeerCall starts the callee for a test.
func (c *CalleeView) LivePeerCall() string {
	arguments := atoms(pythonString(c.Package), "MIGRATIONS", "postgres_server")
	if c.SplitRoles() {
		arguments = append(arguments, atom("logins"))
	}
	for _, each := range c.liveFixtures() {
		arguments = append(arguments, atom(each.variable+"="+each.value))
	}
	return call("live_peer", arguments...).layout("        ", "", " as peer,")
}

// liveFixtures are what the callee needs besides its database.
func (c *CalleeView) liveFixtures() []fixture {
	return slices.DeleteFunc(c.fixtures(), func(f fixture) bool { return f.variable == "DATABASE_URL" })
}

// ProxySignature begins the fixture that starts it.
func (c *CalleeView) ProxySignature() string {
	parameters := append(atoms("postgres_server: str"), parametersOf(c.liveFixtures())...)
	return signature("async def proxy(", ") -> AsyncIterator[FaultProxy]:", parameters)
}

// TestImports is the import block of the test of the callee's client.
func (c *CalleeView) TestImports() string {
	imports := pythonImports{"pathlib": {"Path"}, "yaml": {""}, "kit.testing.clients": {"disagreements"}, c.module(): {c.ClientClass()}}
	if !c.Live() {
		return imports.block(c.Caller.Package)
	}
	live := pythonImports{
		"asyncio": {""}, "pytest": {""}, "collections.abc": {"AsyncIterator"}, "uuid": {"uuid4"}, "httpx2": {"AsyncClient", "Response"},
		"kit.testing": {"live_service"}, "kit.testing.clients": {"live_peer"}, "kit.testing.faults": {"FaultProxy", "faults"},
		"kit.testing.plugin": {"Connect"}, "kit.testing.records": {"Body", "Entity", "created"},
	}
	for module, names := range live {
		for _, name := range names {
			imports.add(module, name)
		}
	}
	if c.System.TokenBased() {
		imports.add("kit.testing.issuer", "Issuer")
	}
	if c.SplitRoles() {
		imports.add("kit.testing.plugin", "Logins")
		imports.add("kit.testing.roles", "login")
	}
	if slices.ContainsFunc(c.LiveReferences(), func(r LiveReference) bool { return len(r.Siblings) > 0 }) {
		imports.add("kit.testing.records", "created_id")
	}
	for _, entity := range c.SampleEntities() {
		if entity.NumberedSamples() {
			imports.add("kit.testing.records", "serial")
		}
		for _, line := range entity.SampleLines() {
			imports.useHelpers(blankStrings(line))
		}
	}
	return imports.block(c.Caller.Package)
}

// FirstExpansion is one of the records that a read may embed.
func (e *EntityView) FirstExpansion() string { return e.expansions()[0].Expansion }

// ReferenceSample is a field that stands in the diagrams for all that refer to called services.
type ReferenceSample struct {
	Entity        *EntityView
	Callee        *CalleeView
	Field, Target string
	Path          string // of the records that the field refers to
	Expansion     string
}

// ReferenceSample is the first of them in the order of the answers; nil where there is none.
func (s *SystemView) ReferenceSample() *ReferenceSample {
	for i := range s.Services {
		for j := range s.Services[i].Entities {
			entity := &s.Services[i].Entities[j]
			if remote := entity.remoteReferences(); len(remote) > 0 {
				first := remote[0]
				return &ReferenceSample{entity, first.callee, first.Field, first.entity.LowerTitle(), first.entity.Path, first.Expansion}
			}
		}
	}
	return nil
}
