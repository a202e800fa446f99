"""What each resources server has of the files: for the operator, who may have lost one."""

from __future__ import annotations

from dataclasses import dataclass

from imsys.store.database import Database, Transaction
from imsys.store.file_rows import State


@dataclass(frozen=True, slots=True)
class Holding:
    """What is at one server, or in the store that all share."""

    name: str
    arriving: int = 0
    """Files on their way to it, and such that it refused."""
    untold: int = 0
    """Whole files that it took, and of which their threads have not been told."""
    contents: int = 0
    size: int = 0
    """Number and bytes of what its store keeps."""


class FileServers:
    """The tables of files by server. What it is asked for reads a whole table, or its index: it is for commands, not for servers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[Holding]:
        """Every server, and store, that has something, by its name."""
        return await self._database.read(self._all)

    @staticmethod
    def _all(tx: Transaction) -> list[Holding]:
        arriving: dict[str, int] = dict(tx.rows("SELECT server, COUNT(*) FROM files WHERE state <> 1 GROUP BY server"))
        untold: dict[str, int] = dict(tx.rows("SELECT server, COUNT(*) FROM file_outbox GROUP BY server"))
        kept = {name: (count, int(size)) for name, count, size in tx.rows("SELECT store, COUNT(*), SUM(size) FROM contents GROUP BY store")}
        names = sorted({*arriving, *untold, *kept})
        return [Holding(name, arriving.get(name, 0), untold.get(name, 0), *kept.get(name, (0, 0))) for name in names]

    async def only_at(self, server: str, limit: int) -> list[bytes]:
        """Files that are lost with a server: those on their way to it, and those that its own disk keeps; none: there are no more."""
        return await self._database.read(self._only_at, server, limit)

    @staticmethod
    def _only_at(tx: Transaction, server: str, limit: int) -> list[bytes]:
        found: list[bytes] = []
        for state in (State.ARRIVING, State.REFUSED):
            rows = tx.rows("SELECT file_id FROM files WHERE server = ? AND state = ? LIMIT ?", server, int(state), limit - len(found))
            found += [bytes(file_id) for (file_id,) in rows]
        rows = tx.rows(
            "SELECT f.file_id FROM contents c JOIN files f ON f.content_id = c.content_id WHERE c.store = ? LIMIT ?",
            server,
            limit - len(found),
        )
        return found + [bytes(file_id) for (file_id,) in rows]
