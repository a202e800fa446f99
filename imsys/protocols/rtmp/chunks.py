"""Chunks: how RTMP cuts messages into pieces that can be interleaved (RTMP 1.0, section 5.3).

A peer's chunks are read by a :class:`ChunkReader`::

    reader = ChunkReader(limit=65536)
    reader.feed(data)
    while (message := reader.next()) is not None: ...      # raises ChunkFault

What we send has a full header (type 0, absolute time) and goes out whole, so the bytes of a message depend on
nothing that was sent before:
:func:`encode_media` makes them once for all players.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from imsys.errors import PeerFault
from imsys.protocols.media import Media

DEFAULT_CHUNK = 128
"""Bytes of a chunk's payload until its sender says otherwise (section 5.4.1)."""

OUR_CHUNK = 65536
"""Bytes of those that we send once we have said so.

The largest that Flash took; ffmpeg answers it by sending as large ones itself.
"""

LARGEST_CHUNK = 0xFFFFFF
"""No message is longer, so that a larger chunk size, up to :data:`_MOST`, means the same (section 5.4.1)."""

_MOST = 0x7FFFFFFF

CHUNK_STREAMS = 64
"""So many a peer may use; known programs use fewer than ten."""

SHORT = 256 * 1024
"""Bytes of the longest message that is neither audio nor video: metadata with an index of some thousand key
frames fits.
"""

CONTROL, COMMAND, AUDIO, DATA, VIDEO = 2, 3, 4, 5, 6
"""The chunk streams that we send on: one for each kind of message."""

MEDIA_STREAM = 1
"""The message stream that every one of our connections publishes or plays on."""

_CHUNK_STREAM_OF = {8: AUDIO, 9: VIDEO, 18: DATA}

_EXTENDED = 0xFFFFFF
"""Of a header's three bytes of time: it is in four bytes behind the header."""

_SET_CHUNK_SIZE, _ABORT = 1, 2
_LONG = frozenset((8, 9, 22))
"""Audio, video and aggregates of them."""

_FULL = struct.Struct(">III")
_TIME_LENGTH_TYPE = struct.Struct(">HBHBB")
_U32 = struct.Struct(">I")
_SIZES = (11, 7, 3, 0)
"""Bytes of the message header of each type, behind the basic header."""


class ChunkFault(PeerFault):
    """Bytes that are no chunks, or too many."""


class Message(NamedTuple):
    """One message of a connection."""

    type: int
    timestamp: int
    """Milliseconds, of 32 bits."""
    stream: int
    """The message stream: 0 is the connection itself."""
    payload: bytes


class _ChunkStream:
    """What a peer's next chunk on this stream may leave out, and the message that is under way."""

    __slots__ = ("body", "extended", "field", "length", "missing", "stream", "timestamp", "type")

    def __init__(self) -> None:
        self.timestamp = self.field = self.length = self.type = self.stream = 0
        self.extended = False
        self.missing = 0
        """Bytes of the message under way that have not come; 0: the next chunk begins one."""
        self.body: bytearray | None = None


class ChunkReader:
    """Chunks to messages.

    One message is read at a time, so that what it means can change how the next is read: ``limit``, the bytes
    of the longest message, may be set between any two. A length is looked at before anything of the message
    is kept, and all unfinished messages together hold no more than twice the limit.

    Set Chunk Size and Abort are obeyed here and not given back; nor are messages without any payload, which
    mean nothing.
    """

    __slots__ = ("_at", "_current", "_data", "_held", "_left", "_streams", "chunk_size", "count", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.count = 0
        """How many chunks have been read: each takes as long, however little is in it."""
        self.chunk_size = DEFAULT_CHUNK
        self._streams: dict[int, _ChunkStream] = {}
        self._data = b""
        self._at = 0
        self._current: _ChunkStream | None = None
        self._left = 0
        self._held = 0

    @property
    def pending(self) -> int:
        """How many bytes are held: of unfinished messages, and those that have not been looked at."""
        return self._held + len(self._data) - self._at

    def feed(self, data: bytes) -> None:
        """Take what arrived; nothing of it is looked at yet."""
        if self._at < len(self._data):
            data = self._data[self._at :] + data
        self._data, self._at = data, 0

    def next(self) -> Message | None:
        """The next message that is complete; ``None``: there is none.

        :raises ChunkFault: it breaks the rules or a limit; the reader cannot be used any more.
        """
        data, at = self._data, self._at
        end = len(data)
        while True:
            chunks = self._current
            if chunks is None:
                begin = self._header(data, at, end)
                if not begin:
                    self._data, self._at = data[at:], 0
                    return None
                at = begin
                self.count += 1
                chunks = self._current
                assert chunks is not None
            stop = at + self._left
            if stop > end:
                self._keep(chunks, data, at, end)
                self._left = stop - end
                self._data, self._at = b"", 0
                return None
            self._current = None
            if chunks.body is None and self._left == chunks.length:
                payload = data[at:stop]
                chunks.missing = 0
            else:
                self._keep(chunks, data, at, stop)
                if chunks.missing:
                    at = stop
                    continue
                payload = bytes(chunks.body or b"")
                self._drop(chunks)
            at = stop
            if chunks.type <= _ABORT:
                self._obey(chunks.type, payload)
            elif payload:
                self._at = at
                return Message(chunks.type, chunks.timestamp, chunks.stream, payload)

    def _keep(self, chunks: _ChunkStream, data: bytes, start: int, stop: int) -> None:
        """Put a piece to its message."""
        size = stop - start
        if not size:
            return
        if self._held + size > 2 * self.limit:
            raise ChunkFault(f"more than {2 * self.limit} bytes of unfinished messages")
        self._held += size
        if chunks.body is None:
            chunks.body = bytearray()
        chunks.body += memoryview(data)[start:stop]
        chunks.missing -= size

    def _drop(self, chunks: _ChunkStream) -> None:
        """Forget the message under way."""
        if chunks.body is not None:
            self._held -= len(chunks.body)
        chunks.body = None
        chunks.missing = 0

    def _obey(self, kind: int, payload: bytes) -> None:
        """Change how what follows is read."""
        if len(payload) < 4:
            raise ChunkFault(f"a control message of {len(payload)} bytes")
        (value,) = _U32.unpack_from(payload)
        if kind == _SET_CHUNK_SIZE:
            if not 0 < value <= _MOST:
                raise ChunkFault(f"a chunk size of {value}; allowed is 1 to {_MOST}")
            self.chunk_size = min(value, LARGEST_CHUNK)
        elif kind == _ABORT and value in self._streams:
            self._drop(self._streams[value])

    def _header(self, data: bytes, at: int, end: int) -> int:
        """Read the header of a chunk; give back where its payload begins, or 0: it is not all there."""
        if at == end:
            return 0
        first = data[at]
        number = first & 0x3F
        at += 1
        if number == 0:
            if at + 1 > end:
                return 0
            number = 64 + data[at]
            at += 1
        elif number == 1:
            if at + 2 > end:
                return 0
            number = 64 + data[at] + 256 * data[at + 1]
            at += 2
        form = first >> 6
        chunks = self._streams.get(number)
        if chunks is None:
            chunks = self._open(number, form)
        begins = not chunks.missing
        if form == 3:
            return self._short(chunks, begins, data, at, end)
        if not begins:
            raise ChunkFault("a new message before the last one of its chunk stream was complete")
        behind = at + _SIZES[form]
        if behind > end:
            return 0
        high, low = data[at] << 8 | data[at + 1], data[at + 2]
        field = high << 8 | low
        extended = field == _EXTENDED
        if extended:
            behind += 4
            if behind > end:
                return 0
            (field,) = _U32.unpack_from(data, behind - 4)
        if form < 2:
            _, _, high, low, kind = _TIME_LENGTH_TYPE.unpack_from(data, at)
            chunks.length, chunks.type = self._allowed(high << 8 | low, kind), kind
        if form == 0:
            chunks.stream = int.from_bytes(data[at + 7 : at + 11], "little")
            chunks.timestamp = field
        else:
            chunks.timestamp = chunks.timestamp + field & 0xFFFFFFFF
        chunks.field, chunks.extended = field, extended
        return self._begin(chunks, behind)

    def _short(self, chunks: _ChunkStream, begins: bool, data: bytes, at: int, end: int) -> int:
        """Read what there is of a header of type 3: the extended time once more, if there was one.

        Some senders leave it out (section 5.3.1.3 was unclear for long): in the middle of a message, four
        bytes that differ are payload.
        """
        field = chunks.field
        if chunks.extended:
            if at + 4 > end:
                return 0
            (field,) = _U32.unpack_from(data, at)
            if field == chunks.field or begins:
                at += 4
        if not begins:
            self._current = chunks
            self._left = min(self.chunk_size, chunks.missing)
            return at
        self._allowed(chunks.length, chunks.type)
        chunks.timestamp = chunks.timestamp + field & 0xFFFFFFFF
        chunks.field = field
        return self._begin(chunks, at)

    def _begin(self, chunks: _ChunkStream, at: int) -> int:
        """A message begins."""
        self._current = chunks
        chunks.missing = chunks.length
        self._left = min(self.chunk_size, chunks.length)
        return at

    def _open(self, number: int, form: int) -> _ChunkStream:
        """A chunk stream that is used for the first time. librtmp begins that of its control messages with
        type 1.
        """
        if form > 1:
            raise ChunkFault(f"a header of type {form} that refers to none before")
        if len(self._streams) >= CHUNK_STREAMS:
            raise ChunkFault(f"more than {CHUNK_STREAMS} chunk streams")
        chunks = self._streams[number] = _ChunkStream()
        return chunks

    def _allowed(self, length: int, kind: int) -> int:
        """This length. :raises ChunkFault: it is too much for a message of this type."""
        limit = self.limit if kind in _LONG else min(self.limit, SHORT)
        if length > limit:
            raise ChunkFault(f"a message of type {kind} with {length} bytes; allowed are {limit}")
        return length


def encode(message: Message, chunk_stream: int, chunk_size: int = OUR_CHUNK) -> bytes:
    """The chunks of a message, with a full header.

    ``chunk_stream`` is 2 to 63; ``chunk_size`` what the receiver was told. The extended time is repeated in
    every chunk, as it has to be.

    :raises ValueError: the payload has more than 16 MB less a byte.
    """
    kind, timestamp, stream, payload = message
    length = len(payload)
    if length > LARGEST_CHUNK:
        raise ValueError(f"a message of {length} bytes does not fit into three bytes of length")
    if timestamp >= _EXTENDED:
        extension = _U32.pack(timestamp)
        field = _EXTENDED
    else:
        extension = b""
        field = timestamp
    little = int.from_bytes(stream.to_bytes(4, "little"), "big")
    head = _FULL.pack(chunk_stream << 24 | field, length << 8 | kind, little) + extension
    if length <= chunk_size:
        return head + payload
    view = memoryview(payload)
    pieces: list[bytes | memoryview] = [head, view[:chunk_size]]
    again = bytes((0xC0 | chunk_stream,)) + extension
    for start in range(chunk_size, length, chunk_size):
        pieces += again, view[start : start + chunk_size]
    return b"".join(pieces)


def encode_media(media: Media) -> bytes:
    """The bytes of a message for whoever plays (or is sent to): the same for each of them.

    The receiver must have been told a chunk size of :data:`OUR_CHUNK`, which both our sides of a connection
    do.
    """
    return encode(
        Message(media.kind, media.timestamp, MEDIA_STREAM, media.payload), _CHUNK_STREAM_OF[media.kind]
    )
