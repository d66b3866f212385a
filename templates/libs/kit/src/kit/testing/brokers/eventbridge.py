"""EventBridge and SQS as moto emulates them, in memory, with a way there that a test can cut.

    python -m kit.testing.brokers.eventbridge PORT TARGET

passes connections on: that is what a test kills and starts again, while moto, which would forget
everything, runs on.
"""

import asyncio
import subprocess
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Self

from kit.testing.brokers import BrokerServer
from kit.testing.servers import ServerMissingError, free_port, wait_for_port

MISSING = "moto is needed: set TEST_BROKER_URL, or install what requirements/dev.txt pins"

_CHUNK = 65_536


class EventBridgeServer(BrokerServer):
    """One account in one region."""

    def __init__(self, home: Path) -> None:
        super().__init__("moto", home)
        self._behind = free_port()
        self._moto: subprocess.Popen[bytes] | None = None

    @classmethod
    def make(cls, home: Path) -> Self:
        """Return a server that can be started."""
        if find_spec("moto") is None:
            raise ServerMissingError(MISSING)
        return cls(home)

    @property
    def url(self) -> str:
        """The address of the server."""
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        """Return what passes connections on."""
        return [sys.executable, "-m", __spec__.name, str(self.port), str(self._behind)]

    def start(self) -> None:
        """Start moto, the first time, and the way to it."""
        if self._moto is None:
            command = ["-m", "moto.server", "-H", "127.0.0.1", "-p", str(self._behind)]
            self._moto = subprocess.Popen(  # noqa: S603 - this very Python
                [sys.executable, *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            wait_for_port(self._behind, "moto", self._moto)
        super().start()

    def close(self) -> None:
        """Stop the way and moto."""
        self.kill()
        if self._moto is not None:
            self._moto.kill()
            self._moto.wait()


async def _pass_on(port: int, target: int) -> None:
    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await reader.read(_CHUNK):
                writer.write(chunk)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind = await asyncio.open_connection("127.0.0.1", target)
        await asyncio.gather(copy(reader, behind[1]), copy(behind[0], writer))

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    await server.serve_forever()


SERVER = EventBridgeServer

if __name__ == "__main__":
    asyncio.run(_pass_on(int(sys.argv[1]), int(sys.argv[2])))
