"""The inbox: which events a consumer has applied, so that it applies each once."""

from kit.db import Executor
from kit.messaging.events import AnyEvent

_ENTER = """
INSERT INTO inbox (consumer, source, event_id) VALUES ($1, $2, $3)
ON CONFLICT (consumer, source, event_id) DO NOTHING RETURNING true
"""
_PURGE = """
DELETE FROM inbox WHERE (consumer, source, event_id) IN (
    SELECT consumer, source, event_id FROM inbox
    WHERE received_at < now() - $1 * interval '1 second'
    ORDER BY received_at LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


async def enter(tx: Executor, consumer: str, event: AnyEvent) -> bool:
    """Note the event in the transaction that applies it; false if it was applied before.

    A twin that is being applied at this moment is waited for: it holds the row's key.
    """
    return bool(await tx.fetchval(_ENTER, consumer, event.source, event.id))


async def purge(db: Executor, retention_s: int, most: int) -> int:
    """Delete what no broker will deliver again, at most so many rows; return how many."""
    tag = await db.execute(_PURGE, retention_s, most)
    return int(tag.rpartition(" ")[2])
