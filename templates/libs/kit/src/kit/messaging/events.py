"""Events: CloudEvents 1.0 in structured JSON, with data that is typed and versioned."""

from typing import Any, ClassVar, Generic, Literal, TypeVar
from uuid import UUID

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from pydantic import AwareDatetime, BaseModel, ConfigDict

from kit.schema import View

_propagator = TraceContextTextMapPropagator()


class EventData(View):
    """What an event tells: a subclass for each type of event and each version of its data.

    Consumers ignore members that they do not know, so a member may be added at any time. Whatever
    else changes is a new subclass with the next version, published beside the old one until no
    consumer reads that any more.
    """

    event_type: ClassVar[str]
    event_version: ClassVar[int] = 1


DataT = TypeVar("DataT")


class Event(BaseModel, Generic[DataT]):
    """An event with the attributes of CloudEvents, three of them extensions.

    `dataversion` is the version of the data. `sequence` grows with each event of a source, as text
    of equal length: of two events about one subject the greater is the newer, whatever the order
    in which they arrive. `traceparent` is the trace that the event is part of.
    """

    model_config = ConfigDict(frozen=True)

    specversion: Literal["1.0"] = "1.0"
    id: UUID
    source: str
    type: str
    subject: str
    time: AwareDatetime
    datacontenttype: Literal["application/json"] = "application/json"
    dataversion: int
    sequence: str
    traceparent: str | None = None
    data: DataT

    def to_json(self) -> bytes:
        """Return the event as it travels; an attribute without a value is left out."""
        absent = {"traceparent"} if self.traceparent is None else None
        return self.model_dump_json(by_alias=True, exclude=absent).encode()


def sequence(position: int) -> str:
    """Return the attribute `sequence` of the outbox's row at a position."""
    return f"{position:020d}"


def current_traceparent() -> str | None:
    """Return the trace of the current request, to be stored with its events."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier.get("traceparent")


def trace_context(traceparent: str | None) -> Context | None:
    """Return the trace that an event is part of, to go on with."""
    return None if traceparent is None else _propagator.extract({"traceparent": traceparent})


def tracer() -> trace.Tracer:
    """Return the tracer of what happens to events."""
    return trace.get_tracer("kit.messaging")


AnyEvent = Event[Any]
