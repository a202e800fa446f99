"""Login tokens: 256 random bits, valid on every chat and resources server; only their hash is stored.

The database is authoritative (:mod:`imsys.store.sign_ins`). Redis has copies of the tokens in use, so that a
login asks nothing else: ``token:<sha256>`` is ``<uuid>:<hard expiry in Unix milliseconds>``, for an hour at
most; then the database is asked again, and told that the token is in use. A revoked token leaves a tombstone
in Redis for as long as somebody who read the database before could still write a copy.

A token that was made for a device ends in ``.`` and a digest of the device's id, so every server can tell whose it is
without asking anybody, and one that does not know devices takes it for any other token. One without that ending is
of the device that the database has for it: none, at first.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from imsys.errors import Unavailable
from imsys.redis.client import Redis, Script
from imsys.store.database import Database
from imsys.store.devices import NO_DEVICE, Device, DeviceInfo
from imsys.store.sign_ins import Kept, SignIn, SignInStore
from imsys.util.batching import BatchingQueue

_TOMBSTONE = "0:0"
_BURIED = 120_000
"""Milliseconds of a tombstone: several times as long as a call of the database and then of Redis may take."""

COPIED = 1.0, 3600.0
"""Seconds of a copy in Redis, at least and at most: so long a revocation may go unnoticed if Redis has
lost it."""

PRECISION = 30
"""A token's use is noted with a precision of 1/PRECISION of the idle time after which it expires."""

AT_ONCE = 100
"""Tokens looked up in the database at once."""

WAITING = 20_000
"""Tokens that wait to be looked up, at most."""

LUA = """
local now, copied = tonumber(ARGV[1]), ARGV[2]

local function opens(token, user)
  local found = redis.call('GET', token)
  if not found then return 'unknown' end
  local uuid, expiry = string.match(found, '^(%d+):(%d+)$')
  if uuid ~= user or tonumber(expiry) <= now then return false end
  return expiry
end

local function issue(token, value)
  redis.call('SET', token, value, 'PX', copied)
end
"""
"""For scripts that check and issue tokens; their arguments begin with :meth:`Tokens.terms`.

``opens`` returns the expiry of a token; ``false``: it is invalid; ``unknown``: ask the database by
:meth:`Tokens.load`.
"""

_COPY = Script("""
local there = {}
for i, token in ipairs(KEYS) do
  redis.call('SET', token, ARGV[i + 1], 'PX', ARGV[1], 'NX')
  there[i] = redis.call('GET', token)
end
return there
""")
"""Returns the present values; a tombstone stays."""

_BURY = Script("""
for _, token in ipairs(KEYS) do redis.call('SET', token, ARGV[1], 'PX', ARGV[2]) end
return #KEYS
""")


@dataclass(frozen=True, slots=True)
class Made:
    """A new token, and its key and value in Redis."""

    token: str = field(repr=False)
    key: str
    value: str


class Tokens:
    """Issues, checks and revokes tokens.

    :param calendar: returns Unix seconds.
    :param idle: seconds after which an unused token expires; up to a fifteenth more, since use is noted only
        now and then.
    :param life: seconds after which any token expires.
    """

    def __init__(
        self, redis: Redis, database: Database, calendar: Callable[[], float], idle: float, life: float
    ) -> None:
        self._redis = redis
        self._calendar = calendar
        self._noted = round(idle * 1000 / PRECISION)
        self._idle = round(idle * 1000) + 2 * self._noted
        self._life = round(life * 1000)
        least, most = COPIED
        self._copied = round(1000 * min(most, max(least, idle / PRECISION)))
        self._sign_ins = SignInStore(database, self._idle)
        self._loads: BatchingQueue[str, bytes | None] = BatchingQueue(
            self._load_all, most=AT_ONCE, queue=WAITING
        )

    @staticmethod
    def digest(token: str) -> str:
        """Return the SHA-256 of a token in hex, which is all that is stored."""
        return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()

    def terms(self) -> list[str | int]:
        """Return the first arguments of a script that uses :data:`LUA`."""
        return [self._now(), self._copied]

    def key(self, digest: str) -> str:
        """Return the Redis key of a token."""
        return self._redis.key("token", digest)

    def made(self, uuid: int, device: str = "") -> Made:
        """Generate a token for a device of a user.

        It is valid only after a script has issued it and :meth:`keep` has stored it.
        """
        token = secrets.token_urlsafe(32)
        if device:
            token = f"{token}.{_ending(device)}"
        return Made(token, self.key(self.digest(token)), f"{uuid}:{self._now() + self._life}")

    async def keep(
        self, uuid: int, token: str, epoch: int | None = None, device: DeviceInfo | None = None
    ) -> Kept:
        """Store a new token in the database.

        The result is false if the account's epoch has changed since the password check.

        :param epoch: the account's epoch when the password was checked; ``None``: the present one.
        :raises Refused: SERVER_BUSY (73), too many wait.
        :raises Unavailable: MYSQL_INTERNAL_ERROR (14), the database did not answer.
        """
        now = self._now()
        return await self._sign_ins.keep(
            SignIn(bytes.fromhex(self.digest(token)), uuid, epoch, now, now + self._life, device or NO_DEVICE)
        )

    async def issue(self, uuid: int, device: DeviceInfo | None = None) -> str:
        """Generate and store a token for a user. :raises Unavailable: the database did not answer."""
        made = self.made(uuid, "" if device is None else device.id)
        await self.keep(uuid, made.token, None, device)
        return made.token

    # -- devices

    @staticmethod
    def names_device(token: str) -> bool:
        """Return whether a token was made for a device."""
        return "." in token

    @staticmethod
    def fits(token: str, device: str) -> bool:
        """Return whether a token may be of this device (empty: none), as far as the token itself tells."""
        _, dot, ending = token.partition(".")
        return (not dot) or (
            bool(device) and secrets.compare_digest(ending.encode(), _ending(device).encode())
        )

    async def bind(self, uuid: int, token: str, device: DeviceInfo) -> bool:
        """Have a token of no device belong to this one; return ``False`` if it is another's, or not valid.

        :raises Unavailable: MYSQL_INTERNAL_ERROR (14), the database did not answer.
        """
        return await self._sign_ins.bind(bytes.fromhex(self.digest(token)), uuid, device, self._now())

    def used(self, digest: str) -> None:
        """Note in the background that the session of a token has just ended."""
        self._sign_ins.stamp(bytes.fromhex(digest), self._now())

    async def devices(self, uuid: int, after: str | None, limit: int) -> list[Device]:
        """List the devices that a user is signed in on, ascending by id; ``after`` is an id, ``None``: the first.

        :raises Unavailable: MYSQL_INTERNAL_ERROR (14), the database did not answer.
        """
        return await self._sign_ins.devices(uuid, after, limit, self._now())

    async def rename(self, uuid: int, device: str, name: str) -> Device | None:
        """Name a device; return it, or ``None`` if the user is not signed in on it.

        :raises Unavailable: MYSQL_INTERNAL_ERROR (14), the database did not answer.
        """
        return await self._sign_ins.rename(uuid, device, name, self._now())

    async def news_of(self, uuid: int, device: str) -> Device | None:
        """Return a device if the user's others were not told of its sign-in yet.

        :raises Unavailable: MYSQL_INTERNAL_ERROR (14), the database did not answer.
        """
        return await self._sign_ins.untold(uuid, device)

    async def told(self, uuid: int, device: str) -> None:
        """Note that the user's others were told of a device's sign-in."""
        await self._sign_ins.mark_told(uuid, device)

    async def revoke_device(self, uuid: int, device: str) -> Device | None:
        """Revoke all tokens of a device.

        Return the device as it was, also where it was revoked before; ``None``: the user never had it.

        :raises Unavailable: Redis or the database did not answer.
        """
        # first, so that nothing has changed yet if Redis does not answer
        await self._bury(await self._sign_ins.of_device(uuid, device))
        known, digests = await self._sign_ins.end_device(uuid, device)
        await self._bury(digests)
        return known

    async def revoke_others(self, uuid: int, digest: str) -> None:
        """Revoke all tokens of a user but the one with this digest.

        :raises Unavailable: Redis or the database did not answer.
        """
        kept = bytes.fromhex(digest)
        await self._bury([one for one in await self._sign_ins.of_user(uuid) if one != kept])
        await self._bury(await self._sign_ins.end_others(uuid, kept))

    async def check(self, uuid: int, token: str) -> bool:
        """Return whether a token is valid for a user.

        :raises Unavailable: neither Redis nor the database answered.
        """
        return await self.expires(uuid, token) is not None

    async def expires(self, uuid: int, token: str) -> float | None:
        """Like :meth:`check`, but return the Unix time at which the token expires at the latest.

        ``None``: invalid.
        """
        (hard,) = await self._hard([(uuid, self.digest(token))])
        return hard / 1000 if hard else None

    async def live(self, held: Sequence[tuple[int, str]]) -> list[bool]:
        """Return which of these (user, token digest) pairs are still valid.

        :raises Unavailable: as :meth:`check`.
        """
        return [bool(hard) for hard in await self._hard(held)]

    async def _hard(self, held: Sequence[tuple[int, str]]) -> list[int]:
        """Return the latest expiry of tokens in Unix milliseconds; 0: invalid."""
        if not held:
            return []
        digests = [digest for _, digest in held]
        try:
            values = await self._redis.call("MGET", *map(self.key, digests))
        except Unavailable:
            found = await self._read(digests)
        else:
            found = dict(zip(digests, values, strict=True))
        unknown = [digest for digest, value in found.items() if value is None]
        if len(unknown) == 1:
            found[unknown[0]] = await self._loads.add(unknown[0])
        elif unknown:
            found |= zip(unknown, await self._load_all(unknown), strict=True)
        now = self._now()
        return [_hard(user, found[digest], now) for user, digest in held]

    async def load(self, uuid: int, digest: str) -> bool:
        """Copy a user's token to Redis, which does not know it (any more).

        Return ``False`` if it is not valid.

        :raises Refused: SERVER_BUSY (73), too many wait.
        :raises Unavailable: the database (MYSQL_INTERNAL_ERROR, 14) or Redis (REDIS_UNKNOWN_ERROR, 12) did
            not answer.
        """
        return _hard(uuid, await self._loads.add(digest), self._now()) > 0

    async def _load_all(self, wanted: Sequence[str]) -> list[bytes | None]:
        """Copy unknown tokens to Redis; return their values there."""
        found = await self._read(wanted)
        values = {digest: value for digest, value in found.items() if value is not None}
        if values:
            copies = await self._redis.script(
                _COPY, [self.key(digest) for digest in values], [self._copied, *values.values()]
            )
            found |= zip(values, copies, strict=True)
        return [found[digest] for digest in wanted]

    async def _read(self, wanted: Sequence[str]) -> dict[str, bytes | None]:
        """Read from the database which values Redis should have for tokens."""
        now, found = self._now(), dict[str, bytes | None].fromkeys(wanted)
        for digest, known in (await self._sign_ins.find([bytes.fromhex(one) for one in found])).items():
            if now < min(known.expires_ms, known.used_ms + self._idle):
                found[digest.hex()] = b"%d:%d" % (known.user, known.expires_ms)
                if known.used_ms + self._noted <= now:
                    self._sign_ins.stamp(digest, now)
        return found

    async def revoke(self, uuid: int, token: str) -> None:
        """Revoke one token of a user; a token of another user is left alone.

        :raises Unavailable: Redis or the database did not answer; the token may still be valid.
        """
        if await self.check(uuid, token):
            digest = self.digest(token)
            await self._bury([bytes.fromhex(digest)])
            await self._sign_ins.end(bytes.fromhex(digest), uuid)

    async def revoke_all(
        self, uuid: int, end: Callable[[int], Awaitable[Sequence[bytes]]] | None = None
    ) -> None:
        """Revoke all tokens of a user.

        :param end: ends them in the database, together with other changes, and returns their digests.
        :raises Unavailable: Redis or the database did not answer.
        """
        # first, so that nothing has changed yet if Redis does not answer
        await self._bury(await self._sign_ins.of_user(uuid))
        await self._bury(await (end or self._sign_ins.end_all)(uuid))

    async def _bury(self, digests: Sequence[bytes]) -> None:
        for start in range(0, max(1, len(digests)), AT_ONCE):
            some = digests[start : start + AT_ONCE]
            await self._redis.script(
                _BURY, [self.key(digest.hex()) for digest in some], [_TOMBSTONE, _BURIED]
            )

    def now_ms(self) -> int:
        """Return the time of day, in milliseconds since 1970."""
        return self._now()

    def _now(self) -> int:
        return int(self._calendar() * 1000)


def _ending(device: str) -> str:
    """Return what tokens of a device end in: 66 bits of the SHA-256 of its id."""
    return base64.urlsafe_b64encode(hashlib.sha256(device.encode()).digest()).decode()[:11]


def _hard(user: int, value: bytes | None, now: int) -> int:
    uuid, _, expiry = (value or b"").partition(b":")
    if uuid != b"%d" % user or not expiry.isdigit() or int(expiry) <= now:
        return 0
    return int(expiry)
