"""What the audit log says of a change besides the record: who made it, and in which request."""

from kit import identity, logs


def current_subject() -> str:
    """Return who acts: a caller, or the service itself where it handles an event."""
    return identity.current().subject


def current_request_id() -> str | None:
    """Return the id of the request, as the access log has it, or None outside of a request."""
    return logs.request_id.get()
