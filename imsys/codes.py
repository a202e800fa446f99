"""Verification codes in Redis: ``captcha:<e-mail>`` is a hash of the code and the wrong tries so far.

The captcha server puts them there, the gateway asks whether a person knows one.
"""

from __future__ import annotations

from imsys.names import email_key
from imsys.redis import Redis, Script

_PUT = Script("""
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'code', ARGV[1], 'tries', 0)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
""")

_TRY = Script("""
local code = redis.call('HGET', KEYS[1], 'code')
if not code then return 0 end
if code == ARGV[1] then
  if ARGV[3] == 'consume' then redis.call('DEL', KEYS[1]) end
  return 1
end
if redis.call('HINCRBY', KEYS[1], 'tries', 1) >= tonumber(ARGV[2]) then redis.call('DEL', KEYS[1]) end
return 0
""")

_DISCARD = Script("if redis.call('HGET', KEYS[1], 'code') == ARGV[1] then redis.call('DEL', KEYS[1]) end return 0")


class Codes:
    """The codes that are alive, at most one an e-mail address.

    :param life: seconds that a code lives.
    :param tries: wrong tries after which it is dead.
    """

    def __init__(self, redis: Redis, *, life: float, tries: int) -> None:
        self._redis = redis
        self._life = round(life * 1000)
        self._tries = tries

    async def put(self, email: str, code: str) -> None:
        """Store a new code; the one before it is dead. :raises Unavailable: Redis is."""
        await self._redis.script(_PUT, [self._key(email)], [code, self._life])

    async def discard(self, email: str, code: str) -> None:
        """Take a code away, unless there is another by now. :raises Unavailable: Redis is."""
        await self._redis.script(_DISCARD, [self._key(email)], [code])

    async def verify(self, email: str, code: str) -> bool:
        """Whether this is the code of an address; a wrong one counts as a try. :raises Unavailable: Redis is."""
        return await self._try(email, code, "verify")

    async def consume(self, email: str, code: str) -> bool:
        """As :meth:`verify`, and a right code is used up: of two that consume it at once, one is told yes."""
        return await self._try(email, code, "consume")

    async def _try(self, email: str, code: str, how: str) -> bool:
        return bool(await self._redis.script(_TRY, [self._key(email)], [code, self._tries, how]))

    def _key(self, email: str) -> str:
        return self._redis.key("captcha", email_key(email))
