"""Small pictures of files: thumbnails of pictures, posters of videos, avatars.

``Previews(folder).thumbnail(source)``, ``.poster(source, mime)`` and ``.avatars(source)`` block for at most about ``deadline``
seconds (a poster: twice that), and belong into a thread. They give ``None`` where there is nothing to show: the file is broken, hostile,
too large or of a format that is not shown here, or it took too long. They raise only when the file cannot be read (``OSError``,
:class:`~imsys.files.sealing.Damaged`): that says nothing of the file, and it may be tried again.

What decodes a stranger's file is a child process with bounds for time, memory and output: :mod:`imsys.files.pictures` (Pillow)
or ffmpeg. ffmpeg has to seek in what it reads. It gets a file that has no name, with the parts that the first frame needs, copied
from the sealed file; on Linux it is in memory, so that nothing of it is ever on a disk as it is.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import ffmpeg

from imsys.files.programs import TooLong, TooMuch, run
from imsys.files.sources import Held, Source, pieces

THUMBNAIL = 320
"""Pixels of the longer side of a thumbnail or poster, at most."""

AVATARS = (96, 384)
"""Pixels of the sides of the two sizes of an avatar, at most."""

MAX_PICTURE = 64 << 20
"""Bytes of a picture beyond which there is no thumbnail of it."""

_MEMORY = 1 << 30  # a picture of 40 megapixels takes up to 650 MB
_VIDEO_MEMORY = 2 << 30
_VIDEO_PIXELS = 8192 * 4608
_OUTPUT = 4 << 20
_HEAD = 24 << 20  # of a video, and of the bytes that a late index is about: some seconds
_INDEX = 32 << 20  # of an MP4: hours
_BOXES = 64
_MIN_BOX = 8

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
"""ffmpeg is told what to take a file for: it knows formats that name other files to be read, which nobody is to send us."""

_DECODERS = ",".join(
    (
        *("h264", "hevc", "av1", "libdav1d", "vp8", "vp9", "libvpx", "libvpx-vp9", "theora", "mjpeg", "prores", "flv", "h263", "vc1"),
        *("mpeg1video", "mpeg2video", "mpeg4", "msmpeg4", "msmpeg4v2", "wmv1", "wmv2", "wmv3"),
    )
)


@dataclass(frozen=True, slots=True)
class Preview:
    """A small picture."""

    data: bytes
    mime: str
    """``image/jpeg``, or ``image/png`` for one that can be seen through."""
    width: int
    height: int


class Previews:
    """Makes small pictures.

    :param folder: where a file may lie that is copied for ffmpeg, on systems that cannot keep it in memory; it has no name there.
    :param deadline: seconds for one program.
    :param program: ffmpeg; without it there are no posters.
    """

    def __init__(self, folder: Path, *, deadline: float = 20.0, program: str = "ffmpeg") -> None:
        self._folder = folder
        self._deadline = deadline
        self._program = shutil.which(program)

    @property
    def posters(self) -> bool:
        """Whether ffmpeg is there."""
        return self._program is not None

    def thumbnail(self, source: Source) -> Preview | None:
        """A picture with its longer side of at most :data:`THUMBNAIL` pixels."""
        made = self._small(source, (THUMBNAIL,))
        return made[0] if made else None

    def avatars(self, source: Source) -> list[Preview]:
        """The middle of a picture in the sizes of :data:`AVATARS`; none if it is no picture."""
        return self._small(source, AVATARS, "--square")

    def poster(self, source: Source, mime: str) -> Preview | None:
        """The first frame of a video, as :meth:`thumbnail` makes one of a picture.

        :param mime: what :func:`~imsys.files.sniffing.sniff` takes it for.
        """
        demuxer = _DEMUXERS.get(mime)
        if self._program is None or demuxer is None:
            return None
        with self._unnamed() as file:
            if not (_copy_index if demuxer == "mov" else _copy_head)(source, file):
                return None
            frame = self._run(_frame_command(self._program, file, demuxer), None, _VIDEO_MEMORY, keep=(file,))
        return self.thumbnail(Held(frame)) if frame else None

    def _small(self, source: Source, sides: Sequence[int], *how: str) -> list[Preview]:
        if not 0 < source.size <= MAX_PICTURE:
            return []
        written = self._run((sys.executable, "-m", "imsys.files.pictures", *how, *map(str, sides)), source, _MEMORY)
        return list(_parsed(written)) if written else []

    def _run(self, command: Sequence[str], source: Source | None, memory: int, keep: Sequence[int] = ()) -> bytes | None:
        """What a program makes of a file, if it does."""
        environ = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        with contextlib.suppress(TooLong, TooMuch):
            ended = run(command, source, deadline=self._deadline, output=_OUTPUT, memory=memory, patience=10, environ=environ, keep=keep)
            if not ended.code:
                return ended.output
        return None

    @contextlib.contextmanager
    def _unnamed(self) -> Iterator[int]:
        """The descriptor of an empty file that is gone when it is closed, however that happens."""
        if sys.platform == "linux":
            descriptor = os.memfd_create("video")
            try:
                yield descriptor
            finally:
                os.close(descriptor)
        else:
            with tempfile.TemporaryFile(dir=self._folder) as file:
                yield file.fileno()


def _parsed(written: bytes) -> Iterator[Preview]:
    while written:
        line, _, written = written.partition(b"\n")
        mime, width, height, length = json.loads(line)
        yield Preview(written[:length], mime, width, height)
        written = written[length:]


def _frame_command(program: str, file: int, demuxer: str) -> list[str]:
    """Decode one frame, by one thread, reading this file and nothing else."""
    side = 2 * THUMBNAIL
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
        video["v:0"],
        "pipe:1",
        format="image2pipe",
        vcodec="png",
        frames=1,
        vf=f"scale=w='min({side},iw)':h='min({side},ih)':force_original_aspect_ratio=decrease",
        threads=1,
        filter_threads=1,
        map_metadata=-1,
    ).global_args("-nostdin", "-hide_banner", "-loglevel", "error")
    return list(map(str, ffmpeg.compile(frame, cmd=program)))


# -- what of a video is needed


def _copy_head(source: Source, file: int) -> bool:
    _copy(source, file, 0, _HEAD)
    return True


def _copy_index(source: Source, file: int) -> bool:
    """Copy the beginning of an MP4, and its index (``moov``, ISO/IEC 14496-12) with nothing between; whether there is one."""
    _copy(source, file, 0, _HEAD)
    offset, data_seen = 0, False
    for _ in range(_BOXES):
        head = source.read(offset, 16)
        size = int.from_bytes(head[:4])
        if size == 1:  # 64 bits of it follow
            size = int.from_bytes(head[8:16])
        elif size == 0:  # up to the end
            size = source.size - offset
        if len(head) < _MIN_BOX or size < _MIN_BOX or offset + size > source.size:
            return False
        if head[4:8] == b"moov":
            if size > _INDEX:
                return False
            _copy(source, file, max(offset, _HEAD), offset + size)
            if offset + size > _HEAD:
                _copy(source, file, offset + size, offset + size + _HEAD)  # what it is about, if it is in front
            return True
        if head[4:8] == b"mdat" and not data_seen:
            data_seen = True
            _copy(source, file, max(offset, _HEAD), min(offset + size, offset + _HEAD))
        offset += size
    return False


def _copy(source: Source, file: int, start: int, end: int) -> None:
    for piece in pieces(source, start, end):
        os.pwrite(file, piece, start)
        start += len(piece)
