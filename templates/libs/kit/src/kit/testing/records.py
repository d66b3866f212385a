"""Valid values and records for the tests of a service's API."""

import itertools
import re
import string
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from types import ModuleType
from typing import Any
from uuid import uuid4

import httpx2
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from kit.crud import Listing

Body = dict[str, Any]

# Far from the small numbers and short texts that other writers to the same table try.
_serials = itertools.count(123_456_789)
_find: Callable[[str, str], Awaitable[str]] | None = None
_fresh: defaultdict[str, list[str]] = defaultdict(list)
_matched: defaultdict[str, set[str]] = defaultdict(set)
_DIGITS = string.ascii_uppercase + string.digits + string.ascii_lowercase


@dataclass(frozen=True, slots=True)
class Entity:
    """One kind of record, as the tests of every API look at it."""

    name: str
    path: str
    new: Callable[[httpx2.AsyncClient], Awaitable[Body]]
    """Returns a valid body that differs from the ones before; creates what it refers to."""
    repository: ModuleType
    rules: type[object]
    read_model: ModuleType | None = None
    """Where lists are read; default, the repository."""
    table: str = ""
    """As SQL writes it."""
    read_table: str = ""
    """Of the read model, without the quotes of SQL."""
    capacity: int = 1_000_000
    """How many records the unique fields leave room for."""
    private: tuple[str, ...] = ()
    unique: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    sorts: tuple[str, ...] = ()
    filters: Mapping[str, str] = field(default_factory=dict)
    """The field behind each filter of the list."""
    references: Mapping[str, str] = field(default_factory=dict)
    """The path of what each reference in a body refers to."""
    remote: Mapping[str, str] = field(default_factory=dict)
    """What ?expand calls the record that a reference to another service refers to, if anything."""
    owned: bool = False
    """Whether a record belongs to the caller who created it."""
    lookups: int = 0
    """How many statements a write needs to see whose the records are that it refers to."""

    @property
    def listing(self) -> Listing:
        """How lists are read."""
        listing: Listing = (self.read_model or self.repository).LISTING
        return listing


@dataclass(frozen=True, slots=True)
class Effect:
    """What a consumer makes of an event, as its API shows it.

    Args:
        service: the consumer.
        path: of the records that change.
        same: for a new record, which of its members hold what of the record that the event is about.
        by: for a change, the member of that record with the id of the one that changes.
        values: what it then has.
    """

    service: str
    path: str
    same: Mapping[str, str] = field(default_factory=dict)
    by: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


async def create(client: httpx2.AsyncClient, entity: Entity) -> Body:
    """Create a record and return it."""
    return await created(client, entity.path, entity.new)


async def created(
    client: httpx2.AsyncClient, path: str, new: Callable[[httpx2.AsyncClient], Awaitable[Body]]
) -> Body:
    """Create a record at a path and return it."""
    answer = await client.post(path, json=await new(client))
    assert answer.status_code == 201, answer.text  # noqa: S101, PLR2004
    record: Body = answer.json()
    return record


async def created_id(
    client: httpx2.AsyncClient, path: str, new: Callable[[httpx2.AsyncClient], Awaitable[Body]]
) -> str:
    """Create a record at a path and return its id, for a reference."""
    identity: str = (await created(client, path, new))["id"]
    return identity


async def elsewhere(service: str, path: str) -> str:
    """Return the id of a record of another service: of none, unless `look_elsewhere` was called."""
    return str(uuid4()) if _find is None else await _find(service, path)


def look_elsewhere(find: Callable[[str, str], Awaitable[str]]) -> None:
    """Have ids of other services' records found, by the name of the service and their path."""
    global _find  # noqa: PLW0603 - one way for all records
    _find = find


def serial() -> int:
    """Return a number that no other call returns."""
    return next(_serials)


def serials_from(first: int) -> None:
    """Start the numbers elsewhere, for a database that keeps the records of earlier runs."""
    global _serials  # noqa: PLW0603 - one sequence for all records
    _serials = itertools.count(first)


def text(number: int, least: int, greatest: int) -> str:
    """Return a text for the number, of a length within the limits."""
    written = ""
    while number:
        number, digit = divmod(number, len(_DIGITS))
        written = _DIGITS[digit] + written
    return written.rjust(least, "A")[-greatest:]


def matching(pattern: str, least: int, greatest: int) -> str:
    """Return a new text that the pattern matches, of a length within the limits.

    Only the longer half of what is drawn is used: other writers to the same table try short ones.
    """
    fresh = _fresh[pattern]
    if not fresh:
        drawn = _draw(_texts(pattern, least, greatest))
        unused = sorted(drawn - _matched[pattern] or drawn, key=lambda text: (len(text), text))
        fresh += unused[len(unused) // 2 :]
    _matched[pattern].add(fresh[-1])
    return fresh.pop()


def _draw(strategy: st.SearchStrategy[str]) -> set[str]:
    """Draw a hundred values, others each time, whatever profile of Hypothesis is loaded."""
    drawn: set[str] = set()

    @seed(serial())
    @settings(
        database=None,
        deadline=None,
        max_examples=100,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def draw(value: str) -> None:
        drawn.add(value)

    draw()
    return drawn


@lru_cache
def _texts(pattern: str, least: int, greatest: int) -> st.SearchStrategy[str]:
    return st.from_regex(re.compile(pattern, re.ASCII), fullmatch=True).filter(
        lambda found: least <= len(found) <= greatest and found.isprintable()
    )


def whole(number: int, least: int, greatest: int) -> int:
    """Return a whole number within the limits."""
    return least + number % (greatest - least + 1)


def fixed(number: int, scale: int, least: str, greatest: str) -> str:
    """Return a decimal within the limits, as the API writes it."""
    step = Decimal(1).scaleb(-scale)
    low, high = (Decimal(limit).quantize(step) for limit in (least, greatest))
    return f"{low + step * (number % (int((high - low) / step) + 1)):f}"


def real(number: int, least: float, greatest: float) -> float:
    """Return a number within the limits."""
    return least + (greatest - least) * (number % 1024) / 1024


def day(number: int, least: str, greatest: str) -> str:
    """Return a date within the limits."""
    low, high = date.fromisoformat(least), date.fromisoformat(greatest)
    return (low + timedelta(days=number % ((high - low).days + 1))).isoformat()


def instant(number: int, least: str, greatest: str) -> str:
    """Return a time within the limits."""
    low, high = (datetime.fromisoformat(limit).astimezone(UTC) for limit in (least, greatest))
    seconds = int((high - low).total_seconds())
    at = low + timedelta(seconds=number % (seconds + 1))
    return at.isoformat().replace("+00:00", "Z")
