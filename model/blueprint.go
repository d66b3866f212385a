package model

// Blueprint is everything that follows from the answers: each name, port, edge,
// table, route and number. Templates and views read it and nothing else.
type Blueprint struct {
	System   System
	Load     ResolvedLoad
	Services []ServicePlan // in the order of the answers

	// Deployables are what is built, started and scaled as one: the services, or in a
	// monolith the one host of them all. What costs a pod, a pool or a connection is theirs.
	Deployables []ServicePlan

	Edges      []Edge    // the call graph
	Calls      *CallPlan // nil where no service calls another
	Database   DatabasePlan
	Cache      *CachePlan  // nil without a cache
	Broker     *BrokerPlan // nil where no event is published
	Timeouts   TimeoutPlan
	Telemetry  TelemetryPlan
	Cluster    ClusterPlan
	Functions  *FunctionsPlan // nil but in a serverless system
	RateLimit  *RateLimitPlan // nil without one
	Gateway    *GatewayPlan   // nil where the platform's own ingress is used
	Objectives ObjectivePlan
	Alerts     AlertPlan
	Cost       []CostLine
	Security   Security
	Delivery   Delivery
	Datastores Datastores
	Findings   []Finding
}

// System names the whole and its derived identifiers.
type System struct {
	Name         string // DNS-1123: shop
	Title        string // Shop
	Description  string
	Architecture Architecture
	Scale        Scale
}

// Quantity is a derived number with the reason for it. Inputs are listed in the
// order in which the formula names them. A formula knows + - * / >= (1 or 0),
// ceil(x), max(a, …), min(a, …), ceilto(x, step): the next multiple of step, and
// rung(x, a, b, …): the first of the rungs that carries x, else the last.
type Quantity struct {
	Value   float64
	Unit    string   // "", "ms", "s", "MiB", "GiB", "rps", "pods", "connections", "millicores", "USD/month", …
	Formula string   // in terms of the inputs' names
	Inputs  []Input  // name and value of each
	Rules   []string // ids of the design rules that it satisfies
	Source  string   // where the formula comes from
}

// Input is one named value that a formula used.
type Input struct {
	Name  string
	Value float64
}

// Int is the value as an integer; derived counts are whole by construction.
func (q Quantity) Int() int { return int(q.Value) }

// ResolvedLoad is the scale's preset with the overrides applied: the inputs of
// every formula. Given values carry the formula "given" and derived ones their own.
type ResolvedLoad struct {
	DailyUsers         Quantity
	RequestsPerUser    Quantity
	AverageRPS         Quantity
	PeakFactor         Quantity
	PeakRPS            Quantity
	ReadShare          Quantity
	DataGiB            Quantity
	AvailabilitySLO    Quantity // percent
	ErrorBudgetMinutes Quantity // per 30 days
	LatencyP99         Quantity // ms
	Zones              Quantity
	RTOMinutes         Quantity
	RPOMinutes         Quantity
	TraceSample        Quantity // percent
	LogDays            Quantity
	PodCPU             Quantity // millicores requested by a pod
}

// ServicePlan is one deployable service.
type ServicePlan struct {
	Name         string // DNS: catalog
	Title        string // Catalog
	Was          string // former DNS name
	Description  string
	Distribution string // Python distribution: shop-catalog
	Package      string // Python import package: catalog_service
	EnvPrefix    string // CATALOG, for settings of peers that call it
	Database     string // SQL database name: catalog
	Role         string // SQL role that the service runs as: catalog
	Owner        string // SQL role that owns the tables and runs the migrations; Role where one does both
	Port         int    // on which it listens inside its own container: 8000
	LocalPort    int    // on the developer's machine: 8001, 8002, …
	MetricsPort  int
	Cached       bool
	UsesRedis    bool // for its cache or to count requests
	Entities     []EntityPlan
	Calls        []string // services called, sorted
	CalledBy     []string
	Publishes    []EventPlan // in the order of the answers, then those of its read model
	Consumes     []ConsumedEvent
	ReadModel    bool        // it keeps tables for reading apart, by its own events
	Relay        *RelayPlan  // nil where it publishes nothing
	Worker       *WorkerPlan // nil where it consumes nothing and keeps no read model
	Sizing       Sizing
	Schema       []Table // in dependency order, as created by the first migration
}

// Sizing is every number of one service.
type Sizing struct {
	Share          Quantity // of the edge requests
	RPS            Quantity // at peak, its own and its callers'
	AverageRPS     Quantity
	CPUPerRequest  Quantity // ms
	MinReplicas    Quantity
	MaxReplicas    Quantity
	Surge          Quantity
	RPSPerPod      Quantity
	InFlight       Quantity // requests admitted at once, per pod
	Queued         Quantity // requests that wait to be admitted, per pod
	PoolSize       Quantity // connections per pod
	PoolMin        Quantity
	AcquireTimeout Quantity // ms
	DBHold         Quantity // ms for which a request holds a connection, on average
	CachePool      Quantity // Redis connections per pod; 0 without a cache
	Memory         Quantity // MiB, request = limit
	CPURequest     Quantity // millicores
	CPULimit       Quantity // millicores
	CacheTTL       Quantity // s
	LoadTestUsers  Quantity // locust users at peak
}

// EntityPlan is one entity with the names that each language needs.
type EntityPlan struct {
	Name        string // snake: order_line
	Title       string // Order line
	Was         string
	Description string
	Class       string // Python class: OrderLine
	Module      string // Python module, never a keyword or a builtin: order_line
	Plural      string // snake: order_lines
	PluralTitle string // Order lines
	Table       string // SQL, quoted if reserved: order_lines
	ReadTable   string // SQL, of the read model: order_lines_read; empty where lists read the table itself
	Path        string // /v1/order-lines
	AnyScope    string // lets its holder use everybody's records; empty where records have no owner
	Tag         string // OpenAPI tag: order-lines
	Fields      []FieldPlan
	Sorts       []SortPlan
	Filters     []FilterPlan
	Routes      []Route
	References  []Reference
}

// FieldPlan is one user field of an entity; id, created_at, updated_at and
// version are implied and not listed.
type FieldPlan struct {
	Field
	JSON       string // name in the API: customer_id for a ref, else the field's
	Attribute  string // Python attribute: class_ for a keyword, else JSON
	Column     string // SQL column, unquoted
	SQLName    string // SQL column as written in a statement: "order" if reserved
	SQLType    string // varchar(32) → text with a check; numeric(12,2); timestamptz; …
	Nullable   bool
	SQLDefault string // literal, empty for none
	Check      string // expression of the CHECK constraint, empty for none
}

// SortPlan is one order in which a list can be read; each has an index.
type SortPlan struct {
	Name    string // API value: created_at
	Column  string // SQL name
	Kind    Kind
	Default bool // the order without a sort parameter, descending
}

// FilterOperator says how a filter compares.
type FilterOperator string

// The comparisons of list filters.
const (
	FilterEqual FilterOperator = "eq"
	FilterFrom  FilterOperator = "from"  // >=
	FilterTo    FilterOperator = "to"    // <=
	FilterWords FilterOperator = "words" // full-text search
)

// FilterPlan is one query parameter of a list route.
type FilterPlan struct {
	Parameter string // status, placed_at_from
	Attribute string // Python identifier of the parameter
	Column    string // SQL name
	Operator  FilterOperator
	Field     FieldPlan
}

// Route is one operation of the API.
type Route struct {
	Operation string // list | create | read | update | delete
	Method    string // GET
	Path      string // /v1/products/{product_id}
	ID        string // operationId: read_product
	Scope     string // that it takes: products:read; empty without roles
	Share     Quantity
}

// Reference is a ref field resolved.
type Reference struct {
	Field      string // JSON name: order_id
	Service    string // the owner
	Entity     string
	Local      bool   // same service: a foreign key
	Table      string // of the target, when local
	Constraint string // fk name, when local
	Called     bool   // the owner is called, so that a write can look whether the record is there
	Expansion  string // what ?expand calls the record, and the member that holds it; empty where it cannot be embedded
}

// Table is one table of a service's schema as its migrations leave it.
type Table struct {
	Name        string // quoted if reserved
	Was         string // former name, as Name; empty for none
	Comment     string
	Columns     []Column
	Constraints []Constraint
	Deferred    []Constraint // foreign keys of a reference cycle: added by ALTER TABLE once every table stands
	Indexes     []Index
	Settings    string    `json:",omitempty"` // storage parameters
	Policies    []Policy  `json:",omitempty"` // where there are any, row-level security is enabled and forced
	Grants      []Grant   `json:",omitempty"` // to roles that do not own the table
	Routines    []Routine `json:",omitempty"` // run as the owner, for what a role may have done but not do
	Fill        string    `json:"-"`          // statement that fills the table when it is added to others that have rows
	Retired     bool      `json:",omitempty"` // only the release before needs it
	Bridges     []Bridge  `json:",omitempty"` // what lets the release before work on it
}

// Policy says which rows of a table a role sees and writes.
type Policy struct {
	Name  string
	Role  string // empty: every role, the owner too
	Using string // expression: what is seen, and what may be written
}

// Grant is what a role may do with a table.
type Grant struct {
	Role       string
	Privileges []string // SELECT, INSERT, …
}

// Routine is a function of the database beside a table.
type Routine struct {
	Name       string
	Arguments  string   // as they are declared: most integer
	Definition string   // what follows the parentheses in CREATE FUNCTION
	Roles      []string // that may run it
}

// Column is one column of a table.
type Column struct {
	Name    string // quoted if reserved
	Was     string // former name, as Name; empty for none
	Type    string
	NotNull bool
	Default string // expression, empty for none
	Fill    string `json:",omitempty"` // expression for rows that have no value; empty for none
	Retired bool   `json:",omitempty"` // only the release before needs it
}

// Constraint is a named table constraint.
type Constraint struct {
	Name       string
	Kind       string // primary key | unique | foreign key | check
	Definition string // what follows CONSTRAINT name: CHECK (price >= 0)
	Field      string // the API field that it guards, for the error that a client sees
}

// Index is one index.
type Index struct {
	Name    string
	Columns []string // each quoted if reserved
	Unique  bool
	Method  string `json:",omitempty"` // gin; empty: btree
	Where   string `json:",omitempty"` // expression that its rows meet; empty: all rows
}

// Edge is one service calling another synchronously.
type Edge struct {
	From, To     string
	PerRequest   Quantity // calls for each request of the caller
	RPS          Quantity
	InFlight     Quantity // calls at once, per pod of the caller
	BreakerCalls Quantity // results that the circuit breaker needs before it opens
}

// DatabasePlan sizes the PostgreSQL server that the services share at run time
// (one database each).
type DatabasePlan struct {
	ReadQPS          Quantity
	WriteQPS         Quantity
	VCPU             Quantity
	MemoryGiB        Quantity
	AuditGiB         Quantity // a year of the audit log; empty without one
	StorageGiB       Quantity
	Standbys         Quantity
	SumConnections   Quantity
	MaxConnections   Quantity
	SharedBuffersMiB Quantity
	PoolerRequired   bool
	PoolerReason     string
}

// CachePlan sizes Redis.
type CachePlan struct {
	MemoryMiB Quantity
	MaxMemory Quantity // MiB, of the server's limit
	HitRatio  Quantity
	Clients   Quantity // connections at full scale
}

// TimeoutPlan is the chain of deadlines, strictly decreasing inwards, in ms
// unless said.
type TimeoutPlan struct {
	PerTry           Quantity
	Retries          Quantity // of idempotent requests, at one layer
	Route            Quantity
	Gateway          Quantity
	Client           Quantity
	AppDeadline      Quantity
	Queue            Quantity // that a request waits for its turn inside a service
	Call             Quantity // of one service to another
	StatementTimeout Quantity
	LockTimeout      Quantity
	KeepAlive        Quantity // s
	DrainDelay       Quantity // s between the order to stop and the last new request
	PreStop          Quantity // s, the part of it in Kubernetes before the process hears of it
	PodDrain         Quantity // s, the part of it in Kubernetes that is left to the process
	GracePeriod      Quantity // s
}

// TelemetryPlan sizes logs, traces and metrics.
type TelemetryPlan struct {
	LogGiBPerDay   Quantity
	TraceGiBPerDay Quantity
	Series         Quantity
	ScrapeInterval Quantity // s
	ScrapeTimeout  Quantity // s
	MetricDays     Quantity // days for which samples are kept
	MetricGiB      Quantity // GiB, the volume of Prometheus
	MetricMiB      Quantity // MiB, what samples may take of it

	TraceQueue      Quantity // spans that the collector holds while the store of traces is away
	TraceBatch      Quantity // spans sent at once
	StoreOutage     Quantity // s for which the collector tries again
	CollectorMemory Quantity // MiB, of one collector
	CollectorLimit  Quantity // MiB above which it refuses spans
	CollectorSpike  Quantity // MiB that may come between two looks at the memory
}

// CostLine is one line of the monthly estimate.
type CostLine struct {
	Item                string
	Low, Expected, High Quantity // USD/month
}
