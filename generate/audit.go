package generate

import (
	"strings"

	"codex-design/model"
)

func init() { followers = append(followers, auditFollowers) }

// auditImages are, for each operation, the columns of the log that hold the record
// and where the statement has it.
var auditImages = map[string][]struct{ column, row string }{
	"create": {{"after", "changed"}},
	"update": {{"before", "before"}, {"after", "changed"}},
	"delete": {{"before", "changed"}},
}

// auditFollowers write who makes a change, and the record before and after it
// without its private fields.
func auditFollowers(e *EntityView, operation string) []follower {
	if !e.Service.System.Security.Audit {
		return nil
	}
	source := "FROM changed"
	if operation == "update" {
		source += ", before"
	}
	columns := []string{"subject", "request_id", "operation", "entity", "record_id"}
	values := []string{"{subject}", "{request_id}", sqlText(operation), sqlText(e.Name), "changed.id"}
	for _, image := range auditImages[operation] {
		columns = append(columns, image.column)
		values = append(values, e.auditImage(image.row))
	}
	return []follower{{
		name: "audited",
		lines: []string{
			"INSERT INTO " + model.AuditName + " (" + strings.Join(columns, ", ") + ")",
			wrapList("SELECT ", values, ""),
			source,
		},
		before: operation == "update",
		context: []contextValue{
			subject,
			{"request_id", "text", "kit.logs", "current_request_id"},
		},
	}}
}

// auditImage is a row as JSON. The star keeps a column of the same name from
// being taken for the row.
func (e *EntityView) auditImage(row string) string {
	image := "to_jsonb(" + row + ".*)"
	var private []string
	for _, field := range e.Fields {
		if field.Private {
			private = append(private, sqlText(field.Column))
		}
	}
	if len(private) == 0 {
		return image
	}
	return image + " - ARRAY[" + strings.Join(private, ", ") + "]"
}

// TestSubject is the caller of the service's tests.
func (s *ServiceView) TestSubject() string {
	if s.System.KeyBased() {
		return "tests"
	}
	return "test"
}

// Audited reports whether each change of a record leaves a row in the audit log.
func (s *SystemView) Audited() bool { return s.Security.Audit }
