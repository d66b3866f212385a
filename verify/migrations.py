"""Runs each service's migrations up, down and up again, and its schema document, on databases of its own.

usage: python -c … SERVICE… (each a folder of a service), with TEST_POSTGRES_URL set

Prints a line for each folder or document that failed: path: what went wrong.
"""

import asyncio
import os
import re
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from kit import migrate

CATALOG = """
SELECT concat_ws(' ', table_name, column_name, udt_name, is_nullable, column_default)
FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE 'schema_migration%'
UNION ALL
SELECT concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid))
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
AND conrelid::regclass::text NOT LIKE 'schema_migration%'
UNION ALL
SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename NOT LIKE 'schema_migration%'
"""


GRANTEE = re.compile(r"^(?:GRANT|CREATE POLICY)\b[^;]*?\bTO (\w+)", re.MULTILINE)

made: list[str] = []  # databases
made_roles: list[str] = []


async def run(url: str, sql: str) -> list[str]:
    """Run SQL on a connection of its own; return the first column."""
    connection = await asyncpg.connect(url)
    try:
        if sql is CATALOG:
            return sorted(row[0] for row in await connection.fetch(sql))
        await connection.execute(sql)
        return []
    finally:
        await connection.close()


async def database(name: str) -> str:
    """Make an empty database and return its URL."""
    server = os.environ["TEST_POSTGRES_URL"]
    name = f"verify_{os.getpid()}_{name}"
    await run(server, f'CREATE DATABASE "{name}"')
    made.append(name)
    return urlunsplit(urlsplit(server)._replace(path=f"/{name}"))


async def make_roles(folder: Path) -> None:
    """Make the roles to which the migrations give rights, where they are missing."""
    text = "".join(file.read_text() for file in folder.glob("*.sql"))
    for role in sorted(set(GRANTEE.findall(text))):
        try:
            await run(os.environ["TEST_POSTGRES_URL"], f'CREATE ROLE "{role}"')
            made_roles.append(role)
        except asyncpg.DuplicateObjectError:
            continue


async def migrations_problem(folder: Path, url: str) -> str | None:
    """Migrate to and fro; return what went wrong."""
    try:
        await migrate.up(url, folder)
        first = await run(url, CATALOG)
        await migrate.down(url, folder, "000")
        if left := await run(url, CATALOG):
            return f"down leaves behind: {left[0]}"
        await migrate.up(url, folder)
        if await run(url, CATALOG) != first:
            return "up after down makes another schema"
    except (asyncpg.PostgresError, migrate.MigrationError, OSError) as error:
        return f"{type(error).__name__}: {error}"
    return None


async def document_problem(document: Path, url: str, name: str) -> str | None:
    """Compare what the schema document makes with what the migrations made."""
    try:
        other = await database(f"{name}_document")
        await run(other, document.read_text())
        difference = set(await run(other, CATALOG)) ^ set(await run(url, CATALOG))
    except (asyncpg.PostgresError, OSError) as error:
        return f"{type(error).__name__}: {error}"
    return f"differs from what the migrations make: {min(difference)}" if difference else None


async def main(services: list[Path]) -> None:
    """Try every service, and leave nothing on the server."""
    try:
        for service in services:
            await try_service(service)
    finally:
        for name in made:
            await run(os.environ["TEST_POSTGRES_URL"], f'DROP DATABASE "{name}" WITH (FORCE)')
        for role in made_roles:
            await run(os.environ["TEST_POSTGRES_URL"], f'DROP ROLE "{role}"')


async def try_service(service: Path) -> None:
    """Print what is wrong with one service."""
    url = await database(service.name)
    await make_roles(service / "migrations")
    document = Path("architecture/schema", f"{service.name}.sql")
    if problem := await migrations_problem(service / "migrations", url):
        print(f"{service}/migrations: {problem}")
        print(f"{document}: cannot be compared with migrations that fail")
    elif document.exists() and (problem := await document_problem(document, url, service.name)):
        print(f"{document}: {problem}")


asyncio.run(main(sorted({Path(file).parent.parent for file in sys.argv[1:] if "/migrations/" in file})))
