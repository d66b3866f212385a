"""Compares the client of another service with the API that this service publishes."""

import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import asyncpg
from pydantic import BaseModel

from kit import migrate
from kit.client import Body, Remote
from kit.testing.contract import Document, resolved, schema_of
from kit.testing.plugin import Logins
from kit.testing.service import LiveService, live_service

_METHODS = ("get", "post", "patch", "delete")
_ID = UUID(int=1)
_EXPAND = "expand"  # what a service embeds for others, no client of ours asks for


@dataclass(slots=True)
class _Recorder:
    """Stands in the place of a Peer and remembers what it is asked for."""

    method: str = ""
    path: str = ""
    kind: type[Remote] | None = None
    body: Body | None = None
    params: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    async def find(self, kind: type[Remote], path: str) -> None:
        self.kind, self.method, self.path = kind, "GET", path

    async def fetch(self, kind: type[Remote], method: str, path: str, **more: Any) -> None:
        self.kind, self.method, self.path = kind, method, path
        self.body = more.get("body")
        self.params = more.get("params", {})
        self.headers = more.get("headers", {})

    async def send(self, method: str, path: str, headers: dict[str, str]) -> None:
        self.method, self.path, self.headers = method, path, headers


async def disagreements(document: Document, client: Callable[[Any], object]) -> list[str]:
    """Return what a client does that the document does not say, and what it leaves out.

    Args:
        document: the OpenAPI document of the service.
        client: the class; its methods are named after the operations.
    """
    found: list[str] = []
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                recorder = _Recorder()
                name = item[method]["operationId"]
                function = getattr(client(recorder), name, None)
                if function is None:
                    found.append(f"{name}: there is no such method")
                    continue
                await function(**_arguments(function))
                given = [*item.get("parameters", []), *item[method].get("parameters", [])]
                parameters = [resolved(document, parameter) for parameter in given]
                route = path.replace(_braces(path), str(_ID))
                wrong = _differences(document, item[method], parameters, recorder)
                if (recorder.method, recorder.path) != (method.upper(), route):
                    wrong.append(f"it is {recorder.method} {recorder.path}")
                found += [f"{name}: {reason}" for reason in wrong]
    return found


def _arguments(function: Callable[..., Any]) -> dict[str, Any]:
    values: dict[Any, Any] = {UUID: _ID, int: 1, str: "key"}
    given: dict[str, Any] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        kind = parameter.annotation
        if inspect.isclass(kind) and issubclass(kind, Body):
            given[name] = kind.model_construct()
        else:
            given[name] = values.get(kind, "value")
    return given


def _braces(path: str) -> str:
    return path[path.find("{") : path.find("}") + 1] or "{}"


def _differences(
    document: Document, operation: Document, parameters: list[Document], asked: _Recorder
) -> list[str]:
    query = {item["name"] for item in parameters if item["in"] == "query"} - {_EXPAND}
    headers = {item["name"] for item in parameters if item["in"] == "header"}
    needed = {
        item["name"] for item in parameters if item["in"] == "header" and item.get("required")
    }
    wrong = []
    if asked.params.keys() != query:
        wrong.append(f"parameters {sorted(asked.params)} instead of {sorted(query)}")
    if not needed <= asked.headers.keys() <= headers:
        wrong.append(f"headers {sorted(asked.headers)}")
    body = resolved(document, operation.get("requestBody", {}))
    if (asked.body is None) != (not body):
        wrong.append("a body is missing or unexpected")
    elif asked.body is not None:
        wrong += _model(document, _json(body), type(asked.body), exactly=True)
    answers = [answer for code, answer in operation["responses"].items() if code[0] == "2"]
    content = resolved(document, answers[0]).get("content")
    if (asked.kind is None) != (content is None):
        wrong.append("an answer is missing or unexpected")
    elif asked.kind is not None:
        wrong += _model(document, _json(resolved(document, answers[0])), asked.kind, exactly=False)
    return wrong


def _json(holder: Document) -> Any:
    return holder["content"]["application/json"]["schema"]


def _model(
    document: Document, published: Any, model: type[BaseModel], *, exactly: bool
) -> list[str]:
    """Compare a model with a schema: members, their types, and which are required."""
    said = schema_of(document, published)
    document = model.model_json_schema()
    own = schema_of(document, document)
    wrong = []
    for name, schema in own["properties"].items():
        is_, should = _shape(schema), _shape(said["properties"].get(name))
        if is_ != should:
            wrong.append(f"{model.__name__}.{name} is {is_} instead of {should}")
    required, needed = set(own.get("required", [])), set(said.get("required", []))
    if not required <= needed or (exactly and required != needed):
        wrong.append(f"{model.__name__} requires {sorted(required)} instead of {sorted(needed)}")
    if exactly and own["properties"].keys() != said["properties"].keys():
        wrong.append(f"{model.__name__} has {sorted(own['properties'])}")
    return wrong


def _shape(schema: Any) -> tuple[Any, Any] | None:
    return None if schema is None else (schema.get("type"), schema.get("format"))


@asynccontextmanager
async def live_peer(
    package: str, migrations: Path, server: str, logins: Logins | None = None, **environment: str
) -> AsyncIterator[LiveService]:
    """Run another service of this system with a database of its own.

    Args:
        package: what `python -m` runs.
        migrations: of its database.
        server: the URL of a superuser of PostgreSQL.
        logins: the service's roles; None for the superuser.
        environment: further settings.
    """
    name = f"peer_{uuid4().hex}"
    logins = logins or Logins(server, server)
    owner, url = (urlunsplit(urlsplit(each)._replace(path=f"/{name}")) for each in logins)
    admin = await asyncpg.connect(server)
    try:
        await admin.execute(f'CREATE DATABASE "{name}" OWNER "{urlsplit(owner).username}"')
        await migrate.up(owner, migrations)
        async with live_service(package, **environment | {"DATABASE_URL": url}) as service:
            yield service
    finally:
        await admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        await admin.close()
