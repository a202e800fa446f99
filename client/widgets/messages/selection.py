"""What is selected: a stretch of one message's text, or several messages whole."""

from __future__ import annotations

from dataclasses import dataclass

from client.core.model import Message


@dataclass(slots=True)
class Selection:
    """From where it began to where it is now: the keys of messages, and places in their texts.

    ``whole`` says that messages are selected, not letters: with the keyboard, and once it goes beyond one
    message.
    """

    begun: str = ""
    begun_at: int = 0
    now: str = ""
    now_at: int = 0
    whole: bool = False

    @property
    def empty(self) -> bool:
        """Whether nothing is."""
        return not self.begun or (self.begun == self.now and not self.whole and self.begun_at == self.now_at)

    def clear(self) -> None:
        """Nothing is."""
        self.begun = self.now = ""
        self.begun_at = self.now_at = 0
        self.whole = False

    def begin(self, key: str, at: int, *, whole: bool = False) -> None:
        """Start here."""
        self.begun, self.begun_at, self.now, self.now_at, self.whole = key, at, key, at, whole

    def extend(self, key: str, at: int) -> None:
        """It goes to here."""
        self.now, self.now_at = key, at

    @property
    def several(self) -> bool:
        """Whether messages are selected, not letters."""
        return self.whole or self.begun != self.now

    def span(self, index: dict[str, int]) -> range:
        """The rows that it covers."""
        one, other = index.get(self.begun, -1), index.get(self.now, -1)
        if self.empty or one < 0 or other < 0:
            return range(0)
        return range(min(one, other), max(one, other) + 1)

    def of(self, message: Message, at: int, span: range) -> tuple[tuple[int, int] | None, bool]:
        """What is selected of a message: places of its text, or all of it."""
        if at not in span:
            return None, False
        if self.several:
            return None, True
        low, high = sorted((self.begun_at, self.now_at))
        return (low, high), False
