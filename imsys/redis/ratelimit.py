"""Rate limits over sliding windows in Redis, shared by all servers.

For each limit and subject (an address, an account) the events of the last window are kept with their times,
by the clock of Redis; at most as many as are allowed. Each call here is one call of a Lua script, atomic over
all its limits.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from imsys.errors import Refused, Status
from imsys.redis.client import Redis, Script

MINUTE = 60.0
HOUR = 3600.0
DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``most`` events in any ``window`` seconds; 0: unlimited."""

    name: str
    most: int
    window: float

    def of(self, *subject: str) -> Counter:
        """Return the limit's counter for one subject."""
        return Counter(self, subject)


@dataclass(frozen=True, slots=True)
class Counter:
    """The counter of a limit for one subject."""

    limit: Limit
    subject: tuple[str, ...]

    def key(self, redis: Redis) -> str:
        """Return the Redis key of the events; hashed, since a subject may be any text of any length."""
        digest = hashlib.sha256("\0".join(self.subject).encode("utf-8", "surrogatepass")).hexdigest()
        return redis.key("rate", self.limit.name, digest[:32])


_COUNT = Script("""
local add, mark = ARGV[1], ARGV[2]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local wait = 0
if add ~= 'always' then
  for i, key in ipairs(KEYS) do
    local most, window = tonumber(ARGV[2 * i + 1]), tonumber(ARGV[2 * i + 2])
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now - window)
    local count = redis.call('ZCARD', key)
    if count >= most then
      local frees = redis.call('ZRANGE', key, count - most, count - most, 'WITHSCORES')
      wait = math.max(wait, frees[2] + window - now, 1)
    end
  end
end
if wait == 0 and add ~= 'never' then
  for i, key in ipairs(KEYS) do
    redis.call('ZADD', key, now, mark)
    redis.call('PEXPIRE', key, ARGV[2 * i + 2])
  end
end
return wait
""")
"""Returns the milliseconds until there is room (0: now), and adds an event ``always``, ``never``, or if
there is ``room``."""

_REMOVE = Script("for _, key in ipairs(KEYS) do redis.call('ZREM', key, ARGV[1]) end return 0")


class RateLimiter:
    """Counts events against limits."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def check(self, counters: Sequence[Counter]) -> None:
        """Check whether one more event would be allowed, without counting it.

        :raises Refused: RATE_LIMITED (64), a limit is reached; ``retry_after`` is the time until there is
            room.
        :raises Unavailable: Redis did not answer.
        """
        await self._count(counters, "never", "")

    async def take(self, counters: Sequence[Counter]) -> str:
        """Count one event against all limits, or against none if one is reached.

        :returns: the mark of the event, for :meth:`give_back`.
        :raises Refused: RATE_LIMITED (64), as from :meth:`check`.
        :raises Unavailable: Redis did not answer.
        """
        mark = secrets.token_hex(8)
        await self._count(counters, "room", mark)
        return mark

    async def record(self, counters: Sequence[Counter]) -> str:
        """Count one event that has happened, even if there is no room for it.

        :returns: its mark, as from :meth:`take`.
        :raises Unavailable: Redis did not answer.
        """
        mark = secrets.token_hex(8)
        await self._count(counters, "always", mark)
        return mark

    async def give_back(self, counters: Sequence[Counter], mark: str) -> None:
        """Undo one :meth:`take` or :meth:`record`. :raises Unavailable: Redis did not answer."""
        limited = [counter for counter in counters if counter.limit.most]
        if limited:
            await self._redis.script(_REMOVE, [counter.key(self._redis) for counter in limited], [mark])

    async def _count(self, counters: Sequence[Counter], add: str, mark: str) -> None:
        limited = [counter for counter in counters if counter.limit.most]
        if not limited:
            return
        args: list[str | bytes | int] = [add, mark]
        for counter in limited:
            args += [counter.limit.most, round(counter.limit.window * 1000)]
        wait = await self._redis.script(_COUNT, [counter.key(self._redis) for counter in limited], args)
        if wait:
            raise Refused(Status.RATE_LIMITED, "Too many requests: try again later.", retry_after=wait / 1000)
