"""A text, and when it is sent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from PySide6.QtCore import QDate, QDateTime, QLocale, QTime, Signal
from PySide6.QtWidgets import (
    QDateEdit,
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QTimeEdit,
    QVBoxLayout,
    QWidget,
)

from client.core.counting import LONGEST_TEXT
from client.theme import Theme
from client.theme.tokens import DIALOG, GAP, SMALL, TIGHT, WIDE
from client.views.groups.parts import label, named
from client.widgets.composer.edit import Edit

MORNING = 9


class WhenDialog(QDialog):
    """:attr:`chosen` tells text and time; it stays until :meth:`accept` says that it is so, or it is left."""

    chosen = Signal(str, object)

    def __init__(
        self,
        theme: Theme,
        text: str,
        now_ms: int,
        possible: Callable[[int], bool],
        parent: QWidget,
        *,
        at_ms: int = 0,
    ) -> None:
        """
        :param possible: whether a text can be sent at a time.
        :param at_ms: when it is sent as yet; 0: it is a new one.
        """
        super().__init__(parent)
        self.setWindowTitle(self.tr("Change what is sent later") if at_ms else self.tr("Send later"))
        self._possible = possible
        self.text = Edit(theme)
        self.text.setProperty("bare", False)
        self.text.setPlainText(text)
        self.date, self.time = QDateEdit(), QTimeEdit()
        self.date.setCalendarPopup(True)
        self.date.setDisplayFormat(_format(QLocale().dateFormat(QLocale.FormatType.ShortFormat)))
        self.time.lineEdit().setTextMargins(theme.px(SMALL), 0, theme.px(SMALL), 0)
        self.time.setDisplayFormat(
            QLocale().timeFormat(QLocale.FormatType.ShortFormat).replace("t", "").strip()
        )
        self.problem = label(role="danger")
        self.problem.hide()
        self.ready = QPushButton(self.tr("Save") if at_ms else self.tr("Schedule"))
        self.ready.setProperty("kind", "primary")
        self.ready.setDefault(True)
        cancel = QPushButton(self.tr("Cancel"))
        cancel.setAutoDefault(False)
        cancel.clicked.connect(self.reject)
        self.ready.clicked.connect(self._choose)
        self.text.entered.connect(self._choose)
        now = datetime.fromtimestamp(now_ms / 1000)
        self.date.setMinimumDate(QDate(now.year, now.month, now.day))
        quick = QGridLayout()
        quick.setSpacing(SMALL)
        for number, (words, at) in enumerate(self._presets(now)):
            button = QPushButton(words)
            button.setAutoDefault(False)
            button.clicked.connect(lambda _=False, at=at: self.set_moment(at))
            quick.addWidget(button, number // 2, number % 2)
        moments = QHBoxLayout()
        moments.setSpacing(GAP)
        for words, field in ((self.tr("Day"), self.date), (self.tr("Time"), self.time)):
            column = QVBoxLayout()
            column.setSpacing(TIGHT)
            named(column, words, field)
            moments.addLayout(column, 1)
        row = QHBoxLayout()
        row.setSpacing(SMALL)
        row.addStretch()
        row.addWidget(cancel)
        row.addWidget(self.ready)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(WIDE, WIDE, WIDE, WIDE)
        layout.setSpacing(SMALL)
        named(layout, self.tr("Message"), self.text)
        layout.addLayout(quick)
        layout.addSpacing(TIGHT)
        layout.addLayout(moments)
        layout.addWidget(self.problem)
        layout.addStretch()
        layout.addLayout(row)
        self.setMinimumWidth(theme.px(DIALOG[0]))
        self.set_moment(datetime.fromtimestamp(at_ms / 1000) if at_ms else now + timedelta(hours=1))
        self.text.textChanged.connect(self._changed)
        self.date.dateChanged.connect(self._changed)
        self.time.timeChanged.connect(self._changed)
        self._changed()
        self.time.setFocus()

    @property
    def at_ms(self) -> int:
        """The time that is chosen."""
        return QDateTime(self.date.date(), self.time.time()).toMSecsSinceEpoch()

    def set_moment(self, at: datetime) -> None:
        """Choose a time."""
        self.date.setDate(QDate(at.year, at.month, at.day))
        self.time.setTime(QTime(at.hour, at.minute))

    def say(self, problem: str) -> None:
        """Why it is not so."""
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))
        self.ready.setEnabled(True)

    def _presets(self, now: datetime) -> list[tuple[str, datetime]]:
        morning = now.replace(hour=MORNING, minute=0)
        monday = morning + timedelta(days=7 - now.weekday())
        found = [(self.tr("In an hour"), now + timedelta(hours=1))]
        if now.hour < 17:
            found.append((self.tr("This evening"), now.replace(hour=18, minute=0)))
        found.append((self.tr("Tomorrow morning"), morning + timedelta(days=1)))
        if now.weekday() != 6:
            found.append((self.tr("Monday morning"), monday))
        return found

    def _changed(self) -> None:
        text = self.text.toPlainText().strip()
        late = not self._possible(self.at_ms)
        self.say(self.tr("Choose a time to come, within a year.") if late else "")
        self.ready.setEnabled(0 < len(text) <= LONGEST_TEXT and not late)

    def _choose(self) -> None:
        if self.ready.isEnabled():
            self.ready.setEnabled(False)
            self.chosen.emit(self.text.toPlainText().strip(), self.at_ms)


def _format(short: str) -> str:
    """A date with all digits of the year."""
    return short if "yyyy" in short else short.replace("yy", "yyyy")
