package generate

// CredentialModule is where scripts and load tests get credentials from; empty
// where nobody asks for any.
func (s *SystemView) CredentialModule() string {
	switch {
	case s.TokenBased():
		return "kit.testing.issuer"
	case s.KeyBased():
		return "kit.testing.keys"
	}
	return ""
}

// SystemImports is the import block of scripts/system.py.
func (s *SystemView) SystemImports() string {
	imports := pythonImports{
		"argparse": {""}, "asyncio": {""}, "os": {""}, "signal": {""}, "sys": {""}, "time": {""}, "urllib.request": {""}, "asyncpg": {""},
		"asyncio.subprocess": {"PIPE", "STDOUT", "Process"}, "collections.abc": {"Coroutine"}, "dataclasses": {"dataclass"},
		"http": {"HTTPStatus"}, "pathlib": {"Path"}, "typing": {"Any"}, "urllib.parse": {"urlsplit", "urlunsplit"},
		"kit.testing.servers": {"taken"},
	}
	if s.Security.SplitsRoles() {
		imports.add("kit.testing.roles", "login")
	}
	if s.Broker != nil {
		imports.add("dataclasses", "replace")
		imports.add("json", "")
		imports.add("kit.testing.servers", "free_port")
	}
	s.addCaller(imports)
	return imports.block("")
}

// addCaller adds what a script imports to make itself known to the services.
func (s *SystemView) addCaller(imports pythonImports) {
	if s.Authenticated() {
		imports.add("collections.abc", "Iterator")
		imports.add("contextlib", "contextmanager")
	}
	if s.RoleBased() {
		imports.add("importlib", "import_module")
	}
	if s.TokenBased() {
		imports.add("kit.testing.issuer", "issuer")
	}
	if s.KeyBased() {
		imports.add("kit.auth.keys", "Entry")
		imports.add("kit.auth.keys", "new")
		if s.Security.Tenants() {
			imports.add("uuid", "UUID")
		}
	}
}

// everyScope is the script's call for the scopes of all operations.
func (s *SystemView) everyScope() string {
	if s.Hosted() {
		return "every_scope()"
	}
	return "every_scope(services)"
}

// LocalToken makes the token of the caller that scripts stand for.
func (s *SystemView) LocalToken() string {
	var arguments []expression
	if s.RoleBased() {
		arguments = append(arguments, atom("*"+s.everyScope()))
	}
	if s.Security.Tenants() {
		arguments = append(arguments, atom("tenant_id=TENANT"))
	}
	return call("authority.token", arguments...).layout("        ", "token = ", "")
}

// LocalKey makes their API key.
func (s *SystemView) LocalKey() string {
	arguments := atoms(`"local"`)
	if s.RoleBased() {
		arguments = append(arguments, atom("scopes="+s.everyScope()))
	}
	if s.Security.Tenants() {
		arguments = append(arguments, atom("tenant=UUID(TENANT)"))
	}
	return call("new", call("Entry", arguments...)).layout("    ", "key, line = ", "")
}
