package model

// Endings of the scopes that operations take.
const (
	ReadScope  = ":read"
	WriteScope = ":write"
	anyScope   = ":any"
)

// takeScopes gives each route of the entity its scope: products:read, products:write.
func (e *EntityPlan) takeScopes() {
	for i := range e.Routes {
		e.Routes[i].Scope = e.Tag + WriteScope
		if e.Routes[i].Method == "GET" {
			e.Routes[i].Scope = e.Tag + ReadScope
		}
	}
}

// withDefaults fills in whose tokens are believed.
func (s Security) withDefaults(system string) Security {
	if s.Authentication != "oidc" {
		s.OIDC = OIDC{}
		return s
	}
	if s.OIDC.Issuer == "" {
		s.OIDC.Issuer = "https://id." + systemDomain
	}
	if s.OIDC.Audience == "" {
		s.OIDC.Audience = system
	}
	return s
}
