"""A stream as an encoder would send it, made of noise: its shape is that of H.264 and AAC, and each message
says when it was sent.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from typing import NamedTuple

from imsys.protocols.media import Kind, Media, media
from imsys.protocols.rtmp import amf0

PICTURES = 30
"""A second."""
GROUP = 60
"""Pictures of a group: two seconds, as OBS has it by default."""
_SOUNDS = 44100 / 1024
"""AAC frames a second."""
_SOUND = 372
"""Bytes of one: 128 kb/s."""
_KEY = 8
"""How many times as large as the other pictures a key frame is."""

_STAMP = struct.Struct(">QI")
_VIDEO, _AUDIO = 10, 2
"""Bytes before the stamp: those of the tag (and the length and type of a NAL unit)."""


class Stamp(NamedTuple):
    """The time and number in a message."""

    sent: int
    """Nanoseconds of the monotonic clock."""
    number: int
    """The number of the message among those of its kind, from 0 on."""


def opening() -> list[Media]:
    """Return the first messages and one small picture: a player that gets them has begun."""
    metadata = {"width": 1280, "height": 720, "framerate": PICTURES, "videocodecid": 7, "audiocodecid": 10}
    return [
        media(Kind.DATA, 0, amf0.encode("onMetaData", amf0.EcmaArray(metadata))),
        media(Kind.VIDEO, 0, b"\x17\x00\x00\x00\x00\x01\x64\x00\x1f\xff\xe1\x00\x00\x01\x00\x00"),
        media(Kind.AUDIO, 0, b"\xaf\x00\x12\x10"),
        media(Kind.VIDEO, 0, b"\x17\x01\x00\x00\x00\x00\x00\x00\x01\x65"),
    ]


class Frame(NamedTuple):
    """A message that is to be sent."""

    at: float
    """Seconds from the beginning."""
    kind: Kind
    number: int
    payload: bytes
    """Without its stamp."""

    def stamped(self, now: int) -> Media:
        """Return the message stamped with ``now`` (nanoseconds)."""
        before = _VIDEO if self.kind is Kind.VIDEO else _AUDIO
        stamp = _STAMP.pack(now, self.number)
        payload = b"".join((self.payload[:before], stamp, self.payload[before + len(stamp) :]))
        return media(self.kind, round(self.at * 1000) + 1000, payload)


def frames(bitrate: int, seconds: float) -> Iterator[Frame]:
    """The messages of so many seconds, in order; sound and pictures have so many bits a second together."""
    noise = random.Random(20250102).randbytes(1 << 20)  # noqa: S311 (the same in every run)
    group = bitrate / 8 * GROUP / PICTURES - _SOUNDS * _SOUND * GROUP / PICTURES
    picture = round(group / (GROUP - 1 + _KEY))
    pictures = ((number / PICTURES, Kind.VIDEO, number) for number in range(int(seconds * PICTURES)))
    sounds = ((number / _SOUNDS, Kind.AUDIO, number) for number in range(int(seconds * _SOUNDS)))
    for at, kind, number in sorted((*pictures, *sounds)):
        if kind is Kind.AUDIO:
            head, size = b"\xaf\x01", _SOUND
        else:
            key = number % GROUP == 0
            size = picture * _KEY if key else picture
            head = (
                (b"\x17\x01" if key else b"\x27\x01")
                + bytes(3)
                + (size - 9).to_bytes(4, "big")
                + (b"\x65" if key else b"\x41")
            )
        yield Frame(at, kind, number, head + noise[: size - len(head)])


def stamp(message: Media) -> Stamp | None:
    """Return a message's stamp; ``None``: it was sent before the beginning."""
    if message.timestamp < 1000 or message.kind is Kind.DATA:
        return None
    return Stamp._make(_STAMP.unpack_from(message.payload, _VIDEO if message.kind is Kind.VIDEO else _AUDIO))
