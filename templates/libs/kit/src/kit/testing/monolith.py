"""A modular monolith on a server for tests: one database, with a schema and roles for each module."""

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from kit.host import Schema
from kit.testing.roles import login

_EXISTS = "SELECT true FROM pg_database WHERE datname = $1"


async def prepared(server: str, database: str, schemas: Sequence[Schema]) -> dict[str, str]:
    """Make what is missing and return the settings that say where each schema is.

    Args:
        server: the URL of a superuser.
        database: the name of the one for all schemas.
        schemas: to make; nobody but their own roles has any right on them.
    """
    await _make(server, database)
    settings: dict[str, str] = {}
    connection = await asyncpg.connect(_at(server, database))
    try:
        await connection.execute(f'REVOKE ALL ON DATABASE "{database}" FROM PUBLIC')
        await connection.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        for schema in schemas:
            logins = {name: await login(server, name) for name in (schema.owner, schema.name)}
            for statement in _statements(database, schema):
                await connection.execute(statement)
            settings[schema.settings[0].upper()] = _at(logins[schema.owner], database)
            settings[schema.settings[-1].upper()] = _at(logins[schema.name], database)
    finally:
        await connection.close()
    return settings


async def forget(server: str, database: str) -> None:
    """Drop a database that was made for a while."""
    connection = await asyncpg.connect(server)
    try:
        await connection.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')
    finally:
        await connection.close()


async def _make(server: str, database: str) -> None:
    connection = await asyncpg.connect(server)
    try:
        if not await connection.fetchval(_EXISTS, database):
            await connection.execute(f'CREATE DATABASE "{database}"')
    finally:
        await connection.close()


def _statements(database: str, schema: Schema) -> Iterator[str]:
    for role in sorted({schema.owner, schema.name}):
        yield f'GRANT CONNECT ON DATABASE "{database}" TO "{role}"'
        yield f'ALTER ROLE "{role}" IN DATABASE "{database}" SET search_path = "{schema.name}"'
    yield f'CREATE SCHEMA IF NOT EXISTS "{schema.name}" AUTHORIZATION "{schema.owner}"'
    yield f'GRANT USAGE ON SCHEMA "{schema.name}" TO "{schema.name}"'


def _at(server: str, database: str) -> str:
    return urlunsplit(urlsplit(server)._replace(path=f"/{database}"))
