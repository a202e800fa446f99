"""``imsys-bench chat`` and ``nodes``: pairs of users who write to each other, on one server or across
several.
"""

from __future__ import annotations

import argparse
import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from imsys.bench import imload
from imsys.bench.chatting import SMALLEST
from imsys.bench.options import (
    add_output,
    add_servers,
    named_pid,
    seconds,
    setting_of,
    setup_of,
    several,
    whole,
)
from imsys.bench.profiling import Profile
from imsys.bench.report import Report, publish, report
from imsys.bench.servers import private_servers
from imsys.bench.tasks import Chat, Task, User
from imsys.bench.users import read_users, users_of
from imsys.bench.workers import crew, shares
from imsys.errors import ConfigError


def add_command(commands: Any) -> None:
    """Add the commands to the parser."""
    chat = commands.add_parser("chat", help="messages a second between pairs of users")
    add_servers(chat)
    _add_load(chat)
    chat.add_argument(
        "--processes", type=whole, default=1, metavar="N", help="processes of the private chat server"
    )
    chat.add_argument(
        "--users", metavar="FILE", help="measure running servers, with the users of 'imsys-bench users'"
    )
    chat.add_argument(
        "--ca", default="", metavar="FILE", help="the authority to trust, with --tls and --users"
    )
    chat.add_argument(
        "--pid",
        action="append",
        type=named_pid,
        default=[],
        metavar="[NAME=]PID",
        help="process whose CPU counts, with --users",
    )
    chat.set_defaults(run=_run, measure=measure, nodes=1)
    nodes = commands.add_parser(
        "nodes", help="the same across chat servers: the two of each pair are on different ones"
    )
    add_servers(nodes, backend="mysql")
    _add_load(nodes)
    nodes.add_argument(
        "--nodes",
        type=several,
        default=2,
        metavar="N",
        help="chat servers, beside a balance server, with mutual TLS between them",
    )
    nodes.set_defaults(run=_run, measure=measure, processes=1, users=None)


def _add_load(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--pairs", type=whole, default=50, metavar="N", help="pairs of users")
    parser.add_argument(
        "--window",
        type=whole,
        default=1,
        metavar="N",
        help="texts of a sender that wait for their acknowledgement",
    )
    parser.add_argument(
        "--rate",
        type=whole,
        metavar="N",
        help="open loop: so many texts a second over all senders, whatever the answers; latencies count from when a text was due",
    )
    parser.add_argument(
        "--size", type=whole, default=64, metavar="N", help=f"characters of a text ({SMALLEST} to 4096)"
    )
    parser.add_argument("--time", type=seconds, default=10.0, metavar="S", help="seconds that are measured")
    parser.add_argument("--warmup", type=seconds, default=2.0, metavar="S", help="seconds before")
    parser.add_argument(
        "--drain",
        type=seconds,
        default=10.0,
        metavar="S",
        help="seconds to wait for the last messages afterwards, at most",
    )
    parser.add_argument("--oneway", action="store_true", help="only one of each pair sends")
    parser.add_argument(
        "--generator",
        default="python",
        metavar="PROGRAM",
        help="'python', or the path of the C++ one (imload)",
    )
    parser.add_argument(
        "--profile",
        metavar="FILE",
        help="record where the server spends its time, with py-spy (its 'raw' format)",
    )
    add_output(parser)


def _run(options: argparse.Namespace) -> int:
    return publish(options, measure(options))


def measure(options: argparse.Namespace) -> list[Report]:
    """Start the servers, and run the load once.

    :raises ConfigError: a server does not start, or a login fails.
    """
    if not SMALLEST <= options.size <= 4096:
        raise ConfigError(f"--size: allowed is {SMALLEST} to 4096")
    if options.profile and options.generator != "python":
        raise ConfigError("--profile: only with --generator python, which says when the measured time begins")
    with _target(options) as (users, ca, pids):
        main = next(
            (pid for name, pid in pids.items() if name.startswith(("server", "chat 1", "process"))), 0
        )
        profile = Profile(main, Path(options.profile), options.time) if options.profile and main else None
        setting = _setting(options, len(users) // 2)
        if options.generator != "python":
            return [imload.measure(options, users, ca, pids, setting)]
        run = secrets.token_hex(4)
        parts = shares(users, options.generators)
        tasks = [
            Task(users=part, work=_chat(options, run, len(part) / len(users)), tls=options.tls, ca=ca)
            for part in parts
        ]
        with crew(tasks, pids) as members:
            seen = members.work(profile.start if profile else lambda: None)
        if profile:
            profile.finish()
    rates = {"acknowledged": "acked", "delivered": "delivered"}
    return [report("nodes" if options.nodes > 1 else "chat", setting, seen, rates=rates, per="acked")]


def _chat(options: argparse.Namespace, run: str, share: float) -> Chat:
    return Chat(
        run=run,
        window=options.window,
        size=options.size,
        warmup=options.warmup,
        time=options.time,
        drain=options.drain,
        oneway=options.oneway,
        rate=(options.rate or 0) * share,
    )


def _setting(options: argparse.Namespace, pairs: int) -> dict[str, object]:
    more: dict[str, object] = {
        "pairs": pairs,
        "window": options.window,
        "size": options.size,
        "seconds": options.time,
        "oneway": options.oneway,
    }
    if options.rate:
        more |= {"rate": options.rate}
        del more["window"]
    if options.nodes > 1:
        more["nodes"] = options.nodes
    if options.processes > 1:
        more["processes"] = options.processes
    if options.generator != "python":
        more["generator"] = Path(options.generator).name
    return setting_of(options, **more) | ({"backend": "given"} if options.users else {})


@contextlib.contextmanager
def _target(options: argparse.Namespace) -> Iterator[tuple[list[User], str, dict[str, int]]]:
    if options.users:
        yield read_users(Path(options.users))[: options.pairs * 2], options.ca, dict(options.pid)
        return
    with private_servers(setup_of(options, nodes=options.nodes, processes=options.processes)) as servers:
        yield (
            users_of(servers.environ, servers.addresses(tls=options.tls), options.pairs),
            servers.ca,
            servers.pids,
        )
