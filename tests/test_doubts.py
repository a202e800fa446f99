"""Texts that may be stored although the database did not say so."""

from __future__ import annotations

from collections.abc import Collection
from unittest.mock import patch

from twisted.internet.task import Clock

from imsys import doubts
from imsys.doubts import Doubts
from imsys.errors import Status, Unavailable
from tests.support.stores import OnSqlite


class Threads:
    """The store's threads, behind a database that may be away."""

    def __init__(self) -> None:
        self.away = True
        self.asked: list[list[int]] = []

    async def members(self, thread_ids: list[int]) -> set[int]:
        self.asked.append(thread_ids)
        if self.away:
            raise Unavailable(Status.MYSQL_INTERNAL_ERROR, "It is away.")
        return {thread * 10 for thread in thread_ids}


class DoubtsTests(OnSqlite):
    """Who is asked to catch up, and when."""

    async def setUp(self) -> None:
        await super().setUp()
        self.clock, self.threads = Clock(), Threads()
        self.told: list[Collection[int] | None] = []
        self.doubts = Doubts(self.clock, self.threads, self.told.append)  # type: ignore[arg-type]
        self.doubts.startService()
        self.addCleanup(self.doubts.stopService)

    def test_as_soon_as_the_database_answers(self) -> None:
        """The members of all threads in doubt are told, once, when the database answers again."""
        self.doubts.add([1, 2])
        self.clock.pump([1.0] * 3)
        self.assertEqual((self.threads.asked, self.told), ([[1, 2]] * 3, []))
        self.threads.away = False
        self.doubts.add([3])
        self.clock.pump([1.0] * 3)
        self.assertEqual((self.told, len(self.doubts), self.clock.getDelayedCalls()), ([{10, 20, 30}], 0, []))

    def test_too_many(self) -> None:
        """Beyond the bound everybody is."""
        with patch.object(doubts, "THREADS", 5):
            self.doubts.add(range(6))
            self.doubts.add([7])
        self.clock.advance(1.0)
        self.assertEqual(self.told, [])
        self.threads.away = False
        self.clock.advance(1.0)
        self.assertEqual((self.told, self.clock.getDelayedCalls()), ([{70}, None], []))

    def test_stopped(self) -> None:
        """Nothing is left behind."""
        self.doubts.add([1])
        self.doubts.stopService()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    async def test_members(self) -> None:
        """Both members of a private thread are, and nobody is a member of nothing."""
        anna, bert, carl = await self.people("anna", "bert", "carl")
        one, two = await self.befriend(anna, bert), await self.befriend(anna, carl)
        self.assertEqual(await self.stores.threads.members([one]), {anna, bert})
        self.assertEqual(await self.stores.threads.members([one, two]), {anna, bert, carl})
        self.assertEqual(await self.stores.threads.members([]), set())
