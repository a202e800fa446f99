"""Make small pictures of files: thumbnails of pictures, posters of videos, avatars.

``Previews(folder).thumbnail(source)``, ``.poster(source, mime)`` and ``.avatars(source)`` block for at most
about ``deadline`` seconds (a poster: twice that): call them in a thread. They return nothing if the file is
damaged, malicious, too large, of an unsupported format, or takes too long. They raise only if the file cannot
be read (``OSError``, :class:`~imsys.files.sealing.Damaged`), in which case a retry may help.

Untrusted files are decoded by a child process with bounds for time, memory and output, in a sandbox
(:mod:`imsys.files.confinement`): :mod:`imsys.files.pictures` (Pillow), or ffmpeg on an extract of the file
(:mod:`imsys.files.extracts`).
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import ffmpeg

from imsys.files.extracts import copy_head, copy_index, unnamed
from imsys.files.readable import InMemoryFile, ReadableFile
from imsys.files.sheltered import confined, run_confined

THUMBNAIL = 320
"""Pixels of the longer side of a thumbnail or poster, at most."""

AVATARS = (96, 384)
"""Pixels of the sides of the two sizes of an avatar, at most."""

MAX_PICTURE = 64 << 20
"""Bytes of a picture with a thumbnail, at most."""

_MEMORY = 1 << 30  # a picture of 40 megapixels takes up to 650 MB
_VIDEO_MEMORY = 2 << 30
_VIDEO_PIXELS = 8192 * 4608
_OUTPUT = 4 << 20
_HEAD = 24 << 20  # of a video, and of the bytes that a late index is about: some seconds

_DEMUXERS = {
    "video/mp4": "mov",
    "video/quicktime": "mov",
    "video/3gpp": "mov",
    "video/webm": "matroska",
    "video/x-matroska": "matroska",
    "video/x-msvideo": "avi",
    "video/x-flv": "flv",
    "video/mpeg": "mpeg",
    "video/ogg": "ogg",
    "video/x-ms-wmv": "asf",
}
"""The demuxer is given to ffmpeg, since it knows formats that make it read other files."""

_DECODERS = ",".join(
    (
        *(
            "h264",
            "hevc",
            "av1",
            "libdav1d",
            "vp8",
            "vp9",
            "libvpx",
            "libvpx-vp9",
            "theora",
            "mjpeg",
            "prores",
            "flv",
            "h263",
            "vc1",
        ),
        *("mpeg1video", "mpeg2video", "mpeg4", "msmpeg4", "msmpeg4v2", "wmv1", "wmv2", "wmv3"),
    )
)


@dataclass(frozen=True, slots=True)
class Preview:
    """A small picture."""

    data: bytes
    mime: str
    """``image/jpeg``, or ``image/png`` if it is transparent."""
    width: int
    height: int


class Previews:
    """Makes small pictures of pictures and films.

    :param folder: for the nameless extracts of files, on systems that cannot keep them in memory.
    :param deadline: seconds for one program.
    :param program: ffmpeg; without it there are no posters.
    """

    def __init__(self, folder: Path, *, deadline: float = 20.0, program: str = "ffmpeg") -> None:
        self._folder = folder
        self._deadline = deadline
        self._program = shutil.which(program)

    @property
    def posters(self) -> bool:
        """Whether ffmpeg is installed."""
        return self._program is not None

    def thumbnail(self, source: ReadableFile) -> Preview | None:
        """Make a picture whose longer side has at most :data:`THUMBNAIL` pixels."""
        made = self._small(source, (THUMBNAIL,))
        return made[0] if made else None

    def avatars(self, source: ReadableFile) -> list[Preview]:
        """Cut the centre square in the sizes of :data:`AVATARS`; empty: it is not a picture."""
        return self._small(source, AVATARS, "--square")

    def poster(self, source: ReadableFile, mime: str) -> Preview | None:
        """Make a thumbnail of the first frame of a video.

        :param mime: the type found by :func:`~imsys.files.sniffing.sniff`.
        """
        demuxer = _DEMUXERS.get(mime)
        if self._program is None or demuxer is None:
            return None
        with unnamed(self._folder) as file:
            copy_head(source, file, _HEAD)
            if demuxer == "mov" and not copy_index(source, file, _HEAD):
                return None
            command = confined(_frame_command(self._program, file, demuxer))
            frame = self._run(command, None, _VIDEO_MEMORY, keep=(file,))
        return self.thumbnail(InMemoryFile(frame)) if frame else None

    def walls(self) -> list[str]:
        """Return which of :data:`~imsys.files.confinement.WALLS` are in force on this system."""
        if sys.platform != "linux":
            return []
        said = self._run((sys.executable, "-m", "imsys.files.confinement", "--check"), None, _MEMORY)
        stand: list[str] = json.loads(said) if said else []
        return stand

    def _small(self, source: ReadableFile, sides: Sequence[int], *how: str) -> list[Preview]:
        if not 0 < source.size <= MAX_PICTURE:
            return []
        written = self._run(
            (sys.executable, "-m", "imsys.files.pictures", *how, *map(str, sides)), source, _MEMORY
        )
        return list(_parsed(written)) if written else []

    def _run(
        self, command: Sequence[str], source: ReadableFile | None, memory: int, keep: Sequence[int] = ()
    ) -> bytes | None:
        """Return the output of a program, or ``None``."""
        return run_confined(command, source, self._deadline, _OUTPUT, memory, keep)


def _parsed(written: bytes) -> Iterator[Preview]:
    while written:
        line, _, written = written.partition(b"\n")
        mime, width, height, length = json.loads(line)
        yield Preview(written[:length], mime, width, height)
        written = written[length:]


def _frame_command(program: str, file: int, demuxer: str) -> list[str]:
    """Build the command that decodes one frame with one thread, and reads only this file."""
    fit = f"min(1,{2 * THUMBNAIL}/max(iw*sar,ih))"
    video = ffmpeg.input(
        f"file:/dev/fd/{file}",
        format=demuxer,
        protocol_whitelist="file",
        codec_whitelist=_DECODERS,
        max_pixels=_VIDEO_PIXELS,
        threads=1,
        probesize=_HEAD,
        analyzeduration=10_000_000,
    )
    frame = ffmpeg.output(
        video["V:0"],  # not an attached cover picture
        "pipe:1",
        format="image2pipe",
        vcodec="png",
        frames=1,
        vf=f"scale=w='max(1,iw*sar*{fit})':h='max(1,ih*{fit})',setsar=1",  # pixels need not be square
        threads=1,
        filter_threads=1,
        map_metadata=-1,
    ).global_args("-nostdin", "-hide_banner", "-loglevel", "error")
    return list(map(str, ffmpeg.compile(frame, cmd=program)))
