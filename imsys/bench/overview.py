"""``imsys-bench overview``: the first screen of users with few threads and with many."""

from __future__ import annotations

import argparse
from typing import Any

from imsys.bench.options import add_output, add_servers, amounts, seconds, setting_of, setup_of, whole
from imsys.bench.report import Report, publish, report
from imsys.bench.servers import private_servers
from imsys.bench.tasks import Ask, Task
from imsys.bench.users import users_of
from imsys.bench.workers import crew, shares


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("overview", help="the list of threads: a first screen, by threads of a user")
    add_servers(parser, backend="mysql")
    parser.add_argument(
        "--threads", type=amounts, default=[20, 500, 5000], metavar="N,N,…", help="threads of each user"
    )
    parser.add_argument("--readers", type=whole, default=20, metavar="N", help="users who ask")
    parser.add_argument(
        "--rate", type=whole, default=200, metavar="N", help="first screens a second (open loop)"
    )
    parser.add_argument("--time", type=seconds, default=10.0, metavar="S", help="seconds that are measured")
    parser.add_argument("--warmup", type=seconds, default=2.0, metavar="S", help="seconds before")
    add_output(parser)
    parser.set_defaults(run=lambda options: publish(options, measure(options)), measure=measure)


def measure(options: argparse.Namespace) -> list[Report]:
    """Ask for first screens, for each number of threads."""
    with private_servers(setup_of(options)) as servers:
        addresses = servers.addresses(tls=options.tls)
        pairs = -(-options.readers // 2)
        everybody = {count: users_of(servers.environ, addresses, pairs, count) for count in options.threads}
        return [_measure(options, servers, count, users) for count, users in everybody.items()]


def _measure(options: argparse.Namespace, servers: Any, count: int, users: Any) -> Report:
    parts = shares(users, options.generators)
    tasks = [
        Task(
            users=part,
            work=Ask(
                what="overview",
                rate=options.rate * len(part) / len(users),
                warmup=options.warmup,
                time=options.time,
                drain=10.0,
            ),
            tls=options.tls,
            ca=servers.ca,
            at_once=64,
        )
        for part in parts
    ]
    with crew(tasks, servers.pids) as members:
        seen = members.work()
    setting = setting_of(options, what=f"first screen of {count:,} threads", threads=count, rate=options.rate)
    return report("overview", setting, seen, rates={"done": "answers"}, per="answers")
