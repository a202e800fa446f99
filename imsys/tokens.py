"""Login tokens: 256 random bits, kept hashed, opening chat and resources on every node.

In Redis, ``token:<sha256>`` is ``<uuid>:<hard expiry in Unix milliseconds>`` and
expires by itself when unused; ``user_tokens:<uuid>`` is the set of a user's digests.
A revoked token leaves a tombstone for as long as a session that used it could still
try to write it again (after Redis was flushed, the nodes do that for live sessions).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from imsys.redis import Redis, Script

_TOMBSTONE = "0:0"

LUA = """
local now, idle, life, tokens = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]

local function opens(token, user)
  local uuid, expiry = string.match(redis.call('GET', token) or '', '^(%d+):(%d+)$')
  local left = tonumber(expiry or 0) - now
  if uuid ~= user or left <= 0 then return false end
  redis.call('PEXPIRE', token, math.min(left, idle))
  return expiry
end

local function issue(token, index, digest, value)
  redis.call('SET', token, value, 'PX', math.min(idle, life))
  redis.call('SADD', index, digest)
  redis.call('PEXPIRE', index, life)
  if redis.call('SCARD', index) % 16 == 0 then
    for _, other in ipairs(redis.call('SMEMBERS', index)) do
      if redis.call('EXISTS', tokens .. other) == 0 then redis.call('SREM', index, other) end
    end
  end
end
"""
"""For scripts that do with tokens what :meth:`Tokens.check` and :meth:`Tokens.issue` do; their arguments begin with :meth:`Tokens.terms`.

``opens`` gives the time at which a token dies, or ``false``. ``issue`` now and then forgets the digests of those that expired.
"""

_OPENS = Script(LUA + "return opens(KEYS[1], ARGV[5])")

_ISSUE = Script(LUA + "issue(KEYS[1], KEYS[2], ARGV[5], ARGV[6])")

_RENEW = Script("""
local token, index, revoked = KEYS[1], KEYS[2], KEYS[3]
local digest, value, px, left, issued = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local found = redis.call('GET', token)
if found then
  if found ~= value then return 0 end
  redis.call('PEXPIRE', token, px)
  return 1
end
local since = redis.call('GET', revoked)
if since and tonumber(issued) <= tonumber(since) then return 0 end
redis.call('SET', token, value, 'PX', px)
redis.call('SADD', index, digest)
if redis.call('PTTL', index) < tonumber(left) then redis.call('PEXPIRE', index, left) end
return 1
""")
"""Extend a token, or write it again where it is unknown and not revoked."""

_REVOKE = Script("""
local found = redis.call('GET', KEYS[1])
if found and found ~= ARGV[2] and string.match(found, '^%d+') ~= ARGV[3] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[4])
redis.call('SREM', KEYS[2], ARGV[1])
return 1
""")

_REVOKE_ALL = Script("""
for _, digest in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  redis.call('SET', ARGV[1] .. digest, ARGV[2], 'PX', ARGV[3])
end
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[2], ARGV[4], 'PX', ARGV[3])
return 1
""")


@dataclass(frozen=True, slots=True)
class Made:
    """A token, what is kept of it, and where."""

    token: str = field(repr=False)
    digest: str
    key: str
    index: str
    value: str


class Tokens:
    """Issues, checks, extends and revokes tokens.

    :param calendar: Unix seconds.
    :param idle: seconds that an unused token lives.
    :param life: seconds that any token lives at most.
    """

    def __init__(self, redis: Redis, calendar: Callable[[], float], idle: float, life: float) -> None:
        self._redis = redis
        self._calendar = calendar
        self._idle = round(idle * 1000)
        self._life = round(life * 1000)

    @staticmethod
    def digest(token: str) -> str:
        """What is kept of a token: its SHA-256, in hex."""
        return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()

    def terms(self) -> list[str | int]:
        """The first arguments of a script that uses :data:`LUA`."""
        return [self._now(), self._idle, self._life, self._token("")]

    def key(self, digest: str) -> str:
        """What Redis keeps of a token under."""
        return self._token(digest)

    def made(self, uuid: int) -> Made:
        """A new token of this user, which is none before it is issued."""
        token = secrets.token_urlsafe(32)
        digest = self.digest(token)
        return Made(token, digest, self._token(digest), self._index(uuid), f"{uuid}:{self._now() + self._life}")

    async def issue(self, uuid: int) -> str:
        """A new token of this user. :raises Unavailable: Redis is."""
        made = self.made(uuid)
        await self._redis.script(_ISSUE, [made.key, made.index], [*self.terms(), made.digest, made.value])
        return made.token

    async def check(self, uuid: int, token: str) -> bool:
        """Whether this token is this user's and lives; if so it has its idle time before it again. :raises Unavailable: Redis is."""
        return await self.expires(uuid, token) is not None

    async def expires(self, uuid: int, token: str) -> float | None:
        """As :meth:`check`, but gives the Unix time at which the token dies whatever happens; ``None``: it is no good."""
        hard = await self._redis.script(_OPENS, [self._token(self.digest(token))], [*self.terms(), uuid])
        return None if hard is None else int(hard) / 1000

    async def renew(self, uuid: int, digest: str, expires: float) -> bool:
        """Extend the token of a live session, and write it again if Redis lost it.

        :param digest: of the token, so that sessions need not keep the token itself.
        :param expires: what :meth:`expires` gave when the session began.
        :returns: whether it lives on: ``False`` once it is revoked or past its time.
        :raises Unavailable: Redis is.
        """
        hard = round(expires * 1000)
        left = hard - self._now()
        if left <= 0:
            return False
        keys = [self._token(digest), self._index(uuid), self._revoked(uuid)]
        reply = await self._redis.script(_RENEW, keys, [digest, f"{uuid}:{hard}", min(self._idle, left), left, hard - self._life])
        return bool(reply == 1)

    async def revoke(self, uuid: int, token: str) -> None:
        """End one token of this user; another user's is left alone. :raises Unavailable: Redis is."""
        digest = self.digest(token)
        await self._redis.script(_REVOKE, [self._token(digest), self._index(uuid)], [digest, _TOMBSTONE, uuid, self._idle])

    async def revoke_all(self, uuid: int) -> None:
        """End all tokens of this user. :raises Unavailable: Redis is."""
        await self._redis.script(
            _REVOKE_ALL, [self._index(uuid), self._revoked(uuid)], [self._token(""), _TOMBSTONE, self._idle, self._now()]
        )

    def _now(self) -> int:
        return int(self._calendar() * 1000)

    def _token(self, digest: str) -> str:
        return self._redis.key("token", digest)

    def _index(self, uuid: int) -> str:
        return self._redis.key("user_tokens", uuid)

    def _revoked(self, uuid: int) -> str:
        return self._redis.key("tokens_revoked", uuid)
