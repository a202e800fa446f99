"""Texts that are sent later, and conversations whose messages do not stay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from client.core.model import Message

HOUR, DAY, WEEK = 3_600, 86_400, 604_800
TIMERS = (0, HOUR, 8 * HOUR, DAY, WEEK, 4 * WEEK)
"""Seconds that are offered for a conversation; 0: messages stay."""
YEAR_MS = 365 * DAY * 1000
"""How far ahead a text may be scheduled."""


@dataclass(frozen=True, slots=True)
class Later:
    """A text of mine that the server sends at a time."""

    id: int
    conversation: int
    text: str
    at_ms: int


class Timed(Protocol):
    """The part of an account that is about times to come; all but :meth:`scheduled` needs the server."""

    def scheduled(self, conversation: int) -> Sequence[Later]:
        """Texts that wait in a conversation, the next one first."""
        ...

    async def schedule(
        self,
        conversation: int,
        text: str,
        at_ms: int,
        *,
        answers: Message | None = None,
        mentions: Sequence[int] = (),
    ) -> Later:
        """Have a text sent at a time to come, within a year, whether this program runs then or not."""
        ...

    async def reschedule(self, later: Later, *, text: str | None = None, at_ms: int | None = None) -> None:
        """Change the words or the time of one; ``None``: as it is."""
        ...

    async def unschedule(self, later: Later) -> None:
        """Do not send it."""
        ...

    async def set_timer(self, conversation: int, seconds: int) -> None:
        """Have messages be gone so long after they are written, from now on; 0: they stay."""
        ...
