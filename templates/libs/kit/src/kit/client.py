"""Calls to other services: bounded in time and number, repeated within a budget, stopped early.

One `Peer` stands for one service. What it raises is a `PeerError`; nobody else knows httpx2.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Annotated, TypeVar
from uuid import UUID
from weakref import WeakKeyDictionary

import httpx2
from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from pydantic import BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema, model_validator
from starlette.status import HTTP_404_NOT_FOUND, HTTP_429_TOO_MANY_REQUESTS
from starlette.types import ASGIApp

from kit import deadline, hosting, identity, logs
from kit.breaker import Breaker, RetryBudget
from kit.metrics import buckets
from kit.problems import Problem
from kit.resources import Resources
from kit.settings import Positive, ServiceSettings, Share

PeerUrl = Annotated[str, Field(pattern=r"^https?://[^/?#\s]+$")]
Parameter = str | int | float | Decimal | date | UUID | None
Send = Callable[[], Awaitable[httpx2.Response]]
RemoteT = TypeVar("RemoteT", bound="Remote")

_SERVER_ERROR = 500
_REPEATABLE = frozenset({"GET", "PUT", "DELETE"})
_REST = 0.2  # of the time that is left stays here, to answer without the peer
_FAIR = 0.5  # of the usual time: a call that had less says nothing about the peer
_IDLE_S = 30.0  # the peer closes an idle connection later than this

_tracer = trace.get_tracer("kit.client")
_propagator = TraceContextTextMapPropagator()


class CallerSettings(ServiceSettings):
    """What a service that calls others can be told besides; the same for all of its peers."""

    call_timeout_ms: Positive = 400
    call_queue_ms: Positive = 50
    call_attempts: Positive = 2
    call_backoff_ms: Positive = 25
    call_retry_share: Share = 0.1
    call_hedge_after_ms: Positive | None = None
    breaker_window_s: Positive = 10
    breaker_failure_share: Share = 0.5
    breaker_open_s: Positive = 5

    @model_validator(mode="after")
    def _calls_end_in_time(self) -> "CallerSettings":
        if self.call_timeout_ms >= self.request_deadline_ms:
            msg = (
                f"call_timeout_ms ({self.call_timeout_ms}) must be below request_deadline_ms "
                f"({self.request_deadline_ms}), or no time is left to answer without the peer"
            )
            raise ValueError(msg)
        return self


class PeerError(Problem):
    """A call that brought nothing. A route that does not handle it answers with it.

    Args:
        peer: the service that was called.
        what: went wrong, as the rest of a sentence about it.
    """

    outcome = "failed"

    def __init__(self, peer: str, what: str) -> None:
        super().__init__(
            503, "Service unavailable", detail=f"{peer} {what}.", headers={"Retry-After": "1"}
        )
        self.peer = peer


class PeerUnavailableError(PeerError):
    """The peer cannot be reached, or answers that it is in trouble.

    Args:
        peer: the service that was called.
        what: went wrong.
        retry_after_s: how long it asks not to be called again.
    """

    def __init__(self, peer: str, what: str, retry_after_s: float = 0) -> None:
        super().__init__(peer, what)
        self.retry_after_s = retry_after_s


class PeerTimeoutError(PeerUnavailableError):
    """The peer did not answer in time."""

    outcome = "timeout"


class PeerSkippedError(PeerUnavailableError):
    """The peer was not called: it failed too often, or too many calls wait for it already."""

    outcome = "rejected"


class PeerAnswerError(PeerError):
    """The peer answered, but not what was asked for.

    Args:
        peer: the service that was called.
        what: went wrong.
        status: of its answer.
    """

    def __init__(self, peer: str, what: str, status: int) -> None:
        super().__init__(peer, what)
        self.answered = status


RemoteDecimal = Annotated[Decimal, WithJsonSchema({"type": "string"})]


class Remote(BaseModel):
    """What another service answers, as far as this one looks at it: what it adds is ignored."""

    model_config = ConfigDict(
        extra="ignore", frozen=True, serialize_by_alias=True, validate_by_name=True
    )


class Body(BaseModel):
    """What another service is sent: members that are not set are left out."""

    model_config = ConfigDict(extra="forbid", serialize_by_alias=True, validate_by_name=True)


@dataclass(frozen=True, slots=True)
class Policy:
    """How the calls to one service are bounded; times in seconds.

    Args:
        timeout_s: of a call, its repeats included.
        in_flight: most calls at once.
        queue_s: how long a call waits for its turn.
        attempts: most tries of a call.
        backoff_s: the first repeat comes within this, the next one within twice as much.
        hedge_after_s: when a second try starts beside a first one that takes long; None for never.
    """

    timeout_s: float
    in_flight: int
    queue_s: float = 0.05
    attempts: int = 2
    backoff_s: float = 0.025
    hedge_after_s: float | None = None

    @classmethod
    def of(cls, settings: CallerSettings, in_flight: int) -> "Policy":
        """Return what the settings say."""
        hedge_ms = settings.call_hedge_after_ms
        return cls(
            timeout_s=settings.call_timeout_ms / 1000,
            in_flight=in_flight,
            queue_s=settings.call_queue_ms / 1000,
            attempts=settings.call_attempts,
            backoff_s=settings.call_backoff_ms / 1000,
            hedge_after_s=None if hedge_ms is None else hedge_ms / 1000,
        )


class CallMetrics:
    """The metrics of all calls of one app.

    Args:
        registry: of the app.
        slo_latency_ms: the latency objective, around which the buckets lie.
    """

    def __init__(self, registry: CollectorRegistry, slo_latency_ms: int) -> None:
        self.duration = Histogram(
            "http_client_request_duration_seconds",
            "Time of a call to another service, its repeats included.",
            ("peer", "outcome"),
            buckets=buckets(slo_latency_ms / 1000),
            registry=registry,
        )
        self.state = Gauge(
            "circuit_breaker_state", "0 closed, 1 half-open, 2 open.", ("peer",), registry=registry
        )
        self.retries = Counter(
            "http_client_retries", "Tries beyond the first.", ("peer",), registry=registry
        )
        self.rejected = Counter(
            "http_client_rejected", "Calls not made.", ("peer", "reason"), registry=registry
        )
        self.fallbacks = Counter(
            "http_client_fallbacks", "Answers without a peer's.", ("peer",), registry=registry
        )


class Peer:
    """One other service.

    Args:
        name: of the service, for logs and metrics.
        url: where it listens, without a path.
        policy: how calls are bounded.
        breaker: tells when to leave the service alone.
        budget: tells whether a call may be repeated.
        metrics: where calls are counted.
        app: the service itself, where it is a module of the same process.
    """

    def __init__(
        self,
        name: str,
        url: str,
        policy: Policy,
        *,
        breaker: Breaker,
        budget: RetryBudget,
        metrics: CallMetrics,
        app: ASGIApp | None = None,
    ) -> None:
        self.name = name
        self._policy = policy
        self._breaker = breaker
        self._budget = budget
        self._metrics = metrics
        self._turns = asyncio.Semaphore(policy.in_flight)
        self._client = httpx2.AsyncClient(
            base_url=url,
            transport=None if app is None else _InProcess(app),
            timeout=None,
            trust_env=False,
            limits=httpx2.Limits(
                max_connections=None,  # the turns are the limit
                max_keepalive_connections=policy.in_flight,
                keepalive_expiry=_IDLE_S,
            ),
        )
        metrics.state.labels(name).set_function(lambda: breaker.state)

    async def close(self) -> None:
        """Disconnect."""
        await self._client.aclose()

    def fell_back(self) -> None:
        """Count an answer that was made without this peer's."""
        self._metrics.fallbacks.labels(self.name).inc()

    async def find(self, kind: type[RemoteT], path: str) -> RemoteT | None:
        """Return the record at a path, or None if there is none.

        Raises:
            PeerError: there is no answer, or none that makes sense.
        """
        response = await self.call("GET", path)
        if response.status_code == HTTP_404_NOT_FOUND:
            return None
        return self._parsed(kind, response)

    async def fetch(
        self,
        kind: type[RemoteT],
        method: str,
        path: str,
        *,
        params: Mapping[str, Parameter] | None = None,
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> RemoteT:
        """Call an operation and return what it answers.

        Raises:
            PeerError: there is no answer, or none that makes sense.
        """
        response = await self.call(method, path, params=params, body=body, headers=headers)
        return self._parsed(kind, response)

    async def send(self, method: str, path: str, *, headers: Mapping[str, str]) -> None:
        """Call an operation that answers nothing but its success.

        Raises:
            PeerError: it did not succeed, as far as is known.
        """
        self._succeeded(await self.call(method, path, headers=headers))

    async def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Parameter] | None = None,
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx2.Response:
        """Make a call within the time that the current request has left.

        It is repeated if that is safe: a POST or PATCH with an Idempotency-Key only. A timeout is
        final, for it has used up the time.

        Raises:
            PeerError: there is no answer.
            DeadlineExceededError: the current request has no time left.
        """
        left = deadline.remaining()
        usual = self._policy.timeout_s
        seconds = usual if left is None else min(usual, left * (1 - _REST))
        end = time.monotonic() + seconds
        query = {name: _text(value) for name, value in (params or {}).items() if value is not None}
        given = dict(headers or {})
        if body is not None:
            given["Content-Type"] = "application/json"
        content = body.model_dump_json(exclude_unset=True) if body is not None else None

        async def send() -> httpx2.Response:
            request = self._client.build_request(
                method, path, params=query, content=content, headers=given
            )
            return await self._admitted(request, end, fair=seconds >= usual * _FAIR)

        repeatable = method in _REPEATABLE or "Idempotency-Key" in given
        began, outcome = time.perf_counter(), "cancelled"
        try:
            async with self._turn(min(self._policy.queue_s, seconds)):
                response = await (self._repeated(send, end) if repeatable else send())
            outcome = "answered"
        except PeerError as error:
            outcome = error.outcome
            raise
        finally:
            elapsed = time.perf_counter() - began
            self._metrics.duration.labels(self.name, outcome).observe(elapsed)
        return response

    @asynccontextmanager
    async def _turn(self, wait_s: float) -> AsyncIterator[None]:
        """Hold one of the calls in flight; a slow peer must not take all of this service's."""
        try:
            async with asyncio.timeout(wait_s):
                await self._turns.acquire()
        except TimeoutError as error:
            raise self._skipped("bulkhead", "has too many calls to answer already") from error
        try:
            yield
        finally:
            self._turns.release()

    async def _repeated(self, send: Send, end: float) -> httpx2.Response:
        """Try until there is an answer, or the tries, the budget or the time are used up."""
        self._budget.earn()
        attempt = 1
        while True:
            try:
                return await self._raced(send)
            except PeerSkippedError:
                raise
            except PeerUnavailableError as error:
                most_s = self._policy.backoff_s * 2 ** (attempt - 1)
                wait_s = random.uniform(0, most_s) + error.retry_after_s  # noqa: S311 - spreads them
                late = attempt == self._policy.attempts or time.monotonic() + wait_s >= end
                if late or not self._budget.spend():
                    raise
            attempt += 1
            self._metrics.retries.labels(self.name).inc()
            await asyncio.sleep(wait_s)

    async def _raced(self, send: Send) -> httpx2.Response:
        """Try; if hedging is on, once more beside a try that takes long. The first answer counts."""
        if self._policy.hedge_after_s is None:
            return await send()
        running = {asyncio.ensure_future(send())}
        try:
            await asyncio.wait(running, timeout=self._policy.hedge_after_s)
            if not any(task.done() for task in running) and self._budget.spend():
                self._metrics.retries.labels(self.name).inc()
                running.add(asyncio.ensure_future(send()))
            pending = set(running)
            while True:
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                best = min(done, key=lambda task: task.exception() is not None)
                if best.exception() is None or not pending:
                    return best.result()
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _admitted(
        self, request: httpx2.Request, end: float, *, fair: bool
    ) -> httpx2.Response:
        """Make one try if the breaker lets it, and tell the breaker how it went."""
        permit = self._breaker.admit()
        if permit is None:
            raise self._skipped(
                "circuit_open", "has failed too often and is left alone for a while"
            )
        good: bool | None = None  # a cancelled try says nothing
        try:
            response = await self._traced(request, end)
            good = response.status_code < _SERVER_ERROR
        except PeerTimeoutError:
            good = False if fair else None
            raise
        except PeerUnavailableError:
            good = False
            raise
        finally:
            self._breaker.settle(permit, good=good)
        if not good or response.status_code == HTTP_429_TOO_MANY_REQUESTS:
            what = f"answered {response.status_code}"
            raise PeerUnavailableError(self.name, what, _retry_after_s(response))
        return response

    async def _traced(self, request: httpx2.Request, end: float) -> httpx2.Response:
        """Send a request as a span of the current trace, with what the peer needs to know."""
        attributes = {
            "http.request.method": request.method,
            "server.address": request.url.host,
            "url.path": request.url.path,
            "peer.service": self.name,
        }
        with _tracer.start_as_current_span(
            request.method, kind=SpanKind.CLIENT, attributes=attributes, record_exception=False
        ) as span:
            left = end - time.monotonic()
            request.headers.update(_of_current_request(left))
            try:
                async with asyncio.timeout(left):
                    response = await self._client.send(request)
            except TimeoutError as error:
                raise PeerTimeoutError(self.name, "did not answer in time") from error
            except httpx2.TransportError as error:
                raise PeerUnavailableError(self.name, "cannot be reached") from error
            span.set_attribute("http.response.status_code", response.status_code)
            if response.is_error:
                span.set_status(Status(StatusCode.ERROR))
            return response

    def _skipped(self, reason: str, what: str) -> PeerSkippedError:
        self._metrics.rejected.labels(self.name, reason).inc()
        return PeerSkippedError(self.name, what)

    def _parsed(self, kind: type[RemoteT], response: httpx2.Response) -> RemoteT:
        self._succeeded(response)
        try:
            return kind.model_validate_json(response.content)
        except ValidationError as error:
            what = "answered something that its contract does not say"
            raise PeerAnswerError(self.name, what, response.status_code) from error

    def _succeeded(self, response: httpx2.Response) -> None:
        if not response.is_success:
            what = f"answered {response.status_code}"
            raise PeerAnswerError(self.name, what, response.status_code)


@dataclass(frozen=True, slots=True)
class _Known:
    """What one app has for its calls, however many parts of it make some."""

    metrics: CallMetrics
    peers: dict[str, Peer] = field(default_factory=dict)


_known: WeakKeyDictionary[CollectorRegistry, _Known] = WeakKeyDictionary()


class _InProcess(httpx2.AsyncBaseTransport):
    """Calls an app of this process; what that notes about its request is not the caller's."""

    def __init__(self, app: ASGIApp) -> None:
        self._transport = httpx2.ASGITransport(app, raise_app_exceptions=False)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return await asyncio.create_task(self._transport.handle_async_request(request))


class Peers:
    """Makes the peers of one app, which closes them when it ends.

    Args:
        resources: of the app.
        settings: the same as those of the resources, with what callers need.
    """

    def __init__(self, resources: Resources, settings: CallerSettings) -> None:
        registry = resources.metrics.registry
        if registry not in _known:
            _known[registry] = _Known(CallMetrics(registry, settings.slo_latency_ms))
        self._known = _known[registry]
        self._settings = settings
        self._closing = resources.closing

    def peer(self, name: str, url: str, *, in_flight: int, breaker_calls: int) -> Peer:
        """Return a peer that is bounded by the settings.

        Args:
            name: of the service.
            url: where it listens.
            in_flight: most calls to it at once.
            breaker_calls: how many results the breaker needs before it opens.
        """
        settings, place = self._settings, hosting.current()
        if name in self._known.peers:
            return self._known.peers[name]
        made = Peer(
            name,
            url,
            Policy.of(settings, in_flight),
            breaker=Breaker(
                window_s=settings.breaker_window_s,
                least_calls=breaker_calls,
                failure_share=settings.breaker_failure_share,
                open_s=settings.breaker_open_s,
            ),
            budget=RetryBudget(settings.call_retry_share),
            metrics=self._known.metrics,
            app=None if place is None else place.peers.get(name),
        )
        self._known.peers[name] = made
        self._closing.push_async_callback(made.close)
        return made


def _of_current_request(left_s: float) -> dict[str, str]:
    """Return the headers that a call takes over: time left, request id, trace, credential."""
    headers = {"X-Request-Timeout-Ms": str(max(1, int(left_s * 1000)))}
    request_id = logs.request_id.get()
    if request_id is not None:
        headers["X-Request-ID"] = request_id
    _propagator.inject(headers)
    credential = identity.current().credential
    if credential is not None:
        name, value = credential
        headers[name] = value
    return headers


def _retry_after_s(response: httpx2.Response) -> float:
    given = response.headers.get("Retry-After", "")
    return float(given) if given.isdecimal() else 0.0


def _text(value: Parameter) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, date) else str(value)
