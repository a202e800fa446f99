"""Daemons that were started with closed standard streams, as some schedulers do."""

from __future__ import annotations

import shlex
import signal
import sys
from pathlib import Path

from twisted.internet.defer import Deferred

from tests.scenes.test_daemons import DaemonTestCase
from tests.support.daemons import Process, environment, twistd


class ClosedTests(DaemonTestCase):
    async def test_daemon(self) -> None:
        """It runs, and none of its files or connections has the number of a standard stream."""
        command = f"exec {shlex.join(twistd('--nodaemon', '--pidfile=', 'imsys'))} <&- >&- 2>&-"
        shell = f"import os; os.execv('/bin/sh', ['/bin/sh', '-c', {command!r}])"
        process = Process(
            self.reactor, [sys.executable, "-c", shell], environment(**self.settings), self.home
        )
        self.addCleanup(lambda: Deferred.fromCoroutine(process.stop(signal.SIGKILL)))
        log = self.home / "var" / "log" / "imsys.log"
        await self.until(lambda: log.exists() and " is ready" in log.read_text())
        targets = {
            str((Path("/proc") / str(process.pid) / "fd" / str(number)).readlink()) for number in range(3)
        }
        self.assertEqual(targets, {"/dev/null"})
