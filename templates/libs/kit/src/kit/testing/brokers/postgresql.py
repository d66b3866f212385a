"""A PostgreSQL of its own, with the tables in which events wait for those who read them."""

import subprocess
import sys
from pathlib import Path
from typing import Self

from kit.messaging.postgresql import MIGRATIONS
from kit.testing.brokers import BrokerServer
from kit.testing.servers import PostgresServer


class EventsServer(BrokerServer):
    """A server for events alone."""

    def __init__(self, home: Path) -> None:
        super().__init__("postgres", home)
        self._server = PostgresServer(home)
        self._migrated = False

    @classmethod
    def make(cls, home: Path) -> Self:
        """Return a server that can be started."""
        return cls(home)

    @property
    def url(self) -> str:
        """The address of the server."""
        return self._server.url

    def command(self) -> list[str]:
        """Return what runs the server in the foreground."""
        return self._server.command()

    def start(self) -> None:
        """Start the server, the first time with new tables."""
        self._server.start()
        if not self._migrated:
            migrate = [sys.executable, "-m", "kit.migrate", "up", "--url", self.url]
            subprocess.run([*migrate, "--dir", str(MIGRATIONS)], check=True, capture_output=True)  # noqa: S603
            self._migrated = True

    def kill(self) -> None:
        """Have the server end at once."""
        self._server.kill()


SERVER = EventsServer
