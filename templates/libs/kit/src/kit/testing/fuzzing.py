"""Hooks for schemathesis: what an OpenAPI document cannot tell it."""

from typing import Any
from uuid import uuid4

import schemathesis

_LONGEST_KEY = 255


@schemathesis.hook
def before_call(_context: object, case: Any, _arguments: dict[str, Any]) -> None:
    """Give each request a key of its own: one that is used again belongs to its first body."""
    key = (case.headers or {}).get("Idempotency-Key")
    if key and len(key) <= _LONGEST_KEY and all("!" <= character <= "~" for character in key):
        case.headers["Idempotency-Key"] = str(uuid4())
