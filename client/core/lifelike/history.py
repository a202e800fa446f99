"""The messages of one conversation: old ones are made when they are looked at, so that a hundred thousand
cost nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace

from client.core.lifelike.texts import CAPTIONS, CHINESE, ENGLISH, FILES
from client.core.model import Attachment, Kind, Mark, Message

SPAN = 1_000_000
"""Ids of a conversation: its own id times this, and on."""


def mixed(*numbers: int) -> int:
    """A number from 0 to 2**32 that looks random, and is the same in every run."""
    value = 0x9E3779B9
    for number in numbers:
        value = ((value ^ number) * 0x85EBCA6B + 0xC2B2AE35) & 0xFFFFFFFF
        value ^= value >> 13
    return value


def picture(seed: int) -> Attachment:
    """A picture of one of a few shapes."""
    width, height = ((1600, 1067), (1067, 1600), (1200, 1200), (2400, 800))[seed % 4]
    return Attachment(
        f"IMG_{4000 + seed % 900}.jpg",
        180_000 + seed % 900_000,
        "image/jpeg",
        f"picture-{seed % 40}",
        f"{seed:064x}",
        f"picture-{seed % 40}",
        width,
        height,
    )


def document(seed: int) -> Attachment:
    """A file that is no picture."""
    filename, size, mime = FILES[seed % len(FILES)]
    return Attachment(filename, size, mime, f"file-{seed % 997}", f"{seed:064x}")


@dataclass(frozen=True, slots=True)
class Recipe:
    """How old messages are made.

    :param senders: who writes; the first is me.
    :param chinese: share of Chinese texts, percent.
    :param every_ms: between two bursts of six, on average.
    """

    conversation: int
    senders: tuple[int, ...]
    end_ms: int
    chinese: int = 10
    every_ms: int = 9_000_000

    def at_ms(self, back: int) -> int:
        """When the message was said that has so many after it; earlier for every one that is further back."""
        burst, within = divmod(back, 6)
        return (
            self.end_ms
            - burst * self.every_ms
            - mixed(self.conversation, burst) % (self.every_ms // 2)
            - within * 47_000
        )

    def make(self, index: int, back: int) -> Message:
        """The message at an index, which has so many after it."""
        seed = mixed(self.conversation, index)
        burst, within = divmod(back, 6)
        sender = self.senders[mixed(self.conversation, burst, within // 2) % len(self.senders)]
        mine = sender == self.senders[0]
        kind, text, attachment = Kind.TEXT, "", None
        if seed % 41 == 0:
            kind, text, attachment = Kind.IMAGE, CAPTIONS[seed // 41 % len(CAPTIONS)], picture(seed)
        elif seed % 97 == 0:
            kind, attachment = Kind.FILE, document(seed // 97)
        else:
            lines = CHINESE if seed // 128 % 100 < self.chinese else ENGLISH
            text = lines[seed // 16384 % len(lines)]
        number = self.conversation * SPAN + index + 1
        mark = Mark.READ if mine else Mark.STORED
        return Message(
            f"#{number}",
            self.conversation,
            sender,
            self.at_ms(back),
            kind,
            text,
            number,
            mine,
            mark,
            attachment=attachment,
        )


class History:
    """A sequence of messages by their order; ``made`` old ones by recipe, then those that were put in."""

    def __init__(self, recipe: Recipe, made: int) -> None:
        self._recipe = recipe
        self._made = made
        self._changed: dict[int, Message] = {}
        self._since: list[Message] = []
        self._next = recipe.conversation * SPAN + made

    def __len__(self) -> int:
        return self._made + len(self._since)

    def __getitem__(self, index: int) -> Message:
        if not 0 <= index < len(self):
            raise IndexError(index)
        if index >= self._made:
            return self._since[index - self._made]
        return self._changed.get(index) or self._recipe.make(index, self._made - 1 - index)

    def next_id(self) -> int:
        """A number after all others."""
        self._next += 1
        return self._next

    def position(self, order: tuple[int, int, str]) -> int:
        """Where a message of that order stands, or would."""
        made = min(max(order[0] - self._recipe.conversation * SPAN - 1, 0), self._made)
        if made < self._made:
            return made
        return self._made + bisect_left(self._since, order, key=lambda message: message.order)

    def moment(self, at_ms: int) -> int:
        """The index of the first message at or after a time."""
        return bisect_left(range(len(self)), at_ms, key=lambda index: self[index].at_ms)

    def put(self, message: Message) -> None:
        """A new message, or a new state of one, which may move it."""
        for index, known in enumerate(self._since):
            if known.key == message.key:
                del self._since[index]
                break
        else:
            index = message.id - self._recipe.conversation * SPAN - 1
            if message.id and 0 <= index < self._made:
                self._changed[index] = message
                return
        self._since.insert(bisect_left(self._since, message.order, key=lambda other: other.order), message)

    def remove(self, message: Message) -> None:
        """Only of those that were put in."""
        self._since = [known for known in self._since if known.key != message.key]

    def read_until(self, id: int) -> list[Message]:
        """My messages up to an id as read; those that changed."""
        changed = [
            replace(message, mark=Mark.READ)
            for message in self._since
            if message.mine
            and message.id
            and message.id <= id
            and message.mark in (Mark.STORED, Mark.DELIVERED)
        ]
        for message in changed:
            self.put(message)
        return changed
