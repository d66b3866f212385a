"""The peak load of the blueprint on the user service.

    locust -f services/user/load/locustfile.py --headless --host http://127.0.0.1:8001

Ends with exit code 1 when the p99 or the share of errors is above its threshold.
"""

from locust import constant

from kit.testing.load import Body, Kind, Known, RecordUser, thresholds
from kit.testing.records import instant, matching, serial, text


def new_user(_known: Known) -> Body:
    """Return the body of a new user."""
    n = serial()
    return {
        "email": f"person{n}@example.com",
        "display_name": text(n, 1, 80),
        "password_hash": text(n, 1, 255),
        "status": "invited",
        "locale": matching("^[a-z]{2}(-[A-Z]{2})?$", 0, 16),
        "last_seen_at": instant(n, "2000-01-01T00:00:00Z", "2099-12-31T00:00:00Z"),
    }


class Peak(RecordUser):
    """A user as the blueprint counts them."""

    wait_time = constant(1)
    kinds = (
        Kind(
            "/v1/users",
            new_user,
            {"list": 0.225, "create": 0.05, "read": 0.675, "update": 0.04, "delete": 0.01},
        ),
    )


thresholds(users=556, p99_ms=400, errors=0.001)
