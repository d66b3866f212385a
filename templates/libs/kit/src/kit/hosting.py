"""What a process has in store for a service that it runs as one of its modules."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from starlette.types import ASGIApp


@dataclass(frozen=True, slots=True)
class Place:
    """Where a module runs: telemetry, logs and the server are the process's.

    Args:
        prefix: begins the names of the settings that are the module's alone, as `CATALOG_`.
        values: settings that only the process knows, like the addresses of the other modules.
        peers: the other modules, each by its name.
    """

    prefix: str
    values: Mapping[str, str]
    peers: Mapping[str, ASGIApp]


_place: ContextVar[Place | None] = ContextVar("place", default=None)


def current() -> Place | None:
    """Return where the module that is being set up runs; None for a process of its own."""
    return _place.get()


@contextmanager
def hosting(place: Place) -> Iterator[None]:
    """Set up a module: read its settings, make its app, start it."""
    token = _place.set(place)
    try:
        yield
    finally:
        _place.reset(token)
