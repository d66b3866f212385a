"""Changes of a design, each made while the release before works on 100,000 rows."""

import asyncio
import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio

from changes import CHANGES, ROWS_SQL, SERVICE, Change, Design, Field, OldRelease, answers, base
from conftest import system_lines
from kit import migrate

LOCK_TIMEOUT_S = 3.0  # of the kit's runner
TEMPLATE = "changes_template"
UNTOUCHED = "id < '00000001-0000-0000-0000-000000000000' AND right(id::text, 2) <> '00'"  # by the release before
STRONG = """
SELECT pid, relation::regclass::text, mode FROM pg_locks
WHERE granted AND relation >= 16384 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
"""
TYPES = """
SELECT relname || '.' || attname, format_type(atttypid, atttypmod) FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
WHERE relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped
"""
STOPPED = ("CheckViolationError", "NotNullViolationError", "UniqueViolationError")  # what is told in a row's stops

TWEAK = [
    "rename product.title name",
    "rename product.released_on released_at",
    "retype product.released_on timestamp",
    "add product origin: string(40) required fill(unknown)",
    "set product.weight required",
    "set product.weight fill(0)",
    "drop product.note",
    "drop product.quantity",
    "call supplier vendor",
    "retype product.status enum(draft, active, retired, banned)",
]


@dataclass
class Tally:
    """What is reported in the end."""

    changes: int = 0
    operations: int = 0
    stall: float = 0.0  # of the release before, in seconds
    lock: float = 0.0  # that keeps writers out, in seconds
    began: float = field(default_factory=time.monotonic)


@dataclass(frozen=True)
class Before:
    """What all changes start from."""

    tree: Path
    server: str
    tally: Tally
    schema: list[str] = field(default_factory=list)  # as pg_dump writes it
    types: dict[str, str] = field(default_factory=dict)  # by table and column

    def url(self, database: str) -> str:
        """Return the URL of a database."""
        return urlsplit(self.server)._replace(path=f"/{database}").geturl()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def before(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Before]:
    """Generate the design before, and make a database of it to copy from."""
    tree = tmp_path_factory.mktemp("changes")
    given = Before(tree, os.environ["TEST_POSTGRES_URL"], Tally())
    generate(tree, base())
    await run_sql(given.server, f"DROP DATABASE IF EXISTS {TEMPLATE}", f"CREATE DATABASE {TEMPLATE}")
    await migrate.up(given.url(TEMPLATE), migrations_of(tree))
    await run_sql(given.url(TEMPLATE), ROWS_SQL, "VACUUM ANALYZE")
    given.schema.extend(dump(given.url(TEMPLATE)))
    given.types.update(await rows_of(given.url(TEMPLATE), TYPES))
    yield given
    await run_sql(given.server, f"DROP DATABASE {TEMPLATE}")
    tally = given.tally
    system_lines.append(
        f"{tally.changes} changes under {tally.operations} operations of the release before: its longest took "
        f"{tally.stall:.2f} s, the longest lock {tally.lock:.2f} s; {time.monotonic() - tally.began:.0f} s"
    )


@asynccontextmanager
async def database(before: Before) -> AsyncIterator[str]:
    """Copy the database with its rows for a while; gives the URL."""
    name = f"changes_{secrets.token_hex(4)}"
    await run_sql(before.server, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
    yield before.url(name)
    await run_sql(before.server, f"DROP DATABASE {name} WITH (FORCE)")


async def run_sql(url: str, *statements: str) -> None:
    """Run statements one by one."""
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def rows_of(url: str, query: str) -> list[Any]:
    """Return the rows of a query."""
    connection = await asyncpg.connect(url, server_settings={"timezone": "UTC"})
    try:
        return [tuple(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()


def dump(url: str) -> list[str]:
    """Return the schema, line by line: sorted, because a column that was made anew comes last."""
    done = subprocess.run(["pg_dump", "--schema-only", url], capture_output=True, text=True, check=True)
    lines = (line.strip().removesuffix(",") for line in done.stdout.splitlines())
    return sorted(line for line in lines if not line.startswith(("--", "\\")))


def migrations_of(tree: Path) -> Path:
    """Return where the migrations are."""
    return tree / f"services/{SERVICE}/migrations"


def versions(tree: Path) -> dict[str, bytes]:
    """Return the migrations that there are."""
    return {file.name: file.read_bytes() for file in sorted(migrations_of(tree).iterdir())}


def generate(tree: Path, design: Design, *flags: str) -> dict[str, Any]:
    """Generate a design over a tree and return the plan; no migration that is there may change."""
    known = versions(tree) if migrations_of(tree).exists() else {}
    (tree / "codex-design.yaml").write_text(answers(design), encoding="utf-8")
    command = [os.environ["CODEX_BINARY"], str(tree), "--yes", "--format", "json", *flags]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    plan: dict[str, Any] = json.loads(done.stdout)
    assert plan["committed"] is (done.returncode == 0), plan["blocked"]
    assert known.items() <= versions(tree).items()
    assert plan["committed"] or versions(tree) == known
    return plan


def change_tree(tree: Path, change: Change, *flags: str) -> tuple[str, str]:
    """Generate what the change makes of a tree; return what is lost for good, and what stops working."""
    plan = generate(tree, change.after(), "--accept-breaking", *flags)
    lost = ""
    if not plan["committed"]:
        (lost,) = plan["blocked"]
        assert lost.endswith("; say yes with --allow-data-loss")
        plan = generate(tree, change.after(), "--accept-breaking", "--allow-data-loss", *flags)
    assert plan["committed"], plan["blocked"]
    notes = [note for each in plan["changes"] if each["state"] == "create" for note in each.get("notes", [])]
    return lost, "\n".join(note for note in notes if "The release before: " in note)


Columns = dict[tuple[str, str], str]  # of an entity's field, by their names at first
Values = dict[str, Any]


@dataclass(frozen=True)
class Reader:
    """Reads what the fields before hold by now, as values of the types that they had.

    Only rows that the release before does not write to; of those with no value, what fills them in.
    """

    url: str
    types: dict[str, str]  # before
    change: Change

    async def read(self, design: Design, fields: set[tuple[str, str]]) -> Values:
        """Return the number and the hash of the rows of each entity, under the names of a design."""
        now = dict(await rows_of(self.url, TYPES))
        found = {}
        for entity in sorted({entity for entity, _ in fields}):
            table = design[entity].table
            texts = [
                self._text(
                    f"{base()[entity].table}.{base()[entity].fields[name].column}",
                    now,
                    table,
                    design[entity].fields[name],
                )
                for owner, name in sorted(fields)
                if owner == entity
            ]
            row = f"concat_ws('|', id, {', '.join(texts)})"
            hashed = f"SELECT count(*), bit_xor(hashtextextended({row}, 0)) FROM {table} WHERE {UNTOUCHED}"
            found[entity] = await rows_of(self.url, hashed)
        return found

    def _text(self, before: str, now: dict[str, str], table: str, each: Field) -> str:
        was, value = self.types[before], each.column
        if was == "date" and now[f"{table}.{value}"] != was:
            value = f"({value} AT TIME ZONE 'UTC')"
        name = before.partition(".")[2]
        return f"coalesce({value}::{was}::text, '{self.change.fills.get(name, 'none')}')"


def shared(design: Design) -> set[tuple[str, str]]:
    """Return the fields before that a design still has."""
    return {
        (entity, name)
        for entity, each in base().items()
        for name in each.fields
        if entity in design and name in design[entity].fields
    }


async def longest_lock(url: str, ended: asyncio.Event) -> float:
    """Watch until it ended; return for how many seconds one and the same lock kept writers out of a table."""
    connection = await asyncpg.connect(url)
    since: dict[Any, float] = {}
    longest = 0.0
    try:
        while not ended.is_set():
            now = time.monotonic()
            since = {tuple(lock): since.get(tuple(lock), now) for lock in await connection.fetch(STRONG)}
            longest = max([longest, *(now - began for began in since.values())])
            await asyncio.sleep(0.01)
    finally:
        await connection.close()
    return longest


async def migrate_under(old: OldRelease, url: str, tree: Path, tally: Tally) -> str:
    """Migrate while the release before works; return why that failed, if it did."""
    ended = asyncio.Event()
    refused = ""
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(longest_lock(url, ended))
        working = group.create_task(old.work())
        await old.goes_on()
        try:
            await migrate.up(url, migrations_of(tree))
        except migrate.MigrationError as error:
            refused = str(error)
        await old.goes_on()
        old.stop()
        await working
        ended.set()
    assert old.longest < LOCK_TIMEOUT_S
    assert watching.result() < LOCK_TIMEOUT_S
    tally.changes += 1
    tally.operations += old.operations
    tally.stall = max(tally.stall, old.longest)
    tally.lock = max(tally.lock, watching.result())
    return refused


@pytest.mark.parametrize("change", [each for each in CHANGES if not each.fails], ids=str)
async def test_nothing_is_lost_and_the_release_before_works_on(change: Change, before: Before, tmp_path: Path) -> None:
    tree = shutil.copytree(before.tree, tmp_path / "tree")
    lost, stopped = change_tree(tree, change)
    assert change.stops in stopped if change.stops else not stopped
    async with database(before) as url:
        reader = Reader(url, before.types, change)
        everything, after = shared(base()), change.after()
        old_values, new_values = await reader.read(base(), everything), await reader.read(base(), shared(after))

        old = OldRelease(before.tree, url, change.fills)
        assert await migrate_under(old, url, tree, before.tally) == ""
        assert change.unread or old.failures == []
        if change.unread != "name":
            assert await reader.read(base(), everything) == old_values
        assert await reader.read(after, shared(after)) == new_values

        await migrate.down(url, migrations_of(tree), "001")
        assert dump(url) == before.schema
        assert await reader.read(base(), everything) == old_values

        expanded = max(versions(tree))
        lost += change_tree(tree, change, "--contract")[0]
        assert change.loses in lost if change.loses else lost == ""
        await migrate.up(url, migrations_of(tree))
        contracted = dump(url)
        assert await reader.read(after, shared(after)) == new_values
        await migrate.down(url, migrations_of(tree), expanded.partition("_")[0])
        assert await reader.read(after, shared(after)) == new_values
        await migrate.up(url, migrations_of(tree))
        assert dump(url) == contracted
        assert await reader.read(after, shared(after)) == new_values


@pytest.mark.parametrize("change", [each for each in CHANGES if each.fails], ids=str)
async def test_what_the_rows_do_not_allow_is_told_and_harms_nobody(
    change: Change, before: Before, tmp_path: Path
) -> None:
    tree = shutil.copytree(before.tree, tmp_path / "tree")
    _, stopped = change_tree(tree, change)
    assert change.stops in stopped
    async with database(before) as url:
        reader = Reader(url, before.types, change)
        values = await reader.read(base(), shared(base()))
        old = OldRelease(before.tree, url, change.fills)
        assert change.fails in await migrate_under(old, url, tree, before.tally)
        assert all(failure.startswith(STOPPED) for failure in old.failures)
        assert await reader.read(base(), shared(base())) == values
        await run_sql(url, change.repair)
        await migrate.up(url, migrations_of(tree))
        await migrate.down(url, migrations_of(tree), "001")
        assert dump(url) == before.schema


async def test_a_backfill_that_was_cut_off_is_resumed(before: Before, tmp_path: Path) -> None:
    (change,) = (each for each in CHANGES if each.name == "another name and required")
    tree = shutil.copytree(before.tree, tmp_path / "tree")
    change_tree(tree, change)
    filled = "SELECT count(grams), count(*) FROM products"
    async with database(before) as url:
        values = await Reader(url, before.types, change).read(base(), shared(change.after()))
        migrating = asyncio.create_task(migrate.up(url, migrations_of(tree)))
        done = 0
        while not done:
            with suppress(asyncpg.UndefinedColumnError):
                ((done, rows),) = await rows_of(url, filled)
        await run_sql(
            before.server,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            f"WHERE datname = '{urlsplit(url).path[1:]}' AND query LIKE '%LOOP%' AND pid <> pg_backend_pid()",
        )
        with pytest.raises(migrate.MigrationError, match="terminating connection"):
            await migrating
        ((done, rows),) = await rows_of(url, filled)
        assert 0 < done < rows
        await migrate.up(url, migrations_of(tree))
        assert await rows_of(url, filled) == [(rows, rows)]
        assert await Reader(url, before.types, change).read(change.after(), shared(change.after())) == values


def test_the_release_before_passes_its_own_tests_on_the_new_schema(before: Before, tmp_path: Path) -> None:
    old, new = (shutil.copytree(before.tree, tmp_path / name) for name in ("old", "new"))
    tweak = Change("a tweak", TWEAK)
    _, stopped = change_tree(new, tweak)
    assert stopped == ""
    shutil.copytree(migrations_of(new), migrations_of(old), dirs_exist_ok=True)
    assert len(versions(old)) > 1
    sources = [str(tree / "src") for tree in (old / "libs/kit", old / f"services/{SERVICE}")]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "kit.testing.plugin",
            "-p",
            "no:cacheprovider",
            f"services/{SERVICE}/tests",
        ],
        cwd=old,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sources)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:]
    assert " skipped" not in done.stdout
