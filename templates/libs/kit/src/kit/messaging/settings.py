"""Settings of a service that publishes or consumes events."""

from typing import Self

from pydantic import SecretStr, model_validator

from kit.settings import Positive, ServiceSettings


class MessagingSettings(ServiceSettings):
    """What relay and workers can be told from outside."""

    broker_url: SecretStr
    broker_namespace: str
    broker_copies: Positive = 1
    broker_timeout_ms: Positive = 5000
    broker_backoff_max_ms: Positive = 15_000

    relay_batch: Positive = 200
    relay_poll_ms: Positive = 200
    outbox_retention_s: Positive = 259_200
    inbox_retention_s: Positive = 1_209_600

    consumer_concurrency: Positive = 4
    consumer_timeout_ms: Positive = 10_000
    consumer_attempts: Positive = 8
    consumer_backoff_ms: Positive = 500
    consumer_backoff_max_ms: Positive = 60_000

    @model_validator(mode="after")
    def _consumers_fit(self) -> Self:
        if self.consumer_concurrency > self.db_pool_max:
            msg = (
                f"consumer_concurrency ({self.consumer_concurrency}) is above db_pool_max "
                f"({self.db_pool_max}): each event needs a connection"
            )
            raise ValueError(msg)
        if self.consumer_backoff_ms > self.consumer_backoff_max_ms:
            msg = (
                f"consumer_backoff_ms ({self.consumer_backoff_ms}) is above "
                f"consumer_backoff_max_ms ({self.consumer_backoff_max_ms})"
            )
            raise ValueError(msg)
        return self
