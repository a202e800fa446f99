"""All files of all conversations, as their list shows them: page by page, and what happens to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, Qt

from client.core.changes import Signal
from client.core.model import Message, Transfer
from client.core.ports import Account
from client.viewmodels.work import run

PAGE = 200

Index = QModelIndex | QPersistentModelIndex


class FilesModel(QAbstractListModel):
    """Rows are messages under :data:`MESSAGE`, with their transfers under :data:`TRANSFER`."""

    MESSAGE = Qt.ItemDataRole.UserRole
    TRANSFER = Qt.ItemDataRole.UserRole + 1

    def __init__(self, account: Account, *, words: Callable[[Message], str] = lambda one: one.key) -> None:
        """``words`` says a row in words, for those who do not see it."""
        super().__init__()
        self.account = account
        self.filled: Signal[None] = Signal()
        """Pages came, or rows: there may be something where there was nothing."""
        self.failed: Signal[str] = Signal()
        self.kept: Signal[int] = Signal()
        """Bytes of copies on this disk that can be had again."""
        self.loading = False
        self._words = words
        self._rows: list[Message] = []
        self._index: dict[str, int] = {}
        self._kind, self._text, self._here, self._largest = "", "", False, False
        self._complete = False
        self._generation = 0
        changes = account.changes
        self._ends = [
            changes.messages.subscribe(self._come),
            changes.removed.subscribe(lambda gone: self._drop({one.key for one in gone})),
            changes.transfer.subscribe(self._moved),
            changes.people.subscribe(lambda _: self._all_changed()),
        ]

    def close(self) -> None:
        """Hear no more."""
        self._generation += 1
        for end in self._ends:
            end()
        self._ends.clear()

    # What is shown.

    @property
    def complete(self) -> bool:
        """Whether the last one is here."""
        return self._complete

    @property
    def sought(self) -> bool:
        """Whether some are left out."""
        return bool(self._kind or self._text or self._here)

    def show(
        self,
        *,
        kind: str | None = None,
        text: str | None = None,
        here: bool | None = None,
        largest: bool | None = None,
        anew: bool = False,
    ) -> None:
        """Show others; ``None``: as it is. See :meth:`client.core.ports.Reader.files`."""
        wanted = (
            self._kind if kind is None else kind,
            self._text if text is None else text,
            self._here if here is None else here,
            self._largest if largest is None else largest,
        )
        if anew or wanted != (self._kind, self._text, self._here, self._largest):
            self._kind, self._text, self._here, self._largest = wanted
            self.reload()

    def reload(self) -> None:
        """Read all of it anew."""
        self._generation += 1
        self.loading, self._complete = False, False
        self.beginResetModel()
        self._rows, self._index = [], {}
        self.endResetModel()
        self.fetchMore()

    def message(self, row: int) -> Message | None:
        """One of them."""
        return self._rows[row] if 0 <= row < len(self._rows) else None

    def row_of(self, key: str) -> int:
        """Where a message is; -1: it is not here."""
        return self._index.get(key, -1)

    def measure(self) -> None:
        """How much is kept."""

        async def ask() -> None:
            self.kept.fire(await self.account.cached())

        run(ask(), self.failed.fire)

    def clear(self) -> None:
        """Remove all copies from this disk."""

        async def clear() -> None:
            await self.account.clear_cache()
            self.kept.fire(await self.account.cached())

        run(clear(), self.failed.fire)

    # What Qt asks.

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """How many are here."""
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """One of them, its transfer, or what it is in words."""
        message = self.message(index.row())
        if message is None:
            return None
        if role == self.MESSAGE:
            return message
        if role == self.TRANSFER:
            found = next((one for one in self.account.transfers() if one.key == message.key), None)
            return None if found is None or found.over else found
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return self._words(message)
        return None

    def canFetchMore(self, parent: Index = QModelIndex()) -> bool:  # noqa: B008
        """Whether there may be more."""
        return not parent.isValid() and not self._complete and not self.loading

    def fetchMore(self, parent: Index = QModelIndex()) -> None:  # noqa: B008
        """Have the next page."""
        if not self.canFetchMore(parent):
            return
        generation, skip = self._generation, len(self._rows)
        self.loading = True

        async def load() -> None:
            page = await self.account.files(
                self._kind, self._text, PAGE, skip, here=self._here, largest=self._largest
            )
            if generation != self._generation:
                return
            self.loading = False
            self._complete = len(page) < PAGE
            self._append([one for one in page if one.key not in self._index and not one.recalled])
            self.filled.fire(None)

        def failed(problem: str) -> None:
            if generation == self._generation:
                self.loading = False
                self._complete = True  # it is not asked for again and again
                self.failed.fire(problem)
                self.filled.fire(None)

        run(load(), failed)

    # What happens.

    def _append(self, page: list[Message]) -> None:
        if page:
            start = len(self._rows)
            self.beginInsertRows(QModelIndex(), start, start + len(page) - 1)
            self._rows += page
            self._index |= {one.key: start + at for at, one in enumerate(page)}
            self.endInsertRows()

    def _fits(self, message: Message) -> bool:
        attachment = message.attachment
        if attachment is None or message.recalled or (self._here and not attachment.path):
            return False
        named = self._text.casefold() in attachment.filename.casefold()
        return named and self._kind in ("", message.kind.value)

    def _order(self, message: Message) -> tuple[int, int]:
        size = message.attachment.size if message.attachment is not None else 0
        return (-size if self._largest else 0, -message.at_ms)

    def _come(self, messages: list[Message]) -> None:
        gone: set[str] = set()
        for message in messages:
            row = self._index.get(message.key, -1)
            if row >= 0 and self._fits(message):
                self._rows[row] = message
                self._changed(row)
            elif row >= 0:
                gone.add(message.key)
            elif self._fits(message):
                self._insert(message)
        self._drop(gone)

    def _insert(self, message: Message) -> None:
        order = self._order(message)
        at = next((row for row, one in enumerate(self._rows) if self._order(one) >= order), len(self._rows))
        if at == len(self._rows) and not self._complete:
            return  # it comes with its page
        self.beginInsertRows(QModelIndex(), at, at)
        self._rows.insert(at, message)
        self._number(at)
        self.endInsertRows()
        self.filled.fire(None)

    def _drop(self, keys: set[str]) -> None:
        rows = sorted((self._index[key] for key in keys if key in self._index), reverse=True)
        for row in rows:
            self.beginRemoveRows(QModelIndex(), row, row)
            del self._index[self._rows.pop(row).key]
            self._number(row)
            self.endRemoveRows()
        if rows:
            self.filled.fire(None)

    def _number(self, start: int) -> None:
        for row in range(start, len(self._rows)):
            self._index[self._rows[row].key] = row

    def _moved(self, transfer: Transfer) -> None:
        row = self._index.get(transfer.key, -1)
        if row >= 0:
            self._changed(row)

    def _changed(self, row: int) -> None:
        self.dataChanged.emit(self.index(row), self.index(row))

    def _all_changed(self) -> None:
        if self._rows:
            self.dataChanged.emit(self.index(0), self.index(len(self._rows) - 1))
