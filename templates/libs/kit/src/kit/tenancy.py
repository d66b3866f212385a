"""Keeps the customers of one service apart, though they share its tables and its cache.

The database does it, by row-level security: each statement runs in a transaction that says for
which tenant it is, and the policies of the tables show and take no other rows. Outside of a
request for a tenant there are no rows at all, and nothing can be written. No statement names the
tenant, so none can forget it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kit import idempotency
from kit.cache import Cache, Load, Snapshot
from kit.db import Connection, Database, Executor, Transaction, bounded, record
from kit.identity import current
from kit.resources import Resources, Stores

_SCOPE = "SELECT set_config('app.tenant_id', $1, true)"  # until the transaction ends
_SWEEP = "SELECT sweep_idempotency_keys($1)"  # of all tenants, as the owner of the table


class TenantDatabase(Database):
    """The pool; what it runs sees the rows of the current principal's tenant alone."""

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Executor]:
        """Open a transaction; committed when the block is left, rolled back on an exception."""
        if current().tenant is None:
            async with super().transaction() as transaction:
                yield transaction
            return
        record("BEGIN")
        async with self._connection() as connection:
            yield Transaction(connection)
        record("COMMIT")

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        tenant = current().tenant
        async with super()._connection() as connection:
            if tenant is None:
                yield connection
                return
            async with connection.transaction():
                await bounded(_SCOPE, connection.execute, str(tenant))
                yield connection


class TenantCache(Cache):
    """The cache; an entry belongs to the tenant for whom it was stored."""

    async def get_or_load(self, key: str, load: Load) -> Snapshot | None:
        """Return the tenant's entry, or load and store it."""
        return await super().get_or_load(_of_tenant(key), load)

    async def invalidate(self, key: str, version: int | None) -> None:
        """Forget the tenant's entry after a committed write."""
        await super().invalidate(_of_tenant(key), version)


PER_TENANT = Stores(TenantDatabase, TenantCache)


async def sweep_forever(resources: Resources) -> None:
    """Delete the expired idempotency keys of all tenants in the background."""
    await idempotency.sweep_forever(resources, _SWEEP)


def _of_tenant(key: str) -> str:
    return f"{current().tenant}:{key}"
