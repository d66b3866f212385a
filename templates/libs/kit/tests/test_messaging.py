"""What happens to events, and what must not happen to them, on each broker."""

import asyncio
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import httpx2
import pytest
import pytest_asyncio
from postbox import NAME, NoteWritten, Settings, messaging
from postbox.harness import Postbox, until, value_of
from prometheus_client import CollectorRegistry

from kit import command
from kit.db import Database
from kit.messaging.broker import Message
from kit.messaging.events import Event, sequence
from kit.messaging.outbox import add
from kit.metrics import Metrics
from kit.testing import LiveService, brokers, live_service, servers

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"
OUTAGE_S = 30.0
MakePostbox = Callable[..., Awaitable[Postbox]]


@pytest.fixture(scope="session", params=brokers.names())
def broker(request: pytest.FixtureRequest) -> str:
    """The name of each broker in turn."""
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def broker_url(broker: str) -> Iterator[str]:
    """Where the broker is."""
    try:
        with brokers.given_or_own(broker) as url:
            yield url
    except servers.ServerMissingError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture
def own_broker(broker: str) -> Iterator[brokers.BrokerServer]:
    """A broker of the test's own, to kill."""
    try:
        with brokers.own(broker) as server:
            yield server
    except servers.ServerMissingError as error:
        pytest.fail(str(error), pytrace=False)


@pytest_asyncio.fixture(loop_scope="session")
async def make_postbox(
    broker: str, new_database: Callable[[], Awaitable[str]]
) -> AsyncIterator[MakePostbox]:
    """Makes a postbox; its topology is there already."""
    opened: list[Database] = []

    async def make(url: str, **values: Any) -> Postbox:
        given = {
            "environment": "test",
            "host": "127.0.0.1",
            "metrics_port": 0,
            "database_url": await new_database(),
            "db_acquire_timeout_ms": 5000,
            "db_statement_timeout_ms": 30_000,
            "db_lock_timeout_ms": 20_000,
            "request_deadline_ms": 60_000,
            "broker_url": url,
            "broker_namespace": f"test{secrets.token_hex(4)}",
            "broker_timeout_ms": 5000,
            "broker_backoff_max_ms": 500,
            "relay_poll_ms": 50,
            "consumer_timeout_ms": 20_000,
            "consumer_attempts": 3,
            "consumer_backoff_ms": 100,
            **values,
        }
        settings = Settings(**given)
        metrics = Metrics(250)
        opened.append(await Database.open(settings, metrics))
        made = Postbox(broker, settings, opened[-1], metrics.registry)
        await made.declare()
        return made

    yield make
    for database in opened:
        await database.close()


@pytest_asyncio.fixture(loop_scope="session")
async def postbox(make_postbox: MakePostbox, broker_url: str) -> Postbox:
    """A postbox on the broker that all tests share."""
    return await make_postbox(broker_url)


def note(text: str) -> Message:
    event = Event[NoteWritten](
        id=uuid4(),
        source="/test/postbox",
        type="note.written",
        subject=text,
        time=datetime.now(UTC),
        dataversion=1,
        sequence=sequence(1),
        data=NoteWritten(text=text),
    )
    return Message(str(event.id), event.type, event.subject, event.to_json())


def junk(broker: str) -> bytes:
    """Something that is no event; EventBridge takes nothing but objects."""
    return b"{}" if broker == "eventbridge" else b"\xff\xfe"


def raw(body: bytes) -> Message:
    return Message(uuid4().hex, "note.written", "somebody", body)


async def test_an_event_is_applied_once_and_in_its_trace(postbox: Postbox) -> None:
    await postbox.db.execute(
        "INSERT INTO outbox (type, dataversion, subject, data, traceparent) "
        "VALUES ('note.written', 1, 'a', $1, $2)",
        {"text": "a", "and": "more than the consumer knows"},
        PARENT,
    )
    async with postbox.relay().running(), postbox.worker().running():
        await postbox.until_applied("a")
        await until(postbox.pending, 0)
    assert await postbox.db.fetchval("SELECT trace_id FROM applied") == TRACE
    assert await postbox.db.fetchval("SELECT subject FROM applied") == NAME
    event_id = await postbox.db.fetchval("SELECT event_id FROM applied")
    assert event_id == await postbox.db.fetchval("SELECT id FROM outbox")
    assert event_id == await postbox.db.fetchval("SELECT event_id FROM inbox")
    assert postbox.count("outbox_published_events_total") == 1
    assert postbox.outcomes("applied") == 1
    delay = {"consumer": NAME, "event": "note.written"}
    assert postbox.count("consumer_delay_seconds_count", **delay) == 1


async def test_an_event_of_a_change_that_is_undone_is_never_sent(postbox: Postbox) -> None:
    async def change() -> None:
        async with postbox.db.transaction() as tx:
            await add(tx, NoteWritten(text="in vain"), subject="in vain")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await change()
    async with postbox.relay().running(), postbox.worker().running():
        await postbox.write("kept")
        await postbox.until_applied("kept")


async def test_what_is_delivered_twice_is_applied_once(postbox: Postbox) -> None:
    message = note("twice")
    again = Message(f"{message.id}-again", message.type, message.key, message.body)
    async with postbox.connected() as broker, postbox.worker().running():
        await broker.publish([message, again, note("last")])
        await postbox.until_applied("last", "twice")

        async def duplicates() -> float:
            return postbox.outcomes("duplicate")

        await until(duplicates, 1)
    assert postbox.outcomes("applied") == 2


async def test_poison_is_buried_after_its_tries_and_redrive_brings_it_back(
    postbox: Postbox,
) -> None:
    await postbox.write("poison", "one", "two")
    async with postbox.relay().running(), postbox.worker().running():
        await postbox.until_applied("one", "two")  # others are not held up

        async def dead() -> float:
            return postbox.outcomes("dead")

        await until(dead, 1)
        assert postbox.outcomes("retried") == 2  # of three tries
        labels = {"consumer": NAME, "event": "note.written"}
        assert postbox.count("dead_letter_events_total", **labels) == 1
        await postbox.write("cure")
        await postbox.until_applied("cure", "one", "two")
        async with postbox.connected() as broker:
            assert await broker.redrive(NAME, 100) == 1
            await postbox.until_applied("cure", "one", "poison", "two")
            assert await broker.redrive(NAME, 100) == 0


@pytest.mark.parametrize(
    "body",
    [
        None,
        b'{"specversion": "1.0"}',
        note("x").body.replace(b'"dataversion":1', b'"dataversion":2'),
        note("x").body.replace(b'"text"', b'"words"'),
        note("refused").body,
    ],
    ids=["junk", "no event", "another version", "other data", "refused by the handler"],
)
async def test_what_no_try_makes_better_is_buried_at_once(
    postbox: Postbox, body: bytes | None
) -> None:
    async with postbox.connected() as broker, postbox.worker().running():
        await broker.publish([raw(body or junk(postbox.broker)), note("fine")])
        await postbox.until_applied("fine")

        async def dead() -> float:
            return postbox.outcomes("dead")

        await until(dead, 1)
        assert postbox.outcomes("retried") == 0
        assert await broker.redrive(NAME, 100) == 1
        await until(dead, 2)


@pytest.mark.timeout(300)
async def test_a_broker_that_is_away_loses_nothing_and_fails_no_write(
    make_postbox: MakePostbox, own_broker: brokers.BrokerServer
) -> None:
    postbox = await make_postbox(own_broker.url)
    written: list[str] = []

    async def write_for(seconds: float) -> int:
        """Write without a pause for the broker's sake; raises if a write fails."""
        before, end = len(written), time.monotonic() + seconds
        while time.monotonic() < end:
            written.append(f"{len(written):06}")
            await postbox.write(written[-1])
            await asyncio.sleep(0.05)
        return len(written) - before

    async def failed() -> bool:
        return postbox.count("outbox_publish_failures_total") > 0

    async with postbox.relay(broker_timeout_ms=1000).running(), postbox.worker().running():
        await write_for(0.5)
        await postbox.until_applied(*written)
        await until(postbox.pending, 0)
        own_broker.kill()
        waiting = await write_for(OUTAGE_S)
        await until(failed, wanted=True)
        assert await postbox.pending() == waiting
        await until_measured(postbox, waiting)
        own_broker.start()
        await write_for(0.5)
        await postbox.until_applied(*written)
        await until(postbox.pending, 0)


async def until_measured(postbox: Postbox, pending: int) -> None:
    async def measured() -> float:
        return postbox.count("outbox_pending_events")

    await until(measured, pending)
    assert postbox.count("outbox_oldest_age_seconds") > 0


@asynccontextmanager
async def nobody_marks(postbox: Postbox) -> AsyncIterator[None]:
    """Keep the relay from marking what it has published; then end its session."""
    connection = await asyncpg.connect(postbox.settings.database_url.get_secret_value())
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE outbox IN SHARE MODE")
            yield
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND query LIKE 'UPDATE outbox%'"
            )
            await asyncio.sleep(0.2)
    finally:
        await connection.close()


async def test_a_relay_killed_before_it_marks_has_its_effect_once(postbox: Postbox) -> None:
    await postbox.write("once")
    async with postbox.worker().running():
        async with (
            nobody_marks(postbox),
            live_service("postbox", "relay", **postbox.environment) as relay,
        ):
            await postbox.until_applied("once")
            os.kill(relay.pid, signal.SIGKILL)
            await relay.wait()
        assert await postbox.pending() == 1  # so the next relay publishes it again
        async with live_service("postbox", "relay", **postbox.environment):
            await until(postbox.pending, 0)
            await postbox.write("after")
            await postbox.until_applied("after", "once")
    assert postbox.outcomes("applied") == 2


async def test_one_relay_leads_until_another_has_to(postbox: Postbox) -> None:
    first, second = CollectorRegistry(), CollectorRegistry()

    async def published() -> tuple[float, float]:
        name = "outbox_published_events_total"
        return value_of(first, name), value_of(second, name)

    await postbox.write("a")
    async with postbox.relay(second).running():
        async with postbox.relay(first).running():
            await until(postbox.pending, 0)
            leads, waits = await published()
            await postbox.write(*(f"{number:03}" for number in range(50)))
            await until(postbox.pending, 0)
            assert await published() in ((51, 0), (0, 51))
            assert (leads, waits) in ((1, 0), (0, 1))
        await postbox.write("b")
        await until(postbox.pending, 0)
    assert sum(await published()) == 52


async def test_a_lost_connection_to_the_database_is_no_try(postbox: Postbox) -> None:
    await postbox.write("slow")

    async def cut() -> bool:
        return bool(
            await postbox.db.fetchval(
                "SELECT bool_or(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid() "
                "AND state = 'idle in transaction' AND query LIKE '%INTO inbox%'"
            )
        )

    async with postbox.relay().running(), postbox.worker().running():
        await until(cut, wanted=True)
        await postbox.until_applied("slow")
    assert postbox.outcomes("applied") == 1
    assert postbox.outcomes("retried") == 0


@asynccontextmanager
async def live_worker(postbox: Postbox) -> AsyncIterator[LiveService]:
    environment = {**postbox.environment, "CONSUMER_CONCURRENCY": "4"}
    async with live_service("postbox", "worker", **environment) as worker:
        yield worker


def begun(worker: LiveService) -> int:
    lines = [json.loads(line) for line in worker.output().splitlines()]
    assert not [line for line in lines if line["level"] == "error"]
    return [line["event"] for line in lines].count("note_begun")


async def until_busy(postbox: Postbox, worker: LiveService) -> None:
    async def busy() -> bool:
        return len(await postbox.applied()) >= 4 and begun(worker) % 4 == 0

    await until(busy, wanted=True)


async def test_a_worker_that_is_stopped_loses_nothing(postbox: Postbox) -> None:
    written = [f"slow {number:02}" for number in range(24)]
    async with postbox.relay().running():
        await postbox.write(*written)
        async with live_worker(postbox) as worker:
            await until_busy(postbox, worker)
            async with httpx2.AsyncClient() as client:
                ready = (await client.get(f"{worker.url}/readyz")).json()
                metrics = (await client.get(worker.metrics_url)).text
            assert ready["checks"] == {"database": "ok", "broker": "ok"}
            assert 'outcome="applied"' in metrics
            worker.terminate()
            assert await worker.wait() == 0
            assert begun(worker) == len(await postbox.applied()) < len(written)
        async with postbox.worker().running():
            await postbox.until_applied(*written)
    assert postbox.outcomes("duplicate") == 0  # what was in hand was finished


async def test_what_a_killed_worker_had_in_hand_is_applied_by_another(postbox: Postbox) -> None:
    written = [f"slow {number:02}" for number in range(8)]
    async with postbox.relay().running():
        await postbox.write(*written)
        async with live_worker(postbox) as worker:
            await until_busy(postbox, worker)
            os.kill(worker.pid, signal.SIGKILL)
            await worker.wait()
        async with postbox.worker().running():
            await postbox.until_applied(*written)


async def test_the_commands_of_a_service(
    postbox: Postbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in postbox.environment.items():
        monkeypatch.setenv(name, value)
    commands = messaging().commands(Settings)
    assert set(commands) == {"relay", "worker", "topology", "redrive"}

    async def run(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        code = await asyncio.to_thread(command.main, api, commands, arguments)
        return code, "".join(capsys.readouterr())

    def api() -> None:
        sys.stdout.write("the API\n")

    declared = (0, "declared note.written, note.burnt, postbox\n")
    assert await run("topology") == declared  # a second time
    assert await run() == (0, "the API\n")
    with pytest.raises(SystemExit):
        command.main(api, commands, ["dance"])
    assert "invalid choice: 'dance'" in capsys.readouterr().err

    async def dead() -> float:
        return postbox.outcomes("dead")

    async with postbox.connected() as broker, postbox.worker().running():
        await broker.publish([raw(b'{"no": 1}'), raw(b'{"no": 2}')])
        await until(dead, 2)
    assert await run("redrive", "--consumer", "postbox", "--most", "1") == (0, "postbox: moved 1\n")
    assert await run("redrive") == (0, "postbox: moved 1\n")

    nowhere = urlsplit(postbox.settings.broker_url.get_secret_value())
    nowhere = nowhere._replace(netloc=f"127.0.0.1:{servers.free_port()}")
    monkeypatch.setenv("BROKER_URL", nowhere.geturl())
    monkeypatch.setenv("STARTUP_TIMEOUT_S", "1")
    code, said = await run("topology")
    assert code == 1
    assert said.startswith("error: ")


def test_a_command_gets_a_broker(broker: str, broker_url: str) -> None:
    show = "import os, sys; print(os.environ['TEST_BROKER_URL']); sys.exit(7)"
    module = [sys.executable, "-m", "kit.testing.brokers", broker, "--"]
    done = subprocess.run(  # noqa: S603 - this very Python
        [*module, sys.executable, "-c", show],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, brokers.VARIABLE: broker_url},
    )
    assert (done.returncode, done.stdout) == (7, f"{broker_url}\n")


def test_a_missing_broker_is_told(
    broker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda _name: None)
    monkeypatch.setenv("KAFKA_HOME", str(tmp_path))
    monkeypatch.setattr("kit.testing.servers._DEBIAN", tmp_path)
    monkeypatch.setitem(sys.modules, "moto", None)
    with pytest.raises(servers.ServerMissingError, match=r"set TEST_\w+_URL.* or .*install"):
        brokers.kind(broker).make(tmp_path)


async def test_a_command_beside_a_broker_keeps_its_arguments(broker: str) -> None:
    script = "import os, sys; print(sys.argv[1:], os.environ['TEST_BROKER_URL'])"
    command = [sys.executable, "-c", script, "a", "--", "b"]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "kit.testing.brokers", broker, "--", *command),
        env={**os.environ, "TEST_BROKER_URL": "given://there"},
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    assert (process.returncode, said) == (0, b"['a', '--', 'b'] given://there\n")
