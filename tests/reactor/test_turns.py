"""What only our reactor does: one send a turn, functions at its end, and threads that call in."""

from __future__ import annotations

import gc
import os
import queue
import random
import select
import socket
import sys
import threading
import unittest
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.protocol import Protocol
from twisted.python import log

import imsys.reactor.epoll
from imsys.reactor.check import check
from imsys.reactor.connections import LARGE_READ, SMALL_READ, WATCHED, Server
from imsys.services.listening import ListenService
from tests.support.reactors import DEADLINE, Built, ReactorTestCase, Recorder


class Sizes(Recorder):
    """Remembers how much came at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def dataReceived(self, data: bytes) -> None:
        self.sizes.append(len(data))


@unittest.skipUnless(sys.platform == "linux", "epoll is Linux's")
class PortTests(ReactorTestCase):
    def test_daemons_ports(self) -> None:
        """What connects to a public port of a daemon is a connection of this reactor's kind."""
        factory = Built(Recorder)
        service = ListenService(self.reactor, factory, "127.0.0.1", 0, None, "[chat] port")
        service.startService()
        self.addCleanup(service.stopService)
        self.dial(IPv4Address("TCP", "127.0.0.1", service.port))
        self.until(lambda: factory.protocols and factory.protocols[0].transport)
        self.assertIsInstance(factory.protocols[0].transport, Server)

    def test_names(self) -> None:
        """A connection has its names for logs when they are asked for, to its end, and does not keep them."""
        factory = Built(Recorder)
        port = self.reactor.listenTCP(0, factory, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        client = socket.create_connection(("127.0.0.1", port.getHost().port), DEADLINE)
        self.addCleanup(client.close)
        self.until(lambda: factory.protocols and factory.protocols[0].transport)
        connection = factory.protocols[0].transport
        self.assertEqual(connection.logPrefix(), "Recorder,0,127.0.0.1")
        self.assertEqual(repr(connection), f"<Recorder #0 on {port.getHost().port}>")
        self.assertFalse({"logstr", "repstr"} & vars(connection).keys())
        client.close()
        self.until(lambda: connection.disconnected)
        self.assertEqual(connection.logPrefix(), ",0,127.0.0.1")
        self.assertIn("#0", repr(connection))


@unittest.skipUnless(sys.platform == "linux", "epoll is Linux's")
class WritingTests(ReactorTestCase):
    def packets(self, protocol: Protocol | None = None) -> tuple[Any, socket.socket]:
        """A connection whose every ``send`` is a packet, for the other end to count."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        theirs.setblocking(False)
        self.addCleanup(theirs.close)
        connected = protocol or Recorder()
        connection = Server(ours, connected, ("", 0), None, 0, self.reactor)
        connected.makeConnection(connection)
        return connection, theirs

    def arrived(self, theirs: socket.socket) -> list[bytes]:
        """The packets that are there."""
        found = []
        while select.select([theirs], [], [], 0)[0] and (packet := theirs.recv(1 << 18)):
            found.append(packet)
        return found

    def test_one_send(self) -> None:
        """What is written in a turn leaves in one piece, in order, and without another turn."""
        connection, theirs = self.packets()
        other, others = self.packets()
        connection.write(b"one ")
        other.write(b"in between")
        connection.writeSequence([b"two ", b"three "])
        connection.write(b"four")
        self.assertEqual(self.arrived(theirs), [])
        self.turns(1)
        self.assertEqual(self.arrived(theirs), [b"one two three four"])
        self.assertEqual(self.arrived(others), [b"in between"])
        self.assertEqual(self.reactor.getWriters(), [])
        self.turns(2)
        self.assertEqual(self.arrived(theirs) + self.arrived(others), [])

    def test_all_causes(self) -> None:
        """An answer to what was read, one of a timed call, one of a thread and one of the end of the turn
        share a send.
        """

        class Answering(Recorder):
            def dataReceived(self, data: bytes) -> None:
                self.transport.write(b"read ")

        connection, theirs = self.packets(Answering())
        theirs.send(b"?")
        self.reactor.doIteration(0.0)
        self.reactor.callFromThread(connection.write, b"thread ")
        self.reactor.callLater(0.0, connection.write, b"timed ")
        self.reactor.callAtTurnEnd(lambda: connection.write(b"end"))
        self.turns(1)
        self.assertEqual(self.arrived(theirs), [b"read thread timed end"])

    def test_write_at_once(self) -> None:
        """What is written at once is sent before the turn ends, unless something waits before it."""
        connection, theirs = self.packets()
        connection.write_at_once(b"now")
        self.assertEqual(self.arrived(theirs), [b"now"])
        self.assertEqual(self.reactor.getWriters(), [])
        connection.write(b"later ")
        connection.write_at_once(b"behind it")
        self.assertEqual(self.arrived(theirs), [])
        self.turns(1)
        self.assertEqual(self.arrived(theirs), [b"later behind it"])

    def test_write_at_once_without_room(self) -> None:
        """What the kernel does not take at once follows in order; a producer is paused.

        And nothing happens behind the end.
        """
        protocol, peer = self.pair()
        transport, paused = protocol.transport, []
        producer = type(
            "Producer", (), {"pauseProducing": lambda _: paused.append(1), "resumeProducing": lambda _: None}
        )
        transport.registerProducer(producer(), True)
        much = random.Random(1).randbytes(8 << 20)
        transport.write_at_once(much)
        self.assertEqual(paused, [1])
        transport.write_at_once(b"more")
        self.until(lambda: len(peer.read()) == len(much) + 4)
        self.assertEqual(peer.read(), much + b"more")
        transport.unregisterProducer()
        transport.loseConnection()
        self.until(peer.finished)
        transport.write_at_once(b"too late")
        self.assertEqual(self.reactor.getWriters(), [])
        self.assertEqual(peer.read(), much + b"more")

    def test_written_twice(self) -> None:
        """A connection that has sent, or that gave up sending, does so again in the same turn only once."""
        connection, theirs = self.packets()
        connection.write(b"a")
        connection.stopWriting()
        connection.write(b"b")
        self.assertEqual(self.reactor.getWriters(), [connection])
        self.turns(1)
        self.assertEqual(self.arrived(theirs), [b"ab"])
        self.assertEqual(self.reactor.getWriters(), [])

    def test_no_interest(self) -> None:
        """A socket is watched for room only while the kernel has none."""
        protocol, peer = self.pair()
        events = len(self.reactor._writes)
        protocol.transport.write(b"small")
        self.reactor.runUntilCurrent()
        self.assertEqual(len(self.reactor._writes), events)
        self.until(lambda: peer.read() == b"small")
        much = bytes(8 << 20)
        protocol.transport.write(much)
        self.until(lambda: protocol.transport.writing == WATCHED)
        protocol.transport.writeSequence([b"mo", b"re"])
        self.assertEqual(self.reactor.getWriters(), [protocol.transport])
        self.until(lambda: len(peer.read()) == 5 + len(much) + 4)
        self.until(lambda: not self.reactor.getWriters())
        self.assertEqual(len(self.reactor._writes), events)
        protocol.transport.write(b"again")
        self.until(lambda: peer.read().endswith(b"again"))

    def test_share(self) -> None:
        """A connection with much to send keeps others waiting for no more than so much of it."""
        protocol, peer = self.pair()
        protocol.transport.write(bytes(8 * protocol.transport.SEND_LIMIT))
        self.reactor.runUntilCurrent()
        self.assertLessEqual(len(peer.read()), protocol.transport.SEND_LIMIT)

    def test_interrupted(self) -> None:
        """A connection that stopped writing in the middle goes on where it was, before what is written later."""
        protocol, peer = self.pair()
        much = random.Random(3).randbytes(8 << 20)
        protocol.transport.write(much)
        self.until(lambda: protocol.transport.writing == WATCHED)
        protocol.transport.stopWriting()
        self.turns(5)
        self.assertEqual(self.reactor.getWriters(), [])
        protocol.transport.write(b"the end")
        self.until(lambda: peer.read().endswith(b"the end"))
        self.assertEqual(peer.data, much + b"the end")

    def test_forgotten(self) -> None:
        """A connection that only wants to write is among those that the reactor knows, and forgets."""
        connection, theirs = self.packets()
        connection.stopReading()
        connection.write(b"never sent")
        self.assertEqual(self.reactor.removeAll(), [connection])
        self.turns(2)
        self.assertEqual(
            (self.arrived(theirs), self.reactor.getWriters(), self.reactor.removeAll()), ([], [], [])
        )
        connection.write(b", or is it?")
        self.turns(1)
        self.assertEqual(self.arrived(theirs), [b"never sent, or is it?"])

    def test_not_bytes(self) -> None:
        """What is not bytes is refused at once, and changes nothing."""
        connection, theirs = self.packets()
        for wrong in ("text", bytearray(b"array"), None, 5):
            self.assertRaises(TypeError, connection.write, wrong)
        connection.write(b"")
        self.assertEqual(self.reactor.getWriters(), [])
        connection.write(b"fine")
        self.turns(1)
        self.assertEqual(self.arrived(theirs), [b"fine"])


@unittest.skipUnless(sys.platform == "linux", "epoll is Linux's")
class ReadingTests(ReactorTestCase):
    def test_sizes(self) -> None:
        """Reads are small until a peer has more, then large, and small again."""
        protocol, peer = self.pair(Sizes)
        sent = 3 * SMALL_READ + LARGE_READ
        while sent:
            sent -= peer.socket.send(bytes(sent))
        self.until(lambda: sum(protocol.sizes) == 3 * SMALL_READ + LARGE_READ)
        self.assertEqual(protocol.sizes[0], SMALL_READ)
        self.assertGreater(max(protocol.sizes), SMALL_READ)
        self.assertLessEqual(max(protocol.sizes), LARGE_READ)
        peer.socket.send(b"little")
        self.until(lambda: protocol.sizes[-1] == 6)
        self.assertEqual(protocol.transport.read_size, SMALL_READ)

    def test_more_than_a_turn(self) -> None:
        """With more connections ready than a turn has events for, all have their turn before one has its
        second.
        """
        self.patch(imsys.reactor.epoll, "MOST_EVENTS", 3)
        pairs = [self.pair(Sizes) for _ in range(9)]
        for _, peer in pairs:
            peer.socket.send(bytes(3 * SMALL_READ))
        self.turns(1)
        self.assertEqual(sum(len(protocol.sizes) for protocol, _ in pairs), 3)
        self.until(lambda: all(protocol.sizes for protocol, _ in pairs))
        self.assertEqual({protocol.sizes[0] for protocol, _ in pairs}, {SMALL_READ})
        self.assertLessEqual(max(len(protocol.sizes) for protocol, _ in pairs), 2)


@unittest.skipUnless(sys.platform == "linux", "epoll is Linux's")
class TurnEndTests(ReactorTestCase):
    def test_order(self) -> None:
        """Functions run once, in order; those that they ask for run in the same turn."""
        seen: list[str] = []
        self.reactor.callAtTurnEnd(lambda: seen.append("first"))
        self.reactor.callAtTurnEnd(lambda: self.reactor.callAtTurnEnd(lambda: seen.append("third")))
        self.reactor.callAtTurnEnd(lambda: seen.append("second"))
        self.turns(1)
        self.assertEqual(seen, ["first", "second", "third"])
        self.turns(2)
        self.assertEqual(len(seen), 3)

    def test_raising(self) -> None:
        """One that raises is logged, and stops neither the next nor what is to be sent."""
        protocol, peer = self.pair()

        def raising() -> None:
            raise ZeroDivisionError

        protocol.transport.write(b"before ")
        self.reactor.callAtTurnEnd(raising)
        self.reactor.callAtTurnEnd(lambda: protocol.transport.write(b"after"))
        self.until(lambda: peer.read() == b"before after")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_again_and_again(self) -> None:
        """One that always asks for itself keeps nobody from reading, writing and timed calls."""
        protocol, peer = self.pair()
        counted = 0

        def again() -> None:
            nonlocal counted
            counted += 1
            self.reactor.callAtTurnEnd(again)

        again()
        timed: list[bool] = []
        self.reactor.callLater(0.0, timed.append, True)
        peer.socket.send(b"in")
        protocol.transport.write(b"out")
        self.until(lambda: protocol.data == b"in" and peer.read() == b"out" and timed)
        self.assertEqual(self.reactor.timeout(), 0.0)
        self.assertGreater(counted, 1)

    def test_stop(self) -> None:
        """A running reactor does not sleep over what is to be done at the end of a turn, and may be stopped
        there.
        """
        seen: list[str] = []

        def last() -> None:
            seen.append("last")
            self.reactor.stop()

        def first() -> None:
            self.reactor.callAtTurnEnd(lambda: self.reactor.callAtTurnEnd(last))

        self.reactor.callWhenRunning(first)
        self.reactor.run(installSignalHandlers=False)
        self.assertEqual(seen, ["last"])


@unittest.skipUnless(sys.platform == "linux", "epoll is Linux's")
class ThreadTests(ReactorTestCase):
    def test_wakes(self) -> None:
        """A reactor without anything to do wakes up for each of the calls that threads make, one after the
        other and at once.
        """
        threads, each = 4, 300
        made = 0

        def calling() -> None:
            answers: queue.SimpleQueue[int] = queue.SimpleQueue()
            for number in range(each):
                self.reactor.callFromThread(called, answers, number)
                if number % 3:
                    answers.get(timeout=DEADLINE)

        def called(answers: queue.SimpleQueue[int], number: int) -> None:
            nonlocal made
            made += 1
            answers.put(number)
            if made == threads * each:
                self.reactor.stop()

        started = [threading.Thread(target=calling, daemon=True) for _ in range(threads)]
        for thread in started:
            self.reactor.callWhenRunning(thread.start)
        late = self.reactor.callLater(DEADLINE, self.reactor.stop)
        self.reactor.run(installSignalHandlers=False)
        self.assertTrue(late.active(), "it slept")
        late.cancel()
        self.assertEqual(made, threads * each)

    def test_awake(self) -> None:
        """While the reactor is awake, calls cost no system call.

        They are made in the next turn, in order, without waiting.
        """
        made: list[int] = []
        thread = threading.Thread(
            target=lambda: [self.reactor.callFromThread(made.append, number) for number in range(100)]
        )
        thread.start()
        thread.join()
        self.assertRaises(BlockingIOError, os.read, self.reactor.waker.i, 1)
        self.reactor.doIteration(None)  # would wait without end
        self.turns(1)
        self.assertEqual(made, list(range(100)))


@unittest.skipUnless(sys.platform == "linux", "epoll is Linux's")
class LoggingTests(ReactorTestCase):
    def test_context(self) -> None:
        """What is logged while a connection is read from, or written to, says whose it was.

        What is logged otherwise does not.
        """
        said: dict[str, str] = {}

        def observe(event: dict[str, Any]) -> None:
            for word in event.get("message", ()):
                said[str(word)] = event["system"]

        log.addObserver(observe)
        self.addCleanup(log.removeObserver, observe)

        class Saying(Recorder):
            def connectionMade(self) -> None:
                self.transport.registerProducer(self, True)

            def pauseProducing(self) -> None:
                log.msg("pausing")

            def resumeProducing(self) -> None:
                log.msg("resuming")
                reactor.callLater(0.0, reactor.stop)

            def stopProducing(self) -> None:
                pass

            def dataReceived(self, data: bytes) -> None:
                reactor.callLater(0.0, log.msg, "timed")
                reactor.callAtTurnEnd(lambda: log.msg("end"))
                self.transport.write(bytes(self.transport.bufferSize + 1))

        reactor = self.reactor
        _, peer = self.pair(Saying)
        peer.socket.send(b"?")
        reactor.run(installSignalHandlers=False)
        connection = "Saying,0,127.0.0.1"
        self.assertEqual(
            said, said | {"pausing": connection, "timed": "-", "end": "-", "resuming": connection}
        )


@unittest.skipUnless(sys.platform == "linux", "epoll is Linux's")
class CheckTests(ReactorTestCase):
    def test_leaves_nothing(self) -> None:
        """The check at the start of a daemon leaves no descriptor open."""
        check()
        gc.collect()
        before = os.listdir("/proc/self/fd")
        check()
        self.assertEqual(os.listdir("/proc/self/fd"), before)
