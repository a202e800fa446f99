"""Log files: one line an event, whatever is in it."""

from __future__ import annotations

import signal
import sys
from typing import Any

from twisted.internet.task import Clock
from twisted.logger import LogLevel
from twisted.python import log as old_log
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from imsys.errors import ConfigError
from imsys.util.logs import KINDS, MOST, WINDOW, Flood, LogFile, console, format_line
from tests.support.children import folder


def event(text: str, level: Any = LogLevel.info, **fields: Any) -> dict[str, Any]:
    return {"log_format": text, "log_level": level, "log_namespace": "here", "log_time": 0.0, **fields}


class LogTests(SynchronousTestCase):
    def test_line(self) -> None:
        """Time, level, origin, text."""
        self.assertRegex(
            format_line(event("hello {name}", name="ann")), r"\A\d{4}-\d\d-\d\dT\S+ info here: hello ann\n\Z"
        )

    def test_no_forgery(self) -> None:
        """A field with line breaks in it does not begin a line of its own."""
        line = format_line(event("{name}", name="x\r\n2026-01-01 error here: forged"))
        self.assertEqual(line.count("\n"), 2)
        self.assertIn("\n\t2026-01-01", line)
        self.assertNotIn("\r", line)

    def test_lines(self) -> None:
        """An event that has several lines of ours has each of them as any other."""
        written = format_line(event("{lines}", lines="one\ntwo", log_lines=True)).splitlines()
        self.assertEqual([line.partition(" info here: ")[2] for line in written], ["one", "two"])

    def test_failure(self) -> None:
        """A failure is logged with its traceback, indented."""
        line = format_line(event("it broke", LogLevel.critical, log_failure=Failure(ValueError("no"))))
        self.assertIn("\n\t", line)
        self.assertIn("ValueError: no", line)

    def test_levels(self) -> None:
        """Only events from the configured level on are written.

        The old logging system's errors are critical.
        """
        file = LogFile(folder("log") / "a" / "x.log", "error")
        file.open()
        self.addCleanup(file.close)
        file(event("one", LogLevel.warn))
        file(event("two", LogLevel.error))
        old_log.msg("three")
        old_log.err(ValueError("four"))
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        text = file.path.read_text()
        self.assertIn(": two\n", text)
        self.assertIn("ValueError: four", text)
        self.assertNotIn("one", text)
        self.assertNotIn("three", text)

    def test_flood(self) -> None:
        """Of warnings of one kind some are written a minute, and then how many more there were.

        What is not alarming is written always.
        """
        clock = Clock()
        file = LogFile(folder("log") / "x.log", "info", clock.seconds)
        file.open()
        self.addCleanup(file.close)
        for number in range(1000):
            file(
                event("{number} fails", LogLevel.error, number=number, log_failure=Failure(ValueError("no")))
            )
            file(event("{number} comes", number=number))
        lines = file.path.read_text().splitlines()
        self.assertEqual(sum(" fails" in line for line in lines), MOST)
        self.assertEqual(sum(" comes" in line for line in lines), 1000)
        file(event("another fails", LogLevel.error))
        self.assertIn("another fails", file.path.read_text())
        clock.advance(WINDOW)
        file(event("not written", LogLevel.debug))
        last = file.path.read_text().splitlines()[-1]
        self.assertTrue(
            last.endswith(f" error here: {1000 - MOST} more of these in 60 s, the last: 999 fails"), last
        )
        for _ in range(MOST + 5):
            file(event("{number} fails", LogLevel.error, number=1))
        file.close()
        self.assertIn(": 5 more of these in 0 s", file.path.read_text().splitlines()[-1])

    def test_many_kinds(self) -> None:
        """Kinds are not remembered without bound, and what was left out of those that are forgotten is said."""
        clock = Clock()
        flood = Flood(clock.seconds)
        for _ in range(MOST + 1):
            flood.lines(event("a", LogLevel.warn))
        written = [
            line for number in range(KINDS) for line in flood.lines(event(f"kind {number}", LogLevel.warn))
        ]
        self.assertEqual((len(written), sum("count" in line for line in written)), (KINDS + 1, 1))

    def test_cannot_be_opened(self) -> None:
        """A folder that cannot be made is one line, with section and key."""
        path = folder("log") / "file"
        path.write_text("")
        self.assertIn(
            "[imsys] log_dir", str(self.assertRaises(ConfigError, LogFile(path / "x.log", "info").open))
        )

    def test_full_disk(self) -> None:
        """A disk that takes nothing keeps nobody from opening the file anew, or from closing it."""
        path = folder("log") / "full.log"
        path.symlink_to("/dev/full")
        file = LogFile(path, "info")
        file.open()
        self.addCleanup(file.close)
        file(event("lost"))
        path.unlink()
        file.reopen()
        file(event("written"))
        self.assertIn("written", path.read_text())

    def test_reopening_fails(self) -> None:
        """Where no new file can be made, the old one goes on."""
        file = LogFile(folder("log") / "x.log", "info")
        file.open()
        self.addCleanup(file.close)
        moved = file.path.parent.rename(file.path.parent.with_suffix(".moved"))
        file.reopen()
        file(event("still here"))
        self.assertIn("still here", (moved / "x.log").read_text())

    def test_console(self) -> None:
        """At a terminal only warnings and worse are shown."""
        path = folder("log") / "console"
        with path.open("w") as stream:
            self.patch(sys, "__stderr__", stream)
            observer = console()
            observer(event("one"))
            observer(event("two", LogLevel.warn))
        self.assertIn(": two\n", path.read_text())
        self.assertNotIn("one", path.read_text())

    def test_in_a_handler(self) -> None:
        """The handler of a signal that comes while a line is written may log, and no line is lost."""
        file = LogFile(folder("log") / "x.log", "info")
        file.open()
        self.addCleanup(file.close)
        heard: list[int] = []

        def handler(number: int, frame: object) -> None:
            heard.append(number)
            file(event("from the handler"))

        before = signal.signal(signal.SIGALRM, handler)
        self.addCleanup(signal.signal, signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
        self.addCleanup(signal.setitimer, signal.ITIMER_REAL, 0)
        written = 0
        while len(heard) < 200:
            file(event("a line"))
            written += 1
        signal.setitimer(signal.ITIMER_REAL, 0)
        lines = file.path.read_text().splitlines()
        self.assertEqual(
            (sum("a line" in line for line in lines), sum("handler" in line for line in lines)),
            (written, len(heard)),
        )
