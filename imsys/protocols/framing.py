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

SMALL = 0x1000
"""Bytes of a large frame that are not kept alone: each piece would take many times its own."""


class FrameDecoder:
    """Cuts a stream of bytes into frames.

    A length is checked as soon as its header is there, before anything more is
    kept, so at most one frame and one read are ever held.
    """

    __slots__ = ("_buffer", "_format", "_held", "_limit", "_pieces", "_service", "needed")

    def __init__(self, format: FrameFormat, limit: int) -> None:
        self._format = format
        self._limit = limit
        self._buffer: bytearray | None = None
        self._pieces: list[memoryview | bytearray] = []  # of the body of a large frame
        self._held = 0  # its bytes that are here, with the header
        self._service = 0
        self.needed = 0
        """Bytes of the frame that is to come, as far as is known."""

    @property
    def pending(self) -> int:
        """How many bytes of an unfinished frame are held."""
        return self._held if self._buffer is None else len(self._buffer)

    def forget(self) -> None:
        """Let go of the unfinished frame; nothing may be fed any more."""
        self._buffer = None
        self._pieces, self._held = [], 0

    def feed(self, data: bytes) -> list[Frame]:
        """Take what arrived; give back the frames that it completes.

        :raises FrameFault: a length below the header's size or above the limit;
            the frames before it are in the exception's ``frames``.
        """
        if self._held:
            return self._feed_large(data)
        if self._buffer is not None:
            self._buffer += data
            if len(self._buffer) < self.needed:
                return []
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
                if total > LARGE:
                    self._service, self._held = service, end - start
                    self._pieces = [memoryview(data)[start + size :]]
                    return frames
                break
            frames.append(_frame(Frame, (service, data[start + size : start + total])))
            start += total
        if start < end:
            self._buffer = bytearray(data[start:])
        return frames

    def _feed_large(self, data: bytes) -> list[Frame]:
        """Take more of a large frame: what arrives is copied once, when it is whole.

        What follows it goes the usual way.
        """
        missing = self.needed - self._held
        if len(data) < missing:
            self._held += len(data)
            last = self._pieces[-1]
            if len(data) >= SMALL:
                self._pieces.append(memoryview(data))
            elif isinstance(last, bytearray):
                last += data
            else:
                self._pieces.append(bytearray(data))
            return []
        self._pieces.append(memoryview(data)[:missing])
        frame = Frame(self._service, b"".join(self._pieces))
        self._pieces, self._held = [], 0
        try:
            return [frame, *self.feed(data[missing:])]
        except FrameFault as fault:
            fault.frames.insert(0, frame)
            raise


class FrameFault(PeerFault):
    """A header that no frame of this port can have."""

    def __init__(self, service: int, total: int, limit: int, frames: list[Frame]) -> None:
        super().__init__(
            f"a frame of service {service} with a total length of {total}; allowed is up to {limit}"
        )
        self.frames = frames
