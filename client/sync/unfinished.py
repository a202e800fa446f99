"""Uploads that were begun and are not finished, over the runs of the program."""

from __future__ import annotations

from typing import Any

import apsw

from client.core.changes import Signal
from client.sync.keeping import Keeper
from imsys.sdk import UnfinishedUpload


class StoreUnfinished:
    """``imsys.sdk.UnfinishedUploads`` in the store of the account."""

    def __init__(self, keeper: Keeper) -> None:
        self.offered = Signal[UnfinishedUpload]()
        """The server knows of one now."""
        self._keeper = keeper

    async def find(self, key: str) -> UnfinishedUpload | None:
        """One of them."""
        return next((one for one in await self.all() if one.key == key), None)

    async def all(self) -> list[UnfinishedUpload]:
        """All of them."""
        return await self._keeper.store.read(_uploads)

    async def save(self, upload: UnfinishedUpload) -> None:
        """Keep one."""
        values = (
            upload.key,
            upload.user,
            upload.thread_id,
            upload.path,
            upload.file_id,
            upload.size,
            upload.modified,
            upload.sha256,
        )
        self.offered.fire(upload)
        await self._keeper.write(
            lambda db: _run(db, "INSERT OR REPLACE INTO uploads VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
        )

    async def forget(self, upload: UnfinishedUpload) -> None:
        """It is over."""
        await self._keeper.write(lambda db: _run(db, "DELETE FROM uploads WHERE key = ?", (upload.key,)))


def _run(db: apsw.Connection, statement: str, values: tuple[Any, ...]) -> None:
    db.execute(statement, values)


def _uploads(db: apsw.Connection) -> list[UnfinishedUpload]:
    rows: list[Any] = db.execute(
        "SELECT user, thread_id, path, file_id, size, modified, sha256 FROM uploads"
    ).fetchall()
    names = ("user", "thread_id", "path", "file_id", "size", "modified", "sha256")
    return [UnfinishedUpload(**dict(zip(names, row, strict=True))) for row in rows]
