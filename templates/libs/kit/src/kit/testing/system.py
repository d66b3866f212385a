"""Events from one API to another, in a system that runs."""

import asyncio
import importlib.util
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

import httpx2

from kit.testing.records import Body, Effect, Entity, look_elsewhere

_TIMEOUT_S = 30.0
_LOOK_S = 0.1
_NEWEST = 100


@dataclass(frozen=True, slots=True)
class Exchange:
    """An event, how an API is made to publish it, and what becomes of it.

    Args:
        event: its name.
        service: the publisher.
        path: of the records that it is about.
        operation: create, update or delete.
        values: what the record is created with.
        refers: members that name a record of another service, by that service and its path.
        effects: one for each consumer that shows any.
    """

    event: str
    service: str
    path: str
    operation: str
    effects: Sequence[Effect]
    values: Mapping[str, str] = field(default_factory=dict)
    refers: Mapping[str, tuple[str, str]] = field(default_factory=dict)


class RunningSystem:
    """The APIs of a system.

    Args:
        root: of its tree, for the records that the tests of each service make.
        clients: one for each service, by its name.
    """

    def __init__(self, root: Path, clients: Mapping[str, httpx2.AsyncClient]) -> None:
        self._root = root
        self._clients = clients
        self._kinds: dict[str, dict[str, Entity]] = {}

    async def create(self, service: str, path: str, values: Mapping[str, str]) -> httpx2.Response:
        """Create a record, with what it refers to."""
        client = self._clients[service]
        body = await self._kind(service, path).new(client)
        answer = await client.post(path, json=body | dict(values))
        assert answer.status_code == HTTPStatus.CREATED, answer.text  # noqa: S101
        return answer

    async def found(self, service: str, path: str) -> str:
        """Return the id of a new record, for a reference."""
        return str((await self.create(service, path, {})).json()["id"])

    async def cause(self, exchange: Exchange) -> Body:
        """Have an event published; return the record that it is about."""
        service, path = exchange.service, exchange.path
        values = {name: await self.found(*other) for name, other in exchange.refers.items()}
        answer = await self.create(service, path, values | dict(exchange.values))
        record: Body = answer.json()
        client, at = self._clients[service], f"{path}/{record['id']}"
        condition = {"If-Match": answer.headers["ETag"]}
        if exchange.operation == "update":
            change = await self._kind(service, path).new(client) | values
            answer = await client.patch(at, json=change, headers=condition)
            assert answer.status_code == HTTPStatus.OK, answer.text  # noqa: S101
            record = answer.json()
        elif exchange.operation == "delete":
            answer = await client.delete(at, headers=condition)
            assert answer.status_code == HTTPStatus.NO_CONTENT, answer.text  # noqa: S101
        return record

    async def wait_for(self, effect: Effect, record: Body) -> None:
        """Return once the API of the consumer shows the effect."""
        async with asyncio.timeout(_TIMEOUT_S):
            while not await self._shows(effect, record):  # noqa: ASYNC110 - it is elsewhere
                await asyncio.sleep(_LOOK_S)

    async def _shows(self, effect: Effect, record: Body) -> bool:
        client = self._clients[effect.service]
        if effect.by:
            answer = await client.get(f"{effect.path}/{record[effect.by]}")
            assert answer.status_code == HTTPStatus.OK, answer.text  # noqa: S101
            found: Body = answer.json()
            return effect.values.items() <= found.items()
        answer = await client.get(effect.path, params={"limit": _NEWEST})
        assert answer.status_code == HTTPStatus.OK, answer.text  # noqa: S101
        wanted = {name: record[member] for name, member in effect.same.items()}
        return any(wanted.items() <= item.items() for item in answer.json()["items"])

    def _kind(self, service: str, path: str) -> Entity:
        if service not in self._kinds:
            file = self._root / "services" / service / "tests/conftest.py"
            spec = importlib.util.spec_from_file_location(f"{service}_records", file)
            assert spec is not None  # noqa: S101
            assert spec.loader is not None  # noqa: S101
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            self._kinds[service] = {entity.path: entity for entity in module.ENTITIES}
        return self._kinds[service][path]


@asynccontextmanager
async def running_system(
    root: Path, urls: Mapping[str, str], headers: Mapping[str, str] | None = None
) -> AsyncIterator[RunningSystem]:
    """Talk to a system as long as the block lasts; its records may then refer to each other.

    Args:
        root: of its tree.
        urls: of each service, by its name.
        headers: of every request.
    """
    clients = {
        name: httpx2.AsyncClient(base_url=url, timeout=_TIMEOUT_S, headers=headers)
        for name, url in urls.items()
    }
    system = RunningSystem(root, clients)
    look_elsewhere(system.found)
    try:
        yield system
    finally:
        for client in clients.values():
            await client.aclose()
