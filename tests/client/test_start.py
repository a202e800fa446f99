"""The program as a process: it starts, is the only one, and ends."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from client.platform.paths import paths
from client.platform.single import tell_first
from tests.support.children import folder
from tests.support.daemons import ROOT, Process, environment


class StartTests(TestCase):
    timeout = 60

    async def test_ends_in_order_when_it_is_told_to(self) -> None:
        """A signal ends it as Ctrl+Q does, and nothing goes wrong.

        A second start while it runs shows the first one, and is over.
        """
        from twisted.internet import reactor

        clock: Any = reactor
        home = folder("start")
        environ = environment() | {"IMSYS_CLIENT_HOME": str(home), "QT_QPA_PLATFORM": "offscreen"}
        command = [sys.executable, "-m", "client.app", "--verbose"]
        first = Process(clock, command, environ, ROOT)
        self.addCleanup(first.stop, signal.SIGKILL)
        data = paths({"IMSYS_CLIENT_HOME": str(home)}).data
        while not (catches(first.pid, signal.SIGTERM) and tell_first(data, "hidden")):
            await deferLater(clock, 0.05)
        second = Process(clock, command, environ, ROOT)
        self.assertEqual(await second.end(), 0)
        self.assertEqual(second.text, "")
        os.kill(first.pid, signal.SIGTERM)  # and again at once, as make and a terminal do
        self.assertEqual(await first.stop(signal.SIGTERM), 0, first.text)
        for trouble in ("Traceback", "unexpected", "CRITICAL", "ERROR"):
            self.assertNotIn(trouble, first.text)
        self.assertTrue((home / "preferences.json").exists(), "its place was not kept")


def catches(pid: int, number: int) -> bool:
    """Whether a process has a handler for a signal."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = int(status.partition("SigCgt:")[2].split()[0], 16)
    return bool(caught >> (number - 1) & 1)
