"""Whose file is looked at next."""

from __future__ import annotations

import threading
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.trial.unittest import TestCase

from imsys.resources.engine.studio import Studio


class StudioTests(TestCase):
    async def setUp(self) -> None:
        from twisted.internet import reactor

        self.studio = Studio(reactor)
        self.studio.startService()
        self.addCleanup(self.studio.stopService)
        self.done: list[str] = []

    def send(self, user: int, name: str, gate: threading.Event | None = None) -> Deferred[Any]:
        def look() -> None:
            if gate is not None:
                gate.wait(30)
            self.done.append(name)

        return Deferred.fromCoroutine(self.studio.run_for(user, look))

    async def test_turns(self) -> None:
        """Who sends many large files keeps nobody waiting: another's is looked at while the first of them
        still is.
        """
        gate = threading.Event()
        self.addCleanup(gate.set)
        large = [self.send(1, f"large{number}", gate) for number in range(30)]
        await self.send(2, "small")
        self.assertEqual(self.done, ["small"])
        gate.set()
        await gatherResults(large)
        self.assertEqual(self.done[1:], [f"large{number}" for number in range(30)])

    async def test_given_up(self) -> None:
        """Who waits no more takes no turn, and a failure ends one."""
        gate = threading.Event()
        self.addCleanup(gate.set)
        first, second, third = self.send(1, "1", gate), self.send(1, "2"), self.send(1, "3")
        second.addErrback(lambda _: None)
        second.cancel()
        gate.set()
        await gatherResults([first, third])
        failing = Deferred.fromCoroutine(self.studio.run_for(1, lambda: 1 // 0))
        await self.assertFailure(failing, ZeroDivisionError)
        await self.send(1, "4")
        self.assertEqual(self.done, ["1", "3", "4"])
