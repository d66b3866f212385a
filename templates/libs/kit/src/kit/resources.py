"""What a service holds while it runs."""

from contextlib import AsyncExitStack
from dataclasses import dataclass

from starlette.requests import Request

from kit.cache import Cache
from kit.db import Database
from kit.health import Health
from kit.metrics import Metrics
from kit.redis import Link
from kit.settings import ServiceSettings


@dataclass(frozen=True, slots=True)
class Resources:
    """Opened by the lifespan of the app, in this order, and closed in the reverse one."""

    settings: ServiceSettings
    metrics: Metrics
    health: Health
    db: Database
    redis: Link
    cache: Cache
    closing: AsyncExitStack
    """Closes what is opened besides, before all of these."""


@dataclass(frozen=True, slots=True)
class Stores:
    """The kinds of pool and cache that a service opens."""

    database: type[Database]
    cache: type[Cache]


SHARED = Stores(Database, Cache)


async def resources(request: Request) -> Resources:
    """Return the service's resources; for `Annotated[Resources, Depends(resources)]`."""
    found: Resources = request.state.resources
    return found
