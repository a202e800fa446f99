"""What a measurement begins is ended with it, at whatever moment it is told to end."""

from __future__ import annotations

import subprocess
import sys

from twisted.trial.unittest import SynchronousTestCase

from tests.support.children import folder
from tests.support.daemons import ROOT, environment

SCENE = """
import contextlib, os, signal, sys
from pathlib import Path
from imsys.bench import processes

def interrupt():  # in the child, while the parent waits for it to have become another program
    os.kill(os.getppid(), signal.SIGINT)

sleep = ["sleep", "1000"]
try:
    with contextlib.ExitStack() as stack:
        if sys.argv[1] == "started":
            processes.started(stack, sleep, Path(sys.argv[2]), os.environ, enter=interrupt)
        else:
            bound = processes.bound_to_parent
            processes.bound_to_parent = lambda: (interrupt(), bound())
            processes.finished(sleep, os.environ)
except KeyboardInterrupt:
    print(list(processes.children(os.getpid())))
"""


class InterruptedTests(SynchronousTestCase):
    def test_while_something_begins(self) -> None:
        """Ctrl-C in the very moment in which a server, or a program that is waited for, is begun: it ends too."""
        log = str(folder("begun") / "log")
        for kind in ("started", "finished"):
            done = subprocess.run(
                [sys.executable, "-c", SCENE, kind, log],
                env=environment(),
                cwd=ROOT,
                capture_output=True,
                timeout=60,
                check=False,
            )
            self.assertEqual(done.stdout, b"[]\n", done.stderr.decode())
