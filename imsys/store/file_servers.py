"""The files of each resources server: for an operator who may have lost one."""

from __future__ import annotations

from dataclasses import dataclass

from imsys.store.database import Database, Transaction
from imsys.store.file_rows import State


@dataclass(frozen=True, slots=True)
class Holding:
    """The files of one server, or of the shared store."""

    name: str
    arriving: int = 0
    """Unfinished uploads to it, and files that it refused."""
    untold: int = 0
    """Complete files that it received and that were not announced yet."""
    contents: int = 0
    size: int = 0
    """Number and bytes of the contents in its store."""


class FileServers:
    """Queries of files by server. They read whole tables or indexes: for commands, not for servers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[Holding]:
        """Return all servers and stores that have files, by name."""
        return await self._database.read(self._all)

    @staticmethod
    def _all(tx: Transaction) -> list[Holding]:
        arriving: dict[str, int] = dict(
            tx.rows("SELECT server, COUNT(*) FROM files WHERE state <> 1 GROUP BY server")
        )
        untold: dict[str, int] = dict(tx.rows("SELECT server, COUNT(*) FROM file_outbox GROUP BY server"))
        kept = {
            name: (count, int(size))
            for name, count, size in tx.rows("SELECT store, COUNT(*), SUM(size) FROM contents GROUP BY store")
        }
        names = sorted({*arriving, *untold, *kept})
        return [
            Holding(name, arriving.get(name, 0), untold.get(name, 0), *kept.get(name, (0, 0)))
            for name in names
        ]

    async def only_at(self, server: str, limit: int) -> list[bytes]:
        """Return files that are lost with a server: unfinished uploads, and those on its disk."""
        return await self._database.read(self._only_at, server, limit)

    @staticmethod
    def _only_at(tx: Transaction, server: str, limit: int) -> list[bytes]:
        found: list[bytes] = []
        for state in (State.ARRIVING, State.REFUSED):
            rows = tx.rows(
                "SELECT file_id FROM files WHERE server = ? AND state = ? LIMIT ?",
                server,
                int(state),
                limit - len(found),
            )
            found += [bytes(file_id) for (file_id,) in rows]
        rows = tx.rows(
            "SELECT f.file_id FROM contents c JOIN files f ON f.content_id = c.content_id WHERE c.store = ? LIMIT ?",
            server,
            limit - len(found),
        )
        return found + [bytes(file_id) for (file_id,) in rows]
