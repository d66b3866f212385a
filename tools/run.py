"""Installs what the checks need, runs them and counts, for the Makefile.

Needs nothing but Go, Python 3.11 and this checkout. What it builds or downloads stays in
$XDG_CACHE_HOME/codex-design (~/.cache/codex-design), outside the checkout.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from install import (
    BIN,
    CACHE,
    ROOT,
    UnusableError,
    build_tool,
    install_consumers,
    install_mermaid,
    install_packages,
    install_uv,
    install_venv,
    run,
)

KIT = ROOT / "templates/libs/kit/src"
WORKERS = 3  # one waits for roll-outs most of the time, one runs whole systems, one does the rest


@dataclass
class Tally:
    """What one stage has to say for itself."""

    stage: str
    passed: int = 0
    failed: int = 0
    notes: list[str] = field(default_factory=list)
    seconds: float = 0


# --- Stages -------------------------------------------------------------------------------------


def lines_of(*command: str | Path) -> list[str]:
    """Run a checker and return what it complains about, line by line."""
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    complaints = (result.stdout + result.stderr).splitlines()
    return complaints or ([f"exit code {result.returncode}"] if result.returncode else [])


def one_check(stage: str, *command: str | Path) -> Tally:
    """Count a checker of the whole checkout as one: silence is a pass."""
    complaints = lines_of(*command)
    return Tally(stage, passed=int(not complaints), failed=int(bool(complaints)), notes=complaints)


def go_tests(stage: str, *flags: str) -> Tally:
    """Run the Go tests and count every test and subtest; a skipped one failed."""
    tally = Tally(stage)
    output: dict[str, list[str]] = {}
    process = subprocess.Popen(
        ["go", "test", "-json", "-timeout=30m", *flags, "./..."],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if not line.startswith("{"):
            tally.notes.append(line.rstrip())
            continue
        count_event(json.loads(line), tally, output, short="-short" in flags)
    if process.wait() != 0 and not tally.failed:
        tally.failed += 1
    return tally


def count_event(event: dict[str, str], tally: Tally, output: dict[str, list[str]], *, short: bool) -> None:
    """Take one event of `go test -json` into account."""
    name = f"{event.get('Package', event.get('ImportPath', ''))} {event.get('Test', '')}".strip()
    action = event["Action"]
    if action in ("output", "build-output"):
        output.setdefault(name, []).append(event["Output"].rstrip())
        return
    failed = action in ("fail", "build-fail") or (action == "skip" and "Test" in event and not short)
    if failed and "Test" not in event and any(note.startswith(f"fail: {name} ") for note in tally.notes):
        return  # the package failed because a test of it did
    if failed:
        tally.notes += [f"{action}: {name}", *(f"    {text}" for text in output.get(name, []))]
        tally.failed += 1
    elif action == "pass" and "Test" in event:
        tally.passed += 1
    elif action == "pass":
        print(f"  ok  {name}  {event['Elapsed']:.1f} s", flush=True)


def python_tests(stage: str, tools: dict[str, Path], selection: list[str]) -> Tally:
    """Run the tests of generated trees on servers of their own; pytest's output is shown as it is."""
    report = CACHE / "pytest.xml"
    report.unlink(missing_ok=True)
    environment = environment_of(tools) | {
        "CODEX_CACHE": str(CACHE),
        "CODEX_BINARY": str(tools["binary"]),
        "CODEX_CONSUMERS": str(tools["consumers"]),
        "CODEX_COVERING": str(tools["covering"]),
        "CODEX_GENERATE_TESTS": str(tools["generate tests"]),
        "CODEX_NODE": str(tools["node"]),
        "CODEX_MERMAID": str(tools["mermaid"]),
    }
    environment.pop("TEST_POSTGRES_URL", None)
    environment.pop("TEST_REDIS_URL", None)
    environment.pop("TEST_BROKER_URL", None)
    command: list[str | Path] = [
        tools["venv"] / "python",
        "-m",
        "kit.testing",
        "serve",
        "--",
        tools["venv"] / "python",
        "-m",
        "pytest",
        "tools/verify",
        f"--numprocesses={WORKERS}",
        "--dist=loadscope",  # see GroupScheduling
        f"--junitxml={report}",
        *selection,
    ]
    code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    if not report.exists():
        return Tally(stage, failed=1, notes=[f"pytest left no report (exit code {code})"])
    counts: Counter[str] = Counter()
    for suite in ET.parse(report).getroot().iter("testsuite"):
        for key in ("tests", "failures", "errors", "skipped"):
            counts[key] += int(suite.get(key, 0))
    failed = counts["failures"] + counts["errors"] + counts["skipped"]
    return Tally(stage, passed=counts["tests"] - failed, failed=max(failed, int(code != 0)))


def build_binary() -> Path:
    """Build the program itself."""
    target = BIN / "codex-design"
    target.parent.mkdir(parents=True, exist_ok=True)
    run("go", "build", "-o", target, ".")
    return target


def build_generate_tests() -> Path:
    """Build the Go tests that can read a tree from disk."""
    target = BIN / "generate.test"
    run("go", "test", "-c", "-o", target, "./generate")
    return target


def write_covering() -> Path:
    """Write the designs in which every value of every answer meets every other."""
    target = CACHE / "covering"
    shutil.rmtree(target, ignore_errors=True)
    run("go", "run", "./tools/covering", "-o", target)
    return target


# --- Commands -----------------------------------------------------------------------------------


def download_modules() -> None:
    """Have every Go module here, so that what a checker prints are complaints."""
    run("go", "mod", "download")


def go_lint(staticcheck: Path) -> list[tuple[str, Callable[[], Tally]]]:
    """List the checks of our own Go code."""
    folders = [f"./{p.name}" for p in sorted(ROOT.iterdir()) if p.is_dir() and any(p.rglob("*.go"))]
    return [
        ("gofmt", lambda: one_check("gofmt", "gofmt", "-l", *folders, *ROOT.glob("*.go"))),
        ("go vet", lambda: one_check("go vet", "go", "vet", "./...")),
        ("staticcheck", lambda: one_check("staticcheck", staticcheck, "./...")),
    ]


def check() -> list[Tally]:
    """Run what needs no server: the inner loop."""
    download_modules()
    staticcheck = build_tool("staticcheck", "honnef.co/go/tools/cmd/staticcheck")
    build_binary()
    stages = [*go_lint(staticcheck), ("Go tests, short", lambda: go_tests("Go tests, short", "-short"))]
    return [timed(name, stage) for name, stage in stages]


def test(selection: list[str]) -> list[Tally]:
    """Install what is missing and run everything."""
    install_packages()
    download_modules()
    uv = install_uv()
    node, mermaid = install_mermaid()
    install_consumers()
    tools = {
        "uv": uv,
        "node": node,
        "mermaid": mermaid,
        "venv": install_venv(),
        "consumers": build_tool("consumers", "."),
        "covering": write_covering(),
        "generate tests": build_generate_tests(),
        "binary": build_binary(),
    }
    staticcheck = build_tool("staticcheck", "honnef.co/go/tools/cmd/staticcheck")
    stages = [*go_lint(staticcheck), ("Go tests", lambda: go_tests("Go tests"))]
    if selection:
        stages = []
    stages.append(("generated systems", lambda: python_tests("generated systems", tools, selection)))
    return [timed(name, stage) for name, stage in stages]


def environment_of(tools: dict[str, Path]) -> dict[str, str]:
    """Return what a Python program of ours needs to find the kit and uv."""
    return os.environ | {
        "PATH": os.pathsep.join([str(BIN), str(tools["uv"]), os.environ["PATH"]]),
        "PYTHONPATH": str(KIT),
        "KAFKA_HOME": str(CACHE / "kafka"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "UV_PYTHON": sys.executable,
    }


def consumers(names: list[str]) -> int:
    """Build or install the programs that read generated files, and say where they are."""
    install_packages()
    install_consumers(*names)
    print(BIN)
    return 0


def bench() -> int:
    """Measure and print the figures of docs/benchmarks.md; nothing is judged."""
    install_packages()
    uv = install_uv()
    python = install_venv() / "python"
    environment = environment_of({"uv": uv})
    go = ["go", "test", "-run=^$", "-bench=.", "-benchmem", "./..."]
    commands: list[list[str | Path]] = [["go", "run", "./tools/bench"], [*go], [python, "tools/bench/service_read.py"]]
    for command in commands:
        subprocess.run(command, cwd=ROOT, env=environment, check=True)
    return 0


def fuzz(seconds: str) -> list[Tally]:
    """Run every fuzz test for so many seconds."""
    listing = subprocess.run(
        ["go", "list", "-f", "{{.Dir}}", "./..."], cwd=ROOT, capture_output=True, text=True, check=True
    )
    stages = []
    for folder in map(Path, listing.stdout.split()):
        sources = "".join(file.read_text() for file in folder.glob("*_test.go"))
        for name in re.findall(r"^func (Fuzz\w+)\(", sources, re.MULTILINE):
            stages.append((name, partial(fuzz_one, folder, name, seconds)))  # noqa: PERF401 - reads better
    return [timed(name, stage) for name, stage in stages]


def fuzz_one(folder: Path, name: str, seconds: str) -> Tally:
    """Run one fuzz test."""
    command = ["go", "test", f"-fuzz=^{name}$", "-run=^$", f"-fuzztime={seconds}s", "."]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    failed = int(result.returncode != 0)
    return Tally(name, passed=1 - failed, failed=failed, notes=(result.stdout + result.stderr).splitlines())


def timed(name: str, stage: Callable[[], Tally]) -> Tally:
    """Run a stage, say so, and show what failed as soon as it is known."""
    print(f"== {name}", flush=True)
    started = time.monotonic()
    tally = stage()
    tally.seconds = time.monotonic() - started
    for note in tally.notes if tally.failed else []:
        print(note)
    return tally


def report(tallies: list[Tally]) -> int:
    """Print the table and the counts; return the exit code."""
    print(f"\n{'stage':<20} {'passed':>7} {'failed':>7} {'seconds':>8}")
    for tally in tallies:
        print(f"{tally.stage:<20} {tally.passed:>7} {tally.failed:>7} {tally.seconds:>8.1f}")
    for tally in tallies:
        for note in tally.notes if tally.failed else []:
            print(f"{tally.stage}: {note}")
    failed = sum(tally.failed for tally in tallies)
    print(f"{sum(tally.passed for tally in tallies)} passed, {failed} failed")
    return int(failed > 0)


def main() -> int:
    """Run one command."""
    command, *selection = sys.argv[1:] or [""]
    if sys.version_info < (3, 11):  # noqa: UP036 - this is where it is found out
        print("Python 3.11 or later is needed", file=sys.stderr)
        return 2
    commands: dict[str, Callable[[], int]] = {
        "bench": bench,
        "check": lambda: report(check()),
        "consumers": lambda: consumers(selection),
        "fuzz": lambda: report(fuzz(selection[0] if selection else "30")),
        "test": lambda: report(test(selection)),
    }
    if command not in commands:
        print(
            "usage: run.py check | test [PYTEST ARGUMENT ...] | consumers [NAME ...] | fuzz [SECONDS] | bench",
            file=sys.stderr,
        )
        return 2
    try:
        return commands[command]()
    except UnusableError as problem:
        print(problem, file=sys.stderr)
        print("0 passed, 1 failed")
        return 1


if __name__ == "__main__":
    sys.exit(main())
