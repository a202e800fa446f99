"""``imsys-bench peers``: our server beside ejabberd and Prosody, in turns on the same machine, over the same
pairs.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import secrets
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from imsys.bench.options import add_output, amounts, seconds, whole
from imsys.bench.peers import ejabberd, own, prosody
from imsys.bench.peers.losses import losses
from imsys.bench.peers.peer import Peer
from imsys.bench.peers.showing import draw, show
from imsys.bench.report import Report, publish, report
from imsys.bench.tasks import Chat, LogIn, Task, User
from imsys.bench.workers import Observed, crew
from imsys.errors import ConfigError

NAMES = ("ejabberd", "prosody", "imsys")
SMALLEST = 32
"""Characters of a text: its number, the run, and something behind them."""
_AT_ONCE = 64
_AFTER = 0.3
"""Seconds that the burst goes on after the kill, so that what was under way on loopback arrives."""


@dataclass(frozen=True, kw_only=True)
class _Kind:
    """One kind of server, and how it is set up."""

    label: str
    configuration: str
    acknowledgement: str
    """What it means that a message is acknowledged."""
    start: Callable[[contextlib.ExitStack], Peer]


@dataclass(frozen=True, kw_only=True)
class _Guest:
    """One that runs, and who has an account there."""

    kind: _Kind
    peer: Peer
    users: Sequence[User]


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "peers", help="durable messages, logins, memory, and losses, beside ejabberd and Prosody"
    )
    parser.add_argument(
        "--peers", type=_names, default=list(NAMES), metavar="NAME,…", help="which servers are measured"
    )
    parser.add_argument(
        "--backend",
        choices=("both", "mysql", "sqlite"),
        default="both",
        help="database of our own server",
    )
    parser.add_argument(
        "--pairs", type=amounts, default=[50, 500], metavar="N,…", help="pairs of users who write"
    )
    parser.add_argument(
        "--size", type=whole, default=64, metavar="N", help=f"characters of a text ({SMALLEST} to 4096)"
    )
    parser.add_argument("--time", type=seconds, default=10.0, metavar="S", help="seconds that are measured")
    parser.add_argument("--warmup", type=seconds, default=1.0, metavar="S", help="seconds before")
    parser.add_argument(
        "--drain",
        type=seconds,
        default=15.0,
        metavar="S",
        help="seconds to wait for the last messages afterwards, at most",
    )
    parser.add_argument(
        "--burst",
        type=seconds,
        default=6.0,
        metavar="S",
        help="seconds of writing until the server is killed",
    )
    parser.add_argument(
        "--rounds", type=whole, default=1, metavar="N", help="turns of all servers; the kill is in the last"
    )
    parser.add_argument(
        "--show-config", action="store_true", help="print how each server is set up, and measure nothing"
    )
    add_output(parser)
    parser.set_defaults(run=_run, measure=measure)


def _names(text: str) -> list[str]:
    chosen = [part.strip() for part in text.split(",")]
    for name in chosen:
        if name not in NAMES:
            raise argparse.ArgumentTypeError(f"{name!r}: there are {', '.join(NAMES)}")
    return [name for name in NAMES if name in chosen]


def _run(options: argparse.Namespace) -> int:
    if options.show_config:
        for kind in _kinds(options):
            print(f"# {kind.label}\n# An acknowledgement: {kind.acknowledgement}.\n{kind.configuration}")
        return 0
    return publish(options, measure(options), show, draw)


def measure(options: argparse.Namespace) -> list[Report]:
    """Start all servers, and measure them in turns.

    :raises ConfigError: one is not installed, does not start, or refuses.
    """
    if not SMALLEST <= options.size <= 4096:
        raise ConfigError(f"--size: allowed is {SMALLEST} to 4096")
    found = []
    with contextlib.ExitStack() as stack:
        guests = []
        for kind in _kinds(options):
            peer = kind.start(stack)
            guests.append(_Guest(kind=kind, peer=peer, users=peer.users(max(options.pairs))))
        for turn in range(options.rounds):
            for part in _parts(options, last=turn == options.rounds - 1):
                for guest in guests:
                    made = part(guest)
                    found.append(made)
                    if options.json != "-":
                        print(f"{guest.kind.label}, {made.setting['part']}: {_glance(made)}", flush=True)
    return found


def _kinds(options: argparse.Namespace) -> Iterator[_Kind]:
    for name in options.peers:
        if name == "ejabberd":
            yield _Kind(
                label=ejabberd.LABEL,
                configuration=ejabberd.CONFIGURATION,
                acknowledgement=ejabberd.ACKNOWLEDGEMENT,
                start=ejabberd.Ejabberd,
            )
        elif name == "prosody":
            yield _Kind(
                label=prosody.LABEL,
                configuration=prosody.CONFIGURATION,
                acknowledgement=prosody.ACKNOWLEDGEMENT,
                start=prosody.Prosody,
            )
        else:
            for backend in ("mysql", "sqlite") if options.backend == "both" else (options.backend,):
                yield _own(backend)


def _own(backend: str) -> _Kind:
    return _Kind(
        label=own.LABELS[backend],
        configuration=own.CONFIGURATION.replace("ENGINE", backend),
        acknowledgement=own.ACKNOWLEDGEMENT,
        start=lambda stack: own.Imsys(stack, backend),
    )


def _parts(options: argparse.Namespace, *, last: bool) -> Iterator[Callable[[_Guest], Report]]:
    """What is measured in one round, of each server in its turn.

    Logins come first: what later loads leave in the memory would be used again.
    """
    yield lambda guest: _logins(options, guest)
    for pairs in options.pairs:
        yield lambda guest, pairs=pairs: _chat(options, guest, pairs)  # type: ignore[misc]
    if last:
        yield lambda guest: _killed(options, guest)


def _logins(options: argparse.Namespace, guest: _Guest) -> Report:
    work = LogIn(time=60.0, settle=2.0)
    with crew([_task(guest, guest.users, work)], dict(guest.peer.pids)) as members:
        seen = members.work()
    grown = seen.memory.get("server", 0) - seen.memory_before.get("server", 0)
    figures = {"KB a session": round(grown * 1.024 / max(1, seen.result.counts["logins"]), 2)}
    return _report(options, guest, "logins", seen, {"logins": "logins"}, "logins", figures)


def _chat(options: argparse.Namespace, guest: _Guest, pairs: int) -> Report:
    users = guest.users[: 2 * pairs]
    work = Chat(
        run=secrets.token_hex(4),
        window=1,
        size=options.size,
        warmup=options.warmup,
        time=options.time,
        drain=options.drain,
    )
    with crew([_task(guest, users, work)], dict(guest.peer.pids)) as members:
        seen = members.work()
    rates = {"acknowledged": "acked", "delivered": "delivered"}
    return _report(options, guest, f"{pairs} pairs", seen, rates, "acked")


def _killed(options: argparse.Namespace, guest: _Guest) -> Report:
    """Kill the server while everybody writes, start it again, and look for what was acknowledged."""
    users = guest.users
    run = secrets.token_hex(4)
    work = Chat(
        run=run,
        window=1,
        size=options.size,
        warmup=0.0,
        time=options.burst + _AFTER,
        drain=0.0,
        fates=True,
    )

    def kill() -> None:
        time.sleep(options.burst)
        os.kill(guest.peer.pids["server"], signal.SIGKILL)

    with crew([_task(guest, users, work)], {}) as members:
        seen = members.work(kill)
    begun = time.monotonic()
    guest.peer.restart()
    back = time.monotonic() - begun
    with crew([_task(guest, users, LogIn(time=30.0))], {}) as members:
        returned = members.work().result.counts["logins"]
    found = losses(seen.result.fates, users, guest.peer.copies(run, users))
    counts = {
        "acknowledged": found.acknowledged,
        "delivered before": found.delivered,
        "kept for the receiver": found.kept,
        "no copy for the receiver": found.gone,
        "no copy at all": found.nowhere,
        "came back": returned,
    }
    if not guest.peer.xmpp:
        counts["lost"] = found.gone  # which is a fault of ours, and the exit status says so
    return Report(
        scene="peers",
        setting=_setting(options, guest, "kill -9"),
        seconds=options.burst,
        counts=counts,
        figures={"ready again, s": round(back, 2)},
    )


def _task(guest: _Guest, users: Sequence[User], work: Chat | LogIn) -> Task:
    return Task(users=list(users), work=work, xmpp=guest.peer.xmpp, at_once=_AT_ONCE)


def _report(
    options: argparse.Namespace,
    guest: _Guest,
    part: str,
    seen: Observed,
    rates: dict[str, str],
    per: str,
    figures: dict[str, float] | None = None,
) -> Report:
    setting = _setting(options, guest, part)
    return report("peers", setting, seen, rates=rates, per=per, figures=figures)


def _setting(options: argparse.Namespace, guest: _Guest, part: str) -> dict[str, object]:
    return {
        "what": f"{guest.kind.label}, {part}",
        "operation": guest.kind.label,
        "part": part,
        "size": options.size,
        "seconds": options.time,
        "configuration": guest.kind.configuration,
        "acknowledgement": guest.kind.acknowledgement,
        "python": platform.python_version(),
        "cores": os.cpu_count() or 0,
    }


def _glance(found: Report) -> str:
    rates = [f"{rate:,.0f} {name} a second" for name, rate in found.rates.items()]
    counts = [f"{count:,} {name}" for name, count in found.counts.items() if count]
    return ", ".join(rates or counts)
