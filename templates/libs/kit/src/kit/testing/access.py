"""What an app offers, for tests of who may use it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import uuid4

from fastapi import FastAPI
from httpx2 import AsyncClient, Response

_METHODS = ("get", "put", "post", "delete", "patch")
_PARAMETER = re.compile(r"{\w+}")


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation, and a request of it that names no record that exists."""

    name: str
    method: str
    path: str

    async def broken(
        self, client: AsyncClient, headers: Mapping[str, str] | None = None
    ) -> Response:
        """Send it with a body that is no JSON; the answer tells what was looked at first."""
        typed = {"Content-Type": "application/json"} | dict(headers or {})
        return await client.request(self.method, self.path, content=b"{", headers=typed)


def operations(app: FastAPI) -> list[Operation]:
    """Return every operation of an app but its probes."""
    return [
        Operation(item[method]["operationId"], method.upper(), _PARAMETER.sub(str(uuid4()), path))
        for path, item in app.openapi()["paths"].items()
        for method in _METHODS
        if method in item
    ]
