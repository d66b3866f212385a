"""The table notes: its rows and every statement on it."""

from dataclasses import dataclass
from uuid import UUID

from kit.crud import Listing, Repository, Sort, assignments
from kit.db import Executor
from kit.types import Timestamp, Uuid
from note_service.gen.note.schemas import NoteCreate, NotePatch

SELECT_ONE = """
    SELECT id, body, created_at, updated_at, version
    FROM notes
    WHERE id = $1
"""
LOCK = """
    SELECT id, body, created_at, updated_at, version
    FROM notes
    WHERE id = $1
    FOR UPDATE
"""
SELECT_PAGE = """
    SELECT id, body, created_at, updated_at, version
    FROM notes
"""
INSERT = """
    INSERT INTO notes (id, body)
    VALUES ($1, $2)
    RETURNING id, body, created_at, updated_at, version
"""
UPDATE = """
    UPDATE notes
    SET
        body = CASE WHEN $3 THEN $4 ELSE body END,
        updated_at = now(),
        version = version + 1
    WHERE id = $1 AND ($2::integer[] IS NULL OR version = ANY($2))
    RETURNING id, body, created_at, updated_at, version
"""
DELETE = """
    DELETE FROM notes
    WHERE id = $1 AND ($2::integer[] IS NULL OR version = ANY($2))
    RETURNING id
"""
LISTING = Listing(
    select=SELECT_PAGE,
    sorts={
        "created_at": Sort("created_at", "created_at", Timestamp),
    },
    filters={},
)


@dataclass(frozen=True, slots=True)
class NoteRow:
    """A row, its attributes in the order of the columns."""

    id: Uuid
    body: str | None
    created_at: Timestamp
    updated_at: Timestamp
    version: int


class NoteRepository(Repository[NoteRow, NoteCreate, NotePatch]):
    """Reads and writes the rows."""

    def __init__(self) -> None:
        super().__init__(NoteRow, select=SELECT_ONE, lock=LOCK, delete=DELETE)

    async def insert(self, db: Executor, row_id: UUID, new: NoteCreate) -> NoteRow:
        """Store a new row."""
        (record,) = await db.fetch(INSERT, row_id, new.body)
        return NoteRow(*record)

    async def update(
        self,
        db: Executor,
        row_id: UUID,
        versions: list[int] | None,
        patch: NotePatch,
    ) -> NoteRow | None:
        """Change the row if it has one of the versions; None stands for any."""
        changes = assignments(patch, "body")
        return self.found(await db.fetchrow(UPDATE, row_id, versions, *changes))
