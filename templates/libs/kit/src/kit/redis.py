"""The connection to Redis, which may be slow or dead without a client noticing."""

import asyncio
import time

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from kit.logs import get_logger
from kit.metrics import Metrics
from kit.settings import ServiceSettings

FAILURE = (RedisError, OSError, TimeoutError)
"""What a call to Redis raises where Redis is to blame."""

_FAILURES_TO_OPEN = 3
_PROBE_INTERVAL_S = 1.0
_POOL_WAIT_S = 0.1

_log = get_logger(__name__)


class Link:
    """A client of Redis and what is known of its health, for all that use it.

    After a few failures in a row Redis is left alone: whoever asks `usable` passes it by, and a
    ping in the background, once a second, finds out when it is back.

    Args:
        client: the connection, or None for no Redis at all.
    """

    def __init__(self, client: Redis | None) -> None:
        self.client = client
        self._failures = 0
        self._probe_at = 0.0
        self._probe: asyncio.Task[None] | None = None

    @classmethod
    def open(cls, settings: ServiceSettings, metrics: Metrics) -> "Link":
        """Make the client; nothing connects before the first call."""
        if settings.redis_url is None:
            return cls(None)
        timeout_s = settings.redis_timeout_ms / 1000
        pool = BlockingConnectionPool.from_url(
            settings.redis_url.get_secret_value(),
            max_connections=settings.redis_pool_max,
            timeout=_POOL_WAIT_S,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            # Once more for a connection that the server closed while idle; never for slowness.
            retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
            health_check_interval=0,
        )
        link = cls(Redis.from_pool(pool))
        metrics.watch_cache(lambda: link.available)
        return link

    @property
    def enabled(self) -> bool:
        """Tell whether there is a Redis at all."""
        return self.client is not None

    @property
    def available(self) -> bool:
        """Tell whether Redis answers, as far as is known."""
        return self.enabled and self._failures < _FAILURES_TO_OPEN

    async def close(self) -> None:
        """Disconnect."""
        if self._probe is not None:
            self._probe.cancel()
            await asyncio.gather(self._probe, return_exceptions=True)
        if self.client is not None:
            await self.client.aclose()

    def usable(self) -> bool:
        """Tell whether to ask Redis now."""
        if self.client is None:
            return False
        if self._failures < _FAILURES_TO_OPEN:
            return True
        if time.monotonic() >= self._probe_at and (self._probe is None or self._probe.done()):
            self._probe_at = time.monotonic() + _PROBE_INTERVAL_S
            self._probe = asyncio.create_task(self._ping(self.client))
        return False

    def worked(self) -> None:
        """Note that a call was answered."""
        self._failures = 0

    def failed(self, error: Exception) -> None:
        """Note that a call failed."""
        self._failures += 1
        if self._failures == _FAILURES_TO_OPEN:
            self._probe_at = time.monotonic() + _PROBE_INTERVAL_S
            _log.warning("redis_unavailable", error=repr(error))

    async def _ping(self, client: Redis) -> None:
        try:
            await client.ping()
        except FAILURE:
            return
        self._failures = 0
        _log.info("redis_back")
