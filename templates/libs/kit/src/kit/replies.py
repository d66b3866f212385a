"""Responses whose JSON is made in one pass, with the headers that go with a record."""

from pydantic import BaseModel
from starlette.responses import Response

from kit.etag import etag
from kit.schema import json_bytes


def json_reply(
    body: BaseModel | bytes,
    *,
    status: int = 200,
    version: int | None = None,
    location: str | None = None,
) -> Response:
    """Return JSON; `version` sets the entity tag, `location` where a new record is found."""
    content = body if isinstance(body, bytes) else json_bytes(body)
    headers: dict[str, str] = {}
    if version is not None:
        headers["ETag"] = etag(version)
    if location is not None:
        headers["Location"] = location
    return Response(content, status, headers, "application/json")


def no_content() -> Response:
    """Return the answer to a deletion."""
    return Response(status_code=204)


def not_modified(version: int) -> Response:
    """Return the answer to a client that already holds this version."""
    return Response(status_code=304, headers={"ETag": etag(version)})
