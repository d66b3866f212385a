"""A real Kubernetes control plane on loopback, in which kwok plays every node.

The API server admits, defaults and rejects as anywhere; the controllers and the scheduler do their
work; kwok answers for the kubelets, so that pods become ready without a container running.
"""

import json
import os
import secrets
import signal
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from consumers import CACHE
from kit.testing import servers

PATIENCE = 120.0  # seconds until a thing that usually takes three has failed
ZONES = ("a", "b", "c")
ASSETS = CACHE / "crds"
FINISHES = "verify.example.com/finishes"  # annotation of pods that take their whole grace period to end
LATE = f"""---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {{name: pod-delete-late}}
spec:
  resourceRef: {{apiGroup: v1, kind: Pod}}
  selector:
    matchAnnotations: {{{FINISHES}: late}}
    matchExpressions: [{{key: .metadata.deletionTimestamp, operator: Exists}}]
  weight: 1
  delay: {{durationFrom: {{expressionFrom: .metadata.deletionTimestamp}}}}
  next: {{delete: true}}
"""


class ClusterError(Exception):
    """A part of the control plane does not do what it should."""


class ControlPlane:
    """The processes of one cluster; all that they write is below one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.token = secrets.token_hex(16)
        self.ports = [servers.free_port() for _ in range(6)]
        self.url = f"https://127.0.0.1:{self.ports[2]}"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.environment = os.environ | {
            "KUBECONFIG": str(folder / "kubeconfig"),
            "KUBECACHEDIR": str(folder / "discovery"),  # a cache of an older cluster would answer for this one
        }

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start everything and wait until pods can run."""
        self.write_credentials()
        self.start_api_server()
        self.must("apply", "--server-side", "--filename", str(ASSETS / "definitions"))
        self.must("wait", "--for=condition=Established", "crd", "--all", f"--timeout={PATIENCE:.0f}s")
        self.start_controllers()
        self.must("apply", "--filename", "-", given=json.dumps({"apiVersion": "v1", "kind": "List", "items": nodes()}))
        self.must("wait", "--for=condition=Ready", "node", "--all", f"--timeout={PATIENCE:.0f}s")

    def write_credentials(self) -> None:
        """Make the key of service accounts, the administrator's token and the file that kubectl reads."""
        key, public = self.folder / "accounts.key", self.folder / "accounts.pub"
        for command in (["genrsa", "-out", key, "2048"], ["rsa", "-in", key, "-pubout", "-out", public]):
            subprocess.run(["openssl", *command], capture_output=True, check=True)
        (self.folder / "tokens.csv").write_text(f"{self.token},admin,admin,system:masters\n")
        name = {"name": "verify"}
        settings = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [name | {"cluster": {"server": self.url, "insecure-skip-tls-verify": True}}],
            "users": [name | {"user": {"token": self.token}}],
            "contexts": [name | {"context": {"cluster": "verify", "user": "verify"}}],
            "current-context": "verify",
        }
        file = self.folder / "kubeconfig"
        file.touch(mode=0o600)
        file.write_text(json.dumps(settings))

    def start_api_server(self) -> None:
        """Start etcd, which need not survive anything, and the API server on it."""
        client, peer = (f"http://127.0.0.1:{port}" for port in self.ports[:2])
        self.run(
            "etcd",
            "--name=verify",
            f"--data-dir={self.folder / 'etcd'}",
            "--unsafe-no-fsync",
            "--log-level=warn",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=verify={peer}",
        )
        self.run(
            "kube-apiserver",
            f"--etcd-servers={client}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self.ports[2]}",
            "--advertise-address=10.0.0.1",  # loopback is refused here; nobody follows it
            "--endpoint-reconciler-type=none",
            f"--cert-dir={self.folder / 'certificates'}",
            f"--token-auth-file={self.folder / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={self.folder / 'accounts.pub'}",
            f"--service-account-signing-key-file={self.folder / 'accounts.key'}",
        )
        self.await_readiness()

    def start_controllers(self) -> None:
        """Start what acts on the objects of the API server."""
        access = f"--kubeconfig={self.folder / 'kubeconfig'}"
        for name, port, options in (
            (
                "kube-controller-manager",
                self.ports[3],
                [f"--service-account-private-key-file={self.folder / 'accounts.key'}"],
            ),
            ("kube-scheduler", self.ports[4], []),
        ):
            certificates = f"--cert-dir={self.folder / name}"
            where = ["--bind-address=127.0.0.1", f"--secure-port={port}"]
            self.run(name, access, "--leader-elect=false", certificates, *where, *options)
        stages = "---\n".join(file.read_text() for file in sorted((ASSETS / "stages").iterdir()))
        (self.folder / "stages.yaml").write_text(stages + LATE)
        self.run(
            "kwok",
            access,
            "--manage-all-nodes=true",
            f"--server-address=127.0.0.1:{self.ports[5]}",
            "--node-lease-duration-seconds=40",
            f"--config={self.folder / 'stages.yaml'}",
        )

    def run(self, program: str, *options: str) -> None:
        """Start a process whose output goes to a file of its name."""
        with (self.folder / f"{program}.log").open("wb") as log:
            self.processes[program] = subprocess.Popen([program, *options], stdout=log, stderr=log, cwd=self.folder)

    def await_readiness(self) -> None:
        """Wait until the API server says that it is ready."""
        request = urllib.request.Request(f"{self.url}/readyz", headers={"Authorization": f"Bearer {self.token}"})
        unverified = ssl._create_unverified_context()  # its certificate is its own
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(request, context=unverified, timeout=5).close()
            except (urllib.error.URLError, OSError):
                self.check_processes()
                time.sleep(0.2)
            else:
                return
        raise ClusterError(f"the API server is not ready\n{self.end_of_log('kube-apiserver')}")

    def check_processes(self) -> None:
        """Raise if one of them has ended."""
        for name, process in self.processes.items():
            if process.poll() is not None:
                raise ClusterError(f"{name} ended with {process.returncode}\n{self.end_of_log(name)}")

    def end_of_log(self, name: str) -> str:
        """Return what a process said last."""
        return (self.folder / f"{name}.log").read_text(errors="replace")[-2000:]

    def stop(self) -> None:
        """End the processes, the ones that use others first, and wait for each."""
        for process in reversed(self.processes.values()):
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def kubectl(self, *arguments: str, given: str | None = None) -> tuple[int, str]:
        """Run kubectl; return its exit code and all that it printed."""
        result = subprocess.run(
            ["kubectl", *arguments],
            input=given,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return result.returncode, result.stdout

    def must(self, *arguments: str, given: str | None = None) -> str:
        """Run kubectl where it must succeed; return its output."""
        code, output = self.kubectl(*arguments, given=given)
        if code:
            self.check_processes()
            raise ClusterError(f"kubectl {' '.join(arguments)}: {output}")
        return output

    def problem_with(self, manifests: str) -> str | None:
        """Apply manifests; return what the API server has against them, a warning included."""
        code, output = self.kubectl("apply", "--server-side", "--filename", "-", given=manifests)
        self.check_processes()
        return output if code or "Warning:" in output else None

    def rollout_problem(self, namespace: str) -> str | None:
        """Wait for every deployment and job of a namespace; return what stands in the way."""
        patience = f"--timeout={PATIENCE:.0f}s"
        for condition, kind in (("Complete", "job"), ("Available", "deployment")):
            if not self.must("get", kind, "--namespace", namespace, "--output=name").strip():
                continue
            code, output = self.kubectl(
                "wait", f"--for=condition={condition}", kind, "--all", "--namespace", namespace, patience
            )
            if code:
                return output + self.must("get", "events,pods", "--namespace", namespace)
        return None


def nodes() -> list[dict[str, object]]:
    """Describe a node in each zone."""
    room = {"cpu": "256", "memory": "1Ti", "ephemeral-storage": "1Ti", "pods": "1000"}
    return [
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {
                "name": f"node-{zone}",
                "labels": {
                    "kubernetes.io/hostname": f"node-{zone}",
                    "kubernetes.io/os": "linux",
                    "kubernetes.io/arch": "amd64",
                    "topology.kubernetes.io/zone": f"zone-{zone}",
                },
            },
            "status": {"allocatable": room, "capacity": room},
        }
        for zone in ZONES
    ]


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """One control plane for all tests of a run."""
    with ControlPlane(tmp_path_factory.mktemp("cluster")) as running:
        yield running
