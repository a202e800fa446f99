"""A line editor without terminal access: key bytes in, lines out."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from dataclasses import dataclass

_LONGEST = 100_000
"""Characters of a line, at most, so that a huge paste is harmless."""
_REMEMBERED = 100

_PASTE, _PASTED = "\x1b[200~", "\x1b[201~"
"""A terminal in bracketed paste mode sends pasted text between these."""

_SEQUENCE = re.compile(r"\x1b(?:\[[0-9;?]*[@-~]|O[@-~]|[^\[O])")


@dataclass(frozen=True)
class Line:
    """A line was finished with Enter."""

    text: str


@dataclass(frozen=True)
class End:
    """The end of input: Ctrl-D on an empty line."""


class Editor:
    """Turns keys into lines; pasted text may have several.

    ``text`` and ``cursor`` are the present state to show.

    :param complete: returns where a word begins at the end of what stands before the cursor, and what Tab may make of
        it: the first of these, the next one with the next Tab.
    """

    def __init__(self, complete: Callable[[str], tuple[int, list[str]]] | None = None) -> None:
        self._complete = complete
        self._offered: tuple[int, list[str]] | None = None
        self.text = ""
        self.cursor = 0
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._pending = ""
        self._pasting = False
        self._lines: list[str] = []
        self._recall = 0

    def feed(self, data: bytes) -> list[Line | End]:
        """Process typed bytes; return the finished lines and the end of input."""
        happened: list[Line | End] = []
        keys, self._pending = self._pending + self._decode(data), ""
        index = 0
        while index < len(keys):
            if self._pasting:
                index = self._paste(keys, index)
                continue
            if keys[index] == "\x1b":
                match = _SEQUENCE.match(keys, index)
                if match is None:
                    if len(keys) - index < 16:
                        self._pending = keys[index:]  # the rest comes later
                    break
                self._pasting = match[0] == _PASTE
                self._special(match[0])
                index = match.end()
                continue
            if keys[index] in "\r\n":
                happened.append(self._finish())
            elif keys[index] == "\x04":
                if not self.text:
                    happened.append(End())
            elif keys[index] == "\t":
                self._tab()
            else:
                self._key(keys[index])
            index += 1
        return happened

    def put_back(self, text: str) -> None:
        """Put a line back that was not accepted."""
        self._set(text, len(text))

    def _paste(self, keys: str, start: int) -> int:
        """Insert pasted text, up to its end if that has come; return the index after it."""
        end = keys.find(_PASTED, start)
        if end >= 0:
            self._pasting = False
            self._insert(keys[start:end])
            return end + len(_PASTED)
        split = next(
            (size for size in range(len(_PASTED) - 1, 0, -1) if keys.endswith(_PASTED[:size])),
            int(keys.endswith("\r")),
        )
        split = min(split, len(keys) - start)  # keep an incomplete end mark or line end for the next read
        self._insert(keys[start : len(keys) - split])
        self._pending = keys[len(keys) - split :]
        return len(keys)

    def _insert(self, text: str) -> None:
        lines = text.replace("\r\n", "\n").replace("\r", "\n")
        kept = "".join([key for key in lines if key in "\n\t" or key.isprintable()])[
            : max(0, _LONGEST - len(self.text))
        ]
        self._set(self.text[: self.cursor] + kept + self.text[self.cursor :], self.cursor + len(kept))

    def _finish(self) -> Line:
        line = Line(self.text)
        if self.text and self._lines[-1:] != [self.text]:
            self._lines = [*self._lines[-_REMEMBERED:], self.text]
        self._recall = len(self._lines)
        self._set("", 0)
        return line

    def _key(self, key: str) -> None:
        text, cursor = self.text, self.cursor
        match key:
            case "\x7f" | "\x08":
                self._set(text[: max(0, cursor - 1)] + text[cursor:], max(0, cursor - 1))
            case "\x01":
                self._set(text, 0)
            case "\x05":
                self._set(text, len(text))
            case "\x15":
                self._set(text[cursor:], 0)
            case "\x0b":
                self._set(text[:cursor], cursor)
            case "\x17":
                start = len(text[:cursor].rstrip().rpartition(" ")[0])
                start += 1 if start else 0
                self._set(text[:start] + text[cursor:], start)
            case _ if key.isprintable() and len(text) < _LONGEST:
                self._set(text[:cursor] + key + text[cursor:], cursor + 1)

    def _special(self, sequence: str) -> None:
        match sequence[-1] if not sequence.endswith("~") else sequence[2:]:
            case "D":
                self._set(self.text, max(0, self.cursor - 1))
            case "C":
                self._set(self.text, min(len(self.text), self.cursor + 1))
            case "H" | "1~" | "7~":
                self._set(self.text, 0)
            case "F" | "4~" | "8~":
                self._set(self.text, len(self.text))
            case "3~":
                self._set(self.text[: self.cursor] + self.text[self.cursor + 1 :], self.cursor)
            case "A":
                self._recalled(self._recall - 1)
            case "B":
                self._recalled(self._recall + 1)

    def _recalled(self, index: int) -> None:
        if 0 <= index < len(self._lines):
            self._recall = index
            self._set(self._lines[index], len(self._lines[index]))
        elif index == len(self._lines):
            self._recall = index
            self._set("", 0)

    def _tab(self) -> None:
        if self._complete is None:
            return
        before = self.text[: self.cursor]
        start, words = self._offered or self._complete(before)
        if words:
            word = f"{words[0]} "
            self._set(before[:start] + word + self.text[self.cursor :], start + len(word))
            self._offered = start, [*words[1:], words[0]]

    def _set(self, text: str, cursor: int) -> None:
        self.text, self.cursor = text, cursor
        self._offered = None
