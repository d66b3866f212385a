"""Access tokens of an OpenID Connect issuer (RFC 9068, RFC 8725)."""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Self
from urllib.parse import urlsplit
from uuid import UUID

import httpx2
import jwt
from pydantic import model_validator

from kit.auth.jwks import Keys, UnknownKeyError
from kit.guard import RefusedError
from kit.identity import Principal
from kit.settings import LOCAL, ServiceSettings

ALGORITHMS = ("ES256", "PS256", "RS256")
_LEEWAY_S = 30
_LONGEST = 8192
_REMEMBERED = 4096
_REQUIRED = ["aud", "exp", "iss", "sub"]

# PyJWT's errors, the narrower ones first, as the metric and the caller are told of them.
_REASONS: tuple[tuple[type[jwt.PyJWTError], str, str], ...] = (
    (jwt.ExpiredSignatureError, "expired", "The token has expired."),
    (jwt.ImmatureSignatureError, "not_yet", "The token is not valid yet."),
    (jwt.InvalidAudienceError, "audience", "The token is meant for somebody else."),
    (jwt.InvalidIssuerError, "issuer", "The token comes from another issuer."),
    (jwt.MissingRequiredClaimError, "claims", "The token lacks a claim."),
    (jwt.InvalidSignatureError, "signature", "The signature of the token is wrong."),
    (jwt.PyJWTError, "malformed", "The token is malformed."),
)


class TokenSettings(ServiceSettings):
    """Whose tokens are believed."""

    oidc_issuer: str
    oidc_audience: str
    oidc_jwks_url: str | None = None
    """Where the issuer's keys are; None for where its configuration says."""
    oidc_roles_claim: str = "roles"
    """Where a token names its roles; dots lead into objects, as in realm_access.roles."""
    oidc_tenant_claim: str = "tenant_id"
    oidc_timeout_ms: int = 2000

    @model_validator(mode="after")
    def _issuer_is_safe(self) -> Self:
        for name in () if self.environment in LOCAL else ("oidc_issuer", "oidc_jwks_url"):
            url: str | None = getattr(self, name)
            if url is not None and urlsplit(url).scheme != "https":
                msg = f"{name} must be an https URL: whoever sits in between could hand out keys"
                raise ValueError(msg)
        return self


class Tokens:
    """Verifies bearer tokens, each in full once and from memory until it expires.

    Args:
        settings: issuer and audience.
        roles: the scopes of each role that a token may name.
    """

    header = "Authorization"
    challenge = "Bearer"
    scheme: Mapping[str, Mapping[str, str]] = {
        "oidc": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    }

    def __init__(self, settings: TokenSettings, roles: Mapping[str, frozenset[str]]) -> None:
        self._settings = settings
        self._roles = roles
        self._keys: Keys | None = None
        self._verified: OrderedDict[bytes, tuple[float, Principal]] = OrderedDict()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep the issuer's keys fresh."""
        timeout_s = self._settings.oidc_timeout_ms / 1000
        async with httpx2.AsyncClient(timeout=timeout_s) as client:
            issuer, jwks_url = self._settings.oidc_issuer, self._settings.oidc_jwks_url
            self._keys = Keys(client, issuer, self._verified.clear, jwks_url=jwks_url)
            watch = asyncio.create_task(self._keys.watch())
            try:
                yield
            finally:
                watch.cancel()
                await asyncio.gather(watch, return_exceptions=True)
                await self._keys.close()

    async def authenticate(self, header: str) -> Principal:
        """Return whom the token stands for; see Authenticator."""
        kind, _, token = header.partition(" ")
        token = token.strip()
        if kind.lower() != "bearer" or not token or len(token) > _LONGEST:
            raise RefusedError("malformed", "A bearer token is expected.")
        digest = hashlib.sha256(token.encode()).digest()
        known = self._verified.get(digest)
        if known is not None and time.time() < known[0]:
            self._verified.move_to_end(digest)
            return known[1]
        claims = await self._claims(token)
        principal = self._principal(claims, token)
        self._verified[digest] = (claims["exp"] + _LEEWAY_S, principal)
        self._verified.move_to_end(digest)
        if len(self._verified) > _REMEMBERED:
            self._verified.popitem(last=False)
        return principal

    async def _claims(self, token: str) -> dict[str, Any]:
        assert self._keys is not None  # noqa: S101 - requests come while it runs
        try:
            head = jwt.get_unverified_header(token)
        except jwt.PyJWTError:
            raise RefusedError("malformed", "The token is malformed.") from None
        algorithm, key_id = head.get("alg"), head.get("kid")
        if algorithm not in ALGORITHMS:
            raise RefusedError("algorithm", "The algorithm of the token is not allowed.")
        if not isinstance(key_id, str):
            raise RefusedError("key", "The token does not name its key.")
        try:
            key = await self._keys.get(key_id)
        except UnknownKeyError:
            raise RefusedError("key", "The key of the token is unknown.") from None
        if key.algorithm_name != algorithm:
            raise RefusedError("algorithm", "The key of the token is for another algorithm.")
        return self._decoded(token, key)

    def _decoded(self, token: str, key: jwt.PyJWK) -> dict[str, Any]:
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                audience=self._settings.oidc_audience,
                issuer=self._settings.oidc_issuer,
                leeway=_LEEWAY_S,
                options={"require": _REQUIRED},
            )
        except jwt.PyJWTError as error:
            raise next(
                RefusedError(reason, detail)
                for kind, reason, detail in _REASONS
                if isinstance(error, kind)
            ) from None
        return claims

    def _principal(self, claims: dict[str, Any], token: str) -> Principal:
        if not claims["sub"]:  # whose the records are that nobody owns
            raise RefusedError("claims", "The token names nobody.")
        scopes = _words(claims.get("scope")) | _words(claims.get("scp"))
        for role in _words(_inside(claims, self._settings.oidc_roles_claim)):
            scopes |= self._roles.get(role, frozenset())
        return Principal(
            subject=claims["sub"],
            scopes=scopes,
            tenant=_tenant(claims.get(self._settings.oidc_tenant_claim)),
            credential=("Authorization", f"Bearer {token}"),
        )


def _words(claim: object) -> frozenset[str]:
    """Read a claim that issuers write as "a b" or as ["a", "b"]."""
    if isinstance(claim, str):
        return frozenset(claim.split())
    if isinstance(claim, list):
        return frozenset(word for word in claim if isinstance(word, str))
    return frozenset()


def _inside(claims: dict[str, Any], path: str) -> object:
    if path in claims:  # a name with dots of its own, as https://example.com/roles
        return claims[path]
    found: object = claims
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _tenant(claim: object) -> UUID | None:
    if claim is None:
        return None
    try:
        return UUID(str(claim))
    except ValueError:
        raise RefusedError("claims", "The tenant of the token is no UUID.") from None
