"""Rows of numbers that are built as text, where a driver would take long to escape parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from imsys.store.database import Transaction
from imsys.store.sqlite_process import Step


class Insert(NamedTuple):
    """One INSERT of rows of numbers: its beginning, its rows, and its end in MySQL and in SQLite."""

    start: str
    rows: Sequence[tuple[int, ...]]
    end: str = ""
    end_sqlite: str = ""

    def run(self, tx: Transaction) -> None:
        """Insert the rows."""
        if tx.dialect.name == "sqlite":
            tx.execute_rows(self.start, self.rows, self.end_sqlite)
            return
        for statement in self.statements(tx.dialect.most_bytes):
            tx.execute_literal(statement)

    def step(self) -> Step:
        """Make the step for SQLite."""
        return Step(self.start, self.rows, True, self.end_sqlite, keep=True)

    def statements(self, most: int) -> list[str]:
        """Build the statements for MySQL, each of at most ``most`` bytes."""
        # safe as literals: %d takes only numbers
        row = f"({','.join(['%d'] * len(self.rows[0]))})" if self.rows else ""
        return fitting(self.start, [row % values for values in self.rows], self.end, most)


def fitting(start: str, values: Sequence[str], end: str, most: int) -> list[str]:
    """Build the statements for these values, each of at most ``most`` bytes (``max_allowed_packet``)."""
    whole = start + ",".join(values) + end
    if len(whole) <= most:
        return [whole] if values else []
    statements = []
    some: list[str] = []
    room = 0
    for value in values:
        if some and room < len(value) + 1:
            statements.append(start + ",".join(some) + end)
            some = []
        if not some:
            room = most - len(start) - len(end)
        some.append(value)
        room -= len(value) + 1
    return [*statements, start + ",".join(some) + end]
