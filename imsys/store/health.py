"""Whether the database serves us: the least that can be asked of it, on the same connections as everything else."""

from __future__ import annotations

from imsys.store.database import Database, Transaction


class HealthStore:
    """Tries the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self) -> None:
        """Have something read on a connection of the general pool. :raises Refused: as of anything that is read."""
        await self._database.read(lambda tx: tx.row("SELECT 1"))

    async def write(self) -> None:
        """Have something written there. :raises Refused: as of anything that is written."""
        await self._database.write(_change_nothing)

    async def append(self) -> None:
        """Have something written on the message log's connection. :raises Refused: as of anything that is stored there."""
        await self._database.append(_change_nothing)

    @property
    def answered(self) -> int:
        """Changes when the general pool has got an answer."""
        return self._database.answered["general"]

    @property
    def appended(self) -> int:
        """Changes when the message log's connection has got one."""
        return self._database.answered["log"]


def _change_nothing(tx: Transaction) -> None:
    # no number is below 0: nothing is locked that anybody waits for, and nothing goes to the disk; who may not write is told so
    tx.execute("DELETE FROM nodes WHERE number = -1")
