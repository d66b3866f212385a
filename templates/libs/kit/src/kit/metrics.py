"""Prometheus metrics of a service, served on a port of their own."""

import asyncio
import time
from collections.abc import Callable
from threading import Thread
from wsgiref.simple_server import WSGIServer

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    start_http_server,
)

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_LAG_INTERVAL_S = 0.5

disable_created_metrics()  # type: ignore[no-untyped-call]  # a series more for each histogram and counter that nobody reads


class Metrics:
    """The metrics of one app, in a registry of their own.

    Args:
        slo_latency_ms: the latency objective; the histogram's buckets lie around it, and one
            ends exactly on it, so that the share of requests within it is exact.
    """

    def __init__(self, slo_latency_ms: int) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._requests = Histogram(
            "http_server_request_duration_seconds",
            "Time from the request line to the last byte of the response.",
            ("method", "route", "status_class"),
            buckets=buckets(slo_latency_ms / 1000),
            registry=self.registry,
        )
        self._children: dict[tuple[str, str, int], Histogram] = {}
        self.in_flight = self._gauge("http_server_in_flight_requests", "Requests in progress.")
        self.in_flight_limit = self._gauge(
            "http_server_in_flight_limit", "Most requests in progress; more are refused."
        )
        self.queued = self._gauge("http_server_queued_requests", "Requests that wait to begin.")
        self._rejected = Counter(
            "http_server_rejected_requests",
            "Requests refused to protect the service.",
            ("reason",),
            registry=self.registry,
        )
        self.rejected_busy = self._rejected.labels("in_flight")
        self.rejected_body = self._rejected.labels("body_size")
        self.rejected_deadline = self._rejected.labels("deadline")
        pool = Gauge("db_pool_connections", "Open connections.", ("state",), registry=self.registry)
        self.pool_used, self.pool_idle = pool.labels("used"), pool.labels("idle")
        self.pool_limit = self._gauge("db_pool_size_limit", "Most connections of the pool.")
        self.pool_timeouts = Counter(
            "db_pool_timeouts",
            "Statements that found no free connection in time.",
            registry=self.registry,
        )
        cache = Counter(
            "cache_requests", "Look-ups by result.", ("result",), registry=self.registry
        )
        self.cache_hit, self.cache_miss = cache.labels("hit"), cache.labels("miss")
        self.cache_error, self.cache_bypass = cache.labels("error"), cache.labels("bypass")
        self.loop_lag = self._gauge(
            "event_loop_lag_seconds", "How late a timer of the event loop fired last."
        )

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one finished request under its route template."""
        key = (method, route, status // 100)
        child = self._children.get(key)
        if child is None:
            known = method if method in _METHODS else "other"
            child = self._requests.labels(known, route, f"{status // 100}xx")
            if known == method:  # a client may invent methods; the dictionary must not grow
                self._children[key] = child
        child.observe(seconds)

    def watch_cache(self, available: Callable[[], bool]) -> None:
        """Show whether Redis answers; a service without one has no such metric."""
        gauge = self._gauge("cache_available", "1 while Redis answers.")
        gauge.set_function(lambda: float(available()))

    def serve(self, host: str, port: int) -> tuple[WSGIServer, Thread]:
        """Serve /metrics from a thread, which answers even while the event loop is stuck."""
        return serve(self.registry, host, port)

    async def watch_loop(self) -> None:
        """Measure the lag of the event loop, for ever."""
        while True:
            before = time.perf_counter()
            await asyncio.sleep(_LAG_INTERVAL_S)
            self.loop_lag.set(max(0.0, time.perf_counter() - before - _LAG_INTERVAL_S))

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(name, text, registry=self.registry)


def serve(registry: CollectorRegistry, host: str, port: int) -> tuple[WSGIServer, Thread]:
    """Serve the metrics of a registry from a thread, which answers even while the loop is stuck."""
    return start_http_server(port, host, registry)


def buckets(objective_s: float) -> tuple[float, ...]:
    """Return bucket bounds in seconds, denser around the latency objective."""
    factors = (0.02, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 4, 10, 20)
    return tuple(round(objective_s * factor, 6) for factor in factors)
