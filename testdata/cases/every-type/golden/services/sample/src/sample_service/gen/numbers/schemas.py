"""What the API accepts and says about numbers."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from kit.crud import ListQuery
from kit.schema import Model, Page, Patch, View, absent
from kit.types import DecimalText, Float64, Int32, Int64, Timestamp, Uuid, Whole

NumbersCount = Annotated[int, Field(ge=0, le=1000), Whole]
NumbersBigLimited = Annotated[int, Field(ge=-9007199254740993, le=9007199254740993), Whole]
NumbersPrice = Annotated[Decimal, DecimalText(12, 2, ge="0", le="999999999.99")]
NumbersRate = Annotated[Decimal, DecimalText(5, 5)]
NumbersHuge = Annotated[Decimal, DecimalText(30, 10)]
NumbersRatio = Annotated[Float64, Field(ge=0, le=1)]
NumbersSort = Literal[
    "created_at",
    "-created_at",
    "count",
    "-count",
    "price",
    "-price",
    "reading",
    "-reading",
]


class NumbersCreate(Model):
    """A new numbers."""

    count: NumbersCount
    signed: Int32 = -5
    big: Int64
    big_limited: NumbersBigLimited | None = None
    price: NumbersPrice
    rate: NumbersRate = Decimal("0.12345")
    huge: NumbersHuge | None = None
    ratio: NumbersRatio
    reading: Float64 = 1.5


class NumbersPatch(Patch):
    """The fields of a numbers to change; a field that is left out keeps its value."""

    count: NumbersCount = absent()
    signed: Int32 = absent()
    big: Int64 = absent()
    big_limited: NumbersBigLimited | None = absent()
    price: NumbersPrice = absent()
    rate: NumbersRate = absent()
    huge: NumbersHuge | None = absent()
    ratio: NumbersRatio = absent()
    reading: Float64 = absent()


class Numbers(View):
    """A stored numbers."""

    id: Uuid
    count: int
    signed: int
    big: int
    big_limited: int | None
    price: Annotated[Decimal, DecimalText(12, 2)]
    rate: Annotated[Decimal, DecimalText(5, 5)]
    huge: Annotated[Decimal, DecimalText(30, 10)] | None
    ratio: float
    reading: float
    created_at: Timestamp
    updated_at: Timestamp
    version: int = Field(ge=1)


class NumbersPage(Page[Numbers]):
    """One page of numbers."""


class NumbersQuery(ListQuery):
    """The order and filters of a list of numbers."""

    sort: NumbersSort = "-created_at"
    count: NumbersCount | None = None
    count_from: NumbersCount | None = None
    count_to: NumbersCount | None = None
    big: Int64 | None = None
    price: NumbersPrice | None = None
    price_from: NumbersPrice | None = None
    price_to: NumbersPrice | None = None
    reading: Float64 | None = None
    reading_from: Float64 | None = None
    reading_to: Float64 | None = None
