package generate

import (
	"slices"
	"strings"

	"codex-design/model"
)

// Authenticated says whether callers prove who they are.
func (s *SystemView) Authenticated() bool { return s.Security.Authentication != "none" }

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
	set := expression{head: "frozenset({", tail: "})", items: atoms(quoted...)}
	return set.layout("", name+" = ", "")
}
