package generate

import (
	"fmt"
	"strings"

	"codex-design/model"
)

func keepsReadModel(s *ServiceView) bool { return s.ReadModel }

// KeepsReadModels reports whether any service has one.
func (s *SystemView) KeepsReadModels() bool { return s.firstWith(keepsReadModel) != "" }

// ReadTableName is the read table without the quotes of SQL.
func (e *EntityView) ReadTableName() string { return strings.Trim(e.ReadTable, `"`) }

// ReadList joins the columns of the read model, each after a prefix.
func (e *EntityView) ReadList(start, prefix, end string, more ...string) string {
	var columns []string
	for _, column := range append(e.ReadColumns(), more...) {
		columns = append(columns, prefix+column)
	}
	return wrapList(start, columns, end)
}

// PutStatement writes a row as an event tells it: never over a newer one, never over a tombstone.
func (e *EntityView) PutStatement() string {
	types := []string{"uuid"}
	for _, field := range e.EventData() {
		types = append(types, field.SQLType)
	}
	types = append(types, "timestamptz", "timestamptz", "integer", "timestamptz")
	told := make([]string, len(types))
	for i, column := range append(e.ReadColumns(), e.TombstoneColumn()) {
		told[i] = fmt.Sprintf("$%d::%s AS %s", i+1, types[i], column)
	}
	return strings.Join([]string{
		e.ReadList("INSERT INTO "+e.ReadTable+" AS kept (", "", ")", e.TombstoneColumn(), e.SearchColumn()),
		e.ReadList("SELECT ", "", "", e.TombstoneColumn(), e.SearchExpression()),
		"FROM (",
		"    " + indent(4, wrapList("SELECT ", told, "")),
		") AS told",
		"ON CONFLICT (id) DO UPDATE SET",
		e.overwrite(e.TombstoneColumn(), e.SearchColumn()),
		fmt.Sprintf("WHERE kept.%[1]s IS NULL\n    AND (kept.version < excluded.version OR excluded.%[1]s IS NOT NULL)", e.TombstoneColumn()),
	}, "\n")
}

// overwrite assigns every column but the key what the new row has.
func (e *EntityView) overwrite(more ...string) string {
	var lines []string
	for _, column := range append(e.ReadColumns()[1:], more...) {
		lines = append(lines, "    "+column+" = excluded."+column)
	}
	return strings.Join(lines, ",\n")
}

// RefillStatement writes the rows of a batch of records that are missing, old or wrong.
func (e *EntityView) RefillStatement() string {
	batch := expressionOf("batch", e.ReadList("SELECT ", "", "", e.SearchExpression()+" AS "+e.SearchColumn()),
		"FROM "+e.Table, "WHERE id > $1 ORDER BY id LIMIT $2")
	written := expressionOf("written",
		e.ReadList("INSERT INTO "+e.ReadTable+" AS kept (", "", ")", e.SearchColumn()),
		e.ReadList("SELECT ", "", "", e.SearchColumn()),
		"FROM batch",
		"ON CONFLICT (id) DO UPDATE SET",
		e.overwrite(e.SearchColumn()),
		"WHERE kept."+e.TombstoneColumn()+" IS NULL AND kept.version <= excluded.version",
		e.ReadList("AND (", "kept.", ")", e.SearchColumn()),
		e.ReadList("IS DISTINCT FROM (", "excluded.", ")", e.SearchColumn()),
		"RETURNING 1")
	return walkStatement(batch, written, "written")
}

// RemoveStatement makes tombstones of a batch's rows whose records are gone.
func (e *EntityView) RemoveStatement() string {
	batch := expressionOf("batch", "SELECT id", "FROM "+e.ReadTable, "WHERE id > $1 AND "+e.TombstoneColumn()+" IS NULL", "ORDER BY id LIMIT $2")
	removed := expressionOf("removed", "UPDATE "+e.ReadTable+" SET "+e.TombstoneColumn()+" = now()",
		"WHERE id IN (SELECT id FROM batch) AND NOT EXISTS (", "    SELECT FROM "+e.Table+" AS record WHERE record.id = "+e.ReadTable+".id", ")", "RETURNING 1")
	return walkStatement(batch, removed, "removed")
}

func walkStatement(batch, change, changed string) string {
	return "WITH " + batch + ", " + change + "\nSELECT\n    (SELECT id FROM batch ORDER BY id DESC LIMIT 1) AS last,\n" +
		"    (SELECT count(*) FROM batch) AS seen,\n    (SELECT count(*) FROM " + changed + ") AS changed"
}

// SweepStatement deletes old tombstones.
func (e *EntityView) SweepStatement() string {
	return fmt.Sprintf("DELETE FROM %[1]s WHERE id IN (\n    SELECT id FROM %[1]s WHERE %[2]s < now() - $1 * interval '1 second'\n    ORDER BY %[2]s LIMIT $2\n)",
		e.ReadTable, e.TombstoneColumn())
}

// PutCall writes the data of an event.
func (e *EntityView) PutCall() string {
	arguments := atoms("PUT", "data.id")
	for _, field := range e.PublicFields() {
		arguments = append(arguments, atom("data."+field.Attribute))
	}
	arguments = append(arguments, atoms("data.created_at", "data.updated_at", "data.version", "deleted_at")...)
	return call("await db.execute", arguments...).layout("        ", "", "")
}

// ReadModelImports is the import block of gen/{entity}/read_model.py.
func (e *EntityView) ReadModelImports() string {
	imports := pythonImports{
		"dataclasses": {"dataclass"}, "datetime": {"datetime"}, "kit.crud": {"Listing", "Sort"}, "kit.db": {"Executor"},
		"kit.readmodel": {"ReadModel"}, e.Service.Package + ".gen.events": {e.Class + "Told"},
	}
	for _, field := range e.PublicFields() {
		imports.use(field.Stored())
		if field.Type.Kind == model.KindEnum {
			imports.add(e.module("schemas"), field.AliasName())
		}
	}
	for _, sort := range e.SortColumns() {
		imports.use(sort.Kind)
	}
	imports.use("Timestamp Uuid")
	return imports.block(e.Service.Package)
}

// ReadModelName is the constant of gen/messaging.py that keeps the entity's read table.
func (e *EntityView) ReadModelName() string { return strings.ToUpper(e.Name) + "_READ_MODEL" }

// readModelReader is what keeps the service's read model.
func (s *ServiceView) readModelReader() ReaderView {
	reader := ReaderView{Name: s.Name + "-read-model"}
	for _, event := range s.Published {
		for _, projected := range s.Projected() {
			if projected.Name == event.Name {
				event.kept = true
				reader.Events = append(reader.Events, event)
			}
		}
	}
	return reader
}

// keeping is the handler of an event that keeps the read model.
func (e *EventView) keeping() string {
	method := ".keep"
	if e.Trigger == model.TriggerDelete {
		method = ".forget"
	}
	return e.About.ReadModelName() + method
}

// ReadModelsArgument names the read models of the service.
func (s *ServiceView) ReadModelsArgument() string {
	var names []string
	for i := range s.Entities {
		names = append(names, s.Entities[i].ReadModelName())
	}
	return tuple("read_models", names)[0].layout("    ", "", ",")
}

// ReadModelTestImports is the import block of tests/gen/test_read_model.py.
func (s *ServiceView) ReadModelTestImports() string {
	imports := pythonImports{
		"asyncio": {""}, "asyncpg": {""}, "typing": {"Any"}, "uuid": {"UUID", "uuid4"}, "httpx2": {"AsyncClient"}, "pydantic": {"SecretStr"},
		"kit.db": {"Database"}, "kit.metrics": {"Metrics"}, "kit.testing": {"in_process"}, "kit.testing.plugin": {"AsOwner", "NewDatabase"},
		"kit.testing.readmodel": {"Projection"}, "kit.testing.records": {"Body", "Entity", "create"},
		s.Package + ".gen.app": {"build"}, s.Package + ".gen.messaging": {"MESSAGING"}, s.Package + ".gen.settings": {"Settings"},
	}
	return imports.block(s.Package)
}

// ClientSignature starts the tests' fixture of the client.
func (s *ServiceView) ClientSignature() string {
	arguments := atoms("settings: Settings")
	if s.System.Authenticated() {
		arguments = append(arguments, atom("credentials: dict[str, str]"))
	}
	if s.ReadModel {
		arguments = append(arguments, atom("projection: Projection"))
	}
	return call("async def client_in_process", arguments...).layout("", "", " -> AsyncIterator[AsyncClient]:")
}

// ListsTestSignature starts the test that takes the records away.
func (s *ServiceView) ListsTestSignature() string {
	arguments := atoms("entity: Entity", "settings: Settings", "new_database: NewDatabase", "as_owner: AsOwner")
	if s.System.Authenticated() {
		arguments = append(arguments, atom("credentials: dict[str, str]"))
	}
	return call("async def test_lists_read_no_table_that_is_written", arguments...).layout("", "", " -> None:")
}
