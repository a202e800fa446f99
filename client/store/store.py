"""The thread of a store: work is done there one after the other, and its results come back as Deferreds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import apsw
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure as Reason
from twisted.python.threadpool import ThreadPool

from client.core.ports import Failure
from client.store.opening import BEYOND_REPAIR, Opened, open_store, set_aside

T = TypeVar("T")

NAME = "store.db"
"""The file, in the folder of an account."""
_FULL = (apsw.FullError, apsw.IOError, apsw.ReadOnlyError, apsw.CantOpenError)


class StoreFull(Failure):
    """Nothing can be written: the disk is full or broken. What was stored before is as it was."""


class StoreDamaged(Failure):
    """What is stored cannot be read any more."""


class StoreClosed(Failure):
    """It was closed before."""


class Store:
    """One account's database. Everything is done in one thread of its own, in the order in which it was asked
    for.

    :param path: of the file.
    :param key: 32 bytes that it is encrypted with.
    """

    def __init__(self, reactor: Any, path: Path, key: bytes) -> None:
        self.path = path
        self._reactor = reactor
        self._key = key
        self._pool = ThreadPool(1, 1, name=f"store {path.parent.name}")
        self._db: apsw.Connection | None = None
        self.damaged: Callable[[], object] = lambda: None
        """Called when it turns out that it can be read no more; :meth:`renew` begins a new one."""

    async def open(self) -> Opened:
        """Open it; what had to be set aside. :raises StoreFull: nothing can be written there."""
        self._pool.start()
        try:
            return await deferToThreadPool(self._reactor, self._pool, self._open)
        except (*_FULL, OSError) as problem:
            await self.close()
            raise StoreFull(str(problem)) from problem

    def read(self, work: Callable[[apsw.Connection], T]) -> Deferred[T]:
        """Ask it something."""
        return deferToThreadPool(self._reactor, self._pool, self._run, work).addErrback(self._failed)

    def write(self, work: Callable[[apsw.Connection], T]) -> Deferred[T]:
        """Change something, whole or not at all. It fails with :class:`StoreFull` where that cannot be."""
        return self.read(lambda db: _whole(db, work))

    def renew(self) -> Deferred[Path]:
        """Set aside what is there, and begin a new one; its name then.

        :class:`StoreFull`: nothing can be written.
        """
        return deferToThreadPool(self._reactor, self._pool, self._renew)

    async def close(self) -> None:
        """Finish what was asked for, and close it."""
        if self._pool.started and not self._pool.joined:
            await deferToThreadPool(self._reactor, self._pool, self._close)
            await deferToThreadPool(self._reactor, self._reactor.getThreadPool(), self._pool.stop)

    def _failed(self, reason: Reason) -> Reason:
        if reason.check(StoreDamaged):
            self.damaged()
        return reason

    def _renew(self) -> Path:
        self._close()
        aside = set_aside(self.path)
        try:
            self._open()
        except (*_FULL, OSError) as problem:
            raise StoreFull(str(problem)) from problem
        return aside

    def _open(self) -> Opened:
        opened = open_store(self.path, self._key)
        self._db = opened.db
        return opened

    def _run(self, work: Callable[[apsw.Connection], T]) -> T:
        if self._db is None:
            raise StoreClosed("This account is closed.")
        try:
            return work(self._db)
        except BEYOND_REPAIR as problem:
            raise StoreDamaged("What is kept on this computer cannot be read; it is built anew.") from problem
        except _FULL as problem:
            raise StoreFull(str(problem)) from problem

    def _close(self) -> None:
        db, self._db = self._db, None
        if db is not None:
            db.close(True)


def _whole(db: apsw.Connection, work: Callable[[apsw.Connection], T]) -> T:
    db.execute("BEGIN IMMEDIATE")
    try:
        result = work(db)
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:  # a disk that is full has ended it already
            db.execute("ROLLBACK")
        raise
    return result
