"""Bodies that are pushed: somebody else writes them when there is something, as with live streams, and nobody
asks for pieces.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from twisted.internet.defer import Deferred


class Outlet:
    """The way to the peer, for one body.

    :param chunked: whether what is written has to be in chunks (RFC 9112, 7.1); else it is the bytes
        themselves, and their end is that of the connection (HTTP/1.0).
    :param choked: see :attr:`choked`.
    """

    __slots__ = ("_ended", "choked", "chunked", "transport", "write")

    def __init__(self, transport: Any, *, chunked: bool, choked: bool) -> None:
        self.transport = transport
        self._ended: Deferred[None] = Deferred()
        self.chunked = chunked
        self.choked = choked
        """Whether the transport has more unsent than it should."""
        self.write = transport.write
        """Send bytes: those of a whole chunk, or of several, where the body is in chunks."""

    @property
    def peer(self) -> Any:
        """Whose address it leads to."""
        return self.transport.getPeer()

    def end(self) -> None:
        """The body is complete (idempotent)."""
        if not self._ended.called:
            self._ended.callback(None)

    def abort(self) -> None:
        """It is not, and will never be: the connection is dropped, so that the peer can tell."""
        self.transport.abortConnection()

    def ended(self) -> Deferred[None]:
        """Fires when the body is complete; it is cancelled when the connection is gone."""
        return self._ended


@runtime_checkable
class Push(Protocol):
    """A body that is pushed."""

    length: None
    """Nobody knows."""

    def begin(self, outlet: Outlet) -> None:
        """The head is on its way; this is where the body goes."""
        ...

    def resume(self) -> None:
        """The outlet is choked no more."""
        ...

    def gone(self) -> None:
        """It is over, or nobody takes it (idempotent); also called where it never began."""
        ...


def chunk(pieces: Sequence[bytes]) -> bytes:
    """Bytes as one chunk; there have to be some, since an empty chunk is the end."""
    return b"".join((b"%x\r\n" % sum(map(len, pieces)), *pieces, b"\r\n"))
