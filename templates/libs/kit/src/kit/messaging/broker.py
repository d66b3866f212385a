"""What messaging asks of a broker. The adapter of the one in use lies beside this file."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from kit.messaging.topology import Topology

CONTENT_TYPE = "application/cloudevents+json"

# Headers that travel with a message that is not where it was published.
TYPE = "x-event-type"
ATTEMPT = "x-attempt"
REASON = "x-dead-reason"


class BrokerUnavailableError(Exception):
    """The broker cannot be reached, or refuses for now; worth another try in a moment."""


@dataclass(frozen=True, slots=True)
class Message:
    """Something to publish.

    Args:
        id: the same for every try, by which a broker that can do so drops repetitions.
        type: of the event; names the topic.
        key: messages of one key stay in order, where the broker divides topics.
        body: the event as JSON.
    """

    id: str
    type: str
    key: str
    body: bytes


class Delivery(Protocol):
    """A message on its way through a consumer; exactly one of `ack`, `retry`, `bury` ends it.

    Each of them may raise BrokerUnavailableError: the message is then delivered again, by the next
    connection at the latest.
    """

    @property
    def type(self) -> str:
        """Of the event, as the topic says it."""
        ...

    @property
    def body(self) -> bytes:
        """The event as JSON, unless it is something else that somebody sent."""
        ...

    @property
    def attempt(self) -> int:
        """Which try this is, from 1."""
        ...

    async def ack(self) -> None:
        """Say that it is done with."""
        ...

    async def retry(self, delay_s: float) -> None:
        """Have it delivered again after a while; others are not held up by it."""
        ...

    async def bury(self, reason: str) -> None:
        """Put it among the dead letters of its consumer."""
        ...


class Broker(Protocol):
    """A connection. A broken one is not mended: whoever uses it opens another."""

    async def publish(self, messages: Sequence[Message]) -> None:
        """Publish in this order; returns when the broker has stored every one.

        Raises:
            BrokerUnavailableError: some may have been stored all the same.
        """
        ...

    def deliveries(
        self, consumer: str, types: Sequence[str], *, prefetch: int
    ) -> AbstractAsyncContextManager[AsyncIterator[Delivery]]:
        """Consume; what is not ended when the block is left is delivered again.

        The iterator raises BrokerUnavailableError when the connection is lost.

        Args:
            consumer: as the topology names it.
            types: of the events to read.
            prefetch: how many messages to have at hand before they are asked for.
        """
        ...

    async def declare(self, topology: Topology) -> None:
        """Create what is missing and change what differs, as far as the broker can."""
        ...

    async def redrive(self, consumer: str, most: int) -> int:
        """Move dead letters back to their consumer, at most so many; return how many."""
        ...


class Connect(Protocol):
    """Opens a connection; the function `connect` of the adapter."""

    def __call__(
        self, url: str, *, namespace: str, timeout_s: float
    ) -> AbstractAsyncContextManager[Broker]:
        """Connect for as long as the block lasts.

        Args:
            url: of the broker, with user and password.
            namespace: the first part of every name on the broker; systems that share it differ.
            timeout_s: of each operation.

        Raises:
            BrokerUnavailableError: it cannot be reached.
        """
        ...


async def drain(
    queue: "asyncio.Queue[Delivery | BrokerUnavailableError]",
) -> AsyncIterator[Delivery]:
    """Iterate over what tasks of an adapter put into a queue, up to the error of one of them."""
    while True:
        item = await queue.get()
        if isinstance(item, BrokerUnavailableError):
            raise item
        yield item
