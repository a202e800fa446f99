"""``imsys-bench users``: pairs of friends with tokens, made in the database and in Redis without a login."""

from __future__ import annotations

import argparse
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, DeferredSemaphore, gatherResults

from imsys.config import Config, load
from imsys.embedded import EmbeddedRedis
from imsys.errors import ConfigError, Refused
from imsys.node import Node
from imsys.redis import RedisService
from imsys.store import Database, Stores
from imsys.tokens import Tokens

_AT_ONCE = 64


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    from imsys.bench import whole

    parser = commands.add_parser("users", help="make pairs of friends, and a file of them for 'chat --users'")
    parser.add_argument("-c", "--config", metavar="FILE", help="configuration of the servers; the environment counts as well")
    parser.add_argument("--pairs", type=whole, default=50, metavar="N", help="pairs of friends to make")
    parser.add_argument("--out", required=True, metavar="FILE", help="where to write 'uuid token host port peer thread', a line a user")
    parser.add_argument(
        "--target",
        action="append",
        metavar="HOST:PORT",
        help="chat port; with several, the users of a pair get different ones (default: the configuration's)",
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from twisted.internet import reactor

    config = load(options.config or os.environ.get("IMSYS_CONFIG") or None, os.environ)
    targets = [_target(text) for text in options.target or ()]
    status = [1]
    real: Any = reactor

    async def work() -> None:
        try:
            lines = await make_users(real, config, options.pairs, targets)
        except Refused as refusal:
            raise ConfigError(refusal.message) from refusal
        _write(Path(options.out), lines)
        print(f"{len(lines)} users in {options.out}")
        status[0] = 0

    def failed(reason: Any) -> None:
        import sys

        sys.stderr.write(f"imsys-bench: {reason.value if reason.check(ConfigError) else reason.getTraceback()}\n")

    real.callWhenRunning(lambda: Deferred.fromCoroutine(work()).addErrback(failed).addBoth(lambda _: real.stop()))
    real.run()
    return status[0]


def _target(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal():
        raise ConfigError(f"--target {text}: allowed is host:port")
    return host.strip("[]"), int(port)


def _write(path: Path, lines: Sequence[str]) -> None:
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write("\n".join(lines) + "\n")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from None


async def make_users(reactor: Any, config: Config, pairs: int, targets: Sequence[tuple[str, int]] = ()) -> list[str]:
    """Make pairs of friends; the lines of the file, those of a pair one after the other.

    :param targets: chat servers; the users of a pair are spread over them.
    :raises ConfigError: there is no database or no Redis to write to.
    """
    where = EmbeddedRedis(reactor, config).config if config.redis.mode == "embedded" else config.redis
    database = Database(reactor, config.database)
    redis = RedisService(reactor, where)
    stores = Stores.on(database, reactor.seconds)
    node = Node(reactor, stores.nodes)
    tokens = Tokens(redis.redis, reactor.seconds, config.balance.token_idle, config.balance.token_life)
    targets = targets or [(config.chat.advertise, config.chat.plain_port or config.chat.port)]
    services = (database, redis, node)
    for service in services:
        service.startService()
    try:
        await node.ready()
        turns = DeferredSemaphore(_AT_ONCE)
        run = secrets.token_hex(4)

        def start(number: int) -> Deferred[list[str]]:
            return Deferred.fromCoroutine(_pair(stores, node, tokens, f"bench-{run}-{number}", targets))

        made: list[list[str]] = await gatherResults([turns.run(start, number) for number in range(pairs)], consumeErrors=True)
    finally:
        for service in reversed(services):
            await _stopped(service)
    return [line for pair in made for line in pair]


async def _stopped(service: Any) -> None:
    stopping = service.stopService()
    if stopping is not None:
        await stopping


async def _pair(stores: Stores, node: Node, tokens: Tokens, name: str, targets: Sequence[tuple[str, int]]) -> list[str]:
    one = await stores.accounts.create(f"{name}a", f"{name}a@bench.example", "-")
    two = await stores.accounts.create(f"{name}b", f"{name}b@bench.example", "-")
    await stores.contacts.ask(node.ids, one, two, "", "Hello")
    thread = (await stores.contacts.confirm(node.ids, one, two, "")).thread_id
    lines = []
    for index, (me, other) in enumerate(((one, two), (two, one))):
        host, port = targets[index % len(targets)]
        lines.append(f"{me} {await tokens.issue(me)} {host} {port} {other} {thread}")
    return lines
