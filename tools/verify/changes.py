"""The changes of testdata/changes/changes.yaml: designs before and after, and the release before at work."""

import asyncio
import importlib
import re
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any, Self
from uuid import UUID

import asyncpg
import yaml
from pydantic import SecretStr

from conftest import ROOT
from kit.crud import Pages
from kit.db import Database
from kit.ids import uuid7
from kit.metrics import Metrics

TABLE = yaml.safe_load((ROOT / "testdata/changes/changes.yaml").read_text(encoding="utf-8"))
SERVICE = "stock"
_WORD = re.compile(r"\w+(?:\([^)]*\))?")


@dataclass
class Field:
    """A line of an answers file."""

    name: str
    words: dict[str, str]  # by the word before the bracket; the type comes first

    @classmethod
    def read(cls, line: str) -> Self:
        """Read `name: type modifier …`."""
        name, _, spec = line.partition(": ")
        return cls(name, {word.partition("(")[0]: word for word in _WORD.findall(spec)})

    def retype(self, to: str) -> None:
        """Put another type in the place of the first word."""
        rest = list(self.words.items())[1:]
        self.words = {to.partition("(")[0]: to, **dict(rest)}

    @property
    def column(self) -> str:
        """The name of its column."""
        return f"{self.name}_id" if "ref" in self.words else self.name


@dataclass
class Entity:
    """An entity of an answers file; fields go by the names that they had at first."""

    name: str
    fields: dict[str, Field]
    was: str = ""

    @property
    def table(self) -> str:
        """The name of its table: no name in the designs has another plural."""
        return f"{self.name}s"


Design = dict[str, Entity]  # by the name at first


@dataclass(frozen=True)
class Change:
    """One row of the table; its keys are explained there."""

    name: str
    edits: list[str]
    loses: str = ""
    stops: str = ""
    unread: str = ""
    fills: dict[str, str] = field(default_factory=dict)
    fails: str = ""
    repair: str = ""

    def __str__(self) -> str:
        return self.name

    def after(self) -> Design:
        """Return the design once the edits are made."""
        design = base()
        for line in self.edits:
            edit(design, line)
        return design


CHANGES = [Change(**row) for row in TABLE["changes"]]


def base() -> Design:
    """Return the design that all changes start from."""
    return {
        name: Entity(name, {each.name: each for each in map(Field.read, lines)})
        for name, lines in TABLE["entities"].items()
    }


def edit(design: Design, line: str) -> None:
    """Make one edit of a design."""
    verb, where, rest = (*line.split(" ", 2), "")[:3]
    entity, _, name = where.partition(".")
    match verb:
        case "create":
            new = Field.read(rest)
            design[entity] = Entity(entity, {new.name: new})
        case "add":
            new = Field.read(rest)
            design[entity].fields[new.name] = new
        case "call":
            design[entity].was, design[entity].name = design[entity].name, rest
        case "remove":
            del design[entity]
            referring = [other for other, e in design.items() if any(refers(f, entity) for f in e.fields.values())]
            for other in referring:
                kept = {key: f for key, f in design[other].fields.items() if not refers(f, entity)}
                design[other].fields = kept
        case "drop":
            del design[entity].fields[name]
        case "rename":
            design[entity].fields[name].words["was"] = f"was({design[entity].fields[name].name})"
            design[entity].fields[name].name = rest
        case "retype":
            design[entity].fields[name].retype(rest)
        case "set":
            design[entity].fields[name].words[rest.partition("(")[0]] = rest
        case "unset":
            del design[entity].fields[name].words[rest]
        case _:
            raise ValueError(line)


def refers(each: Field, entity: str) -> bool:
    """Tell whether a field is a reference to an entity."""
    return each.words.get("ref") == f"ref({entity})"


def answers(design: Design) -> str:
    """Write a design as an answers file of one service, with nothing else that can be left out."""

    def spec(each: Field) -> str:
        words = dict(each.words)
        if "ref" in words:
            target = words["ref"][len("ref(") : -1]
            words["ref"] = f"ref({design[target].name})"
        return " ".join(words.values())

    entities = [
        {"name": each.name, **({"was": each.was} if each.was else {})}
        | {"fields": [{f.name: spec(f)} for f in each.fields.values()]}
        for each in design.values()
    ]
    system = {
        "version": 1,
        "name": "depot",
        "architecture": "microservices",
        "scale": "small",
        "services": [{"name": SERVICE, "entities": entities}],
        "datastores": {"database": "postgresql", "cache": "none", "broker": "none"},
        "security": {"authentication": "none", "authorization": "none", "secrets": "files", "tenancy": "none"},
        "delivery": {"gateway": "none", "pipeline": "none"},
    }
    return yaml.safe_dump(system, sort_keys=False, width=1000)


PATIENCE = {  # a test says what happens, not how fast a busy machine is
    "request_deadline_ms": 30_000,
    "db_statement_timeout_ms": 20_000,
    "db_lock_timeout_ms": 10_000,
    "db_acquire_timeout_ms": 10_000,
}
HOT = 256  # every such row is written to
ROWS = 100_000


def numbered(number: int) -> UUID:
    """Return the id of a row of those that are there from the beginning."""
    return UUID(int=number)


# What the database holds before the change.
ROWS_SQL = f"""
CREATE FUNCTION numbered(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT lpad(to_hex(n), 32, '0')::uuid $$;
INSERT INTO suppliers (id, name, code)
    SELECT numbered(n), 'Supplier ' || n, 's' || n FROM generate_series(1, 1000) AS n;
INSERT INTO warehouses (id, city) SELECT numbered(n), 'City ' || n FROM generate_series(1, 1000) AS n;
INSERT INTO products (id, sku, title, note, price, weight, quantity, released_on, status, grade, active, rating,
        barcode, contact, supplier_id, warehouse_id)
    SELECT numbered(n), 'SKU-' || n, 'Product ' || n, CASE WHEN n % 3 > 0 THEN 'About ' || n END, n / 100.0,
        CASE WHEN n % 4 > 0 THEN n % 5000 END, n % 50, date '2020-01-01' + n % 2000,
        (ARRAY['draft', 'active'])[1 + n % 2], (ARRAY['a', 'b', 'c'])[1 + n % 3], n % 2 = 0, n % 500 / 100.0,
        (1000000000 + n)::text, 'p' || n || '@example.com', numbered(1 + n % 100),
        CASE WHEN n % 5 > 0 THEN numbered(1 + n % 100) END
    FROM generate_series(1, {ROWS}) AS n;
INSERT INTO reviews (id, product_id, body, stars)
    SELECT numbered(n), numbered(n), 'Review ' || n, 1 + n % 5 FROM generate_series(1, {ROWS // 10}) AS n;
DROP FUNCTION numbered;
"""


def product(number: int) -> dict[str, Any]:
    """Return a new product; it keeps to what every change asks of rows to come."""
    return {
        "sku": f"NEW-{number}",
        "title": f"New {number}",
        "note": f"Note {number}",
        "price": Decimal(number),
        "weight": number,
        "quantity": number,
        "released_on": date(2026, 1, 1),
        "status": "draft",
        "grade": "b",
        "rating": 2.5,
        "barcode": str(2_000_000_000 + number),
        "contact": "new@example.com",
        "supplier_id": numbered(1 + number % 100),
    }


WRITTEN: dict[tuple[str, str], Callable[[Any], dict[str, Any]]] = {
    ("insert", "product"): product,
    ("update", "product"): lambda number: {
        "title": f"Other {number}",
        "price": Decimal(number) + Decimal("0.25"),
        "weight": None if number % 2 else number,
        "released_on": date(2026, 2, 1),
        "quantity": number + 1,
        "supplier_id": numbered(1 + number % 99),
    },
    ("insert", "review"): lambda reviewed: {"product_id": reviewed, "body": "New", "stars": 5},
    ("update", "supplier"): lambda number: {"name": f"Renamed {number}"},
}


class OldRelease:
    """The code of the release before, generated, at work on a database until it is stopped.

    It creates, changes, reads and lists, by the service's own repositories, and never stops for an
    error.
    """

    def __init__(self, tree: Path, url: str, fills: dict[str, str]) -> None:
        source = str(tree / f"services/{SERVICE}/src")
        if source not in sys.path:
            sys.path.insert(0, source)
        self._url = url
        self._fills = fills
        self._stopped = asyncio.Event()
        self._rows: dict[tuple[str, UUID], Any] = {}  # as they were answered last
        self.failures: list[str] = []
        self.operations = 0
        self.longest = 0.0  # seconds that one operation took

    def stop(self) -> None:
        """Let the operation that runs be the last."""
        self._stopped.set()

    async def goes_on(self) -> None:
        """Wait until some more has been done."""
        enough = self.operations + 30
        while self.operations < enough:
            await asyncio.sleep(0.01)

    async def work(self) -> None:
        """Work, and read everything again in the end."""
        settings = _module("settings").Settings(
            environment="test", metrics_port=0, database_url=SecretStr(self._url), **PATIENCE
        )
        self._db = await Database.open(settings, Metrics(settings.slo_latency_ms))
        try:
            for number in count():
                if self._stopped.is_set():
                    break
                await self._round(number)
            for kind, row_id in self._rows:
                await self._see_again(kind, row_id)
        finally:
            await self._db.close()

    async def _round(self, number: int) -> None:
        new = uuid7()
        await self._do("insert", "product", new, number)
        await self._do("update", "product", numbered((1 + number * 7 % (ROWS // HOT)) * HOT), number)
        await self._do("update", "product", new, number)
        await self._do("insert", "review", uuid7(), new)
        await self._do("update", "supplier", numbered((1 + number % 3) * HOT), number)
        await self._timed(lambda: self._page(number))
        await asyncio.sleep(0.01)

    async def _do(self, verb: str, kind: str, row_id: UUID, seed: Any) -> None:
        await self._timed(lambda: self._write(verb, kind, row_id, seed))

    async def _write(self, verb: str, kind: str, row_id: UUID, seed: Any) -> None:
        schemas = _module(f"{kind}.schemas")
        values = WRITTEN[verb, kind](seed)
        async with self._db.transaction() as tx:
            if verb == "insert":
                model = getattr(schemas, f"{kind.title()}Create")(**values)
                row = await _repository(kind).insert(tx, row_id, model)
            else:
                model = getattr(schemas, f"{kind.title()}Patch")(**values)
                row = await _repository(kind).update(tx, row_id, None, model)
        shown = getattr(schemas, kind.title()).model_validate(row)
        filled = {name for name in values if values[name] is None and name in self._fills}
        wrong = {name: getattr(row, name) for name in values.keys() - filled if getattr(row, name) != values[name]}
        if wrong:
            self.failures.append(f"{verb} {kind}: wrote {values}, read {wrong}")
        self._rows[kind, row_id] = shown

    async def _page(self, number: int) -> None:
        schemas = _module("product.schemas")
        query = schemas.ProductQuery(limit=20, status=("draft", "active")[number % 2])
        listed = _module("product.repository")
        for row in (await Pages(listed.ProductRow, listed.LISTING).page(self._db, query))[0]:
            schemas.Product.model_validate(row)

    async def _see_again(self, kind: str, row_id: UUID) -> None:
        async def read() -> None:
            row = await _repository(kind).read(self._db, row_id)
            found = getattr(_module(f"{kind}.schemas"), kind.title()).model_validate(row)
            written = self._rows[kind, row_id]
            for name in type(found).model_fields:
                filled = name in self._fills and getattr(written, name) is None
                if getattr(written, name) != getattr(found, name) and not filled:
                    self.failures.append(f"{kind}.{name} was {getattr(written, name)!r}, is {getattr(found, name)!r}")

        await self._timed(read)

    async def _timed(self, operation: Callable[[], Awaitable[None]]) -> None:
        began = time.monotonic()
        try:
            with suppress(asyncpg.InvalidCachedStatementError):
                await operation()
                return
            await operation()  # the service answers 503 to that, and its callers ask again
        except (asyncpg.PostgresError, asyncpg.InterfaceError, ValueError, TypeError) as error:
            self.failures.append(f"{type(error).__name__}: {error}")
        finally:
            self.operations += 1
            self.longest = max(self.longest, time.monotonic() - began)


def _module(name: str) -> Any:
    return importlib.import_module(f"{SERVICE}_service.gen.{name}")


def _repository(kind: str) -> Any:
    return getattr(_module(f"{kind}.repository"), f"{kind.title()}Repository")()
