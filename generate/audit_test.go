package generate

import (
	"strings"
	"testing"

	"codex-design/model"
)

func audited(t *testing.T) *EntityView {
	t.Helper()
	a := trade(t)
	a.Security.Authentication, a.Security.Audit = "api-key", true
	return &NewSystemView(model.Resolve(a)).Services[0].Entities[0]
}

func TestChangesAreAuditedBesideTheirEvents(t *testing.T) {
	order := audited(t)
	for statement, want := range map[string]string{
		order.InsertStatement(): `), audited AS (
    INSERT INTO audit_log (subject, request_id, operation, entity, record_id, after)
    SELECT
        $6::text, $7::text, 'create', 'order', changed.id,
        to_jsonb(changed.*) - ARRAY['margin']
    FROM changed
)`,
		order.UpdateStatement(): `), audited AS (
    INSERT INTO audit_log (subject, request_id, operation, entity, record_id, before, after)
    SELECT
        $11::text, $12::text, 'update', 'order', changed.id,
        to_jsonb(before.*) - ARRAY['margin'], to_jsonb(changed.*) - ARRAY['margin']
    FROM changed, before
)`,
		order.DeleteStatement(): `), audited AS (
    INSERT INTO audit_log (subject, request_id, operation, entity, record_id, before)
    SELECT
        $3::text, $4::text, 'delete', 'order', changed.id,
        to_jsonb(changed.*) - ARRAY['margin']
    FROM changed
)`,
	} {
		if !strings.Contains(statement, want) || strings.Count(statement, "INSERT INTO outbox") != 1 {
			t.Errorf("got\n%s\nwithout\n%s", statement, want)
		}
	}
}

func TestArgumentsFollowTheStatements(t *testing.T) {
	order := audited(t)
	want := `        found = await db.fetchval(
            DELETE,
            row_id,
            versions,
            current_subject(),
            current_request_id(),
            current_traceparent(),
        )
        return found is not None`
	if got := order.DeleteCall(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := order.InsertCall(); !strings.Contains(got, "current_subject(),\n            current_request_id(),\n            current_traceparent(),") {
		t.Errorf("got\n%s", got)
	}
}
