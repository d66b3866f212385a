"""A broker inside the test, and the contract that events keep."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import yaml
from openapi_schema_validator import OAS31Validator

from kit.messaging.broker import BrokerUnavailableError, Delivery, Message
from kit.messaging.topology import Topology
from kit.testing.records import Effect

Document = dict[str, Any]

_PATIENCE_S = 30.0
_LOOK_S = 0.02


@dataclass(frozen=True, slots=True)
class Published:
    """An event of the service, and the request after which it is published.

    Args:
        event: its name.
        path: of the records that it is about.
        operation: create, update or delete.
        values: what the record is created with.
    """

    event: str
    path: str
    operation: str
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Consumed:
    """An event of another service that this one reacts to.

    Args:
        event: its name.
        fresh: members of its data that name records of other services.
        effect: what it does here, if the API shows that.
    """

    event: str
    fresh: Sequence[str] = ()
    effect: Effect | None = None


class Letter:
    """A delivery that a test waits for; what is to be tried again comes at once."""

    def __init__(self, queue: "asyncio.Queue[Delivery]", kind: str, body: bytes) -> None:
        self._queue = queue
        self.type = kind
        self.body = body
        self.attempt = 1
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def ack(self) -> None:
        """Note that it is done with."""
        self.ended.set_result("applied")

    async def retry(self, delay_s: float) -> None:  # noqa: ARG002 - nobody waits in a test
        """Deliver it again."""
        self.attempt += 1
        self._queue.put_nowait(self)

    async def bury(self, reason: str) -> None:
        """Note why it is among the dead letters."""
        self.ended.set_result(f"dead: {reason}")


class Postbox:
    """Stands for the broker: `connect` is what the service gets in the place of an adapter's.

    Args:
        down: whether nobody reaches it.
        unconfirmed: how many batches are still to be stored without the publisher's knowing.
    """

    def __init__(self, *, down: bool = False, unconfirmed: int = 0) -> None:
        self.down = down
        self.unconfirmed = unconfirmed
        self.published: list[Message] = []
        self._readers: dict[str, tuple[frozenset[str], asyncio.Queue[Delivery]]] = {}

    @asynccontextmanager
    async def connect(
        self,
        url: str,  # noqa: ARG002 - there is only this one
        *,
        namespace: str,  # noqa: ARG002
        timeout_s: float,  # noqa: ARG002
    ) -> AsyncIterator["Postbox"]:
        """Open it, unless it is down."""
        if self.down:
            raise BrokerUnavailableError("down")
        yield self

    async def publish(self, messages: Sequence[Message]) -> None:
        """Store messages."""
        self.published += messages
        if self.unconfirmed:
            self.unconfirmed -= 1
            raise BrokerUnavailableError("the confirmation is lost")

    @asynccontextmanager
    async def deliveries(
        self,
        consumer: str,
        types: Sequence[str],
        *,
        prefetch: int,  # noqa: ARG002
    ) -> AsyncIterator[AsyncIterator[Delivery]]:
        """Hand out the letters as they come."""
        queue: asyncio.Queue[Delivery] = asyncio.Queue()
        self._readers[consumer] = frozenset(types), queue

        async def letters() -> AsyncIterator[Delivery]:
            while True:
                yield await queue.get()

        yield letters()

    async def declare(self, topology: Topology) -> None:
        """Need nothing."""

    async def redrive(self, consumer: str, most: int) -> int:  # noqa: ARG002
        """Keep no dead letters."""
        return 0

    async def deliver(self, event: Document) -> str:
        """Deliver an event to who reads its type; return what became of it."""
        kind = event["type"]
        await until(lambda: any(kind in types for types, _ in self._readers.values()))
        queue = next(queue for types, queue in self._readers.values() if kind in types)
        letter = Letter(queue, kind, json.dumps(event).encode())
        queue.put_nowait(letter)
        return await asyncio.wait_for(letter.ended, _PATIENCE_S)

    async def find(self, kind: str, subject: str, *, times: int = 1) -> list[Message]:
        """Wait until an event about a record has been published so often; return each time."""

        def found() -> list[Message]:
            return [each for each in self.published if (each.type, each.key) == (kind, subject)]

        await until(lambda: len(found()) >= times)
        return found()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that happens in another task."""
    async with asyncio.timeout(_PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(_LOOK_S)


class Contract:
    """The AsyncAPI document of the system."""

    def __init__(self, file: Path) -> None:
        self._document: Document = yaml.safe_load(file.read_text(encoding="utf-8"))
        messages: dict[str, Document] = self._document["components"]["messages"]
        self._messages = {message["name"]: message for message in messages.values()}

    def problems(self, kind: str, event: Document) -> list[str]:
        """Return where an event differs from its schema: what is required, and of which type."""
        schema = {**self._messages[kind]["payload"], "components": self._document["components"]}
        return [error.message for error in OAS31Validator(schema).iter_errors(event)]

    def example(self, consumed: Consumed) -> Document:
        """Return the example of an event, told of records that are new."""
        (example,) = self._messages[consumed.event]["examples"]
        event: Document = json.loads(json.dumps(example["payload"]))
        event["id"] = str(uuid4())
        event["data"] |= {name: str(uuid4()) for name in ("id", *consumed.fresh)}
        event["subject"] = event["data"]["id"]
        return event
