"""The generated pipelines: accepted by what reads them, and run as they are written."""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest
import yaml
from test_systems import note_tests, plain_environment

GITHUB, GITLAB = "user-service", "every-type"  # the cases that have these pipelines
SERVICE = "user"  # of the first
DIGEST = "sha256:" + 64 * "1"

# Steps of the checks that only make sense on a runner, and why.
ONLY_ON_A_RUNNER = {"Install a Redis that the tests can freeze and kill": "this machine has one"}

Step = dict[str, Any]


# --- The steps of the checks ---------------------------------------------------------------------


def workflow(tree: Path, name: str) -> dict[str, Any]:
    """Read a workflow."""
    read: dict[str, Any] = yaml.safe_load((tree / f".github/workflows/{name}.yaml").read_text())
    return read


def shell(tree: Path, script: str, given: dict[str, str], timeout: float = 900) -> str:
    """Run a script as a runner does, in the environment of somebody who knows nothing of this harness."""
    environment = {name: value for name, value in plain_environment(tree).items() if not name.startswith("TEST_")}
    result = subprocess.run(
        ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script],
        cwd=tree,
        env=environment | given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=timeout,
    )
    if result.returncode != 0:
        pytest.fail(f"{script}\nexit {result.returncode}\n{result.stdout[-12000:]}", pytrace=False)
    return result.stdout


def on_this_machine(value: str) -> str:
    """Put the ports of the harness's servers where a runner puts those of its containers."""
    ports = {
        "postgres.ports['5432']": urlsplit(os.environ["TEST_POSTGRES_URL"]).port,
        "redis.ports['6379']": urlsplit(os.environ["TEST_REDIS_URL"]).port,
    }
    for place, port in ports.items():
        value = value.replace(f"${{{{ job.services.{place} }}}}", str(port))
    assert "${{" not in value, value
    return value


def test_the_steps_of_the_github_checks(trees: dict[str, Path]) -> None:
    tree = trees[GITHUB]
    jobs = workflow(tree, "check")["jobs"]
    steps = [step for job in ("lint", "test") for step in jobs[job]["steps"] if "run" in step]
    assert ONLY_ON_A_RUNNER.keys() < {step["name"] for step in steps}
    outputs = {}
    for step in steps:
        if step["name"] not in ONLY_ON_A_RUNNER:
            given = {name: on_this_machine(value) for name, value in step.get("env", {}).items()}
            started = time.monotonic()
            outputs[step["name"]] = shell(tree, step["run"], given)
            if step["name"] == "Test":
                note_tests(f"{GITHUB}, GitHub", outputs["Test"], time.monotonic() - started)
    assert "Success: no issues found" in outputs["Lint"]
    assert "all good: 1 services" in outputs["Try every API"]
    reports = next(step["with"]["path"] for step in jobs["test"]["steps"] if "upload-artifact" in step.get("uses", ""))
    assert {file.suffix for file in (tree / reports).rglob("*") if file.is_file()} == {".xml"}


def test_the_scripts_of_the_gitlab_checks(trees: dict[str, Path]) -> None:
    tree = trees[GITLAB]
    pipeline = yaml.safe_load((tree / ".gitlab-ci.yml").read_text())
    shell(tree, "\n".join(pipeline["lint"]["script"]), {})
    test = pipeline["test"]
    hosts = {name: urlsplit(test["variables"][name]).hostname for name in ("TEST_POSTGRES_URL", "TEST_REDIS_URL")}
    assert set(hosts.values()) == {service["alias"] for service in test["services"]}
    started = time.monotonic()
    output = shell(tree, "\n".join(test["script"]), {name: os.environ[name] for name in hosts})
    note_tests(f"{GITLAB}, GitLab", output, time.monotonic() - started)
    assert "all good: 1 services" in output
    assert re.search(test["coverage"].strip("/"), output, re.M)
    for report in (test["artifacts"]["reports"]["junit"], test["artifacts"]["reports"]["coverage_report"]["path"]):
        assert list(tree.glob(report)), report


def test_the_scripts_of_gitlab_are_sound(trees: dict[str, Path], tmp_path: Path) -> None:
    pipeline = yaml.safe_load((trees[GITLAB] / ".gitlab-ci.yml").read_text())
    jobs = {name: job for name, job in pipeline.items() if isinstance(job, dict) and "script" in job}
    assert len(jobs) >= 6
    for name, job in jobs.items():
        lines = [*job.get("before_script", []), *job["script"]]
        file = tmp_path / f"{name.strip('.').replace(':', '-')}.sh"
        file.write_text("\n".join(["#!/bin/bash", *lines, ""]))
    # $TRIVY and $COSIGN are commands with arguments, to be split
    files = [str(file) for file in sorted(tmp_path.glob("*.sh"))]
    command = ["shellcheck", "--exclude=SC2086,SC2154", *files]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


class Broken(BaseHTTPRequestHandler):
    """A service that is up and can save nothing."""

    def do_GET(self) -> None:
        """Answer the probes."""
        self.answer(200 if self.path.endswith("z") else 404)

    def do_POST(self) -> None:
        """Fail."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(503)

    def answer(self, status: int) -> None:
        """Send a status."""
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


def test_the_smoke_test_fails_where_a_system_does(trees: dict[str, Path]) -> None:
    tree = trees[GITHUB]
    shell(tree, "make setup", {})
    smoke = [tree / ".venv/bin/python", "scripts/smoke.py"]
    with served(Broken) as broken:
        for url, told in ((f"http://{broken}", "POST /v1/users 503"), ("http://127.0.0.1:9", "connection")):
            done = subprocess.run(
                [*smoke, f"{SERVICE}={url}"], cwd=tree, capture_output=True, text=True, check=False, timeout=60
            )
            assert (done.returncode, done.stderr) == (1, f"failed: {SERVICE}\n"), done.stdout
            assert "FAIL" in done.stdout
            assert told in done.stdout


@contextmanager
def served(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Run a server on a free port; give its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


# --- Images --------------------------------------------------------------------------------------


@pytest.fixture
def repository(trees: dict[str, Path], tmp_path: Path) -> Path:
    """The tree of several services, as a repository of one commit."""
    copied = copy_of(trees["shop"], tmp_path / "repository")
    for script in ("images.py", "deploy.py"):
        shutil.copy(trees[GITHUB] / "scripts" / script, copied / "scripts")
    return committed(copied)


@pytest.fixture
def monolith(trees: dict[str, Path], tmp_path: Path) -> Path:
    """The tree of several modules, as a repository of one commit."""
    return committed(copy_of(trees["market-monolith"], tmp_path / "monolith"))


def copy_of(tree: Path, folder: Path) -> Path:
    """Copy a tree without what tools left there."""
    ignored = shutil.ignore_patterns(".venv", ".mypy*", ".hypothesis", "__pycache__")
    shutil.copytree(tree, folder, ignore=ignored)
    return folder


def committed(tree: Path) -> Path:
    """Make a tree a repository of one commit."""
    git(tree, "init", "--quiet", "--initial-branch=main")
    commit(tree)
    return tree


def git(tree: Path, *arguments: str) -> None:
    """Run git."""
    identity = ("-c", "user.name=x", "-c", "user.email=x@example.com")
    subprocess.run(["git", *identity, *arguments], cwd=tree, check=True, capture_output=True)


def commit(tree: Path) -> None:
    """Commit everything."""
    git(tree, "add", "--all")
    git(tree, "commit", "--quiet", "--message=x")


def images(tree: Path, *arguments: str, **given: str) -> subprocess.CompletedProcess[str]:
    """Run scripts/images.py."""
    command = [sys.executable, "scripts/images.py", *arguments]
    return subprocess.run(command, cwd=tree, env=os.environ | given, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("README.md", []),
        ("services/catalog/tests/conftest.py", []),
        ("services/catalog/src/catalog_service/main.py", ["catalog"]),
        ("services/order/migrations/001_create_tables.sql", ["order"]),
        ("services/order/Dockerfile", ["order"]),
        ("libs/kit/src/kit/app.py", ["catalog", "customer", "inventory", "order", "payment"]),
        ("requirements/runtime.txt", ["catalog", "customer", "inventory", "order", "payment"]),
        (".dockerignore", ["catalog", "customer", "inventory", "order", "payment"]),
    ],
)
def test_an_image_follows_what_it_is_made_from(
    repository: Path, trees: dict[str, Path], path: str, expected: list[str]
) -> None:
    with (repository / path).open("a") as file:
        file.write("\n")
    commit(repository)
    steps = workflow(trees[GITHUB], "check")["jobs"]["changes"]["steps"]
    (step,) = (step for step in steps if "run" in step)
    output = repository / "output"
    shell(repository, step["run"], {"GITHUB_OUTPUT": str(output)})
    name, _, value = output.read_text().partition("=")
    assert (name, json.loads(value)) == ("services", expected)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("README.md", []),
        ("services/order/tests/conftest.py", []),
        ("services/order/src/order_service/rules/order.py", ["app"]),
        ("services/search/migrations/001_create_tables.sql", ["app"]),
        ("app/src/market_app/modules.py", ["app"]),
        ("libs/kit/src/kit/host.py", ["app"]),
    ],
)
def test_the_image_of_a_monolith_follows_all_modules(monolith: Path, path: str, expected: list[str]) -> None:
    with (monolith / path).open("a") as file:
        file.write("\n")
    commit(monolith)
    assert json.loads(images(monolith, "changed", "HEAD^1").stdout) == expected


def test_nothing_that_a_dockerfile_copies_is_left_out(repository: Path, monolith: Path) -> None:
    for tree, folder in ((repository, "services/catalog"), (monolith, "app")):
        assert left_out(tree, folder) == []


def left_out(tree: Path, folder: str) -> list[str]:
    """List what the Dockerfile of a folder copies and no image's tag depends on."""
    sources = re.search(r"SOURCES = \((.*?)\)", (tree / "scripts/images.py").read_text(), re.S)
    assert sources
    known = [each.replace("{service}", "catalog") for each in re.findall(r'"(.+?)"', sources[1])]
    dockerfile = (tree / folder / "Dockerfile").read_text()
    copied = re.findall(r"^COPY (?!--from)(\S+)", dockerfile, re.M)
    assert copied
    return [
        path for path in copied if not any(path.rstrip("/") == each or path.startswith(f"{each}/") for each in known)
    ]


class Registry(BaseHTTPRequestHandler):
    """A registry that hands out tokens and has some images, by path and tag."""

    images: ClassVar[dict[str, str]] = {}

    def do_GET(self) -> None:
        """Hand out a token for the right password."""
        right = base64.b64encode(b"me:secret").decode()
        if self.headers.get("Authorization") != f"Basic {right}" or "service=registry" not in self.path:
            self.send_error(401)
            return
        self.answer({}, json.dumps({"token": "good"}).encode())

    def do_HEAD(self) -> None:
        """Tell the digest of an image."""
        if self.headers.get("Authorization") != "Bearer good":
            realm = f"http://{self.headers['Host']}/token"
            challenge = f'Bearer realm="{realm}",service="registry",scope="repository:x:pull"'
            self.send_response(401)
            self.send_header("WWW-Authenticate", challenge)
            self.end_headers()
        elif self.path in self.images and "oci.image.index" in self.headers["Accept"]:
            self.answer({"Docker-Content-Digest": self.images[self.path]}, b"")
        else:
            self.send_error(404)

    def answer(self, headers: dict[str, str], body: bytes) -> None:
        """Send a good answer."""
        self.send_response(200)
        for name, value in (headers | {"Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


def test_what_a_registry_lacks_is_built_and_what_it_has_is_deployed(repository: Path) -> None:
    access = {"REGISTRY_USER": "me", "REGISTRY_PASSWORD": "secret"}
    Registry.images = {}
    with served(Registry) as address:
        place = f"{address}/owner/shop"
        everything = json.loads(images(repository, "missing", place, **access).stdout)
        assert everything == ["catalog", "customer", "inventory", "order", "payment"]
        for service in everything[:-1]:
            put(repository, service)
        assert json.loads(images(repository, "missing", place, **access).stdout) == ["payment"]
        refused = images(repository, "digests", place, **access)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert refused.stderr == "not built yet at this commit: payment\n"
        put(repository, "payment")
        listed = images(repository, "digests", place, **access).stdout.splitlines()
        assert listed == [f"{service}={place}/{service}@{DIGEST}" for service in everything]


def put(repository: Path, service: str) -> None:
    """Put the image of the present commit into the registry."""
    tag = images(repository, "tag", service).stdout.strip()
    Registry.images[f"/v2/owner/shop/{service}/manifests/{tag}"] = DIGEST
