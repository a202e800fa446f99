"""Login tokens: 256 random bits, of which a hash is kept, opening chat and resources on every node.

What counts is in the database (:mod:`imsys.store.sign_ins`). Redis has a copy of what is in use, so that nothing else is asked at a login:
``token:<sha256>`` is ``<uuid>:<hard expiry in Unix milliseconds>``, for an hour at most; then the database is asked once more, and told
that the token is in use. A token that is revoked leaves a tombstone in Redis for as long as anybody who has read the
database before that could still want to write a copy.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from imsys.errors import Unavailable
from imsys.redis.client import Redis, Script
from imsys.store.database import Database
from imsys.store.sign_ins import SignIn, SignInStore
from imsys.util.batching import BatchingQueue

_TOMBSTONE = "0:0"
_BURIED = 120_000
"""Milliseconds of a tombstone: several times as long as a call of the database, and the one of Redis after it, may take."""

COPIED = 1.0, 3600.0
"""Seconds for which Redis has a copy, at least and at most: so long a revocation that a failing Redis has forgotten may go unnoticed."""

PRECISION = 30
"""To which part of the time that a token lives unused it is noted when it was used."""

AT_ONCE = 100
"""Tokens that are looked for in the database at once."""

WAITING = 20_000
"""Tokens that wait to be looked for at most."""

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
"""For scripts that check tokens and make some; their arguments begin with :meth:`Tokens.terms`.

``opens`` gives the time at which a token dies; ``false``, it is no good; ``unknown``, the database is to be asked: :meth:`Tokens.load`.
"""

_COPY = Script("""
local there = {}
for i, token in ipairs(KEYS) do
  redis.call('SET', token, ARGV[i + 1], 'PX', ARGV[1], 'NX')
  there[i] = redis.call('GET', token)
end
return there
""")
"""Gives what is there now: a tombstone stays."""

_BURY = Script("""
for _, token in ipairs(KEYS) do redis.call('SET', token, ARGV[1], 'PX', ARGV[2]) end
return #KEYS
""")


@dataclass(frozen=True, slots=True)
class Made:
    """A token, and what Redis has of it, and where."""

    token: str = field(repr=False)
    key: str
    value: str


class Tokens:
    """Issues, checks and revokes tokens.

    :param calendar: Unix seconds.
    :param idle: seconds that an unused token lives; up to a fifteenth more, since its use is noted now and then only.
    :param life: seconds that any token lives at most.
    """

    def __init__(self, redis: Redis, database: Database, calendar: Callable[[], float], idle: float, life: float) -> None:
        self._redis = redis
        self._calendar = calendar
        self._noted = round(idle * 1000 / PRECISION)
        self._idle = round(idle * 1000) + 2 * self._noted
        self._life = round(life * 1000)
        least, most = COPIED
        self._copied = round(1000 * min(most, max(least, idle / PRECISION)))
        self._sign_ins = SignInStore(database, self._idle)
        self._loads: BatchingQueue[str, bytes | None] = BatchingQueue(self._load_all, most=AT_ONCE, queue=WAITING)

    @staticmethod
    def digest(token: str) -> str:
        """What is kept of a token: its SHA-256, in hex."""
        return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()

    def terms(self) -> list[str | int]:
        """The first arguments of a script that uses :data:`LUA`."""
        return [self._now(), self._copied]

    def key(self, digest: str) -> str:
        """What Redis keeps of a token under."""
        return self._redis.key("token", digest)

    def made(self, uuid: int) -> Made:
        """A new token of this user: none before a script has issued it, and :meth:`keep` has stored it."""
        token = secrets.token_urlsafe(32)
        return Made(token, self.key(self.digest(token)), f"{uuid}:{self._now() + self._life}")

    async def keep(self, uuid: int, token: str, epoch: int | None = None) -> bool:
        """Store a token that was issued just now, so that it outlives Redis; ``False``: what let its user in counts no more.

        :param epoch: of the account when the user's password was found to be right; ``None``: whichever there is.
        :raises Refused: 73. :raises Unavailable: 14, the database is.
        """
        now = self._now()
        return await self._sign_ins.keep(SignIn(bytes.fromhex(self.digest(token)), uuid, epoch, now, now + self._life))

    async def issue(self, uuid: int) -> str:
        """A new token of this user, stored. :raises Unavailable: the database is."""
        made = self.made(uuid)
        await self.keep(uuid, made.token)
        return made.token

    async def check(self, uuid: int, token: str) -> bool:
        """Whether this token is this user's and lives. :raises Unavailable: neither Redis nor the database can tell."""
        return await self.expires(uuid, token) is not None

    async def expires(self, uuid: int, token: str) -> float | None:
        """As :meth:`check`, but gives the Unix time at which the token dies whatever happens; ``None``: it is no good."""
        (hard,) = await self._hard([(uuid, self.digest(token))])
        return hard / 1000 if hard else None

    async def live(self, held: Sequence[tuple[int, str]]) -> list[bool]:
        """Of users and the digests of their tokens, which still live; asked of Redis together. :raises Unavailable: as :meth:`check`."""
        return [bool(hard) for hard in await self._hard(held)]

    async def _hard(self, held: Sequence[tuple[int, str]]) -> list[int]:
        """When tokens die at the latest, in milliseconds; 0: they are no good."""
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
        """Have Redis know a token of this user that it does not know (any more); ``False``: there is none, or it has died.

        :raises Refused: 73, too many wait. :raises Unavailable: 14 or 12, the database is, or Redis.
        """
        return _hard(uuid, await self._loads.add(digest), self._now()) > 0

    async def _load_all(self, wanted: Sequence[str]) -> list[bytes | None]:
        """What Redis has of tokens that it did not know, from now on."""
        found = await self._read(wanted)
        values = {digest: value for digest, value in found.items() if value is not None}
        if values:
            copies = await self._redis.script(_COPY, [self.key(digest) for digest in values], [self._copied, *values.values()])
            found |= zip(values, copies, strict=True)
        return [found[digest] for digest in wanted]

    async def _read(self, wanted: Sequence[str]) -> dict[str, bytes | None]:
        """What Redis should have of tokens, by the database."""
        now, found = self._now(), dict[str, bytes | None].fromkeys(wanted)
        for digest, known in (await self._sign_ins.find([bytes.fromhex(one) for one in found])).items():
            if now < min(known.expires_ms, known.used_ms + self._idle):
                found[digest.hex()] = b"%d:%d" % (known.user, known.expires_ms)
                if known.used_ms + self._noted <= now:
                    self._sign_ins.stamp(digest, now)
        return found

    async def revoke(self, uuid: int, token: str) -> None:
        """End one token of this user; another user's is left alone.

        :raises Unavailable: Redis or the database is; it may go on living.
        """
        if await self.check(uuid, token):
            digest = self.digest(token)
            await self._bury([bytes.fromhex(digest)])
            await self._sign_ins.end(bytes.fromhex(digest), uuid)

    async def revoke_all(self, uuid: int, end: Callable[[int], Awaitable[Sequence[bytes]]] | None = None) -> None:
        """End all tokens of this user.

        :param end: ends them in the database, with what else is to change in the same moment, and gives their digests.
        :raises Unavailable: Redis or the database is.
        """
        # first, so that nothing has changed yet where Redis is away
        await self._bury(await self._sign_ins.of_user(uuid))
        await self._bury(await (end or self._sign_ins.end_all)(uuid))

    async def _bury(self, digests: Sequence[bytes]) -> None:
        for start in range(0, max(1, len(digests)), AT_ONCE):
            some = digests[start : start + AT_ONCE]
            await self._redis.script(_BURY, [self.key(digest.hex()) for digest in some], [_TOMBSTONE, _BURIED])

    def _now(self) -> int:
        return int(self._calendar() * 1000)


def _hard(user: int, value: bytes | None, now: int) -> int:
    uuid, _, expiry = (value or b"").partition(b":")
    if uuid != b"%d" % user or not expiry.isdigit() or int(expiry) <= now:
        return 0
    return int(expiry)
