"""A private set of servers for a measurement, in a temporary folder and on free ports."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from imsys.bench.processes import children, end, free_port, spawn, wait_until
from imsys.embedded import server_binary
from imsys.errors import ConfigError

_TWISTD = "import sys; sys.argv[0] = 'twistd'; from twisted.scripts.twistd import run; run()"


@dataclass(frozen=True, kw_only=True)
class Servers:
    """What runs, and how to reach it."""

    environ: dict[str, str]
    plain_port: int
    tls_port: int
    ca: str
    pids: dict[str, int]


@contextlib.contextmanager
def private_servers(backend: str, reactor: str | None) -> Iterator[Servers]:
    """All servers in one process, on SQLite and the embedded Redis, or on a MariaDB and a Redis of their own.

    :param reactor: the reactor that twistd is to use, or its default.
    :raises ConfigError: something is not installed, or does not start.
    """
    with contextlib.ExitStack() as stack:
        home = Path(tempfile.mkdtemp(prefix="imsys-bench-"))
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        environ = {name: value for name, value in os.environ.items() if not name.startswith("IMSYS_")}
        environ |= {"IMSYS_HOME": str(home), "IMSYS_LOG_LEVEL": "warn"}
        ports = {name: free_port() for name in ("GATEWAY", "CHAT", "RESOURCES")}
        environ |= {f"IMSYS_{name}_PORT": str(port) for name, port in ports.items()}
        environ |= {f"IMSYS_{name}_GRPC_PORT": str(free_port()) for name in ("BALANCE", "CAPTCHA", "CHAT", "RESOURCES")}
        plain = free_port()
        environ |= {"IMSYS_CHAT_PLAIN_PORT": str(plain), "IMSYS_RESOURCES_HTTP_PORT": str(free_port())}
        pids: dict[str, int] = {}
        if backend == "mysql":
            pids |= _mysql(stack, home, environ)
        log = home / "output"
        command = [sys.executable, "-c", _TWISTD, "--nodaemon", "--pidfile=", *(["--reactor", reactor] if reactor else []), "imsys"]
        child = spawn(command, log, environ)
        stack.callback(end, child)
        wait_until(lambda: "imsys is running" in log.read_text("utf-8", "replace"), child, log)
        pids = {"server": child.pid, **pids}
        for number in children(child.pid):
            pids.setdefault("redis", number)
        yield Servers(environ=environ, plain_port=plain, tls_port=ports["CHAT"], ca=str(home / "certs" / "ca.pem"), pids=pids)


def _mysql(stack: contextlib.ExitStack, home: Path, environ: dict[str, str]) -> dict[str, int]:
    installer, server = _program("mariadb-install-db"), _program("mariadbd")
    user = pwd.getpwuid(os.getuid()).pw_name
    sql, data, log = home / "sql.sock", home / "mysql", home / "mysql.log"
    common = ["--no-defaults", f"--datadir={data}", f"--user={user}"]
    made = subprocess.run(  # noqa: S603 (a program found on the PATH)
        [installer, *common, "--auth-root-authentication-method=normal", "--skip-test-db"], capture_output=True, check=False, timeout=120
    )
    if made.returncode:
        raise ConfigError(f"{installer} failed: {made.stderr.decode('utf-8', 'replace').strip()[-200:]}")
    command = [server, *common, f"--socket={sql}", "--skip-networking", f"--pid-file={home / 'mysql.pid'}", "--max-connections=200"]
    database = spawn(command, log, environ)
    stack.callback(end, database)
    wait_until(lambda: b"ready for connections" in log.read_bytes(), database, log)
    redis = spawn(
        [server_binary(), "--port", "0", "--unixsocket", str(home / "redis.sock"), "--save", "", "--dir", str(home)],
        home / "redis.log",
        environ,
    )
    stack.callback(end, redis)
    wait_until((home / "redis.sock").exists, redis, home / "redis.log")
    environ |= {"IMSYS_DATABASE_ENGINE": "mysql", "IMSYS_DATABASE_SOCKET": str(sql), "IMSYS_DATABASE_USER": "root"}
    environ |= {"IMSYS_REDIS_MODE": "server", "IMSYS_REDIS_SOCKET": str(home / "redis.sock")}
    prepared = subprocess.run([sys.executable, "-m", "imsys.ctl", "init-db"], env=environ, capture_output=True, check=False, timeout=120)
    if prepared.returncode:
        raise ConfigError(f"the database could not be prepared: {prepared.stderr.decode('utf-8', 'replace').strip()}")
    return {"database": database.pid, "redis": redis.pid}


def _program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found is None:
        raise ConfigError(f"there is no {name} on the PATH; install MariaDB's server, or measure with --backend sqlite")
    return found
