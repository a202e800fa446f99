"""Streams for players that know the first track of each kind, and little of enhanced RTMP, as those in
browsers (mpegts.js).

Nothing that is shown is lost: what other tracks have, what describes colours, and data are left out, packets
that are modified or say which track they are become plain ones, and codecs that FLV has numbers for are
written as FLV had them before there were FourCCs.
"""

from __future__ import annotations

import dataclasses

from imsys.protocols.media import Kind, Media, packet

_START, _CODED, _END, _CODED_WITHOUT_OFFSET = range(4)
_VIDEO_TYPES = {_START, _CODED, _END, _CODED_WITHOUT_OFFSET}
_AUDIO_TYPES = {_START, _CODED, _END}

_NO_OFFSET = bytes(3)
_FLAC_MAGIC = b"fLaC"
_STREAM_INFO = 34
_BLOCK, _LAST_BLOCK = bytes((0, 0, 0, _STREAM_INFO)), bytes((0x80, 0, 0, _STREAM_INFO))
"""What every FLAC stream describes itself with, and the head of the metadata block that it is in (RFC 9639,
8.1 and 8.2).
"""


def basic(media: Media) -> Media | None:
    """The message as such a player takes it; ``None``: it can do without."""
    if media.kind is Kind.DATA:
        return None
    found = packet(media.kind, media.payload)
    if found is None:
        return media
    types = _VIDEO_TYPES if media.kind is Kind.VIDEO else _AUDIO_TYPES
    if found.track or found.type not in types or not (found.body or found.type == _END):
        return None
    write = _video if media.kind is Kind.VIDEO else _audio
    payload = write(media.payload[0] & 0xF0, found.type, found.codec, found.body)
    return None if payload is None else dataclasses.replace(media, payload=payload)


def _video(first: int, kind: int, codec: bytes, body: bytes) -> bytes:
    if codec != b"avc1":
        return bytes((first | kind,)) + codec + body
    offset = b"" if kind == _CODED else _NO_OFFSET
    return bytes((first & 0x70 | 7, _CODED if kind == _CODED_WITHOUT_OFFSET else kind)) + offset + body


def _audio(first: int, kind: int, codec: bytes, body: bytes) -> bytes | None:
    if codec in (b"mp4a", b".mp3") and (kind == _END or (codec == b".mp3" and kind == _START)):
        return None
    if codec == b"mp4a":
        return bytes((0xAF, kind)) + body
    if codec == b".mp3":
        return b"\x2f" + body
    if codec == b"fLaC" and kind == _START:
        body = body.removeprefix(_FLAC_MAGIC)
        if body[:4] not in (_LAST_BLOCK, _BLOCK):
            # ffmpeg leaves its head out, which mpegts.js does not look at, but wants
            body = _LAST_BLOCK + body
        body = body[: len(_BLOCK) + _STREAM_INFO]
    return bytes((first | kind,)) + codec + body
