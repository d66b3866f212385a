"""Load on the API of a service with locust: the mix of operations and the thresholds."""

import json
import logging
import os
import random
import urllib.request
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Protocol
from uuid import uuid4

from locust import FastHttpUser, events, task
from locust.env import Environment

Body = dict[str, Any]

_log = logging.getLogger(__name__)


class Known(Protocol):
    """Gives the id of a record to refer to."""

    def __call__(self, path: str, *, fresh: bool = False) -> str:
        """Return the newest record at the path; if fresh, one that nothing refers to yet."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of record and how often each operation on it is asked for."""

    path: str
    new: Callable[[Known], Body]
    shares: dict[str, float]
    referred_to: bool = False


@dataclass(slots=True)
class _Record:
    identity: str
    version: int = 1

    @property
    def match(self) -> dict[str, str]:
        return {"If-Match": f'"{self.version}"'}


class RecordUser(FastHttpUser):
    """Works on records of its own, so that no change meets another user's."""

    abstract = True
    kinds: ClassVar[Sequence[Kind]]

    def on_start(self) -> None:
        """Create a record of each kind, parents first."""
        self._records: dict[str, list[_Record]] = {kind.path: [] for kind in self.kinds}
        for kind in self.kinds:
            self.create(kind)

    @task
    def operate(self) -> None:
        """Do one operation of the mix."""
        choices = [(kind, name) for kind in self.kinds for name in kind.shares]
        weights = [kind.shares[name] for kind, name in choices]
        kind, name = random.choices(choices, weights)[0]  # noqa: S311 - a load profile
        getattr(self, name)(kind)

    def list(self, kind: Kind) -> None:
        """Read the first page."""
        self.client.get(kind.path, name=f"GET {kind.path}")

    def create(self, kind: Kind) -> None:
        """Create a record."""
        body = kind.new(self._known)
        answer = self.client.post(kind.path, json=body, name=f"POST {kind.path}")
        if answer.status_code == 201:  # noqa: PLR2004
            self._records[kind.path].append(_Record(answer.json()["id"]))

    def _known(self, path: str, *, fresh: bool = False) -> str:
        if fresh:
            self.create(next(kind for kind in self.kinds if kind.path == path))
        return self._records[path][-1].identity

    def read(self, kind: Kind) -> None:
        """Read a record."""
        record = random.choice(self._records[kind.path])  # noqa: S311 - a load profile
        self.client.get(f"{kind.path}/{record.identity}", name=f"GET {kind.path}/:id")

    def update(self, kind: Kind) -> None:
        """Change a record."""
        record = self._records[kind.path][-1]
        answer = self.client.patch(
            f"{kind.path}/{record.identity}",
            json={},
            headers=record.match,
            name=f"PATCH {kind.path}/:id",
        )
        if answer.status_code == 200:  # noqa: PLR2004
            record.version += 1

    def delete(self, kind: Kind) -> None:
        """Delete the newest record, as long as one is left and nothing may refer to it."""
        if kind.referred_to or len(self._records[kind.path]) == 1:
            return self.create(kind)
        record = self._records[kind.path].pop()
        self.client.delete(
            f"{kind.path}/{record.identity}",
            headers=record.match,
            name=f"DELETE {kind.path}/:id",
        )
        return None


def authenticate(headers: dict[str, str]) -> None:
    """Send these headers with every request."""
    RecordUser.default_headers = headers


def elsewhere(variable: str, path: str) -> str:
    """Return a record of the service whose URL the variable holds; without one, an id of none."""
    url = os.environ.get(variable)
    ids = _ids(url + path) if url else ()
    return random.choice(ids or (str(uuid4()),))  # noqa: S311 - a load profile


@lru_cache
def _ids(url: str) -> tuple[str, ...]:
    request = urllib.request.Request(  # noqa: S310 - a peer
        f"{url}?limit=100", headers=RecordUser.default_headers or {}
    )
    with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310 - a peer
        return tuple(item["id"] for item in json.load(reply)["items"])


def thresholds(*, users: int, p99_ms: float, errors: float) -> None:
    """Set the default number of users, and the exit code by latency and share of errors."""

    @events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]
    def defaults(parser: ArgumentParser) -> None:
        parser.set_defaults(num_users=users, spawn_rate=max(1, users / 10), run_time="60s")

    @events.quitting.add_listener  # type: ignore[untyped-decorator]
    def judge(environment: Environment, **_more: object) -> None:
        total = environment.stats.total
        p99 = total.get_response_time_percentile(0.99) or 0
        _log.info("p99 %.0f ms of %.0f, errors %.3f %%", p99, p99_ms, 100 * total.fail_ratio)
        missed = p99 > p99_ms or total.fail_ratio > errors or total.num_requests == 0
        environment.process_exit_code = 1 if missed else 0
