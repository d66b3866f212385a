"""The outbox: events are rows first, and a process of its own brings them to the broker.

A statement that changes a record writes the event as well, as one of its parts:

    WITH changed AS (UPDATE orders SET … RETURNING *),
    event AS (
        INSERT INTO outbox (type, dataversion, subject, data, traceparent)
        SELECT 'order.placed', 1, id::text, jsonb_build_object(…), $4 FROM changed
    )
    SELECT … FROM changed

So there is no event without its change and no change without its event.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeAlias

import asyncpg
from opentelemetry.trace import SpanKind
from prometheus_client import CollectorRegistry, Counter, Gauge

from kit.db import Executor, register_json, session_settings
from kit.logs import get_logger
from kit.messaging.broker import Broker, BrokerUnavailableError, Connect, Message
from kit.messaging.events import (
    AnyEvent,
    EventData,
    current_traceparent,
    sequence,
    trace_context,
    tracer,
)
from kit.messaging.settings import MessagingSettings

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

_CONNECT_S = 5.0
_SERVER_FIRST_S = 1.0  # a statement's own timeout should fire on the server, not here
_KEEPALIVES = {  # the server frees the lock soon after the machine at this end is gone
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
_LEAD = "SELECT pg_try_advisory_lock($1, hashtext(current_schema()))"  # locks are per database
_LOCK_KEY = 0x6B69746F
_STANDBY_S = 1.0
_BACKOFF_FIRST_S = 0.1
_LOOK_S = 2.0  # between two looks at the backlog
_PURGE_S = 60.0
_PURGE_ROWS = 5000

_ADD = """
INSERT INTO outbox (type, dataversion, subject, data, traceparent) VALUES ($1, $2, $3, $4, $5)
"""
# By the mark and not by a position that was reached: a smaller position may be committed later.
_PENDING = """
SELECT position, id, type, dataversion, subject, data, traceparent, occurred_at FROM outbox
WHERE published_at IS NULL ORDER BY position LIMIT $1
"""
_MARK = "UPDATE outbox SET published_at = now() WHERE position = ANY($1)"
_BACKLOG = """
SELECT count(*) AS pending,
    coalesce(extract(epoch FROM clock_timestamp() - min(occurred_at)), 0)::float8 AS oldest_s
FROM outbox WHERE published_at IS NULL
"""
_PURGE = """
DELETE FROM outbox WHERE position IN (
    SELECT position FROM outbox WHERE published_at < now() - $1 * interval '1 second'
    ORDER BY published_at LIMIT $2
)
"""

_log = get_logger(__name__)


async def add(tx: Executor, data: EventData, *, subject: str) -> None:
    """Publish an event with the transaction: it goes out if, and only if, that commits.

    Args:
        tx: what the change is made on.
        data: of the event; its class says of which type and version.
        subject: the record that the event is about.
    """
    content = data.model_dump(mode="json", by_alias=True)
    kind, version = data.event_type, data.event_version
    await tx.execute(_ADD, kind, version, subject, content, current_traceparent())


class OutboxMetrics:
    """What the relay counts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.pending = Gauge(
            "outbox_pending_events", "Events that wait to be published.", registry=registry
        )
        self.oldest_age = Gauge(
            "outbox_oldest_age_seconds", "Age of the oldest event that waits.", registry=registry
        )
        self.published = Counter(
            "outbox_published_events", "Events that the broker has confirmed.", registry=registry
        )
        self.failures = Counter(
            "outbox_publish_failures", "Batches that the broker did not confirm.", registry=registry
        )


class Relay:
    """Publishes the outbox of one database, in order, at least once.

    Of several relays one is the leader: it holds an advisory lock on the connection on which it
    also reads and marks, so a leader that lost its connection can mark nothing.

    Args:
        settings: of this process.
        connect: opens the broker.
        source: of the events.
        registry: where the metrics go.
    """

    def __init__(
        self,
        settings: MessagingSettings,
        connect: Connect,
        source: str,
        registry: CollectorRegistry,
    ) -> None:
        self._settings = settings
        self._connect = connect
        self._source = source
        self._metrics = OutboxMetrics(registry)
        self._next_look = self._next_purge = 0.0
        self.broker_available = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Publish until the block is left."""
        stop = asyncio.Event()
        task = asyncio.create_task(self._run(stop))
        try:
            yield
        finally:
            stop.set()
            with suppress(TimeoutError):  # by then the rest is for the next leader
                await asyncio.wait_for(task, self._settings.shutdown_timeout_s)

    async def _run(self, stop: asyncio.Event) -> None:
        """Lead whenever nobody else does."""
        while not stop.is_set():
            try:
                async with _session(self._settings) as connection:
                    if await connection.fetchval(_LEAD, _LOCK_KEY):
                        _log.info("relay_leads")
                        await self._lead(connection, stop)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                _log.warning("relay_lost_its_database", error=repr(error))
            finally:
                self._metrics.pending.set(0)  # only the leader knows
                self._metrics.oldest_age.set(0)
            await _pause(stop, _STANDBY_S)

    async def _lead(self, connection: Connection, stop: asyncio.Event) -> None:
        """Publish as long as the connection lasts; the broker may come and go."""
        url = self._settings.broker_url.get_secret_value()
        namespace = self._settings.broker_namespace
        timeout_s = self._settings.broker_timeout_ms / 1000
        wait_s = _BACKOFF_FIRST_S
        while not stop.is_set():
            await self._look(connection)
            try:
                async with self._connect(url, namespace=namespace, timeout_s=timeout_s) as broker:
                    while not stop.is_set():
                        await self._publish(connection, broker, stop)
                        self.broker_available = True
                        wait_s = _BACKOFF_FIRST_S
            except BrokerUnavailableError as error:
                self.broker_available = False
                self._metrics.failures.inc()
                _log.warning("outbox_publish_failed", error=str(error), again_in_s=wait_s)
                await _pause(stop, wait_s * random.uniform(0.5, 1))  # noqa: S311 - spreads relays
                wait_s = min(wait_s * 2, self._settings.broker_backoff_max_ms / 1000)

    async def _publish(self, connection: Connection, broker: Broker, stop: asyncio.Event) -> None:
        """Publish one batch, mark it, and rest if that was all."""
        size = self._settings.relay_batch
        rows = await connection.fetch(_PENDING, size)
        if rows:
            await broker.publish([self._message(row) for row in rows])
            await connection.execute(_MARK, [row["position"] for row in rows])
            self._metrics.published.inc(len(rows))
        await self._look(connection)
        await self._purge(connection)
        if len(rows) < size:
            await _pause(stop, self._settings.relay_poll_ms / 1000)

    def _message(self, row: asyncpg.Record) -> Message:
        """Make a row of the outbox an event, as part of the trace that wrote the row."""
        attributes = {"messaging.message.id": str(row["id"])}
        with tracer().start_as_current_span(
            f"publish {row['type']}",
            context=trace_context(row["traceparent"]),
            kind=SpanKind.PRODUCER,
            attributes=attributes,
        ):
            event: AnyEvent = AnyEvent(
                id=row["id"],
                source=self._source,
                type=row["type"],
                subject=row["subject"],
                time=row["occurred_at"],
                dataversion=row["dataversion"],
                sequence=sequence(row["position"]),
                traceparent=current_traceparent(),
                data=row["data"],
            )
        return Message(str(event.id), event.type, event.subject, event.to_json())

    async def _look(self, connection: Connection) -> None:
        """Measure what waits, now and then."""
        now = asyncio.get_running_loop().time()
        if now >= self._next_look:
            self._next_look = now + _LOOK_S
            row: Any = await connection.fetchrow(_BACKLOG)
            self._metrics.pending.set(row["pending"])
            self._metrics.oldest_age.set(row["oldest_s"])

    async def _purge(self, connection: Connection) -> None:
        """Delete what was published long ago, in small steps."""
        now = asyncio.get_running_loop().time()
        if now >= self._next_purge:
            tag = await connection.execute(_PURGE, self._settings.outbox_retention_s, _PURGE_ROWS)
            full = tag == f"DELETE {_PURGE_ROWS}"
            self._next_purge = now + (_STANDBY_S if full else _PURGE_S)


@asynccontextmanager
async def _session(settings: MessagingSettings) -> AsyncIterator[Connection]:
    """Connect outside the pool: the lock belongs to the session."""
    connection = await asyncpg.connect(
        settings.database_url.get_secret_value(),
        timeout=_CONNECT_S,
        command_timeout=settings.db_statement_timeout_ms / 1000 + _SERVER_FIRST_S,
        statement_cache_size=settings.db_statement_cache_size,
        server_settings=session_settings(settings) | _KEEPALIVES,
    )
    try:
        await register_json(connection)
        yield connection
    finally:
        with suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await connection.close(timeout=_CONNECT_S)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    """Wait, but not past the end."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
