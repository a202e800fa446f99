"""``imsys-bench faults``: how long each kind of fault keeps affected and other users from writing."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from typing import Any

from imsys.bench.faults import figures
from imsys.bench.faults.kinds import KINDS, Kind
from imsys.bench.faults.stage import Outcome, Stage
from imsys.bench.lab.cluster import Layout, cluster, namespaces_here
from imsys.bench.lab.people import People
from imsys.bench.options import seconds, setting, whole
from imsys.bench.report import Report, publish
from imsys.errors import ConfigError


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    names = ", ".join(kind.name for kind in KINDS)
    parser = commands.add_parser("faults", help="break a cluster in many ways, and see how long that is felt")
    parser.add_argument("--runs", type=whole, default=10, metavar="N", help="faults of each kind, in turns")
    parser.add_argument(
        "--only", metavar="KIND,…", help=f"only these kinds, or those whose names begin so: {names}"
    )
    parser.add_argument(
        "--pairs",
        type=whole,
        default=30,
        metavar="N",
        help="pairs of users, the two of each on different chat servers",
    )
    parser.add_argument(
        "--rate", type=seconds, default=150.0, metavar="N", help="texts a second of all users together"
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
        help="put the servers on addresses of loopback and not into network namespaces: without the faults of networks",
    )
    parser.add_argument(
        "--json",
        nargs="?",
        const="-",
        metavar="FILE",
        help="write the figures as JSON, to a file or instead of the table",
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    return publish(options, measure(options), figures.table)


def measure(options: argparse.Namespace) -> list[Report]:
    """Start a cluster, inject the faults, and report.

    :raises ConfigError: a server does not start, or does not recover.
    """
    kinds = chosen(options.only, severs=not options.loopback)
    if not options.loopback and (why := namespaces_here()):
        raise ConfigError(f"{why} (--loopback does without, and without the faults of networks)")
    layout = Layout(settings=dict(options.set), replicas=any("failover" in kind.name for kind in kinds))
    outcomes: dict[str, list[Outcome]] = {}
    begun = time.monotonic()
    with cluster(layout, namespaces=not options.loopback) as made, People(made, options.pairs) as people:
        stage = Stage(made, people, options.rate)
        for turn in range(1, options.runs + 1):
            for kind in kinds:
                outcome = stage.play(kind.strike)
                outcomes.setdefault(kind.name, []).append(outcome)
                sys.stderr.write(f"{turn}/{options.runs} {kind.name:20} {_glance(outcome)}\n")
    how = {
        "users": options.pairs * 2,
        "rate": options.rate,
        "chat servers": layout.chats,
        **dict(options.set),
        "python": platform.python_version(),
        "cores": os.cpu_count() or 0,
    }
    return figures.reports(outcomes, how, time.monotonic() - begun)


def chosen(only: str | None, *, severs: bool) -> list[Kind]:
    """Return the chosen kinds. :raises ConfigError: a name is unknown, or no kind is possible here."""
    wanted = [kind for kind in KINDS if only is None or kind.name.startswith(tuple(only.split(",")))]
    if not wanted:
        raise ConfigError(f"--only {only}: there are {', '.join(kind.name for kind in KINDS)}")
    possible = [kind for kind in wanted if severs or not kind.severs]
    if not possible:
        raise ConfigError(f"--only {only}: these need network namespaces")
    return possible


def _glance(outcome: Outcome) -> str:
    parts = (
        (figures.THERE, outcome.there),
        (figures.OTHERS, outcome.others),
        (figures.LOCKED, outcome.locked),
        (figures.BACK, outcome.back),
        (figures.COMING, outcome.coming),
    )
    waits = [f"{name} {len(some)}: {max(some):.2f} s at most" for name, some in parts if some]
    more = [f"{count} {name}" for name, count in outcome.verdict.counts.items()]
    more += [
        f"{count} {name}"
        for name, count in (("refused", outcome.refused), ("signed out", len(outcome.signed_out)))
        if count
    ]
    return "; ".join(waits + more)
