"""A RabbitMQ node of its own: name, ports, data, logs and epmd are no other node's."""

import shutil
import subprocess
from pathlib import Path
from typing import Self

from kit.testing.brokers import BrokerServer
from kit.testing.servers import find_program, free_port

MISSING = (
    "RabbitMQ is needed: set TEST_BROKER_URL, or install the server "
    "(Debian, Ubuntu: apt-get install rabbitmq-server; macOS: brew install rabbitmq)"
)

# Debian's program on the PATH is a wrapper that changes the user; the real one lies here.
_DEBIAN = "/usr/lib/rabbitmq/bin/rabbitmq-server"
_CONFIGURATION = """\
loopback_users = none
disk_free_limit.absolute = 50MB
vm_memory_high_watermark.absolute = 1GB
"""


class RabbitServer(BrokerServer):
    """A single node without plugins."""

    def __init__(self, binary: str, epmd: str, home: Path) -> None:
        super().__init__("rabbitmq-server", home)
        self._binary = binary
        self._epmd_binary = epmd
        self._epmd_port = free_port()
        self._distribution_port = free_port()
        self._epmd: subprocess.Popen[bytes] | None = None
        (home / "rabbitmq.conf").write_text(_CONFIGURATION, encoding="utf-8")
        (home / "enabled_plugins").write_text("[].\n", encoding="utf-8")

    @classmethod
    def make(cls, home: Path) -> Self:
        """Return a server that can be started."""
        binary = shutil.which(_DEBIAN) or find_program("rabbitmq-server", MISSING)
        return cls(binary, find_program("epmd", MISSING), home)

    @property
    def url(self) -> str:
        """The address of the server."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}/"

    def command(self) -> list[str]:
        """Return what runs the server in the foreground, apart from every other node."""
        variables = {
            "HOME": self.home,  # of the Erlang cookie
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": self._epmd_port,
            "RABBITMQ_NODENAME": f"kit{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": self.port,
            "RABBITMQ_DIST_PORT": self._distribution_port,
            "RABBITMQ_CONFIG_FILE": self.home / "rabbitmq.conf",
            "RABBITMQ_CONF_ENV_FILE": self.home / "none",
            "RABBITMQ_ENABLED_PLUGINS_FILE": self.home / "enabled_plugins",
            "RABBITMQ_MNESIA_BASE": self.home / "data",
            "RABBITMQ_LOG_BASE": self.home / "log",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        }
        return ["env", *(f"{name}={value}" for name, value in variables.items()), self._binary]

    def start(self) -> None:
        """Start the name server of Erlang, which would otherwise outlive us, and the node."""
        if self._epmd is None:
            command = [self._epmd_binary, "-address", "127.0.0.1", "-port", str(self._epmd_port)]
            self._epmd = subprocess.Popen(  # noqa: S603 - the installed server
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        super().start()

    def kill(self) -> None:
        """Kill the node and the name server at once."""
        super().kill()
        if self._epmd is not None:
            self._epmd.kill()
            self._epmd.wait()
            self._epmd = None


SERVER = RabbitServer
