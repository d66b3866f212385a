"""scripts/deploy.py of a generated tree, on a real control plane."""

import json
import subprocess
import sys
from pathlib import Path

from cluster import ControlPlane, cluster

__all__ = ["cluster"]  # one of its own: nothing may be there yet

CASE, SYSTEM, SERVICE = "user-service", "accounts", "user"
DIGESTS = tuple("sha256:" + 64 * digit for digit in "12")


def test_a_release_migrates_rolls_out_and_returns(
    trees: dict[str, Path], cluster: ControlPlane, tmp_path: Path
) -> None:
    tree = trees[CASE]
    first, second = (tmp_path / name for name in ("first.txt", "second.txt"))
    for file, digest in ((first, DIGESTS[0]), (second, DIGESTS[1])):
        file.write_text(f"{SERVICE}=ghcr.io/owner/{SYSTEM}/{SERVICE}@{digest}\n")
    said = deploy(cluster, tree, "migrate", "dev", str(first))
    assert f"job/{SERVICE}-migrate is complete" in said
    assert "deployment" not in resources(cluster)
    deploy(cluster, tree, "rollout", "dev", str(first))
    assert running(cluster) == DIGESTS[0]
    assert "has no version before" in deploy(cluster, tree, "rollback")

    deploy(cluster, tree, "migrate", "dev", str(second))
    assert running(cluster) == DIGESTS[0], "a migration runs before the version that needs it"
    deploy(cluster, tree, "rollout", "dev", str(second))
    assert running(cluster) == DIGESTS[1]
    deploy(cluster, tree, "rollback")
    assert running(cluster) == DIGESTS[0]
    deploy(cluster, tree, "rollout", "dev", str(second))
    assert running(cluster) == DIGESTS[1], "what a rollback wrote is no obstacle"


def deploy(cluster: ControlPlane, tree: Path, *arguments: str) -> str:
    """Run scripts/deploy.py; it must succeed."""
    command = [sys.executable, "scripts/deploy.py", *arguments]
    done = subprocess.run(
        command, cwd=tree, env=cluster.environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def resources(cluster: ControlPlane) -> str:
    """List the workloads of the system."""
    return cluster.kubectl("--namespace", SYSTEM, "get", "deployments,jobs", "--output=name")[1]


def running(cluster: ControlPlane) -> str:
    """Return the digest of the image that every ready pod of the service runs."""
    selector = f"--selector=app.kubernetes.io/instance={SERVICE}"
    _, pods = cluster.kubectl("--namespace", SYSTEM, "get", "pods", selector, "--output=json")
    found: set[str] = {
        container["image"].partition("@")[2]
        for pod in json.loads(pods)["items"]
        if "deletionTimestamp" not in pod["metadata"]
        for container in pod["spec"]["containers"]
    }
    assert len(found) == 1, found
    return found.pop()
