"""What every daemon is made of, in this process."""

from __future__ import annotations

import dataclasses
import os
import signal
import socket
import sys
from io import StringIO
from pathlib import Path
from typing import Any

from twisted.application.service import MultiService, Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.logger import Logger
from twisted.trial.unittest import SynchronousTestCase, TestCase

from imsys.config import Config, load
from imsys.errors import ConfigError
from imsys.services.common import CannotStart, Daemon, ListenService, Options, bound_ports, make_daemon
from tests.support.children import folder, free_port

_log = Logger()


class Greeter(Protocol):
    def connectionMade(self) -> None:
        self.transport.write(b"hello")  # type: ignore[union-attr]
        self.transport.loseConnection()  # type: ignore[union-attr]


class Greeters(Factory):
    noisy = False

    def __init__(self) -> None:
        self.built = 0

    def buildProtocol(self, addr: Any) -> Greeter:
        self.built += 1
        return Greeter()


class Reader(Protocol):
    def __init__(self) -> None:
        self.data = b""
        self.ended: Deferred[bytes] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        self.data += data

    def connectionLost(self, reason: Any = None) -> None:
        self.ended.callback(self.data)


class ListenTests(TestCase):
    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.factory = Greeters()

    def listen(self, port: int = 0, host: str = "127.0.0.1", tls: Any = None) -> ListenService:
        service = ListenService(self.reactor, self.factory, host, port, tls, "[chat] port")
        self.addCleanup(lambda: maybeDeferred(service.stopService) if service.running else None)
        return service

    async def test_accepts_after_start(self) -> None:
        """A port is bound with privileges, and takes its first connection when the service starts."""
        service = self.listen()
        service.privilegedStartService()
        endpoint = TCP4ClientEndpoint(self.reactor, "127.0.0.1", service.port)
        reader = await connectProtocol(endpoint, Reader())
        for _ in range(5):
            await deferLater(self.reactor, 0)
        self.assertEqual(self.factory.built, 0)
        service.startService()
        self.assertEqual(await reader.ended, b"hello")

    async def test_closed_after_stop(self) -> None:
        """Nobody listens any more when the service has stopped, and it can be started again."""
        service = self.listen(free_port())
        service.startService()
        await maybeDeferred(service.stopService)
        with socket.socket() as probe:
            self.assertNotEqual(probe.connect_ex(("127.0.0.1", service.port)), 0)
        service.startService()
        reader = await connectProtocol(TCP4ClientEndpoint(self.reactor, "127.0.0.1", service.port), Reader())
        self.assertEqual(await reader.ended, b"hello")

    def test_busy(self) -> None:
        """A port in use is one line with section, key and number, from the check and from the bind."""
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            service = self.listen(port)
            for attempt in (service.check, service.privilegedStartService):
                line = str(self.assertRaises(ConfigError, attempt))
                self.assertEqual(
                    line, f"[chat] port: cannot listen on 127.0.0.1 port {port}: the port is in use"
                )

    def test_foreign_address(self) -> None:
        """An address of another machine, or a host that does not exist, is one line as well."""
        self.assertIn(
            "this machine does not have",
            str(self.assertRaises(ConfigError, self.listen(free_port(), "192.0.2.1").check)),
        )
        self.assertIn(
            "there is no such host",
            str(self.assertRaises(ConfigError, self.listen(free_port(), "no-such-host.invalid").check)),
        )

    def test_check_lets_go(self) -> None:
        """The check does not keep the port."""
        service = self.listen(free_port())
        service.check()
        service.check()
        service.privilegedStartService()
        service.startService()

    async def test_shared_queue(self) -> None:
        """A port that is shared takes everybody in its queue before it closes, however few came at once until
        then.
        """
        service = ListenService(
            self.reactor, self.factory, "127.0.0.1", free_port(), None, "[chat] port", shared=True
        )
        service.startService()
        self.addCleanup(service.stopService)
        address = ("127.0.0.1", service.port)
        reader = await connectProtocol(TCP4ClientEndpoint(self.reactor, *address), Reader())
        self.assertEqual(await reader.ended, b"hello")
        crowd = [socket.create_connection(address, 10) for _ in range(30)]
        for one in crowd:
            self.addCleanup(one.close)
        closed = maybeDeferred(service.close_port)
        self.assertEqual(self.factory.built, 31)
        await closed
        for one in crowd:
            self.assertEqual(await deferToThread(one.recv, 5), b"hello")

    def test_bound_ports(self) -> None:
        """The ports of a whole tree of services are found by section and key."""
        tree, branch = MultiService(), MultiService()
        branch.setServiceParent(tree)
        service = self.listen()
        service.setServiceParent(branch)
        service.startService()
        self.assertEqual(bound_ports(tree), {"[chat] port": service.port})
        self.assertGreater(service.port, 0)


class Slow(Service):
    """Is ready when it is told to be."""

    def __init__(self) -> None:
        self.gate: Deferred[None] = Deferred()

    async def ready(self) -> None:
        await self.gate


class DaemonTests(TestCase):
    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.config = load(None, {"IMSYS_HOME": str(folder("home"))})
        self.log = Path(self.config.imsys.log_dir) / "imsys-test.log"

    def daemon(self, *services: Service, config: Config | None = None, on_ready: Any = None) -> Daemon:
        daemon = Daemon(self.reactor, config or self.config, "imsys-test", on_ready)
        for service in services:
            service.setServiceParent(daemon)
        self.addCleanup(lambda: daemon.stopService() if daemon.running else None)
        return daemon

    async def test_log(self) -> None:
        """A daemon writes its log from start to stop, from the configured level on, in a folder of its owner."""
        daemon = self.daemon()
        daemon.startService()
        _log.info("seen {what}", what="at\nonce")
        _log.debug("unseen")
        await daemon.stopService()
        _log.info("too late")
        text = self.log.read_text()
        self.assertRegex(text, r"(?m)^\S+T\S+ info tests\.services\.test_common: seen at\n\tonce$")
        self.assertRegex(text, r"info imsys\.services\.common: imsys-test has stopped\n\Z")
        self.assertNotIn("unseen", text)
        self.assertNotIn("too late", text)
        self.assertEqual(self.log.parent.stat().st_mode & 0o777, 0o700)

    async def test_hangup(self) -> None:
        """After the file was moved away, SIGHUP makes a new one.

        Whoever listened for SIGHUP before still does.
        """
        others: list[int] = []
        before = signal.signal(signal.SIGHUP, lambda number, frame: others.append(number))
        self.addCleanup(signal.signal, signal.SIGHUP, before)
        daemon = self.daemon()
        daemon.startService()
        _log.info("one")
        moved = self.log.rename(self.log.with_suffix(".1"))
        os.kill(os.getpid(), signal.SIGHUP)
        while not self.log.exists():
            await deferLater(self.reactor, 0.005)
        _log.info("two")
        await daemon.stopService()
        self.assertIn(": one\n", moved.read_text())
        self.assertNotIn(": two\n", moved.read_text())
        self.assertIn(": two\n", self.log.read_text())
        self.assertEqual(others, [signal.SIGHUP])

    async def test_no_log(self) -> None:
        """An empty log_dir means that no file is written."""
        config = load(None, {"IMSYS_HOME": self.config.imsys.home, "IMSYS_LOG_DIR": ""})
        daemon = self.daemon(config=config)
        daemon.startService()
        await daemon.stopService()
        self.assertFalse(self.log.exists())

    async def test_ready(self) -> None:
        """A daemon is ready after the last of its services."""
        told: list[bool] = []
        first, second, nested = Slow(), Slow(), MultiService()
        second.setServiceParent(nested)
        daemon = self.daemon(first, config=None, on_ready=lambda: told.append(True))
        nested.setServiceParent(daemon)
        daemon.startService()
        first.gate.callback(None)
        self.assertEqual(told, [])
        second.gate.callback(None)
        self.assertEqual(told, [True])
        await daemon.stopService()

    async def test_stopped_before_ready(self) -> None:
        """A daemon that is stopped while it waits logs no fault."""
        daemon = self.daemon(Slow())
        daemon.startService()
        await daemon.stopService()
        self.assertEqual(self.flushLoggedErrors(), [])


class FailureTests(SynchronousTestCase):
    """What an operator reads when a daemon cannot start; see test_daemons for the processes themselves."""

    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor = reactor
        self.config = load(None, {"IMSYS_HOME": str(folder("home")), "IMSYS_CHAT_GRPC_PORT": "0"})
        self.stream = StringIO()
        self.patch(sys, "__stderr__", self.stream)

    def says(self, line: str, function: Any, *arguments: Any) -> None:
        error = self.assertRaises(CannotStart, function, *arguments)
        self.assertEqual((error.code, self.stream.getvalue()), (1, line + "\n"))
        self.assertIsInstance(error, Exception)

    def test_build(self) -> None:
        """What build refuses is one line."""

        def build(reactor: Any, config: Config) -> Service:
            raise ConfigError("[tls] key: nonsense")

        self.says(
            "imsys-chat: [tls] key: nonsense", make_daemon, self.reactor, self.config, "imsys-chat", build
        )

    def test_busy_ports(self) -> None:
        """A port in use is found before the daemon starts, a gRPC port as well."""
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]

            def build(reactor: Any, config: Config) -> Service:
                return ListenService(reactor, Greeters(), "127.0.0.1", port, None, "[chat] port")

            said = f"imsys-chat: [chat] port: cannot listen on 127.0.0.1 port {port}: the port is in use"
            self.says(said, make_daemon, self.reactor, self.config, "imsys-chat", build)
            self.stream.truncate(0)
            self.stream.seek(0)
            config = dataclasses.replace(
                self.config, chat=dataclasses.replace(self.config.chat, grpc_port=port)
            )
            said = f"imsys-chat: [chat] grpc_port: cannot listen on 127.0.0.1 port {port}: the port is in use"
            self.says(
                said, make_daemon, self.reactor, config, "imsys-chat", lambda reactor, config: Service()
            )

    def test_port_taken_meanwhile(self) -> None:
        """A port that somebody takes between the check and the start is the same line."""

        def build(reactor: Any, config: Config) -> Service:
            return ListenService(reactor, Greeters(), "127.0.0.1", port, None, "[chat] port")

        port = free_port()
        daemon = make_daemon(self.reactor, self.config, "imsys-chat", build)
        with socket.socket() as other:
            other.bind(("127.0.0.1", port))
            other.listen()
            said = f"imsys-chat: [chat] port: cannot listen on 127.0.0.1 port {port}: the port is in use"
            self.says(said, daemon.privilegedStartService)

    def test_log_folder(self) -> None:
        """A log folder that cannot be written is one line."""
        blocked = Path(self.config.imsys.home) / "log"
        blocked.write_text("")
        daemon = make_daemon(self.reactor, self.config, "imsys-chat", lambda reactor, config: Service())
        self.says(
            f"imsys-chat: [imsys] log_dir: {blocked}/imsys-chat.log cannot be written: File exists",
            daemon.startService,
        )

    def test_options(self) -> None:
        """A wrong option, and a wrong configuration, is one line."""
        self.says(
            "option --confg not recognized (--help tells what is allowed)",
            Options().parseOptions,
            ["--confg", "x"],
        )
