from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from client.platform.reactor import whole_ms
from tests.support.qt import WidgetCase


class ReactorTests(WidgetCase):
    async def test_threads_and_timers(self) -> None:
        """Twisted's threads and timers run on Qt's event loop."""
        self.assertEqual(await deferToThread(str.upper, "qt"), "QT")
        fired: list[bool] = []
        from twisted.internet import reactor

        reactor.callLater(0, fired.append, True)
        await self.until(lambda: fired)

    async def test_a_loop_in_a_loop(self) -> None:
        """Calls from threads are made once each, and none is lost, where one of them runs Qt's loop (a menu,
        a dialog).
        """
        from twisted.internet import reactor as found

        reactor: Any = found
        made: list[str] = []
        done: Deferred[None] = Deferred()

        def menu() -> None:
            made.append("menu")
            self.turn()
            made.append("closed")
            reactor.callFromThread(made.append, "third")
            reactor.callFromThread(done.callback, None)

        reactor.callFromThread(menu)
        reactor.callFromThread(made.append, "second")
        await done
        self.assertEqual(made, ["menu", "second", "closed", "third"])

    async def test_waits_asleep(self) -> None:
        """Until a call is due nothing is asked for again and again, not in the last millisecond either."""
        from twisted.internet import reactor as found

        reactor: Any = found
        turns: list[None] = []
        run = reactor.runUntilCurrent

        def running() -> None:
            turns.append(None)
            run()

        self.patch(reactor, "runUntilCurrent", running)
        for number in range(1, 20):
            waited: Deferred[None] = Deferred()
            reactor.callLater(0.0005 * number, waited.callback, None)
            await waited
        self.assertLess(len(turns), 19 * 4)

    def test_whole_ms(self) -> None:
        """A wait is never rounded down."""
        for tenths in range(200):
            self.assertEqual(int(whole_ms(tenths / 10_000) * 1000), -(-tenths // 10))
