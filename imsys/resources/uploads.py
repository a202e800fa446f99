"""Uploads by the original service: block after block, visible when the whole file is here and right."""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass

from twisted.logger import Logger

from imsys.errors import Refused, Status
from imsys.fields import parse_id
from imsys.protocols.messages.uploads import UploadRequest
from imsys.resources.disk import Disk
from imsys.resources.files import Files, Part
from imsys.resources.names import check_filename

_log = Logger()


@dataclass(frozen=True, slots=True)
class Block:
    """One request, with numbers as numbers."""

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
        """Make one of a request.

        :raises Refused: 1, a key is not what it should be; 37, the name of the file cannot be one.
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
        """The bytes. :raises Refused: 1, they are not in base64."""
        try:
            return binascii.a2b_base64(self.text, strict_mode=True)
        except ValueError:
            raise Refused(Status.JSONPARSE_ERROR, "The key block is not base64.") from None


class Upload:
    """A file on its way: what was announced with its first block, and what is here."""

    __slots__ = ("_announced", "_blocks", "part")

    def __init__(self, first: Block, part: Part) -> None:
        """:param part: with the bytes of the first block."""
        self._announced = first
        self._blocks = 1
        self.part = part

    def expect(self, block: Block) -> None:
        """See whether a block can be the next one. :raises Refused: 36, with what is expected."""
        if block.number != self._blocks + 1:
            raise _unexpected(f"cur_seq {self._blocks + 1} is expected (or 1, to begin anew), not {block.number}.")
        if (block.file_size, block.checksum) != (self._announced.file_size, self._announced.checksum):
            raise _unexpected(f"file_size {self._announced.file_size} and the checksum of the first block are expected again.")

    def took(self) -> None:
        """The bytes of the expected block are here, too."""
        self._blocks += 1


class OpenUploads:
    """The uploads of one connection.

    A block with the number 1 begins a file, whatever was there of it. A block
    that is not the expected one changes nothing: the right one may still come.

    :param limit: files at the same time at most.
    :param max_file: bytes of a file at most.
    """

    def __init__(self, user: int, files: Files, disk: Disk, *, limit: int, max_file: int) -> None:
        self._user = user
        self._files = files
        self._disk = disk
        self._limit = limit
        self._max_file = max_file
        self._open: dict[str, Upload] = {}
        self._busy: Part | None = None
        self._abandoned = False

    async def take(self, block: Block) -> None:
        """Write a block, and with the last one keep the file. Calls do not overlap.

        :raises Refused: 1, the block is not base64; 36, it is not the expected one; 39, the disk did not take it; 68, the file
            is too large; 69, the file is not what its checksum says; 73, there are too many at the same time.
        """
        _check_sizes(block, self._max_file)
        upload = self._open.get(block.filename)
        if block.number == 1:
            if upload is None and len(self._open) >= self._limit:
                raise Refused(Status.SERVER_BUSY, f"A connection uploads at most {self._limit} files at the same time.")
            self._begin(block, await self._work(None, block))
        elif upload is None:
            raise _unexpected(f"cur_seq 1 is expected, not {block.number}: no file of this name is on its way.")
        else:
            upload.expect(block)
            await self._work(upload.part, block)
            upload.took()

    def abandon(self) -> None:
        """The connection is gone: remove what is not whole, as soon as no thread works on it."""
        self._abandoned = True
        for upload in self._open.values():
            if upload.part is not self._busy:
                self._disk.soon(upload.part.discard)
        self._open.clear()

    def _begin(self, block: Block, part: Part) -> None:
        older = self._open.pop(block.filename, None)
        if older is not None:
            self._disk.soon(older.part.discard)
        if self._abandoned:
            self._disk.soon(part.discard)
        elif not part.over:
            self._open[block.filename] = Upload(block, part)

    async def _work(self, part: Part | None, block: Block) -> Part:
        self._busy = part
        try:
            return await self._disk.run(self._write, part, block)
        except OSError as error:
            _log.error("an upload of {user} was not written: {reason}", user=self._user, reason=str(error))
            raise Refused(Status.FILE_WRITE_ERROR, "The file could not be written; it has to be sent anew.") from None
        finally:
            self._busy = None
            if part is not None and part.over:
                self._open.pop(block.filename, None)
            elif part is not None and self._abandoned:
                self._disk.soon(part.discard)

    def _write(self, part: Part | None, block: Block) -> Part:
        """In a thread: write a block; without a part, into a new one."""
        data = block.data()
        size = len(data) + (0 if part is None else part.size)
        if size != block.size:
            raise _unexpected(f"cur_size {size} is expected after these {len(data)} bytes, not {block.size}.")
        part = part or self._files.part()
        try:
            part.append(data)
            if block.last:
                part.verify(block.checksum)
                self._files.keep(part, self._user, block.filename)
        except (OSError, Refused):
            part.discard()
            raise
        return part


def _check_sizes(block: Block, max_file: int) -> None:
    if block.file_size > max_file:
        raise Refused(Status.QUOTA_EXCEEDED, f"A file has at most {max_file} bytes here.")
    if block.size > block.file_size:
        raise _unexpected(f"cur_size {block.file_size}, the size of the file, is expected at most, not {block.size}.")
    if block.last and block.size != block.file_size:
        raise _unexpected(f"cur_size {block.file_size}, the size of the file, is expected with EOF '1', not {block.size}.")


def _unexpected(what: str) -> Refused:
    return Refused(Status.FILE_UPLOAD_ERROR, f"This block does not fit: {what}")
