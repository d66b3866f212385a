import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import uuid4

import httpx2
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from kit.testing import live_service

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNSAMPLED = "00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


class Collector:
    """As much of an OpenTelemetry collector as a test needs."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        spans = self.spans

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                content = self.rfile.read(length)
                request = ExportTraceServiceRequest.FromString(content)
                for resource in request.resource_spans:
                    for scope in resource.scope_spans:
                        spans.extend(scope.spans)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_args: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.server.shutdown()
    made.server.server_close()


async def test_spans_are_flushed_before_the_end(
    live_environment: dict[str, str], collector: Collector
) -> None:
    environment = {
        **live_environment,
        "OTLP_ENDPOINT": collector.url,
        "TRACE_SAMPLE_RATIO": "0",
    }
    path = f"/v1/products/{uuid4()}"
    async with live_service("sample", **environment) as service:
        async with httpx2.AsyncClient(base_url=service.url) as client:
            await client.get(path, headers={"traceparent": PARENT})
            await client.get(path, headers={"traceparent": UNSAMPLED})
            await client.get(path)
        service.terminate()
        assert await service.wait() == 0
    assert {span.trace_id.hex() for span in collector.spans} == {"0af7651916cd43dd8448eb211c80319c"}
    query, request = collector.spans  # in the order in which they ended
    assert request.name == "GET /v1/products/{product_id}"
    assert request.parent_span_id.hex() == "b7ad6b7169203331"
    assert request.kind == Span.SPAN_KIND_SERVER
    attributes = {item.key: item.value for item in request.attributes}
    assert attributes["http.route"].string_value == "/v1/products/{product_id}"
    assert attributes["http.response.status_code"].int_value == 404
    assert query.name == "SELECT"
    assert query.parent_span_id == request.span_id
    statement = {item.key: item.value.string_value for item in query.attributes}["db.query.text"]
    assert statement.startswith("SELECT id, sku")
