"""Events on AWS: a bus of EventBridge, and for each consumer a rule that fills its queue of SQS.

| on AWS | named | holds |
|---|---|---|
| bus | namespace | every event, for the moment that it takes to match the rules |
| rule | namespace-consumer | the types that the consumer reads |
| queue | namespace-consumer | what it has still to read |
| queue | namespace-consumer-dead | its dead letters |

A message is the envelope of EventBridge around the event. Queues keep no order.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import orjson

from kit.aws import EVENTS, SQS, AwsError, Client, Place
from kit.messaging.broker import REASON, TYPE, BrokerUnavailableError, Delivery, Message, drain
from kit.messaging.topology import Queue, Topology

_MOST = 10  # messages of a call
_MOST_BYTES = 1_000_000  # of a call that publishes
_WAIT_S = 10  # of a receiver, for the first message
_VISIBILITY_S = 30  # of a message in hand; a function's queue has the numbers of the blueprint
_LONGEST_S = 43_200  # that a message may stay invisible
_LAST_RESORT = 100  # deliveries after which SQS itself buries; before that the worker counts
_REASON_CHARACTERS = 200


class SqsDelivery:
    """A message of a queue.

    Args:
        client: to answer with.
        queue: the URL of the queue.
        receipt: of this delivery.
        text: the body.
        attributes: ApproximateReceiveCount at least.
    """

    def __init__(
        self, client: Client, queue: str, receipt: str, text: str, attributes: Mapping[str, str]
    ) -> None:
        self._client = client
        self._queue = queue
        self._receipt = receipt
        self._text = text
        self.attempt = int(attributes["ApproximateReceiveCount"])
        self.type, self.body = _unwrap(text)

    async def ack(self) -> None:
        """Say that it is done with."""
        await self._call("DeleteMessage", ReceiptHandle=self._receipt)

    async def retry(self, delay_s: float) -> None:
        """Have it delivered again after a while."""
        seconds = min(math.ceil(delay_s), _LONGEST_S)
        await self._call(
            "ChangeMessageVisibility", ReceiptHandle=self._receipt, VisibilityTimeout=seconds
        )

    async def bury(self, reason: str) -> None:
        """Put it among the dead letters of its consumer."""
        await self.copy_to_dead(reason)
        await self.ack()

    async def move_to(self, queue: str) -> None:
        """Send it to another queue, and then delete it from this one."""
        await self._client.call(SQS, "SendMessage", QueueUrl=queue, MessageBody=self._text)
        await self.ack()

    async def copy_to_dead(self, reason: str) -> None:
        """Put a copy among the dead letters; whoever deletes the message itself is another."""
        flat = " ".join(reason.split())[:_REASON_CHARACTERS] or "unknown"
        told = {TYPE: self.type or "unknown", REASON: flat}
        with _translated():
            await self._client.call(
                SQS,
                "SendMessage",
                QueueUrl=f"{self._queue}-dead",
                MessageBody=self._text,
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value}
                    for name, value in told.items()
                },
            )

    async def _call(self, operation: str, **arguments: Any) -> None:
        with _translated():
            await self._client.call(SQS, operation, QueueUrl=self._queue, **arguments)


class EventBridge:
    """A connection to AWS; `connect` opens it."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._client = client
        self._namespace = namespace

    async def publish(self, messages: Sequence[Message]) -> None:
        """Put the events on the bus, as many with each call as it takes."""
        with _translated():
            for entries in _calls(self._entry(message) for message in messages):
                said = await self._client.call(EVENTS, "PutEvents", Entries=entries)
                if said["FailedEntryCount"]:
                    codes = {entry.get("ErrorCode") for entry in said["Entries"]} - {None}
                    msg = f"not stored: {', '.join(sorted(map(str, codes)))}"
                    raise AwsError(msg)

    def _entry(self, message: Message) -> dict[str, str]:
        return {
            "EventBusName": self._namespace,
            "Source": self._namespace,
            "DetailType": message.type,
            "Detail": message.body.decode(),
        }

    @asynccontextmanager
    async def deliveries(
        self,
        consumer: str,
        types: Sequence[str],  # noqa: ARG002 - the rule of the consumer has them
        *,
        prefetch: int,
    ) -> AsyncIterator[AsyncIterator[Delivery]]:
        """Receive from the queue of the consumer."""
        with _translated():
            url = await self._find(self._name(consumer))
        found: asyncio.Queue[Delivery | BrokerUnavailableError] = asyncio.Queue(1)
        task = asyncio.create_task(self._receive(url, found, min(prefetch, _MOST)))
        try:
            yield drain(found)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _receive(
        self, url: str, found: "asyncio.Queue[Delivery | BrokerUnavailableError]", most: int
    ) -> None:
        """Hand out messages as they come, for ever; those that nobody took are given back."""
        waiting: list[SqsDelivery] = []
        try:
            while True:
                with _translated():
                    waiting = await self._messages(url, most, _WAIT_S)
                while waiting:
                    await found.put(waiting[0])
                    del waiting[0]
        except BrokerUnavailableError as error:
            await found.put(error)
        except asyncio.CancelledError:
            untaken = [] if found.empty() else [found.get_nowait()]
            given_back = [each for each in [*untaken, *waiting] if isinstance(each, SqsDelivery)]
            with suppress(BrokerUnavailableError):
                await asyncio.gather(*(each.retry(0) for each in given_back))
            raise

    async def _messages(self, url: str, most: int, wait_s: int) -> list[SqsDelivery]:
        said = await self._client.call(
            SQS,
            "ReceiveMessage",
            wait_s=wait_s,
            QueueUrl=url,
            MaxNumberOfMessages=most,
            WaitTimeSeconds=wait_s,
            MessageSystemAttributeNames=["ApproximateReceiveCount"],
        )
        return [
            SqsDelivery(self._client, url, each["ReceiptHandle"], each["Body"], each["Attributes"])
            for each in said.get("Messages", ())
        ]

    async def declare(self, topology: Topology) -> None:
        """Create the bus, and for each consumer its queues and its rule."""
        with _translated():
            try:
                await self._client.call(EVENTS, "CreateEventBus", Name=self._namespace)
            except AwsError as error:
                if not str(error).startswith("ResourceAlreadyExists"):
                    raise
            for queue in topology.queues:
                await self._declare(queue)

    async def _declare(self, queue: Queue) -> None:
        name = self._name(queue.consumer)
        retention_s = str(queue.dead_letter_retention_s)
        dead = await self._create(f"{name}-dead", MessageRetentionPeriod=retention_s)
        redrive = {"deadLetterTargetArn": dead, "maxReceiveCount": _LAST_RESORT}
        target = await self._create(
            name,
            VisibilityTimeout=str(_VISIBILITY_S),
            RedrivePolicy=orjson.dumps(redrive).decode(),
        )
        pattern = {
            "source": [self._namespace],
            "detail-type": [topic.type for topic in queue.topics],
        }
        await self._client.call(
            EVENTS,
            "PutRule",
            Name=name,
            EventBusName=self._namespace,
            EventPattern=orjson.dumps(pattern).decode(),
        )
        await self._client.call(
            EVENTS,
            "PutTargets",
            Rule=name,
            EventBusName=self._namespace,
            Targets=[{"Id": "queue", "Arn": target}],
        )

    async def _create(self, name: str, **attributes: str) -> str:
        """Create a queue unless it is there; return its ARN."""
        said = await self._client.call(SQS, "CreateQueue", QueueName=name, Attributes=attributes)
        found = await self._client.call(
            SQS, "GetQueueAttributes", QueueUrl=said["QueueUrl"], AttributeNames=["QueueArn"]
        )
        arn: str = found["Attributes"]["QueueArn"]
        return arn

    async def redrive(self, consumer: str, most: int) -> int:
        """Move the dead letters that are there now; what dies again meanwhile stays."""
        with _translated():
            target = await self._find(self._name(consumer))
            dead = f"{target}-dead"
            count = "ApproximateNumberOfMessages"
            said = await self._client.call(
                SQS, "GetQueueAttributes", QueueUrl=dead, AttributeNames=[count]
            )
            most = min(most, int(said["Attributes"][count]))
            moved = 0
            while moved < most:
                letters = await self._messages(dead, min(most - moved, _MOST), 1)
                if not letters:
                    break
                for letter in letters:
                    await letter.move_to(target)
                moved += len(letters)
        return moved

    async def _find(self, name: str) -> str:
        url: str = (await self._client.call(SQS, "GetQueueUrl", QueueName=name))["QueueUrl"]
        return url

    def _name(self, consumer: str) -> str:
        return f"{self._namespace}-{consumer}"


@asynccontextmanager
async def connect(url: str, *, namespace: str, timeout_s: float) -> AsyncIterator[EventBridge]:
    """Connect for as long as the block lasts: to `aws://REGION`, or to the URL of an emulator."""
    client = Client(Place.of(url), timeout_s)
    try:
        yield EventBridge(client, namespace)
    finally:
        await client.close()


def _unwrap(text: str) -> tuple[str, bytes]:
    """Return the type and the event of a message; whatever else was sent stays as it is."""
    try:
        envelope = orjson.loads(text)
        return str(envelope["detail-type"]), orjson.dumps(envelope["detail"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return "", text.encode()


def _calls(entries: Iterator[dict[str, str]]) -> Iterator[list[dict[str, str]]]:
    """Divide what is to be published by what one call takes."""
    batch: list[dict[str, str]] = []
    size = 0
    for entry in entries:
        more = len(entry["Detail"].encode())
        if batch and (len(batch) == _MOST or size + more > _MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += more
    if batch:
        yield batch


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except AwsError as error:
        msg = f"AWS: {error}"
        raise BrokerUnavailableError(msg) from error
