"""Files: asked for at the chat server, carried by the resources server."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from imsys.protocols.messages.registry import Request, Response, message


@message(64, reply=65)
class FileOfferRequest(Request, frozen=True, kw_only=True):
    """I want to put a file into a thread, or to make it my avatar (``purpose`` is "avatar", and ``thread_id``
    is "0").
    """

    thread_id: str
    filename: str
    size: int
    sha256: str | UnsetType = UNSET
    """In hex. The whole is compared with it; it never spares the upload."""
    mime: str | UnsetType = UNSET
    purpose: str | UnsetType = UNSET


@message(65)
class FileOfferResponse(Response, frozen=True, kw_only=True):
    """Where to send it, and the right to."""

    file_id: str
    """128 bits in base64url."""
    ticket: str
    host: str
    port: int
    """Of the frame protocol, over TLS or as this connection is."""
    http_port: int
    chunk_size: int
    """Bytes of a chunk that suit the server best."""
    offset: int
    """Bytes that are there already: none."""


@message(66, reply=67)
class FileGetRequest(Request, frozen=True, kw_only=True):
    """I want to read a file of one of my threads, or somebody's avatar, or to go on with an upload of mine
    (``write``).
    """

    file_id: str
    write: bool = False
    thumbnail: bool = False
    """It is the smaller picture of that file which I want; the response names and describes that one."""


@message(67)
class FileGetResponse(Response, frozen=True, kw_only=True):
    """Where it is, and the right to it."""

    file_id: str
    ticket: str
    host: str
    port: int
    http_port: int
    filename: str
    size: int
    mime: str
    whole: bool
    """Whether all of it is there; else it is on its way."""
    sha256: str | UnsetType = UNSET
    """In hex; of a file that is on its way only if its sender has told it."""


class FileContent(msgspec.Struct, frozen=True, kw_only=True):
    """The content of a message that carries a file (types 2 to 5), as JSON text."""

    file_id: str
    filename: str
    size: int
    mime: str
    sha256: str
    """In hex."""
    thumbnail: str | UnsetType = UNSET
    """The identifier of a smaller picture of it (a poster, of a video); read like any file of the thread."""


@message(72, reply=73)
class UploadOpenRequest(Request, frozen=True, kw_only=True):
    """On the resources port: begin, or go on; or never go on with it (``give_up``): what is there of it is
    removed.
    """

    file_id: str
    ticket: str
    give_up: bool = False


@message(73)
class UploadOpenResponse(Response, frozen=True, kw_only=True):
    """Chunks are taken from ``offset`` on, up to ``window`` of them ahead of the acknowledgements."""

    offset: int
    chunk_size: int
    window: int
    given_up: bool | UnsetType = UNSET
    """True: as was asked for, the file is not on its way any more, and no chunks are taken."""


@message(74, reply=77)
class DownloadRequest(Request, frozen=True, kw_only=True):
    """On the resources port: send the file from ``offset`` on, as far as I grant (76)."""

    file_id: str
    ticket: str
    offset: int = 0


@message(77)
class DownloadResponse(Response, frozen=True, kw_only=True):
    """The chunks (75) follow, as many as are granted."""

    size: int
    sha256: str
    filename: str
    mime: str
