"""Records that belong to whoever created them.

A row keeps the subject of its creator. Others find no such record, and it is in no list of theirs,
unless a scope lets them use everybody's. A change asks for the owner in its own statement; a read
is compared after it was loaded, because callers share loads and the cache.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar
from uuid import UUID

import orjson
from pydantic import BaseModel

from kit import identity
from kit.cache import Snapshot
from kit.crud import (
    CreateT,
    CrudService,
    Listing,
    Pages,
    PatchT,
    Repository,
    Row,
    SortedQuery,
    ViewT,
)
from kit.db import Executor
from kit.problems import FieldError, not_found, unprocessable
from kit.resources import Resources

_COLUMN = "owner_id"


class OwnedRow(Row, Protocol):
    """A stored row with an owner."""

    @property
    def owner_id(self) -> str:
        """The subject of the caller who created it; empty for nobody."""


OwnedRowT = TypeVar("OwnedRowT", bound=OwnedRow)


class Ownership:
    """Whose records of one kind a caller may use.

    Args:
        scope: lets its holder use everybody's.
    """

    def __init__(self, scope: str) -> None:
        self._scope = scope

    def limit(self) -> str | None:
        """Return the owner whose records alone the caller may use, or None for everybody's."""
        who = identity.current()
        return None if who.internal or self._scope in who.scopes else who.subject

    def admits(self, owner: str) -> bool:
        """Tell whether the caller may use a record of this owner."""
        return self.limit() in (None, owner)


class OwnedPages(Pages[OwnedRowT]):
    """The rows of a list that the caller may see, a page at a time."""

    def __init__(self, row: Callable[..., OwnedRowT], listing: Listing, owners: Ownership) -> None:
        super().__init__(row, listing)
        self._owners = owners

    def filters(self, query: SortedQuery) -> dict[str, object]:
        """Return the filters of a query, and whose records it is about."""
        return super().filters(query) | {_COLUMN: self._owners.limit()}


class OwnedService(CrudService[OwnedRowT, CreateT, PatchT, ViewT]):
    """The operations on one kind of record that has owners.

    Args:
        owners: whose records a caller may use.
        options: see `CrudService`.
    """

    def __init__(self, resources: Resources, *, owners: Ownership, **options: Any) -> None:
        super().__init__(resources, **options)
        self._owners = owners

    async def read(self, record_id: UUID) -> Snapshot:
        """Return a record of the caller's as JSON with its version, from the cache if it is there.

        Raises:
            Problem: 404, there is no such record, or it is somebody else's.
        """
        found = await super().read(record_id)
        owner, _, body = found.body.partition(b"\n")
        if not self._owners.admits(orjson.loads(owner)):
            raise not_found(self._title, record_id)
        return Snapshot(found.version, body)

    def _snapshot(self, row: OwnedRowT) -> Snapshot:
        plain = super()._snapshot(row)
        return Snapshot(plain.version, orjson.dumps(row.owner_id) + b"\n" + plain.body)

    def _admits(self, row: OwnedRowT) -> bool:
        return self._owners.admits(row.owner_id)


@dataclass(frozen=True, slots=True)
class OwnedTarget:
    """What one member of a record refers to, in the same service.

    Args:
        member: of the body, with the id.
        repository: of the record that is meant.
        owners: whose records of that kind a caller may use.
        attribute: of the models, where it has another name than the member.
    """

    member: str
    repository: Repository[Any, Any, Any]
    owners: Ownership
    attribute: str = ""


class OwnedTargets:
    """What the records of one kind refer to that has owners.

    Args:
        targets: one for each member.
    """

    def __init__(self, *targets: OwnedTarget) -> None:
        self._targets = targets

    async def check(self, db: Executor, body: BaseModel) -> None:
        """Refuse a body that refers to somebody else's record, just as one that refers to none.

        Raises:
            Problem: 422, naming each such member.
        """
        wrong = [
            FieldError(
                location=["body", target.member],
                message="refers to a record that does not exist",
                type="reference",
            )
            for target in self._targets
            if await self._is_foreign(db, target, getattr(body, target.attribute or target.member))
        ]
        if wrong:
            raise unprocessable(wrong)

    async def _is_foreign(self, db: Executor, target: OwnedTarget, record_id: UUID | None) -> bool:
        if record_id is None or target.owners.limit() is None:
            return False
        row = await target.repository.read(db, record_id)
        return row is None or not target.owners.admits(row.owner_id)
