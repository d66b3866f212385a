import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest
from hypothesis import settings

from kit.testing import LiveService, live_service, records, servers

SHOW = (
    "import os, sys, asyncpg, asyncio; "
    "row = asyncio.run(asyncpg.connect(os.environ['TEST_POSTGRES_URL'])); "
    "print(os.environ['TEST_POSTGRES_URL'], os.environ.get('TEST_REDIS_URL')); sys.exit(7)"
)


def serve(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "kit.testing", "serve", *arguments]
    return subprocess.run(  # noqa: S603 - this very Python
        command, capture_output=True, text=True, check=False, env={"PATH": "", **environment}
    )


def test_serve_starts_gives_and_stops() -> None:
    done = serve("--no-redis", "--", sys.executable, "-c", SHOW, PATH="/usr/bin:/bin")
    assert done.returncode == 7, done.stderr
    url, redis = done.stdout.split()
    assert redis == "None"
    port = int(url.rpartition(":")[2].partition("/")[0])
    assert not servers._listens(port)


def test_serve_uses_what_is_given(postgres_server: str, redis_url: str) -> None:
    done = serve(
        *("--", sys.executable, "-c", SHOW),
        TEST_POSTGRES_URL=postgres_server,
        TEST_REDIS_URL=redis_url,
    )
    assert done.returncode == 7, done.stderr
    assert done.stdout.split() == [postgres_server, redis_url]


def test_what_is_missing_is_told(postgres_server: str) -> None:
    done = serve("--", "true", TEST_POSTGRES_URL=postgres_server)
    assert done.returncode == 1
    assert "install the server (Debian, Ubuntu: apt-get install redis-server" in done.stderr


def test_a_missing_postgres_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _name: None)
    monkeypatch.setattr(Path, "glob", lambda _path, _pattern: iter(()))
    with pytest.raises(servers.ServerMissingError, match="apt-get install postgresql"):
        servers._postgres_binaries()


async def test_new_databases_are_migrated_and_separate(
    new_database: Callable[[], Awaitable[str]],
) -> None:
    first, second = await new_database(), await new_database()
    for number, url in enumerate((first, second)):
        connection = await asyncpg.connect(url)
        assert await connection.fetchval("SELECT count(*) FROM products") == 0
        await connection.execute(
            "INSERT INTO products (id, sku, price) VALUES (gen_random_uuid(), $1, 1)", str(number)
        )
        await connection.close()


async def test_a_service_that_cannot_start_says_why(live_environment: dict[str, str]) -> None:
    environment = {**live_environment, "PORT": "none"}
    with pytest.raises(RuntimeError, match="unable to parse string as an integer"):
        async with live_service("sample", **environment):
            pass


async def test_a_service_waits_for_its_schema(
    live_environment: dict[str, str], postgres_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kit.testing.service._READY_S", 2)
    environment = {**live_environment, "DATABASE_URL": postgres_server}
    started: list[LiveService] = []
    with pytest.raises(TimeoutError):
        async with live_service("sample", **environment) as service:
            started.append(service)
    assert started == []


def test_no_port_is_given_twice() -> None:
    assert len({servers.free_port() for _ in range(300)}) == 300


def test_texts_are_none_that_a_generator_of_requests_tries_first() -> None:
    assert min(len(records.text(records.serial(), 1, 32)) for _ in range(100)) > 3


def test_numbers_can_start_elsewhere() -> None:
    records.serials_from(10**9)
    assert [records.serial(), records.serial()] == [10**9, 10**9 + 1]


def test_texts_for_a_pattern_differ_also_where_tests_are_not_random() -> None:
    before = settings.get_current_profile_name()
    settings.register_profile("the same each time", derandomize=True)
    settings.load_profile("the same each time")
    try:
        texts = [records.matching("^[A-Z]{3}-[0-9]{6}$", 10, 10) for _ in range(300)]
    finally:
        settings.load_profile(before)
    assert len(set(texts)) == len(texts)
