"""Players in memory, and messages for them."""

from __future__ import annotations

from collections.abc import Sequence

from imsys.protocols.media import Kind, Media, media

METADATA = media(Kind.DATA, 0, b"\x02\x00\x0aonMetaData\x08\x00\x00\x00\x00\x00\x00\x09")
AVC = media(Kind.VIDEO, 0, b"\x17\x00\x00\x00\x00avcC")
AAC = media(Kind.AUDIO, 0, b"\xaf\x00\x12\x10")


def key(timestamp: int, size: int = 20) -> Media:
    """A picture to begin with."""
    return media(Kind.VIDEO, timestamp, b"\x17\x01\x00\x00\x00".ljust(size, b"K"))


def inter(timestamp: int, size: int = 20) -> Media:
    """A picture that needs those before it."""
    return media(Kind.VIDEO, timestamp, b"\x27\x01\x00\x00\x00".ljust(size, b"i"))


def sound(timestamp: int, size: int = 10) -> Media:
    """A piece of sound."""
    return media(Kind.AUDIO, timestamp, b"\xaf\x01".ljust(size, b"s"))


class Plain:
    """An encoding that a test can read again."""

    def __init__(self) -> None:
        self.made = 0

    def encode(self, media: Media) -> bytes:
        self.made += 1
        size = len(media.payload)
        return (
            media.kind.to_bytes(1, "big")
            + media.timestamp.to_bytes(4, "big")
            + size.to_bytes(4, "big")
            + media.payload
        )

    def join(self, pieces: Sequence[bytes]) -> bytes:
        return b"".join(pieces)


def decoded(data: bytes) -> list[Media]:
    """What was encoded."""
    found = []
    while data:
        size = int.from_bytes(data[5:9], "big")
        found.append(media(Kind(data[0]), int.from_bytes(data[1:5], "big"), data[9 : 9 + size]))
        data = data[9 + size :]
    return found


class Watcher:
    """A player, with room for so many bytes until somebody takes them.

    :param room: bytes beyond which it is behind.
    """

    def __init__(self, encoding: Plain, room: int = 1 << 40) -> None:
        self.encoding = encoding
        self.room = room
        self.paused = False
        self.writes: list[bytes] = []
        self.unsent = 0
        self.most_unsent = 0
        self.ended: str | None = None

    @property
    def behind(self) -> bool:
        return self.paused or self.unsent > self.room

    def write(self, data: bytes) -> None:
        assert self.ended is None, "something was written behind the end"
        assert not self.behind, "something was written to one who is behind"
        self.writes.append(data)
        self.unsent += len(data)
        self.most_unsent = max(self.most_unsent, self.unsent)

    def over(self, reason: str) -> None:
        assert self.ended is None
        self.ended = reason

    @property
    def seen(self) -> list[Media]:
        return decoded(b"".join(self.writes))
