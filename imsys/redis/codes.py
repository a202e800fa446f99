"""Verification codes in Redis.

``captcha:<e-mail>`` is a hash of the code and the number of wrong tries, in total and by source. The captcha
server stores codes, the gateway verifies them.
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

_DISCARD = Script(
    "if redis.call('HGET', KEYS[1], 'code') == ARGV[1] then redis.call('DEL', KEYS[1]) end return 0"
)


_DIGITS = 6

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32, without letters that look like digits: 5 bits per character."""

_GROUPS, _GROUP = 3, 4
"""A strong code has 60 bits."""

_READ = str.maketrans("OIL", "011")

LONGEST = 64
"""Characters of typed input, at most; anything longer is not a code."""


def new_code(*, strong: bool) -> str:
    """Make a code as it is shown: six digits, or letters and digits in three groups of four."""
    if not strong:
        return f"{secrets.randbelow(10**_DIGITS):0{_DIGITS}}"
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS))


def _read(code: str) -> str:
    """Normalize typed input: strip a strong code of spaces and dashes, upper-case it, replace look-alikes."""
    if len(code) > LONGEST:
        return ""
    read = re.sub(r"[\s\-\u2010-\u2015\u2212]", "", code).upper().translate(_READ)
    return read if len(read) == _GROUPS * _GROUP else code


class Codes:
    """The valid codes, at most one per e-mail address.

    :param life: seconds that a code is valid.
    :param tries: wrong tries of one source after which the code is invalid for that source.
    :param tries_all: wrong tries of all sources after which the code is invalid.
    """

    def __init__(self, redis: Redis, *, life: float, tries: int, tries_all: int) -> None:
        self._redis = redis
        self._life = round(life * 1000)
        self._tries = tries
        self._tries_all = tries_all

    async def put(self, email: str, code: str) -> None:
        """Store a new code in place of an older one. :raises Unavailable: Redis did not answer."""
        await self._redis.script(_PUT, [self._key(email)], [_read(code), self._life])

    async def discard(self, email: str, code: str) -> None:
        """Delete a code, unless there is a newer one. :raises Unavailable: Redis did not answer."""
        await self._redis.script(_DISCARD, [self._key(email)], [_read(code)])

    async def verify(self, email: str, code: str, source: str) -> bool:
        """Return whether this is an address' code, however it is typed; a wrong one counts as a try.

        :raises Unavailable: Redis did not answer.
        """
        return await self._try(email, code, source, "verify")

    async def consume(self, email: str, code: str, source: str) -> bool:
        """Like :meth:`verify`, but delete a right code: of two concurrent calls only one succeeds."""
        return await self._try(email, code, source, "consume")

    async def _try(self, email: str, code: str, source: str, how: str) -> bool:
        of = hashlib.sha256(source.encode()).hexdigest()[:16]
        return bool(
            await self._redis.script(
                _TRY, [self._key(email)], [_read(code), of, self._tries, self._tries_all, how]
            )
        )

    def _key(self, email: str) -> str:
        return self._redis.key("captcha", email_key(email))


def codes_of(redis: Redis, config: CaptchaConfig) -> Codes:
    """Make the codes with the settings of ``[captcha]``."""
    return Codes(redis, life=config.code_life, tries=config.code_tries, tries_all=config.code_tries_all)
