"""How a connection ends."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import Final

from imsys.protocols.connection.flow import FlowControl
from imsys.protocols.deadlines import DeadlineWheel


class Phase(Enum):
    """How far a connection has come; it only ever goes on.

    An enumeration and no Automat machine, since every frame looks at it: a machine takes 280 bytes a
    connection, and tells by a call.
    """

    OPEN = auto()
    CLOSING = auto()  # nothing more is taken; the last bytes wait for the peer to make room
    CLOSED = auto()  # the transport was told to close, or to abort; it tells when it has
    GONE = auto()  # the transport has


OPEN: Final = Phase.OPEN
CLOSING: Final = Phase.CLOSING
CLOSED: Final = Phase.CLOSED
GONE: Final = Phase.GONE


class Linger:
    """Closes a connection behind its last bytes, and cuts it where the peer does not take them, and close, in
    time.
    """

    __slots__ = ("_flow", "_wheel", "deadline", "phase")

    def __init__(self, wheel: DeadlineWheel, flow: FlowControl) -> None:
        self._wheel = wheel
        self._flow = flow
        self.phase = OPEN
        self.deadline = 0.0

    def close(self, seconds: float) -> bool:
        """Begin; the peer has so many seconds. ``False``: that was done already.

        :meth:`finish` follows, at once or when the last bytes have been written.
        """
        if self.phase is not OPEN:
            return False
        self.phase = CLOSING
        self._flow.stop()
        self._wheel.expire(self, seconds)
        return True

    def finish(self, close: Callable[[], None]) -> None:
        """Close by the transport's ``loseConnection``, or by its ``loseWriteConnection`` where the peer may
        have sent what stays unread.

        Were all closed with bytes unread, the peer might be reset before it has read the last ones.
        """
        self.phase = CLOSED
        self._flow.drain()
        self._flow.transport.unregisterProducer()
        close()

    def abort(self) -> None:
        """Cut the connection, whatever waits."""
        if self.phase is not GONE:
            self.phase = CLOSED
            self._flow.stop()
            self._flow.transport.abortConnection()

    def expired(self) -> None:
        """The peer has not closed in time: cut it."""
        self.abort()

    def lost(self) -> None:
        """The transport has closed: leave it alone."""
        self.phase = GONE
        self._flow.stop()
        self._wheel.remove(self)
