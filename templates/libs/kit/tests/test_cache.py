import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from conftest import MakeSettings
from redis.asyncio import Redis

from kit import deadline
from kit.cache import Cache, Snapshot
from kit.ids import uuid7
from kit.metrics import Metrics
from kit.redis import Link
from kit.testing import RedisServer

V1, V2, V3 = (Snapshot(version, b'{"version":%d}' % version) for version in (1, 2, 3))


class Source:
    """A loader that counts its calls and may be held up."""

    def __init__(self, found: Snapshot | None) -> None:
        self.found = found
        self.calls = 0
        self.asked = asyncio.Event()
        self.open = asyncio.Event()
        self.open.set()

    async def __call__(self) -> Snapshot | None:
        self.calls += 1
        self.asked.set()
        found = self.found
        await self.open.wait()
        return found


@pytest.fixture
def key() -> str:
    return f"product:{uuid7()}"


@pytest_asyncio.fixture(loop_scope="session")
async def cache(make_settings: MakeSettings, metrics: Metrics) -> AsyncIterator[Cache]:
    link = Link.open(make_settings(), metrics)
    opened = Cache.open(make_settings(), "001", metrics, link)
    yield opened
    await opened.close()
    await link.close()


def counted(metrics: Metrics, result: str) -> float | None:
    return metrics.registry.get_sample_value("cache_requests_total", {"result": result})


async def test_the_second_read_is_a_hit(cache: Cache, key: str, metrics: Metrics) -> None:
    source = Source(V1)
    assert await cache.get_or_load(key, source) == V1
    assert await cache.get_or_load(key, source) == V1
    assert source.calls == 1
    assert (counted(metrics, "miss"), counted(metrics, "hit")) == (1, 1)


async def test_what_is_not_found_is_not_stored(cache: Cache, key: str) -> None:
    source = Source(None)
    assert await cache.get_or_load(key, source) is None
    source.found = V1
    assert await cache.get_or_load(key, source) == V1


async def test_many_readers_share_one_load(cache: Cache, key: str) -> None:
    source = Source(V1)
    source.open.clear()
    readers = [asyncio.create_task(cache.get_or_load(key, source)) for _ in range(20)]
    await asyncio.sleep(0.1)
    readers[0].cancel()  # the one that started the load
    source.open.set()
    found = await asyncio.gather(*readers, return_exceptions=True)
    assert found[1:] == [V1] * 19
    assert source.calls == 1


async def test_a_shared_load_has_no_callers_deadline(cache: Cache, key: str) -> None:
    async def load() -> Snapshot | None:
        assert deadline.remaining() is None
        return V1

    async def hurried() -> Snapshot | None:
        deadline.start(5)
        return await cache.get_or_load(key, load)

    assert await asyncio.create_task(hurried()) == V1


async def test_an_error_of_the_loader_reaches_every_reader(cache: Cache, key: str) -> None:
    async def load() -> Snapshot | None:
        await asyncio.sleep(0.05)
        raise ZeroDivisionError

    readers = [cache.get_or_load(key, load) for _ in range(3)]
    found = await asyncio.gather(*readers, return_exceptions=True)
    assert [type(error) for error in found] == [ZeroDivisionError] * 3


async def test_a_stale_load_is_not_stored_over_a_write(cache: Cache, key: str) -> None:
    source = Source(V1)
    source.open.clear()
    reader = asyncio.create_task(cache.get_or_load(key, source))
    await source.asked.wait()  # it holds version 1 and has not stored it yet
    await cache.invalidate(key, 2)
    fresh = Source(V2)
    assert await cache.get_or_load(key, fresh) == V2  # does not join the old load
    source.open.set()
    assert await reader == V1  # it began before the write
    assert await cache.get_or_load(key, Source(V3)) == V2


async def test_a_stale_load_is_not_stored_over_a_tombstone(cache: Cache, key: str) -> None:
    await cache.invalidate(key, 2)
    assert await cache.get_or_load(key, Source(V1)) == V1
    assert await cache.get_or_load(key, Source(V2)) == V2
    assert await cache.get_or_load(key, Source(V3)) == V2


async def test_nothing_is_stored_for_a_deleted_record(cache: Cache, key: str) -> None:
    await cache.invalidate(key, None)
    assert await cache.get_or_load(key, Source(V3)) == V3
    assert await cache.get_or_load(key, Source(None)) is None


async def test_entries_expire_not_all_at_once(cache: Cache, redis_url: str) -> None:
    keys = [f"ttl:{uuid7()}" for _ in range(30)]
    for one in keys:
        await cache.get_or_load(one, Source(V1))
    client = Redis.from_url(redis_url)
    lives = [await client.ttl(f"sample:001:{one}") for one in keys]
    await client.aclose()
    assert 265 <= min(lives) < max(lives) <= 330


async def test_without_redis_the_loader_answers(make_settings: MakeSettings, key: str) -> None:
    metrics = Metrics(250)
    link = Link.open(make_settings(redis_url=None), metrics)
    cache = Cache.open(make_settings(), "001", metrics, link)
    assert await cache.get_or_load(key, Source(V1)) == V1
    await cache.invalidate(key, 2)
    await cache.close()
    assert counted(metrics, "bypass") == 1
    assert link.enabled is False
    assert metrics.registry.get_sample_value("cache_available") is None  # nothing to alert on


async def test_a_service_may_use_redis_and_cache_nothing(
    make_settings: MakeSettings, key: str, metrics: Metrics
) -> None:
    settings = make_settings(cache_ttl_s=0)
    link = Link.open(settings, metrics)
    cache = Cache.open(settings, "001", metrics, link)
    source = Source(V1)
    for _ in range(2):
        assert await cache.get_or_load(key, source) == V1
    assert source.calls == 2
    assert link.available
    await link.close()


async def test_a_dead_redis_costs_next_to_nothing(
    make_settings: MakeSettings, key: str, metrics: Metrics, redis_server: RedisServer
) -> None:
    settings = make_settings(redis_url=redis_server.url, redis_timeout_ms=250)
    link = Link.open(settings, metrics)
    cache = Cache.open(settings, "001", metrics, link)
    assert await cache.get_or_load(key, Source(V1)) == V1
    redis_server.pause()
    for _ in range(2):  # each tries to read and to store
        assert await cache.get_or_load(key, Source(V2)) == V2
    assert metrics.registry.get_sample_value("cache_available") == 0
    failed = counted(metrics, "error")
    assert failed == 3
    for _ in range(100):
        assert await cache.get_or_load(key, Source(V2)) == V2
        await cache.invalidate(key, 2)
    assert counted(metrics, "error") == failed
    assert counted(metrics, "bypass") == 100
    redis_server.restart()
    async with asyncio.timeout(20):
        while not link.available:
            assert await cache.get_or_load(key, Source(V2)) == V2
            await asyncio.sleep(0.05)
    source = Source(V3)
    assert await cache.get_or_load(key, source) == V3
    assert await cache.get_or_load(key, source) == V3
    assert source.calls == 1
    await cache.close()
    await link.close()
