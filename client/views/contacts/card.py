"""Somebody in a row: avatar, name, user name, and what can be done."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout

from client.core.display import shown, shown_name
from client.core.model import Person
from client.theme import Theme
from client.theme.tokens import GAP, SMALL
from client.widgets.avatar import Avatar, Avatars
from client.widgets.leading import align_leading


class Card(QFrame):
    """Everything that others wrote is plain text."""

    pressed = Signal()

    def __init__(self, theme: Theme, avatars: Avatars, person: Person, *, note: str = "") -> None:
        super().__init__()
        self.person = person
        self.setProperty("ground", "list")
        self.setProperty("card", "plain")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(shown_name(person.name))
        avatar = Avatar(theme, avatars)
        avatar.show_person(person.uuid, person.name, person.avatar)
        self.body = QVBoxLayout()
        self.body.setSpacing(2)
        name = self._label(shown_name(person.name), "strong")
        self.head = QHBoxLayout()
        self.head.setSpacing(SMALL)
        self.head.addWidget(name, 1)
        self.body.addLayout(self.head)
        if person.name != person.username:
            self.body.addWidget(self._label(shown_name(person.username), "meta"))
        about = note or person.description
        if about:
            label = self._label(shown(about[:1000]), "second")
            label.setWordWrap(True)
            self.body.addWidget(label)
        self.problem = self._label("", "danger")
        self.problem.setWordWrap(True)
        self.problem.hide()
        self.body.addWidget(self.problem)
        self.buttons = QHBoxLayout()
        self.buttons.setSpacing(SMALL)
        row = QHBoxLayout(self)
        row.setContentsMargins(GAP, GAP, GAP, GAP)
        row.setSpacing(GAP)
        row.addWidget(avatar, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(self.body, 1)
        row.addLayout(self.buttons)

    def say(self, problem: str) -> None:
        """What went wrong."""
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))

    def _label(self, text: str, role: str) -> QLabel:
        label = QLabel(text)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setProperty("role", role)
        label.setMinimumWidth(1)
        align_leading(label)
        return label

    def set_pressable(self) -> None:
        """It leads somewhere: by the keyboard too."""
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setProperty("card", "pressable")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if (
            event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space)
            and self.focusPolicy() != Qt.FocusPolicy.NoFocus
        ):
            self.pressed.emit()
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.pressed.emit()
