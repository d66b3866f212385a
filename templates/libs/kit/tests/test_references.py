import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import orjson
import pytest
from prometheus_client import CollectorRegistry
from pydantic import BaseModel

from kit import identity
from kit.breaker import Breaker, RetryBudget
from kit.client import CallMetrics, Peer, PeerUnavailableError, Policy, Remote
from kit.identity import Principal
from kit.problems import Problem
from kit.references import Fallbacks, References, Target

KNOWN, GONE = uuid4(), uuid4()


class Product(Remote):
    id: UUID
    title: str


class Line(BaseModel):
    product_id: UUID | None = None


class Catalog:
    """A service that knows one product, until it breaks."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.broken = False
        self.title = "chair"
        self.calls = self.at_once = self.most_at_once = 0

    async def read(self, product_id: UUID) -> Product | None:
        self.calls += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        if self.broken:
            raise PeerUnavailableError("catalog", "cannot be reached")
        return None if product_id == GONE else Product(id=product_id, title=self.title)

    def references(self, rules: object = None) -> References:
        return References(
            Target("product_id", self.peer, self.read, expansion="product"), rules=rules
        )


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
async def catalog(registry: CollectorRegistry) -> AsyncIterator[Catalog]:
    breaker = Breaker(window_s=10, least_calls=5, failure_share=0.5, open_s=1)
    peer = Peer(
        "catalog",
        "http://127.0.0.1:9",
        Policy(1.0, 4),
        breaker=breaker,
        budget=RetryBudget(0.1),
        metrics=CallMetrics(registry, 250),
    )
    yield Catalog(peer)
    await peer.close()


async def expanded(references: References, product_id: UUID | None) -> dict[str, object]:
    record = orjson.dumps({"id": "1", "product_id": product_id})
    found: dict[str, object] = orjson.loads(await references.expanded(record, ["product"]))
    return found


async def test_a_write_needs_the_record(catalog: Catalog) -> None:
    references = catalog.references()
    await references.check(Line(product_id=KNOWN))
    await references.check(Line())
    assert catalog.calls == 1
    with pytest.raises(Problem) as refused:
        await references.check(Line(product_id=GONE))
    assert refused.value.status_code == 422
    (error,) = refused.value.errors
    assert error["location"] == ["body", "product_id"]


async def test_a_write_goes_on_without_an_answer(
    catalog: Catalog, registry: CollectorRegistry
) -> None:
    catalog.broken = True
    await catalog.references().check(Line(product_id=GONE))
    assert registry.get_sample_value("http_client_fallbacks_total", {"peer": "catalog"}) == 1


async def test_a_record_is_embedded(catalog: Catalog) -> None:
    references = catalog.references()
    found = await expanded(references, KNOWN)
    assert found["product"] == {"id": str(KNOWN), "title": "chair"}
    assert "degraded" not in found
    for missing in (GONE, None):
        found = await expanded(references, missing)
        assert found["product"] is None
        assert "degraded" not in found


async def test_a_record_is_shown_as_it_was_last_seen(catalog: Catalog) -> None:
    references = catalog.references()
    await expanded(references, KNOWN)
    catalog.broken = True
    found = await expanded(references, KNOWN)
    assert found["product"] == {"id": str(KNOWN), "title": "chair"}
    catalog.broken, catalog.title = False, "table"
    found = await expanded(references, KNOWN)
    assert found["product"] == {"id": str(KNOWN), "title": "table"}


async def test_what_one_saw_is_not_shown_to_another(catalog: Catalog) -> None:
    references = catalog.references()
    with identity.acting_as(Principal("ann")):
        await expanded(references, KNOWN)
    catalog.broken = True
    with identity.acting_as(Principal("bob")):
        assert (await expanded(references, KNOWN))["product"] is None
    with identity.acting_as(Principal("ann", tenant=uuid4())):
        assert (await expanded(references, KNOWN))["product"] is None
    with identity.acting_as(Principal("ann")):
        assert (await expanded(references, KNOWN))["product"] is not None


async def test_what_is_missing_is_marked(catalog: Catalog, registry: CollectorRegistry) -> None:
    catalog.broken = True
    found = await expanded(catalog.references(), KNOWN)
    assert found["product"] is None
    assert found["degraded"] == ["product"]
    assert registry.get_sample_value("http_client_fallbacks_total", {"peer": "catalog"}) == 1


async def test_rules_may_say_what_to_show(catalog: Catalog) -> None:
    class Rules(Fallbacks):
        async def fallback(self, expansion: str, record_id: UUID) -> Remote | None:
            return Product(id=record_id, title=f"some {expansion}")

    catalog.broken = True
    found = await expanded(catalog.references(Rules()), KNOWN)
    assert found["product"] == {"id": str(KNOWN), "title": "some product"}
    assert found["degraded"] == ["product"]


class Page(BaseModel):
    items: list[Line]


async def test_a_page_asks_once_for_each_record(catalog: Catalog) -> None:
    ids = [uuid4() for _ in range(20)]
    page = Page(items=[Line(product_id=product_id) for product_id in ids * 2])
    found = orjson.loads(await catalog.references().expanded_page(page, ["product"]))
    assert [item["product"]["id"] for item in found["items"]] == [*map(str, ids * 2)]
    assert catalog.calls == 20
    assert catalog.most_at_once <= 4


async def test_a_page_stops_asking_after_a_failure(catalog: Catalog) -> None:
    catalog.broken = True
    page = Page(items=[Line(product_id=uuid4()) for _ in range(20)])
    found = orjson.loads(await catalog.references().expanded_page(page, ["product"]))
    assert all(item["degraded"] == ["product"] for item in found["items"])
    assert catalog.calls <= 4
