"""Threads for work on the disk."""

from __future__ import annotations

import threading
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from imsys.errors import Unavailable
from imsys.resources.disk import Disk


class DiskTests(TestCase):
    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.disk = Disk(reactor, 2)
        self.disk.startService()
        self.addCleanup(self.disk.stopService)

    async def test_other_threads(self) -> None:
        """Work runs in other threads, no more of it at once than there are, and its result or error comes
        back.
        """
        running, most, lock = 0, 0, threading.Lock()
        barrier = threading.Barrier(2)

        def work() -> bool:
            nonlocal running, most
            with lock:
                running += 1
                most = max(most, running)
            barrier.wait(10)
            with lock:
                running -= 1
            return threading.current_thread() is threading.main_thread()

        results: list[bool] = await gatherResults(
            [Deferred.fromCoroutine(self.disk.run(work)) for _ in range(8)]
        )
        self.assertEqual((results, most), ([False] * 8, 2))

        def fail() -> None:
            raise OSError("no")

        with self.assertRaises(OSError):
            await self.disk.run(fail)
        self.assertEqual(self.disk.pending, 0)

    async def test_stop(self) -> None:
        """Stopping waits for what runs and what waits, and takes no more."""
        release, done = threading.Event(), []
        for _ in range(2):
            self.disk.soon(lambda: done.append(release.wait(10)))
        self.disk.soon(lambda: done.append(True))
        stopped = self.disk.stopService()
        with self.assertRaises(Unavailable):
            await self.disk.run(lambda: None)
        await deferLater(self.reactor, 0)
        self.assertFalse(stopped.called)
        release.set()
        await stopped
        self.assertEqual(done, [True] * 3)

    async def test_cancelled(self) -> None:
        """Stopping waits for what was cancelled as well: its thread still works."""
        begun, release, done = threading.Event(), threading.Event(), []

        def work() -> None:
            begun.set()
            done.append(release.wait(10))

        running = Deferred.fromCoroutine(self.disk.run(work))
        await deferToThread(begun.wait, 10)
        running.cancel()
        with self.assertRaises(CancelledError):
            await running
        stopped = self.disk.stopService()
        self.assertEqual((self.disk.pending, stopped.called), (1, False))
        release.set()
        await stopped
        self.assertEqual((self.disk.pending, done), (0, [True]))

    async def test_ahead_of_the_rest(self) -> None:
        """A result does not wait for the rest of the work in its thread; after an error there is no rest."""
        release, done = threading.Event(), []

        def rest() -> None:
            done.append(release.wait(10))

        self.assertEqual(await self.disk.run_ahead(rest, lambda: 3), 3)
        self.assertEqual(done, [])
        release.set()

        def fail() -> int:
            raise OSError("no")

        with self.assertRaises(OSError):
            await self.disk.run_ahead(rest, fail)
        await self.disk.stopService()
        self.assertEqual(done, [True])

    async def test_nobody_waits(self) -> None:
        """Work that nobody waits for may fail, and is logged."""

        def fail() -> None:
            raise OSError("no")

        self.disk.soon(fail)
        await self.disk.stopService()
        self.assertEqual(self.flushLoggedErrors(), [])
