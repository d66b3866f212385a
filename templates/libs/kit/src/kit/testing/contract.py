"""Compares OpenAPI documents by what they promise, not by how they say it."""

from typing import Any

Document = dict[str, Any]

_METHODS = ("get", "put", "post", "delete", "patch")
_WORDS_ONLY = ("title", "description", "examples", "example", "summary")
_HINTS = ("int32", "int64", "double", "email")  # formats that limit nothing by themselves


def operations(document: Document) -> dict[str, Document]:
    """Return what each operation takes and gives, by method and path."""
    return {
        f"{method.upper()} {path}": _operation(document, item, item[method])
        for path, item in document["paths"].items()
        for method in _METHODS
        if method in item
    }


def _operation(document: Document, path_item: Document, operation: Document) -> Document:
    given = [*path_item.get("parameters", []), *operation.get("parameters", [])]
    parameters = [resolved(document, item) for item in given]
    body = resolved(document, operation.get("requestBody", {}))
    responses = operation["responses"].items()
    return {
        "operationId": operation["operationId"],
        "tags": operation["tags"],
        "security": operation.get("security", document.get("security", [])),
        "parameters": {
            f"{item['in']} {item['name'].lower()}": (
                item.get("required", False),
                schema_of(document, item["schema"], optional=not item.get("required", False)),
            )
            for item in parameters
        },
        "body": _content(document, body),
        "responses": {
            status: _response(document, resolved(document, item)) for status, item in responses
        },
    }


def _response(document: Document, response: Document) -> Document:
    headers = sorted(name.lower() for name in response.get("headers", {}))
    return {"headers": headers, "content": _content(document, response)}


def _content(document: Document, holder: Document) -> Document:
    return {
        kind: schema_of(document, content.get("schema", {}))
        for kind, content in holder.get("content", {}).items()
    }


def resolved(document: Document, item: Document) -> Document:
    """Follow a reference to the end."""
    while "$ref" in item:
        found: Any = document
        for step in item["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        item = found
    return item


def schema_of(document: Document, schema: Any, *, optional: bool = False) -> Any:
    """Return what a schema promises, however it is written."""
    if isinstance(schema, list):
        return [schema_of(document, item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    plain = _plain(_one_of_types(resolved(document, schema)), optional=optional)
    if "properties" in plain:
        plain["properties"] = {
            name: schema_of(document, value) for name, value in plain["properties"].items()
        }
        plain["required"] = sorted(plain.get("required", []))
    for key in ("items", "anyOf", "additionalProperties"):
        if key in plain:
            plain[key] = schema_of(document, plain[key])
    return {key: value for key, value in plain.items() if value not in ([], None)}


def _plain(schema: Document, *, optional: bool) -> Document:
    """Leave out what promises nothing, and write the rest in one way."""
    plain = {key: value for key, value in schema.items() if key not in _WORDS_ONLY}
    if plain.get("format") in _HINTS:
        del plain["format"]
    for limit in {"minimum", "maximum"} & plain.keys():
        plain[limit] = float(plain[limit])  # FastAPI writes them so
    kinds = _kinds(plain)
    if optional:
        kinds = [kind for kind in kinds if kind != "null"]
        plain["enum"] = [value for value in plain.get("enum", []) if value is not None]
    plain["type"] = sorted(kinds)
    return plain


def _one_of_types(schema: Document) -> Document:
    """Say `type: [x, y]` where the document says anyOf x or y, at most one of them with limits."""
    options: list[Document] = schema.get("anyOf", [])
    limited = [option for option in options if option.keys() != {"type"}]
    if not options or len(limited) > 1 or any("$ref" in option for option in limited):
        return schema
    merged = {key: value for key, value in schema.items() if key != "anyOf"}
    for option in limited:
        merged |= option
    merged["type"] = [kind for option in options for kind in _kinds(option)]
    if "enum" in merged and "null" in merged["type"]:
        merged["enum"] = [*merged["enum"], None]
    return merged


def _kinds(schema: Document) -> list[str]:
    kinds = schema.get("type", [])
    return [kinds] if isinstance(kinds, str) else kinds
