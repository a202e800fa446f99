"""Routes: on which chat server a user's session is, in Redis.

``route:<uuid>`` is ``node|incarnation|session id|login time``; it lives as
long as a lease, and its node renews it. Redis may be flushed at any time: what
a node holds it writes again, unless a tombstone says that it was revoked (see
:mod:`imsys.tokens`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

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
local login = tonumber(ARGV[4])
if old then login = math.max(login, tonumber(string.match(old, '|(%d+)$')) + 1) end
redis.call('SET', KEYS[2], ARGV[2] .. string.format('%.0f', login), 'PX', ARGV[3])
return {1, expiry, old or '', string.format('%.0f', login)}
""")

_DROP = Script("""
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
""")

# For each session: 0 kept, 1 its token was revoked or has ended, 2 a later login has its route, 3 kept, but its route was lost.
_REFRESH = Script("""
local ttl, now, idle, life = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local result = {}
for i = 0, #KEYS / 4 - 1 do
  local token, index, revoked, route = unpack(KEYS, 1 + i * 4, 4 + i * 4)
  local value, digest, expiry, mine, login = unpack(ARGV, 5 + i * 5, 9 + i * 5)
  local left = math.min(tonumber(expiry) - now, idle)
  local state = 0
  local found = redis.call('GET', token)
  if left <= 0 or (found and found ~= value) then
    state = 1
  elseif found then
    redis.call('PEXPIRE', token, left)
  else
    local since = redis.call('GET', revoked)
    if since and tonumber(expiry) - life <= tonumber(since) then
      state = 1
    else
      redis.call('SET', token, value, 'PX', left)
      redis.call('SADD', index, digest)
      local ends = tonumber(expiry) - now
      if redis.call('PTTL', index) < ends then redis.call('PEXPIRE', index, ends) end
    end
  end
  if state == 0 then
    local held = redis.call('GET', route)
    if held and held ~= mine and tonumber(string.match(held, '|(%d+)$')) >= tonumber(login) then
      state = 2
    else
      if held ~= mine then state = 3 end
      redis.call('SET', route, mine, 'PX', ttl)
    end
  end
  result[#result + 1] = state
end
return result
""")

KEPT, REVOKED, REPLACED, REBUILT = 0, 1, 2, 3
BATCH = 200
"""Sessions refreshed by one call: Redis does nothing else meanwhile."""


class Routes:
    """Routes in Redis, with the tokens of the sessions that they lead to.

    ``ttl`` of a route, ``idle`` and ``life`` of a token are in seconds, times in milliseconds since 1970.
    """

    def __init__(self, redis: Redis, ttl: float, idle: float, life: float) -> None:
        self._redis = redis
        self._ttl = round(ttl * 1000)
        self._idle = round(idle * 1000)
        self._life = round(life * 1000)

    async def login(self, user: int, token_digest: str, route: Route, now_ms: int) -> tuple[int, Route | None, Route] | None:
        """Check a token and take the user's route, in one step.

        The login time that is stored is later than that of the login before it, whatever the nodes' clocks say.

        :returns: when the token ends for good, the route that was there, and the one that is there now; ``None`` where the token does
            not open this account.
        """
        redis = self._redis
        keys = [redis.key("token", token_digest), redis.key("route", user)]
        reply = await redis.script(_LOGIN, keys, [user, str(replace(route, login_ms=0))[:-1], self._ttl, now_ms, self._idle])
        if not reply[0]:
            return None
        return int(reply[1]), Route.parse(reply[2]) if reply[2] else None, replace(route, login_ms=int(reply[3]))

    async def drop(self, user: int, route: Route) -> None:
        """Take a route away, if it is still this one."""
        await self._redis.script(_DROP, [self._redis.key("route", user)], [str(route)])

    async def find(self, users: Sequence[int]) -> dict[int, Route]:
        """The routes of those who have one."""
        found = await self._redis.call("MGET", *(self._redis.key("route", user) for user in users))
        return {user: Route.parse(text) for user, text in zip(users, found, strict=True) if text is not None}

    async def refresh(self, sessions: Iterable[Held], now_ms: int) -> dict[int, int]:
        """Keep routes and tokens, also those that Redis lost.

        :returns: the users whose session is over, and why (:data:`REVOKED` or :data:`REPLACED`), and those whose session goes on, but
            could not be found by others for a while (:data:`REBUILT`).
        """
        changed: dict[int, int] = {}
        held = list(sessions)
        for start in range(0, len(held), BATCH):
            part = held[start : start + BATCH]
            keys: list[str] = []
            args: list[str | int] = [self._ttl, now_ms, self._idle, self._life]
            for one in part:
                keys += [
                    self._redis.key("token", one.token_digest),
                    self._redis.key("user_tokens", one.user),
                    self._redis.key("tokens_revoked", one.user),
                    self._redis.key("route", one.user),
                ]
                args += [f"{one.user}:{one.hard_expiry}", one.token_digest, one.hard_expiry, str(one.route), one.route.login_ms]
            states = await self._redis.script(_REFRESH, keys, args)
            changed.update({one.user: int(state) for one, state in zip(part, states, strict=True) if int(state) != KEPT})
        return changed
