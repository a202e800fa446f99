"""Make small pictures of the one on standard input: ``python -m imsys.files.pictures [--square] SIDE ...``.

It is a separate process because its input is untrusted: a malicious file can only harm or occupy this
process, which has bounds for memory and time (set by :mod:`imsys.files.previews`) and is sandboxed before it
reads anything (:mod:`imsys.files.confinement`). The dimensions are checked before decoding. Only pixels are
passed on: no EXIF, and so no location of a photo.

Damaged pictures are shown as far as they can be decoded, as in viewers. Data after the end of a JPEG (the
video of a motion photo, further pictures) are ignored.

For every SIDE it writes a line of JSON ``[mime, width, height, bytes]`` and then the bytes. Exit status 1: it
is not a picture that we show. For a quick start it imports nothing else of imsys.
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
"""Bytes of the input, at most."""

MAX_PIXELS = 40_000_000
"""Pixels of a picture that must be decoded whole, at most: 160 MB, in some steps twice."""

MAX_PIXELS_BASELINE = 260_000_000
"""Pixels of a JPEG that can be decoded at 1/8 size, line by line, at most: phones make up to 200 million."""

MAX_SCANNED = 600_000_000
"""Pixels times scans of a progressive JPEG, at most; cameras and editors make ten scans."""

MAX_SIDE = 65_500

_SEGMENTS = 100_000
"""Segments of a JPEG, at most; extreme pictures have some thousand."""

_JPEG = b"\xff\xd8\xff"
_END, _SCAN = 0xD9, 0xDA
_MARKER = re.compile(rb"\xff+([\x02-\xcf\xd8-\xfe])")
"""The start of a segment; neither a stuffed FF byte in a scan nor a restart marker (ITU-T T.81, B.1.1.2)."""

QUALITY = 82


class NoPicture(Exception):
    """The input cannot be made into a small picture."""


def small_pictures(data: bytes, sides: list[int], *, square: bool) -> list[Image.Image]:
    """Make small pictures with at most these widths and heights in pixels, never larger than the original.

    :raises NoPicture: it is not a picture, or too large.
    """
    scans = 0
    picture: Image.Image
    if data.startswith(_JPEG):
        data, scans = first_jpeg(data)
        picture = JpegImagePlugin.JpegImageFile(io.BytesIO(data))  # not the MPO that it may begin
    else:
        picture = Image.open(io.BytesIO(data), formats=FORMATS)
    _check(picture, scans)
    picture.draft("RGB", (2 * max(sides), 2 * max(sides)))  # decode a JPEG in as few pixels as will do
    picture = _plain(picture)
    with contextlib.suppress(Exception):  # without valid EXIF the orientation is unknown
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
    """Return the first picture of a JPEG, and its number of scans. :raises NoPicture: too many segments."""
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
    """Encode a small picture; return its type and bytes: PNG if it is transparent, else JPEG."""
    if picture.mode == "RGBA" and picture.getchannel("A").getextrema()[0] == 255:
        picture = picture.convert("RGB")
    out, form = io.BytesIO(), "PNG" if picture.mode == "RGBA" else "JPEG"
    picture.info.clear()
    picture.save(out, form, optimize=True, quality=QUALITY, exif=b"", icc_profile=None)
    return f"image/{form.lower()}", out.getvalue()


def _check(picture: Image.Image, scans: int) -> None:
    """Check the dimensions. :raises NoPicture: they are too large."""
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
    """Convert to 8-bit RGB or RGBA."""
    if picture.mode.startswith("I") or picture.mode == "F":
        picture = picture.convert("I").point(lambda level: level * (1 / 256)).convert("L")
    mode = "RGBA" if picture.has_transparency_data else "RGB"
    if picture.mode == mode:
        picture.load()
        return picture
    return picture.convert(mode)


def _in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert to sRGB, since many phones' pictures would be pale without their profile."""
    if profile:
        try:
            source = ImageCms.getOpenProfile(io.BytesIO(profile))
            changed = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"))
            return changed or picture
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # the profile is invalid or for another colour space
    return picture


def _skip(chunks: Any, _: int, length: int) -> bytes:
    """Skip a text chunk of a PNG, which may unpack to any size."""
    return ImageFile._safe_read(chunks.fp, length)


def main(arguments: list[str]) -> int:
    """Read the picture and write the small ones; return the exit status."""
    Image.preinit()
    confine()
    warnings.simplefilter("ignore")
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # each takes memory
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    for chunk in ("tEXt", "zTXt", "iTXt"):
        setattr(PngImagePlugin.PngStream, f"chunk_{chunk}", _skip)
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS_BASELINE  # checked by Pillow again for frames that claim to be larger
    square = "--square" in arguments
    sides = [int(side) for side in arguments if side != "--square"]
    data = sys.stdin.buffer.read(MAX_BYTES + 1)
    try:
        if len(data) > MAX_BYTES:
            raise NoPicture
        made = [(encoded(picture), picture.size) for picture in small_pictures(data, sides, square=square)]
    except Exception as error:  # any exception of a decoder for an invalid file
        print(f"{type(error).__name__}: {error}"[:200], file=sys.stderr)
        return 1
    for (mime, out), (width, height) in made:
        sys.stdout.buffer.write(json.dumps([mime, width, height, len(out)]).encode() + b"\n" + out)
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
