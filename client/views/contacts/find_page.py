"""Finding somebody by their whole user name, and asking to become friends."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from client.core.model import Person
from client.theme import Theme
from client.theme.tokens import GAP, HUGE, SMALL, WIDE
from client.viewmodels.contacts import Contacts
from client.views.contacts.card import Card
from client.views.contacts.page import ColumnPage
from client.widgets.avatar import Avatars
from client.widgets.empty import EmptyState
from client.widgets.search_field import SearchField

NOTE_MOST = 200
ALIAS_MOST = 32


class FindPage(ColumnPage):
    """:attr:`profile` tells whose profile is wanted."""

    profile = Signal(object)

    def __init__(self, theme: Theme, avatars: Avatars, contacts: Contacts) -> None:
        super().__init__(
            theme, self.tr("Find people"), self.tr("Type somebody's whole user name, and press Enter.")
        )
        self._avatars, self._contacts = avatars, contacts
        self.field = SearchField(theme, self.tr("User name"), most=64)
        self.field.returnPressed.connect(self.search)
        self.field.left.connect(self.back)
        self.field.textChanged.connect(self._clear)
        self._button = QPushButton(self.tr("Search"))
        self._button.setProperty("kind", "primary")
        self._button.clicked.connect(self.search)
        self._place = QVBoxLayout()
        self._place.setSpacing(GAP)
        self._result: QWidget | None = None
        self.column.addWidget(self.field)
        self.column.addWidget(self._button, 0, Qt.AlignmentFlag.AlignLeading)
        self.column.addSpacing(WIDE)
        self.column.addLayout(self._place)
        self.column.addStretch()
        self._note = QLineEdit()
        self._alias = QLineEdit()
        self._ends = [
            contacts.found.subscribe(lambda found: self._show(*found)),
            contacts.asked.subscribe(self._asked),
            contacts.failed.subscribe(lambda failed: self._failed(*failed)),
        ]

    def begin(self, text: str = "") -> None:
        """Search for somebody."""
        self.field.setText(text)
        self.field.setFocus()
        if text:
            self.search()

    def search(self) -> None:
        """Ask the server."""
        text = self.field.text().strip()
        if text:
            self._put(QLabel(self.tr("Searching …")))
            self._contacts.search(text)

    def _clear(self) -> None:
        self._button.setEnabled(bool(self.field.text().strip()))
        if self._result is not None:
            self._put(None)

    def _show(self, username: str, person: Person | None, problem: str) -> None:
        if person is None:
            self._put(EmptyState(self.theme, "user-x", self.tr("Nobody found"), problem))
            return
        card = Card(self.theme, self._avatars, person)
        self.card = card
        if person.uuid == self._contacts.account.me.uuid:
            card.say(self.tr("This is you."))
        elif person.friend:
            talk = QPushButton(self.tr("Message"))
            talk.setProperty("kind", "primary")
            talk.clicked.connect(lambda: self._contacts.talk(person.uuid))
            card.buttons.addWidget(talk, 0, Qt.AlignmentFlag.AlignTop)
            card.set_pressable()
            card.pressed.connect(lambda: self.profile.emit(person.uuid))
        else:
            self._form(card, person)
        self._put(card)
        if not person.friend and person.uuid != self._contacts.account.me.uuid:
            self._note.setFocus()

    def _form(self, card: Card, person: Person) -> None:
        me = self._contacts.account.me
        self._note = QLineEdit(self.tr("Hello, I am {name}.").format(name=me.name)[:NOTE_MOST])
        self._note.setMaxLength(NOTE_MOST)
        self._note.setAccessibleName(self.tr("What you write to them"))
        self._alias = QLineEdit()
        self._alias.setMaxLength(ALIAS_MOST)
        self._alias.setPlaceholderText(self.tr("Your own name for them, if you like"))
        self._alias.setAccessibleName(self._alias.placeholderText())
        ask = QPushButton(self.tr("Send friend request"))
        ask.setProperty("kind", "primary")
        self.ask_button = ask
        ask.clicked.connect(lambda: self._ask(person))
        self._note.returnPressed.connect(ask.click)
        card.body.addSpacing(GAP)
        card.body.addWidget(self._note)
        card.body.addSpacing(SMALL)
        card.body.addWidget(self._alias)
        card.body.addSpacing(GAP)
        card.body.addWidget(ask, 0, Qt.AlignmentFlag.AlignLeading)

    def _ask(self, person: Person) -> None:
        self.ask_button.setEnabled(False)
        self._contacts.ask(person, self._note.text().strip(), self._alias.text().strip())

    def _asked(self, person: Person) -> None:
        name = person.name
        done = EmptyState(
            self.theme,
            "user-check",
            self.tr("Request sent"),
            self.tr("You hear when {name} answers.").format(name=name),
        )
        self._put(done)

    def _failed(self, uuid: int, problem: str) -> None:
        if isinstance(self._result, Card) and self._result.person.uuid == uuid:
            self._result.say(problem)
            if hasattr(self, "ask_button"):
                self.ask_button.setEnabled(True)

    def _put(self, widget: QWidget | None) -> None:
        if self._result is not None:
            self._place.removeWidget(self._result)
            self._result.hide()
            self._result.deleteLater()
        self._result = widget
        if widget is not None:
            if isinstance(widget, EmptyState):
                widget.setMinimumHeight(self.theme.px(10 * HUGE))
            self._place.addWidget(widget)
