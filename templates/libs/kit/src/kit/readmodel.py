"""Read models: tables for lists and searches alone, kept by the events of their service.

A row holds what the newest event that came told, by the record's version: an older one that comes
late changes nothing, and a deletion leaves a tombstone for as long as older events may still come.
Lists read these tables and no other, so they follow a change within moments.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

import asyncpg

from kit.crud import Listing, Pages, Row
from kit.db import Database, DatabaseUnavailableError, Executor
from kit.logs import get_logger
from kit.messaging.events import Event, EventData

RowT = TypeVar("RowT", bound=Row)
DataT = TypeVar("DataT", bound=EventData)

_NONE_YET = UUID(int=0)
_BATCH = 500
_SWEEP_S = 60.0
_SWEEP_ROWS = 5000

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild found.

    Args:
        records: that there are.
        written: of them, those whose row was missing, old or wrong.
        removed: rows without a record.
    """

    records: int
    written: int
    removed: int


class ReadModel(Pages[RowT], ABC, Generic[RowT, DataT]):
    """One table for reading. The entity's class binds the fields.

    Args:
        name: of the table, for people.
        row: of a list.
        listing: how lists are read.
        refill: statement that writes a batch of records again, those after an id in its order.
        remove: statement that marks rows without a record as deleted, likewise.
        sweep: statement that deletes old tombstones.
    """

    def __init__(
        self,
        name: str,
        row: Callable[..., RowT],
        *,
        listing: Listing,
        refill: str,
        remove: str,
        sweep: str,
    ) -> None:
        super().__init__(row, listing)
        self.name = name
        self._refill = refill
        self._remove = remove
        self._sweep = sweep

    @abstractmethod
    async def put(self, db: Executor, data: DataT, deleted_at: datetime | None) -> None:
        """Write a record as an event tells it, unless the row is newer or a tombstone."""

    async def keep(self, event: Event[Any], tx: Executor) -> None:
        """Handle an event that tells what a record is like."""
        await self.put(tx, event.data, None)

    async def forget(self, event: Event[Any], tx: Executor) -> None:
        """Handle an event that tells that a record is gone."""
        await self.put(tx, event.data, event.time)

    async def rebuild(self, db: Executor, batch: int = _BATCH) -> Rebuilt:
        """Make the table what the records are, while events go on and lists are read.

        Each batch is one statement, so it sees records and rows of one moment. It writes what
        differs, never over a newer version and never over a tombstone: no row is missing meanwhile.
        """
        records, written = await self._walk(db, self._refill, batch)
        _, removed = await self._walk(db, self._remove, batch)
        return Rebuilt(records, written, removed)

    async def _walk(self, db: Executor, statement: str, batch: int) -> tuple[int, int]:
        seen = changed = 0
        after = _NONE_YET
        while (step := await db.fetchrow(statement, after, batch)) and step["last"] is not None:
            after = step["last"]
            seen += step["seen"]
            changed += step["changed"]
        return seen, changed

    async def sweep(self, db: Executor, older_s: int) -> None:
        """Delete tombstones for which no older event can come any more, at most so many."""
        await db.execute(self._sweep, older_s, _SWEEP_ROWS)


async def sweep_tombstones(
    models: Sequence[ReadModel[Any, Any]], db: Database, older_s: int
) -> None:
    """Delete old tombstones, now and then."""
    while True:
        await asyncio.sleep(_SWEEP_S)
        for model in models:
            try:
                await model.sweep(db, older_s)
            except (DatabaseUnavailableError, asyncpg.PostgresError) as error:
                _log.warning("read_model_sweep_failed", table=model.name, error=repr(error))
