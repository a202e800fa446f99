"""Work that nobody waits for."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger, LogLevel, capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from imsys.errors import Refused, Status
from imsys.util.background import Background, run_in_background, uncancelled

_log = Logger(namespace="somebody")


async def _until(done: Deferred[int]) -> int:
    return await done


class RunTests(SynchronousTestCase):
    """One coroutine."""

    def test_fault(self) -> None:
        """A fault is logged with its traceback, in the name of who began it; nothing fails by it."""
        done: Deferred[int] = Deferred()
        ended = run_in_background(_until(done), _log, "{who} stumbled", who="Anna")
        self.assertNoResult(ended)
        with capturedLogs() as events:
            done.errback(ValueError("no"))
        self.successResultOf(ended)
        (event,) = events
        self.assertEqual(
            (event["log_namespace"], event["log_format"], event["who"]),
            ("somebody", "{who} stumbled", "Anna"),
        )
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_refused(self) -> None:
        """A refusal is no fault of ours: it is one line."""
        done: Deferred[int] = Deferred()
        run_in_background(_until(done), _log, "{who} stumbled", who="Anna")
        with capturedLogs() as events:
            done.errback(Refused(Status.SERVER_BUSY, "Not now."))
        (event,) = events
        self.assertEqual(
            (event["log_level"], event["log_format"]), (LogLevel.warn, "{who} stumbled: {reason}")
        )
        self.assertEqual(event["reason"], "SERVER_BUSY (73): Not now.")

    def test_taken(self) -> None:
        """Who expects refusals takes them; faults are logged all the same."""
        taken: list[Refused] = []
        done: Deferred[int] = Deferred()
        run_in_background(_until(done), _log, "it stumbled", refused=taken.append)
        with capturedLogs() as events:
            done.errback(Refused(Status.SERVER_BUSY, "Not now."))
        self.assertEqual(([one.status for one in taken], events), ([Status.SERVER_BUSY], []))

    def test_cancelled(self) -> None:
        """Cancelling it cancels the work, and is nothing that went wrong."""
        done: Deferred[int] = Deferred()
        ended = run_in_background(_until(done), _log, "it stumbled")
        with capturedLogs() as events:
            ended.cancel()
        self.successResultOf(ended)
        self.assertTrue(done.called)
        self.assertEqual(events, [])


class UncancelledTests(SynchronousTestCase):
    """Work that goes on when nobody waits."""

    def test_result(self) -> None:
        """Its result, or what it fails with."""
        done: Deferred[int] = Deferred()
        waiting = uncancelled(_until(done))
        done.callback(3)
        self.assertEqual(self.successResultOf(waiting), 3)

        async def fail() -> None:
            raise KeyError

        self.failureResultOf(uncancelled(fail()), KeyError)

    def test_cancelled(self) -> None:
        """Who waits may give up: it is done all the same."""
        done: Deferred[int] = Deferred()
        ended: list[int] = []

        async def work() -> None:
            ended.append(await done)

        waiting = uncancelled(work())
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)
        done.callback(4)
        self.assertEqual(ended, [4])


class BackgroundTests(SynchronousTestCase):
    """What one object has begun."""

    def setUp(self) -> None:
        """Two coroutines that run."""
        self.background = Background(_log, "it stumbled")
        self.one: Deferred[int] = Deferred()
        self.other: Deferred[int] = Deferred()
        for done in (self.one, self.other):
            self.background.run(_until(done))

    def test_idle(self) -> None:
        """It is idle when all of them have ended, however that was."""
        idle = self.background.idle()
        self.one.callback(1)
        self.assertNoResult(idle)
        self.assertEqual(len(self.background), 1)
        self.other.errback(ValueError("no"))
        self.successResultOf(idle)
        self.successResultOf(self.background.idle())
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_cancel(self) -> None:
        """All can be cancelled at once."""
        with capturedLogs() as events:
            self.background.cancel()
        self.assertEqual((len(self.background), events), (0, []))
        self.successResultOf(self.background.idle())

    def test_at_once(self) -> None:
        """What does not wait for anything has ended already."""

        async def nothing() -> None:
            return

        background = Background(_log, "it stumbled")
        background.run(nothing())
        self.assertEqual(len(background), 0)
        self.successResultOf(background.idle())
