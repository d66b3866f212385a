"""Asks a running system whether it works: the probes, then a record of every kind, there and back.

    python scripts/smoke.py SERVICE=http://127.0.0.1:8001 …
    python scripts/smoke.py --public SERVICE=https://example.com …

Each record is created, read, changed, listed and deleted again, with what it refers to. Ends with
exit code 1 when an answer was not the expected one.
"""

import argparse
import asyncio
import importlib.util
import secrets
import sys
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

import httpx2

from kit.testing.records import Body, Entity, look_elsewhere, serials_from

ROOT = Path(__file__).resolve().parent.parent
PROBES = ("/livez", "/readyz", "/startupz")
TIMEOUT_S = 10
ATTEMPTS = 3  # to find values that no record of the system has yet
ROOM = 10_000  # records of a kind that must fit: a unique enum may be used up in a real system


@dataclass(frozen=True)
class Target:
    """A service and where it is."""

    name: str
    url: str

    @classmethod
    def parse(cls, text: str) -> "Target":
        """Read NAME=URL."""
        name, _, url = text.partition("=")
        if not url.startswith(("http://", "https://")):
            raise argparse.ArgumentTypeError(f"{text}: NAME=URL is expected")
        if not (ROOT / "services" / name).is_dir():
            raise argparse.ArgumentTypeError(f"{name}: there is no such service")
        return cls(name, url)

    def kinds(self) -> list[Entity]:
        """Return the kinds of record that the service's own tests make."""
        path = ROOT / "services" / self.name / "tests/conftest.py"
        spec = importlib.util.spec_from_file_location(f"{self.name}_records", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        kinds: list[Entity] = module.ENTITIES
        return kinds


class UnexpectedError(Exception):
    """The system answered, but not as it should."""


@dataclass
class Check:
    """The conversation with one service."""

    target: Target
    client: httpx2.AsyncClient
    requests: int = 0
    made: list[str] = field(default_factory=list)
    """Where the records are that this run made and has not deleted."""

    async def ask(
        self,
        method: str,
        path: str,
        *expected: HTTPStatus,
        body: Body | None = None,
        etag: str = "",
    ) -> httpx2.Response:
        """Send a request, say what came back and raise where that was not expected."""
        headers = {"If-Match": etag} if etag else {}
        answer = await self.client.request(method, path, json=body, headers=headers)
        good = answer.status_code in expected
        self.say("ok" if good else "FAIL", f"{method} {path} {answer.status_code}")
        if not good:
            wanted = " or ".join(str(status.value) for status in expected)
            raise UnexpectedError(f"{wanted} was expected: {answer.text[:500]}")
        return answer

    def say(self, verdict: str, text: str) -> None:
        """Print one line about the service."""
        print(f"{self.target.name:<20} {verdict:<4} {text}", flush=True)

    async def note(self, answer: httpx2.Response) -> None:
        """Count an answer and remember what it made, whoever asked."""
        self.requests += 1
        if answer.status_code == HTTPStatus.CREATED:
            self.made.append(answer.headers["Location"])

    async def cycle(self, entity: Entity) -> None:
        """Create, read, change, list and delete one record."""
        created, body = await self.create(entity)
        path = created.headers["Location"]
        read = await self.ask("GET", path, HTTPStatus.OK)
        if read.json() != created.json():
            raise UnexpectedError(f"created {created.text}\nread {read.text}")
        etag = read.headers["ETag"]
        changed = await self.ask("PATCH", path, HTTPStatus.OK, body=body, etag=etag)
        await self.ask("GET", f"{entity.path}?limit=1", HTTPStatus.OK)
        await self.ask("DELETE", path, HTTPStatus.NO_CONTENT, etag=changed.headers["ETag"])
        self.made.remove(path)
        await self.ask("GET", path, HTTPStatus.NOT_FOUND)

    async def create(self, entity: Entity) -> tuple[httpx2.Response, Body]:
        """Create a record; return the answer and a body to change it to."""
        change = await entity.new(self.client)
        for _ in range(ATTEMPTS - 1):
            body = await entity.new(self.client)
            expected = (HTTPStatus.CREATED, HTTPStatus.CONFLICT)
            answer = await self.ask("POST", entity.path, *expected, body=body)
            if answer.status_code == HTTPStatus.CREATED:
                return answer, change
        body = await entity.new(self.client)
        return await self.ask("POST", entity.path, HTTPStatus.CREATED, body=body), change

    async def clean(self) -> None:
        """Delete what is left, the newest first: it may refer to older records."""
        for path in self.made[::-1]:
            try:
                found = await self.ask("GET", path, HTTPStatus.OK)
                await self.ask("DELETE", path, HTTPStatus.NO_CONTENT, etag=found.headers["ETag"])
            except (UnexpectedError, httpx2.HTTPError):
                self.say("left", path)
            else:
                self.made.remove(path)

    async def run(self, *, probes: bool) -> None:
        """Ask everything."""
        for path in PROBES if probes else ():
            await self.ask("GET", path, HTTPStatus.OK)
        try:
            for entity in self.target.kinds():
                if entity.capacity >= ROOM:
                    await self.cycle(entity)
                else:
                    await self.ask("GET", f"{entity.path}?limit=1", HTTPStatus.OK)
        finally:
            await self.clean()
        if self.made:
            raise UnexpectedError(f"{len(self.made)} records could not be deleted")


class Elsewhere:
    """Finds, for a record of one service, the records of others that it refers to."""

    def __init__(self, targets: list[Target]) -> None:
        self._targets = {target.name: target for target in targets}
        self._checks: list[Check] = []

    async def find(self, service: str, path: str) -> str:
        """Return the id of a record, made for the purpose if there is none."""
        target = self._targets.get(service)
        if target is None:
            raise UnexpectedError(f"records of {service} are referred to: name its URL too")
        check = Check(target, httpx2.AsyncClient(base_url=target.url, timeout=TIMEOUT_S))
        self._checks.append(check)
        items = (await check.ask("GET", f"{path}?limit=1", HTTPStatus.OK)).json()["items"]
        if items:
            return str(items[0]["id"])
        check.client.event_hooks = {"response": [check.note]}
        entity = next(entity for entity in target.kinds() if entity.path == path)
        answer, _ = await check.create(entity)
        return str(answer.json()["id"])

    async def clean(self) -> None:
        """Delete what was made, the newest first."""
        for check in self._checks[::-1]:
            await check.clean()
            await check.client.aclose()


async def smoke(targets: list[Target], *, probes: bool) -> int:
    """Check one service after the other; return the exit code."""
    serials_from(secrets.randbelow(10**9))  # the system may hold records of earlier runs
    elsewhere = Elsewhere(targets)
    look_elsewhere(elsewhere.find)
    failed = []
    requests = 0
    for target in targets:
        async with httpx2.AsyncClient(base_url=target.url, timeout=TIMEOUT_S) as client:
            check = Check(target, client)
            client.event_hooks = {"response": [check.note]}
            try:
                await check.run(probes=probes)
            except (UnexpectedError, AssertionError, httpx2.HTTPError) as reason:
                check.say("FAIL", f"{target.url}: {str(reason) or type(reason).__name__}")
                failed.append(target.name)
            requests += check.requests
    await elsewhere.clean()
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
        return 1
    print(f"all good: {len(targets)} services, {requests} requests")
    return 0


def main() -> int:
    """Read the command line and check the system."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--public", action="store_true", help="the URLs are a gateway's, which publishes no probes"
    )
    parser.add_argument("targets", nargs="+", type=Target.parse, metavar="SERVICE=URL")
    options = parser.parse_args()
    return asyncio.run(smoke(options.targets, probes=not options.public))


if __name__ == "__main__":
    sys.exit(main())
