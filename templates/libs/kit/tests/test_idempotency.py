import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx2
import pytest
import pytest_asyncio
from conftest import MakeSettings
from starlette.responses import Response

from kit.db import Database, Executor
from kit.idempotency import fingerprint, run_once, sweep
from kit.metrics import Metrics
from kit.problems import Problem, conflict

PRINT = fingerprint({"a": 1})


@pytest_asyncio.fixture(loop_scope="session")
async def db(make_settings: MakeSettings, metrics: Metrics) -> AsyncIterator[Database]:
    settings = make_settings(db_lock_timeout_ms=200)
    opened = await Database.open(settings, metrics)
    yield opened
    await opened.close()


async def test_twenty_posts_with_one_key_make_one_row(
    client: httpx2.AsyncClient, db: Database
) -> None:
    sku = uuid4().hex
    headers = {"Idempotency-Key": uuid4().hex}
    body = {"sku": sku, "price": "5.00"}
    posts = [client.post("/v1/products", json=body, headers=headers) for _ in range(20)]
    answers = await asyncio.gather(*posts)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert {answer.headers["etag"] for answer in answers} == {'"1"'}
    assert {answer.headers["content-type"] for answer in answers} == {"application/json"}
    replayed = [answer for answer in answers if "idempotency-replayed" in answer.headers]
    assert len(replayed) == 19
    assert await db.fetchval("SELECT count(*) FROM products WHERE sku = $1", sku) == 1

    other = await client.post("/v1/products", json={**body, "price": "6.00"}, headers=headers)
    assert other.status_code == 422
    assert other.json()["title"] == "Idempotency key reused"


@pytest.mark.parametrize("key", ["", "a b", "x" * 256])
async def test_a_key_of_another_form_is_refused(client: httpx2.AsyncClient, key: str) -> None:
    body = {"sku": uuid4().hex, "price": "5.00"}
    refused = await client.post("/v1/products", json=body, headers={"Idempotency-Key": key})
    assert refused.status_code == 422


async def test_a_problem_undoes_everything_and_is_not_stored(db: Database) -> None:
    key = uuid4().hex

    async def fails(tx: Executor) -> Response:
        await tx.execute(
            "INSERT INTO products (id, sku, price) VALUES ($1, $2, 1)", uuid4(), uuid4().hex
        )
        raise conflict("sku")

    async def works(_tx: Executor) -> Response:
        return Response(b"{}", 201)

    before = await db.fetchval("SELECT count(*) FROM products")
    with pytest.raises(Problem):
        await run_once(db, operation="x", key=key, fingerprint=PRINT, effect=fails)
    assert await db.fetchval("SELECT count(*) FROM products") == before
    done = await run_once(db, operation="x", key=key, fingerprint=PRINT, effect=works)
    assert done.status_code == 201
    assert "idempotency-replayed" not in done.headers


async def test_a_twin_does_not_wait_for_ever(db: Database) -> None:
    key = uuid4().hex
    begun, finish = asyncio.Event(), asyncio.Event()

    async def slow(_tx: Executor) -> Response:
        begun.set()
        await finish.wait()
        return Response(b"{}", 201)

    first = asyncio.create_task(
        run_once(db, operation="x", key=key, fingerprint=PRINT, effect=slow)
    )
    await begun.wait()
    with pytest.raises(Problem) as raised:
        await run_once(db, operation="x", key=key, fingerprint=PRINT, effect=slow)
    assert raised.value.status_code == 409
    finish.set()
    assert (await first).status_code == 201


async def test_an_expired_key_is_free_again_and_swept(db: Database) -> None:
    calls = 0

    async def effect(_tx: Executor) -> Response:
        nonlocal calls
        calls += 1
        return Response(b"%d" % calls, 201)

    for key, ttl_s, body in (("old", 0, b"1"), ("old", 0, b"2"), ("new", 60, b"3")):
        done = await run_once(
            db, operation="sweep", key=key, fingerprint=PRINT, effect=effect, ttl_s=ttl_s
        )
        assert done.body == body
    assert await sweep(db) >= 1
    left = await db.fetch("SELECT key FROM idempotency_keys WHERE operation = 'sweep'")
    assert [row["key"] for row in left] == ["new"]
