"""Open files: how many connections they are enough for, and what happens when there is none left."""

from __future__ import annotations

import dataclasses
import errno
import os
import socket
import sys
from typing import Any

from twisted.internet.defer import maybeDeferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.task import deferLater
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase, TestCase

from imsys.config import Config
from imsys.errors import ConfigError
from imsys.services import listening
from imsys.services.common import ListenService
from imsys.services.descriptors import OWN, fitting
from imsys.store.read_connections import READ_CONNECTIONS
from tests.scenes.test_daemons import DaemonTestCase
from tests.services.test_common import Greeters, Reader
from tests.support.children import folder
from tests.support.daemons import ROOT, Process, environment, start, twistd


class FittingTests(SynchronousTestCase):
    config = Config()

    def capacities(self, config: Config) -> tuple[int, int, int]:
        return config.chat.capacity, config.resources.capacity, config.gateway.capacity

    def test_enough(self) -> None:
        """Where the limit is high enough, or none, nothing changes.

        Nor does it for servers that hold no connections.
        """
        enough = {
            "imsys-chat": 19400,
            "imsys-resources": 4400,
            "imsys-gateway": 4400,
            "imsys": 28000,
            "imsys-balance": 50,
        }
        for daemon, limit in (*enough.items(), ("imsys", None)):
            self.assertEqual(fitting(self.config, daemon, limit), (self.config, ""))

    def test_lowered(self) -> None:
        """Where it is not, the capacity is what is left, and one line says so and what to do."""
        config, warning = fitting(self.config, "imsys-chat", 1024)
        own = OWN + self.config.redis.pool_size + self.config.database.pool_size + 1 + READ_CONNECTIONS
        self.assertEqual(self.capacities(config), (1024 - own, 4000, 4000))
        self.assertEqual(dataclasses.replace(config, chat=self.config.chat), self.config)
        self.assertEqual(
            warning,
            f"the process may open 1024 files, and needs {own} of them for itself, so [chat] capacity is {1024 - own} instead of 19000: "
            "raise the limit (LimitNOFILE= of the unit, ulimit -Hn), or lower the capacity",
        )

    def test_in_proportion(self) -> None:
        """Servers of one process share what is left, in proportion to what they were to have."""
        config, warning = fitting(self.config, "imsys", 12000)
        chat, resources, gateway = self.capacities(config)
        left = 12000 - OWN
        self.assertTrue(0.98 * left < chat + resources + gateway <= left, (chat, resources, gateway))
        self.assertEqual((round(chat / resources, 2), gateway), (4.75, resources))
        self.assertIn(
            f"[chat] capacity is {chat} instead of 19000, [resources] capacity is {resources} instead of 4000",
            warning,
        )

    def test_hopeless(self) -> None:
        """A limit that is not even enough for the server itself is refused."""
        line = str(self.assertRaises(ConfigError, fitting, self.config, "imsys-chat", 256))
        self.assertRegex(
            line,
            r"\Athe process may open 256 files, and needs \d+ before the first connection: raise the limit",
        )


class ChatServerTests(DaemonTestCase):
    async def test_low_limit(self) -> None:
        """A chat server with a low hard limit, and a Twisted that our reactor does not know, starts and says
        both in its own log; balance hears of the capacity that it has."""
        self.one_machine_of_many()
        await start(self, "imsys-balance", self.settings)
        python, option, launcher, *rest = twistd("--nodaemon", "--pidfile=", "imsys-chat")
        faulty = "import twisted\ntwisted.__version__ = '28.2.0'\n"
        limited = f"{faulty}import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (400, 600)){launcher}"
        logs = self.home / "logs"
        settings = self.settings | {"LOG_DIR": str(logs)}
        process = Process(self.reactor, [python, option, limited, *rest], environment(**settings), self.home)
        self.addCleanup(process.stop)
        await process.says(" is ready")
        text = (logs / "imsys-chat.log").read_text("utf-8")
        self.assertIn("imsys-chat: the process may open 600 files", text)
        self.assertIn(
            "imsys-chat: running on Twisted's own reactor, which is slower, and not on imsys.reactor: it was not tried",
            text,
        )
        (row,) = (await self.status()).splitlines()[1:]
        capacity = int(row.split()[8])
        self.assertIn(f"[chat] capacity is {capacity} instead of 19000", process.text)
        self.assertTrue(200 < capacity < 600, capacity)


class NoneLeftTests(TestCase):
    """``accept`` needs a descriptor as well."""

    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        captured = capturedLogs()
        self.events = captured.__enter__()
        self.addCleanup(captured.__exit__, None, None, None)

    def errors(self) -> list[str]:
        """What ports have complained of."""
        return [
            formatEvent(event) for event in self.events if event.get("log_namespace") == listening.__name__
        ]

    async def test_rest(self) -> None:
        """A port that finds no descriptor does not try again at once, says so once, and takes those who
        waited as soon as there is one.
        """
        self.patch(listening, "REST", 0.01)
        tries: list[int] = []

        class NoSocket(socket.socket):
            def __init__(self, *args: Any, **more: Any) -> None:
                tries.append(1)
                raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

        factory = Greeters()
        service = ListenService(self.reactor, factory, "127.0.0.1", 0, None, "[chat] port")
        service.privilegedStartService()
        # waits in the kernel
        reader = await connectProtocol(TCP4ClientEndpoint(self.reactor, "127.0.0.1", service.port), Reader())
        patch = self.patch(socket, "socket", NoSocket)
        service.startService()
        self.addCleanup(service.stopService)
        while not tries:
            await deferLater(self.reactor, 0)
        self.assertNotIn(service._port, self.reactor.getReaders())
        while len(tries) < 3:
            await deferLater(self.reactor, 0)
        self.assertEqual(
            (factory.built, self.errors()),
            (0, ["[chat] port accepts nobody until a file is closed: Too many open files"]),
        )
        patch.restore()
        self.assertEqual(await reader.ended, b"hello")

    async def test_closed_while_it_rests(self) -> None:
        """A port that rests can be closed."""
        service = ListenService(self.reactor, Greeters(), "127.0.0.1", 0, None, "[chat] port")
        service.startService()
        port: Any = service._port
        port._rest(OSError(errno.ENFILE, os.strerror(errno.ENFILE)))
        port._rest(OSError(errno.ENFILE, os.strerror(errno.ENFILE)))
        self.assertNotIn(port, self.reactor.getReaders())
        await maybeDeferred(service.stopService)
        self.assertEqual(len(self.errors()), 1)

    async def test_process(self) -> None:
        """A process that more people call than it may have files serves again when they have gone."""
        process = Process(self.reactor, [sys.executable, "-c", CHILD], environment(), folder("files"))
        self.addCleanup(process.stop)
        await process.says("port ")
        port = int(process.text.partition("port ")[2].split()[0])
        crowd: list[socket.socket] = []
        while "accepts nobody until a file is closed: Too many open files" not in process.text:
            crowd.append(socket.create_connection(("127.0.0.1", port), 10))
            await deferLater(self.reactor, 0.01)
        for one in crowd:
            one.close()
        reader = await connectProtocol(TCP4ClientEndpoint(self.reactor, "127.0.0.1", port), Reader())
        reader.transport.write(b"?")
        self.assertEqual(await reader.ended, b"hello")
        self.assertEqual(process.text.count("accepts nobody"), 1)


CHILD = f"""
import resource, sys
sys.path.insert(0, {str(ROOT)!r})
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
from twisted.internet import reactor
from twisted.internet.protocol import Factory, Protocol
from twisted.python import log
from imsys.services.common import ListenService

class Patient(Protocol):
    def dataReceived(self, data):
        self.transport.write(b"hello")
        self.transport.loseConnection()

log.startLogging(sys.stdout)
service = ListenService(reactor, Factory.forProtocol(Patient), "127.0.0.1", 0, None, "[chat] port")
service.startService()
print("port", service.port, flush=True)
reactor.run()
"""
