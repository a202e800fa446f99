"""Files to and from the resources servers."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from imsys.sdk.downloading import Download, Received
from imsys.sdk.link import Credentials, Timing
from imsys.sdk.parts import Part
from imsys.sdk.progress import Report, Transfer
from imsys.sdk.sources import Source
from imsys.sdk.surroundings import Files, Surroundings
from imsys.sdk.trust import Trust
from imsys.sdk.unfinished import UnfinishedUploads
from imsys.sdk.uploading import Sent, Upload

T = TypeVar("T")

_SURROGATES = re.compile("[\ud800-\udfff]")
"""What Python makes of bytes in the name of a file that are no UTF-8; they cannot be sent."""


class Transfers:
    """All transfers of one user.

    Each has a connection of its own, a few chunks in memory, and a thread of the reactor's pool now and then. It goes on by itself after
    whatever broke: for as long as it takes where there is no connection, and a few times where a server refuses what may pass.

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
        self._around = Surroundings(reactor=reactor, files=files, credentials=credentials, trust=trust, timing=timing or Timing())
        self._unfinished = unfinished
        self._running: set[Transfer[Any]] = set()

    def upload(self, file: str | Path | BinaryIO, thread_id: int, *, filename: str = "", mime: str = "") -> Transfer[Sent]:
        """Send a file to a thread, which gets a message when all of it is there.

        :param file: its path, or the file, open (binary, and it can seek; it is not closed).
        :param filename: what it is to be called; by default what its path says.
        """
        source = Source(self._around.reactor, file)
        name = filename or (source.path.name if source.path is not None else os.path.basename(str(getattr(file, "name", "")))) or "file"
        name = _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", name)

        def run(report: Report) -> Coroutine[Any, Any, Sent]:
            return Upload(self._around, source, thread_id, name, mime, self._unfinished, report).run()

        return self._start(run)

    def download(self, file_id: str, path: str | Path, *, overwrite: bool = False) -> Transfer[Received]:
        """Receive a file, which is at ``path`` when all of it is here and right.

        Until then it is in a part file beside it, with which a later call goes on.

        :param overwrite: whether a file that is there may be replaced; else :class:`FileExistsError`.
        """
        part = Part(self._around.reactor, Path(path).absolute(), file_id, overwrite=overwrite)

        def run(report: Report) -> Coroutine[Any, Any, Received]:
            return Download(self._around, file_id, part, report).run()

        return self._start(run)

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
