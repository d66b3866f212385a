"""How many requests are worked on at once, and how long the next ones may wait."""

import asyncio
import time
from collections import deque
from collections.abc import Callable

_STANDING = 0.05  # of the wait: what is left of it while the queue stands


class Gate:
    """Admits requests up to a limit; a few more wait for a moment, the rest are sent away.

    A queue takes up a burst. One that has not been empty for as long as a request may wait is no
    burst: whoever joins it would only be late. Then a request waits for a twentieth of that time,
    until the queue has been empty once (controlled delay, as CoDel has it for packets).

    Args:
        limit: most requests at once.
        queue: most requests that wait.
        wait_s: how long a request waits in a burst.
        clock: gives the time in seconds.
    """

    def __init__(
        self, limit: int, queue: int, wait_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.in_flight = 0
        self._limit = limit
        self._queue = queue
        self._wait_s = wait_s
        self._clock = clock
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._empty_at = clock()

    @property
    def queued(self) -> int:
        """How many requests wait."""
        return len(self._waiting)

    def admit(self) -> bool:
        """Take a place if one is free; nobody overtakes those that wait."""
        if self.in_flight >= self._limit or self._waiting:
            return False
        self.in_flight += 1
        return True

    async def wait(self) -> bool:
        """Wait for a place, and tell whether one became free in time."""
        if self.queued >= self._queue:
            return False
        if not self._waiting:
            self._empty_at = self._clock()
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(self._patience_s()):
                await turn
        except TimeoutError:
            return self._given(turn)
        except asyncio.CancelledError:
            if self._given(turn):
                self.leave()
            raise
        return True

    def leave(self) -> None:
        """Give a place back: to the one that waits longest, if there is one."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.in_flight -= 1

    def _patience_s(self) -> float:
        standing = self._clock() - self._empty_at > self._wait_s
        return self._wait_s * _STANDING if standing else self._wait_s

    def _given(self, turn: "asyncio.Future[None]") -> bool:
        """Step out of the queue; tell whether the place came at the very last moment."""
        if turn in self._waiting:
            self._waiting.remove(turn)
        return turn.done() and not turn.cancelled()
