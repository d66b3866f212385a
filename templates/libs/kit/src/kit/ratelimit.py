"""Rate limits by GCRA: a steady rate and a burst, for each client and for each of its writes.

Redis holds one number for each limit, the time at which the client would be back at rest, so all
replicas count together. While Redis is away each process counts by itself, which lets a client
have its rate once from each replica: too much rather than too little.
"""

import hashlib
import math
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field
from redis.commands.core import AsyncScript

from kit.guard import Verdict
from kit.redis import FAILURE, Link
from kit.resources import Resources
from kit.settings import Positive, ServiceSettings

Rate = Annotated[float, Field(gt=0)]

_MOST_CLIENTS = 20_000  # that one process remembers: about 4 MB

# Admits a request only if every limit does, and counts it under none of them otherwise. Answers
# with the milliseconds to wait, and for each limit those until the client is back at rest.
_ADMIT = """
local now = redis.call('TIME')
now = now[1] * 1000 + now[2] / 1000
local wait, rests = 0, {}
for i, key in ipairs(KEYS) do
  local interval, burst = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local rest = math.max(tonumber(redis.call('GET', key) or now), now) - now
  wait = math.max(wait, rest + interval - interval * burst)
  rests[i] = rest
end
for i, key in ipairs(KEYS) do
  if wait <= 0 then
    rests[i] = rests[i] + tonumber(ARGV[2 * i - 1])
    redis.call('SET', key, string.format('%.3f', now + rests[i]), 'PX', math.ceil(rests[i]))
  end
  rests[i] = string.format('%.3f', rests[i])
end
return {string.format('%.3f', wait), unpack(rests)}
"""


class RateSettings(ServiceSettings):
    """How much one client may ask for."""

    rate_limit_rps: Rate
    rate_limit_burst: Positive
    rate_limit_write_rps: Rate
    rate_limit_write_burst: Positive
    trusted_hops: Annotated[int, Field(ge=0)] = 0


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of one client."""

    name: str
    key: str
    interval_ms: float
    burst: int

    @property
    def policy(self) -> str:
        """The limit as RateLimit-Policy says it."""
        return f'"{self.name}";q={self.burst};w={math.ceil(self.burst * self.interval_ms / 1000)}'

    def state(self, rest_ms: float) -> str:
        """Return what is left of it as RateLimit says it."""
        left = max(0, math.floor(self.burst - rest_ms / self.interval_ms))
        return f'"{self.name}";r={left};t={math.ceil(rest_ms / 1000)}'


class RateLimit:
    """Limits all requests of a client, and each kind of write by itself; see kit.guard.Limiter.

    Args:
        settings: the numbers.
    """

    def __init__(self, settings: RateSettings) -> None:
        self._settings = settings
        self._local = LocalLimits()
        self._link = Link(None)
        self._script: AsyncScript | None = None

    def use(self, resources: Resources) -> None:
        """Count in the service's Redis from now on, if it has one."""
        self._link = resources.redis
        if self._link.client is not None:
            self._script = self._link.client.register_script(_ADMIT)

    async def admit(self, client: str, operation: str | None) -> Verdict:
        """Count a request; `operation` names a write."""
        limits = self._limits(client, operation)
        wait_ms, *rests_ms = await self._counted(limits)
        states = [limit.state(rest_ms) for limit, rest_ms in zip(limits, rests_ms, strict=True)]
        headers = {
            "RateLimit-Policy": ", ".join(limit.policy for limit in limits),
            "RateLimit": ", ".join(states),
        }
        return Verdict(max(0, math.ceil(wait_ms / 1000)), headers)

    def _limits(self, client: str, operation: str | None) -> list[Limit]:
        given = self._settings
        # Hashed, for Redis to hold no names; in braces, for the keys to lie on one node.
        person = hashlib.sha256(client.encode()).hexdigest()[:32]
        key = f"{given.service_name}:rate:{{{person}}}"
        limits = [Limit("client", key, 1000 / given.rate_limit_rps, given.rate_limit_burst)]
        if operation is not None:
            interval_ms = 1000 / given.rate_limit_write_rps
            burst = given.rate_limit_write_burst
            limits.append(Limit("write", f"{key}:{operation}", interval_ms, burst))
        return limits

    async def _counted(self, limits: Sequence[Limit]) -> list[float]:
        if self._script is not None and self._link.usable():
            numbers = [number for limit in limits for number in (limit.interval_ms, limit.burst)]
            try:
                answer = await self._script(keys=[limit.key for limit in limits], args=numbers)
            except FAILURE as error:
                self._link.failed(error)
            else:
                self._link.worked()
                return [float(number) for number in answer]
        return self._local.admit(limits, time.monotonic() * 1000)


class LocalLimits:
    """The same count in this process, of the clients that were here last."""

    def __init__(self) -> None:
        self._rested_at_ms: OrderedDict[str, float] = OrderedDict()

    def admit(self, limits: Sequence[Limit], now_ms: float) -> list[float]:
        """Count a request if every limit lets it through; answers as the script does."""
        rests = [max(self._rested_at_ms.get(limit.key, 0), now_ms) - now_ms for limit in limits]
        wait_ms = max(
            rest + limit.interval_ms * (1 - limit.burst)
            for limit, rest in zip(limits, rests, strict=True)
        )
        if wait_ms <= 0:
            rests = [rest + limit.interval_ms for limit, rest in zip(limits, rests, strict=True)]
            for limit, rest in zip(limits, rests, strict=True):
                self._rested_at_ms[limit.key] = now_ms + rest
                self._rested_at_ms.move_to_end(limit.key)
            while len(self._rested_at_ms) > _MOST_CLIENTS:
                self._rested_at_ms.popitem(last=False)
        return [wait_ms, *rests]
