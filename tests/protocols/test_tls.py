"""TLS of a port: in memory, where every byte and every turn is in hand, and by Twisted's own tests."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import re
import ssl
import subprocess
import sys
import unittest
import weakref
from collections.abc import Callable
from typing import Any

from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IConsumer, INegotiated, IProtocol, IPushProducer, ISSLTransport
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from imsys.protocols.tls import RECORD, TURN_BYTES, TlsConnection, TlsFactory
from imsys.services.tls import public_context
from tests.support.children import folder
from tests.support.daemons import environment
from tests.support.servers import certificates


class Turns:
    """A reactor whose turns end when they are told to."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], object]] = []

    def callAtTurnEnd(self, function: Callable[[], object]) -> None:
        self.calls.append(function)

    def end(self) -> None:
        calls, self.calls = self.calls, []
        for function in calls:
            function()


class Server(Protocol):
    """Keeps what it gets, and answers it with what :attr:`answer` makes of it."""

    transport: Any

    def __init__(self) -> None:
        self.received: list[bytes] = []
        self.reason: Any = None
        self.answer: Callable[[bytes], object] = lambda data: None

    def dataReceived(self, data: bytes) -> None:
        self.received.append(data)
        self.answer(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.reason = reason.value


class Producer:
    """Something that is paused and resumed."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def pauseProducing(self) -> None:
        self.said.append("pause")

    def resumeProducing(self) -> None:
        self.said.append("resume")

    def stopProducing(self) -> None:
        self.said.append("stop")


class Pair:
    """A client that is Python's, and a connection of ours; nothing moves by itself."""

    def __init__(self, factory: TlsFactory, turns: Turns, version: ssl.TLSVersion | None = None) -> None:
        context = ssl.create_default_context(cafile=certificates().ca)
        if version is not None:
            context.minimum_version = context.maximum_version = version
        self.turns = turns
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        self.transport = StringTransport()
        connection = factory.buildProtocol(None)
        assert connection is not None
        self.connection: TlsConnection = connection
        self.server: Server = connection._protocol
        self.connection.makeConnection(self.transport)

    def step(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call the client; None when it has to wait for more, or has read everything."""
        try:
            return function(*arguments)
        except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            return None

    def from_server(self) -> bytes:
        """What the server has sent since it was last asked."""
        sent: bytes = self.transport.value()
        self.transport.clear()
        return sent

    def to_server(self, size: int = 1 << 30) -> None:
        """Hand over what the client has sent, in pieces of this size."""
        sent = self.outgoing.read()
        for start in range(0, len(sent), size):
            self.connection.dataReceived(sent[start : start + size])

    def shake(self, size: int = 1 << 30) -> Pair:
        """Both sides' handshake."""
        for _ in range(3):
            self.step(self.client.do_handshake)
            self.to_server(size)
            self.incoming.write(self.from_server())
        return self

    def read(self) -> bytes:
        """End the turn; everything that the client then can read."""
        self.turns.end()
        self.incoming.write(self.from_server())
        data = b""
        while piece := self.step(self.client.read, RECORD):
            data += piece
        return data

    def say(self, data: bytes, size: int = 1 << 30) -> None:
        """Have the client send something."""
        self.client.write(data)
        self.to_server(size)


def records(sent: bytes) -> list[int]:
    """The lengths of the TLS records in a stream."""
    lengths = []
    while sent:
        lengths.append(int.from_bytes(sent[3:5], "big"))
        sent = sent[5 + lengths[-1] :]
    return lengths


def connections() -> int:
    """How many there are in memory."""
    return sum(type(one) is TlsConnection for one in gc.get_objects())


class Mallinfo(ctypes.Structure):
    """What mallinfo2(3) tells."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost",
        )
    ]  # fmt: skip


def allocated() -> int | None:
    """Bytes that are allocated by malloc, which is OpenSSL's; ``None``: the C library does not tell."""
    mallinfo2 = getattr(ctypes.CDLL(None), "mallinfo2", None) if sys.platform == "linux" else None
    if mallinfo2 is None:
        return None
    mallinfo2.restype = Mallinfo
    info = mallinfo2()
    return int(info.uordblks + info.hblkhd)


class Case(SynchronousTestCase):
    def setUp(self) -> None:
        self.turns = Turns()
        inner = Factory.forProtocol(Server)
        inner.noisy = False
        self.factory = TlsFactory(public_context(certificates()), inner, self.turns)

    def pair(self, version: ssl.TLSVersion | None = None) -> Pair:
        return Pair(self.factory, self.turns, version)

    def nothing_left(self) -> None:
        self.assertEqual((self.factory.incoming.pending, self.factory.outgoing.pending), (0, 0))


class ExchangeTests(Case):
    def test_interfaces(self) -> None:
        """A connection is what protocols expect of a transport, and transports of a protocol."""
        connection = self.pair().connection
        for interface in (ISSLTransport, INegotiated, IConsumer, IPushProducer, IProtocol):
            self.assertTrue(interface.providedBy(connection))
            if interface is not INegotiated:  # its attribute has no value before the handshake
                verifyObject(interface, connection)
        self.assertEqual(connection.logPrefix(), "Server (TLS)")

    def test_both_ways(self) -> None:
        """What is written on one side arrives on the other, in both versions of TLS."""
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            pair = self.pair(version).shake()
            self.assertEqual(pair.client.version(), version.name.replace("_", "."))
            pair.say(b"there")
            self.assertEqual(pair.server.received, [b"there"])
            pair.server.transport.writeSequence([b"and ", b"back"])
            self.assertEqual(pair.read(), b"and back")
            self.nothing_left()

    def test_single_bytes(self) -> None:
        """A stream that comes byte by byte is the same stream."""
        pair = self.pair().shake(1)
        pair.say(b"slowly", 1)
        self.assertEqual(pair.server.received, [b"slowly"])
        self.nothing_left()

    def test_many_records_at_once(self) -> None:
        """Records that come together are handed on together, the first with the end of the handshake."""
        pair = self.pair()
        pair.step(pair.client.do_handshake)
        pair.to_server()
        pair.incoming.write(pair.from_server())
        pair.client.do_handshake()
        for number in range(50):
            pair.client.write(b"%d," % number)
        pair.to_server()
        self.assertEqual(pair.server.received, [b"".join(b"%d," % number for number in range(50))])

    def test_one_record_a_turn(self) -> None:
        """What is written in a turn is one record and one write below, when the turn ends and not before."""
        pair = self.pair().shake()
        for _ in range(2):
            for number in range(100):
                pair.server.transport.write(b"message %d" % number)
            self.assertEqual(pair.transport.value(), b"")
            self.turns.end()
            self.assertEqual(len(records(pair.transport.value())), 1)
            self.assertEqual(len(pair.read()), 990)
        self.assertEqual(self.turns.calls, [])

    def test_reactor_without_turns(self) -> None:
        """Where the reactor does not say when its turn ends, it is in its next one."""
        later: list[Callable[[], object]] = []

        class Reactor:
            def callLater(self, delay: float, function: Callable[[], object]) -> None:
                assert delay == 0
                later.append(function)

        self.factory = TlsFactory(public_context(certificates()), Factory.forProtocol(Server), Reactor())
        pair = self.pair().shake()
        pair.server.transport.write(b"one")
        pair.server.transport.write(b"two")
        self.assertEqual((len(later), pair.transport.value()), (1, b""))
        later.pop()()
        self.assertEqual(pair.read(), b"onetwo")

    def test_large(self) -> None:
        """Much is cut into records of full size, and does not wait for the end of the turn."""
        pair, data = self.pair().shake(), bytes(range(256)) * 20_000
        pair.server.transport.write(data[:1000])
        pair.server.transport.write(data[1000:])
        sizes = records(pair.transport.value())
        self.assertEqual(len(sizes), -(-len(data) // RECORD))
        self.assertEqual(len(set(sizes[:-1])), 1)
        self.assertEqual(pair.read(), data)
        pair.say(data[:1_000_000], 65536)
        self.assertEqual(b"".join(pair.server.received), data[:1_000_000])
        self.nothing_left()

    def test_interleaved(self) -> None:
        """Connections share their BIOs, and nothing else: half of a record of one waits while others come and
        go.
        """
        one, other = self.pair().shake(), self.pair().shake()
        one.client.write(b"a secret of one")
        sent = one.outgoing.read()
        one.connection.dataReceived(sent[:20])
        other.say(b"of the other")
        broken = self.pair().shake()
        broken.connection.dataReceived(b"\x17\x03\x03\x00\x20" + bytes(32) + b"more" * 100)
        self.pair().connection.dataReceived(b"\x16\x03\x01\x02")
        self.nothing_left()
        other.server.transport.write(b"to the other")
        one.connection.dataReceived(sent[20:])
        self.assertEqual(
            (one.server.received, other.server.received), ([b"a secret of one"], [b"of the other"])
        )
        self.assertEqual((other.read(), one.read()), (b"to the other", b""))

    def test_answers_at_once(self) -> None:
        """A protocol that writes to others, or reads on, while it is handed something disturbs nobody."""
        one, other = self.pair().shake(), self.pair().shake()

        def both(data: bytes) -> None:
            other.server.transport.write(data * TURN_BYTES)
            other.say(b"meanwhile")
            one.server.transport.write(data)

        one.server.answer = both
        one.say(b"x!")
        self.assertEqual((one.read(), other.read()), (b"x!", b"x!" * TURN_BYTES))
        self.assertEqual(other.server.received, [b"meanwhile"])

    def test_idle(self) -> None:
        """An idle connection has no buffers: what it sent is gone, and OpenSSL's it has given back."""
        before = allocated()
        pairs = [Pair(self.factory, self.turns).shake() for _ in range(50)]
        for pair in pairs:
            pair.client.write(b"a" * RECORD)
            pair.to_server()
            pair.connection.write(b"b" * RECORD)
            pair.read()
            pair.server.received.clear()
        servers = [pair.connection for pair in pairs]
        del pair, pairs  # the clients
        self.assertEqual(len({id(server._unsent) for server in servers}), 1)
        self.assertEqual(servers[0]._unsent, [])
        after = allocated()
        if before is not None and after is not None:
            # 14 KB, all of it OpenSSL's; a buffer would be 16 more
            self.assertLess(after - before, 20_000 * len(servers))

    def test_only_bytes(self) -> None:
        """What may change later is copied; what is no bytes is refused; nothing is nothing."""
        pair, data = self.pair().shake(), bytearray(b"now")
        pair.server.transport.write(data)
        data[:] = b"new"
        pair.server.transport.write(b"")
        self.assertRaises(TypeError, pair.server.transport.write, "text")
        self.assertRaises(TypeError, pair.server.transport.writeSequence, ["text"])
        self.assertEqual(pair.read(), b"now")
        pair.server.transport.write(b"")
        self.assertEqual(self.turns.calls, [])

    def test_written_before_the_handshake(self) -> None:
        """What is written before there is a key is sent when there is one."""
        pair = self.pair()
        pair.server.transport.write(b"wel")
        pair.server.transport.write(b"come")
        self.assertEqual(pair.transport.value(), b"")
        pair.shake()
        self.assertEqual(pair.read(), b"welcome")

    def test_refused(self) -> None:
        """Where the factory makes no protocol, there is no connection."""
        self.factory = TlsFactory(public_context(certificates()), Factory(), self.turns)
        self.patch(Factory, "buildProtocol", lambda factory, addr: None)
        self.assertIsNone(self.factory.buildProtocol(None))


class EndTests(Case):
    def test_we_close(self) -> None:
        """Closing sends what was written and a close_notify, and waits for the peer's."""
        pair = self.pair().shake()
        pair.server.transport.write(b"x" * 100_000)
        pair.server.transport.write(b"last")
        pair.server.transport.loseConnection()
        pair.server.transport.loseConnection()
        pair.server.transport.write(b"too late")
        self.assertEqual(len(pair.read()), 100_004)
        self.assertEqual(pair.client.read(100), b"")
        self.assertFalse(pair.transport.disconnecting)
        pair.client.unwrap()
        pair.to_server()
        self.assertTrue(pair.transport.disconnecting)
        pair.connection.connectionLost(Failure(ConnectionDone()))
        self.assertIsInstance(pair.server.reason, ConnectionDone)
        self.nothing_left()

    def test_we_close_and_the_peer_hangs_up(self) -> None:
        """A peer that has everything need not answer a close_notify (RFC 8446, 6.1)."""
        pair = self.pair().shake()
        pair.server.transport.loseConnection()
        pair.connection.connectionLost(Failure(ConnectionDone()))
        self.assertIsInstance(pair.server.reason, ConnectionDone)

    def test_the_peer_closes(self) -> None:
        """A close_notify that comes with data: the data is answered, then the close_notify, then all is
        closed.
        """
        pair = self.pair().shake()
        pair.server.answer = lambda data: pair.server.transport.write(b"answer")
        pair.client.write(b"question")
        pair.step(pair.client.unwrap)
        pair.to_server()
        self.assertEqual(pair.server.received, [b"question"])
        self.assertEqual(len(records(pair.transport.value())), 2)
        self.assertEqual(pair.read(), b"answer")
        self.assertTrue(pair.transport.disconnecting)
        pair.connection.connectionLost(Failure(ConnectionDone()))
        self.assertIsInstance(pair.server.reason, ConnectionDone)

    def test_behind_the_end(self) -> None:
        """What comes after a close_notify is dropped, and reaches no other connection."""
        pair, other = self.pair().shake(), self.pair().shake()
        pair.step(pair.client.unwrap)
        pair.connection.dataReceived(pair.outgoing.read() + b"\x17\x03\x03\x00\x20" + bytes(1000))
        self.nothing_left()
        pair.connection.dataReceived(b"more")
        other.say(b"untouched")
        self.assertEqual((pair.server.received, other.server.received), ([], [b"untouched"]))

    def test_truncated(self) -> None:
        """A stream that ends without a close_notify is lost, not done: something may be missing."""
        for pair in (self.pair(), self.pair().shake()):
            pair.connection.connectionLost(Failure(ConnectionDone()))
            self.assertIsInstance(pair.server.reason, ConnectionLost)

    def test_vanished_in_the_handshake(self) -> None:
        """A client that is gone after half a greeting is lost, and leaves nothing behind."""
        pair = self.pair()
        pair.step(pair.client.do_handshake)
        pair.connection.dataReceived(pair.outgoing.read()[:100])
        pair.connection.connectionLost(Failure(ConnectionLost()))
        self.assertIsInstance(pair.server.reason, ConnectionLost)
        self.nothing_left()
        self.pair().shake().say(b"x")

    def test_garbage(self) -> None:
        """What is no handshake ends the connection with an error, and so does a record that was tampered
        with.
        """
        for garbage in (b"GET / HTTP/1.1\r\n\r\n", bytes(100), b"\x16\x03\x01\xff\xff" + bytes(100)):
            pair = self.pair()
            pair.connection.dataReceived(garbage)
            self.assertTrue(pair.transport.disconnecting)
            self.assertEqual(pair.server.received, [])
            pair.connection.connectionLost(Failure(ConnectionDone()))
            self.assertIsInstance(pair.server.reason, ssl.SSLError)
        pair = self.pair().shake()
        pair.client.write(b"pay 1")
        pair.client.write(b"pay 2")
        sent = bytearray(pair.outgoing.read())
        sent[-1] ^= 1
        pair.connection.dataReceived(bytes(sent))
        self.assertEqual(pair.server.received, [b"pay 1"])
        self.assertTrue(pair.transport.disconnecting)
        self.assertEqual(records(pair.from_server())[-1:], [19])  # an alert
        pair.connection.connectionLost(Failure(ConnectionDone()))
        self.assertIsInstance(pair.server.reason, ssl.SSLError)
        self.nothing_left()

    def test_closed_in_the_handshake(self) -> None:
        """Closing before the handshake is done cuts the connection.

        Where something is to be sent, it waits for that.
        """
        for producer in (None, Producer()):
            pair = self.pair()
            if producer is not None:
                pair.server.transport.registerProducer(producer, True)
            pair.server.transport.loseConnection()
            self.assertTrue(pair.transport.disconnected)
        pair = self.pair()
        pair.server.transport.write(b"go away")
        pair.server.transport.loseConnection()
        self.assertFalse(pair.transport.disconnected)
        pair.shake()
        self.assertEqual(pair.read(), b"go away")
        self.assertEqual(pair.client.read(100), b"")

    def test_aborted(self) -> None:
        """After an abort nothing is sent, and nothing is handed on."""
        pair = self.pair().shake()
        pair.server.transport.write(b"unsent")
        pair.server.answer = lambda data: pair.server.transport.abortConnection()
        pair.say(b"1")
        self.turns.end()
        pair.say(b"2")
        pair.server.transport.write(b"dropped")
        pair.server.transport.loseConnection()
        self.turns.end()
        self.assertEqual((pair.server.received, pair.transport.value()), ([b"1"], b""))
        self.assertTrue(pair.transport.disconnected)
        pair.connection.connectionLost(Failure(ConnectionLost("aborted")))
        self.assertEqual(pair.server.reason.args, ("aborted",))

    def test_failing_protocol(self) -> None:
        """An exception of the protocol reaches the transport, which closes.

        The next connection does not notice.
        """
        pair = self.pair().shake()
        pair.server.answer = lambda data: 1 / 0
        self.assertRaises(ZeroDivisionError, pair.say, b"x")
        self.nothing_left()
        pair = self.pair().shake()
        pair.say(b"y")
        self.assertEqual(pair.server.received, [b"y"])

    def test_forgotten(self) -> None:
        """A connection that is lost keeps nothing alive, and is gone without the help of the garbage
        collector.
        """
        gc.disable()
        self.addCleanup(gc.enable)
        before = connections()
        for garbage in (b"", b"\x17\x03\x03\x00\x20" + bytes(32)):
            pair = self.pair().shake()
            server, transport = weakref.ref(pair.server), pair.server.transport
            transport.write(b"unsent")
            pair.connection.dataReceived(garbage)
            pair.connection.connectionLost(Failure(ConnectionDone()))
            pair.server.reason = None
            del pair
            self.assertIsNone(server())
            transport.write(b"x")
            transport.loseConnection()
            transport.unregisterProducer()
            self.assertIsNone(transport.negotiatedProtocol)
            self.turns.end()
            del transport
            self.assertEqual(connections(), before)

    def test_renegotiation(self) -> None:
        """Keys are changed by TLS 1.3's own means only."""
        self.assertTrue(public_context(certificates()).options & ssl.OP_NO_RENEGOTIATION)


class Broken:
    """A TLS object that fails when it has done its work."""

    def __init__(self, tls: Any, error: Exception) -> None:
        self._tls = tls
        self._error = error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tls, name)

    def write(self, data: bytes) -> int:
        self._tls.write(data)
        raise self._error

    def read(self, size: int) -> bytes:
        self._tls.write(b"an answer to new keys, say")
        raise self._error

    def unwrap(self) -> None:
        with contextlib.suppress(ssl.SSLWantReadError):
            self._tls.unwrap()
        raise self._error


class BrokenTests(Case):
    def setUp(self) -> None:
        super().setUp()
        self.broken, self.other = self.pair().shake(), self.pair().shake()
        self.tls = self.broken.connection._tls
        self.broken.connection._tls = Broken(self.tls, MemoryError())

    def nobody_noticed(self) -> None:
        """Nothing of the broken connection was sent, to nobody; the other works."""
        self.nothing_left()
        self.other.say(b"x")
        self.other.server.transport.write(b" there")
        self.assertEqual(self.other.read()[-6:], b" there")
        self.assertEqual(self.broken.transport.value(), b"")

    def test_at_the_end_of_a_turn(self) -> None:
        """A connection that cannot be flushed is aborted, with a line in the log.

        The others of this turn are flushed.
        """
        self.broken.server.transport.write(b"lost")
        self.other.server.transport.write(b"here")
        self.assertEqual(self.other.read(), b"here")
        self.assertEqual(len(self.flushLoggedErrors(MemoryError)), 1)
        self.assertTrue(self.broken.transport.disconnected)
        self.nobody_noticed()

    def test_in_a_turn(self) -> None:
        """One that cannot be while its protocol writes is aborted as well: something is missing in what it
        sends.
        """
        self.assertRaises(MemoryError, self.broken.server.transport.write, bytes(TURN_BYTES + 1))
        self.assertTrue(self.broken.transport.disconnected)
        self.nobody_noticed()

    def test_elsewhere(self) -> None:
        """An exception while it reads reaches the transport, and one while it closes the protocol."""
        self.assertRaises(MemoryError, self.broken.say, b"x")
        self.nobody_noticed()
        self.assertRaises(MemoryError, self.broken.server.transport.loseConnection)
        self.nobody_noticed()

    def test_producer(self) -> None:
        """A producer that fails when its connection does stops no other connection."""

        class Failing(Producer):
            def stopProducing(self) -> None:
                raise ZeroDivisionError

        self.broken.connection._tls = Broken(self.tls, ssl.SSLError())
        self.broken.server.transport.registerProducer(Failing(), True)
        self.broken.server.transport.write(b"lost")
        self.other.server.transport.write(b"here")
        self.assertEqual(self.other.read(), b"here")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertTrue(self.broken.transport.disconnected)
        self.nobody_noticed()


class ProducerTests(Case):
    def test_slow_peer(self) -> None:
        """A producer is the transport's own, which knows what was not sent yet."""
        pair, producer = self.pair().shake(), Producer()
        pair.server.transport.registerProducer(producer, True)
        self.assertIs(pair.transport.producer, producer)
        self.assertRaises(RuntimeError, pair.server.transport.registerProducer, Producer(), True)
        pair.server.transport.unregisterProducer()
        pair.server.transport.unregisterProducer()
        self.assertIsNone(pair.transport.producer)

    def test_before_the_handshake(self) -> None:
        """A producer does not fill the memory while the handshake is not done."""
        pair, producer = self.pair(), Producer()
        pair.server.transport.registerProducer(producer, True)
        pair.server.transport.write(bytes(TURN_BYTES))
        self.assertEqual(producer.said, [])
        pair.server.transport.write(b"x")
        pair.server.transport.write(b"y")
        self.assertEqual(producer.said, ["pause"])
        pair.shake()
        self.assertEqual(producer.said, ["pause", "resume"])
        self.assertEqual(len(pair.read()), TURN_BYTES + 2)

    def test_aborted_by_a_producer(self) -> None:
        """What arrives with the end of the handshake is not handed on where the producer then aborts."""
        pair, producer = self.pair(), Producer()
        pair.server.transport.registerProducer(producer, True)
        pair.server.transport.write(bytes(TURN_BYTES + 1))
        self.patch(producer, "resumeProducing", pair.server.transport.abortConnection)
        pair.step(pair.client.do_handshake)
        pair.to_server()
        pair.incoming.write(pair.from_server())
        pair.client.do_handshake()
        pair.say(b"too late")
        self.assertEqual((pair.transport.disconnected, pair.server.received), (True, []))

    def test_closed_under_a_producer(self) -> None:
        """Closing waits until the producer has written everything."""
        pair, producer = self.pair().shake(), Producer()
        pair.server.transport.registerProducer(producer, True)
        pair.server.transport.loseConnection()
        pair.server.transport.write(b"the rest")
        self.assertEqual(pair.read(), b"the rest")
        self.assertEqual(pair.step(pair.client.read, 1), None)
        pair.server.transport.unregisterProducer()
        pair.server.transport.write(b"too late")
        self.assertEqual(pair.read(), b"")
        self.assertEqual(pair.client.read(1), b"")

    def test_peer_closes_under_a_producer(self) -> None:
        """When the peer has closed, the producer is stopped and does not hold the transport open."""
        pair, producer = self.pair().shake(), Producer()
        pair.server.transport.registerProducer(producer, True)
        pair.step(pair.client.unwrap)
        pair.to_server()
        self.assertEqual((producer.said, pair.transport.producer), (["stop"], None))
        self.assertTrue(pair.transport.disconnecting)
        late = Producer()
        pair.server.transport.registerProducer(late, True)
        self.assertEqual(late.said, ["stop"])

    def test_reading(self) -> None:
        """Pausing a connection pauses the transport, so that the peer is slowed down by its own full buffer."""
        pair = self.pair().shake()
        pair.server.transport.pauseProducing()
        self.assertEqual(pair.transport.producerState, "paused")
        pair.server.transport.resumeProducing()
        self.assertEqual(pair.transport.producerState, "producing")


@unittest.skipUnless(sys.platform == "linux", "epoll is Linux's")
class ConformanceTests(SynchronousTestCase):
    """In a process of its own, since the tests make and run many reactors."""

    def test_all(self) -> None:
        """With our TLS at the server, at the client and at both, Twisted's tests of TLS pass on both
        reactors.
        """
        for reactor in ("imsys.reactor.EPollReactor", "twisted.internet.epollreactor.EPollReactor"):
            command = [
                sys.executable,
                "-m",
                "twisted.trial",
                "--temp-directory",
                str(folder("tls") / "trial"),
            ]
            command.append("tests.protocols.tls_conformance")
            env = {**environment(), "IMSYS_TEST_REACTOR": reactor}
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=60, env=env, cwd=folder("cwd")
            )
            self.assertEqual(done.returncode, 0, done.stdout[-5000:] + done.stderr[-1000:])
            passed = re.search(r"successes=([0-9]+)", done.stdout)
            assert passed is not None, done.stdout[-5000:]
            self.assertGreater(int(passed[1]), 60)
