"""``imsys-bench login``: logins a second."""

from __future__ import annotations

import argparse
from typing import Any

from imsys.bench.options import add_output, add_servers, seconds, setting_of, setup_of, whole
from imsys.bench.report import Report, publish, report
from imsys.bench.servers import private_servers
from imsys.bench.tasks import LogIn, Task, sources_for
from imsys.bench.users import users_of
from imsys.bench.workers import crew, shares


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("login", help="logins a second: connect, shake hands, log in, stay")
    add_servers(parser)
    parser.add_argument("--logins", type=whole, default=10_000, metavar="N", help="users who log in")
    parser.add_argument("--friends", type=whole, default=1, metavar="N", help="friends that each of them has")
    parser.add_argument(
        "--devices", type=int, default=0, metavar="N", help="devices that each of them logs in on (0: none)"
    )
    parser.add_argument("--at-once", type=whole, default=64, metavar="N", help="logins in progress at a time")
    parser.add_argument("--resume", action="store_true", help="resume TLS sessions")
    parser.add_argument(
        "--time", type=seconds, default=60.0, metavar="S", help="seconds after which it stops in any case"
    )
    add_output(parser)
    parser.set_defaults(run=lambda options: publish(options, measure(options)), measure=measure)


def measure(options: argparse.Namespace) -> list[Report]:
    """Log everybody in, once."""
    with private_servers(setup_of(options)) as servers:
        users = users_of(
            servers.environ,
            servers.addresses(tls=options.tls),
            -(-options.logins // (2 * max(1, options.devices))),
            options.friends,
            options.devices,
        )
        parts = shares(users, options.generators)
        tasks = [
            Task(
                users=part,
                work=LogIn(time=options.time, resume=options.resume),
                tls=options.tls,
                ca=servers.ca,
                at_once=max(1, options.at_once // len(parts)),
                sources=sources_for(len(users)),
            )
            for part in parts
        ]
        with crew(tasks, servers.pids) as members:
            seen = members.work()
    setting = setting_of(
        options,
        logins=len(users),
        friends=options.friends,
        devices=options.devices,
        at_once=options.at_once,
        resume=options.resume,
    )
    return [report("login", setting, seen, rates={"logins": "logins"}, per="logins")]
