"""Whose records a caller may use."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from kit.app import Resources
from kit.crud import Hooks, Listing, Repository, Sort
from kit.db import Executor
from kit.identity import Principal, acting_as, current_subject
from kit.ownership import OwnedPages, OwnedService, OwnedTarget, OwnedTargets, Ownership
from kit.problems import Problem
from kit.schema import Model, Patch, View
from kit.types import Text

OWNERS = Ownership("parcels:any")
ALICE, BOB = Principal(f"alice-{uuid4()}"), Principal(f"bob-{uuid4()}")
ADMINISTRATOR = Principal("adam", frozenset({"parcels:any"}))
WORKER = Principal("parcel-worker", internal=True)
LISTING = Listing(
    select="SELECT id, sku, price, version FROM products\n",
    sorts={"price": Sort("price", "price", Text)},
    filters={"price": "price = {}", "owner_id": "sku = {}"},
)


class ParcelCreate(Model):
    price: int = 1


class ParcelPatch(Patch):
    pass


class Parcel(View):
    id: UUID
    version: int


class Reference(Model):
    parcel_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class ParcelRow:
    id: UUID
    owner_id: str
    price: Decimal
    version: int


class Parcels(Repository[ParcelRow, ParcelCreate, ParcelPatch]):
    """The table of the products, where the sku stands for the owner."""

    def __init__(self) -> None:
        one = "SELECT id, sku, price, version FROM products WHERE id = $1"
        delete = "DELETE FROM products WHERE id = $1 AND $2::integer[] IS NULL RETURNING id"
        super().__init__(ParcelRow, select=one, lock=f"{one} FOR UPDATE", delete=delete)

    async def insert(self, db: Executor, row_id: UUID, new: ParcelCreate) -> ParcelRow:
        sql = "INSERT INTO products (id, sku, price) VALUES ($1, $2, $3) RETURNING id, sku, price, version"
        (record,) = await db.fetch(sql, row_id, current_subject(), Decimal(new.price))
        return ParcelRow(*record)

    async def update(
        self, db: Executor, row_id: UUID, versions: list[int] | None, patch: ParcelPatch
    ) -> ParcelRow | None:
        sql = "UPDATE products SET version = version + 1 WHERE id = $1 RETURNING id, sku, price, version"
        return self.found(await db.fetchrow(sql, row_id))


class Rules(Hooks[ParcelRow, ParcelCreate, ParcelPatch]):
    """Remember whose records they met."""

    def __init__(self) -> None:
        self.met: list[str] = []

    async def before_update(self, db: Executor, row: ParcelRow, patch: ParcelPatch) -> ParcelPatch:
        self.met.append(row.owner_id)
        return patch

    async def before_delete(self, db: Executor, row: ParcelRow) -> None:
        self.met.append(row.owner_id)


@dataclass(frozen=True)
class Query:
    """What a caller asked for."""

    sort: str = "price"
    limit: int = 20
    cursor: str | None = None
    price: int = 1


@pytest.mark.parametrize(
    ("who", "limit"), [(ALICE, ALICE.subject), (ADMINISTRATOR, None), (WORKER, None)]
)
def test_the_limit_is_the_caller_but_for_a_scope_or_the_service_itself(
    who: Principal, limit: str | None
) -> None:
    with acting_as(who):
        assert OWNERS.limit() == limit
        assert OWNERS.admits(ALICE.subject)
        assert OWNERS.admits(BOB.subject) == (limit is None)
        assert OWNERS.admits("") == (limit is None)


def test_who_is_not_known_has_no_records_of_others() -> None:
    assert not OWNERS.admits(ALICE.subject)
    assert not OWNERS.admits("")


def test_a_list_is_limited_whatever_the_query_says() -> None:
    pages = OwnedPages(ParcelRow, LISTING, OWNERS)
    with acting_as(ALICE):
        assert pages.filters(Query()) == {"price": 1, "owner_id": ALICE.subject}
    with acting_as(ADMINISTRATOR):
        assert pages.filters(Query()) == {"price": 1, "owner_id": None}


async def test_rules_meet_no_record_of_somebody_else(resources: Resources) -> None:
    rules = Rules()
    parcels: OwnedService[ParcelRow, ParcelCreate, ParcelPatch, Parcel] = OwnedService(
        resources,
        title="Parcel",
        view=Parcel,
        repository=Parcels(),
        pages=OwnedPages(ParcelRow, LISTING, OWNERS),
        rules=rules,
        owners=OWNERS,
    )
    with acting_as(ALICE):
        made = await parcels.create(resources.db, ParcelCreate())
    with acting_as(BOB):
        with pytest.raises(Problem) as unchanged:
            await parcels.update(made.id, None, ParcelPatch())
        with pytest.raises(Problem) as kept:
            await parcels.delete(made.id, None)
    assert (unchanged.value.status_code, kept.value.status_code) == (404, 404)
    assert rules.met == []
    with acting_as(ALICE):
        await parcels.update(made.id, [1], ParcelPatch())
        await parcels.delete(made.id, [2])
    assert rules.met == [ALICE.subject, ALICE.subject]


async def test_a_record_of_somebody_else_is_referred_to_like_none(resources: Resources) -> None:
    parcels = Parcels()
    targets = OwnedTargets(OwnedTarget("parcel_id", parcels, OWNERS))
    with acting_as(BOB):
        foreign = await parcels.insert(resources.db, uuid4(), ParcelCreate())
    with acting_as(ALICE):
        answers = []
        for parcel_id in (foreign.id, uuid4()):
            with pytest.raises(Problem) as refused:
                await targets.check(resources.db, Reference(parcel_id=parcel_id))
            answers.append((refused.value.status_code, refused.value.body()))
        assert answers[0] == answers[1]
        await targets.check(resources.db, Reference())
    with acting_as(ADMINISTRATOR):
        await targets.check(resources.db, Reference(parcel_id=foreign.id))
