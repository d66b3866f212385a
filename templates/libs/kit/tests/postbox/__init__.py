"""A service that publishes notes and reads them itself, on the broker that BROKER names."""

import asyncio
import os
from collections.abc import Sequence
from importlib import import_module

from opentelemetry import trace
from opentelemetry.trace import format_trace_id

from kit import identity
from kit.db import Executor
from kit.logs import get_logger
from kit.messaging.broker import Connect
from kit.messaging.consumer import Consumer, RejectedError, Subscription
from kit.messaging.events import Event, EventData
from kit.messaging.service import Messaging
from kit.messaging.settings import MessagingSettings
from kit.messaging.topology import Queue, Topic, Topology
from kit.resources import Resources


class NoteWritten(EventData):
    event_type = "note.written"

    text: str


class NoteBurnt(EventData):
    event_type = "note.burnt"

    text: str


class Settings(MessagingSettings):
    service_name: str = "postbox"
    broker_namespace: str = "postbox"


NAME = "postbox"
TOPICS = tuple(
    Topic(data.event_type, retention_s=3600, max_bytes=50_000_000, partitions=2)
    for data in (NoteWritten, NoteBurnt)
)
TOPOLOGY = Topology(publishes=TOPICS, queues=(Queue(NAME, TOPICS, 3600),))

_log = get_logger(__name__)


async def keep(event: Event[NoteWritten], tx: Executor) -> None:
    """Keep a note; "slow" takes its time, "poison" fails until "cure" was kept."""
    text = event.data.text
    _log.info("note_begun")
    if text.startswith("slow"):
        await asyncio.sleep(0.5)
    if text.startswith("refused"):
        msg = "not a word more"
        raise RejectedError(msg)
    cured = await tx.fetchval("SELECT EXISTS (SELECT FROM applied WHERE text = 'cure')")
    trace_id = format_trace_id(trace.get_current_span().get_span_context().trace_id)
    await tx.execute(
        "INSERT INTO applied (event_id, text, trace_id, subject) VALUES ($1, $2, $3, $4)",
        event.id,
        text,
        trace_id,
        identity.current().subject,
    )
    if text.startswith("poison") and not cured:
        msg = "this note is poison"
        raise ValueError(msg)


async def burn(event: Event[NoteBurnt], tx: Executor) -> None:
    """Forget a note."""
    await tx.execute("DELETE FROM applied WHERE text = $1", event.data.text)


def consumers(_held: Resources) -> Sequence[Consumer]:
    """Return the one consumer."""
    return [Consumer(NAME, [Subscription(NoteWritten, keep), Subscription(NoteBurnt, burn)])]


def adapter(broker: str) -> Connect:
    """Return how to connect to a broker."""
    found: Connect = import_module(f"kit.messaging.{broker}").connect
    return found


def messaging() -> Messaging:
    """Return what this service has to do with events."""
    return Messaging(
        connect=adapter(os.environ["BROKER"]),
        source="/test/postbox",
        schema_version="003",
        topology=TOPOLOGY,
        consumers=consumers,
    )
