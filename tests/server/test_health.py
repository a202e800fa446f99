"""What a server knows of what it stands on."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from imsys.errors import Refused, Status, Unavailable
from imsys.server.health import PATIENCE, PAUSE, TICK, Check, Fault, Health


class Thing:
    """Something that answers as it is told."""

    def __init__(self) -> None:
        self.attempts = 0
        self.used = 0
        self.outcome: Any = None
        self.waiting: list[Deferred[None]] = []

    async def attempt(self) -> None:
        self.attempts += 1
        if self.outcome == "silence":
            self.waiting.append(Deferred())
            await self.waiting[-1]
        elif self.outcome is not None:
            raise self.outcome

    def answer(self) -> None:
        waiting, self.waiting = self.waiting, []
        for one in waiting:
            one.callback(None)


class HealthTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.thing, self.other = Thing(), Thing()
        checks = {
            "thing": Check("The thing", self.thing.attempt, lambda: self.thing.used),
            "other": Check("The other", self.other.attempt),
        }
        self.health = Health(self.clock, checks)
        self.heard: list[str] = []
        self.health.on_change(lambda: self.heard.append(self.health.unfit))
        self.health.startService()
        self.addCleanup(lambda: self.health.stopService() if self.health.running else None)

    def wait(self, seconds: float) -> None:
        self.clock.pump([TICK] * round(seconds / TICK))

    def test_works(self) -> None:
        """What works is tried twice a second, and nothing is said of it."""
        self.wait(10)
        self.assertEqual((self.heard, self.health.unfit, self.thing.attempts), ([], "", 20))
        self.health.demand()

    def test_proof(self) -> None:
        """Nothing is tried that others use with success, where that shows as much.

        It is again as soon as they do no more.
        """
        health = Health(
            self.clock, {"thing": Check("The thing", self.other.attempt, lambda: self.other.used, proof=True)}
        )
        self.health.stopService()
        health.startService()
        self.addCleanup(health.stopService)
        for _ in range(40):
            self.other.used += 1
            self.wait(TICK)
        self.assertEqual(self.other.attempts, 0)
        self.other.outcome = "silence"
        self.wait(PAUSE + PATIENCE + TICK)
        self.assertEqual((self.other.attempts, health.unfit), (1, "The thing does not answer."))
        self.other.used += 1
        self.wait(TICK)
        self.assertEqual(health.unfit, "")

    def test_shared(self) -> None:
        """Of several that watch the same thing in one process, one tries it for all, as often as for one."""
        self.health.stopService()

        async def attempt() -> None:
            await self.other.attempt()
            self.other.used += 1

        check = Check("The thing", attempt, lambda: self.other.used, proof=True)
        for _ in range(4):
            health = Health(self.clock, {"thing": check})
            health.startService()
            self.addCleanup(health.stopService)
        self.wait(10)
        self.assertEqual(self.other.attempts, 20)

    def test_silent(self) -> None:
        """What does not answer in time is broken, is not tried again meanwhile, and works when it answers at
        last.
        """
        self.wait(2)
        self.thing.outcome = "silence"
        self.wait(PAUSE + PATIENCE)
        self.assertEqual(self.heard, ["The thing does not answer."])
        self.assertEqual(self.health.fault("thing"), Fault("The thing does not answer.", True))
        self.wait(20)
        self.assertEqual(len(self.thing.waiting), 1)
        self.thing.outcome = None
        self.thing.answer()
        self.assertEqual((self.heard[1:], self.health.fault("thing")), ([""], None))

    def test_fails(self) -> None:
        """What fails is broken at once, with the reason, and works at the first success."""
        for error, reason, silent in (
            (
                OSError(5, "Input/output error", "/a/file"),
                "The thing does not work: Input/output error.",
                False,
            ),
            (
                Unavailable(Status.MYSQL_INTERNAL_ERROR, "The database did not answer."),
                "The thing does not answer.",
                True,
            ),
            (Refused(Status.INTERNAL_ERROR, "It is over."), "The thing does not work: It is over.", False),
            (ValueError("a secret"), "The thing does not work: ValueError.", False),
        ):
            self.thing.outcome = error
            self.wait(PAUSE)
            self.assertEqual((self.health.unfit, self.health.fault("thing")), (reason, Fault(reason, silent)))
            self.thing.outcome = None
            self.wait(PAUSE)
            self.assertEqual(self.health.unfit, "")

    def test_demand(self) -> None:
        """What is demanded is refused with 73 and the reason, as long as it is broken."""
        self.other.outcome = OSError(30, "Read-only file system")
        self.wait(PAUSE)
        self.health.demand("thing")
        self.health.demand("other", silent=True)
        for names in (("thing", "other"), ()):
            with self.assertRaises(Refused) as caught:
                self.health.demand(*names)
            self.assertEqual(
                (caught.exception.status, caught.exception.retry_after), (Status.SERVER_BUSY, 1.0)
            )
            self.assertIn("The other does not work: Read-only file system.", caught.exception.message)

    def test_several(self) -> None:
        """Of several that are broken the first is told of, until it works."""
        self.thing.outcome = self.other.outcome = OSError(5, "No")
        self.wait(PAUSE)
        self.thing.outcome = None
        self.wait(PAUSE)
        self.assertEqual(self.heard, ["The thing does not work: No.", "The other does not work: No."])

    def test_busy(self) -> None:
        """Where others are served all the time, one that waits behind them is no sign of a fault."""
        self.thing.outcome = "silence"
        for _ in range(40):
            self.thing.used += 1
            self.wait(PAUSE)
        self.assertEqual(self.heard, [])
        self.wait(PATIENCE)
        self.assertEqual(self.heard, ["The thing does not answer."])
        self.thing.used += 1
        self.wait(TICK)
        self.assertEqual(self.heard[1:], [""])

    def test_crowded(self) -> None:
        """Where there is no room to try, that is a fault only if nobody else is served either."""
        self.thing.outcome = Refused(Status.SERVER_BUSY, "Too many.")
        for _ in range(20):
            self.thing.used += 1
            self.wait(PAUSE)
        self.assertEqual(self.heard, [])
        self.wait(PAUSE + PATIENCE)
        self.assertEqual(self.heard, ["The thing does not answer."])
        self.thing.outcome = None
        self.wait(PAUSE)
        self.assertEqual(self.heard[1:], [""])

    def test_stood_still(self) -> None:
        """Time in which this process stood still is not held against what it waits for."""
        self.thing.outcome = "silence"
        self.wait(PAUSE)
        self.clock.advance(60.0)  # one late tick
        self.assertEqual(self.heard, [])
        self.thing.answer()

    def test_log(self) -> None:
        """There is one line when the server cannot serve, and one when it can again."""
        with capturedLogs() as events:
            self.thing.outcome = self.other.outcome = OSError(5, "No")
            self.wait(10)
            self.thing.outcome = self.other.outcome = None
            self.wait(10)
        self.assertEqual([event["log_level"] for event in events], [LogLevel.warn, LogLevel.info])

    def test_stopped(self) -> None:
        """What is under way when it stops is given up, and nothing is heard of it."""
        self.thing.outcome = "silence"
        self.wait(PAUSE)
        self.health.stopService()
        self.assertEqual(
            (self.thing.waiting[0].called, self.heard, self.clock.getDelayedCalls()), (True, [], [])
        )
