"""The messages of a conversation, and how they are shown."""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from imsys.cli.text import bytes_text, cut, printable
from imsys.sdk import Message, MessageKind

_WORDS = 40
"""Columns of the words that are quoted of a message."""


class Mark(enum.IntEnum):
    """The delivery state of the user's own message."""

    NONE = 0
    FAILED = 1
    WAITING = 2
    SENT = 3
    DELIVERED = 4
    READ = 5

    def text(self, unicode: bool) -> str:
        """Return the text to show."""
        return (_UNICODE if unicode else _ASCII)[self]


_UNICODE = {
    Mark.NONE: "",
    Mark.FAILED: "✗ not sent",
    Mark.WAITING: "…",
    Mark.SENT: "✓",
    Mark.DELIVERED: "✓✓",
    Mark.READ: "✓✓ read",
}
_ASCII = {
    Mark.NONE: "",
    Mark.FAILED: "x not sent",
    Mark.WAITING: "...",
    Mark.SENT: "v",
    Mark.DELIVERED: "vv",
    Mark.READ: "vv read",
}


@dataclass(eq=False, kw_only=True)
class Utterance:
    """One message of a conversation; ``id`` is 0 until the server has it.

    ``quote`` stands above it; ``number`` is that by which commands name it; ``seen`` by how many members of a group it
    was read; ``mentions_me``: it is addressed to the user; ``expires_at``: when what it says is gone.
    """

    speaker: str
    text: str
    at: datetime
    mine: bool
    id: int = 0
    mark: Mark = Mark.NONE
    unique_id: str = ""
    quote: str = ""
    number: int = 0
    seen: int = 0
    mentions_me: bool = False
    expires_at: datetime | None = None

    @property
    def whole(self) -> str:
        """The text with the quote above it."""
        return f"[{self.quote}]\n{self.text}" if self.quote else self.text


class View(Protocol):
    """Shows a conversation."""

    def show(self, utterance: Utterance) -> None:
        """Show a message below the others."""

    def update(self, utterance: Utterance) -> None:
        """Show the changed mark of a message."""

    def notice(self, text: str) -> None:
        """Show a line that is not a message."""

    def status(self, text: str) -> None:
        """Show who is there, in place of what was shown before."""


def short(text: str) -> str:
    """Return the beginning of a text, in one line."""
    line = text.replace("\n", " ")
    start = cut(line, _WORDS)
    return start if start == line else f"{start.rstrip()}..."


def utterance(message: Message, speaker: str) -> Utterance:
    """Convert a stored message for display."""
    mark = Mark.NONE if not message.mine else Mark.READ if message.read else Mark.SENT
    return Utterance(
        speaker="you" if message.mine else speaker,
        text=content(message),
        at=message.sent_at.astimezone(),
        mine=message.mine,
        id=message.id,
        mark=mark,
        unique_id=message.unique_id,
        expires_at=message.expires_at,
    )


def content(message: Message) -> str:
    """Return the text of a message, or a word for what it carries, and what became of it."""
    if message.recalled:
        return "[taken back]"
    more = [" (edited)"] if message.edited_at is not None else []
    if message.reactions:
        more.append(f"  [{' '.join(f'{printable(one.emoji)} {one.count}' for one in message.reactions)}]")
    if message.pinned:
        more.append("  [pinned]")
    return _words(message) + "".join(more)


def _words(message: Message) -> str:
    if message.kind in (MessageKind.DEFAULT, MessageKind.TEXT):
        return printable(message.text, lines=True)
    live = message.live
    if live is not None:
        return f"[live {printable(live.title)}]"
    word = message.kind.name.lower() if isinstance(message.kind, MessageKind) else "something new"
    file = message.attachment
    return f"[{word}]" if file is None else f"[{word} {printable(file.filename)} {bytes_text(file.size)}]"


class Plain:
    """A view for pipes and files: lines are only added, never changed."""

    def __init__(self, say: Callable[[str], None], unicode: bool) -> None:
        self._say = say
        self._unicode = unicode

    def show(self, utterance: Utterance) -> None:
        """Write a message; one's own is written when the server has it."""
        if utterance.mark is not Mark.WAITING:
            self._say(self._line(utterance))

    def update(self, utterance: Utterance) -> None:
        """Write a line for a new mark."""
        mark = utterance.mark.text(self._unicode)
        first = utterance.text.split("\n", 1)[0]
        if utterance.mark in (Mark.SENT, Mark.FAILED):
            self._say(self._line(utterance))
        elif utterance.mark is Mark.DELIVERED:
            self._say(f"{mark} delivered: {first}")
        elif utterance.mark is Mark.READ and utterance.seen < 2:  # who comes next in a group is no news
            self._say(f"{mark}: {first}")

    def notice(self, text: str) -> None:
        """Write a line in parentheses."""
        self._say(f"({text})")

    def status(self, text: str) -> None:
        """Not in a file."""

    def _line(self, utterance: Utterance) -> str:
        mark = utterance.mark.text(self._unicode)
        text = utterance.whole.replace("\n", "\n    ")
        return f"{utterance.at:%Y-%m-%d %H:%M}  {utterance.speaker}: {text}" + (f"  {mark}" if mark else "")


def seen(utterances: Iterable[Utterance], positions: Collection[tuple[int, int]]) -> list[Utterance]:
    """Update the marks of one's own messages to how far the members of a group have received and read; return the
    changed ones.
    """
    changed = []
    for one in utterances:
        if not one.mine or not one.id:
            continue
        readers = sum(read >= one.id for _, read in positions)
        received = any(delivered >= one.id for delivered, _ in positions)
        mark = Mark.READ if readers else Mark.DELIVERED if received else one.mark
        if mark > one.mark or readers > one.seen:
            one.mark, one.seen = max(mark, one.mark), readers
            changed.append(one)
    return changed


def passed(utterances: Iterable[Utterance], delivered: int, read: int) -> list[Utterance]:
    """Update the marks of one's own messages to the other user's position; return the changed ones."""
    changed = []
    for one in utterances:
        if not one.mine or not one.id:
            continue
        mark = Mark.READ if one.id <= read else Mark.DELIVERED if one.id <= delivered else one.mark
        if mark > one.mark:
            one.mark = mark
            changed.append(one)
    return changed
