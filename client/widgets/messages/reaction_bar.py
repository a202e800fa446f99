"""What one reacts with most, beside the message that the pointer rests on, or that the keyboard has chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint, Qt, QTimer
from PySide6.QtGui import QCursor, QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout

from client.core.living import is_said
from client.core.model import Message
from client.theme import Theme
from client.theme.tokens import HOVER_MS, SMALL
from client.widgets.emoji.catalogue import QUICK
from client.widgets.emoji.quick import QuickEmoji
from client.widgets.shadow import Shadow

if TYPE_CHECKING:
    from client.widgets.messages.view import MessageList

OFFERED = 4


class ReactionBar(QFrame):
    """Floats over the list."""

    def __init__(self, theme: Theme, view: MessageList) -> None:
        super().__init__(view.viewport())
        self._view = view
        self.key = ""
        """The message that it is for, or is about to be."""
        self._back_to_list = False
        self.setProperty("ground", "float")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(self.tr("React"))
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self._shadow = Shadow(theme, self)
        self.setGraphicsEffect(self._shadow)
        self._theme = theme
        self.row: QuickEmoji | None = None
        self._soon = QTimer(self, singleShot=True, interval=HOVER_MS)
        self._soon.timeout.connect(lambda: self._show(self.key))
        self._layout = QHBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        theme.changed.connect(self._anew)
        self.hide()

    def hovered(self, key: str) -> None:
        """The pointer is on a message now; empty: on none."""
        if self.isVisible() and (self.hasFocus() or self._has_keys()):
            return
        if key != self.key or not (self._soon.isActive() or self.isVisible()):
            self.leave()
            if self._message(key) is not None:
                self.key = key
                self._soon.start()

    def follow(self) -> None:
        """Messages came, went or moved: it stays with its own."""
        if self.key and self._message(self.key) is None:
            self.leave()
        elif self.isVisible():
            self.move(self._place(self.key))

    def begin(self, key: str) -> bool:
        """For the keyboard; whether one can react to that message."""
        if self._message(key) is None:
            return False
        self._back_to_list = self._view.hasFocus()
        self._show(key)
        if self.row is not None:
            self.row.buttons[0].setFocus(Qt.FocusReason.TabFocusReason)
        return True

    def leave(self) -> None:
        """Take it away."""
        self._soon.stop()
        self.key = ""
        if self.isVisible():
            keys, self._back_to_list = self._has_keys() and self._back_to_list, False
            self.hide()
            if keys:
                self._view.setFocus(Qt.FocusReason.OtherFocusReason)

    def _has_keys(self) -> bool:
        return self.row is not None and any(one.hasFocus() for one in self.row.buttons)

    def _message(self, key: str) -> Message | None:
        message = self._view.message(key) if key and self._view.reacts else None
        return message if message is not None and is_said(message) else None

    def _anew(self) -> None:
        self.leave()
        if self.row is not None:
            self._layout.removeWidget(self.row)
            self.row.deleteLater()
            self.row = None

    def _show(self, key: str) -> None:
        message = self._message(key)
        if message is None:
            self.leave()
            return
        if self.row is None:
            self.row = QuickEmoji(self._theme, offered=QUICK[:OFFERED], space=(2, 2))
            self.row.picked.connect(self._picked)
            self.row.more.connect(self._more)
            self._layout.addWidget(self.row)
        self.row.set_mine([one.emoji for one in message.reactions if one.mine])
        self.key = key
        self.adjustSize()
        self.move(self._place(key))
        self.show()
        self.raise_()

    def _place(self, key: str) -> QPoint:
        """Beside the bubble, at the side where there is room; over its upper edge where there is none."""
        view = self._view
        row, top = view.rows.row(view.rows.index[key]), view.rect_of(key).top()
        rect = (row.bubble if not row.bubble.isEmpty() else row.meta).translated(0, top)
        room = view.viewport().width()
        y = rect.top() + min(0.0, (rect.height() - self.height()) / 2)
        right, left = rect.right() + SMALL, rect.left() - SMALL - self.width()
        at_right = rect.center().x() < room / 2
        for x in (right, left) if at_right else (left, right):
            if SMALL <= x <= room - self.width() - SMALL:
                break
        else:
            x = rect.right() - self.width() if not at_right else rect.left()
            x = max(SMALL, min(x, room - self.width() - SMALL))
            y = rect.top() - self.height() + SMALL
        return QPoint(
            round(x), round(max(SMALL / 2, min(y, view.viewport().height() - self.height() - SMALL / 2)))
        )

    def _picked(self, emoji: str) -> None:
        message = self._message(self.key)
        self.leave()
        if message is not None:
            self._view.react.emit(message, emoji)

    def _more(self) -> None:
        message, place = self._message(self.key), self.mapToGlobal(self.rect().bottomRight())
        self.leave()
        if message is not None:
            self._view.react_more.emit(message, place)

    def leaveEvent(self, event: QEvent) -> None:
        """The pointer goes on, or out of the list."""
        if not self._view.viewport().rect().contains(self._view.viewport().mapFromGlobal(QCursor.pos())):
            self.hovered("")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.leave()
        else:
            event.ignore()
