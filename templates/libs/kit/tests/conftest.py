import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx2
import pytest
import pytest_asyncio

from kit.app import Resources
from kit.cache import Cache
from kit.db import Database
from kit.metrics import Metrics
from kit.redis import Link
from kit.testing import in_process

TESTS = Path(__file__).parent
sys.path.insert(0, str(TESTS))

from sample.main import build  # noqa: E402 - found through the line above
from sample.settings import Settings  # noqa: E402

MakeSettings = Callable[..., Settings]


@pytest.fixture(scope="session")
def migrations_dir() -> Path:
    return TESTS / "migrations"


@pytest.fixture(scope="session")
def make_settings(database_url: str, redis_url: str) -> MakeSettings:
    def make(**values: Any) -> Settings:
        given = {
            "environment": "test",
            "host": "127.0.0.1",
            "metrics_port": 0,
            "database_url": database_url,
            "redis_url": redis_url,
            # A busy machine is no failure of the service.
            "db_acquire_timeout_ms": 5000,
            "redis_timeout_ms": 5000,
            "request_deadline_ms": 15_000,
            **values,
        }
        return Settings(**given)

    return make


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(250)


@pytest_asyncio.fixture(loop_scope="session")
async def resources(make_settings: MakeSettings, metrics: Metrics) -> AsyncIterator[Resources]:
    settings = make_settings(redis_url=None)
    db = await Database.open(settings, metrics)
    cache = Cache(Link(None), "test", 60, metrics)
    yield cast("Resources", SimpleNamespace(db=db, cache=cache))
    await db.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def client(make_settings: MakeSettings) -> AsyncIterator[httpx2.AsyncClient]:
    async with in_process(build(make_settings())) as made:
        yield made


@pytest.fixture
def live_environment(database_url: str, redis_url: str) -> dict[str, str]:
    return {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "PYTHONPATH": str(TESTS)}
