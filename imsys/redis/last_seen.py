"""When users were last online, to the minute.

It is kept in Redis and not in the database: it is written at every end of a session, is worth little, and lost
without harm, since who is not known was seen "recently". ``seen:<bucket>`` holds a hundred users, a few bytes each.
"""

from __future__ import annotations

from collections.abc import Sequence

from twisted.logger import Logger
from twisted.python.failure import Failure

from imsys.errors import Refused, Unavailable
from imsys.redis.client import Redis, Script
from imsys.util.batching import BatchingQueue
from imsys.util.surge import Surge

_log = Logger()

LIFE = 60 * 86_400
"""Seconds after which a bucket is forgotten in which nobody was seen."""

BUCKET = 100
"""Users of a bucket: so few that Redis keeps it in one piece of memory."""

AT_ONCE, WAITING = 500, 50_000
"""Users noted by one call, and users that wait for it, at most."""

_NOTE = Script(f"""
local minute = math.floor(redis.call('TIME')[1] / 60)
for i, key in ipairs(KEYS) do
  redis.call('HSET', key, ARGV[i], minute)
  redis.call('EXPIRE', key, {LIFE})
end
""")

_FIND = Script("""
local found = {}
for i, key in ipairs(KEYS) do found[i] = tonumber(redis.call('HGET', key, ARGV[i]) or 0) end
return found
""")


def _not_noted(reason: Failure) -> None:
    reason.trap(Refused)


class LastSeen:
    """Notes and finds the minutes in which users were seen."""

    def __init__(self, redis: Redis, surge: Surge | None = None) -> None:
        self._redis = redis
        self._noting: BatchingQueue[int, None] = BatchingQueue(
            self._note, most=AT_ONCE, queue=WAITING, surge=surge
        )

    def note(self, user: int) -> None:
        """Note that a user is online, or was up to now; if Redis does not answer, it is not noted."""
        self._noting.add(user).addErrback(_not_noted)

    async def _note(self, users: list[int]) -> list[None]:
        await self._redis.script(_NOTE, self._keys(users), list(map(self._field, users)))
        return [None] * len(users)

    async def find(self, users: Sequence[int]) -> dict[int, int]:
        """Return when users were last seen, in minutes since 1970; those of whom nothing is known are left out."""
        if not users:
            return {}
        try:
            found = await self._redis.script(_FIND, self._keys(users), list(map(self._field, users)))
        except Unavailable as unavailable:
            _log.debug("nobody knows when users were last seen: {reason}", reason=unavailable.message)
            return {}
        return {user: minute for user, minute in zip(users, found, strict=True) if minute}

    def _keys(self, users: Sequence[int]) -> list[str]:
        return [self._redis.key("seen", user // BUCKET) for user in users]

    @staticmethod
    def _field(user: int) -> str:
        return str(user % BUCKET)
