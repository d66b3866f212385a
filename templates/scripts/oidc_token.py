"""Gets the identity of a GitHub job for kubectl, which calls this as its credential plugin.

    python scripts/oidc_token.py AUDIENCE

A token lives for minutes only, so kubectl asks for a new one each time.
"""

import json
import os
import sys
import urllib.parse
import urllib.request

TIMEOUT_S = 30


def token(audience: str) -> str:
    """Return a token that says which repository and environment this job is of."""
    query = urllib.parse.urlencode({"audience": audience})
    url = f"{os.environ['ACTIONS_ID_TOKEN_REQUEST_URL']}&{query}"
    request = urllib.request.Request(url)  # noqa: S310 - GitHub's own URL
    request.add_header("Authorization", f"Bearer {os.environ['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}")
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
        return str(json.load(answer)["value"])


def main() -> int:
    """Print the token as kubectl reads it."""
    credential = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": token(sys.argv[1])},
    }
    json.dump(credential, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
