"""A real API server takes every environment, and a release at full scale stays inside the quota."""

import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster import FINISHES, ControlPlane, cluster
from conftest import CASES, files_of, judge
from consumers import Verdict
from infrastructure import KUSTOMIZATION, sources_of

__all__ = ["cluster"]

Manifest = dict[str, Any]

PATIENCE_S = 300
TASKS = "app.kubernetes.io/component in (migration, topology)"
ROLLED_OUT = ("shop", "tickets")  # with a release at full scale: minutes for a large system
LARGE = "sixty-services"  # whose pods one small control plane does not start in time
DIGEST = "sha256:" + "0123456789abcdef" * 4


def overlays(tree: Path) -> list[Path]:
    """List the environments, production last."""
    found = sorted((tree / "deploy/kubernetes/overlays").iterdir(), key=lambda path: path.name == "prod")
    assert found[-1].name == "prod"
    return found


def applied(tree: Path) -> None:
    """Note that the API server took all overlays, and with them every manifest of workloads and gateway."""
    files = files_of(tree, "deploy/kubernetes/**/*.yaml", "deploy/gateway/**/*.yaml")
    took = Verdict(set().union(*(sources_of(overlay / KUSTOMIZATION) for overlay in overlays(tree))))
    judge("kube-apiserver", lambda _tree, _files: took, tree, files)


@contextmanager
def namespace(cluster: ControlPlane, name: str) -> Iterator[str]:
    """Leave the cluster as it was: without the namespace."""
    try:
        yield name
    finally:
        cluster.must("delete", "hpa,deployment", "--all", "--namespace", name)
        cluster.must("delete", "pod", "--all", "--namespace", name, "--grace-period=0", "--force")
        cluster.must("delete", "namespace", name, "--ignore-not-found", f"--timeout={PATIENCE_S}s")


def system(tree: Path) -> str:
    """Return the name of the system, which is that of its namespace."""
    name = yaml.safe_load((tree / "codex-design.yaml").read_text())["name"]
    assert isinstance(name, str)
    return name


def apply(cluster: ControlPlane, folder: Path, *options: str) -> None:
    """Apply a kustomization; a warning of the API server counts as a failure."""
    code, output = cluster.kubectl("apply", "--server-side", "-k", str(folder), *options)
    assert code == 0, output
    assert "Warning:" not in output, output


def release(cluster: ControlPlane, folder: Path, name: str) -> None:
    """Release as deploy/kubernetes/README.md says, up to the roll-out."""
    where = ("--namespace", name)
    cluster.must("delete", "job", *where, "--selector", TASKS, "--ignore-not-found")
    apply(cluster, folder, "--selector", "app.kubernetes.io/component notin (api, relay, worker)")
    wait = ("--for=condition=Complete", f"--timeout={PATIENCE_S}s")
    cluster.must("wait", "job", *where, "--selector", TASKS, *wait)
    apply(cluster, folder)


def services(cluster: ControlPlane, name: str) -> list[Manifest]:
    """List the Deployments of a namespace."""
    found = json.loads(cluster.must("get", "deployment", "--namespace", name, "--output=json"))["items"]
    assert isinstance(found, list)
    return found


def rolled_out(cluster: ControlPlane, name: str) -> None:
    """Wait until every Deployment runs nothing but its newest pods."""
    for deployment in services(cluster, name):
        service = f"deployment/{deployment['metadata']['name']}"
        cluster.must("rollout", "status", service, "--namespace", name, f"--timeout={PATIENCE_S}s")


def scaled(cluster: ControlPlane, name: str, bound: str) -> None:
    """Wait until every Deployment has as many ready replicas as a bound of its autoscaler says."""
    scalers = json.loads(cluster.must("get", "hpa", "--namespace", name, "--output=json"))["items"]
    wanted = {each["metadata"]["name"]: each["spec"][bound] for each in scalers}
    fixed = {each["metadata"]["name"]: each["spec"]["replicas"] for each in services(cluster, name)}
    fixed = {each: replicas for each, replicas in fixed.items() if each not in wanted}
    if bound == "maxReplicas":
        for service, replicas in wanted.items():
            cluster.must("scale", f"deployment/{service}", "--namespace", name, f"--replicas={replicas}")
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        ready = {each["metadata"]["name"]: each["status"].get("readyReplicas", 0) for each in services(cluster, name)}
        if ready == wanted | fixed:
            return
        time.sleep(1)
    pytest.fail(f"ready {ready}, wanted {wanted}\n{cluster.must('get', 'events', '--namespace', name)}")


def refusals(cluster: ControlPlane, name: str) -> list[str]:
    """Return what the quota or the admission of pods has refused."""
    events = json.loads(cluster.must("get", "events", "--namespace", name, "--output=json"))["items"]
    refused = [each["message"] for each in events if each["reason"] in ("FailedCreate", "FailedScheduling")]
    # Two pods counted against the quota at the same moment: the second is tried again at once.
    return [message for message in refused if "the object has been modified" not in message]


@pytest.mark.parametrize("case", [case for case in CASES if case != LARGE])
def test_the_api_server_takes_every_environment_and_its_pods_run(
    case: str, trees: dict[str, Path], cluster: ControlPlane
) -> None:
    tree = trees[case]
    for overlay in overlays(tree):
        with namespace(cluster, system(tree)) as name:
            release(cluster, overlay, name)
            rolled_out(cluster, name)
            assert refusals(cluster, name) == []
            budgets = json.loads(cluster.must("get", "pdb", "--namespace", name, "--output=json"))["items"]
            assert len(budgets) == len(services(cluster, name))
            assert all(each["status"]["expectedPods"] >= 1 for each in budgets)
            code, output = cluster.kubectl("diff", "--server-side", "-k", str(overlay))
            assert code == 0, output
    applied(tree)


def test_the_api_server_takes_a_large_system(trees: dict[str, Path], cluster: ControlPlane) -> None:
    name = system(trees[LARGE])
    with namespace(cluster, name):
        cluster.must("create", "namespace", name)
        for overlay in overlays(trees[LARGE]):
            apply(cluster, overlay, "--dry-run=server", "--force-conflicts")
    applied(trees[LARGE])


@pytest.mark.parametrize("case", ROLLED_OUT)
def test_a_release_at_full_scale_stays_inside_the_quota(
    case: str, trees: dict[str, Path], cluster: ControlPlane
) -> None:
    tree = trees[case]
    with namespace(cluster, system(tree)) as name, tempfile.TemporaryDirectory(dir=tree) as folder:
        write_release(tree, Path(folder), digest="")
        release(cluster, Path(folder), name)
        rolled_out(cluster, name)
        scaled(cluster, name, "minReplicas")
        scaled(cluster, name, "maxReplicas")
        write_release(tree, Path(folder), digest=DIGEST)
        cluster.must("delete", "job", "--namespace", name, "--selector", TASKS)
        apply(cluster, Path(folder))  # everything at once: all services roll out while all migrations run
        most = usage_until_rolled_out(cluster, name)
        assert refusals(cluster, name) == []
        scale = sum(each["spec"]["replicas"] for each in services(cluster, name))
        surge = len(services(cluster, name))
        assert most["pods"] > scale + surge, "no pod was still finishing: the test shows nothing"
        images = {each["spec"]["template"]["spec"]["containers"][0]["image"] for each in services(cluster, name)}
        assert all(image.endswith(f"@{DIGEST}") for image in images)


def write_release(tree: Path, folder: Path, digest: str) -> None:
    """Write a kustomization of production whose pods take their whole grace period to end."""
    overlay = tree / "deploy/kubernetes/overlays/prod"
    images = [each["name"] for each in yaml.safe_load((overlay / "kustomization.yaml").read_text())["images"]]
    late = [{"op": "add", "path": "/spec/template/metadata/annotations", "value": {FINISHES: "late"}}]
    content: Manifest = {
        "resources": ["../deploy/kubernetes/overlays/prod"],
        "patches": [{"target": {"kind": "Deployment"}, "patch": json.dumps(late)}],
    }
    if digest:
        content["images"] = [{"name": each, "digest": digest} for each in images]
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(content))


def usage_until_rolled_out(cluster: ControlPlane, name: str) -> dict[str, int]:
    """Watch the quota; return the most pods that it counted."""
    most = {"pods": 0}
    process = subprocess.Popen(
        ["kubectl", "rollout", "status", "deployment", "--namespace", name, f"--timeout={PATIENCE_S}s"],
        env=cluster.environment,
        stdout=subprocess.DEVNULL,
    )
    while process.poll() is None:
        (quota,) = json.loads(cluster.must("get", "resourcequota", "--namespace", name, "--output=json"))["items"]
        most["pods"] = max(most["pods"], int(quota["status"]["used"]["pods"]))
        time.sleep(1)
    assert process.returncode == 0, refusals(cluster, name)
    return most
