"""Opaque cursors for keyset pagination."""

import base64
import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from pydantic_core import to_json, to_jsonable_python

from kit.problems import Problem, invalid


def encode(order: str, filters: Mapping[str, object], value: object, identity: UUID) -> str:
    """Return the cursor after a row: its sort value and id, bound to the order and filters."""
    content = {"v": to_jsonable_python(value), "i": str(identity), "q": _query(order, filters)}
    return base64.urlsafe_b64encode(to_json(content)).decode().rstrip("=")


def decode(cursor: str, order: str, filters: Mapping[str, object], kind: Any) -> tuple[Any, UUID]:
    """Return the sort value, validated as the type `kind`, and the id that a cursor holds.

    Raises:
        Problem: 422, the cursor is malformed or comes from another order or filter.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        content = json.loads(base64.b64decode(padded, altchars="-_", validate=True))
        value, identity, query = content["v"], UUID(content["i"]), content["q"]
        parsed = _adapter(kind).validate_python(value)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _refused("is not a cursor of this list") from error
    if query != _query(order, filters):
        raise _refused("belongs to another sort order or filter")
    return parsed, identity


def _query(order: str, filters: Mapping[str, object]) -> str:
    given = {name: value for name, value in filters.items() if value is not None}
    canonical = json.dumps([order, to_jsonable_python(given)], sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


@lru_cache(maxsize=128)
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _refused(message: str) -> Problem:
    return invalid(["query", "cursor"], message, "cursor_invalid")
