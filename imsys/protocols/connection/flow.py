"""When a connection is read from, and whether its peer takes what is written."""

from __future__ import annotations

from typing import Any, Final

PEER: Final = 1
"""The transport's buffer is full: the peer does not read."""

RECEIVER: Final = 2
"""Nobody takes what is read: the receiver has enough for now."""

NEXT_TURN: Final = 4
"""The rest of what has come waits for the next turn of the reactor."""

DONE: Final = 8
"""Nothing more is wanted."""

ENDED: Final = 16
"""The peer has closed its half."""

_FINAL: Final = 32
"""The connection ends: whether it is read from is decided for good."""


class FlowControl:
    """Why a connection is held up, as bits: reading stops with the first reason, and goes on when the last one has gone.

    :param stops: those of :data:`PEER`, :data:`RECEIVER` and :data:`NEXT_TURN` that stop reading; the others are only kept.
    """

    __slots__ = ("_stops", "held", "transport")

    def __init__(self, transport: Any, stops: int = PEER | RECEIVER | NEXT_TURN) -> None:
        self.transport = transport
        self._stops = stops | DONE | ENDED | _FINAL
        self.held = 0
        """The reasons that there are; to be changed by :meth:`hold`, :meth:`release` and :meth:`ended`."""

    def hold(self, reason: int) -> None:
        """Add a reason (idempotent)."""
        before, self.held = self.held, self.held | reason
        if self.held & self._stops and not before & self._stops:
            self.transport.pauseProducing()

    def release(self, reason: int) -> None:
        """Remove a reason, or several (idempotent)."""
        before, self.held = self.held, self.held & ~reason
        if before & self._stops and not self.held & self._stops:
            self.transport.resumeProducing()

    def ended(self) -> None:
        """Keep in mind that the peer has closed its half; the transport knows."""
        self.held |= ENDED

    def drain(self) -> None:
        """Read on for good, whatever held it, so that the peer's close is noticed."""
        before = self.held
        self.stop()
        if before & self._stops and not before & (ENDED | _FINAL):
            self.transport.resumeProducing()

    def stop(self) -> None:
        """Leave the transport alone from now on."""
        self.held |= _FINAL
