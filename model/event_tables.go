package model

// eventTables are those of a service that publishes, of one that consumes, or of both.
func (s ServicePlan) eventTables() []Table {
	var tables []Table
	if s.Relays() {
		tables = append(tables, outboxTable())
	}
	if s.Works() {
		tables = append(tables, inboxTable())
	}
	return tables
}

// outboxTable holds the events of a service, as the shared library publishes
// them. An event is refused that no broker would take in one message: better no
// change than one that nobody is told of.
func outboxTable() Table {
	return Table{
		Name:    "outbox",
		Comment: "Events, each written by the statement that changes its record, for the relay to publish",
		Columns: []Column{
			{Name: "position", Type: "bigint GENERATED ALWAYS AS IDENTITY", NotNull: true},
			{Name: "id", Type: "uuid", NotNull: true, Default: "gen_random_uuid()"},
			{Name: "type", Type: "text", NotNull: true},
			{Name: "dataversion", Type: "smallint", NotNull: true},
			{Name: "subject", Type: "text", NotNull: true},
			{Name: "data", Type: "jsonb", NotNull: true},
			{Name: "traceparent", Type: "text"},
			{Name: "occurred_at", Type: "timestamptz", NotNull: true, Default: "now()"},
			{Name: "published_at", Type: "timestamptz"},
		},
		Constraints: []Constraint{
			{Name: "outbox_pkey", Kind: "primary key", Definition: "PRIMARY KEY (position)"},
			{Name: "outbox_data_check", Kind: "check", Definition: "CHECK (octet_length(data::text) <= 900000)"},
		},
		Indexes: []Index{
			{Name: "outbox_pending_idx", Columns: []string{"position"}, Where: "published_at IS NULL"},
			{Name: "outbox_published_at_idx", Columns: []string{"published_at"}, Where: "published_at IS NOT NULL"},
		},
		Settings: "autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000",
	}
}

// inboxTable holds which events a service has applied.
func inboxTable() Table {
	return Table{
		Name:    "inbox",
		Comment: "Events that were applied, so that each is applied once",
		Columns: []Column{
			{Name: "consumer", Type: "text", NotNull: true},
			{Name: "source", Type: "text", NotNull: true},
			{Name: "event_id", Type: "uuid", NotNull: true},
			{Name: "received_at", Type: "timestamptz", NotNull: true, Default: "now()"},
		},
		Constraints: []Constraint{{Name: "inbox_pkey", Kind: "primary key", Definition: "PRIMARY KEY (consumer, source, event_id)"}},
		Indexes:     []Index{{Name: "inbox_received_at_idx", Columns: []string{"received_at"}}},
	}
}
