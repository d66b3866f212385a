"""When to leave another service alone, and how often to ask it again: state without any I/O."""

import time
from collections import deque
from collections.abc import Callable
from enum import IntEnum

Clock = Callable[[], float]

_SLOTS = 10


class State(IntEnum):
    """Of a circuit breaker; the values are those of its metric."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


class Breaker:
    """Stops asking a service that fails, and lets one call find out when it is back.

    Closed, it counts the calls of the last seconds and opens when enough of them failed. Open, it
    admits nothing for a while. Then it is half-open: a single call is admitted, whose result
    closes or opens it again.

    Args:
        window_s: for how many seconds a result counts.
        least_calls: with fewer results in the window it never opens.
        failure_share: the share of failures from which it opens.
        open_s: how many seconds nothing is admitted.
        clock: gives the time in seconds.
    """

    def __init__(
        self,
        *,
        window_s: float,
        least_calls: int,
        failure_share: float,
        open_s: float,
        clock: Clock = time.monotonic,
    ) -> None:
        self.state = State.CLOSED
        self._slot_s = window_s / _SLOTS
        self._least_calls = least_calls
        self._failure_share = failure_share
        self._open_s = open_s
        self._clock = clock
        self._until = 0.0
        self._era = 0
        self._window: deque[list[int]] = deque()  # number of the slot, calls, failures

    def admit(self) -> int | None:
        """Return a permit for one call, to be settled whatever becomes of it; None for no."""
        if self.state is State.OPEN and self._clock() >= self._until:
            self._enter(State.HALF_OPEN)
            return self._era
        return self._era if self.state is State.CLOSED else None

    def settle(self, permit: int, *, good: bool | None) -> None:
        """Say how a call went; None says nothing about the service, as after a cancellation."""
        if permit != self._era:
            return  # admitted before the state changed: what it tells is known
        if self.state is State.HALF_OPEN:
            self._enter(State.CLOSED if good else State.OPEN)
            if good is None:
                self._until = self._clock()  # the next call may try
        elif good is not None and self._failing(failed=not good):
            self._enter(State.OPEN)

    def _failing(self, *, failed: bool) -> bool:
        """Count a result and tell whether too many of the last ones are failures."""
        slot = int(self._clock() / self._slot_s)
        if not self._window or self._window[-1][0] != slot:
            self._window.append([slot, 0, 0])
        while self._window[0][0] <= slot - _SLOTS:
            self._window.popleft()
        self._window[-1][1] += 1
        self._window[-1][2] += failed
        calls = sum(counts[1] for counts in self._window)
        failures = sum(counts[2] for counts in self._window)
        return calls >= self._least_calls and failures >= self._failure_share * calls

    def _enter(self, state: State) -> None:
        self.state = state
        self._era += 1
        self._until = self._clock() + self._open_s
        self._window.clear()


class RetryBudget:
    """Lets repeated calls be a share of all calls and no more: each one earns a part of a repeat.

    Args:
        share: of a repeat that one call earns.
        most: how many repeats can be saved up.
    """

    def __init__(self, share: float, most: float = 10.0) -> None:
        self._share = share
        self._most = most
        self._saved = 0.0

    def earn(self) -> None:
        """Count a call."""
        self._saved = min(self._most, self._saved + self._share)

    def spend(self) -> bool:
        """Take one repeat, if there is one."""
        if self._saved < 1:
            return False
        self._saved -= 1
        return True
