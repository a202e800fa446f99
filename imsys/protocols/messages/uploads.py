"""Files on the resources port, by the original system's service."""

from __future__ import annotations

from imsys.protocols.messages.registry import Request, Response, message


@message(30, reply=31)
class UploadRequest(Request, frozen=True, kw_only=True):
    """One block of a file; the next one is sent after the response.

    Every value is a string, numbers are decimal.
    """

    filename: str
    checksum: str
    """MD5 of the whole file, in hex."""
    file_size: str
    """Bytes of the whole file."""
    block: str
    """Bytes of the file, in base64."""
    cur_size: str
    """Bytes of the file so far, with this block."""
    cur_seq: str
    """Number of this block, from 1 on."""
    last_seq: str
    """Number of the last block, as far as the client knows; ``EOF`` is what counts."""
    EOF: str
    """``1`` with the last block, else ``0``."""


@message(31)
class UploadResponse(Response, frozen=True, kw_only=True):
    """A block was taken; sizes and numbers are decimal strings, as in the request."""

    filename: str
    curr_seq: str
    curr_size: str
    """Bytes of the file that are here."""
    total_size: str
    """Bytes of the whole file."""
    EOF: bool
    """Whether the file is here as a whole, verified and durable."""


class ResourcesLoginResponse(Response, frozen=True, kw_only=True):
    """Logged in on the resources port; it travels under the id of the chat port's response (6)."""

    uuid: str
