"""Fixtures: real servers, migrated databases. A service only overrides `migrations_dir`."""

import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

import httpx2
import pytest
import pytest_asyncio

from kit.testing import servers

NewDatabase = Callable[[], Awaitable[str]]
AsOwner = Callable[[str], str]
Connect = Callable[..., httpx2.AsyncClient]


class Logins(NamedTuple):
    """URLs of the server: of the role that owns the tables, and of the service."""

    owner: str
    service: str


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out, where a system is under test that runs, what looks into one of our own."""
    if os.environ.get("TEST_BASE_URL"):
        inside = [each for each in items if "postgres_server" in getattr(each, "fixturenames", ())]
        config.hook.pytest_deselected(items=inside)
        items[:] = [each for each in items if each not in inside]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a superuser: TEST_POSTGRES_URL, or a server that is started for this run."""
    given = os.environ.get("TEST_POSTGRES_URL")
    if given:
        yield given
        return
    try:
        with servers.postgres() as url:
            yield url
    except servers.ServerMissingError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """The URL of a Redis: TEST_REDIS_URL, or a server that is started for this run."""
    given = os.environ.get("TEST_REDIS_URL")
    if given:
        yield given
        return
    try:
        with servers.redis() as server:
            yield server.url
    except servers.ServerMissingError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture
def redis_server() -> Iterator[servers.RedisServer]:
    """A Redis of the test's own, to freeze and to kill."""
    try:
        with servers.redis() as server:
            yield server
    except servers.ServerMissingError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def migrations_dir() -> Path:
    """The migrations of the service under test."""
    pytest.fail("override the fixture migrations_dir in your conftest.py", pytrace=False)


@pytest.fixture(scope="session")
def logins(postgres_server: str) -> Logins:
    """The superuser is both; a service with roles of its own overrides this."""
    return Logins(postgres_server, postgres_server)


@pytest.fixture(scope="session")
def as_owner(logins: Logins) -> AsOwner:
    """Turns the URL of a database into the one that migrations use."""
    return lambda url: _with_database(logins.owner, urlsplit(url).path.removeprefix("/"))


@pytest.fixture(scope="session")
def credentials() -> dict[str, str]:
    """The headers by which callers prove who they are; a service that asks for them overrides this."""
    return {}


@pytest.fixture(scope="session")
def connect(credentials: dict[str, str]) -> Connect:
    """Makes clients of a service that runs as a process, with what `httpx2.AsyncClient` takes."""
    return partial(httpx2.AsyncClient, headers=credentials)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def template_database(
    postgres_server: str, logins: Logins, migrations_dir: Path
) -> AsyncIterator[str]:
    """The name of a migrated database, to copy from."""
    from kit import migrate  # noqa: PLC0415 - plugins load before coverage is measured

    name = _fresh_name("template")
    owner = urlsplit(logins.owner).username
    await _admin(postgres_server, f'CREATE DATABASE "{name}" OWNER "{owner}"')
    await migrate.up(_with_database(logins.owner, name), migrations_dir)
    yield name
    await _admin(postgres_server, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def database_url(
    postgres_server: str, logins: Logins, template_database: str
) -> AsyncIterator[str]:
    """One migrated database for the whole run, as the service sees it."""
    name = await _copy(postgres_server, template_database, logins)
    yield _with_database(logins.service, name)
    await _admin(postgres_server, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest_asyncio.fixture(loop_scope="session")
async def new_database(
    postgres_server: str, logins: Logins, template_database: str
) -> AsyncIterator[NewDatabase]:
    """Makes migrated databases that go with the test."""
    made: list[str] = []

    async def make() -> str:
        made.append(await _copy(postgres_server, template_database, logins))
        return _with_database(logins.service, made[-1])

    yield make
    for name in made:
        await _admin(postgres_server, f'DROP DATABASE "{name}" WITH (FORCE)')


async def _copy(server: str, template: str, logins: Logins) -> str:
    name = _fresh_name("test")
    owner = urlsplit(logins.owner).username
    await _admin(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}" OWNER "{owner}"')
    return name


async def _admin(server: str, sql: str) -> None:
    import asyncpg  # noqa: PLC0415 - plugins load before coverage is measured

    connection = await asyncpg.connect(server)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


def _fresh_name(kind: str) -> str:
    return f"{kind}_{secrets.token_hex(8)}"


def _with_database(server: str, name: str) -> str:
    return urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
