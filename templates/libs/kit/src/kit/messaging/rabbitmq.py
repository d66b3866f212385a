"""RabbitMQ: one topic exchange, a quorum queue for each reader, a stream for each type of event.

| what | name |
|---|---|
| exchange; the routing key is the type | `shop.events` |
| everything of a type, for as long as it is kept | stream `shop.events.order.placed` |
| what a consumer has still to read | queue `shop.queue.payment` |
| what waits for another try, then goes back | queue `shop.retry.payment` |
| dead letters of a consumer | queue `shop.dead.payment` |

The stream takes every event, so an event without any queue means that the topology is missing; it
is refused then, and stays in the outbox.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import aio_pika
from aio_pika.abc import (
    AbstractChannel,
    AbstractConnection,
    AbstractIncomingMessage,
    DeliveryMode,
    ExchangeType,
)
from aio_pika.exceptions import CONNECTION_EXCEPTIONS, ChannelPreconditionFailed

from kit.logs import get_logger
from kit.messaging.broker import (
    ATTEMPT,
    CONTENT_TYPE,
    REASON,
    TYPE,
    BrokerUnavailableError,
    Delivery,
    Message,
    drain,
)
from kit.messaging.topology import Queue, Topic, Topology

_HEARTBEAT_S = 10
_SEGMENT_BYTES = 100_000_000
_SEGMENTS = 4  # a stream forgets a whole segment at a time
_REASON_CHARACTERS = 1000

_log = get_logger(__name__)


class _Delivery:
    """A message of a queue."""

    def __init__(
        self, broker: "RabbitBroker", consumer: str, message: AbstractIncomingMessage
    ) -> None:
        headers = message.headers
        self._broker = broker
        self._consumer = consumer
        self._message = message
        self.type = _type(message)
        self.body = message.body
        returned = headers.get("x-delivery-count", 0)  # by a worker that died, say
        self.attempt = _number(headers.get(ATTEMPT, 1)) + _number(returned)

    async def ack(self) -> None:
        with _translated():
            await self._message.ack()

    async def retry(self, delay_s: float) -> None:
        headers = {TYPE: self.type, ATTEMPT: self.attempt + 1}
        await self._move("retry", headers, expiration=delay_s)

    async def bury(self, reason: str) -> None:
        short = reason[:_REASON_CHARACTERS]
        await self._move("dead", {TYPE: self.type, ATTEMPT: self.attempt, REASON: short})

    async def _move(
        self, kind: str, headers: Mapping[str, Any], expiration: float | None = None
    ) -> None:
        with _translated():
            queue = self._broker.queue(kind, self._consumer)
            await self._broker.put(queue, self.body, headers, expiration)
            await self._message.ack()


class RabbitBroker:
    """A connection to RabbitMQ; `connect` opens it."""

    def __init__(
        self,
        connection: AbstractConnection,
        channel: AbstractChannel,
        namespace: str,
        timeout_s: float,
    ) -> None:
        self._connection = connection
        self._channel = channel
        self._namespace = namespace
        self._timeout_s = timeout_s
        self._exchange = f"{namespace}.events"

    def queue(self, kind: str, consumer: str) -> str:
        """Return the name of a queue of a consumer."""
        return f"{self._namespace}.{kind}.{consumer}"

    async def publish(self, messages: Sequence[Message]) -> None:
        """Send all, and then wait for the confirmation of each."""
        with _translated():
            exchange = await self._channel.get_exchange(self._exchange, ensure=False)
            sent = [
                exchange.publish(_persistent(message), message.type, mandatory=True)
                for message in messages
            ]
            async with asyncio.timeout(self._timeout_s):
                await asyncio.gather(*sent)

    async def put(
        self, queue: str, body: bytes, headers: Mapping[str, Any], expiration: float | None = None
    ) -> None:
        """Put a message into a queue; returns when it is stored there."""
        message = aio_pika.Message(
            body,
            headers=dict(headers),
            content_type=CONTENT_TYPE,
            delivery_mode=DeliveryMode.PERSISTENT,
            expiration=expiration,
        )
        exchange = self._channel.default_exchange
        await exchange.publish(message, queue, mandatory=True, timeout=self._timeout_s)

    @asynccontextmanager
    async def deliveries(
        self,
        consumer: str,
        types: Sequence[str],  # noqa: ARG002 - the queue is bound to them
        *,
        prefetch: int,
    ) -> AsyncIterator[AsyncIterator[Delivery]]:
        """Consume the queue on a channel of its own."""
        arrived: asyncio.Queue[Delivery | BrokerUnavailableError] = asyncio.Queue()

        async def receive(message: AbstractIncomingMessage) -> None:
            arrived.put_nowait(_Delivery(self, consumer, message))

        def lost(_channel: object, error: BaseException | None) -> None:
            arrived.put_nowait(BrokerUnavailableError(f"RabbitMQ: {error!r}"))

        with _translated():
            channel = await self._connection.channel()
            channel.close_callbacks.add(lost)
            await channel.set_qos(prefetch_count=prefetch)
            queue = await channel.get_queue(self.queue("queue", consumer), ensure=False)
            await queue.consume(receive, timeout=self._timeout_s)
        try:
            yield drain(arrived)
        finally:  # what is not acknowledged by now goes back to the queue
            with suppress(*CONNECTION_EXCEPTIONS, TimeoutError):
                async with asyncio.timeout(self._timeout_s):
                    await channel.close()

    async def declare(self, topology: Topology) -> None:
        """Create what is missing; the arguments of a queue that is there cannot be changed."""
        with _translated():
            await self._channel.declare_exchange(self._exchange, ExchangeType.TOPIC, durable=True)
            for topic in (*topology.publishes, *topology.foreign):
                name = f"{self._exchange}.{topic.type}"
                await self._declare(name, _stream(topic, topology.replicas))
                await self._bind(name, topic)
            for queue in topology.queues:
                await self._declare_queue(queue, topology.replicas)

    async def _declare_queue(self, queue: Queue, replicas: int) -> None:
        main, retry, dead = (
            self.queue(kind, queue.consumer) for kind in ("queue", "retry", "dead")
        )
        quorum = {"x-queue-type": "quorum", "x-quorum-initial-group-size": replicas}
        safe = {"x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish"}
        lifetime_ms = queue.dead_letter_retention_s * 1000
        await self._declare(dead, {**quorum, "x-message-ttl": lifetime_ms})
        await self._declare(main, {**quorum, **safe, **_dead_letters_to(dead)})
        await self._declare(retry, {**quorum, **safe, **_dead_letters_to(main)})
        for topic in queue.topics:
            await self._bind(main, topic)

    async def _declare(self, name: str, arguments: Mapping[str, Any]) -> None:
        channel = await self._connection.channel()
        try:
            await channel.declare_queue(name, durable=True, arguments=dict(arguments))
        except ChannelPreconditionFailed as error:
            _log.warning("queue_differs", queue=name, error=str(error))
        finally:
            await channel.close()

    async def _bind(self, name: str, topic: Topic) -> None:
        queue = await self._channel.get_queue(name, ensure=False)
        await queue.bind(self._exchange, topic.type)

    async def redrive(self, consumer: str, most: int) -> int:
        """Move the dead letters that are there now; what dies again meanwhile stays."""
        moved = 0
        with _translated():
            name = self.queue("dead", consumer)
            dead = await self._channel.declare_queue(name, durable=True, passive=True)
            most = min(most, dead.declaration_result.message_count or 0)
            while moved < most:
                message = await dead.get(fail=False, timeout=self._timeout_s)
                if message is None:
                    break
                headers = {TYPE: _type(message)}
                await self.put(self.queue("queue", consumer), message.body, headers)
                await message.ack()
                moved += 1
        return moved


@asynccontextmanager
async def connect(url: str, *, namespace: str, timeout_s: float) -> AsyncIterator[RabbitBroker]:
    """Connect for as long as the block lasts."""
    with _translated():
        connection = await aio_pika.connect(url, timeout=timeout_s, heartbeat=_HEARTBEAT_S)
    try:
        with _translated():
            async with asyncio.timeout(timeout_s):
                channel = await connection.channel(on_return_raises=True)
        yield RabbitBroker(connection, channel, namespace, timeout_s)
    finally:
        with suppress(*CONNECTION_EXCEPTIONS, TimeoutError):
            async with asyncio.timeout(timeout_s):
                await connection.close()


def _persistent(message: Message) -> aio_pika.Message:
    return aio_pika.Message(
        message.body,
        message_id=message.id,
        content_type=CONTENT_TYPE,
        delivery_mode=DeliveryMode.PERSISTENT,
    )


def _type(message: AbstractIncomingMessage) -> str:
    """Return the type of the event: a message that was moved carries it along."""
    return str(message.headers.get(TYPE) or message.routing_key or "")


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _stream(topic: Topic, replicas: int) -> dict[str, Any]:
    return {
        "x-queue-type": "stream",
        "x-initial-cluster-size": replicas,
        "x-max-age": f"{topic.retention_s}s",
        "x-max-length-bytes": topic.max_bytes,
        "x-stream-max-segment-size-bytes": min(topic.max_bytes // _SEGMENTS, _SEGMENT_BYTES),
    }


def _dead_letters_to(queue: str) -> dict[str, Any]:
    return {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": queue}


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (*CONNECTION_EXCEPTIONS, TimeoutError) as error:
        msg = f"RabbitMQ: {error!r}"
        raise BrokerUnavailableError(msg) from error
