"""What may be stored although the database did not say so, and nobody was told of."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from unittest.mock import patch

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from imsys.chat import unconfirmed as unconfirmed
from imsys.chat.unconfirmed import FLUSH, UnconfirmedWrites
from imsys.errors import Refused, Status, Unavailable
from tests.support.stores import OnSqlite


def away() -> Unavailable:
    return Unavailable(Status.MYSQL_INTERNAL_ERROR, "It is away.")


class Threads:
    """The store's threads, behind a database that may be away, or take its time."""

    def __init__(self) -> None:
        self.away = True
        self.slow: Deferred[None] | None = None
        self.asked: list[list[int]] = []

    async def members(self, thread_ids: list[int]) -> set[int]:
        self.asked.append(thread_ids)
        if self.slow is not None:
            await self.slow
        if self.away:
            raise away()
        return {thread * 10 for thread in thread_ids}


class DoubtsTests(OnSqlite):
    """Who is asked to catch up, what is told, and when."""

    async def setUp(self) -> None:
        await super().setUp()
        self.clock, self.threads = Clock(), Threads()
        self.told: list[Collection[int] | None] = []
        self.heard: list[str] = []
        self.unconfirmed = UnconfirmedWrites(self.clock, self.threads, self.told.append)  # type: ignore[arg-type]
        self.unconfirmed.startService()
        self.addCleanup(self.stop)

    async def stop(self) -> None:
        if self.unconfirmed.running:
            await self.unconfirmed.stopService()

    def news(self, text: str, *problems: Exception) -> Any:
        """What tells something, and fails at first."""
        left = list(problems)

        async def tell() -> None:
            if left:
                raise left.pop(0)
            self.heard.append(text)

        return tell

    def test_as_soon_as_the_database_answers(self) -> None:
        """The members of all threads in doubt are told, once, when the database answers again."""
        self.unconfirmed.add([1, 2])
        self.clock.pump([1.0] * 3)
        self.assertEqual((self.threads.asked, self.told), ([[1, 2]] * 3, []))
        self.threads.away = False
        self.unconfirmed.add([3])
        self.clock.pump([1.0] * 3)
        self.assertEqual(
            (self.told, len(self.unconfirmed), self.clock.getDelayedCalls()), ([{10, 20, 30}], 0, [])
        )

    def test_in_doubt_again(self) -> None:
        """A thread that comes to be in doubt while its members are asked for is asked for again."""
        self.threads.away, self.threads.slow = False, Deferred()
        self.unconfirmed.add([1])
        self.clock.advance(1.0)
        self.unconfirmed.add([1])
        slow, self.threads.slow = self.threads.slow, None
        slow.callback(None)
        self.assertEqual((self.told, len(self.unconfirmed)), ([{10}, {10}], 0))

    def test_too_many(self) -> None:
        """Beyond the bounds everybody is."""
        with patch.object(unconfirmed, "THREADS", 5):
            self.unconfirmed.add(range(6))
            self.unconfirmed.add([7])
        self.clock.advance(1.0)
        self.assertEqual(self.told, [])
        self.threads.away = False
        self.clock.advance(1.0)
        self.assertEqual((self.told, self.clock.getDelayedCalls()), ([None], []))
        with patch.object(unconfirmed, "NEWS", 2):
            for key in range(3):
                self.unconfirmed.tell(key, self.news("x"))
        self.clock.advance(1.0)
        self.assertEqual((self.told, self.heard, len(self.unconfirmed)), ([None, None], [], 0))

    async def test_change_in_doubt(self) -> None:
        """What was changed, as it may be, is told as soon as the database answers.

        What was refused, or not even tried, is not.
        """

        async def fail(problem: Exception) -> None:
            raise problem

        for key, problem in enumerate(
            (away(), Refused(Status.BLOCKED, "No."), Unavailable(Status.SERVER_BUSY, "Full."))
        ):
            with self.assertRaises(Refused) as caught:
                await self.unconfirmed.watch(key, fail(problem), self.news(str(key)))
            self.assertIs(caught.exception, problem)
        self.assertEqual(len(self.unconfirmed), 1)
        self.clock.advance(1.0)
        self.assertEqual(self.heard, ["0"])

        async def change() -> str:
            return "done"

        self.assertEqual(
            (await self.unconfirmed.watch(5, change(), self.news("5")), len(self.unconfirmed)), ("done", 0)
        )

    def test_until_it_has_worked(self) -> None:
        """News are told again until that has worked, or is refused for good; of one thing only the latest."""
        self.unconfirmed.tell("a", self.news("old"))
        self.unconfirmed.tell("a", self.news("new", away(), Refused(Status.SERVER_BUSY, "Later."), away()))
        self.unconfirmed.tell("b", self.news("never", Refused(Status.STREAM_NOT_FOUND, "There is none.")))
        self.clock.advance(1.0)
        self.assertEqual((self.heard, len(self.unconfirmed)), ([], 1))
        self.clock.pump([1.0] * 3)
        self.assertEqual((self.heard, len(self.unconfirmed), self.clock.getDelayedCalls()), (["new"], 0, []))

    def test_mistake(self) -> None:
        """What fails by a mistake of ours is logged, and given up."""
        self.unconfirmed.tell("a", self.news("never", ValueError()))
        self.unconfirmed.tell("b", self.news("b"))
        self.clock.advance(1.0)
        self.assertEqual(
            (len(self.flushLoggedErrors(ValueError)), self.heard, len(self.unconfirmed)), (1, ["b"], 0)
        )

    def test_stopped(self) -> None:
        """Who stops tries once more, and is done when that has worked."""
        self.threads.away = False
        self.unconfirmed.add([1])
        self.unconfirmed.tell("a", self.news("a"))
        self.successResultOf(self.unconfirmed.stopService())
        self.assertEqual((self.told, self.heard, self.clock.getDelayedCalls()), ([{10}], ["a"], []))

    def test_stopped_in_vain(self) -> None:
        """If the database is away, everybody elsewhere is asked to catch up, and nothing is left behind."""
        self.unconfirmed.add([1])
        self.successResultOf(self.unconfirmed.stopService())
        self.assertEqual((self.told, self.clock.getDelayedCalls()), ([None], []))

    def test_stopped_while_asking(self) -> None:
        """An answer that takes too long is not waited for."""
        self.threads.slow = Deferred()
        self.unconfirmed.add([1])
        self.clock.advance(1.0)
        stopped = self.unconfirmed.stopService()
        self.assertNoResult(stopped)
        self.clock.advance(FLUSH)
        self.successResultOf(stopped)
        self.assertEqual(self.told, [None])
        self.threads.slow.callback(None)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    async def test_members(self) -> None:
        """Both members of a private thread are, and nobody is a member of nothing."""
        anna, bert, carl = await self.people("anna", "bert", "carl")
        one, two = await self.befriend(anna, bert), await self.befriend(anna, carl)
        self.assertEqual(await self.stores.threads.members([one]), {anna, bert})
        self.assertEqual(await self.stores.threads.members([one, two]), {anna, bert, carl})
        self.assertEqual(await self.stores.threads.members([]), set())
