"""Cache-aside in Redis, which may be slow, stale or dead without a client noticing.

Entries carry the version of their record. A write leaves a tombstone with the new version, and
Redis stores an entry only over one of the same or a lower version. So a reader that loaded the
old record before the write, and stores it after, is refused: the classic race cannot leave a
stale entry. Should Redis miss the tombstone itself (it was down), an entry lives until its TTL.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Self

from kit import deadline
from kit.metrics import Metrics
from kit.redis import FAILURE, Link
from kit.settings import ServiceSettings

_TTL_JITTER = 0.1
_TOMBSTONE_S = 60  # longer than any request that could still hold the old record
_DELETED = 2**31  # above every version: nothing is stored over it

_STORE_UNLESS_OLDER = """
local held = redis.call('GETRANGE', KEYS[1], 0, 11)
local version = tonumber(string.match(held, '^(%d+)\\n'))
if version and version > tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1] .. '\\n' .. ARGV[2], 'EX', ARGV[3])
return 1
"""


class Snapshot(NamedTuple):
    """A record as it is answered: its version and its JSON."""

    version: int
    body: bytes


Load = Callable[[], Awaitable[Snapshot | None]]


class Cache:
    """The cache of one service; without Redis every call goes straight to the loader.

    Args:
        link: to Redis; one without a client means no cache.
        prefix: put before each key; changes when stored bodies change their shape.
        ttl_s: how long an entry lives, ±10 %.
        metrics: counts hits, misses, errors and bypasses.
    """

    def __init__(self, link: Link, prefix: str, ttl_s: int, metrics: Metrics) -> None:
        self._link = link
        self._client = link.client
        self._store_script = (
            link.client.register_script(_STORE_UNLESS_OLDER) if link.client else None
        )
        self._prefix = prefix
        self._ttl_s = ttl_s
        self._metrics = metrics
        self._flights: dict[str, asyncio.Task[Snapshot | None]] = {}

    @classmethod
    def open(
        cls, settings: ServiceSettings, schema_version: str, metrics: Metrics, link: Link
    ) -> Self:
        """Make the cache of a service; with a TTL of 0 there is none."""
        prefix = f"{settings.service_name}:{schema_version}:"
        return cls(
            link if settings.cache_ttl_s else Link(None), prefix, settings.cache_ttl_s, metrics
        )

    async def close(self) -> None:
        """Let go of the loads in flight."""
        running = list(self._flights.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def get_or_load(self, key: str, load: Load) -> Snapshot | None:
        """Return the entry, or load and store it; callers of one process share one load.

        What is not found is not stored. An error of the loader reaches every caller that waits.
        """
        if not self._link.usable():
            self._metrics.cache_bypass.inc()
            return await load()
        try:
            held = await self._get(key)
        except FAILURE as error:
            self._failed(error)
            return await self._shared(key, load)
        (self._metrics.cache_hit if held else self._metrics.cache_miss).inc()
        return held or await self._shared(key, load)

    async def invalidate(self, key: str, version: int | None) -> None:
        """Forget an entry after a committed write.

        Args:
            key: the entry.
            version: the record's new version, or None if it was deleted.
        """
        self._flights.pop(key, None)  # readers from now on must not join a load of the past
        if self._link.usable():
            await self._store(key, _DELETED if version is None else version, b"", _TOMBSTONE_S)

    async def _get(self, key: str) -> Snapshot | None:
        assert self._client is not None  # noqa: S101 - usable was asked
        entry = await self._client.get(self._prefix + key)
        self._link.worked()
        version, _, body = _as_bytes(entry).partition(b"\n")
        return Snapshot(int(version), body) if body else None

    async def _shared(self, key: str, load: Load) -> Snapshot | None:
        """Join the load in flight, or start it; a caller that gives up does not stop it."""
        flight = self._flights.get(key)
        if flight is None:
            flight = asyncio.create_task(self._load_and_store(key, load))
            self._flights[key] = flight
            flight.add_done_callback(lambda done: self._landed(key, done))
        return await asyncio.shield(flight)

    def _landed(self, key: str, flight: asyncio.Task[Snapshot | None]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
        if not flight.cancelled():
            flight.exception()  # seen, even if every caller has gone

    async def _load_and_store(self, key: str, load: Load) -> Snapshot | None:
        deadline.clear()  # the first caller's deadline is not that of the others
        found = await load()
        if found is not None and self._link.usable():
            ttl_s = self._ttl_s * random.uniform(1 - _TTL_JITTER, 1 + _TTL_JITTER)  # noqa: S311
            await self._store(key, found.version, found.body, max(1, round(ttl_s)))
        return found

    async def _store(self, key: str, version: int, body: bytes, ttl_s: int) -> None:
        assert self._store_script is not None  # noqa: S101 - usable was asked
        try:
            await self._store_script(keys=[self._prefix + key], args=[version, body, ttl_s])
            self._link.worked()
        except FAILURE as error:
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        self._metrics.cache_error.inc()
        self._link.failed(error)


def _as_bytes(entry: bytes | str | None) -> bytes:
    """Narrow what the client may return; it is told to decode nothing."""
    return entry if isinstance(entry, bytes) else b""
