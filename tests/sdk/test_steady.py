"""Timed calls of the library on a reactor whose clock is set while it runs."""

from __future__ import annotations

import threading
import time
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTCP, IReactorTime
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock, deferLater
from twisted.trial.unittest import SynchronousTestCase, TestCase

from imsys.errors import Unavailable
from imsys.sdk import ConnectionState, Timing, steady_reactor
from imsys.sdk.steady import Steady
from imsys.sdk.trust import endpoint
from tests.sdk.scene import BOB, THREAD, Scene

HOUR = 3600.0
LATE = 15.0


class Wall:
    """The time of day, as a reactor has it until the test is over.

    What takes too long fails: trial's own deadline goes by it, too.
    """

    def __init__(self, test: SynchronousTestCase, reactor: Any) -> None:
        self.ahead = 0.0
        self.late = False
        patch = test.patch(reactor, "seconds", lambda: time.time() + self.ahead)

        def give_up() -> None:
            self.late = True
            patch.restore()

        patience = threading.Timer(LATE, reactor.callFromThread, (give_up,))
        patience.daemon = True
        patience.start()
        test.addCleanup(patience.cancel)
        test.addCleanup(lambda: test.assertFalse(self.late, "a timed call waited for the time of day"))


class WhichTests(SynchronousTestCase):
    def test_steady_already(self) -> None:
        """A clock that cannot be set is left alone: a test's, and that of imsys' reactor."""
        from imsys.reactor import EPollReactor

        clock, ours = Clock(), EPollReactor()
        clock.advance(time.time())
        self.addCleanup(ours._poller.close)
        self.addCleanup(ours.waker.connectionLost, None)
        self.assertIs(steady_reactor(clock), clock)
        self.assertIs(steady_reactor(ours), ours)

    def test_one_for_each_reactor(self) -> None:
        """A reactor that goes by the time of day has one such clock.

        It is all that the reactor is, besides.
        """
        from twisted.internet import reactor

        steady = steady_reactor(reactor)
        self.assertIs(steady_reactor(reactor), steady)
        self.assertIs(steady_reactor(steady), steady)
        self.assertTrue(IReactorTime.providedBy(steady) and IReactorTCP.providedBy(steady))
        self.assertEqual(steady.listenTCP, reactor.listenTCP)


class SteadyTests(TestCase):
    timeout = 30.0

    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.steady = Steady(reactor)
        self.addCleanup(self.steady.end)
        self.called: list[object] = []
        self.wall = Wall(self, reactor)

    async def passes(self, seconds: float) -> None:
        await deferLater(self.steady, seconds)

    async def test_set_back(self) -> None:
        """A call that was made before the clock was set back comes when it is due, and so does one that is
        made later.
        """
        before: Deferred[None] = deferLater(self.steady, 0.1)
        missed = self.reactor.callLater(0.1, self.called.append, "missed")
        self.wall.ahead = -HOUR
        await before
        await deferLater(self.steady, 0.1)
        await deferLater(self.steady, 0)
        self.assertEqual(self.called, [])
        missed.cancel()

    async def test_set_forward(self) -> None:
        """Nothing comes early when the clock is set forward."""
        self.wall.ahead = -HOUR  # not ahead of what it is, or it would be the end of this test's own deadline
        call = self.steady.callLater(HOUR / 2, self.called.append, "early")
        self.wall.ahead = 0
        await self.passes(0.1)
        self.assertEqual(self.called, [])
        call.cancel()

    async def test_order(self) -> None:
        """Calls come in the order in which they are due, with what they were given."""

        def note(*args: object, **kw: object) -> None:
            self.called.append((args, kw))

        for delay in (0.15, 0.05, 0.1, 0.0):
            self.steady.callLater(delay, note, delay, by=str(delay))
        await self.passes(0.2)
        self.assertEqual(self.called, [((delay,), {"by": str(delay)}) for delay in (0.0, 0.05, 0.1, 0.15)])

    async def test_changed(self) -> None:
        """Calls can be cancelled, put off, and had earlier."""
        cancelled, sooner, later, delayed = (
            self.steady.callLater(0.1, self.called.append, name) for name in "csld"
        )
        last = self.steady.callLater(HOUR, self.called.append, "last")
        cancelled.cancel()
        last.reset(0.2)
        sooner.reset(0.01)
        later.reset(0.15)
        delayed.delay(0.08)
        self.assertEqual(len(self.steady.getDelayedCalls()), 4)
        await self.passes(0.3)
        self.assertEqual(self.called, ["s", "l", "d", "last"])
        self.assertEqual(self.steady.getDelayedCalls(), [])
        self.assertRaises(ValueError, self.steady.callLater, -1, print)

    async def test_many_cancelled(self) -> None:
        """Deadlines that were met leave nothing behind, and what is due among them comes."""
        kept = [self.steady.callLater(0.1, self.called.append, number) for number in range(3)]
        for number in range(10_000):
            self.steady.callLater(HOUR + number, print).cancel()
        self.assertLess(len(self.steady._calls), 200)
        self.assertEqual(self.steady.getDelayedCalls(), kept)
        await self.passes(0.2)
        self.assertEqual(self.called, [0, 1, 2])

    async def test_failing(self) -> None:
        """A call that fails is logged, and keeps none from coming."""
        self.steady.callLater(0, lambda: 1 / 0)
        self.steady.callLater(0, self.called.append, "next")
        await self.passes(0.05)
        self.assertEqual(self.called, ["next"])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    async def test_end(self) -> None:
        """Its thread ends with the reactor, and does not wait for what is due later."""
        await self.passes(0)
        (thread,) = (thread for thread in threading.enumerate() if thread is self.steady._alarm._thread)
        self.steady.callLater(HOUR, print)
        self.steady.end()
        thread.join(10)
        self.assertFalse(thread.is_alive())

    async def test_connecting(self) -> None:
        """An attempt to connect is given up in time."""
        nobody = self.reactor.listenTCP(0, Factory.forProtocol(Protocol), backlog=0, interface="127.0.0.1")
        self.addCleanup(nobody.stopListening)
        nobody.stopReading()
        port = nobody.getHost().port
        fill = [
            endpoint(self.steady, "127.0.0.1", port, None, 0.05).connect(Factory.forProtocol(Protocol))
            for _ in range(4)
        ]
        self.wall.ahead = -HOUR
        gave_up = 0
        for one in fill:
            try:
                connected: Any = await one
            except Exception:
                gave_up += 1
            else:
                connected.transport.abortConnection()
        self.assertGreater(gave_up, 0)


class SceneTests(Scene):
    def setUp(self) -> None:
        super().setUp()
        self.wall = Wall(self, self.reactor)

    async def pause(self, seconds: float) -> None:
        await deferLater(steady_reactor(self.reactor), seconds)

    async def test_comes_back(self) -> None:
        """A client that waits for its server, while the clock is set back, comes back, and says what it had
        to say.
        """
        client = await self.online()
        self.world.gateway_down = True
        self.world.drop()
        await self.state(client, ConnectionState.WAITING)
        self.wall.ahead = -HOUR
        outgoing = client.post(THREAD, "Still here.")
        self.world.gateway_down = False
        await outgoing.when_stored()
        self.assertIs(client.state, ConnectionState.ONLINE)

    async def test_deadline(self) -> None:
        """A request ends at its deadline, and a silent connection is given up, although the clock is set
        back.
        """
        client = await self.online(
            timing=Timing(deadline=0.2, heartbeat=0.1, first_wait=0.01, longest_wait=0.1)
        )
        self.world.silent.add(9)
        asked = Deferred.fromCoroutine(client.contacts.search("bob"))
        self.wall.ahead = -HOUR
        await self.assertFailure(asked, Unavailable)
        self.world.silent.add(32)
        waiting: Deferred[None] = Deferred()
        client.on_connection_state.subscribe(
            lambda change: None if waiting.called else waiting.callback(None)
        )
        await waiting
        self.assertIs(client.state, ConnectionState.WAITING)

    async def test_set_forward(self) -> None:
        """A client whose clock is set forward stays online."""
        await self.pause(0)  # trial has set its deadline
        self.wall.ahead = -24 * HOUR
        client = await self.online(timing=Timing(heartbeat=0.05))
        self.wall.ahead = 0
        self.world.say(THREAD, BOB, "What time is it?")
        for _ in range(10):
            await self.pause(0.05)
        self.assertIs(client.state, ConnectionState.ONLINE)
        self.assertEqual(len(self.world.gateway_calls), 1)
