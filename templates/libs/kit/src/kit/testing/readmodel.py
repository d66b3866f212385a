"""A read model in tests: kept by the service's own worker, and up to date whenever a list is read."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
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

_PATIENCE_S = 30.0
_LOOKING = "kit.testing.readmodel"  # marks the requests that look what a list shows


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


class _Writes:
    """What a client wrote and one of its lists does not show yet."""

    def __init__(self, client: httpx2.AsyncClient, path: str) -> None:
        self._client = client
        self._path = path
        self._changed: dict[str, datetime] = {}  # by id
        self._deleted: set[str] = set()
        self._gone: set[str] = set()  # nothing brings them back

    def stored(self, record: dict[str, Any]) -> None:
        if record["id"] not in self._gone:
            self._changed[record["id"]] = datetime.fromisoformat(record["updated_at"])

    def deleted(self, identity: str) -> None:
        self._changed.pop(identity, None)
        self._deleted.add(identity)
        self._gone.add(identity)

    async def shown(self) -> None:
        """Wait until the list shows all of it."""
        async with asyncio.timeout(_PATIENCE_S):
            while self._changed or self._deleted:
                listed = await self._listed()
                self._deleted.intersection_update(listed)
                for identity, changed in list(self._changed.items()):
                    if identity in listed and listed[identity] >= changed:
                        self._changed.pop(identity, None)

    async def _listed(self) -> dict[str, datetime]:
        found: dict[str, datetime] = {}
        query: dict[str, Any] = {"limit": 100}
        while query:
            answer = await self._client.get(self._path, params=query, extensions={_LOOKING: True})
            page = answer.raise_for_status().json()
            found |= {
                item["id"]: datetime.fromisoformat(item["updated_at"]) for item in page["items"]
            }
            query = query | {"cursor": page["next_cursor"]} if page["next_cursor"] else {}
        return found


def wait_for_writes(client: httpx2.AsyncClient, paths: Collection[str]) -> None:
    """Have each of the client's lists show everything that the client wrote before.

    For a system that runs: its worker applies a write some time after it was answered.
    """
    writes = {path: _Writes(client, path) for path in paths}

    async def note(response: httpx2.Response) -> None:
        path, method = response.request.url.path, response.request.method
        collection, _, identity = path.rpartition("/")
        if not response.is_success or method == "GET":
            return
        if method == "DELETE" and collection in writes:
            writes[collection].deleted(identity)
        elif path in writes or collection in writes:
            await response.aread()
            writes[path if path in writes else collection].stored(response.json())

    async def settle(request: httpx2.Request) -> None:
        list_of = writes.get(request.url.path)
        if request.method == "GET" and list_of and _LOOKING not in request.extensions:
            await list_of.shown()

    client.event_hooks = {"request": [settle], "response": [note]}
