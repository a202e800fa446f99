"""A page of one column, with a title and a way back; what is too high scrolls."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from client.theme import Theme
from client.theme.tokens import COLUMN, GAP, HEADER, HUGE, SMALL, TIGHT
from client.widgets.button import IconButton
from client.widgets.leading import align_leading


class ColumnPage(QWidget):
    """Fill :attr:`column`. :attr:`back` asks for the way back."""

    back = Signal()

    def __init__(
        self, theme: Theme, title: str, about: str = "", *, ground: str = "window", close: bool = False
    ) -> None:
        super().__init__()
        self.theme = theme
        self.setProperty("ground", ground)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.back_button = IconButton(
            theme,
            "x" if close else "arrow-left",
            self.tr("Close") if close else self.tr("Back"),
            shortcut="Esc",
        )
        self.back_button.clicked.connect(self.back)
        self.title = QLabel(title)
        self.title.setTextFormat(Qt.TextFormat.PlainText)
        self.title.setProperty("role", "title")
        self.title.setMinimumWidth(1)
        align_leading(self.title)
        self._head = QWidget()
        head = QHBoxLayout(self._head)
        head.setContentsMargins(GAP, 0, SMALL, 0)
        head.setSpacing(SMALL)
        if close:
            head.addWidget(self.title, 1)
            head.addWidget(self.back_button)
        else:
            head.addWidget(self.back_button)
            head.addWidget(self.title, 1)
        line = QFrame()
        line.setProperty("line", True)
        inner = QWidget()
        self._inner = inner
        self.column = QVBoxLayout(inner)
        self.column.setContentsMargins(GAP, GAP, GAP, HUGE)
        self.column.setSpacing(GAP)
        if about:
            words = QLabel(about)
            words.setTextFormat(Qt.TextFormat.PlainText)
            words.setProperty("role", "second")
            words.setWordWrap(True)
            self.column.addWidget(words)
            self.column.addSpacing(TIGHT)
        middle = QWidget()
        across = QHBoxLayout(middle)
        across.setContentsMargins(0, 0, 0, 0)
        across.addStretch(1)
        across.addWidget(inner, 1000)
        across.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(middle)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._head)
        layout.addWidget(line)
        layout.addWidget(area, 1)
        theme.follow(self._restyle_page)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.back.emit()
        else:
            super().keyPressEvent(event)

    def _restyle_page(self) -> None:
        self._head.setFixedHeight(self.theme.px(HEADER) - 1)
        self._inner.setMaximumWidth(self.theme.px(COLUMN))
