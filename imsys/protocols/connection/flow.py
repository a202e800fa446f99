"""When a connection is read from, and whether its peer takes what is written."""

from __future__ import annotations

from typing import Any, Final

PEER: Final = 1  # the transport's buffer is full: the peer does not read
RECEIVER: Final = 2  # nobody takes what is read: the receiver has enough for now
NEXT_TURN: Final = 4  # the rest of what has come waits for the next turn of the reactor
DONE: Final = 8  # nothing more is wanted
ENDED: Final = 16  # the peer has closed its half
_FINAL: Final = 32  # the connection ends: whether it is read from is decided for good


class FlowControl:
    """Holds one connection up for reasons, which are bits: reading stops with the first one, and goes on when
    the last has gone.

    :param stops: those of :data:`PEER`, :data:`RECEIVER` and :data:`NEXT_TURN` that stop reading; the others
        are only kept.
    """

    __slots__ = ("_stops", "held", "transport")

    def __init__(self, transport: Any, stops: int = PEER | RECEIVER | NEXT_TURN) -> None:
        self.transport = transport
        self._stops = stops | DONE | ENDED | _FINAL
        self.held = 0
        """The reasons that there are now; changed by the methods alone."""

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

    def drain(self) -> None:
        """Read on for good, whatever held it, so that the peer's close is noticed."""
        self.stop()
        if not self.held & ENDED:
            self.transport.resumeProducing()

    def stop(self) -> None:
        """Leave reading as it is from now on, but for :meth:`drain`; :attr:`held` is never 0 again."""
        self.held |= _FINAL
