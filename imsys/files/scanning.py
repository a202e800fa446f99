"""Inspect a file before others can see it: by the operator's command, and by plug-ins.

``Scan(command, timeout, judges).judge(source, about)`` blocks for at most ``timeout`` seconds per judge: call
it in a thread, when a file is complete, and again later after :attr:`ScanVerdict.LATER`. A plug-in
(:mod:`imsys.resources.judges`) runs in its own thread, and is abandoned after the same time.

The command gets the file on its standard input, which it need not read to the end. Exit status 0 lets the
file pass, 1 refuses it; any other status, and no answer in time, means that it must be judged later. Its
output is discarded, except the last line of standard error, for the log. There is no shell: a command line
that needs one must name it.
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
"""Overdue threads of one judge, at most."""


class ScanVerdict(enum.Enum):
    """The decision about a file."""

    PASSES = "passes"
    REFUSED = "refused"
    LATER = "later"
    """It could not be judged now."""


class Judged(NamedTuple):
    """A verdict and its reason."""

    verdict: ScanVerdict
    by: str = ""
    """The judge that did not let it pass: ``command``, or the name of a plug-in."""
    reason: str = ""
    """A line for the log, not for the user, whom it might help to evade the check."""


@dataclass(frozen=True, slots=True)
class About:
    """The properties of a file to be judged."""

    filename: str
    size: int
    mime: str
    """The type by its bytes."""
    owner: int
    """The user who sent it."""


class Judge(Protocol):
    """A plug-in that judges files; it is called in threads, concurrently."""

    def name(self) -> str:
        """Return its name for the log."""
        ...

    def refuses(self, file: ReadableFile, about: About) -> str | None:
        """Return the reason to refuse a file, for the log, or ``None`` to let it pass.

        On any exception, judge it later.

        It runs in our process and cannot be killed, so it must keep its own deadline.
        """
        ...


class Scan:
    """Asks all judges of a server about files: the operator's command, and plug-ins.

    :param command: a command line, run without a shell; empty: none.
    :param timeout: seconds for each judge per file.
    """

    def __init__(self, command: str, timeout: float, judges: Sequence[Judge] = ()) -> None:
        """Parse the command. :raises ConfigError: it is malformed, or there is no such program."""
        try:
            self._command = shlex.split(command)
        except ValueError as error:
            raise ConfigError(f"[files] scan: {str(error).lower()}") from None
        if self._command and shutil.which(self._command[0]) is None:
            raise ConfigError(f"[files] scan: there is no program {self._command[0]}")
        self._timeout = timeout
        self._judges = [_Overseen(judge, timeout) for judge in judges]

    def __bool__(self) -> bool:
        """Return whether there is any judge."""
        return bool(self._command or self._judges)

    def judge(self, source: ReadableFile, about: About) -> Judged:
        """Ask the judges, up to the first that does not let it pass. :raises Damaged: the file is corrupt."""
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
        except OSError as error:  # it cannot be started, or the file cannot be read
            return Judged(ScanVerdict.LATER, "command", _line(f"{type(error).__name__}: {error}"))
        if ended.code == 0:
            return Judged(ScanVerdict.PASSES)
        if ended.code == 1:
            return Judged(ScanVerdict.REFUSED, "command", ended.complaint)
        return Judged(ScanVerdict.LATER, "command", f"exit status {ended.code}: {ended.complaint}")


class _Overseen:
    """A judge with a time limit. Overdue calls keep their threads; with too many of them it is not asked."""

    def __init__(self, judge: Judge, timeout: float) -> None:
        self._judge = judge
        self._name = judge.name()
        self._timeout = timeout
        self._overdue: list[threading.Thread] = []

    def judge(self, source: ReadableFile, about: About) -> Judged:
        """Ask the judge, and wait for at most its time limit. :raises Damaged: the file is corrupt."""
        self._overdue = [thread for thread in self._overdue if thread.is_alive()]
        if len(self._overdue) >= _OVERDUE:
            return Judged(
                ScanVerdict.LATER, self._name, f"{len(self._overdue)} files wait for it too long already"
            )
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
