"""Privacy: what I have set about who may do and see what. It follows me to all my devices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

EVERYBODY, FRIENDS, NOBODY = "everybody", "friends", "nobody"


@dataclass(frozen=True, slots=True)
class Privacy:
    """Who may.

    :param added_by: add me to groups.
    :param seen_by: see when I am online, and when I was; who does not show it to somebody does not see theirs.
    """

    added_by: str
    seen_by: str


class PrivacySettings(Protocol):
    """The part of an account that is about them; all of it needs the server."""

    async def privacy(self) -> Privacy:
        """What is set."""
        ...

    async def set_privacy(self, *, added_by: str | None = None, seen_by: str | None = None) -> None:
        """Set what is given."""
        ...
