"""API keys: random, stored as hashes, and rotated by adding a new one before the old one goes.

    python -m kit.auth.keys CLIENT [--roles ROLE,ROLE] [--scopes SCOPE,SCOPE] [--tenant UUID]
        [--expires 2030-01-31]

makes a key. The service gets the lines of all keys as its secret `api_keys`, one key a line:

    CLIENT sha256:HASH roles=ROLE,ROLE scopes=SCOPE,SCOPE tenant=UUID expires=2030-01-31

A key has 256 bits of chance, so a plain hash of it cannot be turned back, and needs no salt. A
client with two lines may use either key: hand out the new one, then take out the old line.
"""

import argparse
import asyncio
import hashlib
import re
import secrets
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Self
from uuid import UUID

from pydantic import SecretStr, model_validator

from kit.guard import RefusedError
from kit.identity import Principal
from kit.logs import get_logger
from kit.settings import ServiceSettings, secret

HEADER = "X-API-Key"
RELOAD_S = 10.0
"""How often the mounted secret is looked at."""
_PREFIX = "key_"  # lets scanners of secrets find one that was leaked
_BYTES = 32
_HASH = re.compile(r"sha256:([0-9a-f]{64})")
_CLIENT = re.compile(r"[A-Za-z0-9._@-]{1,100}")
_LIST = re.compile(r"[^\s,=]+(,[^\s,=]+)*")

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of one key."""

    client: str
    roles: frozenset[str] = frozenset()
    tenant: UUID | None = None
    expires: date | None = None
    scopes: frozenset[str] = frozenset()
    """What it may do beside what its roles say."""

    def line(self, hashed: str) -> str:
        """Return the line of the secret."""
        parts = [self.client, f"sha256:{hashed}"]
        if self.roles:
            parts.append(f"roles={','.join(sorted(self.roles))}")
        if self.scopes:
            parts.append(f"scopes={','.join(sorted(self.scopes))}")
        if self.tenant:
            parts.append(f"tenant={self.tenant}")
        if self.expires:
            parts.append(f"expires={self.expires}")
        return " ".join(parts)


class KeySettings(ServiceSettings):
    """Whose keys are believed."""

    api_keys: SecretStr
    """The lines of the keys."""

    @model_validator(mode="after")
    def _keys_are_readable(self) -> Self:
        parsed(self.api_keys.get_secret_value())
        return self


class ApiKeys:
    """Looks keys up by their hash; follows the mounted secret when that changes.

    Args:
        settings: the keys at the start.
        roles: the scopes of each role that a key may have.
    """

    header = HEADER
    challenge = "ApiKey"
    scheme: Mapping[str, Mapping[str, str]] = {
        "apiKey": {"type": "apiKey", "in": "header", "name": HEADER}
    }

    def __init__(self, settings: KeySettings, roles: Mapping[str, frozenset[str]]) -> None:
        self._text = settings.api_keys.get_secret_value()
        self._entries = parsed(self._text)
        self._roles = roles

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow the mounted secret."""
        watch = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)

    async def authenticate(self, header: str) -> Principal:
        """Return whose key it is; see Authenticator."""
        entry = self._entries.get(hashed(header))
        if entry is None:
            raise RefusedError("unknown", "The key is unknown.")
        if entry.expires is not None and datetime.now(UTC).date() >= entry.expires:
            raise RefusedError("expired", "The key has expired.")
        scopes = entry.scopes.union(*(self._roles.get(role, ()) for role in entry.roles))
        return Principal(entry.client, scopes, entry.tenant, (HEADER, header))

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(RELOAD_S)
            self.reload()

    def reload(self) -> None:
        """Take over what the secret says by now; one that cannot be read changes nothing."""
        try:
            text = secret("api_keys")
            if text is None or text == self._text:
                return
            self._entries, self._text = parsed(text), text
        except (OSError, ValueError) as error:
            _log.error("api_keys_unreadable", error=str(error))
        else:
            _log.info("api_keys_reloaded", keys=len(self._entries))


def hashed(key: str) -> str:
    """Return the hash by which a key is stored."""
    return hashlib.sha256(key.encode()).hexdigest()


def parsed(text: str) -> dict[str, Entry]:
    """Return the keys of a secret by their hashes.

    Raises:
        ValueError: a line cannot be read; the message names it by its number alone.
    """
    entries: dict[str, Entry] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        try:
            client, given, *options = words
            told = dict(option.split("=", 1) for option in options)
            found = _HASH.fullmatch(given)
            if found is None or _CLIENT.fullmatch(client) is None:
                raise ValueError  # noqa: TRY301 - as for everything else that is wrong here
            entries[found[1]] = _entry(client, told)
        except (TypeError, ValueError):
            msg = f"api_keys: line {number} is not CLIENT sha256:HASH name=value …"
            raise ValueError(msg) from None
    if not entries:
        msg = "api_keys: there is no key, so nobody could call the service"
        raise ValueError(msg)
    return entries


def _entry(client: str, told: dict[str, str]) -> Entry:
    tenant, expires = told.pop("tenant", ""), told.pop("expires", "")
    roles, scopes = _listed(told.pop("roles", "")), _listed(told.pop("scopes", ""))
    if told:
        raise ValueError
    return Entry(
        client,
        roles,
        UUID(tenant) if tenant else None,
        date.fromisoformat(expires) if expires else None,
        scopes,
    )


def _listed(text: str) -> frozenset[str]:
    if not text:
        return frozenset()
    if _LIST.fullmatch(text) is None:
        raise ValueError
    return frozenset(text.split(","))


def new(entry: Entry) -> tuple[str, str]:
    """Return a new key for a client, and its line."""
    key = _PREFIX + secrets.token_urlsafe(_BYTES)
    return key, entry.line(hashed(key))


def main(arguments: Sequence[str] | None = None) -> int:
    """Make a key and print it, once."""
    parser = argparse.ArgumentParser(prog="python -m kit.auth.keys", description="Make an API key.")
    parser.add_argument("client", help="who gets it")
    parser.add_argument("--roles", default="", help="its roles, separated by commas")
    parser.add_argument("--scopes", default="", help="its scopes, separated by commas")
    parser.add_argument("--tenant", type=UUID, help="the customer for whom it acts")
    parser.add_argument("--expires", type=date.fromisoformat, help="the first day it is refused")
    given = parser.parse_args(arguments)
    if _CLIENT.fullmatch(given.client) is None:
        parser.error("the name of a client is made of letters, digits and . _ @ -")
    try:
        roles, scopes = _listed(given.roles), _listed(given.scopes)
    except ValueError:
        parser.error("roles and scopes are separated by commas alone")
    key, line = new(Entry(given.client, roles, given.tenant, given.expires, scopes))
    sys.stderr.write("The key, for the client alone, and the line for the secret api_keys:\n")
    sys.stdout.write(f"{key}\n{line}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
