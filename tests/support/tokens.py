"""Tokens for a test's users, as the servers of the test keep them."""

from __future__ import annotations

import time

from twisted.trial.unittest import TestCase

from imsys.config import BalanceConfig, DatabaseConfig
from imsys.redis.client import Redis
from imsys.redis.tokens import Tokens
from imsys.store import Database


def tokens_for(test: TestCase, redis: Redis, database: DatabaseConfig) -> Tokens:
    """The tokens of an installation, on connections of the test's own to its database, whose tables are
    there.
    """
    from twisted.internet import reactor

    connections = Database(reactor, database)
    connections.open()
    test.addCleanup(connections.close)
    return Tokens(redis, connections, time.time, BalanceConfig.token_idle, BalanceConfig.token_life)
