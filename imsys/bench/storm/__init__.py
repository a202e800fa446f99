"""``imsys-bench storm``: thousands of users lose their chat server at once, and come back."""

from __future__ import annotations

import argparse
import os
import platform
import time
from pathlib import Path
from typing import Any

from imsys.bench.lab.cluster import Cluster, Layout, cluster, namespaces_here
from imsys.bench.options import add_output, seconds, setting, whole
from imsys.bench.profiling import Profile
from imsys.bench.report import Report, latency, publish
from imsys.bench.tasks import Storm, Task, User, microseconds
from imsys.bench.users import users_of
from imsys.bench.workers import Observed, crew, shares
from imsys.errors import ConfigError

_PER_PROCESS = 15_000
"""Connections that one process that makes load holds at most: often 20,000 descriptors are allowed, and some
are in two places.
"""

_SETTLED = 6.0
"""Seconds before the storm: each server has said how loaded it is."""


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("storm", help="one of three chat servers is killed, and its users come back")
    parser.add_argument(
        "--sessions", type=whole, default=3_000, metavar="N", help="users of the server that is killed"
    )
    parser.add_argument(
        "--others", type=whole, metavar="N", help="users of each of the other servers (default: as many)"
    )
    parser.add_argument(
        "--time", type=seconds, default=120.0, metavar="S", help="seconds in which they come back, at most"
    )
    parser.add_argument(
        "--at-once", type=whole, default=64, metavar="N", help="logins in progress at a time, before"
    )
    parser.add_argument(
        "--generators",
        type=whole,
        default=1,
        metavar="N",
        help="processes that make the load; more where one cannot",
    )
    parser.add_argument(
        "--set",
        action="append",
        type=setting,
        default=[],
        metavar="KEY=VALUE",
        help="configuration, as CHAT_LOG_BATCH=1",
    )
    parser.add_argument(
        "--loopback",
        action="store_true",
        help="put the servers on addresses of loopback, not into network namespaces",
    )
    parser.add_argument(
        "--profile",
        metavar="FILE",
        help="record where one of the others spends its time, with py-spy (its 'raw' format)",
    )
    add_output(parser)
    parser.set_defaults(run=lambda options: publish(options, measure(options)))


def measure(options: argparse.Namespace) -> list[Report]:
    """One storm.

    :raises ConfigError: something does not start, or somebody cannot log in.
    """
    if not options.loopback and (why := namespaces_here()):
        raise ConfigError(f"{why} (--loopback does without)")
    others = options.sessions if options.others is None else options.others
    with cluster(Layout(settings=dict(options.set)), namespaces=not options.loopback) as made:
        victim = made.chats[0]
        users = _users(made, options.sessions, others)
        count = max(options.generators, -(-len(users) // _PER_PROCESS))
        parts = shares(users, count)
        tasks = [_task(made, part, parts[:index], options) for index, part in enumerate(parts)]
        servers = {name: pid for name, pid in made.pids.items() if name != victim.name}
        with crew(tasks, servers, made.users.enter) as members:
            time.sleep(_SETTLED)
            profile = (
                Profile(servers[made.chats[1].name], Path(options.profile), None) if options.profile else None
            )

            def strike() -> None:
                if profile is not None:
                    profile.start()
                victim.program.kill()

            seen = members.work(strike)
            if profile is not None:
                profile.finish()
    return [_report(seen, options, others, len(parts))]


def _task(made: Cluster, part: list[User], before: list[list[User]], options: argparse.Namespace) -> Task:
    storm = Storm(
        time=options.time,
        gateway=(made.gateway.host.address, 8443),
        victim=made.chats[0].host.address,
        others=[(chat.host.address, 8444) for chat in made.chats],
        sources=made.network.crowd(made.users),
        first=1 + sum(map(len, before)),
    )
    return Task(users=part, work=storm, tls=True, ca=made.ca, at_once=options.at_once)


def _users(made: Cluster, sessions: int, others: int) -> list[User]:
    """Users for the first server and for the others, mixed, so that each process has some of each."""
    wanted = {made.chats[0].host.address: sessions, **{chat.host.address: others for chat in made.chats[1:]}}
    every = users_of(made.environ, [f"{made.chats[0].host.address}:8444"], -(-sum(wanted.values()) // 2))
    places = [host for turn in range(max(wanted.values())) for host, count in wanted.items() if turn < count]
    return [(user[0], user[1], host, *user[3:]) for user, host in zip(every, places, strict=False)]


def _report(seen: Observed, options: argparse.Namespace, others: int, generators: int) -> Report:
    result = seen.result
    resumed, spent = result.counts.get("resumed", 0), sum(seen.cpu.values())
    figures = {
        "resumed a second of CPU": round(resumed / max(spent, 0.01), 1),
        "CPU of all servers, s": round(spent, 2),
    }
    return Report(
        scene="storm",
        setting={
            "sessions": options.sessions,
            "others": others,
            "chat servers": 3,
            "generators": generators,
            **dict(options.set),
            "python": platform.python_version(),
            "cores": os.cpu_count() or 0,
        },
        seconds=round(result.seconds, 2),
        latency={name: latency(microseconds(values)) for name, values in result.latencies.items() if values},
        counts=result.counts,
        figures=figures,
        cpu_ms_per_1000={
            name: round(used * 1e6 / max(1, resumed), 1)
            for name, used in {**seen.cpu, "generator": result.cpu_seconds}.items()
        },
        memory_kib=seen.memory,
        notes=result.notes,
    )
