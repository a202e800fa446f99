"""The health checks of each kind of server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from imsys.chat.node import Node
from imsys.errors import Refused, Status
from imsys.redis.client import Redis
from imsys.resources.disk import Disk
from imsys.resources.engine.trial import write_durably
from imsys.server.health import Check, Health
from imsys.store.health import HealthStore


def chat_health(reactor: Any, store: HealthStore, redis: Redis, node: Node) -> Health:
    """Check a chat server's database (both kinds of connections), node number and Redis."""

    async def numbered() -> None:
        if not node.begun:
            return  # no user is accepted before it is
        try:
            node.ids  # noqa: B018  # it raises
        except Refused:
            raise Refused(Status.INTERNAL_ERROR, "it has ended") from None

    checks = {
        "database": Check("The database", store.read, lambda: store.answered, proof=True),
        "log": Check("The database", store.append, lambda: store.appended, proof=True),
        "node": Check("The lease of a node number", numbered),
        "redis": _redis(redis),
    }
    return Health(reactor, checks)


def resources_health(reactor: Any, store: HealthStore, redis: Redis, disk: Disk, spool: Path) -> Health:
    """Check a resources server's database, disk and Redis."""

    async def written() -> None:
        await disk.run(write_durably, spool)

    checks = {
        "database": Check("The database", store.write, lambda: store.answered),
        "disk": Check("The disk", written, lambda: disk.done),
        "redis": _redis(redis),
    }
    return Health(reactor, checks)


def gateway_health(reactor: Any, store: HealthStore, redis: Redis) -> Health:
    """Check a gateway's database and Redis."""
    return Health(
        reactor,
        {
            "database": Check("The database", store.read, lambda: store.answered, proof=True),
            "redis": _redis(redis),
        },
    )


def captcha_health(reactor: Any, redis: Redis) -> Health:
    """Check a captcha server's Redis, which holds the codes."""
    return Health(reactor, {"redis": _redis(redis)})


def _redis(redis: Redis) -> Check:
    async def written() -> None:
        await redis.call("SET", redis.key("health"), 1, "PX", 60_000)
        redis.tried += 1

    # servers of one process share their Redis: one of them tries it for all
    return Check("Redis", written, lambda: redis.tried, proof=True)
