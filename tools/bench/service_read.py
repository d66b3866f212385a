"""Measures one read of a generated service against the barest FastAPI service there can be.

    python tools/bench/service_read.py [--rounds N] [--seconds S] [--connections C]

Runs in an environment that has templates/requirements/dev.txt and the kit. The services run in
turn, round after round, each alone, each one process, on a PostgreSQL and a Redis of their own:

- bare: FastAPI and an asyncpg pool as their tutorials show them, no middleware at all;
- then the kit, layer upon layer, with the row read from PostgreSQL as in the bare service: without
  its edge; with the edge (request id, deadline, limits, metrics); with the log line of each request;
  with 10 % of the traces exported; with access tokens verified; with the rate limit counted in Redis;
- at last the full stack again, with the row read from Redis.

The client is a raw asyncio protocol, cheap enough that the service is what is measured. Figures
are medians; the ratio is what can be compared between machines.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import uvloop

from kit import migrate
from kit.testing import servers
from kit.testing.issuer import issuer

KIT = Path(__file__).resolve().parents[2] / "templates/libs/kit/src"
KIT_TESTS = KIT.parent / "tests"
PRODUCT = "019b0000-0000-7000-8000-000000000001"
PATH = f"/v1/products/{PRODUCT}"
INSERT = f"INSERT INTO products (id, sku, price) VALUES ('{PRODUCT}', 'sku', 9.90)"

BARE = """
import os
from contextlib import asynccontextmanager
from decimal import Decimal
from uuid import UUID

import asyncpg
import uvicorn
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel


class Product(BaseModel):
    id: UUID
    sku: str
    price: Decimal
    parent_id: UUID | None
    version: int


@asynccontextmanager
async def lifespan(app):
    app.state.pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=2, max_size=10)
    yield
    await app.state.pool.close()


app = FastAPI(lifespan=lifespan)


@app.get("/livez")
async def livez() -> dict[str, str]:
    return {}


@app.get("/v1/products/{product_id}")
async def read(product_id: UUID) -> Product:
    async with app.state.pool.acquire() as connection:
        row = await connection.fetchrow(
            "SELECT id, sku, price, parent_id, version FROM products WHERE id = $1", product_id
        )
    if row is None:
        raise HTTPException(404)
    return Product(**row)


uvicorn.run(app, port=int(os.environ["PORT"]), loop="uvloop", http="httptools", access_log=False)
"""

LAYERED = """
import os

import kit.app
from kit.auth.tokens import Tokens, TokenSettings
from kit.guard import Access, Guard
from kit.ratelimit import RateLimit, RateSettings
from kit.server import run
from sample.main import build

LAYERS = os.environ["LAYERS"].split()


class Settings(TokenSettings, RateSettings):
    service_name: str = "sample"
    oidc_issuer: str = ""
    oidc_audience: str = "sample"
    rate_limit_rps: float = 1_000_000
    rate_limit_burst: int = 1_000_000
    rate_limit_write_rps: float = 1
    rate_limit_write_burst: int = 1


if "edge" not in LAYERS:
    kit.app.Edge = lambda app, **_: app
settings = Settings()
guard = Guard(
    authenticator=Tokens(settings, {}) if "tokens" in LAYERS else None,
    access=Access({"read_product": "product:read"}),
    limiter=RateLimit(settings) if "limits" in LAYERS else None,
)
run(lambda: build(settings, guard if "tokens" in LAYERS else None), settings)
"""
EDGE = {"LOG_LEVEL": "warning", "TRACE_SAMPLE_RATIO": "0"}
LOGGED = {"LOG_LEVEL": "info", "TRACE_SAMPLE_RATIO": "0"}
TRACED = {"LOG_LEVEL": "info", "TRACE_SAMPLE_RATIO": "0.1"}


class Client(asyncio.Protocol):
    """One connection that asks again as soon as it has its answer."""

    def __init__(self, request: bytes) -> None:
        self.request = request
        self.answers = 0
        self.missing = 0
        self.closed = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the first time."""
        self.transport = transport
        transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        """Count an answer once its body is complete."""
        if self.missing == 0:
            head, _, body = data.partition(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(head.decode())
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            self.missing = int(length) - len(body)
        else:
            self.missing -= len(data)
        if self.missing == 0:
            self.answers += 1
            self.transport.write(self.request)

    def connection_lost(self, error: Exception | None) -> None:
        """Tell whoever waits."""
        self.closed.set_result(error)


async def rate(url: str, token: str, seconds: float, connections: int) -> float:
    """Return how many requests the service answers in a second."""
    at = urlsplit(url)
    request = f"GET {PATH} HTTP/1.1\r\nHost: {at.netloc}\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    loop = asyncio.get_running_loop()
    made = [await loop.create_connection(lambda: Client(request), at.hostname, at.port) for _ in range(connections)]
    await asyncio.sleep(seconds / 4)  # warm
    before, began = sum(client.answers for _, client in made), time.perf_counter()
    await asyncio.sleep(seconds)
    counted, took = sum(client.answers for _, client in made) - before, time.perf_counter() - began
    for transport, client in made:
        transport.abort()
        await client.closed
    return counted / took


@contextmanager
def running(command: list[str], environment: dict[str, str]) -> Iterator[str]:
    """Run a service until the block is left."""
    port = servers.free_port()
    process = subprocess.Popen(
        [sys.executable, *command],
        env={**os.environ, **environment, "PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        servers.wait_for(lambda: answers(f"http://127.0.0.1:{port}/livez"), "the service", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def answers(url: str) -> bool:
    """Tell whether a service is there."""
    try:
        with urllib.request.urlopen(url, timeout=1):
            return True
    except OSError:
        return False


@contextmanager
def collector() -> Iterator[str]:
    """Take spans and forget them."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


async def prepare(url: str) -> None:
    """Make the table and its one row."""
    await migrate.up(url, KIT_TESTS / "migrations")
    connection = await asyncpg.connect(url)
    await connection.execute(INSERT)
    await connection.close()


def measure(rounds: int, seconds: float, connections: int) -> dict[str, list[float]]:
    """Return the rates of each service, one for each round."""
    with ExitStack() as stack:
        database = stack.enter_context(servers.postgres())
        redis = stack.enter_context(servers.redis())
        spans = stack.enter_context(collector())
        asyncio.run(prepare(database))
        tokens = stack.enter_context(issuer("sample"))
        kit = {
            "ENVIRONMENT": "local",
            "DATABASE_URL": database,
            "PYTHONPATH": os.pathsep.join(map(str, (KIT, KIT_TESTS))),
            "METRICS_PORT": "0",
            "HOST": "127.0.0.1",
            "OTLP_ENDPOINT": spans,
            "OIDC_ISSUER": tokens.url,
        }
        limited = {"REDIS_URL": redis.url}
        candidates = {
            "bare": (BARE, {"DATABASE_URL": database}),
            "the kit without its edge": (LAYERED, kit | EDGE | {"LAYERS": ""}),
            "and the edge": (LAYERED, kit | EDGE | {"LAYERS": "edge"}),
            "and the log line": (LAYERED, kit | LOGGED | {"LAYERS": "edge"}),
            "and the traces": (LAYERED, kit | TRACED | {"LAYERS": "edge"}),
            "and access tokens": (LAYERED, kit | TRACED | {"LAYERS": "edge tokens"}),
            "and the rate limit": (
                LAYERED,
                kit | TRACED | limited | {"LAYERS": "edge tokens limits", "CACHE_TTL_S": "0"},
            ),
            "from Redis instead": (LAYERED, kit | TRACED | limited | {"LAYERS": "edge tokens limits"}),
        }
        token = tokens.token("product:read")
        rates: dict[str, list[float]] = {name: [] for name in candidates}
        for _ in range(rounds):
            for name, (source, environment) in candidates.items():
                with running(["-c", source], environment) as url:
                    rates[name].append(uvloop.run(rate(url, token, seconds, connections)))
        return rates


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--connections", type=int, default=8)
    arguments = parser.parse_args()
    rates = measure(arguments.rounds, arguments.seconds, arguments.connections)
    bare = statistics.median(rates["bare"])
    print("| service | requests/s | of bare | µs more than the row before |")
    print("|---|---|---|---|")
    before = bare
    for name, measured in rates.items():
        median = statistics.median(measured)
        print(f"| {name} | {median:.0f} | {median / bare:.2f} | {1e6 / median - 1e6 / before:.0f} |")
        before = median


if __name__ == "__main__":
    main()
