"""The table statuses: its rows and every statement on it."""

from dataclasses import dataclass
from uuid import UUID

from class_service.gen.status.schemas import StatusCreate, StatusPatch
from kit.crud import Listing, Repository, Sort, assignments
from kit.db import Executor
from kit.types import Json, Timestamp, Uuid

SELECT_ONE = """
    SELECT id, address, series, data, created_at, updated_at, version
    FROM statuses
    WHERE id = $1
"""
LOCK = """
    SELECT id, address, series, data, created_at, updated_at, version
    FROM statuses
    WHERE id = $1
    FOR UPDATE
"""
SELECT_PAGE = """
    SELECT id, address, series, data, created_at, updated_at, version
    FROM statuses
"""
INSERT = """
    INSERT INTO statuses (id, address, series, data)
    VALUES ($1, $2, $3, $4)
    RETURNING id, address, series, data, created_at, updated_at, version
"""
UPDATE = """
    UPDATE statuses
    SET
        address = CASE WHEN $3 THEN $4 ELSE address END,
        series = CASE WHEN $5 THEN $6 ELSE series END,
        data = CASE WHEN $7 THEN $8 ELSE data END,
        updated_at = now(),
        version = version + 1
    WHERE id = $1 AND ($2::integer[] IS NULL OR version = ANY($2))
    RETURNING id, address, series, data, created_at, updated_at, version
"""
DELETE = """
    DELETE FROM statuses
    WHERE id = $1 AND ($2::integer[] IS NULL OR version = ANY($2))
    RETURNING id
"""
LISTING = Listing(
    select=SELECT_PAGE,
    sorts={
        "created_at": Sort("created_at", "created_at", Timestamp),
    },
    filters={
        "series": "series = {}",
        "series_from": "series >= {}",
        "series_to": "series <= {}",
    },
)


@dataclass(frozen=True, slots=True)
class StatusRow:
    """A row, its attributes in the order of the columns."""

    id: Uuid
    address: str | None
    series: int | None
    data: Json | None
    created_at: Timestamp
    updated_at: Timestamp
    version: int


class StatusRepository(Repository[StatusRow, StatusCreate, StatusPatch]):
    """Reads and writes the rows."""

    def __init__(self) -> None:
        super().__init__(StatusRow, select=SELECT_ONE, lock=LOCK, delete=DELETE)

    async def insert(self, db: Executor, row_id: UUID, new: StatusCreate) -> StatusRow:
        """Store a new row."""
        (record,) = await db.fetch(INSERT, row_id, new.address, new.series, new.data)
        return StatusRow(*record)

    async def update(
        self,
        db: Executor,
        row_id: UUID,
        versions: list[int] | None,
        patch: StatusPatch,
    ) -> StatusRow | None:
        """Change the row if it has one of the versions; None stands for any."""
        changes = assignments(patch, "address", "series", "data")
        return self.found(await db.fetchrow(UPDATE, row_id, versions, *changes))
