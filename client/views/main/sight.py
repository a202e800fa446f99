"""Which people can be seen in the window, so that it is followed whether they are online."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QAbstractItemView, QWidget

from client.core.model import Conversation, ConversationKind, Person
from client.viewmodels.looking import Looking

if TYPE_CHECKING:
    from client.views.main.account_view import AccountView

ROW = Qt.ItemDataRole.UserRole
"""What is in a row: a conversation, or somebody."""
CHANGES = (QEvent.Type.Show, QEvent.Type.Hide, QEvent.Type.Resize, QEvent.Type.WindowStateChange)


class Sight(QObject):
    """Of ``view``; nobody is seen while its window is hidden or minimized."""

    def __init__(self, view: AccountView) -> None:
        super().__init__(view)
        self._view = view
        self._window: QWidget | None = None
        self.looking = Looking(view.account, self._seen, self)
        changed = self.looking.changed
        self._lists = (view.list.rows, view.friends.rows, view.switcher.rows, view.forwarding.rows)
        for rows in self._lists:
            model = rows.model()
            rows.verticalScrollBar().valueChanged.connect(changed)
            for signal in (model.modelReset, model.layoutChanged):
                signal.connect(changed)
        places = (view.list, view.friends, view.details, view.profile_page, view.conversation)
        for watched in (view, *places, view.switcher, view.forwarding):
            watched.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in CHANGES:
            if self._window is not self._view.window():
                self._window = self._view.window()
                self._window.installEventFilter(self)
            self.looking.changed()
        return False

    def _seen(self) -> Iterator[int]:
        view = self._view
        if not view.isVisible() or view.window().isMinimized():
            return
        for profile in (view.profile_page.profile, view.details.profile):
            if profile.isVisible():
                yield profile.uuid
        presenter = view.conversation.presenter
        if presenter is not None and view.conversation.isVisible() and presenter.other is not None:
            yield presenter.other.uuid
        for rows in self._lists:
            yield from _people(rows)


def _people(rows: QAbstractItemView) -> Iterator[int]:
    """Those of the rows of a list that are in sight."""
    if not rows.isVisible():
        return
    inside = rows.viewport().rect()
    index = rows.indexAt(inside.topLeft())
    while index.isValid() and rows.visualRect(index).intersects(inside):
        one = index.data(ROW)
        if isinstance(one, Person):
            yield one.uuid
        elif isinstance(one, Conversation) and one.kind is ConversationKind.PRIVATE:
            yield from one.people[:1]
        index = index.siblingAtRow(index.row() + 1)
