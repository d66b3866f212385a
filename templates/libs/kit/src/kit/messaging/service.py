"""The processes of a service that have to do with events.

    python -m <package> relay      publish the outbox
    python -m <package> worker     apply the events that the service consumes
    python -m <package> topology   create what the service needs on the broker
    python -m <package> redrive    move dead letters back to where they were to be applied
    python -m <package> rebuild    make the tables for reading what the records are, if it has any

The first two answer the same probes as the API and stop, on SIGTERM, without losing anything.
"""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from fastapi import FastAPI

from kit.app import Part, create_app
from kit.command import Command
from kit.db import Database
from kit.messaging.broker import Broker, BrokerUnavailableError, Connect
from kit.messaging.consumer import Consumer, ConsumerMetrics, Worker
from kit.messaging.outbox import Relay
from kit.messaging.settings import MessagingSettings
from kit.messaging.topology import Topology
from kit.metrics import Metrics
from kit.readmodel import ReadModel, sweep_tombstones
from kit.resources import Resources
from kit.server import run

_RETRY_S = 0.5

ReadSettings = Callable[[], MessagingSettings]


@dataclass(frozen=True, slots=True)
class Messaging:
    """What a service has to do with events.

    Args:
        connect: of the adapter of the broker.
        source: of its events, like "/shop/order".
        schema_version: newest migration of this build.
        topology: what it needs on the broker.
        consumers: makes what reads events; handlers may use the resources of the process.
        read_models: tables that events keep.
    """

    connect: Connect
    source: str
    schema_version: str
    topology: Topology
    consumers: Callable[[Resources], Sequence[Consumer]] | None = None
    read_models: Sequence[ReadModel[Any, Any]] = ()

    def commands(self, settings: ReadSettings) -> dict[str, Command]:
        """Return the commands of the service by name, for `kit.command.main`."""
        found: dict[str, Command] = {"topology": partial(_topology, self, settings)}
        if self.topology.publishes:
            found["relay"] = partial(_relay, self, settings)
        if self.consumers is not None:
            found["worker"] = partial(_worker, self, settings)
            found["redrive"] = partial(_redrive, self, settings)
        if self.read_models:
            found["rebuild"] = partial(_rebuild, self, settings)
        return found


def relay_app(messaging: Messaging, settings: MessagingSettings) -> FastAPI:
    """Return the relay as an app that has probes and nothing else."""

    @asynccontextmanager
    async def part(held: Resources) -> AsyncIterator[None]:
        relay = Relay(settings, messaging.connect, messaging.source, held.metrics.registry)
        held.health.depend("broker", lambda: relay.broker_available)
        async with relay.running():
            yield

    return _app(messaging, settings, "relay", part)


def worker_app(messaging: Messaging, settings: MessagingSettings) -> FastAPI:
    """Return the worker of every consumer of the service, as an app of the same kind."""
    make = messaging.consumers
    assert make is not None  # noqa: S101 - there is no command without consumers

    @asynccontextmanager
    async def part(held: Resources) -> AsyncIterator[None]:
        metrics = ConsumerMetrics(held.metrics.registry)
        workers = [
            Worker(settings, messaging.connect, consumer, held.db, metrics)
            for consumer in make(held)
        ]
        held.health.depend("broker", lambda: all(worker.broker_available for worker in workers))
        async with AsyncExitStack() as stack:
            for worker in workers:
                await stack.enter_async_context(worker.running())
            if messaging.read_models:
                sweeping = sweep_tombstones(
                    messaging.read_models, held.db, settings.inbox_retention_s
                )
                stack.callback(asyncio.create_task(sweeping).cancel)
            yield

    return _app(messaging, settings, "worker", part)


def _app(messaging: Messaging, settings: MessagingSettings, role: str, part: Part) -> FastAPI:
    return create_app(
        settings,
        title=f"{settings.service_name} {role}",
        version="1.0.0",
        schema_version=messaging.schema_version,
        routers=[],
        parts=[part],
    )


def _relay(messaging: Messaging, settings: ReadSettings, arguments: Sequence[str]) -> int:
    _parser("relay", "Publish the outbox until a signal.").parse_args(arguments)
    # Nobody sends it requests, it reads no record, and it works on a connection of its own; the pool
    # is for the probes.
    changes = {"drain_delay_s": 0.0, "db_pool_min": 1, "db_pool_max": 1, "redis_url": None}
    own = settings().model_copy(update=changes)
    run(partial(relay_app, messaging, own), own)
    return 0


def _worker(messaging: Messaging, settings: ReadSettings, arguments: Sequence[str]) -> int:
    _parser("worker", "Apply events until a signal.").parse_args(arguments)
    own = settings().model_copy(update={"drain_delay_s": 0.0})
    run(partial(worker_app, messaging, own), own)
    return 0


def _topology(messaging: Messaging, settings: ReadSettings, arguments: Sequence[str]) -> int:
    parser = _parser("topology", "Create what the service needs on the broker; may be repeated.")
    parser.parse_args(arguments)

    own = settings()
    topology = replace(messaging.topology, replicas=own.broker_copies)

    async def declare(broker: Broker) -> str:
        await broker.declare(topology)
        names = [topic.type for topic in topology.publishes]
        names += [queue.consumer for queue in topology.queues]
        return f"declared {', '.join(names)}"

    return asyncio.run(_with_broker(messaging, own, declare))


def _redrive(messaging: Messaging, settings: ReadSettings, arguments: Sequence[str]) -> int:
    consumers = [queue.consumer for queue in messaging.topology.queues]
    parser = _parser("redrive", "Move dead letters back to the consumer that they belong to.")
    parser.add_argument("--consumer", choices=consumers, action="append", help="default: all")
    parser.add_argument("--most", type=int, default=1_000_000, help="of one consumer; default: all")
    chosen = parser.parse_args(arguments)

    async def move(broker: Broker) -> str:
        lines = []
        for consumer in chosen.consumer or consumers:
            moved = await broker.redrive(consumer, chosen.most)
            lines.append(f"{consumer}: moved {moved}")
        return "\n".join(lines)

    return asyncio.run(_with_broker(messaging, settings(), move))


def _rebuild(messaging: Messaging, settings: ReadSettings, arguments: Sequence[str]) -> int:
    parser = _parser("rebuild", "Make the tables for reading what the records are, while in use.")
    parser.add_argument("--batch", type=int, default=500, help="records at a time; default: 500")
    chosen = parser.parse_args(arguments)
    own = settings().model_copy(update={"db_pool_min": 1, "db_pool_max": 1})

    async def rebuild() -> None:
        db = await Database.open(own, Metrics(own.slo_latency_ms))
        try:
            for model in messaging.read_models:
                done = await model.rebuild(db, chosen.batch)
                sys.stdout.write(
                    f"{model.name}: {done.records} records, {done.written} rows written, "
                    f"{done.removed} removed\n"
                )
        finally:
            await db.close()

    asyncio.run(rebuild())
    return 0


async def _with_broker(
    messaging: Messaging,
    settings: MessagingSettings,
    work: Callable[[Broker], Coroutine[Any, Any, str]],
) -> int:
    """Do something idempotent on the broker, which may start after us; print what was done."""
    loop = asyncio.get_running_loop()
    end = loop.time() + settings.startup_timeout_s
    while True:
        try:
            async with messaging.connect(
                settings.broker_url.get_secret_value(),
                namespace=settings.broker_namespace,
                timeout_s=settings.broker_timeout_ms / 1000,
            ) as broker:
                sys.stdout.write(f"{await work(broker)}\n")
                return 0
        except BrokerUnavailableError as error:
            if loop.time() + _RETRY_S > end:
                sys.stderr.write(f"error: {error}\n")
                return 1
        await asyncio.sleep(_RETRY_S)


def _parser(command: str, text: str) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(prog=command, description=text)
