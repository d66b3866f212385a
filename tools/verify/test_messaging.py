"""The kit's own tests of events, on each broker that a system may have; a generated tree has one."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from conftest import ROOT, system_lines

BROKERS = ("nats", "rabbitmq", "kafka", "eventbridge", "postgresql")
ON_AWS = ("messaging/functions.py", "aws.py", "functions.py")


@pytest.mark.parametrize("broker", BROKERS)
def test_events_survive_on(broker: str, trees: dict[str, Path], tmp_path: Path) -> None:
    started = time.monotonic()
    kit = tmp_path / "libs/kit"
    shutil.copytree(ROOT / "templates/libs/kit", kit)
    shutil.copy(trees["minimal"] / "pyproject.toml", tmp_path)  # how tests are run
    for other in set(BROKERS) - {broker}:
        (kit / "src/kit/messaging" / f"{other}.py").unlink()
        (kit / "src/kit/testing/brokers" / f"{other}.py").unlink()
    tests = ["libs/kit/tests/test_messaging.py"]
    if broker == "eventbridge":
        tests.append("libs/kit/tests/test_functions.py")
    else:
        for name in ON_AWS:
            (kit / "src/kit" / name).unlink()
    command = [sys.executable, "-m", "pytest", "-p", "kit.testing.plugin", "-p", "no:xdist", "-p", "no:cacheprovider"]
    result = subprocess.run(
        [*command, *tests],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(kit / "src")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=600,
    )
    passed = re.search(r"^=+ (\d+) passed in ", result.stdout, re.M)
    if result.returncode != 0 or not passed:
        pytest.fail(f"exit {result.returncode}\n{result.stdout[-12000:]}", pytrace=False)
    system_lines.append(f"{broker:<20} events:    {passed[1]:>5} passed, {time.monotonic() - started:>19.0f} s")
