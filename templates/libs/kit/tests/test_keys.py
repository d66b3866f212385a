import re
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import httpx2
import pytest
import pytest_asyncio
from conftest import MakeSettings
from fastapi import APIRouter
from pydantic import SecretStr, ValidationError
from sample.main import build

from kit.auth import keys
from kit.auth.keys import ApiKeys, Entry, KeySettings
from kit.guard import Access, Guard
from kit.identity import current
from kit.testing import in_process

ACCESS = Access(
    scopes={"read_product": "products:read", "whoami": None},
    roles={"reader": frozenset({"products:read"})},
)
MISSING = f"/v1/products/{uuid4()}"
TENANT = uuid4()

mine = APIRouter(prefix="/v1/mine")


@mine.get("/whoami", operation_id="whoami")
async def whoami() -> dict[str, str | UUID | None]:
    principal = current()
    return {"subject": principal.subject, "tenant": principal.tenant}


class Settings(KeySettings):
    service_name: str = "sample"


def today() -> date:
    return datetime.now(UTC).date()


OLD, OLD_LINE = keys.new(Entry("shop", frozenset({"reader"}), TENANT))
NEW, NEW_LINE = keys.new(Entry("shop", frozenset({"reader"}), TENANT))
ROLELESS, ROLELESS_LINE = keys.new(Entry("guest"))
SCOPED, SCOPED_LINE = keys.new(Entry("report", scopes=frozenset({"products:read", "other"})))
EXPIRED, EXPIRED_LINE = keys.new(Entry("shop", frozenset({"reader"}), None, today()))
CURRENT, CURRENT_LINE = keys.new(
    Entry("shop", frozenset({"reader"}), None, today() + timedelta(days=1))
)
LINES = (
    *("# made by hand", "", OLD_LINE, NEW_LINE, ROLELESS_LINE),
    *(SCOPED_LINE, EXPIRED_LINE, CURRENT_LINE),
)


def with_keys(make_settings: MakeSettings, *lines: str) -> Settings:
    given = make_settings().model_dump(exclude={"service_name"})
    return Settings(**given, api_keys=SecretStr("\n".join(lines)))


@pytest_asyncio.fixture(loop_scope="session")
async def client(make_settings: MakeSettings) -> AsyncIterator[httpx2.AsyncClient]:
    settings = with_keys(make_settings, *LINES)
    app = build(settings, Guard(authenticator=ApiKeys(settings, ACCESS.roles), access=ACCESS))
    app.include_router(mine)
    async with in_process(app) as made:
        yield made


@pytest.mark.parametrize(
    ("key", "status"),
    [
        *((OLD, 404), (NEW, 404), (CURRENT, 404), (SCOPED, 404)),
        *((ROLELESS, 403), (EXPIRED, 401), ("key_x", 401)),
    ],
)
async def test_a_key_opens_what_its_roles_and_scopes_say(
    client: httpx2.AsyncClient, key: str, status: int
) -> None:
    answer = await client.get(MISSING, headers={"X-API-Key": key})
    assert answer.status_code == status
    assert key not in answer.text


async def test_the_hash_of_a_key_is_no_key(client: httpx2.AsyncClient) -> None:
    for header in (keys.hashed(OLD), f"sha256:{keys.hashed(OLD)}", ""):
        answer = await client.get(MISSING, headers={"X-API-Key": header})
        assert answer.status_code == 401
    missing = await client.get(MISSING)
    assert missing.headers["WWW-Authenticate"] == "ApiKey"


async def test_a_key_says_who_calls(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/v1/mine/whoami", headers={"X-API-Key": OLD})
    assert answer.json() == {"subject": "shop", "tenant": str(TENANT)}


async def test_keys_follow_the_mounted_secret(
    make_settings: MakeSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path))
    mounted = tmp_path / "api_keys"
    settings = with_keys(make_settings, OLD_LINE)
    known = ApiKeys(settings, ACCESS.roles)
    app = build(settings, Guard(authenticator=known, access=ACCESS))

    async def statuses(client: httpx2.AsyncClient) -> list[int]:
        answers = [await client.get(MISSING, headers={"X-API-Key": key}) for key in (OLD, NEW)]
        return [answer.status_code for answer in answers]

    async with in_process(app) as client:
        assert await statuses(client) == [404, 401]
        for lines, expected in (
            ([OLD_LINE, NEW_LINE], [404, 404]),  # both, while clients change over
            (["nonsense"], [404, 404]),  # what cannot be read changes nothing
            ([NEW_LINE], [401, 404]),
        ):
            mounted.write_text("\n".join(lines), encoding="utf-8")
            known.reload()
            assert await statuses(client) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing",
        f"shop {keys.hashed('x')}",
        "shop",
        f"sh op sha256:{keys.hashed('x')}",
        f"shop sha256:{keys.hashed('x')} rolls=reader",
        f"shop sha256:{keys.hashed('x')} tenant=7",
        f"shop sha256:{keys.hashed('x')} expires=soon",
        f"shop sha256:{keys.hashed('x')} scopes=a,,b",
    ],
)
def test_unreadable_keys_stop_the_start(make_settings: MakeSettings, text: str) -> None:
    with pytest.raises(ValidationError, match="api_keys"):
        with_keys(make_settings, text)


def test_the_command_makes_a_key(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["shop", "--roles=reader,editor", f"--tenant={TENANT}", "--expires=2030-01-31"]
    assert keys.main([*arguments, "--scopes=a:read"]) == 0
    key, line = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"key_[\w-]{43}", key)
    assert keys.parsed(line) == {
        keys.hashed(key): Entry(
            "shop",
            frozenset({"reader", "editor"}),
            TENANT,
            date(2030, 1, 31),
            frozenset({"a:read"}),
        )
    }
    for wrong in (["not a name"], ["shop", "--roles=a, b"]):
        with pytest.raises(SystemExit):
            keys.main(wrong)
