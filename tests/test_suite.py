"""What 'make test' and 'make test-quick' count, and what the latter leaves out."""

from __future__ import annotations

import contextlib
import io
import os
import threading
from unittest import mock

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.support import suite
from tests.support.programs import QUICK, program
from tests.support.suite import summary


class Counting(SynchronousTestCase):
    def test_summary(self) -> None:
        """How many passed, failed and were skipped is read from trial's last line.

        Without one nothing is believed.
        """
        self.assertEqual(summary("Ran 9 tests in 1.0s\n\nPASSED (skips=2, successes=7)\n"), (7, 0, 2))
        self.assertEqual(summary("FAILED (failures=1, errors=2, successes=7)\n"), (7, 3, 0))
        self.assertEqual(summary("PASSED\n"), (0, 0, 0))
        self.assertRaises(ValueError, summary, "Killed\n")

    def test_beside(self) -> None:
        """The client's tests run while the others do; all are counted, and the client's are shown whole, after them."""
        begun = threading.Event()

        def trial(environ: object, *arguments: str, show: bool = True) -> tuple[str, int]:
            if "--jobs" in arguments:
                self.assertTrue(begun.wait(30))
                print("others")
                return "PASSED (successes=5)\n", 0
            begun.set()
            self.assertFalse(show)
            return "client\nFAILED (failures=1, skips=1, successes=2)\n", 1

        self.patch(suite, "trial", trial)
        self.patch(suite, "screen", lambda: contextlib.nullcontext(":1"))
        with contextlib.redirect_stdout(io.StringIO()) as out:
            counts = suite.test({}, 11)
        self.assertEqual(counts, (9, 2, 2, []))
        self.assertEqual(
            [line for line in out.getvalue().splitlines() if not line.startswith(("--", "FAILED"))],
            ["others", "client", "client"],
        )


class Programs(SynchronousTestCase):
    def test_missing(self) -> None:
        """A program that is not there fails a test, so that nothing is left out in silence.

        A quick run leaves it out, there or not.
        """
        with mock.patch.dict(os.environ):
            os.environ.pop(QUICK, None)
            self.assertTrue(os.access(program("sh"), os.X_OK))
            self.assertRaises(RuntimeError, program, "no-such-program")
            os.environ[QUICK] = "1"
            self.assertRaises(SkipTest, program, "no-such-program")
            self.assertRaises(SkipTest, program, "sh")
