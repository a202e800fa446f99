"""Where a user is sent: to the live server with the fewest connections."""

from __future__ import annotations

from dataclasses import dataclass

from imsys.redis import Redis, Script

_ALLOCATE = Script("""
local groups, prefix, wanted = {}, ARGV[1], ARGV[2]
for _, name in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local f = redis.call('HMGET', prefix .. name, 'host', wanted, 'load', 'assigned', 'capacity', 'draining', 'http', 'due', 'overdue')
  if not f[1] then
    redis.call('SREM', KEYS[1], name)
  elseif f[6] ~= '1' and tonumber(f[2] or 0) > 0 then
    local address, capacity = f[1] .. ' ' .. f[2], tonumber(f[5])
    local expected = f[4] + (f[8] or 0) + (f[9] or 0)
    local load = f[3] + expected
    local group = groups[address]
    if not group then
      group = {host = f[1], port = tonumber(f[2]), http = 0, load = 0, seen = 0, capacity = 0, least = math.huge}
      groups[address] = group
    end
    group.load = group.load + load
    group.seen = group.seen + f[3]
    group.capacity = group.capacity + (capacity > 0 and capacity or math.huge)
    group.http = math.max(group.http, tonumber(f[7] or 0))
    if expected < group.least then group.least, group.member = expected, prefix .. name end
  end
end
local function before(a, b)
  if a.load ~= b.load then return a.load < b.load end
  if a.seen ~= b.seen then return a.seen < b.seen end
  return a.host .. ' ' .. a.port < b.host .. ' ' .. b.port
end
local best
for _, group in pairs(groups) do
  if group.load < group.capacity and (not best or before(group, best)) then best = group end
end
if not best then return false end
redis.call('HINCRBY', best.member, 'assigned', 1)
return {best.host, best.port, best.http}
""")
"""Processes behind one public address are one group, whose load is their sum; whoever is sent there counts at once.

The kernel of that machine chooses the process, and takes all alike. So a user is expected at that process of the group at which the
fewest are.
"""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a user connects to; ``http`` is 0 where there is no such port."""

    host: str
    port: int
    http: int


class Allocation:
    """Picks servers. The count of a pick is part of it, so a burst between two load reports is spread."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def pick(self, kind: str, *, plaintext: bool) -> Address | None:
        """The least loaded server of a kind that is not draining, not full, and has the port; ``None``: there is none.

        :param plaintext: the port without TLS is wanted.
        :raises Unavailable: Redis is.
        """
        key = self._redis.key
        reply = await self._redis.script(_ALLOCATE, [key("servers", kind)], [key("server", kind, ""), "plain" if plaintext else "tls"])
        return None if reply is None else Address(reply[0].decode(), reply[1], reply[2])
