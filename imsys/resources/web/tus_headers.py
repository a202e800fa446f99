"""The headers of tus 1.0.0, read and written (https://tus.io/protocols/resumable-upload)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from typing import Protocol

from imsys.errors import Status
from imsys.web.answers import Problem
from imsys.web.requests import Request

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,expiration,checksum,termination"
BYTES = "application/offset+octet-stream"
"""The content type of a part of a file."""


class _Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


class _Crc32:
    """CRC-32 in the shape of a hash."""

    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


def _md5() -> _Digest:
    return hashlib.md5(usedforsecurity=False)


def _sha1() -> _Digest:
    return hashlib.sha1(usedforsecurity=False)


ALGORITHMS: dict[str, Callable[[], _Digest]] = {
    "sha1": _sha1,
    "sha256": hashlib.sha256,
    "md5": _md5,
    "crc32": _Crc32,
}
"""Of checksums; SHA-1 is the one that every server has to know."""


@dataclass(frozen=True, slots=True)
class Checksum:
    """The digest of a request's bytes, as its client says."""

    algorithm: str
    digest: bytes

    def begin(self) -> _Digest:
        """Make an empty digest."""
        return ALGORITHMS[self.algorithm]()


def checksum(request: Request) -> Checksum | None:
    """Read the checksum of a request, if it has one. :raises Problem: 400, it cannot be checked."""
    header = request.header("upload-checksum")
    if header is None:
        return None
    algorithm, _, encoded = header.partition(" ")
    if algorithm not in ALGORITHMS:
        raise Problem(
            400,
            Status.INVALID_FIELD,
            "This kind of checksum is not known here.",
            ("Tus-Checksum-Algorithm", ",".join(ALGORITHMS)),
        )
    digest = _decoded(encoded)
    if digest is None or len(digest) != len(ALGORITHMS[algorithm]().digest()):
        raise Problem(
            400, Status.INVALID_FIELD, "Upload-Checksum is not an algorithm and a checksum in base64."
        )
    return Checksum(algorithm, digest)


def number(request: Request, name: str) -> int:
    """Read a header that is a number of bytes. :raises Problem: 400, it is none, or it is not there."""
    header = request.header(name.lower())
    if header is None or not re.fullmatch(r"[0-9]{1,18}", header):
        raise Problem(400, Status.INVALID_FIELD, f"{name} is not a number of bytes.")
    return int(header)


def check_metadata(request: Request) -> None:
    """See whether ``Upload-Metadata`` is formed as it should be. What it says does not count: the offer has
    said it.

    :raises Problem: 400, it is not.
    """
    header = request.header("upload-metadata")
    keys = set()
    for pair in header.split(",") if header else ():
        key, _, encoded = pair.strip().partition(" ")
        if not re.fullmatch(r"[!-+\--~]+", key) or key in keys or _decoded(encoded) is None:
            raise Problem(
                400, Status.INVALID_FIELD, "Upload-Metadata is not a list of keys with values in base64."
            )
        keys.add(key)


def metadata(filename: str, mime: str) -> tuple[str, str]:
    """Make the header that says what was offered, by the keys that clients of tus use."""
    pairs = (("filename", filename), ("filetype", mime))
    return "Upload-Metadata", ",".join(
        f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in pairs
    )


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def expires(milliseconds: int) -> tuple[str, str]:
    """Make the header that says until when an upload may go on, from Unix time."""
    return "Upload-Expires", formatdate(milliseconds / 1000, usegmt=True)
