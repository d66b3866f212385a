"""The broker of the tests: TEST_BROKER_URL, or an own one that is started for a while.

    python -m kit.testing.brokers NAME -- COMMAND…

runs a command with TEST_BROKER_URL set, as `python -m kit.testing serve` does for the rest.
"""

import os
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from tempfile import TemporaryDirectory

from kit.testing.servers import Server, running

VARIABLE = "TEST_BROKER_URL"


class BrokerServer(Server):
    """A broker on this machine alone; what it stores survives a restart.

    Args:
        name: of the program.
        home: where it keeps everything.
    """

    def __init__(self, name: str, home: Path) -> None:
        super().__init__(name)
        self.home = home

    @classmethod
    @abstractmethod
    def make(cls, home: Path) -> "BrokerServer":
        """Return a server that can be started; raises ServerMissingError if there is none."""


def names() -> list[str]:
    """Return the brokers that can be started here."""
    return sorted(module.name for module in iter_modules(__path__) if module.name != "__main__")


def kind(name: str) -> type[BrokerServer]:
    """Return the server of a broker."""
    found: type[BrokerServer] = import_module(f"{__name__}.{name}").SERVER
    return found


@contextmanager
def own(name: str) -> Iterator[BrokerServer]:
    """Run a broker for a while."""
    with (
        TemporaryDirectory(prefix=f"kit-{name}-", ignore_cleanup_errors=True) as home,
        running(kind(name).make(Path(home))) as server,
    ):
        yield server


@contextmanager
def given_or_own(name: str) -> Iterator[str]:
    """Give the URL of the broker that is named by the environment, or of an own one."""
    given = os.environ.get(VARIABLE)
    if given:
        yield given
        return
    with own(name) as server:
        yield server.url
