"""The functions of a service that have to do with events.

Lambda reads the queue of a consumer and hands over batches; the answer names the messages that are
to be delivered again, and Lambda deletes the others. The relay is started again and again, by a
schedule, and publishes the outbox until its time is nearly over.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, Field

from kit.app import create_app
from kit.aws import Client, Place
from kit.command import Command
from kit.functions import Context, router, start
from kit.logs import get_logger
from kit.messaging.broker import BrokerUnavailableError
from kit.messaging.consumer import ConsumerMetrics, Worker
from kit.messaging.eventbridge import SqsDelivery
from kit.messaging.outbox import Relay
from kit.messaging.service import Messaging, ReadSettings
from kit.messaging.settings import MessagingSettings
from kit.resources import Resources
from kit.server import run

_ANSWER_S = 1.0  # for the answer, before a batch is ended by force
_STOP_S = 5.0  # for the relay to finish its batch and to free its lock
_LONGEST_MS = 900_000  # of an invocation; its own deadline is the one that counts
_MOST_BYTES = 7_000_000  # of a batch

_LIMITS = {
    "request_deadline_ms": _LONGEST_MS,
    "max_body_bytes": _MOST_BYTES,
    "drain_delay_s": 0.0,
    "shutdown_timeout_s": int(_STOP_S) - 1,
}

_log = get_logger(__name__)


class Record(BaseModel):
    """A message as Lambda hands it over."""

    message_id: str = Field(alias="messageId")
    receipt_handle: str = Field(alias="receiptHandle")
    body: str
    attributes: dict[str, str]
    event_source_arn: str = Field(alias="eventSourceARN")


class _Delivery(SqsDelivery):
    """A message that Lambda deletes when the batch is answered, unless the answer names it."""

    done = False

    async def ack(self) -> None:
        self.done = True


class Batches:
    """Applies batches of messages.

    Args:
        workers: of the consumers, by name.
        client: of the queues.
        settings: of this process.
    """

    def __init__(
        self, workers: Mapping[str, Worker], client: Client, settings: MessagingSettings
    ) -> None:
        self._workers = workers
        self._client = client
        self._prefix = f"{settings.broker_namespace}-"
        self._slots = asyncio.Semaphore(settings.consumer_concurrency)

    async def handle(self, records: Sequence[Record], seconds: float) -> list[str]:
        """Apply what can be applied in so many seconds; return the ids of the other messages."""
        tasks = [asyncio.create_task(self._settle(record)) for record in records]
        if tasks:
            await asyncio.wait(tasks, timeout=max(0.0, seconds))
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        return [
            record.message_id
            for record, done in zip(records, ended, strict=True)
            if done is not True
        ]

    async def _settle(self, record: Record) -> bool:
        """Tell whether a message is done with."""
        name, queue = self._queue(record.event_source_arn)
        delivery = _Delivery(
            self._client, queue, record.receipt_handle, record.body, record.attributes
        )
        async with self._slots:
            try:
                await self._workers[name].settle(delivery)
            except BrokerUnavailableError as error:
                _log.warning("queue_lost", error=str(error))
        return delivery.done

    def _queue(self, arn: str) -> tuple[str, str]:
        """Return the consumer of a queue, and the URL of the queue."""
        account, name = arn.split(":")[4:6]
        url = f"{self._client.place.url('sqs')}/{account}/{name}"
        return name.removeprefix(self._prefix), url


def worker_app(messaging: Messaging, settings: MessagingSettings) -> FastAPI:
    """Return the app of the function that Lambda gives the queues of the service."""
    make = messaging.consumers
    assert make is not None  # noqa: S101 - there is no command without consumers
    opened: list[Batches] = []

    @asynccontextmanager
    async def part(held: Resources) -> AsyncIterator[None]:
        metrics = ConsumerMetrics(held.metrics.registry)
        workers = {
            consumer.name: Worker(settings, messaging.connect, consumer, held.db, metrics)
            for consumer in make(held)
        }
        place = Place.of(settings.broker_url.get_secret_value())
        client = Client(place, settings.broker_timeout_ms / 1000)
        held.closing.push_async_callback(client.close)
        for worker in workers.values():
            await held.closing.enter_async_context(worker.sweeping())
        opened[:] = [Batches(workers, client, settings)]
        yield

    async def handle(event: dict[str, Any], context: Context) -> Mapping[str, Any]:
        records = [Record.model_validate(each) for each in event["Records"]]
        failed = await opened[0].handle(records, context.remaining_s() - _ANSWER_S)
        return {"batchItemFailures": [{"itemIdentifier": each} for each in failed]}

    return create_app(
        settings,
        title=f"{settings.service_name} worker",
        version="1.0.0",
        schema_version=messaging.schema_version,
        routers=[router(handle)],
        parts=[part],
    )


def relay_app(messaging: Messaging, settings: MessagingSettings) -> FastAPI:
    """Return the app of the function that publishes the outbox for as long as it may run."""
    relays: list[Relay] = []

    @asynccontextmanager
    async def part(held: Resources) -> AsyncIterator[None]:
        registry = held.metrics.registry
        relays[:] = [Relay(settings, messaging.connect, messaging.source, registry)]
        yield

    async def handle(_event: dict[str, Any], context: Context) -> Mapping[str, Any]:
        async with relays[0].running():
            await asyncio.sleep(context.remaining_s() - _STOP_S)
        return {}

    return create_app(
        settings,
        title=f"{settings.service_name} relay",
        version="1.0.0",
        schema_version=messaging.schema_version,
        routers=[router(handle)],
        parts=[part],
    )


def commands(messaging: Messaging, settings: ReadSettings) -> dict[str, Command]:
    """Return the functions of a service that have to do with events, by name."""
    found: dict[str, Command] = {}
    if messaging.topology.publishes:
        # Its lock belongs to a session, so it has to get to the database itself.
        own = {"redis_url": None, "db_pooler": False}
        found["relay"] = partial(_serve, relay_app, messaging, settings, own)
    if messaging.consumers is not None:
        found["worker"] = partial(_serve, worker_app, messaging, settings, {})
    return found


def _serve(
    app: Callable[[Messaging, MessagingSettings], FastAPI],
    messaging: Messaging,
    settings: ReadSettings,
    changes: Mapping[str, Any],
    _arguments: Sequence[str],
) -> int:
    def serve() -> None:
        own = settings().model_copy(update={**_LIMITS, **changes})
        run(partial(app, messaging, own), own)

    return start(serve)
