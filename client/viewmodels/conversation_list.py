"""The conversations of an account as their list shows them: filtered, in order, told in small steps."""

from __future__ import annotations

import enum
import time
from collections.abc import Callable, Collection, Iterable
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, Qt, QTimer

from client.core.changes import Signal
from client.core.model import Conversation, ConversationKind
from client.core.ports import Account
from client.viewmodels.work import run

GATHER_MS = 30
"""Changes that come within so long are shown together."""
FOREVER = -1

Index = QModelIndex | QPersistentModelIndex


class Shown(enum.Enum):
    """Which of them."""

    ALL = "all"
    UNREAD = "unread"
    ARCHIVED = "archived"


class ConversationList(QAbstractListModel):
    """Rows are :class:`Conversation` under :data:`CONVERSATION`; nothing of them is copied."""

    CONVERSATION = Qt.ItemDataRole.UserRole

    def __init__(
        self, account: Account, *, words: Callable[[Conversation], str] = lambda one: one.title
    ) -> None:
        """``words`` says a row in words, for those who do not see it."""
        super().__init__()
        self.account = account
        self.counted: Signal[int] = Signal()
        """How many messages are unread in conversations that are not muted."""
        self.failed: Signal[str] = Signal()
        self._words = words
        self._rows: list[Conversation] = []
        self._text, self._shown = "", Shown.ALL
        self._kept = 0
        self._unread = 0
        self._changed: set[int] = set()
        self._timer = QTimer(self, singleShot=True, interval=GATHER_MS)
        self._timer.timeout.connect(self.refresh)
        self._ends = [
            account.changes.conversations.subscribe(self._touch),
            account.changes.people.subscribe(self._people),
            account.changes.presence.subscribe(self._presence),
            account.changes.busy.subscribe(lambda one: self._paint([self.row_of(one)])),
        ]
        self.refresh()

    def close(self) -> None:
        """Hear no more."""
        self._timer.stop()
        for end in self._ends:
            end()

    # What is shown.

    @property
    def shown(self) -> Shown:
        """Which of them."""
        return self._shown

    def show(self, shown: Shown, *, keep: int = 0) -> None:
        """Show others; ``keep``: one that stays although it is read by now."""
        self._shown, self._kept = shown, keep
        self.refresh()

    def search(self, text: str) -> None:
        """Show those whose title, or whose member, holds a text; archived ones too."""
        self._text = text.casefold()
        self.refresh()

    @property
    def archived(self) -> int:
        """How many are archived."""
        return sum(1 for one in self.account.conversations() if one.archived)

    def unread(self) -> int:
        """Unread messages of those that are not muted, as of what is shown."""
        return self._unread

    def row_of(self, conversation: int) -> int:
        """Where one is; -1: it is not shown."""
        return next((at for at, one in enumerate(self._rows) if one.id == conversation), -1)

    def at(self, row: int) -> Conversation | None:
        """One of them."""
        return self._rows[row] if 0 <= row < len(self._rows) else None

    # What can be done with one.

    def pin(self, one: Conversation, pinned: bool) -> None:
        """Keep it on top, or no more."""
        run(self.account.arrange(one.id, pinned=pinned), self.failed.fire)

    def archive(self, one: Conversation, archived: bool) -> None:
        """Put it away, or take it out."""
        run(self.account.arrange(one.id, archived=archived), self.failed.fire)

    def mute(self, one: Conversation, seconds: int) -> None:
        """Be told nothing of it for so long; :data:`FOREVER`, and 0: hear of it again."""
        until = seconds if seconds <= 0 else int((time.time() + seconds) * 1000)
        run(self.account.arrange(one.id, muted_until_ms=until), self.failed.fire)

    def mark_read(self, one: Conversation) -> None:
        """All of it has been seen."""
        if one.last is not None and one.last.id:
            run(self.account.mark_read(one.id, one.last.id), self.failed.fire)

    # How.

    def _touch(self, conversations: Collection[int]) -> None:
        self._changed.update(conversations)
        if not self._timer.isActive():
            self._timer.start()

    def _people(self, people: Collection[int]) -> None:
        known = set(people)
        self._touch([one.id for one in self._rows if known.intersection(one.people)])

    def _presence(self, people: Collection[int]) -> None:
        known = set(people)
        self._paint(
            at
            for at, one in enumerate(self._rows)
            if one.kind is ConversationKind.PRIVATE and not known.isdisjoint(one.people)
        )

    def _paint(self, rows: Iterable[int]) -> None:
        """These look different, and say the same of their conversations."""
        for at in rows:
            if at >= 0:
                self.dataChanged.emit(self.index(at), self.index(at))

    def _wanted(self, one: Conversation) -> bool:
        if self._text:
            names = [one.title] + [
                self.account.person(uuid).name
                for uuid in one.people[:2]
                if one.kind is ConversationKind.PRIVATE
            ]
            return any(self._text in name.casefold() for name in names)
        if self._shown is Shown.ARCHIVED:
            return one.archived
        return not one.archived and (self._shown is Shown.ALL or one.unread > 0 or one.id == self._kept)

    def refresh(self) -> None:
        """Show what the account has now."""
        self._timer.stop()
        everything = self.account.conversations()
        rows = [one for one in everything if self._wanted(one)]
        before, after = [one.id for one in self._rows], [one.id for one in rows]
        if before == after:
            changed = [
                at
                for at, (old, new) in enumerate(zip(self._rows, rows, strict=True))
                if old is not new or new.id in self._changed
            ]
            self._rows = rows
            for at in changed:
                self.dataChanged.emit(self.index(at), self.index(at))
        elif set(before) == set(after):
            self.layoutAboutToBeChanged.emit()
            held = self.persistentIndexList()
            ids = [before[index.row()] for index in held]
            self._rows = rows
            self.changePersistentIndexList(held, [self.index(after.index(one)) for one in ids])
            self.layoutChanged.emit()
        else:
            self.beginResetModel()
            self._rows = rows
            self.endResetModel()
        self._changed.clear()
        unread, self._unread = self._unread, sum(one.unread for one in everything if not is_muted(one))
        if self._unread != unread:
            self.counted.fire(self._unread)

    # What Qt asks.

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """How many."""
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """One of them, or what it is called."""
        one = self.at(index.row())
        if one is None:
            return None
        if role == self.CONVERSATION:
            return one
        if role == Qt.ItemDataRole.DisplayRole:
            return one.title
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self._words(one)
        return None


def is_muted(one: Conversation, now_ms: int | None = None) -> bool:
    """Whether nothing is told of it."""
    return one.muted_until_ms == FOREVER or one.muted_until_ms > (
        int(time.time() * 1000) if now_ms is None else now_ms
    )
