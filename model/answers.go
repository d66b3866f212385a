// Package model holds what the user said (Answers), what follows from it
// (Blueprint) and the pure functions between the two. It does no I/O, reads no
// clock and imports no other package of this program.
package model

// Answers is the saved design: everything the user decided and nothing derived.
// It is read from and written to codex-design.yaml.
type Answers struct {
	Version      int          `yaml:"version"`
	Name         string       `yaml:"name"`
	Description  string       `yaml:"description,omitempty"`
	Architecture Architecture `yaml:"architecture"`
	Scale        Scale        `yaml:"scale"`
	Load         Load         `yaml:"load,omitempty"`
	Services     []Service    `yaml:"services"`
	Datastores   Datastores   `yaml:"datastores"`
	Security     Security     `yaml:"security"`
	Delivery     Delivery     `yaml:"delivery"`
}

// Architecture is the shape of the system that is generated.
type Architecture string

// The architectures of the first question.
const (
	Microservices Architecture = "microservices"
	Serverless    Architecture = "serverless"
	Monolith      Architecture = "monolith"
)

// Scale names a preset of the Load inputs.
type Scale string

// The named scales.
const (
	Small  Scale = "small"
	Medium Scale = "medium"
	Large  Scale = "large"
)

// Load overrides the inputs that the scale implies; a nil field keeps the preset.
type Load struct {
	DailyUsers         *float64 `yaml:"daily_users,omitempty"`           // distinct users a day
	RequestsPerUser    *float64 `yaml:"requests_per_user_day,omitempty"` // requests per user and day
	PeakFactor         *float64 `yaml:"peak_factor,omitempty"`           // peak rate / mean rate
	PeakRPS            *float64 `yaml:"peak_rps,omitempty"`              // requests/s at the edge; wins over users × factor
	ReadShare          *float64 `yaml:"read_share,omitempty"`            // 0..1
	DataGiB            *float64 `yaml:"data_gib,omitempty"`              // stored data after one year
	AvailabilitySLO    *float64 `yaml:"availability_slo,omitempty"`      // percent, e.g. 99.9
	LatencyP99Millis   *float64 `yaml:"latency_p99_ms,omitempty"`        // reads, at the edge
	Zones              *int     `yaml:"zones,omitempty"`
	RTOMinutes         *float64 `yaml:"rto_minutes,omitempty"`
	RPOMinutes         *float64 `yaml:"rpo_minutes,omitempty"`
	TraceSamplePercent *float64 `yaml:"trace_sample_percent,omitempty"`
	LogDays            *int     `yaml:"log_days,omitempty"`
}

// Service owns its entities, their database and the API over them.
type Service struct {
	Name        string   `yaml:"name"`
	Was         string   `yaml:"was,omitempty"` // the former name, so that a rename is no drop and add
	Description string   `yaml:"description,omitempty"`
	Entities    []Entity `yaml:"entities"`
	Cache       bool     `yaml:"cache,omitempty"`
	Share       *float64 `yaml:"share,omitempty"` // of the edge requests, 0..1; the rest is split evenly
	Calls       []string `yaml:"calls,omitempty"`
	Publishes   []string `yaml:"publishes,omitempty"`
	Consumes    []string `yaml:"consumes,omitempty"`
	CQRS        bool     `yaml:"cqrs,omitempty"`
}

// Entity is one kind of record. Every entity also has id, created_at,
// updated_at and version.
type Entity struct {
	Name        string  `yaml:"name"`
	Was         string  `yaml:"was,omitempty"`
	Description string  `yaml:"description,omitempty"`
	Owned       bool    `yaml:"owned,omitempty"` // a record belongs to who created it
	Fields      []Field `yaml:"fields"`
}

// Field is one line of the field grammar, `name: type modifier …`, parsed.
type Field struct {
	Name     string
	Type     Type
	Required bool
	Unique   bool
	Index    bool
	Private  bool
	Default  *string // as written, unquoted; its type is checked against Type
	Fill     *string // likewise: what records get that had no value when it became required
	Min      *string // as written: a number, date or length, by Type
	Max      *string
	Pattern  string
	Was      string
}

// Kind is the base of a field type, without its arguments.
type Kind string

// The kinds of the field grammar.
const (
	KindString    Kind = "string"
	KindText      Kind = "text"
	KindInt       Kind = "int"
	KindBigint    Kind = "bigint"
	KindDecimal   Kind = "decimal"
	KindFloat     Kind = "float"
	KindBool      Kind = "bool"
	KindDate      Kind = "date"
	KindTimestamp Kind = "timestamp"
	KindUUID      Kind = "uuid"
	KindJSON      Kind = "json"
	KindEnum      Kind = "enum"
	KindEmail     Kind = "email"
	KindURL       Kind = "url"
	KindRef       Kind = "ref"
)

// Type is a field type with its arguments.
type Type struct {
	Kind      Kind
	Length    int      // string(n)
	Precision int      // decimal(p,s)
	Scale     int      // decimal(p,s)
	Values    []string // enum(a, b)
	Service   string   // ref(service.entity); empty for the same service
	Entity    string   // ref(entity)
}

// Datastores chooses the kinds of store that the services use.
type Datastores struct {
	Database string `yaml:"database"` // postgresql | dynamodb
	Cache    string `yaml:"cache"`    // redis | none
	Broker   string `yaml:"broker"`   // nats | rabbitmq | kafka | sqs | none
}

// Security chooses how callers are known, what they may do and where secrets live.
type Security struct {
	Authentication string    `yaml:"authentication"` // oidc | api-key | none
	OIDC           OIDC      `yaml:"oidc,omitempty"`
	Authorization  string    `yaml:"authorization"`  // rbac | none
	CORS           []string  `yaml:"cors,omitempty"` // allowed origins
	RateLimit      RateLimit `yaml:"rate_limit,omitempty"`
	Secrets        string    `yaml:"secrets"` // files | kubernetes | external-secrets
	Tenancy        string    `yaml:"tenancy"` // none | row-level
	Audit          bool      `yaml:"audit,omitempty"`
}

// OIDC names whose tokens are believed; what is empty has a default.
type OIDC struct {
	Issuer   string `yaml:"issuer,omitempty"`   // URL, as in the claim iss: https://id.example.com
	Audience string `yaml:"audience,omitempty"` // as in the claim aud: the system's name
}

// RateLimit bounds what one client may ask for; zero means no limit.
type RateLimit struct {
	PerClientRPS float64 `yaml:"per_client_rps,omitempty"`
}

// Delivery chooses the gateway and the pipeline.
type Delivery struct {
	Gateway  string `yaml:"gateway"`  // istio | kong | none
	Pipeline string `yaml:"pipeline"` // github | gitlab | none
}
