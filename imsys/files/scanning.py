"""Judging a file before anybody sees it: by a command of the operator's, and by plug-ins.

``Scan(command, timeout, judges).judge(source, about)`` blocks for as long as the command takes, at most ``timeout`` seconds, and belongs
into a thread; it is asked once a file is whole, and again later after :attr:`Verdict.LATER`.

The command gets the file on its standard input, which it need not read to the end. Exit status 0 lets the file pass, 1 refuses
it; anything else, and no answer in time, means that it is to be judged later. What it writes is read by nobody, but the last line
of its standard error is told to whoever asked, for a log. No shell is between: a command line that needs one names it.
"""

from __future__ import annotations

import enum
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from imsys.errors import ConfigError
from imsys.files.programs import TooLong, run
from imsys.files.sources import Source


class Verdict(enum.Enum):
    """What becomes of a file."""

    PASSES = "passes"
    REFUSED = "refused"
    LATER = "later"
    """It could not be judged; nothing was said about it."""


class Judged(NamedTuple):
    """A verdict, and what is behind it."""

    verdict: Verdict
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
    sha256: bytes
    owner: int
    """The user who sent it."""


class Judge(Protocol):
    """Code of somebody else's that judges files, in a thread, several at a time."""

    def name(self) -> str:
        """What it is called in the log."""
        ...

    def refuses(self, file: Source, about: About) -> str | None:
        """A reason for the log to refuse the file, or ``None`` to let it pass. Any exception: it is to be judged later.

        It has to see to its own deadline: it runs in our process, where nobody can end it.
        """
        ...


class Scan:
    """All judges of a server.

    :param command: a command line, without a shell; empty: there is none.
    :param timeout: seconds that the command may take for a file.
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
        self._judges = tuple(judges)

    def __bool__(self) -> bool:
        """Whether there is anybody who judges."""
        return bool(self._command or self._judges)

    def judge(self, source: Source, about: About) -> Judged:
        """Ask all of them, up to the first that does not let it pass; that the file cannot be read means later, too."""
        for judge in self._judges:
            try:
                reason = judge.refuses(source, about)
            except Exception as error:
                return Judged(Verdict.LATER, judge.name(), _line(f"{type(error).__name__}: {error}"))
            if reason is not None:
                return Judged(Verdict.REFUSED, judge.name(), _line(reason))
        return self._by_command(source) if self._command else Judged(Verdict.PASSES)

    def _by_command(self, source: Source) -> Judged:
        try:
            ended = run(self._command, source, deadline=self._timeout)
        except TooLong:
            return Judged(Verdict.LATER, "command", f"no answer in {self._timeout:g} seconds")
        except Exception as error:  # it does not start, or the file cannot be read
            return Judged(Verdict.LATER, "command", _line(f"{type(error).__name__}: {error}"))
        if ended.code == 0:
            return Judged(Verdict.PASSES)
        if ended.code == 1:
            return Judged(Verdict.REFUSED, "command", ended.complaint)
        return Judged(Verdict.LATER, "command", f"exit status {ended.code}: {ended.complaint}")


def _line(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)[:200]
