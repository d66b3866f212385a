import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from conftest import MakeSettings

from kit import deadline
from kit.db import Database, DatabaseUnavailableError, Executor, recorded_statements
from kit.deadline import DeadlineExceededError
from kit.errors import SqlProblems
from kit.metrics import Metrics
from kit.settings import ServiceSettings


@pytest.fixture
def settings(make_settings: MakeSettings) -> ServiceSettings:
    return make_settings(db_pool_min=1, db_pool_max=2, db_acquire_timeout_ms=150)


@pytest_asyncio.fixture(loop_scope="session")
async def db(settings: ServiceSettings, metrics: Metrics) -> AsyncIterator[Database]:
    opened = await Database.open(settings, metrics)
    await opened.execute("CREATE TABLE IF NOT EXISTS numbers (n int PRIMARY KEY)")
    await opened.execute("TRUNCATE numbers")
    yield opened
    await opened.execute("DROP TABLE numbers")
    await opened.close()


async def count(db: Executor) -> Any:
    return await db.fetchval("SELECT count(*) FROM numbers")


async def run_in_transaction(db: Executor, *statements: str) -> None:
    async with db.transaction() as tx:
        for sql in statements:
            await tx.execute(sql)


async def test_the_four_calls(db: Database) -> None:
    assert await db.execute("INSERT INTO numbers VALUES ($1), ($2)", 1, 2) == "INSERT 0 2"
    assert [row["n"] for row in await db.fetch("SELECT n FROM numbers ORDER BY n")] == [1, 2]
    assert await db.fetchrow("SELECT n FROM numbers WHERE n = 9") is None
    assert await count(db) == 2


async def test_a_transaction_is_committed_or_undone(db: Database) -> None:
    async with db.transaction() as tx:
        await tx.execute("INSERT INTO numbers VALUES (1)")
        with pytest.raises(asyncpg.UniqueViolationError):
            await run_in_transaction(tx, "INSERT INTO numbers VALUES (2), (1)")
    assert [row["n"] for row in await db.fetch("SELECT n FROM numbers")] == [1]
    with pytest.raises(asyncpg.DivisionByZeroError):
        await run_in_transaction(db, "INSERT INTO numbers VALUES (3)", "SELECT 1/0")
    assert await count(db) == 1


async def test_a_type_that_a_migration_changed_is_worth_another_try(db: Database) -> None:
    async def write(number: int) -> Any:
        async with db.transaction() as tx:
            return await tx.fetchval("INSERT INTO numbers VALUES ($1) RETURNING n", number)

    await write(1)
    await db.execute("ALTER TABLE numbers ALTER COLUMN n TYPE bigint")
    with pytest.raises(asyncpg.InvalidCachedStatementError) as raised:
        await write(2)
    problem = SqlProblems({}).of(raised.value, deleting=False)
    assert problem is not None
    assert (problem.status_code, problem.headers) == (503, {"Retry-After": "1"})
    assert await write(2) == 2


async def test_json_goes_both_ways(db: Database) -> None:
    value = {"big": 10**30, "text": "ü", "none": None}
    assert await db.fetchval("SELECT $1::jsonb", value) == value
    assert await db.fetchval("SELECT $1::json", [1]) == [1]


async def test_the_session_has_its_limits(db: Database) -> None:
    wanted = {
        "statement_timeout": "2s",
        "lock_timeout": "1s",
        "idle_in_transaction_session_timeout": "10s",
        "jit": "off",
        "TimeZone": "UTC",
        "application_name": "sample",
    }
    for name, value in wanted.items():
        assert await db.fetchval("SELECT current_setting($1)", name) == value


async def test_a_release_sends_no_reset_query(db: Database) -> None:
    """`RESET ALL` would undo this; its absence is what makes a read one round trip."""
    connections = [db.transaction() for _ in range(2)]
    async with connections[0] as one, connections[1] as two:
        for tx in (one, two):
            await tx.execute("SELECT set_config('kit.probe', 'kept', false)")
    assert await db.fetchval("SELECT current_setting('kit.probe', true)") == "kept"


async def test_a_full_pool_fails_soon_and_counts(db: Database, metrics: Metrics) -> None:
    async with db.transaction(), db.transaction():
        used = metrics.registry.get_sample_value("db_pool_connections", {"state": "used"})
        assert used == 2
        with pytest.raises(DatabaseUnavailableError):
            await db.fetchval("SELECT 1")
    assert metrics.registry.get_sample_value("db_pool_timeouts_total") == 1
    assert await db.fetchval("SELECT 1") == 1


async def test_the_deadline_bounds_waiting_and_running(db: Database) -> None:
    async def in_time(seconds: float, sql: str) -> None:
        deadline.start(seconds)
        await db.fetchval(sql)

    async with db.transaction(), db.transaction():
        with pytest.raises(DeadlineExceededError):
            await asyncio.create_task(in_time(0.05, "SELECT 1"))
    with pytest.raises(DeadlineExceededError):
        await asyncio.create_task(in_time(0.05, "SELECT pg_sleep(1)"))
    with pytest.raises(DeadlineExceededError):
        await asyncio.create_task(in_time(-1, "SELECT 1"))
    assert await db.fetchval("SELECT 1") == 1


async def test_a_lost_connection_is_replaced(db: Database) -> None:
    async def lose() -> None:
        async with db.transaction() as tx:
            victim = await tx.fetchval("SELECT pg_backend_pid()")
            await db.execute("SELECT pg_terminate_backend($1)", victim)
            await asyncio.sleep(0.05)
            await tx.fetchval("SELECT 1")

    with pytest.raises(DatabaseUnavailableError):
        await lose()
    assert await db.fetchval("SELECT 1") == 1


async def test_statements_are_recorded(db: Database) -> None:
    with recorded_statements() as statements:
        async with db.transaction() as tx:
            await tx.execute("SELECT 1")
        await asyncio.create_task(count(db))
    await count(db)
    assert statements == ["BEGIN", "SELECT 1", "COMMIT", "SELECT count(*) FROM numbers"]
