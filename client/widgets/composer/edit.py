"""The field of the composer: plain text that grows with its lines, and takes pictures and files from the
clipboard and from drags.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData, QSize, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QPlainTextEdit, QSizePolicy, QWidget

from client.theme import Font, Theme
from client.theme.tokens import COMPOSER_LINES, TIGHT

INSERTED_MOST = 65_536
"""Characters that are put in at once; more would be nothing to send, and slow to lay out."""


def local_files(data: QMimeData) -> list[Path]:
    """The files of this machine that a clipboard or a drag holds; folders are left out."""
    found = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
    return [path for path in found if path.is_file()]


class Edit(QPlainTextEdit):
    """Keys that mean something are told; everything else is writing."""

    entered = Signal()
    """The key that sends."""
    entered_later = Signal()
    """Ctrl+Shift+Enter."""
    up = Signal()
    """↑ while there is nothing."""
    files = Signal(list)
    picture = Signal(QImage)
    too_long = Signal(str)
    grown = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.enter_sends = True
        self.setProperty("bare", True)
        self.setTabChangesFocus(True)
        self.setUndoRedoEnabled(True)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.document().setDocumentMargin(TIGHT)
        self.document().documentLayout().documentSizeChanged.connect(self._fit)
        theme.follow(self._restyle)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, modifiers = event.key(), event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            control = bool(
                modifiers & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.MetaModifier)
            )
            if control and modifiers & Qt.KeyboardModifier.ShiftModifier:
                self.entered_later.emit()
            elif control or (self.enter_sends and not modifiers & Qt.KeyboardModifier.ShiftModifier):
                self.entered.emit()
            else:
                self.textCursor().insertText("\n")
                self.ensureCursorVisible()
        elif key == Qt.Key.Key_Up and not modifiers and self.document().isEmpty():
            self.up.emit()
        elif key == Qt.Key.Key_Escape:
            event.ignore()  # the view goes one step back
        else:
            super().keyPressEvent(event)

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        return source.hasImage() or source.hasText() or bool(local_files(source))

    def insertFromMimeData(self, source: QMimeData) -> None:
        if files := local_files(source):
            self.files.emit(files)
        elif source.hasImage() and not source.text().strip():
            image = QImage(source.imageData())
            if not image.isNull():
                self.picture.emit(image)
        elif len(source.text()) > INSERTED_MOST:
            self.too_long.emit(source.text())
        else:
            self.textCursor().insertText(source.text().replace("\r\n", "\n").replace("\x00", ""))
            self.ensureCursorVisible()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def sizeHint(self) -> QSize:
        return QSize(200, self.height())

    minimumSizeHint = sizeHint

    def _fit(self) -> None:
        most = COMPOSER_LINES * self.fontMetrics().lineSpacing()
        text, block = 0.0, self.document().firstBlock()
        while block.isValid() and text <= most:  # a line with emoji is higher than others
            text += self.blockBoundingRect(block).height()
            block = block.next()
        more = text > most + 1
        self.setVerticalScrollBarPolicy(
            Qt.ScrollBarPolicy.ScrollBarAsNeeded if more else Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        )
        height = round(min(max(text, self.fontMetrics().lineSpacing()), most) + 2 * TIGHT) + 1
        if height != self.height():
            self.setFixedHeight(height)
            if not more:
                self.verticalScrollBar().setValue(0)
            self.grown.emit()

    def _restyle(self) -> None:
        self.setFont(self._theme.font(Font.MESSAGE))
        self.viewport().setFont(self.font())  # of the words in an empty field
        self._fit()
