"""Whose records a caller may use."""

from uuid import UUID

import pytest

from kit.crud import Listing, Sort
from kit.identity import Principal, acting_as
from kit.ownership import OwnedPages, Ownership
from kit.types import Timestamp

OWNERS = Ownership("notes:any")
ALICE = Principal("alice", frozenset({"notes:read", "notes:write"}))
ADMINISTRATOR = Principal("adam", ALICE.scopes | {"notes:any"})
WORKER = Principal("note-worker", internal=True)


class Query:
    """What a caller asked for."""

    sort = "created_at"
    limit = 20
    cursor = None
    title = "a"


@pytest.mark.parametrize(
    ("who", "limit"), [(ALICE, "alice"), (ADMINISTRATOR, None), (WORKER, None)]
)
def test_the_limit_is_the_caller_but_for_a_scope_or_the_service_itself(
    who: Principal, limit: str | None
) -> None:
    with acting_as(who):
        assert OWNERS.limit() == limit
        assert OWNERS.admits("alice")
        assert OWNERS.admits("bob") == (limit is None)
        assert OWNERS.admits("") == (limit is None)


def test_who_is_not_known_has_no_records_of_others() -> None:
    assert not OWNERS.admits("alice")
    assert not OWNERS.admits("")


def test_a_list_is_limited_whatever_the_query_says() -> None:
    listing = Listing(
        select="SELECT id FROM notes\n",
        sorts={"created_at": Sort("created_at", "created_at", Timestamp)},
        filters={"title": "title = {}", "owner_id": "owner_id = {}"},
    )
    pages = OwnedPages(_Row, listing, OWNERS)
    with acting_as(ALICE):
        assert pages.filters(Query()) == {"title": "a", "owner_id": "alice"}
    with acting_as(ADMINISTRATOR):
        assert pages.filters(Query()) == {"title": "a", "owner_id": None}


class _Row:
    id = UUID(int=1)
    version = 1
    owner_id = "alice"
