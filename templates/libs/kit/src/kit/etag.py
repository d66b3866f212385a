"""Entity tags made from the version of a record, and the conditions of RFC 9110 on them."""

import re

from kit.problems import precondition_required

_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_VERSION = re.compile(r"[1-9]\d{0,9}")
_MAX_VERSION = 2**31 - 1


def etag(version: int) -> str:
    """Return the strong entity tag of a version: `"3"`."""
    return f'"{version}"'


def matches(if_none_match: str | None, version: int) -> bool:
    """Tell whether the client already holds this version (weak comparison)."""
    if if_none_match is None:
        return False
    if if_none_match.strip() == "*":
        return True
    return any(opaque == str(version) for _, opaque in _TAG.findall(if_none_match))


def expected_versions(if_match: str | None) -> list[int] | None:
    """Return the versions that a write is allowed to replace; None allows any.

    If-Match compares strongly: a weak tag, or one that this service never made, matches nothing.

    Raises:
        Problem: 428, the header is missing.
    """
    if if_match is None:
        raise precondition_required()
    if if_match.strip() == "*":
        return None
    opaque = [tag for weak, tag in _TAG.findall(if_match) if not weak]
    versions = [int(tag) for tag in opaque if _VERSION.fullmatch(tag)]
    return [version for version in versions if version <= _MAX_VERSION]
