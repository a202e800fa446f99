"""The time that nodes date messages by, while clocks are set."""

from __future__ import annotations

from twisted.internet.task import Clock, deferLater
from twisted.logger import LogLevel, capturedLogs, formatEvent

from imsys.chat.features.catch_up import OVERLAP
from imsys.chat.node import RENEWALS, Node
from imsys.errors import Unavailable
from imsys.store import Stores
from imsys.store.ids import ms_of
from imsys.store.nodes import LEASE
from tests.support.stores import OnSqlite

NOON = 1_790_000_000.0
HOUR = 3600.0
STEP = 2.0
"""Seconds; less than nodes are apart with their renewals."""


class NodeTests(OnSqlite):
    """Several of them, on a database whose clock the test sets: on SQLite it is a calendar of ours."""

    timeout = 60

    async def setUp(self) -> None:
        await super().setUp()
        self.clock = Clock()
        self.ahead = 0.0
        self.nodes: list[Node] = []
        self.made: dict[Node, int] = {}

    def calendar(self) -> float:
        """What the database's clock says."""
        return NOON + self.clock.seconds() + self.ahead

    async def node(self) -> Node:
        """Start one more."""
        node = Node(self.clock, Stores.on(self.database, self.calendar).nodes)
        self.nodes.append(node)
        node.startService()
        await self.settled()
        return node

    async def settled(self) -> None:
        """Every node waits for its next renewal."""
        while any(node._next is None for node in self.nodes):
            await deferLater(self.reactor, 0.001)

    async def stop(self, node: Node) -> None:
        self.nodes.remove(node)
        await node.stopService()

    def kill(self, node: Node) -> None:
        """End one without a word."""
        self.nodes.remove(node)
        assert node._next is not None
        node._next.cancel()

    async def tearDown(self) -> None:
        while self.nodes:
            await self.stop(self.nodes[0])

    def dates(self) -> list[float]:
        """Have every node make an id: by how many seconds each is before the database's clock.

        None ever goes back.
        """
        dates = []
        for node in self.nodes:
            made = node.ids.next()
            self.assertGreater(made, self.made.get(node, 0))
            self.made[node] = made
            dates.append(self.calendar() - ms_of(made) / 1000)
        return dates

    async def passes(self, seconds: float) -> list[float]:
        """Let time pass.

        At no moment is an id so far behind one of another node that a client would not ask for it.
        """
        dates = self.dates()
        for _ in range(round(seconds / STEP)):
            self.clock.advance(STEP)
            await self.settled()
            dates = self.dates()
            self.assertLess(max(dates) - min(dates), OVERLAP / 2)
        return dates

    async def three(self) -> None:
        for _ in range(3):
            await self.node()
            await self.passes(2 * STEP)

    def met(self, dates: list[float]) -> bool:
        return all(abs(date) < 1 for date in dates)

    async def test_as_always(self) -> None:
        """Messages are dated by the database's clock, whoever is there, comes, goes or is restarted."""
        await self.three()
        self.assertTrue(self.met(await self.passes(3 * LEASE)))
        await self.stop(self.nodes[1])
        self.kill(self.nodes[0])
        self.assertTrue(self.met(await self.passes(LEASE)))
        await self.node()
        self.assertTrue(self.met(await self.passes(2 * STEP)))

    async def test_set_forward(self) -> None:
        """When the database's clock is set forward nodes follow it together.

        The log says when that begins and ends.
        """
        await self.three()
        self.ahead = HOUR
        with capturedLogs() as events:
            dates = await self.passes(LEASE)
            self.assertGreater(min(dates), HOUR - 7 * LEASE)
            newcomer = await self.node()
            dates = await self.passes(STEP)
            self.assertGreater(min(dates), HOUR / 2)
            await self.stop(newcomer)
            self.assertTrue(self.met(await self.passes(HOUR / 4)))
        said = [
            (event["log_level"], formatEvent(event))
            for event in events
            if event["log_namespace"] == "imsys.chat.node"
        ]
        self.assertRegex(
            str(said),
            "the database's clock was set: messages are dated 3[0-9]{3} s behind of it, until both have met",
        )
        warnings = [text for level, text in said if level is LogLevel.warn]
        self.assertEqual(len(warnings), 4)
        self.assertEqual(
            [text for _, text in said].count("messages are dated by the database's clock again"), 3
        )

    async def test_set_back(self) -> None:
        """When it is set back time stands still for all of them, and for who comes then, until it has come so
        far again.
        """
        await self.three()
        self.ahead = -HOUR
        await self.passes(2 * LEASE)
        for node in self.nodes[:2]:
            await self.stop(node)
        self.kill(self.nodes[0])
        await self.node()
        dates = await self.passes(LEASE)
        self.assertLess(dates[0], LEASE - HOUR + 3 * LEASE)
        for _ in range(2):
            await self.node()
        self.assertTrue(self.met(await self.passes(HOUR)))

    async def test_alone(self) -> None:
        """A node that is alone keeps nobody back: it follows at its next renewal, and nobody has its number
        with lower ids later.
        """
        await self.node()
        await self.passes(LEASE)
        self.ahead = 24 * HOUR
        self.assertTrue(self.met(await self.passes(2 * LEASE / RENEWALS)))
        highest = self.made[self.nodes[0]]
        self.kill(self.nodes[0])
        self.clock.advance(LEASE + 1)
        await self.node()
        self.assertGreater(self.nodes[0].ids.next(), highest)

    async def test_asleep(self) -> None:
        """A node that slept, and does not know, makes no id that may be another's by now."""
        sleeper = await self.node()
        await self.passes(LEASE)
        self.kill(sleeper)
        self.ahead += HOUR  # it passes for the database alone
        heir = await self.node()
        self.assertEqual(heir._number, sleeper._number)
        self.assertGreater(heir.ids.next(), sleeper.ids.next())
        for _ in range(100_000):
            late = sleeper.ids.next()
        self.assertLess(late, heir.ids.next())

    async def test_late(self) -> None:
        """A lease ends by the monotonic clock, when it is not renewed."""
        node = await self.node()
        self.kill(node)
        self.clock.advance(LEASE - 1)
        node.ids.next()
        self.clock.advance(1)
        with self.assertRaises(Unavailable):
            node.ids.next()
