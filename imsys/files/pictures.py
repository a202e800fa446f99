"""A program that makes small pictures of one on its standard input: ``python -m imsys.files.pictures [--square] SIDE ...``.

It is a process of its own since what it decodes comes from strangers: a decoder in C that is fooled, or busy for minutes, harms this
process alone, which has a bound for its memory and a deadline (:mod:`imsys.files.previews` sees to both), and has given up all that it
does not need before it reads anything (:mod:`imsys.files.confinement`). How large a picture is gets checked before anything is decoded.
Nothing but pixels is passed on: no EXIF, no place where a photo was taken.

What is damaged is shown as far as it goes, as viewers do; what stands behind a JPEG's end (the film of a phone's motion photo, other
pictures of the same moment) is not looked at.

For every SIDE it writes a line of JSON ``[mime, width, height, bytes]`` and then the bytes. Exit status 1: this is no picture that we show.
It imports nothing else of imsys, so that it starts quickly.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import sys
import warnings
from typing import Any

from PIL import (  # all that is needed: later on no file can be read
    AvifImagePlugin,
    Image,
    ImageCms,
    ImageFile,
    ImageOps,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from imsys.files.confinement import confine

_PLUGINS = (TiffImagePlugin, WebPImagePlugin)

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "AVIF")

MAX_BYTES = 64 << 20
"""Of a picture as it comes."""

MAX_PIXELS = 40_000_000
"""Of a picture that has to be decoded whole: 160 MB, in some steps twice."""

MAX_PIXELS_BASELINE = 260_000_000
"""Of a JPEG that can be decoded in an eighth of its size, line by line: the largest phones take 200 million."""

MAX_SCANNED = 600_000_000
"""Pixels of a progressive JPEG, times the scans that go over all of them; cameras and editors make ten."""

MAX_SIDE = 65_500

_SEGMENTS = 100_000
"""Of a JPEG at most; a picture with the largest colour profile, a film of thumbnails and a scan for each bit has some thousand."""

_JPEG = b"\xff\xd8\xff"
_END, _SCAN = 0xD9, 0xDA
_MARKER = re.compile(rb"\xff+([\x02-\xcf\xd8-\xfe])")
"""What begins a segment, wherever the last one ended; neither a byte of FF in a scan nor where a scan restarts (ITU-T T.81, B.1.1.2)."""

QUALITY = 82


class NoPicture(Exception):
    """There is nothing to make a small picture of."""


def small_pictures(data: bytes, sides: list[int], *, square: bool) -> list[Image.Image]:
    """Small pictures, at most as many pixels wide and high as is said for each, never larger than the original.

    :raises NoPicture: it is none, or too large.
    """
    scans = 0
    picture: Image.Image
    if data.startswith(_JPEG):
        data, scans = first_jpeg(data)
        picture = JpegImagePlugin.JpegImageFile(io.BytesIO(data))  # and not the MPO that it may begin
    else:
        picture = Image.open(io.BytesIO(data), formats=FORMATS)
    _check(picture, scans)
    picture.draft("RGB", (2 * max(sides), 2 * max(sides)))  # decode a JPEG in as few pixels as will do
    picture = _plain(picture)
    with contextlib.suppress(Exception):  # which way is up cannot be told where EXIF is garbage
        ImageOps.exif_transpose(picture, in_place=True)
    made = []
    for side in sorted(sides, reverse=True):
        if square:
            side = min(side, *picture.size)
            picture = ImageOps.fit(picture, (side, side), Image.Resampling.LANCZOS)
        else:
            picture.thumbnail((side, side), Image.Resampling.LANCZOS)
        made.append(picture.copy())
    profile = made[0].info.get("icc_profile")
    return [_in_srgb(one, profile) for one in reversed(made)]


def first_jpeg(data: bytes) -> tuple[bytes, int]:
    """The first picture of what begins with a JPEG, and how many scans it has. :raises NoPicture: it has too many segments."""
    at, scans = 2, 0
    for _ in range(_SEGMENTS):
        marker = _MARKER.search(data, at)
        if marker is None:  # it has no end
            return data, scans
        at = marker.end()
        kind = marker[1][0]
        if kind == _END:
            return data[:at], scans
        scans += kind == _SCAN
        at += int.from_bytes(data[at : at + 2])
    raise NoPicture


def encoded(picture: Image.Image) -> tuple[str, bytes]:
    """A small picture's type and bytes: PNG where one can see through it, JPEG else."""
    if picture.mode == "RGBA" and picture.getchannel("A").getextrema()[0] == 255:
        picture = picture.convert("RGB")
    out, form = io.BytesIO(), "PNG" if picture.mode == "RGBA" else "JPEG"
    picture.info.clear()
    picture.save(out, form, optimize=True, quality=QUALITY, exif=b"", icc_profile=None)
    return f"image/{form.lower()}", out.getvalue()


def _check(picture: Image.Image, scans: int) -> None:
    """:raises NoPicture: it is larger than what is decoded here."""
    width, height = picture.size
    pixels, bound = width * height, MAX_PIXELS
    if picture.format == "JPEG":
        if not scans:
            raise NoPicture
        if not picture.info.get("progressive") and scans <= 4:
            bound = MAX_PIXELS_BASELINE
        elif pixels * scans > MAX_SCANNED:
            raise NoPicture
    if not pixels or pixels > bound or max(width, height) > MAX_SIDE:
        raise NoPicture


def _plain(picture: Image.Image) -> Image.Image:
    """Convert a picture to RGB or RGBA, of 8 bits."""
    if picture.mode.startswith("I") or picture.mode == "F":
        picture = picture.convert("I").point(lambda level: level * (1 / 256)).convert("L")
    mode = "RGBA" if picture.has_transparency_data else "RGB"
    if picture.mode == mode:
        picture.load()
        return picture
    return picture.convert(mode)


def _in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert a picture to sRGB; the profile is not kept, and many phones' pictures are paler without theirs."""
    if profile:
        try:
            source = ImageCms.getOpenProfile(io.BytesIO(profile))
            changed = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"))
            return changed or picture
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # of another colour space than its pixels now are, or none at all
    return picture


def _skip(chunks: Any, _: int, length: int) -> bytes:
    """Read a chunk of a PNG that is text, which is not shown, and may unpack to any size."""
    return ImageFile._safe_read(chunks.fp, length)


def main(arguments: list[str]) -> int:
    """Read, make, write; the exit status."""
    Image.preinit()
    confine()
    warnings.simplefilter("ignore")
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # each takes memory
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    for chunk in ("tEXt", "zTXt", "iTXt"):
        setattr(PngImagePlugin.PngStream, f"chunk_{chunk}", _skip)
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS_BASELINE  # what is checked above, again where frames say that they are larger
    square = "--square" in arguments
    sides = [int(side) for side in arguments if side != "--square"]
    data = sys.stdin.buffer.read(MAX_BYTES + 1)
    try:
        if len(data) > MAX_BYTES:
            raise NoPicture
        made = [(encoded(picture), picture.size) for picture in small_pictures(data, sides, square=square)]
    except Exception as error:  # whatever a decoder says to a file that is not what it should be
        print(f"{type(error).__name__}: {error}"[:200], file=sys.stderr)
        return 1
    for (mime, out), (width, height) in made:
        sys.stdout.buffer.write(json.dumps([mime, width, height, len(out)]).encode() + b"\n" + out)
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
