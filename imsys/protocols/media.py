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
_SEQUENCE_START, _CODED, _CODED_WITHOUT_OFFSET, _MPEG2TS_START, _MODIFIED = 0, 1, 3, 5, 7
_AUDIO_TRACKS, _VIDEO_TRACKS = 5, 6
"""Types of enhanced packets; those with several tracks have different numbers."""

_METADATA = b"\x02\x00\x0aonMetaData"


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
    """It configures a codec, or holds the metadata: a player has to have it before anything else."""
    key: bool = False
    """It is a picture that needs no other: a player can begin with it."""


def media(kind: Kind, timestamp: int, payload: bytes) -> Media:
    """A message, looked at."""
    if kind is Kind.VIDEO:
        return Media(kind, timestamp, payload, *_video(payload))
    if kind is Kind.AUDIO:
        return Media(kind, timestamp, payload, _audio_header(payload))
    return Media(kind, timestamp, payload, payload.startswith(_METADATA))


def _video(payload: bytes) -> tuple[bool, bool]:
    """Whether it configures a codec, and whether it is a key frame; the end of a sequence calls itself one too, and is none."""
    if len(payload) < 2:
        return False, False
    first = payload[0]
    key = first >> 4 & 7 == _KEY_FRAME
    if first & _EXTENDED:
        packet = _packet(payload, _VIDEO_TRACKS)
        return packet in (_SEQUENCE_START, _MPEG2TS_START), key and packet in (_CODED, _CODED_WITHOUT_OFFSET)
    if first & 15 in (_AVC, _HEVC):
        return payload[1] == 0, key and payload[1] == 1
    return False, key


def _audio_header(payload: bytes) -> bool:
    if len(payload) < 2:
        return False
    if payload[0] >> 4 == _EXTENDED_AUDIO:
        return _packet(payload, _AUDIO_TRACKS) == _SEQUENCE_START
    return payload[0] >> 4 == _AAC and payload[1] == 0


def _packet(payload: bytes, tracks: int) -> int | None:
    """The type of an enhanced packet, behind whatever modifies it and that it has several tracks; ``None``: it is cut off."""
    packet, at, end = payload[0] & 15, 1, len(payload)
    while packet == _MODIFIED and at < end:  # a size less one (in one byte, or in two behind a 255), so many bytes, and the next type
        size = payload[at] + 1
        at += 1
        if size == 256:
            size = int.from_bytes(payload[at : at + 2], "big") + 1
            at += 2
        at += size
        packet = payload[at] & 15 if at < end else _MODIFIED
        at += 1
    if packet == tracks:
        return payload[at] & 15 if at < end else None
    return None if packet == _MODIFIED else packet
