"""Many users at once, as the stores would have made them one by one: accounts, friends, threads, first
messages, tokens.

The tables are filled by rows, some thousand a transaction, and the tokens by some hundred a call: a
measurement of ninety thousand connections need not wait for as many registrations.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

from imsys.chat.node import Node
from imsys.config import Config, DatabaseConfig
from imsys.redis.client import Redis, RedisService
from imsys.redis.embedded import EmbeddedRedis
from imsys.redis.tokens import Tokens
from imsys.store import Database, Stores
from imsys.store.bulk import Friends, all_told, befriend, free_numbers, insert_accounts, insert_group
from imsys.store.database import Transaction
from imsys.store.devices import NO_DEVICE, DeviceInfo, DeviceKind
from imsys.store.engines import dialect_of
from imsys.store.ids import NODES, MessageIds
from imsys.store.sign_ins import SignIn, keep_sign_ins

_ROWS = 2000
_ABSENT = 1 << 30
"""The first uuid of members who do not exist."""
_TOKENS = 500


async def make_users(
    reactor: Any,
    config: Config,
    pairs: int,
    targets: Sequence[tuple[str, int]] = (),
    friends: int = 1,
    devices: int = 0,
) -> list[str]:
    """Make pairs of friends; the lines of the file, those of a pair one after the other.

    :param targets: chat servers; the two of a pair, and the pairs, are spread over them.
    :param friends: how many each of them has. All but the other one of the pair are the same further users,
        who have no lines.
    :param devices: how many each of the pairs signs in on; each has lines of its own, with ``token@device``. 0: on
        none.
    :raises ConfigError: there is no database or no Redis to write to.
    """
    where = EmbeddedRedis(reactor, config).config if config.redis.mode == "embedded" else config.redis
    database = Database(reactor, config.database)
    redis = RedisService(reactor, where)
    node = Node(reactor, Stores.on(database, time.time).nodes)
    services = (database, redis, node)
    for service in services:
        service.startService()
    try:
        await node.ready()
        now_ms = round(time.time() * 1000)
        first_user, first_thread = await _accounts(database, 2 * pairs + friends - 1, now_ms)
        users = range(first_user, first_user + 2 * pairs)
        everybody = list(_friendships(users, friends))
        for start in range(0, len(everybody), _ROWS):
            await database.write(
                befriend, node.ids, everybody[start : start + _ROWS], first_thread + start, now_ms
            )
        names = [f"bench-{number}" for number in range(devices)] or [""]
        tokens = [await _tokens(redis.redis, database, users, config, now_ms, name) for name in names]
    finally:
        for service in reversed(services):
            stopping: Any = service.stopService()
            if stopping is not None:
                await stopping
    targets = targets or [(config.chat.advertise, config.chat.plain_port or config.chat.port)]
    lines = []
    for pair in range(pairs):
        for name, held in zip(names, tokens, strict=True):
            for index in (2 * pair, 2 * pair + 1):
                user, token = users[index], f"{held[index]}@{name}" if name else held[index]
                host, port = targets[(pair + index % 2) % len(targets)]
                peer = user - 1 if index % 2 else user + 1
                lines.append(f"{user} {token} {host} {port} {peer} {first_thread + pair}")
    return lines


def add_groups(config: DatabaseConfig, groups: Sequence[Sequence[int]], offline: int) -> list[int]:
    """Make groups of users, each with so many further members who do not exist and are never there; return their threads.

    It blocks: call it in a program of its own, or a thread.
    """
    dialect = dialect_of(config)
    ids = MessageIds(time.time, NODES - 1)
    made = []
    with closing(dialect.connect().connection) as connection, closing(connection.cursor()) as cursor:
        for number, users in enumerate(groups):
            cursor.execute(dialect.begin)
            tx = Transaction(cursor, dialect, None, in_doubt=False)
            absent = range(_ABSENT + number * offline, _ABSENT + (number + 1) * offline)
            made.append(
                insert_group(tx, ids, [*users, *absent], f"Group {number}", round(time.time() * 1000))
            )
            connection.commit()
    return made


def _friendships(users: range, friends: int) -> Iterator[Friends]:
    """The pairs first, so that their threads are the first ones.

    Then what each has with those who are in no pair.
    """
    for one in users[::2]:
        yield one, one + 1
    for user in users:
        for other in range(users.stop, users.stop + friends - 1):
            yield user, other


async def _accounts(database: Database, count: int, now_ms: int) -> tuple[int, int]:
    """Make accounts; the first one's uuid, and the first number that no thread has."""
    name = f"bench-{secrets.token_hex(4)}-"
    first_user, first_thread = await database.write(free_numbers)
    for start in range(0, count, _ROWS):
        users = [(first_user + index, f"{name}{index}") for index in range(start, min(start + _ROWS, count))]
        await database.write(insert_accounts, users, now_ms)
    return first_user, first_thread


async def _tokens(
    redis: Redis, database: Database, users: Sequence[int], config: Config, now_ms: int, device: str
) -> list[str]:
    """A token for each of these users, stored, and known to Redis as it is after a login by password."""
    tokens = Tokens(redis, database, time.time, config.balance.token_idle, config.balance.token_life)
    idle, expires = round(config.balance.token_idle * 1000), now_ms + round(config.balance.token_life * 1000)
    info = DeviceInfo(device, device, DeviceKind.BOT) if device else NO_DEVICE
    made = []
    for start in range(0, len(users), _TOKENS):
        some = [(user, tokens.made(user, device).token) for user in users[start : start + _TOKENS]]
        held = [(user, Tokens.digest(token)) for user, token in some]
        sign_ins = [SignIn(bytes.fromhex(digest), user, None, now_ms, expires, info) for user, digest in held]
        await database.write(keep_sign_ins, sign_ins, idle)
        if device:  # the others were told of it long ago
            await database.write(all_told, [user for user, _ in some])
        await tokens.live(held)
        made += [token for _, token in some]
    return made
