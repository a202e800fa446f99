"""Going to a conversation by a few letters of its name."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent as Event
from PySide6.QtCore import QModelIndex, QObject, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout, QWidget

from client.core.model import Conversation
from client.core.ports import Account
from client.theme import Theme
from client.theme.tokens import RADIUS, SMALL, SWITCHER
from client.viewmodels.conversation_list import ConversationList
from client.views.main.list_pane import ConversationRows
from client.views.main.row import RowDelegate
from client.widgets.avatar import Avatars
from client.widgets.search_field import SearchField
from client.widgets.shadow import Shadow


class Switcher(QFrame):
    """It floats over the window. ↑ ↓ choose, Enter goes, Esc leaves."""

    opened = Signal(object)
    left = Signal()

    def __init__(
        self,
        theme: Theme,
        avatars: Avatars,
        account: Account,
        window: QWidget,
        now_ms: Callable[[], int],
        *,
        title: str = "",
        prompt: str = "",
    ) -> None:
        """``title`` and ``prompt``: what it is for, where one does not just want to go there."""
        super().__init__(window)
        self._theme, self._window = theme, window
        self.setProperty("ground", "float")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(title or self.tr("Go to a conversation"))
        self._shadow = Shadow(theme, self)
        self.setGraphicsEffect(self._shadow)
        self.model = ConversationList(account)
        self.field = SearchField(theme, prompt or self.tr("Go to …"))
        self.field.installEventFilter(self)
        self.rows = ConversationRows(theme)
        self.rows.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.rows.setItemDelegate(FloatDelegate(theme, avatars, account, now_ms))
        self.rows.setModel(self.model)
        self._nothing = QLabel(self.tr("Nothing found"))
        self._nothing.setProperty("role", "second")
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SMALL, SMALL, SMALL, SMALL)
        layout.setSpacing(SMALL)
        layout.addWidget(self.field)
        layout.addWidget(self.rows, 1)
        layout.addWidget(self._nothing, 1)
        self.field.textChanged.connect(self._search)
        self.rows.opened.connect(self._go)
        window.installEventFilter(self)
        self.hide()

    def begin(self) -> None:
        """Show it."""
        self.field.clear()
        self._search("")
        self._place()
        self.show()
        self.raise_()
        self.field.setFocus()

    def leave(self) -> None:
        """Take it away."""
        if self.isVisible():
            self.hide()
            self.left.emit()

    def _search(self, text: str) -> None:
        self.model.search(text.strip())
        count = self.model.rowCount()
        self.rows.setVisible(count > 0)
        self._nothing.setVisible(not count)
        self._choose(0)

    def _choose(self, row: int) -> None:
        index: QModelIndex = self.model.index(row, 0)
        self.rows.setCurrentIndex(index)
        delegate = self.rows.itemDelegate()
        one = self.model.at(row)
        if isinstance(delegate, RowDelegate):
            delegate.current = one.id if isinstance(one, Conversation) else 0
        self.rows.scrollTo(index)
        self.rows.viewport().update()

    def _go(self, conversation: int) -> None:
        self.hide()
        self.opened.emit(conversation)

    def eventFilter(self, watched: QObject, event: Event) -> bool:
        if watched is self._window:
            if event.type() == Event.Type.Resize and self.isVisible():
                self._place()
            return False
        if isinstance(event, QKeyEvent) and event.type() == Event.Type.KeyPress:
            row, count = self.rows.currentIndex().row(), self.model.rowCount()
            if event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Up) and count:
                self._choose((row + (1 if event.key() == Qt.Key.Key_Down else -1)) % count)
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                one = self.model.at(row)
                if one is not None:
                    self._go(one.id)
                return True
            if event.key() == Qt.Key.Key_Escape:
                self.leave()
                return True
        if event.type() == Event.Type.FocusOut and self.isVisible():
            QTimer.singleShot(
                0,
                self,
                lambda: None if self.field.hasFocus() or not self._window.isActiveWindow() else self.leave(),
            )
        return False

    def _place(self) -> None:
        width = min(self._theme.px(SWITCHER[0]), self._window.width() - 4 * RADIUS)
        height = min(self._theme.px(SWITCHER[1]), self._window.height() - 8 * RADIUS)
        self.setGeometry(
            (self._window.width() - width) // 2,
            min(self._theme.px(80), (self._window.height() - height) // 2),
            width,
            height,
        )

    def corner(self) -> QPoint:
        """Where it is."""
        return self.geometry().topLeft()


class FloatDelegate(RowDelegate):
    """Rows on the ground of what floats."""

    ground = "float"
