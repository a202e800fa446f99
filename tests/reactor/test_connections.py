"""The reactor, by Twisted's own conformance tests."""

from __future__ import annotations

import re
import subprocess
import sys
import unittest
from collections.abc import Sequence

from twisted.trial.unittest import SynchronousTestCase

from tests.support.children import folder
from tests.support.daemons import environment

CONFORMANCE = """
from twisted.internet.test.reactormixins import ReactorBuilder
ReactorBuilder._reactors = ["imsys.reactor.EPollReactor"]
from twisted.internet.test import test_process
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

INSTALLED = ("twisted.test.test_tcp", "twisted.test.test_ssl", "twisted.protocols.test.test_tls")
"""Tests of Twisted's that use the reactor of their process."""


@unittest.skipUnless(sys.platform == "linux", "epoll is Linux's")
class ConformanceTests(SynchronousTestCase):
    """In processes of their own, since the tests make and run many reactors."""

    def test_built(self) -> None:
        """TCP, TLS, Unix sockets, UDP, descriptors, processes, timed calls and threads do what Twisted
        promises.
        """
        said = self.passes(["-c", CONFORMANCE], [f"twisted.internet.test.{module}" for module in MODULES])
        self.assertGreater(int(re.findall(r"successes=([0-9]+)", said)[-1]), EXPECTED)
        self.assertIn("EPollReactorTests", said)

    def test_installed(self) -> None:
        """As the reactor of a process, found by its name, it passes Twisted's tests of TCP and TLS."""
        self.passes(["-m", "twisted.trial", "--reactor", "imsys"], INSTALLED)

    def passes(self, trial: Sequence[str], modules: Sequence[str]) -> str:
        """Run tests; give back what they say."""
        command = [sys.executable, *trial, "--temp-directory", str(folder("reactor") / "trial"), *modules]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=120, env=environment(), cwd=folder("cwd")
        )
        self.assertEqual(done.returncode, 0, done.stdout[-5000:])
        return done.stdout
