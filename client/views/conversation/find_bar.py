"""Finding in a conversation, and going to a day."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import QDate, QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QCalendarWidget, QFrame, QHBoxLayout, QLabel, QVBoxLayout

from client.core.model import Message
from client.theme import Theme
from client.theme.tokens import GAP, SMALL, TIGHT
from client.viewmodels.conversation import FOUND_MOST
from client.widgets.button import IconButton
from client.widgets.search_field import SearchField


class FindBar(QFrame):
    """:attr:`sought` tells a text, :attr:`go` a message that is to be shown, :attr:`day` a time."""

    sought = Signal(str)
    go = Signal(object)
    day = Signal(object)
    closed = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._found: list[Message] = []
        self._at = -1
        self._calendar: Calendar | None = None
        self.setProperty("ground", "window")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.field = SearchField(theme, self.tr("Find in this conversation"))
        self._count = QLabel()
        self._count.setProperty("role", "meta")
        self.older = IconButton(theme, "chevron-up", self.tr("Older"), shortcut="Shift+F3")
        self.newer = IconButton(theme, "chevron-down", self.tr("Newer"), shortcut="F3")
        self.calendar_button = IconButton(theme, "calendar", self.tr("Go to a day"))
        close = IconButton(theme, "x", self.tr("Close"), shortcut="Esc")
        row = QHBoxLayout()
        row.setContentsMargins(GAP, SMALL, SMALL, SMALL)
        row.setSpacing(TIGHT)
        row.addWidget(self.field, 1)
        row.addWidget(self._count)
        for button in (self.older, self.newer, self.calendar_button, close):
            row.addWidget(button)
        line = QFrame()
        line.setProperty("line", True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(row)
        layout.addWidget(line)
        self.field.searched.connect(self.sought)
        self.field.returnPressed.connect(lambda: self.step(1))
        self.field.left.connect(self.leave)
        self.field.down.connect(lambda: self.step(-1))
        self.older.clicked.connect(lambda: self.step(1))
        self.newer.clicked.connect(lambda: self.step(-1))
        self.calendar_button.clicked.connect(self.open_calendar)
        close.clicked.connect(self.leave)
        self.hide()
        self._say()

    def begin(self) -> None:
        """Show it."""
        self.show()
        self.field.setFocus()
        self.field.selectAll()

    def leave(self) -> None:
        """Take it away."""
        self.hide()
        self.field.clear()
        self.show_found([])
        self.closed.emit()

    def show_found(self, found: list[Message]) -> None:
        """What was found, the newest first."""
        self._found, self._at = found, -1
        if found:
            self.step(1)
        self._say()

    def step(self, by: int) -> None:
        """To an older one, or a newer one; from the last on it begins again."""
        if self._found:
            self._at = (self._at + by) % len(self._found)
            self.go.emit(self._found[self._at].id)
        self._say()

    def open_calendar(self) -> None:
        """Choose a day."""
        if self._calendar is None:
            self._calendar = Calendar(self._theme, self)
            self._calendar.picked.connect(self.day)
        corner = self.calendar_button.mapToGlobal(
            QPoint(self.calendar_button.width(), self.calendar_button.height())
        )
        self._calendar.open_at(corner)

    def _say(self) -> None:
        sought = bool(self.field.text().strip())
        if self._found:
            count = f"{len(self._found)}+" if len(self._found) >= FOUND_MOST else str(len(self._found))
            self._count.setText(self.tr("{number} of {count}").format(number=self._at + 1, count=count))
        else:
            self._count.setText(self.tr("Nothing found") if sought else "")
        self.older.setEnabled(bool(self._found))
        self.newer.setEnabled(bool(self._found))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.leave()
        else:
            super().keyPressEvent(event)


class Calendar(QFrame):
    """A month; days to come cannot be chosen.

    :attr:`picked` tells when the day begins here, Unix milliseconds.
    """

    picked = Signal(object)

    def __init__(self, theme: Theme, parent: FindBar) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setProperty("ground", "float")
        self.month = QCalendarWidget()
        self.month.setMaximumDate(QDate.currentDate())
        self.month.setVerticalHeaderFormat(QCalendarWidget.VerticalHeaderFormat.NoVerticalHeader)
        self.month.setGridVisible(False)
        self.month.clicked.connect(self._pick)
        self.month.activated.connect(self._pick)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SMALL, SMALL, SMALL, SMALL)
        layout.addWidget(self.month)

    def open_at(self, corner: QPoint) -> None:
        """Show it with its upper trailing corner there (global)."""
        self.month.setMaximumDate(QDate.currentDate())
        self.adjustSize()
        self.move(max(0, corner.x() - self.width()), corner.y())
        self.show()
        self.month.setFocus()

    def _pick(self, date: QDate) -> None:
        if self.isVisible():
            self.close()
            self.picked.emit(int(datetime(date.year(), date.month(), date.day()).timestamp() * 1000))
