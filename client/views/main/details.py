"""What there is to know of a conversation: the other's profile, or the members."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from client.core.model import Conversation, ConversationKind
from client.theme import Theme
from client.theme.tokens import SMALL
from client.viewmodels.contacts import Contacts
from client.viewmodels.conversation_list import FOREVER, ConversationList, is_muted
from client.viewmodels.groups import Groups
from client.viewmodels.work import now_ms
from client.views.contacts.page import ColumnPage
from client.views.contacts.profile import Profile
from client.views.groups.pane import GroupPane
from client.widgets.avatar import Avatars
from client.widgets.times import lasting


class Details(ColumnPage):
    """:attr:`person` tells whose profile is wanted, :attr:`find` that something is to be found here."""

    person = Signal(object)
    find_wanted = Signal()
    timer_wanted = Signal(object)
    """How long messages stay is to be chosen, below a button."""

    def __init__(
        self,
        theme: Theme,
        avatars: Avatars,
        contacts: Contacts,
        conversations: ConversationList,
        groups: Groups,
        *,
        now: Callable[[], int] = now_ms,
    ) -> None:
        super().__init__(theme, self.tr("Details"), close=True)
        self._conversations, self._theme = conversations, theme
        self._about: Conversation | None = None
        self.profile = Profile(theme, avatars, contacts, talks=False, now=now)
        self.group = GroupPane(theme, avatars, groups)
        self._buttons = QWidget()
        row = QHBoxLayout(self._buttons)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SMALL)
        self.find_button = QPushButton(self.tr("Find"))
        self.mute_button = QPushButton()
        self.pin_button = QPushButton()
        for button in (self.find_button, self.mute_button, self.pin_button):
            row.addWidget(button)
        self.timer_button = QPushButton()
        self.timer_button.clicked.connect(lambda: self.timer_wanted.emit(self.timer_button))
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
        doing = self.profile.doing if private else self.group.doing
        doing.addWidget(self._buttons)
        doing.addWidget(self.timer_button)
        if private:
            if self.profile.uuid != about.people[0]:
                self.profile.show_person(about.people[0])
        else:
            self.group.show_group(about)
        self._restyle()

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
        stays = self.tr("Messages stay")
        goes = self.tr("Messages disappear after {time}").format(time=lasting(about.timer))
        self.timer_button.setText(goes if about.timer else stays)
        self.timer_button.setIcon(self._theme.icon("timer"))
        self.timer_button.setVisible(not about.gone)
        muted = is_muted(about)
        self.mute_button.setText(self.tr("Unmute") if muted else self.tr("Mute"))
        self.pin_button.setText(self.tr("Unpin") if about.pinned else self.tr("Pin"))
