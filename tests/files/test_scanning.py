"""Files that are judged before anybody sees them."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from imsys.errors import ConfigError
from imsys.files.readable import InMemoryFile, ReadableFile
from imsys.files.scanning import About, Judged, Scan, ScanVerdict
from imsys.files.sealing import Damaged
from tests.support.children import folder

ABOUT = About("eicar.txt", 5, "text/plain", 7)

SCANNER = """#!/bin/sh
# Refuses files that have "virus" in them, as clamdscan and its like do it.
if grep -q virus; then echo "found: $1" >&2; exit 1; fi
"""


class Picky:
    """A judge that dislikes files of a beginning."""

    def __init__(self, name: str, dislikes: bytes, asked: list[str]) -> None:
        self._name = name
        self._dislikes = dislikes
        self._asked = asked

    def name(self) -> str:
        return self._name

    def refuses(self, file: ReadableFile, about: About) -> str | None:
        self._asked.append(f"{self._name} {about.filename}")
        if not self._dislikes:
            raise RuntimeError("out\nof order")
        return "begins\x1b badly" if file.read(0, 100).startswith(self._dislikes) else None


class Slow:
    """A judge that takes its time."""

    def __init__(self) -> None:
        self.done = threading.Event()

    def name(self) -> str:
        return "slow"

    def refuses(self, file: ReadableFile, about: About) -> str | None:
        self.done.wait()
        return None


class Unreadable(InMemoryFile):
    """A file that cannot be read."""

    def __init__(self, error: Exception) -> None:
        super().__init__(b"x")
        self._error = error

    def read(self, offset: int, length: int) -> bytes:
        raise self._error


class CommandTests(SynchronousTestCase):
    """By a command."""

    def setUp(self) -> None:
        self.folder = folder("scan")
        self.scanner = self.folder / "scanner"
        self.scanner.write_text(SCANNER)
        self.scanner.chmod(0o700)

    def judged(self, command: str, data: bytes = b"x" * 1_000_000, timeout: float = 60) -> Judged:
        return Scan(command, timeout).judge(InMemoryFile(data), ABOUT)

    def test_verdicts(self) -> None:
        """0 passes, 1 refuses, anything else says nothing; its last words are told."""
        command = f"{self.scanner} 'an evil one' ; true"  # no shell: these are arguments
        self.assertEqual(self.judged(command), (ScanVerdict.PASSES, "", ""))
        self.assertEqual(
            self.judged(command, b"a virus"), (ScanVerdict.REFUSED, "command", "found: an evil one")
        )
        self.assertEqual(
            self.judged("sh -c 'echo broken >&2; exit 2'"),
            (ScanVerdict.LATER, "command", "exit status 2: broken"),
        )
        self.assertEqual(
            self.judged("sh -c 'kill -9 $$'"),
            (ScanVerdict.LATER, "command", f"exit status {-signal.SIGKILL}: "),
        )
        self.assertEqual(self.judged("true"), (ScanVerdict.PASSES, "", ""))
        self.assertEqual(self.judged("false", b"").verdict, ScanVerdict.REFUSED)

    def test_whole(self) -> None:
        """It gets the file as it is, whole."""
        data = os.urandom(700_001)
        self.judged(f"cp /dev/stdin {self.folder}/seen", data)
        self.assertEqual((self.folder / "seen").read_bytes(), data)

    def test_deadline(self) -> None:
        """One that does not answer in time is killed with what it started, and the file judged later."""
        judged = self.judged(
            f"sh -c 'echo $$ >{self.folder}/pid; trap \"\" TERM; sleep 100 & sleep 100'", timeout=0.5
        )
        self.assertEqual(judged, (ScanVerdict.LATER, "command", "no answer in 0.5 seconds"))
        pid = int((self.folder / "pid").read_text())
        self.assertRaises(ProcessLookupError, os.kill, pid, 0)

    def test_gone(self) -> None:
        """A command that went away after the start, or a file that cannot be read, lets nothing pass."""
        scan = Scan(str(self.scanner), 60)
        self.assertEqual(
            scan.judge(Unreadable(OSError("away")), ABOUT), (ScanVerdict.LATER, "command", "OSError: away")
        )
        self.assertRaises(Damaged, scan.judge, Unreadable(Damaged("flipped")), ABOUT)
        self.scanner.unlink()
        self.assertEqual(scan.judge(InMemoryFile(b"x"), ABOUT).verdict, ScanVerdict.LATER)

    def test_configured(self) -> None:
        """What cannot be a command is said at once, in a line."""
        for command in ("/no/such/scanner --fast", "scan 'er", str(Path(__file__))):
            self.assertRegex(
                str(self.assertRaises(ConfigError, Scan, command, 1)), r"^\[files\] scan: [^\n]+$"
            )
        self.assertFalse(Scan("", 1))
        self.assertTrue(Scan("true", 1))
        self.assertEqual(Scan("", 1).judge(InMemoryFile(b"x"), ABOUT), (ScanVerdict.PASSES, "", ""))

    def test_at_once(self) -> None:
        """Several are judged at once, each by itself."""
        scan, found = Scan(str(self.scanner), 60), {}

        def judge(number: int) -> None:
            found[number] = scan.judge(InMemoryFile(b"virus" if number % 2 else b"fine"), ABOUT).verdict

        threads = [threading.Thread(target=judge, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        self.assertEqual(
            found, {number: ScanVerdict.REFUSED if number % 2 else ScanVerdict.PASSES for number in range(6)}
        )


class JudgeTests(SynchronousTestCase):
    """By plug-ins."""

    def test_order(self) -> None:
        """All are asked until one does not let the file pass, and the command at last."""
        asked: list[str] = []
        scan = Scan("false", 60, [Picky("one", b"MZ", asked), Picky("two", b"PK", asked)])
        self.assertEqual(
            scan.judge(InMemoryFile(b"MZ.."), ABOUT), (ScanVerdict.REFUSED, "one", "begins  badly")
        )
        self.assertEqual(
            scan.judge(InMemoryFile(b"PK.."), ABOUT), (ScanVerdict.REFUSED, "two", "begins  badly")
        )
        self.assertEqual(scan.judge(InMemoryFile(b"...."), ABOUT), (ScanVerdict.REFUSED, "command", ""))
        self.assertEqual(asked, [f"{name} eicar.txt" for name in ("one", "one", "two", "one", "two")])

    def test_fails(self) -> None:
        """One that fails lets nothing pass."""
        scan = Scan("", 1, [Picky("broken", b"", [])])
        self.assertTrue(scan)
        self.assertEqual(
            scan.judge(InMemoryFile(b"x"), ABOUT), (ScanVerdict.LATER, "broken", "RuntimeError: out of order")
        )
        strict = Scan("", 60, [Picky("strict", b"MZ", [])])
        self.assertEqual(
            strict.judge(Unreadable(OSError("away")), ABOUT), (ScanVerdict.LATER, "strict", "OSError: away")
        )
        self.assertRaises(Damaged, strict.judge, Unreadable(Damaged("flipped")), ABOUT)

    def test_slow(self) -> None:
        """One that does not answer in time lets nothing pass, and is not asked any more when it keeps too
        many waiting.
        """
        slow = Slow()
        scan = Scan("", 0.02, [slow])
        judged = [scan.judge(InMemoryFile(b"x"), ABOUT) for _ in range(5)]
        self.assertEqual(judged[:4], [(ScanVerdict.LATER, "slow", "no answer in 0.02 seconds")] * 4)
        self.assertEqual(judged[4], (ScanVerdict.LATER, "slow", "4 files wait for it too long already"))
        slow.done.set()
        for thread in threading.enumerate():
            if thread.name == "judge slow":
                thread.join(20)
        patient = Scan("", 60, [slow])
        self.assertEqual(patient.judge(InMemoryFile(b"x"), ABOUT).verdict, ScanVerdict.PASSES)
