"""Probes: is the process alive, may it get requests, has it started.

`python -m kit.health` asks /livez, for a container's health check.
"""

import asyncio
import os
import sys
import urllib.request
from collections.abc import Callable
from typing import Any, Literal, Protocol

import asyncpg
import orjson
from fastapi import APIRouter
from starlette.responses import Response

from kit.db import DatabaseUnavailableError, Executor
from kit.deadline import DeadlineExceededError
from kit.redis import Link

PATHS = frozenset({"/livez", "/readyz", "/startupz"})
_REFRESH_S = 1.0
_SCHEMA = "SELECT coalesce(max(version::bigint), 0) FROM schema_migrations"

Check = Literal["ok", "unreachable", "schema is behind", "unknown"]


class Health:
    """What the probes answer; refreshed in the background, so that a probe does no I/O.

    Args:
        schema_version: the newest migration that this build was made for.
    """

    def __init__(self, schema_version: str) -> None:
        self._wanted = int(schema_version)
        self._database: Check = "unknown"
        self._redis: Link | None = None
        self._others: dict[str, Callable[[], bool]] = {}
        self.draining = False

    @property
    def ready(self) -> bool:
        """Tell whether requests should be sent here."""
        return self._database == "ok" and not self.draining

    @property
    def started(self) -> bool:
        """Tell whether the start is over."""
        return self._database != "unknown"

    def report(self) -> dict[str, Any]:
        """Return the checks by name; only a dead database makes the service unready."""
        checks: dict[str, Check] = {"database": self._database}
        if self._redis is not None and self._redis.enabled:
            checks["cache"] = "ok" if self._redis.available else "unreachable"
        for name, available in self._others.items():
            checks[name] = "ok" if available() else "unreachable"
        degraded = any(state != "ok" for state in checks.values())
        status = "draining" if self.draining else "degraded" if degraded else "ok"
        return {"status": status if self.ready or self.draining else "unready", "checks": checks}

    def depend(self, name: str, available: Callable[[], bool]) -> None:
        """Report on something without which the service is degraded and no more."""
        self._others[name] = available

    async def check(self, db: Executor) -> None:
        """Look once whether the database answers and its schema is new enough."""
        try:
            version: int = await db.fetchval(_SCHEMA)
        except asyncpg.UndefinedTableError:
            self._database = "schema is behind"
        except (DatabaseUnavailableError, DeadlineExceededError, OSError, asyncpg.PostgresError):
            self._database = "unreachable"
        else:
            self._database = "ok" if version >= self._wanted else "schema is behind"

    async def watch(self, db: Executor, redis: Link) -> None:
        """Keep the answers fresh, for ever."""
        self._redis = redis
        while True:
            await self.check(db)
            await asyncio.sleep(_REFRESH_S)


class Probed(Protocol):
    """What the probes of a process ask."""

    draining: bool

    @property
    def ready(self) -> bool:
        """Tell whether requests should be sent here."""

    @property
    def started(self) -> bool:
        """Tell whether the start is over."""

    def report(self) -> dict[str, Any]:
        """Return the state and what it follows from."""


def router(health: Probed) -> APIRouter:
    """Return the routes of the probes."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/livez")
    async def livez() -> Response:
        return _answer({"status": "ok"}, good=True)

    @routes.get("/readyz")
    async def readyz() -> Response:
        return _answer(health.report(), good=health.ready)

    @routes.get("/startupz")
    async def startupz() -> Response:
        return _answer(health.report(), good=health.started)

    return routes


def _answer(body: dict[str, Any], *, good: bool) -> Response:
    return Response(orjson.dumps(body), 200 if good else 503, media_type="application/json")


def main() -> int:
    """Ask the service in this container whether it is alive."""
    url = f"http://127.0.0.1:{os.environ.get('PORT', '8000')}/livez"
    try:
        with urllib.request.urlopen(url, timeout=2):
            return 0
    except OSError:
        return 1


if __name__ == "__main__":
    sys.exit(main())
