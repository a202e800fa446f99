"""Who is accepted at a public port, and when."""

from __future__ import annotations

import socket
from collections import Counter
from typing import Any

from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import LoopingCall, deferLater
from twisted.internet.threads import deferToThread
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import TestCase
from zope.interface import implementer

from imsys.services import listening
from imsys.services.listening import PLAIN_ACCEPTS, ListenService


@implementer(IHalfCloseableProtocol)
class Echo(Protocol):
    def dataReceived(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.write(data)

    def readConnectionLost(self) -> None:
        assert self.transport is not None
        self.transport.loseConnection()

    def writeConnectionLost(self) -> None:
        pass


class ListeningTests(TestCase):
    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.begun: list[Any] = []
        factory: Any = Factory.forProtocol(Echo)
        self.factory, build = factory, factory.buildProtocol

        def counted(addr: Any) -> Any:
            self.begun.append(addr)
            return build(addr)

        factory.buildProtocol = counted
        self.service = ListenService(reactor, factory, "127.0.0.1", 0, None, "[test] port")
        self.service.privilegedStartService()
        self.addCleanup(lambda: self.service.stopService() if self.service.running else None)

    def connect(self, says: bytes = b"hello") -> socket.socket:
        """A client that is connected, and has said something.

        It waits in the kernel until somebody accepts it.
        """
        client = socket.create_connection(("127.0.0.1", self.service.port))
        self.addCleanup(client.close)
        client.settimeout(10.0)
        client.sendall(says)
        return client

    async def answer(self, client: socket.socket) -> bytes:
        return await deferToThread(client.recv, 100)

    async def test_a_few_a_turn(self) -> None:
        """However many come at once, a few are accepted in a turn of the reactor, and everybody is served."""
        clients = [self.connect() for _ in range(5 * PLAIN_ACCEPTS)]
        turn = 0
        turns: Counter[int] = Counter()

        def next_turn() -> None:
            nonlocal turn
            turn += 1
            turns[turn] = len(self.begun) - turns.total()

        counting = LoopingCall(next_turn)
        counting.start(0)
        self.service.startService()
        for client in clients:
            self.assertEqual(await self.answer(client), b"hello")
        counting.stop()
        self.assertEqual(len(self.begun), len(clients))
        self.assertLessEqual(max(turns.values()), PLAIN_ACCEPTS)

    async def test_stale(self) -> None:
        """Who has waited for too long is reset, and costs nothing more.

        Who comes then is served, and there is a line in the log.
        """
        self.patch(listening, "STALE", 0.5)
        late = [self.connect(), self.connect(b"")]
        await deferLater(self.reactor, 0.6)
        with capturedLogs() as events:
            self.service.startService()
            self.assertEqual(await self.answer(self.connect()), b"hello")
        with self.assertRaises(ConnectionResetError):
            await self.answer(late[0])
        self.assertEqual((await self.answer(late[1]), len(self.begun)), (b"", 1))
        said = [formatEvent(event) for event in events if "dropped" in formatEvent(event)]
        self.assertEqual(said, ["[test] port has dropped 1 connections that had waited for too long"])

    async def test_gone(self) -> None:
        """Who has given up is passed over, whether with an end, at a port with TLS, or a reset."""
        self.service._port.gone = 0.0
        ended, reset = self.connect(), self.connect()
        ended.close()
        reset.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        reset.close()
        self.service.startService()
        self.assertEqual(await self.answer(self.connect()), b"hello")
        self.assertEqual(len(self.begun), 1)

    async def test_says_all_at_once(self) -> None:
        """Who has sent all they have to say, and their end, is answered."""
        client = self.connect()
        client.shutdown(socket.SHUT_WR)
        self.service.startService()
        self.assertEqual(await self.answer(client), b"hello")

    async def test_cannot_begin(self) -> None:
        """Where a connection cannot be begun, that is logged, and the next one can."""
        build = self.factory.buildProtocol

        def broken(addr: Any) -> Protocol | None:
            self.factory.buildProtocol = build
            raise ValueError("no")

        self.factory.buildProtocol = broken
        self.connect()
        self.service.startService()
        while not self.flushLoggedErrors(ValueError):
            await deferLater(self.reactor, 0.01)
        self.assertEqual(await self.answer(self.connect()), b"hello")
