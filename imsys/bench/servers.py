"""A private set of servers for a measurement, in a temporary folder, on free ports of loopback."""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from imsys.bench.compiling import ROOT, compiled_copy
from imsys.bench.processes import (
    answers,
    children,
    finished,
    free_port,
    free_ports,
    started,
    wait_until,
    writer,
)
from imsys.errors import ConfigError
from imsys.redis.embedded import server_binary

TWISTD = "import sys; sys.argv[0] = 'twistd'; from twisted.scripts.twistd import run; run()"


@dataclass(frozen=True, kw_only=True)
class Setup:
    """The servers to be started and measured."""

    backend: str = "sqlite"
    reactor: str | None = None
    """The reactor that twistd is told to use; ``None``: the daemons' own choice."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Configuration in the environment's form (``CHAT_LOG_BATCH`` = ``1``)."""
    nodes: int = 1
    """Chat servers: with more than one, each is a daemon of its own, beside a balance server."""
    processes: int = 1
    """Processes of the (one) chat server."""
    database: Sequence[str] = ()
    """More options for MariaDB."""
    cores: Sequence[int] = ()
    """Cores that our own servers may use; none: any."""
    compiled: bool = False
    """Whether their modules are compiled: see :func:`imsys.bench.compiling.compiled_copy`."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """One chat server's public ports."""

    plain_port: int
    tls_port: int


@dataclass(frozen=True, kw_only=True)
class Servers:
    """The running servers, and how to reach them."""

    home: Path
    """Where their files are."""
    environ: dict[str, str]
    targets: list[Target]
    ca: str
    pids: dict[str, int]
    """Process ids: ``server``, or ``chat 1``, …; ``database`` and ``redis``."""

    def addresses(self, *, tls: bool) -> list[str]:
        """The chat servers as ``host:port``."""
        return [f"127.0.0.1:{target.tls_port if tls else target.plain_port}" for target in self.targets]

    @property
    def ours(self) -> dict[str, int]:
        """The processes that run our own code for messages."""
        return {name: pid for name, pid in self.pids.items() if name.startswith(("server", "chat"))}


@contextlib.contextmanager
def private_servers(setup: Setup) -> Iterator[Servers]:
    """All servers in one process, on SQLite and the embedded Redis or on a MariaDB and a Redis of their own;
    or a cluster on those two.

    :raises ConfigError: something is not installed, does not start, or does not go together.
    """
    apart = setup.nodes > 1 or setup.processes > 1
    if apart and setup.backend == "sqlite":
        raise ConfigError("several chat processes need --backend mysql: SQLite is for one process")
    if setup.nodes > 1 and setup.processes > 1:
        raise ConfigError("give either --nodes or --processes")
    with contextlib.ExitStack() as stack:
        home = Path(tempfile.mkdtemp(prefix="imsys-bench-"))
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        environ = {name: value for name, value in os.environ.items() if not name.startswith("IMSYS_")}
        source = compiled_copy() if setup.compiled else ROOT
        environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(source), environ.get("PYTHONPATH"))))
        environ |= {"IMSYS_HOME": str(home), "IMSYS_LOG_LEVEL": "warn"}
        environ |= {"IMSYS_LIMITS_TEXT_MINUTE": "0", "IMSYS_LIMITS_TEXT_DAY": "0"}  # one user stands for many
        environ |= {"IMSYS_LIMITS_LOGIN_SOURCE": "0"}  # all users come from one address
        environ |= {f"IMSYS_{name}_PORT": str(free_port()) for name in ("GATEWAY", "RESOURCES")}
        environ |= {
            f"IMSYS_{name}_GRPC_PORT": str(free_port()) for name in ("BALANCE", "CAPTCHA", "RESOURCES")
        }
        environ |= {
            f"IMSYS_RESOURCES_{name}_PORT": str(free_port()) for name in ("PLAIN", "HTTP", "RTMP", "RTMPS")
        }
        environ["IMSYS_BALANCE_ADDRESSES"] = f"127.0.0.1:{environ['IMSYS_BALANCE_GRPC_PORT']}"
        # the descriptors are for chats
        environ |= {f"IMSYS_{name}_CAPACITY": "100" for name in ("GATEWAY", "RESOURCES")}
        environ |= {f"IMSYS_{name}": value for name, value in setup.settings.items()}
        pids = _mysql(stack, home, environ, setup.database) if setup.backend == "mysql" else {}
        start = _cluster if apart else _together
        targets, ours = start(stack, home, environ, setup)
        yield Servers(
            home=home,
            environ=environ,
            targets=targets,
            ca=str(home / "certs" / "ca.pem"),
            pids={**ours, **pids},
        )


def start_again(stack: contextlib.ExitStack, servers: Servers, setup: Setup) -> int:
    """Start the server of :func:`private_servers` again, which has ended, where all are in one process: its
    process id.
    """
    return _daemon(
        stack, servers.home, servers.environ, setup, "imsys", "imsys is running", log="imsys-again"
    )


def _together(
    stack: contextlib.ExitStack, home: Path, environ: dict[str, str], setup: Setup
) -> tuple[list[Target], dict[str, int]]:
    target = _ports(environ)
    pid = _daemon(stack, home, environ, setup, "imsys", "imsys is running")
    if setup.backend != "sqlite":
        return [target], {"server": pid}
    found = {"server": pid, "sqlite": writer(pid), "redis": next(iter(children(pid)), 0)}
    return [target], {name: number for name, number in found.items() if number}


def _cluster(
    stack: contextlib.ExitStack, home: Path, environ: dict[str, str], setup: Setup
) -> tuple[list[Target], dict[str, int]]:
    names = [f"chat{number}" for number in range(1, setup.nodes + 1)]
    _ctl(environ, "certs")
    _ctl(environ, "keys")
    _ctl(environ, "certs", "--cluster", str(home / "cluster"), "balance", *names)
    environ["IMSYS_CLUSTER_CA"] = str(home / "cluster" / "ca.pem")
    pids = {
        "balance": _daemon(
            stack, home, _member(environ, home, "balance"), setup, "imsys-balance", " is ready"
        )
    }
    targets, logs = [], {}
    for number, name in enumerate(names, 1):
        own = _member(environ, home, name) | {"IMSYS_CHAT_NAME": name}
        targets.append(_ports(own))
        if setup.processes > 1:
            own["IMSYS_CHAT_GRPC_BASE"] = str(free_ports(setup.processes + 1))
            pid = _daemon(
                stack,
                home,
                own,
                setup,
                "imsys-chat",
                " is ready",
                "--processes",
                str(setup.processes),
                log=name,
            )
            pids |= _processes(pid, setup.processes, home / f"{name}.output")
        else:
            pids[f"chat {number}"] = _daemon(stack, home, own, setup, "imsys-chat", " is ready", log=name)
        logs[name] = home / f"{name}.output"
    for one, other in itertools.permutations(names, 2):
        wait_until(_says(logs[one], f"the stream to chat server {other} is open"), None, logs[one])
    return targets, pids


def _processes(parent: int, count: int, log: Path) -> dict[str, int]:
    """The processes of a chat server, once each is ready, and has a stream to each other."""
    wait_until(_says(log, " is ready", count + 1), None, log)
    wait_until(_says(log, "the stream to chat server", count * (count - 1)), None, log)
    return {
        "chat (parent)": parent,
        **{f"chat {index}": child for index, child in enumerate(children(parent), 1)},
    }


def _ports(environ: dict[str, str]) -> Target:
    target = Target(plain_port=free_port(), tls_port=free_port())
    environ |= {"IMSYS_CHAT_PORT": str(target.tls_port), "IMSYS_CHAT_PLAIN_PORT": str(target.plain_port)}
    environ["IMSYS_CHAT_GRPC_PORT"] = str(free_port())
    return target


def _member(environ: Mapping[str, str], home: Path, name: str) -> dict[str, str]:
    certificate = {
        "IMSYS_CLUSTER_CERTIFICATE": str(home / "cluster" / f"{name}.pem"),
        "IMSYS_CLUSTER_KEY": str(home / "cluster" / f"{name}.key"),
    }
    return {**environ, **certificate}


def _daemon(
    stack: contextlib.ExitStack,
    home: Path,
    environ: Mapping[str, str],
    setup: Setup,
    name: str,
    says: str,
    *more: str,
    log: str = "",
) -> int:
    output = home / f"{log or name}.output"
    command = [
        sys.executable,
        "-P",  # what PYTHONPATH says, and not what is here
        "-c",
        TWISTD,
        "--nodaemon",
        "--pidfile=",
        *(["--reactor", setup.reactor] if setup.reactor else []),
        name,
        *more,
    ]
    child = started(stack, command, output, environ, setup.cores)
    wait_until(_says(output, says), child, output)
    return child.pid


def _says(log: Path, text: str, times: int = 1) -> Callable[[], bool]:
    return lambda: log.read_text("utf-8", "replace").count(text) >= times


def _ctl(environ: Mapping[str, str], *arguments: str) -> None:
    done = finished([sys.executable, "-P", "-m", "imsys.ctl", *arguments], environ, 120)
    if done.returncode:
        raise ConfigError(
            f"imsys-ctl {arguments[0]} failed: {done.stderr.decode('utf-8', 'replace').strip()}"
        )


def mariadb(
    stack: contextlib.ExitStack,
    home: Path,
    environ: Mapping[str, str],
    more: Sequence[str] = ("--skip-networking",),
) -> int:
    """A new MariaDB with its durable defaults, ended with the stack: its process id.

    It listens on ``sql.sock`` in ``home``, for ``root`` without a password.

    :raises ConfigError: it is not installed, or does not start.
    """
    installer, server = _program("mariadb-install-db"), _program("mariadbd")
    user = pwd.getpwuid(os.getuid()).pw_name
    data, log = home / "mysql", home / "mysql.log"
    (home / "mysql.tmp").mkdir()  # a MariaDB that starts removes what others have in a folder that they share
    common = ["--no-defaults", f"--datadir={data}", f"--user={user}", f"--tmpdir={home / 'mysql.tmp'}"]
    made = finished(
        [installer, *common, "--auth-root-authentication-method=normal", "--skip-test-db"], os.environ, 120
    )
    if made.returncode:
        raise ConfigError(f"{installer} failed: {made.stderr.decode('utf-8', 'replace').strip()[-200:]}")
    command = [
        server,
        *common,
        f"--socket={home / 'sql.sock'}",
        f"--pid-file={home / 'mysql.pid'}",
        "--max-connections=200",
        *more,
    ]
    database = started(stack, command, log, environ)
    wait_until(lambda: b"ready for connections" in log.read_bytes(), database, log)
    return database.pid


def _mysql(
    stack: contextlib.ExitStack, home: Path, environ: dict[str, str], more: Sequence[str]
) -> dict[str, int]:
    database = mariadb(stack, home, environ, ("--skip-networking", *more))
    redis = started(
        stack,
        [
            server_binary(),
            "--port",
            "0",
            "--unixsocket",
            str(home / "redis.sock"),
            "--save",
            "",
            "--dir",
            str(home),
        ],
        home / "redis.log",
        environ,
    )
    wait_until(lambda: answers(home / "redis.sock"), redis, home / "redis.log")
    environ |= {
        "IMSYS_DATABASE_ENGINE": "mysql",
        "IMSYS_DATABASE_SOCKET": str(home / "sql.sock"),
        "IMSYS_DATABASE_USER": "root",
    }
    environ |= {"IMSYS_REDIS_MODE": "server", "IMSYS_REDIS_SOCKET": str(home / "redis.sock")}
    _ctl(environ, "init-db")
    return {"database": database, "redis": redis.pid}


def _program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found is None:
        raise ConfigError(
            f"there is no {name} on the PATH; install MariaDB's server, or measure with --backend sqlite"
        )
    return found
