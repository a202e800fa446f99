"""The jobs of one upload, ended one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imsys.resources.engine.arriving import GATHER, Arriving
from imsys.resources.engine.memory import Memory
from tests.resources.frames.memory import new_file


class Jobs:
    """A disk whose threads work at once, and whose results are heard of when the test says so."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Deferred[Any], Any]] = []

    async def run(self, work: Callable[[], Any]) -> Any:
        self.waiting.append((Deferred(), work()))
        return await self.waiting[-1][0]

    def end(self) -> None:
        """The first of those that run ends."""
        deferred, result = self.waiting.pop(0)
        deferred.callback(result)


class Counted:
    """What is in the spool, by numbers."""

    def __init__(self) -> None:
        self.written = 0

    def write(self, blocks: list[bytes]) -> int:
        self.written += sum(map(len, blocks))
        return self.written

    def sync(self) -> int:
        return self.written

    settle = sync


class Holding:
    """The hands of somebody who was told to wait."""

    held = True

    def progressed(self) -> None:
        pass

    def adjust(self) -> None:
        pass


class JobsTests(SynchronousTestCase):
    def test_nothing_runs_when_all_is_durable(self) -> None:
        """When it is told that the last byte is durable no job works on the file any more, which may move at once."""
        jobs: Any = Jobs()
        spooled: Any = Counted()
        holding: Any = Holding()
        arriving = Arriving(new_file(7, 100_000), Clock(), jobs, Memory(1 << 30), lambda _: None)
        arriving.begin(spooled, 0)
        arriving.hand = holding
        arriving.feed(bytes(60_000))
        self.assertLess(arriving.pending, GATHER)
        jobs.end()  # written, and not worth a sync
        arriving.feed(bytes(40_000))
        durable = arriving.flushed()
        jobs.end()
        self.assertEqual((self.successResultOf(durable), jobs.waiting), (100_000, []))
