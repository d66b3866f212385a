import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, FastAPI
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from kit.app import Guard, Resources, create_app, resources
from kit.cache import Snapshot
from kit.db import Executor
from kit.etag import expected_versions, matches
from kit.idempotency import fingerprint, run_once, sweep_forever
from kit.ids import uuid7
from kit.problems import not_found, responses, stale
from kit.replies import json_reply, no_content, not_modified
from kit.schema import Model, Patch, View, absent, json_bytes
from kit.settings import ServiceSettings
from kit.types import DecimalText, IdempotencyKey, IfMatch, IfNoneMatch, Json, Text, Uuid

Price = Annotated[Decimal, DecimalText(12, 2, ge="0")]
Sku = Annotated[Text, Field(min_length=1, max_length=32)]


class ProductCreate(Model):
    sku: Sku
    price: Price
    parent_id: Uuid | None = None
    data: Json | None = None


class ProductPatch(Patch):
    price: Price = absent()
    data: Json | None = absent()


class Product(View):
    id: Uuid
    sku: Sku
    price: Price
    parent_id: Uuid | None
    data: Json | None
    version: int


class Products:
    """What the lifespan makes of the resources."""

    def __init__(self, held: Resources) -> None:
        self.db = held.db
        self.cache = held.cache


async def products(request: Request) -> Products:
    found: Products = request.state.services
    return found


Held = Annotated[Products, Depends(products)]
router = APIRouter(prefix="/v1/products", tags=["products"])
oddities = APIRouter(prefix="/v1/oddities")

COLUMNS = "id, sku, price, parent_id, data, version"
INSERT = f"INSERT INTO products (id, sku, price, parent_id, data) VALUES ($1, $2, $3, $4, $5) RETURNING {COLUMNS}"  # noqa: S608
SELECT = f"SELECT {COLUMNS} FROM products WHERE id = $1"  # noqa: S608
UPDATE = f"""
UPDATE products SET price = coalesce($3, price), version = version + 1
WHERE id = $1 AND ($2::int[] IS NULL OR version = ANY($2::int[])) RETURNING {COLUMNS}
"""  # noqa: S608


@router.post("", status_code=201, response_model=Product, operation_id="create_product")
async def create_product(body: ProductCreate, held: Held, key: IdempotencyKey = None) -> Response:
    async def effect(tx: Executor) -> Response:
        row = await tx.fetchrow(INSERT, uuid7(), body.sku, body.price, body.parent_id, body.data)
        assert row is not None
        product = Product(**row)
        return json_reply(product, status=201, version=1, location=f"/v1/products/{product.id}")

    return await run_once(
        held.db,
        operation="create_product",
        key=key,
        fingerprint=fingerprint(body),
        effect=effect,
    )


@router.get(
    "/{product_id}",
    response_model=Product,
    operation_id="read_product",
    responses=responses(404),
)
async def read_product(product_id: Uuid, held: Held, if_none_match: IfNoneMatch = None) -> Response:
    async def load() -> Snapshot | None:
        row = await held.db.fetchrow(SELECT, product_id)
        return None if row is None else Snapshot(row["version"], json_bytes(Product(**row)))

    found = await held.cache.get_or_load(f"product:{product_id}", load)
    if found is None:
        raise not_found("Product", product_id)
    if matches(if_none_match, found.version):
        return not_modified(found.version)
    return json_reply(found.body, version=found.version)


@router.patch("/{product_id}", response_model=Product, operation_id="update_product")
async def update_product(
    product_id: Uuid, body: ProductPatch, held: Held, if_match: IfMatch = None
) -> Response:
    versions = expected_versions(if_match)
    row = await held.db.fetchrow(UPDATE, product_id, versions, body.changes().get("price"))
    if row is None:
        if await held.db.fetchrow(SELECT, product_id) is None:
            raise not_found("Product", product_id)
        raise stale()
    product = Product(**row)
    await held.cache.invalidate(f"product:{product_id}", product.version)
    return json_reply(product, version=product.version)


@router.delete("/{product_id}", status_code=204, operation_id="delete_product")
async def delete_product(product_id: UUID, held: Held) -> Response:
    await held.db.execute("DELETE FROM products WHERE id = $1", product_id)
    await held.cache.invalidate(f"product:{product_id}", None)
    return no_content()


@oddities.get("/slow")
async def slow(seconds: float) -> dict[str, bool]:
    await asyncio.sleep(seconds)
    return {"done": True}


@oddities.get("/sql")
async def sql(statement: str, held: Annotated[Resources, Depends(resources)]) -> Any:
    """Run SQL in a transaction. Only a test may have such a route."""
    async with held.db.transaction() as tx:
        return str(await tx.fetchval(statement))


@oddities.get("/bad-value")
async def bad_value(held: Annotated[Resources, Depends(resources)]) -> None:
    await held.db.fetchval("SELECT $1::int", 2**40)


@oddities.get("/late")
async def late() -> None:
    msg = "not the request's own time"
    raise TimeoutError(msg)


@oddities.get("/boom")
async def boom() -> None:
    msg = "the secret reason"
    raise ZeroDivisionError(msg)


@oddities.get("/broken-stream")
async def broken_stream() -> StreamingResponse:
    async def parts() -> AsyncIterator[bytes]:
        yield b"first"
        msg = "too late for a 500"
        raise ZeroDivisionError(msg)

    return StreamingResponse(parts())


@oddities.post("/echo")
async def echo(request: Request) -> dict[str, int]:
    return {"bytes": len(await request.body())}


def build(settings: ServiceSettings, guard: Guard | None = None) -> FastAPI:
    return create_app(
        settings,
        title="Sample",
        version="1.0.0",
        schema_version="001",
        routers=[router, oddities],
        constraints={
            "products_sku_key": "sku",
            "products_price_check": "price",
            "products_parent_id_fkey": "parent_id",
        },
        services=Products,
        background=[sweep_forever],
        guard=guard,
    )
