"""Real servers and live services for tests; the fixtures are in `kit.testing.plugin`."""

from kit.testing.servers import RedisServer
from kit.testing.service import LiveService, in_process, live_service

__all__ = ["LiveService", "RedisServer", "in_process", "live_service"]
