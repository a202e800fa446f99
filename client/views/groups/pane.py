"""A group in the details: what it is, who belongs to it, and what can be done with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QMessageBox, QPushButton, QVBoxLayout, QWidget

from client.core.display import shown, shown_name
from client.core.groups import ADMIN, MEMBER, OWNER, Member
from client.core.model import Conversation, ConversationKind
from client.theme import Theme
from client.theme.tokens import AVATAR_BIG, GAP, SMALL, TIGHT, WIDE
from client.viewmodels.groups import Groups
from client.views.contacts.card import Card
from client.views.contacts.profile import Sure
from client.views.groups.heir import HeirDialog
from client.views.groups.parts import label
from client.widgets.avatar import Avatar, Avatars
from client.widgets.button import IconButton
from client.widgets.question import ask
from client.widgets.search_field import SearchField
from client.widgets.times import DAY, HOUR, WEEK, lasting, moment

MEMBERS_MOST = 200
"""Members that are shown; of more, the rest are counted."""

MUTES = (HOUR, 8 * HOUR, DAY, WEEK)
SEARCH_FROM = 12
"""With so many members there is a search."""


class GroupPane(QWidget):
    """:attr:`person` tells whose profile is wanted, :attr:`add` and :attr:`settings` ask for those pages."""

    person = Signal(object)
    add = Signal()
    settings = Signal()

    def __init__(self, theme: Theme, avatars: Avatars, groups: Groups) -> None:
        super().__init__()
        self._theme, self._avatars, self._groups = theme, avatars, groups
        self._about: Conversation | None = None
        self._read: tuple[object, ...] = ()
        self.members: list[Member] = []
        self._filled: list[object] = []
        self.cards: dict[int, Card] = {}
        self.waiting: dict[int, Card] = {}
        self.avatar = Avatar(theme, avatars, AVATAR_BIG)
        self.name, self.facts, self.words = label(role="title"), label(role="meta"), label(role="")
        for one in (self.name, self.facts, self.words):
            one.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.doing = QVBoxLayout()
        """Of what whoever shows it can do with it."""
        self.add_button = QPushButton(self.tr("Add members"))
        self.settings_button = QPushButton(self.tr("Group settings"))
        self.add_button.clicked.connect(self.add)
        self.settings_button.clicked.connect(self.settings)
        self._ways = QWidget()
        ways = QHBoxLayout(self._ways)
        ways.setContentsMargins(0, 0, 0, 0)
        ways.setSpacing(SMALL)
        ways.addWidget(self.add_button)
        ways.addWidget(self.settings_button)
        self.problem = label(role="danger")
        self.problem.hide()
        self._waiting_title = label(self.tr("They ask to be let in"), "strong")
        self._waiting, self._list = QVBoxLayout(), QVBoxLayout()
        for column in (self._waiting, self._list):
            column.setSpacing(TIGHT)
        self._members_title = label(self.tr("Members"), "strong")
        self._more = label(role="meta")
        self.search = SearchField(theme, self.tr("Search members"))
        self.search.searched.connect(lambda _: self._fill())
        self.search.hide()
        self.heir: HeirDialog | None = None
        self.question: QMessageBox | None = None
        self.leave = QPushButton(self.tr("Leave group"))
        self.leave.setProperty("kind", "danger")
        self.sure = Sure(self.tr("Leave this group? What was said stays here."), self.tr("Leave"))
        self.leave.clicked.connect(self._ask_leave)
        self.sure.no.connect(self.leave.show)
        self.sure.yes.connect(self._leave)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, WIDE, 0, 0)
        layout.setSpacing(TIGHT)
        layout.addWidget(self.avatar, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addSpacing(SMALL)
        for words in (self.name, self.facts, self.words):
            layout.addWidget(words)
        layout.addSpacing(GAP)
        layout.addLayout(self.doing)
        layout.addWidget(self._ways)
        layout.addSpacing(GAP)
        layout.addWidget(self.problem)
        layout.addWidget(self._waiting_title)
        layout.addLayout(self._waiting)
        layout.addWidget(self._members_title)
        layout.addWidget(self.search)
        layout.addLayout(self._list)
        layout.addWidget(self._more)
        layout.addSpacing(GAP)
        layout.addWidget(self.leave)
        layout.addWidget(self.sure)
        self._ends = [
            groups.members.subscribe(self._have),
            groups.asking.subscribe(self._asked),
            groups.failed.subscribe(self._failed),
        ]

    @property
    def conversation(self) -> int:
        """Which group; 0: none."""
        return self._about.id if self._about is not None else 0

    def show_group(self, about: Conversation) -> None:
        """Of which one; what changes of it is read anew."""
        other = about.id != self.conversation
        self._about = about
        if other:
            self.members = []
            self._fill()
            self._fill_waiting([])
            self.problem.hide()
            self.sure.hide()
            self.search.clear()
        self.avatar.show_person(about.id, about.title, about.avatar)
        self.name.setText(shown_name(about.title))
        channel = about.kind is ConversationKind.CHANNEL
        facts = [self.tr("channel") if channel else "", self.tr("%n members", "", about.members)]
        self.facts.setText(
            self.tr("You are not in this group any more.")
            if about.gone
            else " · ".join(one for one in facts if one)
        )
        self.words.setText(shown(about.description))
        self.words.setVisible(bool(about.description))
        self._ways.setVisible(about.is_admin)
        self._members_title.setVisible(not about.gone)
        if about.gone and (self.members or self.waiting):
            self.members = []
            self._fill()
            self._fill_waiting([])
        self.leave.setVisible(not about.gone and not self.sure.isVisibleTo(self))
        read = (about.id, about.members, about.role, about.gone, about.asking)
        if self.isVisible() and not about.gone and read != self._read:
            self._read = read
            self._groups.read(about.id)

    def showEvent(self, event: object) -> None:
        if self._about is not None:
            self.show_group(self._about)

    # Who belongs to it.

    def _have(self, told: tuple[int, list[Member]]) -> None:
        if told[0] == self.conversation:
            self.problem.hide()
            self.members = told[1]
            if self._seen() != self._filled:  # else a menu that is open stays open
                self._fill()

    def _seen(self) -> list[object]:
        person, role = self._groups.account.person, self._about.role if self._about is not None else 0
        return [(one, person(one.uuid), role) for one in self.members]

    def _fill(self) -> None:
        self._filled = self._seen()
        for card in self.cards.values():
            self._list.removeWidget(card)
            card.deleteLater()
        self.cards = {}
        found = self._found()
        self.search.setVisible(len(self.members) >= SEARCH_FROM)
        for member in found[:MEMBERS_MOST]:
            card = self.cards[member.uuid] = self._card(member)
            self._list.addWidget(card)
        more = len(found) - MEMBERS_MOST
        self._more.setText(self.tr("and %n more", "", max(0, more)))
        self._more.setVisible(more > 0)

    def _found(self) -> list[Member]:
        sought = self.search.text().strip().casefold()
        if not sought:
            return self.members
        person = self._groups.account.person
        return [
            one
            for one in self.members
            if sought in person(one.uuid).name.casefold() or sought in person(one.uuid).username.casefold()
        ]

    def _card(self, member: Member) -> Card:
        account = self._groups.account
        person = replace(account.person(member.uuid), description="")  # it is said in the profile
        card = Card(self._theme, self._avatars, person)
        card.set_pressable()
        card.pressed.connect(lambda: self.person.emit(member.uuid))
        marks = [
            {OWNER: self.tr("owner"), ADMIN: self.tr("admin")}.get(member.role, ""),
            self.tr("muted") if member.muted_until_ms else "",
        ]
        words = " · ".join(mark for mark in marks if mark)
        if words:
            mark = QLabel(words)
            mark.setProperty("role", "meta")
            if member.muted_until_ms:
                mark.setToolTip(self.tr("until {time}").format(time=moment(member.muted_until_ms)))
            card.head.addWidget(mark)
            card.setAccessibleDescription(words)
        actions = self._actions(member)
        if actions:
            name = shown_name(account.person(member.uuid).name)
            button = IconButton(
                self._theme, "ellipsis", self.tr("What can be done with {name}").format(name=name)
            )
            menu = QMenu(button)
            menu.addActions(actions)
            for action in actions:
                action.setParent(menu)
            button.clicked.connect(lambda: menu.popup(button.mapToGlobal(button.rect().bottomLeft())))
            card.buttons.addWidget(button)
        return card

    def _actions(self, member: Member) -> list[QAction]:
        """What my role lets me do with somebody."""
        about, me = self._about, self._groups.account.me.uuid
        if about is None or not about.is_admin or member.uuid == me or member.role >= about.role:
            return []
        groups, number, uuid = self._groups, about.id, member.uuid
        name = shown_name(groups.account.person(uuid).name)
        made: list[QAction] = []

        def add(words: str, act: object) -> None:
            action = QAction(words)
            action.triggered.connect(act)
            made.append(action)

        if member.role == MEMBER:
            if member.muted_until_ms:
                add(self.tr("Let write again"), partial(groups.mute, number, uuid, 0))
            else:
                for seconds in MUTES:
                    words = self.tr("Mute for {time}").format(time=lasting(seconds))
                    add(words, partial(groups.mute, number, uuid, seconds))
        if about.role == OWNER:
            if member.role == MEMBER:
                add(self.tr("Make an admin"), partial(groups.set_role, number, uuid, ADMIN))
            else:
                add(self.tr("Take the admin role away"), partial(groups.set_role, number, uuid, MEMBER))
            add(
                self.tr("Hand the group over …"),
                partial(
                    self._ask,
                    self.tr("Hand the group over to {name}?").format(name=name),
                    self.tr("You are an admin then, and only they can give the group back."),
                    self.tr("Hand over"),
                    partial(groups.set_role, number, uuid, OWNER),
                ),
            )
        add(
            self.tr("Remove from the group …"),
            partial(
                self._ask,
                self.tr("Remove {name} from the group?").format(name=name),
                self.tr("What they wrote stays. They read and get nothing of the group any more."),
                self.tr("Remove"),
                partial(groups.remove, number, uuid),
            ),
        )
        return made

    # Who wants to.

    def _asked(self, told: tuple[int, list[int]]) -> None:
        if told[0] == self.conversation:
            self._fill_waiting(told[1])

    def _fill_waiting(self, people: list[int]) -> None:
        for card in self.waiting.values():
            self._waiting.removeWidget(card)
            card.deleteLater()
        self.waiting = {}
        self._waiting_title.setVisible(bool(people))
        for uuid in people:
            card = self.waiting[uuid] = Card(self._theme, self._avatars, self._groups.account.person(uuid))
            row = QHBoxLayout()
            row.setSpacing(SMALL)
            row.setContentsMargins(0, SMALL, 0, 0)
            for words, kind, accept in (
                (self.tr("Let in"), "primary", True),
                (self.tr("Decline"), "", False),
            ):
                button = QPushButton(words)
                button.setProperty("kind", kind)
                button.clicked.connect(partial(self._groups.let_in, self.conversation, uuid, accept))
                row.addWidget(button)
            row.addStretch()
            card.body.addLayout(row)
            self._waiting.addWidget(card)

    # How.

    def _ask(self, text: str, more: str, answer: str, act: Callable[[], object]) -> None:
        role = QMessageBox.ButtonRole.DestructiveRole
        self.question = ask(self, text, more, [(answer, role, act)])

    def _ask_leave(self) -> None:
        """Who owns a group hands it over first, but as the last one."""
        about, me = self._about, self._groups.account.me.uuid
        others = [one for one in self.members if one.uuid != me]
        if about is not None and about.role == OWNER and others:
            person = self._groups.account.person
            self.heir = HeirDialog(self._theme, self._avatars, others, person, self)
            self.heir.chosen.connect(partial(self._groups.hand_over_and_leave, about.id))
            self.heir.open()
        else:
            self.leave.hide()
            self.sure.ask()

    def _leave(self) -> None:
        self._groups.leave(self.conversation)

    def _failed(self, failed: tuple[str, str]) -> None:
        if failed[0] == "members":
            self.problem.setText(failed[1])
            self.problem.show()
            self.leave.show()
