package model

// AuditName is the table that says who changed which record.
const AuditName = "audit_log"

// auditTable holds a row for each change of a record, written by the statement
// that makes the change.
func auditTable() Table {
	return Table{
		Name:    AuditName,
		Comment: "Who created, changed and deleted which record; the service adds rows and can neither read nor change them",
		Columns: []Column{
			{Name: "position", Type: "bigint GENERATED ALWAYS AS IDENTITY", NotNull: true},
			{Name: "happened_at", Type: "timestamptz", NotNull: true, Default: "now()"},
			{Name: "subject", Type: "text", NotNull: true},
			{Name: "request_id", Type: "text"},
			{Name: "operation", Type: "text", NotNull: true},
			{Name: "entity", Type: "text", NotNull: true},
			{Name: "record_id", Type: "uuid", NotNull: true},
			{Name: "before", Type: "jsonb"},
			{Name: "after", Type: "jsonb"},
		},
		Constraints: []Constraint{
			{Name: "audit_log_pkey", Kind: "primary key", Definition: "PRIMARY KEY (position)"},
			{Name: "audit_log_operation_check", Kind: "check", Definition: "CHECK (operation IN ('create', 'update', 'delete'))"},
		},
		Indexes: []Index{{Name: "audit_log_record_id_position_idx", Columns: []string{"record_id", "position"}}},
	}
}
