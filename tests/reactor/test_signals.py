"""Signals that end the process."""

from __future__ import annotations

import subprocess
import sys
import unittest

from twisted.trial.unittest import SynchronousTestCase

ENDED_TWICE = """
import os, signal, sys
from imsys.reactor import install
reactor = install()
from twisted.python import log

def both():
    for number in (signal.SIGTERM, signal.SIGINT):
        os.kill(os.getpid(), number)
        print("handled")

log.addObserver(lambda event: print(log.textFromEventDict(event)))
reactor.callWhenRunning(both)
reactor.run(installSignalHandlers=True)
"""


@unittest.skipUnless(sys.platform == "linux", "epoll is Linux's")
class SignalTests(SynchronousTestCase):
    def test_two_at_once(self) -> None:
        """The second signal to end is none, and neither logs in its handler."""
        ended = subprocess.run(
            [sys.executable, "-c", ENDED_TWICE], capture_output=True, text=True, timeout=60, check=False
        )
        self.assertEqual(ended.stderr, "")
        lines = ended.stdout.splitlines()
        self.assertEqual(
            [line for line in lines if "andled" in line or "Received" in line],
            ["handled", "handled", "Received SIGTERM, shutting down."],
        )
        self.assertNotIn("Traceback", ended.stdout)
