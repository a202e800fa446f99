"""Which part of a file a request wants, and whether it wants it still (RFC 9110, sections 13 and 14)."""

from __future__ import annotations

import re

from imsys.errors import Status
from imsys.web.answers import Problem
from imsys.web.requests import Request

_DIGITS = 18
"""Of the number of bytes of a file at most."""


def wanted(request: Request, size: int, etag: str) -> tuple[int, int] | None:
    """Read begin and end (exclusive) of the one range that a request wants; ``None``: the whole.

    The whole is what is sent for several ranges, for units and forms that nobody knows, and where
    ``If-Range`` names something else than this file.

    :raises Problem: 416, the file ends before it begins.
    """
    header = request.header("range")
    if header is None or request.method != "GET":
        return None
    condition = request.header("if-range")
    if condition is not None and condition.strip() != etag:  # a date cannot be right: no file has one
        return None
    match = re.fullmatch(r"\s*bytes\s*=\s*([0-9]*)\s*-\s*([0-9]*)\s*", header, re.IGNORECASE)
    if match is None or not (match[1] or match[2]):
        return None
    if match[1]:
        begin, end = _number(match[1]), _number(match[2]) + 1 if match[2] else size
        if match[2] and end <= begin:
            return None
    else:
        begin, end = max(0, size - _number(match[2])), size
    if begin >= size:
        raise Problem(
            416,
            Status.INVALID_FIELD,
            f"The file has {size} bytes.",
            ("Content-Range", f"bytes */{size}"),
            ("ETag", etag),
        )
    return begin, min(end, size)


def _number(digits: str) -> int:
    """Read a number of any length; what is more than any file has bytes is bounded."""
    digits = digits.lstrip("0") or "0"
    return int(digits) if len(digits) <= _DIGITS else 10**_DIGITS


def changed(request: Request, etag: str) -> bool:
    """Whether the client does not have this file already. :raises Problem: 412, it wants another one."""
    match = request.header("if-match")
    if match is not None and not _names(match, etag, weak=False):
        raise Problem(
            412, Status.INVALID_FIELD, "This is not the file that the request is about.", ("ETag", etag)
        )
    have = request.header("if-none-match")
    return have is None or not _names(have, etag, weak=True)


def _names(header: str, etag: str, *, weak: bool) -> bool:
    if header.strip() == "*":
        return True
    tags: list[tuple[str, str]] = re.findall(r'(W/)?("[^"]*")', header)
    return any(tag == etag and (weak or not mark) for mark, tag in tags)
