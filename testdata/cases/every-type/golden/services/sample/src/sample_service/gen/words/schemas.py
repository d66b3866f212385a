"""What the API accepts and says about words."""

from typing import Annotated, Literal

from pydantic import Field

from kit.crud import ListQuery
from kit.schema import Model, Page, Patch, View, absent
from kit.types import Email, NoNul, Text, Timestamp, Url, Uuid

WordsShort = Annotated[Text, Field(max_length=1)]
WordsCode = Annotated[str, Field(min_length=2, max_length=8, pattern="^[A-Z0-9]+$"), NoNul]
WordsLabel = Annotated[Text, Field(max_length=100)]
WordsSecret = Annotated[Text, Field(max_length=64)]
WordsBody = Annotated[Text, Field(min_length=1, max_length=2000)]
WordsOptionalBody = Annotated[Text, Field(max_length=65536)]
WordsSort = Literal["created_at", "-created_at", "label", "-label"]


class WordsCreate(Model):
    """A new words."""

    short: WordsShort
    code: WordsCode
    label: WordsLabel = 'it\'s "new"'
    secret: WordsSecret | None = None
    body: WordsBody
    optional_body: WordsOptionalBody | None = None
    contact: Email
    other_contact: Email | None = None
    homepage: Url | None = None
    callback: Url = "https://example.com/"


class WordsPatch(Patch):
    """The fields of a words to change; a field that is left out keeps its value."""

    short: WordsShort = absent()
    code: WordsCode = absent()
    label: WordsLabel = absent()
    secret: WordsSecret | None = absent()
    body: WordsBody = absent()
    optional_body: WordsOptionalBody | None = absent()
    contact: Email = absent()
    other_contact: Email | None = absent()
    homepage: Url | None = absent()
    callback: Url = absent()


class Words(View):
    """A stored words."""

    id: Uuid
    short: str
    code: str
    label: str
    body: str
    optional_body: str | None
    contact: str
    other_contact: str | None
    homepage: str | None
    callback: str
    created_at: Timestamp
    updated_at: Timestamp
    version: int = Field(ge=1)


class WordsPage(Page[Words]):
    """One page of words."""


class WordsQuery(ListQuery):
    """The order and filters of a list of words."""

    sort: WordsSort = "-created_at"
    code: WordsCode | None = None
    label: WordsLabel | None = None
    contact: Email | None = None
    other_contact: Email | None = None
