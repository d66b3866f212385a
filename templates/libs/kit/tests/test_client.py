import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from pydantic import ValidationError

from kit import deadline, identity, logs
from kit.breaker import Breaker, RetryBudget, State
from kit.client import (
    Body,
    CallerSettings,
    CallMetrics,
    Peer,
    PeerAnswerError,
    PeerError,
    PeerSkippedError,
    PeerTimeoutError,
    PeerUnavailableError,
    Policy,
    Remote,
)
from kit.identity import Principal
from kit.testing.faults import faults

Answer = tuple[int, str, dict[str, str]]
OK: Answer = (200, '{"id": 1, "unknown": true}', {})


class Thing(Remote):
    id: int


class NewThing(Body):
    name: str
    size: int | None = None


class Upstream:
    """An HTTP/1.1 server of a few lines that answers what it is told and remembers what came."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.default = OK
        self.requests: list[tuple[str, dict[str, str], str]] = []
        self.delay_s = 0.0
        self.at_once = self.most_at_once = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                headers = {}
                while (header := (await reader.readline()).decode().strip()) != "":
                    name, _, value = header.partition(": ")
                    headers[name.lower()] = value
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                self.requests.append((line.decode().strip(), headers, body.decode()))
                await self.answer(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    async def answer(self, writer: asyncio.StreamWriter) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(self.delay_s)
        self.at_once -= 1
        status, body, headers = self.answers.pop(0) if self.answers else self.default
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        writer.write(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
        await writer.drain()


@pytest.fixture
def upstream() -> Upstream:
    return Upstream()


@asynccontextmanager
async def listening(upstream: Upstream) -> AsyncIterator[str]:
    server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


class Caller:
    """A peer with everything that it is made of."""

    def __init__(
        self, url: str, policy: Policy, *, least_calls: int = 10, share: float = 0.1
    ) -> None:
        self.registry = CollectorRegistry()
        self.breaker = Breaker(window_s=10, least_calls=least_calls, failure_share=0.5, open_s=0.3)
        self.budget = RetryBudget(share)
        self.peer = Peer(
            "things",
            url,
            policy,
            breaker=self.breaker,
            budget=self.budget,
            metrics=CallMetrics(self.registry, 250),
        )

    def state(self) -> State:
        return self.breaker.state

    def metric(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, {"peer": "things", **labels}) or 0.0


MakeCaller = Callable[..., Caller]


@pytest.fixture
async def make_caller() -> AsyncIterator[MakeCaller]:
    made: list[Caller] = []

    def make(url: str, **options: float) -> Caller:
        caller_options = {
            name: options.pop(name) for name in ("least_calls", "share") if name in options
        }
        policy = Policy(**{"timeout_s": 5.0, "in_flight": 8, **options})  # type: ignore[arg-type]
        made.append(Caller(url, policy, **caller_options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for caller in made:
        await caller.peer.close()


async def test_a_record_is_read_tolerantly(upstream: Upstream, make_caller: MakeCaller) -> None:
    async with listening(upstream) as url:
        caller = make_caller(url)
        assert await caller.peer.find(Thing, "/things/1") == Thing(id=1)
        upstream.answers = [(404, "", {})]
        assert await caller.peer.find(Thing, "/things/2") is None
        upstream.answers = [(200, '{"name": "no id"}', {}), (409, "{}", {})]
        with pytest.raises(PeerAnswerError, match="503"):
            await caller.peer.find(Thing, "/things/3")
        with pytest.raises(PeerAnswerError) as refused:
            await caller.peer.fetch(Thing, "POST", "/things", body=NewThing(name="x"))
        assert refused.value.answered == 409
    assert caller.state() is State.CLOSED


async def test_a_call_says_what_the_peer_needs_to_know(
    upstream: Upstream, make_caller: MakeCaller
) -> None:
    seller = Principal("seller", credential=("Authorization", "Bearer secret"))
    async with listening(upstream) as url:
        caller = make_caller(url)
        token = logs.request_id.set("request-1")
        deadline.start(2.0)
        with identity.acting_as(seller):
            await caller.peer.fetch(
                Thing,
                "POST",
                "/things",
                params={"on": True, "of": UUID(int=1), "not": None},
                body=NewThing(name="x"),
                headers={"Idempotency-Key": "k"},
            )
        deadline.clear()
        logs.request_id.reset(token)
        await caller.peer.find(Thing, "/things/1")
    line, headers, body = upstream.requests[0]
    assert line == f"POST /things?on=true&of={UUID(int=1)} HTTP/1.1"
    assert body == '{"name":"x"}'
    assert 1000 < int(headers["x-request-timeout-ms"]) <= 1600
    assert headers["x-request-id"] == "request-1"
    assert headers["authorization"] == "Bearer secret"
    assert headers["idempotency-key"] == "k"
    anonymous = upstream.requests[1][1]
    assert not {"authorization", "x-request-id"} & anonymous.keys()
    assert int(anonymous["x-request-timeout-ms"]) > 4000


async def test_a_call_ends_before_the_request_does(
    upstream: Upstream, make_caller: MakeCaller
) -> None:
    upstream.delay_s = 30
    async with listening(upstream) as url:
        caller = make_caller(url)
        deadline.start(0.5)
        with pytest.raises(PeerTimeoutError):
            await caller.peer.find(Thing, "/things/1")
        left = deadline.remaining()
        assert left is not None
        assert left > 0.02
        await asyncio.sleep(left)
        with pytest.raises(deadline.DeadlineExceededError):
            await caller.peer.find(Thing, "/things/1")
        deadline.clear()
    assert len(upstream.requests) == 1  # what was slow is not asked again
    name = "http_client_request_duration_seconds_count"
    assert caller.metric(name, outcome="timeout") == 1


async def test_a_hurried_caller_proves_nothing(upstream: Upstream, make_caller: MakeCaller) -> None:
    upstream.delay_s = 0.2
    async with listening(upstream) as url:
        caller = make_caller(url, least_calls=1)
        deadline.start(0.1)
        with pytest.raises(PeerTimeoutError):
            await caller.peer.find(Thing, "/things/1")
        deadline.clear()
        assert caller.state() is State.CLOSED


async def test_reads_are_repeated_and_writes_are_not(
    upstream: Upstream, make_caller: MakeCaller
) -> None:
    busy: Answer = (503, "", {})
    async with listening(upstream) as url:
        caller = make_caller(url, share=1.0)
        upstream.answers = [busy]
        assert await caller.peer.find(Thing, "/things/1")
        upstream.answers = [busy]
        with pytest.raises(PeerUnavailableError, match="503"):
            await caller.peer.fetch(Thing, "POST", "/things", body=NewThing(name="x"))
        upstream.answers = [busy]
        headers = {"Idempotency-Key": "k"}
        await caller.peer.fetch(Thing, "POST", "/things", body=NewThing(name="x"), headers=headers)
    assert len(upstream.requests) == 5
    assert caller.metric("http_client_retries_total") == 2


async def test_retry_after_is_kept(upstream: Upstream, make_caller: MakeCaller) -> None:
    async with listening(upstream) as url:
        caller = make_caller(url, share=1.0, timeout_s=3.0)
        upstream.answers = [(503, "", {"Retry-After": "1"})]
        began = time.monotonic()
        await caller.peer.find(Thing, "/things/1")
        assert time.monotonic() - began >= 1
        upstream.answers = [(429, "", {"Retry-After": "60"})]
        with pytest.raises(PeerUnavailableError, match="503"):
            await caller.peer.find(Thing, "/things/1")
    assert len(upstream.requests) == 3
    assert caller.state() is State.CLOSED


async def test_a_peer_in_trouble_gets_few_repeats(
    upstream: Upstream, make_caller: MakeCaller
) -> None:
    async with listening(upstream) as url:
        caller = make_caller(url, least_calls=10_000, backoff_s=0.001)
        upstream.default = (503, "", {})
        for _ in range(100):
            with pytest.raises(PeerUnavailableError):
                await caller.peer.find(Thing, "/things/1")
    assert 105 <= len(upstream.requests) <= 110


async def test_a_slow_peer_takes_only_its_part(upstream: Upstream, make_caller: MakeCaller) -> None:
    upstream.delay_s = 0.3
    async with listening(upstream) as url:
        caller = make_caller(url, in_flight=4, queue_s=0.05, least_calls=10_000)
        began = time.monotonic()
        calls = [caller.peer.find(Thing, "/things/1") for _ in range(20)]
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert time.monotonic() - began < 1
    assert sum(isinstance(result, PeerSkippedError) for result in results) == 16
    assert upstream.most_at_once == 4
    assert caller.metric("http_client_rejected_total", reason="bulkhead") == 16


async def test_the_breaker_opens_and_the_peer_recovers(
    upstream: Upstream, make_caller: MakeCaller
) -> None:
    async with listening(upstream) as url, faults(url) as proxy:
        caller = make_caller(proxy.url, timeout_s=0.1, in_flight=50)
        assert await caller.peer.find(Thing, "/things/1")
        proxy.blackhole()
        calls = 200
        for _ in range(calls // 20):
            burst = [caller.peer.find(Thing, "/things/1") for _ in range(20)]
            errors = await asyncio.gather(*burst, return_exceptions=True)
            assert all(isinstance(error, PeerError) for error in errors)
        assert caller.state() is State.OPEN
        assert caller.metric("circuit_breaker_state") == 2
        assert proxy.requests <= 1.1 * calls
        assert proxy.requests < 50  # all the others were never made
        skipped = caller.metric("http_client_rejected_total", reason="circuit_open")
        assert skipped >= calls - 50

        proxy.heal()
        await asyncio.sleep(0.35)
        before = proxy.requests
        burst = [caller.peer.find(Thing, "/things/1") for _ in range(10)]
        results = await asyncio.gather(*burst, return_exceptions=True)
        assert sum(isinstance(result, Thing) for result in results) == 1  # the probe
        assert proxy.requests == before + 1
        assert caller.state() is State.CLOSED
        assert await caller.peer.find(Thing, "/things/1")


@pytest.mark.parametrize("dead", ["refused", "reset"])
async def test_a_dead_peer_is_an_error_at_once(
    upstream: Upstream, make_caller: MakeCaller, dead: str
) -> None:
    async with listening(upstream) as url, faults(url) as proxy:
        caller = make_caller("http://127.0.0.1:9" if dead == "refused" else proxy.url)
        if dead == "reset":
            proxy.reset()
        began = time.monotonic()
        with pytest.raises(PeerUnavailableError, match="503"):
            await caller.peer.find(Thing, "/things/1")
        assert time.monotonic() - began < 1


async def test_a_cancelled_call_gives_its_turn_back(
    upstream: Upstream, make_caller: MakeCaller
) -> None:
    upstream.delay_s = 30
    async with listening(upstream) as url:
        caller = make_caller(url, in_flight=1, least_calls=1)
        call = asyncio.create_task(caller.peer.find(Thing, "/things/1"))
        await asyncio.sleep(0.1)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        upstream.delay_s = 0
        assert await caller.peer.find(Thing, "/things/1")


async def test_a_slow_try_is_hedged_when_asked(upstream: Upstream, make_caller: MakeCaller) -> None:
    async with listening(upstream) as url, faults(url) as proxy:
        caller = make_caller(proxy.url, hedge_after_s=0.05, share=1.0)
        proxy.blackhole()
        call = asyncio.create_task(caller.peer.find(Thing, "/things/1"))
        await asyncio.sleep(0.2)
        assert proxy.requests == 2
        proxy.heal()
        assert await call == Thing(id=1)
    assert caller.metric("http_client_retries_total") == 1


async def test_metrics_are_exposed(make_caller: MakeCaller) -> None:
    caller = make_caller("http://127.0.0.1:9")
    caller.peer.fell_back()
    text = generate_latest(caller.registry).decode()
    assert 'http_client_fallbacks_total{peer="things"} 1.0' in text
    assert 'circuit_breaker_state{peer="things"} 0.0' in text


def test_settings_must_leave_time_to_answer() -> None:
    given: dict[str, Any] = {
        "service_name": "s",
        "environment": "test",
        "database_url": "postgresql://h/d",
    }
    settings = CallerSettings(**given, call_timeout_ms=300, call_hedge_after_ms=50)
    assert Policy.of(settings, 4) == Policy(0.3, 4, 0.05, 2, 0.025, 0.05)
    with pytest.raises(ValidationError, match="call_timeout_ms"):
        CallerSettings(**given, call_timeout_ms=5000)
