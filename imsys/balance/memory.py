"""Remember the registry as last read, to restore it in a Redis that has lost it.

Servers register again only at their next interval, and each at one balance server; until then users would get
no server, or all would get the first one to register. Most likely all servers are as they were a moment ago,
so they are registered again for the rest of their leases.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from imsys.redis.client import Redis, Script

_FILL = Script("""
redis.call('SET', KEYS[1], ARGV[1], 'NX')
redis.call('PEXPIRE', KEYS[1], ARGV[2])
for i, rows in ipairs(cjson.decode(ARGV[3])) do
  local names, prefix = KEYS[2 * i], KEYS[2 * i + 1]
  for _, row in ipairs(rows) do
    local key = prefix .. row[1]
    if redis.call('EXISTS', key) == 0 then
      redis.call('HSET', key, unpack(row, 3))
      redis.call('PEXPIRE', key, row[2])
      redis.call('SADD', names, row[1])
      redis.call('PEXPIRE', names, ARGV[2] * 4)
    end
  end
end
return redis.call('GET', KEYS[1])
""")
"""Servers that have registered again are left alone.

A row is a name, the remaining milliseconds, fields and values.
"""


@dataclass(frozen=True, slots=True)
class Row:
    """A registration in Redis: fields and values in turns; ``left`` is its remaining time in milliseconds."""

    name: str
    left: int
    flat: Sequence[str]


class Memory:
    """The registrations of each table and kind, as last read.

    :param seconds: a monotonic clock.
    :param lease: milliseconds of a lease.
    """

    def __init__(self, redis: Redis, seconds: Callable[[], float], lease: int) -> None:
        self._redis = redis
        self._seconds = seconds
        self._lease = lease
        self._read: dict[tuple[str, str], tuple[float, Sequence[Row]]] = {}
        self.epoch = ""
        """The registry's epoch as last read; empty: it was never read."""

    def lost(self, epoch: str) -> bool:
        """Return whether the registry has another epoch (empty: none) than the one known here."""
        return self.epoch not in ("", epoch)

    def keep(self, table: str, kind: str, epoch: str, rows: Sequence[Row]) -> None:
        """Remember all rows of a table and kind, which were read now."""
        self.epoch = epoch or self.epoch
        self._read[table, kind] = self._seconds(), rows

    def forget(self, kind: str, name: str) -> None:
        """Forget a server that has left."""
        for (table, of), (when, rows) in self._read.items():
            if of == kind:
                self._read[table, of] = when, [row for row in rows if row.name != name]

    async def fill(self) -> None:
        """Register servers that Redis has lost for the rest of their leases.

        :raises Unavailable: Redis did not answer.
        """
        now = self._seconds()
        keys, tables = [self._redis.key("epoch")], []
        for (table, kind), (when, rows) in self._read.items():
            keys += [self._redis.key(f"{table}s", kind), self._redis.key(table, kind, "")]
            passed = round((now - when) * 1000)
            tables.append([(row.name, row.left - passed, *row.flat) for row in rows if row.left > passed])
        reply: bytes = await self._redis.script(
            _FILL, keys, [secrets.token_hex(8), self._lease, json.dumps(tables)]
        )
        self.epoch = reply.decode()
