"""The server process: one event loop that stops without losing a request."""

import asyncio
import signal
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn
from fastapi import FastAPI

from kit.health import Probed
from kit.logs import get_logger
from kit.settings import ProcessSettings

_log = get_logger(__name__)


class Server(uvicorn.Server):
    """Drains on the first signal, and stops at once on the second.

    uvicorn closes its listeners as soon as it gets a signal, before a load balancer can know. So
    readiness goes first; for `drain_delay_s` requests are still answered, each with
    `Connection: close`; only then does uvicorn's own graceful shutdown begin.
    """

    def __init__(self, config: uvicorn.Config, health: Probed, drain_delay_s: float) -> None:
        super().__init__(config)
        self._health = health
        self._drain_delay_s = drain_delay_s
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen."""
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's signature
        """Begin to drain."""
        if self._health.draining or not self.started or self._loop is None:
            self.should_exit = True
            self.force_exit = self._health.draining and sig == signal.SIGINT
            return
        self._health.draining = True
        self._loop.call_soon_threadsafe(self._drain)

    def _drain(self) -> None:
        _log.info("draining", seconds=self._drain_delay_s)
        asyncio.get_running_loop().call_later(self._drain_delay_s, self._stop)

    def _stop(self) -> None:
        self.should_exit = True


def run(build: Callable[[], FastAPI], settings: ProcessSettings) -> None:
    """Serve the app until a signal; returns after a graceful stop."""
    app = build()
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=settings.keep_alive_s,
        timeout_graceful_shutdown=settings.shutdown_timeout_s,
    )
    Server(config, app.state.health, settings.drain_delay_s).run()
