"""Frames: bytes in, frames out; no Twisted, no sockets.

A frame is a big-endian header (service id, total length with the header) and
a body. The chat port has a length of 16 bits, the resources port one of 32
(docs/protocol.md, 1).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import NamedTuple

from imsys.errors import PeerFault


class Frame(NamedTuple):
    """One frame: the number of the service, and its body."""

    service: int
    body: bytes


_frame = tuple.__new__  # what Frame() comes to, in half the time


@dataclass(frozen=True, slots=True)
class FrameFormat:
    """How a port writes its headers."""

    header: struct.Struct
    largest: int
    """Bytes of the largest frame that the length field can name."""

    def encode(self, service: int, body: bytes) -> bytes:
        """Make the bytes of one frame.

        :raises ValueError: the body does not fit into a frame.
        """
        total = self.header.size + len(body)
        if total > self.largest:
            raise ValueError(f"a body of {len(body)} bytes does not fit into a frame of {self.largest}")
        return self.header.pack(service, total) + body


CHAT = FrameFormat(struct.Struct("!HH"), 0xFFFF)
RESOURCES = FrameFormat(struct.Struct("!HI"), 0xFFFFFFFF)

LARGE = 0x10000
"""Bytes of a frame beyond which copying it once more would show; no frame of the chat port has as many."""


class FrameDecoder:
    """Cuts a stream of bytes into frames.

    A length is checked as soon as its header is there, before anything more is
    kept, so at most one frame and one read are ever held.
    """

    __slots__ = ("_buffer", "_format", "_limit", "needed")

    def __init__(self, format: FrameFormat, limit: int) -> None:
        self._format = format
        self._limit = limit
        self._buffer: bytearray | None = None
        self.needed = 0
        """Bytes of the frame that is to come, as far as is known."""

    @property
    def pending(self) -> int:
        """How many bytes of an unfinished frame are held."""
        return 0 if self._buffer is None else len(self._buffer)

    def forget(self) -> None:
        """Let go of the unfinished frame; nothing may be fed any more."""
        self._buffer = None

    def feed(self, data: bytes) -> list[Frame]:
        """Take what arrived; give back the frames that it completes.

        :raises FrameFault: a length below the header's size or above the limit;
            the frames before it are in the exception's ``frames``.
        """
        if self._buffer is not None:
            self._buffer += data
            if len(self._buffer) < self.needed:
                return []
            if self.needed > LARGE:
                return self._large()
            data, self._buffer = bytes(self._buffer), None
        header, limit = self._format.header, self._limit
        unpack, size = header.unpack_from, header.size
        frames: list[Frame] = []
        start, end = 0, len(data)
        self.needed = size
        if end >= size:  # most reads are one frame
            service, total = unpack(data)
            if size <= total == end <= limit:
                return [_frame(Frame, (service, data[size:]))]
        while end - start >= size:
            service, total = unpack(data, start)
            if total < size or total > limit:
                raise FrameFault(service, total, limit, frames)
            if end - start < total:
                self.needed = total
                break
            frames.append(_frame(Frame, (service, data[start + size : start + total])))
            start += total
        if start < end:
            self._buffer = bytearray(data[start:])
        return frames

    def _large(self) -> list[Frame]:
        """Cut the large frame with which the buffer begins.

        Its body is copied once, and what follows goes the usual way.
        """
        assert self._buffer is not None
        header, total = self._format.header, self.needed
        with memoryview(self._buffer) as buffer:
            first = Frame(header.unpack_from(buffer)[0], bytes(buffer[header.size : total]))
            rest = bytes(buffer[total:])
        self._buffer = None
        try:
            return [first, *self.feed(rest)]
        except FrameFault as fault:
            fault.frames.insert(0, first)
            raise


class FrameFault(PeerFault):
    """A header that no frame of this port can have."""

    def __init__(self, service: int, total: int, limit: int, frames: list[Frame]) -> None:
        super().__init__(
            f"a frame of service {service} with a total length of {total}; allowed is up to {limit}"
        )
        self.frames = frames
