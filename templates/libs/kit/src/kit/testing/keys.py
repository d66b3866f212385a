"""The API key of whoever runs a script or a load test."""

import os

from kit.auth.keys import HEADER


def credentials() -> dict[str, str]:
    """Return the headers of the caller whose key API_KEY holds."""
    key = os.environ.get("API_KEY")
    if not key:
        msg = "set API_KEY to a key for this system"
        raise SystemExit(msg)
    return {HEADER: key}
