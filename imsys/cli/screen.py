"""A conversation on a terminal: messages scroll, marks change in place, the input stays at the bottom."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from imsys.cli.conversation import Mark, Utterance
from imsys.cli.text import cut, width, wrap

_KEPT = 500
"""Messages whose marks can still be repainted."""
_MARK_COLUMNS = 12
"""Columns for the longest mark, so that rows do not move when it changes."""

_DIM, _GREEN, _CYAN, _RED, _OFF = "\x1b[2m", "\x1b[32m", "\x1b[36m", "\x1b[31m", "\x1b[0m"
_ADDRESSED = "\x1b[1;33m"
"""Bold yellow: what mentions the user."""


@dataclass(eq=False)
class _Shown:
    utterance: Utterance | None
    rows: list[str]
    last: str


class Screen:
    """Paints on an ANSI terminal.

    :param write: writes to the terminal.
    :param size: returns its columns and rows.
    :param speaker_columns: the width of the longer name.
    """

    def __init__(
        self,
        write: Callable[[str], None],
        size: Callable[[], tuple[int, int]],
        *,
        colours: bool,
        unicode: bool,
        speaker_columns: int,
    ) -> None:
        self._write = write
        self._size = size
        self._colours = colours
        self._unicode = unicode
        self._speaker_columns = min(20, speaker_columns)
        self._shown: deque[_Shown] = deque(maxlen=_KEPT)
        self._columns = 0
        self._line = ("", 0)
        self._status = ""
        self._lifted = False  # whether the status stands above the prompt
        self._over = False
        self._day = ""

    def show(self, utterance: Utterance) -> None:
        """Add a message below the others."""
        day = f"{utterance.at:%A, %d %B %Y}"
        if day != self._day:
            self._day = day
            self.notice(day)
        name = cut(utterance.speaker, self._speaker_columns)
        start = f"{utterance.at:%H:%M}  " + (f"{utterance.number:>3}  " if utterance.number else "")
        head = f"{start}{name}{' ' * (self._speaker_columns - width(name))}  "
        painted = self._paint(_DIM, start) + self._paint(
            _GREEN if utterance.mine else _CYAN, head[len(start) :]
        )
        room = self._measure() - width(head) - 1
        rows = wrap(utterance.whole, max(8, room - (_MARK_COLUMNS if utterance.mine else 0)))
        if utterance.mentions_me:
            rows = [self._paint(_ADDRESSED, row) for row in rows]
        indent = " " * width(head)
        self._add(
            _Shown(utterance, [(indent if number else painted) + row for number, row in enumerate(rows)], "")
        )

    def update(self, utterance: Utterance) -> None:
        """Repaint the mark of a message, if it is still on the screen."""
        self._resized()
        up = 2 if self._lifted else 1
        for shown in reversed(self._shown):
            if shown.utterance is utterance:
                break
            up += len(shown.rows)
        else:
            return
        if up < self._size()[1]:
            self._write(f"\r\x1b[{up}A{shown.rows[-1]}{self._mark(utterance)}\x1b[K\x1b[{up}B")
            self._prompt()

    def notice(self, text: str) -> None:
        """Add a line that is not a message."""
        rows = wrap(f"-- {text} --", self._measure() - 1)
        self._add(_Shown(None, [self._paint(_DIM, row) for row in rows], ""))

    def status(self, text: str) -> None:
        """Show a line above the prompt, from now on."""
        if text != self._status:
            self._resized()
            self._write(self._cleared())
            self._status = text
            self._footer()

    def begin(self) -> None:
        """Show the prompt, and enable bracketed paste."""
        self._write("\x1b[?2004h" + self._cleared())
        self._footer()

    def typing(self, text: str, cursor: int) -> None:
        """Show the line that is being typed."""
        self._line = (text, cursor)
        self._prompt()

    def finish(self) -> None:
        """Remove the prompt and disable bracketed paste; later lines are added below."""
        self._write("\x1b[?2004l" + self._cleared())
        self._over = True

    def _add(self, shown: _Shown) -> None:
        self._resized()
        start = self._cleared()
        self._shown.append(shown)
        *rows, last = shown.rows
        mark = self._mark(shown.utterance) if shown.utterance is not None else ""
        self._write(start + "".join(f"{row}\r\n" for row in [*rows, last + mark]))
        self._footer()

    def _mark(self, utterance: Utterance) -> str:
        text = utterance.mark.text(self._unicode)
        if not text:
            return ""
        if utterance.seen and utterance.mark is Mark.READ:
            text += f" {utterance.seen}"
        colour = {Mark.READ: _CYAN, Mark.FAILED: _RED}.get(utterance.mark, _DIM)
        return "  " + self._paint(colour, text)

    def _resized(self) -> None:
        """Forget where things are, if the terminal has rewrapped its lines since."""
        if self._columns != self._measure():
            self._columns = self._measure()
            self._shown.clear()
            self._lifted = False

    def _cleared(self) -> str:
        """Return what removes prompt and status, and leaves the cursor where the next row belongs."""
        lifted, self._lifted = self._lifted, False
        return "\r\x1b[K" + ("\x1b[A\x1b[K" if lifted else "")

    def _footer(self) -> None:
        if self._status and not self._over:
            self._lifted = True
            self._write(f"{self._paint(_DIM, cut(self._status, self._measure() - 1))}\r\n")
        self._prompt()

    def _prompt(self) -> None:
        if self._over:
            self._write("\r")
            return
        text, cursor = self._line
        text = text.replace("\n", "⏎" if self._unicode else "|").replace("\t", " ")
        room, start = self._measure() - 3, cursor
        while start and room >= width(text[start - 1]):
            start -= 1
            room -= width(text[start])
        seen = cut(text[start:], self._measure() - 3)
        back = width(seen[cursor - start :])
        self._write(f"\r> {seen}\x1b[K" + (f"\x1b[{back}D" if back else ""))

    def _measure(self) -> int:
        return self._size()[0]

    def _paint(self, style: str, text: str) -> str:
        return f"{style}{text}{_OFF}" if self._colours and text else text
