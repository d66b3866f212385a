"""Kafka: a topic for each type of event, a consumer group for each reader.

| what | name |
|---|---|
| topic of a type, divided by the subject of the event | `shop.events.order.placed` |
| what waits for another try of a consumer, or was moved back by redrive | `shop.retry.payment` |
| dead letters of a consumer | `shop.dead.payment` |
| consumer group | `shop.payment` |

An offset is committed when every event before it has come to its end, so events of one partition
may be applied at the same time.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any
from urllib.parse import unquote, urlsplit

from aiokafka import (
    AIOKafkaConsumer,
    AIOKafkaProducer,
    ConsumerRebalanceListener,
    ConsumerRecord,
    TopicPartition,
)
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import ConsumerStoppedError, KafkaError, TopicAlreadyExistsError, for_code
from aiokafka.helpers import create_ssl_context

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

_NOT_BEFORE = "x-not-before-ms"
_POLL_MS = 1000
_COMMIT_S = 0.05  # between two commits
_MOVE = 100
_REASON_CHARACTERS = 1000

_log = get_logger(__name__)


class _Offsets:
    """Which events of one partition are at hand; it ends when the partition is taken away."""

    def __init__(self) -> None:
        self._taken: deque[int] = deque()
        self._ended: set[int] = set()
        self.reached: int | None = None  # everything before this offset has come to its end

    def take(self, offset: int) -> None:
        self._taken.append(offset)

    def end(self, offset: int) -> None:
        self._ended.add(offset)
        while self._taken and self._taken[0] in self._ended:
            first = self._taken.popleft()
            self._ended.discard(first)
            self.reached = first + 1


class _Delivery:
    """A record of a topic."""

    def __init__(
        self,
        broker: "KafkaBroker",
        consumer: str,
        record: "ConsumerRecord[bytes, bytes]",
        end: Callable[[], None],
    ) -> None:
        self._broker = broker
        self._consumer = consumer
        self._record = record
        self._end = end
        headers = {name: value.decode() for name, value in record.headers}
        self.type = headers.get(TYPE) or record.topic.removeprefix(broker.topic("events", ""))
        self.body = record.value or b""
        self.attempt = int(headers.get(ATTEMPT, "1"))
        self.wait_s = int(headers.get(_NOT_BEFORE, "0")) / 1000 - time.time()

    async def ack(self) -> None:
        self._end()

    async def retry(self, delay_s: float) -> None:
        due = str(round((time.time() + delay_s) * 1000))
        await self._move("retry", {ATTEMPT: str(self.attempt + 1), _NOT_BEFORE: due})

    async def bury(self, reason: str) -> None:
        await self._move("dead", {ATTEMPT: str(self.attempt), REASON: reason[:_REASON_CHARACTERS]})

    async def _move(self, kind: str, headers: dict[str, str]) -> None:
        topic = self._broker.topic(kind, self._consumer)
        await self._broker.put(topic, self._record, {TYPE: self.type, **headers})
        self._end()


class _Intake(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Reads with one consumer group, and commits what has come to its end."""

    def __init__(self, broker: "KafkaBroker", consumer: str, reader: Any, prefetch: int) -> None:
        self.queue: asyncio.Queue[Delivery | BrokerUnavailableError] = asyncio.Queue(prefetch)
        self._broker = broker
        self._consumer = consumer
        self._reader = reader
        self._prefetch = prefetch
        self._partitions: dict[TopicPartition, _Offsets] = {}
        self._waiting: set[asyncio.Task[None]] = set()
        self._ended = asyncio.Event()

    async def read(self) -> None:
        """Hand out records, for ever; one that is to wait holds up no other."""
        try:
            with _translated():
                while True:
                    batches = await self._reader.getmany(
                        timeout_ms=_POLL_MS, max_records=self._prefetch
                    )
                    for partition, records in batches.items():
                        for record in records:
                            await self._hand_out(partition, record)
        except BrokerUnavailableError as error:
            await self.queue.put(error)

    async def _hand_out(self, partition: TopicPartition, record: Any) -> None:
        offsets = self._partitions.setdefault(partition, _Offsets())
        offsets.take(record.offset)

        def end() -> None:
            offsets.end(record.offset)
            self._ended.set()

        delivery = _Delivery(self._broker, self._consumer, record, end)
        if delivery.wait_s <= 0:
            await self.queue.put(delivery)
            return
        task = asyncio.create_task(self._hand_out_later(delivery))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def _hand_out_later(self, delivery: _Delivery) -> None:
        await asyncio.sleep(delivery.wait_s)
        await self.queue.put(delivery)

    async def commit_often(self) -> None:
        """Commit whenever something has come to its end, for ever."""
        while True:
            await self._ended.wait()
            self._ended.clear()
            await self.commit()
            await asyncio.sleep(_COMMIT_S)

    async def commit(self) -> None:
        """Commit what was reached; what cannot be committed is read again, and known by then."""
        reached = {
            partition: offsets.reached
            for partition, offsets in self._partitions.items()
            if offsets.reached is not None
        }
        if reached:
            try:
                await self._reader.commit(reached)
            except (KafkaError, OSError) as error:
                _log.warning("offsets_not_committed", error=repr(error))

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        """Commit before others read on, and forget."""
        await self.commit()
        for partition in revoked:
            self._partitions.pop(partition, None)

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        """Begin afresh."""
        for partition in assigned:
            self._partitions.pop(partition, None)

    def cancel(self) -> None:
        """Forget what is still to wait; it is read again."""
        for task in self._waiting:
            task.cancel()


class KafkaBroker:
    """Connections to Kafka; `connect` opens them."""

    def __init__(
        self, options: dict[str, Any], producer: Any, namespace: str, timeout_s: float
    ) -> None:
        self._options = options
        self._producer = producer
        self._namespace = namespace
        self._timeout_s = timeout_s

    def topic(self, kind: str, name: str) -> str:
        """Return the name of a topic."""
        return f"{self._namespace}.{kind}.{name}"

    async def publish(self, messages: Sequence[Message]) -> None:
        """Send all, and then wait for the confirmation of each."""
        headers = [("content-type", CONTENT_TYPE.encode())]
        with _translated():
            async with asyncio.timeout(self._timeout_s):
                confirmations = [
                    await self._producer.send(
                        self.topic("events", message.type),
                        message.body,
                        key=message.key.encode(),
                        headers=headers,
                    )
                    for message in messages
                ]
                await asyncio.gather(*confirmations)

    async def put(self, topic: str, record: Any, headers: dict[str, str]) -> None:
        """Copy a record into another topic; returns when it is stored there."""
        encoded = [(name, value.encode()) for name, value in headers.items()]
        with _translated():
            async with asyncio.timeout(self._timeout_s):
                await self._producer.send_and_wait(
                    topic, record.value, key=record.key, headers=encoded
                )

    @asynccontextmanager
    async def deliveries(
        self, consumer: str, types: Sequence[str], *, prefetch: int
    ) -> AsyncIterator[AsyncIterator[Delivery]]:
        """Read the topics of all types, and what waits for another try."""
        topics = [self.topic("events", kind) for kind in types]
        reader = self._reader(f"{self._namespace}.{consumer}")
        intake = _Intake(self, consumer, reader, prefetch)
        reader.subscribe([*topics, self.topic("retry", consumer)], listener=intake)
        tasks: list[asyncio.Task[None]] = []
        try:
            with _translated():
                await reader.start()
            tasks += map(asyncio.create_task, (intake.read(), intake.commit_often()))
            yield drain(intake.queue)
        finally:
            intake.cancel()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            with suppress(KafkaError, OSError, TimeoutError):
                async with asyncio.timeout(self._timeout_s):
                    await intake.commit()
                    await reader.stop()

    def _reader(self, group: str) -> Any:
        return AIOKafkaConsumer(
            **self._options,
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )

    async def declare(self, topology: Topology) -> None:
        """Create or change topics."""
        admin = AIOKafkaAdminClient(**self._options)
        with _translated():
            try:
                await admin.start()
                for topic in topology.publishes:
                    await _declare(admin, self._topic(topic, topology.replicas), change=True)
                for topic in topology.foreign:
                    await _declare(admin, self._topic(topic, topology.replicas), change=False)
                for queue in topology.queues:
                    for new in self._topics_of(queue, topology.replicas):
                        await _declare(admin, new, change=True)
            finally:
                await admin.close()

    def _topic(self, topic: Topic, replicas: int) -> NewTopic:
        name = self.topic("events", topic.type)
        limits = {
            "retention.ms": topic.retention_s * 1000,
            "retention.bytes": topic.max_bytes // topic.partitions,
        }
        return _new_topic(name, topic.partitions, replicas, limits)

    def _topics_of(self, queue: Queue, replicas: int) -> Iterator[NewTopic]:
        partitions = max(topic.partitions for topic in queue.topics)
        limits = {"retention.ms": queue.dead_letter_retention_s * 1000}
        yield _new_topic(self.topic("retry", queue.consumer), partitions, replicas, limits)
        yield _new_topic(self.topic("dead", queue.consumer), 1, replicas, limits)

    async def redrive(self, consumer: str, most: int) -> int:
        """Move the dead letters that are there now; what dies again meanwhile stays."""
        moved = 0
        dead = TopicPartition(self.topic("dead", consumer), 0)
        reader = self._reader(f"{self._namespace}.redrive.{consumer}")
        reader.assign([dead])
        with _translated():
            try:
                await reader.start()
                end = (await reader.end_offsets([dead]))[dead]
                while moved < most and await reader.position(dead) < end:
                    batch = await reader.getmany(
                        dead, timeout_ms=_POLL_MS, max_records=min(most - moved, _MOVE)
                    )
                    for record in batch.get(dead, ()):
                        kind = dict(record.headers)[TYPE].decode()
                        await self.put(self.topic("retry", consumer), record, {TYPE: kind})
                        moved += 1
                    await reader.commit()
            finally:
                await reader.stop()
        return moved


@asynccontextmanager
async def connect(url: str, *, namespace: str, timeout_s: float) -> AsyncIterator[KafkaBroker]:
    """Connect for as long as the block lasts."""
    options = _options(url) | {"request_timeout_ms": round(timeout_s * 1000)}
    producer = AIOKafkaProducer(**options, acks="all", enable_idempotence=True)
    try:
        with _translated():
            await producer.start()
        yield KafkaBroker(options, producer, namespace, timeout_s)
    finally:
        with suppress(KafkaError, OSError, TimeoutError):
            async with asyncio.timeout(timeout_s):
                await producer.stop()


def _new_topic(name: str, partitions: int, replicas: int, limits: dict[str, int]) -> NewTopic:
    configuration = {**limits, "min.insync.replicas": max(1, replicas - 1)}
    return NewTopic(
        name,
        partitions,
        replicas,
        topic_configs={key: str(value) for key, value in configuration.items()},
    )


async def _declare(admin: Any, topic: NewTopic, *, change: bool) -> None:
    answer = await admin.create_topics([topic])
    for _name, code, *_more in answer.topic_errors:
        error = for_code(code)
        if error is TopicAlreadyExistsError:
            if change:
                await _change(admin, topic)
        elif code:
            raise error(topic.name)


async def _change(admin: Any, topic: NewTopic) -> None:
    """Bring a topic that is there to its configuration; the number of partitions stays."""
    await admin.alter_configs(
        [ConfigResource(ConfigResourceType.TOPIC, topic.name, topic.topic_configs)]
    )


def _options(url: str) -> dict[str, Any]:
    """Return the client's options: `kafka://` is plain, `kafka+ssl://` encrypted."""
    parts = urlsplit(url)
    credentials, _, servers = parts.netloc.rpartition("@")
    encrypted = parts.scheme == "kafka+ssl"
    options: dict[str, Any] = {"bootstrap_servers": servers.split(",")}
    if encrypted:
        options["ssl_context"] = create_ssl_context()
    if not credentials:
        return options | {"security_protocol": "SSL" if encrypted else "PLAINTEXT"}
    user, _, password = credentials.partition(":")
    return options | {
        "security_protocol": "SASL_SSL" if encrypted else "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": unquote(user),
        "sasl_plain_password": unquote(password),
    }


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (KafkaError, ConsumerStoppedError, OSError, TimeoutError) as error:
        msg = f"Kafka: {error!r}"
        raise BrokerUnavailableError(msg) from error
