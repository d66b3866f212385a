"""Tells which image of each service belongs to a commit, and which of them a registry has.

An image is tagged by what it is made from: a commit that changes nothing of a service has the image
that was built before, and a tag never names two different images.

    python scripts/images.py tag SERVICE        its tag
    python scripts/images.py changed COMMIT     the services whose image is another since, as JSON
    python scripts/images.py missing REGISTRY   the services whose image has to be built, as JSON
    python scripts/images.py digests REGISTRY   SERVICE=IMAGE@DIGEST of each service

REGISTRY is where the images are, ghcr.io/owner/repository; REGISTRY_USER and REGISTRY_PASSWORD sign in.
"""

import argparse
import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from http import HTTPStatus
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SERVICES = sorted(file.parent.name for file in (ROOT / "services").glob("*/Dockerfile"))
# What a Dockerfile copies, and itself.
SOURCES = (
    ".dockerignore",
    "libs/kit/src",
    "requirements/runtime.txt",
    "services/{service}/Dockerfile",
    "services/{service}/migrations",
    "services/{service}/src",
)
MANIFESTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
ABSENT = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
TIMEOUT_S = 30


def tag(service: str, commit: str = "HEAD") -> str:
    """Name the image that a commit makes of a service."""
    paths = [source.format(service=service) for source in SOURCES]
    command = ["git", "ls-tree", "-r", "--full-tree", commit, "--", *paths]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    return hashlib.sha256(listed.stdout).hexdigest()[:16]


class Registry:
    """A registry of images, asked over its HTTP API."""

    def __init__(self, place: str) -> None:
        host, _, self._path = place.partition("/")
        local = host.partition(":")[0] in ("localhost", "127.0.0.1")
        self._url = f"{'http' if local else 'https'}://{host}/v2"
        self._place = place

    def digest(self, service: str) -> str | None:
        """Return the image of the present commit with its digest, or nothing if it is not there.

        A registry answers for an image that may not be seen as for one that does not exist.
        """
        url = f"{self._url}/{self._path}/{service}/manifests/{tag(service)}"
        try:
            try:
                found = self._head(url)
            except urllib.error.HTTPError as error:
                if error.code != HTTPStatus.UNAUTHORIZED:
                    raise
                found = self._head(url, self._token(error.headers["WWW-Authenticate"]))
        except urllib.error.HTTPError as error:
            if error.code in ABSENT:
                return None
            raise
        return f"{self._place}/{service}@{found}"

    def _head(self, url: str, authorization: str | None = None) -> str:
        request = urllib.request.Request(url, method="HEAD")  # noqa: S310 - the registry's own URL
        request.add_header("Accept", ", ".join(MANIFESTS))
        if authorization:
            request.add_header("Authorization", authorization)
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
            return str(answer.headers["Docker-Content-Digest"])

    def _token(self, challenge: str) -> str:
        """Get what the registry asks for: a token of its token server, or the password itself."""
        pair = f"{os.environ['REGISTRY_USER']}:{os.environ['REGISTRY_PASSWORD']}"
        basic = f"Basic {base64.b64encode(pair.encode()).decode()}"
        if not challenge.startswith("Bearer "):
            return basic
        asked = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        query = urllib.parse.urlencode(
            {key: asked[key] for key in ("service", "scope") if key in asked}
        )
        request = urllib.request.Request(f"{asked['realm']}?{query}")  # noqa: S310
        request.add_header("Authorization", basic)
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
            body = json.load(answer)
        return f"Bearer {body.get('token') or body['access_token']}"


def changed(commit: str) -> int:
    """Print the services whose image differs from the commit's."""
    print(json.dumps([service for service in SERVICES if tag(service) != tag(service, commit)]))
    return 0


def missing(place: str) -> int:
    """Print the services whose image the registry does not have."""
    registry = Registry(place)
    print(json.dumps([service for service in SERVICES if registry.digest(service) is None]))
    return 0


def digests(place: str) -> int:
    """Print the image of every service by its digest."""
    registry = Registry(place)
    found = {service: registry.digest(service) for service in SERVICES}
    absent = [service for service, image in found.items() if image is None]
    if absent:
        print(f"not built yet at this commit: {', '.join(absent)}", file=sys.stderr)
        return 1
    for service, image in found.items():
        print(f"{service}={image}")
    return 0


def show(service: str) -> int:
    """Print the tag of a service's image."""
    print(tag(service))
    return 0


def main() -> int:
    """Read the command line and answer."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    for name, call, argument in (
        ("tag", show, "service"),
        ("changed", changed, "commit"),
        ("missing", missing, "registry"),
        ("digests", digests, "registry"),
    ):
        command = commands.add_parser(name, help=call.__doc__)
        command.add_argument("about", metavar=argument.upper())
        command.set_defaults(call=call)
    options = parser.parse_args()
    code: int = options.call(options.about)
    return code


if __name__ == "__main__":
    sys.exit(main())
