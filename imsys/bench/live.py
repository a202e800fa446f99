"""``imsys-bench live``: how many can watch one stream on one core, how late it is for them, and what they
cost; beside nginx-rtmp.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import platform
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from imsys.bench.grants import Caller, connected
from imsys.bench.nginx_rtmp import nginx_rtmp
from imsys.bench.options import add_output, amounts, seconds, setting, whole
from imsys.bench.processes import forget_peak, peak_kib
from imsys.bench.profiling import Profile
from imsys.bench.report import Report, latency, publish
from imsys.bench.servers import Setup, private_servers
from imsys.bench.tasks import Publish, Stream, Task, Watch, microseconds
from imsys.bench.users import users_of
from imsys.bench.workers import Observed, crew
from imsys.errors import ConfigError
from imsys.protocols.framing import CHAT

_START = 80
"""LIVE_START."""
_PROBES = 8
"""Players that read and time everything; the others are the crowd."""
_FEW, _FIRST = 20, 150
"""Players of the first two trials: one that only warms up and says what memory the cache takes, and one that
says where to look.
"""
_FULL = 0.95
"""Of its core, a server that has as many players as it can have uses so much."""
_CLOSE = 1.06
"""So near to each other are a number of players that went well and one that did not, when the search ends."""
_TRIALS = 9
_BELOW = 0.5
"""Of the most players that nginx-rtmp can have: with how many our delay is measured. (Of one's own, if there
is no other.)
"""
_LAG = 1.0
"""Seconds after its end in which a stream must have arrived everywhere: what takes longer was only put off.
"""
_DRAIN = 6.0
_BUSY = 0.95
"""Of its core: a generator that uses more measures itself, and the server could have more players."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """The result with a number of players."""

    players: int
    delays: Sequence[int]
    """Microseconds."""
    short: int
    """Players that missed bytes."""
    lag: float
    """Seconds until the last player had the end."""
    cpu: float
    """Seconds of the server's for each second of the stream."""
    generator: float
    """The same of the generator's processes."""
    memory: int
    """KiB at most."""
    received: int
    """Messages that the probes read."""

    @property
    def well(self) -> bool:
        """Whether all players had the whole stream in time, and the generator was not the bottleneck."""
        return not self.short and self.lag <= _LAG and self.generator <= _BUSY


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("live", help="players of one live stream on one core, beside nginx-rtmp")
    parser.add_argument(
        "--bitrate", type=whole, default=4_000_000, metavar="N", help="bits a second of the stream"
    )
    parser.add_argument(
        "--time", type=seconds, default=5.0, metavar="SECONDS", help="how long the stream of one trial is"
    )
    parser.add_argument(
        "--players", type=whole, metavar="N", help="one trial with so many, instead of searching for the most"
    )
    parser.add_argument(
        "--chunks",
        type=amounts,
        default=[4096, 65536],
        metavar="BYTES,…",
        help="chunk sizes of nginx-rtmp: its default, and ours",
    )
    parser.add_argument("--only", choices=("imsys", "nginx"), help="measure one of them")
    parser.add_argument(
        "--server-core", type=int, default=0, metavar="N", help="the one core that a server has"
    )
    parser.add_argument(
        "--client-core", type=int, default=1, metavar="N", help="the core that publisher and players have"
    )
    parser.add_argument("--reactor", metavar="NAME", help="reactor of our server (default: its own choice)")
    parser.add_argument(
        "--set",
        action="append",
        type=setting,
        default=[],
        metavar="KEY=VALUE",
        help="configuration of our server",
    )
    parser.add_argument(
        "--profile",
        metavar="FILE",
        help="record where our server spends its time, with py-spy (with --players)",
    )
    # every scene is told; a stream needs one
    parser.add_argument("--generators", type=whole, default=1, help=argparse.SUPPRESS)
    add_output(parser)
    parser.set_defaults(run=lambda options: publish(options, measure(options)), measure=measure)


def measure(options: argparse.Namespace) -> list[Report]:
    """Run the chosen measurements. :raises ConfigError: a server does not start, or refuses."""
    cores = os.sched_getaffinity(0)
    for core in (options.server_core, options.client_core):
        if core not in cores:
            raise ConfigError(f"there is no core {core} here, but {', '.join(map(str, sorted(cores)))}")
    theirs = [_nginx(options, chunk) for chunk in (options.chunks if options.only != "imsys" else ())]
    if options.only == "nginx":
        return theirs
    below = max((found.counts["players with delay"] for found in theirs), default=None)
    with _imsys(options) as streams:
        ours = _measured("imsys", options, streams, below)
    if theirs and not options.players:
        most = max(found.figures["players"] for found in theirs)
        figures = {**ours.figures, "players, % of nginx-rtmp": round(100 * ours.figures["players"] / most, 1)}
        ours = Report(**{**vars(ours), "figures": figures})
    return [*theirs, ours]


def _nginx(options: argparse.Namespace, chunk: int) -> Report:
    """Run all trials of nginx-rtmp with chunks of this size."""
    numbers = itertools.count()
    with nginx_rtmp([options.server_core], chunk) as beside:
        streams = _Streams(beside.pid, lambda: beside.stream(str(next(numbers))))
        return _measured(f"nginx-rtmp, chunks of {chunk:,} bytes", options, streams, None)


@dataclass(frozen=True)
class _Streams:
    """A server, and a new stream of it each time."""

    pid: int
    new: Callable[[], Stream]
    watch: Callable[[], Stream] | None = None
    """The one that was made last, for players, where that is not the same."""


@contextlib.contextmanager
def _imsys(options: argparse.Namespace) -> Iterator[_Streams]:
    """Start our server, and a user who goes live there."""
    many = {
        "LIVE_PLAYERS": "100000",
        "LIVE_SILENCE": "600",
        "LIVE_STREAMS": "1000",
        "RESOURCES_CAPACITY": "30000",
    }
    many |= {"LIMITS_CONNECTIONS_USER": "0", **dict(options.set)}  # all players have the key of one
    with contextlib.ExitStack() as stack:
        servers = stack.enter_context(
            private_servers(Setup(settings=many, reactor=options.reactor, cores=(options.server_core,)))
        )
        user = users_of(servers.environ, servers.addresses(tls=False), 1)[0]
        caller = Caller(stack.enter_context(connected(user[2], user[3], None)), CHAT)
        caller.log_in(user)
        urls: dict[str, str] = {}

        def new() -> Stream:
            urls.update(caller.ask(_START, _START + 1, thread_id=str(user[5]), title="measured"))
            return _stream(urls["publish_url"])

        yield _Streams(servers.pids["server"], new, lambda: _stream(urls["play_url"]))


def _stream(url: str) -> Stream:
    """Parse a URL. :raises ConfigError: it is not for RTMP."""
    parts = urlsplit(url)
    if parts.scheme != "rtmp" or parts.port is None:
        raise ConfigError(f"the server gives URLs of {parts.scheme}, and players without TLS are measured")
    app, _, name = parts.path.strip("/").partition("/")
    return Stream(
        host="127.0.0.1", port=parts.port, app=app, name=f"{name}?{parts.query}" if parts.query else name
    )


def _measured(name: str, options: argparse.Namespace, streams: _Streams, below: int | None) -> Report:
    """All trials of one server; ``below``: with how many players the delay is measured, half of the most if
    that is not said.
    """
    trials: list[Trial] = []

    def attempt(players: int) -> Trial:
        found = _trial(options, streams, players, profile=name == "imsys")
        trials.append(found)
        if options.json != "-":
            print(_line(name, found), flush=True)
        return found

    if options.players:
        best = fewer = attempt(options.players)
    else:
        attempt(_FEW)
        best = _most(attempt)
        fewer = attempt(min(best.players, below or max(_PROBES + 1, round(best.players * _BELOW))))
    return _report(name, options, trials, best, fewer)


def _most(attempt: Callable[[int], Trial]) -> Trial:
    """The trial with the most players that went well: what trials used of the core tells where to look, as
    long as all go well.
    """
    best = first = attempt(_FIRST)
    if not first.well:
        raise ConfigError(
            f"it does not go well with {_FIRST} players: {first.short} missed something, the last was {first.lag:.1f} s late"
        )
    worst: int | None = None
    players = round(min(8.0, _FULL / max(1e-3, first.cpu)) * first.players)
    for _ in range(_TRIALS):
        found = attempt(players)
        if found.well:
            before, best = best, max(best, found, key=lambda trial: trial.players)
        else:
            worst = min(worst or players, players)
        if worst is None:
            each = max(1e-6, (best.cpu - before.cpu) / max(1, best.players - before.players))
            players = round(best.players * min(2.0, max(1.1, 1 + (_FULL - best.cpu) / each / best.players)))
        elif worst <= best.players * _CLOSE:
            break
        else:
            # an estimate that was too high is nearer than the first trial
            near = 0.85 if best is first else 0.0
            players = max((best.players + worst) // 2, round(worst * near))
    return best


def _trial(options: argparse.Namespace, streams: _Streams, players: int, *, profile: bool) -> Trial:
    """Run one stream with a number of players."""
    stream = streams.new()
    watched = streams.watch() if streams.watch else stream
    cores = [options.client_core]
    source = Task(
        users=[], work=Publish(stream=stream, bitrate=options.bitrate, time=options.time), cores=cores
    )
    common = {"stream": watched, "time": options.time, "warmup": min(1.0, options.time / 4), "drain": _DRAIN}
    probes = Task(users=[], work=Watch(players=_PROBES, read=True, **common), cores=cores)
    crowd = Task(users=[], work=Watch(players=max(1, players - _PROBES), read=False, **common), cores=cores)
    recording = (
        Profile(streams.pid, Path(options.profile), options.time) if options.profile and profile else None
    )
    sent: list[Observed] = []
    with (
        crew([source], {}) as publisher,
        crew([probes], {}) as readers,
        crew([crowd], {"server": streams.pid}) as audience,
    ):
        forget_peak(streams.pid)
        seen: list[Observed] = []
        others = [
            threading.Thread(target=lambda: seen.append(readers.work())),
            threading.Thread(target=lambda: sent.append(publisher.work())),
        ]

        def begin() -> None:
            if recording is not None:
                recording.start()
            for thread in others:
                thread.start()

        counted = audience.work(begin)
        for thread in others:
            thread.join()
        memory = peak_kib(streams.pid)
    if recording is not None:
        recording.finish()
    if not sent or not seen:
        raise ConfigError("a process that makes load failed")
    return _seen(options, players, sent[0], seen[0], counted, memory)


def _seen(
    options: argparse.Namespace, players: int, sent: Observed, read: Observed, counted: Observed, memory: int
) -> Trial:
    """Return the result of a trial."""
    result = counted.result
    cpu = sum(one.result.cpu_seconds for one in (sent, read, counted))
    return Trial(
        players=players,
        delays=microseconds(read.result.latencies["publish to play"]),
        short=result.counts["short"] + read.result.counts["lost"] + read.result.counts["closed"],
        lag=max(0, result.counts["last, us"] - sent.result.counts["ended, us"]) / 1e6,
        cpu=sum(counted.cpu.values()) / options.time,
        generator=cpu / options.time,
        memory=memory,
        received=read.result.counts["received"],
    )


def _line(name: str, trial: Trial) -> str:
    """Format a trial for the progress output."""
    delay, outcome = latency(trial.delays), "well" if trial.well else f"{trial.short} short"
    return (
        f"{name:33} {trial.players:5} players: {outcome}, the last {trial.lag:.2f} s late,"
        f" p50 {delay.p50:.1f} and p99 {delay.p99:.1f} ms, CPU {trial.cpu:.0%}, generator {trial.generator:.0%},"
        f" {trial.memory / 1024:.0f} MiB"
    )


def _report(
    name: str, options: argparse.Namespace, trials: Sequence[Trial], best: Trial, below: Trial
) -> Report:
    """Make a server's report: the most players, and the delay with some fewer."""
    few = trials[0]
    about: dict[str, object] = {
        "what": name,
        "operation": name,
        "bits a second": options.bitrate,
        "seconds": options.time,
        **(dict(options.set) if name == "imsys" else {}),
        "players with delay": below.players,
        "server cores": 1,
        "generator cores": 1,
        "python": platform.python_version(),
        "cores": os.cpu_count() or 0,
    }
    # what an overload left behind does not tell what players need
    calm = list(itertools.takewhile(lambda trial: trial.well, trials))
    most = max(calm or trials, key=lambda trial: trial.players)
    if any(trial.generator > _BUSY for trial in trials):
        about["limited by"] = "generator"
    about["MiB at most, by players"] = ", ".join(
        f"{trial.players}: {trial.memory / 1024:.0f}" for trial in trials
    )
    figures: dict[str, float] = {
        "players": best.players,
        "CPU, s per stream-minute": round(below.cpu * 60 / below.players, 4),
        f"memory with {few.players} players, MiB": round(few.memory / 1024, 1),
        "memory a player, KiB": round((most.memory - few.memory) / max(1, most.players - few.players), 1),
        "peak memory, MiB": round(max(trial.memory for trial in trials) / 1024, 1),
    }
    return Report(
        scene="live",
        setting=about,
        seconds=options.time,
        latency={"publish to play": latency(below.delays), "with the most players": latency(best.delays)},
        counts={
            "players with delay": below.players,
            "received": below.received,
            "failed": 0 if below.well else max(1, below.short),
        },
        figures=figures,
    )
