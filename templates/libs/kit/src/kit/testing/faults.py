"""A TCP proxy that makes what is behind it slow, deaf or dead."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_CHUNK = 65_536


class FaultProxy:
    """Stands between a service and something that it needs; faults hold for open connections too.

    Attributes:
        latency_s: how long each piece of data is held back on its way to the client.
        connections: how many were accepted so far.
        requests: how many HTTP/1.1 requests have come so far.
    """

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self.latency_s = 0.0
        self.connections = 0
        self.requests = 0
        self._target = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._parts = parts
        self._open = asyncio.Event()
        self._open.set()
        self._refusing = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """The target's URL with the proxy in its place."""
        assert self._server is not None  # noqa: S101 - `faults` starts it
        port = self._server.sockets[0].getsockname()[1]
        user, at, _ = self._parts.netloc.rpartition("@")
        return urlunsplit(self._parts._replace(netloc=f"{user}{at}127.0.0.1:{port}"))

    def blackhole(self) -> None:
        """From now on accept everything and answer nothing."""
        self._open.clear()

    def reset(self) -> None:
        """Cut every connection, and each new one as soon as it is made."""
        self._refusing = True
        for writer in [*self._writers]:
            writer.transport.abort()

    def heal(self) -> None:
        """Let everything pass again."""
        self.latency_s = 0.0
        self._refusing = False
        self._open.set()

    async def start(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def stop(self) -> None:
        """Cut every connection and stop listening."""
        assert self._server is not None  # noqa: S101 - started before
        self.reset()
        self._open.set()
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self._refusing:
            writer.transport.abort()
            return
        self._writers.add(writer)
        there = asyncio.create_task(self._dial())
        ways = [
            asyncio.create_task(self._forth(reader, there)),
            asyncio.create_task(self._back(there, writer)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for task in (*ways, there):
            task.cancel()
        await asyncio.gather(*ways, there, return_exceptions=True)
        self._writers.discard(writer)
        writer.close()

    async def _dial(self) -> Streams:
        await self._open.wait()
        return await asyncio.open_connection(*self._target)

    async def _forth(self, reader: asyncio.StreamReader, there: "asyncio.Task[Streams]") -> None:
        while data := await reader.read(_CHUNK):
            self.requests += data.count(b" HTTP/1.1\r\n")
            await self._open.wait()
            _, sink = await asyncio.shield(there)
            sink.write(data)
            await sink.drain()

    async def _back(self, there: "asyncio.Task[Streams]", writer: asyncio.StreamWriter) -> None:
        source, sink = await asyncio.shield(there)
        self._writers.add(sink)
        try:
            while data := await source.read(_CHUNK):
                await asyncio.sleep(self.latency_s)
                await self._open.wait()
                writer.write(data)
                await writer.drain()
        finally:
            self._writers.discard(sink)
            sink.transport.abort()


@asynccontextmanager
async def faults(target: str) -> AsyncIterator[FaultProxy]:
    """Run a proxy in front of a URL until the block is left."""
    proxy = FaultProxy(target)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.stop()
