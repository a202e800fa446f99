"""Code that waits on the reactor's thread without blocking it."""

from __future__ import annotations

import gc
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python import context
from twisted.trial.unittest import SynchronousTestCase

from imsys.store.waiting import Resume, run, wait, wait_for


class WaitingTests(SynchronousTestCase):
    def test_results(self) -> None:
        """What has waited gets what it has waited for; who has called it, its result."""
        first, second = Deferred[int](), Deferred[int]()
        running = run(lambda: wait_for(first) + wait_for(second))
        self.assertNoResult(running)
        first.callback(1)
        self.assertNoResult(running)
        second.callback(2)
        self.assertEqual(self.successResultOf(running), 3)
        self.assertEqual(self.successResultOf(run(lambda: wait_for(first) or 4)), 4)

    def test_two_at_once(self) -> None:
        """Two that wait for each other's doing go on in turns; none is lost, and none runs within the other's end."""
        begun, answered, order = Deferred[str](), Deferred[str](), list[str]()

        def one() -> str:
            order.append(wait_for(begun))
            answered.callback("answer")
            order.append("one ends")
            return "one"

        def other() -> str:
            order.append(wait_for(answered))
            order.append("other ends")
            return "other"

        running = [run(one), run(other)]
        begun.callback("begin")
        self.assertEqual([self.successResultOf(each) for each in running], ["one", "other"])
        self.assertEqual(order, ["begin", "answer", "other ends", "one ends"])

    def test_exceptions(self) -> None:
        """Whatever is raised, before or after it has waited, reaches who has called; its traceback says where."""

        def raise_it(before: bool, error: BaseException) -> None:
            if not before:
                wait_for(asked)
            raise error

        for before in (True, False):
            for error in (ZeroDivisionError(), KeyboardInterrupt(), GeneratorExit()):
                asked = Deferred[None]()
                running = run(lambda: raise_it(before, error))  # noqa: B023
                asked.callback(None)
                failure = self.failureResultOf(running, type(error))
                self.assertIs(failure.value, error)
                self.assertIn("in raise_it", failure.getTraceback())

    def test_failure(self) -> None:
        """A failure that is waited for is raised there, and can be dealt with there."""
        asked = Deferred[int]()

        def ask() -> str:
            try:
                wait_for(asked)
            except ZeroDivisionError as error:
                return repr(error)
            return ""

        running = run(ask)
        asked.errback(ZeroDivisionError("x"))
        self.assertEqual(self.successResultOf(running), "ZeroDivisionError('x')")

    def test_no_garbage(self) -> None:
        """What has waited and ended leaves nothing that only a collection of garbage would find."""
        gc.collect()
        gc.disable()
        self.addCleanup(gc.enable)
        for _ in range(20):
            begun = Deferred[int]()
            running = run(partial(wait_for, begun))
            begun.callback(1)
            self.assertEqual(self.successResultOf(running), 1)
        self.assertLess(gc.collect(), 20)

    def test_outside(self) -> None:
        """Nobody else can wait."""
        with self.assertRaises(RuntimeError):
            wait(lambda resume: None)

    def test_given_up(self) -> None:
        """What nobody can resume any more ends where it waits, and cleans up."""
        seen: list[str] = []

        def work() -> None:
            try:
                wait(lambda resume: None)
            finally:
                seen.append("cleaned up")

        running = run(work)
        gc.collect()
        self.assertEqual(seen, ["cleaned up"])
        self.assertNoResult(running)

    def test_context(self) -> None:
        """While it runs the context of the log is that of who resumes it; others' stays as it was."""
        seen: list[Any] = []
        resumes: list[Resume] = []

        def work() -> None:
            seen.append(context.get("who"))
            wait(resumes.append)
            seen.append(context.get("who"))
            context.call({"who": "inner"}, lambda: seen.append(context.get("who")))

        running = context.call({"who": "one"}, run, work)
        context.call({"who": "other"}, resumes[0], None)
        self.successResultOf(running)
        self.assertEqual(seen, ["one", "other", "inner"])
        self.assertIsNone(context.get("who"))

    def test_on_and_on(self) -> None:
        """What it does when it is told the result may be to call the next one, any number of times."""
        asked: list[Deferred[int]] = []
        results: list[int] = []

        def ask() -> int:
            asked.append(Deferred())
            return wait_for(asked[-1])

        def again(number: int) -> None:
            results.append(number)
            if number < 1000:
                run(ask).addCallback(again)

        run(ask).addCallback(again)
        for number in range(1001):
            asked[number].callback(number)
        self.assertEqual(results, list(range(1001)))
