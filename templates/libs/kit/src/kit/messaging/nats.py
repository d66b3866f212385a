"""NATS JetStream: a stream for each type of event, a durable pull consumer for each reader.

| what | name |
|---|---|
| stream of a type, and its subject | `shop-events-order-placed`, `shop.events.order.placed` |
| dead letters of a consumer | `shop-dead-payment`, `shop.dead.payment` |
| what redrive moved back | `shop-redrive-payment`, `shop.redrive.payment` |

A message that is published twice within two minutes, by its `Nats-Msg-Id`, is stored once.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error
from nats.js import JetStreamContext
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    Header,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)
from nats.js.errors import NotFoundError

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

_ACK_WAIT_S = 15.0
_EXTEND_S = _ACK_WAIT_S / 3
_ACK_PENDING = 5000  # events that wait for another try count
_PULL_S = 30.0
_PING_S = 5
_NO_MORE = ("404", "408")  # statuses of a pull that nothing came of, or not everything
_DUPLICATES_S = 120.0
_MOVE = 100
_REASON_CHARACTERS = 1000


class _Delivery:
    """A message of a stream."""

    def __init__(self, broker: "NatsBroker", consumer: str, message: Msg) -> None:
        headers = message.headers or {}
        self._broker = broker
        self._consumer = consumer
        self._message = message
        self.type = headers.get(TYPE) or message.subject.removeprefix(broker.subject("events", ""))
        self.body = message.data
        self.attempt = message.metadata.num_delivered

    async def ack(self) -> None:
        with self._ending():
            await self._message.ack()

    async def retry(self, delay_s: float) -> None:
        with self._ending():
            await self._message.nak(delay_s)

    async def bury(self, reason: str) -> None:
        with self._ending():
            subject = self._broker.subject("dead", self._consumer)
            flat = " ".join(reason.split())[:_REASON_CHARACTERS]
            headers = {TYPE: self.type, ATTEMPT: str(self.attempt), REASON: flat}
            await self._broker.stream.publish(subject, self.body, headers=headers)
            await self._message.ack()

    async def extend(self) -> None:
        await self._message.in_progress()

    async def give_back(self) -> None:
        await self._message.nak()

    @contextmanager
    def _ending(self) -> Iterator[None]:
        self._broker.open.discard(self)
        with _translated():
            yield


class _Intake:
    """Reads for one consumer, from several streams."""

    def __init__(
        self, broker: "NatsBroker", consumer: str, prefetch: int, timeout_s: float
    ) -> None:
        self.queue: asyncio.Queue[Delivery | BrokerUnavailableError] = asyncio.Queue(prefetch)
        self._broker = broker
        self._consumer = consumer
        self._prefetch = prefetch
        self._timeout_s = timeout_s

    async def read(self, client: Client, subject: str) -> None:
        """Hand out the messages of one stream as they come, for ever; ask for some at a time."""
        arrived: asyncio.Queue[_Delivery | BrokerUnavailableError | None] = asyncio.Queue()

        async def receive(message: Msg) -> None:
            arrived.put_nowait(self._received(message))

        inbox = client.new_inbox()
        ask = f"$JS.API.CONSUMER.MSG.NEXT.{_stream(subject)}.{self._consumer}"
        wanted = {"batch": self._prefetch, "expires": round(_PULL_S * 1e9)}
        try:
            with _translated():
                subscription = await client.subscribe(inbox, cb=receive)
                try:
                    while True:
                        await client.publish(ask, json.dumps(wanted).encode(), inbox)
                        await self._hand_out(arrived)
                finally:  # what is given back must not come here again
                    with suppress(Error, TimeoutError):
                        async with asyncio.timeout(self._timeout_s):
                            await subscription.drain()  # type: ignore[no-untyped-call]
        except BrokerUnavailableError as error:
            await self.queue.put(error)

    def _received(self, message: Msg) -> "_Delivery | BrokerUnavailableError | None":
        """Return a message, or nothing when there are no more in this pull, or what is wrong."""
        headers = message.headers or {}
        status = headers.get("Status")
        if status is None:
            delivery = _Delivery(self._broker, self._consumer, message)
            self._broker.open.add(delivery)
            return delivery
        if status in _NO_MORE:
            return None
        return BrokerUnavailableError(f"NATS: {status} {headers.get('Description', '')}")

    async def _hand_out(
        self, arrived: "asyncio.Queue[_Delivery | BrokerUnavailableError | None]"
    ) -> None:
        """Hand out what one pull brings, up to its end; a cluster may forget to tell of that."""
        for _ in range(self._prefetch):
            item = None
            with suppress(TimeoutError):
                item = await asyncio.wait_for(arrived.get(), _PULL_S + self._timeout_s)
            if item is None:
                return
            if isinstance(item, BrokerUnavailableError):
                raise item
            await self.queue.put(item)

    async def watch(self, closed: asyncio.Event) -> None:
        """Tell of the end of the connection: nothing would come any more."""
        await closed.wait()
        await self.queue.put(BrokerUnavailableError("NATS: the connection is lost"))


class NatsBroker:
    """A connection to NATS; `connect` opens it."""

    def __init__(
        self, client: Client, closed: asyncio.Event, namespace: str, timeout_s: float
    ) -> None:
        self._client = client
        self._closed = closed
        self._namespace = namespace
        self._timeout_s = timeout_s
        self.stream: JetStreamContext = client.jetstream(timeout=timeout_s)
        self.open: set[_Delivery] = set()

    def subject(self, kind: str, name: str) -> str:
        """Return where messages of a kind go."""
        return f"{self._namespace}.{kind}.{name}"

    async def publish(self, messages: Sequence[Message]) -> None:
        """Send all, and then wait for the confirmation of each."""
        with _translated():
            async with asyncio.timeout(self._timeout_s):
                confirmations = [
                    await self.stream.publish_async(
                        self.subject("events", message.type),
                        message.body,
                        headers={Header.MSG_ID: message.id, "Content-Type": CONTENT_TYPE},
                    )
                    for message in messages
                ]
                await asyncio.gather(*confirmations)

    @asynccontextmanager
    async def deliveries(
        self, consumer: str, types: Sequence[str], *, prefetch: int
    ) -> AsyncIterator[AsyncIterator[Delivery]]:
        """Pull from the streams of all types, and from what redrive moved back."""
        subjects = [self.subject("events", kind) for kind in types]
        intake = _Intake(self, consumer, prefetch, self._timeout_s)
        tasks = [
            asyncio.create_task(intake.read(self._client, subject))
            for subject in (*subjects, self.subject("redrive", consumer))
        ]
        tasks.append(asyncio.create_task(intake.watch(self._closed)))
        tasks.append(asyncio.create_task(self._extend()))
        try:
            yield drain(intake.queue)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            with suppress(Error, OSError):
                for delivery in tuple(self.open):
                    await delivery.give_back()
            self.open.clear()

    async def _extend(self) -> None:
        """Keep what is at hand from being delivered to somebody else."""
        while True:
            await asyncio.sleep(_EXTEND_S)
            with suppress(Error, OSError):
                for delivery in tuple(self.open):
                    await delivery.extend()

    async def declare(self, topology: Topology) -> None:
        """Create or change streams and consumers."""
        with _translated():
            for topic in topology.publishes:
                await self._declare(self._topic(topic, topology.replicas), change=True)
            for topic in topology.foreign:
                await self._declare(self._topic(topic, topology.replicas), change=False)
            for queue in topology.queues:
                await self._declare_queue(queue, topology.replicas)

    async def _declare_queue(self, queue: Queue, replicas: int) -> None:
        for kind in ("dead", "redrive"):
            subject = self.subject(kind, queue.consumer)
            config = StreamConfig(
                name=_stream(subject),
                subjects=[subject],
                retention=RetentionPolicy.WORK_QUEUE,
                storage=StorageType.FILE,
                max_age=queue.dead_letter_retention_s,
                num_replicas=replicas,
            )
            await self._declare(config, change=True)
            await self._declare_consumer(_stream(subject), queue.consumer)
        for topic in queue.topics:
            await self._declare_consumer(
                _stream(self.subject("events", topic.type)), queue.consumer
            )

    def _topic(self, topic: Topic, replicas: int) -> StreamConfig:
        subject = self.subject("events", topic.type)
        return StreamConfig(
            name=_stream(subject),
            subjects=[subject],
            retention=RetentionPolicy.LIMITS,
            storage=StorageType.FILE,
            max_age=topic.retention_s,
            max_bytes=topic.max_bytes,
            duplicate_window=min(_DUPLICATES_S, topic.retention_s),
            num_replicas=replicas,
        )

    async def _declare(self, config: StreamConfig, *, change: bool) -> None:
        try:
            await self.stream.stream_info(config.name or "")
        except NotFoundError:
            await self.stream.add_stream(config)
        else:
            if change:
                await self.stream.update_stream(config)

    async def _declare_consumer(self, stream: str, name: str) -> None:
        config = ConsumerConfig(
            name=name,
            durable_name=name,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=_ACK_WAIT_S,
            max_ack_pending=_ACK_PENDING,
            max_deliver=-1,  # the worker counts
        )
        await self.stream.add_consumer(stream, config)

    async def redrive(self, consumer: str, most: int) -> int:
        """Move the dead letters that are there now; what dies again meanwhile stays."""
        dead, target = (self.subject(kind, consumer) for kind in ("dead", "redrive"))
        moved = 0
        with _translated():
            state = (await self.stream.stream_info(_stream(dead))).state
            most = min(most, state.messages)
            pull = await self.stream.pull_subscribe_bind(consumer, stream=_stream(dead))
            while moved < most:
                for message in await pull.fetch(min(most - moved, _MOVE), self._timeout_s):
                    headers = {TYPE: (message.headers or {})[TYPE]}
                    await self.stream.publish(target, message.data, headers=headers)
                    await message.ack_sync(self._timeout_s)
                    moved += 1
        return moved


@asynccontextmanager
async def connect(url: str, *, namespace: str, timeout_s: float) -> AsyncIterator[NatsBroker]:
    """Connect for as long as the block lasts."""
    client, closed = Client(), asyncio.Event()

    async def close() -> None:
        closed.set()

    with _translated():
        async with asyncio.timeout(timeout_s):
            await client.connect(url, allow_reconnect=False, ping_interval=_PING_S, closed_cb=close)
    try:
        yield NatsBroker(client, closed, namespace, timeout_s)
    finally:
        with suppress(Error, OSError, TimeoutError):
            async with asyncio.timeout(timeout_s):
                await client.close()


def _stream(subject: str) -> str:
    return subject.replace(".", "-")


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (Error, OSError, TimeoutError) as error:
        msg = f"NATS: {error!r}"
        raise BrokerUnavailableError(msg) from error
