"""Access tokens that a service must not believe."""

import base64
import json
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kit.testing.issuer import Issuer, SigningKey


def forged(authority: Issuer, *scopes: str) -> dict[str, str]:
    """Return tokens that are wrong in one way each, by what is wrong with them.

    Args:
        authority: the issuer that is believed.
        scopes: what the bearer claims.
    """
    now = int(time.time())
    wrong: dict[str, dict[str, Any]] = {
        "signed by another key": {
            "key": SigningKey.rsa(),
            "head": {"kid": authority.keys[0].identity},
        },
        "signed by a key that nobody knows": {"key": SigningKey.rsa()},
        "without a key id": {"head": {"kid": None}},
        "expired": {"exp": now - 60},
        "of the future": {"nbf": now + 60},
        "without an end": {"exp": None},
        "for another audience": {"aud": "billing"},
        "without an audience": {"aud": None},
        "of another issuer": {"iss": "https://elsewhere.example"},
        "of nobody": {"sub": None},
        "of an empty name": {"sub": ""},
        "of a tenant that is none": {"tenant_id": "x"},
    }
    tokens = {fault: authority.token(*scopes, **members) for fault, members in wrong.items()}
    return {**tokens, **_rewritten(authority, authority.token(*scopes)), "no token": "rubbish"}


def _rewritten(authority: Issuer, token: str) -> dict[str, str]:
    """Return what an attacker makes of a good token without the private key."""
    key = authority.keys[0]
    head, payload, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    public = key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    confused = _encoded({"alg": "HS256", "typ": "JWT", "kid": key.identity})
    mac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    signed = _base64(mac.sign(f"{confused}.{payload}".encode(), public))
    return {
        "changed after it was signed": f"{head}.{_encoded({**claims, 'sub': 'admin'})}.{signature}",
        "unsigned": f"{_encoded({'alg': 'none', 'typ': 'JWT', 'kid': key.identity})}.{payload}.",
        "signed with the public key as a password": f"{confused}.{payload}.{signed}",
        "of another algorithm": jwt.encode(
            claims, key.private, algorithm="RS512", headers={"kid": key.identity}
        ),
    }


def _encoded(part: dict[str, Any]) -> str:
    return _base64(json.dumps(part).encode())


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
