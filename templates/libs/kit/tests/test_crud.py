from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.app import Resources
from kit.crud import CrudService, Hooks, Listing, Pages, Repository, Sort, assignments
from kit.db import Executor, recorded_statements
from kit.problems import Problem
from kit.schema import Model, Patch, View, absent
from kit.types import DecimalText, Text

LISTING = Listing(
    select="SELECT id, sku, price, version FROM products\n",
    sorts={"sku": Sort("sku", "sku", Text)},
    filters={"sku": "sku = {}", "price_from": "price >= {}"},
)


class ProductCreate(Model):
    sku: Text
    price: Annotated[Decimal, DecimalText(12, 2)] = Decimal(1)


class ProductPatch(Patch):
    price: Annotated[Decimal, DecimalText(12, 2)] = absent()


class Product(View):
    id: UUID
    sku: str
    price: Annotated[Decimal, DecimalText(12, 2)]
    version: int


@dataclass(frozen=True, slots=True)
class ProductRow:
    id: UUID
    sku: str
    price: Decimal
    version: int


class Products(Repository[ProductRow, ProductCreate, ProductPatch]):
    def __init__(self) -> None:
        one = "SELECT id, sku, price, version FROM products WHERE id = $1"
        super().__init__(
            ProductRow,
            select=one,
            lock=f"{one} FOR UPDATE",
            delete="DELETE FROM products WHERE id = $1 AND "
            "($2::integer[] IS NULL OR version = ANY($2)) RETURNING id",
        )

    async def insert(self, db: Executor, row_id: UUID, new: ProductCreate) -> ProductRow:
        sql = (
            "INSERT INTO products (id, sku, price) VALUES ($1, $2, $3) "
            "RETURNING id, sku, price, version"
        )
        (record,) = await db.fetch(sql, row_id, new.sku, new.price)
        return ProductRow(*record)

    async def update(
        self, db: Executor, row_id: UUID, versions: list[int] | None, patch: ProductPatch
    ) -> ProductRow | None:
        sql = (
            "UPDATE products SET price = CASE WHEN $3 THEN $4 ELSE price END, "
            "version = version + 1 WHERE id = $1 AND "
            "($2::integer[] IS NULL OR version = ANY($2)) RETURNING id, sku, price, version"
        )
        changes = assignments(patch, "price")
        return self.found(await db.fetchrow(sql, row_id, versions, *changes))


class Rules(Hooks[ProductRow, ProductCreate, ProductPatch]):
    """Doubles prices on create, forbids cheap ones afterwards, and remembers what happened."""

    def __init__(self) -> None:
        self.happened: list[str] = []

    async def before_create(self, db: Executor, new: ProductCreate) -> ProductCreate:
        return new.model_copy(update={"price": new.price * 2})

    async def after_update(self, db: Executor, before: ProductRow, after: ProductRow) -> None:
        self.happened.append(f"{before.price} → {after.price}")
        if after.price < 1:
            raise Problem(422, "Too cheap")

    async def after_delete(self, db: Executor, row: ProductRow) -> None:
        self.happened.append("deleted")


class ProductService(CrudService[ProductRow, ProductCreate, ProductPatch, Product]):
    pass


def service(
    resources: Resources, rules: Hooks[ProductRow, ProductCreate, ProductPatch]
) -> ProductService:
    return ProductService(
        resources,
        title="Product",
        view=Product,
        repository=Products(),
        pages=Pages(ProductRow, LISTING),
        rules=rules,
    )


async def test_rules_and_writes_are_one_transaction(resources: Resources) -> None:
    rules = Rules()
    products = service(resources, rules)
    made = await products.create(resources.db, ProductCreate(sku=str(uuid4())))
    assert made.price == 2
    changed = await products.update(made.id, [1], ProductPatch(price=Decimal(5)))
    assert (changed.price, changed.version) == (Decimal(5), 2)
    with pytest.raises(Problem) as refused:
        await products.update(made.id, [2], ProductPatch(price=Decimal(0)))
    assert refused.value.status_code == 422
    assert (await products.read(made.id)).version == 2
    await products.delete(made.id, [2])
    assert rules.happened == ["2.00 → 5.00", "5.00 → 0.00", "deleted"]


@pytest.mark.parametrize("rules", [Rules(), Hooks()], ids=["rules", "no rules"])
async def test_missing_and_stale_records(
    resources: Resources, rules: Hooks[ProductRow, ProductCreate, ProductPatch]
) -> None:
    products = service(resources, rules)
    made = await products.create(resources.db, ProductCreate(sku=str(uuid4())))
    for identity, versions, status in (
        (made.id, [7], 412),
        (made.id, [], 412),
        (uuid4(), [1], 404),
    ):
        with pytest.raises(Problem) as refused:
            await products.update(identity, versions, ProductPatch())
        assert refused.value.status_code == status
        with pytest.raises(Problem) as refused:
            await products.delete(identity, versions)
        assert refused.value.status_code == status


@given(st.text(), st.lists(st.text()), st.booleans())
def test_a_list_is_one_of_the_statements_that_its_source_holds(
    order: str, names: list[str], after: bool
) -> None:
    with pytest.raises(KeyError):
        LISTING.statement(f"x{order}", (), after=after)
    with pytest.raises(KeyError):
        LISTING.statement("sku", (*names, "x"), after=after)
    sql = LISTING.statement("-sku", ("sku", "price_from"), after=after)
    assert sql in LISTING.statements()


async def test_without_rules_a_write_is_one_statement(resources: Resources) -> None:
    products = service(resources, Hooks())
    with recorded_statements() as statements:
        made = await products.create(resources.db, ProductCreate(sku=str(uuid4())))
        await products.update(made.id, None, ProductPatch())
        await products.delete(made.id, None)
    assert len(statements) == 3


def test_lists_are_put_together_from_constants() -> None:
    assert LISTING.statement("-sku", ("price_from",), after=True) == (
        "SELECT id, sku, price, version FROM products\n"
        "WHERE price >= $1 AND (sku, id) < ($2, $3)\n"
        "ORDER BY sku DESC, id DESC\nLIMIT $4"
    )
    assert len(LISTING.statements()) == len(set(LISTING.statements())) == 16
