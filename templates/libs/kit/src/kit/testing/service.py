"""A service under test: inside this process, or live as a process of its own."""

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx2
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from kit.testing.servers import free_port

_READY_S = 30.0
_POLL_S = 0.05
_OK = 200


@asynccontextmanager
async def in_process(
    app: FastAPI, headers: Mapping[str, str] | None = None
) -> AsyncIterator[httpx2.AsyncClient]:
    """Enter the app's lifespan and give a client that calls it without a network.

    Args:
        app: to call.
        headers: of every request.
    """
    async with app.router.lifespan_context(app) as state:

        async def with_state(scope: Scope, receive: Receive, send: Send) -> None:
            scope["state"] = dict(state or {})
            await app(scope, receive, send)

        transport = httpx2.ASGITransport(app=with_state)
        async with httpx2.AsyncClient(
            transport=transport, base_url="http://service", headers=headers
        ) as client:
            yield client


@dataclass(slots=True)
class LiveService:
    """A running `python -m <package>`."""

    process: asyncio.subprocess.Process
    port: int
    metrics_port: int
    log: Path

    @property
    def url(self) -> str:
        """Where the API answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def metrics_url(self) -> str:
        """Where Prometheus would scrape."""
        return f"http://127.0.0.1:{self.metrics_port}/metrics"

    @property
    def pid(self) -> int:
        """The process."""
        return self.process.pid

    def terminate(self) -> None:
        """Send SIGTERM, as an orchestrator does."""
        self.process.terminate()

    async def wait(self) -> int:
        """Wait for the end and return the exit code."""
        return await self.process.wait()

    def output(self) -> str:
        """Return what the service has written so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")


@asynccontextmanager
async def live_service(
    package: str, *arguments: str, **environment: str
) -> AsyncIterator[LiveService]:
    """Run a service on free ports until the block is left; given when /readyz says yes.

    Args:
        package: what `python -m` runs.
        arguments: of its command line.
        environment: settings, like DATABASE_URL="…"; added to this process's own.
    """
    port, metrics_port = free_port(), free_port()
    given = {
        "ENVIRONMENT": "test",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "METRICS_PORT": str(metrics_port),
        "DRAIN_DELAY_S": "0.2",
        # A busy machine is no failure of the service.
        "REQUEST_DEADLINE_MS": "15000",
        "DB_ACQUIRE_TIMEOUT_MS": "5000",
    }
    with tempfile.TemporaryDirectory(prefix="kit-service-") as home:
        log = Path(home, "output")
        sink = os.open(log, os.O_CREAT | os.O_WRONLY)
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", package, *arguments),
                env={**os.environ, **given, **environment},
                stdout=sink,
                stderr=asyncio.subprocess.STDOUT,
            )
        finally:
            os.close(sink)
        service = LiveService(process, port, metrics_port, log)
        try:
            await _until_ready(service)
            yield service
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _until_ready(service: LiveService) -> None:
    async with httpx2.AsyncClient(base_url=service.url) as client, asyncio.timeout(_READY_S):
        while service.process.returncode is None:
            with suppress(httpx2.TransportError):
                if (await client.get("/readyz")).status_code == _OK:
                    return
            await asyncio.sleep(_POLL_S)
    msg = f"the service ended with code {service.process.returncode}:\n{service.output()}"
    raise RuntimeError(msg)
