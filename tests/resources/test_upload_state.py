"""The jobs of one upload, ended one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imsys.protocols.deadlines import DeadlineWheel
from imsys.resources.engine.memory import Memory
from imsys.resources.engine.upload_state import GATHER, UploadPorts, UploadState
from imsys.resources.upload_listener import UploadWaiter
from tests.resources.frames.memory import new_file


class Jobs:
    """A disk whose threads work at once, and whose results are heard of when the test says so."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Deferred[Any], Any]] = []

    async def run_ahead(self, rest: Callable[[], None], work: Callable[[], Any]) -> Any:
        self.waiting.append((Deferred(), work()))
        rest()
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

    def hash(self) -> None:
        pass


class JobsTests(SynchronousTestCase):
    def test_nothing_runs_when_all_is_durable(self) -> None:
        """When it is told that the last byte is durable no job works on the file any more, which may move at
        once.
        """
        jobs: Any = Jobs()
        spooled: Any = Counted()
        clock, memory = Clock(), Memory(1 << 30)
        ports = UploadPorts(clock, jobs, memory, DeadlineWheel(clock), 50_000, 60.0)
        state = UploadState(new_file(7, 100_000), ports, lambda _: None)
        state.begin(spooled, 0)
        handle = state.take(UploadWaiter())
        state.feed(handle, 0, bytes(60_000))
        self.assertTrue(handle.paused)
        self.assertLess(state.pending, GATHER)
        jobs.end()  # written, and not worth a sync
        state.feed(handle, 60_000, bytes(40_000))
        durable = state.flushed()
        jobs.end()
        self.assertEqual((self.successResultOf(durable), jobs.waiting), (100_000, []))
