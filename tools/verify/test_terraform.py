"""Terraform and kustomize describe the same objects, so that an environment can choose either as their owner."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from consumers import CACHE

# Where the two say the same in other words, or the provider has none for it (deploy/terraform/README.md).
IN_OTHER_WORDS = {
    "managed-by", "version", "seconds", "command", "default_mode", "ttl_seconds_after_finished",
    "select_policy", "unhealthy_pod_eviction_policy",
}  # fmt: skip


@pytest.mark.parametrize("case", ["shop", "market"])  # without events and with
def test_both_owners_make_the_same_objects(case: str, trees: dict[str, Path], tmp_path: Path) -> None:
    shutil.copytree(trees[case] / "deploy", tmp_path / "deploy")
    ours = planned(tmp_path / "deploy/terraform/envs/prod")
    theirs = kustomized(tmp_path / "deploy/kubernetes/base")  # production without what the gateway adds
    kinds = {kind for kind, _ in ours}
    assert sorted(ours) == sorted(name for name in theirs if name[0] in kinds)
    for name, values in ours.items():
        assert sorted(leaves(values)) == sorted(leaves(theirs[name])), name


def planned(root: Path) -> dict[tuple[str, str], Any]:
    """Plan an environment whose workloads Terraform owns; return its Kubernetes objects."""
    (root / "override.tf").write_text('terraform {\n  backend "local" {}\n}\n')
    schemas = {"TF_CLI_CONFIG_FILE": CACHE / "terraform/cli.tfrc", "TF_SCHEMA_DIR": CACHE / "terraform/schemas"}
    environment = os.environ | {name: str(path) for name, path in schemas.items()}
    for command in (["init"], ["plan", "-out=plan", "-var=workload_owner=terraform"], ["show", "-json", "plan"]):
        result = subprocess.run(["terraform", *command], cwd=root, env=environment, capture_output=True, check=True)
    found: dict[tuple[str, str], Any] = {}
    modules = [json.loads(result.stdout)["planned_values"]["root_module"]]
    for module in modules:
        modules += module.get("child_modules", [])
        for resource in module.get("resources", []):
            if kind := re.fullmatch(r"kubernetes_(\w+)_v\d", resource["type"]):
                values = resource["values"]
                kept = {
                    key: values[key] for key in values if key not in {"id", "timeouts"} and not key.startswith("wait_")
                }
                found[kind[1].replace("_", ""), values["metadata"][0]["name"]] = kept
    return found


def kustomized(folder: Path) -> dict[tuple[str, str], Any]:
    """Render a kustomization; return its objects."""
    rendered = subprocess.run(["kubectl", "kustomize", folder], capture_output=True, check=True).stdout
    return {
        (o["kind"].lower(), o["metadata"]["name"]): {key: o[key] for key in o if key not in {"kind", "apiVersion"}}
        for o in yaml.safe_load_all(rendered)
    }


def leaves(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """List every value of an object with the last part of its name, in the provider's spelling."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", key.split("/")[-1]).lower())
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, name)
    elif not (value is None or value is False or value == "") and name not in IN_OTHER_WORDS:
        yield name, str(value).lower()
