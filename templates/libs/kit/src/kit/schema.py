"""Bases of the models that cross the API."""

from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

T = TypeVar("T")


class Model(BaseModel):
    """The body of a request: unknown members and loosely typed values are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, serialize_by_alias=True)


class View(Model):
    """The body of a response, made from a row or from attributes."""

    model_config = ConfigDict(
        extra="ignore", from_attributes=True, validate_by_name=True, validate_by_alias=True
    )


class Page(View, Generic[T]):
    """One page of a list."""

    items: list[T]
    next_cursor: str | None = Field(description="Gives the next page; null on the last one.")


class Patch(Model):
    """A partial change: a member that is left out stays as it is (RFC 7396)."""

    def changes(self) -> dict[str, Any]:
        """Return what the client sent, by attribute name."""
        sent = self.model_fields_set
        return {name: getattr(self, name) for name in type(self).model_fields if name in sent}

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Leave the stand-in defaults out of the document."""
        described = handler(schema)
        for member in handler.resolve_ref_schema(described).get("properties", {}).values():
            member.pop("default", None)
        return described


def absent(alias: str | None = None) -> Any:
    """Return the default of a Patch field: may be left out, yet is null only if its type is."""
    return Field(default=None, alias=alias)


def json_bytes(model: BaseModel) -> bytes:
    """Return the model as JSON."""
    return model.__pydantic_serializer__.to_json(model, by_alias=True)
