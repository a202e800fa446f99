"""Names that users give to files."""

from __future__ import annotations

from imsys.errors import Refused, Status
from imsys.util.texts import is_shown

LONGEST = 255
"""Bytes that a file's name has at most, in UTF-8."""


def check_filename(filename: str) -> str:
    """Return a file's name, if it is one, and no path.

    :raises Refused: ``FILE_CREATE_ERROR``, with what is wrong.
    """
    if not filename:
        raise Refused(Status.FILE_CREATE_ERROR, "A file has a name.")
    if "/" in filename or "\\" in filename or ".." in filename or filename == ".":
        raise Refused(Status.FILE_CREATE_ERROR, "The name of a file has no separators and no '..' in it.")
    if not is_shown(filename):
        raise Refused(Status.FILE_CREATE_ERROR, "The name of a file has no control characters, and none that turn the direction of text.")
    if len(filename.encode("utf-8")) > LONGEST:
        raise Refused(Status.FILE_CREATE_ERROR, f"The name of a file has at most {LONGEST} bytes.")
    return filename
