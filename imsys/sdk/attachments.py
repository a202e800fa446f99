"""Files in a conversation: the attachment of a message, and the grant to send or receive its bytes."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
from msgspec import UNSET

from imsys.protocols.messages.files import FileContent, FileGetResponse, FileOfferRequest, FileOfferResponse


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file of a message: ``size`` in bytes, ``sha256`` in hex, ``thumbnail`` a file id or empty."""

    file_id: str
    filename: str
    size: int
    mime: str
    sha256: str = ""
    thumbnail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """The right to send or receive one file at the resources server ``host``.

    It expires; ask again to renew it.

    ``whole`` tells whether the server has all of the file; ``sha256`` (in hex) is empty while it is not
    known.
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
    """Parse the content of a message that carries a file; return ``None`` if it is not such content."""
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
    """Build the grant to send an offered file."""
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
    """Build the grant from the answer to a request for a file."""
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
