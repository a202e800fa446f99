"""What connections do on any reactor of Twisted's: on ours as on the stock one, against plain sockets."""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import sys
import unittest
from pathlib import Path
from typing import Any

from twisted.internet import ssl
from twisted.internet.endpoints import SSL4ClientEndpoint, TCP4ClientEndpoint, connectProtocol
from twisted.internet.epollreactor import EPollReactor as Stock
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IHalfCloseableProtocol, IPullProducer, IPushProducer
from twisted.internet.protocol import connectionDone
from twisted.protocols import tls
from twisted.python import log
from twisted.python.failure import Failure
from zope.interface import implementer

from tests.support.reactors import Built, Peer, ReactorTestCase, Recorder
from tests.support.servers import certificates

MUCH = random.Random(3).randbytes(8 << 20)
"""More than kernels keep for a peer that does not read."""

FULL = 1 << 17
"""Bytes beyond which no transport keeps anything while its producer is paused: its limit, and one more chunk.
"""


class Echo(Recorder):
    def dataReceived(self, data: bytes) -> None:
        super().dataReceived(data)
        self.transport.write(data)


@implementer(IHalfCloseableProtocol)
class HalfCloseable(Recorder):
    def __init__(self) -> None:
        super().__init__()
        self.closed: list[str] = []

    def readConnectionLost(self) -> None:
        self.closed.append("read")

    def writeConnectionLost(self) -> None:
        self.closed.append("write")


@implementer(IPushProducer)
class Pushing(Recorder):
    """Writes all of :data:`MUCH` as fast as it may."""

    chunk = 1 << 14

    def connectionMade(self) -> None:
        self.transport.getHandle().setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16)
        self.sent = 0
        self.paused = 0
        self.most = 0
        self.stopped = False
        self.running = True
        self.transport.registerProducer(self, True)
        self.push()

    def push(self) -> None:
        while self.running and self.sent < len(MUCH):
            self.transport.write(MUCH[self.sent : self.sent + self.chunk])
            self.sent += self.chunk
            self.most = max(
                self.most,
                self.transport._tempDataLen + len(self.transport.dataBuffer) - self.transport.offset,
            )
        if self.sent >= len(MUCH):
            self.transport.unregisterProducer()
            self.transport.loseConnection()

    def pauseProducing(self) -> None:
        self.running = False
        self.paused += 1

    def resumeProducing(self) -> None:
        self.running = True
        self.push()

    def stopProducing(self) -> None:
        self.running = False
        self.stopped = True


@implementer(IPullProducer)
class Pulled(Recorder):
    """Writes a chunk whenever it is asked to."""

    chunk = 1 << 18

    def connectionMade(self) -> None:
        self.transport.getHandle().setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16)
        self.sent = 0
        self.transport.registerProducer(self, False)

    def resumeProducing(self) -> None:
        self.transport.write(MUCH[self.sent : self.sent + self.chunk])
        self.sent += self.chunk
        if self.sent >= len(MUCH):
            self.transport.unregisterProducer()
            self.transport.loseConnection()

    def stopProducing(self) -> None:
        pass


class Scenes:
    """Inherited by a test case for each reactor."""

    reactor: Any

    # -- closing

    def test_end_of_peer(self: Any) -> None:
        """The peer closes: everything that it sent arrives, then the end."""
        protocol, peer = self.pair()
        peer.socket.send(b"last words")
        peer.socket.close()
        self.until(lambda: protocol.lost)
        self.assertEqual((protocol.data, protocol.lost.type), (b"last words", ConnectionDone))

    def test_half_closed_by_peer(self: Any) -> None:
        """The peer closes its direction only: a protocol that knows of this still answers, and closes when it
        likes.
        """
        protocol, peer = self.pair(HalfCloseable)
        peer.socket.send(b"question")
        peer.socket.shutdown(socket.SHUT_WR)
        self.until(lambda: protocol.closed)
        self.assertEqual((protocol.data, protocol.closed, protocol.lost), (b"question", ["read"], None))
        protocol.transport.write(MUCH)
        self.until(lambda: peer.read() == MUCH)
        self.assertFalse(peer.ended)
        protocol.transport.loseConnection()
        self.until(lambda: peer.finished() and protocol.lost)
        self.assertEqual(peer.data, MUCH)

    def test_half_closed_by_us(self: Any) -> None:
        """We close our direction only: all that was written arrives, then the end, and the peer still can
        write.
        """
        protocol, peer = self.pair(HalfCloseable)
        protocol.transport.write(MUCH)
        protocol.transport.loseWriteConnection()
        self.until(peer.finished)
        self.assertEqual(peer.data, MUCH)
        protocol.transport.write(b"too late")
        peer.socket.send(b"thanks")
        self.until(lambda: protocol.data == b"thanks")
        self.assertEqual((protocol.closed, protocol.lost), (["write"], None))
        peer.socket.close()
        self.until(lambda: "read" in protocol.closed)
        protocol.transport.loseConnection()
        self.until(lambda: protocol.lost)

    def test_half_closed_with_little(self: Any) -> None:
        """So it is with a few bytes."""
        protocol, peer = self.pair(HalfCloseable)
        protocol.transport.write(b"bye")
        protocol.transport.loseWriteConnection()
        self.until(peer.finished)
        self.assertEqual((peer.data, protocol.closed, protocol.lost), (b"bye", ["write"], None))

    def test_lose_after_much(self: Any) -> None:
        """A connection that is closed sends first what was written, and nothing more once it is gone."""
        protocol, peer = self.pair()
        protocol.transport.write(MUCH)
        protocol.transport.loseConnection()
        self.until(peer.finished)
        self.assertEqual(peer.data, MUCH)
        self.until(lambda: protocol.lost)
        protocol.transport.write(b"too late")
        protocol.transport.writeSequence([b"too", b"late"])
        protocol.transport.loseConnection()
        self.turns(3)
        self.assertEqual(peer.read(), MUCH)

    def test_write_after_lose(self: Any) -> None:
        """What is written in the turn in which a connection is closed still leaves."""
        protocol, peer = self.pair()
        protocol.transport.write(b"one ")
        protocol.transport.loseConnection()
        protocol.transport.write(b"two")
        self.until(peer.finished)
        self.assertEqual(peer.data, b"one two")

    def test_lose_unused(self: Any) -> None:
        """A connection with nothing to send closes at once."""
        protocol, peer = self.pair()
        protocol.transport.loseConnection()
        self.until(lambda: peer.finished() and protocol.lost)
        self.assertEqual(protocol.lost.type, ConnectionDone)

    def test_abort(self: Any) -> None:
        """An aborted connection sends nothing more, even of what was written before.

        The peer sees it reset.
        """
        protocol, peer = self.pair()
        protocol.transport.write(b"never sent")
        protocol.transport.abortConnection()
        protocol.transport.write(b"nor this")
        protocol.transport.loseConnection()
        self.until(lambda: peer.read() or peer.reset)
        self.assertEqual((peer.data, peer.reset), (b"", True))
        self.until(lambda: protocol.lost)
        self.assertEqual(protocol.lost.type, ConnectionAborted)

    def test_reset_by_peer(self: Any) -> None:
        """A peer that vanishes while we write is a lost connection, not an error of ours."""
        protocol, peer = self.pair()
        protocol.transport.write(MUCH)
        self.turns(3)
        peer.socket.close()  # with unread bytes, so it is a reset
        self.until(lambda: protocol.lost)
        self.assertEqual(protocol.lost.type, ConnectionLost)

    def test_reset_while_idle(self: Any) -> None:
        """So is one that vanishes while nothing is written."""
        protocol, peer = self.pair()
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.socket.close()
        self.until(lambda: protocol.lost)
        self.assertEqual(protocol.lost.type, ConnectionLost)

    def test_ended_by_another(self: Any) -> None:
        """A connection that wrote is ended in the same turn by another's event: the rest go on."""
        first, one = self.pair(Echo)
        second, two = self.pair()

        class Ending(Recorder):
            def dataReceived(self, data: bytes) -> None:
                self.transport.write(b"done")
                first.transport.write(b"never sent")
                first.transport.abortConnection()
                second.transport.write(b"sent")

        third, three = self.pair(Ending)
        three.socket.send(b"go")
        self.until(lambda: three.read() and two.read())
        self.assertEqual((three.data, two.data, one.read()), (b"done", b"sent", b""))
        self.assertIsNone(third.lost)

    # -- slow consumers

    def test_push_producer(self: Any) -> None:
        """A peer that does not read pauses the producer, with little kept.

        When it reads, everything arrives.
        """
        protocol, peer = self.pair(Pushing)
        self.until(lambda: not protocol.running)
        self.turns(500)
        self.assertLess(protocol.sent, len(MUCH))
        self.until(peer.finished)
        self.assertEqual(peer.data, MUCH)
        self.assertGreater(protocol.paused, 1)
        self.assertLess(protocol.most, FULL)

    def test_pull_producer(self: Any) -> None:
        """A producer that is asked for each piece is asked when there is room, and asked for everything."""
        protocol, peer = self.pair(Pulled)
        self.turns(200)
        self.assertLess(protocol.sent, len(MUCH))
        self.until(peer.finished)
        self.assertEqual(peer.data, MUCH)

    def test_producer_of_lost(self: Any) -> None:
        """The producer of a connection that breaks is stopped."""
        protocol, peer = self.pair(Pushing)
        self.until(lambda: not protocol.running)
        peer.socket.close()
        self.until(lambda: protocol.lost)
        self.assertTrue(protocol.stopped)

    def test_paused_reading(self: Any) -> None:
        """A connection that is paused is not read from, but still writes; resumed, it misses nothing."""
        protocol, peer = self.pair(Echo)
        protocol.transport.pauseProducing()
        peer.socket.send(b"wait")
        protocol.transport.write(b"I do")
        self.until(lambda: peer.read() == b"I do")
        self.assertEqual(protocol.data, b"")
        protocol.transport.resumeProducing()
        self.until(lambda: peer.read() == b"I dowait")

    # -- fairness, and numbers

    def test_flood(self: Any) -> None:
        """A connection that sends without end is read from once a turn, and no more than so much: a quiet one
        is answered meanwhile.
        """

        class Flooded(Recorder):
            reads = 0

            def dataReceived(self, data: bytes) -> None:
                self.reads += 1
                self.data = max(self.data, bytearray(data), key=len)

        flooded, flood = self.pair(Flooded)
        _, quiet = self.pair(Echo)
        for number in range(1, 6):
            self.stuff(flood)
            quiet.socket.send(b"?")

            def answered(expected: int = number) -> bool:
                self.stuff(flood)
                self.assertLessEqual(flooded.reads, 1)
                flooded.reads = 0
                return len(quiet.read()) == expected

            self.until(answered)
        self.assertLessEqual(len(flooded.data), 1 << 18)

    def stuff(self, peer: Peer) -> None:
        """Send until the kernel has enough."""
        with contextlib.suppress(BlockingIOError):
            while True:
                peer.socket.send(MUCH)

    def test_many(self: Any) -> None:
        """Hundreds of connections, all at once: each gets its own bytes back."""
        factory, host = self.listen(Echo)
        peers = [self.dial(host) for _ in range(400)]
        for number, peer in enumerate(peers):
            peer.socket.send(f"I am {number}".encode())
        self.until(lambda: all(peer.read() == f"I am {number}".encode() for number, peer in enumerate(peers)))
        for peer in peers[::2]:
            peer.socket.close()
        self.until(lambda: sum(protocol.lost is not None for protocol in factory.protocols) == 200)
        for peer in peers[1::2]:
            peer.socket.send(b".")
        self.until(lambda: all(peer.read().endswith(b".") for peer in peers[1::2]))

    # -- exceptions

    def others_live(self: Any, peer: Peer) -> None:
        """A connection that had nothing to do with it still works."""
        before = len(peer.read())
        peer.socket.send(b"still there?")
        self.until(lambda: len(peer.read()) == before + 12)

    def test_raising_in_data_received(self: Any) -> None:
        """A protocol that raises loses its connection, and nobody else theirs; it is logged, once."""

        class Raising(Recorder):
            def dataReceived(self, data: bytes) -> None:
                raise ZeroDivisionError

        _, other = self.pair(Echo)
        protocol, peer = self.pair(Raising)
        peer.socket.send(b"!")
        self.until(lambda: protocol.lost and peer.finished())
        self.assertEqual(protocol.lost.type, ZeroDivisionError)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.others_live(other)

    def test_raising_in_connection_lost(self: Any) -> None:
        """So is one that raises when it is told of the end."""

        class Raising(Recorder):
            def connectionLost(self, reason: Failure = connectionDone) -> None:
                super().connectionLost(reason)
                raise ZeroDivisionError

        _, other = self.pair(Echo)
        protocol, peer = self.pair(Raising)
        peer.socket.close()
        self.until(lambda: protocol.lost)
        leaving, last = self.pair(Raising)
        leaving.transport.write(b"bye")
        leaving.transport.loseConnection()
        self.until(lambda: leaving.lost and last.finished())
        self.assertEqual(last.data, b"bye")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)
        self.others_live(other)

    def test_raising_while_writing(self: Any) -> None:
        """A producer that raises when there is room again loses its connection, and nobody else theirs."""

        class Raising(Pushing):
            def resumeProducing(self) -> None:
                raise ZeroDivisionError

        _, other = self.pair(Echo)
        protocol, peer = self.pair(Raising)
        self.until(lambda: peer.read() is not None and protocol.lost)
        self.assertEqual(protocol.lost.type, ZeroDivisionError)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.others_live(other)

    # -- TLS

    def contexts(self: Any) -> tuple[Any, Any]:
        """Of a server, and of a client that trusts it."""
        self.patch(tls, "_get_default_clock", lambda: self.reactor)  # it would be that of the whole process
        config = certificates()
        authority = ssl.Certificate.loadPEM(Path(config.ca).read_bytes())
        own = ssl.PrivateCertificate.loadPEM(
            Path(config.key).read_bytes() + Path(config.certificate).read_bytes()
        )
        return own.options(), ssl.optionsForClientTLS("localhost", authority)

    def test_tls(self: Any) -> None:
        """Much, both ways, through TLS, to a client that checks the certificate; the end is clean."""
        serving, trust = self.contexts()
        factory = Built(Echo)
        port = self.reactor.listenSSL(0, factory, serving, interface="127.0.0.1").getHost().port
        client = Recorder()
        connectProtocol(SSL4ClientEndpoint(self.reactor, "127.0.0.1", port, trust), client).addErrback(
            log.err
        )
        self.until(lambda: client.transport)
        client.transport.write(MUCH)
        self.until(lambda: len(client.data) == len(MUCH))
        self.assertEqual(client.data, MUCH)
        client.transport.loseConnection()
        self.until(lambda: client.lost and factory.protocols[0].lost)
        for protocol in (client, *factory.protocols):
            assert protocol.lost is not None
            self.assertEqual(protocol.lost.type, ConnectionDone)

    def test_start_tls(self: Any) -> None:
        """A connection that becomes encrypted on its way, at both ends, keeps what was written before in
        plain text.
        """
        serving, trust = self.contexts()

        class Serving(Echo):
            def dataReceived(self, data: bytes) -> None:
                if data == b"STARTTLS":
                    self.transport.write(b"GO")
                    self.transport.startTLS(serving)
                else:
                    super().dataReceived(data)

        class Asking(Recorder):
            def connectionMade(self) -> None:
                self.transport.write(b"STARTTLS")

            def dataReceived(self, data: bytes) -> None:
                if data == b"GO":
                    self.transport.startTLS(trust)
                    self.transport.write(MUCH)
                    self.transport.writeSequence([b"the", b"end"])
                else:
                    super().dataReceived(data)

        factory, host = self.listen(Serving)
        client = Asking()

        connectProtocol(TCP4ClientEndpoint(self.reactor, host.host, host.port), client).addErrback(log.err)
        self.until(lambda: len(client.data) == len(MUCH) + 6)
        self.assertEqual(client.data, MUCH + b"theend")
        self.assertEqual(factory.protocols[0].data, MUCH + b"theend")


@unittest.skipUnless(sys.platform == "linux", "epoll is Linux's")
class OurTests(Scenes, ReactorTestCase):
    """On ours."""


@unittest.skipUnless(sys.platform == "linux", "epoll is Linux's")
class StockTests(Scenes, ReactorTestCase):
    """On Twisted's own, so that the scenes are known to be right."""

    def make(self) -> Any:
        return Stock()
