"""Who makes the current request; rules, logs and the database read it from here."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Principal:
    """Who acts: a person, another service, or this service itself.

    Args:
        subject: the identity, the same for each request of one caller.
        scopes: what the caller may do, as `products:read`.
        tenant: the customer for whom the caller acts, if there is one.
        credential: header and value by which the caller proved it, to pass on to other services.
        internal: whether it is a service that acts by itself, for nobody in particular.
    """

    subject: str
    scopes: frozenset[str] = frozenset()
    tenant: UUID | None = None
    credential: tuple[str, str] | None = field(default=None, repr=False, compare=False)
    internal: bool = False


ANONYMOUS = Principal("anonymous")

_current: ContextVar[Principal] = ContextVar("principal", default=ANONYMOUS)


def current() -> Principal:
    """Return who acts, or ANONYMOUS if nobody has said."""
    return _current.get()


def current_subject() -> str:
    """Return the identity of who acts."""
    return current().subject


def become(principal: Principal) -> None:
    """Act as this principal until the surrounding block of `acting_as` ends."""
    _current.set(principal)


@contextmanager
def acting_as(principal: Principal) -> Iterator[None]:
    """Act as a principal for a while: a request begins as ANONYMOUS, a worker is its service."""
    token = _current.set(principal)
    try:
        yield
    finally:
        _current.reset(token)
