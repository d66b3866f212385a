"""Errors as clients see them: problem details (RFC 9457)."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import orjson
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.status import HTTP_422_UNPROCESSABLE_CONTENT

MEDIA_TYPE = "application/problem+json"
_RETRY = {"Retry-After": "1"}
_DESCRIPTIONS = {
    400: "Malformed request",
    401: "The caller is not known",
    403: "The caller may not do this",
    404: "Not found",
    409: "Conflict",
    412: "The record has changed since it was read",
    413: "The body is too large",
    422: "The request is not valid",
    428: "If-Match is missing",
    429: "Too many requests of this client; try again after Retry-After",
    500: "Internal server error",
    503: "Unavailable or busy; try again after Retry-After",
    504: "Out of time",
}
_RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
_CHALLENGE = {
    "WWW-Authenticate": {"description": "What is expected.", "schema": {"type": "string"}}
}
_HEADERS = {401: _CHALLENGE, 429: _RETRY_AFTER, 503: _RETRY_AFTER}


class FieldError(TypedDict):
    """One thing that is wrong with a request, and where."""

    location: list[str | int]
    message: str
    type: str


class ProblemBody(TypedDict):
    """The members of a problem as JSON."""

    type: str
    title: str
    status: int
    detail: NotRequired[str]
    instance: NotRequired[str]
    errors: NotRequired[list[FieldError]]


class Problem(HTTPException):
    """An error that is told to the client as it is.

    Args:
        status: HTTP status.
        title: what kind of problem it is, the same for each occurrence.
        detail: what is wrong this time.
        errors: the members of the request that caused it.
        headers: further response headers.
    """

    def __init__(
        self,
        status: int,
        title: str,
        *,
        detail: str | None = None,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, detail or title, headers)
        self.title = title
        self.explanation = detail
        self.errors = list(errors)

    def body(self, instance: str | None = None) -> ProblemBody:
        """Return the members of the problem; `instance` is the path of the request."""
        body = ProblemBody(type="about:blank", title=self.title, status=self.status_code)
        if self.explanation is not None:
            body["detail"] = self.explanation
        if instance is not None:
            body["instance"] = instance
        if self.errors:
            body["errors"] = self.errors
        return body

    def response(self, instance: str | None = None) -> Response:
        """Return the problem as a response."""
        content = orjson.dumps(self.body(instance))
        return Response(content, self.status_code, self.headers, MEDIA_TYPE)


def not_found(what: str, identity: object) -> Problem:
    """404: there is no such record."""
    return Problem(404, "Not found", detail=f"{what} {identity} does not exist.")


def conflict(field: str) -> Problem:
    """409: another record has the same value in a unique field."""
    error = FieldError(location=["body", field], message="is already taken", type="unique")
    return Problem(409, "Conflict", detail=f"{field} is already taken.", errors=[error])


def in_use(what: str) -> Problem:
    """409: other records refer to the one to be deleted."""
    return Problem(409, "Conflict", detail=f"Other records still refer to this {what}.")


def unknown_reference(field: str) -> Problem:
    """422: a reference to a record that does not exist."""
    return invalid(["body", field], "refers to a record that does not exist", "reference")


def invalid(location: list[str | int], message: str, kind: str = "value_error") -> Problem:
    """422: one member of the request is wrong."""
    error = FieldError(location=location, message=message, type=kind)
    return unprocessable([error])


def stale() -> Problem:
    """412: the record has changed since the client read it."""
    detail = "The record has changed since it was read; read it again and repeat the change."
    return Problem(412, "Precondition failed", detail=detail)


def precondition_required() -> Problem:
    """428: a change that does not say which version it is based on."""
    detail = "Send the record's ETag in If-Match, so that no other change is overwritten."
    return Problem(428, "Precondition required", detail=detail)


def too_many(wait_s: int) -> Problem:
    """429: the client is above its limit."""
    detail = "There were too many requests; wait for as long as Retry-After says."
    return Problem(429, "Too many requests", detail=detail, headers={"Retry-After": str(wait_s)})


def busy() -> Problem:
    """503: too much at once; try again in a moment."""
    detail = "The service is busy; try again in a moment."
    return Problem(503, "Service unavailable", detail=detail, headers=_RETRY)


def no_database() -> Problem:
    """503: the database does not answer; try again in a moment."""
    detail = "The database cannot be reached; try again in a moment."
    return Problem(503, "Service unavailable", detail=detail, headers=_RETRY)


def too_large(most: int) -> Problem:
    """413: the body has more bytes than it may have."""
    return Problem(413, "Content too large", detail=f"The body may have at most {most} bytes.")


def timed_out() -> Problem:
    """504: the request's time is used up."""
    return Problem(504, "Gateway timeout", detail="The request took longer than it may.")


def internal() -> Problem:
    """500: a defect of the service; the log has the details."""
    return Problem(500, "Internal server error")


def unprocessable(errors: Sequence[FieldError]) -> Problem:
    """422: the request is not valid, for these reasons."""
    return Problem(
        HTTP_422_UNPROCESSABLE_CONTENT,
        "Unprocessable content",
        detail="The request is not valid.",
        errors=errors,
    )


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI responses of these error statuses, for `responses=` of a route."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {
            "description": _DESCRIPTIONS[status],
            "content": {MEDIA_TYPE: {"schema": schema}},
            **({"headers": _HEADERS[status]} if status in _HEADERS else {}),
        }
        for status in statuses
    }
