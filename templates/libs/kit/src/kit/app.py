"""The application: its parts opened in order, its routes, its errors, its one middleware."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, Protocol

import asyncpg
from fastapi import APIRouter, Depends, FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request

from kit import errors, health, hosting, logs, openapi, problems, telemetry
from kit.db import Database
from kit.edge import Edge, GuardedBody
from kit.metrics import Metrics
from kit.redis import Link
from kit.resources import SHARED, Resources, Stores, resources
from kit.settings import ServiceSettings

__all__ = ["Resources", "create_app", "resources"]

Background = Callable[[Resources], Coroutine[Any, Any, None]]
Part = Callable[[Resources], AbstractAsyncContextManager[None]]

_COMMON_ERRORS = (422, 500, 503, 504)
_RETRY_FIRST_S = 0.1
_RETRY_MOST_S = 2.0
_NOT_YET = (
    OSError,
    TimeoutError,
    asyncpg.CannotConnectNowError,
    asyncpg.PostgresConnectionError,
    asyncpg.TooManyConnectionsError,
)
FLUSH_MS = 2000
"""How long a process that ends may take to send its last traces."""

_ALLOWED_HEADERS = ("Content-Type", "Idempotency-Key", "If-Match", "If-None-Match")
_EXPOSED_HEADERS = ("ETag", "Idempotency-Replayed", "Location", "Retry-After", "X-Request-ID")

_log = logs.get_logger(__name__)


class Guard(Protocol):
    """A dependency of every route."""

    @property
    def request_headers(self) -> tuple[str, ...]:
        """The request headers that it reads."""

    @property
    def response_headers(self) -> tuple[str, ...]:
        """The response headers that it adds."""

    @property
    def statuses(self) -> tuple[int, ...]:
        """The statuses that it may answer with."""

    async def __call__(self, request: Request) -> None:
        """Let a request through or raise the problem that answers it."""

    def running(self, resources: Resources) -> AbstractAsyncContextManager[None]:
        """Return the context in which it works."""

    def describe(self, document: dict[str, Any]) -> None:
        """Say in an OpenAPI document what it asks for."""


def create_app(
    settings: ServiceSettings,
    *,
    title: str,
    version: str,
    schema_version: str,
    routers: Sequence[APIRouter],
    constraints: Mapping[str, str] | None = None,
    services: Callable[[Resources], object] | None = None,
    background: Sequence[Background] = (),
    parts: Sequence[Part] = (),
    description: str = "",
    stores: Stores = SHARED,
    guard: Guard | None = None,
) -> FastAPI:
    """Return the service as an ASGI app; nothing is opened before its lifespan starts.

    Args:
        settings: of this process.
        title: shown in the OpenAPI document.
        version: of the API.
        schema_version: newest migration of this build; until the database has it, /readyz says no.
        routers: one per entity, each with its full path prefix.
        constraints: SQL constraint name to the member of the body that it guards, for errors.
        services: makes the objects that the routes use; kept as `request.state.services`.
        background: tasks that run as long as the service does, and are cancelled at its end.
        parts: entered at the start; each gets to finish its work at the end.
        description: shown in the OpenAPI document.
        stores: the kinds of pool and cache to open.
        guard: stands before every route, also before those that are added later.
    """
    if hosting.current() is None:
        logs.configure(settings.log_level, settings.service_name)
    metrics = Metrics(settings.slo_latency_ms)
    state = health.Health(schema_version)
    open_api = settings.environment != "prod"

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, object]]:
        async with AsyncExitStack() as stack:
            held = await _open(stack, settings, metrics, state, stores, schema_version, version)
            if guard is not None:
                await stack.enter_async_context(guard.running(held))
            for task in background:
                stack.push_async_callback(_cancel, _start(task(held)))
            for part in parts:
                await stack.enter_async_context(part(held))
            made = services(held) if services else None
            yield {"resources": held, "services": made}

    app = FastAPI(
        title=title,
        version=version,
        description=description,
        lifespan=lifespan,
        openapi_url="/openapi.json" if open_api else None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # the edge does all three
        responses=problems.responses(*(guard.statuses if guard else ()), *_COMMON_ERRORS),
        dependencies=[Depends(guard)] if guard else [],
    )
    app.state.health = state
    every = (*routers, health.router(state))
    errors.install(app, every, constraints or {})
    for router in every:
        app.include_router(router)
    openapi.document(app, guard.describe if guard else None)
    if guard is not None:
        app.add_middleware(GuardedBody, guard=guard)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "PATCH", "DELETE"],
            allow_headers=[*_ALLOWED_HEADERS, *(guard.request_headers if guard else ())],
            expose_headers=[*_EXPOSED_HEADERS, *(guard.response_headers if guard else ())],
        )
    app.add_middleware(Edge, settings=settings, metrics=metrics, state=state)  # last is outermost
    return app


async def _open(
    stack: AsyncExitStack,
    settings: ServiceSettings,
    metrics: Metrics,
    state: health.Health,
    stores: Stores,
    schema_version: str,
    version: str,
) -> Resources:
    """Open everything in order; the stack closes it in the reverse one."""
    if hosting.current() is None:
        _observe(stack, settings, metrics, version)
    db = await _connect(stores.database, settings, metrics)
    stack.push_async_callback(db.close)
    redis = Link.open(settings, metrics)
    stack.push_async_callback(redis.close)
    cache = stores.cache.open(settings, schema_version, metrics, redis)
    stack.push_async_callback(cache.close)
    await state.check(db)
    stack.push_async_callback(_cancel, _start(state.watch(db, redis)))
    stack.push_async_callback(_cancel, _start(metrics.watch_loop()))
    return Resources(settings, metrics, state, db, redis, cache, stack)


def _observe(
    stack: AsyncExitStack, settings: ServiceSettings, metrics: Metrics, version: str
) -> None:
    """Send traces and serve metrics; where several services share a process, it does both."""
    provider = telemetry.configure(settings, version)
    stack.push_async_callback(asyncio.to_thread, provider.force_flush, FLUSH_MS)
    server, thread = metrics.serve(settings.host, settings.metrics_port)
    stack.callback(server.server_close)
    stack.callback(thread.join)
    stack.callback(server.shutdown)


async def _connect(
    database: type[Database], settings: ServiceSettings, metrics: Metrics
) -> Database:
    """Open the pool; the database may start after us, so try again for a while."""
    end = asyncio.get_running_loop().time() + settings.startup_timeout_s
    wait_s = _RETRY_FIRST_S
    while True:
        try:
            return await database.open(settings, metrics)
        except _NOT_YET as error:
            if asyncio.get_running_loop().time() + wait_s > end:
                msg = f"the database was not there within {settings.startup_timeout_s} s"
                raise RuntimeError(msg) from error
            _log.warning("database_not_there_yet", error=repr(error))
        await asyncio.sleep(wait_s * random.uniform(0.5, 1))  # noqa: S311 - spreads the replicas
        wait_s = min(wait_s * 2, _RETRY_MOST_S)


def _start(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    task = asyncio.create_task(work)
    task.add_done_callback(_report)
    return task


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        _log.error("background_task_died", task=task.get_name(), exc_info=error)


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
