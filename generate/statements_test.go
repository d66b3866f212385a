package generate

import "testing"

// withFollower adds one follower to every operation while a test runs.
func withFollower(t *testing.T, f follower) {
	t.Helper()
	kept := followers
	t.Cleanup(func() { followers = kept })
	followers = append(followers[:len(followers):len(followers)], func(_ *EntityView, operation string) []follower {
		only := f
		only.before = f.before && operation == "update"
		return []follower{only}
	})
}

func TestStatementsWithFollowers(t *testing.T) {
	plain := pythonEntity(t, "note", "text: string(9) required")
	for got, want := range map[string]string{
		plain.InsertStatement(): "INSERT INTO notes (id, text)\nVALUES ($1, $2)\nRETURNING id, text, created_at, updated_at, version",
		plain.DeleteStatement(): "DELETE FROM notes\nWHERE id = $1 AND ($2::integer[] IS NULL OR version = ANY($2))\nRETURNING id",
		plain.DeleteCall():      "",
	} {
		if got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
	withFollower(t, follower{
		name: "noted", lines: []string{"INSERT INTO log (who, was)", "SELECT {who}, changed.text", "FROM changed"}, before: true,
		context: []contextValue{{"who", "text", "kit.identity", "subject"}},
	})
	for got, want := range map[string]string{
		plain.InsertStatement(): `WITH changed AS (
    INSERT INTO notes (id, text)
    VALUES ($1, $2)
    RETURNING id, text, created_at, updated_at, version
), noted AS (
    INSERT INTO log (who, was)
    SELECT $3::text, changed.text
    FROM changed
)
SELECT id, text, created_at, updated_at, version
FROM changed`,
		plain.UpdateStatement(): `WITH before AS (
    SELECT id, text, created_at, updated_at, version
    FROM notes
    WHERE id = $1
    FOR UPDATE
), changed AS (
    UPDATE notes
    SET
        text = CASE WHEN $3 THEN $4 ELSE text END,
        updated_at = now(),
        version = version + 1
    WHERE id = $1 AND EXISTS (SELECT FROM before) AND ($2::integer[] IS NULL OR version = ANY($2))
    RETURNING id, text, created_at, updated_at, version
), noted AS (
    INSERT INTO log (who, was)
    SELECT $5::text, changed.text
    FROM changed
)
SELECT id, text, created_at, updated_at, version
FROM changed`,
		plain.DeleteStatement(): `WITH changed AS (
    DELETE FROM notes
    WHERE id = $1 AND ($2::integer[] IS NULL OR version = ANY($2))
    RETURNING id, text, created_at, updated_at, version
), noted AS (
    INSERT INTO log (who, was)
    SELECT $3::text, changed.text
    FROM changed
)
SELECT id
FROM changed`,
		plain.InsertCall(): "        (record,) = await db.fetch(INSERT, row_id, new.text, subject())",
		plain.UpdateCall(): "        return self.found(await db.fetchrow(UPDATE, row_id, versions, *changes, subject()))",
		plain.DeleteCall(): "        return await db.fetchval(DELETE, row_id, versions, subject()) is not None",
	} {
		if got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}
