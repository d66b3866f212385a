"""What stands before every route: who calls, whether too often, and whether they may."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any, Protocol

from prometheus_client import Counter
from starlette.requests import Request

from kit import health
from kit.identity import ANONYMOUS, Principal, become
from kit.logs import get_logger
from kit.problems import Problem, too_many
from kit.resources import Resources

_IPV6_SITE = 64  # a home or an office gets that many bits and may use every address below them
_READS = frozenset({"GET", "HEAD"})
_METHODS = frozenset({"get", "put", "post", "delete", "patch"})
_ADMITTED = "kit.admitted"

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Access:
    """Who may do what, as data.

    Args:
        scopes: the scope that each operation takes, by operationId; None for any known caller.
        roles: the scopes of each role.
        public: operations that anyone may call.
    """

    scopes: Mapping[str, str | None]
    roles: Mapping[str, frozenset[str]] = field(default_factory=dict)
    public: frozenset[str] = frozenset()


class RefusedError(Exception):
    """Credentials that prove nothing.

    Args:
        reason: a word for the metric and the log, never a part of the credentials.
        detail: what the caller is told.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


class Authenticator(Protocol):
    """Tells who calls by what a request carries."""

    header: str
    """The request header that holds the credentials."""
    challenge: str
    """The scheme that WWW-Authenticate names."""
    scheme: Mapping[str, Mapping[str, str]]
    """The OpenAPI security scheme, under its name."""

    async def authenticate(self, header: str) -> Principal:
        """Return who calls.

        Raises:
            RefusedError: the credentials prove nothing.
            Problem: 503, nobody can tell at the moment.
        """

    def running(self) -> AbstractAsyncContextManager[None]:
        """Return the context in which it works."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request is within its limits: the seconds to wait, and what the client is told."""

    wait_s: int
    headers: Mapping[str, str]


class Limiter(Protocol):
    """Counts the requests of each client."""

    def use(self, resources: Resources) -> None:
        """Count with what the service holds from now on."""

    async def admit(self, client: str, operation: str | None) -> Verdict:
        """Count a request; `operation` names one that has a limit of its own."""


class Guard:
    """The dependency of every route: authenticates, limits and authorizes, in this order.

    Probes pass. A route that `access` does not name is refused, so one that was forgotten is
    closed, not open.

    Args:
        authenticator: None lets in whoever calls.
        access: what an operation takes; read only with an authenticator.
        limiter: None lets everyone call as often as they like.
        trusted_hops: how many proxies in front of the service are believed about the client.
        tenants: whether a caller has to act for a tenant.
    """

    def __init__(
        self,
        *,
        authenticator: Authenticator | None = None,
        access: Access | None = None,
        limiter: Limiter | None = None,
        trusted_hops: int = 0,
        tenants: bool = False,
    ) -> None:
        self._authenticator = authenticator
        self._access = access or Access({})
        self._limiter = limiter
        self._trusted_hops = trusted_hops
        self._tenants = tenants
        self._failures: Counter | None = None
        self._limited: Counter | None = None

    @property
    def request_headers(self) -> tuple[str, ...]:
        """The request headers that it reads, for CORS."""
        return (self._authenticator.header,) if self._authenticator else ()

    @property
    def response_headers(self) -> tuple[str, ...]:
        """The response headers that it adds, for CORS."""
        limits = ("RateLimit", "RateLimit-Policy") if self._limiter else ()
        return (*limits, "WWW-Authenticate") if self._authenticator else limits

    @property
    def statuses(self) -> tuple[int, ...]:
        """The statuses that it may answer with."""
        scoped = self._authenticator and (self._tenants or any(self._access.scopes.values()))
        return (
            *((401,) if self._authenticator else ()),
            *((403,) if scoped else ()),
            *((429,) if self._limiter else ()),
        )

    @asynccontextmanager
    async def running(self, resources: Resources) -> AsyncIterator[None]:
        """Work with these resources."""
        registry = resources.metrics.registry
        async with AsyncExitStack() as stack:
            if self._authenticator:
                self._failures = Counter(
                    "auth_failures",
                    "Requests that were not let in.",
                    ("reason",),
                    registry=registry,
                )
                await stack.enter_async_context(self._authenticator.running())
            if self._limiter:
                self._limited = Counter(
                    "rate_limited_requests", "Requests above a limit.", registry=registry
                )
                self._limiter.use(resources)
            yield

    async def __call__(self, request: Request) -> None:
        """Let a request through, once, or raise the problem that answers it."""
        route = request.scope["route"]
        if route.path in health.PATHS or _ADMITTED in request.scope:
            return
        operation: str = route.operation_id or ""
        try:
            principal = await self._authenticated(request, operation)
        except RefusedError as refused:
            await self._limit(request, ANONYMOUS, operation)
            self._count(refused.reason)
            raise self._unauthorized(refused) from None
        await self._limit(request, principal, operation)
        self._authorize(principal, operation)
        become(principal)
        request.scope[_ADMITTED] = True

    async def _authenticated(self, request: Request, operation: str) -> Principal:
        if self._authenticator is None:
            return ANONYMOUS
        given = request.headers.get(self._authenticator.header)
        if given is not None:
            return await self._authenticator.authenticate(given)
        if operation in self._access.public:
            return ANONYMOUS
        raise RefusedError("missing", "The request carries no credentials.")

    async def _limit(self, request: Request, principal: Principal, operation: str) -> None:
        if self._limiter is None:
            return
        known = principal is not ANONYMOUS
        client = f"subject:{principal.subject}" if known else f"address:{self._address(request)}"
        verdict = await self._limiter.admit(client, None if request.method in _READS else operation)
        headers = request.scope.setdefault("kit.response_headers", [])
        headers += [(k.lower().encode(), v.encode()) for k, v in verdict.headers.items()]
        if verdict.wait_s > 0:
            if self._limited:
                self._limited.inc()
            raise too_many(verdict.wait_s)

    def _authorize(self, principal: Principal, operation: str) -> None:
        if self._authenticator is None or operation in self._access.public:
            return
        if operation not in self._access.scopes:
            self._count("closed")
            raise Problem(403, "Forbidden", detail="Nobody may call this operation.")
        scope = self._access.scopes[operation]
        if scope is not None and scope not in principal.scopes:
            self._count("scope")
            challenge = (
                f'{self._authenticator.challenge} error="insufficient_scope", scope="{scope}"'
            )
            raise Problem(
                403,
                "Forbidden",
                detail=f"The scope {scope} is needed.",
                headers={"WWW-Authenticate": challenge},
            )
        if self._tenants and principal.tenant is None:
            self._count("tenant")
            raise Problem(403, "Forbidden", detail="The credentials name no tenant.")

    def _unauthorized(self, refused: RefusedError) -> Problem:
        assert self._authenticator is not None  # noqa: S101 - it was the one that refused
        challenge = self._authenticator.challenge
        if refused.reason != "missing":
            challenge += f' error="invalid_token", error_description="{refused.detail}"'
        headers = {"WWW-Authenticate": challenge}
        return Problem(401, "Unauthorized", detail=refused.detail, headers=headers)

    def _count(self, reason: str) -> None:
        if self._failures:
            self._failures.labels(reason).inc()
        _log.warning("request_refused", reason=reason)

    def _address(self, request: Request) -> str:
        """Return the client's address, or the network of its site for IPv6.

        Each trusted proxy appends the address that it saw to X-Forwarded-For; whatever stands
        before theirs, the client may have invented.
        """
        seen = [] if request.client is None else [request.client.host]
        for header in reversed(request.headers.getlist("x-forwarded-for")):
            seen += [part.strip() for part in reversed(header.split(","))]
        text = seen[min(self._trusted_hops, len(seen) - 1)] if seen else ""
        try:
            address = ip_address(text)
        except ValueError:
            return "unknown"
        if isinstance(address, IPv6Address):
            return str(ip_network((address, _IPV6_SITE), strict=False))
        return str(address)

    def describe(self, document: dict[str, Any]) -> None:
        """Add to an OpenAPI document what each operation takes."""
        if self._authenticator is None:
            return
        (name,) = self._authenticator.scheme
        document.setdefault("components", {})["securitySchemes"] = dict(self._authenticator.scheme)
        for path in document["paths"].values():
            for method in _METHODS & path.keys():
                operation = path[method].get("operationId", "")
                scope = self._access.scopes.get(operation)
                needed = [{name: [scope] if scope else []}]
                path[method]["security"] = [] if operation in self._access.public else needed
