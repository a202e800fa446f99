"""What a file is that somebody sends."""

from __future__ import annotations

import mimetypes
import warnings
from pathlib import Path

from client.core.model import Attachment, Kind

_PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp")


def look(path: Path) -> tuple[Attachment, Kind]:
    """What a file is. :raises OSError: it cannot be read, or is none."""
    path = path.absolute()
    with path.open("rb") as file:
        file.read(1)
    size = path.stat().st_size
    mime = mimetypes.guess_type(path.name)[0] or ""
    width, height = picture_size(path) if mime in _PICTURES else (0, 0)
    kinds = {"video": Kind.VIDEO, "audio": Kind.AUDIO}
    kind = Kind.IMAGE if width else kinds.get(mime.partition("/")[0], Kind.FILE)
    name = path.name.encode("utf-8", "replace").decode()
    return Attachment(
        name, size, mime, path=str(path), preview=str(path) if width else "", width=width, height=height
    ), kind


def picture_size(path: Path) -> tuple[int, int]:
    """Pixels of a picture by its head alone; (0, 0): it is none."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path) as picture:
                return picture.size
    except Exception:  # a decoder may raise anything
        return 0, 0
