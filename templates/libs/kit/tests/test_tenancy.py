import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio
from conftest import MakeSettings
from starlette.responses import Response

from kit.cache import Snapshot
from kit.db import recorded_statements
from kit.idempotency import fingerprint, run_once, sweep
from kit.identity import Principal, acting_as
from kit.metrics import Metrics
from kit.redis import Link
from kit.tenancy import _SWEEP, TenantCache, TenantDatabase
from kit.testing.roles import login

TENANT = "nullif(current_setting('app.tenant_id', true), '')::uuid"
SCHEMA = f"""
CREATE TABLE notes (
    tenant_id uuid NOT NULL DEFAULT {TENANT},
    body text NOT NULL
);
CREATE TABLE idempotency_keys (
    tenant_id uuid NOT NULL DEFAULT {TENANT},
    operation text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    status smallint,
    headers jsonb,
    body bytea,
    expires_at timestamptz NOT NULL,
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (tenant_id, operation, key)
);
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
ALTER TABLE notes FORCE ROW LEVEL SECURITY;
ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE idempotency_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON notes USING (tenant_id = {TENANT});
CREATE POLICY tenant ON idempotency_keys USING (tenant_id = {TENANT});
CREATE POLICY sweep ON idempotency_keys TO kit_tenants_owner USING (expires_at <= now());
CREATE FUNCTION sweep_idempotency_keys(most integer) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
    WITH swept AS (DELETE FROM idempotency_keys WHERE expires_at <= now() RETURNING 1)
    SELECT least(count(*), most) FROM swept
$$;
GRANT SELECT, INSERT, UPDATE, DELETE ON notes, idempotency_keys TO kit_tenants;
"""  # noqa: S608
COUNT = "SELECT count(*) FROM notes"
ONE = Principal("someone", tenant=UUID(int=1))
TWO = Principal("someone", tenant=UUID(int=2))
NOBODY = Principal("someone")


def in_database(server: str, name: str) -> str:
    return urlunsplit(urlsplit(server)._replace(path=f"/{name}"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def tenants_url(postgres_server: str) -> AsyncIterator[str]:
    name = f"tenants_{uuid4().hex}"
    owner = await login(postgres_server, "kit_tenants_owner")
    service = await login(postgres_server, "kit_tenants")
    admin = await asyncpg.connect(postgres_server)
    await admin.execute(f"CREATE DATABASE {name} OWNER kit_tenants_owner")
    connection = await asyncpg.connect(in_database(owner, name))
    await connection.execute(SCHEMA)
    await connection.close()
    yield in_database(service, name)
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


@pytest_asyncio.fixture(loop_scope="session")
async def db(
    tenants_url: str, make_settings: MakeSettings, metrics: Metrics
) -> AsyncIterator[TenantDatabase]:
    settings = make_settings(database_url=tenants_url, db_pool_min=1, db_pool_max=1)
    opened = await TenantDatabase.open(settings, metrics)
    for principal in (ONE, TWO):
        with acting_as(principal):
            await opened.execute("DELETE FROM notes")
    yield opened
    await opened.close()


async def test_tenants_share_a_connection_and_see_their_own_rows(db: TenantDatabase) -> None:
    for principal, body in ((ONE, "first"), (TWO, "second")):
        with acting_as(principal):
            await db.execute("INSERT INTO notes (body) VALUES ($1)", body)
    for principal, body in ((ONE, "first"), (TWO, "second")):
        with acting_as(principal):
            assert [row["body"] for row in await db.fetch("SELECT body FROM notes")] == [body]
            assert await db.fetchval("SELECT body FROM notes") == body
            row = await db.fetchrow("SELECT tenant_id FROM notes")
            assert row is not None
            assert row["tenant_id"] == principal.tenant


async def test_without_a_tenant_there_is_nothing(db: TenantDatabase) -> None:
    with acting_as(ONE):
        await db.execute("INSERT INTO notes (body) VALUES ('seen')")
        assert await db.fetchval(COUNT) == 1
    for principal in (NOBODY, None):
        with acting_as(principal or Principal("")):
            assert await db.fetchval(COUNT) == 0
            async with db.transaction() as tx:
                assert await tx.fetchval(COUNT) == 0
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await db.execute("INSERT INTO notes (body) VALUES ('lost')")


async def test_requests_at_once_do_not_mix(
    tenants_url: str, make_settings: MakeSettings, metrics: Metrics
) -> None:
    settings = make_settings(database_url=tenants_url, db_pool_min=2, db_pool_max=3)
    db = await TenantDatabase.open(settings, metrics)

    async def request(number: int) -> None:
        tenant = UUID(int=100 + number % 4)
        with acting_as(Principal("someone", tenant=tenant)):
            await db.execute("INSERT INTO notes (body) VALUES ($1)", str(number))
            rows = await db.fetch("SELECT tenant_id FROM notes")
            assert {row["tenant_id"] for row in rows} == {tenant}

    await asyncio.gather(*(request(number) for number in range(60)))
    await db.close()


async def test_a_transaction_is_for_one_tenant_and_undone_as_a_whole(db: TenantDatabase) -> None:
    async def fails() -> None:
        async with db.transaction() as tx:
            await tx.execute("INSERT INTO notes (body) VALUES ('undone')")
            async with tx.transaction() as inner:
                await inner.execute("INSERT INTO notes (body) VALUES ('undone too')")
            assert await tx.fetchval(COUNT) == 2
            msg = "no"
            raise ZeroDivisionError(msg)

    with acting_as(ONE):
        with recorded_statements() as statements, pytest.raises(ZeroDivisionError):
            await fails()
        assert statements[0] == "BEGIN"
        assert await db.fetchval(COUNT) == 0
        async with db.transaction() as tx:
            await tx.execute("INSERT INTO notes (body) VALUES ('kept')")
    with acting_as(TWO):
        assert await db.fetchval(COUNT) == 0


async def test_the_role_of_the_service_cannot_get_around(db: TenantDatabase) -> None:
    with acting_as(ONE):
        for statement in (
            "ALTER TABLE notes DISABLE ROW LEVEL SECURITY",
            "DROP POLICY tenant ON notes",
            "SET ROLE kit_tenants_owner",
            "SET SESSION AUTHORIZATION kit_tenants_owner",
            "ALTER ROLE kit_tenants BYPASSRLS",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await db.execute(statement)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await db.execute("INSERT INTO notes (tenant_id, body) VALUES ($1, 'x')", TWO.tenant)


async def test_an_idempotency_key_belongs_to_a_tenant(db: TenantDatabase) -> None:
    key = uuid4().hex
    print_ = fingerprint({"a": 1})

    async def answer(_db: object) -> Response:
        made = current_body.pop()
        return Response(made)

    bodies = []
    for principal, body in ((ONE, b"one"), (TWO, b"two"), (ONE, b"again")):
        current_body = [body]
        with acting_as(principal):
            reply = await run_once(db, operation="make", key=key, fingerprint=print_, effect=answer)
        bodies.append(bytes(reply.body))
    assert bodies == [b"one", b"two", b"one"]


async def test_expired_keys_of_all_tenants_are_swept(db: TenantDatabase) -> None:
    insert = (
        "INSERT INTO idempotency_keys (operation, key, fingerprint, expires_at) "
        "VALUES ('sweep', $1, '', now() + $2 * interval '1 s')"
    )
    for principal in (ONE, TWO):
        with acting_as(principal):
            await db.execute(insert, uuid4().hex, -1)
            await db.execute(insert, uuid4().hex, 3600)
    assert await sweep(db, _SWEEP) >= 2
    for principal in (ONE, TWO):
        with acting_as(principal):
            left = "SELECT count(*) FROM idempotency_keys WHERE expires_at <= now()"
            assert await db.fetchval(left) == 0
            assert await db.fetchval("SELECT count(*) FROM idempotency_keys") >= 1


async def test_the_cache_keeps_tenants_apart(make_settings: MakeSettings, metrics: Metrics) -> None:
    settings = make_settings(service_name=f"cache-{uuid4().hex}")
    link = Link.open(settings, metrics)
    cache = TenantCache.open(settings, "001", metrics, link)
    loads: list[UUID | None] = []

    async def read(principal: Principal) -> bytes:
        async def load() -> Snapshot:
            loads.append(principal.tenant)
            return Snapshot(1, str(principal.tenant).encode())

        with acting_as(principal):
            found = await cache.get_or_load("note:1", load)
        assert found is not None
        return found.body

    for principal in (ONE, TWO, ONE, TWO):
        assert await read(principal) == str(principal.tenant).encode()
    assert loads == [ONE.tenant, TWO.tenant]
    with acting_as(ONE):
        await cache.invalidate("note:1", None)
    for principal in (ONE, TWO):
        await read(principal)
    assert loads == [ONE.tenant, TWO.tenant, ONE.tenant]
    await cache.close()
    await link.close()
