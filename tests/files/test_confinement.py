"""What a decoder that was fooled can reach: nothing."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from imsys.files.confinement import WALLS
from imsys.files.previews import Previews
from imsys.files.sheltered import confined, run_confined
from tests.support.children import folder

EVIL = """
import ctypes, os, signal, socket, sys
server, secret = int(sys.argv[1]), sys.argv[2]
def tried(what):
    try: what()
    except OSError: return "-"
    return "+"
def opened(path, how="rb"):
    return lambda: open(path, how).close()
libc = ctypes.CDLL(None, use_errno=True)
print(os.getuid() == server, *map(tried, (
    opened("/usr/bin/env"), opened(sys.argv[3]),
    opened(secret), opened(secret + "2", "wb"), opened("/proc/%d/environ" % os.getppid()), opened("/etc/passwd"),
    lambda: socket.socket(), lambda: socket.socket(socket.AF_UNIX), lambda: socket.socketpair(),
    os.fork, os.setsid, lambda: os.kill(os.getppid(), 0), lambda: os.kill(os.getpid(), 0),
)), libc.unshare(0x10000000), libc.ptrace(16, os.getppid(), 0, 0))
"""


class ConfinementTests(SynchronousTestCase):
    def test_walls(self) -> None:
        """All walls stand here, and that is what the server sees at its start."""
        self.assertEqual(Previews(folder("confinement")).walls(), list(WALLS))

    def test_nothing(self) -> None:
        """It is another user, opens no file but libraries and what it was given, speaks to nobody, and starts
        and signals nobody.
        """
        place = folder("confinement")
        (place / "secret").write_text("x")
        (place / "secret").chmod(0o644)
        place.chmod(0o755)
        program = Path("/usr/bin/python3")
        if not program.exists():
            program = Path(os.path.realpath(sys.executable))
        given = os.memfd_create("given")
        self.addCleanup(os.close, given)
        command = (
            str(program),
            "-I",
            "-S",
            "-c",
            EVIL,
            str(os.getuid()),
            str(place / "secret"),
            f"/dev/fd/{given}",
        )
        said = run_confined(confined(command), None, 60, 1000, 0, (given,))
        self.assertEqual((said or b"").split(), b"False + + - - - - - - - - - - - -1 -1".split())
