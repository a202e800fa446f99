"""Routes: on which chat server a user's session is, in Redis.

``route:<uuid>`` is ``node|incarnation|session id|login time``; it lives as
long as a lease, and its node renews it. Redis may be flushed at any time: the
nodes notice by the key ``epoch``, and write again what they hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from imsys.redis import Redis, Script


@dataclass(frozen=True, slots=True)
class Route:
    """Where a session is; ``login_ms`` is milliseconds since 1970."""

    node: str
    incarnation: str
    session: str
    login_ms: int

    def __str__(self) -> str:
        return f"{self.node}|{self.incarnation}|{self.session}|{self.login_ms}"

    @classmethod
    def parse(cls, text: bytes) -> Route:
        """Read what :meth:`__str__` wrote. :raises ValueError: it is something else."""
        node, incarnation, session, login_ms = text.decode().split("|")
        return cls(node, incarnation, session, int(login_ms))


@dataclass(frozen=True, slots=True)
class Held:
    """A live session whose route and token are to be kept."""

    user: int
    route: Route
    token_digest: str
    hard_expiry: int


_LOGIN = Script("""
local token = redis.call('GET', KEYS[1])
if not token then return {0} end
local uuid, expiry = string.match(token, '^(%d+):(%d+)$')
local left = tonumber(expiry or 0) - tonumber(ARGV[4])
if uuid ~= ARGV[1] or left <= 0 then return {0} end
redis.call('PEXPIRE', KEYS[1], math.min(left, tonumber(ARGV[5])))
local old = redis.call('GET', KEYS[2])
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return {1, expiry, old or ''}
""")

_DROP = Script("""
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
""")

# For each session: 0 kept, 1 its token was revoked, 2 a later login has its route.
_REFRESH = Script("""
local epoch = redis.call('GET', KEYS[1])
local flushed = epoch ~= ARGV[1]
if not epoch then epoch = ARGV[2]; redis.call('SET', KEYS[1], epoch) end
local ttl, now, idle = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local result = {epoch}
for i = 0, (#KEYS - 1) / 3 - 1 do
  local token, tokens, route = KEYS[2 + i * 3], KEYS[3 + i * 3], KEYS[4 + i * 3]
  local uuid, digest, expiry, mine, login = unpack(ARGV, 6 + i * 5, 10 + i * 5)
  local left = math.min(tonumber(expiry) - now, idle)
  local state = 0
  if left <= 0 then
    state = 1
  elseif redis.call('PEXPIRE', token, left) == 0 then
    if flushed then
      redis.call('SET', token, uuid .. ':' .. expiry, 'PX', left)
      redis.call('SADD', tokens, digest)
      redis.call('PEXPIREAT', tokens, expiry)
    else
      state = 1
    end
  end
  if state == 0 then
    local held = redis.call('GET', route)
    if held and held ~= mine and tonumber(string.match(held, '|(%d+)$')) >= tonumber(login) then
      state = 2
    else
      redis.call('SET', route, mine, 'PX', ttl)
    end
  end
  result[#result + 1] = state
end
return result
""")

KEPT, REVOKED, REPLACED = 0, 1, 2
BATCH = 200
"""Sessions refreshed by one call: Redis does nothing else meanwhile."""


class Routes:
    """Routes in Redis; ``ttl`` and ``idle`` (of tokens) are in seconds, times in milliseconds since 1970."""

    def __init__(self, redis: Redis, ttl: float, idle: float) -> None:
        self._redis = redis
        self._ttl = int(ttl * 1000)
        self._idle = int(idle * 1000)
        self._epoch = ""

    async def login(self, user: int, token_digest: str, route: Route, now_ms: int) -> tuple[int, Route | None] | None:
        """Check a token and take the user's route, in one step.

        :returns: when the token ends for good, and the route that was there; ``None`` where the token does not open this account.
        """
        redis = self._redis
        keys = [redis.key("token", token_digest), redis.key("route", user)]
        reply = await redis.script(_LOGIN, keys, [user, str(route), self._ttl, now_ms, self._idle])
        if not reply[0]:
            return None
        return int(reply[1]), Route.parse(reply[2]) if reply[2] else None

    async def drop(self, user: int, route: Route) -> None:
        """Take a route away, if it is still this one."""
        await self._redis.script(_DROP, [self._redis.key("route", user)], [str(route)])

    async def find(self, users: Sequence[int]) -> dict[int, Route]:
        """The routes of those who have one."""
        found = await self._redis.call("MGET", *(self._redis.key("route", user) for user in users))
        return {user: Route.parse(text) for user, text in zip(users, found, strict=True) if text is not None}

    async def refresh(self, sessions: Iterable[Held], now_ms: int, new_epoch: str) -> dict[int, int]:
        """Keep routes and tokens; give back the users whose session is over (:data:`REVOKED` or :data:`REPLACED`).

        :param new_epoch: a random name for what begins where Redis turns out to be empty.
        """
        ended: dict[int, int] = {}
        held = list(sessions)
        epoch = self._epoch
        for start in range(0, max(len(held), 1), BATCH):
            part = held[start : start + BATCH]
            keys = [self._redis.key("epoch")]
            args: list[str | int] = [self._epoch, new_epoch, self._ttl, now_ms, self._idle]
            for one in part:
                keys += [
                    self._redis.key("token", one.token_digest),
                    self._redis.key("user_tokens", one.user),
                    self._redis.key("route", one.user),
                ]
                args += [one.user, one.token_digest, one.hard_expiry, str(one.route), one.route.login_ms]
            reply = await self._redis.script(_REFRESH, keys, args)
            epoch = bytes(reply[0]).decode()
            ended.update({one.user: int(state) for one, state in zip(part, reply[1:], strict=True) if int(state) != KEPT})
        self._epoch = epoch
        return ended
