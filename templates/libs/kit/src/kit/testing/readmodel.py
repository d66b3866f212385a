"""A read model in tests: kept by the service's own worker, and up to date whenever a list is read."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import uuid4

import asyncpg
import httpx2

from kit.db import register_json
from kit.messaging.events import Event, sequence
from kit.messaging.service import Messaging, worker_app
from kit.messaging.settings import MessagingSettings
from kit.testing.events import Document, Postbox
from kit.testing.service import in_process

_ROWS = """
SELECT position, id, type, dataversion, subject, data, occurred_at FROM outbox
WHERE type = ANY($1) AND ($2::text IS NULL OR subject = $2)
    AND ($2 IS NOT NULL OR NOT EXISTS (
        SELECT FROM inbox WHERE consumer = $3 AND event_id = outbox.id
    ))
ORDER BY position
"""


class Projection:
    """Brings events to the read model, one at a time and in any order that a test wants."""

    def __init__(
        self,
        connection: "asyncpg.Connection[asyncpg.Record]",
        postbox: Postbox,
        messaging: Messaging,
    ) -> None:
        self._connection = connection
        self._postbox = postbox
        self._source = messaging.source
        self._queue = next(
            queue for queue in messaging.topology.queues if queue.consumer.endswith("-read-model")
        )
        self._lock = asyncio.Lock()

    async def events(self, subject: str | None = None) -> list[Document]:
        """Return the events about a record, or those that were not applied yet, oldest first."""
        types = [topic.type for topic in self._queue.topics]
        async with self._lock:
            rows = await self._connection.fetch(_ROWS, types, subject, self._queue.consumer)
        return [self._event(row).model_dump(mode="json", exclude={"traceparent"}) for row in rows]

    def _event(self, row: asyncpg.Record) -> Event[Any]:
        return Event[Any](
            id=row["id"],
            source=self._source,
            type=row["type"],
            subject=row["subject"],
            time=row["occurred_at"],
            dataversion=row["dataversion"],
            sequence=sequence(row["position"]),
            data=row["data"],
        )

    async def apply(self, event: Document, *, again: bool = False) -> None:
        """Have the worker apply an event; again: as one that the inbox does not know."""
        outcome = await self._postbox.deliver(event | ({"id": str(uuid4())} if again else {}))
        assert outcome == "applied", outcome  # noqa: S101

    async def settle(self) -> None:
        """Apply whatever waits."""
        for event in await self.events():
            await self.apply(event)


@asynccontextmanager
async def projecting(
    messaging: Messaging, settings: MessagingSettings
) -> AsyncIterator[Projection]:
    """Run the worker as long as the block lasts; give what brings it events."""
    postbox = Postbox()
    connection = await asyncpg.connect(settings.database_url.get_secret_value())
    try:
        await register_json(connection)
        async with in_process(worker_app(replace(messaging, connect=postbox.connect), settings)):
            yield Projection(connection, postbox, messaging)
    finally:
        await connection.close()


def settle_before(
    client: httpx2.AsyncClient, projection: Projection, paths: Collection[str]
) -> None:
    """Have each of the client's lists show everything that was written before."""

    async def settle(request: httpx2.Request) -> None:
        if request.method == "GET" and request.url.path in paths:
            await projection.settle()

    client.event_hooks = {"request": [settle]}
