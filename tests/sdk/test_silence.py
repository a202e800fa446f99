"""How soon a client notices that its server does not answer any more, with time made by hand."""

from __future__ import annotations

from typing import Any

from twisted.internet.error import ConnectionAborted
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from imsys.errors import Unavailable
from imsys.protocols.framing import CHAT, FrameDecoder
from imsys.protocols.messages.people import SearchRequest, SearchResponse
from imsys.sdk.connection import ChatConnection, ConnectionFactory, Disconnected
from imsys.sdk.timing import Timing

HEARTBEAT, SEARCH = 32, 9


class SilenceTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1_000_000)
        self.ends: list[Failure] = []
        timing = Timing()
        self.connection = ChatConnection(
            self.clock,
            lambda *_: None,
            lambda _, reason: self.ends.append(reason),
            heartbeat=timing.heartbeat,
            silence=timing.silence,
        )
        self.transport = StringTransport()
        self.wire: Any = ConnectionFactory(self.connection).buildProtocol(None)
        self.wire.makeConnection(self.transport)
        self.decoder = FrameDecoder(CHAT, CHAT.largest)
        self.begun = self.clock.seconds()

    def passed(self, seconds: float) -> None:
        """Let time pass, in turns of the reactor."""
        for _ in range(round(seconds * 20)):
            self.clock.advance(0.05)
            if self.transport.disconnected and not self.ends:
                self.wire.connectionLost(Failure(ConnectionAborted()))

    def sent(self) -> list[int]:
        data = self.transport.value()
        self.transport.clear()
        return [frame.service for frame in self.decoder.feed(data)]

    def answer(self, service: int, seq: int) -> None:
        self.connection.received(CHAT.encode(service + 1, b'{"error":0,"seq":%d}' % seq))

    def ask(self) -> list[object]:
        """Ask something; the result, when there is one."""
        got: list[object] = []
        self.connection.request(SearchRequest(username="bob"), SearchResponse, 10.0).addBoth(
            lambda result: got.append(result)
        )
        return got

    def test_busy(self) -> None:
        """A server that owes an answer and says nothing for 6 s is left, and what was asked fails."""
        got = self.ask()
        self.passed(5.9)
        self.assertEqual((self.ends, got), ([], []))
        self.passed(0.2)
        self.assertEqual(len(self.ends), 1)
        self.assertTrue(self.connection.silent)
        (failure,) = got
        assert isinstance(failure, Failure)
        failure.trap(Disconnected)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_idle(self) -> None:
        """A client that asks nothing notices within 15 s, by its heartbeats, and sends no more than one in 8
        s.
        """
        self.connection.begin_heartbeats(1)
        for beat in range(1, 4):
            self.passed(8.0)
            self.assertEqual(self.sent(), [HEARTBEAT])
            self.answer(HEARTBEAT, beat)
        since = self.clock.seconds()
        while not self.ends:
            self.passed(0.1)
        self.assertLess(self.clock.seconds() - since, 15.0)

    def test_slow_answer(self) -> None:
        """A server that is busy with a request for long, but answers a probe, is waited for."""
        got = self.ask()
        self.assertEqual(self.sent(), [SEARCH])
        self.passed(3.1)
        self.assertEqual(self.sent(), [HEARTBEAT])
        self.answer(HEARTBEAT, 2)
        self.passed(3.1)
        self.assertEqual(self.sent(), [HEARTBEAT])
        self.answer(HEARTBEAT, 3)
        self.passed(2.0)
        self.assertEqual((self.ends, got), ([], []))

    def test_any_byte(self) -> None:
        """Whatever comes is a sign of life, even half a frame."""
        self.ask()
        frame = CHAT.encode(9999, b"{}")
        for byte in frame[:4]:
            self.passed(2.9)
            self.connection.received(bytes([byte]))
        self.assertEqual((self.ends, self.sent()), ([], [SEARCH]))

    def test_requests_are_heartbeats(self) -> None:
        """Who asks something every few seconds sends no heartbeats."""
        self.connection.begin_heartbeats(1)
        for number in range(1, 10):
            self.ask()
            self.answer(SEARCH, number)
            self.passed(4.0)
        self.assertEqual(self.sent(), [SEARCH] * 9)

    def test_own_pause(self) -> None:
        """A program that was busy itself reads what came meanwhile before it judges."""
        got = self.ask()
        self.clock.advance(3.0)
        self.clock.advance(7.0)  # it was away; the answer to the probe waits in the kernel
        self.assertEqual(self.ends, [])
        self.answer(HEARTBEAT, 2)
        self.passed(1.0)
        self.assertEqual(self.ends, [])
        (failure,) = got  # its own deadline is another matter
        assert isinstance(failure, Failure)
        failure.trap(Unavailable)

    def test_nothing_owed(self) -> None:
        """Nothing runs while nothing is owed: ten thousand clients cost no timers but that of the next
        heartbeat.
        """
        self.connection.begin_heartbeats(1)
        self.ask()
        self.answer(SEARCH, 1)
        self.passed(4.0)
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)
