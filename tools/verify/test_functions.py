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
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import pytest

from conftest import ANSWERS, ROOT, files_of, judge, system_lines
from consumers import Consumer
from function import PATIENCE_S, FunctionError, Runtime, function, request
from infrastructure import checkov, terraform, trivy
from kit import migrate
from kit.aws import SECRETS, SQS, Api, Client, Place
from kit.testing import brokers, servers

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


@pytest.fixture
def market(tmp_path: Path) -> Path:
    """The services of the market as functions: not to be had from the command line yet."""
    test = [os.environ["CODEX_GENERATE_TESTS"], "-test.run=^TestFunctionsTree$"]
    answers = {"FUNCTIONS_TREE": str(tmp_path / "tree"), "FUNCTIONS_ANSWERS": str(ANSWERS["market"])}
    subprocess.run(test, env=os.environ | answers, check=True, capture_output=True)
    return tmp_path / "tree"


class Account:
    """An account of AWS, as far as a system of functions needs one: secrets, events, and who starts functions."""

    def __init__(self, tree: Path, aws: str, database: str, log: Path) -> None:
        self._tree = tree
        self._aws = aws
        self._database = database
        self._log = log
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self._stack.close()

    def call(self, api: Api, operation: str, **arguments: Any) -> dict[str, Any]:
        """Call AWS."""

        async def once() -> dict[str, Any]:
            client = Client(Place.of(self._aws), 20)
            try:
                return await client.call(api, operation, **arguments)
            finally:
                await client.close()

        return asyncio.run(once())

    def provide(self, service: str) -> None:
        """Make the database of a service, its secret and its queues, and migrate it, by its function."""
        asyncio.run(create_database(self._database, service))
        url = urlunsplit(urlsplit(self._database)._replace(path=f"/{service}"))
        content = {"database_url": url, "migration_database_url": url, "redis_url": os.environ["TEST_REDIS_URL"]}
        self.call(SECRETS, "CreateSecret", Name=service, SecretString=json.dumps(content))
        topology = [sys.executable, "-m", f"{service}_service", "topology"]
        environment = os.environ | self.environment(service) | {"DATABASE_URL": url, "REDIS_URL": "redis://unused"}
        subprocess.run(topology, env=environment, check=True, capture_output=True)
        with self.function(service, "migrate") as runtime:
            applied = runtime.invoke({})["applied"]
        assert applied == sorted(file.name for file in (self._tree / "services" / service / "migrations").glob("*.sql"))

    def environment(self, service: str, **settings: str) -> dict[str, str]:
        """Return what Terraform tells a function."""
        return {
            "AWS_ENDPOINT_URL": self._aws,
            "BROKER_NAMESPACE": "market",
            "BROKER_URL": self._aws,
            "DB_POOL_MAX": "4",
            "DB_POOL_MIN": "1",
            "ENVIRONMENT": "test",
            "PYTHONPATH": f"{self._tree / 'services' / service / 'src'}:{self._tree / 'libs/kit/src'}",
            "REQUEST_DEADLINE_MS": "15000",  # a busy machine is no failure
            "SETTINGS_SECRET_ARN": service,
            **settings,
        }

    def function(self, service: str, role: str, **settings: str) -> AbstractContextManager[Runtime]:
        """Run a function for a while."""
        command = [sys.executable, "-m", f"{service}_service.gen.functions", role]
        folder = self._tree / "services" / service
        return function(command, self.environment(service, **settings), self._log / f"{service}-{role}", folder)

    def start(self, service: str, role: str, **settings: str) -> Runtime:
        """Start a function that stays."""
        return self._stack.enter_context(self.function(service, role, **settings))

    def deliver(self, service: str, worker: Runtime, count: int) -> None:
        """Hand so many messages of a queue over, as Lambda does, and delete those that are done with."""
        url = self.call(SQS, "GetQueueUrl", QueueName=f"market-{service}")["QueueUrl"]
        asked = {"QueueUrl": url, "WaitTimeSeconds": 5, "MessageSystemAttributeNames": ["All"]}
        said: list[dict[str, Any]] = []
        end = time.monotonic() + PATIENCE_S
        while len(said) < count and time.monotonic() < end:
            said += self.call(SQS, "ReceiveMessage", MaxNumberOfMessages=10, **asked).get("Messages", [])
        assert len(said) == count
        records = [
            {
                "messageId": each["MessageId"],
                "receiptHandle": each["ReceiptHandle"],
                "body": each["Body"],
                "attributes": each["Attributes"],
                "eventSourceARN": f"{ACCOUNT}market-{service}",
            }
            for each in said
        ]
        twice = [{**each, "messageId": f"{each['messageId']}-again"} for each in records]
        assert worker.invoke({"Records": records + twice}) == {"batchItemFailures": []}
        for each in said:
            self.call(SQS, "DeleteMessage", QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])


async def create_database(server: str, name: str) -> None:
    """Create an empty database."""
    connection = await asyncpg.connect(server)
    await connection.execute(f'CREATE DATABASE "{name}"')
    await connection.close()


def test_an_order_becomes_a_shipment(market: Path, database: str, tmp_path: Path) -> None:
    with brokers.own("eventbridge") as aws, Account(market, aws.url, database, tmp_path) as account:
        for service in ("catalog", "order", "payment", "shipping"):
            account.provide(service)
        catalog = account.start("catalog", "api")
        order = account.start("order", "api", CATALOG_URL=f"http://127.0.0.1:{catalog.port}")
        payment, shipping = account.start("payment", "api"), account.start("shipping", "api")

        product = answered(
            catalog.invoke(request("POST", "/v1/products", {"sku": "1", "title": "Tea", "price": "9.90"})), 201
        )
        wanted = {"customer": str(uuid4()), "product_id": product["id"], "quantity": 1, "total": "9.90"}
        placed = answered(order.invoke(request("POST", "/v1/orders", wanted)), 201)
        account.start("order", "relay").begin({})
        account.deliver("payment", account.start("payment", "worker"), 1)
        (due,) = answered(payment.invoke(request("GET", "/v1/payments")), 200)["items"]
        assert (due["order_id"], due["state"]) == (placed["id"], "pending")

        captured = request("PATCH", f"/v1/payments/{due['id']}", {"state": "captured"}, **{"if-match": '"1"'})
        answered(payment.invoke(captured), 200)
        account.start("payment", "relay").begin({})
        account.deliver("shipping", account.start("shipping", "worker"), 1)
        (shipment,) = answered(shipping.invoke(request("GET", "/v1/shipments")), 200)["items"]
        assert shipment["order_id"] == placed["id"]


def answered(answer: dict[str, Any], status: int) -> Any:
    """Return the body of an answer of the API."""
    assert answer["statusCode"] == status, answer
    return json.loads(answer["body"])


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
def test_terraform_of_functions_is_accepted(consumer: Consumer, market: Path) -> None:
    folders = ("modules", "envs/prod")  # the others differ in numbers
    patterns = [
        f"deploy/terraform/{folder}/**/*.{kind}" for folder in folders for kind in ("tf", "tfvars", "tftest.hcl")
    ]
    judge(f"{consumer.__name__} (functions)", consumer, market, files_of(market, *patterns))
