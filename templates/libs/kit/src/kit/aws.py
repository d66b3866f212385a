"""Calls to AWS: signed (Signature Version 4), in JSON, without an SDK that a cold start would pay for."""

import hashlib
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx2
import orjson

_ALGORITHM = "AWS4-HMAC-SHA256"
_LOCAL_REGION = "us-east-1"
_OK = 200


class AwsError(Exception):
    """AWS refused a call, or did not answer it."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Of a role, as Lambda puts them into the environment for as long as the environment lives."""

    key: str
    secret: str
    token: str | None = None

    @classmethod
    def of_environment(cls) -> "Credentials":
        """Read them; an emulator takes any, so there is something without them."""
        get = os.environ.get
        key, secret = get("AWS_ACCESS_KEY_ID", "local"), get("AWS_SECRET_ACCESS_KEY", "local")
        return cls(key, secret, get("AWS_SESSION_TOKEN"))


@dataclass(frozen=True, slots=True)
class Place:
    """Where AWS is.

    Args:
        region: like "eu-central-1".
        endpoint: of an emulator that answers for every service; None for AWS itself.
    """

    region: str
    endpoint: str | None = None

    @classmethod
    def of(cls, url: str) -> "Place":
        """Read `aws://eu-central-1`, or the address of an emulator."""
        parts = urlsplit(url)
        if parts.scheme == "aws":
            return cls(parts.hostname or "")
        return cls(_LOCAL_REGION, f"{parts.scheme}://{parts.netloc}")

    def url(self, service: str) -> str:
        """Return where a service answers."""
        return self.endpoint or f"https://{service}.{self.region}.amazonaws.com"


@dataclass(frozen=True, slots=True)
class Api:
    """A service that speaks JSON.

    Args:
        name: in its host name and in signatures, like "sqs".
        target: before the name of an operation, like "AmazonSQS".
        version: of the protocol, "1.0" or "1.1".
    """

    name: str
    target: str
    version: str

    def request(self, place: Place, operation: str, arguments: Mapping[str, Any]) -> httpx2.Request:
        """Return the signed request of an operation."""
        headers = {
            "content-type": f"application/x-amz-json-{self.version}",
            "x-amz-target": f"{self.target}.{operation}",
        }
        url, body = place.url(self.name), orjson.dumps(arguments)
        signed = sign(
            url,
            headers,
            body,
            self.name,
            place.region,
            Credentials.of_environment(),
            datetime.now(UTC),
        )
        return httpx2.Request("POST", url, headers=signed, content=body)


EVENTS = Api("events", "AWSEvents", "1.1")
SQS = Api("sqs", "AmazonSQS", "1.0")
SECRETS = Api("secretsmanager", "secretsmanager", "1.1")


def sign(
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    service: str,
    region: str,
    credentials: Credentials,
    now: datetime,
) -> dict[str, str]:
    """Return the headers of a POST to the root of a host, with its signature among them."""
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    every = {**headers, "host": urlsplit(url).netloc, "x-amz-date": stamp}
    if credentials.token:
        every["x-amz-security-token"] = credentials.token
    names = sorted(every)
    lines = "".join(f"{name}:{every[name]}\n" for name in names)
    signed = ";".join(names)
    canonical = f"POST\n/\n\n{lines}\n{signed}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    text = f"{_ALGORITHM}\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{credentials.secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    credential = f"Credential={credentials.key}/{scope}"
    every["authorization"] = (
        f"{_ALGORITHM} {credential}, SignedHeaders={signed}, Signature={signature}"
    )
    return every


def answer(response: httpx2.Response) -> dict[str, Any]:
    """Return what AWS says; an error raises AwsError with its name and its reason."""
    if response.status_code == _OK:
        found: dict[str, Any] = orjson.loads(response.content or b"{}")
        return found
    try:
        error = orjson.loads(response.content)
        name = str(error.get("__type", "")).rpartition("#")[2]
        msg = f"{name}: {error.get('message') or error.get('Message')}"
    except (orjson.JSONDecodeError, AttributeError):
        msg = f"HTTP {response.status_code}"
    raise AwsError(msg)


class Client:
    """Calls the operations of AWS over connections that are kept.

    Args:
        place: where AWS is.
        timeout_s: of each call.
    """

    def __init__(self, place: Place, timeout_s: float) -> None:
        self.place = place
        self._timeout_s = timeout_s
        self._http = httpx2.AsyncClient()

    async def close(self) -> None:
        """Disconnect."""
        await self._http.aclose()

    async def call(
        self, api: Api, operation: str, *, wait_s: float = 0, **arguments: Any
    ) -> dict[str, Any]:
        """Call an operation.

        Args:
            api: of the service.
            operation: as AWS names it.
            wait_s: how long the service may take beyond the usual.
            arguments: as AWS names them.

        Raises:
            AwsError: it was refused, or there was no answer.
        """
        request = api.request(self.place, operation, arguments)
        request.extensions["timeout"] = httpx2.Timeout(self._timeout_s + wait_s).as_dict()
        try:
            return answer(await self._http.send(request))
        except (httpx2.HTTPError, OSError) as error:
            msg = f"{api.name} does not answer: {error!r}"
            raise AwsError(msg) from error
