"""Files in frames of the resources port: bodies that are not JSON (resources specification, "Files"); no
Twisted, no sockets.

All begin with the 16 bytes of a file's identifier and a big-endian u64: where a chunk's bytes belong (70,
75), up to where all is durable (71), or how many bytes more may be sent (76). A chunk goes on with the
CRC-32C of its bytes, and them.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

import google_crc32c

from imsys.errors import PeerFault
from imsys.protocols.framing import RESOURCES

UPLOAD_CHUNK = 70
UPLOAD_ACK = 71
DOWNLOAD_CHUNK = 75
CREDIT = 76

_CHUNK = struct.Struct("!16sQI")
_COUNT = struct.Struct("!16sQ")

OVERHEAD = RESOURCES.header.size + _CHUNK.size
"""Bytes of a chunk's frame beside the chunk's."""


class Chunk(NamedTuple):
    """Bytes of a file; none in a download: the end."""

    file_id: bytes
    offset: int
    crc: int
    data: bytes

    @property
    def intact(self) -> bool:
        """Whether the bytes are those that were sent."""
        return bool(google_crc32c.value(self.data) == self.crc)


class Count(NamedTuple):
    """An acknowledgement's durable offset, or the bytes of a credit."""

    file_id: bytes
    number: int


def encode_chunk(service: int, file_id: bytes, offset: int, data: bytes) -> bytes:
    """The whole frame of a chunk; its bytes are copied once."""
    head = RESOURCES.header.pack(service, OVERHEAD + len(data))
    return b"".join((head, _CHUNK.pack(file_id, offset, google_crc32c.value(data)), data))


def decode_chunk(body: bytes) -> Chunk:
    """Read a body; whether it is intact is the receiver's to ask, perhaps in a thread.

    :raises ChunkFault: it is too short.
    """
    if len(body) < _CHUNK.size:
        raise ChunkFault(f"a chunk of {len(body)} bytes has no room for its header")
    file_id, offset, crc = _CHUNK.unpack_from(body)
    return Chunk(file_id, offset, crc, body[_CHUNK.size :])


def encode_count(service: int, file_id: bytes, number: int) -> bytes:
    """The whole frame of an acknowledgement or a credit."""
    return RESOURCES.encode(service, _COUNT.pack(file_id, number))


def decode_count(body: bytes) -> Count:
    """Read a body. :raises ChunkFault: it has another length."""
    if len(body) != _COUNT.size:
        raise ChunkFault(f"an acknowledgement or a credit has {_COUNT.size} bytes, not {len(body)}")
    return Count(*_COUNT.unpack(body))


class ChunkFault(PeerFault):
    """A body that none of these frames can have."""
