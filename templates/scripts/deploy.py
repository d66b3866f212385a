"""Brings the system into the cluster that kubectl speaks to, and back.

    python scripts/deploy.py migrate ENVIRONMENT IMAGES   all but the services, and what runs before them
    python scripts/deploy.py rollout ENVIRONMENT IMAGES   the services, until all pods are ready
    python scripts/deploy.py smoke ENVIRONMENT            the smoke test, through forwarded ports
    python scripts/deploy.py rollback                     the versions that `rollout` found running

IMAGES is a file with a line SERVICE=IMAGE@DIGEST for each service, as `images.py digests` writes it.
A migration is never undone: the version before works on the new schema (see the decisions).
"""

import argparse
import json
import re
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
SYSTEM = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["name"]
WORK = ROOT / ".deploy"
BEFORE = WORK / "before.json"
REVISION = "deployment.kubernetes.io/revision"
POLL_S = 2

Manifest = dict[str, Any]


class FailedError(Exception):
    """The cluster did not take or do what it was given."""


def kubectl(*arguments: str, given: str | None = None) -> str:
    """Run kubectl and return what it printed; its complaints go to the log."""
    command = ["kubectl", f"--namespace={SYSTEM}", *arguments]
    done = subprocess.run(command, input=given, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise FailedError(f"kubectl {arguments[0]} ended with exit code {done.returncode}")
    return done.stdout


def manifests(environment: str, images: dict[str, str]) -> list[Manifest]:
    """Render the environment's overlay with the images to run."""
    WORK.mkdir(exist_ok=True)
    overlay = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [f"../deploy/kubernetes/overlays/{environment}"],
        "images": [pinned(service, image) for service, image in images.items()],
    }
    (WORK / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    return [each for each in yaml.safe_load_all(kubectl("kustomize", str(WORK))) if each]


def pinned(service: str, image: str) -> dict[str, str]:
    """Put an image in the place of the name that the manifests use."""
    name, _, digest = image.partition("@")
    return {"name": f"registry.example.com/{SYSTEM}/{service}", "newName": name, "digest": digest}


def apply(objects: list[Manifest]) -> None:
    """Hand objects to the cluster; what they say is theirs, whoever wrote it before."""
    command = ("apply", "--server-side", "--force-conflicts", "--filename=-")
    print(kubectl(*command, given=yaml.safe_dump_all(objects)), end="", flush=True)


def names(objects: list[Manifest], kind: str) -> list[str]:
    """List the names of all objects of a kind."""
    return [each["metadata"]["name"] for each in objects if each["kind"] == kind]


def migrate(environment: str, images: dict[str, str]) -> None:
    """Apply everything that the services need, then run the Jobs of the release to their end."""
    objects = manifests(environment, images)
    apply([each for each in objects if each["kind"] not in ("Deployment", "Job")])
    jobs = names(objects, "Job")
    kubectl("delete", "job", "--ignore-not-found", *jobs)  # a Job that ran cannot be changed
    apply([each for each in objects if each["kind"] == "Job"])
    for job in jobs:
        wait_for_job(job)


def wait_for_job(name: str) -> None:
    """Wait until a Job is done; the Job itself bounds how long that may take."""
    while True:
        status = json.loads(kubectl("get", "job", name, "--output=json"))["status"]
        reached = {
            each["type"] for each in status.get("conditions", []) if each["status"] == "True"
        }
        if "Complete" in reached:
            print(f"job/{name} is complete", flush=True)
            return
        if "Failed" in reached:
            print(kubectl("logs", f"job/{name}", "--tail=50"), flush=True)
            raise FailedError(f"job/{name} failed; no service was changed")
        time.sleep(POLL_S)


def rollout(environment: str, images: dict[str, str]) -> None:
    """Roll out every service and wait until all of its pods are ready."""
    deployments = [each for each in manifests(environment, images) if each["kind"] == "Deployment"]
    services = names(deployments, "Deployment")
    BEFORE.write_text(json.dumps({service: revision(service) for service in services}))
    apply(deployments)
    for service in services:
        wait_for_rollout(service)


def wait_for_rollout(service: str) -> None:
    """Wait until only the newest version runs, or its progress deadline has passed."""
    print(kubectl("rollout", "status", f"deployment/{service}"), end="", flush=True)


def revision(service: str) -> str | None:
    """Return the number of the version that runs, or nothing before the first."""
    found = kubectl("get", "deployment", service, "--ignore-not-found", "--output=json")
    return json.loads(found)["metadata"]["annotations"][REVISION] if found else None


def rollback() -> None:
    """Return every service that was changed to the version before: its image and its settings."""
    if not BEFORE.exists():
        print("no service was changed", flush=True)
        return
    changed = []
    for service, before in json.loads(BEFORE.read_text()).items():
        if before is None:
            print(f"deployment/{service} has no version before this one", flush=True)
        elif revision(service) != before:
            target = f"--to-revision={before}"
            print(kubectl("rollout", "undo", f"deployment/{service}", target), end="", flush=True)
            changed.append(service)
    for service in changed:
        wait_for_rollout(service)


def smoke(environment: str) -> None:
    """Run the smoke test on what runs in the cluster."""
    services = names(manifests(environment, {}), "HorizontalPodAutoscaler")  # each API has one
    with ExitStack() as stack:
        targets = [f"{service}={stack.enter_context(forwarded(service))}" for service in services]
        command = [sys.executable, str(ROOT / "scripts/smoke.py"), *targets]
        if subprocess.run(command, check=False).returncode != 0:
            raise FailedError("the system does not work as it should")


@contextmanager
def forwarded(service: str) -> Iterator[str]:
    """Forward a free local port to a service; give its URL."""
    command = ["kubectl", f"--namespace={SYSTEM}", "port-forward", f"service/{service}", ":http"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            listening = re.search(r"127\.0\.0\.1:\d+", process.stdout.readline())
            if listening is None:
                raise FailedError(f"no port could be forwarded to service/{service}")
            yield f"http://{listening[0]}"
        finally:
            process.terminate()


def read_images(file: str) -> dict[str, str]:
    """Read lines of SERVICE=IMAGE@DIGEST."""
    lines = Path(file).read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def main() -> int:
    """Read the command line and do it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    for call in (migrate, rollout, smoke, rollback):
        command = commands.add_parser(call.__name__, help=call.__doc__)
        if call is not rollback:
            command.add_argument("environment")
        if call in (migrate, rollout):
            command.add_argument("images", type=read_images)
        command.set_defaults(call=call)
    options = vars(parser.parse_args())
    try:
        options.pop("call")(**options)
    except FailedError as reason:
        print(reason, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
