"""Field types that JSON, Pydantic and PostgreSQL all understand in the same way.

They validate what PostgreSQL would refuse, and say so in the OpenAPI document: text without NUL,
integers within range, timestamps with an offset, decimals as strings in plain notation.
"""

import json
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from fastapi import Header
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

JSON_BYTES = 65_536

JsonValue = dict[str, Any] | list[Any]

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIMESTAMP = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_EMAIL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_URL = r"^https?://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?([/?#][!-~]*)?$"


def _without_nul(value: str) -> str:
    if "\x00" in value:
        msg = "must not contain the character U+0000"
        raise ValueError(msg)
    return value


def _email(value: str) -> str:
    if not _EMAIL.fullmatch(value):
        msg = "must be an e-mail address"
        raise ValueError(msg)
    return value


def _textual(pattern: re.Pattern[str], wanted: str) -> BeforeValidator:
    """Accept text of this form only: Pydantic would also take numbers and other spellings."""

    def check(value: object) -> object:
        if isinstance(value, (int, float, bytes)) or (
            isinstance(value, str) and not pattern.fullmatch(value)
        ):
            msg = f"must be {wanted}"
            raise ValueError(msg)
        return value

    return BeforeValidator(check)


def _whole(value: object) -> object:
    """Accept 5.0, which JSON Schema calls an integer too."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _to_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        msg = "is out of range in UTC"
        raise ValueError(msg) from error


def _storable(value: JsonValue) -> JsonValue:
    try:
        size = len(json.dumps(value, ensure_ascii=False, allow_nan=False).encode())
    except (ValueError, RecursionError) as error:
        msg = "must hold finite numbers and valid Unicode only, and be nested less deeply"
        raise ValueError(msg) from error
    if size > JSON_BYTES:
        msg = f"must take at most {JSON_BYTES} bytes"
        raise ValueError(msg)
    pending: list[Any] = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            pending.extend(item.keys())
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)
        elif isinstance(item, str):
            _without_nul(item)
    return value


def within(*, ge: date | None = None, le: date | None = None) -> AfterValidator:
    """Return a validator of the least and the greatest date or time allowed."""

    def check(value: date) -> date:
        if ge is not None and value < ge:
            msg = f"must not be before {ge.isoformat()}"
            raise ValueError(msg)
        if le is not None and value > le:
            msg = f"must not be after {le.isoformat()}"
            raise ValueError(msg)
        return value

    return AfterValidator(check)


NoNul = AfterValidator(_without_nul)
Text = Annotated[str, Field(pattern=r"^[^\u0000]*$")]
Words = Annotated[Text, Field(max_length=200)]
Email = Annotated[
    str, Field(max_length=254, json_schema_extra={"format": "email"}), AfterValidator(_email)
]
Url = Annotated[str, Field(max_length=2048, pattern=_URL)]
Whole = BeforeValidator(_whole)
Int32 = Annotated[
    int, Field(ge=-(2**31), le=2**31 - 1, json_schema_extra={"format": "int32"}), Whole
]
Int64 = Annotated[
    int, Field(ge=-(2**63), le=2**63 - 1, json_schema_extra={"format": "int64"}), Whole
]
Float64 = Annotated[float, Field(allow_inf_nan=False, json_schema_extra={"format": "double"})]
Date = Annotated[date, Field(strict=False), _textual(_DATE, "a date like 2026-01-31")]
Timestamp = Annotated[
    AwareDatetime,
    Field(strict=False),
    AfterValidator(_to_utc),
    _textual(_TIMESTAMP, "a time with its offset like 2026-01-31T09:30:00Z"),
]
Uuid = Annotated[UUID, Field(strict=False), _textual(_UUID, "a UUID in its 36 characters")]
Json = Annotated[
    JsonValue,
    AfterValidator(_storable),
    WithJsonSchema({"type": ["object", "array"]}),
]


IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="Repeating the request with the same key gives the first answer again.",
    ),
]
IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        description="The `ETag` that the change is based on.",
    ),
]
IfNoneMatch = Annotated[
    str | None,
    Header(
        alias="If-None-Match",
        description="The `ETag` that the client already holds.",
    ),
]


@dataclass(frozen=True, slots=True)
class DecimalText:
    """Metadata of a Decimal that crosses the API as a string: `Annotated[Decimal, DecimalText(12, 2)]`.

    Args:
        precision: digits in all, as in numeric(precision, scale).
        scale: digits after the point.
        ge: least value allowed.
        le: greatest value allowed.
    """

    precision: int
    scale: int
    ge: str | None = None
    le: str | None = None

    @property
    def pattern(self) -> str:
        """The regular expression of the text."""
        sign = "" if self.ge is not None and Decimal(self.ge) >= 0 else "-?"
        whole = self.precision - self.scale
        digits = f"(0|[1-9][0-9]{{0,{whole - 1}}})" if whole else "0"
        fraction = rf"(\.[0-9]{{1,{self.scale}}})?" if self.scale else ""
        return f"^{sign}{digits}{fraction}$"

    def __get_pydantic_core_schema__(
        self, _source: object, _handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Validate text in, keep a Decimal, write text out."""
        return core_schema.no_info_plain_validator_function(
            self._validate,
            serialization=core_schema.plain_serializer_function_ser_schema(
                self._text, return_schema=core_schema.str_schema(), when_used="json-unless-none"
            ),
        )

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe the text."""
        return {"type": "string", "pattern": self.pattern}

    def _validate(self, value: object) -> Decimal:
        if isinstance(value, str):
            if not re.fullmatch(self.pattern, value):
                msg = (
                    f"must be a decimal in a string, with at most {self.precision - self.scale} "
                    f"digits before the point and {self.scale} after it"
                )
                raise ValueError(msg)
            value = Decimal(value)
        if not isinstance(value, Decimal):
            msg = "must be a decimal in a string"
            raise ValueError(msg)  # noqa: TRY004 - Pydantic reports only a ValueError
        if self.ge is not None and value < Decimal(self.ge):
            msg = f"must be at least {self.ge}"
            raise ValueError(msg)
        if self.le is not None and value > Decimal(self.le):
            msg = f"must be at most {self.le}"
            raise ValueError(msg)
        return value

    def _text(self, value: Decimal) -> str:
        return f"{value:.{self.scale}f}"
