package generate

import (
	"slices"
	"strings"

	"codex-design/model"
)

// fixture is something that the settings of the service's tests are made of.
type fixture struct {
	parameter string // as a test function declares it
	variable  string // that gives its value to a process
	value     string
}

// fixtures are those of the service.
func (s *ServiceView) fixtures() []fixture {
	all := []fixture{{"database_url: str", "DATABASE_URL", "database_url"}}
	if s.UsesRedis {
		all = append(all, fixture{"redis_url: str", "REDIS_URL", "redis_url"})
	}
	return append(all, s.System.credentialFixtures()...)
}

// credentialFixtures are whose credentials the services of the tests believe.
func (s *SystemView) credentialFixtures() []fixture {
	switch {
	case s.TokenBased():
		return []fixture{{"authority: Issuer", "OIDC_ISSUER", "authority.url"}}
	case s.KeyBased():
		return []fixture{{"api_keys: str", "API_KEYS", "api_keys"}}
	}
	return nil
}

func parametersOf(fixtures []fixture) []expression {
	var parameters []expression
	for _, each := range fixtures {
		parameters = append(parameters, atom(each.parameter))
	}
	return parameters
}

// SettingsSignature begins the fixture of the settings.
func (s *ServiceView) SettingsSignature() string {
	return signature("def settings(", ") -> Settings:", parametersOf(s.fixtures()))
}

// EnvironmentSignature begins the fixture of the same as environment variables.
func (s *ServiceView) EnvironmentSignature() string {
	return signature("def environment(", ") -> dict[str, str]:", parametersOf(s.fixtures()))
}

// EnvironmentLine is what it returns.
func (s *ServiceView) EnvironmentLine() string {
	var pairs []expression
	for _, each := range s.fixtures() {
		pairs = append(pairs, atom(pythonString(each.variable)+": "+each.value))
	}
	return expression{head: "{", tail: "}", items: pairs}.layout("    ", "return patience | ", "")
}

// signature begins a function: on one line, or all parameters on a line of
// their own, or each on one.
func signature(head, tail string, parameters []expression) string {
	whole := expression{head: head, tail: tail, items: parameters}
	if len([]rune(whole.String())) <= pythonWidth {
		return whole.String()
	}
	inside := expression{items: parameters}.String()
	if len(inside)+4 <= pythonWidth {
		return head + "\n    " + inside + "\n" + tail
	}
	return whole.layout("", "", "")
}

// TestScopes is every scope of the service and of those that it calls, to which
// it passes the caller's credentials on.
func (s *ServiceView) TestScopes() string {
	var scopes []string
	for _, service := range append([]*ServiceView{s}, s.Callees()...) {
		for _, each := range service.Scopes() {
			scopes = append(scopes, each.Scope)
		}
	}
	slices.Sort(scopes)
	scopes = slices.DeleteFunc(slices.Compact(scopes), func(scope string) bool { return scope == "" })
	return scopeSet("SCOPES", scopes)
}

// importCredentials imports what tests/conftest.py makes credentials of.
func (s *ServiceView) importCredentials(imports pythonImports) {
	if s.System.Security.Tenants() {
		imports.add("uuid", "uuid4")
	}
	if s.System.Security.Tenants() && s.Owned() && s.System.KeyBased() {
		imports.add("uuid", "UUID")
	}
	switch {
	case s.System.TokenBased():
		imports.add("collections.abc", "Iterator")
		imports.add("kit.testing.issuer", "Issuer")
		imports.add("kit.testing.issuer", "issuer")
	case s.System.KeyBased():
		for _, name := range []string{"HEADER", "Entry", "new"} {
			imports.add("kit.auth.keys", name)
		}
	}
}

// Challenge is the scheme that the service names to a caller without credentials.
func (s *SystemView) Challenge() string {
	if s.KeyBased() {
		return "ApiKey"
	}
	return "Bearer"
}

// AccessImports is the import block of tests/gen/test_access.py.
func (s *ServiceView) AccessImports() string {
	imports := pythonImports{
		"asyncio": {""}, "collections.abc": {"AsyncIterator"}, "pytest": {""}, "pytest_asyncio": {""}, "httpx2": {"AsyncClient"},
		"kit.testing": {"in_process"}, "kit.testing.access": {"Operation", "operations"}, "kit.testing.records": {"Entity"},
		s.Package + ".access": {"ACCESS"}, s.Package + ".gen.app": {"build"}, s.Package + ".gen.settings": {"Settings"}, s.Package + ".main": {"create"},
	}
	if s.System.RoleBased() {
		imports[s.Package+".gen.access"] = []string{"READ", "WRITE"}
	}
	if s.System.Security.Tenants() {
		imports.add("uuid", "uuid4")
	}
	if s.System.TokenBased() {
		imports["kit.testing.forgery"] = []string{"forged"}
		imports["kit.testing.issuer"] = []string{"Issuer", "issuer"}
	}
	if s.System.KeyBased() {
		imports["pathlib"], imports["pydantic"] = []string{"Path"}, []string{"SecretStr"}
		imports["kit.auth"] = []string{"keys"}
		imports["kit.auth.keys"] = []string{"HEADER", "Entry", "hashed", "new"}
	}
	return imports.block(s.Package)
}

// Somebody names the headers of a caller in the tests of the rate limit.
func (s *ServiceView) Somebody() string { return s.System.caller("somebody") }

// SomebodyElse names those of another one.
func (s *ServiceView) SomebodyElse() string { return s.System.caller("somebody_else") }

// caller is a constant, but where the test has to ask the issuer.
func (s *SystemView) caller(name string) string {
	if s.TokenBased() {
		return name
	}
	return strings.ToUpper(name)
}

// RateLimitTest begins one of those tests, which asks for more fixtures.
func (s *ServiceView) RateLimitTest(name string, more ...string) string {
	parameters := atoms("settings: Settings")
	if s.System.TokenBased() {
		parameters = append(parameters, atom("authority: Issuer"))
	}
	parameters = append(parameters, atoms(more...)...)
	return signature("async def "+name+"(", ") -> None:", append(parameters, atom("entity: Entity")))
}

// RateLimitImports is the import block of tests/gen/test_rate_limit.py.
func (s *ServiceView) RateLimitImports() string {
	imports := pythonImports{
		"typing": {"Any"}, "uuid": {"uuid4"}, "fastapi": {"FastAPI"}, "kit.testing": {"in_process"}, "kit.testing.records": {"Entity"},
		s.Package + ".gen.app": {"build"}, s.Package + ".gen.settings": {"Settings"},
	}
	if s.UsesRedis {
		imports["asyncio"] = []string{""}
		imports.add("kit.testing", "RedisServer")
	}
	if s.UsesRedis || s.System.KeyBased() {
		imports.add("pydantic", "SecretStr")
	}
	if s.System.TokenBased() {
		imports.add("kit.testing.issuer", "Issuer")
	}
	if s.System.KeyBased() {
		imports["kit.auth.keys"] = []string{"HEADER", "Entry", "new"}
	}
	if s.System.RoleBased() {
		imports[s.Package+".gen.access"] = []string{"READ", "WRITE"}
	}
	return imports.block(s.Package)
}

// TokenArguments are what the tests ask of the issuer for a caller with these scopes.
func (s *ServiceView) TokenArguments(scopes string, more ...string) string {
	var arguments []string
	if s.System.RoleBased() {
		arguments = append(arguments, scopes)
	}
	arguments = append(arguments, more...)
	if s.System.Security.Tenants() {
		arguments = append(arguments, "tenant_id=TENANT")
	}
	return strings.Join(arguments, ", ")
}

// SubjectToken makes the token of one of several callers.
func (s *ServiceView) SubjectToken() string {
	return "    token = authority.token(" + s.TokenArguments("*READ, *WRITE", "subject=subject") + ")"
}

// TenancyImports is the import block of tests/gen/test_tenancy.py.
func (s *ServiceView) TenancyImports() string {
	imports := pythonImports{
		"uuid": {"UUID", "uuid4"}, "asyncpg": {""}, "pytest": {""},
		"httpx2": {"AsyncClient"}, "kit.testing": {"in_process"}, "kit.testing.access": {"operations"}, "kit.testing.records": {"Entity", "create"},
		s.Package + ".gen.app": {"build"}, s.Package + ".gen.settings": {"Settings"},
	}
	if s.System.RoleBased() {
		imports[s.Package+".gen.access"] = []string{"READ", "WRITE"}
	}
	s.importCallers(imports)
	return imports.block(s.Package)
}

// importCallers imports what a test makes clients of other callers of.
func (s *ServiceView) importCallers(imports pythonImports) {
	imports.add("collections.abc", "Callable")
	imports.add("contextlib", "AbstractAsyncContextManager")
	if s.System.TokenBased() {
		imports.add("kit.testing.issuer", "Issuer")
	}
	if s.System.KeyBased() {
		imports["pydantic"] = []string{"SecretStr"}
		imports["kit.auth.keys"] = []string{"HEADER", "Entry", "new"}
	}
}

// callersSignature begins the fixture that makes such clients.
func (s *ServiceView) callersSignature(head, tail string, more ...string) string {
	parameters := atoms("settings: Settings")
	if s.System.TokenBased() {
		parameters = append(parameters, atom("authority: Issuer"))
	}
	return signature(head, tail, append(parameters, atoms(more...)...))
}

// ClientForSignature begins the fixture that makes clients of several tenants.
func (s *ServiceView) ClientForSignature() string {
	return s.callersSignature("def client_for(", ") -> ClientFor:")
}

// TenantTables list the tables whose rows belong to a tenant.
func (s *ServiceView) TenantTables() string {
	var names []string
	for _, table := range s.Schema {
		if len(table.Policies) > 0 && table.Name != model.AuditName { // which the service cannot read at all
			names = append(names, pythonString(strings.Trim(table.Name, `"`)))
		}
	}
	slices.Sort(names)
	return expression{head: "[", tail: "]", items: atoms(names...)}.layout("", "TABLES = ", "")
}

// TenantToken makes the token of a caller who may do everything for a tenant, or for none.
func (s *ServiceView) TenantToken() string {
	var scopes []expression
	if s.System.RoleBased() {
		scopes = atoms("*READ", "*WRITE")
	}
	return call("authority.token", append(scopes, atom("tenant_id=tenant and str(tenant)"))...).layout("        ", "token = ", "")
}

// TenantKey makes the API key of such a caller.
func (s *ServiceView) TenantKey() string {
	return s.newKey("        ", "key, line = ", pythonString("other"), "READ | WRITE", "tenant")
}

// TestTenant is the customer for whom the callers of the tests act: a token says
// it in JSON, an API key knows it as it is.
func (s *ServiceView) TestTenant() string {
	if s.System.KeyBased() {
		return "uuid4()"
	}
	return "str(uuid4())"
}

// NewKey makes the API key of a client with these scopes, and its line.
func (s *ServiceView) NewKey(indent, names, client, scopes string) string {
	return s.newKey(indent, names+" = ", pythonString(client), scopes, "TENANT")
}

// ScopedKey returns the API key of a client whose scopes are those that it is given.
func (s *ServiceView) ScopedKey() string {
	return s.newKey("        ", "return ", pythonString("somebody"), "scopes", "TENANT")
}

func (s *ServiceView) newKey(indent, prefix, client, scopes, tenant string) string {
	entry := atoms(client)
	if s.System.RoleBased() {
		entry = append(entry, atom("scopes="+scopes))
	}
	if s.System.Security.Tenants() {
		entry = append(entry, atom("tenant="+tenant))
	}
	return call("new", call("Entry", entry...)).layout(indent, prefix, "")
}
