"""Several services as the modules of one process: a modular monolith.

Each module is the app that it would be by itself, with its routes, its pool and its limits. The
host gives every request to the module that has its path, and calls between modules stay in the
process: they are requests all the same, with what a request over the network would bring along.

    python -m <package>                                  serve
    python -m <package> migrate up|down|status [--schema NAME] [--to VERSION]
"""

import argparse
import asyncio
import sys
from collections.abc import (
    AsyncIterator,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, cast

from fastapi import FastAPI
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.registry import Collector
from starlette.types import Receive, Scope, Send

from kit import health, hosting, logs, migrate, telemetry
from kit.app import FLUSH_MS
from kit.command import Command
from kit.hosting import Place
from kit.metrics import serve
from kit.resources import Resources
from kit.settings import ProcessSettings, secret

Lifespan: TypeAlias = AbstractAsyncContextManager[Mapping[str, Any]]
Part: TypeAlias = Callable[[Resources], AbstractAsyncContextManager[None]]

_VERSION = "1.0.0"
_OF_THE_PROCESS = ("event_loop_", "process_", "python_")


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables of one owner.

    Args:
        name: of the schema, and of the role that works with it.
        owner: the role that owns it and applies the migrations.
        settings: which of them says where it is, as the owner: the first that is there.
        migrations: that make the tables; seen from the root of the tree.
    """

    name: str
    owner: str
    settings: tuple[str, ...]
    migrations: Path

    @property
    def url(self) -> str | None:
        """Where it is."""
        return next(filter(None, map(secret, self.settings)), None)


@dataclass(frozen=True, slots=True)
class Module:
    """A service as a part of the host.

    Args:
        name: of the service.
        create: makes its app.
        prefix: of the settings that are its alone, as `CATALOG_`.
        address: the setting in which those that call it look for its address.
        role: as which it works with its schema, which has the same name.
        owner: the role that owns the schema.
        part: what runs beside its routes, and ends before any module does.
    """

    name: str
    create: Callable[[], FastAPI]
    prefix: str
    address: str
    role: str
    owner: str
    part: Part | None = None

    @property
    def schema(self) -> Schema:
        """Its tables."""
        settings = tuple(
            f"{self.prefix.lower()}{name}" for name in ("migration_database_url", "database_url")
        )
        migrations = Path("services", self.name, "migrations")
        return Schema(self.role, self.owner, settings, migrations)


class Running:
    """A module's app, which can be called as soon as its lifespan has begun."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.app: FastAPI
        self._place: Place
        self._state: Mapping[str, Any] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self.app({**scope, "state": dict(self._state)}, receive, send)

    @property
    def registry(self) -> CollectorRegistry:
        """Its metrics."""
        held: Resources = self._state["resources"]
        return held.metrics.registry

    @property
    def health(self) -> health.Health:
        """What its probes would answer."""
        state: health.Health = self.app.state.health
        return state

    def build(self, place: Place) -> None:
        """Make the app."""
        self._place = place
        with hosting.hosting(place):
            self.app = self.module.create()

    @asynccontextmanager
    async def started(self) -> AsyncIterator[None]:
        """Open what the app needs for as long as the block lasts."""
        async with AsyncExitStack() as stack:
            with hosting.hosting(self._place):
                lifespan = cast("Lifespan", self.app.router.lifespan_context(self.app))
                self._state = await stack.enter_async_context(lifespan)
            yield

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Run what is beside the routes for as long as the block lasts."""
        async with AsyncExitStack() as stack:
            if self.module.part is not None:
                with hosting.hosting(self._place):
                    part = self.module.part(self._state["resources"])
                    await stack.enter_async_context(part)
            yield


class _Health:
    """Ready when every module is."""

    def __init__(self, modules: Mapping[str, Running]) -> None:
        self._modules = modules
        self._draining = False

    @property
    def draining(self) -> bool:
        return self._draining

    @draining.setter
    def draining(self, now: bool) -> None:
        self._draining = now
        for module in self._modules.values():
            module.health.draining = now

    @property
    def ready(self) -> bool:
        return all(module.health.ready for module in self._modules.values())

    @property
    def started(self) -> bool:
        return all(module.health.started for module in self._modules.values())

    def report(self) -> dict[str, Any]:
        reports = {name: module.health.report() for name, module in self._modules.items()}
        told = {report["status"] for report in reports.values()}
        worst = next(each for each in ("draining", "unready", "degraded", "ok") if each in told)
        return {"status": worst, "modules": reports}


class _Labelled(Collector):
    """The metrics of all modules, each with the label `module`; those of the process come once."""

    def __init__(self, registries: Mapping[str, CollectorRegistry]) -> None:
        self._registries = registries

    def collect(self) -> Iterable[Metric]:
        families: dict[str, Metric] = {}
        for name, registry in self._registries.items():
            for family in registry.collect():
                shared = family.name.startswith(_OF_THE_PROCESS)
                if shared and family.name in families:
                    continue
                found = families.setdefault(
                    family.name, Metric(family.name, family.documentation, family.type, family.unit)
                )
                for sample in family.samples:
                    labels = sample.labels if shared else {**sample.labels, "module": name}
                    found.samples.append(sample._replace(labels=labels))
        return families.values()


class Routes:
    """Which module has which paths.

    Raises:
        ValueError: two of them have the same.
    """

    def __init__(self, modules: Iterable[Running]) -> None:
        self._modules = list(modules)
        self._owners: dict[tuple[str, ...], Running] = {}
        for running in self._modules:
            for path in running.app.openapi()["paths"]:
                self._add(_literal(path), running)

    def _add(self, start: tuple[str, ...], running: Running) -> None:
        owner = self._owners.setdefault(start, running)
        if owner is not running:
            names = f"{owner.module.name} and {running.module.name}"
            msg = f"{names} both have /{'/'.join(start)}"
            raise ValueError(msg)

    def owner(self, path: str) -> Running:
        """Return whose a path is; what nobody has is not found by the first module."""
        segments = tuple(path.strip("/").split("/"))
        for length in range(len(segments), 0, -1):
            owner = self._owners.get(segments[:length])
            if owner is not None:
                return owner
        return self._modules[0]


def create_host(settings: ProcessSettings, modules: Sequence[Module]) -> FastAPI:
    """Return all modules as one ASGI app; nothing is opened before its lifespan starts.

    Args:
        settings: of the process.
        modules: in the order in which they start.
    """
    logs.configure(settings.log_level, settings.service_name)
    running = {module.name: Running(module) for module in modules}
    addresses = {module.address: f"http://{module.name}" for module in modules}
    for module in modules:
        running[module.name].build(Place(module.prefix, addresses, running))
    routes = Routes(running.values())
    state = _Health(running)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            provider = telemetry.configure(settings, _VERSION)
            stack.push_async_callback(asyncio.to_thread, provider.force_flush, FLUSH_MS)
            for each in running.values():
                await stack.enter_async_context(each.started())
            stack.enter_context(_measured(settings, running))
            for each in running.values():
                await stack.enter_async_context(each.working())
            yield

    app = FastAPI(
        title=settings.service_name,
        version=_VERSION,
        lifespan=lifespan,
        openapi_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.health = state
    app.include_router(health.router(state))
    if settings.environment != "prod":
        for name, each in running.items():
            app.mount(f"/modules/{name}", each)  # its /docs

    async def pass_on(scope: Scope, receive: Receive, send: Send) -> None:
        await routes.owner(scope["path"])(scope, receive, send)

    app.router.default = pass_on
    return app


@contextmanager
def _measured(settings: ProcessSettings, running: Mapping[str, Running]) -> Iterator[None]:
    """Serve the metrics of all modules."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Labelled({name: each.registry for name, each in running.items()}))
    server, thread = serve(registry, settings.host, settings.metrics_port)
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _literal(path: str) -> tuple[str, ...]:
    """Return the segments of a path before its first parameter."""
    segments = path.strip("/").split("/")
    end = next((at for at, segment in enumerate(segments) if "{" in segment), len(segments))
    return tuple(segments[:end])


def migrations(
    modules: Sequence[Module],
    others: Sequence[Schema] = (),
    then: Callable[[], Coroutine[Any, Any, None]] | None = None,
) -> Command:
    """Return the command that migrates every schema, one after the other.

    Args:
        modules: whose schemas come last.
        others: come first.
        then: what is done once all of them are up.
    """
    schemas = [*others, *(module.schema for module in modules)]

    def command(arguments: Sequence[str]) -> int:
        parser = argparse.ArgumentParser(prog="migrate", description="Migrate every schema.")
        parser.add_argument("command", choices=["up", "down", "status"])
        names = [schema.name for schema in schemas]
        parser.add_argument("--schema", choices=names, help="only this one; needed for down")
        parser.add_argument("--to", help="for down: undo everything newer than this")
        given = parser.parse_args(arguments)
        if given.command == "down" and given.schema is None:
            parser.error("down goes with --schema")
        chosen = [schema for schema in schemas if given.schema in {None, schema.name}]
        for schema in chosen:
            if schema.url is None:
                parser.error(f"no database: set {schema.settings[-1].upper()}")
        code = max(_migrate(schema, given.command, given.to) for schema in chosen)
        if code == 0 and given.command == "up" and then is not None:
            asyncio.run(then())
        return code

    return command


def _migrate(schema: Schema, command: str, to: str | None) -> int:
    sys.stdout.write(f"{schema.name}: ")
    sys.stdout.flush()
    place = ["--url", schema.url or "", "--dir", str(schema.migrations)]
    return migrate.main([command, *place, *(["--to", to] if to else [])])
