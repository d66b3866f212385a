import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import uuid4

import httpx2
import pytest
import pytest_asyncio
from conftest import MakeSettings
from fastapi import APIRouter
from pydantic import ValidationError
from sample.main import build

from kit.auth.tokens import Tokens, TokenSettings
from kit.guard import Access, Guard
from kit.identity import current
from kit.testing import in_process
from kit.testing.forgery import forged
from kit.testing.issuer import Issuer, SigningKey, issuer

ACCESS = Access(
    scopes={"create_product": "products:write", "read_product": "products:read", "whoami": None},
    roles={"editor": frozenset({"products:read", "products:write"})},
    public=frozenset({"opening_hours"}),
)
MISSING = f"/v1/products/{uuid4()}"
PASSWORD = secrets.token_urlsafe()

mine = APIRouter(prefix="/v1/mine")


@mine.get("/whoami", operation_id="whoami")
async def whoami() -> dict[str, Any]:
    principal = current()
    return {"subject": principal.subject, "tenant": principal.tenant}


@mine.get("/hours", operation_id="opening_hours")
async def opening_hours() -> str:
    return current().subject


@mine.get("/forgotten")
async def forgotten() -> str:
    return "nobody said who may read this"


class Settings(TokenSettings):
    service_name: str = "sample"
    oidc_audience: str = "sample"


@pytest.fixture
def authority() -> Iterator[Issuer]:
    with issuer("sample") as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def client(
    make_settings: MakeSettings, authority: Issuer
) -> AsyncIterator[httpx2.AsyncClient]:
    given = make_settings().model_dump(exclude={"service_name"})
    settings = Settings(**given, oidc_issuer=authority.url)
    guard = Guard(authenticator=Tokens(settings, ACCESS.roles), access=ACCESS)
    app = build(settings, guard)
    app.include_router(mine)
    async with in_process(app) as made:
        yield made


async def asked(
    client: httpx2.AsyncClient, token: str | None, path: str = MISSING
) -> httpx2.Response:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return await client.get(path, headers=headers)


async def test_a_token_of_either_kind_of_key_is_accepted(
    client: httpx2.AsyncClient, authority: Issuer
) -> None:
    for key in authority.keys:
        token = authority.token("products:read", key=key)
        assert (await asked(client, token)).status_code == 404
    assert authority.fetches <= 2  # the second key was fetched with the first one


async def test_without_a_token_the_caller_is_told_how(client: httpx2.AsyncClient) -> None:
    for header in (None, "Basic YTpi", "Bearer", "Bearer ", f"Bearer {'a' * 9000}"):
        headers = {} if header is None else {"Authorization": header}
        answer = await client.get(MISSING, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_who_calls_is_asked_before_what_they_send(
    client: httpx2.AsyncClient, authority: Issuer
) -> None:
    reader, writer = (authority.token(f"products:{may}") for may in ("read", "write"))
    for token, status in ((None, 401), ("forged", 401), (reader, 403), (writer, 422)):
        headers = {"Content-Type": "application/json"}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        answer = await client.post("/v1/products", content=b"{", headers=headers)
        assert answer.status_code == status, answer.text


async def test_tokens_that_are_wrong_are_refused(
    client: httpx2.AsyncClient, authority: Issuer
) -> None:
    for fault, token in forged(authority, "products:read").items():
        answer = await asked(client, token)
        assert answer.status_code == 401, fault
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"], fault
        assert token not in answer.text
    assert (await asked(client, authority.token("products:read"))).status_code == 404


async def test_clocks_may_differ_a_little(client: httpx2.AsyncClient, authority: Issuer) -> None:
    now = int(time.time())
    differing: tuple[dict[str, Any], ...] = ({"exp": now - 10}, {"nbf": now + 10})
    for claims in differing:
        token = authority.token("products:read", **claims)
        assert (await asked(client, token)).status_code == 404


async def test_a_scope_is_needed_by_itself_or_through_a_role(
    client: httpx2.AsyncClient, authority: Issuer
) -> None:
    for claims, status in (
        ({"scope": "products:write"}, 403),
        ({"scope": None}, 403),
        ({"scope": "products:read other"}, 404),
        ({"scope": None, "scp": ["products:read"]}, 404),
        ({"scope": None, "roles": ["editor"]}, 404),
        ({"scope": None, "roles": ["stranger"]}, 403),
    ):
        answer = await asked(client, authority.token(**claims))
        assert answer.status_code == status, claims
    refused = await asked(client, authority.token("products:write"))
    assert 'scope="products:read"' in refused.headers["WWW-Authenticate"]


async def test_who_calls_is_known_to_the_route_and_only_there(
    client: httpx2.AsyncClient, authority: Issuer
) -> None:
    tenant = str(uuid4())
    token = authority.token(subject="ada", tenant_id=tenant)
    answer = await asked(client, token, "/v1/mine/whoami")
    assert answer.json() == {"subject": "ada", "tenant": tenant}
    assert (await asked(client, None, "/v1/mine/hours")).json() == "anonymous"
    assert current().subject == "anonymous"


async def test_a_public_route_takes_no_token_but_no_wrong_one(
    client: httpx2.AsyncClient, authority: Issuer
) -> None:
    assert (await asked(client, None, "/v1/mine/hours")).status_code == 200
    good = authority.token(subject="ada")
    assert (await asked(client, good, "/v1/mine/hours")).json() == "ada"
    assert (await asked(client, "rubbish", "/v1/mine/hours")).status_code == 401


async def test_a_route_that_nobody_described_is_closed(
    client: httpx2.AsyncClient, authority: Issuer
) -> None:
    token = authority.token("products:read", roles=["editor"])
    assert (await asked(client, token, "/v1/mine/forgotten")).status_code == 403


async def test_probes_need_no_token(client: httpx2.AsyncClient) -> None:
    for path in ("/livez", "/readyz", "/startupz"):
        assert (await client.get(path)).status_code == 200


async def test_a_rotation_refuses_no_valid_token(
    client: httpx2.AsyncClient, authority: Issuer
) -> None:
    first = authority.token("products:read")
    statuses = [(await asked(client, first)).status_code]
    for _ in range(4):
        authority.rotate()
        fresh = [authority.token("products:read", subject=uuid4().hex) for _ in range(20)]
        answers = await asyncio.gather(*(asked(client, token) for token in (*fresh, first)))
        statuses += [answer.status_code for answer in answers]
    assert set(statuses) == {404}
    assert authority.fetches <= 8  # one for twenty callers, not one for each


async def test_a_key_that_was_taken_back_counts_no_more(
    client: httpx2.AsyncClient, authority: Issuer
) -> None:
    stolen = authority.keys[-1]
    token = authority.token("products:read")
    assert (await asked(client, token)).status_code == 404
    authority.drop(stolen)
    authority.rotate()
    fresh = authority.token("products:read")
    assert (await asked(client, fresh)).status_code == 404  # the new key makes it fetch
    assert (await asked(client, token)).status_code == 401


async def test_made_up_keys_cost_no_fetch_each(
    client: httpx2.AsyncClient, authority: Issuer
) -> None:
    await asked(client, authority.token("products:read"))
    before = authority.fetches
    stranger = SigningKey.ec()
    for _ in range(50):
        token = authority.token(key=stranger, head={"kid": uuid4().hex})
        assert (await asked(client, token)).status_code == 401
    assert authority.fetches <= before + 2


async def test_keys_stay_while_the_issuer_is_away(make_settings: MakeSettings) -> None:
    given = make_settings().model_dump(exclude={"service_name"})
    with issuer("sample") as authority:
        settings = Settings(**given, oidc_issuer=authority.url)
        guard = Guard(authenticator=Tokens(settings, ACCESS.roles), access=ACCESS)
        app = build(settings, guard)
        old = authority.token("products:read")
        new = authority.token("products:read", key=authority.rotate())
        authority.drop(authority.keys[-1])
        async with in_process(app) as client:
            assert (await asked(client, old)).status_code == 404
            authority.url = "http://127.0.0.1:9"  # it publishes what does not fit its address
            again = authority.token("products:read", iss=settings.oidc_issuer, subject="ada")
            assert (await asked(client, again)).status_code == 404
            unknown = await asked(client, new)
    assert unknown.status_code == 503  # nobody can tell whether it is good
    assert unknown.headers["Retry-After"] == "1"


async def test_a_tenant_is_needed_where_there_are_tenants(
    make_settings: MakeSettings, authority: Issuer
) -> None:
    given = make_settings().model_dump(exclude={"service_name"})
    settings = Settings(**given, oidc_issuer=authority.url)
    guard = Guard(authenticator=Tokens(settings, ACCESS.roles), access=ACCESS, tenants=True)
    async with in_process(build(settings, guard)) as client:
        assert (await asked(client, authority.token("products:read"))).status_code == 403
        token = authority.token("products:read", tenant_id=str(uuid4()))
        assert (await asked(client, token)).status_code == 404


async def test_keys_may_be_elsewhere_than_the_issuer_says(make_settings: MakeSettings) -> None:
    given = make_settings().model_dump(exclude={"service_name"})
    with issuer("sample") as authority:
        keys = f"{authority.url}/keys"
        authority.url = "https://id.example.com"  # as its tokens say; nobody answers there
        settings = Settings(**given, oidc_issuer=authority.url, oidc_jwks_url=keys)
        guard = Guard(authenticator=Tokens(settings, ACCESS.roles), access=ACCESS)
        async with in_process(build(settings, guard)) as client:
            assert (await asked(client, authority.token("products:read"))).status_code == 404


def test_an_issuer_is_reached_safely(make_settings: MakeSettings) -> None:
    given = make_settings().model_dump(exclude={"service_name", "environment", "database_url"})
    url = f"postgresql://sample:{PASSWORD}@db/sample"
    told = given | {"database_url": url, "redis_url": None}
    issuer_url = "https://id.example.com"
    assert Settings(**told, environment="prod", oidc_issuer=issuer_url).oidc_jwks_url is None
    with pytest.raises(ValidationError, match="https"):
        Settings(**told, environment="prod", oidc_issuer="http://id.example.com")
    with pytest.raises(ValidationError, match="https"):
        Settings(
            **told,
            environment="prod",
            oidc_issuer=issuer_url,
            oidc_jwks_url="http://id.example.com/keys",
        )
