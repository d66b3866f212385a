"""Identifiers that sort by the time of their making (UUID version 7, RFC 9562)."""

import secrets
import threading
import time
from uuid import UUID

_COUNTER_BITS = 12
_RANDOM_BITS = 62
_lock = threading.Lock()
_last = 0  # milliseconds and counter of the newest identifier, as one number


def uuid7() -> UUID:
    """Return a new identifier, greater than every earlier one of this process.

    The 12 bits after the milliseconds count the identifiers of one millisecond, from a random
    start (RFC 9562, method 1). When they overflow, the clock is run ahead by a millisecond.
    """
    global _last  # noqa: PLW0603 - the order holds for the whole process
    now = time.time_ns() // 1_000_000
    with _lock:
        fresh = (now << _COUNTER_BITS) | secrets.randbits(_COUNTER_BITS - 1)
        _last = fresh if fresh > _last else _last + 1
        stamp = _last
    milliseconds, counter = stamp >> _COUNTER_BITS, stamp & ((1 << _COUNTER_BITS) - 1)
    value = milliseconds << 80 | 0x7 << 76 | counter << 64 | 0b10 << _RANDOM_BITS
    return UUID(int=value | secrets.randbits(_RANDOM_BITS))
