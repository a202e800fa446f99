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
        indent = " " * width(head)
        self._add(
            _Shown(utterance, [(indent if number else painted) + row for number, row in enumerate(rows)], "")
        )

    def update(self, utterance: Utterance) -> None:
        """Repaint the mark of a message, if it is still on the screen."""
        if self._measure() != self._columns:
            return
        up = 1
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

    def begin(self) -> None:
        """Show the prompt, and enable bracketed paste."""
        self._write("\x1b[?2004h")
        self._prompt()

    def typing(self, text: str, cursor: int) -> None:
        """Show the line that is being typed."""
        self._line = (text, cursor)
        self._prompt()

    def finish(self) -> None:
        """Remove the prompt and disable bracketed paste; later lines are added below."""
        self._over = True
        self._write("\x1b[?2004l\r\x1b[K")

    def _add(self, shown: _Shown) -> None:
        if self._columns != self._measure():
            self._columns = self._measure()
            self._shown.clear()  # the terminal has rewrapped its lines
        self._shown.append(shown)
        *rows, last = shown.rows
        mark = self._mark(shown.utterance) if shown.utterance is not None else ""
        self._write("\r\x1b[K" + "".join(f"{row}\r\n" for row in [*rows, last + mark]))
        self._prompt()

    def _mark(self, utterance: Utterance) -> str:
        text = utterance.mark.text(self._unicode)
        if not text:
            return ""
        colour = {Mark.READ: _CYAN, Mark.FAILED: _RED}.get(utterance.mark, _DIM)
        return "  " + self._paint(colour, text)

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
