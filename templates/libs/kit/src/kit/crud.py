"""Create, read, list, change and delete the rows of one table.

What repeats over entities is here once; an entity's own modules hold its fields,
its statements and its names.
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Never, Protocol, TypeVar
from uuid import UUID

from asyncpg import Record
from pydantic import BaseModel, ConfigDict, Field

from kit.app import Resources
from kit.cache import Snapshot
from kit.db import Executor
from kit.ids import uuid7
from kit.paging import decode, encode
from kit.problems import not_found, stale
from kit.schema import Patch, View, json_bytes

ETAG_HEADER = {"ETag": {"description": "The record's version.", "schema": {"type": "string"}}}
LOCATION_HEADER = {
    "Location": {"description": "The path of the new record.", "schema": {"type": "string"}}
}
CREATED: dict[int | str, dict[str, Any]] = {201: {"headers": LOCATION_HEADER | ETAG_HEADER}}
FOUND: dict[int | str, dict[str, Any]] = {200: {"headers": ETAG_HEADER}}
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    304: {"description": "The caller's copy is current.", "headers": ETAG_HEADER}
}


class Row(Protocol):
    """A stored row, as far as this module looks at it."""

    @property
    def id(self) -> UUID:
        """The primary key."""

    @property
    def version(self) -> int:
        """How often the row was written."""


class ListQuery(BaseModel):
    """The query parameters of every list; an entity adds `sort` and its filters."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    cursor: Annotated[str | None, Field(max_length=1024)] = None


class SortedQuery(Protocol):
    """A list query with its order: the name of a sort, after `-` for descending."""

    @property
    def sort(self) -> str:
        """The order."""

    @property
    def limit(self) -> int:
        """The greatest length of the page."""

    @property
    def cursor(self) -> str | None:
        """Where the page before ended."""


RowT = TypeVar("RowT", bound=Row)
CreateT = TypeVar("CreateT", bound=BaseModel)
PatchT = TypeVar("PatchT", bound=Patch)
ViewT = TypeVar("ViewT", bound=View)

Check = Callable[[Executor, BaseModel], Awaitable[None]]
"""Looks at a body before it is written, and raises a Problem if it minds."""


@dataclass(frozen=True, slots=True)
class Sort:
    """One order of a list: the SQL column, the row's attribute and the type of its values."""

    column: str
    attribute: str
    kind: Any


@dataclass(frozen=True, slots=True)
class Listing:
    """The list statements of a table, put together from constant pieces.

    Filters map the attribute of a query to a condition in which `{}` stands for the value; `only`
    is a condition that every row of the list meets.
    """

    select: str
    sorts: Mapping[str, Sort]
    filters: Mapping[str, str]
    only: str | None = None

    def statement(self, order: str, given: tuple[str, ...], *, after: bool) -> str:
        """Return the SQL for one order, the filters that are given, and a cursor or none."""
        column = self.sorts[order.removeprefix("-")].column
        direction, beyond = ("DESC", "<") if order.startswith("-") else ("ASC", ">")
        conditions = [] if self.only is None else [self.only]
        conditions += [self.filters[name].format(f"${i}") for i, name in enumerate(given, 1)]
        used = len(given)
        if after:
            conditions.append(f"({column}, id) {beyond} (${used + 1}, ${used + 2})")
            used += 2
        where = f"WHERE {' AND '.join(conditions)}\n" if conditions else ""
        return (
            f"{self.select}{where}ORDER BY {column} {direction}, id {direction}\nLIMIT ${used + 1}"
        )

    def statements(self) -> list[str]:
        """Return every order with no filter, with each one and with all of them."""
        selections = {(), *((name,) for name in self.filters), tuple(self.filters)}
        return [
            self.statement(sign + name, given, after=after)
            for name in self.sorts
            for sign in ("", "-")
            for given in sorted(selections)
            for after in (False, True)
        ]


class Pages(Generic[RowT]):
    """The rows of a list, a page at a time."""

    def __init__(self, row: Callable[..., RowT], listing: Listing) -> None:
        self._row = row
        self._listing = listing

    async def page(self, db: Executor, query: SortedQuery) -> tuple[list[RowT], str | None]:
        """Return the rows of a page and the cursor of the next one."""
        sort = self._listing.sorts[query.sort.removeprefix("-")]
        given = {name: value for name, value in self.filters(query).items() if value is not None}
        values = list(given.values())
        if query.cursor is not None:
            values += decode(query.cursor, query.sort, given, sort.kind)
        sql = self._listing.statement(query.sort, tuple(given), after=query.cursor is not None)
        records = await db.fetch(sql, *values, query.limit + 1)
        rows = [self._row(*record) for record in records[: query.limit]]
        if len(records) <= query.limit:
            return rows, None
        last = rows[-1]
        return rows, encode(query.sort, given, getattr(last, sort.attribute), last.id)

    def filters(self, query: SortedQuery) -> dict[str, object]:
        """Return what the query says of each filter; None for nothing."""
        return {name: getattr(query, name, None) for name in self._listing.filters}


class Repository(ABC, Generic[RowT, CreateT, PatchT]):
    """The rows of one table, by its statements. The entity's class binds the fields."""

    def __init__(self, row: Callable[..., RowT], *, select: str, lock: str, delete: str) -> None:
        self._row = row
        self._select = select
        self._lock = lock
        self._delete = delete

    @abstractmethod
    async def insert(self, db: Executor, row_id: UUID, new: CreateT) -> RowT:
        """Store a new row."""

    @abstractmethod
    async def update(
        self, db: Executor, row_id: UUID, versions: list[int] | None, patch: PatchT
    ) -> RowT | None:
        """Change the row if it has one of the versions; None stands for any."""

    async def read(self, db: Executor, row_id: UUID) -> RowT | None:
        """Return the row, or None."""
        return self.found(await db.fetchrow(self._select, row_id))

    async def lock(self, db: Executor, row_id: UUID) -> RowT | None:
        """Return the row and hold it until the transaction ends, or None."""
        return self.found(await db.fetchrow(self._lock, row_id))

    async def delete(self, db: Executor, row_id: UUID, versions: list[int] | None) -> bool:
        """Delete the row if it has one of the versions; None stands for any."""
        return await db.fetchval(self._delete, row_id, versions) is not None

    def found(self, record: Record | None) -> RowT | None:
        """Return the row of a record, or None for none."""
        return None if record is None else self._row(*record)


def assignments(patch: Patch, *attributes: str) -> list[object]:
    """Return two arguments for each attribute: whether it changes, and its new value."""
    changes = patch.changes()
    return [item for name in attributes for item in (name in changes, changes.get(name))]


class Hooks(Generic[RowT, CreateT, PatchT]):
    """What rules may do around a write; each method is a default that changes nothing.

    With a rule in place, a write is one transaction: `db` belongs to it, and a Problem that is
    raised undoes all of it. Without any, a write is a single statement.
    """

    async def before_create(self, db: Executor, new: CreateT) -> CreateT:  # noqa: ARG002
        """Return the record to store, perhaps changed."""
        return new

    async def after_create(self, db: Executor, row: RowT) -> None:
        """Follow up on a record that was stored."""

    async def before_update(self, db: Executor, row: RowT, patch: PatchT) -> PatchT:  # noqa: ARG002
        """Return the change to make, perhaps another; `row` is locked."""
        return patch

    async def after_update(self, db: Executor, before: RowT, after: RowT) -> None:
        """Follow up on a change that was made."""

    async def before_delete(self, db: Executor, row: RowT) -> None:
        """Object to a deletion by raising a Problem; `row` is locked."""

    async def after_delete(self, db: Executor, row: RowT) -> None:
        """Follow up on a deletion that was made."""


def overrides(rules: type[object]) -> bool:
    """Tell whether rules have a hook of their own."""
    hooks = [name for name in vars(Hooks) if name.startswith(("before_", "after_"))]
    return any(getattr(rules, name) is not getattr(Hooks, name) for name in hooks)


class CrudService(Generic[RowT, CreateT, PatchT, ViewT]):
    """The operations on one kind of record: rules, statements and cache."""

    def __init__(
        self,
        resources: Resources,
        *,
        title: str,
        view: type[ViewT],
        repository: Repository[RowT, CreateT, PatchT],
        pages: Pages[Any],
        rules: Hooks[RowT, CreateT, PatchT],
        check: Check | None = None,
    ) -> None:
        self.db = resources.db
        self._cache = resources.cache
        self._title = title
        self._view = view
        self._repository = repository
        self._pages = pages
        self._rules = rules
        self._ruled = overrides(type(rules))
        self._check = check

    async def create(self, db: Executor, new: CreateT) -> ViewT:
        """Store a new record."""
        if self._check:
            await self._check(db, new)
        if not self._ruled:
            return self._shown(await self._repository.insert(db, uuid7(), new))
        async with db.transaction() as tx:
            new = await self._rules.before_create(tx, new)
            row = await self._repository.insert(tx, uuid7(), new)
            await self._rules.after_create(tx, row)
        return self._shown(row)

    async def read(self, record_id: UUID) -> Snapshot:
        """Return a record as JSON with its version, from the cache if it is there.

        Raises:
            Problem: 404, there is no such record.
        """

        async def load() -> Snapshot | None:
            row = await self._repository.read(self.db, record_id)
            return None if row is None else self._snapshot(row)

        found = await self._cache.get_or_load(self._key(record_id), load)
        if found is None:
            raise not_found(self._title, record_id)
        return found

    async def page(self, query: SortedQuery) -> tuple[list[ViewT], str | None]:
        """Return the records of a page and the cursor of the next one."""
        rows, cursor = await self._pages.page(self.db, query)
        return [self._view.model_validate(row) for row in rows], cursor

    async def update(
        self,
        record_id: UUID,
        versions: list[int] | None,
        patch: PatchT,
        db: Executor | None = None,
    ) -> ViewT:
        """Change a record that has one of the versions; None stands for any.

        Args:
            record_id: of the record.
            versions: that it may have.
            patch: what changes.
            db: a transaction to take part in; default, one of its own.

        Raises:
            Problem: 404, there is no such record; 412, it has another version.
        """
        if self._check:
            await self._check(db or self.db, patch)
        if self._ruled:
            row = await self._update_by_rules(db or self.db, record_id, versions, patch)
        else:
            changed = await self._repository.update(db or self.db, record_id, versions, patch)
            row = changed or await self._missed(record_id)
        await self._cache.invalidate(self._key(record_id), row.version)
        return self._shown(row)

    async def delete(self, record_id: UUID, versions: list[int] | None) -> None:
        """Delete a record that has one of the versions; None stands for any.

        Raises:
            Problem: 404, there is no such record; 412, it has another version.
        """
        if self._ruled:
            await self._delete_by_rules(record_id, versions)
        elif not await self._repository.delete(self.db, record_id, versions):
            await self._missed(record_id)
        await self._cache.invalidate(self._key(record_id), None)

    async def _update_by_rules(
        self, db: Executor, record_id: UUID, versions: list[int] | None, patch: PatchT
    ) -> RowT:
        async with db.transaction() as tx:
            before = await self._locked(tx, record_id, versions)
            patch = await self._rules.before_update(tx, before, patch)
            after = await self._repository.update(tx, record_id, None, patch)
            if after is None:
                raise not_found(self._title, record_id)
            await self._rules.after_update(tx, before, after)
        return after

    async def _delete_by_rules(self, record_id: UUID, versions: list[int] | None) -> None:
        async with self.db.transaction() as tx:
            row = await self._locked(tx, record_id, versions)
            await self._rules.before_delete(tx, row)
            await self._repository.delete(tx, record_id, None)
            await self._rules.after_delete(tx, row)

    async def _locked(self, db: Executor, record_id: UUID, versions: list[int] | None) -> RowT:
        row = await self._repository.lock(db, record_id)
        if row is None or not self._admits(row):
            raise not_found(self._title, record_id)
        if versions is not None and row.version not in versions:
            raise stale()
        return row

    async def _missed(self, record_id: UUID) -> Never:
        row = await self._repository.read(self.db, record_id)
        if row is None or not self._admits(row):
            raise not_found(self._title, record_id)
        raise stale()

    def _admits(self, _row: RowT) -> bool:
        """Tell whether the caller may change the record; a subclass may mind."""
        return True

    def _snapshot(self, row: RowT) -> Snapshot:
        return Snapshot(row.version, json_bytes(self._shown(row)))

    def _shown(self, row: RowT) -> ViewT:
        return self._view.model_validate(row)

    def _key(self, record_id: UUID) -> str:
        return f"{self._view.__name__}:{record_id}"
