"""PostgreSQL through a pool that costs no round trip of its own and never waits for long."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from typing import Any, Protocol, Self, TypeAlias, TypeVar

import asyncpg
from asyncpg.pool import PoolConnectionProxy
from opentelemetry import trace
from opentelemetry.trace import SpanKind

from kit import deadline
from kit.deadline import DeadlineExceededError
from kit.metrics import Metrics
from kit.settings import ServiceSettings

T = TypeVar("T")
Connection: TypeAlias = "PoolConnectionProxy[asyncpg.Record]"
_tracer = trace.get_tracer("kit.db")
_CONNECT_S = 5.0  # a request waits less: its wait for the pool is bounded by itself
_SILENCE = 1.1  # of a statement's timeout: a server that has not ended it by then is not there
_RELEASE = 0.1  # of the wait for a connection: how long a cancelled statement may take to end
_SILENT = "the server does not answer"
_recorder: ContextVar[list[str] | None] = ContextVar("statements", default=None)


class DatabaseUnavailableError(Exception):
    """No connection could be had in time; worth another try in a moment."""


class Executor(Protocol):
    """Runs SQL: the pool by itself, or an open transaction. Arguments are $1, $2, …."""

    async def fetch(self, sql: str, *args: object) -> list[asyncpg.Record]:
        """Return all rows."""
        ...

    async def fetchrow(self, sql: str, *args: object) -> asyncpg.Record | None:
        """Return the first row, or None."""
        ...

    async def fetchval(self, sql: str, *args: object) -> Any:
        """Return the first column of the first row, or None."""
        ...

    async def execute(self, sql: str, *args: object) -> str:
        """Return the command tag, like `UPDATE 1`."""
        ...

    def transaction(self) -> AbstractAsyncContextManager["Executor"]:
        """Open a transaction, or a savepoint within one; committed when the block is left."""
        ...


class Transaction:
    """An Executor on the one connection of a transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def fetch(self, sql: str, *args: object) -> list[asyncpg.Record]:
        """Return all rows."""
        return await _timed(sql, self._connection.fetch, *args)

    async def fetchrow(self, sql: str, *args: object) -> asyncpg.Record | None:
        """Return the first row, or None."""
        return await _timed(sql, self._connection.fetchrow, *args)

    async def fetchval(self, sql: str, *args: object) -> Any:
        """Return the first column of the first row, or None."""
        return await _timed(sql, self._connection.fetchval, *args)

    async def execute(self, sql: str, *args: object) -> str:
        """Return the command tag, like `UPDATE 1`."""
        return await _timed(sql, self._connection.execute, *args)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Executor]:
        """Open the transaction, or a savepoint within it."""
        record("BEGIN")
        async with self._connection.transaction():
            yield self
        record("COMMIT")


class Database:
    """The pool of one service; each call takes a connection for just one statement.

    The reset query that asyncpg sends on release is left out: it would double the round trips of
    a read. In return no statement may leave state in the session: `SET LOCAL` only, no LISTEN,
    no session-level advisory lock.
    """

    def __init__(
        self, pool: "asyncpg.Pool[asyncpg.Record]", acquire_timeout_s: float, metrics: Metrics
    ) -> None:
        self._pool = pool
        self._acquire_timeout_s = acquire_timeout_s
        self._timeouts = metrics.pool_timeouts
        metrics.pool_limit.set(pool.get_max_size())
        metrics.pool_idle.set_function(pool.get_idle_size)
        metrics.pool_used.set_function(lambda: pool.get_size() - pool.get_idle_size())

    @classmethod
    async def open(cls, settings: ServiceSettings, metrics: Metrics) -> Self:
        """Connect; fails when the server cannot be reached."""
        pool = await asyncpg.create_pool(
            settings.database_url.get_secret_value(),
            min_size=settings.db_pool_min,
            max_size=settings.db_pool_max,
            init=register_json,
            reset=_keep_session,
            timeout=_CONNECT_S,
            command_timeout=settings.db_statement_timeout_ms / 1000 * _SILENCE,
            statement_cache_size=0 if settings.db_pooler else settings.db_statement_cache_size,
            server_settings=session_settings(settings),
        )
        return cls(pool, settings.db_acquire_timeout_ms / 1000, metrics)

    async def close(self) -> None:
        """Wait for the running statements and disconnect."""
        await self._pool.close()

    async def fetch(self, sql: str, *args: object) -> list[asyncpg.Record]:
        """Return all rows."""
        async with self._connection() as connection:
            return await _timed(sql, connection.fetch, *args)

    async def fetchrow(self, sql: str, *args: object) -> asyncpg.Record | None:
        """Return the first row, or None."""
        async with self._connection() as connection:
            return await _timed(sql, connection.fetchrow, *args)

    async def fetchval(self, sql: str, *args: object) -> Any:
        """Return the first column of the first row, or None."""
        async with self._connection() as connection:
            return await _timed(sql, connection.fetchval, *args)

    async def execute(self, sql: str, *args: object) -> str:
        """Return the command tag, like `UPDATE 1`."""
        async with self._connection() as connection:
            return await _timed(sql, connection.execute, *args)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Executor]:
        """Open a transaction; committed when the block is left, rolled back on an exception."""
        async with (
            self._connection() as connection,
            Transaction(connection).transaction() as transaction,
        ):
            yield transaction

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        """Lend a connection for one statement or one transaction."""
        connection = await self._acquire()
        try:
            yield connection
        except TimeoutError as error:
            raise DatabaseUnavailableError(_SILENT) from error
        except (asyncpg.InterfaceError, OSError) as error:
            if not _is_lost(connection):
                raise
            msg = "the connection was lost"
            raise DatabaseUnavailableError(msg) from error
        finally:
            with suppress(TimeoutError):  # the pool has thrown it away
                await self._pool.release(connection, timeout=self._acquire_timeout_s * _RELEASE)

    async def _acquire(self) -> Connection:
        seconds = deadline.within(self._acquire_timeout_s)
        try:
            async with asyncio.timeout(seconds):
                return await self._pool.acquire()
        except TimeoutError as error:
            if seconds < self._acquire_timeout_s:
                raise DeadlineExceededError from error
            self._timeouts.inc()
            msg = f"no connection was free for {seconds:.3f} s"
            raise DatabaseUnavailableError(msg) from error
        except OSError as error:
            msg = f"the server cannot be reached: {error}"
            raise DatabaseUnavailableError(msg) from error


def session_settings(settings: ServiceSettings) -> dict[str, str]:
    """Return what every session asks of the server.

    A pooler that lends connections for a transaction (RDS Proxy, PgBouncer) takes none of the
    limits: there, they are parameters of the server.
    """
    named = {"application_name": settings.service_name, "timezone": "UTC"}
    if settings.db_pooler:
        return named
    return named | {
        "statement_timeout": str(settings.db_statement_timeout_ms),
        "lock_timeout": str(settings.db_lock_timeout_ms),
        "idle_in_transaction_session_timeout": str(settings.db_idle_in_transaction_timeout_ms),
        "jit": "off",
    }


async def register_json(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Have json and jsonb read and written as Python values."""
    for name in ("json", "jsonb"):
        await connection.set_type_codec(
            name, schema="pg_catalog", encoder=_dump_json, decoder=json.loads
        )


@contextmanager
def recorded_statements() -> Iterator[list[str]]:
    """Collect, for a test, the SQL that this task and the tasks it starts send."""
    statements: list[str] = []
    token = _recorder.set(statements)
    try:
        yield statements
    finally:
        _recorder.reset(token)


def record(sql: str) -> None:
    """Note a statement for `recorded_statements`."""
    statements = _recorder.get()
    if statements is not None:
        statements.append(sql)


async def _timed(sql: str, call: Callable[..., Coroutine[Any, Any, T]], *args: object) -> T:
    record(sql)
    return await bounded(sql, call, *args)


async def bounded(sql: str, call: Callable[..., Coroutine[Any, Any, T]], *args: object) -> T:
    """Run one statement within the request's deadline, as a span if the trace is sampled."""
    try:
        async with asyncio.timeout(deadline.remaining()) as timer:
            if not trace.get_current_span().is_recording():
                return await call(sql, *args)
            attributes = {"db.system.name": "postgresql", "db.query.text": sql}
            name = sql.split(maxsplit=1)[0].upper()
            with _tracer.start_as_current_span(name, kind=SpanKind.CLIENT, attributes=attributes):
                return await call(sql, *args)
    except TimeoutError as error:
        if timer.expired():
            raise DeadlineExceededError from error
        raise DatabaseUnavailableError(_SILENT) from error


def _is_lost(connection: Connection) -> bool:
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:  # the pool has taken it back already
        return True


async def _keep_session(_connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Stand in for asyncpg's reset query; an open transaction is rolled back all the same."""


def _dump_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
