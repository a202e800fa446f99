"""``imsys-bench idle``: hold connections, logged in, with heartbeats, and measure the memory of each."""

from __future__ import annotations

import argparse
from typing import Any

from imsys.bench.options import add_output, add_servers, seconds, setting_of, setup_of, whole
from imsys.bench.report import Report, publish, report
from imsys.bench.servers import private_servers
from imsys.bench.tasks import Hold, Task, sources_for
from imsys.bench.users import users_of
from imsys.bench.workers import crew, shares
from imsys.errors import ConfigError

_PER_PROCESS = 19_000
"""Connections of one load process at most: often 20,000 descriptors are allowed."""

_FIRST = 20
"""Users who log in and leave first, so that one-time allocations do not count for the sessions."""


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("idle", help="connections held, with heartbeats, and their memory")
    add_servers(parser)
    parser.add_argument(
        "--connections", type=whole, default=10_000, metavar="N", help="users who are logged in"
    )
    parser.add_argument(
        "--processes",
        type=whole,
        default=1,
        metavar="N",
        help="processes of the chat server (needs --backend mysql)",
    )
    parser.add_argument(
        "--beat", type=seconds, default=10.0, metavar="S", help="seconds between two heartbeats of a user"
    )
    parser.add_argument("--time", type=seconds, default=30.0, metavar="S", help="seconds that they are held")
    parser.add_argument("--at-once", type=whole, default=64, metavar="N", help="logins in progress at a time")
    add_output(parser)
    parser.set_defaults(run=lambda options: publish(options, measure(options)), measure=measure)


def measure(options: argparse.Namespace) -> list[Report]:
    """Hold them once."""
    if options.beat <= 0:
        raise ConfigError("--beat: more than 0 seconds")
    count = max(options.generators, -(-options.connections // _PER_PROCESS))
    with private_servers(setup_of(options, processes=options.processes)) as servers:
        pairs = -(-(options.connections + _FIRST) // 2)
        users = users_of(servers.environ, servers.addresses(tls=options.tls), pairs)[
            : options.connections + _FIRST
        ]
        first, users = users[:_FIRST], users[_FIRST:]
        with crew(
            [Task(users=first, work=Hold(time=1.0, beat=0.5), tls=options.tls, ca=servers.ca)], servers.pids
        ) as members:
            members.work()
        parts = shares(users, count)
        tasks = [
            Task(
                users=part,
                work=Hold(time=options.time, beat=options.beat),
                tls=options.tls,
                ca=servers.ca,
                at_once=max(1, options.at_once // len(parts)),
                sources=sources_for(options.connections),
            )
            for part in parts
        ]
        with crew(tasks, servers.pids) as members:
            seen = members.work()
    held = seen.result.counts.get("held", 0)
    grown = sum(seen.memory.get(name, 0) - seen.memory_before.get(name, 0) for name in servers.ours)
    setting = setting_of(
        options,
        connections=options.connections,
        processes=options.processes,
        beat=options.beat,
        seconds=options.time,
    )
    setting["generators"] = len(parts)
    figures = {"KB a session": round(grown * 1.024 / max(1, held), 2)}
    return [
        report("idle", setting, seen, rates={"heartbeats": "heartbeats"}, per="heartbeats", figures=figures)
    ]
