"""The registered servers, in Redis, each for as long as its lease.

``server:<kind>:<name>`` is a hash with a server's public address, ports and load, and with
``aside`` when it was found not to answer;
``grpc:<kind>:<name>`` one with its gRPC address; both expire with the lease.
``servers:<kind>`` and ``grpcs:<kind>`` are the sets of their names. ``probed:…`` is
there for a moment when a balance server looks whether one answers. ``epoch`` is
random: another one means that Redis was flushed, or that all leases ended at once
(its clock was set forward, or no balance server was there to renew them): who is
missing may only not have registered again yet. Each balance server that sees another
epoch writes again what it remembers (``memory.py``). ``retired:…`` names incarnations
that were replaced and must not come back.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from imsys.balance.memory import Memory, Row
from imsys.errors import Refused, Status
from imsys.redis.client import Redis, Script

KINDS = ("chat", "resources")

ALONE = ("resources",)
"""Kinds whose servers need their own public addresses, since work begun at one cannot continue at another.

Chat servers may share one (several processes of a machine, or several machines behind a TCP balancer).
"""

_ALREADY = {
    "chat": Status.CHATTING_SERVER_ALREADY_EXISTS,
    "resources": Status.RESOURCES_SERVER_ALREADY_EXISTS,
}

_REGISTER = Script("""
local server, grpc, names, grpcs, epoch, retired = unpack(KEYS)
local name, incarnation, lease, candidate, alone = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[31]
local host, tls, plain, grpc_port, grpc_host = ARGV[6], ARGV[8], ARGV[10], ARGV[14], ARGV[16]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if redis.call('EXISTS', retired .. incarnation) == 1 then
  redis.call('PEXPIRE', retired .. incarnation, lease * 4)
  return {0, redis.call('HGET', server, 'host') or '', redis.call('HGET', server, 'tls') or ''}
end
local old = redis.call('HMGET', server, 'incarnation', 'host', 'tls', 'load', 'assigned', 'due', 'overdue', 'turned', 'plain', 'grpc_host')
if old[1] and old[1] ~= incarnation then
  local same = old[2] == host and old[3] == tls and old[10] == grpc_host
  if old[1] == '' then same = old[2] == host and (old[9] == tls or old[9] == plain) end
  if not same then return {0, old[2], old[3] ~= '0' and old[3] or old[9]} end
  if old[1] ~= '' then redis.call('SET', retired .. old[1], 1, 'PX', lease * 4) end
  redis.call('DEL', server)
  old = {}
end
if not old[1] then
  local prefix = string.sub(server, 1, #server - #name)
  local ours = {[tls] = true, [plain] = true, [ARGV[12]] = true, [ARGV[26]] = true, [ARGV[28]] = true}
  for _, other in ipairs(redis.call('SMEMBERS', names)) do
    if other ~= name then
      local f = redis.call('HMGET', prefix .. other, 'host', 'grpc_host', 'grpc', 'tls', 'plain', 'http', 'rtmp', 'rtmps')
      if f[2] == grpc_host and f[3] == grpc_port and grpc_port ~= '0' then return {2, other, grpc_host, grpc_port} end
      for i = 4, alone == '1' and f[1] == host and 8 or 0 do
        if f[i] and f[i] ~= '0' and ours[f[i]] then return {3, other, host, f[i]} end
      end
    end
  end
end
local arrived = math.max(0, ARGV[18] - (old[4] or 0))
local function missing(count)
  local here = math.min(count, arrived)
  arrived = arrived - here
  return count - here
end
local overdue, due, assigned = missing(tonumber(old[7] or 0)), missing(tonumber(old[6] or 0)), missing(tonumber(old[5] or 0))
local turned = tonumber(old[8] or 0)
if now - turned >= lease / 4 or now < turned then
  overdue, due, assigned, turned = due, assigned, 0, now
end
redis.call('HSET', server, 'incarnation', incarnation, 'assigned', assigned, 'due', due, 'overdue', overdue, 'turned', turned,
  'heard', now, unpack(ARGV, 5, 30))
redis.call('HDEL', server, 'aside')
redis.call('PEXPIRE', server, lease)
redis.call('SADD', names, name)
redis.call('PEXPIRE', names, lease * 4)
local f = redis.call('HMGET', server, 'grpc_host', 'grpc')
if tonumber(f[2]) > 0 then
  redis.call('DEL', grpc)
  redis.call('HSET', grpc, 'host', f[1], 'port', f[2], 'incarnation', incarnation)
  redis.call('PEXPIRE', grpc, lease)
  redis.call('SADD', grpcs, name)
  redis.call('PEXPIRE', grpcs, lease * 4)
end
redis.call('SET', epoch, candidate, 'NX')
redis.call('PEXPIRE', epoch, lease)
return {1}
""")
"""Registers or renews.

From ARGV[5] on: fields and values, including the load; then whether its addresses are exclusive.

Users who were allocated to a server and are not yet in its load count for two more turns (``due``, then
``overdue``), since a report may come between allocation and connection. A turn is a quarter of a lease, which
is less than a server's interval between two reports; a server whose load changes much reports in between.
"""

_ASIDE = Script("""
local f = redis.call('HMGET', KEYS[1], 'incarnation', 'heard', 'aside')
if f[1] ~= ARGV[1] or f[2] ~= ARGV[2] or f[3] == '1' then return 0 end
redis.call('HSET', KEYS[1], 'aside', 1)
return 1
""")
"""Sets a server aside, unless it has registered since."""

_ANSWERED = Script("""
local f = redis.call('HMGET', KEYS[1], 'incarnation', 'aside')
if f[1] ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'unfit', ARGV[2])
redis.call('HDEL', KEYS[1], 'aside')
return f[2] == '1' and 1 or 0
""")

_WITHDRAW = Script("""
if redis.call('HGET', KEYS[1], 'incarnation') ~= ARGV[2] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('SREM', KEYS[3], ARGV[1])
if redis.call('HGET', KEYS[2], 'incarnation') == ARGV[2] then
  redis.call('DEL', KEYS[2])
  redis.call('SREM', KEYS[4], ARGV[1])
end
return 1
""")

_LIST = Script("""
local found = {}
local epoch = redis.call('GET', KEYS[2]) or ''
for _, name in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local fields = redis.call('HGETALL', ARGV[1] .. name)
  if #fields == 0 then
    redis.call('SREM', KEYS[1], name)
  else
    table.insert(fields, 1, name)
    table.insert(fields, 2, redis.call('PTTL', ARGV[1] .. name))
    found[#found + 1] = fields
  end
end
return cjson.encode({epoch, #found > 0 and found or cjson.null})
""")
"""Returns the epoch and the rows as one JSON text, since txredisapi needs a reactor turn per string of a
reply."""

_EPOCH = Script("""
redis.call('SET', KEYS[1], ARGV[1], 'NX')
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('GET', KEYS[1])
""")


_NUMBERS = ("tls", "plain", "http", "grpc", "rtmp", "rtmps", "load", "capacity", "free")


@dataclass(frozen=True, kw_only=True)
class Server:
    """A registered server.

    A port of 0 is closed; ``incarnation`` is empty if it registered only by the original system's calls;
    ``assigned`` are allocated users who are not yet part of ``load``; ``free`` is the free space in bytes,
    -1: unlimited; ``unfit`` is why it cannot serve, as it reports; ``aside``: it does not answer, and gets no
    users until it does.
    """

    name: str
    kind: str
    host: str
    tls: int = 0
    plain: int = 0
    http: int = 0
    grpc: int = 0
    rtmp: int = 0
    rtmps: int = 0
    grpc_host: str = ""
    incarnation: str = ""
    load: int = 0
    capacity: int = 0
    draining: bool = False
    assigned: int = 0
    free: int = -1
    unfit: str = ""
    aside: bool = False


@dataclass(frozen=True, slots=True)
class Suspect:
    """A registered server that may be dead; ``heard`` changes with each of its registrations."""

    kind: str
    name: str
    incarnation: str
    host: str
    port: int
    heard: str
    aside: bool


class Registry:
    """Registers our own servers, and lists all.

    :param lease: seconds that a registration is valid.
    :param seconds: a monotonic clock.
    """

    def __init__(self, redis: Redis, lease: float, seconds: Callable[[], float]) -> None:
        self._redis = redis
        self._lease = round(lease * 1000)
        self.memory = Memory(redis, seconds, self._lease)

    @property
    def lease_ms(self) -> int:
        """Milliseconds that a registration is valid."""
        return self._lease

    async def register(self, server: Server) -> None:
        """Register a server or renew its lease, with its load.

        :raises Refused: CHATTING_SERVER_ALREADY_EXISTS (7) or RESOURCES_SERVER_ALREADY_EXISTS (9), another
            server or a newer start of this one has the name, or another server has one of its addresses.
        :raises Unavailable: Redis did not answer.
        """
        fields: dict[str, str | int] = {
            "host": server.host,
            "tls": server.tls,
            "plain": server.plain,
            "http": server.http,
            "grpc": server.grpc,
            "grpc_host": server.grpc_host or server.host,
            "load": server.load,
            "capacity": server.capacity,
            "draining": int(server.draining),
            "free": server.free,
            "rtmp": server.rtmp,
            "rtmps": server.rtmps,
            "unfit": server.unfit,
        }
        flat = [part for pair in fields.items() for part in pair]
        keys = [
            *self._keys(server.kind, server.name),
            self._redis.key("epoch"),
            self._redis.key("retired", server.kind, server.name, ""),
        ]
        arguments = [
            server.name,
            server.incarnation,
            self._lease,
            secrets.token_hex(8),
            *flat,
            int(server.kind in ALONE),
        ]
        code, *found = await self._redis.script(_REGISTER, keys, arguments)
        if code != 1:
            raise Refused(_ALREADY[server.kind], _taken(server, code, *(part.decode() for part in found)))

    async def withdraw(self, kind: str, name: str, incarnation: str) -> bool:
        """End a registration of this incarnation at once. :raises Unavailable: Redis did not answer."""
        ended = bool(await self._redis.script(_WITHDRAW, self._keys(kind, name), [name, incarnation]))
        if ended:
            self.memory.forget(kind, name)
        return ended

    async def find(self, kind: str, name: str, incarnation: str) -> Suspect | None:
        """Find a server's gRPC address; ``None``: this incarnation is not registered.

        :raises Unavailable: Redis did not answer.
        """
        found = await self._redis.call(
            "HMGET",
            self._redis.key("server", kind, name),
            "incarnation",
            "grpc_host",
            "grpc",
            "heard",
            "aside",
        )
        of, host, port, heard, aside = (part.decode() if part else "" for part in found)
        if not incarnation or of != incarnation or not int(port or 0):
            return None
        return Suspect(kind, name, incarnation, host, int(port), heard, aside == "1")

    async def set_aside(self, suspect: Suspect) -> bool:
        """Set a silent server aside, so that it gets no users until it registers again.

        :returns: ``False``: it has registered since, or is set aside already.
        :raises Unavailable: Redis did not answer.
        """
        keys = [self._redis.key("server", suspect.kind, suspect.name)]
        return bool(await self._redis.script(_ASIDE, keys, [suspect.incarnation, suspect.heard]))

    async def answered(self, suspect: Suspect, unfit: str) -> bool:
        """Record that a server answers, and whether it is unfit; return whether it was set aside until now.

        :raises Unavailable: Redis did not answer.
        """
        keys = [self._redis.key("server", suspect.kind, suspect.name)]
        return bool(await self._redis.script(_ANSWERED, keys, [suspect.incarnation, unfit]))

    async def first(self, kind: str, name: str, seconds: float) -> bool:
        """Return whether no balance server has called this for a server in the last ``seconds``.

        :raises Unavailable: Redis did not answer.
        """
        key = self._redis.key("probed", kind, name)
        return await self._redis.call("SET", key, 1, "NX", "PX", round(seconds * 1000)) is not None

    async def servers(self, kind: str) -> list[Server]:
        """Return all live servers of a kind, by name. :raises Unavailable: Redis did not answer."""
        addresses = {row["name"]: row for row in await self.rows("grpc", kind)}
        rows = await self.rows("server", kind)
        return [
            _server(kind, row, addresses.get(row["name"]))
            for row in sorted(rows, key=lambda row: row["name"])
        ]

    async def rows(self, table: str, kind: str) -> list[dict[str, str]]:
        """Return the live hashes of a table (``server`` or ``grpc``), with their ``name``.

        :raises Unavailable: Redis did not answer.
        """
        epoch, rows = await self._list(table, kind)
        if self.memory.lost(epoch):
            await self.memory.fill()
            epoch, rows = await self._list(table, kind)
        self.memory.keep(table, kind, epoch, rows)
        return [{"name": row.name, **dict(zip(row.flat[::2], row.flat[1::2], strict=True))} for row in rows]

    async def _list(self, table: str, kind: str) -> tuple[str, list[Row]]:
        keys = [self._redis.key(f"{table}s", kind), self._redis.key("epoch")]
        epoch, rows = json.loads(await self._redis.script(_LIST, keys, [self._redis.key(table, kind, "")]))
        return epoch, [Row(name, left, flat) for name, left, *flat in rows or ()]

    async def epoch(self) -> str:
        """Return the epoch, which changes when the registry is lost.

        :raises Unavailable: Redis did not answer.
        """
        reply: bytes = await self._redis.script(
            _EPOCH, [self._redis.key("epoch")], [secrets.token_hex(8), self._lease]
        )
        return reply.decode()

    def _keys(self, kind: str, name: str) -> list[str]:
        key = self._redis.key
        return [key("server", kind, name), key("grpc", kind, name), key("servers", kind), key("grpcs", kind)]


def _taken(server: Server, code: int, *found: str) -> str:
    """Explain why a server cannot be registered: its name or one of its addresses is taken."""
    kind = server.kind
    if not code:
        return f"Another {kind} server named {server.name} is registered, at {':'.join(found)}."
    other, host, port = found
    keys = f"[{kind}] grpc_advertise" if code == 2 else f"[{kind}] advertise"
    return f"{host}:{port} is the address of {kind} server {other} already; each needs one of its own ({keys}, and the ports)."


def _server(kind: str, row: dict[str, str], address: dict[str, str] | None) -> Server:
    if not row["incarnation"] and address is not None:
        row = {**row, "grpc": address["port"], "grpc_host": address["host"]}
    numbers: dict[str, Any] = {name: int(row[name]) for name in _NUMBERS if name in row}
    return Server(
        name=row["name"],
        kind=kind,
        host=row["host"],
        grpc_host=row.get("grpc_host", ""),
        incarnation=row["incarnation"],
        draining=row.get("draining") == "1",
        unfit=row.get("unfit", ""),
        aside=row.get("aside") == "1",
        assigned=sum(int(row.get(name, 0)) for name in ("assigned", "due", "overdue")),
        **numbers,
    )


def check_kind(kind: str) -> str:
    """Check a kind of server. :raises Refused: INVALID_FIELD (70)."""
    if kind not in KINDS:
        raise Refused(Status.INVALID_FIELD, "The kind of a server is chat or resources.")
    return kind


def check_name(name: str) -> str:
    """Check a server's name. :raises Refused: INVALID_FIELD (70)."""
    if not re.fullmatch(r"[^\s|\x00-\x1f]{1,255}", name):
        raise Refused(
            Status.INVALID_FIELD, "The name of a server is 1 to 255 characters without spaces and '|'."
        )
    return name


def check_host(host: str) -> str:
    """Check a host name or IP address. :raises Refused: INVALID_FIELD (70)."""
    if not re.fullmatch(r"[A-Za-z0-9_.:%-]{1,253}", host):
        raise Refused(Status.INVALID_FIELD, "The host of a server is a host name or an IP address.")
    return host


def check_grpc_host(host: str) -> str:
    """Check a host name, IP address or path of a Unix socket. :raises Refused: INVALID_FIELD (70)."""
    return host if re.fullmatch(r"/[^\x00-\x1f]{1,107}", host) else check_host(host)


def check_port(port: str) -> int:
    """Parse a TCP port. :raises Refused: INVALID_FIELD (70)."""
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) < 65536:
        raise Refused(Status.INVALID_FIELD, "The port of a server is a number from 1 to 65535.")
    return int(port)
