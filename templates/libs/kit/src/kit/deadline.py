"""The time that is left to answer the current request."""

import time
from contextvars import ContextVar

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


class DeadlineExceededError(Exception):
    """The request ran out of time before its work was done."""


def start(seconds: float) -> None:
    """Give the current request so many seconds."""
    _deadline.set(time.monotonic() + seconds)


def clear() -> None:
    """Take the deadline off the current task, which works for several requests."""
    _deadline.set(None)


def remaining() -> float | None:
    """Return the seconds that are left, or None outside a request.

    Raises:
        DeadlineExceededError: nothing is left.
    """
    deadline = _deadline.get()
    if deadline is None:
        return None
    left = deadline - time.monotonic()
    if left <= 0:
        raise DeadlineExceededError
    return left


def within(seconds: float) -> float:
    """Return the given timeout in seconds, cut to the time that the request has left."""
    left = remaining()
    return seconds if left is None else min(seconds, left)
