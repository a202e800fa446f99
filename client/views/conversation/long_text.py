"""A text that is too long for one message: as several, as a file, or go on writing."""

from __future__ import annotations

from PySide6.QtCore import QLocale, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout

from client.core.counting import LONGEST_TEXT, characters, split
from client.theme import Theme
from client.theme.tokens import GAP, SMALL

SEVERAL_MOST = 20
"""As no more messages than so many it is offered."""


class LongText(QFrame):
    """It stands above the composer, and goes with any answer."""

    several = Signal(str)
    as_file = Signal(str)
    left = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._text = ""
        self.setProperty("ground", "window")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._words = QLabel()
        self._words.setTextFormat(Qt.TextFormat.PlainText)
        self._words.setWordWrap(True)
        self.several_button = QPushButton()
        self.several_button.setProperty("kind", "primary")
        self.file_button = QPushButton(self.tr("Send as a file"))
        self.back_button = QPushButton(self.tr("Go on writing"))
        self.back_button.setProperty("kind", "flat")
        self.several_button.clicked.connect(lambda: self._answer(self.several))
        self.file_button.clicked.connect(lambda: self._answer(self.as_file))
        self.back_button.clicked.connect(self.leave)
        row = QHBoxLayout()
        row.setSpacing(SMALL)
        for button in (self.several_button, self.file_button, self.back_button):
            row.addWidget(button)
        row.addStretch()
        line = QFrame()
        line.setProperty("line", True)
        inner = QVBoxLayout()
        inner.setContentsMargins(GAP, SMALL, GAP, SMALL)
        inner.addWidget(self._words)
        inner.addLayout(row)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(line)
        layout.addLayout(inner)
        self.hide()

    def offer(self, text: str) -> None:
        """Ask what is to become of it."""
        self._text = text
        parts, number = len(split(text)), QLocale().toString
        words = self.tr("This text has {count} characters, and a message has at most {most}.")
        self._words.setText(words.format(count=number(characters(text)), most=number(LONGEST_TEXT)))
        self.several_button.setText(self.tr("Send as %n messages", "", parts))
        self.several_button.setVisible(parts <= SEVERAL_MOST)
        self.show()
        (self.several_button if parts <= SEVERAL_MOST else self.file_button).setFocus()

    def leave(self) -> None:
        """Take it away."""
        self.hide()
        self.left.emit()

    def _answer(self, signal: object) -> None:
        text, self._text = self._text, ""
        self.hide()
        signal.emit(text)  # type: ignore[attr-defined]

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.leave()
        else:
            super().keyPressEvent(event)
