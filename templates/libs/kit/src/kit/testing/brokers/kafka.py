"""A Kafka broker that is its own controller (KRaft), from the jars in KAFKA_HOME/libs."""

import os
import subprocess
from pathlib import Path
from typing import Self

from kit.testing.brokers import BrokerServer
from kit.testing.servers import ServerMissingError, find_program, free_port

MISSING = (
    "Kafka is needed: set TEST_BROKER_URL, or unpack Kafka 4, name its directory in KAFKA_HOME "
    "and install Java 17 (Debian, Ubuntu: apt-get install default-jre-headless)"
)

_CLUSTER = "a2l0LXRlc3RpbmctYnJva2"  # any 16 bytes in base64
_JVM = ["-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]


class KafkaServer(BrokerServer):
    """A single node without replication."""

    def __init__(self, java: str, libraries: Path, home: Path) -> None:
        super().__init__("kafka", home)
        self._java = [java, *_JVM, "-cp", f"{libraries}/*"]
        self._configuration = home / "server.properties"
        self._configuration.write_text(self._properties(free_port()), encoding="utf-8")

    @classmethod
    def make(cls, home: Path) -> Self:
        """Return a server that can be started."""
        libraries = Path(os.environ.get("KAFKA_HOME", "/opt/kafka"), "libs")
        if not any(libraries.glob("kafka_*.jar")):
            raise ServerMissingError(MISSING)
        return cls(find_program("java", MISSING), libraries, home)

    @property
    def url(self) -> str:
        """The address of the server."""
        return f"kafka://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        """Return what runs the server in the foreground."""
        return [*self._java, "kafka.Kafka", str(self._configuration)]

    def start(self) -> None:
        """Start the server, with a fresh storage the first time."""
        if not (self.home / "data").exists():
            tool = [*self._java, "kafka.tools.StorageTool", "format", "--cluster-id", _CLUSTER]
            command = [*tool, "--config", str(self._configuration)]
            subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - the installed server
        super().start()

    def _properties(self, controller: int) -> str:
        values = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "log.dirs": self.home / "data",
            "auto.create.topics.enable": "false",
            "group.initial.rebalance.delay.ms": 0,
            "offsets.topic.num.partitions": 1,
            "offsets.topic.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "transaction.state.log.num.partitions": 1,
            "transaction.state.log.replication.factor": 1,
        }
        return "".join(f"{key}={value}\n" for key, value in values.items())


SERVER = KafkaServer
