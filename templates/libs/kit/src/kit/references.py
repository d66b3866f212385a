"""Records of other services that a record refers to: looked for by writes, embedded in reads.

A service that does not answer stops neither. A write takes its record to exist; a read shows it
as it was when it was last seen, or says that it is missing.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from pydantic import BaseModel

from kit import identity
from kit.client import Peer, PeerError, Remote
from kit.logs import get_logger
from kit.problems import FieldError, unprocessable
from kit.schema import json_bytes

Body = dict[str, Any]
Key = tuple[str, UUID | None, UUID]

_AT_ONCE = 4  # calls of one request; a page must not take the turns of all others
_KEPT = 1000
_KEPT_S = 300.0

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Target:
    """What one member of a record refers to.

    Args:
        member: of the record, with the id.
        peer: the service that has the record.
        read: returns the record, or None if there is none.
        expansion: the member that holds the record when it is asked for; empty for never.
        attribute: of the models, where it has another name than the member.
    """

    member: str
    peer: Peer
    read: Callable[[UUID], Awaitable[Remote | None]]
    expansion: str = ""
    attribute: str = ""


class Fallbacks:
    """What rules may say in the place of a service that does not answer."""

    async def fallback(self, expansion: str, record_id: UUID) -> Remote | None:  # noqa: ARG002
        """Return the record to show, or None for nothing; the answer is marked in either case."""
        return None


class References:
    """What the records of one kind refer to in other services.

    Args:
        targets: one for each member.
        rules: may have a fallback of their own, see `Fallbacks`.
    """

    def __init__(self, *targets: Target, rules: object) -> None:
        self._targets = targets
        self._fallbacks = rules if isinstance(rules, Fallbacks) else Fallbacks()
        self._seen = {target.member: _Seen() for target in targets}

    async def check(self, body: BaseModel) -> None:
        """Refuse a body that refers to a record that does not exist.

        Raises:
            Problem: 422, naming each such member.
        """
        given = [
            (target, getattr(body, target.attribute or target.member)) for target in self._targets
        ]
        errors = await asyncio.gather(
            *(
                self._error(target, record_id)
                for target, record_id in given
                if record_id is not None
            )
        )
        wrong = [error for error in errors if error is not None]
        if wrong:
            raise unprocessable(wrong)

    async def expanded(self, record: bytes, wanted: Collection[str]) -> bytes:
        """Return a record, as JSON, with the wanted records of other services in it."""
        body = orjson.loads(record)
        await self._embed([body], wanted)
        return orjson.dumps(body)

    async def expanded_page(self, page: BaseModel, wanted: Collection[str]) -> bytes:
        """Return a page of records in the same way."""
        body = orjson.loads(json_bytes(page))
        await self._embed(body["items"], wanted)
        return orjson.dumps(body)

    async def _error(self, target: Target, record_id: UUID) -> FieldError | None:
        try:
            found = await target.read(record_id)
        except PeerError as error:
            target.peer.fell_back()
            _log.warning("reference_not_checked", member=target.member, error=error.detail)
            return None
        if found is not None:
            return None
        return FieldError(
            location=["body", target.member],
            message="refers to a record that does not exist",
            type="reference",
        )

    async def _embed(self, records: Sequence[Body], wanted: Collection[str]) -> None:
        for target in self._targets:
            if target.expansion not in wanted:
                continue
            ids = {record[target.member] for record in records} - {None}
            look = _Look(target, self._seen[target.member], self._fallbacks)
            found = await look.all({UUID(record_id) for record_id in ids})
            for record in records:
                record_id = record[target.member]
                record[target.expansion] = found.get(record_id)
                if record_id in look.degraded:
                    record.setdefault("degraded", []).append(target.expansion)


class _Look:
    """One request's look at records of another service; the first failure ends it."""

    def __init__(self, target: Target, seen: "_Seen", fallbacks: Fallbacks) -> None:
        self.degraded: set[str] = set()
        self._target = target
        self._seen = seen
        self._fallbacks = fallbacks
        self._failed = False
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def all(self, ids: Collection[UUID]) -> dict[str, Body | None]:
        found = await asyncio.gather(*(self._one(record_id) for record_id in ids))
        return dict(zip(map(str, ids), found, strict=True))

    async def _one(self, record_id: UUID) -> Body | None:
        who = identity.current()
        key = (who.subject, who.tenant, record_id)
        async with self._turns:
            try:
                if not self._failed:
                    record = await self._target.read(record_id)
                    return self._seen.keep(key, _json(record))
            except PeerError as error:
                self._failed = True
                _log.warning("expansion_degraded", name=self._target.expansion, error=error.detail)
        self._target.peer.fell_back()
        known = self._seen.recall(key)
        if known is not None:
            return known
        self.degraded.add(str(record_id))
        return _json(await self._fallbacks.fallback(self._target.expansion, record_id))


class _Seen:
    """Records as they were last seen, each for the eyes of whoever was shown it."""

    def __init__(self) -> None:
        self._records: OrderedDict[Key, tuple[float, Body]] = OrderedDict()

    def keep(self, key: Key, record: Body | None) -> Body | None:
        self._records.pop(key, None)
        if record is not None:
            self._records[key] = (time.monotonic() + _KEPT_S, record)
            if len(self._records) > _KEPT:
                self._records.popitem(last=False)
        return record

    def recall(self, key: Key) -> Body | None:
        until, record = self._records.get(key, (0.0, None))
        return record if time.monotonic() < until else None


def _json(record: Remote | None) -> Body | None:
    return None if record is None else record.model_dump(mode="json", by_alias=True)
