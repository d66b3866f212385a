import base64
import json
import time
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, SecretStr, TypeAdapter, ValidationError

from kit import deadline, paging, problems
from kit.deadline import DeadlineExceededError
from kit.etag import etag, expected_versions, matches
from kit.idempotency import fingerprint
from kit.identity import ANONYMOUS, Principal, acting_as, become, current
from kit.ids import uuid7
from kit.metrics import Metrics, buckets
from kit.problems import Problem
from kit.schema import Model, Patch, View, absent, json_bytes
from kit.settings import ServiceSettings, secret
from kit.types import (
    Date,
    DecimalText,
    Email,
    Float64,
    Int32,
    Int64,
    Json,
    NoNul,
    Text,
    Timestamp,
    Url,
    Uuid,
)

# --- ids


def test_uuid7_is_ordered_and_versioned() -> None:
    made = [uuid7() for _ in range(20_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)
    assert {(one.version, one.variant) for one in made} == {(7, "specified in RFC 4122")}
    assert abs((made[-1].int >> 80) - time.time() * 1000) < 1000


def test_uuid7_is_ordered_when_the_clock_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    before = uuid7()
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    assert uuid7() > before


# --- etag


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (None, False),
        ('"3"', True),
        ('W/"3"', True),
        ("*", True),
        ('"1", W/"3"', True),
        ('"33"', False),
        ("3", False),
        ("", False),
    ],
)
def test_if_none_match(header: str | None, found: bool) -> None:
    assert matches(header, 3) is found
    assert etag(3) == '"3"'


@pytest.mark.parametrize(
    ("header", "versions"),
    [
        ("*", None),
        ('"3"', [3]),
        ('"3", "5"', [3, 5]),
        ('W/"3"', []),
        ('"abc"', []),
        ('"03"', []),
        ('"9999999999"', []),
        ("3", []),
        ("", []),
    ],
)
def test_if_match(header: str, versions: list[int] | None) -> None:
    assert expected_versions(header) == versions


def test_if_match_is_required() -> None:
    with pytest.raises(Problem) as raised:
        expected_versions(None)
    assert raised.value.status_code == 428


# --- paging

VALUES = [
    (datetime(2026, 1, 31, 9, 30, 0, 123456, UTC), Timestamp),
    (date(2026, 1, 31), Date),
    (Decimal("12.30"), Annotated[Decimal, DecimalText(12, 2)]),
    (-5, Int32),
    ("a/ü?", Text),
    (1.5, Float64),
]


@pytest.mark.parametrize(("value", "kind"), VALUES)
def test_a_cursor_comes_back_as_it_went(value: object, kind: Any) -> None:
    row, filters = uuid4(), {"status": "active", "none": None}
    cursor = paging.encode("-x", filters, value, row)
    assert paging.decode(cursor, "-x", {"status": "active"}, kind) == (value, row)


@pytest.mark.parametrize(
    ("order", "filters"), [("x", {"status": "a"}), ("-x", {"status": "b"}), ("-x", {})]
)
def test_a_cursor_of_another_list_is_refused(order: str, filters: dict[str, object]) -> None:
    cursor = paging.encode("-x", {"status": "a"}, 1, uuid4())
    with pytest.raises(Problem, match="not valid") as raised:
        paging.decode(cursor, order, filters, Int32)
    assert raised.value.errors[0]["location"] == ["query", "cursor"]


def forged(**changes: Any) -> str:
    cursor = paging.encode("x", {}, 1, uuid4())
    content = json.loads(base64.urlsafe_b64decode(cursor + "=="))
    return base64.urlsafe_b64encode(json.dumps({**content, **changes}).encode()).decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "%%%",
        "ü",
        "a",
        base64.b64encode(b"[1]").decode(),
        base64.b64encode(b"[" * 700).decode(),
        forged(v=2**40),
        forged(v="1; DROP TABLE products"),
        forged(i="nobody"),
        forged(i=5),
        forged(q=None),
    ],
)
def test_a_forged_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(Problem) as raised:
        paging.decode(cursor, "x", {}, Int32)
    assert raised.value.status_code == 422


@given(st.text())
def test_any_text_is_a_cursor_or_refused(cursor: str) -> None:
    with pytest.raises(Problem):
        paging.decode(cursor, "x", {}, Int32)


# --- types

GOOD = [
    (Text, "ü\n", "ü\n"),
    (Annotated[str, Field(pattern="^a"), NoNul], "a", "a"),
    (Email, "a.b+c@example.com", "a.b+c@example.com"),
    (Url, "https://example.com:8080/a?b=c#d", "https://example.com:8080/a?b=c#d"),
    (Int32, 2**31 - 1, 2**31 - 1),
    (Int64, -(2**63), -(2**63)),
    (Int32, 5.0, 5),
    (Date, "2026-01-31", date(2026, 1, 31)),
    (Timestamp, "2026-01-31T10:00:00+01:00", datetime(2026, 1, 31, 9, tzinfo=UTC)),
    (Timestamp, "2026-01-31t09:00:00.5z", datetime(2026, 1, 31, 9, 0, 0, 500_000, UTC)),
    (Uuid, "01A208F3-E03D-75C9-87B7-4C8A113690C4", UUID("01a208f3e03d75c987b74c8a113690c4")),
    (Annotated[Decimal, DecimalText(12, 2)], "-9999999999.99", Decimal("-9999999999.99")),
    (Annotated[Decimal, DecimalText(4, 4)], "0.1234", Decimal("0.1234")),
    (Annotated[Decimal, DecimalText(4, 0)], "1234", Decimal(1234)),
    (Json, {"a": [1, None, "ü"]}, {"a": [1, None, "ü"]}),
    (Json, [10**30], [10**30]),
]
deep: list[Any] = []
for _ in range(5000):
    deep = [deep]
BAD = [
    (Text, "\x00"),
    (Text, "\ud800"),
    (Annotated[str, Field(pattern="^a"), NoNul], "a\x00"),
    (Email, "nobody"),
    (Email, "a@b.c\n"),
    (Url, "ftp://example.com"),
    (Url, "https://"),
    (Url, "https://a b"),
    (Int32, 2**31),
    (Int32, 5.5),
    (Int32, 1e300),
    (Int32, float("nan")),
    (Int64, 2**63),
    (Float64, float("nan")),
    (Float64, float("inf")),
    (Date, 5),
    (Date, "2026-1-1"),
    (Date, "2026-02-30"),
    (Timestamp, "2026-01-31T10:00:00"),
    (Timestamp, "0001-01-01T00:00:00+14:00"),
    (Timestamp, 1769850000),
    (Uuid, "01a208f3e03d75c987b74c8a113690c4"),
    (Uuid, 5),
    (Annotated[Decimal, DecimalText(12, 2)], "1.234"),
    (Annotated[Decimal, DecimalText(12, 2)], "10000000000"),
    (Annotated[Decimal, DecimalText(12, 2)], "NaN"),
    (Annotated[Decimal, DecimalText(12, 2)], "\u0661"),
    (Annotated[Decimal, DecimalText(12, 2)], "1\n"),
    (Annotated[Decimal, DecimalText(12, 2)], 1.5),
    (Annotated[Decimal, DecimalText(12, 2, ge="5")], "4.99"),
    (Annotated[Decimal, DecimalText(12, 2, le="5")], "5.01"),
    (Json, "text"),
    (Json, {"a": "\x00"}),
    (Json, {"\x00": 1}),
    (Json, {"a": ["\ud800"]}),
    (Json, {"a": float("inf")}),
    (Json, {"a": "x" * 70_000}),
    (Json, deep),
]


@pytest.mark.parametrize(("kind", "value", "kept"), GOOD)
def test_a_good_value_is_kept(kind: Any, value: object, kept: object) -> None:
    assert TypeAdapter(kind).validate_python(value) == kept


@pytest.mark.parametrize(("kind", "value"), BAD, ids=range(len(BAD)))
def test_a_bad_value_is_refused(kind: Any, value: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(value)


def test_a_decimal_is_plain_text_in_json() -> None:
    kind = TypeAdapter(Annotated[Decimal, DecimalText(20, 10)])
    assert kind.dump_json(Decimal("0E-10")) == b'"0.0000000000"'
    assert kind.dump_json(Decimal("1E+3")) == b'"1000.0000000000"'


def test_the_schema_says_what_is_validated() -> None:
    def schema(kind: Any) -> dict[str, Any]:
        return TypeAdapter(kind).json_schema()

    assert schema(Text) == {"type": "string", "pattern": r"^[^\u0000]*$"}
    assert schema(Int32)["format"] == "int32"
    assert schema(Timestamp) == {"type": "string", "format": "date-time"}
    assert schema(Uuid) == {"type": "string", "format": "uuid"}
    assert schema(Json) == {"type": ["object", "array"]}
    assert (
        schema(Annotated[Decimal, DecimalText(4, 0, ge="0")])["pattern"] == "^(0|[1-9][0-9]{0,3})$"
    )


# --- schema


class Order(Model):
    count: Int32
    paid: bool = False
    class_: Text | None = Field(default=None, alias="class")


class OrderPatch(Patch):
    count: Int32 = absent()
    note: Text | None = absent()
    class_: Text = absent(alias="class")


class OrderView(View):
    count: Int32
    class_: Text = Field(alias="class")


@pytest.mark.parametrize(
    "body", [{"count": "1"}, {"count": True}, {"count": 1, "paid": 1}, {"count": 1, "x": 1}]
)
def test_a_body_is_taken_literally(body: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Order.model_validate(body)


def test_a_keyword_goes_by_its_alias() -> None:
    view = OrderView.model_validate({"count": 1, "class_": "a"})
    assert json_bytes(view) == b'{"count":1,"class":"a"}'
    assert Order.model_validate({"count": 1, "class": "b"}).class_ == "b"
    with pytest.raises(ValidationError):
        Order.model_validate({"count": 1, "class_": "b"})


def test_a_patch_tells_absent_from_null() -> None:
    assert OrderPatch.model_validate({}).changes() == {}
    assert OrderPatch.model_validate({"note": None}).changes() == {"note": None}
    assert OrderPatch.model_validate({"class": "a"}).changes() == {"class_": "a"}
    with pytest.raises(ValidationError):
        OrderPatch.model_validate({"count": None})
    with pytest.raises(ValidationError):
        OrderPatch.model_validate({"class": None})


def test_a_fingerprint_is_of_the_content() -> None:
    one = Order.model_validate({"count": 1, "class": "a"})
    assert fingerprint(one) == fingerprint({"class": "a", "count": 1})
    assert fingerprint(one) != fingerprint({"class": "a", "count": 2})


# --- deadline


def test_a_timeout_is_cut_to_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    assert deadline.within(5) == 5
    deadline.start(1)
    try:
        assert 0.5 < deadline.within(5) <= 1
        assert deadline.within(0.1) == 0.1
        deadline.start(-1)
        with pytest.raises(DeadlineExceededError):
            deadline.within(5)
    finally:
        deadline.clear()
    assert deadline.remaining() is None


# --- problems


def test_a_problem_has_the_members_of_the_rfc() -> None:
    body = json.loads(bytes(problems.conflict("sku").response("/v1/products").body))
    assert body == {
        "type": "about:blank",
        "title": "Conflict",
        "status": 409,
        "detail": "sku is already taken.",
        "instance": "/v1/products",
        "errors": [{"location": ["body", "sku"], "message": "is already taken", "type": "unique"}],
    }


def test_the_documented_responses_are_problems() -> None:
    documented = problems.responses(404, 503)
    assert set(documented) == {404, 503}
    assert list(documented[404]["content"]) == ["application/problem+json"]
    assert "Retry-After" in documented[503]["headers"]


# --- settings


RANDOM = "q7Vt0mJx2LfWc9Rb"


def make(**values: Any) -> ServiceSettings:
    usual = {
        "service_name": "x",
        "environment": "test",
        "database_url": "postgresql://x",
        "redis_url": None,
    }
    return ServiceSettings(**(usual | values))


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("", "0 characters"),
        ("q7Vt0mJx2LfWc9R", "15 characters"),
        ("CHANGE-ME-CHANGE-ME", "placeholder"),
        ("my-secret-password", "placeholder"),
        ("%24%7BDB_PASSWORD%7D1234", "placeholder"),
        ("<put it in here now>", "placeholder"),
        ("abcabcabcabcabcabc", "placeholder"),
        ("aaaaaaaaaaaaaaaaaaaaaaab", "placeholder"),
    ],
)
def test_no_service_starts_on_a_placeholder(environment: str, password: str, reason: str) -> None:
    good = f"postgresql://x:{RANDOM}@db/x"
    for name, url in (
        ("database_url", f"postgresql://x:{password}@db/x"),
        ("redis_url", f"redis://:{password}@redis"),
    ):
        values = {"database_url": good, name: url}
        with pytest.raises(ValidationError, match=f"password in {name} .*{reason}") as refused:
            make(environment=environment, **values)
        assert not password or password not in str(refused.value)
        assert make(environment="local", **values).environment == "local"
    assert make(environment=environment, database_url=good).redis_url is None


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"db_pool_min": 11}, r"db_pool_min \(11\) is above db_pool_max \(10\)"),
        ({"db_lock_timeout_ms": 2000}, "db_lock_timeout_ms .2000. must be below"),
        ({"db_statement_timeout_ms": 5000}, "must be below request_deadline_ms"),
        ({"db_acquire_timeout_ms": 5000}, "db_acquire_timeout_ms"),
        ({"redis_timeout_ms": 6000}, "redis_timeout_ms"),
        ({"cors_origins": "https://*.example.com"}, "one by one"),
        ({"max_in_flight": 0}, "greater than 0"),
        ({"trace_sample_ratio": 1.5}, "less than or equal to 1"),
    ],
)
def test_nonsense_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        make(**values)


def test_what_is_refused_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://shop:hunter22@db/shop")
    with pytest.raises(ValidationError, match="service_name") as refused:
        ServiceSettings()
    assert "hunter22" not in str(refused.value)


def test_the_environment_wins_over_a_file_over_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path))
    (tmp_path / "database_url").write_text("postgresql://file\n")
    (tmp_path / "redis_url").write_text("redis://file")
    monkeypatch.setenv("REDIS_URL", "redis://environment")
    monkeypatch.setenv("CORS_ORIGINS", "https://a.example, https://b.example")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    settings = ServiceSettings(service_name="x", environment="test")
    assert settings.database_url.get_secret_value() == "postgresql://file"
    assert settings.redis_url == SecretStr("redis://environment")
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    assert settings.db_pool_max == 10
    assert "postgresql" not in repr(settings)
    assert secret("database_url") == "postgresql://file"
    assert secret("redis_url") == "redis://environment"
    assert secret("nothing") is None


def test_no_secrets_directory_is_no_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path / "absent"))
    assert make().service_name == "x"  # a warning would be an error here


# --- metrics


def test_a_bucket_ends_on_the_objective() -> None:
    assert 0.25 in buckets(0.25)
    assert list(buckets(0.25)) == sorted(buckets(0.25))


@pytest.mark.parametrize(
    ("objective_ms", "bound"),
    [(1, "0.001"), (75, "0.075"), (300, "0.3"), (333, "0.333"), (1000, "1.0"), (12_000, "12.0")],
)
def test_rules_know_how_the_bound_is_written(objective_ms: int, bound: str) -> None:
    metrics = Metrics(objective_ms)
    metrics.observe("GET", "/v1/things", 200, objective_ms / 1000)
    name = "http_server_request_duration_seconds_bucket"
    labels = {"method": "GET", "route": "/v1/things", "status_class": "2xx", "le": bound}
    assert metrics.registry.get_sample_value(name, labels) == 1


def test_no_metric_says_when_it_was_made() -> None:
    names = {sample.name for family in Metrics(250).registry.collect() for sample in family.samples}
    assert not [name for name in names if name.endswith("_created")]


def test_invented_methods_make_no_series() -> None:
    metrics = Metrics(250)
    for number in range(5):
        metrics.observe(f"M{number}", "unmatched", 404, 0.1)
    name = "http_server_request_duration_seconds_count"
    labels = {"method": "other", "route": "unmatched", "status_class": "4xx"}
    assert metrics.registry.get_sample_value(name, labels) == 5


# --- identity


def test_who_acts_is_told_for_a_while() -> None:
    person = Principal("ada", frozenset({"products:read"}))
    with acting_as(ANONYMOUS):
        become(person)
        assert current() is person
        with acting_as(Principal("order-service")):
            assert current().subject == "order-service"
        assert current() is person
    assert current() is ANONYMOUS


def test_a_credential_is_not_shown() -> None:
    assert "s3cret" not in repr(Principal("ada", credential=("Authorization", "Bearer s3cret")))
