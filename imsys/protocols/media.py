"""What a live stream is made of: messages of audio, video and data, as RTMP carries them and FLV files keep
them.

A payload is the body of an FLV tag, which is also that of the RTMP message. It is passed on untouched; of it
only the first bytes are looked at: whether a player can begin there, and whether it is what a codec needs
before everything else (Adobe's *Video File Format Specification* 10.1, annex E; *Enhanced RTMP* v2 for what
names its codec by a FourCC).
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
_COMMAND_FRAME = 5
"""A "picture" that is a hint for seeking."""
_SEQUENCE_START, _CODED, _CODED_WITHOUT_OFFSET, _MPEG2TS_START, _MODIFIED = 0, 1, 3, 5, 7
"""Types of enhanced packets."""

_METADATA = b"\x02\x00\x0aonMetaData"


class Kind(enum.IntEnum):
    """The type of an RTMP message, and of an FLV tag."""

    AUDIO = 8
    VIDEO = 9
    DATA = 18


_TRACKS, _ONE_TRACK = {Kind.AUDIO: 5, Kind.VIDEO: 6}, 0
"""The type of an enhanced packet of several tracks, of which it has one, or several with the same codec, or
each with its own.
"""


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
    coded: bool = False
    """It is sound or a picture. What is not has no time of its own: headers, ends of sequences, data."""


def media(kind: Kind, timestamp: int, payload: bytes) -> Media:
    """A message, looked at."""
    if kind is Kind.VIDEO:
        header, coded = _video(payload)
        return Media(kind, timestamp, payload, header, coded and payload[0] >> 4 & 7 == _KEY_FRAME, coded)
    if kind is Kind.AUDIO:
        header, coded = _audio(payload)
        return Media(kind, timestamp, payload, header, coded=coded)
    return Media(kind, timestamp, payload, payload.startswith(_METADATA))


def _video(payload: bytes) -> tuple[bool, bool]:
    """Whether it configures a codec, and whether it is a picture.

    The end of a sequence calls itself a key frame, and is none.
    """
    if len(payload) < 2:
        return False, False
    first = payload[0]
    if first >> 4 & 7 == _COMMAND_FRAME:
        return False, False
    if _is_extended(Kind.VIDEO, payload):
        found = _packet_type(Kind.VIDEO, payload)
        return found in (_SEQUENCE_START, _MPEG2TS_START), found in (_CODED, _CODED_WITHOUT_OFFSET)
    if first & 15 in (_AVC, _HEVC):
        return payload[1] == 0, payload[1] == 1
    return False, True


def _audio(payload: bytes) -> tuple[bool, bool]:
    """Whether it configures a codec, and whether it is sound."""
    if len(payload) < 2:
        return False, False
    if _is_extended(Kind.AUDIO, payload):
        found = _packet_type(Kind.AUDIO, payload)
        return found == _SEQUENCE_START, found == _CODED
    if payload[0] >> 4 == _AAC:
        return payload[1] == 0, payload[1] == 1
    return False, True


@dataclass(frozen=True, slots=True)
class Packet:
    """An enhanced packet, behind whatever modifies it and says that it is one of several tracks."""

    type: int
    codec: bytes
    """A FourCC."""
    track: int
    """0 where there is one track; of several in one packet, the first."""
    body: bytes


def packet(kind: Kind, payload: bytes) -> Packet | None:
    """Read a payload of enhanced RTMP's; ``None``: it is none, or is cut off."""
    if not _is_extended(kind, payload):
        return None
    found, at = _modified(payload)
    tracks, track = None, 0
    if found == _TRACKS[kind]:
        head = payload[at : at + 1]
        if not head:
            return None
        found, tracks = head[0] & 15, head[0] >> 4
        at += 1
    codec = payload[at : at + 4]
    body = payload[at + 4 :]
    if tracks is not None:
        if not body:
            return None
        track, body = body[0], body[1:]
        if tracks != _ONE_TRACK:  # each with its size
            body = body[3 : 3 + int.from_bytes(body[:3], "big")]
    return Packet(found, codec, track, body) if found is not None and len(codec) == 4 else None


def _is_extended(kind: Kind, payload: bytes) -> bool:
    first = payload[0] if payload else 0
    return (
        bool(first & _EXTENDED)
        if kind is Kind.VIDEO
        else kind is Kind.AUDIO and first >> 4 == _EXTENDED_AUDIO
    )


def _packet_type(kind: Kind, payload: bytes) -> int | None:
    """The type of an enhanced packet; ``None``: it is cut off."""
    found, at = _modified(payload)
    if found == _TRACKS[kind]:
        return payload[at] & 15 if at < len(payload) else None
    return found


def _modified(payload: bytes) -> tuple[int | None, int]:
    """The type behind what modifies a packet, and where the rest is; ``None``: it is cut off."""
    found, at, end = payload[0] & 15, 1, len(payload)
    # a size less one (in one byte, or in two behind a 255), so many bytes, and the next type
    while found == _MODIFIED and at < end:
        size = payload[at] + 1
        at += 1
        if size == 256:
            size = int.from_bytes(payload[at : at + 2], "big") + 1
            at += 2
        at += size
        found = payload[at] & 15 if at < end else _MODIFIED
        at += 1
    return None if found == _MODIFIED else found, at
