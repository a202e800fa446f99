"""Which threads have something new."""

from __future__ import annotations

import time

from twisted.internet.defer import Deferred, gatherResults

from imsys.store import Stores, threads
from tests.support.stores import OnMariaDb, OnSqlite, StoreCase, text

ALL = 100


class Newer(StoreCase):
    async def test_a_crowd(self) -> None:
        """Many who catch up at once share statements, and each is given their own threads, in order, cut
        where they asked.
        """
        statements: list[str] = []
        stores = Stores.on(self.open_database(lambda sql, _: statements.append(sql)), time.time)
        popular, *others = await self.people(*(f"user{n}" for n in range(9)))
        heads = []
        for other in others:
            thread = await self.befriend(popular, other)
            (appended,) = await self.stores.messages.append(
                self.ids, [text(popular, other, thread, f"news {other}")]
            )
            heads.append((appended.messages[-1].msg_id, thread))  # type: ignore[union-attr]
        asked = [(popular, 0, (0, 0), ALL), *((other, 0, (0, 0), ALL) for other in others)]
        asked += [
            (popular, heads[3][0], (0, 0), ALL),
            (popular, 0, heads[1], 3),
            (popular, heads[-1][0], (0, 0), ALL),
            (12345, 0, (0, 0), ALL),
        ]
        found = await gatherResults(
            [Deferred.fromCoroutine(stores.threads.heads_since(*one)) for one in asked]
        )
        self.assertEqual(found, [heads, *([head] for head in heads), heads[4:], heads[2:5], [], []])
        self.assertEqual(len(statements), 2)

    async def test_as_many_as_go(self) -> None:
        """A full statement is understood, and who asks beyond it is answered."""
        one, other = await self.people("one", "other")
        await self.befriend(one, other)
        calls = [
            Deferred.fromCoroutine(self.stores.threads.heads_since(one, 0, (0, 0), ALL))
            for _ in range(threads.TOGETHER + 2)
        ]
        self.assertEqual([len(found) for found in await gatherResults(calls)], [1] * len(calls))


class SqliteNewerTests(Newer, OnSqlite):
    """On SQLite."""


class MariaDbNewerTests(Newer, OnMariaDb):
    """On MariaDB."""


del Newer
