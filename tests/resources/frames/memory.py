"""Files on their way, and whole ones, in memory: what the doors need, with faults at hand."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Any

from twisted.internet.defer import Deferred

from imsys.errors import Refused, Status
from imsys.protocols.identifiers import new_file_id
from imsys.resources.transfers import TransferError
from imsys.resources.upload_listener import UploadListener
from imsys.store.files import Content, File, Purpose, State


def new_file(owner: int, size: int, *, sha256: bytes | None = None, filename: str = "a.bin") -> File:
    return File(
        file_id=new_file_id(),
        owner=owner,
        purpose=Purpose.MESSAGE,
        thread_id=1,
        server="resources1",
        filename=filename,
        size=size,
        mime="application/octet-stream",
        offered_sha256=sha256,
        state=State.ARRIVING,
        key_id="",
        wrapped_key=b"",
        thumbnail_id=None,
        expires_ms=1 << 50,
        content=None,
    )


class MemoryFiles:
    """The files of one server, and both sides of :mod:`imsys.resources.transfers`."""

    def __init__(self, reactor: Any, chunk: int = 1000, window: int = 4) -> None:
        self.reactor = reactor
        self.chunk = chunk
        self.window = window
        self.files: dict[bytes, File] = {}
        self.bytes: dict[bytes, bytearray] = {}
        self.holders: dict[bytes, MemoryUpload] = {}
        self.most_waiting = 0
        self.stuck = False
        """Whether nothing becomes durable."""
        self.refusing: Refused | None = None
        """What finishing is answered with."""
        self.reads = 0
        self.read_gate: Deferred[None] | None = None

    def offer(self, owner: int, data: bytes, **more: Any) -> File:
        file = new_file(owner, len(data), sha256=hashlib.sha256(data).digest(), **more)
        self.files[file.file_id] = file
        self.bytes[file.file_id] = bytearray()
        return file

    def keep(self, owner: int, data: bytes, *, sent: bytes | None = None, **more: Any) -> File:
        file = self.offer(owner, data if sent is None else sent, **more)
        self.bytes[file.file_id] = bytearray(data)
        return self.whole(file)

    def whole(self, file: File) -> File:
        digest = hashlib.sha256(self.bytes[file.file_id]).digest()
        content = Content(1, "disk", digest, len(self.bytes[file.file_id]), file.file_id.hex(), "", b"")
        whole = self.files[file.file_id] = dataclasses.replace(file, state=State.WHOLE, content=content)
        return whole

    async def terminate(self, file_id: bytes, user: int) -> None:
        raise NotImplementedError


class MemoryUploads(MemoryFiles):
    async def open(self, file_id: bytes, user: int, listener: UploadListener) -> MemoryUpload:
        file = self.files.get(file_id)
        if file is None or file.owner != user:
            raise Refused(Status.FILE_OPEN_ERROR, "There is no such file on its way.")
        before = self.holders.pop(file_id, None)
        if before is not None:
            before.flush()
            before.over = True
            before.listener.lost(
                TransferError(Status.FILE_UPLOAD_ERROR, "It is in other hands.", before.offset)
            )
        upload = self.holders[file_id] = MemoryUpload(self, file, listener)
        return upload


class MemoryUpload:
    def __init__(self, files: MemoryUploads, file: File, listener: UploadListener) -> None:
        self.files = files
        self.file = file
        self.listener = listener
        self.over = False
        self.data = files.bytes[file.file_id]
        self.fed = self.offset = len(self.data)
        self.waiting: list[bytes] = []

    def feed(self, offset: int, data: bytes) -> None:
        if self.over or offset != self.fed or offset + len(data) > self.file.size:
            raise TransferError(Status.FILE_UPLOAD_ERROR, "These are not the next bytes.", self.fed)
        self.fed += len(data)
        self.waiting.append(data)
        self.files.most_waiting = max(self.files.most_waiting, self.fed - self.offset)
        if self.fed - self.offset >= self.files.chunk * self.files.window:
            self.listener.hold(True)
        if not self.files.stuck:
            self.files.reactor.callLater(0, self.flush)

    def flush(self) -> None:
        if self.waiting:
            self.data += b"".join(self.waiting)
            self.waiting = []
            self.offset = self.fed
            self.listener.hold(False)
            self.listener.durable(self.offset)

    async def flushed(self) -> int:
        self.flush()
        return self.offset

    async def finish(self, md5: str = "") -> File:
        if self.files.refusing is not None:
            refusing = self.files.refusing
            if isinstance(refusing, TransferError) and not refusing.offset:
                self.data.clear()
            raise refusing
        return self.files.whole(self.file)

    def release(self) -> None:
        self.flush()
        self.over = True
        if self.files.holders.get(self.file.file_id) is self:
            del self.files.holders[self.file.file_id]


class MemoryDownloads:
    def __init__(self, files: MemoryFiles) -> None:
        self.files = files

    async def open(self, file_id: bytes) -> MemoryDownload:
        file = self.files.files.get(file_id)
        if file is None or file.content is None:
            raise Refused(Status.FILE_OPEN_ERROR, "There is no such file.")
        return MemoryDownload(self.files, file)


class MemoryDownload:
    def __init__(self, files: MemoryFiles, file: File) -> None:
        assert file.content is not None
        self.file, self.content = file, file.content
        self._files = files

    async def read(self, offset: int, length: int) -> bytes:
        self._files.reads += 1
        if self._files.read_gate is not None:
            await self._files.read_gate
        data = bytes(self._files.bytes[self.file.file_id][offset : offset + length])
        if not data:
            raise Refused(Status.FILE_WRITE_ERROR, "The store gives other bytes than were written.")
        return data
