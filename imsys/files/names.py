"""Check names of files given by users."""

from __future__ import annotations

from imsys.errors import Refused, Status
from imsys.util.texts import is_shown

LONGEST = 255
"""Bytes of a file's name in UTF-8, at most."""


def check_filename(filename: str) -> str:
    """Return a name if it is valid and not a path.

    :raises Refused: FILE_CREATE_ERROR (37), with the reason.
    """
    if not filename:
        raise Refused(Status.FILE_CREATE_ERROR, "A file has a name.")
    if "/" in filename or "\\" in filename or ".." in filename or filename == ".":
        raise Refused(Status.FILE_CREATE_ERROR, "The name of a file has no separators and no '..' in it.")
    if not is_shown(filename):
        raise Refused(
            Status.FILE_CREATE_ERROR,
            "The name of a file has no control characters, and none that turn the direction of text.",
        )
    if len(filename.encode("utf-8")) > LONGEST:
        raise Refused(Status.FILE_CREATE_ERROR, f"The name of a file has at most {LONGEST} bytes.")
    return filename
