"""Connections, on real sockets, in plaintext and over TLS."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.endpoints import HostnameEndpoint, connectProtocol, wrapClientTLS
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import Certificate, optionsForClientTLS
from twisted.internet.task import Clock, deferLater
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase

from imsys.errors import PeerFault
from imsys.protocols.deadlines import DeadlineWheel
from imsys.protocols.framing import CHAT, RESOURCES, Frame
from imsys.protocols.unsent import Unsent
from imsys.protocols.wire import BUFFERED, LINGER, TURN, Complaints, FrameConnection, Unfinished, WireSettings
from imsys.services.common import ListenService
from imsys.services.tls import public_context
from tests.support.servers import certificates
from tests.web.wire import Transport

SETTINGS = WireSettings(
    CHAT,
    65535,
    login_deadline=10.0,
    heartbeat_timeout=60.0,
    high_water=1 << 20,
    unsent=Unsent(1 << 30),
    complaints=Complaints(Clock()),
)
PATIENCE = 10.0


class Receiver:
    """Keeps what arrives."""

    def __init__(self, connection: FrameConnection) -> None:
        self.connection = connection
        self.frames: list[Frame] = []
        self.losses = 0

    def received(self, frame: Frame) -> None:
        if frame.service == 666:
            raise PeerFault("a frame that cannot be")
        self.frames.append(frame)

    def finished(self) -> None:
        self.connection.close()

    def lost(self) -> None:
        self.losses += 1


class Peer(Protocol):
    """The other side: keeps bytes."""

    transport: Any

    def __init__(self) -> None:
        self.data = b""
        self.closed = False

    def dataReceived(self, data: bytes) -> None:
        self.data += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.closed = True


class Case(TestCase):
    """A port whose connections' deadlines go by a clock of their own."""

    tls = False
    settings = SETTINGS

    async def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.clock = Clock()
        self.wheel = DeadlineWheel(self.clock)
        self.receivers: list[Receiver] = []
        factory = Factory.forProtocol(self.build)
        factory.noisy = False
        self.port = ListenService(
            reactor, factory, "127.0.0.1", 0, public_context(certificates()) if self.tls else None, "port"
        )
        self.port.startService()
        self.addCleanup(lambda: maybeDeferred(self.port.stopService))

    def build(self) -> FrameConnection:
        connection = FrameConnection(self.settings, self.wheel)
        connection.receiver = Receiver(connection)
        self.receivers.append(connection.receiver)
        return connection

    async def until(self, condition: Any) -> None:
        """Return when a condition holds."""
        waited: Deferred[None] = Deferred.fromCoroutine(self._until(condition))
        await waited.addTimeout(PATIENCE, self.reactor)

    async def _until(self, condition: Any) -> None:
        while not condition():
            await deferLater(self.reactor, 0.001)

    async def turns(self, count: int = 20) -> None:
        """Give the reactor time to do what it should not."""
        for _ in range(count):
            await deferLater(self.reactor, 0.001)

    def pass_time(self, seconds: float) -> None:
        self.clock.pump([0.5] * round(seconds * 2))


class ManyFramesTests(SynchronousTestCase):
    """More frames in a read than one turn is for, with turns and a receiver in the hand."""

    def setUp(self) -> None:
        self.clock, self.turns = Clock(), list[Any]()
        wheel = DeadlineWheel(self.clock)
        self.patch(wheel, "soon", self.turns.append)
        self.connection = FrameConnection(SETTINGS, wheel)
        self.receiver = self.connection.receiver = Receiver(self.connection)
        self.transport = Transport()
        self.connection.makeConnection(self.transport)

    def send(self, count: int, last: bytes = b"") -> None:
        self.connection.dataReceived(
            b"".join(CHAT.encode(5, b"%d" % number) for number in range(count)) + last
        )

    def turn(self) -> None:
        (call,) = self.turns
        self.turns.clear()
        call()

    def test_a_few_a_turn(self) -> None:
        """They are handed on in order, some in each turn, and nothing is read meanwhile.

        A fault and the end come behind the last.
        """
        for last, ended in ((b"", False), (b"", True), (b"\0\1\0\1", False)):
            self.setUp()
            self.send(2 * TURN + 1, last)
            if ended:
                self.connection.readConnectionLost()
            for turn in (1, 2):
                self.assertEqual((len(self.receiver.frames), self.connection.closing), (turn * TURN, False))
                self.assertEqual(self.transport.producerState, "paused")
                self.turn()
            self.assertEqual([int(frame.body) for frame in self.receiver.frames], list(range(2 * TURN + 1)))
            self.assertEqual((self.connection.closing, self.turns), (ended or bool(last), []))
            self.assertEqual(self.transport.producerState, "paused" if ended else "producing")

    def test_held(self) -> None:
        """While the receiver has enough, or the peer does not read, they wait."""
        for hold, release in (
            (lambda: self.connection.hold_reading(True), lambda: self.connection.hold_reading(False)),
            (lambda: self.connection.pauseProducing(), lambda: self.connection.resumeProducing()),
        ):
            self.setUp()
            self.send(2 * TURN)
            hold()
            self.turn()
            self.assertEqual((len(self.receiver.frames), self.turns), (TURN, []))
            release()
            self.turn()
            self.assertEqual(
                (len(self.receiver.frames), self.turns, self.transport.producerState),
                (2 * TURN, [], "producing"),
            )

    def test_gone(self) -> None:
        """Of a connection that is closed, cut or gone none are handed on any more."""
        for end in (
            FrameConnection.close,
            lambda connection: connection.abort("a test"),
            FrameConnection.end_reading,
        ):
            self.setUp()
            self.send(2 * TURN)
            end(self.connection)
            self.turn()
            self.assertEqual((len(self.receiver.frames), self.turns), (TURN, []))


class FullAgainTests(SynchronousTestCase):
    """A transport whose buffer what had waited fills again."""

    def test_order(self) -> None:
        """What is sent then waits again, behind it.

        A connection that is to close does not before all has left.
        """
        for closes in (False, True):
            connection = FrameConnection(SETTINGS, DeadlineWheel(Clock()))
            written: list[bytes] = []
            full = [True, False]

            class Narrow(Transport):
                def write(
                    self,
                    data: bytes,
                    written: list[bytes] = written,
                    full: list[bool] = full,
                    to: Any = connection,
                ) -> None:
                    written.append(data)
                    if full.pop(0):
                        to.pauseProducing()

            connection.makeConnection(transport := Narrow())
            connection.pauseProducing()
            connection.send(b"a")
            if closes:
                connection.close()
            connection.resumeProducing()
            self.assertTrue(connection.choked)
            connection.send(b"b")
            self.assertEqual((written, transport.disconnecting), ([b"a"], False))
            connection.resumeProducing()
            self.assertEqual(
                (written, transport.disconnecting), ([b"a"], True) if closes else ([b"a", b"b"], False)
            )


class Connected(Case):
    """One connection, beyond its handshake."""

    async def setUp(self) -> None:
        await super().setUp()
        endpoint: Any = HostnameEndpoint(self.reactor, "127.0.0.1", self.port.port)
        if self.tls:
            ca = Certificate.loadPEM(Path(certificates().ca).read_bytes())
            endpoint = wrapClientTLS(optionsForClientTLS("127.0.0.1", trustRoot=ca), endpoint)
        self.peer: Peer = await connectProtocol(endpoint, Peer())
        self.addCleanup(self.end)
        self.peer.transport.write(CHAT.encode(5, b"after the handshake"))
        await self.until(lambda: self.receivers and self.receivers[0].frames)
        (self.receiver,) = self.receivers
        self.receiver.frames.clear()
        self.connection = self.receiver.connection

    async def end(self) -> None:
        if not self.peer.closed:
            self.peer.transport.abortConnection()
        await self.until(lambda: self.peer.closed and self.receiver.losses)


class Behaviour(Connected):
    async def test_frames(self) -> None:
        """Frames come in and go out, whole or byte by byte."""
        frames = [Frame(9, b"{}"), Frame(23, os.urandom(60_000)), Frame(32, b"")]
        for frame in frames:
            self.peer.transport.write(CHAT.encode(*frame))
        for byte in CHAT.encode(7, b"bye"):
            self.peer.transport.write(bytes([byte]))
            await self.turns(1)
        await self.until(lambda: len(self.receiver.frames) == 4)
        self.assertEqual(self.receiver.frames, [*frames, Frame(7, b"bye")])
        self.connection.send(CHAT.encode(10, b"one") + CHAT.encode(10, b"two"))
        self.connection.send(CHAT.encode(10, b"three"))
        await self.until(lambda: len(self.peer.data) == 23)
        self.assertEqual(
            self.peer.data, b"".join(CHAT.encode(10, body) for body in (b"one", b"two", b"three"))
        )

    async def test_fault(self) -> None:
        """A header that no frame can have closes the connection.

        What came before it was received, what comes after is not.
        """
        self.peer.transport.write(CHAT.encode(9, b"{}") + b"\x00\x09\x00\x03" + CHAT.encode(9, b"{}"))
        await self.until(lambda: self.peer.closed and self.receiver.losses)
        self.assertEqual(self.receiver.frames, [Frame(9, b"{}")])

    async def test_fault_of_the_receiver(self) -> None:
        """So does a frame that its receiver has called a fault."""
        self.peer.transport.write(CHAT.encode(9, b"{}") + CHAT.encode(666, b"") + CHAT.encode(9, b"{}"))
        await self.until(lambda: self.peer.closed and self.receiver.losses)
        self.assertEqual(self.receiver.frames, [Frame(9, b"{}")])

    async def test_peer_closes(self) -> None:
        """The receiver hears once that the connection is gone, nothing watches it any more, and what is sent
        then is dropped.
        """
        self.peer.transport.loseConnection()
        await self.until(lambda: self.receiver.losses)
        self.connection.send(b"too late")
        self.connection.close()
        self.assertEqual((self.receiver.losses, len(self.wheel), self.connection.receiver), (1, 0, None))

    async def test_close(self) -> None:
        """Closing lets the last bytes go first, and takes no deadline to be noticed, whatever was held up."""
        self.connection.hold_reading(True)
        last = os.urandom(600_000)
        self.connection.send(last)
        self.connection.close()
        self.connection.send(b"too late")
        self.connection.hold_reading(False)
        self.connection.hold_reading(True)
        self.connection.close()
        await self.until(lambda: self.peer.closed and self.receiver.losses)
        self.assertEqual(self.peer.data, last)
        self.assertEqual((self.receiver.losses, len(self.wheel)), (1, 0))

    async def test_login_deadline(self) -> None:
        """Without a word from the receiver the login deadline closes the connection.

        Frames alone do not put it off.
        """
        for _ in range(9):
            self.peer.transport.write(CHAT.encode(32, b"{}"))
            self.pass_time(1)
        await self.turns()
        self.assertFalse(self.peer.closed)
        self.pass_time(2)
        await self.until(lambda: self.peer.closed and self.receiver.losses)

    async def test_heartbeat_timeout(self) -> None:
        """From when the receiver says that the peer lives it has the heartbeat timeout, every time anew."""
        for _ in range(3):
            self.connection.alive()
            self.pass_time(59)
        await self.turns()
        self.assertFalse(self.peer.closed)
        self.pass_time(2)
        await self.until(lambda: self.peer.closed and self.receiver.losses)

    async def test_nearer_heartbeat(self) -> None:
        """A heartbeat timeout that is over before the login deadline would be counts, too."""
        self.connection._settings = dataclasses.replace(SETTINGS, heartbeat_timeout=3.0)
        self.connection.logged_in()
        self.pass_time(4)
        await self.until(lambda: self.peer.closed and self.receiver.losses)

    async def test_unheard(self) -> None:
        """A peer that nobody listens to for a while is not silent.

        When it is listened to again its time begins.
        """
        self.connection.logged_in()
        self.connection.hold_reading(True)
        self.pass_time(300)
        await self.turns()
        self.assertFalse(self.peer.closed)
        self.connection.hold_reading(False)
        self.pass_time(61)
        await self.until(lambda: self.peer.closed and self.receiver.losses)

    async def test_held(self) -> None:
        """While the receiver has enough, nothing is read, and the peer is held up by the network.

        Then everything arrives, in order.
        """
        self.connection.hold_reading(True)
        frames = [CHAT.encode(9, index.to_bytes(4, "big") + bytes(60_000)) for index in range(200)]
        self.peer.transport.write(b"".join(frames))
        await self.turns(50)
        before = len(self.receiver.frames)
        self.assertLess(before, 10)
        self.connection.hold_reading(False)
        await self.until(lambda: len(self.receiver.frames) == 200)
        self.assertEqual(
            [int.from_bytes(frame.body[:4], "big") for frame in self.receiver.frames], list(range(200))
        )

    async def test_slow_reader(self) -> None:
        """A peer that does not read is not read from either, and gets everything, in order, when it reads
        again.
        """
        self.peer.transport.pauseProducing()
        sent = b""
        while not self.connection.choked:  # as long as the system and Twisted take it
            block = os.urandom(65_536)
            self.connection.send(block)
            sent += block
            await self.turns(2)
        more = os.urandom(500_000)
        self.connection.send(more)
        self.peer.transport.write(CHAT.encode(9, b"{}"))
        await self.turns()
        self.assertEqual(self.receiver.frames, [])
        self.peer.transport.resumeProducing()
        await self.until(lambda: self.receiver.frames)
        await self.until(lambda: len(self.peer.data) == len(sent) + len(more))
        self.assertEqual(self.peer.data, sent + more)

    async def test_accounts(self) -> None:
        """What waits in the transport counts, too.

        Nothing is left on the account when all is read, or the connection is gone.
        """
        unsent = Unsent(1 << 30)
        self.connection._settings = dataclasses.replace(SETTINGS, unsent=unsent)
        for gone in (False, True):
            self.peer.transport.pauseProducing()
            while not self.connection.choked:
                self.connection.send(bytes(65_536))
                await self.turns(2)
            self.assertEqual(unsent.bytes, BUFFERED)
            self.connection.send(bytes(1000))
            self.assertEqual(unsent.bytes, BUFFERED + 1000)
            if gone:
                self.peer.transport.abortConnection()
            else:
                self.peer.transport.resumeProducing()
            await self.until(lambda: not unsent.bytes)

    async def test_no_room_for_another(self) -> None:
        """Where all connections together have too much unread, one more that stops reading is cut off."""
        self.connection._settings = dataclasses.replace(SETTINGS, unsent=Unsent(BUFFERED - 1))
        self.peer.transport.pauseProducing()
        while not self.connection.closing:
            self.connection.send(bytes(65_536))
            await self.turns(2)
        await self.until(lambda: self.receiver.losses)

    async def test_high_water(self) -> None:
        """A peer that leaves more than the high-water mark unread is cut off at once."""
        self.peer.transport.pauseProducing()
        for _ in range(2000):
            self.connection.send(bytes(65_536))
            if self.connection.closing:
                break
            await self.turns(1)
        await self.until(lambda: self.receiver.losses)
        self.assertEqual(len(self.wheel), 0)

    async def test_unread_goodbye(self) -> None:
        """A peer that does not take its last bytes is cut off in the end."""
        self.peer.transport.pauseProducing()
        while not self.connection.choked:
            self.connection.send(bytes(65_536))
            await self.turns(2)
        self.connection.send(b"goodbye")
        self.connection.close()
        self.pass_time(LINGER - 1)
        await self.turns()
        self.assertEqual(self.receiver.losses, 0)
        self.pass_time(2)
        await self.until(lambda: self.receiver.losses)
        self.assertEqual(len(self.wheel), 0)


class PlaintextTests(Behaviour):
    """In plaintext."""


class TlsTests(Behaviour):
    """Over TLS."""

    tls = True


del Behaviour


class NoHandshakeTests(Case):
    tls = True

    async def test_no_handshake(self) -> None:
        """A connection that does not get as far as TLS is closed by its login deadline at the latest."""
        for first in (b"", b"\x16\x03\x01", b"GET / HTTP/1.0\r\n\r\n"):
            peer: Peer = await connectProtocol(
                HostnameEndpoint(self.reactor, "127.0.0.1", self.port.port), Peer()
            )
            peer.transport.write(first)
            await self.until(lambda: self.receivers)
            receiver = self.receivers.pop()
            self.pass_time(11)
            await self.until(lambda ends=(peer, receiver): ends[0].closed and ends[1].losses)


class LargeFramesTests(Case):
    """Frames of a mebibyte, on a port where two and a half of them may wait for their ends, and one and a
    half before login.
    """

    SIZE = 1 << 20

    async def setUp(self) -> None:
        self.unfinished = Unfinished(5 * self.SIZE // 2, 3 * self.SIZE // 2)
        self.settings = dataclasses.replace(
            SETTINGS, format=RESOURCES, max_frame=self.SIZE, unfinished=self.unfinished
        )
        await super().setUp()

    async def half(self, *, known: bool = False) -> tuple[Peer, FrameConnection]:
        """Somebody who has sent all of a frame but its last byte; ``known``: logged in."""
        count = len(self.receivers)
        peer: Peer = await connectProtocol(
            HostnameEndpoint(self.reactor, "127.0.0.1", self.port.port), Peer()
        )
        self.addCleanup(peer.transport.abortConnection)
        await self.until(lambda: len(self.receivers) > count)
        connection = self.receivers[-1].connection
        if known:
            connection.logged_in()
        before = self.unfinished.bytes
        peer.transport.write(RESOURCES.encode(70, bytes(self.SIZE - 6))[:-1])
        await self.until(lambda: connection.closing or self.unfinished.bytes == before + self.SIZE - 1)
        return peer, connection

    async def test_whole(self) -> None:
        """What is counted is counted no more when the frame is whole."""
        peer, connection = await self.half()
        peer.transport.write(b"x")
        await self.until(lambda: self.receivers[0].frames)
        self.assertEqual((self.unfinished.bytes, connection.closing), (0, False))

    async def test_strangers(self) -> None:
        """Who has not logged in is cut where strangers have too much waiting.

        Who has goes on, until all have too much.
        """
        _, first = await self.half()
        _, second = await self.half()
        self.assertEqual((first.closing, second.closing, self.unfinished.bytes), (False, True, self.SIZE - 1))
        _, third = await self.half(known=True)
        _, fourth = await self.half(known=True)
        self.assertEqual(
            (third.closing, fourth.closing, self.unfinished.bytes), (False, True, 2 * (self.SIZE - 1))
        )

    async def test_lost(self) -> None:
        """A connection that is lost, or closed, holds nothing of its frame any more, collected or not."""
        for closed in (False, True):
            peer, connection = await self.half()
            if closed:
                connection.close()
            else:
                peer.transport.abortConnection()
            await self.until(lambda: self.receivers[-1].connection.closing)
            self.assertEqual((connection._decoder.pending, self.unfinished.bytes), (0, 0))
