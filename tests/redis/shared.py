"""A connected Redis for one test."""

from __future__ import annotations

import dataclasses

from twisted.trial.unittest import TestCase

from imsys.config import RedisConfig
from imsys.redis.client import Redis, RedisService
from tests.support.servers import redis_server


def redis_for(test: TestCase, config: RedisConfig | None = None, *, prefix: str | None = None) -> Redis:
    """A connection to the server that tests share (or to another), closed after the test.

    :param prefix: that of another connection, to see the same keys.
    """
    from twisted.internet import reactor

    config = config or redis_server()
    service = RedisService(reactor, config if prefix is None else dataclasses.replace(config, prefix=prefix))
    service.startService()
    test.addCleanup(service.stopService)
    return service.redis
