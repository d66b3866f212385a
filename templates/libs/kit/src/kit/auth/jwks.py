"""The public keys of an issuer, fetched without ever blocking or stampeding."""

import asyncio
import random
import time
from collections.abc import Callable
from typing import Any

import httpx2
import jwt

from kit import deadline
from kit.logs import get_logger
from kit.problems import Problem

_REFRESH_S = 300.0
_RETRY_S = 5.0
_COOL_DOWN_S = 5.0
_MOST_BYTES = 262_144
_DISCOVERY = "/.well-known/openid-configuration"

_log = get_logger(__name__)


class UnknownKeyError(Exception):
    """The issuer has no such key."""


class Keys:
    """The signing keys of one issuer by their id.

    They are fetched in the background every few minutes, and at once for an id that is not known:
    one fetch for all who wait. A fetch for an id that the issuer does not know either starts a
    cool-down, in which made-up ids cost nothing. Keys stay while the issuer is away.

    Args:
        client: fetches.
        issuer: as tokens write it.
        on_removal: called when the issuer has taken a key back.
        jwks_url: where the keys are; None for where the issuer's configuration says.
    """

    def __init__(
        self,
        client: httpx2.AsyncClient,
        issuer: str,
        on_removal: Callable[[], None],
        *,
        jwks_url: str | None = None,
    ) -> None:
        self._client = client
        self._issuer = issuer
        self._jwks_url = jwks_url
        self._on_removal = on_removal
        self._keys: dict[str, jwt.PyJWK] = {}
        self._flight: asyncio.Task[None] | None = None
        self._cool_until = 0.0
        self._away = True

    async def get(self, key_id: str) -> jwt.PyJWK:
        """Return a key.

        Raises:
            UnknownKeyError: the issuer has no such key.
            Problem: 503, the key is not known and the issuer does not answer.
        """
        found = self._keys.get(key_id)
        if found is None and time.monotonic() >= self._cool_until:
            started = await self._refreshed()
            if not started and key_id not in self._keys:
                await self._refreshed()  # the fetch that was joined began before there was the key
            found = self._keys.get(key_id)
            if found is None:
                self._cool_until = time.monotonic() + _COOL_DOWN_S
        if found is not None:
            return found
        if self._away:
            raise _away()
        raise UnknownKeyError

    async def watch(self) -> None:
        """Keep the keys fresh, for ever."""
        while True:
            await self._refreshed()
            wait_s = _RETRY_S if self._away else _REFRESH_S
            await asyncio.sleep(wait_s * random.uniform(0.8, 1))  # noqa: S311 - spreads the replicas

    async def close(self) -> None:
        """Let go of a fetch that is under way."""
        if self._flight is not None:
            self._flight.cancel()
            await asyncio.gather(self._flight, return_exceptions=True)

    async def _refreshed(self) -> bool:
        """Join the fetch under way or start one, and tell which; who gives up does not stop it."""
        starts = self._flight is None or self._flight.done()
        if starts:
            self._flight = asyncio.create_task(self._refresh())
        assert self._flight is not None  # noqa: S101 - it was started, if not before
        await asyncio.shield(self._flight)
        return starts

    async def _refresh(self) -> None:
        deadline.clear()  # the first caller's deadline is not that of the others
        try:
            fetched = _usable(await self._fetch(self._jwks_url or await self._discovered()))
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, KeyError, TypeError) as error:
            self._away = True
            _log.warning("issuer_unavailable", error=repr(error))
            return
        if self._keys.keys() - fetched.keys():
            self._on_removal()
        self._keys = fetched
        self._away = False

    async def _discovered(self) -> str:
        configuration = await self._fetch(self._issuer.rstrip("/") + _DISCOVERY)
        if configuration.get("issuer") != self._issuer:
            msg = f"the configuration is that of {configuration.get('issuer')}"
            raise ValueError(msg)
        found: str = configuration["jwks_uri"]
        return found

    async def _fetch(self, url: str) -> dict[str, Any]:
        async with self._client.stream("GET", url) as answer:
            answer.raise_for_status()
            content = b""
            async for part in answer.aiter_bytes():
                content += part
                if len(content) > _MOST_BYTES:
                    msg = f"{url} answers with too much"
                    raise ValueError(msg)
        found = httpx2.Response(200, content=content).json()
        if not isinstance(found, dict):
            msg = f"{url} answers with no object"
            raise TypeError(msg)
        return found


def _usable(document: dict[str, Any]) -> dict[str, jwt.PyJWK]:
    """Return the keys that can verify a signature; others may be in the set as well."""
    keys: dict[str, jwt.PyJWK] = {}
    for given in document["keys"]:
        if given.get("use", "sig") != "sig" or not isinstance(given.get("kid"), str):
            continue
        try:
            keys[given["kid"]] = jwt.PyJWK(given)
        except jwt.PyJWTError as error:
            _log.warning("issuer_key_ignored", key_id=given["kid"], error=repr(error))
    return keys


def _away() -> Problem:
    detail = "The identity provider cannot be reached; try again in a moment."
    return Problem(503, "Service unavailable", detail=detail, headers={"Retry-After": "1"})
