"""Minimal queries to check the database, on the same connections as everything else."""

from __future__ import annotations

from imsys.store.database import Database, Transaction


class HealthStore:
    """Checks the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self) -> None:
        """Read on a connection of the general pool. :raises Refused: as :meth:`Database.read`."""
        await self._database.read(lambda tx: tx.row("SELECT 1"))

    async def write(self) -> None:
        """Write on a connection of the general pool. :raises Refused: as :meth:`Database.write`."""
        await self._database.write(_change_nothing)

    async def append(self) -> None:
        """Write on the message log's connection. :raises Refused: as :meth:`Database.append`."""
        await self._database.append(_change_nothing)

    @property
    def answered(self) -> int:
        """A number that changes when the general pool gets an answer."""
        return self._database.answered["general"]

    @property
    def appended(self) -> int:
        """A number that changes when the message log's connection gets an answer."""
        return self._database.answered["log"]


def _change_nothing(tx: Transaction) -> None:
    # no number is below 0: it locks nothing that others need and writes nothing, but fails on a read-only
    # server
    tx.execute("DELETE FROM nodes WHERE number = -1")
