"""The simple handshake (RTMP 1.0, section 5.2): a byte of version and two packets of 1,536 bytes from each
side.

The "complex" one with digests, which Flash Player wanted for H.264, is not spoken: what publishes and plays
today (OBS, ffmpeg, librtmp, GStreamer) takes the zero in the field of the server's version as "simple". What
the second packet of a peer echoes is not looked at: some send zeros, and nothing depends on it.
"""

from __future__ import annotations

import os

from imsys.errors import PeerFault

VERSION = 3
PACKET = 1536
"""Bytes of each of the two packets."""

_HEAD = bytes(8)
"""Time and version of a packet: both zero."""


class HandshakeFault(PeerFault):
    """What came is no RTMP."""


class _Handshake:
    """Collects what a handshake needs, and no byte more."""

    __slots__ = ("_buffer", "_expected", "done")

    def __init__(self) -> None:
        self._buffer = b""
        self._expected = 1 + PACKET
        self.done = False
        """Everything of the peer's is there; what it sends next are chunks."""

    def receive(self, data: bytes) -> tuple[bytes, bytes]:
        """Take what arrived; give back what to send now, and what belongs to the chunks behind the handshake.

        :raises HandshakeFault: it is another version, or another protocol.
        """
        buffer = self._buffer + data
        if self._expected != PACKET and buffer and buffer[0] != VERSION:
            raise HandshakeFault(f"a handshake of version {buffer[0]}, not {VERSION}")
        answer = b""
        if self._expected != PACKET and len(buffer) > PACKET:
            answer = self._answer(buffer[1 : 1 + PACKET])
            buffer = buffer[1 + PACKET :]
            self._expected = PACKET
        if self._expected == PACKET and len(buffer) >= PACKET:
            self.done = True
            self._buffer = b""
            return answer, buffer[PACKET:]
        self._buffer = buffer
        return answer, b""

    def _answer(self, first: bytes) -> bytes:
        raise NotImplementedError


class ServerHandshake(_Handshake):
    """The side that is called: it says nothing before the other has shown that it speaks RTMP."""

    __slots__ = ()

    def _answer(self, first: bytes) -> bytes:
        return bytes((VERSION,)) + _HEAD + os.urandom(PACKET - len(_HEAD)) + first


class ClientHandshake(_Handshake):
    """The side that calls: it begins with :meth:`hello`."""

    __slots__ = ()

    def hello(self) -> bytes:
        """What to send at once."""
        return bytes((VERSION,)) + _HEAD + os.urandom(PACKET - len(_HEAD))

    def _answer(self, first: bytes) -> bytes:
        return first
