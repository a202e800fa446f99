"""The small parts of the client library, with time made by hand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from OpenSSL import SSL
from service_identity import VerificationError
from twisted.internet import error
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

import imsys
from imsys.errors import Refused, Status, Unavailable
from imsys.protocols.messages.threads import PositionRequest, PositionResponse
from imsys.sdk.lifecycle import Actions, new_lifecycle
from imsys.sdk.model import ConnectionState
from imsys.sdk.receipts import Receipts
from imsys.sdk.refusals import SENTENCES, explain
from imsys.sdk.signals import Signal
from imsys.sdk.unique import UniqueIds
from imsys.util.backoff import Backoff


class BackoffTests(SynchronousTestCase):
    def test_doubles(self) -> None:
        """Waits double up to the most, drawn from their upper half, and begin anew after a success."""
        for draw, share in ((0.0, 0.5), (1.0, 1.0)):
            backoff = Backoff(0.5, 4.0, lambda draw=draw: draw)  # type: ignore[misc]
            self.assertEqual([backoff.next() for _ in range(5)], [share * wait for wait in (0.5, 1, 2, 4, 4)])
            backoff.reset()
            self.assertEqual(backoff.next(10.0), 10 + share * 0.5)

    def test_many_failures(self) -> None:
        """A thousand failures are no arithmetic problem."""
        backoff = Backoff(0.5, 30.0, lambda: 1.0)
        self.assertEqual([backoff.next() for _ in range(1100)][-1], 30.0)


class UniqueIdTests(SynchronousTestCase):
    def test_ordered(self) -> None:
        """An id begins with the milliseconds it was made at, and ends with chance."""
        clock = Clock()
        clock.advance(1_700_000_000.123)
        make = UniqueIds(clock.seconds)
        one, two = make(), make()
        self.assertEqual((len(one), one[:12]), (32, f"{1_700_000_000_123:012x}"))
        self.assertNotEqual(one, two)
        clock.advance(1)
        self.assertGreater(make(), max(one, two))


class SignalTests(SynchronousTestCase):
    def test_failing_handler(self) -> None:
        """A handler that fails is logged and does not keep the event from the others."""
        signal: Signal[int] = Signal()
        got: list[int] = []

        def fail(_: int) -> None:
            raise RuntimeError("a handler's fault")

        signal.subscribe(fail)
        unsubscribe = signal.subscribe(got.append)
        signal.emit(1)
        unsubscribe()
        unsubscribe()
        signal.emit(2)
        self.assertEqual(got, [1])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 2)


class MarkTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.sent: list[tuple[str, object]] = []
        self.answer: Deferred[Any] | None = None

    def marks(self) -> Receipts:
        def request(position: PositionRequest, reply: object) -> Deferred[Any]:
            self.sent.append((position.thread_id, position.delivered))
            return self.answer or succeed(PositionResponse())

        marks = Receipts(self.clock, request)
        marks.start()
        return marks

    def test_one_a_second(self) -> None:
        """The first mark goes at once, those within the next second as one at its end.

        Each thread has its own seconds.
        """
        marks = self.marks()
        for number in range(1, 6):
            marks.delivered(1, number)
        marks.delivered(2, 7)
        self.assertEqual(self.sent, [("1", "1"), ("2", "7")])
        self.clock.advance(0.99)
        self.assertEqual(len(self.sent), 2)
        self.clock.advance(0.01)
        self.assertEqual(self.sent[2:], [("1", "5")])
        self.clock.pump([0.5] * 4)
        self.assertEqual(len(self.sent), 3)
        marks.delivered(1, 6)
        self.assertEqual(self.sent[3:], [("1", "6")])

    def test_kept(self) -> None:
        """Marks that could not be sent are sent with the next connection."""
        marks = self.marks()
        self.answer = Deferred()
        marks.delivered(1, 1)
        self.answer.errback(Unavailable(Status.NETWORK_ERROR, "Gone."))
        marks.stop()
        marks.delivered(2, 2)
        self.answer = None
        marks.start()
        self.assertEqual(sorted(self.sent), [("1", "1"), ("1", "1"), ("2", "2")])

    def test_not_taken(self) -> None:
        """Marks that a server could not take are sent again, as long as that may pass."""
        marks = self.marks()
        for status, again in (
            (Status.MYSQL_INTERNAL_ERROR, True),
            (Status.SERVER_BUSY, True),
            (Status.PERMISSION_DENIED, False),
        ):
            self.sent.clear()
            self.answer = fail(Refused(status, "No."))
            marks.delivered(1, 1)
            self.answer = None
            self.clock.pump([1.0] * 3)
            self.assertEqual(self.sent, [("1", "1")] * (1 + again), status)

    def test_read_is_enough(self) -> None:
        """A message that was marked as read needs no other mark."""
        marks = self.marks()
        marks.delivered(1, 1)
        marks.delivered(1, 2)
        marks.told(1, 2)
        self.clock.pump([1.0] * 3)
        self.assertEqual(self.sent, [("1", "1")])
        self.assertEqual(self.clock.getDelayedCalls(), [])


class LifecycleTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.did: list[str] = []
        self.states: list[ConnectionState] = []
        self.life = new_lifecycle(
            Actions(
                sign_in=lambda: self.did.append("sign in"),
                schedule=lambda problem: self.did.append("schedule"),
                abandon=lambda: self.did.append("abandon"),
                announce=lambda state, problem: self.states.append(state),
            )
        )

    def test_round(self) -> None:
        """Start, failure, retry, success, loss, retry, stop."""
        problem = Unavailable(Status.NETWORK_ERROR, "Gone.")
        self.life.start()
        self.life.start()
        self.life.failed(problem)
        self.life.failed(problem)
        self.life.opened()
        self.life.retry()
        self.life.retry()
        self.life.opened()
        self.life.failed(problem)
        self.life.stop()
        self.life.stop()
        self.life.failed(problem)
        wanted = ["SIGNING_IN", "WAITING", "SIGNING_IN", "ONLINE", "WAITING", "OFFLINE"]
        self.assertEqual([state.name for state in self.states], wanted)
        self.assertEqual(
            self.did, ["sign in", "abandon", "schedule", "sign in", "abandon", "schedule", "abandon"]
        )

    def test_refused(self) -> None:
        """A client that is signed out does nothing until it is started again."""
        problem = Refused(Status.LOGIN_INFO_ERROR, "Wrong.")
        self.life.refused(problem)
        self.life.start()
        self.life.refused(problem)
        self.life.retry()
        self.life.opened()
        self.life.start()
        self.assertEqual([state.name for state in self.states], ["SIGNING_IN", "SIGNED_OUT", "SIGNING_IN"])


class SentenceTests(SynchronousTestCase):
    def test_every_status(self) -> None:
        """Every status has a sentence for people: a capital letter, a full stop, one line, no code."""
        self.assertEqual(set(SENTENCES), set(Status))
        for sentence in SENTENCES.values():
            self.assertRegex(sentence, r"^[A-Z][^\n_]*\.$")

    def test_failures(self) -> None:
        """What the network does has sentences too."""
        for problem, part in (
            (Unavailable(Status.NETWORK_ERROR, "The cable is cut."), "The cable is cut."),
            (Refused(Status.NOT_FRIENDS, "uuid 7 and 9 are no friends"), "You are not friends."),
            (
                Refused(Status.INVALID_FIELD, "A password has at least 8 characters."),
                "A password has at least 8 characters.",
            ),
            (
                Refused(Status.FILE_CREATE_ERROR, "The name of a file has no control characters in it."),
                "no control characters",
            ),
            (Refused(Status.FILE_OPEN_ERROR, "There is no such file."), "There is no such file."),
            (Refused(Status.PERMISSION_DENIED, "This file was refused."), "This file was refused."),
            (
                Refused(Status.FILE_WRITE_ERROR, "The store does not give the file as it was."),
                "The store does not give",
            ),
            (
                Refused(Status.QUOTA_EXCEEDED, "A file has at most 2147483648 bytes."),
                "at most 2147483648 bytes",
            ),
            (
                Refused(Status.SERVER_BUSY, "The database does not answer.", retry_after=5.0),
                "The database does not answer. Try again in a moment.",
            ),
            (
                Refused(Status.SERVER_BUSY, "You have 5 live streams already."),
                "You have 5 live streams already.",
            ),
            (Refused(Status.SERVER_BUSY, ""), "The server is too busy; try again in a moment."),
            (Refused(Status.RATE_LIMITED, "", retry_after=41.2), "42 seconds"),
            (Refused(Status.RATE_LIMITED, "", retry_after=1000), "17 minutes"),
            (Refused(Status.RATE_LIMITED, "", retry_after=86400), "24 hours"),
            (error.ConnectionRefusedError(), "is it running?"),
            (error.DNSLookupError(), "name cannot be found"),
            (DeferredTimeout(), "does not answer in time"),
            (error.ConnectionDone(), "connection was lost"),
            (VerificationError(errors=[]), "not valid for its address"),
            (SSL.Error([("SSL routines", "", "certificate verify failed")]), "name its CA file"),
            (SSL.Error([("SSL routines", "", "wrong version number")]), "does not speak TLS"),
            (FileNotFoundError(2, "No such file or directory", "x.pem"), "x.pem: No such file or directory."),
            (OSError(28, "No space left on device", "/home/anna/x.bin"), "no room left on this disk"),
            (ValueError("odd"), "odd."),
        ):
            self.assertIn(part, explain(problem))


class ImportTests(SynchronousTestCase):
    def test_no_reactor(self) -> None:
        """Importing the library installs no reactor, so that an application can choose its own."""
        code = "import sys, imsys.sdk; sys.exit('twisted.internet.reactor' in sys.modules)"
        self.assertEqual(
            subprocess.run(
                [sys.executable, "-c", code], check=False, cwd=Path(imsys.__file__).parents[1]
            ).returncode,
            0,
        )
