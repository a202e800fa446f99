"""Judging a file before anybody sees it: by a command of the operator's, and by plug-ins.

``Scan(command, timeout, judges).judge(source, about)`` blocks for as long as the command takes, at most ``timeout`` seconds, and belongs
into a thread; it is asked once a file is whole, and again later after :attr:`ScanVerdict.LATER`.

A plug-in (:mod:`imsys.resources.judges`) is asked in a thread of its own, and given up after the same time.

The command gets the file on its standard input, which it need not read to the end. Exit status 0 lets the file pass, 1 refuses
it; anything else, and no answer in time, means that it is to be judged later. What it writes is read by nobody, but the last line
of its standard error is told to whoever asked, for a log. No shell is between: a command line that needs one names it.
"""

from __future__ import annotations

import enum
import shlex
import shutil
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from imsys.errors import ConfigError
from imsys.files.programs import TooLong, run
from imsys.files.readable import ReadableFile
from imsys.files.sealing import Damaged

_OVERDUE = 4
"""Threads that one judge keeps at most."""


class ScanVerdict(enum.Enum):
    """What a scan says of a file."""

    PASSES = "passes"
    REFUSED = "refused"
    LATER = "later"
    """It could not be judged; nothing was said about it."""


class Judged(NamedTuple):
    """A verdict, and what is behind it."""

    verdict: ScanVerdict
    by: str = ""
    """Who did not let it pass: ``command``, or the name of a plug-in."""
    reason: str = ""
    """A line for the log; never for the user: it may tell how to get round it."""


@dataclass(frozen=True, slots=True)
class About:
    """What is known of a file that is judged."""

    filename: str
    size: int
    mime: str
    """What its bytes say."""
    owner: int
    """The user who sent it."""


class Judge(Protocol):
    """A plug-in that judges files, in threads, several at a time."""

    def name(self) -> str:
        """What it is called in the log."""
        ...

    def refuses(self, file: ReadableFile, about: About) -> str | None:
        """A reason for the log to refuse the file, or ``None`` to let it pass. Any exception: it is to be judged later.

        It runs in our process, where nobody can end it: it has to see to its own deadline.
        """
        ...


class Scan:
    """Asks all judges of a server about files: the operator's command, and plug-ins.

    :param command: a command line, without a shell; empty: there is none.
    :param timeout: seconds that each of them may take for a file.
    """

    def __init__(self, command: str, timeout: float, judges: Sequence[Judge] = ()) -> None:
        """:raises ConfigError: the command line cannot be understood, or there is no such program."""
        try:
            self._command = shlex.split(command)
        except ValueError as error:
            raise ConfigError(f"[files] scan: {str(error).lower()}") from None
        if self._command and shutil.which(self._command[0]) is None:
            raise ConfigError(f"[files] scan: there is no program {self._command[0]}")
        self._timeout = timeout
        self._judges = [_Overseen(judge, timeout) for judge in judges]

    def __bool__(self) -> bool:
        """Whether there is anybody who judges."""
        return bool(self._command or self._judges)

    def judge(self, source: ReadableFile, about: About) -> Judged:
        """Ask all of them, up to the first that does not let it pass. :raises Damaged: the file is not what was written."""
        for judge in self._judges:
            judged = judge.judge(source, about)
            if judged.verdict is not ScanVerdict.PASSES:
                return judged
        return self._by_command(source) if self._command else Judged(ScanVerdict.PASSES)

    def _by_command(self, source: ReadableFile) -> Judged:
        try:
            ended = run(self._command, source, deadline=self._timeout)
        except TooLong:
            return Judged(ScanVerdict.LATER, "command", f"no answer in {self._timeout:g} seconds")
        except OSError as error:  # it does not start, or the file cannot be read
            return Judged(ScanVerdict.LATER, "command", _line(f"{type(error).__name__}: {error}"))
        if ended.code == 0:
            return Judged(ScanVerdict.PASSES)
        if ended.code == 1:
            return Judged(ScanVerdict.REFUSED, "command", ended.complaint)
        return Judged(ScanVerdict.LATER, "command", f"exit status {ended.code}: {ended.complaint}")


class _Overseen:
    """A judge whose time is measured. One that does not answer keeps its thread; with too many of those it is not asked any more."""

    def __init__(self, judge: Judge, timeout: float) -> None:
        self._judge = judge
        self._name = judge.name()
        self._timeout = timeout
        self._overdue: list[threading.Thread] = []

    def judge(self, source: ReadableFile, about: About) -> Judged:
        """Ask it, and wait for as long as it may take. :raises Damaged: the file is not what was written."""
        self._overdue = [thread for thread in self._overdue if thread.is_alive()]
        if len(self._overdue) >= _OVERDUE:
            return Judged(ScanVerdict.LATER, self._name, f"{len(self._overdue)} files wait for it too long already")
        answer: list[str | Exception | None] = []

        def ask() -> None:
            try:
                answer.append(self._judge.refuses(source, about))
            except Exception as error:
                answer.append(error)

        thread = threading.Thread(target=ask, name=f"judge {self._name}", daemon=True)
        thread.start()
        thread.join(self._timeout)
        match answer:
            case []:
                self._overdue.append(thread)
                return Judged(ScanVerdict.LATER, self._name, f"no answer in {self._timeout:g} seconds")
            case [None]:
                return Judged(ScanVerdict.PASSES)
            case [Damaged() as error]:
                raise error
            case [Exception() as error]:
                return Judged(ScanVerdict.LATER, self._name, _line(f"{type(error).__name__}: {error}"))
            case _:
                return Judged(ScanVerdict.REFUSED, self._name, _line(str(answer[0])))


def _line(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)[:200]
