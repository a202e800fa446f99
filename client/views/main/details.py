"""What there is to know of a conversation: the other's profile, or the members."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from client.core.display import shown_name
from client.core.model import Conversation, ConversationKind
from client.theme import Theme
from client.theme.tokens import SMALL, TIGHT
from client.viewmodels.contacts import Contacts
from client.viewmodels.conversation_list import FOREVER, ConversationList, is_muted
from client.views.contacts.card import Card
from client.views.contacts.page import ColumnPage
from client.views.contacts.profile import Profile
from client.widgets.avatar import Avatars
from client.widgets.leading import align_leading

MEMBERS_MOST = 200


class Details(ColumnPage):
    """:attr:`person` tells whose profile is wanted, :attr:`find` that something is to be found here."""

    person = Signal(object)
    find_wanted = Signal()

    def __init__(
        self, theme: Theme, avatars: Avatars, contacts: Contacts, conversations: ConversationList
    ) -> None:
        super().__init__(theme, self.tr("Details"), close=True)
        self._avatars, self._contacts, self._conversations = avatars, contacts, conversations
        self._about: Conversation | None = None
        self._members: list[QWidget] = []
        self._shown: tuple[int, ...] = ()
        self.profile = Profile(theme, avatars, contacts, talks=False)
        self.group = QWidget()
        self._name = QLabel()
        self._name.setProperty("role", "title")
        self._name.setWordWrap(True)
        self._name.setTextFormat(Qt.TextFormat.PlainText)
        align_leading(self._name)
        self._list = QVBoxLayout(self.group)
        self._list.setContentsMargins(0, 0, 0, 0)
        self._list.setSpacing(SMALL)
        self._list.addWidget(self._name)
        self._group_actions = QVBoxLayout()
        self._list.addLayout(self._group_actions)
        self._list.addSpacing(TIGHT)
        self._buttons = QWidget()
        row = QHBoxLayout(self._buttons)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SMALL)
        self.find_button = QPushButton(self.tr("Find"))
        self.mute_button = QPushButton()
        self.pin_button = QPushButton()
        for button in (self.find_button, self.mute_button, self.pin_button):
            row.addWidget(button)
        self.find_button.clicked.connect(self.find_wanted)
        self.mute_button.clicked.connect(self._mute)
        self.pin_button.clicked.connect(self._pin)
        self.column.addWidget(self.profile)
        self.column.addWidget(self.group)
        self.column.addStretch()
        theme.follow(self._restyle)

    def show_conversation(self, about: Conversation | None) -> None:
        """Of which one."""
        self._about = about
        if about is None:
            return
        private = about.kind is ConversationKind.PRIVATE and bool(about.people)
        self.profile.setVisible(private)
        self.group.setVisible(not private)
        (self.profile.doing if private else self._group_actions).addWidget(self._buttons)
        if private:
            if self.profile.uuid != about.people[0]:
                self.profile.show_person(about.people[0])
        else:
            self._fill(about)
        self._restyle()

    def _fill(self, about: Conversation) -> None:
        self._name.setText(shown_name(about.title))
        me = self._contacts.account.me.uuid
        people = (me, *(uuid for uuid in about.people if uuid != me))[:MEMBERS_MOST]
        if people == self._shown:
            return
        self._shown = people
        for old in self._members:
            self._list.removeWidget(old)
            old.deleteLater()
        self._members = []
        for uuid in people:
            card = Card(self.theme, self._avatars, self._contacts.account.person(uuid))
            card.set_pressable()
            card.pressed.connect(lambda uuid=uuid: self.person.emit(uuid))
            self._members.append(card)
            self._list.addWidget(card)

    def _mute(self) -> None:
        if self._about is not None:
            self._conversations.mute(self._about, 0 if is_muted(self._about) else FOREVER)

    def _pin(self) -> None:
        if self._about is not None:
            self._conversations.pin(self._about, not self._about.pinned)

    def _restyle(self) -> None:
        about = self._about
        if about is None:
            return
        muted = is_muted(about)
        self.mute_button.setText(self.tr("Unmute") if muted else self.tr("Mute"))
        self.pin_button.setText(self.tr("Unpin") if about.pinned else self.tr("Pin"))
