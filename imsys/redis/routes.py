"""Routes in Redis: on which chat servers a user's sessions are.

``route:<uuid>`` is ``node|incarnation|session id|login time`` of the session without a device; it expires after
a lease, and its node renews it. ``devices:<uuid>`` is a hash of the sessions of devices, each with the end of its
lease behind that, by the clock of Redis. Redis may be flushed at any time: a node writes its routes again.
:mod:`imsys.redis.tokens` tells whether a session's token is still valid.

While a user has no session without a device, ``route:<uuid>`` names one of the others, with the login time 0: a
*stand-in*. A server that does not know devices finds the user by it, and never takes it for newer than its own.

``attempts:<uuid>`` maps each client of a user to the number of its newest login attempt. An attempt that was
delayed (in a frozen server, by a slow network) may be processed long after its client has logged in
elsewhere: it is older, so it is refused and does not end the newer session.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
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
    device: str = ""
    """Not part of its text: the key or field that it is stored in has it."""

    def __str__(self) -> str:
        return f"{self.untimed}{self.login_ms}"

    @property
    def untimed(self) -> str:
        """The text before the login time."""
        return f"{self.node}|{self.incarnation}|{self.session}|"

    @classmethod
    def parse(cls, text: bytes, device: str = "") -> Route:
        """Parse the output of :meth:`__str__`. :raises ValueError: it is something else."""
        node, incarnation, session, login_ms = text.decode().split("|")
        return cls(node, incarnation, session, int(login_ms), device)


def _read(user: int, text: bytes | None, device: str = "") -> Route | None:
    """Parse a user's route in Redis.

    A foreign value counts as no route: a node with a session writes it again.
    """
    if not text:
        return None
    try:
        return Route.parse(text, device)
    except ValueError:
        _log.error("the route of {user} in Redis is none of ours", user=user)
        return None


def _read_all(user: int, flat: Sequence[bytes]) -> Iterator[Route]:
    """Parse devices and their routes, in turns."""
    for device, text in zip(flat[::2], flat[1::2], strict=True):
        if (route := _read(user, text, device.decode("utf-8", "replace"))) is not None:
            yield route


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

# ``held`` returns the devices of a user and their routes, in turns, without expired ones and without device ``but``,
# whose route comes second; with ``sweep`` expired ones are removed. Time is that of Redis, so that servers whose
# clocks differ agree about it. A device follows the text that it belongs to behind a zero byte, since each argument
# costs as much as a key, and most sessions have none.
_DEVICES = """
local clock
local function clock_ms()
  if not clock then
    local time = redis.call('TIME')
    clock = time[1] * 1000 + math.floor(time[2] / 1000)
  end
  return clock
end

local function lease_of(value)
  local route, till = string.match(value, '^(.*)|(%d+)$')
  if till and tonumber(till) > clock_ms() then return route end
end

local function held(devices, but, sweep)
  local flat, found, own = redis.call('HGETALL', devices), {}, nil
  for i = 1, #flat, 2 do
    local route = lease_of(flat[i + 1])
    if not route then
      if sweep then redis.call('HDEL', devices, flat[i]) end
    elseif flat[i] == but then
      own = route
    else
      found[#found + 1], found[#found + 2] = flat[i], route
    end
  end
  return found, own
end

local function split(text)
  local before, device = string.match(text, '^(.-)%z(.*)$')
  return before or text, device or ''
end

local function began(route) return tonumber(string.match(route, '|(%d+)$')) end

local function stands_in(plain) return plain and string.find(plain, '|0$') end

local function stand_in(route) return string.match(route, '^(.*|)%d+$') .. '0' end
"""

# Returns for each login: the login time, the route before it, and the devices and routes of the user's other
# sessions in turns; 0, the token is not valid for this account; 1, the attempt is not newer than the last; 2, Redis
# does not know the token; 3, too many devices have sessions; a text, the error of this login alone (a foreign
# value).
_LOGIN = Script(
    CAUGHT
    + LUA
    + _REMEMBER_ATTEMPT
    + _DEVICES
    + """
local ttl, most, prefix = ARGV[3], tonumber(ARGV[4]), ARGV[5]

local function login(token, route, attempts, user, mine, field, number)
  local expiry = opens(token, user)
  if not expiry then return 0 end
  if expiry == 'unknown' then return 2 end
  if number ~= '' and not remember(attempts, field, number) then return 1 end
  local _, device = split(field)
  local devices = prefix .. user
  local plain = redis.call('GET', route)
  local others, old = held(devices, device, true)
  local free = not plain or stands_in(plain)
  if device == '' then
    old = not free and plain
  elseif not free then
    others[#others + 1], others[#others + 2] = '', plain
  end
  if device ~= '' and not old and #others >= most * 2 then return 3 end
  local time = now
  if old then time = math.max(time, began(old) + 1) end
  time = string.format('%.0f', time)
  if device == '' then
    redis.call('SET', route, mine .. time, 'PX', ttl)
  else
    redis.call('HSET', devices, device, mine .. time .. '|' .. string.format('%.0f', clock_ms() + ttl))
    redis.call('PEXPIRE', devices, ttl)
    if free then redis.call('SET', route, mine .. '0', 'PX', ttl) end
  end
  return {time, old or '', unpack(others)}
end

local results = {}
for i = 1, #KEYS / 3 do
  local token, route, attempts = unpack(KEYS, i * 3 - 2, i * 3)
  local well, result = pcall(login, token, route, attempts, unpack(ARGV, i * 4 + 2, i * 4 + 5))
  if not well then result = caught(result) end
  results[i] = result
end
return results
"""
)

_DROP = Script(
    _DEVICES
    + """
local ttl = ARGV[1]

local function replace(route, devices)
  local others = held(devices, '')
  if others[2] then
    redis.call('SET', route, stand_in(others[2]), 'PX', ttl)
  else
    redis.call('DEL', route)
  end
end

for i = 1, #KEYS / 2 do
  local route, devices, value, device = KEYS[i * 2 - 1], KEYS[i * 2], ARGV[i * 2], ARGV[i * 2 + 1]
  if device == '' then
    if redis.call('GET', route) == value then replace(route, devices) end
  else
    local own = redis.call('HGET', devices, device)
    if own and string.match(own, '^(.*)|%d+$') == value then redis.call('HDEL', devices, device) end
    if redis.call('GET', route) == stand_in(value) then replace(route, devices) end
  end
end
return #KEYS
"""
)

# Returns for each user: the route without a device or an empty text, then devices and their routes in turns; or
# nothing, where there are none.
_FIND = Script(
    _DEVICES
    + """
local results = {}
for i = 1, #KEYS / 2 do
  local plain, found = redis.call('GET', KEYS[i * 2 - 1]), held(KEYS[i * 2], '')
  if stands_in(plain) then plain = false end
  results[i] = (plain or found[1]) and {plain or '', unpack(found)} or false
end
return results
"""
)

# Returns for each session: 0 kept; 1 its token is not valid any more; 2 a later login has the route; 3 kept, but the
# route was lost; plus 4 if Redis does not know its token. For the first one of a user who has others, a list of this
# and of the others' devices and routes in turns. A text: the error of this session alone.
_REFRESH = Script(
    CAUGHT
    + LUA
    + _DEVICES
    + """
local ttl, prefix, looked = ARGV[3], ARGV[4], {}

local function refresh(token, route, user, text)
  local expiry = opens(token, user)
  if not expiry then return 1 end
  local mine, device = split(text)
  local devices = prefix .. user
  local state = expiry == 'unknown' and 4 or 0
  local plain = redis.call('GET', route)
  if device == '' then
    if plain == mine then
      redis.call('PEXPIRE', route, ttl)
    else
      if plain and began(plain) >= began(mine) then return 2 end
      redis.call('SET', route, mine, 'PX', ttl)
      state = state + 3
    end
  else
    local own = redis.call('HGET', devices, device)
    own = own and lease_of(own)
    if own ~= mine then
      if own and began(own) >= began(mine) then return 2 end
      state = state + 3
    end
    redis.call('HSET', devices, device, mine .. '|' .. string.format('%.0f', clock_ms() + ttl))
    redis.call('PEXPIRE', devices, ttl)
    if not plain then
      redis.call('SET', route, stand_in(mine), 'PX', ttl)
    elseif plain == stand_in(mine) then
      redis.call('PEXPIRE', route, ttl)
    end
  end
  if looked[user] then return state end
  looked[user] = true
  local others = held(devices, device)
  if device ~= '' and plain and not stands_in(plain) then others[#others + 1], others[#others + 2] = '', plain end
  if not others[1] then return state end
  return {state, unpack(others)}
end

local results = {}
for i = 1, #KEYS / 2 do
  local well, result = pcall(refresh, KEYS[i * 2 - 1], KEYS[i * 2], ARGV[i * 2 + 3], ARGV[i * 2 + 4])
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

DEVICES = 10
"""Sessions of one user, at most, where the configuration does not say."""

DROPS = 100_000
"""Routes that wait to be removed, at most; further ones expire."""


class Taken(NamedTuple):
    """A successful login: the route of the device before it, the new one, and those of the user's other sessions."""

    old: Route | None
    mine: Route
    others: tuple[Route, ...] = ()


class _Login(NamedTuple):
    user: int
    token_digest: str
    route: Route
    attempt: Attempt | None


class _Unknown(Exception):
    """Redis does not know a token."""


class Refreshed(NamedTuple):
    """The result of a renewal.

    :param changed: sessions that are over (:data:`REVOKED` or :data:`REPLACED`), or could not be found by other
        servers for a while (:data:`REBUILT`).
    :param unknown: sessions whose tokens Redis does not know: the database must be asked.
    :param others: other sessions of their users, here or elsewhere; users who have none are not in it.
    """

    changed: list[tuple[Held, int]]
    unknown: list[Held]
    others: dict[int, tuple[Route, ...]]


class Routes:
    """The routes in Redis; a valid token is needed to take one.

    :param ttl: seconds after which a route expires.
    :param devices: sessions of one user, at most; the one without a device is always let in.
    """

    def __init__(
        self, redis: Redis, tokens: Tokens, ttl: float, surge: Surge | None = None, *, devices: int = DEVICES
    ) -> None:
        self._redis = redis
        self._tokens = tokens
        self._token, self._route, self._attempts, self._devices = (
            redis.key(kind, "") for kind in ("token", "route", "attempts", "devices")
        )
        self._ttl = round(ttl * 1000)
        self._most = devices
        self._logins = BatchingQueue(self._login_all, most=BATCH, queue=LOGINS, surge=surge)
        self._drops = BatchingQueue(self._drop_all, most=BATCH, queue=DROPS, surge=surge)

    async def login(
        self, user: int, token_digest: str, route: Route, attempt: Attempt | None = None
    ) -> Taken | None:
        """Check a token and take the route of the user's device in one step, batched with other present logins.

        The stored login time is later than that of the login before it, even if the nodes' clocks differ.

        :returns: ``None`` if the token is not valid for this account.
        :raises Refused: LOGIN_FOR_MULTIPLE_TIMES (19), the attempt is not newer than the client's last;
            TOO_MANY (82), the user has sessions on too many devices; SERVER_BUSY (73), too many logins wait.
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
        args: list[str | int] = [*self._tokens.terms(), self._ttl, self._most, self._devices]
        for one in logins:
            keys += (
                f"{self._token}{one.token_digest}",
                f"{self._route}{one.user}",
                f"{self._attempts}{one.user}",
            )
            client, number = one.attempt or ("", "")
            args += (one.user, one.route.untimed, _with(client, one.route.device), number)
        return list(map(self._logged_in, logins, await self._redis.script(_LOGIN, keys, args)))

    def _logged_in(self, login: _Login, reply: Any) -> Taken | Exception | None:
        if reply == 0:
            return None
        if reply == 2:
            return _Unknown()
        if reply == 1:
            return Refused(Status.LOGIN_FOR_MULTIPLE_TIMES, "A later attempt of this client has logged in.")
        if reply == 3:
            return Refused(
                Status.TOO_MANY, f"You are online on {self._most} devices already: sign out on one of them."
            )
        if isinstance(reply, bytes):
            _log.error(
                "Redis cannot log {user} in: {why}", user=login.user, why=reply.decode("utf-8", "replace")
            )
            return Unavailable(Status.REDIS_UNKNOWN_ERROR, "Redis refused a login.")
        mine, user = login.route, login.user
        device = mine.device
        taken = Route(mine.node, mine.incarnation, mine.session, int(reply[0]), device)
        others = tuple(_read_all(user, reply[2:])) if len(reply) > 2 else ()
        return Taken(_read(user, reply[1], device) if reply[1] else None, taken, others)

    def drop(self, user: int, route: Route) -> Deferred[None]:
        """Remove a route of a user if it is still this one, batched with others.

        It fails with :class:`Refused` as :meth:`login` does; the route then expires.
        """
        return self._drops.add((user, route))

    async def _drop_all(self, dropped: list[tuple[int, Route]]) -> list[None]:
        keys: list[str] = []
        args: list[str | int] = [self._ttl]
        for user, route in dropped:
            keys += (f"{self._route}{user}", f"{self._devices}{user}")
            args += (str(route), route.device)
        await self._redis.script(_DROP, keys, args)
        return [None] * len(dropped)

    def dropped(self) -> Deferred[None]:
        """Fire when no route waits to be removed."""
        return self._drops.idle()

    async def find(self, users: Sequence[int]) -> dict[int, tuple[Route, ...]]:
        """Return the routes of those users who have any."""
        keys = [f"{kind}{user}" for user in users for kind in (self._route, self._devices)]
        found: dict[int, tuple[Route, ...]] = {}
        for user, reply in zip(users, await self._redis.script(_FIND, keys, []) if keys else (), strict=True):
            if not reply:
                continue
            plain, *devices = reply
            first = _read(user, plain)
            if routes := (*(() if first is None else (first,)), *_read_all(user, devices)):
                found[user] = routes
        return found

    async def refresh(self, sessions: Iterable[Held]) -> Refreshed:
        """Renew routes, including those that Redis has lost, and check the sessions' tokens.

        :raises Unavailable: REDIS_UNKNOWN_ERROR (12), Redis did not answer.
        """
        refreshed = Refreshed([], [], {})
        held = list(sessions)
        for start in range(0, len(held), BATCH):
            part = held[start : start + BATCH]
            forgotten: list[Held] = []
            keys: list[str] = []
            args: list[str | int] = [*self._tokens.terms(), self._ttl, self._devices]
            for one in part:
                keys += (f"{self._token}{one.token_digest}", f"{self._route}{one.user}")
                args += (one.user, _with(str(one.route), one.route.device))
            for one, reply in zip(part, await self._redis.script(_REFRESH, keys, args), strict=True):
                state = reply
                if isinstance(reply, bytes):
                    _log.error(
                        "Redis cannot keep the route of {user}: {why}",
                        user=one.user,
                        why=reply.decode("utf-8", "replace"),
                    )
                    continue
                if isinstance(reply, list):
                    state, *others = reply
                    refreshed.others[one.user] = tuple(_read_all(one.user, others))
                if state >= _UNKNOWN:
                    refreshed.unknown.append(one)
                if state % _UNKNOWN != KEPT:
                    refreshed.changed.append((one, state % _UNKNOWN))
                    if state % _UNKNOWN == REBUILT and one.attempt is not None:
                        forgotten.append(one)
            if forgotten:
                await self._remember(forgotten)
        return refreshed

    async def revoked(self, sessions: Sequence[Held]) -> list[Held]:
        """Return the sessions whose tokens are not valid any more.

        :raises Refused: this cannot be told now.
        """
        lives = await self._tokens.live([(one.user, one.token_digest) for one in sessions])
        return [one for one, alive in zip(sessions, lives, strict=True) if not alive]

    async def _remember(self, sessions: Sequence[Held]) -> None:
        """Write the attempts of sessions again that Redis has lost.

        Ignore a failure, so that the caller's results are not lost.
        """
        keys = [f"{self._attempts}{one.user}" for one in sessions]
        args: list[str | int] = []
        for one in sessions:
            client, number = one.attempt or ("", 0)
            args += (_with(client, one.route.device), number)
        with contextlib.suppress(Unavailable):
            await self._redis.script(_REMEMBER, keys, args)


def _with(text: str, device: str) -> str:
    """Return a text and the device that it is of; so each device's clients have fields of their own."""
    return f"{text}\0{device}" if device else text
