"""The tests of an API against a system that runs: those that need nothing else of the service.

TEST_BASE_URL says where the service is. TEST_SYSTEM may say where the others are, as
`catalog=https://catalog.example.com …`; what it does not name is at the same address.
"""

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

from kit.testing.records import serials_from
from kit.testing.system import running_system

BASE_URL = os.environ.get("TEST_BASE_URL", "")
_TIMEOUT_S = 30.0


def caller() -> dict[str, str]:
    """Return the headers of the caller whom API_TOKEN or API_KEY stands for."""
    token = os.environ.get("API_TOKEN")
    return {"Authorization": f"Bearer {token}"} if token else {"X-API-Key": os.environ["API_KEY"]}


@pytest.fixture(scope="session")
def deployed_url() -> str:
    """Where the service is."""
    return BASE_URL


@asynccontextmanager
async def client_of_system(
    root: Path, credentials: dict[str, str]
) -> AsyncIterator[httpx2.AsyncClient]:
    """Connect to the service for as long as the block lasts.

    Args:
        root: of the tree.
        credentials: headers of who may do everything.
    """
    told = dict(pair.split("=", 1) for pair in os.environ.get("TEST_SYSTEM", "").split())
    names = [folder.name for folder in (root / "services").iterdir()]
    serials_from(secrets.randbelow(10**9))  # the system may hold records of earlier runs
    async with (
        running_system(root, {name: told.get(name, BASE_URL) for name in names}, credentials),
        httpx2.AsyncClient(base_url=BASE_URL, headers=credentials, timeout=_TIMEOUT_S) as client,
    ):
        yield client


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def deployed_client(
    pytestconfig: pytest.Config, credentials: dict[str, str]
) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the service."""
    async with client_of_system(pytestconfig.rootpath, credentials) as client:
        yield client
