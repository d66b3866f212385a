"""An OpenID Connect issuer of the tests' own, with real keys; also for a system on one machine.

    python -m kit.testing.issuer --port 8080

serves the configuration and the keys, and `POST /token` makes an access token for whoever asks:
`subject`, `scope`, `roles` and `tenant` are members of the form. It is no identity provider: never
let anything trust it that others can reach.

    python -m kit.testing.issuer --ask http://127.0.0.1:8080 roles=editor

prints such a token.
"""

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

import httpx2
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

LIFETIME_S = 3600
_TIMEOUT_S = 10.0
_CONFIGURATION = "/.well-known/openid-configuration"
_KEYS = "/keys"
_TOKEN = "/token"  # noqa: S105 - a path


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key and the public half as the issuer publishes it."""

    identity: str
    algorithm: str
    private: Any
    public: Mapping[str, Any]

    @classmethod
    def rsa(cls) -> "SigningKey":
        """Make a key for RS256."""
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        return cls._of("RS256", private, RSAAlgorithm.to_jwk(private.public_key(), as_dict=True))

    @classmethod
    def ec(cls) -> "SigningKey":
        """Make a key for ES256."""
        private = ec.generate_private_key(ec.SECP256R1())
        return cls._of("ES256", private, ECAlgorithm.to_jwk(private.public_key(), as_dict=True))

    @classmethod
    def _of(cls, algorithm: str, private: Any, public: dict[str, Any]) -> "SigningKey":
        identity = uuid4().hex
        told = {"kid": identity, "alg": algorithm, "use": "sig"}
        return cls(identity, algorithm, private, {**public, **told})


class Issuer:
    """Signs with its newest key and publishes those that it has not dropped."""

    def __init__(self, url: str, audience: str) -> None:
        self.url = url
        self.audience = audience
        self.keys = [SigningKey.rsa(), SigningKey.ec()]
        self.fetches = 0
        """How often somebody asked for the keys."""

    def rotate(self) -> SigningKey:
        """Sign with a new key from now on, of the other kind; the old ones stay published."""
        key = SigningKey.ec() if self.keys[-1].algorithm == "RS256" else SigningKey.rsa()
        self.keys.append(key)
        return key

    def drop(self, key: SigningKey) -> None:
        """Publish a key no more."""
        self.keys.remove(key)

    def token(
        self,
        *scopes: str,
        subject: str = "test",
        key: SigningKey | None = None,
        head: Mapping[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """Return an access token.

        Args:
            scopes: what the bearer may do.
            subject: who the bearer is.
            key: signs it; the newest key if None.
            head: members of the header to set otherwise.
            claims: members of the payload to set otherwise; None leaves a member out.
        """
        now = int(time.time())
        usual: dict[str, Any] = {
            "iss": self.url,
            "aud": self.audience,
            "sub": subject,
            "iat": now,
            "exp": now + LIFETIME_S,
            "scope": " ".join(scopes),
        }
        key = key or self.keys[-1]
        headers = {"kid": key.identity, "typ": "at+jwt", **(head or {})}
        return jwt.encode(
            _without_none(usual | claims),
            key.private,
            algorithm=key.algorithm,
            headers=_without_none(headers),
        )

    def answer(self, path: str) -> dict[str, Any] | None:
        """Return what it publishes at a path."""
        if path == _CONFIGURATION:
            return {
                "issuer": self.url,
                "jwks_uri": self.url + _KEYS,
                "token_endpoint": self.url + _TOKEN,
            }
        if path == _KEYS:
            self.fetches += 1
            return {"keys": [dict(key.public) for key in self.keys]}
        return None

    def grant(self, form: Mapping[str, str]) -> dict[str, Any]:
        """Return the answer to a request for a token."""
        claims: dict[str, Any] = {"roles": form.get("roles", "").split()}
        if "tenant" in form:
            claims["tenant_id"] = form["tenant"]
        token = self.token(
            *form.get("scope", "").split(), subject=form.get("subject", "local"), **claims
        )
        return {"access_token": token, "token_type": "Bearer", "expires_in": LIFETIME_S}


def _without_none(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


class _Handler(BaseHTTPRequestHandler):
    """Speaks for the issuer of its server."""

    server: "_Server"

    def do_GET(self) -> None:
        self._send(self.server.issuer.answer(self.path))

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        form = parse_qs(self.rfile.read(length).decode())
        given = {name: values[-1] for name, values in form.items()}
        self._send(self.server.issuer.grant(given) if self.path == _TOKEN else None)

    def _send(self, body: dict[str, Any] | None) -> None:
        content = json.dumps(body).encode()
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, host: str, port: int) -> None:
        super().__init__((host, port), _Handler)
        self.issuer: Issuer


@contextmanager
def issuer(
    audience: str, *, host: str = "127.0.0.1", port: int = 0, url: str | None = None
) -> Iterator[Issuer]:
    """Run an issuer for a while.

    Args:
        audience: whom its tokens are for.
        host: where it listens.
        port: 0 for one that is free.
        url: how others reach it; None for host and port.
    """
    server = _Server(host, port)
    server.issuer = Issuer(url or f"http://{host}:{server.server_port}", audience)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server.issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def credentials() -> dict[str, str]:
    """Return the headers of the caller whom the environment names, for scripts and load tests.

    API_TOKEN is an access token. Without it, OIDC_TOKEN_URL is asked for one for the client
    OIDC_CLIENT_ID, whose password is OIDC_CLIENT_SECRET (RFC 6749, 4.4).
    """
    token = os.environ.get("API_TOKEN") or _granted()
    return {"Authorization": f"Bearer {token}"}


def _granted() -> str:
    names = ("OIDC_TOKEN_URL", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET")
    url, client, secret = (os.environ.get(name, "") for name in names)
    if not url:
        msg = f"set API_TOKEN to an access token for this system, or {', '.join(names)}"
        raise SystemExit(msg)
    answer = httpx2.post(
        url,
        data={"grant_type": "client_credentials"},
        auth=(client, secret),
        timeout=_TIMEOUT_S,
    )
    token: str = answer.raise_for_status().json()["access_token"]
    return token


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until a signal, or ask the issuer that serves already."""
    parser = argparse.ArgumentParser(prog="python -m kit.testing.issuer", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--url", help="how the services reach it")
    parser.add_argument("--audience", default="", help="whom its tokens are for")
    parser.add_argument("--ask", metavar="URL", help="print a token of the issuer at this URL")
    parser.add_argument("form", nargs="*", metavar="NAME=VALUE", help="what to ask it for")
    given = parser.parse_args(arguments)
    if given.ask:
        form = dict(member.split("=", 1) for member in given.form)
        answer = httpx2.post(given.ask + _TOKEN, data=form, timeout=_TIMEOUT_S)
        sys.stdout.write(answer.raise_for_status().json()["access_token"] + "\n")
        return 0
    if not given.audience:
        parser.error("--audience is missing")
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with issuer(given.audience, host=given.host, port=given.port, url=given.url) as running:
        sys.stdout.write(f"issuer at {running.url}\n")
        sys.stdout.flush()
        stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
