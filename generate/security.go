package generate

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"codex-design/model"
)

// Authenticated says whether callers prove who they are.
func (s *SystemView) Authenticated() bool { return s.TokenBased() || s.KeyBased() }

// RoleBased says whether an operation takes a scope.
func (s *SystemView) RoleBased() bool { return s.Security.Authorization == "rbac" }

// RateLimited says whether the requests of a client are counted.
func (s *SystemView) RateLimited() bool { return s.Security.RateLimit.PerClientRPS > 0 }

// Guarded says whether something stands before every route.
func (s *SystemView) Guarded() bool { return s.Authenticated() || s.RateLimited() }

// TokenBased says whether callers bring tokens of an OpenID Connect issuer.
func (s *SystemView) TokenBased() bool { return s.Security.Authentication == "oidc" }

// KeyBased says whether callers bring API keys.
func (s *SystemView) KeyBased() bool { return s.Security.Authentication == "api-key" }

func authenticatedBy(method string) func(*SystemView) bool {
	return func(s *SystemView) bool { return s.Security.Authentication == method }
}

// TrustedHops is how many proxies in front of a service add to X-Forwarded-For.
func (s *SystemView) TrustedHops() int {
	if s.Gateway == nil {
		return 0
	}
	return 1
}

// OperationScope is one operation with the scope that it takes.
type OperationScope struct{ Operation, Scope string }

// Line is the operation's entry in a Python dictionary.
func (o OperationScope) Line() string {
	if o.Scope == "" {
		return pythonString(o.Operation) + ": None,"
	}
	return pythonString(o.Operation) + ": " + pythonString(o.Scope) + ","
}

// Scopes are the service's operations with their scopes; an empty scope lets in
// any caller that is known.
func (s *ServiceView) Scopes() []OperationScope {
	var scopes []OperationScope
	for i := range s.Entities {
		for _, route := range s.Entities[i].Routes {
			scopes = append(scopes, OperationScope{route.ID, route.Scope})
		}
	}
	return scopes
}

// scopesOf are the scopes with an ending, sorted, each once.
func (s *ServiceView) scopesOf(ending string) []string {
	var found []string
	for _, each := range s.Scopes() {
		if strings.HasSuffix(each.Scope, ending) {
			found = append(found, each.Scope)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// ReadScopes are what a reader needs, as a Python set.
func (s *ServiceView) ReadScopes() string { return scopeSet("READ", s.scopesOf(model.ReadScope)) }

// WriteScopes are what a writer needs besides, as a Python set.
func (s *ServiceView) WriteScopes() string { return scopeSet("WRITE", s.scopesOf(model.WriteScope)) }

func scopeSet(name string, scopes []string) string {
	if len(scopes) == 0 {
		return name + ": frozenset[str] = frozenset()"
	}
	quoted := make([]string, len(scopes))
	for i, scope := range scopes {
		quoted[i] = pythonString(scope)
	}
	set := call("frozenset", expression{head: "{", tail: "}", items: atoms(quoted...)})
	return set.layout("", name+" = ", "")
}

// authenticators say, for each way to prove who one is, what of the kit does it.
var authenticators = map[string]struct{ module, class, settings string }{
	"oidc":    {"kit.auth.tokens", "Tokens", "TokenSettings"},
	"api-key": {"kit.auth.keys", "ApiKeys", "KeySettings"},
}

// GuardCall is the argument of the application that stands before every route.
func (s *ServiceView) GuardCall() string {
	var arguments []expression
	if s.System.Authenticated() {
		class := authenticators[s.System.Security.Authentication].class
		arguments = append(arguments, call("authenticator="+class, atoms("settings", "ACCESS.roles")...), atom("access=ACCESS"))
	}
	if s.System.RateLimited() {
		arguments = append(arguments, atom("limiter=RateLimit(settings)"), atom("trusted_hops=settings.trusted_hops"))
	}
	if s.System.Security.Tenants() {
		arguments = append(arguments, atom("tenants=True"))
	}
	return call("Guard", arguments...).layout("        ", "guard=", ",")
}

func (s *ServiceView) importGuard(imports pythonImports) {
	if s.System.Guarded() {
		imports.add("kit.guard", "Guard")
	}
	if s.System.Authenticated() {
		by := authenticators[s.System.Security.Authentication]
		imports.add(by.module, by.class)
		imports.add(s.Package+".access", "ACCESS")
	}
	if s.System.RateLimited() {
		imports.add("kit.ratelimit", "RateLimit")
	}
}

// AccessModuleImports is the import block of access.py.
func (s *ServiceView) AccessModuleImports() string {
	imports := pythonImports{"kit.guard": {"Access"}, s.Package + ".gen.access": {"PUBLIC", "SCOPES"}}
	if s.System.RoleBased() {
		imports.add(s.Package+".gen.access", "READ")
		imports.add(s.Package+".gen.access", "WRITE")
	}
	if s.Owned() {
		imports.add(s.Package+".gen.access", "ANY")
	}
	return imports.block(s.Package)
}

// settingsModules say where the classes come from that settings derive from.
var settingsModules = map[string]string{
	"ServiceSettings": "kit.settings", "CallerSettings": "kit.client", "TokenSettings": "kit.auth.tokens", "KeySettings": "kit.auth.keys",
	"RateSettings": "kit.ratelimit",
}

// SettingsBases are the classes that the service's settings derive from.
func (s *ServiceView) SettingsBases() []string {
	var bases []string
	if s.Calling() {
		bases = append(bases, "CallerSettings")
	}
	if by, ok := authenticators[s.System.Security.Authentication]; ok {
		bases = append(bases, by.settings)
	}
	if s.System.RateLimited() {
		bases = append(bases, "RateSettings")
	}
	if len(bases) == 0 {
		return []string{"ServiceSettings"}
	}
	return bases
}

// accessSettings are the settings about who may call, and how often.
func (s *SystemView) accessSettings() []SettingLine {
	var lines []SettingLine
	if s.TokenBased() {
		lines = append(lines, text("oidc_issuer", s.Security.OIDC.Issuer), text("oidc_audience", s.Security.OIDC.Audience))
	}
	if limit := s.RateLimit; limit != nil {
		lines = append(lines,
			rate("rate_limit_rps", limit.PerClient), number("rate_limit_burst", limit.Burst),
			rate("rate_limit_write_rps", limit.PerWrite), number("rate_limit_write_burst", limit.WriteBurst),
			SettingLine{"trusted_hops", "int", atom(strconv.Itoa(s.TrustedHops())), "stated in the design: the proxies in front"})
	}
	return lines
}

func text(name, value string) SettingLine {
	return SettingLine{name, "str", atom(pythonString(value)), "stated in the design"}
}

func rate(name string, q model.Quantity) SettingLine {
	return SettingLine{name, "Rate", atom(formatFloat(q.Value)), reason(q)}
}

// securitySchemes are what the API document says of the credentials, as the kit's authenticators do.
func (s *SystemView) securitySchemes() yamlMap {
	if s.KeyBased() {
		return yamlMap{{"apiKey", yamlMap{{"type", "apiKey"}, {"in", "header"}, {"name", "X-API-Key"}}}}
	}
	return yamlMap{{"oidc", yamlMap{{"type", "http"}, {"scheme", "bearer"}, {"bearerFormat", "JWT"},
		{"description", "An access token of " + s.Security.OIDC.Issuer + " for " + s.Security.OIDC.Audience + "."}}}}
}

// knownCallers says that every operation takes credentials; which scope, it says itself.
func (s *SystemView) knownCallers() yamlList {
	if !s.Authenticated() {
		return yamlList{}
	}
	return yamlList{s.securityOf(model.Route{})}
}

// securityOf says which scope an operation takes.
func (s *SystemView) securityOf(route model.Route) yamlMap {
	scopes := yamlFlow{}
	if route.Scope != "" {
		scopes = append(scopes, route.Scope)
	}
	return yamlMap{{s.securitySchemes()[0].Key, scopes}}
}

// guardStatuses are those with which a request may be answered before any operation sees it.
func (s *SystemView) guardStatuses() []string {
	var statuses []string
	if s.Authenticated() {
		statuses = append(statuses, "401")
	}
	if s.RoleBased() || s.Security.Tenants() {
		statuses = append(statuses, "403")
	}
	if s.RateLimited() {
		statuses = append(statuses, "429")
	}
	return statuses
}

// IssuerPort is the port at which the issuer's keys are fetched.
func (s *SystemView) IssuerPort() string {
	issuer, err := url.Parse(s.Security.OIDC.Issuer)
	if err != nil || issuer.Port() == "" {
		return "443"
	}
	return issuer.Port()
}
