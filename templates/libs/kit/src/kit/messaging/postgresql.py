"""Events in PostgreSQL: a row for each consumer of an event, in a schema of their own.

| what | where |
|---|---|
| who reads which types | a row of `consumers` |
| an event on its way to a consumer | a row of `deliveries`, gone once it is applied |
| a dead letter | such a row that has `buried_at` and `reason` |

Whoever takes a delivery has it for a while, which is extended as long as they live; then it is due
again. An event that nobody reads is not kept. The tables come from `MIGRATIONS`.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias

import asyncpg

from kit.messaging.broker import BrokerUnavailableError, Delivery, Message, drain
from kit.messaging.topology import Topology

MIGRATIONS = Path(__file__).with_name("migrations")

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

_CONNECTIONS = 4
_LEASE_S = 15
_EXTEND_S = _LEASE_S / 3
_POLL_S = 0.5  # for what another process has published
_REASON_CHARACTERS = 1000

_PUBLISH = """
INSERT INTO deliveries (namespace, consumer, message_id, type, body)
SELECT consumers.namespace, consumers.name, message.id, message.type, message.body
FROM unnest($2::text[], $3::text[], $4::bytea[])
    WITH ORDINALITY AS message (id, type, body, place)
JOIN consumers ON consumers.namespace = $1 AND message.type = ANY (consumers.types)
ORDER BY message.place
ON CONFLICT ON CONSTRAINT deliveries_message_key DO NOTHING
RETURNING consumer
"""
_TAKE = """
UPDATE deliveries SET attempt = attempt + 1, due_at = now() + $3 * interval '1 second'
WHERE position IN (
    SELECT position FROM deliveries
    WHERE namespace = $1 AND consumer = $2 AND buried_at IS NULL AND due_at <= now()
    ORDER BY position LIMIT $4 FOR UPDATE SKIP LOCKED
)
RETURNING position, type, body, attempt
"""
# Each of these leaves alone what somebody else has taken meanwhile.
_EXTEND = """
UPDATE deliveries SET due_at = now() + $3 * interval '1 second'
WHERE (position, attempt) IN (SELECT * FROM unnest($1::bigint[], $2::integer[]))
    AND buried_at IS NULL
"""
_GIVE_BACK = """
UPDATE deliveries SET due_at = now(), attempt = attempt - 1
WHERE (position, attempt) IN (SELECT * FROM unnest($1::bigint[], $2::integer[]))
    AND buried_at IS NULL
"""
_ACK = "DELETE FROM deliveries WHERE position = $1 AND attempt = $2"
_RETRY = """
UPDATE deliveries SET due_at = now() + $3 * interval '1 second'
WHERE position = $1 AND attempt = $2
"""
_BURY = """
UPDATE deliveries SET buried_at = now(), reason = $3 WHERE position = $1 AND attempt = $2
"""
_FORGET = """
DELETE FROM deliveries USING consumers
WHERE deliveries.namespace = $1 AND deliveries.consumer = $2
    AND consumers.namespace = $1 AND consumers.name = $2
    AND deliveries.buried_at < now() - consumers.dead_letter_retention
"""
_REDRIVE = """
UPDATE deliveries SET buried_at = NULL, reason = NULL, attempt = 0, due_at = now()
WHERE position IN (
    SELECT position FROM deliveries
    WHERE namespace = $1 AND consumer = $2 AND buried_at IS NOT NULL
    ORDER BY position LIMIT $3 FOR UPDATE
)
"""
_DECLARE = """
INSERT INTO consumers (namespace, name, types, dead_letter_retention)
VALUES ($1, $2, $3, $4 * interval '1 second')
ON CONFLICT (namespace, name) DO UPDATE
SET types = excluded.types, dead_letter_retention = excluded.dead_letter_retention
"""
_IS_DECLARED = "SELECT true FROM consumers WHERE namespace = $1 AND name = $2"


class _Delivery:
    """A row that was taken."""

    def __init__(self, intake: "_Intake", row: asyncpg.Record) -> None:
        self._intake = intake
        self.position: int = row["position"]
        self.type: str = row["type"]
        self.body: bytes = row["body"]
        self.attempt: int = row["attempt"]

    async def ack(self) -> None:
        await self._end(_ACK)

    async def retry(self, delay_s: float) -> None:
        await self._end(_RETRY, delay_s)
        asyncio.get_running_loop().call_later(delay_s, self._intake.wake.set)

    async def bury(self, reason: str) -> None:
        await self._end(_BURY, reason.replace("\0", " ")[:_REASON_CHARACTERS])
        await self._intake.forget()

    async def _end(self, statement: str, *more: object) -> None:
        self._intake.open.discard(self)
        await self._intake.execute(statement, self.position, self.attempt, *more)


class _Intake:
    """Reads for one consumer."""

    def __init__(self, broker: "PostgresBroker", consumer: str, prefetch: int) -> None:
        self.queue: asyncio.Queue[Delivery | BrokerUnavailableError] = asyncio.Queue(prefetch)
        self.open: set[_Delivery] = set()
        self.wake = asyncio.Event()
        self._broker = broker
        self._consumer = consumer
        self._prefetch = prefetch

    async def read(self) -> None:
        """Hand out deliveries as they become due, for ever."""
        await self._run(self._read)

    async def keep(self) -> None:
        """Extend what is in hand, for ever."""
        await self._run(self._keep)

    async def give_back(self) -> None:
        """Let others have what was not ended."""
        with suppress(BrokerUnavailableError):  # it is due again by itself
            await self.execute(_GIVE_BACK, *self._in_hand())

    async def forget(self) -> None:
        """Delete the dead letters whose time is over."""
        await self.execute(_FORGET, self._broker.namespace, self._consumer)

    async def execute(self, statement: str, *args: object) -> None:
        with _translated():
            await self._broker.pool.execute(statement, *args)

    async def _run(self, work: Any) -> None:
        try:
            await work()
        except BrokerUnavailableError as error:
            await self.queue.put(error)

    async def _read(self) -> None:
        while True:
            self.wake.clear()
            with _translated():
                rows = await self._broker.pool.fetch(
                    _TAKE, self._broker.namespace, self._consumer, _LEASE_S, self._prefetch
                )
            taken = [_Delivery(self, row) for row in rows]
            self.open.update(taken)
            for delivery in sorted(taken, key=lambda each: each.position):
                await self.queue.put(delivery)
            if len(taken) < self._prefetch:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.wake.wait(), _POLL_S)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(_EXTEND_S)
            await self.execute(_EXTEND, *self._in_hand(), _LEASE_S)

    def _in_hand(self) -> tuple[list[int], list[int]]:
        return [each.position for each in self.open], [each.attempt for each in self.open]


class PostgresBroker:
    """A pool of connections to the schema of the events.

    Args:
        pool: of connections; opened by the first that needs one.
        namespace: keeps systems apart that share the schema.
        wakes: by consumer, what wakes those in this process who read for it.
    """

    def __init__(
        self, pool: Pool, namespace: str, wakes: defaultdict[str, set[asyncio.Event]]
    ) -> None:
        self.pool = pool
        self.namespace = namespace
        self._wakes = wakes

    async def publish(self, messages: Sequence[Message]) -> None:
        """Store a delivery for each consumer of each message."""
        columns = (
            [message.id for message in messages],
            [message.type for message in messages],
            [message.body for message in messages],
        )
        with _translated():
            rows = await self.pool.fetch(_PUBLISH, self.namespace, *columns)
        for consumer in {row["consumer"] for row in rows}:
            self._wake(consumer)

    @asynccontextmanager
    async def deliveries(
        self, consumer: str, types: Sequence[str], *, prefetch: int
    ) -> AsyncIterator[AsyncIterator[Delivery]]:
        """Consume until the block is left; what is in hand is then for others."""
        del types  # the table says which
        with _translated():
            declared = await self.pool.fetchval(_IS_DECLARED, self.namespace, consumer)
        if not declared:
            msg = f"PostgreSQL: there is no consumer {consumer} yet"
            raise BrokerUnavailableError(msg)
        intake = _Intake(self, consumer, prefetch)
        self._wakes[consumer].add(intake.wake)
        tasks = [asyncio.create_task(work()) for work in (intake.read, intake.keep)]
        try:
            yield drain(intake.queue)
        finally:
            self._wakes[consumer].discard(intake.wake)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await intake.give_back()

    async def declare(self, topology: Topology) -> None:
        """Enter the consumers, and what each of them reads."""
        with _translated():
            for queue in topology.queues:
                types = [topic.type for topic in queue.topics]
                given = (queue.consumer, types, queue.dead_letter_retention_s)
                await self.pool.execute(_DECLARE, self.namespace, *given)

    async def redrive(self, consumer: str, most: int) -> int:
        """Make dead letters due again."""
        with _translated():
            tag = await self.pool.execute(_REDRIVE, self.namespace, consumer, most)
        self._wake(consumer)
        return int(tag.rpartition(" ")[2])

    def _wake(self, consumer: str) -> None:
        for wake in self._wakes[consumer]:
            wake.set()


@asynccontextmanager
async def connect(url: str, *, namespace: str, timeout_s: float) -> AsyncIterator[PostgresBroker]:
    """Connect for as long as the block lasts; the server is asked for by the first statement."""
    async with asyncpg.create_pool(
        url, min_size=0, max_size=_CONNECTIONS, timeout=timeout_s, command_timeout=timeout_s
    ) as pool:
        yield PostgresBroker(pool, namespace, defaultdict(set))


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
        msg = f"PostgreSQL: {error!r}"
        raise BrokerUnavailableError(msg) from error
