"""Servers registered by the original system's calls, with name, host and port.

They do not renew their leases.

So balance renews the lease of such a server while its port accepts connections. The original has no TLS: it
is a plaintext port.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from imsys.balance.registry import ALONE, Registry
from imsys.errors import Refused, Status
from imsys.redis.client import Redis, Script

INSTANCE, GRPC = "server", "grpc"
"""The tables: public addresses, and gRPC addresses."""

Probe = Callable[[str, int], Awaitable[bool]]
"""Returns whether a host accepts connections on a port."""

_ADD = Script("""
local key, names, other, others = unpack(KEYS)
local name, host, port, lease, expected, field, alone = unpack(ARGV)
local old = redis.call('HMGET', key, 'host', field, 'incarnation', 'seen')
if old[1] then
  if expected == '' or old[1] ~= host or old[2] ~= port or old[3] ~= '' then
    return {0, old[1], old[2], old[3], old[4] or ''}
  end
  if redis.call('HGET', other, 'incarnation') == '' then
    redis.call('DEL', other)
    redis.call('SREM', others, name)
  end
  redis.call('DEL', key)
end
for _, other in ipairs(alone == '1' and redis.call('SMEMBERS', names) or {}) do
  if other ~= name then
    local f = redis.call('HMGET', string.sub(key, 1, #key - #name) .. other, 'host', field, 'tls')
    if f[1] == host and (f[2] == port or f[3] == port) then return {0, host, port, 'another', ''} end
  end
end
if field == 'plain' then
  redis.call('HSET', key, 'host', host, 'tls', 0, 'plain', port, 'incarnation', '', 'load', 0, 'capacity', 0, 'assigned', 0)
else
  redis.call('HSET', key, 'host', host, 'port', port, 'incarnation', '')
end
redis.call('PEXPIRE', key, lease)
redis.call('SADD', names, name)
redis.call('PEXPIRE', names, lease * 4)
return {1}
""")

_REMOVE = Script("""
redis.call('SREM', KEYS[2], ARGV[1])
return redis.call('DEL', KEYS[1])
""")

_RENEW = Script("""
local found = redis.call('HMGET', KEYS[1], 'host', ARGV[4], 'incarnation')
if found[1] ~= ARGV[1] or found[2] ~= ARGV[2] or found[3] ~= '' then return 0 end
redis.call('HSET', KEYS[1], 'seen', 1)
if ARGV[4] == 'plain' then redis.call('HSET', KEYS[1], 'tls', 0) end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[3] * 4)
return 1
""")


@dataclass(frozen=True, slots=True)
class PlainServer:
    """A registration by the original system's calls."""

    table: str
    kind: str
    name: str
    host: str
    port: int


class PlainRegistry:
    """Implements the six calls of the original system's register services."""

    def __init__(self, redis: Redis, registry: Registry, probe: Probe) -> None:
        self._redis = redis
        self._registry = registry
        self._probe = probe

    async def add(self, server: PlainServer) -> bool:
        """Register a server; return ``False`` if its name is taken, or its address and may not be shared.

        A server that was seen at the same address and does not accept connections now was restarted: it is
        replaced.

        :raises Unavailable: Redis did not answer.
        """
        found = await self._add(server, replace=False)
        if found is None:
            return True
        host, port, incarnation, seen = found
        if (host, port, incarnation, seen) != (server.host, str(server.port), "", "1") or await self._probe(
            server.host, server.port
        ):
            return False
        return await self._add(server, replace=True) is None

    async def remove(self, table: str, kind: str, name: str) -> bool:
        """End a registration at once; return ``False`` if there is none.

        :raises Unavailable: Redis did not answer.
        """
        return bool(await self._redis.script(_REMOVE, self._keys(table, kind, name), [name]))

    async def peers(self, table: str, kind: str, name: str) -> list[PlainServer] | None:
        """Return the other servers in a table; ``None``: this one is not in it.

        :raises Unavailable: Redis did not answer.
        """
        found = [_plain(table, kind, row) for row in await self._registry.rows(table, kind)]
        if all(server.name != name for server in found):
            return None
        return sorted((server for server in found if server.name != name), key=lambda server: server.name)

    async def registered(self, table: str, kind: str) -> list[PlainServer]:
        """Return servers registered only by the original's calls.

        :raises Unavailable: Redis did not answer.
        """
        return [
            _plain(table, kind, row)
            for row in await self._registry.rows(table, kind)
            if not row["incarnation"]
        ]

    async def renew(self, server: PlainServer) -> bool:
        """Renew a server's lease, if it is still registered so. :raises Unavailable: Redis did not answer."""
        lease = self._registry.lease_ms
        arguments: list[str | int] = [server.host, server.port, lease, _port_field(server.table)]
        return bool(
            await self._redis.script(_RENEW, self._keys(server.table, server.kind, server.name), arguments)
        )

    async def _add(self, server: PlainServer, *, replace: bool) -> tuple[str, str, str, str] | None:
        other = GRPC if server.table == INSTANCE else INSTANCE
        # A restarted instance registers its gRPC address next: its old one must not block that.
        keys = [
            *self._keys(server.table, server.kind, server.name),
            *self._keys(other, server.kind, server.name),
        ]
        arguments: list[str | int] = [
            server.name,
            server.host,
            server.port,
            self._registry.lease_ms,
            "replace" if replace else "",
            _port_field(server.table),
            int(server.table == GRPC or server.kind in ALONE),
        ]
        reply = await self._redis.script(_ADD, keys, arguments)
        if reply[0]:
            return None
        host, port, incarnation, seen = (part.decode() for part in reply[1:])
        return host, port, incarnation, seen

    def _keys(self, table: str, kind: str, name: str) -> list[str]:
        return [self._redis.key(table, kind, name), self._redis.key(f"{table}s", kind)]


def _port_field(table: str) -> str:
    return "plain" if table == INSTANCE else "port"


def _plain(table: str, kind: str, row: dict[str, str]) -> PlainServer:
    port = int(row[_port_field(table)]) or int(row["tls"])  # one of ours whose port without TLS is closed
    return PlainServer(table, kind, row["name"], row["host"], port)


ALREADY = {
    (INSTANCE, "chat"): Status.CHATTING_SERVER_ALREADY_EXISTS,
    (INSTANCE, "resources"): Status.RESOURCES_SERVER_ALREADY_EXISTS,
    (GRPC, "chat"): Status.GRPC_SERVER_ALREADY_EXISTS,
    (GRPC, "resources"): Status.GRPC_SERVER_ALREADY_EXISTS,
}

NOT_THERE = {
    (INSTANCE, "chat"): Status.CHATTING_SERVER_NOT_EXISTS,
    (INSTANCE, "resources"): Status.RESOURCES_SERVER_NOT_EXISTS,
    (GRPC, "chat"): Status.GRPC_SERVER_NOT_EXISTS,
    (GRPC, "resources"): Status.GRPC_SERVER_NOT_EXISTS,
}


def refuse(table: dict[tuple[str, str], Status], where: str, kind: str, name: str) -> Refused:
    """Make the refusal with the original system's status for a table and kind."""
    what = f"{'A' if table is ALREADY else 'No'} {kind} server {name[:255]} is registered{' already' if table is ALREADY else ''}."
    return Refused(table[where, kind], what)
