"""Routes in Redis: on which chat server a user's session is.

``route:<uuid>`` is ``node|incarnation|session id|login time``; it expires after a lease, and its node renews
it. Redis may be flushed at any time: a node writes its routes again. :mod:`imsys.redis.tokens` tells whether
a session's token is still valid.

``attempts:<uuid>`` maps each client of a user to the number of its newest login attempt. An attempt that was
delayed (in a frozen server, by a slow network) may be processed long after its client has logged in
elsewhere: it is older, so it is refused and does not end the newer session.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from imsys.errors import Refused, Status, Unavailable
from imsys.redis.client import CAUGHT, Redis, Script
from imsys.redis.tokens import LUA, Tokens
from imsys.util.batching import BatchingQueue
from imsys.util.surge import Surge

_log = Logger()


class Route(msgspec.Struct, frozen=True):
    """The server and id of a session; ``login_ms`` is in milliseconds since 1970."""

    node: str
    incarnation: str
    session: str
    login_ms: int

    def __str__(self) -> str:
        return f"{self.untimed}{self.login_ms}"

    @property
    def untimed(self) -> str:
        """The text before the login time."""
        return f"{self.node}|{self.incarnation}|{self.session}|"

    @classmethod
    def parse(cls, text: bytes) -> Route:
        """Parse the output of :meth:`__str__`. :raises ValueError: it is something else."""
        node, incarnation, session, login_ms = text.decode().split("|")
        return cls(node, incarnation, session, int(login_ms))


def _read(user: int, text: bytes | None) -> Route | None:
    """Parse a user's route in Redis.

    A foreign value counts as no route: a node with a session writes it again.
    """
    if not text:
        return None
    try:
        return Route.parse(text)
    except ValueError:
        _log.error("the route of {user} in Redis is none of ours", user=user)
        return None


class Attempt(NamedTuple):
    """A client's login attempt; ``number`` is from 0 to 2^63 - 1, and grows."""

    client: str
    number: int


class Held(msgspec.Struct, frozen=True):
    """A session whose route must be renewed, its token's digest, and its login attempt."""

    user: int
    route: Route
    token_digest: str
    attempt: Attempt | None = None


MEMORY = 3600.0
"""Seconds for which a client's newest attempt is remembered: longer than any delay."""

CLIENTS = 32
"""Clients of a user whose attempts are remembered, at most; one more, and all are forgotten."""

# Lua's numbers are exact only up to 2^53, so numbers are compared as texts: by length, then alphabetically.
_REMEMBER_ATTEMPT = f"""
local function remember(attempts, client, number)
  local last = redis.call('HGET', attempts, client)
  if last and string.match(last, '^%d+$') and (#last > #number or (#last == #number and last >= number)) then return false end
  if not last and redis.call('HLEN', attempts) >= {CLIENTS} then redis.call('DEL', attempts) end
  redis.call('HSET', attempts, client, number)
  redis.call('PEXPIRE', attempts, {MEMORY * 1000:.0f})
  return true
end
"""

# Returns for each login: the login time and the route before it; 0, the token is not valid for this account;
# 1, the
# attempt is not newer than the last; 2, Redis does not know the token; a text, the error of this login alone
# (a
# foreign value).
_LOGIN = Script(
    CAUGHT
    + LUA
    + _REMEMBER_ATTEMPT
    + """
local ttl = ARGV[3]

local function login(token, route, attempts, user, mine, client, number)
  local expiry = opens(token, user)
  if not expiry then return 0 end
  if expiry == 'unknown' then return 2 end
  if client ~= '' and not remember(attempts, client, number) then return 1 end
  local old = redis.call('GET', route)
  local time = now
  if old then time = math.max(time, tonumber(string.match(old, '|(%d+)$')) + 1) end
  time = string.format('%.0f', time)
  redis.call('SET', route, mine .. time, 'PX', ttl)
  return {time, old or ''}
end

local results = {}
for i = 1, #KEYS / 3 do
  local token, route, attempts = unpack(KEYS, i * 3 - 2, i * 3)
  local user, mine, client, number = unpack(ARGV, i * 4, i * 4 + 3)
  local well, result = pcall(login, token, route, attempts, user, mine, client, number)
  if not well then result = caught(result) end
  results[i] = result
end
return results
"""
)

_DROP = Script("""
for i, route in ipairs(KEYS) do
  if redis.call('GET', route) == ARGV[i] then redis.call('DEL', route) end
end
return #KEYS
""")

# Returns for each session: 0 kept; 1 its token is not valid any more; 2 a later login has the route; 3 kept,
# but the
# route was lost; plus 4 if Redis does not know its token; a text, the error of this session alone.
_REFRESH = Script(
    CAUGHT
    + LUA
    + """
local ttl = ARGV[3]

local function refresh(token, route, user, mine)
  local expiry = opens(token, user)
  if not expiry then return 1 end
  local unknown = expiry == 'unknown' and 4 or 0
  local held = redis.call('GET', route)
  if held == mine then
    redis.call('PEXPIRE', route, ttl)
    return unknown
  end
  if held and tonumber(string.match(held, '|(%d+)$')) >= tonumber(string.match(mine, '|(%d+)$')) then return 2 end
  redis.call('SET', route, mine, 'PX', ttl)
  return unknown + 3
end

local results = {}
for i = 1, #KEYS / 2 do
  local well, result = pcall(refresh, KEYS[i * 2 - 1], KEYS[i * 2], ARGV[i * 2 + 2], ARGV[i * 2 + 3])
  if not well then result = caught(result) end
  results[i] = result
end
return results
"""
)

_REMEMBER = Script(
    CAUGHT
    + _REMEMBER_ATTEMPT
    + """
for i, attempts in ipairs(KEYS) do
  local well, result = pcall(remember, attempts, ARGV[i * 2 - 1], ARGV[i * 2])
  if not well then caught(result) end
end
return #KEYS
"""
)

KEPT, REVOKED, REPLACED, REBUILT = range(4)
_UNKNOWN = 4
BATCH = 100
"""Sessions of one call, at most: Redis does nothing else meanwhile (about 1 ms)."""

LOGINS = 20_000
"""Logins that wait for Redis, at most."""

DROPS = 100_000
"""Routes that wait to be removed, at most; further ones expire."""


Taken = tuple[Route | None, Route]
"""A successful login: the route before it, and the new one."""


class _Login(NamedTuple):
    user: int
    token_digest: str
    route: Route
    attempt: Attempt | None


class _Unknown(Exception):
    """Redis does not know a token."""


class Refreshed(NamedTuple):
    """The result of a renewal.

    :param changed: users whose session is over (:data:`REVOKED` or :data:`REPLACED`), or could not be found
        by other servers for a while (:data:`REBUILT`).
    :param unknown: sessions whose tokens Redis does not know: the database must be asked.
    """

    changed: dict[int, int]
    unknown: list[Held]


class Routes:
    """The routes in Redis; a valid token is needed to take one.

    :param ttl: seconds after which a route expires.
    """

    def __init__(self, redis: Redis, tokens: Tokens, ttl: float, surge: Surge | None = None) -> None:
        self._redis = redis
        self._tokens = tokens
        self._token, self._route, self._attempts = (
            redis.key(kind, "") for kind in ("token", "route", "attempts")
        )
        self._ttl = round(ttl * 1000)
        self._logins = BatchingQueue(self._login_all, most=BATCH, queue=LOGINS, surge=surge)
        self._drops = BatchingQueue(self._drop_all, most=BATCH, queue=DROPS, surge=surge)

    async def login(
        self, user: int, token_digest: str, route: Route, attempt: Attempt | None = None
    ) -> Taken | None:
        """Check a token and take the user's route in one step, batched with other present logins.

        The stored login time is later than that of the login before it, even if the nodes' clocks differ.

        :returns: ``None`` if the token is not valid for this account.
        :raises Refused: LOGIN_FOR_MULTIPLE_TIMES (19), the attempt is not newer than the client's last;
            SERVER_BUSY (73), too many logins wait.
        :raises Unavailable: REDIS_UNKNOWN_ERROR (12), Redis did not answer; MYSQL_INTERNAL_ERROR (14), the
            database did not, which is asked for a token that Redis does not know.
        """
        login = _Login(user, token_digest, route, attempt)
        try:
            return await self._logins.add(login)
        except _Unknown:
            if not await self._tokens.load(user, token_digest):
                return None
        try:
            return await self._logins.add(login)
        except _Unknown:  # Redis has lost the token again
            raise Unavailable(Status.REDIS_UNKNOWN_ERROR, "Redis does not keep anything.") from None

    async def _login_all(self, logins: list[_Login]) -> list[Taken | Exception | None]:
        keys: list[str] = []
        args: list[str | int] = [*self._tokens.terms(), self._ttl]
        for one in logins:
            keys += (
                f"{self._token}{one.token_digest}",
                f"{self._route}{one.user}",
                f"{self._attempts}{one.user}",
            )
            args += (one.user, one.route.untimed, *(one.attempt or ("", "")))
        return list(map(self._logged_in, logins, await self._redis.script(_LOGIN, keys, args)))

    @staticmethod
    def _logged_in(login: _Login, reply: Any) -> Taken | Exception | None:
        if reply == 0:
            return None
        if reply == 2:
            return _Unknown()
        if reply == 1:
            return Refused(Status.LOGIN_FOR_MULTIPLE_TIMES, "A later attempt of this client has logged in.")
        if isinstance(reply, bytes):
            _log.error(
                "Redis cannot log {user} in: {why}", user=login.user, why=reply.decode("utf-8", "replace")
            )
            return Unavailable(Status.REDIS_UNKNOWN_ERROR, "Redis refused a login.")
        login_ms, old = reply
        mine = Route(login.route.node, login.route.incarnation, login.route.session, int(login_ms))
        return _read(login.user, old), mine

    def drop(self, user: int, route: Route) -> Deferred[None]:
        """Remove a user's route if it is still this one, batched with others.

        It fails with :class:`Refused` as :meth:`login` does; the route then expires.
        """
        return self._drops.add((user, route))

    async def _drop_all(self, dropped: list[tuple[int, Route]]) -> list[None]:
        keys = [f"{self._route}{user}" for user, _ in dropped]
        await self._redis.script(_DROP, keys, [str(route) for _, route in dropped])
        return [None] * len(dropped)

    def dropped(self) -> Deferred[None]:
        """Fire when no route waits to be removed."""
        return self._drops.idle()

    async def find(self, users: Sequence[int]) -> dict[int, Route]:
        """Return the routes of those users who have one."""
        found = await self._redis.call("MGET", *(self._redis.key("route", user) for user in users))
        return {
            user: route
            for user, text in zip(users, found, strict=True)
            if (route := _read(user, text)) is not None
        }

    async def refresh(self, sessions: Iterable[Held]) -> Refreshed:
        """Renew routes, including those that Redis has lost, and check the sessions' tokens.

        :raises Unavailable: REDIS_UNKNOWN_ERROR (12), Redis did not answer.
        """
        refreshed = Refreshed({}, [])
        held = list(sessions)
        for start in range(0, len(held), BATCH):
            part = held[start : start + BATCH]
            forgotten: list[tuple[int, Attempt]] = []
            keys: list[str] = []
            args: list[str | int] = [*self._tokens.terms(), self._ttl]
            for one in part:
                keys += (f"{self._token}{one.token_digest}", f"{self._route}{one.user}")
                args += (one.user, str(one.route))
            for one, state in zip(part, await self._redis.script(_REFRESH, keys, args), strict=True):
                if isinstance(state, bytes):
                    _log.error(
                        "Redis cannot keep the route of {user}: {why}",
                        user=one.user,
                        why=state.decode("utf-8", "replace"),
                    )
                    continue
                if state >= _UNKNOWN:
                    refreshed.unknown.append(one)
                if state % _UNKNOWN != KEPT:
                    refreshed.changed[one.user] = state % _UNKNOWN
                    if state % _UNKNOWN == REBUILT and one.attempt is not None:
                        forgotten.append((one.user, one.attempt))
            if forgotten:
                await self._remember(forgotten)
        return refreshed

    async def revoked(self, sessions: Sequence[Held]) -> list[Held]:
        """Return the sessions whose tokens are not valid any more.

        :raises Refused: this cannot be told now.
        """
        lives = await self._tokens.live([(one.user, one.token_digest) for one in sessions])
        return [one for one, alive in zip(sessions, lives, strict=True) if not alive]

    async def _remember(self, attempts: Sequence[tuple[int, Attempt]]) -> None:
        """Write attempts again that Redis has lost.

        Ignore a failure, so that the caller's results are not lost.
        """
        keys = [f"{self._attempts}{user}" for user, _ in attempts]
        with contextlib.suppress(Unavailable):
            await self._redis.script(_REMEMBER, keys, [part for _, attempt in attempts for part in attempt])
