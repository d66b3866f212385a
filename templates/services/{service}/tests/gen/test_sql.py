"""The statements against the schema that the migrations make."""

from pathlib import Path
from urllib.parse import quote
from uuid import UUID

import asyncpg
import httpx2
import pytest

from kit import migrate
from kit.crud import overrides
from kit.db import recorded_statements
from kit.paging import encode
from kit.testing.plugin import AsOwner, NewDatabase
from kit.testing.records import Entity, create

pytestmark = pytest.mark.usefixtures("database_url")  # they look into it
STATEMENTS = ("SELECT_ONE", "LOCK", "INSERT", "UPDATE", "DELETE")
HOSTILE = "' OR 1=1 --"


async def tables(url: str) -> set[str]:
    connection = await asyncpg.connect(url)
    try:
        found = await connection.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        )
    finally:
        await connection.close()
    return {row["tablename"] for row in found}


async def test_every_statement_is_valid(database_url: str, entity: Entity) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        for name in STATEMENTS:
            await connection.prepare(getattr(entity.repository, name))
        for statement in entity.listing.statements():
            await connection.prepare(statement)
    finally:
        await connection.close()


async def test_lists_are_read_from_an_index(
    client: httpx2.AsyncClient, database_url: str, entity: Entity
) -> None:
    await create(client, entity)
    connection = await asyncpg.connect(database_url, statement_cache_size=0)
    try:
        await connection.execute("SET enable_seqscan = off; SET enable_sort = off")
        await connection.execute("SET plan_cache_mode = force_generic_plan")
        for statement in entity.listing.statements():
            prepared = await connection.prepare(statement)
            nulls = ", ".join(["NULL"] * len(prepared.get_parameters()))
            await connection.execute(f"PREPARE listed AS {statement}")
            plan = await connection.fetch(f"EXPLAIN EXECUTE listed({nulls})")
            await connection.execute("DEALLOCATE listed")
            nodes = [row[0].strip(" ->").split("  (")[0] for row in plan]
            assert any(node.startswith("Index") for node in nodes), (statement, nodes)
            assert "Sort" not in nodes, (statement, nodes)
    finally:
        await connection.close()


async def test_migrations_go_down_and_up_again(
    new_database: NewDatabase, as_owner: AsOwner, migrations_dir: Path
) -> None:
    url = as_owner(await new_database())
    made = await tables(url)
    await migrate.down(url, migrations_dir, to="000")
    assert all(table.startswith("schema_migration") for table in await tables(url))
    await migrate.up(url, migrations_dir)
    assert await tables(url) == made


async def test_an_operation_is_one_statement(client: httpx2.AsyncClient, entity: Entity) -> None:
    body, other = await entity.new(client), await entity.new(client)
    record = await create(client, entity)
    path, current = f"{entity.path}/{record['id']}", {"If-Match": '"1"'}
    reads = ("GET", path, None), ("GET", entity.path, None)
    writes = ("POST", entity.path, body), ("PATCH", path, other), ("DELETE", path, None)
    for method, target, content in reads:
        with recorded_statements() as statements:
            await client.request(method, target, json=content, headers=current)
        assert len(statements) == 1, (method, statements)
    for method, target, content in writes:
        match = {"If-Match": "*"}
        with recorded_statements() as statements:
            answer = await client.request(method, target, json=content, headers=match)
        assert answer.is_success, answer.text
        if overrides(entity.rules):
            assert statements[0].startswith("BEGIN")
            assert statements[-1].startswith("COMMIT")
        else:
            lookups = 0 if method == "DELETE" else entity.lookups
            assert len(statements) == 1 + lookups, (method, statements)


async def test_no_text_of_a_client_becomes_sql(client: httpx2.AsyncClient, entity: Entity) -> None:
    record = await create(client, entity)
    path, match = f"{entity.path}/{record['id']}", {"If-Match": "*"}
    body = await entity.new(client)
    queries = [{name: HOSTILE} for name in (*entity.filters, "sort", "cursor", "limit", HOSTILE)]
    queries += [
        {"sort": sort, "cursor": encode(sort, {}, HOSTILE, UUID(record["id"]))}
        for sort in entity.sorts
    ]
    with recorded_statements() as statements:
        for name in (name for name, value in body.items() if isinstance(value, str)):
            await client.post(entity.path, json=body | {name: HOSTILE})
            await client.patch(path, json={name: HOSTILE}, headers=match)
        for query in queries:
            await client.get(entity.path, params=query)
        await client.post(entity.path, json=body, headers={"Idempotency-Key": HOSTILE})
        await client.get(f"{entity.path}/{quote(HOSTILE)}")
        await client.delete(path, headers={"If-Match": HOSTILE})
        await client.delete(path, headers=match)
    assert statements
    assert not [statement for statement in statements if HOSTILE in statement]
