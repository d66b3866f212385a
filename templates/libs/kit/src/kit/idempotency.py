"""Idempotency-Key: repeating a request with the same key has its effect once.

The key, the effect and the stored answer are one transaction of the service's own database, so
there is no state in between: either all of it happened or none. A twin that arrives meanwhile
waits for that transaction on the primary key of the table.
"""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import asyncpg
from pydantic import BaseModel
from pydantic_core import to_jsonable_python
from starlette.responses import Response

from kit.db import DatabaseUnavailableError, Executor
from kit.deadline import DeadlineExceededError
from kit.identity import ANONYMOUS, current
from kit.logs import get_logger
from kit.problems import Problem
from kit.resources import Resources

_SWEEP_INTERVAL_S = 60
_SWEEP_ROWS = 1000
_KEPT_HEADERS = ("content-type", "etag", "location")

# Takes the key, or takes it over when its time is up; no row means that it is in use.
_CLAIM = """
INSERT INTO idempotency_keys (operation, key, fingerprint, expires_at)
VALUES ($1, $2, $3, now() + $4 * interval '1 second')
ON CONFLICT ON CONSTRAINT idempotency_keys_pkey DO UPDATE
    SET fingerprint = excluded.fingerprint, expires_at = excluded.expires_at,
        status = NULL, headers = NULL, body = NULL
    WHERE idempotency_keys.expires_at <= now()
RETURNING true
"""
_KEEP = """
UPDATE idempotency_keys SET status = $3, headers = $4, body = $5 WHERE operation = $1 AND key = $2
"""
_STORED = """
SELECT fingerprint, status, headers, body FROM idempotency_keys WHERE operation = $1 AND key = $2
"""
_SWEEP = """
WITH swept AS (
    DELETE FROM idempotency_keys WHERE (operation, key) IN (
        SELECT operation, key FROM idempotency_keys WHERE expires_at <= now()
        ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED
    )
    RETURNING 1
)
SELECT count(*) FROM swept
"""

_log = get_logger(__name__)


async def run_once(
    db: Executor,
    *,
    operation: str,
    key: str | None,
    fingerprint: bytes,
    effect: Callable[[Executor], Awaitable[Response]],
    before: Callable[[], Awaitable[None]] | None = None,
    ttl_s: int = 86_400,
) -> Response:
    """Return the effect's response, or the stored one if the key was seen before.

    Args:
        db: the pool.
        operation: what the key belongs to, like `create_product`.
        key: as the client sent it; without one the effect simply runs, on the pool.
        fingerprint: of the request, see `fingerprint`.
        effect: does the work on the transaction that it is given.
        before: what comes first and may take long, such as calls to other services: it runs
            outside of the transaction, and not again for a key whose answer is stored.
        ttl_s: how long the answer is kept.

    Raises:
        Problem: 422, the key was used for another request; 409, its first request still runs.
            One that the effect raises undoes everything and is not stored.
    """
    if key is not None and current() is not ANONYMOUS:
        key = f"{current().subject} {key}"  # nobody gets what somebody else was answered
    if before is not None and (key is None or not await db.fetchrow(_STORED, operation, key)):
        await before()
    if key is None:
        return await effect(db)
    try:
        async with db.transaction() as tx:
            if await tx.fetchval(_CLAIM, operation, key, fingerprint, ttl_s):
                response = await effect(tx)
                headers = {
                    name: response.headers[name]
                    for name in _KEPT_HEADERS
                    if name in response.headers
                }
                body = bytes(response.body)
                await tx.execute(_KEEP, operation, key, response.status_code, headers, body)
                return response
            stored = await tx.fetchrow(_STORED, operation, key)
    except asyncpg.LockNotAvailableError as error:
        raise _in_flight() from error
    if stored is None:  # swept between the two statements: the client may simply repeat
        raise _in_flight()
    return _replay(stored, fingerprint)


def fingerprint(body: BaseModel | Mapping[str, Any]) -> bytes:
    """Return a digest of a request's content, whatever the order of its members."""
    content = (
        body.model_dump(mode="json", exclude_unset=True) if isinstance(body, BaseModel) else body
    )
    canonical = json.dumps(to_jsonable_python(content), sort_keys=True)
    return hashlib.sha256(canonical.encode()).digest()


async def sweep(db: Executor, statement: str = _SWEEP) -> int:
    """Delete expired keys, at most a batch, and return how many."""
    swept: int = await db.fetchval(statement, _SWEEP_ROWS)
    return swept


async def sweep_forever(resources: Resources, statement: str = _SWEEP) -> None:
    """Delete expired keys in the background; every replica may do so at once."""
    while True:
        try:
            full = await sweep(resources.db, statement) == _SWEEP_ROWS
        except (DatabaseUnavailableError, DeadlineExceededError, asyncpg.PostgresError) as error:
            _log.warning("idempotency_sweep_failed", error=repr(error))
            full = False
        await asyncio.sleep(0 if full else _SWEEP_INTERVAL_S)


def _replay(stored: asyncpg.Record, fingerprint: bytes) -> Response:
    if stored["fingerprint"] != fingerprint:
        raise Problem(
            422,
            "Idempotency key reused",
            detail="This Idempotency-Key was used for a request with another content.",
        )
    headers = {**stored["headers"], "Idempotency-Replayed": "true"}
    return Response(stored["body"], stored["status"], headers)


def _in_flight() -> Problem:
    return Problem(
        409,
        "Request in progress",
        detail="The first request with this Idempotency-Key is not finished; repeat it later.",
        headers={"Retry-After": "1"},
    )
