"""What an app offers, for tests of who may use it."""

import re
from dataclasses import dataclass
from uuid import uuid4

from fastapi import FastAPI

_METHODS = ("get", "put", "post", "delete", "patch")
_PARAMETER = re.compile(r"{\w+}")


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation, and a request of it that names no record that exists."""

    name: str
    method: str
    path: str


def operations(app: FastAPI) -> list[Operation]:
    """Return every operation of an app but its probes."""
    return [
        Operation(item[method]["operationId"], method.upper(), _PARAMETER.sub(str(uuid4()), path))
        for path, item in app.openapi()["paths"].items()
        for method in _METHODS
        if method in item
    ]
