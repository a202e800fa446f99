"""What makes a file of a stream's tags: a header, and metadata that say how long it is, and where its key
frames are.

``onMetaData`` with ``keyframes`` (``times`` in seconds, ``filepositions`` in bytes) is not in Adobe's
specification; it is what players of FLV look for to seek (FFmpeg's ``libavformat/flvdec.c``,
``parse_keyframes_index``; mpegts.js).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from imsys.errors import PeerFault
from imsys.protocols import flv
from imsys.protocols.media import Kind, Media, media
from imsys.protocols.rtmp.amf0 import EcmaArray, Value, decode, encode

MOST_KEYS = 8000
"""Key frames in an index at most, twice so many values (readers bound those; ours at 20,000): of more, every
second one is left out.
"""

MOST_PREFIX = 1 << 18
"""Bytes that header, metadata and index have at most."""

_TAG = 11
_TRAILER = 4
_LOOKED_AT = 64
"""Bytes of a payload that tell a key frame."""

_MOST_METADATA = 65536
_EVENT = "onMetaData"
_MARK = encode(_EVENT)


def is_metadata(payload: bytes) -> bool:
    """Whether the payload of a data tag describes the stream."""
    return payload.startswith(_MARK)


@dataclass(slots=True)
class Tags:
    """What was found in a run of tags, which comes in pieces of any size.

    Times are in milliseconds, places in bytes from the first tag on.
    """

    end: int = 0
    """Behind the last whole tag."""
    last: int = 0
    """The latest time."""
    kinds: set[Kind] = field(default_factory=set)
    metadata: tuple[int, int, bytes] | None = None
    """Where the tag is that describes the stream, where it ends, and its payload."""
    keys: list[tuple[int, int]] = field(default_factory=list)
    """Times and places of key frames."""
    _every: int = 1
    _seen: int = 0
    _held: bytes = b""
    _at: int = 0  # of what is held
    _skip: int = 0

    def feed(self, data: bytes) -> None:
        """The next bytes. :raises PeerFault: they are no tags."""
        data = self._held + data
        start = 0
        while True:
            step = min(self._skip, len(data) - start)
            start, self._skip = start + step, self._skip - step
            if self._skip:
                break
            self.end = self._at + start
            head = data[start : start + _TAG]
            if len(head) < _TAG:
                break
            kind, size = head[0], int.from_bytes(head[1:4])
            wanted = min(size, _MOST_METADATA if kind == Kind.DATA else _LOOKED_AT)
            if len(data) - start - _TAG < wanted:
                break
            try:
                self._look(
                    media(
                        Kind(kind),
                        int.from_bytes(head[7:8] + head[4:7]),
                        data[start + _TAG : start + _TAG + wanted],
                    ),
                    size,
                )
            except ValueError:
                raise PeerFault(f"a tag of type {kind} at {self.end}") from None
            self._skip = _TAG + size + _TRAILER
        self._held, self._at = data[start:], self._at + start

    def _look(self, tag: Media, size: int) -> None:
        if tag.kind is Kind.DATA:
            if self.metadata is None and is_metadata(tag.payload) and size <= _MOST_METADATA:
                self.metadata = self.end, self.end + _TAG + size + _TRAILER, tag.payload
            return
        self.kinds.add(tag.kind)
        self.last = max(self.last, tag.timestamp)
        if not tag.key:
            return
        if self._seen % self._every == 0:
            self.keys.append((tag.timestamp, self.end))
            if len(self.keys) > MOST_KEYS:
                del self.keys[1::2]
                self._every *= 2
        self._seen += 1

    def prefix(self) -> bytes:
        """What stands before the tags, in place of the metadata among them: header and metadata of the whole
        file.
        """
        values = EcmaArray(_described(self.metadata[2]) if self.metadata is not None else {})
        values.update(
            duration=self.last / 1000,
            lasttimestamp=self.last / 1000,
            lastkeyframetimestamp=(self.keys[-1][0] if self.keys else 0) / 1000,
            hasVideo=Kind.VIDEO in self.kinds,
            hasAudio=Kind.AUDIO in self.kinds,
            hasMetadata=True,
            hasKeyframes=bool(self.keys),
            canSeekToEnd=False,
            metadatacreator="imsys",
            filesize=0.0,
            keyframes={
                "times": [time / 1000 for time, _ in self.keys],
                "filepositions": [0.0] * len(self.keys),
            },
        )
        length = len(self._prefixed(values))  # numbers have one size, so it stays what it is
        cut, cut_end = self.metadata[:2] if self.metadata is not None else (0, 0)
        values["filesize"] = float(length + self.end - (cut_end - cut))
        places = [length + place - (cut_end - cut if place >= cut_end else 0) for _, place in self.keys]
        values["keyframes"] = {
            "times": [time / 1000 for time, _ in self.keys],
            "filepositions": [float(place) for place in places],
        }
        return self._prefixed(values)

    def _prefixed(self, values: EcmaArray) -> bytes:
        return flv.header(self.kinds) + flv.encode_tag(Media(Kind.DATA, 0, encode(_EVENT, values)))


def _described(payload: bytes) -> dict[str, Value]:
    """The plain values of a publisher's description: sizes, rates, codecs."""
    try:
        found = decode(payload)[1:]
    except (PeerFault, struct.error):
        return {}
    first = found[0] if found else None
    if not isinstance(first, dict):
        return {}
    plain = {
        name: value for name, value in first.items() if name and isinstance(value, bool | int | float | str)
    }
    return {
        name: value
        for name, value in list(plain.items())[:64]
        if not isinstance(value, str) or len(value) <= 256
    }
