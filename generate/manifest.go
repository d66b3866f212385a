package generate

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"codex-design/model"
)

// rule says what the files made by some templates are. The pattern is matched
// against the template's path without .tmpl; ** stands for any number of directories.
type rule struct {
	pattern string
	owner   Owner
	kind    string
	mode    fs.FileMode
	when    func(*ServiceView) bool                         // nil: always
	shapes  []model.Architecture                            // that it belongs to; nil: all
	asked   func(*SystemView) bool                          // nil: always
	prune   func(content []byte, system *SystemView) []byte // nil: a copied file is copied whole
}

// ownership lists every template that is not plainly generated; the first match wins.
var ownership = []rule{
	{pattern: "services/{service}/migrations/*.sql", owner: Appended},
	{pattern: "services/{service}/src/{package}/main.py", owner: Yours},
	{pattern: "services/{service}/src/{package}/access.py", owner: Yours},
	{pattern: "services/{service}/src/{package}/rules/**", owner: Yours},
	{pattern: "services/{service}/src/{package}/handlers/**", owner: Yours},
	{pattern: "deploy/terraform/envs/{environment}/backend.tf", owner: Yours},
	{pattern: "deploy/terraform/envs/{environment}/terraform.tfvars", owner: Yours},
	{pattern: "deploy/terraform/envs/{environment}/{serverless}terraform.tfvars", owner: Yours},
}

// conditions lists the templates that only some services need.
var conditions = []rule{
	{pattern: "services/{service}/src/{package}/gen/clients/**", when: (*ServiceView).Calling},
	{pattern: "services/{service}/tests/gen/test_calls.py", when: (*ServiceView).Refers},
	{pattern: "services/{service}/tests/gen/test_ownership.py", when: (*ServiceView).Owned},
	{pattern: "services/{service}/src/{package}/gen/events.py", when: hasEvents},
	{pattern: "services/{service}/src/{package}/gen/{entity}/read_model.py", when: keepsReadModel},
	{pattern: "services/{service}/tests/gen/test_read_model.py", when: keepsReadModel},
	{pattern: "services/{service}/tests/gen/test_events.py", when: (*ServiceView).TestsEvents},
	{pattern: "services/{service}/src/{package}/gen/messaging.py", when: hasEvents},
	{pattern: "services/{service}/src/{package}/handlers/**", when: func(s *ServiceView) bool { return len(s.Consumed) > 0 }},
	{pattern: "services/{service}/tests/gen/test_cache.py", when: func(s *ServiceView) bool { return s.Cached }},
	{pattern: "deploy/kubernetes/base/services/{deployable}/processes.yaml", when: hasEvents},
	{pattern: "deploy/kubernetes/base/services/{deployable}/topology.yaml", when: hasEvents},
	{pattern: "deploy/kubernetes/base/services/{deployable}/external-secret.yaml", when: func(s *ServiceView) bool { return s.System.ExternalSecrets() }},
}

// architectures lists the templates that belong to some shapes of a system only.
var architectures = []rule{
	{pattern: "services/{service}/src/{package}/gen/functions.py", shapes: functional},
	{pattern: "app/**", shapes: hosted},
	{pattern: "libs/kit/src/kit/host.py", shapes: hosted},
	{pattern: "libs/kit/src/kit/testing/monolith.py", shapes: hosted},
	{pattern: "scripts/{monolith}system.py", shapes: hosted},
	{pattern: "scripts/{monolith}databases.sh", shapes: hosted},
	{pattern: "scripts/databases.sh", shapes: separate},
	{pattern: "scripts/system.py", shapes: separate},
	{pattern: "services/{service}/Dockerfile", shapes: separate},
	{pattern: "architecture/decisions/0001-a-modular-monolith.md", shapes: hosted},
	{pattern: "architecture/decisions/0002-a-schema-for-each-module.md", shapes: hosted},
	{pattern: "architecture/decisions/0001-services-that-own-their-data.md", shapes: separate},
	{pattern: "architecture/decisions/0002-one-database-for-each-service.md", shapes: separate},
	{pattern: "deploy/kubernetes/**", shapes: clustered},
	{pattern: "deploy/gateway/**", shapes: clustered},
	{pattern: "deploy/terraform/envs/{environment}/backend.tf"},
	{pattern: "deploy/terraform/envs/{environment}/{serverless}*", shapes: functional},
	{pattern: "deploy/terraform/envs/{environment}/tests/{serverless}*", shapes: functional},
	{pattern: "deploy/terraform/envs/**", shapes: clustered},
	{pattern: "deploy/terraform/modules/system/**", shapes: clustered},
	{pattern: "deploy/terraform/modules/namespace/**", shapes: clustered},
	{pattern: "deploy/terraform/modules/service/**", shapes: clustered},
	{pattern: "deploy/terraform/modules/postgres/**", shapes: clustered},
	{pattern: "deploy/terraform/modules/network/**", shapes: functional},
	{pattern: "deploy/terraform/modules/function/**", shapes: functional},
	{pattern: "deploy/terraform/modules/api/**", shapes: functional},
	{pattern: "deploy/terraform/modules/aurora/**", shapes: functional},
	{pattern: "deploy/terraform/modules/events/**", shapes: functional},
	{pattern: "deploy/terraform/modules/serverless/**", shapes: functional},
}

// Shapes that run on a Kubernetes cluster, those that run as functions, the one with
// a process for all services, and those with one for each.
var (
	clustered  = []model.Architecture{model.Microservices, model.Monolith}
	functional = []model.Architecture{model.Serverless}
	hosted     = []model.Architecture{model.Monolith}
	separate   = []model.Architecture{model.Microservices, model.Serverless}
)

// belongs reports whether the system has the shape of the template.
func (r rule) belongs(s *SystemView) bool {
	return r.shapes == nil || slices.Contains(r.shapes, s.System.Architecture)
}

// systemConditions lists the templates that only some systems need.
var systemConditions = []rule{
	{pattern: "architecture/decisions/0017-events.md", asked: hasBroker},
	{pattern: "architecture/asyncapi.yaml", asked: hasBroker},
	{pattern: "libs/kit/src/kit/messaging/nats.py", asked: brokerIs("nats")},
	{pattern: "libs/kit/src/kit/messaging/rabbitmq.py", asked: brokerIs("rabbitmq")},
	{pattern: "libs/kit/src/kit/messaging/kafka.py", asked: brokerIs("kafka")},
	{pattern: "libs/kit/src/kit/messaging/eventbridge.py", asked: brokerIs("eventbridge")},
	{pattern: "libs/kit/src/kit/messaging/postgresql.py", asked: brokerIs("postgresql")},
	{pattern: "libs/kit/src/kit/messaging/migrations/**", asked: brokerIs("postgresql")},
	{pattern: "libs/kit/src/kit/messaging/host.py", asked: brokerIs("postgresql")},
	{pattern: "libs/kit/src/kit/messaging/functions.py", asked: brokerIs("eventbridge")},
	{pattern: "libs/kit/src/kit/messaging/**", asked: hasBroker},
	{pattern: "libs/kit/src/kit/aws.py", asked: onLambda},
	{pattern: "libs/kit/src/kit/functions.py", asked: onLambda},
	{pattern: "app/tests/test_events.py", asked: func(s *SystemView) bool { return s.CarriedEvent() != nil }},
	{pattern: "libs/kit/src/kit/command.py", asked: func(s *SystemView) bool { return hasBroker(s) || onLambda(s) || s.Hosted() }},
	{pattern: "libs/kit/src/kit/readmodel.py", asked: hasBroker},
	{pattern: "libs/kit/src/kit/testing/events.py", asked: hasBroker},
	{pattern: "libs/kit/src/kit/testing/readmodel.py", asked: (*SystemView).KeepsReadModels},
	{pattern: "architecture/decisions/0018-read-models.md", asked: (*SystemView).KeepsReadModels},
	{pattern: "tests/**", asked: (*SystemView).HasExchanges},
	{pattern: "libs/kit/src/kit/testing/brokers/nats.py", asked: brokerIs("nats")},
	{pattern: "libs/kit/src/kit/testing/brokers/rabbitmq.py", asked: brokerIs("rabbitmq")},
	{pattern: "libs/kit/src/kit/testing/brokers/kafka.py", asked: brokerIs("kafka")},
	{pattern: "libs/kit/src/kit/testing/brokers/eventbridge.py", asked: brokerIs("eventbridge")},
	{pattern: "libs/kit/src/kit/testing/brokers/postgresql.py", asked: brokerIs("postgresql")},
	{pattern: "libs/kit/src/kit/testing/brokers/**", asked: hasBroker},
	{pattern: "libs/kit/tests/migrations/002_create_outbox.sql", asked: hasBroker},
	{pattern: "libs/kit/tests/migrations/003_create_applied.sql", asked: hasBroker},
	{pattern: "libs/kit/tests/postbox/**", asked: hasBroker},
	{pattern: "libs/kit/tests/test_messaging.py", asked: hasBroker},
	{pattern: "libs/kit/tests/test_functions.py", asked: brokerIs("eventbridge")},
	{pattern: "libs/kit/src/kit/breaker.py", asked: (*SystemView).Calling},
	{pattern: "libs/kit/src/kit/client.py", asked: (*SystemView).Calling},
	{pattern: "libs/kit/src/kit/references.py", asked: (*SystemView).Calling},
	{pattern: "libs/kit/src/kit/testing/clients.py", asked: (*SystemView).Calling},
	{pattern: "libs/kit/tests/test_breaker.py", asked: (*SystemView).Calling},
	{pattern: "libs/kit/tests/test_client.py", asked: (*SystemView).Calling},
	{pattern: "libs/kit/tests/test_references.py", asked: (*SystemView).Calling},
	{pattern: "libs/kit/src/kit/guard.py", asked: (*SystemView).Guarded},
	{pattern: "libs/kit/src/kit/auth/__init__.py", asked: (*SystemView).Authenticated},
	{pattern: "libs/kit/src/kit/auth/jwks.py", asked: authenticatedBy("oidc")},
	{pattern: "libs/kit/src/kit/auth/tokens.py", asked: authenticatedBy("oidc")},
	{pattern: "libs/kit/src/kit/auth/keys.py", asked: authenticatedBy("api-key")},
	{pattern: "libs/kit/src/kit/testing/access.py", asked: (*SystemView).Authenticated},
	{pattern: "libs/kit/src/kit/testing/forgery.py", asked: authenticatedBy("oidc")},
	{pattern: "libs/kit/src/kit/testing/keys.py", asked: authenticatedBy("api-key")},
	{pattern: "libs/kit/src/kit/testing/issuer.py", asked: authenticatedBy("oidc")},
	{pattern: "libs/kit/src/kit/ratelimit.py", asked: (*SystemView).RateLimited},
	{pattern: "libs/kit/tests/test_tokens.py", asked: authenticatedBy("oidc")},
	{pattern: "libs/kit/tests/test_keys.py", asked: authenticatedBy("api-key")},
	{pattern: "libs/kit/tests/test_ratelimit.py", asked: (*SystemView).RateLimited},
	{pattern: "services/{service}/src/{package}/access.py", asked: (*SystemView).Authenticated},
	{pattern: "services/{service}/src/{package}/gen/access.py", asked: (*SystemView).Authenticated},
	{pattern: "services/{service}/tests/gen/test_access.py", asked: (*SystemView).Authenticated},
	{pattern: "services/{service}/tests/gen/test_tenancy.py", asked: tenants},
	{pattern: "services/{service}/tests/gen/test_rate_limit.py", asked: (*SystemView).RateLimited},
	{pattern: "deploy/terraform/modules/service/events*.tf", asked: (*SystemView).BrokerApart},
	{pattern: "deploy/terraform/modules/namespace/events*.tf", asked: (*SystemView).BrokerApart},
	{pattern: "deploy/terraform/modules/service/tests/events.tftest.hcl", asked: (*SystemView).BrokerApart},
	{pattern: "deploy/terraform/modules/rabbitmq/**", asked: brokerIs("rabbitmq")},
	{pattern: "deploy/terraform/modules/kafka/**", asked: brokerIs("kafka")},
	{pattern: "deploy/terraform/modules/redis/**", asked: func(s *SystemView) bool { return s.Cache != nil }},
	{pattern: "deploy/terraform/modules/secrets/**", asked: func(s *SystemView) bool { return s.ExternalSecrets() || onLambda(s) }},
	{pattern: "libs/kit/src/kit/tenancy.py", asked: tenants},
	{pattern: "libs/kit/src/kit/ownership.py", asked: (*SystemView).Owned},
	{pattern: "libs/kit/tests/test_ownership.py", asked: (*SystemView).Owned},
	{pattern: "architecture/decisions/0020-object-ownership.md", asked: (*SystemView).Owned},
	{pattern: "services/{service}/tests/gen/test_audit.py", asked: (*SystemView).Audited},
	{pattern: "architecture/decisions/0019-audit-log.md", asked: (*SystemView).Audited},
	{pattern: "libs/kit/tests/test_tenancy.py", asked: tenants},
	{pattern: "libs/kit/src/kit/testing/roles.py", asked: func(s *SystemView) bool { return splitRoles(s) || s.Hosted() }},
	{pattern: "deploy/gateway/istio/**", asked: through("istio")},
	{pattern: "deploy/gateway/kong/**", asked: through("kong")},
	{pattern: ".github/**", asked: pipelineIs("github")},
	{pattern: ".gitlab-ci.yml", asked: pipelineIs("gitlab")},
	{pattern: "renovate.json", asked: pipelineIs("gitlab")},
	{pattern: "docs/delivery.md", asked: hasPipeline},
	{pattern: "scripts/deploy.py", asked: hasPipeline},
	{pattern: "scripts/images.py", asked: hasPipeline},
	{pattern: "scripts/oidc_token.py", asked: pipelineIs("github")},
	{pattern: "deploy/observability/runbooks/OutboxLagging.md", asked: hasBroker},
	{pattern: "deploy/observability/runbooks/ProcessDown.md", asked: (*SystemView).BrokerApart},
	{pattern: "deploy/observability/runbooks/ConsumerDisconnected.md", asked: (*SystemView).Works},
	{pattern: "deploy/observability/runbooks/EventsLate.md", asked: (*SystemView).Works},
	{pattern: "deploy/observability/runbooks/DeadLetters.md", asked: (*SystemView).Works},
	{pattern: "deploy/observability/runbooks/CacheUnavailable.md", asked: func(s *SystemView) bool { return s.Cache != nil }},
	{pattern: "deploy/observability/runbooks/CallersRefused.md", asked: (*SystemView).Authenticated},
	{pattern: "deploy/observability/runbooks/ClientsLimited.md", asked: (*SystemView).RateLimited},
	{pattern: "deploy/observability/runbooks/DatabaseReplicationLag.md", asked: func(s *SystemView) bool { return s.Database.Standbys.Value > 0 }},
}

func tenants(s *SystemView) bool    { return s.Security.Tenants() }
func splitRoles(s *SystemView) bool { return s.Security.SplitsRoles() }

// pruned lists the copied files of which each system keeps its part.
var pruned = []rule{
	{pattern: "requirements/runtime.in", prune: pruneWishes(runtimeWish)},
	{pattern: "requirements/dev.in", prune: pruneWishes(developmentWish)},
	{pattern: "requirements/*.txt", prune: pruneLock},
}

// kinds says what a file is by its place and name; the first match wins.
var kinds = []rule{
	{pattern: "architecture/openapi/**", kind: "openapi"},
	{pattern: "architecture/asyncapi.yaml", kind: "asyncapi"},
	{pattern: "requirements/**", kind: "requirements"},
	{pattern: "compose*.yaml", kind: "compose"},
	{pattern: "deploy/kubernetes/**/kustomization.yaml", kind: "kustomization"},
	{pattern: "deploy/kubernetes/**/*.yaml", kind: "kubernetes"},
	{pattern: "**/*.tf", kind: "terraform"},
	{pattern: "**/*.tfvars", kind: "terraform"},
	{pattern: "**/*.tftest.hcl", kind: "terraform"},
	{pattern: "**/Dockerfile", kind: "dockerfile"},
	{pattern: "**/Makefile", kind: "makefile"},
	{pattern: "**/*.py", kind: "python"},
	{pattern: "**/*.pyi", kind: "python"},
	{pattern: "**/*.sql", kind: "sql"},
	{pattern: "**/*.yaml", kind: "yaml"},
	{pattern: "**/*.yml", kind: "yaml"},
	{pattern: "**/*.toml", kind: "toml"},
	{pattern: "**/*.md", kind: "markdown"},
	{pattern: "**/*.json", kind: "json"},
	{pattern: "**/*.sh", kind: "shell", mode: 0o755},
}

// junk lists what tools leave in a working copy: never part of a template tree.
var junk = map[string]bool{
	"__pycache__": true, ".venv": true, ".git": true, ".pytest_cache": true, ".mypy_cache": true,
	".ruff_cache": true, ".hypothesis": true, ".coverage": true, ".DS_Store": true, "templates.go": true,
}

func isJunk(name string) bool {
	return junk[name] || strings.HasSuffix(name, ".pyc") || strings.HasSuffix(name, ".egg-info")
}

// ruleFor folds the tables into what holds for one template.
func ruleFor(pattern string) rule {
	result := rule{owner: Generated, kind: "text", mode: 0o644}
	if r, ok := firstMatch(ownership, pattern); ok {
		result.owner = r.owner
	}
	if r, ok := firstMatch(kinds, pattern); ok {
		result.kind = r.kind
		if r.mode != 0 {
			result.mode = r.mode
		}
	}
	if r, ok := firstMatch(conditions, pattern); ok {
		result.when = r.when
	}
	if r, ok := firstMatch(architectures, pattern); ok {
		result.shapes = r.shapes
	}
	if r, ok := firstMatch(systemConditions, pattern); ok {
		result.asked = r.asked
	}
	if r, ok := firstMatch(pruned, pattern); ok {
		result.prune = r.prune
	}
	return result
}

func firstMatch(rules []rule, name string) (rule, bool) {
	for _, r := range rules {
		if matchSegments(strings.Split(r.pattern, "/"), strings.Split(name, "/")) {
			return r, true
		}
	}
	return rule{}, false
}

// matchSegments is path.Match name by name, with ** for any number of names.
func matchSegments(pattern, names []string) bool {
	if len(pattern) == 0 {
		return len(names) == 0
	}
	if pattern[0] == "**" {
		for i := range len(names) + 1 {
			if matchSegments(pattern[1:], names[i:]) {
				return true
			}
		}
		return false
	}
	if len(names) == 0 {
		return false
	}
	ok, _ := path.Match(pattern[0], names[0])
	return ok && matchSegments(pattern[1:], names[1:])
}
