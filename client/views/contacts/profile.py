"""Who somebody is, and what can be done with them."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from client.core.display import shown, shown_name
from client.core.model import Person
from client.theme import Theme
from client.theme.tokens import AVATAR_BIG, GAP, SMALL, TIGHT, WIDE
from client.viewmodels.contacts import Contacts
from client.viewmodels.work import now_ms
from client.views import presence_words
from client.views.contacts.find_page import ALIAS_MOST
from client.views.contacts.page import ColumnPage
from client.widgets.avatar import Avatar, Avatars


class Profile(QWidget):
    """It stands in a page of its own, and in the details of a conversation."""

    def __init__(
        self,
        theme: Theme,
        avatars: Avatars,
        contacts: Contacts,
        *,
        talks: bool = True,
        now: Callable[[], int] = now_ms,
    ) -> None:
        """``talks``: whether it offers the conversation."""
        super().__init__()
        self._theme, self._contacts, self._talks, self._now = theme, contacts, talks, now
        self._uuid = 0
        self.avatar = Avatar(theme, avatars, AVATAR_BIG)
        self.name = self._label("title", centre=True)
        self.username = self._label("second", centre=True)
        self.username.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.about = self._label("", centre=True)
        self.facts = self._label("meta", centre=True)
        self.talk = QPushButton(self.tr("Message"))
        self.talk.setProperty("kind", "primary")
        self.talk.clicked.connect(lambda: contacts.talk(self._uuid))
        self.alias = QLineEdit()
        self.alias.setMaxLength(ALIAS_MOST)
        self.alias.setAccessibleName(self.tr("Your own name for them"))
        self.alias.editingFinished.connect(self._rename)
        self._alias_row = QWidget()
        alias = QVBoxLayout(self._alias_row)
        alias.setContentsMargins(0, 0, 0, 0)
        alias.setSpacing(TIGHT)
        caption = QLabel(self.tr("Your own name for them"))
        caption.setBuddy(self.alias)
        alias.addWidget(caption)
        alias.addWidget(self.alias)
        self.problem = self._label("danger")
        self.block = QPushButton()
        self.block.clicked.connect(self._block)
        self.unfriend = QPushButton(self.tr("End the friendship"))
        self.unfriend.setProperty("kind", "danger")
        self.unfriend.clicked.connect(self._ask)
        self.sure = Sure(self.tr("End the friendship?"), self.tr("End it"))
        self.sure.yes.connect(lambda: contacts.unfriend(self._uuid))
        self._ask_again = QPushButton(self.tr("Send friend request"))
        self._ask_again.setProperty("kind", "primary")
        self._ask_again.clicked.connect(lambda: contacts.ask(contacts.account.person(self._uuid), ""))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, WIDE, 0, 0)
        layout.setSpacing(TIGHT)
        layout.addWidget(self.avatar, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addSpacing(SMALL)
        for widget in (self.name, self.username, self.about, self.facts):
            layout.addWidget(widget)
        self.doing = QVBoxLayout()
        """Of what whoever shows a profile can do with it."""
        self.doing.setContentsMargins(0, GAP, 0, 0)
        layout.addLayout(self.doing)
        layout.addSpacing(WIDE)
        layout.addWidget(self.talk)
        layout.addWidget(self._ask_again)
        layout.addSpacing(GAP)
        layout.addWidget(self._alias_row)
        layout.addSpacing(GAP)
        layout.addWidget(self.problem)
        layout.addWidget(self.block)
        layout.addSpacing(TIGHT)
        layout.addWidget(self.unfriend)
        layout.addWidget(self.sure)
        self._ends: list[Callable[[], None]] = [
            contacts.changed.subscribe(lambda _: self._fill()),
            contacts.account.changes.presence.subscribe(
                lambda people: self._fill() if self._uuid in people else None
            ),
            contacts.failed.subscribe(
                lambda failed: self._say(failed[1]) if failed[0] == self._uuid else None
            ),
            contacts.asked.subscribe(lambda person: self._asked(person)),
        ]

    @property
    def uuid(self) -> int:
        """Whose it is; 0: nobody's."""
        return self._uuid

    def show_person(self, uuid: int) -> None:
        """Show somebody."""
        self._uuid = uuid
        self._say("")
        self.sure.hide()
        self._ask_again.setText(self.tr("Send friend request"))
        self._ask_again.setEnabled(True)
        self._fill()
        self.alias.setText(self._contacts.account.person(uuid).alias)

    def _fill(self) -> None:
        if not self._uuid:
            return
        person = self._contacts.account.person(self._uuid)
        me = person.uuid == self._contacts.account.me.uuid
        busy = self._uuid in self._contacts.busy
        presence = self._contacts.account.presence(person.uuid)
        online = presence is not None and presence.online
        self.avatar.show_person(person.uuid, person.name, person.avatar, online=online)
        self.name.setText(shown_name(person.name))
        names = [shown_name(person.username)]
        if person.alias and person.nickname and person.nickname != person.username:
            names.insert(0, shown_name(person.nickname))
        self.username.setText(" · ".join(names))
        self.about.setText(shown(person.description[:1000]))
        self.about.setVisible(bool(person.description))
        sexes = {1: self.tr("male"), 2: self.tr("female")}
        facts = [self.tr("Number {number}").format(number=person.uuid), sexes.get(person.sex, "")]
        facts.append(presence_words.seen(presence, self._now()))
        self.facts.setText(" · ".join(fact for fact in facts if fact))
        self.talk.setVisible(self._talks and person.friend)
        self._ask_again.setVisible(not person.friend and not me and not person.blocked)
        self._alias_row.setVisible(not me and person.friend)
        self.block.setVisible(not me)
        self.block.setText(self.tr("Unblock") if person.blocked else self.tr("Block"))
        self.unfriend.setVisible(person.friend and not self.sure.isVisibleTo(self))
        for button in (self.talk, self.block, self.unfriend):
            button.setEnabled(not busy)

    def _asked(self, person: Person) -> None:
        if person.uuid == self._uuid:
            self._ask_again.setText(self.tr("Request sent"))
            self._ask_again.setEnabled(False)

    def _rename(self) -> None:
        alias = self.alias.text().strip()
        if self._uuid and alias != self._contacts.account.person(self._uuid).alias:
            self._contacts.rename(self._uuid, alias)

    def _block(self) -> None:
        self._say("")
        self._contacts.block(self._uuid, not self._contacts.account.person(self._uuid).blocked)

    def _ask(self) -> None:
        self._say("")
        self.unfriend.hide()
        self.sure.ask()
        self.sure.no.connect(self._fill)

    def _say(self, problem: str) -> None:
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))

    def _label(self, role: str, *, centre: bool = False) -> QLabel:
        label = QLabel()
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setProperty("role", role)
        label.setWordWrap(True)
        if centre:
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        return label


class Sure(QFrame):
    """Asks once more, in its place: no dialog."""

    yes = Signal()
    no = Signal()

    def __init__(self, question: str, answer: str) -> None:
        super().__init__()
        self.words = QLabel(question)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setWordWrap(True)
        self.words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.yes_button = QPushButton(answer)
        self.yes_button.setProperty("kind", "danger")
        self.no_button = QPushButton(self.tr("Cancel"))
        self.yes_button.clicked.connect(self._yes)
        self.no_button.clicked.connect(self._no)
        row = QHBoxLayout()
        row.setSpacing(SMALL)
        row.addWidget(self.no_button)
        row.addWidget(self.yes_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SMALL)
        layout.addWidget(self.words)
        layout.addLayout(row)
        self.hide()

    def ask(self) -> None:
        """Ask."""
        self.show()
        self.no_button.setFocus()

    def _yes(self) -> None:
        self.hide()
        self.yes.emit()

    def _no(self) -> None:
        self.hide()
        self.no.emit()


class ProfilePage(ColumnPage):
    """A profile as a page."""

    def __init__(
        self, theme: Theme, avatars: Avatars, contacts: Contacts, *, now: Callable[[], int] = now_ms
    ) -> None:
        super().__init__(theme, self.tr("Profile"))
        self.profile = Profile(theme, avatars, contacts, now=now)
        self.column.addWidget(self.profile)
        self.column.addStretch()
