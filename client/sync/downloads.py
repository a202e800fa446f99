"""Files of others, fetched to this disk."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from twisted.internet.defer import CancelledError, Deferred

from client.core.filenames import safe_name
from client.core.model import Message, Stage
from client.core.ports import Failure, GivenUp
from client.sync.convert import STAGES
from client.sync.file_cache import FILES, FileCache
from client.sync.file_ids import is_file_id
from client.sync.known import Known
from client.sync.transfer_report import TransferReport
from imsys import sdk
from imsys.sdk import Client, Progress, Refused, explain


class _Fetching:
    """One file that comes, for one or more who wait."""

    def __init__(self) -> None:
        self.transfer: sdk.Transfer[sdk.Received] | None = None
        self.paused = False
        self.cancelled = False
        self.waiting: list[Deferred[Path]] = []
        self.go: Deferred[None] | None = None


class Downloads:
    """Fetches whole files, each once for all who wait for it."""

    def __init__(self, reactor: Any, client: Client, known: Known, cache: FileCache) -> None:
        self._reactor = reactor
        self._client = client
        self._known = known
        self._cache = cache
        self._fetching: dict[str, _Fetching] = {}

    async def fetch(self, message: Message, to: Path | None) -> Path:
        """See :class:`client.core.ports.Commands`."""
        file = message.attachment
        if file is None:
            raise Failure("This message has no file.")
        there = Path(file.path) if file.path else None
        if there is None or not await self._cache.threaded(there.is_file):
            there = await self._whole(message)
        if to is None:
            return there
        try:
            return await self._cache.threaded(lambda: _copy(there, to))
        except OSError as problem:
            raise Failure(explain(problem)) from problem

    def pause(self, key: str) -> None:
        """Stop one for now."""
        fetching = self._fetching.get(key)
        if fetching is not None:
            fetching.paused = True
            if fetching.transfer is not None:
                fetching.transfer.cancel()

    def resume(self, key: str) -> None:
        """Go on."""
        fetching = self._fetching.get(key)
        if fetching is not None:
            fetching.paused = False
            go, fetching.go = fetching.go, None
            if go is not None:
                go.callback(None)

    def cancel(self, key: str) -> None:
        """Give one up."""
        fetching = self._fetching.get(key)
        if fetching is not None:
            fetching.cancelled = True
            if fetching.transfer is not None:
                fetching.transfer.cancel()
            self.resume(key)
        failed = self._known.moving.pop(key, None)
        if fetching is None and failed is not None:
            self._known.changes.transfer.fire(replace(failed, stage=Stage.CANCELLED, done=0, problem=""))

    async def _whole(self, message: Message) -> Path:
        waiting: Deferred[Path] = Deferred()
        fetching = self._fetching.get(message.key)
        if fetching is None:
            fetching = self._fetching[message.key] = _Fetching()
            Deferred.fromCoroutine(self._get(message, fetching)).addBoth(self._got, message.key, fetching)
        fetching.waiting.append(waiting)
        return await waiting

    def _got(self, result: Any, key: str, fetching: _Fetching) -> None:
        self._fetching.pop(key, None)
        for one in fetching.waiting:
            if not one.called:
                one.callback(result)

    async def _get(self, message: Message, fetching: _Fetching) -> Path:
        file = message.attachment
        assert file is not None
        if not is_file_id(file.file_id):
            raise Failure("This file is not there yet.")
        target = self._cache.place(FILES, file.file_id, safe_name(file.filename))
        report = TransferReport(self._known, message, self._reactor.seconds, up=False)

        def progress(one: Progress) -> None:
            if not fetching.paused and not fetching.cancelled:
                report.tell(STAGES[one.stage], one.done, "" if one.problem is None else explain(one.problem))

        try:
            await self._cache.threaded(lambda: target.parent.mkdir(mode=0o700, parents=True, exist_ok=True))
            while True:
                fetching.transfer = self._client.transfers.download(file.file_id, target, overwrite=True)
                fetching.transfer.on_progress.subscribe(progress)
                try:
                    received = await fetching.transfer.result()
                    break
                except CancelledError:
                    if fetching.cancelled or not fetching.paused:
                        raise
                report.tell(Stage.PAUSED, fetching.transfer.progress.done)
                fetching.go = Deferred()
                await fetching.go
                if fetching.cancelled:
                    raise CancelledError
        except CancelledError:
            report.tell(Stage.CANCELLED, 0)
            report.over()
            raise GivenUp("It was given up.") from None
        except (Refused, OSError) as problem:
            report.tell(Stage.FAILED, 0, explain(problem))
            raise Failure(explain(problem)) from problem
        report.tell(Stage.DONE, received.size)
        report.over()
        await self._cache.remember(message, path=str(received.path))
        await self._cache.bound_large(file.file_id)
        return received.path


def _copy(path: Path, to: Path) -> Path:
    """Copy a file whole or not at all."""
    part = to.with_name(f".{to.name[:100]}.{os.urandom(4).hex()}")
    try:
        shutil.copyfile(path, part)
        part.replace(to)
    finally:
        part.unlink(missing_ok=True)
    return to
