package generate

import (
	"slices"
	"strings"

	"codex-design/model"
)

// ModulePackages are the Python packages of the modules, as a list of strings in TOML.
func (s *SystemView) ModulePackages() string {
	list := expression{head: "[", tail: "]"}
	for i := range s.Services {
		list.items = append(list.items, atom(pythonString(s.Services[i].Package)))
	}
	return list.String()
}

// AppPackage is the Python package of a monolith's one process: shop_app.
func (s *SystemView) AppPackage() string { return model.Snake(s.System.Name) + "_app" }

// AppDistribution is its Python distribution: shop-app.
func (s *SystemView) AppDistribution() string { return s.System.Name + "-app" }

// AppPort is where it listens, inside its container as on a developer's machine.
func (s *SystemView) AppPort() int { return s.Services[0].Port }

// AppMetricsPort is where it serves the metrics of all modules.
func (s *SystemView) AppMetricsPort() int { return s.Services[0].MetricsPort }

// processSettings are those that hold for a process, whatever it serves.
var processSettings = []string{"keep_alive_s", "drain_delay_s", "shutdown_timeout_s", "trace_sample_ratio"}

func (s *SystemView) appSettings() []SettingLine {
	return slices.DeleteFunc(s.Services[0].Settings(), func(line SettingLine) bool { return !slices.Contains(processSettings, line.Name) })
}

// AppSettingLines declare the settings of the process.
func (s *SystemView) AppSettingLines() string { return settingLines(s.appSettings()) }

// AppSettingsImports is the import block of the process's settings.py.
func (s *SystemView) AppSettingsImports() string {
	imports := pythonImports{"kit.settings": {"Port", "ProcessSettings"}}
	for _, line := range s.appSettings() {
		imports.add("kit.settings", line.Type)
	}
	return imports.block("")
}

// AppImports is the import block of its main.py.
func (s *SystemView) AppImports() string {
	return pythonImports{
		"fastapi": {"FastAPI"}, "kit.host": {"create_host"}, s.AppPackage() + ".modules": {"MODULES"}, s.AppPackage() + ".settings": {"Settings"},
	}.block(s.AppPackage())
}

// AppMainImports is the import block of its __main__.py.
func (s *SystemView) AppMainImports() string {
	imports := pythonImports{
		"sys": {""}, "kit.command": {"main"}, "kit.host": {"migrations"}, "kit.server": {"run"},
		s.AppPackage() + ".main": {"create"}, s.AppPackage() + ".modules": {"MODULES"}, s.AppPackage() + ".settings": {"Settings"},
	}
	if s.Broker != nil {
		imports.add(s.AppPackage()+".modules", "EVENTS")
	}
	return imports.block(s.AppPackage())
}

// ModulesImports is the import block of its modules.py: the packages of the modules
// by their full names, since they name their parts alike.
func (s *SystemView) ModulesImports() string {
	var plain []string
	for i := range s.Services {
		service := &s.Services[i]
		plain = append(plain, "import "+service.Package+".main")
		if service.HasEvents() {
			plain = append(plain, "import "+service.Package+".gen.messaging", "import "+service.Package+".gen.settings")
		}
	}
	slices.Sort(plain)
	from := []string{"from kit.host import Module"}
	if s.Broker != nil {
		from = append(from, "from kit.messaging.host import Events")
	}
	return strings.Join(append(plain, from...), "\n")
}

// ModuleCall makes the service a module of the process.
func (s *ServiceView) ModuleCall() string {
	callee := CalleeView{ServiceView: s}
	items := atoms(pythonString(s.Name), "create="+s.Package+".main.create", "prefix="+pythonString(s.EnvPrefix+"_"),
		"address="+pythonString(callee.Setting()+"_url"), "role="+pythonString(s.Role), "owner="+pythonString(s.Owner))
	if s.HasEvents() {
		part := call("part=EVENTS.of", atoms(s.Package+".gen.messaging.MESSAGING", s.Package+".gen.settings.EventSettings")...)
		items = append(items, part)
	}
	return call("Module", items...).layout("    ", "", ",")
}

// MonolithScriptImports is the import block of its scripts/system.py.
func (s *SystemView) MonolithScriptImports() string {
	imports := pythonImports{
		"argparse": {""}, "asyncio": {""}, "json": {""}, "os": {""}, "signal": {""}, "sys": {""}, "time": {""}, "urllib.request": {""},
		"asyncio.subprocess": {"Process"}, "collections.abc": {"Coroutine"}, "http": {"HTTPStatus"}, "pathlib": {"Path"}, "typing": {"Any"},
		"kit.testing.monolith": {"forget", "prepared"}, "kit.testing.servers": {"free_port", "taken"}, s.AppPackage() + ".modules": {"MODULES"},
	}
	if s.Broker != nil {
		imports.add(s.AppPackage()+".modules", "EVENTS")
	}
	s.addCaller(imports)
	return imports.block(s.AppPackage())
}

// AppDatabase is the one database of a monolith.
func (s *SystemView) AppDatabase() string { return model.Snake(s.System.Name) }

// FirstLocalPort is where it listens on a developer's machine.
func (s *SystemView) FirstLocalPort() int { return s.Services[0].LocalPort }

// UsesRedis says whether any service has a use for Redis.
func (s *SystemView) UsesRedis() bool {
	return slices.ContainsFunc(s.Services, func(service ServiceView) bool { return service.UsesRedis })
}

// AppToken makes the token of a caller who may do everything.
func (s *SystemView) AppToken() string {
	var arguments []expression
	if s.RoleBased() {
		arguments = append(arguments, atom("*every_scope()"))
	}
	if s.Security.Tenants() {
		arguments = append(arguments, atom("tenant_id=TENANT"))
	}
	return call("authority.token", arguments...).layout("    ", "token = ", "")
}

// AppKey makes the key of such a caller.
func (s *SystemView) AppKey() string {
	arguments := atoms(`"tests"`)
	if s.RoleBased() {
		arguments = append(arguments, atom("scopes=every_scope()"))
	}
	return call("new", call("Entry", arguments...)).layout("    ", "key, line = ", "")
}

// AppEnvironmentSignature begins the fixture of the settings of the process under test.
func (s *SystemView) AppEnvironmentSignature() string {
	parameters := atoms("postgres_server: str", "schemas: list[Schema]")
	if s.UsesRedis() {
		parameters = append(parameters, atom("redis_url: str"))
	}
	if s.Authenticated() {
		parameters = append(parameters, atom("known: dict[str, str]"))
	}
	return signature("async def environment(", ") -> AsyncIterator[dict[str, str]]:", parameters)
}

// AppConftestImports is the import block of the fixtures.
func (s *SystemView) AppConftestImports() string {
	imports := pythonImports{
		"asyncio": {""}, "os": {""}, "sys": {""}, "collections.abc": {"AsyncIterator"}, "pathlib": {"Path"}, "uuid": {"uuid4"},
		"pytest": {""}, "pytest_asyncio": {""}, "kit.host": {"Schema"}, "kit.testing.monolith": {"forget", "prepared"},
		s.AppPackage() + ".modules": {"MODULES"},
	}
	if s.Broker != nil {
		imports.add(s.AppPackage()+".modules", "EVENTS")
	}
	if s.RoleBased() {
		imports.add("importlib", "import_module")
	}
	switch {
	case s.TokenBased():
		imports.add("collections.abc", "Iterator")
		imports["kit.testing.issuer"] = []string{"Issuer", "issuer"}
	case s.KeyBased():
		imports["kit.auth.keys"] = []string{"HEADER", "Entry", "new"}
	default:
	}
	return imports.block(s.AppPackage())
}

// AppTestImports is the import block of the tests of the modules.
func (s *SystemView) AppTestImports() string {
	return pythonImports{
		"asyncio": {""}, "subprocess": {""}, "sys": {""}, "pathlib": {"Path"}, "asyncpg": {""}, "httpx2": {""}, "pytest": {""},
		"prometheus_client.parser": {"text_string_to_metric_families"}, "kit.host": {"Schema"}, "kit.testing": {"live_service"},
		s.AppPackage() + ".modules": {"MODULES"},
	}.block(s.AppPackage())
}

// AppEventTestImports is the import block of the tests of the events.
func (s *SystemView) AppEventTestImports() string {
	return pythonImports{
		"asyncio": {""}, "json": {""}, "os": {""}, "signal": {""}, "collections.abc": {"Awaitable", "Callable"}, "pathlib": {"Path"}, "typing": {"Any"},
		"asyncpg": {""}, "httpx2": {""}, "prometheus_client.parser": {"text_string_to_metric_families"},
		"kit.testing": {"LiveService", "live_service"}, "kit.testing.events": {"Consumed", "Contract"},
	}.block("")
}

// CarriedEvent is an event whose example every consumer can apply by itself; nil where there is none.
func (s *SystemView) CarriedEvent() *EventView {
	for i := range s.Services {
		for j := range s.Services[i].Published {
			event := &s.Services[i].Published[j]
			to := s.consumersOf(event)
			needs := func(e *EventView) bool { return e.Reaction.Kind == model.ReactSet }
			if len(to) > 0 && !slices.ContainsFunc(to, needs) {
				return event
			}
		}
	}
	return nil
}

// CarriedTo are its consumers.
func (s *SystemView) CarriedTo() []*EventView { return s.consumersOf(s.CarriedEvent()) }

func (s *SystemView) consumersOf(event *EventView) []*EventView {
	var all []*EventView
	for i := range s.Services {
		for j := range s.Services[i].Consumed {
			if consumed := &s.Services[i].Consumed[j]; consumed.Name == event.Name {
				all = append(all, consumed)
			}
		}
	}
	return all
}
