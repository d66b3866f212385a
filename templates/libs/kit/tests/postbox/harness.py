"""A postbox under test: its settings, its parts, what it has applied."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from kit.db import Database
from kit.messaging.broker import Broker
from kit.messaging.consumer import ConsumerMetrics, Worker
from kit.messaging.outbox import Relay, add
from postbox import NAME, TOPOLOGY, NoteWritten, Settings, adapter, consumers

PATIENCE_S = 60.0


@dataclass
class Postbox:
    """One service of its own: a database, and names of its own on the broker."""

    broker: str
    settings: Settings
    db: Database
    registry: CollectorRegistry

    @property
    def environment(self) -> dict[str, str]:
        """The settings of a process."""
        return {
            "ENVIRONMENT": "test",
            "BROKER": self.broker,
            "BROKER_URL": self.settings.broker_url.get_secret_value(),
            "BROKER_NAMESPACE": self.settings.broker_namespace,
            "DATABASE_URL": self.settings.database_url.get_secret_value(),
            "DB_STATEMENT_TIMEOUT_MS": str(self.settings.db_statement_timeout_ms),
            "DB_LOCK_TIMEOUT_MS": str(self.settings.db_lock_timeout_ms),
            "REQUEST_DEADLINE_MS": str(self.settings.request_deadline_ms),
            "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), *sys.path]),
        }

    def relay(self, registry: CollectorRegistry | None = None, **values: Any) -> Relay:
        """Return a relay with other settings than the usual."""
        settings = self.settings.model_copy(update=values)
        return Relay(settings, adapter(self.broker), "/test/postbox", registry or self.registry)

    def worker(self, **values: Any) -> Worker:
        """Return a worker with other settings than the usual."""
        settings = self.settings.model_copy(update=values)
        (consumer,) = consumers(None)  # type: ignore[arg-type]  # it needs no resources
        metrics = ConsumerMetrics(self.registry)
        return Worker(settings, adapter(self.broker), consumer, self.db, metrics)

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Broker]:
        """Connect to the broker."""
        connect, settings = adapter(self.broker), self.settings
        url, namespace = settings.broker_url.get_secret_value(), settings.broker_namespace
        async with connect(url, namespace=namespace, timeout_s=20) as broker:
            yield broker

    async def declare(self) -> None:
        """Create the topology."""
        async with self.connected() as broker:
            await broker.declare(TOPOLOGY)

    async def write(self, *texts: str) -> None:
        """Write notes, each in a transaction of its own."""
        for text in texts:
            async with self.db.transaction() as tx:
                await add(tx, NoteWritten(text=text), subject=text)

    async def applied(self) -> list[str]:
        """Return the notes that were kept, in the order of their names."""
        rows = await self.db.fetch("SELECT text FROM applied ORDER BY text")
        return [row["text"] for row in rows]

    async def until_applied(self, *texts: str) -> None:
        """Wait until these notes were kept; each once, and no other."""
        await until(self.applied, sorted(texts))

    async def pending(self) -> int:
        """Return how many events wait in the outbox."""
        count: int = await self.db.fetchval(
            "SELECT count(*) FROM outbox WHERE published_at IS NULL"
        )
        return count

    def count(self, name: str, **labels: str) -> float:
        """Return the value of a metric."""
        return value_of(self.registry, name, **labels)

    def outcomes(self, outcome: str) -> float:
        """Return how many deliveries came to that end."""
        name = "consumer_events_total"
        return self.count(name, consumer=NAME, event="note.written", outcome=outcome)


def value_of(registry: CollectorRegistry, name: str, **labels: str) -> float:
    """Return the value of a metric of a registry."""
    return registry.get_sample_value(name, labels) or 0.0


async def until(look: Callable[[], Awaitable[Any]], wanted: object) -> None:
    """Wait until something is as it should be."""
    end = time.monotonic() + PATIENCE_S
    while True:
        found = await look()
        if found == wanted or time.monotonic() > end:
            break
        await asyncio.sleep(0.05)
    assert found == wanted
