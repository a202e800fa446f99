"""FLV: a header, and tags that are RTMP's messages (Adobe's *Video File Format Specification* 10.1, annex E);
no sockets.
"""

from __future__ import annotations

import struct
from collections.abc import Collection

from imsys.errors import PeerFault
from imsys.protocols.media import Kind, Media, media

HEADER = b"FLV\x01\x05\x00\x00\x00\x09\x00\x00\x00\x00"
"""What a file begins with: version 1, audio and video, and the size of the tag before the first, which is
none.
"""

_AUDIO_FLAG, _VIDEO_FLAG = 4, 1

LARGEST = 0xFFFFFF
"""Bytes of a tag's body that its size can name."""

_TAG = struct.Struct(">IHBBBH")
"""Type and size, the low 24 bits of the time, its high 8, and a stream that is always 0."""
_U32 = struct.Struct(">I")
_FILE = struct.Struct(">3sBBI")

_KINDS = {int(kind): kind for kind in Kind}
_ENCRYPTED = 0x20
_MOST_HEADER = 1024
"""Bytes of a file's header that are skipped at most; all known have 9."""


class FlvFault(PeerFault):
    """Bytes that are no FLV, or a tag that is too long."""


def header(kinds: Collection[Kind]) -> bytes:
    """What a file with messages of these kinds begins with; :data:`HEADER` for one of which nobody knows."""
    flags = (Kind.AUDIO in kinds) * _AUDIO_FLAG | (Kind.VIDEO in kinds) * _VIDEO_FLAG
    return HEADER[:4] + bytes((flags,)) + HEADER[5:] if flags else HEADER


def encode_tag(media: Media) -> bytes:
    """The tag of a message, with its size behind it.

    :raises ValueError: the payload has more than 16 MB less a byte.
    """
    payload = media.payload
    size = len(payload)
    if size > LARGEST:
        raise ValueError(f"a tag of {size} bytes does not fit into three bytes of size")
    time = media.timestamp
    head = _TAG.pack(media.kind << 24 | size, time >> 8 & 0xFFFF, time & 0xFF, time >> 24, 0, 0)
    return b"".join((head, payload, _U32.pack(size + _TAG.size)))


class FlvReader:
    """Cuts a file, as it arrives, into messages.

    ``limit`` are the bytes of the longest tag's body; it is looked at before anything of the body is kept.
    Tags of other types than audio, video and data, and encrypted ones, are passed over, as the specification
    wants; the sizes behind tags are not looked at.
    """

    __slots__ = ("_buffer", "_limit", "_needed", "_skip", "_started")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._needed = _FILE.size
        self._started = False
        self._skip = 0

    @property
    def pending(self) -> int:
        """How many bytes of an unfinished tag are held."""
        return len(self._buffer)

    def receive(self, data: bytes) -> list[Media]:
        """Take what arrived; give back the messages that it completes.

        :raises FlvFault: it is no FLV, or a tag is too long.
        """
        if self._skip:
            data = data[self._pass(len(data)) :]
        self._buffer += data
        if len(self._buffer) < self._needed:
            return []
        found: list[Media] = []
        data = bytes(self._buffer)
        at = 0 if self._started else self._file(data)
        end = len(data)
        while True:
            if self._skip:
                at += self._pass(end - at)
            if end - at < _TAG.size:
                self._needed = _TAG.size
                break
            first, middle, low, high, _, _ = _TAG.unpack_from(data, at)
            number, size = first >> 24, first & 0xFFFFFF
            kind = _KINDS.get(number)
            if kind is None:
                if number & ~(_ENCRYPTED | 0x1F):
                    raise FlvFault(f"a tag of type {number}")
                at += _TAG.size
                self._skip = size + _U32.size
                continue
            if size > self._limit:
                raise FlvFault(f"a tag with {size} bytes; allowed are {self._limit}")
            begin = at + _TAG.size
            if end - begin < size:
                self._needed = _TAG.size + size
                break
            if size:
                found.append(media(kind, high << 24 | middle << 8 | low, data[begin : begin + size]))
            at = begin + size
            self._skip = _U32.size
        self._buffer = bytearray(data[at:])
        return found

    def _pass(self, there: int) -> int:
        """Pass over what is to be passed over; give back how many bytes that were."""
        step = min(self._skip, there)
        self._skip -= step
        return step

    def _file(self, data: bytes) -> int:
        """Read the file's header; give back how many bytes it has."""
        signature, version, _, size = _FILE.unpack_from(data)
        if signature != b"FLV" or version != 1 or not _FILE.size <= size <= _MOST_HEADER:
            raise FlvFault("no FLV of version 1")
        self._started = True
        self._skip = size + _U32.size
        return 0
