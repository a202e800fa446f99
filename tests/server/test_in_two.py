"""A handler in two halves, without a coroutine between them."""

from __future__ import annotations

import gc
import json
import weakref
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from imsys.errors import Refused, Status
from imsys.protocols.messages.session import HeartbeatRequest, LogoutResponse
from imsys.server.dispatch import Call, Dispatcher, handles_in_two
from imsys.server.outcome import Outcome, outcome_of


class Caller:
    """A session, as the dispatcher sees it."""

    user, context, unknown, early = 1, "the context", 0, 0

    def __init__(self) -> None:
        self.failures: list[str] = []

    def close(self, why: str) -> None:
        raise AssertionError(why)

    complain = close

    def failed(self, request: str) -> None:
        self.failures.append(request)


class InTwoTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.begun: Outcome[str] = Outcome()
        self.ended: list[Any] = []
        self.error: Exception | None = None

        def end(context: str, request: HeartbeatRequest, result: str) -> LogoutResponse:
            self.ended.append((context, request.seq, result))
            if result == "broken":
                raise ZeroDivisionError
            return LogoutResponse(uuid=result, message="")

        def begin(context: str, request: HeartbeatRequest) -> Outcome[str]:
            if self.error is not None:
                raise self.error
            return self.begun

        handler = handles_in_two(HeartbeatRequest, end, overlapping=True)(begin)
        self.dispatcher: Dispatcher[Any] = Dispatcher([handler], lambda session: None)
        self.caller = Caller()
        self.answers: list[dict[str, Any]] = []

    def call(self) -> Call:
        """Have the request arrive."""
        (number,) = self.dispatcher.overlapping
        call = Call(self.caller, True)
        self.dispatcher.begin(call, self.caller, number, b'{"uuid":"1","seq":7}', self.done)
        return call

    def done(self, call: Call) -> None:
        assert call.response is not None
        self.answers.append(json.loads(call.response[4:]))

    def test_later(self) -> None:
        """The second half runs when the outcome is there."""
        self.call()
        self.assertEqual((self.answers, self.ended), ([], []))
        self.begun.succeed("5")
        self.assertEqual(self.ended, [("the context", 7, "5")])
        self.assertEqual([(one["uuid"], one["seq"]) for one in self.answers], [("5", 7)])

    def test_at_once(self) -> None:
        """So it does when it is there at once."""
        self.begun.succeed("5")
        self.call()
        self.assertEqual(len(self.answers), 1)

    def test_refused(self) -> None:
        """Either half may refuse, and what it waits for, before and after; and so may it fail."""
        refused = Refused(Status.BLOCKED, "x")
        self.error = refused
        self.call()
        self.error = None
        self.call()
        self.begun.fail(refused)
        self.call()
        self.begun = Outcome()
        self.begun.succeed("broken")
        self.call()
        self.error = KeyError()
        self.call()
        statuses = [int(Status.BLOCKED)] * 3 + [int(Status.INTERNAL_ERROR)] * 2
        self.assertEqual([one["error"] for one in self.answers], statuses)
        self.assertEqual(self.caller.failures, ["HeartbeatRequest"] * 2)

    def test_coroutine(self) -> None:
        """What takes longer may be a coroutine."""
        for result in ("5", Refused(Status.BLOCKED, "x")):
            waiting: Deferred[str] = Deferred()

            async def slow(waiting: Deferred[str] = waiting) -> str:
                return await waiting

            self.begun = outcome_of(slow())
            self.call()
            if isinstance(result, Exception):
                waiting.errback(result)
            else:
                waiting.callback(result)
        self.assertEqual([one["error"] for one in self.answers], [0, int(Status.BLOCKED)])

    def test_nothing_is_left(self) -> None:
        """No garbage is left to collect: there are thousands a second."""
        gc.disable()
        self.addCleanup(gc.enable)
        self.begun = Outcome()
        result = Result("5")
        kept = weakref.ref(result)
        self.call()
        self.begun.succeed(result)
        del result
        self.begun = Outcome()
        self.ended.clear()
        self.assertIsNone(kept())


class Result(str):
    """One that may be looked for: an outcome, which holds it, may not."""
