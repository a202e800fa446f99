"""What imsys-bench says about the waiting of idle users whose heartbeats are answered late, or never."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from imsys.bench.tasks import Hold, Result, Task, User, microseconds
from imsys.bench.workers import crew
from tests.sdk.fake import FakeServers, World

HEARTBEAT = 32
INTERVAL = 100_000
"""Microseconds."""


class Heartbeats(TestCase):
    timeout = 60

    def setUp(self) -> None:
        from twisted.internet import reactor

        self.world = World()
        servers = FakeServers(reactor, self.world)
        self.addCleanup(lambda: Deferred.fromCoroutine(servers.stop()))
        self.world.silent.add(HEARTBEAT)

    async def hold(self, during: Callable[[], None] = lambda: None) -> Result:
        """One user who is held by a process of its own; what it saw."""
        self.world.user(1, "anna")
        anna: User = (1, self.world.token(1), "127.0.0.1", self.world.chat_port, 2, 10)

        def work() -> Result:
            with crew([Task(users=[anna], work=Hold(time=1.0, beat=INTERVAL / 1e6))], {}) as members:
                return members.work(during).result

        return await deferToThread(work)

    async def test_never_answered(self) -> None:
        """A heartbeat without an answer waits until the end, and those after it that were due each an
        interval less.
        """
        found = await self.hold()
        waits = microseconds(found.latencies["heartbeat"])
        self.assertGreater(max(waits), 800_000)
        self.assertEqual(list(waits), [max(waits) - INTERVAL * number for number in range(len(waits))])
        self.assertLess(min(waits), INTERVAL)

    async def test_answered_late(self) -> None:
        """An answer that is late counts for every heartbeat that was due meanwhile."""
        from twisted.internet import reactor

        def answer() -> None:
            self.world.silent.clear()
            for session in self.world.sessions.values():
                session._answer(HEARTBEAT, {}, {})

        found = await self.hold(lambda: reactor.callFromThread(reactor.callLater, 0.4, answer))  # type: ignore[attr-defined]
        waits = microseconds(found.latencies["heartbeat"])
        self.assertGreater(max(waits), 2 * INTERVAL)
        self.assertLess({max(waits) - INTERVAL * number for number in range(3)}, set(waits))
