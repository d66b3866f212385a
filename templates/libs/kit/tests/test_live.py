import asyncio
import json
import os
import re
import signal
import sys
import time
from http import HTTPStatus
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from kit import health
from kit.testing import LiveService, RedisServer, live_service
from kit.testing.servers import free_port

Environment = dict[str, str]


def body() -> dict[str, str]:
    return {"sku": uuid4().hex, "price": "1.00"}


async def get_for_a_while(url: str, seconds: float, statuses: list[int]) -> None:
    """Ask one URL from eight tasks at once, and note how it was answered."""
    async with httpx2.AsyncClient(timeout=10) as client, asyncio.TaskGroup() as group:
        end = time.monotonic() + seconds

        async def ask() -> None:
            while time.monotonic() < end:
                statuses.append((await client.get(url)).status_code)

        for _ in range(8):
            group.create_task(ask())


async def new_product(service: LiveService) -> str:
    async with httpx2.AsyncClient(base_url=service.url) as client:
        response = await client.post("/v1/products", json=body())
        return f"{service.url}{response.headers['location']}"


async def samples(service: LiveService, name: str) -> dict[tuple[str, ...], float]:
    async with httpx2.AsyncClient() as client:
        text = (await client.get(service.metrics_url)).text
    return {
        tuple(sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    }


async def test_a_service_starts_logs_measures_and_stops(live_environment: Environment) -> None:
    async with live_service("sample", **live_environment) as service:
        product = await new_product(service)
        async with httpx2.AsyncClient() as client:
            parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            headers = {"X-Request-ID": "live-1", "traceparent": parent}
            assert (await client.get(product, headers=headers)).status_code == HTTPStatus.OK
            assert (await client.get(f"{service.url}/nothing/{uuid4()}")).status_code == 404
            await client.get(f"{service.url}/v1/oddities/boom", headers={"X-Request-ID": "live-2"})
            await client.request("PURGE", product)
            health = environment_for_health(service, live_environment)
            check = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "kit.health", env=health
            )
            assert await check.wait() == 0

        counts = await samples(service, "http_server_request_duration_seconds_count")
        assert counts["GET", "/v1/products/{product_id}", "2xx"] == 1
        assert counts["GET", "unmatched", "4xx"] == 1
        assert counts["other", "/v1/products/{product_id}", "4xx"] == 1
        assert not any("livez" in route or "readyz" in route for _, route, _ in counts)
        assert await samples(service, "db_pool_size_limit") == {(): 10}
        assert (await samples(service, "event_loop_lag_seconds"))[()] >= 0

        service.terminate()
        assert await service.wait() == 0
        lines = [json.loads(line) for line in service.output().splitlines()]

    access = next(line for line in lines if line.get("request_id") == "live-1")
    assert access["event"] == "request"
    assert access["route"] == "/v1/products/{product_id}"
    assert access["status"] == HTTPStatus.OK
    assert access["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    defect = next(line for line in lines if line.get("request_id") == "live-2")
    assert "the secret reason" in defect["exception"]
    assert any(line["logger"] == "uvicorn.error" for line in lines)


def environment_for_health(service: LiveService, environment: Environment) -> Environment:
    return {**os.environ, **environment, "PORT": str(service.port)}


async def test_sigterm_under_load_loses_no_request(live_environment: Environment) -> None:
    environment = {**live_environment, "DRAIN_DELAY_S": "4", "REQUEST_DEADLINE_MS": "20000"}
    statuses: list[int] = []
    async with live_service("sample", **environment) as service:
        product = await new_product(service)
        load = asyncio.create_task(get_for_a_while(product, 1.2, statuses))
        await asyncio.sleep(0.3)
        service.terminate()
        await asyncio.sleep(0.2)
        async with httpx2.AsyncClient(timeout=20) as client:
            ready = await client.get(f"{service.url}/readyz")
            assert ready.status_code == HTTPStatus.SERVICE_UNAVAILABLE
            assert ready.json()["status"] == "draining"
            slow = asyncio.create_task(client.get(f"{service.url}/v1/oddities/slow?seconds=4.5"))
            last = await client.get(product)
            assert last.headers["connection"] == "close"
            await load
            assert (await slow).status_code == HTTPStatus.OK
        assert await service.wait() == 0
    assert len(statuses) > 8
    assert set(statuses) == {200}


async def test_a_second_signal_ends_the_drain(live_environment: Environment) -> None:
    environment = {**live_environment, "DRAIN_DELAY_S": "60"}
    async with live_service("sample", **environment) as service:
        service.terminate()
        await asyncio.sleep(0.3)
        service.terminate()
        async with asyncio.timeout(20):
            assert await service.wait() == 0


async def test_a_dead_redis_is_no_error(
    live_environment: Environment, redis_server: RedisServer
) -> None:
    environment = {**live_environment, "REDIS_URL": redis_server.url}
    statuses: list[int] = []
    async with live_service("sample", **environment) as service:
        product = await new_product(service)
        await get_for_a_while(product, 0.5, statuses)
        redis_server.pause()
        await get_for_a_while(product, 2, statuses)
        redis_server.resume()
        redis_server.kill()
        await get_for_a_while(product, 1, statuses)
        async with httpx2.AsyncClient() as client:
            ready = await client.get(f"{service.url}/readyz")
        assert ready.status_code == HTTPStatus.OK
        assert ready.json() == {
            "status": "degraded",
            "checks": {"database": "ok", "cache": "unreachable"},
        }
        dead = await samples(service, "cache_requests_total")
        redis_server.restart()
        end = time.monotonic() + 20
        back = dead
        while back["hit",] == dead["hit",] and time.monotonic() < end:
            await get_for_a_while(product, 0.5, statuses)
            back = await samples(service, "cache_requests_total")
        assert (await samples(service, "cache_available"))[()] == 1
    assert set(statuses) == {200}
    # Only those who asked before it was known waited for Redis; eight callers, read and store.
    assert dead["error",] <= 16
    assert dead["bypass",] > dead["error",]
    assert back["hit",] > dead["hit",]


class Proxy:
    """Stands before PostgreSQL; while it is closed, the database is gone."""

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        self._port = free_port()
        self.url = urlunsplit(self._target._replace(netloc=f"postgres@127.0.0.1:{self._port}"))
        self.refused = 0
        self._server: asyncio.Server | None = None
        self._streams: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        for stream in self._streams:
            stream.transport.abort()
        await asyncio.sleep(0.1)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refused > 0:
            self.refused -= 1
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection(
            self._target.hostname, self._target.port
        )
        self._streams |= {writer, far_writer}
        await asyncio.gather(
            self._copy(reader, far_writer), self._copy(far_reader, writer), return_exceptions=True
        )

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()


async def status_of(url: str, *, until: int) -> int:
    """Ask until the status is the one that is waited for, or twenty seconds have gone."""
    status = 0
    end = time.monotonic() + 20
    async with httpx2.AsyncClient() as client:
        while status != until and time.monotonic() < end:
            status = (await client.get(url)).status_code
            await asyncio.sleep(0.05)
    return status


async def test_a_service_waits_for_its_database_and_survives_its_loss(
    live_environment: Environment,
) -> None:
    proxy = Proxy(live_environment["DATABASE_URL"])
    environment = {
        "DATABASE_URL": proxy.url,  # without Redis, so that every read needs it
        "PYTHONPATH": live_environment["PYTHONPATH"],
    }

    proxy.refused = 2  # connections, before the database is there
    await proxy.open()
    async with live_service("sample", **environment) as service:
        assert "database_not_there_yet" in service.output()
        product = await new_product(service)
        await proxy.close()
        lost: list[int] = []
        await get_for_a_while(product, 1, lost)
        assert set(lost) == {503}
        ready, alive = f"{service.url}/readyz", f"{service.url}/livez"
        assert await status_of(ready, until=503) == 503
        assert await status_of(alive, until=200) == 200
        await proxy.open()
        assert await status_of(product, until=200) == 200
        assert await status_of(ready, until=200) == 200
    await proxy.close()


async def test_a_service_without_a_database_gives_up(live_environment: Environment) -> None:
    environment = {
        **live_environment,
        "DATABASE_URL": f"postgresql://127.0.0.1:{free_port()}/x",
        "STARTUP_TIMEOUT_S": "1",
    }
    with pytest.raises(RuntimeError, match="the database was not there within 1 s"):
        async with live_service("sample", **environment):
            pass


async def test_a_response_that_breaks_off_is_no_success(live_environment: Environment) -> None:
    async with (
        live_service("sample", **live_environment) as service,
        httpx2.AsyncClient() as client,
    ):
        with pytest.raises(httpx2.RemoteProtocolError):
            await client.get(f"{service.url}/v1/oddities/broken-stream")
        assert (await client.get(f"{service.url}/livez")).status_code == HTTPStatus.OK


def test_the_health_check_fails_without_a_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", str(free_port()))
    assert health.main() == 1


async def test_an_unusable_setting_stops_the_start(live_environment: Environment) -> None:
    environment = {**os.environ, **live_environment, "ENVIRONMENT": "test", "DB_POOL_MIN": "50"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sample"), env=environment, stderr=asyncio.subprocess.PIPE
    )
    _, told = await process.communicate()
    assert process.returncode == 1
    assert re.search(r"db_pool_min \(50\) is above db_pool_max \(10\)", told.decode())


async def test_an_interrupt_drains_too(live_environment: Environment) -> None:
    async with live_service("sample", **live_environment) as service:
        os.kill(service.pid, signal.SIGINT)
        async with asyncio.timeout(20):
            assert await service.wait() == 0
        assert "draining" in service.output()
