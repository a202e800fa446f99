"""``imsys-bench groups``: what is said in groups, until the last one of them who is here has it."""

from __future__ import annotations

import argparse
import json
import secrets
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from imsys.bench.group_load import SMALLEST
from imsys.bench.options import add_output, add_servers, seconds, setting_of, setup_of, whole
from imsys.bench.report import Report, publish, report
from imsys.bench.servers import private_servers
from imsys.bench.tasks import Speak, Task, User, sources_for
from imsys.bench.users import users_of
from imsys.bench.workers import crew, shares
from imsys.errors import ConfigError


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("groups", help="messages and deliveries a second in groups")
    add_servers(parser, backend="mysql")
    parser.add_argument("--members", type=whole, default=100, metavar="N", help="members of each group")
    parser.add_argument(
        "--online", type=whole, default=100, metavar="PERCENT", help="of them are there, two at least"
    )
    parser.add_argument(
        "--groups", type=whole, default=1, metavar="N", help="groups, each with members of its own"
    )
    parser.add_argument(
        "--nodes", type=whole, default=1, metavar="N", help="chat servers, over which the members are spread"
    )
    parser.add_argument(
        "--window",
        type=whole,
        default=1,
        metavar="N",
        help="texts of a group that are not with everybody yet",
    )
    parser.add_argument(
        "--rate", type=whole, metavar="N", help="open loop: so many texts a second over all groups"
    )
    parser.add_argument(
        "--size", type=whole, default=64, metavar="N", help=f"characters of a text ({SMALLEST} to 4096)"
    )
    parser.add_argument("--time", type=seconds, default=10.0, metavar="S", help="seconds that are measured")
    parser.add_argument("--warmup", type=seconds, default=2.0, metavar="S", help="seconds before")
    parser.add_argument(
        "--drain", type=seconds, default=10.0, metavar="S", help="seconds to wait for the last ones, at most"
    )
    add_output(parser)
    parser.set_defaults(run=lambda options: publish(options, measure(options)), measure=measure)


def measure(options: argparse.Namespace) -> list[Report]:
    """Run the load once.

    :raises ConfigError: an option is wrong, a server does not start, or a login fails.
    """
    if not SMALLEST <= options.size <= 4096:
        raise ConfigError(f"--size: allowed is {SMALLEST} to 4096")
    if options.online > 100 or options.members < 2:
        raise ConfigError("--online: at most 100; --members: at least 2")
    together = max(2, options.members * options.online // 100)
    count = together * options.groups
    with private_servers(setup_of(options, nodes=options.nodes)) as servers:
        users = users_of(servers.environ, servers.addresses(tls=options.tls), -(-count // 2))[:count]
        users = _in_groups(servers.environ, users, together, options.members - together)
        parts = shares(users, options.generators, together=together)
        tasks = [
            Task(
                users=part,
                work=_speak(options, together, len(part) / len(users)),
                tls=options.tls,
                ca=servers.ca,
                sources=sources_for(count),
            )
            for part in parts
        ]
        with crew(tasks, servers.pids) as members:
            seen = members.work()
    setting = setting_of(
        options,
        members=options.members,
        online=together,
        groups=options.groups,
        nodes=options.nodes,
        seconds=options.time,
        **({"rate": options.rate} if options.rate else {"window": options.window}),
    )
    setting["generators"] = len(parts)
    memory = max((seen.memory.get(name, 0) for name in servers.ours), default=0)
    figures = {"memory of a server, MB": round(memory * 1.024 / 1000, 1)}
    rates = {"messages": "said", "deliveries": "delivered"}
    return [report("groups", setting, seen, rates=rates, per="delivered", figures=figures)]


def _speak(options: argparse.Namespace, together: int, share: float) -> Speak:
    return Speak(
        run=secrets.token_hex(4),
        together=together,
        size=options.size,
        window=options.window,
        rate=(options.rate or 0) * share,
        warmup=options.warmup,
        time=options.time,
        drain=options.drain,
    )


def _in_groups(environ: Mapping[str, str], users: Sequence[User], together: int, offline: int) -> list[User]:
    """Make a group of each so many users; return them with their groups as threads."""
    groups = [
        [user[0] for user in users[start : start + together]] for start in range(0, len(users), together)
    ]
    made = subprocess.run(
        [sys.executable, "-m", "imsys.bench.groups"],
        input=json.dumps({"groups": groups, "offline": offline}),
        env=dict(environ),
        text=True,
        capture_output=True,
        check=False,
    )
    if made.returncode:
        raise ConfigError(f"the groups could not be made: {made.stderr.strip()[-300:]}")
    threads = json.loads(made.stdout)
    return [(*user[:4], 0, threads[index // together]) for index, user in enumerate(users)]


def _main() -> None:
    import os

    from imsys.bench.population import add_groups
    from imsys.config import load

    asked = json.load(sys.stdin)
    print(json.dumps(add_groups(load(None, os.environ).database, asked["groups"], asked["offline"])))


if __name__ == "__main__":
    _main()
