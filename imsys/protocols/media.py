"""What a live stream is made of: messages of audio, video and data, as RTMP carries them and FLV files keep them.

A payload is the body of an FLV tag, which is also that of the RTMP message. It is passed on untouched; of it only the first bytes
are looked at: whether a player can begin there, and whether it is what a codec needs before everything else
(Adobe's *Video File Format Specification* 10.1, annex E; *Enhanced RTMP* v2 for what names its codec by a FourCC).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

_EXTENDED = 0x80
"""Of the first byte of a video payload: it is one of enhanced RTMP's."""

_KEY_FRAME = 1
_AVC, _HEVC = 7, 12
"""Codecs with a header of their own; 12 is what some sent HEVC as before enhanced RTMP."""

_AAC, _EXTENDED_AUDIO = 10, 9
_SEQUENCE_START, _MPEG2TS_START, _MULTITRACK, _MODIFIED = 0, 5, 6, 7


class Kind(enum.IntEnum):
    """The type of an RTMP message, and of an FLV tag."""

    AUDIO = 8
    VIDEO = 9
    DATA = 18


@dataclass(frozen=True, slots=True)
class Media:
    """One message of a stream."""

    kind: Kind
    timestamp: int
    """Milliseconds, of 32 bits."""
    payload: bytes
    header: bool = False
    """It configures a codec: a player has to have it before anything else."""
    key: bool = False
    """It is a picture that needs no other: a player can begin with it."""


def media(kind: Kind, timestamp: int, payload: bytes) -> Media:
    """A message, looked at."""
    if kind is Kind.VIDEO:
        return Media(kind, timestamp, payload, *_video(payload))
    return Media(kind, timestamp, payload, kind is Kind.AUDIO and _audio_header(payload))


def _video(payload: bytes) -> tuple[bool, bool]:
    """Whether it configures a codec, and whether it is a key frame."""
    if len(payload) < 2:
        return False, False
    first = payload[0]
    key = first >> 4 & 7 == _KEY_FRAME
    if first & _EXTENDED:
        header = _starts(payload, first & 15, (_SEQUENCE_START, _MPEG2TS_START))
    else:
        header = first & 15 in (_AVC, _HEVC) and payload[1] == 0
    return header, key and not header


def _audio_header(payload: bytes) -> bool:
    if len(payload) < 2:
        return False
    if payload[0] >> 4 == _EXTENDED_AUDIO:
        return _starts(payload, payload[0] & 15, (_SEQUENCE_START,))
    return payload[0] >> 4 == _AAC and payload[1] == 0


def _starts(payload: bytes, packet: int, starts: tuple[int, ...]) -> bool:
    """Whether an enhanced packet is one of these types, behind whatever modifies it."""
    at = 1
    while packet == _MODIFIED and at + 1 < len(payload):  # a size less one (of 1 or 3 bytes), so many bytes, and the next type
        size = payload[at] + 1
        at += 1
        if size == 256:
            size = int.from_bytes(payload[at : at + 2], "big") + 1
            at += 2
        at += size
        packet = payload[at] & 15 if at < len(payload) else _MODIFIED
        at += 1
    if packet == _MULTITRACK and at < len(payload):
        packet = payload[at] & 15
    return packet in starts
