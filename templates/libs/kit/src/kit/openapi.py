"""What the OpenAPI document says beyond what FastAPI finds out by itself."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI

_PROBLEM: dict[str, Any] = {
    "title": "Problem",
    "description": "What went wrong (RFC 9457).",
    "type": "object",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["location", "message", "type"],
                "properties": {
                    "location": {
                        "type": "array",
                        "items": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
                    },
                    "message": {"type": "string"},
                    "type": {"type": "string"},
                },
            },
        },
    },
}


def document(app: FastAPI, describe: Callable[[dict[str, Any]], None] | None) -> None:
    """Put into the app's OpenAPI document what FastAPI does not know: Problem and If-Match.

    Args:
        app: whose document it is.
        describe: adds what the app's guard asks for.
    """
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = generate()
            components = schema.setdefault("components", {}).setdefault("schemas", {})
            components["Problem"] = _PROBLEM
            components.pop("HTTPValidationError", None)
            components.pop("ValidationError", None)
            for path in schema["paths"].values():
                for operation in path.values():
                    _require_if_match(operation)
            if describe is not None:
                describe(schema)
        return app.openapi_schema or generate()

    app.openapi = openapi  # type: ignore[method-assign]


def _require_if_match(operation: dict[str, Any]) -> None:
    """Document the header as required; its absence is a 428, which FastAPI cannot answer."""
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "header" and parameter["name"] == "If-Match":
            parameter["required"] = True
            parameter["schema"] = {"type": "string"}
