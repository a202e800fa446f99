"""Threads are told of their live streams, whatever fails on the way."""

from __future__ import annotations

from unittest.mock import patch

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imsys.errors import Refused, Status, Unavailable
from imsys.resources.live import telling
from imsys.resources.live.telling import RETRY, Telling
from tests.support.logged import Lines


class TellingTests(SynchronousTestCase):
    """Chat servers that take what they are told, take their time, or do not."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.log = Lines(self)
        self.told: list[bytes] = []
        self.away = False
        self.slow: list[Deferred[None]] | None = None
        self.problems: list[Exception] = []
        self.telling = Telling(self.clock, self.tell)

    async def tell(self, stream_id: bytes) -> None:
        self.told.append(stream_id)
        if self.slow is not None:
            self.slow.append(Deferred())
            await self.slow[-1]
        if self.problems:
            raise self.problems.pop(0)
        if self.away:
            raise Unavailable(Status.GRPC_ERROR, "No chat server answered.")

    def test_told_again(self) -> None:
        """What no chat server has taken is said again until one has, with a line when that begins and one
        when it is over.
        """
        self.away = True
        for number in range(100):
            self.telling.soon(b"%d" % number)
        self.clock.pump([RETRY] * 20)
        self.away = False
        self.told.clear()
        self.clock.pump([RETRY] * 5)
        self.assertEqual(sorted(self.told), sorted(b"%d" % number for number in range(100)))
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.telling.soon(b"0")
        self.assertEqual(
            (len(self.log.texts), self.log.texts[0].split(" fails")[0]),
            (2, "Telling the chat servers of live streams"),
        )

    def test_one_after_the_other(self) -> None:
        """Of one stream the next is said when the last was taken, so that it does not overtake it.

        Of others at once.
        """
        self.slow = []
        for stream in (b"a", b"a", b"a", b"b"):
            self.telling.soon(stream)
        self.assertEqual(self.told, [b"a", b"b"])
        self.slow.pop(0).callback(None)
        self.assertEqual(self.told, [b"a", b"b", b"a"])
        for waiting in self.slow:
            waiting.callback(None)
        self.assertEqual(len(self.told), 3)

    def test_refused(self) -> None:
        """An answer for good is one, and so is a mistake of ours."""
        self.problems = [Refused(Status.STREAM_NOT_FOUND, "There is none."), ValueError()]
        for stream in (b"a", b"b"):
            self.telling.soon(stream)
        self.assertEqual((len(self.flushLoggedErrors(ValueError)), self.clock.getDelayedCalls()), (1, []))

    def test_bounds(self) -> None:
        """Of too many that wait the first are forgotten: they are heard of in the end."""
        self.away = True
        with patch.object(telling, "MOST", 2):
            for stream in (b"a", b"b", b"c"):
                self.telling.soon(stream)
        self.away = False
        self.told.clear()
        self.clock.advance(RETRY)
        self.assertEqual(self.told, [b"b", b"c"])

    def test_stopped(self) -> None:
        """Who stops waits for what is being said, and leaves nothing behind."""
        self.away = True
        self.telling.soon(b"a")
        self.slow = []
        self.telling.soon(b"b")
        stopped = Deferred.fromCoroutine(self.telling.stop())
        self.assertNoResult(stopped)
        self.slow[0].callback(None)
        self.successResultOf(stopped)
        self.assertEqual(self.clock.getDelayedCalls(), [])
