"""Files in a conversation: what a message says of one, and the right to fetch or to send its bytes."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
from msgspec import UNSET

from imsys.protocols.messages.files import FileContent, FileGetResponse, FileOfferRequest, FileOfferResponse


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that a message carries; ``size`` is in bytes, ``sha256`` in hex, ``thumbnail`` a file id or empty."""

    file_id: str
    filename: str
    size: int
    mime: str
    sha256: str = ""
    thumbnail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """The right to one file, for the resources server at ``host``; it expires, and is renewed by asking again.

    ``whole`` is whether all of it is there; ``sha256`` (in hex) is empty where nobody knows it yet.
    """

    file_id: str
    ticket: str = field(repr=False)
    host: str
    port: int
    http_port: int
    filename: str
    size: int
    mime: str
    sha256: str = ""
    whole: bool = False


def attachment(text: str) -> Attachment | None:
    """Read the content of a message that carries a file; ``None``: it is no such content."""
    try:
        content = msgspec.json.decode(text.encode(), type=FileContent)
    except (msgspec.MsgspecError, UnicodeEncodeError):
        return None
    return Attachment(
        file_id=content.file_id,
        filename=content.filename,
        size=content.size,
        mime=content.mime,
        sha256=content.sha256,
        thumbnail="" if content.thumbnail is UNSET else content.thumbnail,
    )


def offered(request: FileOfferRequest, response: FileOfferResponse) -> Grant:
    """The right to send what was offered."""
    return Grant(
        file_id=response.file_id,
        ticket=response.ticket,
        host=response.host,
        port=response.port,
        http_port=response.http_port,
        filename=request.filename,
        size=request.size,
        mime=request.mime or "",
        sha256=request.sha256 or "",
    )


def granted(response: FileGetResponse) -> Grant:
    """The right that was asked for."""
    return Grant(
        file_id=response.file_id,
        ticket=response.ticket,
        host=response.host,
        port=response.port,
        http_port=response.http_port,
        filename=response.filename,
        size=response.size,
        mime=response.mime,
        sha256=response.sha256 or "",
        whole=response.whole,
    )
