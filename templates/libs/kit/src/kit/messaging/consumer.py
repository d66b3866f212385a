"""Consumers: each event applied in one transaction with its row in the inbox."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import asyncpg
from opentelemetry.trace import SpanKind
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from pydantic import ValidationError

from kit import deadline
from kit.db import Database, DatabaseUnavailableError, Executor
from kit.deadline import DeadlineExceededError
from kit.identity import Principal, acting_as
from kit.logs import get_logger
from kit.messaging import inbox
from kit.messaging.broker import Broker, BrokerUnavailableError, Connect, Delivery
from kit.messaging.events import AnyEvent, Event, EventData, trace_context, tracer
from kit.messaging.settings import MessagingSettings

DataT = TypeVar("DataT", bound=EventData)

_BACKOFF_FIRST_S = 0.1
_PURGE_S = 60.0
_PURGE_ROWS = 5000
_DELAY_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)

# The database's own trouble, over in a moment: no try of the event's.
_NOT_NOW = (
    DatabaseUnavailableError,
    asyncpg.CannotConnectNowError,
    asyncpg.PostgresConnectionError,
    asyncpg.TooManyConnectionsError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.ReadOnlySQLTransactionError,  # a standby that is about to be promoted
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
)

_log = get_logger(__name__)


class RejectedError(Exception):
    """Raised by a handler for an event that no further try will make any better."""


@dataclass(frozen=True, slots=True)
class Subscription(Generic[DataT]):
    """One type of event, in one version, and what is done about it.

    Args:
        data: says of which type and version, and how the data is read.
        handler: gets the event and the transaction that applies it. What it does in there happens
            once; anything else, like a call to another service, may happen more than once.
    """

    data: type[DataT]
    handler: "Callable[[Event[DataT], Executor], Awaitable[None]]"


@dataclass(frozen=True, slots=True)
class Consumer:
    """What reads events by itself: a service has one, and another for each read model.

    Args:
        name: as the topology has it.
        subscriptions: at most one for each type and version.
    """

    name: str
    subscriptions: Sequence[Subscription[Any]]


class ConsumerMetrics:
    """What a worker counts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.events = Counter(
            "consumer_events",
            "Events by what became of them.",
            ("consumer", "event", "outcome"),
            registry=registry,
        )
        self.delay = Histogram(
            "consumer_delay_seconds",
            "Time from an event to its effect.",
            ("consumer", "event"),
            buckets=_DELAY_BUCKETS,
            registry=registry,
        )
        self.connected = Gauge(
            "consumer_connected",
            "Whether the consumer reads from the broker.",
            ("consumer",),
            registry=registry,
        )
        self.dead = Counter(
            "dead_letter_events",
            "Events that were put among the dead letters.",
            ("consumer", "event"),
            registry=registry,
        )


class Worker:
    """Serves one consumer: several events at a time, each applied once.

    Args:
        settings: of this process.
        connect: opens the broker.
        consumer: what to serve.
        db: where events are applied.
        metrics: shared by the workers of a process.
    """

    def __init__(
        self,
        settings: MessagingSettings,
        connect: Connect,
        consumer: Consumer,
        db: Database,
        metrics: ConsumerMetrics,
    ) -> None:
        self._settings = settings
        self._connect = connect
        self._name = consumer.name
        self._db = db
        self._metrics = metrics
        self._subscriptions: Mapping[tuple[str, int], Subscription[Any]] = {
            (each.data.event_type, each.data.event_version): each for each in consumer.subscriptions
        }
        self._types = sorted({kind for kind, _ in self._subscriptions})
        self._tasks: set[asyncio.Task[None]] = set()
        for kind in self._types:  # from zero, or the first one would be no increase
            metrics.dead.labels(self._name, kind)
        self._connected(now=False)

    def _connected(self, *, now: bool) -> None:
        self.broker_available = now
        self._metrics.connected.labels(self._name).set(now)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Consume until the block is left; events that are being applied get to their end."""
        stop = asyncio.Event()
        task = asyncio.create_task(self._run(stop))
        async with self.sweeping():
            try:
                yield
            finally:
                stop.set()
                await asyncio.gather(task, return_exceptions=True)

    @asynccontextmanager
    async def sweeping(self) -> AsyncIterator[None]:
        """Delete old rows of the inbox until the block is left."""
        sweep = asyncio.create_task(self._purge())
        try:
            yield
        finally:
            sweep.cancel()
            await asyncio.gather(sweep, return_exceptions=True)

    async def _run(self, stop: asyncio.Event) -> None:
        """Consume whenever the broker is there."""
        url = self._settings.broker_url.get_secret_value()
        namespace = self._settings.broker_namespace
        timeout_s = self._settings.broker_timeout_ms / 1000
        wait_s = _BACKOFF_FIRST_S
        while not stop.is_set():
            try:
                async with self._connect(url, namespace=namespace, timeout_s=timeout_s) as broker:
                    await self._consume(broker, stop)
            except BrokerUnavailableError as error:
                wait_s = _BACKOFF_FIRST_S if self.broker_available else wait_s * 2
                wait_s = min(wait_s, self._settings.broker_backoff_max_ms / 1000)
                self._connected(now=False)
                _log.warning("broker_lost", error=str(error), again_in_s=wait_s)
                with suppress(TimeoutError):
                    spread = random.uniform(0.5, 1)  # noqa: S311 - spreads the workers
                    await asyncio.wait_for(stop.wait(), wait_s * spread)

    async def _consume(self, broker: Broker, stop: asyncio.Event) -> None:
        """Take deliveries until the end, and then let those in hand be finished."""
        prefetch = self._settings.consumer_concurrency
        broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        async with broker.deliveries(self._name, self._types, prefetch=prefetch) as deliveries:
            self._connected(now=True)
            taking = asyncio.create_task(self._take(deliveries, broken))
            stopping = asyncio.create_task(stop.wait())
            try:
                await asyncio.wait((taking, stopping, broken), return_when=asyncio.FIRST_COMPLETED)
            finally:
                taking.cancel()
                stopping.cancel()
                await self._finish()
            for ended in (taking, broken):
                if ended.done() and not ended.cancelled():
                    ended.result()  # raises what ended it

    async def _take(
        self, deliveries: AsyncIterator[Delivery], broken: asyncio.Future[None]
    ) -> None:
        slots = asyncio.Semaphore(self._settings.consumer_concurrency)
        async for delivery in deliveries:
            await slots.acquire()
            task = asyncio.create_task(self._handle(delivery, broken))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            task.add_done_callback(lambda _task: slots.release())

    async def _finish(self) -> None:
        """Wait for the events in hand; what takes too long is delivered again, to somebody else."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._settings.shutdown_timeout_s)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _handle(self, delivery: Delivery, broken: asyncio.Future[None]) -> None:
        """See one delivery through to its end; without one the connection has to be renewed."""
        try:
            await self.settle(delivery)
        except BrokerUnavailableError as error:
            if not broken.done():
                broken.set_exception(error)

    async def settle(self, delivery: Delivery) -> None:
        """Apply an event, and end its delivery by what became of it."""
        try:
            event, subscription = self._read(delivery)
        except RejectedError as error:
            await self._bury(delivery, str(error))
            return
        attributes = {"messaging.message.id": str(event.id)}
        with tracer().start_as_current_span(
            f"process {event.type}",
            context=trace_context(event.traceparent),
            kind=SpanKind.CONSUMER,
            attributes=attributes,
        ):
            try:
                with acting_as(Principal(self._name, internal=True)):
                    applied = await self._apply(event, subscription)
            except RejectedError as error:
                await self._bury(delivery, f"rejected: {error}")
            except Exception as error:  # noqa: BLE001 - whatever a handler raises
                await self._try_again(delivery, error)
            else:
                await delivery.ack()
                self._count(event.type, "applied" if applied else "duplicate")
                if applied:
                    delay = max(0.0, (datetime.now(UTC) - event.time).total_seconds())
                    self._metrics.delay.labels(self._name, event.type).observe(delay)

    def _read(self, delivery: Delivery) -> tuple[AnyEvent, Subscription[Any]]:
        """Return the typed event and its subscription, or say why there is none."""
        try:
            envelope = Event[dict[str, Any]].model_validate_json(delivery.body)
        except ValidationError as error:
            msg = f"no event: {_summary(error)}"
            raise RejectedError(msg) from error
        subscription = self._subscriptions.get((envelope.type, envelope.dataversion))
        if subscription is None:
            msg = f"nobody reads {envelope.type} in version {envelope.dataversion}"
            raise RejectedError(msg)
        try:
            event = Event[subscription.data].model_validate_json(delivery.body)  # type: ignore[name-defined]
        except ValidationError as error:
            msg = f"data of another form: {_summary(error)}"
            raise RejectedError(msg) from error
        return event, subscription

    async def _apply(self, event: AnyEvent, subscription: Subscription[Any]) -> bool:
        """Apply an event unless that was done before; while the database is away, wait for it."""
        wait_s = _BACKOFF_FIRST_S
        while True:
            try:
                async with asyncio.timeout(self._settings.consumer_timeout_ms / 1000):
                    deadline.start(self._settings.consumer_timeout_ms / 1000)
                    async with self._db.transaction() as tx:
                        if not await inbox.enter(tx, self._name, event):
                            return False
                        await subscription.handler(event, tx)
            except _NOT_NOW as error:
                _log.warning("database_not_there", event_type=event.type, error=repr(error))
            else:
                return True
            deadline.clear()
            await asyncio.sleep(wait_s * random.uniform(0.5, 1))  # noqa: S311 - spreads the events
            wait_s = min(wait_s * 2, self._settings.consumer_backoff_max_ms / 1000)

    async def _try_again(self, delivery: Delivery, error: Exception) -> None:
        """Have an event that failed delivered later, or give it up after the last try."""
        reason = f"{type(error).__name__}: {error}"
        if delivery.attempt >= self._settings.consumer_attempts:
            await self._bury(delivery, reason)
            return
        _log.warning("event_failed", type=delivery.type, attempt=delivery.attempt, exc_info=error)
        most = min(
            self._settings.consumer_backoff_ms * 2 ** (delivery.attempt - 1),
            self._settings.consumer_backoff_max_ms,
        )
        await delivery.retry(most / 1000 * random.uniform(0.5, 1))  # noqa: S311 - jitter
        self._count(delivery.type, "retried")

    async def _bury(self, delivery: Delivery, reason: str) -> None:
        await delivery.bury(reason)
        _log.error("event_dead", type=delivery.type, attempt=delivery.attempt, reason=reason)
        self._count(delivery.type, "dead")
        self._metrics.dead.labels(self._name, delivery.type).inc()

    def _count(self, kind: str, outcome: str) -> None:
        self._metrics.events.labels(self._name, kind, outcome).inc()

    async def _purge(self) -> None:
        """Delete old rows of the inbox, for ever."""
        while True:
            await asyncio.sleep(_PURGE_S)
            try:
                await inbox.purge(self._db, self._settings.inbox_retention_s, _PURGE_ROWS)
            except (
                DatabaseUnavailableError,
                DeadlineExceededError,
                asyncpg.PostgresError,
            ) as error:
                _log.warning("inbox_purge_failed", error=repr(error))


def _summary(error: ValidationError) -> str:
    """Say where and why; what was sent may hold secrets."""
    return "; ".join(
        f"{'.'.join(map(str, item['loc'])) or 'body'}: {item['msg']}" for item in error.errors()
    )
