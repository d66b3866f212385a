"""The roles of a service on a server for tests: one owns its tables, the other works with them."""

from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

_LOCK_KEY = 0x6B6974726F6C6573  # of the advisory lock: no two processes alter one role at once
_CREATE = """
SELECT format('CREATE ROLE %I LOGIN', $1::text)
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = $1::text)
"""
_ALTER = "SELECT format('ALTER ROLE %I PASSWORD %L', $1::text, $2::text)"


async def login(server: str, role: str) -> str:
    """Make a role that may log in, if it is not there yet, and return its URL of the server.

    Args:
        server: the URL of a superuser, whose password the role gets.
        role: its name.
    """
    password = urlsplit(server).password
    connection = await asyncpg.connect(server)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK_KEY)
        if create := await connection.fetchval(_CREATE, role):
            await connection.execute(create)
        if password:
            await connection.execute(await connection.fetchval(_ALTER, role, password))
    finally:
        await connection.close()
    return _as_role(server, role, password)


def _as_role(server: str, role: str, password: str | None) -> str:
    parts = urlsplit(server)
    address = parts.netloc.rpartition("@")[2]
    secret = f":{password}" if password else ""
    return urlunsplit(parts._replace(netloc=f"{quote(role)}{secret}@{address}"))
