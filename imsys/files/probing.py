"""Find out by ffprobe whether a media container holds video or only audio.

``Probe(folder).of(source, mime)`` blocks: call it in a thread. Without ffprobe, and for files that it cannot
read, the result of :mod:`imsys.files.sniffing` stays, which goes by the first bytes and, if those are
ambiguous, by the name.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import msgspec

from imsys.files.extracts import copy_head, copy_index, unnamed
from imsys.files.readable import ReadableFile
from imsys.files.sheltered import confined, run_confined
from imsys.files.sniffing import UNKNOWN

_EXTRACT = 4 << 20
_MEMORY = 1 << 30
_OUTPUT = 1 << 16

_SUBTYPES = {
    "mov": ("mp4", "mp4"),
    "matroska": ("x-matroska", "x-matroska"),
    "mpegts": ("mp2t", "mp2t"),
    "mpeg": ("mpeg", "mpeg"),
    "mxf": ("mxf", "mxf"),
    "dv": ("dv", "dv"),
    "avi": ("x-msvideo", "x-msvideo"),
    "flv": ("x-flv", "x-flv"),
    "asf": ("x-ms-wmv", "x-ms-wma"),
    "rm": ("vnd.rn-realvideo", "vnd.rn-realaudio"),
    "ogg": ("ogg", "ogg"),
    "nut": ("x-nut", "x-nut"),
    "wtv": ("x-ms-wtv", "x-ms-wtv"),
    "caf": ("x-caf", "x-caf"),
    "wav": ("wav", "wav"),
    "w64": ("x-w64", "x-w64"),
    "aiff": ("aiff", "aiff"),
    "au": ("basic", "basic"),
    "voc": ("x-voc", "x-voc"),
    "ape": ("x-ape", "x-ape"),
    "wv": ("x-wavpack", "x-wavpack"),
    "tta": ("x-tta", "x-tta"),
    "dsf": ("x-dsf", "x-dsf"),
}
"""ffmpeg's containers with an unmistakable beginning, and their subtypes with video, and with audio only."""

_WHITELIST = ",".join((*_SUBTYPES, "mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"))
_CERTAIN = 50
"""The least score of ffprobe, out of 100, that counts."""

_STILL = {
    "mif1",
    "msf1",
    "heic",
    "heix",
    "hevc",
    "hevx",
    "heim",
    "heis",
    "avif",
    "avis",
    "miaf",
    "jxl ",
    "jp2 ",
    "crx ",
}
"""Major brands of still pictures in MP4 boxes, which newer ffprobes take for videos."""

_NAMED = re.compile(
    rb"[\w ]{4}|.{4}[\w ]{4}|\x00\x00\x01|\x1a\x45\xdf\xa3|\x06\x0e\x2b\x34|\x30\x26\xb2\x75|\x1f\x07\x00",
    re.DOTALL,
)
_PACKETS = re.compile(rb"\x47.{187}\x47.{187}\x47|\x47.{191}\x47.{191}\x47", re.DOTALL)
"""Rough beginnings of containers: a four-letter name, or packets of fixed length. Others need no process."""


class _Stream(msgspec.Struct):
    codec_type: str = ""
    disposition: dict[str, int] = {}


class _Format(msgspec.Struct):
    format_name: str = ""
    probe_score: int = 0
    tags: dict[str, str] = {}


class _Found(msgspec.Struct):
    format: _Format = msgspec.field(default_factory=_Format)
    streams: list[_Stream] = []


class Probe:
    """Reads the headers of containers with ffprobe, to tell their content type.

    :param folder: see :func:`~imsys.files.extracts.unnamed`.
    :param deadline: seconds for one file.
    """

    def __init__(self, folder: Path, *, deadline: float = 10.0, program: str = "ffprobe") -> None:
        self._folder = folder
        self._deadline = deadline
        self._program = shutil.which(program)

    def of(self, source: ReadableFile, mime: str, head: bytes) -> str:
        """Determine the content type of a file.

        :param mime: the type by its first bytes.
        :param head: its first bytes.
        :raises OSError: it cannot be read.
        :raises Damaged: it is corrupt.
        """
        if self._program is None or (
            not (mime == UNKNOWN and _may_be_container(head))
            and mime.partition("/")[0] not in ("audio", "video")
        ):
            return mime
        with unnamed(self._folder) as file:
            copy_head(source, file, _EXTRACT)
            if head[4:8].isalpha():
                copy_index(source, file, _EXTRACT)
            said = run_confined(
                confined(_command(self._program, file)), None, self._deadline, _OUTPUT, _MEMORY, (file,)
            )
        try:
            return _type(msgspec.json.decode(said or b"{}", type=_Found), mime, head)
        except msgspec.MsgspecError:
            return mime


def _may_be_container(head: bytes) -> bool:
    return bool(_NAMED.match(head) or _PACKETS.search(head))


def _command(program: str, file: int) -> list[str]:
    """Build the command that reads the headers of this file only."""
    return [
        program,
        *("-v", "error", "-of", "json"),
        *(
            "-show_entries",
            "format=format_name,probe_score:format_tags=major_brand:stream=codec_type:stream_disposition=attached_pic",
        ),
        *("-protocol_whitelist", "file", "-format_whitelist", _WHITELIST),
        *("-probesize", str(_EXTRACT), "-analyzeduration", "1000000", f"file:/dev/fd/{file}"),
    ]


def _type(found: _Found, mime: str, head: bytes) -> str:
    name = found.format.format_name.partition(",")[0]
    brand = found.format.tags.get("major_brand", "")
    kinds = {one.codec_type for one in found.streams if not one.disposition.get("attached_pic")}
    if (
        name not in _SUBTYPES
        or brand in _STILL
        or found.format.probe_score < _CERTAIN
        or not kinds & {"audio", "video"}
    ):
        return mime
    pictures = "video" in kinds
    subtype = _SUBTYPES[name][not pictures]
    if name == "mov" and brand.startswith(("3gp", "3g2")):
        subtype = "3gpp" if brand.startswith("3gp") else "3gpp2"
    elif name == "mov" and pictures and brand in ("", "qt  "):
        subtype = "quicktime"
    elif name == "matroska" and b"webm" in head[:64]:
        subtype = "webm"
    return f"{'video' if pictures else 'audio'}/{subtype}"
