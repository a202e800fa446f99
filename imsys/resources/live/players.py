"""Who watches: what a stream asks of its players, and where each of them is in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from imsys.protocols.media import Media

START = 0
"""The place of a player that has not seen anything: before the first message, whose number is 1."""


class Encoding(Protocol):
    """How messages look on the wire to all players of a kind; one object for all of them."""

    def encode(self, media: Media) -> bytes:
        """One message; the same bytes for every player."""
        ...

    def join(self, pieces: Sequence[bytes]) -> bytes:
        """Several encoded messages that are written at once."""
        ...


class Player(Protocol):
    """Somebody who watches, by whatever protocol."""

    @property
    def encoding(self) -> Encoding:
        """How it wants messages."""
        ...

    @property
    def behind(self) -> bool:
        """Whether the transport has more unsent than it should, or the player has paused.

        When it is so no more, the player calls :meth:`~imsys.resources.live.broadcast.Broadcast.resume`.
        """
        ...

    def write(self, data: bytes) -> None:
        """Send these bytes; several messages at once, and always whole ones.

        It may be behind from then on.
        """
        ...

    def over(self, reason: str) -> None:
        """It has seen everything that it will see: the stream has ended, or it was behind for too long.

        Nothing follows.
        """
        ...


class PlayerCursor:
    """The position of a player that is not in step with the stream."""

    __slots__ = ("at", "earliest", "player", "since")

    def __init__(self, player: Player, since: float) -> None:
        self.player = player
        self.at = START
        """The number of the message that it gets next."""
        self.earliest = START
        """The number of the earliest message that it may begin with, where it has to begin anew."""
        self.since = since
        """When it last had room, or was found to have none; in seconds of the broadcast's clock."""
