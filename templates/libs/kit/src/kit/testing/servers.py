"""Starts PostgreSQL and Redis of its own: free loopback ports, temporary data, stopped by pid."""

import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

_START_S = 120.0  # a busy machine is no failure
_POLL_S = 0.05
_UNPRIVILEGED = ("postgres", "nobody")
_DEBIAN = Path("/usr/lib/postgresql")  # a directory for each version
# Below the ports from which a system takes those of outgoing connections: a port that is free
# stays free until its server listens. Each process begins elsewhere.
_PORTS = range(10_000, 30_000)
_turns = itertools.count(os.getpid() * 101)

MISSING_POSTGRES = (
    "PostgreSQL is needed: set TEST_POSTGRES_URL to the URL of a superuser, or install the "
    "server (Debian, Ubuntu: apt-get install postgresql; macOS: brew install postgresql)"
)
MISSING_REDIS = (
    "Redis is needed: set TEST_REDIS_URL, or install the server "
    "(Debian, Ubuntu: apt-get install redis-server; macOS: brew install redis)"
)


ServerT = TypeVar("ServerT", bound="Server")


class ServerMissingError(Exception):
    """A server is neither given nor installed; the message says what to do."""


class Server(ABC):
    """A server of a test's own, which may freeze it, kill it and start it again.

    Args:
        name: of the program, for messages.
        user: whom it runs as; None for ourselves.
    """

    def __init__(self, name: str, user: str | None = None) -> None:
        self.port = free_port()
        self._name = name
        self._user = user
        self._process: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """The address of the server; the same after a restart."""

    @abstractmethod
    def command(self) -> list[str]:
        """Return what runs the server in the foreground."""

    def start(self) -> None:
        """Start the server and wait until it listens."""
        self._process = subprocess.Popen(  # noqa: S603 - the installed server
            self.command(),
            **_as_user(self._user),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_for_port(self.port, self._name, self._process)

    def pause(self) -> None:
        """Freeze the server: connections stay open and nothing answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen server go on."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """Kill the server at once: connections are refused from now on."""
        if self._process is not None:
            self._signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def close(self) -> None:
        """Kill the server and whatever else goes with it."""
        self.kill()

    def restart(self) -> None:
        """Kill the server and start it again, with what it had stored."""
        self.kill()
        self.start()

    def _signal(self, number: signal.Signals) -> None:
        """Send a signal to the server and what it has started itself."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)


class RedisServer(Server):
    """A Redis; it stores nothing, so it is empty after a restart."""

    def __init__(self) -> None:
        super().__init__("redis-server")
        self._binary = find_program("redis-server", MISSING_REDIS)

    @property
    def url(self) -> str:
        """The address of the server."""
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> list[str]:
        """Return what runs the server in the foreground."""
        options = {"port": self.port, "bind": "127.0.0.1", "save": "", "appendonly": "no"}
        given = [str(part) for key, value in options.items() for part in (f"--{key}", value)]
        return [self._binary, *given]


@contextmanager
def redis() -> Iterator[RedisServer]:
    """Run a Redis for a while."""
    with running(RedisServer()) as server:
        yield server


@contextmanager
def running(server: ServerT) -> Iterator[ServerT]:
    """Run a server for a while."""
    try:
        server.start()
        yield server
    finally:
        server.close()


class PostgresServer(Server):
    """A PostgreSQL that trusts everybody on this machine.

    Args:
        home: where it keeps everything.
    """

    def __init__(self, home: Path) -> None:
        super().__init__("postgres", _server_user())
        self._binaries = _postgres_binaries()
        self._home = home

    @property
    def url(self) -> str:
        """The address of the superuser."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def command(self) -> list[str]:
        """Return what runs the server in the foreground."""
        options = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": self._home,
            "max_connections": 300,
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
        }
        given = [f"--{name}={value}" for name, value in options.items()]
        binary = str(self._binaries / "postgres")
        return [binary, "-D", str(self._home / "data"), "-p", str(self.port), *given]

    def start(self) -> None:
        """Start the server, the first time with a new cluster, and wait until it answers."""
        if not (self._home / "data").exists():
            self._make_cluster()
        super().start()
        assert self._process is not None  # noqa: S101 - it was just started
        wait_for(self._answers, "postgres", self._process)

    def kill(self) -> None:
        """Have the server and all its sessions end at once, without a checkpoint."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        asked = [str(self._binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(asked, check=False).returncode == 0  # noqa: S603 - the installed program

    def _make_cluster(self) -> None:
        if self._user is not None:
            shutil.chown(self._home, self._user)
        options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        done = subprocess.run(  # noqa: S603 - the installed server
            [str(self._binaries / "initdb"), "-D", str(self._home / "data"), *options],
            **_as_user(self._user),
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            msg = f"initdb failed with code {done.returncode}: {done.stdout}{done.stderr}"
            raise RuntimeError(msg)


@contextmanager
def postgres() -> Iterator[str]:
    """Run a PostgreSQL for a while; gives the URL of its superuser."""
    with (
        tempfile.TemporaryDirectory(prefix="kit-postgres-", ignore_cleanup_errors=True) as home,
        running(PostgresServer(Path(home))) as server,
    ):
        yield server.url


def find_program(name: str, missing: str) -> str:
    """Return the path of an installed program.

    Raises:
        ServerMissingError: with the given message.
    """
    found = shutil.which(name)
    if found is None:
        raise ServerMissingError(missing)
    return found


def free_port() -> int:
    """Return a loopback port that nobody listens on, another one each time."""
    for turn in itertools.islice(_turns, len(_PORTS)):
        port = _PORTS[turn % len(_PORTS)]
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    msg = f"every port from {_PORTS[0]} to {_PORTS[-1]} is in use"
    raise RuntimeError(msg)


def taken(port: int) -> bool:
    """Tell whether somebody listens on a loopback port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_for(done: Callable[[], bool], what: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until the process that was just started is ready."""
    end = time.monotonic() + _START_S
    while not done():
        if process.poll() is not None:
            msg = f"{what} ended with code {process.returncode} while starting"
            raise RuntimeError(msg)
        if time.monotonic() > end:
            msg = f"{what} was not ready within {_START_S} s"
            raise RuntimeError(msg)
        time.sleep(_POLL_S)


def wait_for_port(port: int, what: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until the process that was just started listens."""
    wait_for(lambda: _listens(port), what, process)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _postgres_binaries() -> Path:
    """Find the directory of the server's programs; Debian keeps it off the PATH."""
    on_path = shutil.which("initdb")
    if on_path is not None:
        return Path(on_path).resolve().parent
    config = shutil.which("pg_config")
    if config is not None:
        answer = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=True)  # noqa: S603
        told = Path(answer.stdout.strip())
        if (told / "initdb").exists():
            return told
    versions = _DEBIAN.glob("*/bin/initdb")
    newest = max(versions, key=lambda found: float(found.parent.parent.name), default=None)
    if newest is None:
        raise ServerMissingError(MISSING_POSTGRES)
    return newest.parent


def _server_user() -> str | None:
    """Return whom to run as: PostgreSQL refuses to be started by root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in _UNPRIVILEGED if name in known)


def _as_user(user: str | None) -> dict[str, Any]:
    """Return how to start a process as somebody."""
    if user is None:
        return {}
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}
