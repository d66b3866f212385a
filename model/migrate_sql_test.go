package model

import "testing"

func TestSchemaGoesUpAndDownInOrder(t *testing.T) {
	key := Constraint{Name: "a_b_fkey", Kind: "foreign key", Definition: "FOREIGN KEY (b_id) REFERENCES b (id)"}
	tables := []Table{
		{Name: "a", Comment: "it's", Columns: []Column{{Name: "id", Type: "uuid", NotNull: true}}, Deferred: []Constraint{key},
			Indexes: []Index{{Name: "a_id_idx", Columns: []string{"id", `"group"`}, Unique: true}}},
		{Name: "b", Columns: []Column{{Name: "id", Type: "uuid", Default: "1"}},
			Constraints: []Constraint{{Name: "b_pkey", Definition: "PRIMARY KEY (id)"}}},
	}
	up := `CREATE TABLE a (
    id uuid NOT NULL
);
COMMENT ON TABLE a IS 'it''s';
CREATE UNIQUE INDEX a_id_idx ON a (id, "group");

CREATE TABLE b (
    id uuid DEFAULT 1,
    CONSTRAINT b_pkey PRIMARY KEY (id)
);

ALTER TABLE a ADD CONSTRAINT a_b_fkey FOREIGN KEY (b_id) REFERENCES b (id);`
	if got := CreateSchema(tables); got != up {
		t.Errorf("up:\n%s", got)
	}
	down := "ALTER TABLE a DROP CONSTRAINT a_b_fkey;\nDROP TABLE b;\nDROP TABLE a;"
	if got := DropSchema(tables); got != down {
		t.Errorf("down:\n%s", got)
	}
}
