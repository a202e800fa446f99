"""Uploads by the original service: block after block, visible when the whole file is here and right."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial

import pybase64
from twisted.internet.defer import Deferred

from imsys.errors import Refused, Status
from imsys.files.names import check_filename
from imsys.protocols.messages.uploads import UploadRequest
from imsys.resources.legacy_uploads import LegacyUploads
from imsys.resources.transfers import TransferError, Upload
from imsys.server.fields import parse_id


@dataclass(frozen=True, slots=True)
class Block:
    """A request of the original service, with numbers as numbers."""

    filename: str
    checksum: str
    file_size: int
    text: str
    """The bytes, in base64."""
    size: int
    """Bytes of the file so far, with this block."""
    number: int
    """From 1 on."""
    last: bool

    @classmethod
    def read(cls, request: UploadRequest) -> Block:
        """Read a request.

        :raises Refused: ``JSONPARSE_ERROR``, a key is not what it should be; ``FILE_CREATE_ERROR``, the name
            of the file cannot be one.
        """
        filename = check_filename(request.filename)
        if not re.fullmatch("[0-9A-Fa-f]{32}", request.checksum):
            raise Refused(Status.JSONPARSE_ERROR, "The key checksum is not an MD5 in hex.")
        if request.EOF not in ("0", "1"):
            raise Refused(Status.JSONPARSE_ERROR, "The key EOF is neither '0' nor '1'.")
        return cls(
            filename,
            request.checksum.lower(),
            parse_id(request.file_size, "file_size"),
            request.block,
            parse_id(request.cur_size, "cur_size"),
            parse_id(request.cur_seq, "cur_seq"),
            request.EOF == "1",
        )

    def data(self) -> bytes:
        """Decode the bytes. :raises Refused: ``JSONPARSE_ERROR``, they are not in base64."""
        try:
            # a fiftieth of the time that binascii takes in its strict mode, and as strict
            return pybase64.b64decode(self.text, validate=True)
        except ValueError:
            raise Refused(Status.JSONPARSE_ERROR, "The key block is not base64.") from None


class Sent:
    """A file of the original service on its way: what its first block announced, and what is here."""

    __slots__ = ("_announced", "_blocks", "upload")

    def __init__(self, first: Block, upload: Upload) -> None:
        self._announced = first
        self._blocks = 0
        self.upload = upload

    def expect(self, block: Block) -> None:
        """See whether a block can be the next one.

        :raises Refused: ``FILE_UPLOAD_ERROR``, with what is expected.
        """
        if block.number != self._blocks + 1:
            raise _unexpected(
                f"cur_seq {self._blocks + 1} is expected (or 1, to begin anew), not {block.number}."
            )
        if (block.file_size, block.checksum) != (self._announced.file_size, self._announced.checksum):
            raise _unexpected(
                f"file_size {self._announced.file_size} and the checksum of the first block are expected again."
            )

    def took(self) -> None:
        """Count a block whose bytes are here."""
        self._blocks += 1


class OpenUploads:
    """The files that one connection sends by the original service.

    A block with the number 1 begins a file, whatever was there of it. A block
    that is not the expected one changes nothing: the right one may still come.
    """

    def __init__(self, user: int, legacy: LegacyUploads) -> None:
        self._user = user
        self._legacy = legacy
        self._open: dict[str, Sent] = {}
        self._busy: Sent | None = None
        self._abandoned = False

    async def take(self, block: Block) -> None:
        """Write a block, and with the last one keep the file. Calls do not overlap.

        :raises Refused: ``JSONPARSE_ERROR``, the block is not base64; ``FILE_UPLOAD_ERROR``, it is not the
            expected one; ``FILE_WRITE_ERROR``, the disk did not take it; ``QUOTA_EXCEEDED``, the file is too
            large, or the quota or the disk is full; ``CHECKSUM_MISMATCH``, the file is not what its checksum
            says; ``SERVER_BUSY``, there are too many at the same time.
        """
        _check_sizes(block, self._legacy.rules.max_file)
        sent = self._open.get(block.filename)
        if block.number == 1:
            data = _read(block, 0)
            if sent is not None:
                await self._drop(block.filename, sent)  # its room may be needed
            upload = await self._legacy.begin(
                self._user, block.filename, block.file_size, partial(self._lost, block.filename)
            )
            sent = Sent(block, upload)
            if not self._abandoned:
                self._open[block.filename] = sent
        elif sent is None:
            raise _unexpected(
                f"cur_seq 1 is expected, not {block.number}: no file of this name is on its way."
            )
        else:
            sent.expect(block)
            data = _read(block, sent.upload.fed)
        await self._write(sent, block, data)
        sent.took()

    def abandon(self) -> None:
        """Remove what is not whole, as soon as no thread works on it: the connection is gone."""
        self._abandoned = True
        for filename, sent in list(self._open.items()):
            if sent is not self._busy:
                self._drop(filename, sent)

    async def _write(self, sent: Sent, block: Block, data: bytes) -> None:
        self._busy = sent
        done = False
        try:
            sent.upload.feed(sent.upload.fed, data)
            await sent.upload.flushed()
            if block.last:
                await self._legacy.keep(sent.upload, block.checksum)
                self._open.pop(block.filename, None)
            done = block.last or not self._abandoned
        except TransferError as misplaced:
            if misplaced.status is Status.CHECKSUM_MISMATCH:
                raise
            raise Refused(
                misplaced.status, "The file could not be written; it has to be sent anew."
            ) from None
        finally:
            self._busy = None
            if not done:
                self._drop(block.filename, sent)

    def _drop(self, filename: str, sent: Sent) -> Deferred[None]:
        """Give a file up; the result fires when it is gone."""
        if self._open.get(filename) is sent:
            del self._open[filename]
        sent.upload.release()
        return self._legacy.give_up(sent.upload.file.file_id)

    def _lost(self, filename: str, reason: Refused) -> None:
        sent = self._open.get(filename)
        if sent is not None and sent is not self._busy:
            self._drop(filename, sent)


def _read(block: Block, before: int) -> bytes:
    """Decode a block that comes after so many bytes: in microseconds, so that no thread is needed."""
    data = block.data()
    if before + len(data) != block.size:
        raise _unexpected(
            f"cur_size {before + len(data)} is expected after these {len(data)} bytes, not {block.size}."
        )
    return data


def _check_sizes(block: Block, max_file: int) -> None:
    if block.file_size > max_file:
        raise Refused(Status.QUOTA_EXCEEDED, f"A file has at most {max_file} bytes here.")
    if block.size > block.file_size:
        raise _unexpected(
            f"cur_size {block.file_size}, the size of the file, is expected at most, not {block.size}."
        )
    if block.last and block.size != block.file_size:
        raise _unexpected(
            f"cur_size {block.file_size}, the size of the file, is expected with EOF '1', not {block.size}."
        )


def _unexpected(what: str) -> Refused:
    return Refused(Status.FILE_UPLOAD_ERROR, f"This block does not fit: {what}")
