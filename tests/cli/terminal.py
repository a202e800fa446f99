"""A terminal that is just clever enough to show what a chat paints."""

from __future__ import annotations

import re

from imsys.cli.text import width

_PART = re.compile(r"\x1b\[([\d;]*)([ABCDKm])|\x1b\[\?\d+[hl]|\r|\n|[^\x1b\r\n]")


class Terminal:
    """Rows and columns, a cursor, and what is on the screen; what scrolls out at the top is kept."""

    def __init__(self, columns: int = 60, rows: int = 12) -> None:
        self.columns = columns
        self.rows = rows
        self.gone: list[str] = []
        self._screen: list[list[str]] = [[] for _ in range(rows)]
        self._row = 0
        self._column = 0
        self._pending = ""

    def write(self, text: str) -> None:
        """Take what a program writes."""
        text = self._pending + text
        cut = text.rfind("\x1b")
        self._pending = text[cut:] if cut >= 0 and _PART.match(text, cut) is None else ""
        for part in _PART.finditer(text[: len(text) - len(self._pending)]):
            if part[2]:
                self._control(part[2], int(part[1] or (0 if part[2] == "K" else 1)) if part[2] != "m" else 0)
            elif part[0] == "\r":
                self._column = 0
            elif part[0] == "\n":
                self._down()
            else:
                self._put(part[0])

    def lines(self) -> list[str]:
        """All that was ever shown, down to the last row that is not empty."""
        shown = [*self.gone, *("".join(row).rstrip() for row in self._screen)]
        while shown and not shown[-1]:
            shown.pop()
        return shown

    @property
    def cursor(self) -> tuple[int, int]:
        """Its row, counted from the last row that is shown, and its column."""
        return self._row, self._column

    def _put(self, character: str) -> None:
        size = width(character)
        if self._column + size > self.columns:
            self._column = 0
            self._down()
        row = self._screen[self._row]
        row.extend(" " for _ in range(self._column - len(row)))
        row[self._column : self._column + max(1, size)] = [character, *[""] * (size - 1)]
        self._column += size

    def _down(self) -> None:
        if self._row + 1 < self.rows:
            self._row += 1
        else:
            self.gone.append("".join(self._screen.pop(0)).rstrip())
            self._screen.append([])

    def _control(self, kind: str, number: int) -> None:
        if kind == "A":
            self._row = max(0, self._row - number)
        elif kind == "B":
            self._row = min(self.rows - 1, self._row + number)
        elif kind == "D":
            self._column = max(0, self._column - number)
        elif kind == "K":
            del self._screen[self._row][self._column :]
