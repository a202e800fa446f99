"""The side bar: whose account it is, conversations, contacts, settings."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Signal
from PySide6.QtGui import QPainter, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QFrame, QVBoxLayout

from client.core.model import Person
from client.theme import Theme
from client.theme.tokens import FOCUS, HEADER, RAIL, SMALL, TIGHT
from client.translations.sentences import listed
from client.widgets.avatar import Avatar, Avatars
from client.widgets.badge import Badge
from client.widgets.button import IconButton

COUNT_MOST = 99
"""More is not counted there: the icon is to be seen beside it."""


class RailButton(IconButton):
    """An icon with a count in its corner."""

    def __init__(self, theme: Theme, icon: str, name: str, *, shortcut: str = "") -> None:
        super().__init__(theme, icon, name, shortcut=shortcut, target=44)
        self._called = name
        self.badge = Badge(theme, self, small=True, most=COUNT_MOST)
        self.badge.installEventFilter(self)

    def set_count(self, count: int) -> None:
        """How many wait there."""
        self.badge.set_count(count)
        self.setAccessibleName(listed((self._called, str(count) if count else "")))
        self._place()

    def _place(self) -> None:
        rtl = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
        self.badge.move(0 if rtl else self.width() - self.badge.width(), 0)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self._place()
        return False

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()


class Me(QAbstractButton):
    """My avatar; a press shows the accounts."""

    def __init__(self, theme: Theme, avatars: Avatars) -> None:
        super().__init__()
        self._theme = theme
        self.avatar = Avatar(theme, avatars, 36, self)
        self.avatar.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        theme.follow(self._restyle)

    def show_person(self, person: Person) -> None:
        """Whose account it is."""
        self.avatar.show_person(person.uuid, person.name, person.avatar)
        self.setAccessibleName(self.tr("Accounts: {name}").format(name=person.name))
        self.setToolTip(person.name)

    def paintEvent(self, event: object) -> None:
        if self.hasFocus():
            painter = QPainter(self)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(self._theme.colours.accent, FOCUS))
            painter.drawEllipse(self.rect().adjusted(1, 1, -1, -1))

    def _restyle(self) -> None:
        size = self._theme.px(44)
        self.setFixedSize(size, size)
        inner = self.avatar.width()
        self.avatar.move((size - inner) // 2, (size - inner) // 2)


class Rail(QFrame):
    """:attr:`chosen` tells ``conversations``, ``contacts`` or whatever was added; :attr:`me` where a menu of
    accounts goes (global).
    """

    chosen = Signal(str)
    me = Signal(QPoint)
    settings = Signal()

    def __init__(self, theme: Theme, avatars: Avatars) -> None:
        super().__init__()
        self._theme = theme
        self.setProperty("ground", "list")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.account = Me(theme, avatars)
        self.account.clicked.connect(
            lambda: self.me.emit(self.account.mapToGlobal(QPoint(self.account.width(), 0)))
        )
        self.buttons: dict[str, RailButton] = {}
        self._group = QButtonGroup(self)
        self._places = QVBoxLayout()
        self._places.setSpacing(TIGHT)
        self.settings_button = RailButton(theme, "settings", self.tr("Settings"), shortcut="Ctrl+,")
        self.settings_button.clicked.connect(self.settings)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, SMALL)
        self._layout.setSpacing(TIGHT)
        self._layout.addWidget(self.account, 0, Qt.AlignmentFlag.AlignHCenter)
        self._layout.addLayout(self._places)
        self._layout.addStretch()
        self._layout.addWidget(self.settings_button, 0, Qt.AlignmentFlag.AlignHCenter)
        self.add("conversations", "message-circle", self.tr("Conversations"), "Ctrl+1")
        self.add("contacts", "users", self.tr("Contacts"), "Ctrl+2")
        self.buttons["conversations"].setChecked(True)
        theme.follow(self._restyle)

    def add(self, name: str, icon: str, words: str, shortcut: str = "") -> RailButton:
        """Another place."""
        button = RailButton(self._theme, icon, words, shortcut=shortcut)
        button.setCheckable(True)
        button.clicked.connect(lambda: self.chosen.emit(name))
        self._group.addButton(button)
        self.buttons[name] = button
        self._places.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)
        return button

    def show_place(self, name: str) -> None:
        """Which one is open."""
        self.buttons[name].setChecked(True)

    def _restyle(self) -> None:
        self.setFixedWidth(self._theme.px(RAIL))
        top = self._theme.px(HEADER - 44) // 2
        self._layout.setContentsMargins(0, top, 0, SMALL)
