"""The real consumers of infrastructure: programs that tools/install.py puts on PATH.

Like those of consumers.py, each takes the root of a tree and files in it and returns a Verdict.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from consumers import CACHE, Consumer, Verdict, each, line_by_line, output_of, remembering, sorted_out


def answer_of(*command: str | Path, cwd: Path) -> Any:
    """Run a program that prints JSON; return it, or raise what the program said instead."""
    result = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    try:
        return json.loads(result.stdout)
    except json.JSONDecodeError:
        message = f"{command[0]}: exit code {result.returncode}: {result.stdout}{result.stderr}"
        raise RuntimeError(message) from None


def program(*command: str | Path) -> Consumer:
    """Make a consumer of a program that takes one file and tells by its exit code."""

    def check(file: Path) -> str | None:
        code, output = output_of(*command, file, cwd=file.parent)
        return output or f"exit code {code}" if code else None

    return each(check)


# --- Containers ---------------------------------------------------------------------------------

dockerlint = line_by_line("dockerlint")


def compose_problem(file: Path) -> str | None:
    """Read with docker compose, whose warnings count."""
    code, output = output_of("docker-compose", "-f", file, "config", "--quiet", cwd=file.parent)
    return output or (f"exit code {code}" if code else None)


compose = each(compose_problem)


def hadolint(tree: Path, files: list[Path]) -> Verdict:
    """Lint Dockerfiles with the tree's own settings."""
    rejected: dict[Path, str] = {}
    for found in answer_of("hadolint", "--format=json", *files, cwd=tree):
        rejected.setdefault(Path(found["file"]), f"{found['line']}: {found['code']} {found['message']}")
    return sorted_out(files, rejected)


# --- Pipelines ----------------------------------------------------------------------------------


def actionlint(tree: Path, files: list[Path]) -> Verdict:
    """Check workflows, and the scripts in them with shellcheck."""
    rejected: dict[Path, str] = {}
    for found in answer_of("actionlint", "-format={{json .}}", *files, cwd=tree):
        rejected.setdefault(tree / found["filepath"], f"{found['line']}: {found['message']} [{found['kind']}]")
    return sorted_out(files, rejected)


def zizmor(tree: Path, files: list[Path]) -> Verdict:
    """Audit workflows for weaknesses, as far as that goes without asking GitHub."""
    rejected: dict[Path, str] = {}
    for found in answer_of("zizmor", "--offline", "--no-progress", "--format=json", *files, cwd=tree):
        place = found["locations"][0]
        line = place["concrete"]["location"]["start_point"]["row"] + 1
        file = Path(place["symbolic"]["key"]["Local"]["verbatim_path"])
        rejected.setdefault(file, f"{line}: {found['ident']}: {found['desc']}")
    return sorted_out(files, rejected)


# What gitlab-ci-local asks git for: where the project is, and what the default branch has.
REPOSITORY = (
    ("init", "--quiet", "--initial-branch=main"),
    ("remote", "add", "origin", "git@example.com:group/project.git"),
    ("-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "--quiet", "--allow-empty", "--message=x"),
    ("update-ref", "refs/remotes/origin/main", "HEAD"),
    ("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main"),
)


def gitlab_problem(file: Path) -> str | None:
    """Read a pipeline with gitlab-ci-local, which wants a repository around it."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(file, folder)
        for command in REPOSITORY:
            output_of("git", *command, cwd=Path(folder))
        code, output = output_of("gitlab-ci-local", "--list", "--file", file.name, cwd=Path(folder))
    return output or f"exit code {code}" if code else None


gitlab = each(gitlab_problem)

catalog = line_by_line("catalogcheck")
asyncapi = line_by_line("asyncapicheck")

# --- Monitoring ---------------------------------------------------------------------------------

promtool_rules = program("promtool", "check", "rules", "--lint=all", "--lint-fatal")
promtool_config = program("promtool", "check", "config", "--syntax-only", "--lint=all", "--lint-fatal")
promtool_tests = program("promtool", "test", "rules")
amtool = program("amtool", "check-config")
collector = program("otelcol", "validate", "--config")

# --- Kubernetes ---------------------------------------------------------------------------------

kong = line_by_line("kongcheck")


def kustomized(root: Path) -> str:
    """Render a kustomization; a file that is none is what it renders to."""
    if root.name != KUSTOMIZATION:
        return root.read_text()
    result = subprocess.run(["kubectl", "kustomize", root.parent], capture_output=True, text=True, check=False)
    if result.returncode:
        raise RuntimeError(result.stderr)
    return result.stdout


def manifests(check: Callable[[Path, Path, str], str | None]) -> Consumer:
    """Make a consumer of a check of rendered manifests; it gets the tree, the overlay and its manifests.

    An overlay that is rejected is so for all; of one that is accepted every file that it is made of is.
    """

    def consumer(tree: Path, files: list[Path]) -> Verdict:
        verdict = Verdict()
        for root in files and (sorted(tree.glob(OVERLAYS)) or files):
            try:
                problem = check(tree, root, kustomized(root))
            except RuntimeError as error:
                problem = str(error)
            if problem:
                verdict.rejected[root] = problem
            else:
                verdict.accepted |= {root} | sources_of(root).intersection(files)
        return verdict

    return consumer


def sources_of(root: Path) -> set[Path]:
    """List the files that a kustomization is made of."""
    if root.name != KUSTOMIZATION:
        return {root}
    content = yaml.safe_load(root.read_text())
    found = {root}
    for entry in [*content.get("resources", []), *content.get("components", [])]:
        path = (root.parent / entry).resolve()
        found |= sources_of(path / KUSTOMIZATION) if path.is_dir() else {path}
    return found


KUSTOMIZATION = "kustomization.yaml"
OVERLAYS = f"deploy/kubernetes/overlays/*/{KUSTOMIZATION}"


def rendered(*command: str) -> Consumer:
    """Make a consumer of a program that reads manifests from its input and tells by its exit code."""

    def check(_tree: Path, _root: Path, content: str) -> str | None:
        result = subprocess.run(command, input=content, capture_output=True, text=True, check=False)
        return f"{result.stdout}{result.stderr}" or f"exit code {result.returncode}" if result.returncode else None

    return manifests(check)


kube_score = rendered("kube-score", "score", "--output-format=ci", "--exit-one-on-warning", "-")
istio_validate = rendered("istioctl", "validate", "-f", "-")


def istio_problem(_tree: Path, _root: Path, content: str) -> str | None:
    """Analyze manifests together with the pods that a cluster would make of them."""
    objects = [each for each in yaml.safe_load_all(content) if each]
    given = yaml.safe_dump_all([*objects, *pods_of(objects)])
    result = subprocess.run(["istioanalyze"], input=given, capture_output=True, text=True, check=False)
    return result.stdout + result.stderr or f"exit code {result.returncode}" if result.returncode else None


def pods_of(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Make a pod of each template, with a proxy where namespace and template ask for one."""
    injected = [
        each["metadata"]["name"]
        for each in objects
        if each["kind"] == "Namespace" and each["metadata"].get("labels", {}).get("istio-injection") == "enabled"
    ]
    pods = []
    for workload in objects:
        if workload["kind"] not in ("Deployment", "Job"):
            continue
        template, place = workload["spec"]["template"], workload["metadata"]
        name = {"name": f"{place['name']}-0", "namespace": place["namespace"]}
        pod = {"apiVersion": "v1", "kind": "Pod"} | template | {"metadata": template["metadata"] | name}
        asks = template["metadata"].get("labels", {}).get("sidecar.istio.io/inject") != "false"
        if place["namespace"] in injected and asks:
            proxy = {"name": "istio-proxy", "image": "auto", "restartPolicy": "Always"}
            pod["spec"] = pod["spec"] | {"initContainers": [*pod["spec"].get("initContainers", []), proxy]}
        pods.append(pod)
    return pods


istio_analyze = manifests(istio_problem)


def checkov(tree: Path, files: list[Path]) -> Verdict:
    """Scan files with the tree's own settings: manifests as their overlays render, the others as they are."""
    kubernetes = [file for file in files if KUSTOMIZATION in (other.name for other in file.parent.glob("*.yaml"))]
    with tempfile.TemporaryDirectory() as folder:
        places = {file: file for file in files if file not in kubernetes}

        def place(_tree: Path, root: Path, content: str) -> None:
            copy = Path(folder) / f"{root.parent.name}.yaml"
            copy.write_text(content)
            places[copy] = root

        verdict = manifests(place)(tree, kubernetes)
        findings = checkov_findings(tree, list(places))
    verdict.accepted |= set(files) - set(kubernetes)
    verdict.rejected |= {places[copy]: problem for copy, problem in findings.items()}
    verdict.accepted -= set(verdict.rejected)
    return verdict


def checkov_findings(tree: Path, files: list[Path]) -> dict[Path, str]:
    """Return the first finding in each file."""
    options = ["--compact", "--quiet", "--output=json", "--skip-download"]
    answer = answer_of("checkov", *options, *[f"--file={file}" for file in files], cwd=tree)
    rejected: dict[Path, str] = {}
    for report in answer if isinstance(answer, list) else [answer]:
        for found in report.get("results", {}).get("failed_checks", []):
            why = f"{found['check_id']}: {found['check_name']} ({found['resource']})"
            rejected.setdefault(Path(found["file_abs_path"]), why)
    return rejected


def trivy(tree: Path, files: list[Path]) -> Verdict:
    """Scan copies of the files for misconfiguration, all at once, with the tree's own settings."""
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        for file in [*files, *tree.glob("trivy.yaml")]:
            copy = place / file.relative_to(tree)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, copy)
        answer = answer_of("trivy", "config", "--skip-check-update", "--quiet", "--format=json", ".", cwd=place)
    rejected: dict[Path, str] = {}
    for result in answer.get("Results", []):
        for found in result.get("Misconfigurations", []):
            rejected.setdefault(tree / result["Target"], f"{found['ID']}: {found['Message']}")
    return sorted_out(files, rejected)


# --- Secrets and weak code ----------------------------------------------------------------------

# The S rules of ruff are these too, and a tree's own lint holds it to them: they are answered there
# in the line that breaks them, with a noqa, which bandit does not read.
ANSWERED = ("B101", "B104", "B105", "B310", "B311")
STARTS_PROGRAMS = ("B404", "B603", "B607")  # answered there for the scripts of a tree as a whole


@remembering
def bandit(tree: Path, files: list[Path]) -> Verdict:
    """Look for weaknesses in code that ships; that of tests does what it warns of."""
    command = ("bandit", "--quiet", "--format=json", f"--skip={','.join(ANSWERED)}")
    answer = answer_of(*command, *files, cwd=tree)
    rejected = {Path(error["filename"]): error["reason"] for error in answer["errors"]}
    for found in answer["results"]:
        file = Path(found["filename"])
        if file.parent == tree / "scripts" and found["test_id"] in STARTS_PROGRAMS:
            continue
        rejected.setdefault(file, f"{found['line_number']}: {found['test_id']}: {found['issue_text']}")
    read = {Path(name) for name in answer["metrics"] if name != "_totals"}
    return sorted_out(read.intersection(files), rejected)


@remembering
def gitleaks(tree: Path, files: list[Path]) -> Verdict:
    """Look for secrets in copies of the files, all at once, with the tree's own settings if it has any."""
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch) / "tree"
        for file in [*files, *tree.glob(".gitleaks*")]:
            copy = place / file.relative_to(tree)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, copy)
        report = Path(scratch) / "report.json"
        command = ("gitleaks", "dir", "--no-banner", "--log-level=error", "--exit-code=0", "--report-format=json")
        code, output = output_of(*command, f"--report-path={report}", place, cwd=place)
        if code:
            return Verdict(rejected={tree: output})
        found = json.loads(report.read_text())
    rejected: dict[Path, str] = {}
    for leak in found:
        file = tree / Path(leak["File"]).relative_to(place)
        rejected.setdefault(file, f"{leak['StartLine']}: {leak['RuleID']}")
    return sorted_out(files, rejected)


# --- Terraform ----------------------------------------------------------------------------------


def terraform(tree: Path, files: list[Path]) -> Verdict:
    """Format, validate, plan and test each folder of Terraform, with stand-ins of the providers."""
    verdict = Verdict()
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "tree"
        for file in files:
            place = copy / file.relative_to(tree)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, place)
        for folder in sorted({file.parent for file in files if file.suffix == ".tf"}):
            place = copy / folder.relative_to(tree)
            key = content_of(place, copy)
            if key not in terraform_verdicts:
                terraform_verdicts[key] = terraform_problem(place)
            problem = terraform_verdicts[key]
            for file in files:
                if file.parent == folder or file.parent == folder / "tests":
                    verdict.add(file, problem)
    return verdict


terraform_verdicts: dict[str, str | None] = {}  # most modules are the same in many trees


def content_of(folder: Path, whole: Path) -> str:
    """Name what Terraform reads in a folder: its files, and all others if it uses modules."""
    uses_others = any('source = "../' in file.read_text() for file in folder.rglob("*.tf"))
    base = whole if uses_others else folder
    sources = [file for file in sorted(base.rglob("*.*")) if file.is_file() and ".terraform" not in str(file)]
    content = "".join(f"{file.relative_to(base)}\n{file.read_text()}" for file in sources)
    return f"{folder.relative_to(whole) if uses_others else ''}\n{content}"


def tests_of(folder: Path) -> str:
    """Read the tests of a folder."""
    return "".join(file.read_text() for file in folder.glob("tests/*.tftest.hcl"))


def terraform_problem(folder: Path) -> str | None:
    """Take a folder through Terraform's commands; a root keeps its state beside it."""
    sources = "".join(file.read_text() for file in folder.glob("*.tf"))
    if 'backend "' in sources:
        (folder / "override.tf").write_text('terraform {\n  backend "local" {}\n}\n')
    commands = [["fmt", "-check", "-diff"], ["init", "-input=false"], ["validate"]]
    commands += [["test"]] if [*folder.glob("**/*.tftest.hcl")] else []
    commands += [["plan", "-input=false"]] if re.search(r'^provider "', sources, re.MULTILINE) else []
    environment = os.environ | {
        "TF_CLI_CONFIG_FILE": str(CACHE / "terraform/cli.tfrc"),
        "TF_SCHEMA_DIR": str(CACHE / "terraform/schemas"),
        "TF_CLI_ARGS": "-no-color",
    }
    if images := re.search(r"^variables {\n  images = ({.+?^  })$", tests_of(folder), re.MULTILINE | re.DOTALL):
        environment["TF_VAR_images"] = images[1]  # what only a pipeline knows
    for command in commands:
        code, output = output_of("terraform", *command, cwd=folder, env=environment)
        if code:
            return f"terraform {command[0]}: {output or f'exit code {code}'}"
    return None
