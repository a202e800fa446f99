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
from twisted.internet.test import reactormixins, test_process
reactormixins.ReactorBuilder._reactors = ["imsys.reactor.EPollReactor"]
test_process.ProcessTestsBuilderBase.test_changeUID.skip = "it wants an interpreter that everybody may run"
from twisted.scripts.trial import run
run()
"""

MODULES = (
    "test_core",
    "test_fdset",
    "test_newtls",
    "test_process",
    "test_socket",
    "test_stdio",
    "test_tcp",
    "test_threads",
    "test_time",
    "test_tls",
    "test_udp",
    "test_unix",
)
"""Every one that has tests for all reactors, and some of what is behind them."""

EXPECTED = 340
"""Tests that are in these modules at least, so that it is noticed when the reactor is not even built."""


@unittest.skipUnless(sys.platform == "linux", "epoll is Linux's")
class ConformanceTests(SynchronousTestCase):
    """In a process of its own, since the tests make and run many reactors."""

    def test_all(self) -> None:
        """TCP, TLS, Unix sockets, UDP, descriptors, processes, timed calls and threads do what Twisted promises."""
        names = [f"twisted.internet.test.{module}" for module in MODULES]
        command = [sys.executable, "-c", CONFORMANCE, "--temp-directory", str(folder("reactor") / "trial"), *names]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment(), cwd=folder("cwd"))
        self.assertEqual(done.returncode, 0, done.stdout[-5000:])
        passed = re.search(r"successes=([0-9]+)", done.stdout)
        assert passed is not None, done.stdout[-5000:]
        self.assertGreater(int(passed[1]), EXPECTED)
        self.assertIn("EPollReactorTests", done.stdout)
