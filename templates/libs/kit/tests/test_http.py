import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from conftest import MakeSettings
from sample.main import build

from kit.db import recorded_statements
from kit.testing import in_process


def product(**values: Any) -> dict[str, Any]:
    return {"sku": uuid4().hex, "price": "9.90", **values}


async def created(client: httpx2.AsyncClient, **values: Any) -> dict[str, Any]:
    response = await client.post("/v1/products", json=product(**values))
    assert response.status_code == 201, response.text
    body: dict[str, Any] = response.json()
    return body


async def test_a_record_is_created_read_changed_and_deleted(client: httpx2.AsyncClient) -> None:
    response = await client.post("/v1/products", json=product(data={"a": [1, None]}))
    assert response.status_code == 201
    assert response.headers["etag"] == '"1"'
    path = response.headers["location"]

    read = await client.get(path)
    assert read.json() == response.json()
    assert read.json()["price"] == "9.90"
    assert read.json()["data"] == {"a": [1, None]}
    assert (await client.get(path, headers={"If-None-Match": 'W/"1"'})).status_code == 304

    changed = await client.patch(path, json={"price": "8.00"}, headers={"If-Match": '"1"'})
    assert changed.headers["etag"] == '"2"'
    assert (await client.get(path)).json()["price"] == "8.00"

    assert (await client.delete(path)).status_code == 204
    gone = await client.get(path)
    assert gone.status_code == 404
    assert gone.headers["content-type"] == "application/problem+json"


async def test_a_change_needs_the_current_version(client: httpx2.AsyncClient) -> None:
    path = f"/v1/products/{(await created(client))['id']}"
    assert (await client.patch(path, json={"price": "1.00"})).status_code == 428
    stale = await client.patch(path, json={"price": "1.00"}, headers={"If-Match": '"7"'})
    assert stale.status_code == 412
    weak = await client.patch(path, json={"price": "1.00"}, headers={"If-Match": 'W/"1"'})
    assert weak.status_code == 412
    missing = f"/v1/products/{uuid4()}"
    absent = await client.patch(missing, json={"price": "1.00"}, headers={"If-Match": "*"})
    assert absent.status_code == 404


async def test_of_two_changes_at_once_one_is_stale(client: httpx2.AsyncClient) -> None:
    path = f"/v1/products/{(await created(client))['id']}"
    both = [
        client.patch(path, json={"price": price}, headers={"If-Match": '"1"'})
        for price in ("1.00", "2.00")
    ]
    assert sorted([done.status_code for done in await asyncio.gather(*both)]) == [200, 412]


async def test_a_patch_refuses_null_for_what_is_required(client: httpx2.AsyncClient) -> None:
    path = f"/v1/products/{(await created(client))['id']}"
    refused = await client.patch(path, json={"price": None}, headers={"If-Match": '"1"'})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["location"] == ["body", "price"]


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"price": "1000.01"}, 422, "price"),
        ({"parent_id": str(uuid4())}, 422, "parent_id"),
        ({"sku": "nul \x00"}, 422, "sku"),
        ({"sku": 5}, 422, "sku"),
        ({"price": 9.9}, 422, "price"),
        ({"price": "1e3"}, 422, "price"),
        ({"unknown": 1}, 422, "unknown"),
        ({"data": {"a": "\x00"}}, 422, "data"),
    ],
)
async def test_the_error_names_the_field(
    client: httpx2.AsyncClient, body: dict[str, Any], status: int, field: str
) -> None:
    response = await client.post("/v1/products", json=product(**body))
    assert response.status_code == status
    assert response.json()["errors"][0]["location"][1] == field


async def test_a_taken_value_is_a_conflict_that_names_it(client: httpx2.AsyncClient) -> None:
    sku = (await created(client))["sku"]
    taken = await client.post("/v1/products", json=product(sku=sku))
    assert taken.status_code == 409
    assert taken.json()["errors"] == [
        {"location": ["body", "sku"], "message": "is already taken", "type": "unique"}
    ]


async def test_a_record_that_others_refer_to_stays(client: httpx2.AsyncClient) -> None:
    parent = await created(client)
    await created(client, parent_id=parent["id"])
    assert (await client.delete(f"/v1/products/{parent['id']}")).status_code == 409


async def test_a_value_that_the_driver_refuses_is_422(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/v1/oddities/bad-value")).status_code == 422


async def test_only_the_requests_own_time_is_504(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/v1/oddities/late")).status_code == 500


async def test_a_method_not_allowed_is_told_those_that_are(client: httpx2.AsyncClient) -> None:
    response = await client.put(f"/v1/products/{uuid4()}")
    assert response.status_code == 405
    assert response.headers["allow"] == "DELETE, GET, PATCH"
    assert (await client.put("/v1/products")).headers["allow"] == "POST"


async def test_a_rejected_value_is_not_echoed(client: httpx2.AsyncClient) -> None:
    refused = await client.post("/v1/products", json=product(nickname="hunter2"))
    assert refused.status_code == 422
    assert "hunter2" not in refused.text


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff", b'{"sku": NaN}', b""])
async def test_malformed_json_is_the_clients_fault(
    client: httpx2.AsyncClient, content: bytes
) -> None:
    headers = {"Content-Type": "application/json"}
    response = await client.post("/v1/products", content=content, headers=headers)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("statement", "status"),
    [
        ("SELECT pg_sleep(3)", 504),
        ("DO $$ BEGIN RAISE 'x' USING ERRCODE = '40P01'; END $$", 503),
        ("DO $$ BEGIN RAISE 'x' USING ERRCODE = '40001'; END $$", 503),
        ("DO $$ BEGIN RAISE 'x' USING ERRCODE = '53300'; END $$", 503),
        ("SELECT pg_terminate_backend(pg_backend_pid())", 503),
        ("SELECT 1/0", 500),
        ("SELECT 'x'::int", 422),
        ("SELECT * FROM missing", 500),
    ],
)
async def test_errors_of_the_database_have_their_status(
    client: httpx2.AsyncClient, statement: str, status: int
) -> None:
    response = await client.get("/v1/oddities/sql", params={"statement": statement})
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert ("retry-after" in response.headers) == (status == 503)


async def test_a_defect_is_not_told_to_the_client(client: httpx2.AsyncClient) -> None:
    response = await client.get("/v1/oddities/boom")
    assert response.status_code == 500
    assert response.json() == {
        "type": "about:blank",
        "title": "Internal server error",
        "status": 500,
        "instance": "/v1/oddities/boom",
    }


@pytest.mark.parametrize(
    ("given", "kept"),
    [("abc-123", True), ("x" * 129, False), ("new\tline", False), ("", False)],
)
async def test_a_sane_request_id_is_kept(
    client: httpx2.AsyncClient, given: str, kept: bool
) -> None:
    response = await client.get("/v1/nothing", headers={"X-Request-ID": given})
    assert (response.headers["x-request-id"] == given) is kept
    assert len(response.headers["x-request-id"]) > 0


async def test_every_response_has_the_security_headers(client: httpx2.AsyncClient) -> None:
    for path in ("/v1/nothing", "/v1/oddities/boom", "/v1/oddities/slow?seconds=0"):
        headers = (await client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"


async def test_the_client_may_shorten_the_deadline(client: httpx2.AsyncClient) -> None:
    slow = await client.get(
        "/v1/oddities/slow", params={"seconds": 2}, headers={"X-Request-Timeout-Ms": "50"}
    )
    assert slow.status_code == 504
    statement = "SELECT pg_sleep(1)"
    query = await client.get(
        "/v1/oddities/sql",
        params={"statement": statement},
        headers={"X-Request-Timeout-Ms": "50"},
    )
    assert query.status_code == 504
    after = await client.get("/v1/oddities/sql", params={"statement": "SELECT 5"})
    assert after.json() == "5"


@pytest.fixture(scope="module")
async def small(make_settings: MakeSettings) -> AsyncIterator[httpx2.AsyncClient]:
    settings = make_settings(
        max_in_flight=2,
        max_body_bytes=1000,
        request_deadline_ms=2500,
        db_statement_timeout_ms=2300,
        db_lock_timeout_ms=100,
        db_acquire_timeout_ms=800,
        redis_timeout_ms=1000,
        db_pool_min=1,
        db_pool_max=1,
        cors_origins="https://shop.example.com",
    )
    async with in_process(build(settings)) as made:
        yield made


async def test_the_deadline_of_the_service_is_the_most(small: httpx2.AsyncClient) -> None:
    slow = await small.get(
        "/v1/oddities/slow", params={"seconds": 5}, headers={"X-Request-Timeout-Ms": "60000"}
    )
    assert slow.status_code == 504


async def test_a_large_body_is_refused(small: httpx2.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b"x" * 100

    assert (await small.post("/v1/oddities/echo", content=b"x" * 1000)).status_code == 200
    assert (await small.post("/v1/oddities/echo", content=b"x" * 1001)).status_code == 413
    assert (await small.post("/v1/oddities/echo", content=chunks())).status_code == 413
    headers = {"Content-Type": "application/json"}
    model = await small.post("/v1/products", content=chunks(), headers=headers)
    assert model.status_code == 413


async def test_more_requests_than_allowed_are_told_to_come_back(small: httpx2.AsyncClient) -> None:
    many = [small.get("/v1/oddities/slow", params={"seconds": 0.5}) for _ in range(5)]
    answers = await asyncio.gather(*many)
    assert sorted(answer.status_code for answer in answers) == [200, 200, 503, 503, 503]
    refused = next(answer for answer in answers if answer.status_code == 503)
    assert refused.headers["retry-after"] == "1"
    assert (await small.get("/livez")).status_code == 200


async def test_a_full_pool_is_503_and_soon(small: httpx2.AsyncClient) -> None:
    statements = ["SELECT pg_sleep(1.8)", "SELECT 1"]
    answers = await asyncio.gather(
        *(small.get("/v1/oddities/sql", params={"statement": text}) for text in statements)
    )
    assert sorted(answer.status_code for answer in answers) == [200, 503]


async def test_only_listed_origins_may_call(small: httpx2.AsyncClient) -> None:
    for origin, allowed in (("https://shop.example.com", True), ("https://evil.example", False)):
        response = await small.get("/livez", headers={"Origin": origin})
        assert (response.headers.get("access-control-allow-origin") == origin) is allowed


async def test_production_shows_no_docs(
    make_settings: MakeSettings, client: httpx2.AsyncClient
) -> None:
    url = "postgresql://sample:q7Vt0mJx2LfWc9Rb@db/sample"
    production = make_settings(environment="prod", database_url=url, redis_url=None)
    assert build(production).openapi_url is None
    for path in ("/docs", "/openapi.json"):
        assert (await client.get(path)).status_code == 200


async def test_a_read_is_one_statement(client: httpx2.AsyncClient) -> None:
    path = f"/v1/products/{(await created(client))['id']}"
    with recorded_statements() as statements:
        await client.get(path)
        await client.get(path)
    assert len(statements) == 1


async def test_the_document_shows_problems_and_optional_members(
    client: httpx2.AsyncClient,
) -> None:
    document = (await client.get("/openapi.json")).json()
    schemas = document["components"]["schemas"]
    assert "HTTPValidationError" not in schemas
    assert schemas["ProductPatch"]["properties"]["price"] == {
        "pattern": r"^(0|[1-9][0-9]{0,9})(\.[0-9]{1,2})?$",
        "title": "Price",
        "type": "string",
    }
    assert "required" not in schemas["ProductPatch"]
    read = document["paths"]["/v1/products/{product_id}"]["get"]
    assert set(read["responses"]) == {"200", "404", "422", "500", "503", "504"}
    problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
    assert read["responses"]["422"]["content"] == {"application/problem+json": problem}
    patch = document["paths"]["/v1/products/{product_id}"]["patch"]
    header = next(p for p in patch["parameters"] if p["name"] == "If-Match")
    assert header["required"] is True
    assert not any("livez" in path for path in document["paths"])
