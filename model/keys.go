package model

import (
	"reflect"
	"strings"
)

// Key describes one answer: what it is called, what it means and what may be
// said. The reader, Set, JSONSchema and the wizard all go by these rows; the
// shape (order, types, what may be left out) is that of the Answers structs.
type Key struct {
	Path     string // services[].name: [] stands for any index
	Title    string // Name
	Help     string // one sentence
	Unit     string // of a number: requests/s, GiB, ms, …
	Required bool   // must stand in the file; any other key has a default
	Choices  []Choice
	Form     Form    // of a text or of each text in a list
	Min, Max float64 // of a number, inclusive; both 0: unbounded
	Above    bool    // the number must be greater than Min, not equal
	Limit    int     // greatest number of items of a list; 0: none
}

// Choice is one value that an answer may take.
type Choice struct {
	Value       string
	Label       string
	Detail      string
	Unavailable string // why it cannot be chosen yet; empty if it can
}

const (
	serviceLimit = 1000
	entityLimit  = 100
	fieldLimit   = 200
)

var keys = []Key{
	{Path: "version", Title: "Version", Help: "Version of this file's format; always 1.", Required: true, Min: 1, Max: 1},
	{Path: "name", Title: "Name", Help: "Name of the system: lower-case letters, digits and hyphens.", Required: true, Form: formDNS},
	{Path: "description", Title: "Description", Help: "What the system is for, in one line.", Form: formLine},
	{Path: "architecture", Title: "Architecture", Help: "Shape of the system that is generated.", Choices: []Choice{
		{Value: "microservices", Label: "Microservices", Detail: "one deployable and one database for each service"},
		{Value: "serverless", Label: "Serverless", Detail: "functions, scaled by the cloud"},
		{Value: "monolith", Label: "Monolith", Detail: "one deployable, a module for each service"},
	}},
	{Path: "scale", Title: "Scale", Help: "Named set of load figures, from which replicas, pools and timeouts follow.", Choices: []Choice{
		{Value: "small", Label: "Small", Detail: "about 2,000 users a day"},
		{Value: "medium", Label: "Medium", Detail: "about 40,000 users a day"},
		{Value: "large", Label: "Large", Detail: "about 700,000 users a day"},
	}},
	{Path: "load", Title: "Load", Help: "Figures that replace those of the scale."},
	{Path: "load.daily_users", Title: "Daily users", Help: "Distinct users a day.", Unit: "users/day", Max: 1e9, Above: true},
	{Path: "load.requests_per_user_day", Title: "Requests per user", Help: "Requests that one user makes a day.", Unit: "requests/day", Max: 1e6, Above: true},
	{Path: "load.peak_factor", Title: "Peak factor", Help: "Peak rate divided by the mean rate.", Min: 1, Max: 100},
	{Path: "load.peak_rps", Title: "Peak rate", Help: "Requests per second at the edge at the busiest time; replaces users and factor.", Unit: "requests/s", Max: 1e6, Above: true},
	{Path: "load.read_share", Title: "Read share", Help: "Share of the requests that only read.", Max: 1},
	{Path: "load.data_gib", Title: "Data", Help: "Data stored after one year.", Unit: "GiB", Max: 1e6, Above: true},
	{Path: "load.availability_slo", Title: "Availability", Help: "Share of requests that succeed.", Unit: "%", Min: 90, Max: 99.999},
	{Path: "load.latency_p99_ms", Title: "Latency", Help: "Time within which 99 % of the reads are answered, at the edge.", Unit: "ms", Min: 10, Max: 60_000},
	{Path: "load.zones", Title: "Zones", Help: "Availability zones that the pods spread over; one may fail.", Min: 2, Max: 6},
	{Path: "load.rto_minutes", Title: "Recovery time", Help: "Time to be back after a disaster.", Unit: "min", Max: 10_080},
	{Path: "load.rpo_minutes", Title: "Recovery point", Help: "Newest data that a disaster may lose.", Unit: "min", Max: 10_080},
	{Path: "load.trace_sample_percent", Title: "Trace sample", Help: "Share of the requests that are traced.", Unit: "%", Max: 100},
	{Path: "load.log_days", Title: "Log days", Help: "Days for which logs are kept.", Unit: "days", Min: 1, Max: 3650},
	{Path: "services", Title: "Services", Help: "The services, each with its own entities and database.", Required: true, Limit: serviceLimit},
	{Path: "services[].name", Title: "Name", Help: "Name of the service: lower-case letters, digits and hyphens.", Required: true, Form: formDNS},
	{Path: "services[].was", Title: "Former name", Help: "What the service was called before, so that a rename keeps files and data.", Form: formDNS},
	{Path: "services[].description", Title: "Description", Help: "What the service is for, in one line.", Form: formLine},
	{Path: "services[].entities", Title: "Entities", Help: "The kinds of record that the service keeps.", Required: true, Limit: entityLimit},
	{Path: "services[].entities[].name", Title: "Name", Help: "Name of the entity, singular: lower-case words joined by _.", Required: true, Form: formSnake},
	{Path: "services[].entities[].was", Title: "Former name", Help: "What the entity was called before, so that a rename keeps files and data.", Form: formSnake},
	{Path: "services[].entities[].description", Title: "Description", Help: "What one record stands for, in one line.", Form: formLine},
	{Path: "services[].entities[].owned", Title: "Owned", Help: "A record belongs to the caller who created it: nobody else sees or changes it without the scope that ends in :any. Costs one more index."},
	{Path: "services[].entities[].fields", Title: "Fields", Help: "The fields, each as `name: type modifiers`; id, created_at, updated_at and version come by themselves.", Required: true, Limit: fieldLimit},
	{Path: "services[].cache", Title: "Cache reads", Help: "Keep records that are read often in the cache."},
	{Path: "services[].share", Title: "Share", Help: "Share of the edge's requests that go to this service; what is left is split evenly among the others.", Max: 1},
	{Path: "services[].calls", Title: "Calls", Help: "Services that this one calls and waits for.", Form: formDNS, Limit: serviceLimit},
	{Path: "services[].publishes", Title: "Publishes", Help: "Events that this service publishes.", Form: formEvent, Limit: serviceLimit},
	{Path: "services[].consumes", Title: "Consumes", Help: "Events that this service reacts to.", Form: formEvent, Limit: serviceLimit},
	{Path: "services[].cqrs", Title: "Read model", Help: "Lists and a search by words on tables of their own, kept by events. Costs a second copy of the records, three events for each kind of record and a worker; lists follow a change within moments."},
	{Path: "datastores", Title: "Datastores", Help: "The kinds of store that the services use."},
	{Path: "datastores.database", Title: "Database", Help: "Where the entities are kept.", Choices: []Choice{
		{Value: "postgresql", Label: "PostgreSQL", Detail: "relational; one database for each service"},
		{Value: "dynamodb", Label: "DynamoDB", Detail: "key-value, for the serverless architecture"},
	}},
	{Path: "datastores.cache", Title: "Cache", Help: "Where records that are read often are kept.", Choices: []Choice{
		{Value: "redis", Label: "Redis", Detail: "shared by the pods of a service"},
		{Value: "none", Label: "None", Detail: "every read goes to the database"},
	}},
	{Path: "datastores.broker", Title: "Broker", Help: "What carries events between services.", Choices: []Choice{
		{Value: "nats", Label: "NATS", Detail: "JetStream: small and quick"},
		{Value: "rabbitmq", Label: "RabbitMQ", Detail: "queues and routing"},
		{Value: "kafka", Label: "Kafka", Detail: "partitioned logs, kept and replayed"},
		{Value: "sqs", Label: "SQS", Detail: "queues of AWS, for the serverless architecture"},
		{Value: "none", Label: "None", Detail: "services only call each other"},
	}},
	{Path: "security", Title: "Security", Help: "How callers are known, what they may do and where secrets live."},
	{Path: "security.authentication", Title: "Authentication", Help: "How callers prove who they are.", Choices: []Choice{
		{Value: "oidc", Label: "OpenID Connect", Detail: "tokens of an identity provider; a new one costs some 0.1 ms to verify, a known one nothing"},
		{Value: "api-key", Label: "API key", Detail: "a key for each client, stored as a hash and rotated by hand"},
		{Value: "none", Label: "None", Detail: "whoever reaches a service may call it"},
	}},
	{Path: "security.oidc", Title: "Identity provider", Help: "Whose tokens are believed, with oidc."},
	{Path: "security.oidc.issuer", Title: "Issuer", Help: "URL of the identity provider, exactly as its tokens write it in iss.", Form: formIssuer},
	{Path: "security.oidc.audience", Title: "Audience", Help: "What tokens for this system have in aud; the system's name where it is left out.", Form: formAudience},
	{Path: "security.authorization", Title: "Authorization", Help: "What callers may do.", Choices: []Choice{
		{Value: "rbac", Label: "Roles", Detail: "each operation takes a scope, as products:write; roles bundle them"},
		{Value: "none", Label: "None", Detail: "every caller may do everything"},
	}},
	{Path: "security.cors", Title: "Allowed origins", Help: "Origins whose web pages may call the API from a browser.", Form: formOrigin, Limit: 100},
	{Path: "security.rate_limit", Title: "Rate limit", Help: "Bounds on what one client may ask for."},
	{Path: "security.rate_limit.per_client_rps", Title: "Requests per client", Help: "Requests per second of one client to one service, counted in Redis for one round trip more a request; 0 for no limit.", Unit: "requests/s", Max: 1e6},
	{Path: "security.secrets", Title: "Secrets", Help: "Where passwords and keys come from.", Choices: []Choice{
		{Value: "files", Label: "Files", Detail: "files mounted into the service, one for each secret"},
		{Value: "kubernetes", Label: "Kubernetes", Detail: "secrets of the cluster"},
		{Value: "external-secrets", Label: "External Secrets", Detail: "copied from the cloud's vault"},
	}},
	{Path: "security.tenancy", Title: "Tenancy", Help: "How the records of several customers are kept apart.", Choices: []Choice{
		{Value: "none", Label: "None", Detail: "one customer"},
		{Value: "row-level", Label: "Row level", Detail: "a tenant on every record, checked by the database"},
	}},
	{Path: "security.audit", Title: "Audit log", Help: "Who created, changed or deleted which record, and what it was before: one more row with every write, in the same statement, which the service can add and never change."},
	{Path: "delivery", Title: "Delivery", Help: "How the system is built and reached."},
	{Path: "delivery.gateway", Title: "Gateway", Help: "What stands at the edge.", Choices: []Choice{
		{Value: "istio", Label: "Istio", Detail: "ingress and mesh"},
		{Value: "kong", Label: "Kong", Detail: "API gateway"},
		{Value: "none", Label: "None", Detail: "the services are reached directly"},
	}},
	{Path: "delivery.pipeline", Title: "Pipeline", Help: "What builds, tests and deploys.", Choices: []Choice{
		{Value: "github", Label: "GitHub Actions", Detail: "workflows in the repository"},
		{Value: "gitlab", Label: "GitLab CI", Detail: "a pipeline in the repository"},
		{Value: "none", Label: "None", Detail: "run make by hand"},
	}},
}

// Keys lists every answer in the order of the file.
func Keys() []Key {
	all := make([]Key, len(keys))
	for i, key := range keys {
		key.Choices = Choices(key.Path)
		all[i] = key
	}
	return all
}

// KeyAt describes the answer at a path; indices in it are ignored:
// services[2].name is services[].name.
func KeyAt(path string) (Key, bool) {
	key := keyAt(path)
	if key == nil {
		return Key{}, false
	}
	described := *key
	described.Choices = Choices(key.Path)
	return described, true
}

// Choices lists the values of an answer that has a fixed set of them, each with
// the reason why it cannot be chosen yet, if so. It is nil for any other answer.
func Choices(path string) []Choice {
	key := keyAt(path)
	if key == nil || key.Choices == nil {
		return nil
	}
	choices := append([]Choice(nil), key.Choices...)
	for i := range choices {
		choices[i].Unavailable = notYet[key.Path][choices[i].Value]
	}
	return choices
}

// Unavailable is the reason why an answer other than the empty one cannot be
// given yet (services[].publishes), or "". For an answer with choices see Choices.
func Unavailable(path string) string { return notYet[anyIndex(path)][anyValue] }

var keyIndex = func() map[string]*Key {
	index := make(map[string]*Key, len(keys))
	for i := range keys {
		index[keys[i].Path] = &keys[i]
	}
	return index
}()

func keyAt(path string) *Key { return keyIndex[anyIndex(path)] }

// anyIndex drops the indices of a path: services[2].name is services[].name.
func anyIndex(path string) string {
	if !strings.Contains(path, "[") {
		return path
	}
	var pattern strings.Builder
	for _, part := range strings.SplitAfter(path, "[") {
		if _, rest, found := strings.Cut(part, "]"); found {
			part = "]" + rest
		}
		pattern.WriteString(part)
	}
	return pattern.String()
}

func (k Key) values() []string {
	values := make([]string, len(k.Choices))
	for i, choice := range k.Choices {
		values[i] = choice.Value
	}
	return values
}

// member is one key of a struct, by its yaml tag.
type member struct {
	name      string
	omitEmpty bool
	index     int
}

// members lists the keys of a struct in order.
func members(t reflect.Type) []member {
	list := make([]member, t.NumField())
	for i := range list {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		list[i] = member{name: name, omitEmpty: options == "omitempty", index: i}
	}
	return list
}

func memberNames(t reflect.Type) []string {
	names := make([]string, 0, t.NumField())
	for _, m := range members(t) {
		names = append(names, m.name)
	}
	return names
}

// join appends a key to a path.
func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
