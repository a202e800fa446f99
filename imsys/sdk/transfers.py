"""Files to and from the resources servers."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, BinaryIO, TypeVar
from weakref import WeakKeyDictionary

from imsys.sdk.credentials import Credentials
from imsys.sdk.downloading import Download, Received
from imsys.sdk.giving_up import GivingUp
from imsys.sdk.parts import Part
from imsys.sdk.progress import Report, Transfer
from imsys.sdk.sources import FileSource
from imsys.sdk.steady import steady_reactor
from imsys.sdk.timing import Timing
from imsys.sdk.transfer_context import Files, TransferContext
from imsys.sdk.trust import Trust
from imsys.sdk.unfinished import UnfinishedUpload, UnfinishedUploads
from imsys.sdk.uploading import Sent, Upload

T = TypeVar("T")

_SURROGATES = re.compile("[\ud800-\udfff]")
"""What Python makes of bytes in the name of a file that are no UTF-8; they cannot be sent."""


class Transfers:
    """All transfers of one user.

    Each has a connection of its own, a few chunks in memory, and a thread of the reactor's pool now and then. It goes on by itself after
    whatever broke: for as long as it takes where there is no connection, or servers lack something, and a few times where this
    file may be the reason.

    :param files: who asks for the rights.
    :param trust: the authorities of the servers' certificates; ``None``: without TLS.
    :param unfinished: where uploads are remembered, for another run of the program to go on with.
    """

    def __init__(
        self,
        reactor: Any,
        files: Files,
        credentials: Credentials,
        trust: Trust | None,
        timing: Timing | None = None,
        *,
        unfinished: UnfinishedUploads | None = None,
    ) -> None:
        self._around = TransferContext(
            reactor=steady_reactor(reactor), files=files, credentials=credentials, trust=trust, timing=timing or Timing()
        )
        self._unfinished = unfinished
        self._running: set[Transfer[Any]] = set()
        self._uploads: WeakKeyDictionary[Transfer[Sent], Upload] = WeakKeyDictionary()

    def upload(self, file: str | Path | BinaryIO, thread_id: int, *, filename: str = "", mime: str = "") -> Transfer[Sent]:
        """Send a file to a thread, which gets a message when all of it is there.

        :param file: its path, or the file, open (binary, and it can seek; it is not closed).
        :param filename: what it is to be called; by default what its path says.
        """
        return self._upload(file, thread_id, filename, mime, avatar=False)

    def avatar(self, file: str | Path | BinaryIO, *, filename: str = "", mime: str = "") -> Transfer[Sent]:
        """Send a picture that becomes the user's avatar: as :meth:`upload`.

        The server cuts a square of it, and keeps that in two sizes; what is no picture is refused (``PERMISSION_DENIED``).
        """
        return self._upload(file, 0, filename, mime, avatar=True)

    async def give_up(self, upload: Transfer[Sent] | UnfinishedUpload) -> None:
        """Never go on with an upload: it is cancelled, the server removes what it has of it, and it counts no more.

        :param upload: a transfer of :meth:`upload`, or one that another run of the program began.
        :raises Refused: ``FILE_OPEN_ERROR``, it is whole, and its thread has it; or the server cannot be asked.
        """
        if isinstance(upload, UnfinishedUpload):
            await GivingUp(self._around, upload.file_id).run()
            if self._unfinished is not None:
                await self._unfinished.forget(upload)
            return
        ended = upload.result()
        ended.addErrback(lambda _: None)
        upload.cancel()
        await ended
        await self._uploads[upload].give_up()

    def download(self, file_id: str, path: str | Path, *, overwrite: bool = False, thumbnail: bool = False) -> Transfer[Received]:
        """Receive a file, which is at ``path`` when all of it is here and right.

        Until then it is in a part file beside it, with which a later call goes on.

        :param overwrite: whether a file that is there may be replaced; else :class:`FileExistsError`.
        :param thumbnail: receive the smaller picture of it: of an image or a video the thumbnail, of an avatar the smaller size.
        """
        part = Part(self._around.reactor, Path(path).absolute(), f"small-{file_id}" if thumbnail else file_id, overwrite=overwrite)

        def run(report: Report) -> Coroutine[Any, Any, Received]:
            return Download(self._around, file_id, part, report, thumbnail=thumbnail).run()

        return self._start(run)

    def _upload(self, file: str | Path | BinaryIO, thread_id: int, filename: str, mime: str, *, avatar: bool) -> Transfer[Sent]:
        source = FileSource(self._around.reactor, file)
        name = filename or (source.path.name if source.path is not None else os.path.basename(str(getattr(file, "name", "")))) or "file"
        name = _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", name)
        uploads: list[Upload] = []

        def run(report: Report) -> Coroutine[Any, Any, Sent]:
            uploads.append(Upload(self._around, source, thread_id, name, mime, self._unfinished, report, avatar=avatar))
            return uploads[0].run()

        transfer = self._start(run)
        self._uploads[transfer] = uploads[0]
        return transfer

    async def stop(self) -> None:
        """Cancel all of them."""
        running = [(transfer, transfer.result()) for transfer in self._running]
        for transfer, ended in running:
            ended.addErrback(lambda _: None)
            transfer.cancel()
        for _, ended in running:
            await ended

    def _start(self, run: Callable[[Report], Coroutine[Any, Any, T]]) -> Transfer[T]:
        transfer = Transfer(run)
        self._running.add(transfer)
        transfer.running.addBoth(lambda _: self._running.discard(transfer))
        return transfer
