"""The command `verify` says of a whole tree what the consumers say that this harness installs."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from test_systems import make, plain_environment

from conftest import judge
from consumers import CACHE, Verdict

# Not installed by this harness: a container engine, Kong's own program, what needs a browser, and what
# consumers.py has another of.
ELSEWHERE = {"deck", "docker build --check", "mermaid", "redocly"}


def verify(tree: Path, *arguments: str) -> tuple[int, Any]:
    """Run the command; return its exit code and what it says."""
    terraform = {"TF_CLI_CONFIG_FILE": CACHE / "terraform/cli.tfrc", "TF_SCHEMA_DIR": CACHE / "terraform/schemas"}
    result = subprocess.run(
        [os.environ["CODEX_BINARY"], "verify", tree, "--format=json", *arguments],
        env=plain_environment(tree) | {name: str(path) for name, path in terraform.items()},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert result.returncode in (0, 1), result.stderr
    return result.returncode, json.loads(result.stdout)


def installed(tree: Path) -> list[str]:
    """Name every consumer of the command's table, but for those that are not to be had here."""
    _, rows = verify(tree, "--list")
    names = {row["consumer"] for row in rows}
    assert names > ELSEWHERE
    return [f"--only={name}" for name in sorted(names - ELSEWHERE)]


def test_every_installed_consumer_accepts(trees: dict[str, Path]) -> None:
    tree = trees["shop"]
    make(tree, "setup", timeout=300)
    code, report = verify(tree, "--require-all", *installed(tree))
    read = [artifact for artifact in report["artifacts"] if artifact["state"] != "unread"]
    verdict = Verdict()
    for artifact in read:
        problems = [check for check in artifact.get("checks", []) if check["state"] != "accepted"]
        verdict.add(tree / artifact["path"], json.dumps(problems) if problems else None)
    judge("codex-design verify", lambda _tree, _files: verdict, tree, [tree / artifact["path"] for artifact in read])
    missing = [consumer for consumer in report["consumers"] if "missing" in consumer]
    assert (code, missing) == (0, [])


# consumer: the file to break, what it is broken with, what the consumer says about it
FAULTS = {
    "ruff check": ("scripts/smoke.py", "import antigravity\n", "F401"),
    "squawk": (
        "services/note/migrations/001_create_tables.sql",
        "ALTER TABLE notes ADD COLUMN b text NOT NULL;\n",
        "adding-required-field",
    ),
    "PostgreSQL": ("architecture/schema/note.sql", "CREATE TABLE surplus (id uuid);\n", "surplus"),
    "openapi-spec-validator": ("architecture/openapi/note.yaml", "surplus: 1\n", "surplus"),
    "docker compose": ("compose.yaml", "surplus: 1\n", "surplus"),
    "hadolint": ("services/note/Dockerfile", "RUN cd /\n", "DL3003"),
    "checkov": ("services/note/Dockerfile", "USER root\n", "CKV_DOCKER_8"),
    "shellcheck": ("scripts/secrets.sh", 'rm -rf "$surplus/"*\n', "SC2115"),
}


@pytest.mark.parametrize("consumer", FAULTS)
def test_a_fault_is_rejected_in_its_file(consumer: str, trees: dict[str, Path], tmp_path: Path) -> None:
    path, fault, message = FAULTS[consumer]
    make(trees["minimal"], "setup", timeout=300)
    shutil.copytree(trees["minimal"], tmp_path / "tree", ignore=shutil.ignore_patterns(".venv"))
    tree = tmp_path / "tree"
    (tree / ".venv").symlink_to(trees["minimal"] / ".venv")
    with (tree / path).open("a") as file:
        file.write(fault)
    code, report = verify(tree, "--require-all", f"--only={consumer}")
    rejected = {artifact["path"]: artifact for artifact in report["artifacts"] if artifact["state"] == "rejected"}
    assert (code, list(rejected)) == (1, [path])
    assert message in json.dumps(rejected[path])
