"""Events between the modules of one process: relays and workers beside the routes of each.

Events wait in PostgreSQL, in a schema of their own, so none is lost with the process; and several
processes of a system share the work.
"""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from kit.host import Part, Schema
from kit.messaging import postgresql
from kit.messaging.broker import Broker
from kit.messaging.consumer import ConsumerMetrics, Worker
from kit.messaging.outbox import Relay
from kit.messaging.service import Messaging
from kit.messaging.settings import MessagingSettings
from kit.resources import Resources
from kit.settings import secret

_TIMEOUT_S = 10.0


class Shared:
    """One pool of connections for all modules, open as long as one of them uses it."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._users = 0
        self._stack = AsyncExitStack()
        self._broker: Broker

    @asynccontextmanager
    async def connect(self, url: str, *, namespace: str, timeout_s: float) -> AsyncIterator[Broker]:
        """Connect for as long as the block lasts, together with everybody else."""
        async with self._lock:
            if not self._users:
                opened = postgresql.connect(url, namespace=namespace, timeout_s=timeout_s)
                self._broker = await self._stack.enter_async_context(opened)
            self._users += 1
        try:
            yield self._broker
        finally:
            async with self._lock:
                self._users -= 1
                if not self._users:
                    await self._stack.aclose()


class Events:
    """The events of all modules.

    Args:
        namespace: keeps systems apart that share a schema; BROKER_NAMESPACE wins over it.
    """

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self._shared = Shared()
        self._known: list[Messaging] = []

    @property
    def schema(self) -> Schema:
        """Where events wait."""
        return Schema("kit_events", "kit_events", ("broker_url",), postgresql.MIGRATIONS)

    def of(self, messaging: Messaging, settings: Callable[[], MessagingSettings]) -> Part:
        """Return what publishes the events of a module and applies those that it consumes."""
        self._known.append(messaging)

        @asynccontextmanager
        async def part(held: Resources) -> AsyncIterator[None]:
            own, registry, connect = settings(), held.metrics.registry, self._shared.connect
            async with AsyncExitStack() as stack:
                workers: list[Worker] = []
                if messaging.consumers is not None:
                    metrics = ConsumerMetrics(registry)
                    consumers = messaging.consumers(held)
                    workers = [Worker(own, connect, each, held.db, metrics) for each in consumers]
                for worker in workers:
                    await stack.enter_async_context(worker.running())
                if messaging.topology.publishes:
                    relay = Relay(own, connect, messaging.source, registry)
                    await stack.enter_async_context(relay.running())
                held.health.depend("events", lambda: all(each.broker_available for each in workers))
                yield

        return part

    async def declare(self) -> None:
        """Enter into the tables who reads what."""
        async with self._connected() as broker:
            for messaging in self._known:
                await broker.declare(messaging.topology)

    def redrive(self, arguments: Sequence[str]) -> int:
        """Run the command that makes dead letters due again."""
        consumers = [queue.consumer for each in self._known for queue in each.topology.queues]
        parser = argparse.ArgumentParser(prog="redrive", description="Make dead letters due again.")
        parser.add_argument("--consumer", choices=consumers, action="append", help="default: all")
        parser.add_argument(
            "--most", type=int, default=1_000_000, help="of one consumer; default: all"
        )
        chosen = parser.parse_args(arguments)

        async def move() -> None:
            async with self._connected() as broker:
                for consumer in chosen.consumer or consumers:
                    moved = await broker.redrive(consumer, chosen.most)
                    sys.stdout.write(f"{consumer}: moved {moved}\n")

        asyncio.run(move())
        return 0

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Broker]:
        url = secret("broker_url") or ""
        namespace = secret("broker_namespace") or self._namespace
        async with postgresql.connect(url, namespace=namespace, timeout_s=_TIMEOUT_S) as broker:
            yield broker
