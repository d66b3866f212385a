"""Some cases' own commands, run whole as their users run them."""

import asyncio
import importlib.util
import json
import os
import re
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from conftest import generate, system_lines

# References between services, names that collide, tokens, no cache, events. test_pipelines.py runs two more.
WHOLE = ("shop", "awkward-names", "clinic", "minimal", "market")
OWN_SERVERS = "minimal"  # gets no URLs, so that it has to start its servers itself


def plain_environment(tree: Path) -> dict[str, str]:
    """Return the environment of somebody who knows nothing of this harness."""
    ours = ["CODEX_", "PYTHON", "PYTEST", "VIRTUAL_ENV", "MAKE", "MFLAGS", "COV_"]
    if tree.name == OWN_SERVERS:
        ours.append("TEST_")
    return {name: value for name, value in os.environ.items() if not name.startswith(tuple(ours))}


def run_make(tree: Path, *targets: str, timeout: float) -> "subprocess.CompletedProcess[str]":
    """Run make in a generated tree; its errors are part of its output."""
    return subprocess.run(
        ["make", *targets],
        cwd=tree,
        env=plain_environment(tree),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=timeout,
    )


def make(tree: Path, *targets: str, timeout: float) -> str:
    """Run make in a generated tree; it must succeed."""
    result = run_make(tree, *targets, timeout=timeout)
    if result.returncode != 0:
        pytest.fail(
            f"make {' '.join(targets)} in {tree.name}: exit {result.returncode}\n{result.stdout[-12000:]}",
            pytrace=False,
        )
    return result.stdout


@pytest.mark.parametrize("case", WHOLE)
def test_make_test(case: str, trees: dict[str, Path]) -> None:
    started = time.monotonic()
    output = make(trees[case], "test", timeout=900)
    note_tests(case, output, time.monotonic() - started)


@pytest.mark.parametrize("broker", ["rabbitmq", "kafka"])  # `make test` of market does it on its own, NATS
def test_events_reach_their_consumers_on(broker: str) -> None:
    started = time.monotonic()
    tree = generate("market", "--set", f"datastores.broker={broker}", name=f"market-{broker}")
    output = make(tree, "system-tests", timeout=600)
    passed = re.search(r"^(\d+) passed in ", output, re.M)
    assert passed, output
    system_lines.append(f"{broker:<20} exchanges: {passed[1]:>5} passed, {time.monotonic() - started:>19.0f} s")


def note_tests(case: str, output: str, seconds: float) -> None:
    """Read what `make test` printed: all passed, none was left out."""
    passed = sum(map(int, re.findall(r"^(?:=+ )?(\d+) passed", output, re.M)))
    coverage = re.search(r"^TOTAL\s.*?(\d+%)$", output, re.M)
    assert passed > 0
    assert coverage, output
    assert not re.search(r"\d+ (?:failed|skipped|xfailed|error)", output), output
    system_lines.append(f"{case:<20} make test: {passed:>5} passed, coverage {coverage[1]:>4}, {seconds:>5.0f} s")


def test_make_setup_is_cheap_the_second_time(trees: dict[str, Path]) -> None:
    make(trees["minimal"], "setup", timeout=300)
    output = make(trees["minimal"], "setup", timeout=300)
    assert "Nothing to be done" in output


def test_make_without_uv_says_how_to_get_it(trees: dict[str, Path], tmp_path: Path) -> None:
    for program in ("sh", "make", "awk", "basename", "dirname", "touch"):
        found = subprocess.run(["which", program], capture_output=True, text=True, check=True).stdout.strip()
        (tmp_path / program).symlink_to(found)
    command = ["make", "--always-make", "setup"]
    result = subprocess.run(
        command, cwd=trees["shop"], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert result.returncode == 2
    assert "uv is missing" in result.stderr


def test_make_load_holds_a_running_system_to_its_objectives(trees: dict[str, Path]) -> None:
    output = make(trees["minimal"], "load", "LOAD_TIME=15s", "LOAD_USERS=2", timeout=300)
    assert "ready at http://127.0.0.1:8001" in output
    assert "/v1/notes" in output


def test_make_dev_serves_until_interrupted(trees: dict[str, Path]) -> None:
    tree = trees["minimal"]
    make(tree, "setup", timeout=300)
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "start_new_session": True}
    process = subprocess.Popen(["make", "dev"], cwd=tree, env=plain_environment(tree), **options)  # type: ignore[call-overload]
    said = []
    try:
        for line in process.stdout:
            said.append(line)
            if "ready at" in line:
                break
        with urllib.request.urlopen("http://127.0.0.1:8001/v1/notes") as reply:
            assert json.load(reply) == {"items": [], "next_cursor": None}
        beside = run_make(tree, "smoke", timeout=300)
        assert beside.returncode == 2
        assert "port 8001 is in use: is the system running already?" in beside.stdout
    finally:
        os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does
        said += process.communicate(timeout=60)[0].splitlines(keepends=True)
    assert "applied 001_create_tables.sql\n" in said
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen("http://127.0.0.1:8001/v1/notes")


async def test_what_a_system_runs_for_ends_with_it(trees: dict[str, Path], tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("system", trees["minimal"] / "scripts/system.py")
    assert spec is not None
    assert spec.loader is not None
    system = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(system)
    started = tmp_path / "pid"

    async def service() -> int:
        while not (started.exists() and started.read_text()):
            await asyncio.sleep(0.05)
        raise system.Stopped("a service ended")

    with pytest.raises(system.Stopped):
        await system.first_result([service(), system.call(["sh", "-c", f"echo $$ > {started}; exec sleep 600"], {})])
    async with asyncio.timeout(30):
        while Path("/proc", started.read_text().strip()).exists():
            await asyncio.sleep(0.05)


def test_make_contract_holds_a_running_system_to_its_apis(trees: dict[str, Path]) -> None:
    keeps_its_contracts(trees["tickets"])  # with tokens, and references that peers look up


def keeps_its_contracts(tree: Path) -> None:
    """Run the tests of every API against the system of a tree: all pass, none is left out."""
    services = len(list((tree / "services").iterdir()))
    output = make(tree, "contract", timeout=900)
    assert len(re.findall(r"^\d+ passed", output, re.M)) == services
    assert not re.search(r"\d+ (?:failed|skipped|xfailed|error)", output), output


def errors_under_load(tree: Path) -> set[str]:
    """Load every service for a moment and return the shares of failed requests; a busy machine may be slow."""
    result = run_make(tree, "load", "LOAD_TIME=3s", "LOAD_USERS=2", timeout=600)
    shares = re.findall(r"p99 \d+ ms of \d+, errors ([\d.]+) %", result.stdout)
    assert len(shares) == len(list((tree / "services").iterdir())), result.stdout[-8000:]
    return set(shares)


# A cache and calls; tokens, an audit log and a rate limit; events and a read model.
@pytest.mark.parametrize("case", ["shop", "clinic", "market"])
def test_a_monolith_keeps_the_contracts_of_its_services(case: str) -> None:
    started = time.monotonic()
    tree = generate(case, "--set", "architecture=monolith", name=f"{case}-monolith")
    keeps_its_contracts(tree)
    targets = ("smoke", "test-app", *(["system-tests"] if case == "market" else []))
    output = make(tree, *targets, timeout=900)
    assert f"all good: {len(list((tree / 'services').iterdir()))} services" in output
    passed = sum(map(int, re.findall(r"^(?:=+ )?(\d+) passed", output, re.M)))
    assert not re.search(r"\d+ (?:failed|skipped|xfailed|error)", output), output
    assert errors_under_load(tree) == {"0.000"}
    system_lines.append(f"{case}, monolith       app: {passed:>5} passed, {time.monotonic() - started:>19.0f} s")


def test_make_of_one_service_tests_it_alone(trees: dict[str, Path]) -> None:
    output = make(trees["tickets"], "test-booking", timeout=600)  # whose records have owners
    assert "tests/gen/test_ownership.py" in output
    assert re.search(r"^=+ \d+ passed in ", output, re.M), output


def test_make_migrate_prepares_every_database(trees: dict[str, Path]) -> None:
    tree = trees["shop"]
    first = make(tree, "migrate", timeout=300)
    again = make(tree, "migrate", timeout=300)
    assert "001" in first
    assert "001" not in again


def test_make_secrets_are_made_once(trees: dict[str, Path]) -> None:
    tree = trees["shop"]
    make(tree, "secrets", timeout=60)
    secrets = {file.name: file.read_text() for file in (tree / ".secrets").iterdir()}
    make(tree, "secrets", timeout=60)
    assert {file.name: file.read_text() for file in (tree / ".secrets").iterdir()} == secrets
    assert (tree / ".secrets").stat().st_mode & 0o777 == 0o700
    assert re.fullmatch(r"postgresql://catalog:[0-9a-f]{48}@postgres:5432/catalog\n", secrets["catalog_database_url"])
    assert len(set(secrets.values())) == len(secrets)


def make_databases(tree: Path) -> None:
    """Run the script of a tree on the server of the tests."""
    server = urlsplit(os.environ["TEST_POSTGRES_URL"])
    environment = os.environ | {
        "PGHOST": server.hostname or "",
        "PGPORT": str(server.port),
        "PGUSER": server.username or "",
    }
    files = sorted((tree / ".secrets").glob("*_database_url"), reverse=True)  # those of migrations come first
    events = sorted((tree / ".secrets").glob("broker_url"))
    command: list[str | Path] = ["sh", "scripts/databases.sh", *files, *events]
    result = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("architecture", ["microservices", "monolith"])
async def test_a_database_goes_to_a_role_for_its_migrations_and_back(architecture: str) -> None:
    answers = {"name": "ledger", "services[0].name": "ledger", "architecture": architecture}
    answers["security.authentication"] = "api-key"
    given = [part for key, value in answers.items() for part in ("--set", f"{key}={value}")]
    plain = generate("minimal", *given, name=f"ledger-plain-{architecture}")
    audited = generate("minimal", *given, "--set", "security.audit=true", name=f"ledger-audited-{architecture}")
    await forget(["ledger"])
    for tree, owner in ((plain, "ledger"), (audited, "ledger_owner"), (plain, "ledger")):
        make(tree, "secrets", timeout=60)
        for _run in range(2):
            make_databases(tree)
        url = urlsplit(os.environ["TEST_POSTGRES_URL"])._replace(path="/ledger").geturl()
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(
                f"SET ROLE {owner}; SET search_path = ledger, public; "  # a monolith's schema, if there is one
                "CREATE TABLE IF NOT EXISTS kept (n int); COMMENT ON TABLE kept IS 'kept'"
            )
            assert await connection.fetchval("SELECT tableowner FROM pg_tables WHERE tablename = 'kept'") == owner
        finally:
            await connection.close()


async def forget(databases: Iterable[str]) -> None:
    """Drop databases that another system of the same names left on the server."""
    connection = await asyncpg.connect(os.environ["TEST_POSTGRES_URL"])
    try:
        for name in databases:
            await connection.execute(f'DROP DATABASE IF EXISTS "{name}"')
    finally:
        await connection.close()


async def test_databases_script_gives_each_module_a_schema_of_its_own(trees: dict[str, Path]) -> None:
    tree = trees["market-monolith"]
    make(tree, "secrets", timeout=60)
    files = [*(tree / ".secrets").glob("*_database_url"), tree / ".secrets/broker_url"]
    await forget(["market"])
    for _run in range(2):
        make_databases(tree)
    server = urlsplit(os.environ["TEST_POSTGRES_URL"])
    schemas = [urlsplit(file.read_text().strip()).username for file in files]
    assert len(set(schemas)) == 7  # of six modules and of the events
    for file in files:
        url = urlsplit(file.read_text().strip())
        credentials = f"{url.username}:{url.password}@{server.hostname}:{server.port}"
        connection = await asyncpg.connect(url._replace(netloc=credentials).geturl())
        try:
            assert await connection.fetchval("SELECT current_schema()") == url.username
            await connection.execute("CREATE TABLE mine (n int)")
            for other in set(schemas) - {url.username}:
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(f'CREATE TABLE "{other}".theirs (n int)')
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(f'SELECT * FROM "{other}".mine')
        finally:
            await connection.close()


async def test_databases_script_gives_each_service_its_own(trees: dict[str, Path]) -> None:
    tree = trees["awkward-names"]  # with databases called user, order and group
    make(tree, "secrets", timeout=60)
    urls = [urlsplit(file.read_text().strip()) for file in (tree / ".secrets").glob("*_database_url")]
    expected = {url.path.removeprefix("/"): url.username for url in urls}
    await forget(expected)
    for _run in range(2):
        make_databases(tree)
    connection = await asyncpg.connect(os.environ["TEST_POSTGRES_URL"])
    try:
        owned = await connection.fetch("SELECT datname, datdba::regrole::text AS owner, datacl FROM pg_database")
    finally:
        await connection.close()
    owners = {row["datname"]: row["owner"].strip('"') for row in owned}
    assert expected.items() <= owners.items()
    assert len(expected) == 4
