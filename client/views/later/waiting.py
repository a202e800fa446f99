"""What waits to be sent in a conversation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from client.core.display import shown
from client.core.grouping import day_of
from client.core.timed import Later
from client.theme import Theme
from client.theme.tokens import DIALOG, GAP, SMALL, TIGHT, WIDE
from client.viewmodels.later import LaterPresenter
from client.views.groups.parts import label
from client.widgets.button import IconButton
from client.widgets.messages.words import moment_words, time_of


class WaitingDialog(QDialog):
    """The next one first; :attr:`change` asks for one to be changed."""

    change = Signal(object)

    def __init__(self, theme: Theme, presenter: LaterPresenter, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Sent later"))
        self._theme, self._presenter = theme, presenter
        self.rows: dict[int, WaitingRow] = {}
        self.problem = label(role="danger")
        self.problem.hide()
        self._nothing = label(self.tr("Nothing waits to be sent here."))
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        inner = QWidget()
        self._list = QVBoxLayout(inner)
        self._list.setContentsMargins(0, 0, 0, 0)
        self._list.setSpacing(SMALL)
        self._list.addStretch()
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inner)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(WIDE, WIDE, WIDE, WIDE)
        layout.setSpacing(GAP)
        layout.addWidget(self.problem)
        layout.addWidget(self._nothing)
        layout.addWidget(area, 1)
        layout.addWidget(buttons)
        self.resize(theme.px(DIALOG[0]), theme.px(DIALOG[1]) * 3 // 4)
        self._ends: list[Callable[[], None]] = [
            presenter.changed.subscribe(lambda _: self._fill()),
            presenter.failed.subscribe(self._say),
            presenter.done.subscribe(lambda _: self._say("")),
        ]
        self.finished.connect(self._over)
        self._fill()

    def _fill(self) -> None:
        for row in self.rows.values():
            self._list.removeWidget(row)
            row.hide()
            row.deleteLater()
        self.rows = {}
        waiting = self._presenter.waiting
        for at, one in enumerate(waiting):
            row = self.rows[one.id] = WaitingRow(self._theme, one, self._presenter)
            row.change.connect(self.change)
            self._list.insertWidget(at, row)
        self._nothing.setVisible(not waiting)

    def _say(self, problem: str) -> None:
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))

    def _over(self) -> None:
        for end in self._ends:
            end()
        self._ends.clear()
        self.deleteLater()


class WaitingRow(QFrame):
    """One text."""

    change = Signal(object)

    def __init__(self, theme: Theme, later: Later, presenter: LaterPresenter) -> None:
        super().__init__()
        self.later = later
        self.setProperty("ground", "list")
        self.setProperty("card", "plain")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.when = QLabel(self._when(later.at_ms, presenter.now()))
        self.when.setProperty("role", "strong")
        self.words = label(shown(later.text), "")
        self.button = IconButton(theme, "ellipsis", self.tr("What can be done with it"))
        self.menu = QMenu(self.button)
        icon = theme.icon
        self.menu.addAction(icon("pencil"), self.tr("Change …"), lambda: self.change.emit(later))
        self.menu.addAction(icon("send"), self.tr("Send now"), lambda: presenter.send_now(later))
        self.menu.addAction(icon("trash-2"), self.tr("Do not send it"), lambda: presenter.cancel(later))
        self.button.clicked.connect(
            lambda: self.menu.popup(self.button.mapToGlobal(self.button.rect().bottomLeft()))
        )
        column = QVBoxLayout()
        column.setSpacing(TIGHT)
        column.addWidget(self.when)
        column.addWidget(self.words)
        row = QHBoxLayout(self)
        row.setContentsMargins(GAP, GAP, GAP, GAP)
        row.addLayout(column, 1)
        row.addWidget(self.button, 0, Qt.AlignmentFlag.AlignTop)

    def _when(self, at_ms: int, now_ms: int) -> str:
        if day_of(at_ms) - day_of(now_ms) == timedelta(days=1):
            return self.tr("Tomorrow, {time}").format(time=time_of(at_ms))
        return moment_words(at_ms, now_ms)
