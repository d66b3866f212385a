"""Settings of a service: environment variables, then files of secrets, then defaults."""

import os
import re
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)

from kit import hosting

Positive = Annotated[int, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Port = Annotated[int, Field(ge=0, le=65535)]

_SHORTEST_SECRET = 16
_FEWEST_CHARACTERS = 6  # different ones
_PLACEHOLDER = re.compile(
    r"change.?me|replace.?me|placeholder|example|default|insert.?here|password|passwort|secret"
    r"|your[-_ ]|\btodo\b|x{8}|<.*>|\$\{.*\}|^(.{1,8})\1+$",
    re.IGNORECASE,
)

LOCAL = frozenset({"local", "test"})
"""The environments on a developer's machine, where secrets may be throw-away ones."""


class ProcessSettings(BaseSettings):
    """What a process can be told from outside, whatever it serves.

    The environment variable of a field is its name in upper case. A file of the field's name in
    the directory SECRETS_DIR (default `/run/secrets`) works as well, so mounted secrets need no
    variable. Where several services share a process, a name with the prefix of one of them is for
    that one alone, and wins.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    service_name: str
    environment: Literal["local", "test", "dev", "staging", "prod"] = "prod"
    host: str = "0.0.0.0"  # noqa: S104 - a container listens on its own interface
    port: Port = 8000
    metrics_port: Port = 9000
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    keep_alive_s: Positive = 75
    drain_delay_s: NotNegative = 5.0
    shutdown_timeout_s: Positive = 20
    startup_timeout_s: Positive = 30

    otlp_endpoint: str | None = None
    trace_sample_ratio: Share = 0.1

    def __init__(self, **values: Any) -> None:
        """Read the settings; keyword arguments win over everything."""
        directory = secrets_dir()
        place = hosting.current()
        told = place.values if place is not None else {}
        known = {name: value for name, value in told.items() if name in type(self).model_fields}
        super().__init__(_secrets_dir=directory if directory.is_dir() else None, **(known | values))

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - no such file is read
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return where to look, first of all for what is for one module alone."""
        place, directory = hosting.current(), secrets_dir()
        own: list[PydanticBaseSettingsSource] = []
        if place is not None:
            own.append(EnvSettingsSource(settings_cls, env_prefix=place.prefix))
            if directory.is_dir():
                own.append(SecretsSettingsSource(settings_cls, directory, env_prefix=place.prefix))
        return (init_settings, *own, env_settings, file_secret_settings)


class ServiceSettings(ProcessSettings):
    """Every number and address that a service can be told from outside."""

    secret_urls: ClassVar[tuple[str, ...]] = ("database_url", "redis_url")
    """The fields whose passwords must be worth their name outside of LOCAL environments."""

    database_url: SecretStr
    db_pool_min: Positive = 2
    db_pool_max: Positive = 10
    db_acquire_timeout_ms: Positive = 500
    db_statement_timeout_ms: Positive = 2000
    db_lock_timeout_ms: Positive = 1000
    db_idle_in_transaction_timeout_ms: Positive = 10_000
    db_statement_cache_size: Annotated[int, Field(ge=0)] = 1000
    db_pooler: bool = False

    redis_url: SecretStr | None = None
    redis_pool_max: Positive = 20
    redis_timeout_ms: Positive = 250
    cache_ttl_s: Annotated[int, Field(ge=0)] = 300

    request_deadline_ms: Positive = 5000
    max_in_flight: Positive = 100
    max_queued: Annotated[int, Field(ge=0)] = 50
    queue_ms: Positive = 100
    max_body_bytes: Positive = 1_048_576

    idempotency_ttl_s: Positive = 86_400
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()

    slo_latency_ms: Positive = 250

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split_origins(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(origin.strip() for origin in value.split(",") if origin.strip())
        return value

    @field_validator("cors_origins")
    @classmethod
    def _refuse_wildcard(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any("*" in origin for origin in value):
            msg = 'list the allowed origins one by one; "*" would let any page act for a user'
            raise ValueError(msg)
        return value

    @model_validator(mode="after")
    def _passwords_are_secret(self) -> Self:
        for name in () if self.environment in LOCAL else self.secret_urls:
            url: SecretStr | None = getattr(self, name)
            if url is not None:
                password = urlsplit(url.get_secret_value()).password or ""
                refuse_weak(f"the password in {name}", unquote(password))
        return self

    @model_validator(mode="after")
    def _numbers_agree(self) -> Self:
        if self.db_pool_min > self.db_pool_max:
            msg = f"db_pool_min ({self.db_pool_min}) is above db_pool_max ({self.db_pool_max})"
            raise ValueError(msg)
        for inner, outer in (
            ("db_lock_timeout_ms", "db_statement_timeout_ms"),
            ("db_statement_timeout_ms", "request_deadline_ms"),
            ("db_acquire_timeout_ms", "request_deadline_ms"),
            ("redis_timeout_ms", "request_deadline_ms"),
            ("queue_ms", "request_deadline_ms"),
        ):
            if getattr(self, inner) >= getattr(self, outer):
                msg = (
                    f"{inner} ({getattr(self, inner)}) must be below "
                    f"{outer} ({getattr(self, outer)}), or the outer limit always fires first"
                )
                raise ValueError(msg)
        return self


def refuse_weak(what: str, value: str) -> None:
    """Raise ValueError for a secret that is short or stands for one that was never set."""
    if len(value) < _SHORTEST_SECRET:
        msg = f"{what} has {len(value)} characters; at least {_SHORTEST_SECRET} are needed"
        raise ValueError(msg)
    if _PLACEHOLDER.search(value) or len(set(value)) < _FEWEST_CHARACTERS:
        msg = f"{what} is a placeholder; set a random one"
        raise ValueError(msg)


def secrets_dir() -> Path:
    """Return the directory in which mounted secrets are looked for."""
    return Path(os.environ.get("SECRETS_DIR", "/run/secrets"))


def secret(name: str) -> str | None:
    """Return one setting by itself: the variable NAME, or the file `name` of the secrets."""
    value = os.environ.get(name.upper())
    if value:
        return value
    file = secrets_dir() / name.lower()
    return file.read_text(encoding="utf-8").strip() if file.is_file() else None
