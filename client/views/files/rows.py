"""The list of files: rows of one height, by mouse and keys."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QPoint, QRectF, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QFocusEvent, QKeyEvent, QKeySequence, QMouseEvent
from PySide6.QtWidgets import QListView

from client.core.model import Message
from client.viewmodels.files import FilesModel
from client.views.files.row import FileDelegate


class FileRows(QListView):
    """Enter or a double click opens.

    The button of a row, Ctrl+S, Delete and the menu do what else there is.
    """

    opened = Signal(object)
    pressed_button = Signal(object)
    save = Signal(object)
    discard = Signal(object)
    menu = Signal(object, QPoint)
    above = Signal()
    typed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setUniformItemSizes(True)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSelectionMode(QListView.SelectionMode.NoSelection)
        self.setMouseTracking(True)
        self.setAccessibleName(self.tr("Files"))
        self.verticalScrollBar().setSingleStep(20)
        self.setProperty("byKeys", False)

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

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        self.setProperty("byKeys", True)
        one = self.one(self.currentIndex())
        if one is not None and key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.opened.emit(one)
        elif one is not None and key == Qt.Key.Key_Space:
            self.pressed_button.emit(one)
        elif one is not None and event.matches(QKeySequence.StandardKey.Save):
            self.save.emit(one)
        elif one is not None and key == Qt.Key.Key_Delete:
            self.discard.emit(one)
        elif key == Qt.Key.Key_Up and self.currentIndex().row() <= 0:
            self.above.emit()
        elif key in (
            Qt.Key.Key_Up,
            Qt.Key.Key_Down,
            Qt.Key.Key_PageUp,
            Qt.Key.Key_PageDown,
            Qt.Key.Key_Home,
            Qt.Key.Key_End,
        ):
            super().keyPressEvent(event)
        elif (
            event.text().strip()
            and event.text().isprintable()
            and not event.modifiers() & ~Qt.KeyboardModifier.ShiftModifier
        ):
            self.typed.emit(event.text())
        else:
            event.ignore()
        self.viewport().update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.setProperty("byKeys", False)
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

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.setProperty("byKeys", event.reason() != Qt.FocusReason.MouseFocusReason)
        super().focusInEvent(event)
        if not self.currentIndex().isValid() and self.model() is not None and self.model().rowCount():
            self.setCurrentIndex(self.model().index(0, 0))
