"""The reactor, by Twisted's own conformance tests."""

from __future__ import annotations

import re
import subprocess
import sys
import unittest

from twisted.trial.unittest import SynchronousTestCase

from tests.support.children import folder
from tests.support.daemons import environment

CONFORMANCE = """
import sys
from twisted.internet.test.reactormixins import ReactorBuilder
ReactorBuilder._reactors = ["imsys.reactor.EPollReactor"]
from twisted.scripts.trial import run
run()
"""

MODULES = ("test_tcp", "test_tls", "test_unix", "test_udp", "test_fdset", "test_core", "test_time", "test_threads")

EXPECTED = 250
"""Tests that are in these modules at least, so that it is noticed when the reactor is not even built."""


@unittest.skipUnless(sys.platform == "linux", "epoll is Linux's")
class ConformanceTests(SynchronousTestCase):
    """In a process of its own, since the tests make and run many reactors."""

    def test_all(self) -> None:
        """TCP, TLS, Unix sockets, UDP, descriptors, timed calls and threads do what Twisted promises."""
        names = [f"twisted.internet.test.{module}" for module in MODULES]
        command = [sys.executable, "-c", CONFORMANCE, "--temp-directory", str(folder("reactor") / "trial"), *names]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment(), cwd=folder("cwd"))
        self.assertEqual(done.returncode, 0, done.stdout[-5000:])
        passed = re.search(r"successes=([0-9]+)", done.stdout)
        assert passed is not None, done.stdout[-5000:]
        self.assertGreater(int(passed[1]), EXPECTED)
        self.assertIn("EPollReactorTests", done.stdout)
