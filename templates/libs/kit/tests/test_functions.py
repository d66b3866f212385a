"""What Lambda sees of a service: batches of its queue, the relay, migrations, secrets."""

import json
import os
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx2
import pytest
import pytest_asyncio
from botocore.auth import SigV4Auth  # type: ignore[import-untyped]
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from botocore.credentials import Credentials as TheirCredentials  # type: ignore[import-untyped]
from postbox import NoteWritten, Settings, messaging
from postbox.harness import Postbox, until
from pydantic import SecretStr

from kit import migrate
from kit.aws import SECRETS, SQS, AwsError, Client, Credentials, Place, sign
from kit.db import Database
from kit.functions import EVENTS_PATH, load_secrets, migrate_app
from kit.messaging.broker import Message
from kit.messaging.events import Event, sequence
from kit.messaging.functions import relay_app, worker_app
from kit.metrics import Metrics
from kit.testing import brokers, in_process

QUEUE_ARN = "arn:aws:sqs:us-east-1:123456789012:"
Call = Callable[..., Awaitable[Any]]


@pytest.fixture(scope="session")
def aws() -> Iterator[str]:
    """The address of an emulator of AWS."""
    with brokers.given_or_own("eventbridge") as url:
        yield url


@pytest_asyncio.fixture(loop_scope="session")
async def client(aws: str) -> AsyncIterator[Client]:
    made = Client(Place.of(aws), 20)
    yield made
    await made.close()


@pytest_asyncio.fixture(loop_scope="session")
async def postbox(
    aws: str, new_database: Callable[[], Awaitable[str]], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Postbox]:
    monkeypatch.setenv("BROKER", "eventbridge")
    settings = Settings(
        environment="test",
        host="127.0.0.1",
        metrics_port=0,
        database_url=SecretStr(await new_database()),
        db_acquire_timeout_ms=5000,
        db_statement_timeout_ms=30_000,
        request_deadline_ms=60_000,
        broker_url=SecretStr(aws),
        broker_namespace=f"test{secrets.token_hex(4)}",
        relay_poll_ms=50,
    )
    metrics = Metrics(250)
    db = await Database.open(settings, metrics)
    made = Postbox("eventbridge", settings, db, metrics.registry)
    await made.declare()
    yield made
    await db.close()


def invocation(seconds: float) -> dict[str, str]:
    """Return the headers of the adapter: what Lambda tells of an invocation."""
    context = {"request_id": str(uuid4()), "deadline": round((time.time() + seconds) * 1000)}
    return {"x-amzn-lambda-context": json.dumps(context)}


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


async def received(client: Client, postbox: Postbox, queue: str) -> list[dict[str, Any]]:
    """Receive what a queue holds, in the form in which Lambda hands it over."""
    name = f"{postbox.settings.broker_namespace}-{queue}"
    url = (await client.call(SQS, "GetQueueUrl", QueueName=name))["QueueUrl"]
    said = await client.call(
        SQS,
        "ReceiveMessage",
        QueueUrl=url,
        MaxNumberOfMessages=10,
        MessageSystemAttributeNames=["All"],
        MessageAttributeNames=["All"],
    )
    return [
        {
            "messageId": each["MessageId"],
            "receiptHandle": each["ReceiptHandle"],
            "body": each["Body"],
            "attributes": each["Attributes"],
            "messageAttributes": each.get("MessageAttributes", {}),
            "eventSourceARN": f"{QUEUE_ARN}{name}",
        }
        for each in said.get("Messages", ())
    ]


async def invoke(
    app: httpx2.AsyncClient, records: list[dict[str, Any]], *, seconds: float = 30
) -> list[str]:
    """Hand a batch over; return the ids of the messages that are to come again."""
    answer = await app.post(EVENTS_PATH, json={"Records": records}, headers=invocation(seconds))
    assert answer.status_code == 200, answer.text
    return [failure["itemIdentifier"] for failure in answer.json()["batchItemFailures"]]


def by_text(records: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {json.loads(each["body"])["detail"]["subject"]: each for each in records}


async def test_a_batch_is_applied_once_and_only_failures_come_again(
    client: Client, postbox: Postbox
) -> None:
    twice = note("twice")
    async with postbox.connected() as broker:
        await broker.publish([twice, note("poison"), note("refused"), note("last")])
    records = await received(client, postbox, "postbox")
    ids = {text: each["messageId"] for text, each in by_text(records).items()}
    async with in_process(worker_app(messaging(), postbox.settings)) as app:
        again = {**by_text(records)["twice"], "messageId": "again"}
        assert await invoke(app, [*records, again]) == [ids["poison"]]
        assert await postbox.applied() == ["last", "twice"]
        assert await invoke(app, [by_text(records)["twice"]]) == []
        assert await postbox.applied() == ["last", "twice"]
    (dead,) = await received(client, postbox, "postbox-dead")  # no try makes that one better
    assert json.loads(dead["body"])["detail"]["subject"] == "refused"
    assert "not a word more" in dead["messageAttributes"]["x-dead-reason"]["StringValue"]


async def test_what_fails_comes_again_after_its_backoff_and_at_last_is_dead(
    client: Client, postbox: Postbox
) -> None:
    settings = postbox.settings.model_copy(
        update={"consumer_attempts": 2, "consumer_backoff_ms": 100}
    )
    async with postbox.connected() as broker:
        await broker.publish([note("poison")])
    async with in_process(worker_app(messaging(), settings)) as app:
        (first,) = await received(client, postbox, "postbox")
        assert await invoke(app, [first]) == [first["messageId"]]
        second: list[dict[str, Any]] = []

        async def came() -> int:
            second.extend(await received(client, postbox, "postbox"))
            return len(second)

        await until(came, 1)  # long before the queue would show it by itself
        assert await invoke(app, second) == []
    assert len(await received(client, postbox, "postbox-dead")) == 1


async def test_what_a_batch_has_no_time_for_comes_again(client: Client, postbox: Postbox) -> None:
    async with postbox.connected() as broker:
        await broker.publish([note("fast"), note("slow")])
    records = await received(client, postbox, "postbox")
    ids = {text: each["messageId"] for text, each in by_text(records).items()}
    async with (
        in_process(worker_app(messaging(), postbox.settings)) as app,
        postbox.db.transaction() as tx,
    ):
        identity = json.loads(by_text(records)["slow"]["body"])["detail"]["id"]
        await tx.execute(  # a twin is at work, and takes long
            "INSERT INTO inbox (consumer, source, event_id) VALUES ('postbox', '/test/postbox', $1)",
            identity,
        )
        assert await invoke(app, records, seconds=4) == [ids["slow"]]
    assert await postbox.applied() == ["fast"]


async def test_no_event_is_buried_as_it_came(client: Client, postbox: Postbox) -> None:
    name = f"{postbox.settings.broker_namespace}-postbox"
    url = (await client.call(SQS, "GetQueueUrl", QueueName=name))["QueueUrl"]
    await client.call(SQS, "SendMessage", QueueUrl=url, MessageBody="no event")
    async with in_process(worker_app(messaging(), postbox.settings)) as app:
        assert await invoke(app, await received(client, postbox, "postbox")) == []
    (dead,) = await received(client, postbox, "postbox-dead")
    assert dead["body"] == "no event"


async def test_all_batches_share_one_pool(client: Client, postbox: Postbox) -> None:
    settings = postbox.settings.model_copy(
        update={"service_name": "batches", "db_pool_min": 1, "db_pool_max": 1}
    )
    backends = "SELECT array_agg(pid) FROM pg_stat_activity WHERE application_name = 'batches'"
    async with in_process(worker_app(messaging(), settings)) as app:
        before = await postbox.db.fetchval(backends)
        for text in ("one", "two"):
            async with postbox.connected() as broker:
                await broker.publish([note(text)])
            assert await invoke(app, await received(client, postbox, "postbox")) == []
        assert await postbox.db.fetchval(backends) == before
    assert len(before) == 1
    assert await postbox.applied() == ["one", "two"]


async def test_the_relay_publishes_until_its_time_is_over(client: Client, postbox: Postbox) -> None:
    await postbox.write("before")
    async with in_process(relay_app(messaging(), postbox.settings)) as app:
        for text in ("first", "second"):  # a later invocation of the same environment goes on
            await postbox.write(text)
            answer = await app.post(EVENTS_PATH, json={}, headers=invocation(7))
            assert (answer.status_code, answer.json()) == (200, {})
            assert await postbox.pending() == 0
    found = by_text(await received(client, postbox, "postbox"))
    assert sorted(found) == ["before", "first", "second"]


async def test_a_function_migrates(
    database_url: str, migrations_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"test_{secrets.token_hex(8)}"
    admin = await asyncpg.connect(database_url)
    await admin.execute(f"CREATE DATABASE {name}")
    monkeypatch.setenv("MIGRATION_DATABASE_URL", f"{database_url.rpartition('/')[0]}/{name}")
    async with in_process(migrate_app(migrations_dir)) as app:
        first = await app.post(EVENTS_PATH, json={}, headers=invocation(60))
        second = await app.post(EVENTS_PATH, json={}, headers=invocation(60))
    await admin.execute(f"DROP DATABASE {name}")
    await admin.close()
    files = [migration.path.name for migration in migrate.read_migrations(migrations_dir)]
    assert first.json() == {"applied": files}
    assert second.json() == {"applied": []}


async def test_settings_come_from_a_secret(
    aws: str, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = json.dumps({"wanted": "from the secret", "taken": "from the secret"})
    said = await client.call(
        SECRETS, "CreateSecret", Name=secrets.token_hex(4), SecretString=content
    )
    monkeypatch.setenv("SETTINGS_SECRET_ARN", said["ARN"])
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws)
    monkeypatch.setenv("TAKEN", "from outside")
    monkeypatch.setenv("WANTED", "so that it is undone after the test")
    monkeypatch.delenv("WANTED")
    load_secrets()
    assert (os.environ["WANTED"], os.environ["TAKEN"]) == ("from the secret", "from outside")
    monkeypatch.setenv("SETTINGS_SECRET_ARN", f"{said['ARN']}-nowhere")
    with pytest.raises(AwsError, match="ResourceNotFound"):
        load_secrets()


@pytest.mark.parametrize("token", [None, "of a role"])
def test_a_signature_is_as_aws_makes_it(token: str | None) -> None:
    url, body, region = "https://sqs.eu-central-1.amazonaws.com", b'{"a": 1}', "eu-central-1"
    headers = {
        "content-type": "application/x-amz-json-1.0",
        "x-amz-target": "AmazonSQS.SendMessage",
    }
    signer = SigV4Auth(TheirCredentials("key", "secret", token), "sqs", region)
    theirs = AWSRequest("POST", f"{url}/", headers=headers, data=body)
    signer.add_auth(theirs)
    now = datetime.strptime(theirs.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    ours = sign(url, headers, body, "sqs", region, Credentials("key", "secret", token), now)
    assert ours["authorization"] == theirs.headers["Authorization"]
