"""The scenes of 'imsys-bench all', and the goals that they are held to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from imsys.bench.report import ALL

MOST_SECONDS = 900.0
"""Seconds after which a scene is aborted."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One command of imsys-bench, run as often as all others, in turns with them."""

    name: str
    title: str
    group: str
    arguments: Sequence[str]
    quick: Sequence[str] = ()
    """Further options for a quick run."""
    control_of: str = ""
    """The scene that this one is the control of: the same, without something that is to make it faster."""
    once: bool = False
    """Whether one run is enough, since it repeats its measurements by itself."""
    generators: bool = True
    """Whether several processes can make its load."""
    seconds: float = MOST_SECONDS


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One number of a report, and its bound."""

    path: Sequence[str]
    """Keys of the report, one below the other; several that begin with the last one are added."""
    what: str
    at_least: float | None = None
    at_most: float | None = None
    factor: float = 1.0
    """What the report's number is multiplied by."""


@dataclass(frozen=True, kw_only=True)
class Goal:
    """What is wanted of a scene, beside what the original system did on such a machine."""

    scene: str
    title: str
    original: str
    figures: Sequence[Figure]
    stored: int | None = None
    operation: str = ""


_QUICK = ("--time", "2", "--warmup", "0.5")
_STOCK, _SINGLE = ("--reactor", "epoll"), ("--set", "CHAT_LOG_BATCH=1")


def _chat(
    name: str, title: str, *arguments: str, group: str = "chat", control_of: str = "", command: str = "chat"
) -> Scene:
    return Scene(
        name=name,
        title=title,
        group=group,
        arguments=(command, *arguments),
        quick=_QUICK,
        control_of=control_of,
    )


def _login(name: str, title: str, *arguments: str, logins: int) -> Scene:
    return Scene(
        name=name,
        title=title,
        group="login",
        arguments=("login", "--logins", str(logins), *arguments),
        quick=("--logins", "500"),
    )


def _idle(connections: int, *arguments: str, tls: bool = False, seconds: float = MOST_SECONDS) -> Scene:
    name = f"idle-{connections}{'-tls' if tls else ''}"
    more = ("--tls",) if tls else ()
    return Scene(
        name=name,
        title=f"{connections:,}{' over TLS' if tls else ''}",
        group="idle",
        arguments=("idle", "--connections", str(connections), *more, *arguments),
        quick=("--connections", str(min(500, connections)), "--time", "4", "--beat", "2"),
        seconds=seconds,
    )


def _groups(members: int, title: str, *arguments: str, name: str = "") -> Scene:
    return Scene(
        name=f"groups-{members}{name}",
        title=title,
        group="groups",
        arguments=("groups", *_MARIADB, "--members", str(members), *arguments),
        quick=_QUICK,
    )


def _overview(threads: int) -> Scene:
    return Scene(
        name=f"overview-{threads}",
        title=f"{threads:,}",
        group="overview",
        arguments=("overview", *_MARIADB, "--threads", str(threads)),
        quick=(*_QUICK, "--threads", str(min(100, threads))),
    )


def _growth(backend: str, title: str) -> Scene:
    return Scene(
        name=f"growth-{backend}",
        title=title,
        group="growth",
        arguments=("growth", "--backend", backend, "--time", "5", "--warmup", "1", "--rounds", "5"),
        quick=(
            "--stored",
            "10000,100000",
            "--time",
            "1",
            "--rounds",
            "1",
            "--settle",
            "1",
            "--friends",
            "10,200",
            "--readers",
            "20",
        ),
        once=True,
        seconds=5400.0,
    )


def _files(
    name: str, title: str, *arguments: str, quick: Sequence[str] = ("--size", "50", "--rounds", "1")
) -> Scene:
    return Scene(
        name=name, title=title, group="files", arguments=("files", *arguments), quick=quick, once=True
    )


def _storm(sessions: int) -> Scene:
    return Scene(
        name=f"storm-{sessions}",
        title=f"{sessions:,}",
        group="storm",
        arguments=("storm", "--sessions", str(sessions)),
        quick=("--sessions", "100"),
        seconds=1800.0,
    )


_MARIADB, _SQLITE = ("--backend", "mysql"), ("--backend", "sqlite")

SCENES: Sequence[Scene] = (
    _chat("chat-mysql", "MariaDB", *_MARIADB, "--pairs", "500"),
    _chat(
        "chat-mysql-control",
        "stock reactor, no group commit",
        *_MARIADB,
        "--pairs",
        "500",
        *_STOCK,
        *_SINGLE,
        control_of="chat-mysql",
    ),
    _chat("chat-mysql-stock", "stock reactor", *_MARIADB, "--pairs", "500", *_STOCK, control_of="chat-mysql"),
    _chat(
        "chat-mysql-single", "no group commit", *_MARIADB, "--pairs", "500", *_SINGLE, control_of="chat-mysql"
    ),
    _chat("chat-mysql-compiled", "MariaDB, compiled", *_MARIADB, "--pairs", "500", "--compiled"),
    _chat("chat-mysql-tls", "MariaDB, TLS", *_MARIADB, "--pairs", "500", "--tls"),
    _chat(
        "chat-mysql-tls-control",
        "stock reactor, no group commit",
        *(*_MARIADB, "--pairs", "500", "--tls", *_STOCK, *_SINGLE),
        control_of="chat-mysql-tls",
    ),
    _chat("chat-sqlite", "SQLite", *_SQLITE, "--pairs", "500"),
    _chat(
        "chat-sqlite-control",
        "stock reactor, no group commit",
        *_SQLITE,
        "--pairs",
        "500",
        *_STOCK,
        *_SINGLE,
        control_of="chat-sqlite",
    ),
    _chat("chat-sqlite-tls", "SQLite, TLS", *_SQLITE, "--pairs", "500", "--tls"),
    _chat(
        "chat-sqlite-tls-control",
        "stock reactor, no group commit",
        *(*_SQLITE, "--pairs", "500", "--tls", *_STOCK, *_SINGLE),
        control_of="chat-sqlite-tls",
    ),
    _chat("few-mysql", "MariaDB, 50 pairs", *_MARIADB, "--pairs", "50"),
    _chat("few-mysql-tls", "MariaDB, 50 pairs, TLS", *_MARIADB, "--pairs", "50", "--tls"),
    _chat("few-sqlite", "SQLite, 50 pairs", *_SQLITE, "--pairs", "50"),
    _chat("few-sqlite-tls", "SQLite, 50 pairs, TLS", *_SQLITE, "--pairs", "50", "--tls"),
    _chat("open-mysql", "MariaDB", *_MARIADB, "--pairs", "500", "--rate", "5000", group="open"),
    _chat(
        "open-mysql-tls", "MariaDB, TLS", *_MARIADB, "--pairs", "500", "--rate", "5000", "--tls", group="open"
    ),
    _chat("open-sqlite", "SQLite", *_SQLITE, "--pairs", "500", "--rate", "5000", group="open"),
    _chat(
        "open-sqlite-tls", "SQLite, TLS", *_SQLITE, "--pairs", "500", "--rate", "5000", "--tls", group="open"
    ),
    _chat("nodes-2", "2 servers", "--nodes", "2", "--pairs", "500", group="nodes", command="nodes"),
    _chat(
        "nodes-2-control",
        "stock reactor",
        "--nodes",
        "2",
        "--pairs",
        "500",
        *_STOCK,
        group="nodes",
        command="nodes",
        control_of="nodes-2",
    ),
    _chat("nodes-3", "3 servers", "--nodes", "3", "--pairs", "500", group="nodes", command="nodes"),
    _chat("nodes-4", "4 servers", "--nodes", "4", "--pairs", "500", group="nodes", command="nodes"),
    _login("login-mysql", "MariaDB", *_MARIADB, logins=15_000),
    _login("login-mysql-tls", "MariaDB, TLS", *_MARIADB, "--tls", logins=5_000),
    _login(
        "login-mysql-resumed", "MariaDB, TLS sessions resumed", *_MARIADB, "--tls", "--resume", logins=5_000
    ),
    _login("login-sqlite", "SQLite", *_SQLITE, logins=15_000),
    _login("login-sqlite-tls", "SQLite, TLS", *_SQLITE, "--tls", logins=5_000),
    _idle(100, "--time", "20", *_MARIADB),
    _idle(1_000, "--time", "20", *_MARIADB),
    _idle(10_000, "--time", "20", *_MARIADB),
    _idle(19_000, *_MARIADB),
    _idle(19_000, *_MARIADB, tls=True),
    _idle(90_000, *_MARIADB, "--processes", "5", seconds=1800.0),
    _groups(10, "50 groups of 10", "--groups", "50"),
    _groups(10, "50 groups of 10, 2 servers", "--groups", "50", "--nodes", "2", name="-nodes"),
    _groups(100, "5 groups of 100", "--groups", "5", "--window", "4"),
    _groups(
        100, "5 groups of 100, 2 servers", "--groups", "5", "--window", "4", "--nodes", "2", name="-nodes"
    ),
    _groups(1_000, "1,000", "--window", "4"),
    _groups(1_000, "1,000, 10 % there", "--window", "4", "--online", "10", name="-few"),
    _groups(1_000, "1,000, 2 servers", "--window", "4", "--nodes", "2", name="-nodes"),
    _groups(10_000, "10,000", "--window", "2"),
    _groups(10_000, "10,000, one message a second", "--rate", "1", "--time", "60", name="-slow"),
    _groups(10_000, "10,000, 10 % there", "--window", "4", "--online", "10", name="-few"),
    _groups(10_000, "10,000, 2 servers", "--window", "2", "--nodes", "2", name="-nodes"),
    _overview(20),
    _overview(500),
    _overview(5_000),
    _growth("mysql", "MariaDB"),
    _growth("sqlite", "SQLite"),
    _files("files", "on the disk", "--rounds", "3"),
    _files("files-memory", "on a RAM disk", "--rounds", "3", "--encryption", "on", "--folder", "/dev/shm"),  # noqa: S108 (a RAM disk)
    _files("files-large", "10 GiB", "--what", "large", quick=("--size", "200")),
    _files("files-many", "200 users", "--what", "many", quick=("--users", "20")),
    Scene(
        name="faults",
        title="three chat servers",
        group="faults",
        arguments=("faults",),
        quick=("--runs", "1", "--only", "nothing,kill,vanish-transaction"),
        once=True,
        generators=False,
        seconds=7200.0,
    ),
    _storm(3_000),
    _storm(10_000),
    Scene(
        name="live",
        title="4 Mb/s",
        group="live",
        arguments=("live",),
        quick=("--time", "2", "--players", "100"),
        once=True,
    ),
    Scene(
        name="peers",
        title="beside ejabberd and Prosody",
        group="peers",
        arguments=("peers", "--rounds", "3"),
        quick=("--rounds", "1", "--time", "2", "--warmup", "0.5", "--burst", "2"),
        once=True,
        generators=False,
    ),
    Scene(
        name="client",
        title="the desktop client",
        group="client",
        arguments=("client",),
        quick=("--messages", "20000", "--starts", "2", "--minutes", "0.5"),
        once=True,
        generators=False,
        seconds=3600.0,
    ),
)

_NGINX = ("figures", "of nginx, %")
_GREW = ("figures", "server memory grew by at most, MiB")
_DOWN, _UP = "HTTP down, TLS, encrypted", "HTTP up, TLS, encrypted"

_CPU = ("cpu_ms_per_1000", "server")
_RATE, _ACK, _DELIVERY = ("rates", "acknowledged"), ("latency", "ack", "p99"), ("latency", "delivery", "p99")

GOALS: Sequence[Goal] = (
    Goal(
        scene="chat-mysql",
        title="durable messages acknowledged, one node, 500 pairs, one in flight each, plain",
        original="640/s",
        figures=(
            Figure(path=_RATE, what="a second", at_least=36_000),
            Figure(path=_ACK, what="ms ack p99", at_most=35),
        ),
    ),
    Goal(
        scene="chat-mysql-compiled",
        title="the same by the compiled build",
        original="–",
        figures=(Figure(path=_RATE, what="a second", at_least=40_000),),
    ),
    Goal(
        scene="chat-mysql-tls",
        title="the same over TLS",
        original="–",
        figures=(Figure(path=_RATE, what="a second", at_least=25_000),),
    ),
    Goal(
        scene="chat-sqlite",
        title="the same on SQLite",
        original="–",
        figures=(Figure(path=_RATE, what="a second", at_least=25_000),),
    ),
    Goal(
        scene="few-mysql",
        title="50 pairs, one in flight",
        original="640/s, p99 206 ms",
        figures=(
            Figure(path=_RATE, what="a second", at_least=28_000),
            Figure(path=_ACK, what="ms ack p99", at_most=5),
        ),
    ),
    Goal(
        scene="open-mysql",
        title="open loop, 5,000/s",
        original="at 100/s: p99 54 ms",
        figures=(
            Figure(path=_ACK, what="ms ack p99", at_most=3),
            Figure(path=_DELIVERY, what="ms delivery p99", at_most=8),
        ),
    ),
    Goal(
        scene="nodes-2",
        title="two nodes, every pair across",
        original="330/s",
        figures=(Figure(path=_RATE, what="a second", at_least=24_000),),
    ),
    Goal(
        scene="chat-mysql",
        title="server CPU for 10,000 messages, without the database",
        original="4.3–4.8 s",
        figures=(Figure(path=_CPU, what="s", at_most=0.25, factor=0.01),),
    ),
    Goal(
        scene="login-mysql",
        title="chat logins, plain",
        original="300/s",
        figures=(Figure(path=("rates", "logins"), what="a second", at_least=6_500),),
    ),
    Goal(
        scene="login-mysql-tls",
        title="chat logins, TLS",
        original="–",
        figures=(Figure(path=("rates", "logins"), what="a second", at_least=1_500),),
    ),
    Goal(
        scene="idle-19000",
        title="memory of a logged-in idle session, plain",
        original="2.7–4.1 KB",
        figures=(Figure(path=("figures", "KB a session"), what="KB", at_most=3),),
    ),
    Goal(
        scene="idle-19000-tls",
        title="memory of a logged-in idle session, TLS",
        original="–",
        figures=(Figure(path=("figures", "KB a session"), what="KB", at_most=14),),
    ),
    Goal(
        scene="idle-19000",
        title="connections held in one process, with heartbeats",
        original="12,000",
        figures=(
            Figure(path=("counts", "held"), what="held", at_least=19_000),
            Figure(path=("latency", "heartbeat", "p99"), what="ms heartbeat p99", at_most=1000),
        ),
    ),
    Goal(
        scene="idle-90000",
        title="connections held in five processes, with heartbeats",
        original="–",
        figures=(
            Figure(path=("counts", "held"), what="held", at_least=90_000),
            Figure(path=("latency", "heartbeat", "p99"), what="ms heartbeat p99", at_most=1000),
        ),
    ),
    Goal(
        scene="groups-1000",
        title="deliveries in a group of 1,000",
        original="–",
        figures=(Figure(path=("rates", "deliveries"), what="a second", at_least=60_000),),
    ),
    Goal(
        scene="groups-10000-slow",
        title="a message a second to 10,000 who are there",
        original="–",
        figures=(Figure(path=("latency", "each receiver", "p99"), what="ms p99", at_most=200),),
    ),
    Goal(
        scene="overview-500",
        title="a first screen of 500 threads, 200 a second",
        original="–",
        figures=(Figure(path=("latency", "answer", "p99"), what="ms p99", at_most=15),),
    ),
    Goal(
        scene="growth-mysql",
        title="a page of history, 1,000 a second, with 10 million messages stored",
        original="never answers",
        figures=(Figure(path=("latency", "answer", "p99"), what="ms p99", at_most=3),),
        stored=10_000_000,
        operation="page of history",
    ),
    Goal(
        scene="faults",
        title="a chat server fails: users of the others; of threads that it had locked",
        original="–",
        figures=(
            Figure(path=("figures", "others, worst p99, s"), what="s p99 of each kind", at_most=1.5),
            Figure(path=("figures", "others, locked threads, worst p99, s"), what="s", at_most=6),
        ),
        operation=ALL,
    ),
    Goal(
        scene="faults",
        title="those concerned: a chat server is lost; cut off; Redis fails; who sign in meanwhile; the database is back",
        original="–",
        figures=(
            Figure(path=("figures", "lost node, worst p99, s"), what="s p99 of each kind", at_most=10),
            Figure(path=("figures", "node, worst p99, s"), what="s", at_most=5),
            Figure(path=("figures", "Redis, worst p99, s"), what="s", at_most=5),
            Figure(path=("figures", "signing in meanwhile, worst p99, s"), what="s", at_most=5),
            Figure(path=("figures", "database, worst p99, s"), what="s", at_most=5),
        ),
        operation=ALL,
    ),
    Goal(
        scene="storm-3000",
        title="a chat server is killed: its 3,000 users come back",
        original="–",
        figures=(
            Figure(
                path=("figures", "resumed a second of CPU"), what="a second of all servers' CPU", at_least=800
            ),
            Figure(path=("latency", "resumed", "p99"), what="s p99", at_most=8, factor=0.001),
        ),
    ),
    Goal(
        scene="storm-10000",
        title="the same with 10,000",
        original="–",
        figures=(
            Figure(
                path=("figures", "resumed a second of CPU"), what="a second of all servers' CPU", at_least=800
            ),
        ),
    ),
    Goal(
        scene="live",
        title="players of a live stream of 4 Mb/s on one core, and the delay with half as many as nginx-rtmp has at its best",
        original="–",
        figures=(
            Figure(path=("figures", "players, % of nginx-rtmp"), what="% of nginx-rtmp's", at_least=50),
            Figure(path=("latency", "publish to play", "p99"), what="ms p99", at_most=50),
        ),
        operation="imsys",
    ),
    Goal(
        scene="files",
        title="download by HTTP, TLS, encrypted at rest, one core",
        original="–",
        figures=(Figure(path=_NGINX, what="% of nginx", at_least=60),),
        operation=_DOWN,
    ),
    Goal(
        scene="files",
        title="upload by HTTP, the same",
        original="67 MB/s",
        figures=(Figure(path=_NGINX, what="% of nginx's PUT", at_least=85),),
        operation=_UP,
    ),
    Goal(
        scene="files-memory",
        title="the same upload with a RAM disk for both",
        original="–",
        figures=(Figure(path=_NGINX, what="% of nginx's PUT", at_least=85),),
        operation=_UP,
    ),
    Goal(
        scene="files",
        title="upload by the original's blocks, TLS, encrypted at rest",
        original="67 MB/s",
        figures=(Figure(path=("figures", "MB a second"), what="MB/s", at_least=150),),
        operation="original's blocks up, TLS, encrypted",
    ),
    Goal(
        scene="files-large",
        title="a file of 10 GiB by frames",
        original="–",
        figures=(Figure(path=_GREW, what="MiB of memory", at_most=64),),
        operation="frames up, TLS, encrypted",
    ),
    Goal(
        scene="client",
        title="the desktop client: its first picture; a conversation of 100,000 messages is opened",
        original="–",
        figures=(
            Figure(path=("figures", "first paint, s"), what="s", at_most=0.8),
            Figure(path=("figures", "conversation, ms"), what="ms", at_most=100),
        ),
    ),
    Goal(
        scene="client",
        title="a picture of it while it is scrolled by the wheel; by the bar; a key and its letter",
        original="–",
        figures=(
            Figure(path=("latency", "frame, wheel", "p99"), what="ms p99", at_most=16.7),
            Figure(path=("latency", "frame, bar", "p99"), what="ms p99", at_most=16.7),
            Figure(path=("latency", "echo of a key", "p99"), what="ms p99", at_most=16),
        ),
    ),
    Goal(
        scene="client",
        title="its memory with it open, and after 30 minutes of 5 messages a second; its processor when nothing happens",
        original="–",
        figures=(
            Figure(path=("figures", "memory, MB"), what="MB", at_most=220),
            Figure(path=("figures", "memory after the minutes, MB"), what="MB", at_most=220),
            Figure(path=("figures", "idle, % of a core"), what="% of a core", at_most=0.5),
        ),
    ),
    Goal(
        scene="client",
        title="a film of 1,280 × 720 with 30 pictures a second, drawn by the processor (llvmpipe)",
        original="–",
        figures=(Figure(path=("counts", "film pictures dropped"), what="pictures dropped", at_most=0),),
    ),
)
