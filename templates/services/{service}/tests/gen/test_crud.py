"""What every kind of record promises through the API."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx2
import pytest

from kit.testing.records import Body, Entity, create

Client = httpx2.AsyncClient


def shown(entity: Entity, body: Body) -> Body:
    return {name: value for name, value in body.items() if name not in entity.private}


async def test_created_record_can_be_read(client: Client, entity: Entity) -> None:
    body = await entity.new(client)
    answer = await client.post(entity.path, json=body)
    assert answer.status_code == 201, answer.text
    record = answer.json()
    assert answer.headers["ETag"] == '"1"'
    assert answer.headers["Location"] == f"{entity.path}/{record['id']}"
    assert shown(entity, body).items() <= record.items()

    found = await client.get(answer.headers["Location"])
    assert found.status_code == 200
    assert found.json() == record
    assert found.headers["ETag"] == answer.headers["ETag"]


async def test_unchanged_record_is_not_sent_again(client: Client, entity: Entity) -> None:
    record = await create(client, entity)
    answer = await client.get(f"{entity.path}/{record['id']}", headers={"If-None-Match": '"1"'})
    assert (answer.status_code, answer.content) == (304, b"")
    changed = await client.get(f"{entity.path}/{record['id']}", headers={"If-None-Match": '"7"'})
    assert changed.status_code == 200


async def test_change_writes_a_new_version(client: Client, entity: Entity) -> None:
    record = await create(client, entity)
    path = f"{entity.path}/{record['id']}"
    before = await client.get(path)
    body = await entity.new(client)
    answer = await client.patch(path, json=body, headers={"If-Match": before.headers["ETag"]})
    assert answer.status_code == 200, answer.text
    assert answer.headers["ETag"] == '"2"'
    assert shown(entity, body).items() <= answer.json().items()
    after = await client.get(path)
    assert after.json() == answer.json()


async def test_absent_members_keep_their_values(client: Client, entity: Entity) -> None:
    record = await create(client, entity)
    path = f"{entity.path}/{record['id']}"
    answer = await client.patch(path, json={}, headers={"If-Match": '"1"'})
    assert answer.status_code == 200
    written = {name: answer.json()[name] for name in ("updated_at", "version")}
    assert answer.json() == record | written


async def test_deleted_record_is_gone(client: Client, entity: Entity) -> None:
    record = await create(client, entity)
    path = f"{entity.path}/{record['id']}"
    assert (await client.get(path)).status_code == 200
    answer = await client.delete(path, headers={"If-Match": '"1"'})
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await client.get(path)).status_code == 404
    again = await client.delete(path, headers={"If-Match": '"1"'})
    assert again.status_code == 404


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_unknown_record(client: Client, entity: Entity, method: str) -> None:
    body: Body | None = {} if method == "PATCH" else None
    for identity, status in ((uuid4(), 404), ("no-uuid", 422)):
        answer = await client.request(
            method, f"{entity.path}/{identity}", json=body, headers={"If-Match": '"1"'}
        )
        assert answer.status_code == status
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["status"] == status


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_change_needs_the_current_version(
    client: Client, entity: Entity, method: str
) -> None:
    record = await create(client, entity)
    path = f"{entity.path}/{record['id']}"
    body: Body | None = {} if method == "PATCH" else None
    for headers, status in (({}, 428), ({"If-Match": '"7"'}, 412)):
        answer = await client.request(method, path, json=body, headers=headers)
        assert answer.status_code == status
        assert answer.headers["Content-Type"] == "application/problem+json"
    assert (await client.get(path)).json() == record


async def test_one_of_two_concurrent_changes_wins(client: Client, entity: Entity) -> None:
    record = await create(client, entity)
    path = f"{entity.path}/{record['id']}"
    answers = await asyncio.gather(
        *(client.patch(path, json={}, headers={"If-Match": '"1"'}) for _ in range(2))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412]


async def test_repeated_create_makes_one_record(client: Client, entity: Entity) -> None:
    body, headers = await entity.new(client), {"Idempotency-Key": str(uuid4())}
    answers = await asyncio.gather(
        *(client.post(entity.path, json=body, headers=headers) for _ in range(20))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert len({answer.headers["Location"] for answer in answers}) == 1
    other = await client.post(entity.path, json=await entity.new(client), headers=headers)
    assert other.status_code == 422


async def test_private_fields_are_never_shown(client: Client, entity: Entity) -> None:
    record = await create(client, entity)
    assert not record.keys() & set(entity.private)
    path = f"{entity.path}/{record['id']}"
    changed = await client.patch(path, json={}, headers={"If-Match": '"1"'})
    page = await client.get(entity.path)
    for shown_record in (changed.json(), (await client.get(path)).json(), *page.json()["items"]):
        assert not shown_record.keys() & set(entity.private)


async def test_unique_values_are_taken_once(client: Client, entity: Entity) -> None:
    for name in entity.unique:
        body = await entity.new(client)
        assert (await client.post(entity.path, json=body)).status_code == 201
        other = await entity.new(client) | {name: body.get(name)}
        answer = await client.post(entity.path, json=other)
        if body.get(name) is None:
            assert answer.status_code == 201
        else:
            assert answer.status_code == 409
            assert name in str(answer.json())


async def test_references_must_exist(client: Client, entity: Entity) -> None:
    for name in entity.references:
        body = await entity.new(client) | {name: str(uuid4())}
        answer = await client.post(entity.path, json=body)
        assert answer.status_code == 422
        assert name in str(answer.json())


async def test_referenced_records_stay(client: Client, entity: Entity) -> None:
    body = await entity.new(client)
    assert (await client.post(entity.path, json=body)).status_code == 201
    for name, path in entity.references.items():
        if name in body:
            target = f"{path}/{body[name]}"
            answer = await client.delete(target, headers={"If-Match": "*"})
            assert answer.status_code == 409
            assert (await client.get(target)).status_code == 200


async def test_invalid_bodies_are_refused(client: Client, entity: Entity) -> None:
    body = await entity.new(client)
    wrong = [body | {"no_such_field": 1}, [], "text", *(body | {n: None} for n in entity.required)]
    for invalid in wrong:
        answer = await client.post(entity.path, json=invalid)
        assert answer.status_code == 422, invalid
        assert answer.headers["Content-Type"] == "application/problem+json"
    assert (await client.post(entity.path, content=b"{")).status_code == 422


async def test_filters_select(client: Client, entity: Entity) -> None:
    record = await create(client, entity)
    for parameter, name in entity.filters.items():
        value = record[name]
        if value is None:
            continue
        sent = str(value).lower() if isinstance(value, bool) else value
        answer = await client.get(entity.path, params={parameter: sent, "limit": 100})
        assert answer.status_code == 200, answer.text
        items = answer.json()["items"]
        assert record in items
        if parameter == name:
            assert all(item[name] == value for item in items)


async def pages(client: Client, path: str, sort: str) -> AsyncIterator[list[Body]]:
    """Read a list from its first page to its last."""
    query = {"sort": sort, "limit": "2"}
    while True:
        answer = await client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        assert len(answer.json()["items"]) <= 2
        yield answer.json()["items"]
        if answer.json()["next_cursor"] is None:
            break
        query["cursor"] = answer.json()["next_cursor"]


async def test_lists_are_ordered(client: Client, entity: Entity) -> None:
    for _ in range(min(3, entity.capacity)):
        await create(client, entity)
    for name in entity.sorts:
        rising = [item async for page in pages(client, entity.path, name) for item in page]
        falling = [item async for page in pages(client, entity.path, f"-{name}") for item in page]
        assert rising == falling[::-1]
        values = [item[name] for item in rising]
        if name == "created_at" or not isinstance(values[0], str):
            assert values == sorted(values)


@pytest.mark.parametrize("sign", ["", "-"])
async def test_pages_are_stable_while_inserting(client: Client, entity: Entity, sign: str) -> None:
    known = [(await create(client, entity))["id"] for _ in range(min(5, entity.capacity))]
    for name in entity.sorts:
        seen: list[str] = []
        async for page in pages(client, entity.path, sign + name):
            seen += [item["id"] for item in page]
            if len(seen) <= 6 and entity.capacity > 100:
                await create(client, entity)
        assert len(seen) == len(set(seen))
        assert set(known) <= set(seen)


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "sort=nothing", "cursor=nonsense", "unknown=1"]
)
async def test_invalid_queries_are_refused(client: Client, entity: Entity, query: str) -> None:
    answer = await client.get(f"{entity.path}?{query}")
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
