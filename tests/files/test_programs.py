"""Programs that are fed a file, and killed in time."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from imsys.files.programs import TooLong, TooMuch, run
from imsys.files.readable import InMemoryFile
from imsys.files.sealing import Damaged
from tests.support.children import folder

LARGE = InMemoryFile(os.urandom(3_000_000))


class Failing(InMemoryFile):
    """A source that fails in the middle."""

    def read(self, offset: int, length: int) -> bytes:
        if offset:
            raise Damaged("flipped")
        return super().read(offset, length)


def survives(pid: int) -> bool:
    """Whether a process that was killed is there after a while."""
    give_up = time.monotonic() + 20
    while time.monotonic() < give_up:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
                return False
        time.sleep(0.01)
    return True


class RunTests(SynchronousTestCase):
    """One program each."""

    def test_through(self) -> None:
        """A program gets the whole file, and gives back what it writes and how it ended."""
        self.assertEqual(
            run(["cat"], LARGE, deadline=30, output=LARGE.size).output, LARGE.read(0, LARGE.size)
        )
        ended = run(
            ["sh", "-c", "wc -c; echo one >&2; echo 'two \x1b[1m' >&2; exit 7"],
            LARGE,
            deadline=30,
            output=100,
        )
        self.assertEqual((ended.code, ended.output.strip(), ended.complaint), (7, b"3000000", "two ?[1m"))
        self.assertEqual(run(["cat"], None, deadline=30, output=10).output, b"")
        self.assertEqual(run(["cat"], InMemoryFile(b""), deadline=30, output=10).output, b"")

    def test_seen_enough(self) -> None:
        """It need not read all of it."""
        self.assertEqual(run(["head", "-c", "3"], LARGE, deadline=30, output=3).output, LARGE.read(0, 3))
        self.assertEqual(run(["true"], LARGE, deadline=30).code, 0)

    def test_deadline(self) -> None:
        """At the deadline it is killed with all it started, whether it reads or not, whatever it ignores."""
        notes = folder("programs") / "pids"
        for what in (
            "exec sleep 100",
            "cat >/dev/null; sleep 100",
            "exec >&- 2>&- <&-; sleep 100",
            "while :; do :; done",
        ):
            script = f"trap '' TERM HUP; sleep 100 & echo $! $$ >>{notes}; {what}"
            self.assertRaises(TooLong, run, ["sh", "-c", script], LARGE, deadline=0.5)
        pids = [int(pid) for pid in notes.read_text().split()]
        self.assertEqual([pid for pid in pids if survives(pid)], [])

    def test_left_behind(self) -> None:
        """What it leaves running when it ends is killed, and nobody waits for it."""
        notes = folder("programs") / "pids"
        began = time.monotonic()
        self.assertEqual(
            run(["sh", "-c", f"sleep 100 & echo $! >{notes}; echo done"], None, deadline=60, output=9).output,
            b"done\n",
        )
        self.assertLess(time.monotonic() - began, 50)
        self.assertFalse(survives(int(notes.read_text())))

    def test_output(self) -> None:
        """What it writes is bounded, also what it complains."""
        self.assertRaises(TooMuch, run, ["cat", "/dev/zero"], None, deadline=60, output=1000)
        ended = run(
            ["sh", "-c", "head -c 5000000 /dev/zero; yes x | head -c 5000000 >&2; echo last >&2"],
            None,
            deadline=60,
        )
        self.assertEqual((ended.output, ended.complaint), (b"", "last"))

    def test_memory(self) -> None:
        """It gets no more memory than it may."""
        script = ["sh", "-c", "read go; head -c 300000000 /dev/zero | tail -c 300000000 | head -c 9"]
        self.assertEqual(
            run(script, InMemoryFile(b"go\n"), deadline=60, output=9, memory=100 << 20).output, b""
        )
        self.assertEqual(run(script, InMemoryFile(b"go\n"), deadline=60, output=9).output, bytes(9))

    def test_not_there(self) -> None:
        """A program that is not there cannot be run, and one that is killed has the signal for its exit
        status.
        """
        self.assertRaises(FileNotFoundError, run, ["/no/such/program"], None, deadline=1)
        self.assertEqual(run(["sh", "-c", "kill -9 $$"], None, deadline=30).code, -signal.SIGKILL)

    def test_source_fails(self) -> None:
        """A file that cannot be read is the caller's matter; the program is gone."""
        notes = folder("programs") / "pid"
        self.assertRaises(
            Damaged,
            run,
            ["sh", "-c", f"echo $$ >{notes}; cat >/dev/null"],
            Failing(bytes(1_000_000)),
            deadline=30,
        )
        if notes.exists():
            self.assertFalse(survives(int(notes.read_text())))

    def test_secrets(self) -> None:
        """It does not get the variables that our secrets are in, nor our files."""
        self.patch(os, "environ", dict(os.environ, IMSYS_DATABASE_PASSWORD="hidden", SEEN="seen"))
        seen = run(["sh", "-c", "env; ls /proc/self/fd | wc -l"], None, deadline=30, output=100_000).output
        self.assertIn(b"SEEN=seen", seen)
        self.assertNotIn(b"IMSYS", seen)
        self.assertLessEqual(int(seen.split()[-1]), 4)
