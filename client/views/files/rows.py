"""The list of files: rows of one height, by mouse and keys."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QRectF, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QKeySequence, QMouseEvent

from client.core.model import Message
from client.viewmodels.files import FilesModel
from client.views.files.row import FileDelegate
from client.widgets.rows import Rows


class FileRows(Rows):
    """Enter or a double click opens.

    The button of a row, Ctrl+S, Delete and the menu do what else there is.
    """

    opened = Signal(object)
    pressed_button = Signal(object)
    save = Signal(object)
    discard = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName(self.tr("Files"))

    def one(self, index: QModelIndex) -> Message | None:
        """What is in a row."""
        found = index.data(FilesModel.MESSAGE)
        return found if isinstance(found, Message) else None

    def button_of(self, index: QModelIndex) -> QRectF:
        """Where the button of a row is."""
        delegate = self.itemDelegate()
        rtl = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
        return (
            delegate.button(QRectF(self.visualRect(index)), rtl=rtl)
            if isinstance(delegate, FileDelegate)
            else QRectF()
        )

    def key(self, event: QKeyEvent) -> bool:
        key, one = event.key(), self.one(self.currentIndex())
        if one is None:
            return False
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.opened.emit(one)
        elif key == Qt.Key.Key_Space:
            self.pressed_button.emit(one)
        elif event.matches(QKeySequence.StandardKey.Save):
            self.save.emit(one)
        elif key == Qt.Key.Key_Delete:
            self.discard.emit(one)
        else:
            return False
        return True

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        index = self.indexAt(event.position().toPoint())
        one = self.one(index)
        if (
            one is not None
            and event.button() is Qt.MouseButton.LeftButton
            and self.button_of(index).contains(event.position())
        ):
            self.pressed_button.emit(one)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        one = self.one(index)
        if (
            one is not None
            and event.button() is Qt.MouseButton.LeftButton
            and not self.button_of(index).contains(event.position())
        ):
            self.opened.emit(one)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        index = self.indexAt(event.position().toPoint())
        one = self.one(index)
        self._hover(one.key if one is not None and self.button_of(index).contains(event.position()) else "")

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._hover("")

    def _hover(self, key: str) -> None:
        delegate = self.itemDelegate()
        if isinstance(delegate, FileDelegate) and delegate.hovered_button != key:
            delegate.hovered_button = key
            self.viewport().setCursor(
                Qt.CursorShape.PointingHandCursor if key else Qt.CursorShape.ArrowCursor
            )
            self.viewport().update()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        keyboard = event.reason() is QContextMenuEvent.Reason.Keyboard
        index = self.currentIndex() if keyboard else self.indexAt(event.pos())
        one = self.one(index)
        if one is not None:
            self.menu.emit(
                one,
                self.viewport().mapToGlobal(self.visualRect(index).center())
                if keyboard
                else event.globalPos(),
            )
