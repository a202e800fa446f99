"""``imsys-bench files``: megabytes a second by each protocol, beside nginx; a large file; many users."""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imsys.bench import nginx
from imsys.bench.grants import context_for, desk
from imsys.bench.options import add_output, setting, whole
from imsys.bench.processes import forget_peak, memory_kib, peak_kib
from imsys.bench.profiling import Profile
from imsys.bench.report import Report, publish, report
from imsys.bench.servers import Servers, Setup, private_servers
from imsys.bench.tasks import Carry, Grant, Task, User, microseconds
from imsys.bench.users import users_of
from imsys.bench.workers import Observed, crew
from imsys.errors import ConfigError

_BLOCKS = 1 << 27
"""Bytes at most by the original's service: with one block in flight, a short file shows its rate."""

_NOBODY: User = (0, "", "", 0, 0, 0)
_USERS = 200
_EACH = 5_000_000


@dataclass(frozen=True, kw_only=True)
class Case:
    """An upload or a download by one protocol."""

    door: str
    up: bool
    tls: bool

    @property
    def name(self) -> str:
        """Its name in tables."""
        door = {"http": "HTTP", "frames": "frames", "blocks": "original's blocks", "web": "nginx"}[self.door]
        return f"{door} {'up' if self.up else 'down'}, {'TLS' if self.tls else 'plain'}"


CASES = tuple(
    Case(door=door, up=up, tls=tls)
    for door, ways, layers in (
        ("web", (True, False), (True, False)),
        ("http", (True, False), (True,)),
        ("frames", (True, False), (True, False)),
        ("blocks", (True,), (True, False)),
    )
    for tls in layers
    for up in ways
)
"""Uploads before downloads: what is read is what was sent last. (There is no HTTP without TLS at our server.)
"""


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "files", help="megabytes a second of files, up and down, beside nginx; large files; many users"
    )
    parser.add_argument(
        "--what",
        choices=("rates", "large", "many"),
        default="rates",
        help="each door; a very large file; many uploads at the same time",
    )
    parser.add_argument(
        "--size", type=whole, metavar="MB", help="megabytes of a file (rates: 1000, large: 10737, many: 5)"
    )
    parser.add_argument(
        "--rounds",
        type=whole,
        default=1,
        metavar="N",
        help="how often each is measured, in turns with the others",
    )
    parser.add_argument(
        "--users", type=whole, default=_USERS, metavar="N", help="users who send at the same time (many)"
    )
    parser.add_argument(
        "--doors", metavar="NAME,…", help="only those whose names begin so, as 'HTTP' or 'frames up, TLS'"
    )
    parser.add_argument(
        "--encryption",
        choices=("on", "off", "both"),
        default="both",
        help="whether files are encrypted at rest (rates)",
    )
    parser.add_argument(
        "--folder",
        metavar="FOLDER",
        help="where the servers keep everything; on a RAM disk, no disk bounds them (default: TMPDIR)",
    )
    parser.add_argument("--without-nginx", action="store_true", help="measure our server alone")
    parser.add_argument(
        "--server-core", type=int, default=0, metavar="N", help="the one core that a server has"
    )
    parser.add_argument(
        "--client-core", type=int, default=1, metavar="N", help="the core that the client has"
    )
    parser.add_argument(
        "--set",
        action="append",
        type=setting,
        default=[],
        metavar="KEY=VALUE",
        help="configuration of the server, as RESOURCES_WINDOW=16",
    )
    parser.add_argument(
        "--profile",
        metavar="FILE",
        help="record where our server spends its time, with py-spy (with one of --doors)",
    )
    # every scene is told; files need one
    parser.add_argument("--generators", type=whole, default=1, help=argparse.SUPPRESS)
    add_output(parser)
    parser.set_defaults(run=lambda options: publish(options, measure(options)), measure=measure)


def measure(options: argparse.Namespace) -> list[Report]:
    """Run the chosen measurements. :raises ConfigError: a server does not start, or a transfer fails."""
    cores = os.sched_getaffinity(0)
    for core in (options.server_core, options.client_core):
        if core not in cores:
            raise ConfigError(f"there is no core {core} here, but {', '.join(map(str, sorted(cores)))}")
    if options.folder:
        tempfile.tempdir = options.folder
    if options.what == "large":
        return _large(options)
    if options.what == "many":
        return _many(options)
    reports: list[Report] = []
    for encrypted in {"on": (True,), "off": (False,), "both": (True, False)}[options.encryption]:
        reports += _rates(options, encrypted=encrypted)
    return _compared(reports)


class _Scene:
    """One resources server, and the users who transfer files."""

    def __init__(
        self, options: argparse.Namespace, servers: Servers, users: Sequence[User], *, encrypted: bool
    ) -> None:
        self._options = options
        self._encrypted = encrypted
        self._users = users
        self._sent = ""
        self.servers = servers
        self.pid = servers.pids["server"]

    def carry(
        self, case: Case, size: int, *, users: int = 1, setting: dict[str, object] | None = None
    ) -> Report:
        """Transfer one file of each user, by our server."""
        grants = [self._grant(case, user, size) for user in self._users[:users]]
        forget_peak(self.pid)
        before = memory_kib({"server": self.pid})["server"]
        seen = observe(
            self._options,
            case,
            self._users[:users],
            grants,
            size,
            self.servers.ca,
            {"server": self.pid},
            self._profile(),
        )
        if case.up and case.door != "blocks":
            self._sent = grants[-1].file_id
        figures = {"server memory grew by at most, MiB": round(max(0, peak_kib(self.pid) - before) / 1024, 1)}
        return reported(
            self._options, case, size, seen, figures, {"encrypted": self._encrypted, **(setting or {})}
        )

    def _grant(self, case: Case, user: User, size: int) -> Grant:
        target = self.servers.targets[0]
        # a client without TLS is told the port without TLS
        port = target.tls_port if case.tls else target.plain_port
        with desk((*user[:3], port, *user[4:]), context_for(self.servers.ca) if case.tls else None) as files:
            if case.door == "blocks":  # it has no offers; the port is that of frames
                return files.offer(1, http=False)
            if case.up:
                return files.offer(size, http=case.door == "http")
            if not self._sent:
                raise ConfigError(
                    "there is nothing to read before something was sent: --doors leaves no upload before it"
                )
            return files.get(self._sent, http=case.door == "http")

    def _profile(self) -> Profile | None:
        path = self._options.profile
        return Profile(self.pid, Path(path), None) if path else None


def observe(
    options: argparse.Namespace,
    case: Case,
    users: Sequence[User],
    grants: list[Grant],
    size: int,
    ca: str,
    pids: dict[str, int],
    profile: Profile | None = None,
) -> Observed:
    """Transfer a file for each user, and measure the time. :raises ConfigError: a transfer fails."""
    work = Carry(door=case.door, up=case.up, size=size, grants=grants)
    task = Task(users=list(users), work=work, tls=case.tls, ca=ca, cores=[options.client_core])
    with crew([task], pids) as members:
        seen = members.work(profile.start if profile else lambda: None)
    if profile:
        profile.finish()
    if seen.result.notes:
        raise ConfigError(f"{case.name}: {next(iter(seen.result.notes))}")
    return seen


def reported(
    options: argparse.Namespace,
    case: Case,
    size: int,
    seen: Observed,
    figures: dict[str, float],
    more: dict[str, object],
) -> Report:
    """Make a report of one turn of one case."""
    found = seen.result.counts["bytes"] / 1e9
    name = (
        case.name
        if "encrypted" not in more
        else f"{case.name}, {'encrypted' if more['encrypted'] else 'not encrypted'}"
    )
    about = {
        "what": name,
        "operation": name,
        "door": case.door,
        "up": case.up,
        "tls": case.tls,
        **more,
        "MB": round(size / 1e6),
        **dict(options.set),
        "python": platform.python_version(),
        "cores": 1,
    }
    if len(ended := sorted(microseconds(seen.result.latencies["transfer"]))) > 1:
        ranks = {"first": ended[0], "median": ended[len(ended) // 2], "last": ended[-1]}
        figures = figures | {f"{rank} to end, s": round(value / 1e6, 3) for rank, value in ranks.items()}
    figures = {
        "MB a second": round(found * 1000 / max(1e-9, seen.result.seconds), 1),
        "server CPU, s/GB": round(sum(seen.cpu.values()) / found, 3),
        "client CPU, s/GB": round(seen.result.cpu_seconds / found, 3),
        **figures,
    }
    return report("files", about, seen, rates={}, per="bytes", figures=figures)


@contextlib.contextmanager
def _scene(options: argparse.Namespace, *, encrypted: bool, users: int = 2) -> Iterator[_Scene]:
    rules = {
        "FILES_ENCRYPTION": "yes" if encrypted else "no",
        "FILES_MAX_FILE": str(1 << 40),
        "FILES_QUOTA": "0",
    }
    settings = rules | {"RESOURCES_CAPACITY": str(users + 100)} | dict(options.set)
    with private_servers(Setup(settings=settings, cores=(options.server_core,))) as servers:
        yield _Scene(
            options,
            servers,
            users_of(servers.environ, servers.addresses(tls=False), -(-users // 2)),
            encrypted=encrypted,
        )


def _rates(options: argparse.Namespace, *, encrypted: bool) -> list[Report]:
    """Each case in turn, and all of them as often as asked for; one turn before, which only warms up."""
    size, reports = (options.size or 1000) * 1_000_000, []
    wanted = [
        case for case in CASES if not options.doors or case.name.startswith(tuple(options.doors.split(",")))
    ]
    others = [] if options.without_nginx else [case for case in CASES if case.door == "web"]
    with contextlib.ExitStack() as stack:
        scene = stack.enter_context(_scene(options, encrypted=encrypted))
        _room(scene.servers.home, 3 * size)
        beside = (
            stack.enter_context(nginx.nginx(Path(scene.servers.ca).parent, [options.server_core]))
            if others
            else None
        )
        for case in (Case(door="http", up=True, tls=True), Case(door="http", up=False, tls=True)):
            scene.carry(case, min(size, 50_000_000))
        for _ in range(options.rounds):
            for case in [*others, *(case for case in wanted if case.door != "web")]:
                if case.door != "web":
                    reports.append(scene.carry(case, min(size, _BLOCKS) if case.door == "blocks" else size))
                elif beside is not None:
                    grant = [beside.grant(tls=case.tls)]
                    seen = observe(
                        options, case, [_NOBODY], grant, size, scene.servers.ca, {"nginx": beside.pid}
                    )
                    reports.append(reported(options, case, size, seen, {}, {"beside": encrypted}))
    return reports


def _large(options: argparse.Namespace) -> list[Report]:
    """Transfer one file that is much larger than the memory that its server may take for it."""
    size = (options.size or 10737) * 1_000_000 if options.size else 10 << 30
    wanted = [case for case in CASES if case.door in ("http", "frames") and case.tls]
    with _scene(options, encrypted=True) as scene:
        _room(scene.servers.home, 3 * size)
        return [
            scene.carry(case, size, setting={"scene": "large"})
            for case in wanted
            if not options.doors or case.name.startswith(tuple(options.doors.split(",")))
        ]


def _many(options: argparse.Namespace) -> list[Report]:
    """Have many users send a file each at the same time."""
    size = options.size * 1_000_000 if options.size else _EACH
    with _scene(options, encrypted=True, users=options.users) as scene:
        _room(scene.servers.home, 2 * size * options.users)
        reports = []
        for door in ("frames", "http"):
            case = Case(door=door, up=True, tls=True)
            if not options.doors or case.name.startswith(tuple(options.doors.split(","))):
                reports.append(
                    scene.carry(
                        case, size, users=options.users, setting={"scene": "many", "users": options.users}
                    )
                )
        return reports


def _compared(reports: Sequence[Report]) -> list[Report]:
    """Add to the reports how fast each was beside nginx with the same file in the same turn."""
    theirs: dict[tuple[object, ...], float] = {}
    compared = []
    for found in reports:
        about, figures = found.setting, dict(found.figures)
        key = (about["up"], about["tls"])
        if about["door"] == "web":
            theirs[key] = figures["MB a second"]
        elif key in theirs and about["door"] != "blocks":
            figures["of nginx, %"] = round(100 * figures["MB a second"] / theirs[key], 1)
        compared.append(Report(**{**vars(found), "figures": figures}))
    return compared


def _room(home: Path, size: int) -> None:
    """Check that the files fit on the disk. :raises ConfigError: they do not."""
    if (free := shutil.disk_usage(home).free) < size:
        raise ConfigError(
            f"{home} has room for {free / 1e9:.0f} GB, and {size / 1e9:.0f} are needed; TMPDIR names another place"
        )
