"""A service as a function of AWS: the real adapter, fed by the runtime API, on a real PostgreSQL and moto."""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import pytest

from conftest import ROOT, files_of, judge, system_lines
from consumers import Consumer
from function import FunctionError, Runtime, function, request
from infrastructure import checkov, terraform, trivy
from kit import migrate
from kit.testing import brokers, servers

MODULES = ("network", "function", "api", "events", "aurora", "secrets", "serverless")
KIT_TESTS = ROOT / "templates/libs/kit/tests"
ACCOUNT = "arn:aws:sqs:us-east-1:123456789012:"
WARM = 200  # requests
POOLER = """[databases]
* = host={server.hostname} port={server.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {users}
pool_mode = transaction
default_pool_size = 1
"""
WORKER = "from postbox import Settings, messaging; from kit.messaging.functions import commands; commands(messaging(), Settings)['worker']([])"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[str]:
    """The URL of a server for the test alone."""
    with servers.postgres() as url:
        yield url


def test_an_http_api_reaches_the_service(trees: dict[str, Path], database: str, tmp_path: Path) -> None:
    service = trees["minimal"] / "services/note"
    asyncio.run(migrate.up(database, service / "migrations"))
    environment = {
        "DATABASE_URL": database,
        "PYTHONPATH": f"{service / 'src'}:{trees['minimal'] / 'libs/kit/src'}",
        "DB_POOL_MIN": "1",
        "DB_POOL_MAX": "2",
    }
    began = time.perf_counter()
    with function([sys.executable, "-m", "note_service"], environment, tmp_path / "log") as runtime:
        created = runtime.invoke(request("POST", "/v1/notes", {"body": "over the runtime API"}))
        cold_s = time.perf_counter() - began
        assert created["statusCode"] == 201, (tmp_path / "log").read_text()
        note = json.loads(created["body"])
        path, backends = f"/v1/notes/{note['id']}", asyncio.run(backends_of(database))
        warm: list[float] = []
        for _ in range(WARM):
            began = time.perf_counter()
            read = runtime.invoke(request("GET", path))
            warm.append((time.perf_counter() - began) * 1000)
            assert (read["statusCode"], json.loads(read["body"])) == (200, note)
        assert asyncio.run(backends_of(database)) == backends  # no invocation made a connection of its own
        stale = runtime.invoke(request("PATCH", path, {"body": "late"}, **{"if-match": '"7"'}))
        assert stale["statusCode"] == 412
        assert stale["headers"]["content-type"] == "application/problem+json"
    cuts = statistics.quantiles(warm, n=100)
    system_lines.append(
        f"{'function':<20} cold start {cold_s:.2f} s, warm read {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms"
    )


async def backends_of(database: str) -> set[tuple[int, Any]]:
    """Return the connections of the service, each with its beginning."""
    connection = await asyncpg.connect(database)
    try:
        rows = await connection.fetch("SELECT pid, backend_start FROM pg_stat_activity WHERE application_name = 'note'")
    finally:
        await connection.close()
    return {tuple(row) for row in rows}


@pytest.fixture
def pooler(database: str, tmp_path: Path) -> Iterator[str]:
    """The URL of a PgBouncer that lends one connection, for a transaction: as strict as RDS Proxy."""
    server, port = urlsplit(database), servers.free_port()
    (tmp_path / "users").write_text(f'"{server.username}" "{server.password or ""}"\n')
    (tmp_path / "pgbouncer.ini").write_text(POOLER.format(server=server, port=port, users=tmp_path / "users"))
    chosen = ["-u", "nobody"] if os.geteuid() == 0 else []
    for place in (tmp_path, *tmp_path.parents[:2]):
        place.chmod(0o755)  # for nobody
    command = ["/usr/sbin/pgbouncer", "--quiet", *chosen, tmp_path / "pgbouncer.ini"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        servers.wait_for_port(port, "pgbouncer", process)
        yield urlunsplit(server._replace(netloc=f"{server.username}:{server.password or ''}@127.0.0.1:{port}"))
    finally:
        process.kill()
        process.wait()


def test_two_environments_share_a_connection(
    trees: dict[str, Path], database: str, pooler: str, tmp_path: Path
) -> None:
    service = trees["minimal"] / "services/note"
    asyncio.run(migrate.up(database, service / "migrations"))
    environment = {
        "DATABASE_URL": pooler,
        "PYTHONPATH": f"{service / 'src'}:{trees['minimal'] / 'libs/kit/src'}",
        "DB_POOL_MIN": "1",
        "DB_POOL_MAX": "2",
    }
    command = [sys.executable, "-m", "note_service"]

    def work(runtime: Runtime) -> None:
        for number in range(20):
            created = runtime.invoke(request("POST", "/v1/notes", {"body": str(number)}))
            note = json.loads(created["body"])
            assert created["statusCode"] == 201, note
            read = runtime.invoke(request("GET", f"/v1/notes/{note['id']}"))
            assert (read["statusCode"], json.loads(read["body"])) == (200, note)

    pooled = {**environment, "DB_POOLER": "true"}
    with (
        function(command, pooled, tmp_path / "log") as first,
        function(command, pooled, tmp_path / "other-log") as second,
        ThreadPoolExecutor() as both,
    ):
        for done in [both.submit(work, each) for each in (first, second)]:
            done.result()
    refused = subprocess.run(
        command, env=os.environ | environment | {"ENVIRONMENT": "test"}, capture_output=True, text=True, check=False
    )
    assert refused.returncode != 0
    assert "unsupported startup parameter" in refused.stdout + refused.stderr


def test_a_queue_reaches_the_consumer(database: str, tmp_path: Path) -> None:
    asyncio.run(migrate.up(database, KIT_TESTS / "migrations"))
    with brokers.own("eventbridge") as aws:
        environment = {
            "BROKER": "eventbridge",
            "BROKER_URL": aws.url,
            "DATABASE_URL": database,
            "PYTHONPATH": f"{KIT_TESTS}:{KIT_TESTS.parent / 'src'}",
        }
        with function([sys.executable, "-c", WORKER], environment, tmp_path / "log") as runtime:
            once, poison = message("once"), message("poison")
            batch = {"Records": [once, poison, {**once, "messageId": "again"}, message("last")]}
            assert runtime.invoke(batch) == {"batchItemFailures": [{"itemIdentifier": poison["messageId"]}]}
            assert asyncio.run(applied(database)) == ["last", "once"]
            assert runtime.invoke({"Records": [once]}) == {"batchItemFailures": []}
            assert asyncio.run(applied(database)) == ["last", "once"]
            with pytest.raises(FunctionError):  # so that Lambda keeps the whole batch
                runtime.invoke({"Records": [{"messageId": "of another form"}]})


def message(text: str) -> dict[str, Any]:
    """Return a record of a batch: an event as EventBridge puts it into the queue."""
    event = {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": "/test/postbox",
        "type": "note.written",
        "subject": text,
        "time": "2026-11-26T09:00:00Z",
        "datacontenttype": "application/json",
        "dataversion": 1,
        "sequence": "1",
        "data": {"text": text},
    }
    return {
        "messageId": str(uuid4()),
        "receiptHandle": str(uuid4()),
        "body": json.dumps({"detail-type": "note.written", "detail": event}),
        "attributes": {"ApproximateReceiveCount": "1"},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": f"{ACCOUNT}postbox-postbox",
        "awsRegion": "us-east-1",
    }


async def applied(database: str) -> list[str]:
    """Return the notes that were kept."""
    connection = await asyncpg.connect(database)
    try:
        return [row[0] for row in await connection.fetch("SELECT text FROM applied ORDER BY text")]
    finally:
        await connection.close()


@pytest.mark.parametrize("consumer", [terraform, trivy, checkov], ids=lambda consumer: consumer.__name__)
def test_the_modules_of_functions_are_accepted(consumer: Consumer) -> None:
    patterns = [f"deploy/terraform/modules/{module}/**/*.{kind}" for module in MODULES for kind in ("tf", "tftest.hcl")]
    templates = ROOT / "templates"
    judge(f"{consumer.__name__} (functions)", consumer, templates, files_of(templates, *patterns))
