"""Brings a database to the schema that the migrations describe.

    python -m kit.migrate up|down|status [--url URL] [--dir DIR] [--to VERSION]

The files are dbmate's: `001_create_products.sql` with a `-- migrate:up` and a `-- migrate:down`
section, applied versions in `schema_migrations`. Each section runs in a transaction of its own;
`-- migrate:up transaction:false` (for CREATE INDEX CONCURRENTLY) holds one statement and runs
without; an index that an attempt cut off left behind, not valid, is made anew. Whoever waits for
a table gives up soon, so that the service's own statements do not queue behind, and tries again.
An applied file that has changed since is refused: it would never run again.

Exit codes: 0 done, 1 failed or, for status, something is pending, 2 wrong usage.
"""

import argparse
import asyncio
import hashlib
import re
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import asyncpg

from kit.settings import secret

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

_NAME = re.compile(r"(\d+)_\w+\.sql")
_COMMENT = re.compile(r"^--.*$", re.MULTILINE)
_CONCURRENT = re.compile(r"^CREATE (?:UNIQUE )?INDEX CONCURRENTLY (\S+) ON", re.MULTILINE)
_SECTION = re.compile(r"^--\s*migrate:(up|down)([^\n]*)$", re.MULTILINE)
_LOCK_KEY = 0x6B69746D69677261  # of the advisory lock; locks are per database
_LOCK_WAIT_S = 60  # for another run of this program
_LOCK_POLL_S = 0.1
_TABLE_LOCK_WAIT = "3s"  # for a table; waiting longer would queue the service's own statements
_INDEX_LOCK_WAIT = "10min"  # for statements that began before; nobody queues behind that
_ATTEMPTS = 5
_LEDGER = """
CREATE TABLE IF NOT EXISTS schema_migrations (version varchar PRIMARY KEY);
CREATE TABLE IF NOT EXISTS schema_migration_checksums (
    version varchar PRIMARY KEY, checksum varchar NOT NULL
);
GRANT SELECT ON schema_migrations TO PUBLIC; -- for a service that runs as another role
"""
# A function that keeps the path of its session must not find what a caller made up for it.
_OWN_SCHEMA = (
    "SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', false)"
)
_IS_BROKEN = (
    "SELECT EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass($1) AND NOT indisvalid)"
)


class MigrationError(Exception):
    """The migrations cannot be applied; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Section:
    """What to run in one direction."""

    sql: str
    transaction: bool


@dataclass(frozen=True, slots=True)
class Migration:
    """One file."""

    version: str
    path: Path
    checksum: str
    up: Section
    down: Section | None


@dataclass(frozen=True, slots=True)
class Status:
    """Which files a database has."""

    applied: list[Migration]
    pending: list[Migration]


def read_migrations(directory: Path) -> list[Migration]:
    """Return the migrations of a directory in the order of their versions."""
    if not directory.is_dir():
        msg = f"there is no directory {directory}; name it with --dir"
        raise MigrationError(msg)
    found: dict[int, Migration] = {}
    for path in sorted(directory.glob("*.sql")):
        migration = _read(path)
        number = int(migration.version)
        if number in found:
            msg = f"{path} and {found[number].path} have the same version; renumber one of them"
            raise MigrationError(msg)
        found[number] = migration
    return [found[number] for number in sorted(found)]


async def up(url: str, directory: Path) -> list[Migration]:
    """Apply what is pending, and return it."""
    migrations = read_migrations(directory)
    async with _locked(url) as connection:
        state = await _status(connection, migrations)
        for migration in state.pending:
            await _run(connection, migration, migration.up, _Ledger.ADD)
    return state.pending


async def down(url: str, directory: Path, to: str | None = None) -> list[Migration]:
    """Undo the newest migration, or all that are newer than `to`; return what was undone."""
    migrations = read_migrations(directory)
    if to is not None and int(to) != 0 and int(to) not in {int(m.version) for m in migrations}:
        msg = f"there is no migration {to} in {directory}; 0 undoes all"
        raise MigrationError(msg)
    async with _locked(url) as connection:
        applied = (await _status(connection, migrations)).applied
        undone = applied[-1:] if to is None else [m for m in applied if int(m.version) > int(to)]
        for migration in reversed(undone):
            if migration.down is None:
                msg = f"{migration.path} has no `-- migrate:down` section"
                raise MigrationError(msg)
            await _run(connection, migration, migration.down, _Ledger.REMOVE)
    return undone[::-1]


async def status(url: str, directory: Path) -> Status:
    """Return what is applied and what is pending."""
    migrations = read_migrations(directory)
    async with _locked(url) as connection:
        return await _status(connection, migrations)


class _Ledger:
    """How a migration is entered into the books, or taken out of them."""

    ADD = (
        "WITH entry AS (INSERT INTO schema_migrations (version) VALUES ($1)) "
        "INSERT INTO schema_migration_checksums (version, checksum) VALUES ($1, $2) "
        "ON CONFLICT (version) DO UPDATE SET checksum = excluded.checksum"
    )
    REMOVE = (
        "WITH entry AS (DELETE FROM schema_migrations WHERE version = $1) "
        "DELETE FROM schema_migration_checksums WHERE version = $1 AND $2::varchar IS NOT NULL"
    )


def _read(path: Path) -> Migration:
    named = _NAME.fullmatch(path.name)
    if named is None:
        msg = f"{path}: a migration is named like 001_create_products.sql"
        raise MigrationError(msg)
    text = path.read_text(encoding="utf-8")
    sections: dict[str, Section] = {}
    marks = list(_SECTION.finditer(text))
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    for mark, end in zip(marks, ends, strict=False):
        body = text[mark.end() : end].strip()
        transaction = "transaction:false" not in mark[2].replace(" ", "")
        if mark[1] in sections:
            msg = f"{path} has two `-- migrate:{mark[1]}` sections"
            raise MigrationError(msg)
        sections[mark[1]] = Section(body, transaction)
    if "up" not in sections:
        msg = f"{path} has no `-- migrate:up` section"
        raise MigrationError(msg)
    checksum = hashlib.sha256(text.encode()).hexdigest()
    return Migration(named[1], path, checksum, sections["up"], sections.get("down"))


@asynccontextmanager
async def _locked(url: str) -> AsyncIterator[Connection]:
    """Connect, and keep every other run of this program on the database out."""
    try:
        connection = await asyncpg.connect(url, timeout=10)
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError) as error:
        msg = f"cannot connect to the database: {str(error) or type(error).__name__}"
        raise MigrationError(msg) from error
    try:
        await _lock(connection)
        await connection.execute(
            f"SET lock_timeout = '{_TABLE_LOCK_WAIT}'; SET statement_timeout = 0;"
            "SET client_min_messages = warning"
        )
        await connection.execute(_OWN_SCHEMA)
        await connection.execute(_LEDGER)
        yield connection
    finally:
        await connection.close()


async def _lock(connection: Connection) -> None:
    """Wait for our turn by asking again and again.

    A statement that waits inside pg_advisory_lock would hold a snapshot, and CREATE INDEX
    CONCURRENTLY, run by the one who has the lock, waits for every older snapshot: a deadlock.
    """
    for _ in range(round(_LOCK_WAIT_S / _LOCK_POLL_S)):
        if await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK_KEY):
            return
        await asyncio.sleep(_LOCK_POLL_S)
    msg = f"another migration has been running on this database for {_LOCK_WAIT_S} s"
    raise MigrationError(msg)


async def _status(connection: Connection, migrations: Sequence[Migration]) -> Status:
    rows = await connection.fetch(
        "SELECT version, checksum FROM schema_migrations "
        "LEFT JOIN schema_migration_checksums USING (version)"
    )
    checksums = {row["version"]: row["checksum"] for row in rows}
    applied = [m for m in migrations if m.version in checksums]
    for migration in applied:
        # A version that dbmate itself applied has no checksum.
        if checksums[migration.version] not in {None, migration.checksum}:
            msg = (
                f"{migration.path} has changed after it was applied to this database; "
                "restore it and put the change into a new migration"
            )
            raise MigrationError(msg)
    return Status(applied, [m for m in migrations if m.version not in checksums])


async def _run(connection: Connection, migration: Migration, section: Section, entry: str) -> None:
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            if section.transaction:
                async with connection.transaction():
                    await _execute(connection, section.sql)
                    await connection.execute(entry, migration.version, migration.checksum)
            else:
                await _run_alone(connection, section)
                await connection.execute(entry, migration.version, migration.checksum)
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError) as error:
            if attempt == _ATTEMPTS:
                msg = f"{migration.path}: a table was locked by others {_ATTEMPTS} times"
                raise MigrationError(msg) from error
            await asyncio.sleep(attempt)
        except asyncpg.PostgresError as error:
            raise MigrationError(_explain(migration, section, error)) from error
        else:
            return


async def _run_alone(connection: Connection, section: Section) -> None:
    """Run a statement that cannot be in a transaction."""
    if "INDEX CONCURRENTLY" not in section.sql:
        await _execute(connection, section.sql)
        return
    await connection.execute(f"SET lock_timeout = '{_INDEX_LOCK_WAIT}'")
    try:
        for index in _CONCURRENT.findall(section.sql):
            if await connection.fetchval(_IS_BROKEN, index):
                await connection.execute(f"DROP INDEX CONCURRENTLY {index}")
        await connection.execute(section.sql)
    finally:
        await connection.execute(f"SET lock_timeout = '{_TABLE_LOCK_WAIT}'")


async def _execute(connection: Connection, sql: str) -> None:
    if _COMMENT.sub("", sql).strip():
        await connection.execute(sql)


def _explain(migration: Migration, section: Section, error: asyncpg.PostgresError) -> str:
    position = getattr(error, "position", None)
    line = ""
    if position:
        text = migration.path.read_text(encoding="utf-8")
        before = text.index(section.sql) + int(position) - 1
        line = f":{text.count(chr(10), 0, before) + 1}"
    hint = f"\n  hint: {error.hint}" if getattr(error, "hint", None) else ""
    return f"{migration.path}{line}: {error}{hint}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m kit.migrate", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("command", choices=["up", "down", "status"])
    parser.add_argument(
        "--url",
        help="of the database; default MIGRATION_DATABASE_URL, then DATABASE_URL, or its file",
    )
    parser.add_argument("--dir", type=Path, default=Path("migrations"), help="of the files")
    parser.add_argument("--to", type=_version, help="for down: undo everything newer than this")
    return parser


def _version(text: str) -> str:
    if not text.isdecimal():
        msg = f"{text!r} is no version; it is a number like 003"
        raise argparse.ArgumentTypeError(msg)
    return text


async def _command(arguments: argparse.Namespace, url: str) -> int:
    if arguments.command == "up":
        _say("applied", await up(url, arguments.dir))
    elif arguments.command == "down":
        _say("undone", await down(url, arguments.dir, arguments.to))
    else:
        state = await status(url, arguments.dir)
        _say("applied", state.applied)
        _say("pending", state.pending)
        return 1 if state.pending else 0
    return 0


def _say(what: str, migrations: Sequence[Migration]) -> None:
    lines = [f"{what} {migration.path.name}" for migration in migrations] or [f"nothing {what}"]
    sys.stdout.write("\n".join(lines) + "\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    if arguments.to is not None and arguments.command != "down":
        parser.error("--to goes with down")
    url = arguments.url or secret("migration_database_url") or secret("database_url")
    if not url:
        parser.error("no database: give --url, or set MIGRATION_DATABASE_URL or DATABASE_URL")
    try:
        return asyncio.run(_command(arguments, url))
    except MigrationError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
