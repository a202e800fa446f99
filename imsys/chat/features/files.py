"""Files: offer one for upload, or ask where one is; both give a ticket."""

from __future__ import annotations

import re

from msgspec import UNSET, UnsetType

from imsys.chat.context import Context
from imsys.errors import Refused, Status
from imsys.files.names import check_filename
from imsys.protocols.identifiers import decode_id, encode_id, new_file_id
from imsys.protocols.messages.files import (
    FileGetRequest,
    FileGetResponse,
    FileOfferRequest,
    FileOfferResponse,
)
from imsys.redis.allowances import Kind
from imsys.security.tickets import Right
from imsys.server.dispatch import handles
from imsys.server.fields import parse_id
from imsys.store.files import SHARED, File, Offer, Purpose, State

UNKNOWN_TYPE = "application/octet-stream"
_WORD = r"[a-z0-9!#$%&'*+.^_`|~-]+"
_TYPE = re.compile(rf"{_WORD}/{_WORD}")

_PURPOSES = {"message": Purpose.MESSAGE, "avatar": Purpose.AVATAR, "group": Purpose.GROUP}


@handles(FileOfferRequest)
async def offer(context: Context, request: FileOfferRequest) -> FileOfferResponse:
    """Reserve room for a file; answer with the server and a ticket to send it."""
    files = context.chat.files
    purpose = _purpose(request.purpose)
    thread_id = parse_id(request.thread_id, "thread_id")
    filename, sha256, mime = check_filename(request.filename), _sha256(request.sha256), _type(request.mime)
    if purpose.is_avatar and thread_id:
        raise Refused(Status.INVALID_FIELD, "An avatar is for no thread: its thread_id is 0.")
    if purpose is Purpose.MESSAGE and not thread_id:
        raise Refused(Status.PERMISSION_DENIED, "Only its members may write in a thread.")
    if request.size < 0:
        raise Refused(Status.INVALID_FIELD, "The size of a file is a number of bytes.")
    if request.size > files.config.max_file:
        raise Refused(Status.QUOTA_EXCEEDED, f"A file has at most {files.config.max_file} bytes.")
    await context.chat.allowances.take(Kind.OFFER, context.user)
    place = await files.places.pick(request.size, plaintext=context.session.plaintext)
    made = Offer(
        file_id=new_file_id(),
        owner=context.user,
        purpose=purpose,
        thread_id=thread_id,
        server=place.name,
        filename=filename,
        size=request.size,
        mime=mime,
        sha256=sha256,
    )
    await context.chat.stores.files.offer(
        made, life=files.config.expire, quota=files.config.quota, most=files.config.offers
    )
    return FileOfferResponse(
        file_id=encode_id(made.file_id),
        ticket=files.tickets.issue(
            made.file_id, context.user, Right.WRITE, sign_in=context.session.token_digest
        ),
        host=place.host,
        port=place.port,
        http_port=place.http_port,
        chunk_size=files.chunk,
        offset=0,
    )


@handles(FileGetRequest)
async def get(context: Context, request: FileGetRequest) -> FileGetResponse:
    """Answer with a file's server and a ticket to read it, or to resume its upload."""
    files, plaintext = context.chat.files, context.session.plaintext
    file = await _wanted(context, request)
    if request.write:
        place = await files.places.named(file.server, plaintext=plaintext)
    else:
        assert file.content is not None
        shared = file.content.store == SHARED
        place = await (
            files.places.pick(0, plaintext=plaintext)
            if shared
            else files.places.named(file.content.store, plaintext=plaintext)
        )
    sha256 = file.offered_sha256 if file.content is None else file.content.sha256
    right = Right.WRITE if request.write else Right.READ
    return FileGetResponse(
        file_id=encode_id(file.file_id),
        ticket=files.tickets.issue(file.file_id, context.user, right, sign_in=context.session.token_digest),
        host=place.host,
        port=place.port,
        http_port=place.http_port,
        filename=file.filename,
        size=file.size if request.write else file.readable_size,
        mime=file.mime,
        whole=file.state is State.WHOLE,
        sha256=UNSET if sha256 is None else sha256.hex(),
    )


async def _wanted(context: Context, request: FileGetRequest) -> File:
    """Return the file of a request, if the user may read or send it."""
    if request.write and request.thumbnail:
        raise Refused(Status.INVALID_FIELD, "A smaller picture is made by the server: it is only read.")
    files = context.chat.stores.files
    file = await files.readable(decode_id(request.file_id), context.user)
    if request.write:
        if file.owner != context.user or file.purpose not in _PURPOSES.values():
            raise Refused(Status.PERMISSION_DENIED, "Only who offered a file may send it.")
        return file
    if request.thumbnail:
        if file.thumbnail_id is None:
            raise Refused(Status.FILE_OPEN_ERROR, "There is no smaller picture of this file.")
        file = await files.readable(file.thumbnail_id, context.user)
    if file.state is not State.WHOLE:
        raise Refused(Status.FILE_OPEN_ERROR, "This file is not all there yet.")
    return file


def _purpose(text: str | UnsetType) -> Purpose:
    purpose = Purpose.MESSAGE if text is UNSET else _PURPOSES.get(text)
    if purpose is None:
        raise Refused(Status.INVALID_FIELD, "The purpose of a file is message, avatar or group.")
    return purpose


def _sha256(text: str | UnsetType) -> bytes | None:
    if text is UNSET:
        return None
    if not re.fullmatch(r"[0-9A-Fa-f]{64}", text):
        raise Refused(Status.INVALID_FIELD, "The key sha256 is 64 hexadecimal digits.")
    return bytes.fromhex(text)


def _type(text: str | UnsetType) -> str:
    """Return a content type without its parameters; the resources server detects the real type later."""
    if text is UNSET:
        return UNKNOWN_TYPE
    kind = text.partition(";")[0].strip().lower()
    if len(kind) > 127 or not _TYPE.fullmatch(kind):
        raise Refused(Status.INVALID_FIELD, "The key mime is a content type, as in image/jpeg.")
    return kind
