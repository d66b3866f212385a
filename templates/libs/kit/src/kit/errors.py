"""How every error becomes a problem: the database's, the framework's, the service's own."""

from collections.abc import Callable, Mapping, Sequence

import asyncpg
from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.status import HTTP_400_BAD_REQUEST, HTTP_405_METHOD_NOT_ALLOWED

from kit.db import DatabaseUnavailableError
from kit.deadline import DeadlineExceededError
from kit.problems import (
    FieldError,
    Problem,
    busy,
    conflict,
    in_use,
    invalid,
    no_database,
    timed_out,
    unknown_reference,
    unprocessable,
)

_BY_SQLSTATE: dict[str, Callable[[], Problem]] = {
    "40001": busy,  # serialization_failure
    "40P01": busy,  # deadlock_detected
    "55P03": busy,  # lock_not_available
    "57014": timed_out,  # query_canceled: statement_timeout
    "53300": no_database,  # too_many_connections
    "25P03": timed_out,  # idle_in_transaction_session_timeout
}
_BY_CLASS: dict[str, Callable[[], Problem]] = {
    "08": no_database,  # connection exceptions
    "57": no_database,  # operator intervention: the server stops or starts
}
_BY_CONSTRAINT: dict[str, tuple[Callable[[str], Problem], Callable[[], Problem]]] = {
    "23503": (unknown_reference, lambda: unprocessable([])),
    "23505": (conflict, lambda: Problem(409, "Conflict", detail="The record exists already.")),
    "23514": (
        lambda field: invalid(["body", field], "is not allowed", "check"),
        lambda: unprocessable([]),
    ),
}
_DATA = frozenset(
    {
        "22000",  # asyncpg's own: the value does not fit the type of the parameter
        "22001",
        "22003",
        "22007",
        "22008",
        "22021",
        "22P02",
        "22P05",
        "23502",
    }
)


class SqlProblems:
    """Turns an error of the database into a problem, naming the field of the API.

    Args:
        fields: SQL constraint name to the member of the request body that it guards.
    """

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields = dict(fields)

    def of(self, error: asyncpg.PostgresError, *, deleting: bool) -> Problem | None:
        """Return the problem, or None for an error that is a defect of the service.

        Args:
            error: what the database said.
            deleting: tells a record that others refer to from a reference to nothing, which
                PostgreSQL reports by one and the same state.
        """
        state = error.sqlstate or ""
        if isinstance(error, asyncpg.InvalidCachedStatementError):
            return busy()  # a migration changed a type meanwhile; the statement is prepared anew
        if state in _DATA:
            return unprocessable([])
        if state.startswith("23"):
            return self._constraint(state, error.constraint_name or "", deleting=deleting)
        make = _BY_SQLSTATE.get(state) or _BY_CLASS.get(state[:2])
        return make() if make else None

    def _constraint(self, state: str, constraint: str, *, deleting: bool) -> Problem | None:
        field = self._fields.get(constraint)
        if state == "23503" and deleting:
            return in_use("record")
        if state not in _BY_CONSTRAINT:
            return None
        named, unnamed = _BY_CONSTRAINT[state]
        return unnamed() if field is None else named(field)


def install(app: FastAPI, routers: Sequence[APIRouter], constraints: Mapping[str, str]) -> None:
    """Make every error of the app a problem.

    Args:
        app: gets the handlers.
        routers: of the app; an answer 405 names the methods that a path has.
        constraints: see SqlProblems.
    """
    sql = SqlProblems(constraints)
    methods = _methods(routers)

    async def on_http(request: Request, error: Exception) -> Response:
        if isinstance(error, Problem):
            return error.response(request.url.path)
        assert isinstance(error, HTTPException)  # noqa: S101 - registered for nothing else
        return _of_framework(request, error, methods).response(request.url.path)

    async def on_validation(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for nothing else
        return unprocessable(_field_errors(error)).response(request.url.path)

    async def on_postgres(request: Request, error: Exception) -> Response:
        assert isinstance(error, asyncpg.PostgresError)  # noqa: S101 - registered for nothing else
        problem = sql.of(error, deleting=request.method == "DELETE")
        if problem is None:
            raise error
        return problem.response(request.url.path)

    async def on_unavailable(request: Request, _error: Exception) -> Response:
        return no_database().response(request.url.path)

    async def on_deadline(request: Request, _error: Exception) -> Response:
        return timed_out().response(request.url.path)

    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(RequestValidationError, on_validation)
    app.add_exception_handler(asyncpg.PostgresError, on_postgres)
    app.add_exception_handler(DatabaseUnavailableError, on_unavailable)
    app.add_exception_handler(DeadlineExceededError, on_deadline)


def _methods(routers: Sequence[APIRouter]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for router in routers:
        for route in router.routes:
            if isinstance(route, APIRoute):
                found.setdefault(route.path_format, set()).update(route.methods or ())
    return found


def _of_framework(
    request: Request, error: HTTPException, methods: Mapping[str, set[str]]
) -> Problem:
    """Translate what FastAPI and Starlette raise by themselves."""
    if error.status_code == HTTP_400_BAD_REQUEST and error.__cause__ is not None:
        return invalid(["body"], "is not JSON in UTF-8", "json_invalid")
    headers = dict(error.headers or {})
    if error.status_code == HTTP_405_METHOD_NOT_ALLOWED:
        # Starlette names the methods of one route only; a path has one route for each method.
        template = getattr(request.scope.get("route"), "path_format", "")
        headers["Allow"] = ", ".join(sorted(methods.get(template, ()))) or headers.get("Allow", "")
    return Problem(error.status_code, str(error.detail), headers=headers)


def _field_errors(error: RequestValidationError) -> list[FieldError]:
    """Keep where and why; the rejected input and its context may hold secrets."""
    return [
        FieldError(location=list(item["loc"]), message=item["msg"], type=item["type"])
        for item in error.errors()
    ]
