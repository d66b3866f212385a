"""A function of AWS Lambda on this machine: the runtime API on loopback, the real adapter, the real service.

Lambda starts the adapter as an extension beside the service, in one container. The adapter asks the
runtime API for invocations and makes requests of them; only that API is our own here.
"""

import json
import os
import queue
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

from consumers import CACHE
from kit.testing.servers import free_port

ADAPTER = CACHE / "bin/lambda-adapter"
PATIENCE_S = 120.0
INVOCATIONS = "/2018-06-01/runtime/invocation/"
OF_LAMBDA = {
    "AWS_LAMBDA_FUNCTION_NAME": "function",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
    "AWS_LAMBDA_FUNCTION_VERSION": "1",
    "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/function",
    "AWS_LAMBDA_LOG_STREAM_NAME": "stream",
    "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    "AWS_REGION": "us-east-1",
}


class FunctionError(Exception):
    """The invocation failed, as Lambda would report it."""


@dataclass
class Invocation:
    """An event on its way through the function, and what came of it."""

    event: Any
    deadline: float
    identity: str = field(default_factory=lambda: str(uuid4()))
    ended: threading.Event = field(default_factory=threading.Event)
    kind: str = ""
    result: Any = None


class Runtime(ThreadingHTTPServer):
    """The runtime API of one execution environment, which works on one invocation at a time."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.port = free_port()  # of the service
        self.waiting: queue.Queue[Invocation] = queue.Queue()
        self.running: dict[str, Invocation] = {}

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of connections that end with the adapter."""

    def begin(self, event: Any, *, seconds: float = PATIENCE_S) -> Invocation:
        """Have the function work on an event, which it has so many seconds for."""
        invocation = Invocation(event, time.time() + seconds)
        self.waiting.put(invocation)
        return invocation

    def invoke(self, event: Any, *, seconds: float = PATIENCE_S) -> Any:
        """Return the result of the function for an event."""
        invocation = self.begin(event, seconds=seconds)
        assert invocation.ended.wait(PATIENCE_S), "the function did not answer"
        if invocation.kind == "error":
            raise FunctionError(invocation.result)
        return invocation.result


class Handler(BaseHTTPRequestHandler):
    """Answers the adapter."""

    protocol_version = "HTTP/1.1"
    server: Runtime

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Give the next invocation; an extension that asked for no event gets none."""
        if not self.path.startswith(INVOCATIONS):
            threading.Event().wait()
        invocation = self.server.waiting.get()
        self.server.running[invocation.identity] = invocation
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation.identity,
            "Lambda-Runtime-Deadline-Ms": str(round(invocation.deadline * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:123456789012:function:function",
            "Lambda-Runtime-Trace-Id": "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0",
        }
        self.answer(200, json.dumps(invocation.event).encode(), headers)

    def do_POST(self) -> None:
        """Take a result, or the name of the extension."""
        content = self.rfile.read(int(self.headers["Content-Length"])) if "Content-Length" in self.headers else b""
        if not content and self.headers.get("Transfer-Encoding") == "chunked":
            content = b"".join(self.chunks())
        if self.path.startswith(INVOCATIONS):
            identity, _, kind = self.path.removeprefix(INVOCATIONS).partition("/")
            invocation = self.server.running.pop(identity)
            invocation.kind, invocation.result = kind, json.loads(content or b"null")
            invocation.ended.set()
        self.answer(200, b"{}", {"Lambda-Extension-Identifier": str(uuid4())})

    def chunks(self) -> Iterator[bytes]:
        """Read a body whose length was not told."""
        while size := int(self.rfile.readline().strip(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def answer(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        """Send an answer."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def function(
    command: Sequence[str | Path], environment: dict[str, str], log: Path, folder: Path | None = None
) -> Iterator[Runtime]:
    """Run the adapter and a service beside it; both write to the log."""
    with Runtime() as runtime, log.open("wb") as sink:
        threading.Thread(target=runtime.serve_forever, daemon=True).start()
        given = {
            **os.environ,
            **OF_LAMBDA,
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{runtime.server_port}",
            "AWS_LWA_READINESS_CHECK_PROTOCOL": "tcp",
            "AWS_LWA_ERROR_STATUS_CODES": "500-599",
            "ENVIRONMENT": "test",
            "HOST": "127.0.0.1",
            "PORT": str(runtime.port),
            "METRICS_PORT": "0",
            **environment,
        }
        started = [
            subprocess.Popen(each, cwd=folder, env=given, stdout=sink, stderr=subprocess.STDOUT)
            for each in ([ADAPTER], list(command))
        ]
        try:
            yield runtime
        finally:
            for process in started:
                process.kill()
                process.wait()
            runtime.shutdown()


def request(method: str, path: str, body: Any = None, **headers: str) -> dict[str, Any]:
    """Return the event that an HTTP API makes of a request (payload version 2.0)."""
    http = {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "test"}
    content = {} if body is None else {"body": json.dumps(body)}
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"host": "api.example.com", "content-type": "application/json", **headers},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api",
            "domainName": "api.example.com",
            "domainPrefix": "api",
            "http": http,
            "requestId": str(uuid4()),
            "routeKey": "$default",
            "stage": "$default",
            "time": "26/Nov/2026:09:00:00 +0000",
            "timeEpoch": round(time.time() * 1000),
        },
        "isBase64Encoded": False,
        **content,
    }
