"""Uploads to and downloads from the resources servers."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypeVar
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
"""Python's stand-ins for bytes of a file name that are not valid UTF-8; they cannot be sent."""


class Transfers:
    """All transfers of one user.

    Each has its own connection, a few chunks in memory, and now and then a thread of the reactor's pool. It
    retries by itself: without limit if there is no connection or the servers have a problem, and a few times
    if this file may be the reason.

    :param files: asks for the grants.
    :param trust: the certificate authorities to trust; ``None``: no TLS.
    :param unfinished: where uploads are remembered, so that another run of the program can resume them.
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
            reactor=steady_reactor(reactor),
            files=files,
            credentials=credentials,
            trust=trust,
            timing=timing or Timing(),
        )
        self._unfinished = unfinished
        self._running: set[Transfer[Any]] = set()
        self._uploads: WeakKeyDictionary[Transfer[Sent], Upload] = WeakKeyDictionary()

    def upload(
        self, file: str | Path | BinaryIO, thread_id: int, *, filename: str = "", mime: str = ""
    ) -> Transfer[Sent]:
        """Send a file to a thread, which gets a message when the upload is complete.

        :param file: its path, or an open file (binary, seekable; it is not closed).
        :param filename: the name to show; by default that of the path.
        """
        return self._upload(file, thread_id, filename, mime)

    def avatar(self, file: str | Path | BinaryIO, *, filename: str = "", mime: str = "") -> Transfer[Sent]:
        """Send a picture that becomes the user's avatar; otherwise like :meth:`upload`.

        The server cuts a square from it and keeps that in two sizes.
        A file that is not a picture is refused with PERMISSION_DENIED (65).
        """
        return self._upload(file, 0, filename, mime, "avatar")

    def group_picture(
        self, file: str | Path | BinaryIO, *, filename: str = "", mime: str = ""
    ) -> Transfer[Sent]:
        """Send a picture for a group: its ``file_id`` is what :meth:`imsys.sdk.Groups.create` and ``change`` take.

        Otherwise like :meth:`avatar`.
        """
        return self._upload(file, 0, filename, mime, "group")

    async def give_up(self, upload: Transfer[Sent] | UnfinishedUpload) -> None:
        """Abandon an upload for good: cancel it, have the server remove what it has, and forget it.

        :param upload: a transfer of :meth:`upload`, or one that another run of the program began.
        :raises Refused: FILE_OPEN_ERROR (38), the file is complete and its thread has it.
        :raises Unavailable: the client is not started.
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

    def download(
        self, file_id: str, path: str | Path, *, overwrite: bool = False, thumbnail: bool = False
    ) -> Transfer[Received]:
        """Receive a file; it is at ``path`` when it is complete and verified.

        Until then it is in a part file beside ``path``, which a later call resumes.

        :param overwrite: whether an existing file may be replaced; otherwise :class:`FileExistsError` is
            raised.
        :param thumbnail: receive a smaller picture: the thumbnail of an image or video, the smaller size of
            an avatar.
        """
        part = Part(
            self._around.reactor,
            Path(path).absolute(),
            f"small-{file_id}" if thumbnail else file_id,
            overwrite=overwrite,
        )

        def run(report: Report) -> Coroutine[Any, Any, Received]:
            return Download(self._around, file_id, part, report, thumbnail=thumbnail).run()

        return self._start(run)

    def _upload(
        self,
        file: str | Path | BinaryIO,
        thread_id: int,
        filename: str,
        mime: str,
        picture: Literal["", "avatar", "group"] = "",
    ) -> Transfer[Sent]:
        source = FileSource(self._around.reactor, file)
        name = (
            filename
            or (
                source.path.name
                if source.path is not None
                else os.path.basename(str(getattr(file, "name", "")))
            )
            or "file"
        )
        name = _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", name)
        uploads: list[Upload] = []

        def run(report: Report) -> Coroutine[Any, Any, Sent]:
            uploads.append(
                Upload(self._around, source, thread_id, name, mime, self._unfinished, report, picture=picture)
            )
            return uploads[0].run()

        transfer = self._start(run)
        self._uploads[transfer] = uploads[0]
        return transfer

    async def stop(self) -> None:
        """Cancel all transfers, and return when they have ended."""
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
