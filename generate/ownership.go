package generate

import (
	"slices"

	"codex-design/model"
)

// Owned reports whether records of any kind belong to who created them.
func (s *SystemView) Owned() bool {
	return slices.ContainsFunc(s.Services, func(service ServiceView) bool { return service.Owned() })
}

// Owned reports whether records of the service belong to who created them.
func (s *ServiceView) Owned() bool {
	return slices.ContainsFunc(s.Entities, func(e EntityView) bool { return e.Owned() })
}

// limit is whose records alone the caller may change.
var limit = contextValue{"owner", "text", "", "OWNERS.limit"}

// ownersOnly is the condition of a statement that changes a record with an owner.
func (e *EntityView) ownersOnly() []string {
	if !e.Owned() {
		return nil
	}
	return []string{"    AND ({owner} IS NULL OR " + model.OwnerColumn + " = {owner})"}
}

func (e *EntityView) ownerContext(operation string) []contextValue {
	switch {
	case !e.Owned():
		return nil
	case operation == "create":
		return []contextValue{subject}
	default:
		return []contextValue{limit}
	}
}

// AnyScopes are what an administrator has besides, as a Python set.
func (s *ServiceView) AnyScopes() string {
	var scopes []string
	for _, entity := range s.Entities {
		if entity.Owned() {
			scopes = append(scopes, entity.AnyScope)
		}
	}
	slices.Sort(scopes)
	return scopeSet("ANY", scopes)
}

// ownedReference is a field that refers to a record of the same service with an owner.
type ownedReference struct {
	field  PythonField
	target *EntityView
}

func (e *EntityView) ownedReferences() []ownedReference {
	var owned []ownedReference
	for _, field := range e.PythonFields() {
		if target := field.target(); target != nil && target.Owned() {
			owned = append(owned, ownedReference{field, target})
		}
	}
	return owned
}

// CheckArgument says which references of a body are looked at before it is written.
func (e *EntityView) CheckArgument() string {
	var targets []expression
	for _, reference := range e.ownedReferences() {
		target := call("OwnedTarget", atoms(pythonString(reference.field.JSON), reference.target.Class+"Repository()")...)
		target.items = append(target.items, call("Ownership", atom(pythonString(reference.target.AnyScope))))
		if reference.field.Attribute != reference.field.JSON {
			target.items = append(target.items, atom("attribute="+pythonString(reference.field.Attribute)))
		}
		targets = append(targets, target)
	}
	if len(targets) == 0 {
		return ""
	}
	return call("check=OwnedTargets", targets...).layout("            ", "", ".check,")
}

func (e *EntityView) importOwners(imports pythonImports) {
	if e.Owned() {
		imports.add("kit.ownership", "OwnedService")
		imports.add("kit.ownership", "OwnedPages")
		imports.add(e.module("repository"), "OWNERS")
	}
	for _, reference := range e.ownedReferences() {
		for _, name := range []string{"OwnedTarget", "OwnedTargets", "Ownership"} {
			imports.add("kit.ownership", name)
		}
		imports.add(reference.target.module("repository"), reference.target.Class+"Repository")
	}
}

// ServiceBase is the class of the shared library that the entity's service derives from.
func (e *EntityView) ServiceBase() string {
	if e.Owned() {
		return "OwnedService"
	}
	return "CrudService"
}

// PagesCall reads the entity's lists.
func (e *EntityView) PagesCall() string {
	switch {
	case e.ReadTable != "":
		return e.Class + "ReadModel()"
	case e.Owned():
		return "OwnedPages(" + e.Class + "Row, LISTING, OWNERS)"
	}
	return "Pages(" + e.Class + "Row, LISTING)"
}

// OwnershipImports is the import block of tests/gen/test_ownership.py.
func (s *ServiceView) OwnershipImports() string {
	imports := pythonImports{
		"uuid": {"uuid4"}, "pytest": {""}, "httpx2": {"AsyncClient"},
		"kit.testing": {"in_process"}, "kit.testing.records": {"Entity", "create"}, s.Package + ".gen.access": {"ANY", "READ", "WRITE"},
		s.Package + ".gen.app": {"build"}, s.Package + ".gen.settings": {"Settings"},
	}
	s.importCallers(imports)
	if s.System.Security.Tenants() && s.System.KeyBased() {
		imports.add("uuid", "UUID")
	}
	return imports.block(s.Package)
}

// CallerSignature begins the fixture that makes clients of other callers.
func (s *ServiceView) CallerSignature() string {
	var tenant []string
	if s.System.Security.Tenants() {
		tenant = []string{"tenant: " + s.TenantType()}
	}
	return s.callersSignature("def client_of(", ") -> ClientOf:", tenant...)
}

// TenantType is the type of the tenant of the tests.
func (s *ServiceView) TenantType() string {
	if s.System.KeyBased() {
		return "UUID"
	}
	return "str"
}

// CallerToken makes the token of another caller.
func (s *ServiceView) CallerToken() string {
	arguments := atoms("*READ", "*WRITE", "*more", "subject=subject")
	if s.System.Security.Tenants() {
		arguments = append(arguments, atom("tenant_id=tenant"))
	}
	return call("authority.token", arguments...).layout("        ", "token = ", "")
}

// CallerKey makes their API key.
func (s *ServiceView) CallerKey() string {
	return s.newKey("        ", "key, line = ", "subject", "READ | WRITE | more", "tenant")
}
