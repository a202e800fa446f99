"""What is pinned, below the header: a press leads there, and the next one to the one before."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from client.core.model import Message
from client.theme import Font, Theme
from client.theme.tokens import GAP, ICON_SMALL, SMALL, TIGHT
from client.widgets.button import IconButton
from client.widgets.leading import align_leading
from client.widgets.messages.words import content_line


class PinBar(QFrame):
    """Hidden where nothing is pinned."""

    go = Signal(object)
    """The id of a message."""
    unpin = Signal(object)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._pins: Sequence[Message] = ()
        self._at = 0
        self.setProperty("ground", "window")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._icon, self._title, self._text = QLabel(), QLabel(), QLabel()
        words = QVBoxLayout()
        words.setSpacing(0)
        for label, role in ((self._title, "strong"), (self._text, "second")):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setProperty("role", role)
            label.setMinimumWidth(1)
            align_leading(label)
            words.addWidget(label)
        self.button = QToolButton()
        """All of the bar but the way out of it."""
        self.button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.button.setCursor(Qt.CursorShape.PointingHandCursor)
        self.button.clicked.connect(self._go)
        for label in (self._icon, self._title, self._text):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        inner = QHBoxLayout()
        inner.setContentsMargins(GAP, TIGHT, 0, TIGHT)
        inner.setSpacing(GAP)
        inner.addWidget(self._icon)
        inner.addLayout(words, 1)
        self._inner = QWidget()
        self._inner.setLayout(inner)
        self.unpin_button = IconButton(theme, "pin-off", self.tr("Unpin"), size=ICON_SMALL)
        self.unpin_button.clicked.connect(lambda: self.unpin.emit(self._pins[self._at]))
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, SMALL, 0)
        row.addWidget(self._inner, 1)
        row.addWidget(self.unpin_button)
        line = QFrame()
        line.setProperty("line", True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(row)
        layout.addWidget(line)
        self.button.setParent(self)
        self.button.lower()
        theme.follow(self._restyle)
        self.hide()

    def show_pins(self, pins: Sequence[Message]) -> None:
        """These, the one that was pinned last first."""
        at = self._pins[self._at].id if self._at < len(self._pins) else 0
        self._pins = list(pins)
        self._at = next((index for index, one in enumerate(self._pins) if one.id == at), 0) if self._at else 0
        self.setVisible(bool(self._pins))
        self._fill()

    def set_changeable(self, changeable: bool) -> None:
        """Whether one may take them down."""
        self.unpin_button.setVisible(changeable)

    def _go(self) -> None:
        if self._pins:
            message = self._pins[self._at]
            self._at = (self._at + 1) % len(self._pins)
            self._fill()
            self.go.emit(message.id)

    def _fill(self) -> None:
        if not self._pins:
            return
        count, message = len(self._pins), self._pins[self._at]
        title = self.tr("Pinned message")
        if count > 1:
            title = self.tr("Pinned message {number} of {count}").format(number=self._at + 1, count=count)
        self._title.setText(title)
        text = content_line(message)
        width = max(40, self._text.width() - 4)
        self._text.setText(
            self._theme.metrics(Font.BODY).elidedText(
                " ".join(text.split())[:300], Qt.TextElideMode.ElideRight, width
            )
        )
        self.button.setAccessibleName(f"{title}: {text[:80]}")

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.button.setGeometry(self._inner.geometry())
        self._fill()

    def _restyle(self) -> None:
        self._icon.setPixmap(
            self._theme.pixmap("pin", self._theme.colours.accent, ratio=self.devicePixelRatioF())
        )
        self._fill()
