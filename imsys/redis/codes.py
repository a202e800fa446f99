"""Verification codes in Redis: ``captcha:<e-mail>`` is a hash of the code and the wrong tries so far, in all and of each source.

The captcha server puts them there, the gateway asks whether a person knows one.
"""

from __future__ import annotations

import hashlib
import re
import secrets

from imsys.config import CaptchaConfig
from imsys.redis.client import Redis, Script
from imsys.util.names import email_key

_PUT = Script("""
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'code', ARGV[1], 'tries', 0)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
""")

_TRY = Script("""
local code = redis.call('HGET', KEYS[1], 'code')
if not code then return 0 end
local mine = 'tries:' .. ARGV[2]
if tonumber(redis.call('HGET', KEYS[1], mine) or 0) >= tonumber(ARGV[3]) then return 0 end
if code == ARGV[1] then
  if ARGV[5] == 'consume' then redis.call('DEL', KEYS[1]) end
  return 1
end
redis.call('HINCRBY', KEYS[1], mine, 1)
if redis.call('HINCRBY', KEYS[1], 'tries', 1) >= tonumber(ARGV[4]) then redis.call('DEL', KEYS[1]) end
return 0
""")

_DISCARD = Script("if redis.call('HGET', KEYS[1], 'code') == ARGV[1] then redis.call('DEL', KEYS[1]) end return 0")


_DIGITS = 6

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Without letters that look like a digit (Crockford's base 32): 5 bits each."""

_GROUPS, _GROUP = 3, 4
"""A strong code has 60 bits."""

_READ = str.maketrans("OIL", "011")

LONGEST = 64
"""Characters beyond which nothing that is typed is a code."""


def new_code(*, strong: bool) -> str:
    """A code as it is shown: six digits, or letters and digits in three groups of four."""
    if not strong:
        return f"{secrets.randbelow(10**_DIGITS):0{_DIGITS}}"
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS))


def _read(code: str) -> str:
    """What was meant by what was typed: of a strong code without spaces and dashes, in upper case, with digits for what looks like one."""
    if len(code) > LONGEST:
        return ""
    read = re.sub(r"[\s\-\u2010-\u2015\u2212]", "", code).upper().translate(_READ)
    return read if len(read) == _GROUPS * _GROUP else code


class Codes:
    """The codes that are alive, at most one an e-mail address.

    :param life: seconds that a code lives.
    :param tries: wrong tries of one source after which it is dead for that source.
    :param tries_all: wrong tries of all sources after which it is dead.
    """

    def __init__(self, redis: Redis, *, life: float, tries: int, tries_all: int) -> None:
        self._redis = redis
        self._life = round(life * 1000)
        self._tries = tries
        self._tries_all = tries_all

    async def put(self, email: str, code: str) -> None:
        """Store a new code; the one before it is dead. :raises Unavailable: Redis is."""
        await self._redis.script(_PUT, [self._key(email)], [_read(code), self._life])

    async def discard(self, email: str, code: str) -> None:
        """Take a code away, unless there is another by now. :raises Unavailable: Redis is."""
        await self._redis.script(_DISCARD, [self._key(email)], [_read(code)])

    async def verify(self, email: str, code: str, source: str) -> bool:
        """Whether this is the code of an address, however it is typed; a wrong one counts as a try. :raises Unavailable: Redis is."""
        return await self._try(email, code, source, "verify")

    async def consume(self, email: str, code: str, source: str) -> bool:
        """As :meth:`verify`, and a right code is used up: of two that consume it at once, one is told yes."""
        return await self._try(email, code, source, "consume")

    async def _try(self, email: str, code: str, source: str, how: str) -> bool:
        of = hashlib.sha256(source.encode()).hexdigest()[:16]
        return bool(await self._redis.script(_TRY, [self._key(email)], [_read(code), of, self._tries, self._tries_all, how]))

    def _key(self, email: str) -> str:
        return self._redis.key("captcha", email_key(email))


def codes_of(redis: Redis, config: CaptchaConfig) -> Codes:
    """Those of ``[captcha]``."""
    return Codes(redis, life=config.code_life, tries=config.code_tries, tries_all=config.code_tries_all)
