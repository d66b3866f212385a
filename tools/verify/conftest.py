"""Makes the trees of all cases and reports what each consumer said about them."""

import os
import re
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from cluster import cluster
from consumers import Consumer

__all__ = ["cluster"]  # a fixture

ROOT = Path(__file__).resolve().parents[2]
ANSWERS = {  # by the name of the case: those written by hand, and those of the covering array
    file.parent.name: file
    for folder in (ROOT / "testdata/cases", Path(os.environ["CODEX_COVERING"]))
    for file in sorted(folder.glob("*/codex-design.yaml"))
}
CASES = list(ANSWERS)
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")  # each has trees and databases of its own
TREES = Path(os.environ["CODEX_CACHE"]) / "trees" / WORKER

# What one worker has to run, one after the other: they share something of which there is only one.
GROUPS = {
    "changes": r"test_changes\.py::",  # a database to copy from, and measured times
    "cluster": r"test_(cluster|releases|rollout)\.py::",  # a control plane
    "systems": r"test_pipelines\.py::|::test_(make_load|make_dev|make_contract|make_migrate|databases_script|a_monolith)_",  # ports, databases
    "terraform": r"-terraform\]$",  # the verdicts on what many trees share
}

LONG = {"test_make_test", "test_every_installed_consumer_accepts"}  # minutes each

Row = tuple[int, int, int]  # files given, accepted, rejected
table: dict[str, list[Row]] = defaultdict(list)
ran_on: dict[str, set[str]] = defaultdict(set)  # the workers, by group
system_lines: list[str] = []  # what the tests of whole systems have to show


def generate(case: str, *options: str, name: str = "") -> Path:
    """Generate the tree of a case anew; only its .venv stays, to save the time of making it."""
    tree = TREES / (name or case)
    for entry in tree.iterdir() if tree.exists() else []:
        if entry.name == ".venv":
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    tree.mkdir(parents=True, exist_ok=True)
    command = [os.environ["CODEX_BINARY"], str(ANSWERS[case]), *options, "--yes", "--out", str(tree)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return tree


@pytest.fixture(scope="session")
def trees() -> dict[str, Path]:
    """Every case's tree, by the name of the case."""
    return {case: generate(case) for case in CASES}


@pytest.fixture(params=CASES)
def tree(request: pytest.FixtureRequest, trees: dict[str, Path]) -> Path:
    """Each case's tree in turn."""
    return trees[request.param]


def files_of(tree: Path, *patterns: str) -> list[Path]:
    """List the generated files that match, without what tools left there."""
    found = {file for pattern in patterns for file in tree.glob(pattern) if file.is_file()}
    return sorted(file for file in found if not any(part in LEFTOVERS for part in file.relative_to(tree).parts))


LEFTOVERS = {
    ".codex-design",
    ".coverage",
    ".deploy",
    ".hypothesis",
    ".mypy-files",
    ".mypy-links",
    ".mypy_cache",
    ".pytest_cache",
    ".reports",
    ".ruff_cache",
    ".secrets",
    ".venv",
    "__pycache__",
}


def judge(name: str, consumer: Consumer, tree: Path, files: list[Path]) -> None:
    """Hand files to a consumer: all must be looked at and accepted."""
    assert files, f"{name}: no file to check in {tree.name}"
    verdict = consumer(tree, files)
    unchecked = set(files) - verdict.accepted - set(verdict.rejected)
    table[name].append((len(files), len(verdict.accepted & set(files)), len(verdict.rejected)))
    problems = [f"{path.relative_to(tree)}: {why}" for path, why in sorted(verdict.rejected.items())]
    problems += [f"{path.relative_to(tree)}: not checked" for path in sorted(unchecked)]
    if problems:
        pytest.fail(f"{len(problems)} of {len(files)} files:\n" + "\n".join(problems[:40]), pytrace=False)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no worker ends alone."""
    items.sort(key=lambda item: getattr(item, "originalname", item.name) not in LONG)


class GroupScheduling(LoadScopeScheduling):
    """Gives a group of tests to one worker, and every other test to whoever is free.

    The marks that pytest-xdist 3.8 offers for this do nothing under pytest 9.2.
    """

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid) or nodeid


def group_of(nodeid: str) -> str | None:
    """Return the group of a test, if it has one."""
    return next((group for group, pattern in GROUPS.items() if re.search(pattern, nodeid)), None)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> GroupScheduling:
    """Schedule by our groups."""
    return GroupScheduling(config, log)


def pytest_runtest_logreport(report: Any) -> None:
    """Note which worker ran a test of a group."""
    group = group_of(report.nodeid)
    if group and hasattr(report, "node"):
        ran_on[group].add(report.node.gateway.id)


def torn_apart() -> list[str]:
    """Say which groups several workers had parts of, so that what they share was in two hands."""
    return [f"{group}: {', '.join(sorted(workers))}" for group, workers in ran_on.items() if len(workers) > 1]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand what a worker has to report to the process that prints it, which fails where a group was torn apart."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput |= {"table": dict(table), "system_lines": system_lines}
    elif torn_apart():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what a worker has to report."""
    output = getattr(node, "workeroutput", {})  # a worker that crashed left none
    for name, rows in output.get("table", {}).items():
        table[name] += rows
    system_lines.extend(output.get("system_lines", []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the table of consumers."""
    for line in torn_apart():
        terminalreporter.line(f"FAILED a group of tests ran on several workers: {line}")
    terminalreporter.section("consumers")
    terminalreporter.line(
        f"{'consumer':<24} {'trees':>6} {'given':>7} {'accepted':>9} {'rejected':>9} {'not checked':>12}"
    )
    for name, rows in sorted(table.items()):
        given, accepted, rejected = (sum(column) for column in zip(*rows, strict=True))
        terminalreporter.line(
            f"{name:<24} {len(rows):>6} {given:>7} {accepted:>9} {rejected:>9} {given - accepted - rejected:>12}"
        )
    terminalreporter.section("generated systems")
    for line in system_lines:
        terminalreporter.line(line)
