"""A field to search with: magnifier, clear button, told once one stops typing."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from client.theme import Theme
from client.theme.tokens import ICON_SMALL, SEARCH_MS


class SearchField(QLineEdit):
    """:attr:`searched` tells the text that is wanted (at once where it was cleared, or Enter was pressed); ↓
    goes to the results.
    """

    searched = Signal(str)
    down = Signal()
    left = Signal()
    """Esc in an empty field."""

    def __init__(self, theme: Theme, hint: str, parent: QWidget | None = None, *, most: int = 100) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setPlaceholderText(hint)
        self.setAccessibleName(hint)
        self.setMaxLength(most)
        self._glass = QAction(self)
        self.addAction(self._glass, QLineEdit.ActionPosition.LeadingPosition)
        self._cross = QAction(self)
        self._cross.setText(self.tr("Clear"))
        self._cross.setToolTip(self.tr("Clear"))
        self._cross.triggered.connect(self.clear)
        self._cross.setVisible(False)
        self.addAction(self._cross, QLineEdit.ActionPosition.TrailingPosition)
        self._wait = QTimer(self, singleShot=True, interval=SEARCH_MS)
        self._wait.timeout.connect(self._tell)
        self._told = ""
        self.textChanged.connect(self._changed)
        theme.follow(self._restyle)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key == Qt.Key.Key_Escape:
            if self.text():
                self.clear()
            else:
                self.left.emit()
        elif key == Qt.Key.Key_Down:
            self.down.emit()
        else:
            if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._tell()
            super().keyPressEvent(event)

    def _changed(self, text: str) -> None:
        self._cross.setVisible(bool(text))
        if text:
            self._wait.start()
        else:
            self._tell()

    def _tell(self) -> None:
        self._wait.stop()
        text = self.text().strip()
        if text != self._told:
            self._told = text
            self.searched.emit(text)

    def _restyle(self) -> None:
        self._glass.setIcon(self._theme.icon("search", size=ICON_SMALL))
        self._cross.setIcon(self._theme.icon("x", size=ICON_SMALL))
