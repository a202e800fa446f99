"""Standard input and output: ask a person, or read piped input."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, TextIO

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReadDescriptor
from twisted.internet.threads import deferToThread
from twisted.python.failure import Failure
from zope.interface import implementer

from imsys.cli.editor import Editor, End, Line
from imsys.cli.text import width

if sys.platform != "win32":
    import termios
    import tty

_PAINTABLE = sys.platform != "win32" and os.environ.get("TERM") != "dumb"

_READ = 4096


INTERRUPTED = 130
"""The exit status after Ctrl-C, as of any program ended by SIGINT."""


class CliError(Exception):
    """An error, in a sentence for the user."""


class Interrupted(Exception):
    """The user has interrupted the command; the sentence tells how to continue."""


@implementer(IReadDescriptor)
class _Input:
    """Reads standard input. It stays in blocking mode, since the terminal is shared with the shell."""

    def __init__(self, reactor: Any, stream: TextIO, received: Callable[[bytes], None]) -> None:
        self._reactor = reactor
        self._stream = stream
        self._received = received
        self._stopped = False

    def start(self) -> None:
        if sys.platform == "win32":
            self._read_in_thread()
        else:
            self._reactor.addReader(self)

    def stop(self) -> None:
        self._stopped = True
        if sys.platform != "win32":
            self._reactor.removeReader(self)

    def fileno(self) -> int:
        return self._stream.fileno()

    def logPrefix(self) -> str:
        return "stdin"

    def doRead(self) -> None:
        try:
            data = os.read(self.fileno(), _READ)
        except OSError:  # the terminal is gone
            data = b""
        if data:
            self._received(data)
        else:
            self._end()

    def connectionLost(self, reason: Failure) -> None:  # some reactors report the end in this way
        self._end()

    def _end(self) -> None:
        if not self._stopped:
            self.stop()
            self._received(b"")

    def _read_in_thread(self) -> None:
        def read(line: str) -> None:
            if not self._stopped:
                self._received(line.encode())
                if line:
                    self._read_in_thread()

        deferToThread(self._stream.readline).addCallbacks(read, lambda _: self._received(b""))


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:  # the reader is gone, which is not an error
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


class Console:
    """The terminal or pipe of the user."""

    def __init__(
        self,
        reactor: Any,
        stdin: TextIO | None = None,
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
    ) -> None:
        self._reactor = reactor
        self._stdin = stdin or sys.stdin
        self._stdout = stdout or sys.stdout
        self._stderr = stderr or sys.stderr
        self._input: _Input | None = None
        self._buffer = b""
        self._lines: deque[str] = deque()
        self._ended = False
        self._changed: Callable[[], None] | None = None
        self.interactive = _PAINTABLE and _terminal(self._stdin) and _terminal(self._stdout)
        """Whether input and output are a terminal with cursor control."""
        self.colours = _PAINTABLE and _terminal(self._stdout) and not os.environ.get("NO_COLOR")
        self.unicode = _can_write(self._stdout, "✓…")
        for stream in (self._stdout, self._stderr):
            reconfigure = getattr(stream, "reconfigure", None)
            if reconfigure is not None:
                reconfigure(errors="replace")

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows of the terminal."""
        found = shutil.get_terminal_size()
        return max(20, found.columns), max(4, found.lines)

    def say(self, text: str = "") -> None:
        """Write a line."""
        self.write(text + "\n")

    def write(self, text: str) -> None:
        """Write text without adding a line end."""
        _write(self._stdout, text)

    def complain(self, sentence: str) -> None:
        """Write a line to standard error."""
        _write(self._stderr, sentence + "\n")

    @contextlib.contextmanager
    def keys(self, pressed: Callable[[bytes], None], *, ahead: bool = False) -> Iterator[None]:
        """Within this context, pass on each key as it is pressed, without echo.

        ``b""`` is the end of input.

        :param ahead: what was typed before is taken as well; it is dropped otherwise, since it answers no question
            that comes after it.
        """
        assert sys.platform != "win32"
        descriptor = self._stdin.fileno()
        before = termios.tcgetattr(descriptor)
        reading = _Input(self._reactor, self._stdin, pressed)

        def restore() -> None:
            reading.stop()
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)

        trigger = self._reactor.addSystemEventTrigger("before", "shutdown", restore)
        tty.setcbreak(descriptor, termios.TCSADRAIN if ahead else termios.TCSAFLUSH)
        reading.start()
        try:
            yield
        finally:
            restore()
            with contextlib.suppress(ValueError, KeyError):
                self._reactor.removeSystemEventTrigger(trigger)

    async def ask(self, question: str, *, hidden: bool = False) -> str:
        """Ask the user at the terminal for a line, or return the next line of the pipe.

        :raises CliError: there is none.
        """
        if self.interactive:
            return await self._ask_person(question, hidden)
        if _terminal(self._stdin):
            self.complain(question)
        line = await self.next_line()
        if line is None:
            raise CliError(f"There is nobody to ask ({question.strip(' :')}).")
        return line

    async def _ask_person(self, question: str, hidden: bool) -> str:
        answer: Deferred[str] = Deferred()
        editor = Editor()

        def paint() -> None:
            shown = "" if hidden else editor.text
            back = 0 if hidden else width(editor.text[editor.cursor :])
            self.write(f"\r{question}{shown}\x1b[K" + (f"\x1b[{back}D" if back else ""))

        def pressed(data: bytes) -> None:
            if answer.called:
                return
            for event in [End()] if not data else editor.feed(data):
                self.write(
                    "\r\n"
                    if hidden or isinstance(event, End)
                    else f"\r{question}{getattr(event, 'text', '')}\x1b[K\r\n"
                )
                if isinstance(event, Line):
                    answer.callback(event.text)
                else:
                    answer.errback(CliError("Nothing was entered."))
                return
            paint()

        with self.keys(pressed):
            paint()
            try:
                return await answer
            except CancelledError:
                self.write("\r\n")
                raise

    async def next_line(self) -> str | None:
        """Return the next line of a pipe without its line end; ``None``: there are no more."""
        waiting: Deferred[None] = Deferred()

        def look() -> None:
            if (self._lines or self._ended) and not waiting.called:
                self._changed = None
                waiting.callback(None)

        self._changed = look
        if self._input is None:
            self._input = _Input(self._reactor, self._stdin, self._piped)
            self._reactor.addSystemEventTrigger("before", "shutdown", self._input.stop)
            self._input.start()
        look()
        await waiting
        return self._lines.popleft() if self._lines else None

    def _piped(self, data: bytes) -> None:
        self._ended = self._ended or not data
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        if self._ended and self._buffer:
            lines.append(self._buffer)
            self._buffer = b""
        self._lines.extend(line.rstrip(b"\r").decode("utf-8", "replace") for line in lines)
        if self._changed is not None:
            self._changed()

    def close(self) -> None:
        """Stop reading."""
        if self._input is not None:
            self._input.stop()


def _terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def _can_write(stream: TextIO, text: str) -> bool:
    try:
        text.encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
