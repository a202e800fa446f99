"""A field with its name above and what is wrong with it below.

It is checked as one types, and complains once one pauses or leaves.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from client.theme import Theme
from client.theme.tokens import DRAFT_MS, ICON_SMALL, SMALL, TIGHT


class Field(QWidget):
    """:attr:`changed` tells that its text is another; :attr:`entered` that Enter was pressed."""

    changed = Signal()
    entered = Signal()

    def __init__(
        self,
        theme: Theme,
        name: str,
        *,
        secret: bool = False,
        hint: str = "",
        trailing: QWidget | None = None,
    ) -> None:
        super().__init__()
        self._theme = theme
        self._check: Callable[[str], str] = lambda text: ""
        self._said = ""
        self._name = QLabel(name)
        self.edit = QLineEdit()
        self.edit.setAccessibleName(name)
        self.edit.setPlaceholderText(hint)
        self.edit.installEventFilter(self)
        self._name.setBuddy(self.edit)
        self._problem = QLabel()
        self._problem.setTextFormat(Qt.TextFormat.PlainText)
        self._problem.setProperty("role", "danger")
        self._problem.setWordWrap(True)
        self._problem.hide()
        self._eye: QAction | None = None
        if secret:
            self.edit.setEchoMode(QLineEdit.EchoMode.Password)
            self._eye = QAction(self)
            self._eye.triggered.connect(self._look)
            self.edit.addAction(self._eye, QLineEdit.ActionPosition.TrailingPosition)
        row = QHBoxLayout()
        row.setSpacing(SMALL)
        row.addWidget(self.edit, 1)
        if trailing is not None:
            row.addWidget(trailing)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(TIGHT)
        layout.addWidget(self._name)
        layout.addLayout(row)
        layout.addWidget(self._problem)
        self._pause = QTimer(self, singleShot=True, interval=DRAFT_MS)
        self._pause.timeout.connect(self.judge)
        self.edit.textChanged.connect(self._typed)
        self.edit.returnPressed.connect(self.entered)
        theme.follow(self._restyle)

    def set_check(self, check: Callable[[str], str]) -> None:
        """What says what is wrong with a text; empty: nothing."""
        self._check = check

    def text(self) -> str:
        """What is written."""
        return self.edit.text()

    def set_text(self, text: str) -> None:
        """Write it, without a complaint."""
        self.edit.setText(text)
        self._pause.stop()
        self.say("")

    def good(self) -> bool:
        """Whether nothing is wrong with it."""
        return not self._check(self.text())

    def judge(self) -> bool:
        """Say what is wrong; whether nothing is."""
        problem = self._check(self.text())
        self.say(problem)
        return not problem

    def say(self, problem: str) -> None:
        """Complain; empty: nothing is wrong."""
        if problem == self._said:
            return
        self._said = problem
        self._problem.setText(problem)
        self._problem.setVisible(bool(problem))
        self.edit.setAccessibleDescription(problem)
        self.edit.setProperty("wrong", bool(problem))
        self.edit.style().unpolish(self.edit)
        self.edit.style().polish(self.edit)

    @property
    def problem(self) -> str:
        """What it complains of."""
        return self._said

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.FocusOut and self.text():
            self.judge()
        return False

    def _typed(self) -> None:
        if self._said and self.good():
            self.say("")
        if self.text():
            self._pause.start()
        else:
            self._pause.stop()
            self.say("")
        self.changed.emit()

    def _look(self) -> None:
        hidden = self.edit.echoMode() is QLineEdit.EchoMode.Password
        self.edit.setEchoMode(QLineEdit.EchoMode.Normal if hidden else QLineEdit.EchoMode.Password)
        self._restyle()

    def _restyle(self) -> None:
        if self._eye is not None:
            hidden = self.edit.echoMode() is QLineEdit.EchoMode.Password
            self._eye.setIcon(self._theme.icon("eye" if hidden else "eye-off", size=ICON_SMALL))
            self._eye.setText(self.tr("Show the password") if hidden else self.tr("Hide the password"))
            self._eye.setToolTip(self._eye.text())
