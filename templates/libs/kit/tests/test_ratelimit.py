import asyncio
import time
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import cast
from uuid import uuid4

import httpx2
import pytest
import pytest_asyncio
from conftest import MakeSettings
from sample.main import build

from kit import ratelimit
from kit.guard import Guard
from kit.metrics import Metrics
from kit.ratelimit import Limit, LocalLimits, RateLimit, RateSettings
from kit.redis import Link
from kit.resources import Resources
from kit.testing import RedisServer, in_process

PATH = "/v1/oddities/slow?seconds=0"


class Settings(RateSettings):
    service_name: str = "sample"
    rate_limit_rps: float = 10
    rate_limit_burst: int = 5
    rate_limit_write_rps: float = 5
    rate_limit_write_burst: int = 2


def limited(make_settings: MakeSettings, **values: object) -> Settings:
    return Settings(**(make_settings().model_dump(exclude={"service_name"}) | values))


def counting(settings: Settings, link: Link) -> RateLimit:
    """Return the limits as one replica of the service has them."""
    limits = RateLimit(settings)
    limits.use(cast("Resources", SimpleNamespace(redis=link)))
    return limits


@pytest.fixture
def name() -> str:
    """A client that no other test uses."""
    return uuid4().hex


@pytest_asyncio.fixture(loop_scope="session")
async def link(make_settings: MakeSettings, metrics: Metrics) -> AsyncIterator[Link]:
    opened = Link.open(make_settings(), metrics)
    yield opened
    await opened.close()


async def admitted(limits: RateLimit, name: str, tries: int, operation: str | None = None) -> int:
    verdicts = [await limits.admit(name, operation) for _ in range(tries)]
    return sum(verdict.wait_s == 0 for verdict in verdicts)


@pytest.mark.parametrize("local", [False, True])
async def test_a_burst_and_then_the_rate(
    make_settings: MakeSettings, link: Link, name: str, local: bool
) -> None:
    slow = limited(make_settings, rate_limit_rps=2, rate_limit_burst=5)
    limits = counting(slow, Link(None) if local else link)
    began = time.monotonic()
    assert await admitted(limits, name, 20) == 5
    verdict = await limits.admit(name, None)
    assert verdict.wait_s == 1
    assert verdict.headers["RateLimit-Policy"] == '"client";q=5;w=3'
    assert verdict.headers["RateLimit"].startswith('"client";r=0;t=')
    await asyncio.sleep(1.1)
    again = await admitted(limits, name, 20)
    assert 2 <= again <= 2 * (time.monotonic() - began)


@pytest.mark.parametrize("local", [False, True])
async def test_writes_have_a_limit_of_their_own(
    make_settings: MakeSettings, link: Link, name: str, local: bool
) -> None:
    given = limited(make_settings, rate_limit_rps=0.1, rate_limit_write_rps=0.1)
    limits = counting(given, Link(None) if local else link)
    assert await admitted(limits, name, 5, "create_product") == 2
    assert await admitted(limits, name, 1, "update_product") == 1
    assert await admitted(limits, name, 9) == 2  # what was refused was not counted
    other = await limits.admit(uuid4().hex, "create_product")
    assert other.headers["RateLimit"] == '"client";r=4;t=10, "write";r=1;t=10'


async def test_replicas_count_together(
    make_settings: MakeSettings, metrics: Metrics, link: Link, name: str
) -> None:
    given = limited(make_settings, rate_limit_rps=0.1)
    second = Link.open(given, Metrics(250))
    replicas = counting(given, link), counting(given, second)
    counts = await asyncio.gather(*(admitted(replica, name, 10) for replica in replicas))
    assert sum(counts) == 5
    await second.close()


async def test_a_key_goes_when_it_says_nothing_any_more(
    make_settings: MakeSettings, link: Link, name: str
) -> None:
    limits = counting(limited(make_settings, rate_limit_rps=100), link)
    await limits.admit(name, "create_product")
    assert link.client is not None
    assert all(name not in str(key) for key in await link.client.keys("sample:rate:*"))
    await asyncio.sleep(0.5)
    assert await admitted(limits, name, 2, "create_product") == 2


async def test_without_redis_limits_hold_and_cost_nothing(
    make_settings: MakeSettings, redis_server: RedisServer, name: str
) -> None:
    given = limited(
        make_settings, redis_url=redis_server.url, redis_timeout_ms=250, rate_limit_rps=0.1
    )
    metrics = Metrics(250)
    link = Link.open(given, metrics)
    limits = counting(given, link)
    assert await admitted(limits, name, 7) == 5
    redis_server.pause()
    assert await admitted(limits, name, 10) == 5  # this process knew nothing of the client
    began = time.monotonic()
    assert await admitted(limits, uuid4().hex, 1000) == 5
    assert time.monotonic() - began < 0.25  # less than a single wait for Redis
    redis_server.restart()
    async with asyncio.timeout(20):
        while not link.available:
            await limits.admit(name, None)
            await asyncio.sleep(0.05)
    assert await admitted(limits, uuid4().hex, 7) == 5
    await link.close()


def test_a_process_remembers_so_many_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ratelimit, "_MOST_CLIENTS", 10)
    local = LocalLimits()
    for number in range(100):
        local.admit([Limit("client", str(number), 1000, 1)], 0)
    assert len(local._rested_at_ms) == 10
    assert local.admit([Limit("client", "99", 1000, 1)], 1)[0] == 999
    assert local.admit([Limit("client", "0", 1000, 1)], 1)[0] == 0


@pytest_asyncio.fixture(loop_scope="session")
async def client(make_settings: MakeSettings) -> AsyncIterator[httpx2.AsyncClient]:
    settings = limited(
        make_settings, redis_url=None, rate_limit_rps=0.1, cors_origins="https://a.example"
    )
    guard = Guard(limiter=RateLimit(settings), trusted_hops=1)
    async with in_process(build(settings, guard)) as made:
        yield made


async def test_too_many_requests_are_told_to_wait(client: httpx2.AsyncClient) -> None:
    origin = {"Origin": "https://a.example"}
    answers = [await client.get(PATH, headers=origin) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    last = answers[-1]
    assert last.headers["Content-Type"] == "application/problem+json"
    assert int(last.headers["Retry-After"]) == 10
    assert "RateLimit" in last.headers["Access-Control-Expose-Headers"]
    left = [answer.headers["RateLimit"].split(";")[1] for answer in answers]
    assert left == ["r=4", "r=3", "r=2", "r=1", "r=0", "r=0"]
    assert (await client.get("/livez")).status_code == 200


async def used_up(client: httpx2.AsyncClient, forwarded: str) -> None:
    for _ in range(6):
        answer = await client.get(PATH, headers={"X-Forwarded-For": forwarded})
    assert answer.status_code == 429


async def test_a_client_is_who_the_trusted_proxy_saw(client: httpx2.AsyncClient) -> None:
    async def status(forwarded: str) -> int:
        return (await client.get(PATH, headers={"X-Forwarded-For": forwarded})).status_code

    await used_up(client, "192.0.2.1")
    assert await status("203.0.113.9, 192.0.2.1") == 429  # what stands before it is invented
    assert await status("192.0.2.1, 192.0.2.2") == 200
    await used_up(client, "2001:db8:0:1::1")
    assert await status("2001:db8:0:1:ffff::2") == 429  # the same home
    assert await status("2001:db8:0:2::1") == 200
