"""What a function of AWS Lambda is besides a service.

The Lambda Web Adapter runs beside the service in the same container. It turns each invocation into
a request: those of the API to the paths of the API, every other one to a POST of EVENTS_PATH. So
the process, its event loop and its pools live as long as the execution environment does.
"""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import httpx2
import uvicorn
from fastapi import APIRouter, FastAPI, Header, Request
from pydantic import BaseModel, TypeAdapter

from kit import migrate
from kit.aws import SECRETS, AwsError, Place, answer
from kit.command import Command
from kit.server import run
from kit.settings import ServiceSettings, secret

EVENTS_PATH = "/events"
MIGRATIONS = Path("migrations")  # below the directory in which a service is started

_CONTEXT = "x-amzn-lambda-context"
_SECRET_ARN = "SETTINGS_SECRET_ARN"  # noqa: S105 - a name
_TIMEOUT_S = 5.0


class Context(BaseModel):
    """What Lambda tells of an invocation.

    Args:
        request_id: of the invocation.
        deadline: when it is ended by force, in milliseconds since 1970.
    """

    request_id: str
    deadline: int

    def remaining_s(self) -> float:
        """Return how many seconds are left."""
        return self.deadline / 1000 - time.time()


def load_secrets() -> None:
    """Make settings of the members of the secret that SETTINGS_SECRET_ARN names, if it names one.

    A variable that is set already wins. A secret that was changed is read by the next start.

    Raises:
        AwsError: it cannot be read.
    """
    arn = os.environ.get(_SECRET_ARN)
    if not arn:
        return
    place = Place(os.environ["AWS_REGION"], os.environ.get("AWS_ENDPOINT_URL"))
    request = SECRETS.request(place, "GetSecretValue", {"SecretId": arn})
    try:
        with httpx2.Client(timeout=_TIMEOUT_S) as client:
            said = answer(client.send(request))
    except httpx2.HTTPError as error:
        msg = f"the secret cannot be read: {error!r}"
        raise AwsError(msg) from error
    for name, value in TypeAdapter(dict[str, str]).validate_json(said["SecretString"]).items():
        os.environ.setdefault(name.upper(), value)


def router(handle: Callable[[dict[str, Any], Context], Awaitable[Mapping[str, Any]]]) -> APIRouter:
    """Return the route of invocations that are no requests.

    Args:
        handle: gets the event and its context; what it returns is the result of the invocation.
    """
    routes = APIRouter(include_in_schema=False)

    @routes.post(EVENTS_PATH)
    async def events(
        request: Request, context: Annotated[str, Header(alias=_CONTEXT)]
    ) -> Mapping[str, Any]:
        return await handle(await request.json(), Context.model_validate_json(context))

    return routes


def migrate_app(directory: Path = MIGRATIONS) -> FastAPI:
    """Return the app of the function that migrates the database, before anything else is there."""

    async def handle(_event: dict[str, Any], context: Context) -> Mapping[str, Any]:
        url = secret("migration_database_url")
        if not url:
            msg = "MIGRATION_DATABASE_URL is not set"
            raise RuntimeError(msg)
        async with asyncio.timeout(context.remaining_s()):
            applied = await migrate.up(url, directory)
        return {"applied": [migration.path.name for migration in applied]}

    app = FastAPI(openapi_url=None)
    app.include_router(router(handle))
    return app


def commands(
    create: Callable[[], FastAPI], settings: Callable[[], ServiceSettings]
) -> dict[str, Command]:
    """Return the functions that every service has, by name; each reads the secrets first.

    Args:
        create: makes the API.
        settings: reads those of the service.
    """

    def api(_arguments: Sequence[str]) -> int:
        return start(lambda: run(create, settings()))

    def migrations(_arguments: Sequence[str]) -> int:
        return start(lambda: _serve_migrations(settings().port))

    return {"api": api, "migrate": migrations}


def _serve_migrations(port: int) -> None:
    uvicorn.run(migrate_app(), host="127.0.0.1", port=port, log_config=None)


def start(serve: Callable[[], None]) -> int:
    """Read the secrets and serve; return the exit code."""
    try:
        load_secrets()
    except AwsError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    serve()
    return 0
