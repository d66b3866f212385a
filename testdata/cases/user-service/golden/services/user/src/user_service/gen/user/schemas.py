"""What the API accepts and says about users."""

from typing import Annotated, Literal

from pydantic import Field

from kit.crud import ListQuery
from kit.schema import Model, Page, Patch, View, absent
from kit.types import Email, NoNul, Text, Timestamp, Uuid

UserDisplayName = Annotated[Text, Field(min_length=1, max_length=80)]
UserPasswordHash = Annotated[Text, Field(max_length=255)]
UserStatus = Literal["invited", "active", "suspended"]
UserLocale = Annotated[str, Field(max_length=16, pattern="^[a-z]{2}(-[A-Z]{2})?$"), NoNul]
UserSort = Literal["created_at", "-created_at"]


class UserCreate(Model):
    """A new user."""

    email: Email
    display_name: UserDisplayName
    password_hash: UserPasswordHash
    status: UserStatus = "invited"
    locale: UserLocale = "en"
    last_seen_at: Timestamp | None = None


class UserPatch(Patch):
    """The fields of a user to change; a field that is left out keeps its value."""

    email: Email = absent()
    display_name: UserDisplayName = absent()
    password_hash: UserPasswordHash = absent()
    status: UserStatus = absent()
    locale: UserLocale = absent()
    last_seen_at: Timestamp | None = absent()


class User(View):
    """Somebody with an account."""

    id: Uuid
    email: str
    display_name: str
    status: UserStatus
    locale: str
    last_seen_at: Timestamp | None
    created_at: Timestamp
    updated_at: Timestamp
    version: int = Field(ge=1)


class UserPage(Page[User]):
    """One page of users."""


class UserQuery(ListQuery):
    """The order and filters of a list of users."""

    sort: UserSort = "-created_at"
    email: Email | None = None
    status: UserStatus | None = None
    last_seen_at: Timestamp | None = None
    last_seen_at_from: Timestamp | None = None
    last_seen_at_to: Timestamp | None = None
