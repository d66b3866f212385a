"""The one middleware: what every request passes on its way in and out."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kit import deadline, health, identity, logs
from kit.ids import uuid7
from kit.logs import get_logger
from kit.metrics import Metrics
from kit.problems import Problem, busy, internal, timed_out, too_large
from kit.settings import ServiceSettings
from kit.shedding import Gate

_SERVER_ERROR = 500
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_MILLISECONDS = re.compile(rb"[1-9]\d{0,8}")
_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"private, no-cache"),
]

_log = get_logger(__name__)
_propagator = TraceContextTextMapPropagator()


class Edge:
    """Gives each request an id, a span, a deadline and limits; measures and logs it.

    It is outermost, so whatever happens inside ends as a response of its making at the latest:
    an exception that nothing handled becomes a 500 problem, and its trace goes to the log only.

    Args:
        app: the rest of the stack.
        settings: deadline and limits.
        metrics: where requests are counted.
        state: tells when the service drains.
    """

    def __init__(
        self, app: ASGIApp, settings: ServiceSettings, metrics: Metrics, state: health.Health
    ) -> None:
        self._app = app
        self._settings = settings
        self._metrics = metrics
        self._health = state
        self._gate = Gate(settings.max_in_flight, settings.max_queued, settings.queue_ms / 1000)
        self._tracer = trace.get_tracer("kit.edge")
        metrics.in_flight.set_function(lambda: self._gate.in_flight)
        metrics.queued.set_function(lambda: self._gate.queued)
        metrics.in_flight_limit.set(settings.max_in_flight)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; probes pass untouched."""
        if scope["type"] != "http" or scope["path"] in health.PATHS:
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send, self._settings.max_body_bytes, self._health)
        token = logs.request_id.set(exchange.request_id)
        try:
            with (
                identity.acting_as(identity.ANONYMOUS),
                self._tracer.start_as_current_span(
                    scope["method"],
                    context=exchange.parent(),
                    kind=SpanKind.SERVER,
                    record_exception=False,
                ) as span,
            ):
                await self._admit(exchange)
                self._finish(exchange, span)
            if exchange.cut_short:
                msg = "the response had begun when it failed"
                raise RuntimeError(msg)  # makes the server close the connection
        finally:
            logs.request_id.reset(token)

    async def _admit(self, exchange: "_Exchange") -> None:
        if not self._gate.admit() and not await self._gate.wait():
            self._metrics.rejected_busy.inc()
            await exchange.fail(busy())
            return
        try:
            await self._answer(exchange)
        finally:
            self._gate.leave()

    async def _answer(self, exchange: "_Exchange") -> None:
        if exchange.declared_too_large():
            self._metrics.rejected_body.inc()
            await exchange.fail(too_large(self._settings.max_body_bytes))
            return
        seconds = exchange.budget_s(self._settings.request_deadline_ms)
        deadline.start(seconds)
        try:
            async with asyncio.timeout(seconds) as timer:
                await self._app(exchange.scope, exchange.receive, exchange.send)
        except TimeoutError as error:
            if timer.expired():
                self._metrics.rejected_deadline.inc()
                await exchange.fail(timed_out())
            else:
                await exchange.crash(error)
        except ClientDisconnect:
            exchange.status = 499  # the client has gone; nobody reads an answer
        except Exception as error:  # noqa: BLE001 - the last line of defence
            await exchange.crash(error)

    def _finish(self, exchange: "_Exchange", span: Span) -> None:
        seconds = time.perf_counter() - exchange.began
        method, route, status = exchange.scope["method"], exchange.route(), exchange.status
        self._metrics.observe(method, route, status, seconds)
        if span.is_recording():
            span.update_name(f"{method} {route}")
            span.set_attributes(
                {
                    "http.request.method": method,
                    "http.route": route,
                    "http.response.status_code": status,
                    "url.path": exchange.scope["path"],
                }
            )
            if status >= _SERVER_ERROR:
                span.set_status(Status(StatusCode.ERROR))
        _log.info(
            "request",
            method=method,
            path=exchange.scope["path"],
            route=route,
            status=status,
            duration_ms=round(seconds * 1000, 2),
            bytes=exchange.sent_bytes,
        )


class _Exchange:
    """One request and its response."""

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        max_body_bytes: int,
        state: health.Health,
    ) -> None:
        self.began = time.perf_counter()
        self.scope = scope
        self.status = 0
        self.sent_bytes = 0
        self.cut_short = False
        self._health = state
        self._receive = receive
        self._send = send
        self._max_body_bytes = max_body_bytes
        self._body_bytes = 0
        self._headers: dict[bytes, bytes] = dict(scope["headers"])
        given = self._headers.get(b"x-request-id", b"")
        self.request_id = given.decode() if _REQUEST_ID.fullmatch(given) else uuid7().hex

    def parent(self) -> Any:
        """Return the trace that the caller is part of."""
        given = self._headers.get(b"traceparent")
        if given is None:
            return None
        carrier = {"traceparent": given.decode("latin-1")}
        if b"tracestate" in self._headers:
            carrier["tracestate"] = self._headers[b"tracestate"].decode("latin-1")
        return _propagator.extract(carrier)

    def budget_s(self, most_ms: int) -> float:
        """Return how long the client still waits, if it says so, but never more than we allow."""
        given = self._headers.get(b"x-request-timeout-ms", b"")
        wanted = int(given) if _MILLISECONDS.fullmatch(given) else most_ms
        waited_s = time.perf_counter() - self.began  # in the queue
        return max(0.0, min(wanted, most_ms) / 1000 - waited_s)

    def declared_too_large(self) -> bool:
        """Tell whether the client announces more than it may send."""
        given = self._headers.get(b"content-length", b"")
        return given.isdigit() and int(given) > self._max_body_bytes

    def route(self) -> str:
        """Return the template of the route that matched; raw paths would be endless labels."""
        return getattr(self.scope.get("route"), "path_format", None) or "unmatched"

    async def receive(self) -> Message:
        """Pass on the body, counted: a chunked one announces no length."""
        message = await self._receive()
        if message["type"] == "http.request":
            self._body_bytes += len(message.get("body", b""))
            if self._body_bytes > self._max_body_bytes:
                raise too_large(self._max_body_bytes)
        return message

    async def send(self, message: Message) -> None:
        """Pass on the response with the headers that all responses carry."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            told = self.scope.get("kit.response_headers", ())
            headers = [*message.get("headers", ()), *told, *_HEADERS]
            headers.append((b"x-request-id", self.request_id.encode()))
            if self._health.draining:
                headers.append((b"connection", b"close"))
            message = {**message, "headers": headers}
        else:
            self.sent_bytes += len(message.get("body", b""))
        await self._send(message)

    async def fail(self, problem: Problem) -> None:
        """Answer with a problem, unless an answer is on its way already."""
        if self.status:
            self.cut_short = True
            return
        await problem.response(self.scope["path"])(self.scope, self._receive, self.send)

    async def crash(self, error: Exception) -> None:
        """Log a defect and answer 500."""
        _log.error("unhandled_exception", exc_info=error)
        await self.fail(internal())


class GuardedBody:
    """Asks the guard before a body is read: FastAPI parses it before any dependency runs.

    Without it a stranger would learn what is wrong with the body (422) instead of being told
    that nobody knows them (401).

    Args:
        app: the rest of the stack.
        guard: the dependency that every route has; it decides only once.
    """

    def __init__(self, app: ASGIApp, guard: Callable[[Request], Awaitable[None]]) -> None:
        self._app = app
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; whoever reads its body meets the guard first."""

        async def guarded() -> Message:
            if "route" in scope:
                await self._guard(Request(scope))
            return await receive()

        await self._app(scope, guarded if scope["type"] == "http" else receive, send)
