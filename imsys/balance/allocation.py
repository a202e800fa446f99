"""Allocate the live servers with the fewest connections, in one call of Redis for all present requests."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from twisted.logger import Logger

from imsys.balance.memory import Memory
from imsys.errors import Refused, Status, Unavailable
from imsys.redis.client import CAUGHT, Redis, Script
from imsys.redis.tokens import LUA, Tokens

_log = Logger()

FAILED = 8
"""Failed addresses of one user that are used, at most."""

OTHERS = 4
"""Alternative chat servers that a user gets."""

_ALLOCATE = Script(
    CAUGHT
    + LUA
    + """
local function registered(names, prefix)
  local found = {}
  for _, name in ipairs(redis.call('SMEMBERS', names)) do
    local f = redis.call('HMGET', prefix .. name, 'host', 'tls', 'plain', 'http', 'load', 'assigned', 'due', 'overdue', 'capacity',
      'draining', 'unfit', 'aside', 'incarnation')
    if not f[1] then
      redis.call('SREM', names, name)
    else
      local capacity = tonumber(f[9])
      found[#found + 1] = {
        name = name, key = prefix .. name, incarnation = f[13], host = f[1],
        tls = tonumber(f[2] or 0), plain = tonumber(f[3] or 0), http = tonumber(f[4] or 0),
        seen = tonumber(f[5]), expected = f[6] + (f[7] or 0) + (f[8] or 0), sent = 0, capacity = capacity > 0 and capacity or math.huge,
        open = f[10] ~= '1' and (f[11] or '') == '' and f[12] ~= '1',
      }
    end
  end
  return found
end

local function grouped(servers, wanted)
  local groups, at = {}, {}
  for _, server in ipairs(servers) do
    local port = server[wanted]
    if server.open and port > 0 then
      local address = server.host .. ' ' .. port
      local group = at[address]
      if not group then
        group = {address = address, host = server.host, port = port, http = 0, capacity = 0, servers = {}}
        at[address], groups[#groups + 1] = group, group
      end
      group.capacity = group.capacity + server.capacity
      group.http = math.max(group.http, server.http)
      table.insert(group.servers, server)
    end
  end
  return groups
end

local function named(server, failed)
  for _, port in ipairs({server.tls, server.plain, server.http}) do
    if port > 0 and string.find(failed, '|' .. server.host .. ' ' .. port .. '|', 1, true) then return true end
  end
  return false
end

local function any_named(servers, failed)
  for _, server in ipairs(servers) do
    if named(server, failed) then return true end
  end
  return false
end

local function weigh(group)
  group.load, group.seen = 0, 0
  for _, server in ipairs(group.servers) do
    group.load = group.load + server.seen + server.expected
    group.seen = group.seen + server.seen
  end
  return group.load < group.capacity
end

local function before(a, b)
  if a.failed ~= b.failed then return b.failed end
  if a.load ~= b.load then return a.load < b.load end
  if a.seen ~= b.seen then return a.seen < b.seen end
  return a.address < b.address
end

local function pick(groups, failed)
  local best
  for _, group in ipairs(groups) do
    if weigh(group) then
      group.failed = failed ~= '' and any_named(group.servers, failed)
      if not best or before(group, best) then best = group end
    end
  end
  return best
end

local function send(group)
  local least
  for _, server in ipairs(group.servers) do
    if not least or server.expected < least.expected then least = server end
  end
  least.expected, least.sent = least.expected + 1, least.sent + 1
end

if ARGV[5] ~= '' and redis.call('GET', KEYS[3]) ~= ARGV[5] then return 'null' end
local chats, files = registered(KEYS[1], ARGV[3]), registered(KEYS[2], ARGV[4])
local groups = {}
for _, wanted in ipairs({'tls', 'plain'}) do
  groups[wanted] = {chats = grouped(chats, wanted), files = grouped(files, wanted)}
end

local function allocate(token, user, value, wanted, other, failed)
  if value == '' then
    local expiry = opens(token, user)
    if not expiry or expiry == 'unknown' then return 'token' end
  end
  local chat = pick(groups[wanted].chats, failed)
  if not chat and other == 'chat' then
    wanted = 'tls'
    chat = pick(groups.tls.chats, failed)
  end
  if not chat then return 'nowhere' end
  if value ~= '' then issue(token, value) end
  send(chat)
  local file = other ~= 'chat' and (pick(groups[wanted].files, failed) or pick(groups.tls.files, failed))
  if not file then return {wanted, chat.host, chat.port} end
  send(file)
  return {wanted, chat.host, chat.port, file.host, file.port, file.http}
end

local results, reported = {}, {}
local function report(kind, servers, failed)
  for _, server in ipairs(servers) do
    if named(server, failed) then reported[#reported + 1] = {kind, server.name, server.incarnation} end
  end
end

for i = 1, #KEYS - 3 do
  local user, value, wanted, other, failed = unpack(ARGV, 1 + i * 5, 5 + i * 5)
  local well, result = pcall(allocate, KEYS[i + 3], user, value, wanted, other, failed)
  if not well then result = {'fault', caught(result)} end
  results[i] = result
  if failed ~= '' and type(result) == 'table' then
    report('chat', chats, failed)
    report('resources', files, failed)
  end
end
local others = {tls = {}, plain = {}}
for wanted, list in pairs(others) do
  for _, group in ipairs(groups[wanted].chats) do
    if weigh(group) then list[#list + 1] = {group.host, group.port} end
  end
end
for _, servers in ipairs({chats, files}) do
  for _, server in ipairs(servers) do
    if server.sent > 0 then redis.call('HINCRBY', server.key, 'assigned', server.sent) end
  end
end
return cjson.encode({results, others, reported})
"""
)
"""Processes behind one public address form a group, whose load is their sum.

An allocated user counts at once.

The kernel of that machine chooses the process, evenly. So a user is expected at the process of the group that
expects the fewest. A server that drains, is unfit or was set aside is in no group. If an epoch is expected
and the registry has another one, nothing is done and ``null`` returned.
"""


@dataclass(frozen=True, slots=True)
class Address:
    """The address of a server; ``http`` is 0 if there is no such port."""

    host: str
    port: int
    http: int = 0


@dataclass(frozen=True, slots=True)
class Wish:
    """The request of one user.

    :param plaintext: return ports without TLS.
    :param token: a token to check; empty: issue one, which the caller must store.
    :param failed: host and port of chat or resources servers that the user could not use just now; the first
    :data:`FAILED` of them are only allocated if there is no other.
    :param device: the device that a new token is for; empty: none.
    :param original: a user of the original system's calls: gets a port without TLS if one is open, and no
        resources server.
    """

    uuid: int
    plaintext: bool = False
    token: str = field(default="", repr=False)
    failed: Sequence[tuple[str, int]] = ()
    original: bool = False
    device: str = ""


@dataclass(frozen=True, slots=True)
class Given:
    """The allocation of one user: chat server, alternatives, resources server if there is one, and token."""

    chat: Address
    others: Sequence[Address]
    resources: Address | None
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reported:
    """A registered server that a user reported as failed."""

    kind: str
    name: str
    incarnation: str


class Allocation:
    """Allocates servers. Each allocation is counted at once, so a burst between two load reports is spread.

    :param memory: the memory of the registry, for a Redis that has lost it.
    """

    def __init__(self, redis: Redis, memory: Memory, tokens: Tokens) -> None:
        self._redis = redis
        self._memory = memory
        self._tokens = tokens

    async def allocate(self, wishes: Sequence[Wish]) -> tuple[list[Given | Refused], list[Reported]]:
        """Allocate servers to users; each gets an allocation or a refusal.

        Refusals are NO_AVAILABLE_CHATTING_SERVER (10), and LOGIN_UNSUCCESSFUL (18): the token is invalid or
        Redis does not know it.

        :returns: the results, and the registered servers that users reported as failed.
        :raises Unavailable: Redis did not answer.
        """
        key = self._redis.key
        keys = [key("servers", "chat"), key("servers", "resources"), key("epoch")]
        terms = [*self._tokens.terms(), key("server", "chat", ""), key("server", "resources", "")]
        arguments: list[str | int] = []
        tokens = []
        for wish in wishes:
            if wish.token:
                token, key_of_token, value = wish.token, self._tokens.key(Tokens.digest(wish.token)), ""
            else:
                made = self._tokens.made(wish.uuid, wish.device)
                token, key_of_token, value = made.token, made.key, made.value
            tokens.append(token)
            keys.append(key_of_token)
            wanted = "plain" if wish.plaintext or wish.original else "tls"
            arguments += (wish.uuid, value, wanted, "chat" if wish.original else "", _flat(wish.failed))
        answer = json.loads(
            await self._redis.script(_ALLOCATE, keys, [*terms, self._memory.epoch, *arguments])
        )
        if answer is None:
            await self._memory.fill()
            answer = json.loads(await self._redis.script(_ALLOCATE, keys, [*terms, "", *arguments]))
        results, others, reported = answer
        given = [_given(*part, others) for part in zip(wishes, tokens, results, strict=True)]
        return given, [Reported(*server) for server in reported or ()]


def _given(wish: Wish, token: str, result: Any, others: Mapping[str, Any]) -> Given | Refused:
    if result == "token":
        return Refused(Status.LOGIN_UNSUCCESSFUL, "The token does not open this account.")
    if result == "nowhere":
        return Refused(
            Status.NO_AVAILABLE_CHATTING_SERVER,
            "There is no chat server that takes users now.",
            retry_after=1.0,
        )
    if result[0] == "fault":
        _log.error("Redis cannot allocate a server to {user}: {why}", user=wish.uuid, why=result[1])
        return Unavailable(Status.REDIS_UNKNOWN_ERROR, "Redis refused an allocation.")
    wanted, host, port, *files = result
    not_these = {(host, port), *wish.failed}
    rest = [Address(*other) for other in others[wanted] or () if tuple(other) not in not_these]
    return Given(
        Address(host, port),
        random.sample(rest, min(OTHERS, len(rest))),
        Address(*files) if files else None,
        token,
    )


def _flat(failed: Sequence[tuple[str, int]]) -> str:
    return "".join(f"|{host} {port}" for host, port in failed[:FAILED]) + "|" if failed else ""
