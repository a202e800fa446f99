"""``imsys-bench growth``: the cost of a page of history, a sync, a message and a login as the store grows."""

from __future__ import annotations

import argparse
import secrets
import statistics
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from imsys.bench import svg
from imsys.bench.filling import History
from imsys.bench.options import add_output, add_servers, amounts, seconds, setting_of, setup_of, whole
from imsys.bench.report import Report, publish, report, write
from imsys.bench.servers import Servers, private_servers
from imsys.bench.tasks import Ask, Chat, LogIn, Task, User
from imsys.bench.users import users_of
from imsys.bench.workers import Observed, crew, shares
from imsys.config import load

_BUFFERS = ("--innodb-buffer-pool-size=2G", "--innodb-log-file-size=1G")
"""As conf/mysql.cnf recommends; the rest are MariaDB's durable defaults."""

_LOGINS = 100
"""Logins for each number of friends."""


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "growth", help="latencies with ever more messages stored, and with many friends"
    )
    add_servers(parser, backend="mysql")
    parser.add_argument(
        "--stored",
        type=amounts,
        default=[10_000, 1_000_000, 10_000_000],
        metavar="N,N,…",
        help="messages stored",
    )
    parser.add_argument(
        "--friends",
        type=amounts,
        default=[10, 200, 2000],
        metavar="N,N,…",
        help="friends of the users who log in",
    )
    parser.add_argument("--readers", type=whole, default=100, metavar="N", help="users who read")
    parser.add_argument(
        "--reader-friends",
        type=whole,
        default=201,
        metavar="N",
        help="friends, and so threads, that each reader has",
    )
    parser.add_argument(
        "--pages", type=whole, default=1000, metavar="N", help="pages of history a second (open loop)"
    )
    parser.add_argument(
        "--syncs", type=whole, default=500, metavar="N", help="requests a second for what is new (open loop)"
    )
    parser.add_argument(
        "--texts", type=whole, default=1000, metavar="N", help="messages a second (open loop)"
    )
    parser.add_argument(
        "--rounds", type=whole, default=1, metavar="N", help="how often all that is measured at each size"
    )
    parser.add_argument(
        "--time", type=seconds, default=10.0, metavar="S", help="seconds that each is measured"
    )
    parser.add_argument("--warmup", type=seconds, default=2.0, metavar="S", help="seconds before")
    parser.add_argument(
        "--settle",
        type=seconds,
        default=5.0,
        metavar="S",
        help="seconds that the database is given after it was filled",
    )
    add_output(parser)
    parser.set_defaults(run=_run, measure=measure)


def _run(options: argparse.Namespace) -> int:
    reports = measure(options)
    status = publish(options, reports)
    if options.svg:
        write(Path(options.svg), plot(reports))
    return status


def measure(options: argparse.Namespace) -> list[Report]:
    """Grow the store step by step, and measure everything at each."""
    database = _BUFFERS if options.backend == "mysql" else ()
    with private_servers(setup_of(options, database=database)) as servers:
        addresses = servers.addresses(tls=options.tls)
        readers = users_of(servers.environ, addresses, -(-options.readers // 2), options.reader_friends)
        others = {
            count: users_of(servers.environ, addresses, _LOGINS // 2, count) for count in options.friends
        }
        threads = len(readers) // 2 + len(readers) * (options.reader_friends - 1)
        config = load(None, servers.environ).database
        history = History(config, readers[0][5], threads, max(options.stored), time.time())
        reports = []
        for count in sorted(options.stored):
            history.grow(count)
            time.sleep(options.settle)
            scene = _Scene(options, servers, readers, history)
            for _ in range(options.rounds):
                reports += [*scene.all(), *scene.logins(others)]
        return reports


class _Scene:
    """The measurements at one size of the store."""

    def __init__(
        self, options: argparse.Namespace, servers: Servers, readers: list[User], history: History
    ) -> None:
        self._options = options
        self._servers = servers
        self._readers = readers
        self._history = history

    def all(self) -> Iterator[Report]:
        """Measure pages, syncs and texts, each on a schedule."""
        options, (oldest, newest) = self._options, self._history.full_pages
        timing = {"warmup": options.warmup, "time": options.time, "drain": 10.0}
        history = Ask(
            what="history",
            rate=options.pages,
            oldest=oldest,
            newest=newest,
            begin=self._history.begin,
            stride=self._history.stride,
            **timing,
        )
        yield self._report("page of history", self._observe(self._readers, history), "answers")
        yield self._report(
            "what is new",
            self._observe(self._readers, Ask(what="sync", rate=options.syncs, **timing)),
            "answers",
        )
        chat = Chat(run=secrets.token_hex(4), window=1, size=64, rate=options.texts, **timing)
        yield self._report("message", self._observe(self._readers, chat), "acked")

    def logins(self, users: Mapping[int, list[User]]) -> Iterator[Report]:
        """Measure logins one after the other, of users with few friends and with many."""
        for friends, those in users.items():
            seen = self._observe(those, LogIn(time=60.0), at_once=1)
            yield self._report(f"login with {friends:,} friends", seen, "logins")

    def _observe(self, users: list[User], work: Ask | Chat | LogIn, at_once: int = 64) -> Observed:
        options = self._options
        tasks = []
        for part in shares(users, 1 if isinstance(work, LogIn) else options.generators):
            share = (
                work
                if isinstance(work, LogIn)
                else msgspec.structs.replace(work, rate=work.rate * len(part) / len(users))
            )
            tasks.append(Task(users=part, work=share, tls=options.tls, ca=self._servers.ca, at_once=at_once))
        with crew(tasks, self._servers.pids) as members:
            return members.work()

    def _report(self, what: str, seen: Observed, per: str) -> Report:
        stored = self._history.stored
        setting = setting_of(self._options, what=f"{what}, {stored:,} stored", operation=what, stored=stored)
        return report("growth", setting, seen, rates={"done": per}, per=per)


def plot(reports: list[Report]) -> str:
    """Plot the 99th percentile of each operation by the number of stored messages."""
    sizes = sorted({int(str(found.setting["stored"])) for found in reports})
    operations = list(dict.fromkeys(str(found.setting["operation"]) for found in reports))
    series = []
    for operation in operations:
        mine = [found for found in reports if found.setting["operation"] == operation]
        series.append(
            (
                operation,
                [
                    statistics.median(_main(found) for found in mine if found.setting["stored"] == size)
                    for size in sizes
                ],
            )
        )
    return svg.lines("growth: 99th percentile in milliseconds", "messages stored", sizes, series)


def _main(found: Report) -> float:
    return next(
        (found.latency[name].p99 for name in ("answer", "ack", "login") if name in found.latency), 0.0
    )
