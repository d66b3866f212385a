"""A NATS server with JetStream."""

from pathlib import Path
from typing import Self

from kit.testing.brokers import BrokerServer
from kit.testing.servers import find_program

MISSING = (
    "NATS is needed: set TEST_BROKER_URL, or install the server "
    "(Debian, Ubuntu: apt-get install nats-server; macOS: brew install nats-server)"
)


class NatsServer(BrokerServer):
    """A single server that keeps its streams in files."""

    def __init__(self, binary: str, home: Path) -> None:
        super().__init__("nats-server", home)
        self._binary = binary

    @classmethod
    def make(cls, home: Path) -> Self:
        """Return a server that can be started."""
        return cls(find_program("nats-server", MISSING), home)

    @property
    def url(self) -> str:
        """The address of the server."""
        return f"nats://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        """Return what runs the server in the foreground."""
        place = ["-a", "127.0.0.1", "-p", str(self.port)]
        return [self._binary, "-js", "-sd", str(self.home), *place]


SERVER = NatsServer
