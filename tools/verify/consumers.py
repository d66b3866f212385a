"""The real consumers of generated files.

A consumer takes the root of a tree and files in it and returns a Verdict: which files it accepted,
and which it rejected with what message. A file that the program did not look at is in neither.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped]
from openapi_spec_validator import validate
from openapi_spec_validator.validation.exceptions import OpenAPIValidationError
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

BIN = Path(sys.executable).parent
CACHE = Path(os.environ["CODEX_CACHE"])


@dataclass
class Verdict:
    """What a consumer said about each file."""

    accepted: set[Path] = field(default_factory=set)
    rejected: dict[Path, str] = field(default_factory=dict)

    def add(self, file: Path, problem: str | None) -> None:
        """Note one file; no problem means accepted."""
        if problem:
            self.rejected[file] = problem
        else:
            self.accepted.add(file)


Consumer = Callable[[Path, list[Path]], Verdict]


def output_of(*command: str | Path, cwd: Path, env: dict[str, str] | None = None) -> tuple[int, str]:
    """Run a program; return its exit code and all that it printed."""
    result = subprocess.run(
        command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return result.returncode, result.stdout


def each(check: Callable[[Path], str | None]) -> Consumer:
    """Make a consumer of a check of one file."""

    def consumer(_tree: Path, files: list[Path]) -> Verdict:
        verdict = Verdict()
        for file in files:
            verdict.add(file, check(file))
        return verdict

    return consumer


def sorted_out(files: Iterable[Path], rejected: dict[Path, str]) -> Verdict:
    """Accept every file that was looked at and not rejected."""
    return Verdict({file for file in files if file not in rejected}, rejected)


def remembering(consumer: Consumer) -> Consumer:
    """Hand a consumer only what it has not seen yet at this place of a tree: most trees share most files.

    For a consumer that judges each file by itself.
    """
    known: dict[tuple[Path, bytes], str | None] = {}

    def remembered(tree: Path, files: list[Path]) -> Verdict:
        keys = {file: (file.relative_to(tree), hashlib.sha256(file.read_bytes()).digest()) for file in files}
        new = [file for file, key in keys.items() if key not in known]
        said = consumer(tree, new) if new else Verdict()
        known.update({keys[file]: said.rejected.get(file) for file in said.accepted | set(said.rejected)})
        verdict = Verdict()
        for file, key in keys.items():
            if key in known:
                verdict.add(file, known[key])
        return verdict

    return remembered


# --- Python -------------------------------------------------------------------------------------


def ruff_check(tree: Path, files: list[Path]) -> Verdict:
    """Lint with the tree's own rules."""
    return ruff(tree, files, "check")


def ruff_format(tree: Path, files: list[Path]) -> Verdict:
    """Compare with what `ruff format` would write."""
    return ruff(tree, files, "format", "--check")


def ruff(tree: Path, files: list[Path], *command: str) -> Verdict:
    """Run ruff on the files that its settings do not leave out."""
    _, shown = output_of(BIN / "ruff", "check", "--no-cache", "--show-files", *files, cwd=tree)
    options = ["--no-cache", "--output-format=json", "--quiet"]
    result = subprocess.run(
        [BIN / "ruff", *command, *options, *files], cwd=tree, capture_output=True, text=True, check=False
    )
    rejected: dict[Path, str] = {}
    for problem in json.loads(result.stdout or "[]"):
        where = f"{problem['location']['row']}: {problem['code']} {problem['message']}"
        rejected.setdefault(Path(problem["filename"]), where)
    looked_at = {Path(line) for line in shown.splitlines()}
    return sorted_out(looked_at.intersection(files), rejected)


def mypy(tree: Path, files: list[Path]) -> Verdict:
    """Check types with the tree's own rules.

    Tests and load profiles of different services have modules of the same name, which one run of
    mypy refuses; so each folder of them is seen through a link of a name of its own.
    """
    links = tree / ".mypy-links"
    links.mkdir(exist_ok=True)
    seen = {linked(tree, links, file): file for file in files}
    sources = sorted(str(path) for path in tree.glob("*/*/src"))
    environment = os.environ | {"MYPYPATH": os.pathsep.join(sources)}
    environment.pop("PYTHONPATH", None)
    listing = tree / ".mypy-files"
    listing.write_text("\n".join(str(path) for path in seen))
    command: list[str | Path] = [
        BIN / "mypy",
        "--config-file=pyproject.toml",
        f"--cache-dir={CACHE / 'mypy'}",
        f"@{listing}",
    ]
    code, output = output_of(*command, cwd=tree, env=environment)
    rejected: dict[Path, str] = {}
    for name, why in re.findall(r"^(.+?):(\d+: error: .+)$", output, re.M):
        path = tree / name
        rejected.setdefault(seen.get(path, path), why)
    checked = re.search(r"(?:in|checked) (\d+) source files?", output)
    if checked is None or int(checked[1]) != len(files):
        return Verdict(rejected=rejected or {tree: f"exit code {code}: {output[-2000:]}"})
    return sorted_out(files, rejected)


def linked(tree: Path, links: Path, file: Path) -> Path:
    """Return the path below which mypy sees a file under a module name that no other file has."""
    parts = file.relative_to(tree).parts
    if parts[0] not in ("services", "app") or "src" in parts:
        return file
    project = parts.index("tests" if "tests" in parts else "load")
    link = links.joinpath("_".join(parts[: project + 1]).replace("-", "_"), *parts[project + 1 :])
    link.parent.mkdir(parents=True, exist_ok=True)
    for folder in link.relative_to(links).parents[:-1]:
        (links / folder / "__init__.py").touch()
    link.unlink(missing_ok=True)
    link.symlink_to(file)
    return link


# --- Documents ----------------------------------------------------------------------------------


def go_consumer(kind: str, *options: str) -> Consumer:
    """Hand files to a Go library, by tools/consumers."""
    return line_by_line(os.environ["CODEX_CONSUMERS"], kind, *options)


def mermaid(tree: Path, files: list[Path]) -> Verdict:
    """Parse diagrams with Mermaid, by tools/mermaid."""
    return line_by_line(os.environ["CODEX_NODE"], os.environ["CODEX_MERMAID"])(tree, files)


def line_by_line(*command: str) -> Consumer:
    """Make a consumer of a program that prints one JSON line for each file."""

    def consumer(tree: Path, files: list[Path]) -> Verdict:
        result = subprocess.run([*command, *files], cwd=tree, capture_output=True, text=True, check=False)
        verdict = Verdict()
        for line in result.stdout.splitlines():
            answer = json.loads(line)
            verdict.add(Path(answer["file"]), answer["error"])
        return verdict

    return consumer


def openapi_problem(file: Path) -> str | None:
    """Validate with openapi-spec-validator."""
    try:
        validate(yaml.safe_load(file.read_text()))
    except (OpenAPIValidationError, yaml.YAMLError) as error:
        return str(error)
    return None


def examples_problem(file: Path) -> str | None:
    """Hold every example of an OpenAPI document against its own schema."""
    document = yaml.safe_load(file.read_text())
    registry = Registry[Any]().with_resource("", Resource.from_contents(document, DRAFT202012))
    examples = 0
    for title, schema in document["components"]["schemas"].items():
        validator = Draft202012Validator(schema, registry=registry, format_checker=FormatChecker())
        for example in schema.get("examples", []):
            examples += 1
            for error in validator.iter_errors(example):
                return f"{title}: {error.message}"
    return None if examples else "no example in it"


def yaml_problem(file: Path) -> str | None:
    """Parse every document as YAML, where a key may be given only once."""
    try:
        list(yaml.load_all(file.read_text(), Loader=StrictLoader))
    except yaml.YAMLError as error:
        return str(error)
    return None


class StrictLoader(yaml.SafeLoader):
    """The safe loader, which refuses a key that is given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        """Build a mapping of keys that differ."""
        keys = [self.construct_object(key, deep=True) for key, _ in node.value if key.value != "<<"]
        if len(keys) != len(set(keys)):
            raise yaml.constructor.ConstructorError(None, None, f"duplicate key in {keys}", node.start_mark)
        mapping: dict[object, object] = super().construct_mapping(node, deep)
        return mapping


def toml_problem(file: Path) -> str | None:
    """Parse as TOML."""
    try:
        tomllib.loads(file.read_text())
    except tomllib.TOMLDecodeError as error:
        return str(error)
    return None


def squawk(tree: Path, files: list[Path]) -> Verdict:
    """Look for migrations that lock or lose, with the tree's own rules."""
    command: list[str | Path] = [BIN / "squawk", *(file.relative_to(tree) for file in files)]
    _, output = output_of(*command, "--reporter=json", cwd=tree)
    rejected: dict[Path, str] = {}
    for problem in json.loads(output):
        where = f"{problem['line'] + 1}: {problem['rule_name']} {problem['message']}"
        file = tree / problem["file"]
        rejected[file] = "\n".join(filter(None, [rejected.get(file), where]))
    _, summary = output_of(*command, cwd=tree)
    counted = re.search(r"checked (\d+) source", summary) or re.search(r"0 issues in (\d+) file", summary)
    complete = counted is not None and int(counted[1]) == len(files)
    return sorted_out(files, rejected) if complete else Verdict(rejected=rejected)


def json_problem(file: Path) -> str | None:
    """Parse as JSON."""
    try:
        json.loads(file.read_text())
    except json.JSONDecodeError as error:
        return str(error)
    return None


# --- Scripts ------------------------------------------------------------------------------------


def shell_problem(file: Path) -> str | None:
    """Parse with sh."""
    code, output = output_of("sh", "-n", file, cwd=file.parent)
    return output or f"exit code {code}" if code else None


def makefile_problem(file: Path) -> str | None:
    """Parse with make, whose warnings count."""
    code, output = output_of("make", "--warn-undefined-variables", "-n", "-f", file, "help", cwd=file.parent)
    warned = "warning:" in output
    return output if code or warned else None


def requirements_problem(file: Path) -> str | None:
    """Resolve a lock with uv: every line pinned and hashed, and all of them fit together."""
    with tempfile.TemporaryDirectory() as empty:
        options: list[str | Path] = [
            "--dry-run",
            "--require-hashes",
            "--quiet",
            "--python",
            BIN / "python",
            "--target",
            empty,
        ]
        code, output = output_of("uv", "pip", "install", *options, "-r", file, cwd=file.parent)
    return output or f"exit code {code}" if code else None


def resolution_problem(lock: Path) -> str | None:
    """Resolve the wishes beside a lock within its pins: what comes out is what it holds, no more and no less."""
    root = lock.parent.parent
    options: list[str | Path] = ["--quiet", "--universal", "--python-version=3.11", "--no-header", "--no-annotate"]
    wishes = lock.with_suffix(".in").relative_to(root)
    code, output = output_of(
        "uv", "pip", "compile", *options, wishes, "--constraints", lock.relative_to(root), cwd=root
    )
    if code:
        return output
    wanted, held = pins(output), pins(lock.read_text())
    return f"only one of both has {sorted(wanted ^ held)}" if wanted != held else None


def pins(lock: str) -> set[str]:
    """List the NAME==VERSION of a lock."""
    return set(re.findall(r"^[a-z0-9.-]+==[^\s;]+", lock, re.MULTILINE))
